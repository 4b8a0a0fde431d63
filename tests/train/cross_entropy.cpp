// SPDX-License-Identifier: MIT
#include <multitudes/core/philox.hpp>
#include <multitudes/train/cross_entropy.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

using namespace multitudes;

TEST_CASE_TEMPLATE("cross-entropy and its gradient are those of the definition", T, float, double) {
  const double rounding = std::is_same_v<T, float> ? 1e-6 : 1e-14;
  for (const std::size_t n : {1u, 2u, 7u, 16u, 33u, 500u}) {
    for (const double spread : {0.1, 3.0, 40.0}) {
      philox random(n);
      std::vector<T> logits(n);
      for (T& x : logits) {
        x = static_cast<T>(spread * static_cast<double>(random.normal()) + 1000 * (spread > 30));
      }
      const token_id target(random.below(static_cast<std::uint32_t>(n)));
      const std::vector<double> kept(logits.begin(), logits.end());
      long double sum = 0;
      for (const double x : kept) sum += std::exp(static_cast<long double>(x - kept[0]));
      const auto log_p = [&](std::size_t v) {
        return kept[v] - kept[0] - static_cast<double>(std::log(sum));
      };
      const T weight = static_cast<T>(-0.75);
      const double loss = train::cross_entropy<simd::native, T>(logits, target, weight);
      CHECK(std::abs(loss + log_p(target.value)) < rounding * (10 + std::abs(loss)));
      for (std::size_t v = 0; v < n; ++v) {
        const double wanted = -0.75 * (std::exp(log_p(v)) - (v == target.value ? 1 : 0));
        CHECK(std::abs(static_cast<double>(logits[v]) - wanted) < 5 * rounding);
      }
    }
  }
}

TEST_CASE("extreme logits give finite losses") {
  std::vector<float> logits{1e30f, -1e30f, 0.0f};
  CHECK(train::cross_entropy<simd::native, float>(logits, token_id(0), 1.0f) == 0.0);
  CHECK(logits == std::vector<float>{0, 0, 0});
  logits = {1e30f, -1e30f, 0.0f};
  CHECK(train::cross_entropy<simd::native, float>(logits, token_id(2), 1.0f) ==
        doctest::Approx(1e30));
  CHECK(logits == std::vector<float>{1, 0, -1});
}
