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

TEST_CASE_TEMPLATE("rms_norm_backward agrees with its twin, and adds", T, float, double) {
  for_each_isa([]<class I>() {
    sweep<T>([](std::size_t n, std::size_t offset) {
      const auto x = random_numbers<T>(n, offset, 1, 3);
      const auto weight = random_numbers<T>(n, 3 - offset, 2);
      const auto d_out = random_numbers<T>(n, offset, 3);
      auto got = random_numbers<T>(n, 3 - offset, 4), twin = random_numbers<T>(n, 0, 4);
      const T scale =
          simd::rms_norm_backward<I, T>(x.span(), weight.span(), T(1e-5), d_out.span(), got.span());
      const T twin_scale = simd::rms_norm_backward<simd::scalar, T>(
          x.span(), weight.span(), T(1e-5), d_out.span(), twin.span());
      bool good = got.intact();
      if (n == 0) {
        CHECK(good);
        return;
      }
      const T bound = (static_cast<T>(n) + 12) * epsilon<T>;
      good &= near(scale, twin_scale, bound * twin_scale);
      // The mean of weight * d_out * x has terms of both signs: n roundings of at most 3 each,
      // over n; times x * scale^3, and scale is below 4 here for rows of more than two numbers.
      const T size = 1 + twin_scale * (1 + 9 * twin_scale * twin_scale);
      for (std::size_t i = 0; i < n; ++i) good &= near(got[i], twin[i], bound * size);
      CHECK(good);
    });
  });
}

TEST_CASE("rms_norm_backward is the slope of rms_norm") {
  for (const std::size_t n : {1u, 5u, 33u}) {
    auto x = random_numbers<double>(n, 0, 1, 3.0);
    const auto weight = random_numbers<double>(n, 0, 2);
    const auto d_out = random_numbers<double>(n, 0, 3);
    std::vector<double> out(n), dx(n, 0.5);
    const double scale = simd::rms_norm_backward<simd::native, double>(x.span(), weight.span(),
                                                                       1e-3, d_out.span(), dx);
    const auto loss = [&] {
      simd::rms_norm<simd::scalar>(x.span(), weight.span(), 1e-3, out);
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += d_out[i] * out[i];
      return sum;
    };
    loss();
    for (std::size_t i = 0; i < n; ++i) {
      CHECK(out[i] == doctest::Approx(x[i] * scale * weight[i]));
    }
    for (std::size_t i = 0; i < n; ++i) {
      constexpr double h = 1e-5;
      const double kept = x[i];
      x[i] = kept + h;
      const double above = loss();
      x[i] = kept - h;
      const double below = loss();
      x[i] = kept;
      CHECK(dx[i] - 0.5 == doctest::Approx((above - below) / (2 * h)).epsilon(1e-6));
    }
  }
}
