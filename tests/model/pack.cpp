// SPDX-License-Identifier: MIT

#include "../support/tiny_model.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/batch.hpp>
#include <multitudes/model/pack.hpp>

#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <vector>

namespace mt = multitudes;
namespace simd = multitudes::simd;
using namespace multitudes_test;

namespace {

mt::language_model with(const mt::language_model& lm, mt::model::weights w) {
  mt::language_model changed = lm;
  changed.weights = std::make_shared<const mt::model::weights>(std::move(w));
  return changed;
}

std::vector<float> logits_of(const mt::language_model& lm) {
  auto b = *mt::batch::make(lm, {.n_sequences = 1, .context = 64});
  mt::inline_executor one;
  const auto tokens = some_tokens(30);
  std::vector<float> result;
  const mt::feed f{*b.open(), tokens, tokens.size(), {}};
  REQUIRE(b.evaluate(one, std::span(&f, 1), [&](mt::feed_place, std::span<float> logits) {
             result.insert(result.end(), logits.begin(), logits.end());
           }).has_value());
  return result;
}

std::span<const std::byte> bytes_of(const simd::weight_matrix& m) {
  return {m.data, simd::n_panels(m) * simd::panel_bytes(m)};
}

bool same_bytes(const simd::weight_matrix& a, const simd::weight_matrix& b) {
  const auto x = bytes_of(a), y = bytes_of(b);
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size()) == 0;
}

}  // namespace

TEST_CASE("a packed model gives the logits of the model that it was packed from, to the bit") {
  for (const auto format :
       {simd::weight_format::f32, simd::weight_format::f16, simd::weight_format::bf16,
        simd::weight_format::q8_0, simd::weight_format::q4_0}) {
    for (const bool tied : {false, true}) {
      CAPTURE(static_cast<int>(format));
      CAPTURE(tied);
      const auto lm = tiny_model({.format = format, .tied = tied, .rough = true});
      mt::inline_executor one;
      const auto packed = mt::model::pack(*lm.weights, one);
      REQUIRE(packed.has_value());
      CHECK(packed->layers[1].down.layout == simd::weight_layout::panels);
      CHECK(packed->layers[1].down.data != lm.weights->layers[1].down.data);
      CHECK(logits_of(with(lm, *packed)) == logits_of(lm));
    }
  }
}

TEST_CASE("a packed model needs nothing of what it was packed from") {
  auto lm = tiny_model({.format = simd::weight_format::q8_0, .rough = true});
  const auto wanted = logits_of(lm);
  mt::inline_executor one;
  const std::weak_ptr<const void> before = lm.weights->storage;
  lm = with(lm, *mt::model::pack(*lm.weights, one));
  CHECK(before.expired());
  CHECK(logits_of(lm) == wanted);
}

TEST_CASE("a head that is the embedding stays the embedding") {
  mt::inline_executor one;
  const auto tied = *mt::model::pack(*tiny_model({.tied = true, .rough = true}).weights, one);
  CHECK(tied.head.data == tied.embedding.data);
  CHECK(tied.head.layout == simd::weight_layout::panels);
  const auto apart = *mt::model::pack(*tiny_model({.rough = true}).weights, one);
  CHECK(apart.head.data != apart.embedding.data);
}

TEST_CASE("any number of workers packs the same bytes") {
  const auto lm = tiny_model({.format = simd::weight_format::q4_0, .rough = true});
  mt::inline_executor one;
  mt::thread_pool four(4);
  const auto a = *mt::model::pack(*lm.weights, one);
  const auto b = *mt::model::pack(*lm.weights, four);
  CHECK(same_bytes(a.embedding, b.embedding));
  CHECK(same_bytes(a.head, b.head));
  for (std::size_t l = 0; l < a.layers.size(); ++l) {
    CHECK(same_bytes(a.layers[l].query, b.layers[l].query));
    CHECK(same_bytes(a.layers[l].gate, b.layers[l].gate));
    CHECK(same_bytes(a.layers[l].down, b.layers[l].down));
  }
}

TEST_CASE("progress names every matrix once and never goes back") {
  const auto lm = tiny_model({.format = simd::weight_format::q8_0, .tied = true, .rough = true});
  mt::inline_executor one;
  std::size_t n = 0, last = 0, whole = 0, bytes = 0;
  const auto told = [&](std::span<const std::byte> packed, std::size_t done, std::size_t in_all) {
    ++n;
    bytes += packed.size();
    CHECK(done > last);
    CHECK(done <= in_all);
    last = done;
    whole = in_all;
  };
  REQUIRE(mt::model::pack(*lm.weights, one, told).has_value());
  CHECK(n == 1 + 7 * lm.shape().n_layers);  // the head is the embedding
  // What is left are the last vectors and alignment.
  CHECK(whole - last < 4096);
  CHECK(bytes <= whole);
}

TEST_CASE("packing what is packed gives it back") {
  const auto lm = tiny_model({.format = simd::weight_format::q8_0, .rough = true});
  mt::inline_executor one;
  auto packed = *mt::model::pack(*lm.weights, one);
  auto again = *mt::model::pack(packed, one);
  CHECK(again.embedding.data == packed.embedding.data);
  CHECK(again.storage == packed.storage);
  packed = {};
  CHECK(logits_of(with(lm, std::move(again))) == logits_of(lm));
}

TEST_CASE("a model that no machine can hold is refused with a way out") {
  mt::model::weights w = *tiny_model({.rough = true}).weights;
  w.layers[0].up.rows = std::size_t{1} << 62;
  mt::inline_executor one;
  const auto refused = mt::model::pack(w, one);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::out_of_memory);
  CHECK(refused.error().remedy.find("map") != std::string::npos);
}
