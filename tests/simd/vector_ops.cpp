// SPDX-License-Identifier: MIT
#include <multitudes/simd/vector_ops.hpp>

#include "sweep.hpp"

#include <doctest/doctest.h>

#include <array>
#include <vector>

namespace simd = multitudes::simd;
using namespace multitudes_test;

namespace {

/// What summing n products in any order may differ from another: each of the n roundings of
/// either is at most half an epsilon of the sum of magnitudes.
template <class T>
T dot_bound(std::span<const T> a, std::span<const T> b) {
  T magnitudes = 0;
  for (std::size_t i = 0; i < a.size(); ++i) magnitudes += std::fabs(a[i] * b[i]);
  return static_cast<T>(a.size()) * epsilon<T> * magnitudes;
}

}  // namespace

TEST_CASE_TEMPLATE("dot agrees with its twin", T, float, double) {
  for_each_isa([]<class I>() {
    sweep<T>([](std::size_t n, std::size_t offset) {
      const auto a = random_numbers<T>(n, offset, 1);
      const auto b = random_numbers<T>(n, 3 - offset, 2);
      CHECK(near(simd::dot<I>(a.span(), b.span()), simd::dot<simd::scalar>(a.span(), b.span()),
                 dot_bound(a.span(), b.span())));
    });
  });
}

TEST_CASE_TEMPLATE("dot counts every element once", T, float, double) {
  // Small integers: the sum is exact in any order.
  for_each_isa([]<class I>() {
    sweep<T>([](std::size_t n, std::size_t offset) {
      guarded<T> a(n, offset), b(n, offset);
      T expected = 0;
      for (std::size_t i = 0; i < n; ++i) {
        a[i] = static_cast<T>(i % 13) - 6;
        b[i] = static_cast<T>(i % 7) + 1;
        expected += a[i] * b[i];
      }
      CHECK(simd::dot<I, T>(a.span(), b.span()) == expected);
      CHECK(simd::sum_of_squares<I>(a.span()) == simd::dot<I>(a.span(), a.span()));
    });
  });
}

TEST_CASE_TEMPLATE("dot has the same bits wherever its data starts", T, float, double) {
  for_each_isa([]<class I>() {
    sweep<T>([](std::size_t n, std::size_t offset) {
      const auto a = random_numbers<T>(n, offset, 1), at_zero = random_numbers<T>(n, 0, 1);
      CHECK(simd::dot<I>(a.span(), a.span()) == simd::dot<I>(at_zero.span(), at_zero.span()));
    });
  });
}

TEST_CASE_TEMPLATE("axpy, scaled_add and add agree with their twins", T, float, double) {
  for_each_isa([]<class I>() {
    sweep<T>([](std::size_t n, std::size_t offset) {
      const auto x = random_numbers<T>(n, offset, 1);
      const auto y = random_numbers<T>(n, 3 - offset, 2);
      const T a = T(0.7), b = T(-1.3);
      auto got = y, twin = y;
      simd::axpy<I>(a, x.span(), got.span());
      simd::axpy<simd::scalar>(a, x.span(), twin.span());
      // One rounding or two: they differ by half an epsilon of the product and of the sum.
      bool good = got.intact();
      for (std::size_t i = 0; i < n; ++i) good &= near(got[i], twin[i], 2 * epsilon<T>);
      CHECK(good);

      got = y, twin = y;
      simd::scaled_add<I>(a, x.span(), b, got.span());
      simd::scaled_add<simd::scalar>(a, x.span(), b, twin.span());
      good = got.intact();
      for (std::size_t i = 0; i < n; ++i) good &= near(got[i], twin[i], 3 * epsilon<T>);
      CHECK(good);

      got = y, twin = y;
      simd::add<I>(x.span(), got.span());
      simd::add<simd::scalar>(x.span(), twin.span());
      good = got.intact();
      for (std::size_t i = 0; i < n; ++i) good &= got[i] == twin[i];  // one addition: exact
      CHECK(good);
    });
  });
}

TEST_CASE_TEMPLATE("axpy with 0 changes no bit and x may be y", T, float, double) {
  for_each_isa([]<class I>() {
    sweep<T>([](std::size_t n, std::size_t offset) {
      const auto x = random_numbers<T>(n, offset, 1);
      auto y = random_numbers<T>(n, offset, 2), before = y;
      simd::axpy<I>(0, x.span(), y.span());
      CHECK(std::equal(y.span().begin(), y.span().end(), before.span().begin()));
      simd::add<I>(y.span(), y.span());
      bool good = true;
      for (std::size_t i = 0; i < n; ++i) good &= y[i] == 2 * before[i];
      CHECK(good);
    });
  });
}

TEST_CASE_TEMPLATE("max finds the largest wherever it is", T, float, double) {
  for_each_isa([]<class I>() {
    sweep<T>([](std::size_t n, std::size_t offset) {
      auto x = random_numbers<T>(n, offset, 1);
      CHECK(simd::max<I>(x.span()) == simd::max<simd::scalar>(x.span()));
      bool good = true;
      for (std::size_t i = 0; i < n; ++i) {
        auto y = x;
        y[i] = 5;
        good &= simd::max<I>(y.span()) == 5;
      }
      CHECK(good);
      for (T& value : x.span()) value -= 100;  // a padding of zeros would win
      CHECK(simd::max<I>(x.span()) == simd::max<simd::scalar>(x.span()));
    });
    const T infinity = std::numeric_limits<T>::infinity();
    CHECK(simd::max<I>(std::span<const T>()) == -infinity);
    CHECK(simd::max<I>(std::vector<T>{-infinity, infinity, 3}) == infinity);
  });
}

TEST_CASE("kernels take vectors, arrays and spans alike") {
  std::vector<float> v{1, 2, 3};
  const std::array<float, 3> a{4, 5, 6};
  const std::span<float> s(v);
  CHECK(simd::dot<simd::native>(v, a) == 32.0f);
  CHECK(simd::dot<simd::native>(s, s) == 14.0f);
  CHECK(simd::dot<simd::native, float>(s, a) == 32.0f);
  simd::axpy<simd::native>(2, a, v);
  CHECK(v == std::vector<float>{9, 12, 15});
  CHECK(simd::max<simd::native>(v) == 15.0f);
}
