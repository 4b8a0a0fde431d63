// SPDX-License-Identifier: MIT

#include "../support/tiny_model.hpp"

#include <multitudes/generate/language_model.hpp>
#include <multitudes/generate/session.hpp>

#include <doctest/doctest.h>

#include <cstdio>
#include <string>
#include <vector>

namespace mt = multitudes;
using namespace multitudes_test;

namespace {

mt::expected<mt::language_model> make(const tiny_gguf& model) {
  return mt::make_language_model(*mt::gguf::file::parse(model.bytes(), "tiny model"));
}

}  // namespace

TEST_CASE("a model's space is its fingerprint, its layers and its width") {
  const auto lm = tiny_model({.n_layers = 2});
  CHECK(lm.space() == mt::activation_space{lm.weights->id, mt::hook_point::residual_stream, 2, 32});
}

TEST_CASE("a file without a tokenizer or with one that is not implemented is refused") {
  CHECK(make(tiny_gguf({.without = {"tokenizer.ggml.model"}})).error().code == mt::errc::not_found);
  tiny_gguf other({.without = {"tokenizer.ggml.model"}});
  other.out.add("tokenizer.ggml.model", "bert");
  const auto refused = make(other);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::unsupported);
  CHECK(refused.error().message().find("bert") != std::string::npos);
}

TEST_CASE("a tokenizer may know fewer pieces than the model has embeddings, and not more") {
  const auto with_rows = [](std::uint64_t rows) {
    tiny_gguf model({.tied = true, .without = {"token_embd.weight"}});
    const std::vector<float> embedding(rows * 32, 0.5f);
    model.out.add_tensor("token_embd.weight", {32, rows}, mt::gguf::tensor_type::f32,
                         std::as_bytes(std::span(embedding)));
    return make(model);
  };
  CHECK(with_rows(tiny_vocab_size + 1).has_value());
  CHECK(with_rows(tiny_vocab_size).has_value());
  const auto refused = with_rows(tiny_vocab_size - 1);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::shape_mismatch);
  CHECK(refused.error().place == "key tokenizer.ggml.tokens");
}

TEST_CASE("a model that is mapped and one that is read have the same logits") {
  const std::string path = "language_model_for_test.gguf";
  REQUIRE(tiny_gguf({}).out.save(path).has_value());
  const auto logits = [&](bool map) {
    const auto lm = mt::load_model(path, {.map = map});
    REQUIRE_MESSAGE(lm.has_value(), lm.error().message());
    auto s = *mt::session<>::make(*lm);
    REQUIRE(s.read("abc").has_value());
    return std::vector<float>(s.logits().begin(), s.logits().end());
  };
  const auto read = logits(false);
  CHECK(!read.empty());
  CHECK(logits(true) == read);
  std::remove(path.c_str());
  CHECK(mt::load_model(path).error().code == mt::errc::io_failure);
  CHECK(mt::load_model(path, {.map = true}).error().code == mt::errc::io_failure);
}
