// SPDX-License-Identifier: MIT

#include "../support/tiny_model.hpp"

#include <multitudes/generate/vocabulary_file.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace mt = multitudes;
using namespace multitudes_test;

namespace {

const std::string keys = "tokenizer.ggml.";

mt::expected<mt::text::tokenizer> read(const tiny_gguf& model) {
  return mt::read_tokenizer(*mt::gguf::file::parse(model.bytes(), "tiny model"));
}

/// The tiny model's tokenizer with another value, or one more.
template <class T>
mt::expected<mt::text::tokenizer> read_with(const std::string& field, const T& value) {
  tiny_gguf model({.without = {keys + field}});
  model.out.add(keys + field, value);
  return read(model);
}

using tokens = std::vector<mt::token_id>;
constexpr mt::token_id start(1);
constexpr mt::token_id end(2);
constexpr mt::token_id space(259);
constexpr mt::token_id a(260);

}  // namespace

TEST_CASE("a SentencePiece text begins with the beginning token and a space unless a key says no") {
  CHECK(read(tiny_gguf({}))->encode("a") == tokens{start, space, a});
  CHECK(read_with("add_bos_token", false)->encode("a") == tokens{space, a});
  CHECK(read_with("add_space_prefix", false)->encode("a") == tokens{start, a});
  CHECK(read_with("add_eos_token", true)->encode("a", {.end_token = true}) ==
        tokens{start, space, a, end});
}

TEST_CASE("the largest number of 32 bits stands for no token, and larger ones are refused") {
  CHECK(read(tiny_gguf({}))->bos() == start);
  CHECK(read(tiny_gguf({}))->eos() == end);
  const auto without_end = read_with("eos_token_id", 0xFFFFFFFFu);
  REQUIRE(without_end.has_value());
  CHECK(!without_end->eos().has_value());
  CHECK(read_with("bos_token_id", 0xFFFFFFFFu)->encode("a") == tokens{space, a});
  for (const std::uint64_t id : {std::uint64_t{tiny_vocab_size}, (std::uint64_t{1} << 32) + 1}) {
    const auto refused = read_with("eos_token_id", id);
    REQUIRE(!refused.has_value());
    CHECK(refused.error().code == mt::errc::malformed);
  }
}

TEST_CASE("a key that is missing or of another type is named") {
  for (const char* field : {"model", "tokens"}) {
    const auto refused = read(tiny_gguf({.without = {keys + field}}));
    REQUIRE(!refused.has_value());
    CHECK(refused.error().code == mt::errc::not_found);
    CHECK(refused.error().place == "key " + keys + field);
  }
  for (const char* field : {"tokens", "eos_token_id", "add_bos_token", "scores"}) {
    const auto refused = read_with(field, std::string_view("text"));
    REQUIRE(!refused.has_value());
    CHECK(refused.error().code == mt::errc::malformed);
    CHECK(refused.error().place == "key " + keys + field);
  }
}

TEST_CASE("a tokenizer that is not implemented is refused by name") {
  const auto refused = read_with("model", std::string_view("unigram"));
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::unsupported);
  CHECK(refused.error().found == "\"unigram\"");
}

TEST_CASE("special tokens of Phi-3 swallow the space behind them, but for those between texts") {
  tiny_gguf phi({.without = {"general.architecture"}});
  phi.out.add("general.architecture", "phi3");
  const auto strips = read(phi);
  const auto keeps = read(tiny_gguf({}));
  REQUIRE(strips.has_value());
  const mt::text::encode_options how{.start_token = false, .parse_special = true};
  const auto kept = keeps->encode("</s> a", how);
  auto swallowed = kept;
  swallowed.erase(swallowed.begin() + 1);
  CHECK(kept[1] == space);
  CHECK(strips->encode("</s> a", how) == swallowed);
  CHECK(strips->encode("<s> a", how) == keeps->encode("<s> a", how));
}
