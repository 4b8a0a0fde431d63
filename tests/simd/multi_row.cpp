// SPDX-License-Identifier: MIT

#include "sweep.hpp"

#include <multitudes/simd/multi_row.hpp>

#include <doctest/doctest.h>

#include <vector>

namespace mt = multitudes;
namespace simd = multitudes::simd;
using namespace multitudes_test;

namespace {

/// Rows of `n` numbers, `stride` apart, between guards.
template <class T>
guarded<T> some_rows(std::size_t count, std::size_t stride, std::size_t offset) {
  return random_numbers<T>(count * stride, offset, 7);
}

template <class T>
void check_dots() {
  for_each_isa([]<class I>() {
    sweep<T>([](std::size_t n, std::size_t offset) {
      for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{2},
                                      std::size_t{3}, std::size_t{4}, std::size_t{7}}) {
        const std::size_t stride = n + offset;
        const auto rows = some_rows<T>(count, stride, offset);
        const auto x = random_numbers<T>(n, offset, 8);
        guarded<T> out(count, offset);
        const mt::matrix_view<const T> view(rows.span().data(), count, n, stride);
        simd::multi_dot<I, T>(view, x.span(), out.span());
        bool same = out.intact();
        for (std::size_t r = 0; r < count; ++r) {
          same = same && out[r] == simd::dot<I, T>(view.row(r), x.span());
        }
        CHECK(same);
        guarded<T> plain(count, 0);
        simd::multi_dot<simd::scalar, T>(view, x.span(), plain.span());
        bool close = true;
        for (std::size_t r = 0; r < count; ++r) {
          const T bound = epsilon<T> * static_cast<T>(n + 4);
          close = close && near(out[r], plain[r], bound);
        }
        CHECK(close);
      }
    });
  });
}

template <class T>
void check_sums() {
  for_each_isa([]<class I>() {
    sweep<T>([](std::size_t n, std::size_t offset) {
      for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{5}}) {
        const auto rows = some_rows<T>(count, n, offset);
        std::vector<simd::scaled_row<T>> terms;
        for (std::size_t r = 0; r < count; ++r) {
          terms.push_back({T(0.25) * static_cast<T>(r + 1), rows.span().data() + r * n});
        }
        auto y = random_numbers<T>(n, offset, 9);
        auto plain = y;
        auto one_by_one = y;
        simd::multi_axpy<I, T>(std::span<const simd::scaled_row<T>>(terms), y.span());
        simd::multi_axpy<simd::scalar, T>(std::span<const simd::scaled_row<T>>(terms),
                                          plain.span());
        for (const auto& t : terms) {
          simd::axpy<I, T>(t.factor, std::span<const T>(t.row, n), one_by_one.span());
        }
        bool same = y.intact();
        bool close = true;
        for (std::size_t i = 0; i < n; ++i) {
          same = same && y[i] == one_by_one[i];
          close = close && near(y[i], plain[i], 16 * epsilon<T>);
        }
        CHECK(same);
        CHECK(close);
      }
    });
  });
}

}  // namespace

TEST_CASE("many products at once have the bits of each alone, and are near the plain loop's") {
  check_dots<float>();
  check_dots<double>();
}

TEST_CASE("many scaled rows have the bits of one after the other") {
  check_sums<float>();
  check_sums<double>();
}

TEST_CASE("a row with the factor 1 is a plain addition, bit for bit") {
  for_each_isa([]<class I>() {
    sweep<float>([](std::size_t n, std::size_t offset) {
      const auto x = random_numbers<float>(n, offset, 3);
      auto y = random_numbers<float>(n, offset, 4, 1000.0f);
      auto plain = y;
      const simd::scaled_row<float> one{1.0f, x.span().data()};
      simd::multi_axpy<I, float>({&one, 1}, y.span());
      simd::add<I, float>(x.span(), plain.span());
      bool same = true;
      for (std::size_t i = 0; i < n; ++i) same = same && y[i] == plain[i];
      CHECK(same);
    });
  });
}
