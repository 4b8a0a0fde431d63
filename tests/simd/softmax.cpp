// SPDX-License-Identifier: MIT
#include <multitudes/simd/softmax.hpp>

#include "sweep.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <span>
#include <vector>

namespace simd = multitudes::simd;
using namespace multitudes_test;

TEST_CASE_TEMPLATE("exp_sum agrees with its twin", T, float, double) {
  for_each_isa([]<class I>() {
    sweep<T>([](std::size_t n, std::size_t offset) {
      auto x = random_numbers<T>(n, offset, 1, 10), twin = x;
      if (n > 2) x[n / 2] = twin[n / 2] = -std::numeric_limits<T>::infinity();
      const T shift = simd::max<simd::scalar>(x.span());
      const T sum = simd::exp_sum<I>(x.span(), n ? shift : 0);
      const T twin_sum = simd::exp_sum<simd::scalar>(twin.span(), n ? shift : 0);
      bool good = x.intact();
      // An exp is within 1.1 ulp, its twin within 0.6; the sum adds a rounding for each term.
      for (std::size_t i = 0; i < n; ++i) good &= near(x[i], twin[i], 2 * epsilon<T> * twin[i]);
      CHECK(good);
      CHECK(near(sum, twin_sum, static_cast<T>(n + 2) * epsilon<T> * twin_sum));
    });
  });
}

TEST_CASE_TEMPLATE("softmax agrees with its twin and sums to 1", T, float, double) {
  for_each_isa([]<class I>() {
    sweep<T>([](std::size_t n, std::size_t offset) {
      auto x = random_numbers<T>(n, offset, 1, 10), twin = x;
      simd::softmax<I>(x.span());
      simd::softmax<simd::scalar>(twin.span());
      bool good = x.intact();
      T sum = 0;
      // The sum's error (see exp_sum), the exp's, the reciprocal's and the product's.
      const T bound = static_cast<T>(n + 6) * epsilon<T>;
      for (std::size_t i = 0; i < n; ++i) {
        good &= near(x[i], twin[i], bound * twin[i]);
        sum += x[i];
      }
      CHECK(good);
      if (n) CHECK(near(sum, T(1), bound));
    });
  });
}

TEST_CASE_TEMPLATE("log_softmax is the logarithm of softmax", T, float, double) {
  for_each_isa([]<class I>() {
    sweep<T>([](std::size_t n, std::size_t offset) {
      auto x = random_numbers<T>(n, offset, 1, 10);
      if (n > 2) x[n / 2] = -std::numeric_limits<T>::infinity();
      std::vector<T> p(x.span().begin(), x.span().end()), out(n);
      simd::softmax<I>(std::span<T>(p));
      simd::log_softmax<I>(x.span(), std::span<T>(out));
      bool good = x.intact();
      // Differences up to 20 are rounded once, the logarithm of a sum of n terms as the sum is.
      const T bound = static_cast<T>(2 * n + 48) * epsilon<T>;
      for (std::size_t i = 0; i < n; ++i) {
        good &= p[i] > 0 ? near(out[i], std::log(p[i]), bound) : out[i] == x[i] || out[i] < -80;
      }
      CHECK(good);
    });
  });
}

TEST_CASE_TEMPLATE("softmax of equal, huge and masked entries", T, float, double) {
  const T infinity = std::numeric_limits<T>::infinity();
  const T huge = std::numeric_limits<T>::max();
  for_each_isa([&]<class I>() {
    for (const T value : {T(0), T(-3), huge, -huge}) {
      for (const std::size_t n : {1u, 4u, 31u, 64u}) {
        std::vector<T> x(n, value);
        simd::softmax<I>(x);
        bool good = true;
        for (const T p : x) good &= near(p, T(1) / static_cast<T>(n), epsilon<T>);
        CHECK(good);
      }
    }
    std::vector<T> x{huge, -huge, 0, huge};
    simd::softmax<I>(x);
    CHECK(x == std::vector<T>{T(0.5), 0, 0, T(0.5)});
    x = {-infinity, 2, -infinity, 2, -infinity};
    simd::softmax<I>(x);
    CHECK(x == std::vector<T>{0, T(0.5), 0, T(0.5), 0});
    x.assign(37, -infinity);
    simd::softmax<I>(x);
    CHECK(x == std::vector<T>(37, 0));
    x = {1, std::numeric_limits<T>::quiet_NaN()};
    simd::softmax<I>(x);
    CHECK(std::isnan(x[0]));
    CHECK(std::isnan(x[1]));
    x.assign(3, std::numeric_limits<T>::quiet_NaN());
    simd::softmax<I>(x);
    CHECK(std::isnan(x[2]));
    x.clear();
    simd::softmax<I>(x);
  });
}

TEST_CASE_TEMPLATE("scale agrees with its twin", T, float, double) {
  for_each_isa([]<class I>() {
    sweep<T>([](std::size_t n, std::size_t offset) {
      auto x = random_numbers<T>(n, offset, 1), twin = x;
      simd::scale<I>(T(0.3), x.span());
      simd::scale<simd::scalar>(T(0.3), twin.span());
      CHECK(x.intact());
      CHECK(std::equal(x.span().begin(), x.span().end(), twin.span().begin()));
    });
  });
}
