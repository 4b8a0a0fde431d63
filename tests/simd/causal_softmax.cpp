// SPDX-License-Identifier: MIT
#include <multitudes/simd/causal_softmax.hpp>

#include "sweep.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace simd = multitudes::simd;
using namespace multitudes_test;
using multitudes::matrix_view;

namespace {

/// A block of rows between margins.
template <class T>
struct block {
  std::size_t rows, cols;
  std::vector<T> all;
  static constexpr T margin = T(-12345.5);

  block(std::size_t n_rows, std::size_t n_cols, std::uint32_t seed, T scale)
      : rows(n_rows), cols(n_cols), all(n_rows * (n_cols + 3) + 1, margin) {
    for (std::size_t r = 0; r < rows; ++r) {
      fill<T>(view().row(r), seed + static_cast<std::uint32_t>(r), scale);
    }
  }
  matrix_view<T> view() { return {all.data() + 1, rows, cols, cols + 3}; }
  bool intact() const {
    for (std::size_t i = 0; i < all.size(); ++i) {
      const bool is_inside = i != 0 && (i - 1) % (cols + 3) < cols;
      if (!is_inside && all[i] != margin) return false;
    }
    return true;
  }
};

template <class T>
bool close(block<T>& a, block<T>& b, T bound) {
  bool good = a.intact();
  for (std::size_t r = 0; r < a.rows; ++r) {
    for (std::size_t c = 0; c < a.cols; ++c)
      good &= near(a.view().row(r)[c], b.view().row(r)[c], bound);
  }
  return good;
}

struct block_shape {
  std::size_t rows, first, unused;
};
// Around vectors and groups of rows, with and without room behind what the last row sees.
constexpr block_shape shapes[] = {{1, 0, 0},  {3, 0, 0},   {4, 0, 5},  {5, 12, 0}, {9, 14, 1},
                                  {28, 0, 0}, {28, 28, 0}, {7, 57, 9}, {6, 61, 40}};

}  // namespace

TEST_CASE_TEMPLATE("causal softmax, there and back, agrees with its twin", T, float, double) {
  for_each_isa([]<class I>() {
    for (const auto& [rows, first, unused] : shapes) {
      const std::size_t cols = first + rows + unused;
      CAPTURE(rows);
      CAPTURE(first);
      CAPTURE(cols);
      const T scale = T(0.35);
      const block<T> scores(rows, cols, 1, 20), gradients(rows, cols, 100, 1);
      auto got = scores, twin = scores;
      std::vector<simd::softmax_row<T>> kept(rows), twin_kept(rows);
      simd::causal_softmax<I, T>(got.view(), first, scale, kept);
      simd::causal_softmax<simd::scalar, T>(twin.view(), first, scale, twin_kept);
      // The exponent is up to 14 and rounded, which its power multiplies.
      CHECK(close(got, twin, 30 * epsilon<T>));
      auto p = scores, twin_p = scores, d = gradients, twin_d = gradients;
      simd::causal_softmax_backward<I, T>(p.view(), d.view(), first, scale, kept);
      simd::causal_softmax_backward<simd::scalar, T>(twin_p.view(), twin_d.view(), first, scale,
                                                     twin_kept);
      CHECK(close(p, twin, 30 * epsilon<T>));
      CHECK(close(twin_p, twin, 30 * epsilon<T>));
      CHECK(close(d, twin_d, 60 * epsilon<T>));
    }
  });
}

TEST_CASE(
    "a row's softmax sums to 1 over what it sees and is 0 elsewhere, for scores of any size") {
  for (const float size : {1e-30f, 1.0f, 300.0f, 1e30f}) {
    CAPTURE(size);
    block<float> scores(11, 40, 1, size);
    std::vector<simd::softmax_row<float>> kept(11);
    simd::causal_softmax<simd::native, float>(scores.view(), 20, 1.0f, kept);
    for (std::size_t r = 0; r < 11; ++r) {
      float sum = 0;
      for (std::size_t c = 0; c < 40; ++c) {
        const float p = scores.view().row(r)[c];
        CHECK(p >= 0);
        if (c > 20 + r) CHECK(p == 0);
        sum += p;
      }
      CHECK(sum == doctest::Approx(1).epsilon(1e-5));
    }
  }
}

TEST_CASE_TEMPLATE("a row has the same bits in any block", T, float, double) {
  const std::size_t rows = 13, first = 9, cols = first + rows;
  block<T> whole(rows, cols, 1, 5), d_whole(rows, cols, 50, 1);
  const block<T> scores = whole;
  auto parts = whole, d_parts = d_whole;
  std::vector<simd::softmax_row<T>> kept(rows), part_kept(rows);
  simd::causal_softmax<simd::native, T>(whole.view(), first, T(0.5), kept);
  for (std::size_t r = 0; r < rows; r += 3) {
    const std::size_t some = std::min<std::size_t>(3, rows - r);
    simd::causal_softmax<simd::native, T>(parts.view().rows(r, some), first + r, T(0.5),
                                          std::span(part_kept).subspan(r, some));
  }
  CHECK(whole.all == parts.all);
  CHECK(std::memcmp(kept.data(), part_kept.data(), rows * sizeof(kept[0])) == 0);
  whole = parts = scores;
  simd::causal_softmax_backward<simd::native, T>(whole.view(), d_whole.view(), first, T(0.5), kept);
  for (std::size_t r = 0; r < rows; ++r) {
    simd::causal_softmax_backward<simd::native, T>(parts.view().rows(r, 1),
                                                   d_parts.view().rows(r, 1), first + r, T(0.5),
                                                   std::span(kept).subspan(r, 1));
  }
  CHECK(whole.all == parts.all);
  CHECK(d_whole.all == d_parts.all);
}
