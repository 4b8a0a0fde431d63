// SPDX-License-Identifier: MIT
#pragma once

#include "../or_exit.hpp"
#include "recipe.hpp"

#include <multitudes/generate/language_model.hpp>
#include <multitudes/generate/save_model.hpp>

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace training {

using namespace multitudes;
using example::or_exit;

/// How conversations are written, for programs that ask the file.
inline constexpr const char* chat_template =
    "{% for message in messages %}<|{{ message.role }}|>\n{{ message.content }}<|end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}";

/// The same tokenizer for a model that converses: its texts end where an answer does.
inline std::shared_ptr<const text::tokenizer> ending_answers(const text::tokenizer& tokenizer) {
  return tokenizer.with_vocabulary([](text::vocabulary v) {
    for (std::size_t i = 0; i < v.pieces.size(); ++i) {
      if (v.pieces[i] == "<|end|>") v.eos = token_id(i);
    }
    return std::make_shared<const text::tokenizer>(or_exit(text::tokenizer::make(v)));
  });
}

/// Writes a stage twice: small, to ship, and in full precision, to go on from.
inline void keep(const recipe& r, const language_model& lm, const std::string& stage,
                 bool converses) {
  std::vector<std::pair<std::string, std::string>> metadata{
      {"general.name", "Multitudes " + stage},
      {"general.description", "trained by examples/train_default.cpp"}};
  if (converses) metadata.emplace_back("tokenizer.chat_template", chat_template);
  or_exit(save_model(lm, r.work + "/" + stage + ".f32.gguf", {.metadata = metadata}));
  const auto path = r.out + "/" + stage + ".gguf";
  or_exit(save_model(lm, path, {.format = simd::weight_format::q8_0, .metadata = metadata}));
  std::printf("wrote %s (%llu bytes)\n", path.c_str(),
              static_cast<unsigned long long>(std::filesystem::file_size(path)));
}

inline language_model load_stage(const recipe& r, const std::string& stage) {
  return or_exit(load_model(r.work + "/" + stage + ".f32.gguf"));
}

}  // namespace training
