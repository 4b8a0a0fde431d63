// SPDX-License-Identifier: MIT
#include <multitudes/simd/rms_norm.hpp>

#include "sweep.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace simd = multitudes::simd;
using namespace multitudes_test;

TEST_CASE_TEMPLATE("rms_norm agrees with its twin, also in place", T, float, double) {
  for_each_isa([]<class I>() {
    sweep<T>([](std::size_t n, std::size_t offset) {
      auto x = random_numbers<T>(n, offset, 1, 3);
      const auto weight = random_numbers<T>(n, 3 - offset, 2);
      guarded<T> got(n, offset), twin(n, 0);
      simd::rms_norm<I>(x.span(), weight.span(), T(1e-5), got.span());
      simd::rms_norm<simd::scalar>(x.span(), weight.span(), T(1e-5), twin.span());
      bool good = got.intact();
      // The sum of squares has only positive terms: n roundings, halved by the root; then five
      // more operations on either side.
      const T bound = (static_cast<T>(n) / 2 + 5) * epsilon<T>;
      for (std::size_t i = 0; i < n; ++i) {
        good &= near(got[i], twin[i], bound * std::fabs(twin[i]));
      }
      CHECK(good);
      simd::rms_norm<I>(x.span(), weight.span(), T(1e-5), x.span());
      CHECK(x.intact());
      CHECK(std::equal(x.span().begin(), x.span().end(), got.span().begin()));
    });
  });
}

TEST_CASE("rms_norm of a known row") {
  // mean of squares (1 + 49) / 2 = 25
  const std::vector<float> x{1, -7}, weight{2, 10};
  std::vector<float> out(2);
  simd::rms_norm<simd::native>(x, weight, 0.0f, out);
  CHECK(out[0] == doctest::Approx(0.4));
  CHECK(out[1] == doctest::Approx(-14.0));
  const std::vector<float> zero(5, 0.0f), ones(5, 1.0f);
  out.assign(5, 9.0f);
  simd::rms_norm<simd::native>(zero, ones, 1e-5f, out);
  CHECK(out == zero);
}
