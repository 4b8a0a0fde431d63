// SPDX-License-Identifier: MIT
#include <multitudes/simd/bridge.hpp>

#include "sweep.hpp"

#include <doctest/doctest.h>

namespace simd = multitudes::simd;
using namespace multitudes_test;

TEST_CASE_TEMPLATE("parts of a register read and write nothing else", T, float, double) {
  for_each_isa([]<class I>() {
    using lane = simd::detail::lanes<I, T>;
    for (std::size_t n = 1; n < lane::count; ++n) {
      // Exactly n elements on the heap: the address sanitizer sees a read past them.
      std::vector<T> from(n);
      fill<T>(from, 1);
      T all[lane::count];
      lane::store(all, lane::load_part(from.data(), n, T(7)));
      for (std::size_t i = 0; i < lane::count; ++i) CHECK(all[i] == (i < n ? from[i] : T(7)));

      guarded<T> to(n, 1);
      lane::store_part(to.span().data(), n, lane::load_part(from.data(), n));
      CHECK(to.intact());
      CHECK(std::equal(from.begin(), from.end(), to.span().begin()));
    }
  });
}

TEST_CASE_TEMPLATE("alternating elements come apart in order", T, float, double) {
  for_each_isa([]<class I>() {
    using lane = simd::detail::lanes<I, T>;
    T from[2 * lane::count];
    for (std::size_t i = 0; i < 2 * lane::count; ++i) from[i] = static_cast<T>(i);
    typename lane::batch even, odd;
    lane::load_pairs(from, even, odd);
    T got[lane::count];
    lane::store(got, even);
    for (std::size_t i = 0; i < lane::count; ++i) CHECK(got[i] == static_cast<T>(2 * i));
    lane::store(got, odd);
    for (std::size_t i = 0; i < lane::count; ++i) CHECK(got[i] == static_cast<T>(2 * i + 1));
  });
}

TEST_CASE_TEMPLATE("multiply-add rounds as its instruction set says", T, float, double) {
  for_each_isa([]<class I>() {
    using lane = simd::detail::lanes<I, T>;
    // (1 + e)(1 - e) - 1 is -e^2 rounded once, and 0 when the product is rounded first.
    // Volatile, so that the compiler does the arithmetic at run time.
    const volatile T above = 1 + epsilon<T>, below = 1 - epsilon<T>, minus_one = -1;
    const auto got = lane::fma(lane::all(above), lane::all(below), lane::all(minus_one));
    T all[lane::count];
    lane::store(all, got);
    if (simd::detail::unfused<I>) {
      CHECK(all[0] == 0);
    } else {
      CHECK(all[0] == -epsilon<T> * epsilon<T>);
    }
  });
}

TEST_CASE_TEMPLATE("bits and sums of registers", T, float, double) {
  for_each_isa([]<class I>() {
    using lane = simd::detail::lanes<I, T>;
    T all[lane::count];
    T sum = 0;
    for (std::size_t i = 0; i < lane::count; ++i) sum += all[i] = static_cast<T>(i + 1);
    CHECK(lane::sum(lane::load(all)) == sum);
    T back[lane::count];
    lane::store(back, lane::from_bits(lane::bits(lane::load(all))));
    CHECK(std::equal(all, all + lane::count, back));
  });
}

TEST_CASE_TEMPLATE("lanes change places, are chosen and compared", T, float, double) {
  for_each_isa([]<class I>() {
    using lane = simd::detail::lanes<I, T>;
    T all[lane::count], got[lane::count];
    for (std::size_t i = 0; i < lane::count; ++i) all[i] = static_cast<T>(i + 1);
    lane::store(got, lane::template exchange<1>(lane::load(all)));
    for (std::size_t i = 0; i < lane::count; ++i) CHECK(got[i] == all[i ^ 1]);
    lane::store(got, lane::twice(lane::load(all)));
    for (std::size_t i = 0; i < lane::count; ++i) CHECK(got[i] == all[i / 2]);
    for (std::size_t n = 0; n <= lane::count; ++n) {
      lane::store(got, lane::first(n, lane::load(all)));
      for (std::size_t i = 0; i < lane::count; ++i) CHECK(got[i] == (i < n ? all[i] : T(0)));
    }
    for (std::size_t i = 0; i < lane::count; ++i) {
      T some[lane::count];
      for (std::size_t k = 0; k < lane::count; ++k)
        some[k] = -static_cast<T>((k + i) % lane::count);
      CHECK(lane::largest(lane::load(some)) == 0);
    }
  });
}
