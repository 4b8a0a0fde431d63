// SPDX-License-Identifier: MIT

#include <multitudes/generate/sampler.hpp>
#include <multitudes/generate/token_mask.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace mt = multitudes;
using mt::token_id;

TEST_CASE("a mask leaves proportions as they are, and one that allows nothing is an error") {
  mt::token_mask mask(70);
  for (const std::size_t t : {0u, 3u, 69u}) mask.allow(token_id(t));
  CHECK(mask.count() == 3);
  CHECK(!mask.allows(token_id(70)));
  std::vector<float> logits(72, 5.0f);
  logits[0] = 0.0f, logits[3] = 1.0f, logits[69] = 2.0f;
  const std::vector<float> as_they_were = logits;
  std::vector<int> counts(72, 0);
  mt::sampler s({.temperature = 1.0f, .seed = 2}, 72);
  constexpr int n = 30'000;
  for (std::size_t i = 0; i < n; ++i) {
    logits = as_they_were;
    ++counts[s.choose(logits, mask, {}, mt::position(i))->value];
  }
  const double total = 1 + std::exp(1.0) + std::exp(2.0);
  for (const std::size_t t : {0u, 3u, 69u}) {
    const double p = std::exp(static_cast<double>(as_they_were[t])) / total;
    CHECK(std::abs(counts[t] / static_cast<double>(n) - p) < 5 * std::sqrt(p * (1 - p) / n));
  }
  CHECK(counts[0] + counts[3] + counts[69] == n);
  for (const std::size_t k : {1u, 2u, 40u}) {
    mt::sampler likeliest({.temperature = 1.0f, .top_k = k}, 72);
    for (std::size_t i = 0; i < 50; ++i) {
      logits = as_they_were;
      const auto t = *likeliest.choose(logits, mask, {}, mt::position(i));
      CHECK(mask.allows(t));
      if (k == 1) CHECK(t == token_id(69));
    }
  }
  logits = as_they_were;
  CHECK(s.choose(logits, mt::token_mask(72), {}, mt::position(0)).error().code ==
        mt::errc::not_found);
  CHECK(logits == as_they_were);
  for (const std::size_t t : {0u, 3u, 69u}) logits[t] = -std::numeric_limits<float>::infinity();
  CHECK(!mt::restrict_to(mask, logits).has_value());
}
