// SPDX-License-Identifier: MIT
#include <multitudes/simd/exp.hpp>

#include "../support/long_run.hpp"
#include "sweep.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <vector>

namespace simd = multitudes::simd;
using namespace multitudes_test;

namespace {

/// The distance from `exact` in units of the last place of a T of that size.
template <class T, class Wide>
double ulps(T got, Wide exact) {
  const T rounded = static_cast<T>(exact);
  if (got == rounded)
    return std::isinf(rounded)
               ? 0
               : static_cast<double>(
                     std::fabs((static_cast<Wide>(got) - exact)) /
                     static_cast<Wide>(
                         std::nextafter(std::fabs(rounded), std::numeric_limits<T>::infinity()) -
                         std::fabs(rounded)));
  if (!std::isfinite(got) || !std::isfinite(rounded)) return 1e9;
  const T above = std::nextafter(rounded, std::numeric_limits<T>::infinity());
  const T unit = std::isfinite(above) ? above - rounded : rounded - std::nextafter(rounded, T(0));
  return static_cast<double>(std::fabs(static_cast<Wide>(got) - exact) / static_cast<Wide>(unit));
}

}  // namespace

TEST_CASE("exp is within 1.1 ulp for floats from underflow to overflow") {
  // Every stride-th float of either sign: the same density in every binade.
  const auto stride = static_cast<std::uint32_t>(sample_count(20011, 401));
  for_each_isa([&]<class I>() {
    double worst = 0;
    std::vector<float> x;
    const auto flush = [&] {
      auto y = x;
      simd::exp<I>(y);
      for (std::size_t i = 0; i < x.size(); ++i) {
        worst = std::max(worst, ulps(y[i], std::exp(static_cast<double>(x[i]))));
      }
      x.clear();
    };
    for (const std::uint32_t sign : {0u, 0x80000000u}) {
      for (std::uint32_t bits = 0; bits < 0x42e00000u; bits += stride) {  // to 112
        x.push_back(std::bit_cast<float>(bits | sign));
        if (x.size() == 4096) flush();
      }
    }
    flush();
    CHECK(worst < 1.1);
  });
}

TEST_CASE("exp is within 1.1 ulp for doubles" *
          doctest::skip(std::numeric_limits<long double>::digits < 64)) {
  const int n = sample_count(20000, 2000000);
  for_each_isa([&]<class I>() {
    std::vector<double> x;
    for (int i = 0; i <= n; ++i) x.push_back(-750 + 1465.0 * i / n);
    auto y = x;
    simd::exp<I>(y);
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      worst = std::max(worst, ulps(y[i], std::exp(static_cast<long double>(x[i]))));
    }
    CHECK(worst < 1.1);
  });
}

TEST_CASE_TEMPLATE("exp of 0, infinities and NaN", T, float, double) {
  const T infinity = std::numeric_limits<T>::infinity();
  for_each_isa([&]<class I>() {
    std::vector<T> x{0,
                     -T(0),
                     infinity,
                     -infinity,
                     std::numeric_limits<T>::quiet_NaN(),
                     std::numeric_limits<T>::max(),
                     std::numeric_limits<T>::lowest()};
    simd::exp<I>(x);
    CHECK(x[0] == 1);
    CHECK(x[1] == 1);
    CHECK(x[2] == infinity);
    CHECK(x[3] == 0);
    CHECK(std::isnan(x[4]));
    CHECK(x[5] == infinity);
    CHECK(x[6] == 0);
  });
}

TEST_CASE_TEMPLATE("exp agrees with its twin at every length", T, float, double) {
  for_each_isa([]<class I>() {
    sweep<T>([](std::size_t n, std::size_t offset) {
      auto x = random_numbers<T>(n, offset, 1, 20), twin = x;
      simd::exp<I>(x.span());
      simd::exp<simd::scalar>(twin.span());
      bool good = x.intact();
      // Ours is within 1.1 ulp, the standard library's within 0.6.
      for (std::size_t i = 0; i < n; ++i) good &= near(x[i], twin[i], 2 * epsilon<T> * twin[i]);
      CHECK(good);
    });
  });
}
