// SPDX-License-Identifier: MIT
// Published vocabularies with inputs and the tokens that their makers' tokenizers give.
#include <multitudes/generate/vocabulary_file.hpp>
#include <multitudes/text/stream_decoder.hpp>
#include <multitudes/text/tokenizer.hpp>

#include "../support/shared_data.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

using namespace multitudes;
using multitudes::text::tokenizer;
using multitudes_test::shared_file;

namespace {

tokenizer tokenizer_of(const std::string& path) {
  const auto file = gguf::file::read(path);
  REQUIRE_MESSAGE(file.has_value(), path);
  auto t = read_tokenizer(*file);
  REQUIRE_MESSAGE(t.has_value(), t.error().message());
  return *std::move(t);
}

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The parts of a text that each end with `end`.
std::vector<std::string> parts(std::string_view all, std::string_view end) {
  std::vector<std::string> out;
  while (!all.empty()) {
    const std::size_t place = all.find(end);
    REQUIRE(place != all.npos);
    out.emplace_back(all.substr(0, place));
    all.remove_prefix(place + end.size());
  }
  return out;
}

std::string joined(const std::vector<token_id>& tokens) {
  std::string out;
  for (const token_id t : tokens) out += " " + std::to_string(t.value);
  return out;
}

void check_vectors(const std::string& name) {
  const auto model = shared_file("vocab/ggml-vocab-" + name + ".gguf");
  if (!model) return;
  const tokenizer t = tokenizer_of(*model);
  const auto inputs = parts(contents(*model + ".inp"), "\n__ggml_vocab_test__\n");
  const auto outputs = parts(contents(*model + ".out"), "\n");
  REQUIRE(inputs.size() == 46);
  REQUIRE(outputs.size() == inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    CAPTURE(inputs[i]);
    const auto tokens = t.encode(inputs[i], {.start_token = false});
    CHECK(joined(tokens) == outputs[i]);
    CHECK(t.decode(tokens) == inputs[i]);
  }
}

}  // namespace

TEST_CASE("every published vector of the Llama vocabulary passes") { check_vectors("llama-spm"); }
TEST_CASE("every published vector of the Phi-3 vocabulary passes") { check_vectors("phi-3"); }
TEST_CASE("every published vector of the GPT-2 vocabulary passes") { check_vectors("gpt-2"); }

TEST_CASE("Phi-3's chat tokens swallow the white space after them") {
  const auto model = shared_file("vocab/ggml-vocab-phi-3.gguf");
  if (!model) return;
  const tokenizer t = tokenizer_of(*model);
  // What llama.cpp gives for this prompt.
  CHECK(joined(t.encode("<|user|>\nSYS\nHI<|end|>\n<|assistant|>\n", {.parse_special = true})) ==
        " 1 32010 317 21554 13 17628 32007 32001");
}

TEST_CASE("the story model's vocabulary gives its known tokens and the text back") {
  const auto model = shared_file("models/stories260K/stories260Ktok512.gguf");
  if (!model) return;
  const tokenizer t = tokenizer_of(*model);
  CHECK(t.vocab_size() == 512);
  const auto tokens = t.encode("Once upon a time");
  REQUIRE_FALSE(tokens.empty());
  CHECK(tokens[0] == token_id(1));
  CHECK(joined(tokens) == " 1 403 407 261 378");
  CHECK(t.decode(tokens) == "Once upon a time");
  text::stream_decoder stream(t);
  std::string streamed;
  for (const token_id token : tokens) streamed += stream.append(token);
  CHECK(streamed == "Once upon a time");
}

TEST_CASE("a megabyte of one letter is encoded without waiting") {
  for (const char* name : {"llama-spm", "gpt-2"}) {
    const auto model = shared_file(std::string("vocab/ggml-vocab-") + name + ".gguf");
    if (!model) continue;
    const tokenizer t = tokenizer_of(*model);
    const std::string text(1 << 20, 'a');
    CHECK(t.decode(t.encode(text)) == text);
  }
}
