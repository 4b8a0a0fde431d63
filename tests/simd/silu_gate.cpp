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
