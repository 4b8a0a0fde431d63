// SPDX-License-Identifier: MIT
#include <multitudes/simd/adam_update.hpp>

#include "sweep.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace simd = multitudes::simd;
using namespace multitudes_test;

namespace {

template <class T>
constexpr simd::adam_step<T> some_step{.beta1 = T(0.9),
                                       .beta2 = T(0.95),
                                       .rate = T(0.02),
                                       .second_scale = T(3),
                                       .epsilon = T(1e-6),
                                       .shrink = T(0.97),
                                       .gradient_scale = T(0.5)};

template <class T>
guarded<T> squares(std::size_t n, std::size_t offset) {
  auto v = random_numbers<T>(n, offset, 4);
  for (T& x : v.span()) x *= x;
  return v;
}

}  // namespace

TEST_CASE_TEMPLATE("adam_update agrees with its twin", T, float, double) {
  for_each_isa([]<class I>() {
    sweep<T>([](std::size_t n, std::size_t offset) {
      const auto gradient = random_numbers<T>(n, 3 - offset, 1, 2);
      auto m = random_numbers<T>(n, offset, 2), twin_m = random_numbers<T>(n, 0, 2);
      auto v = squares<T>(n, offset), twin_v = squares<T>(n, 0);
      auto x = random_numbers<T>(n, 3 - offset, 3), twin_x = random_numbers<T>(n, 0, 3);
      simd::adam_update<I, T>(some_step<T>, gradient.span(), m.span(), v.span(), x.span());
      simd::adam_update<simd::scalar, T>(some_step<T>, gradient.span(), twin_m.span(),
                                         twin_v.span(), twin_x.span());
      bool good = m.intact() && v.intact() && x.intact();
      for (std::size_t i = 0; i < n; ++i) {
        // A few roundings each: of terms up to 2, up to 4, and up to 2 (the step is below 0.1).
        good &= near(m[i], twin_m[i], 4 * epsilon<T>);
        good &= near(v[i], twin_v[i], 8 * epsilon<T>);
        good &= near(x[i], twin_x[i], 8 * epsilon<T>);
      }
      CHECK(good);
    });
  });
}

TEST_CASE_TEMPLATE("one step of adam_update by hand", T, float, double) {
  for_each_isa([]<class I>() {
    const simd::adam_step<T> s{.beta1 = T(0.5),
                               .beta2 = T(0.75),
                               .rate = T(0.25),
                               .second_scale = T(4),
                               .epsilon = T(1),
                               .shrink = T(0.5),
                               .gradient_scale = T(2)};
    // g = 4; m = 0.5 * 2 + 0.5 * 4 = 3;  v = 0.75 * 20 / 3 + 0.25 * 16 = 9; the step is
    // 0.25 * 3 / (sqrt(36) + 1).
    const std::vector<T> gradient{2, 0};
    std::vector<T> m{2, 0}, v{T(20) / 3, 0}, x{10, 6};
    simd::adam_update<I, T>(s, gradient, m, v, x);
    CHECK(m == std::vector<T>{3, 0});
    CHECK(v[0] == doctest::Approx(9.0));
    CHECK(v[1] == 0);
    CHECK(x[0] == doctest::Approx(5.0 - 0.75 / 7.0));
    CHECK(x[1] == 3);
  });
}
