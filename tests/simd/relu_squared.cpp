// SPDX-License-Identifier: MIT
#include <multitudes/simd/relu_squared.hpp>

#include "sweep.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace simd = multitudes::simd;
using namespace multitudes_test;

TEST_CASE_TEMPLATE("relu_squared equals its twin to the bit, also in place", T, float, double) {
  for_each_isa([]<class I>() {
    sweep<T>([](std::size_t n, std::size_t offset) {
      auto x = random_numbers<T>(n, offset, 1, 30);
      guarded<T> got(n, 3 - offset), twin(n, 0);
      simd::relu_squared<I>(x.span(), got.span());
      simd::relu_squared<simd::scalar>(x.span(), twin.span());
      CHECK(got.intact());
      CHECK(std::equal(got.span().begin(), got.span().end(), twin.span().begin()));
      simd::relu_squared<I, T>(x.span(), x.span());
      CHECK(x.intact());
      CHECK(std::equal(x.span().begin(), x.span().end(), twin.span().begin()));
    });
  });
}

TEST_CASE_TEMPLATE("relu_squared_backward equals its twin to the bit", T, float, double) {
  for_each_isa([]<class I>() {
    sweep<T>([](std::size_t n, std::size_t offset) {
      auto x = random_numbers<T>(n, offset, 1, 30);
      auto twin_x = random_numbers<T>(n, 0, 1, 30);
      const auto d_out = random_numbers<T>(n, 3 - offset, 2);
      guarded<T> got(n, offset), twin(n, 0);
      simd::relu_squared_backward<I, T>(d_out.span(), x.span(), got.span());
      simd::relu_squared_backward<simd::scalar, T>(d_out.span(), twin_x.span(), twin.span());
      CHECK(got.intact());
      CHECK(x.intact());
      CHECK(std::equal(got.span().begin(), got.span().end(), twin.span().begin()));
      CHECK(std::equal(x.span().begin(), x.span().end(), twin_x.span().begin()));
    });
  });
}

TEST_CASE_TEMPLATE("negative numbers and both zeros give 0, others their square", T, float,
                   double) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  for_each_isa([]<class I>() {
    const std::vector<T> x{0, T(-0.0), -3, T(-1e30), -infinity, T(0.5), 3, infinity};
    std::vector<T> out(x.size());
    simd::relu_squared<I>(x, out);
    CHECK(out == std::vector<T>{0, 0, 0, 0, 0, T(0.25), 9, infinity});
    const std::vector<T> wrong{std::numeric_limits<T>::quiet_NaN()};
    std::vector<T> kept(1);
    simd::relu_squared<I>(wrong, kept);
    CHECK(std::isnan(kept[0]));
  });
}

TEST_CASE("the gradient of relu_squared is its slope") {
  const std::vector<double> at{-2.0, -0.5, 0.0, 0.25, 1.5, 7.0};
  const std::vector<double> d_out{1.0, 2.0, 3.0, -4.0, 5.0, 0.5};
  std::vector<double> gradient = at, out(at.size());
  simd::relu_squared_backward<simd::native, double>(d_out, gradient, out);
  for (std::size_t i = 0; i < at.size(); ++i) {
    constexpr double h = 1e-6;
    const std::vector<double> around{at[i] - h, at[i] + h};
    std::vector<double> value(2);
    simd::relu_squared<simd::scalar>(around, value);
    CHECK(gradient[i] == doctest::Approx(d_out[i] * (value[1] - value[0]) / (2 * h)).epsilon(1e-5));
  }
}
