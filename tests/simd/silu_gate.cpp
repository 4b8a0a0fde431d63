// SPDX-License-Identifier: MIT
#include <multitudes/simd/silu_gate.hpp>

#include "sweep.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace simd = multitudes::simd;
using namespace multitudes_test;

TEST_CASE_TEMPLATE("silu_gate agrees with its twin, also in place", T, float, double) {
  for_each_isa([]<class I>() {
    sweep<T>([](std::size_t n, std::size_t offset) {
      auto gate = random_numbers<T>(n, offset, 1, 30);
      const auto up = random_numbers<T>(n, 3 - offset, 2);
      guarded<T> got(n, offset), twin(n, 0);
      simd::silu_gate<I>(gate.span(), up.span(), got.span());
      simd::silu_gate<simd::scalar>(gate.span(), up.span(), twin.span());
      bool good = got.intact();
      for (std::size_t i = 0; i < n; ++i) {
        // exp 1.1 ulp; sum, quotient and product half an ulp each; on either side.
        good &= near(got[i], twin[i], 5 * epsilon<T> * std::fabs(twin[i]));
      }
      CHECK(good);
      simd::silu_gate<I>(gate.span(), up.span(), gate.span());
      CHECK(gate.intact());
      CHECK(std::equal(gate.span().begin(), gate.span().end(), got.span().begin()));
    });
  });
}

TEST_CASE_TEMPLATE("silu of extreme gates is 0 or the gate", T, float, double) {
  for_each_isa([]<class I>() {
    const std::vector<T> gate{0, T(-1e30), T(1e30), T(-800), T(800)}, up(5, T(1));
    std::vector<T> out(5);
    simd::silu_gate<I>(gate, up, out);
    CHECK(out == std::vector<T>{0, 0, T(1e30), 0, 800});
  });
}

TEST_CASE_TEMPLATE("silu_gate_backward agrees with its twin", T, float, double) {
  for_each_isa([]<class I>() {
    sweep<T>([](std::size_t n, std::size_t offset) {
      auto gate = random_numbers<T>(n, offset, 1, 30), twin_gate = random_numbers<T>(n, 0, 1, 30);
      auto up = random_numbers<T>(n, 3 - offset, 2), twin_up = random_numbers<T>(n, 0, 2);
      const auto d_out = random_numbers<T>(n, offset, 3);
      guarded<T> got(n, 3 - offset), twin(n, 0), forward(n, 0);
      simd::silu_gate<I>(gate.span(), up.span(), forward.span());
      simd::silu_gate_backward<I, T>(d_out.span(), gate.span(), up.span(), got.span());
      simd::silu_gate_backward<simd::scalar, T>(d_out.span(), twin_gate.span(), twin_up.span(),
                                                twin.span());
      bool good = got.intact() && gate.intact() && up.intact();
      for (std::size_t i = 0; i < n; ++i) {
        // As for silu_gate. The slope's two terms may cancel: bounded by their sizes, at most
        // sigmoid + |gate| * sigmoid * (1 - sigmoid) < 1.3.
        good &= near(got[i], twin[i], 6 * epsilon<T> * std::fabs(twin[i]));
        good &= near(got[i], forward[i], 6 * epsilon<T> * std::fabs(forward[i]));
        good &= near(up[i], twin_up[i], 6 * epsilon<T> * std::fabs(twin_up[i]));
        good &= near(gate[i], twin_gate[i], 16 * epsilon<T>);
      }
      CHECK(good);
    });
  });
}

TEST_CASE("silu_gate_backward is the slope of silu_gate") {
  const std::vector<double> gates{-40.0, -3.0, -1.278, -0.1, 0.0, 0.7, 2.5, 60.0};
  std::vector<double> ups, d_out;
  for (std::size_t i = 0; i < gates.size(); ++i) {
    ups.push_back(0.5 - 0.3 * static_cast<double>(i));
    d_out.push_back(1.0 + static_cast<double>(i));
  }
  std::vector<double> d_gate = gates, d_up = ups, out(gates.size());
  simd::silu_gate_backward<simd::native, double>(d_out, d_gate, d_up, out);
  const auto at = [](double gate, double up) {
    std::vector<double> value(1);
    simd::silu_gate<simd::scalar>(std::vector<double>{gate}, std::vector<double>{up}, value);
    return value[0];
  };
  for (std::size_t i = 0; i < gates.size(); ++i) {
    constexpr double h = 1e-5;
    const double by_gate = (at(gates[i] + h, ups[i]) - at(gates[i] - h, ups[i])) / (2 * h);
    const double by_up = (at(gates[i], ups[i] + h) - at(gates[i], ups[i] - h)) / (2 * h);
    CHECK(out[i] == doctest::Approx(at(gates[i], ups[i])));
    CHECK(d_gate[i] == doctest::Approx(d_out[i] * by_gate).epsilon(1e-6));
    CHECK(d_up[i] == doctest::Approx(d_out[i] * by_up).epsilon(1e-6));
  }
}

TEST_CASE_TEMPLATE("gradients of extreme gates are finite", T, float, double) {
  for_each_isa([]<class I>() {
    std::vector<T> gate{T(-1e30), T(-800), T(800), T(1e30)}, up(4, T(1)), out(4);
    const std::vector<T> d_out(4, T(1));
    simd::silu_gate_backward<I, T>(d_out, gate, up, out);
    CHECK(gate == std::vector<T>{0, 0, 1, 1});
    CHECK(out == std::vector<T>{0, 0, 800, T(1e30)});
    CHECK(up == out);
  });
}
