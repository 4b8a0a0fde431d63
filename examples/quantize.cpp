// SPDX-License-Identifier: MIT
// Writes a model again with smaller numbers, and says what that costs on a text.

#include "cli.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/save_model.hpp>
#include <multitudes/generate/score.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mt = multitudes;

namespace {

/// The mean loss in nats a token, in windows that each begin as a text does.
double loss_of(const mt::language_model& lm, const std::string& path) {
  const auto file = example::or_exit(mt::file_bytes::read(path));
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()),
                              file.bytes().size());
  const auto tokens = lm.tokenizer->encode(text, {.start_token = false});
  const std::size_t context = std::max<std::size_t>(lm.shape().context_length, 2);
  std::vector<mt::scored_text> windows;
  for (std::size_t first = 0; first < tokens.size(); first += context - 1) {
    auto& window = windows.emplace_back().tokens;
    window.push_back(lm.tokenizer->bos().value_or(mt::token_id(0)));
    const std::size_t last = std::min(first + context - 1, tokens.size());
    for (std::size_t i = first; i < last; ++i) window.push_back(tokens[i]);
  }
  mt::thread_pool workers;
  auto batch = example::or_exit(mt::batch::make(lm, {.n_sequences = 4, .context = context}));
  const auto sums = example::or_exit(mt::log_probabilities(batch, workers, windows));
  return -std::accumulate(sums.begin(), sums.end(), 0.0) / static_cast<double>(tokens.size());
}

/// What a file says of its origin, which a model in memory does not know.
std::vector<std::pair<std::string, std::string>> origin_of(const mt::gguf::file& file) {
  std::vector<std::pair<std::string, std::string>> texts;
  for (const mt::gguf::entry& entry : file.metadata()) {
    const bool wanted = entry.key == "tokenizer.chat_template" ||
                        (entry.key.starts_with("general.") && entry.key != "general.architecture");
    const auto text = entry.content.as_string();
    if (wanted && text) texts.emplace_back(entry.key, *text);
  }
  return texts;
}

void report(const char* what, const std::string& path, const std::string& text) {
  std::printf("%s\t%ju bytes", what, static_cast<std::uintmax_t>(std::filesystem::file_size(path)));
  if (!text.empty()) {
    std::printf("\t%.6f nats", loss_of(example::or_exit(mt::load_model(path)), text));
  }
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  using mt::simd::weight_format;
  const std::map<std::string, weight_format> formats{{"f32", weight_format::f32},
                                                     {"f16", weight_format::f16},
                                                     {"bf16", weight_format::bf16},
                                                     {"q8_0", weight_format::q8_0},
                                                     {"q4_0", weight_format::q4_0}};
  std::string in;
  std::string out;
  std::string text;
  weight_format format = weight_format::q8_0;
  CLI::App app("Writes a model in another format: f32, f16, bf16, q8_0 or q4_0.");
  app.add_option("--model", in, "the model, a GGUF file")->required();
  app.add_option("--out", out, "where the new one goes")->required();
  app.add_option("--format", format, "of the matrices (default: q8_0)")
      ->transform(CLI::CheckedTransformer(formats));
  app.add_option("--text", text, "also measure the loss on this file, before and after");
  example::parse_or_exit(app, argc, argv);

  report("before", in, text);
  auto file = example::or_exit(mt::gguf::file::read(in));
  const mt::save_options how{.format = format, .metadata = origin_of(file)};
  const auto lm = example::or_exit(mt::make_language_model(std::move(file)));
  const auto saved = example::or_exit(mt::save_model(lm, out, how));
  for (const std::string& name : saved.in_f16) {
    std::printf("%s\tis F16: its rows are not whole blocks\n", name.c_str());
  }
  report("after", out, text);
}
