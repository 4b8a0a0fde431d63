// SPDX-License-Identifier: MIT
#include <multitudes/simd/product.hpp>

#include "sweep.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace simd = multitudes::simd;
using namespace multitudes_test;
using multitudes::matrix_view;
using simd::bf16_inputs;
using simd::full_precision;

namespace {

/// One set for each size of register and each way to multiply-add: the tiles are many and slow to
/// compile.
template <class F>
void for_each_kernel(F f) {
  const auto call = [&]<class I>(I*) {
    if constexpr (simd::vector_isa<I>) {
      const std::string isa = I::name();
      CAPTURE(isa);
      f.template operator()<I, full_precision<float>>();
      f.template operator()<I, full_precision<double>>();
      f.template operator()<I, bf16_inputs>();
    }
  };
  call(static_cast<xsimd::sse2*>(nullptr));
  call(static_cast<xsimd::fma3<xsimd::avx2>*>(nullptr));
  call(static_cast<simd::native*>(nullptr));
}

template <class F>
void for_each_kernel_and_twin(F f) {
  for_each_kernel(f);
  f.template operator()<simd::scalar, full_precision<float>>();
  f.template operator()<simd::scalar, full_precision<double>>();
  f.template operator()<simd::scalar, bf16_inputs>();
}

/// A matrix with margins that a kernel must not touch.
template <class T>
struct matrix {
  std::size_t rows, cols, stride;
  std::vector<T> all;
  static constexpr T margin = T(-12345.5);

  matrix(std::size_t n_rows, std::size_t n_cols, std::uint32_t seed, std::size_t extra = 3)
      : rows(n_rows), cols(n_cols), stride(n_cols + extra), all(n_rows * stride + 1, margin) {
    std::mt19937 random(seed);
    for (std::size_t r = 0; r < rows; ++r) {
      for (T& x : view().row(r)) x = static_cast<T>(random()) * T(0x1p-31) - 1;
    }
  }
  matrix_view<T> view() { return {all.data() + 1, rows, cols, stride}; }
  matrix_view<const T> view() const { return {all.data() + 1, rows, cols, stride}; }

  matrix transposed() const {
    matrix t(cols, rows, 0);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < cols; ++c) t.view().row(c)[r] = view().row(r)[c];
    }
    return t;
  }
  bool same_bits(const matrix& other) const {
    return all.size() == other.all.size() &&
           std::memcmp(all.data(), other.all.data(), all.size() * sizeof(T)) == 0;
  }
};

/// A packed operand of its own.
template <class I, class P>
struct packed {
  std::vector<typename P::unit> units;
  simd::packed_matrix<P> matrix;

  explicit packed(matrix_view<const typename P::value> b)
      : units(simd::packed_units<I, P>(b.rows(), b.cols())),
        matrix(simd::packed_view<I, P>(units, b.rows(), b.cols())) {
    simd::pack<I, P>(b, 0, simd::n_panels<I, P>(b.cols()), units);
  }
  packed(const packed&) = delete;
};

template <class I, class P, class T = typename P::value>
matrix<T> product(const matrix<T>& a, const matrix<T>& b, matrix<T> c, bool accumulate) {
  const packed<I, P> right(b.view());
  simd::multiply<I, P>(a.view(), right.matrix, c.view(), accumulate);
  return c;
}

template <class I, class P, class T = typename P::value>
matrix<T> transposed_product(const matrix<T>& a, const matrix<T>& b, matrix<T> c) {
  simd::add_transposed_product<I, P>(a.view(), b.view(), c.view());
  return c;
}

struct shape {
  std::size_t rows, depth, width;
};
// Around the sizes of vectors, of register tiles and of blocks of the depth.
constexpr shape shapes[] = {{1, 1, 1},    {2, 2, 3},     {5, 7, 16},   {6, 8, 17},   {13, 33, 31},
                            {14, 64, 32}, {15, 127, 33}, {27, 97, 63}, {28, 192, 8}, {3, 193, 64},
                            {9, 256, 65}, {16, 257, 20}, {2, 300, 40}, {4, 1025, 36}};

/// Whether both sums of `depth` products, of which either rounds each time, could be of the same
/// numbers in [-1, 1).
template <class T>
bool close(const matrix<T>& a, const matrix<T>& b, std::size_t depth) {
  const T bound = static_cast<T>((depth + 2) * (depth + 2)) * epsilon<T>;
  bool good = a.all.size() == b.all.size();
  for (std::size_t i = 0; good && i < a.all.size(); ++i) good = near(a.all[i], b.all[i], bound);
  return good;
}

}  // namespace

TEST_CASE("products agree with their twins for every shape") {
  for_each_kernel([]<class I, class P>() {
    using T = typename P::value;
    // Products of two bf16 are exact, so that only a processor's own dot product may differ.
    constexpr bool exact = std::same_as<P, bf16_inputs> && !simd::detail::prefers_bf16_dot<I>;
    for (const shape& size : shapes) {
      const auto& [rows, depth, width] = size;
      CAPTURE(size.rows);
      CAPTURE(size.depth);
      CAPTURE(size.width);
      const matrix<T> a(rows, depth, 1), b(depth, width, 2), c(rows, width, 3);
      for (const bool accumulate : {false, true}) {
        const auto got = product<I, P>(a, b, c, accumulate);
        const auto twin = product<simd::scalar, P>(a, b, c, accumulate);
        CHECK(close(got, twin, depth));
        if (exact) CHECK(got.same_bits(twin));
      }
      const matrix<T> left(depth, rows, 4);
      const auto got = transposed_product<I, P>(left, b, c);
      const auto twin = transposed_product<simd::scalar, P>(left, b, c);
      CHECK(close(got, twin, depth));
      if (exact) CHECK(got.same_bits(twin));
    }
  });
}

TEST_CASE("products count every term once") {
  // Small integers are exact in every precision and order.
  for_each_kernel_and_twin([]<class I, class P>() {
    using T = typename P::value;
    for (const auto& [rows, depth, width] : shapes) {
      matrix<T> a(rows, depth, 1), b(depth, width, 2), c(rows, width, 3);
      const auto whole = [](T& x) { x = std::floor(x * 8); };
      for (matrix<T>* m : {&a, &b, &c}) {
        for (std::size_t r = 0; r < m->rows; ++r) {
          for (T& x : m->view().row(r)) whole(x);
        }
      }
      matrix<T> expected = c;
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t j = 0; j < width; ++j) {
          T& sum = expected.view().row(r)[j];
          for (std::size_t k = 0; k < depth; ++k) sum += a.view().row(r)[k] * b.view().row(k)[j];
        }
      }
      CHECK(product<I, P>(a, b, c, true).same_bits(expected));
      CHECK(transposed_product<I, P>(a.transposed(), b, c).same_bits(expected));
    }
  });
}

TEST_CASE("an element of a product has the same bits in every split, position and stride") {
  for_each_kernel_and_twin([]<class I, class P>() {
    using T = typename P::value;
    const std::size_t rows = 31, depth = 300, width = 75;
    const matrix<T> a(rows, depth, 1), b(depth, width, 2), c(rows, width, 3);
    for (const bool accumulate : {false, true}) {
      const auto whole = product<I, P>(a, b, c, accumulate);
      const packed<I, P> right(b.view());
      for (std::size_t step = 1; step <= rows; step += 1 + step / 3) {
        matrix<T> parts = c;
        for (std::size_t r = 0; r < rows; r += step) {
          const std::size_t n = std::min(step, rows - r);
          simd::multiply<I, P>(a.view().rows(r, n), right.matrix, parts.view().rows(r, n),
                               accumulate);
        }
        CHECK(parts.same_bits(whole));
      }
      for (std::size_t step : {1u, 5u, 16u, 19u, 32u, 40u}) {
        matrix<T> parts = c;
        for (std::size_t col = 0; col < width; col += step) {
          const std::size_t n = std::min(step, width - col);
          const packed<I, P> part(b.view().cols(col, n));
          simd::multiply<I, P>(a.view(), part.matrix, parts.view().cols(col, n), accumulate);
        }
        CHECK(parts.same_bits(whole));
      }
      for (std::size_t cut : {2u, 64u, 256u, 298u}) {
        matrix<T> parts = c;
        const packed<I, P> rest(b.view().rows(cut, depth - cut));
        simd::multiply<I, P>(a.view().cols(0, cut), right.matrix.first(cut, width), parts.view(),
                             accumulate);
        simd::multiply<I, P>(a.view().cols(cut, depth - cut), rest.matrix, parts.view(), true);
        CHECK(parts.same_bits(whole));
      }
    }
  });
}

TEST_CASE("an element of a transposed product has the same bits in every tile") {
  for_each_kernel_and_twin([]<class I, class P>() {
    using T = typename P::value;
    const std::size_t rows = 501, m = 190, n = 70;  // more rows of c than one packing holds
    const matrix<T> a(rows, m, 1), b(rows, n, 2), c(m, n, 3);
    const auto whole = transposed_product<I, P>(a, b, c);
    CHECK(product<I, P>(a.transposed(), b, c, true).same_bits(whole));
    for (const auto& [tile_rows, tile_cols] :
         {std::pair<std::size_t, std::size_t>{190, 17}, {13, 70}, {28, 32}, {95, 33}}) {
      matrix<T> parts = c;
      for (std::size_t r = 0; r < m; r += tile_rows) {
        const std::size_t some = std::min(tile_rows, m - r);
        for (std::size_t col = 0; col < n; col += tile_cols) {
          const std::size_t cols = std::min(tile_cols, n - col);
          simd::add_transposed_product<I, P>(a.view().cols(r, some), b.view().cols(col, cols),
                                             parts.view().rows(r, some).cols(col, cols));
        }
      }
      CHECK(parts.same_bits(whole));
    }
    for (std::size_t cut : {2u, 192u, 400u}) {
      matrix<T> parts = c;
      simd::add_transposed_product<I, P>(a.view().rows(0, cut), b.view().rows(0, cut),
                                         parts.view());
      simd::add_transposed_product<I, P>(a.view().rows(cut, rows - cut),
                                         b.view().rows(cut, rows - cut), parts.view());
      CHECK(parts.same_bits(whole));
    }
  });
}

TEST_CASE("packing the transpose gives the same units") {
  for_each_kernel_and_twin([]<class I, class P>() {
    using T = typename P::value;
    for (const auto& [rows, depth, width] : shapes) {
      const matrix<T> b(depth, width, 2);
      const matrix<T> t = b.transposed();
      const packed<I, P> expected(b.view());
      std::vector<typename P::unit> got(expected.units.size(), typename P::unit(7));
      simd::pack_transposed<I, P>(t.view(), 0, simd::n_panels<I, P>(width), got);
      CHECK(got == expected.units);
    }
  });
}

TEST_CASE("panels can be packed one by one, and the columns beyond the width are zeros") {
  for_each_kernel_and_twin([]<class I, class P>() {
    using T = typename P::value;
    using unit = typename P::unit;
    constexpr std::size_t panel = simd::panel_width<I, P>;
    const std::size_t depth = 21, width = 2 * panel + 3;
    const matrix<T> b(depth, width, 1);
    const packed<I, P> expected(b.view());
    const std::size_t stride = expected.matrix.panel_stride;
    REQUIRE(simd::n_panels<I, P>(width) == 3);
    REQUIRE(expected.units.size() == 3 * stride);
    for (std::size_t i = 2 * stride; i < 3 * stride; ++i) {
      CHECK((i % panel < 3 || expected.units[i] == unit(0)));
    }
    std::vector<unit> got(expected.units.size(), unit(7));
    simd::pack<I, P>(b.view(), 1, 2, got);
    for (std::size_t i = 0; i < got.size(); ++i) {
      CHECK(got[i] == (i / stride == 1 ? expected.units[i] : unit(7)));
    }
    simd::pack<I, P>(b.view(), 2, 3, got);
    simd::pack<I, P>(b.view(), 0, 1, got);
    CHECK(got == expected.units);
  });
}

TEST_CASE("the first part of a packed matrix is that part of the matrix") {
  for_each_kernel_and_twin([]<class I, class P>() {
    using T = typename P::value;
    const matrix<T> a(17, 301, 1), b(301, 70, 2), c(17, 70, 3);
    const packed<I, P> all(b.view());
    for (const auto& [depth, width] :
         {std::pair<std::size_t, std::size_t>{40, 33}, {301, 5}, {2, 70}, {0, 64}, {260, 0}}) {
      matrix<T> got = c, expected = c;
      const packed<I, P> part(b.view().rows(0, depth).cols(0, width));
      simd::multiply<I, P>(a.view().cols(0, depth), all.matrix.first(depth, width),
                           got.view().cols(0, width));
      simd::multiply<I, P>(a.view().cols(0, depth), part.matrix, expected.view().cols(0, width));
      CHECK(got.same_bits(expected));
    }
  });
}

TEST_CASE("a product over no depth is zero, and nothing is written where there is nothing") {
  for_each_kernel_and_twin([]<class I, class P>() {
    using T = typename P::value;
    const matrix<T> a(3, 0, 1), b(0, 5, 2), c(3, 5, 3);
    matrix<T> zeros = c;
    for (std::size_t r = 0; r < 3; ++r) std::fill_n(zeros.view().row(r).data(), 5, T(0));
    CHECK(product<I, P>(a, b, c, false).same_bits(zeros));
    CHECK(product<I, P>(a, b, c, true).same_bits(c));
    CHECK(transposed_product<I, P>(matrix<T>(0, 3, 1), b, c).same_bits(c));

    matrix<T> out = c;
    const packed<I, P> right(matrix<T>(4, 5, 2).view());
    simd::multiply<I, P>(matrix<T>(0, 4, 1).view(), right.matrix, out.view().rows(0, 0));
    const packed<I, P> none(matrix<T>(4, 0, 2).view());
    simd::multiply<I, P>(matrix<T>(3, 4, 1).view(), none.matrix, out.view().cols(0, 0));
    simd::add_transposed_product<I, P>(matrix<T>(4, 0, 1).view(), matrix<T>(4, 5, 2).view(),
                                       out.view().rows(0, 0));
    simd::add_transposed_product<I, P>(matrix<T>(4, 3, 1).view(), matrix<T>(4, 0, 2).view(),
                                       out.view().cols(0, 0));
    simd::multiply<I, P>({}, {}, {});
    simd::add_transposed_product<I, P>({}, {}, {});
    CHECK(out.same_bits(c));
  });
}

TEST_CASE("bf16 products are of inputs rounded to nearest, ties to even") {
  for_each_kernel_and_twin([]<class I, class P>() {
    if constexpr (std::same_as<P, bf16_inputs>) {
      matrix<float> a(9, 131, 1), b(131, 37, 2);
      const matrix<float> c(9, 37, 3), t(131, 9, 4);
      a.view().row(0)[0] = 1.00390625f;  // halfway, to the even 1
      b.view().row(0)[0] = 1.01171875f;  // halfway, to the even 1.015625
      const auto rounded = [](matrix<float> m) {
        for (std::size_t r = 0; r < m.rows; ++r) {
          for (float& x : m.view().row(r)) x = simd::bf16_to_float(simd::float_to_bf16(x));
        }
        return m;
      };
      CHECK(
          product<I, P>(a, b, c, false).same_bits(product<I, P>(rounded(a), rounded(b), c, false)));
      CHECK(transposed_product<I, P>(t, b, c).same_bits(
          transposed_product<I, P>(rounded(t), rounded(b), c)));
      const auto one = product<I, P>(rounded(a), rounded(b), c, false);
      CHECK(close(one, product<I, full_precision<float>>(rounded(a), rounded(b), c, false), 131));

      matrix<float> x(1, 1, 1), y(1, 1, 2);
      x.view().row(0)[0] = 1.00390625f;
      y.view().row(0)[0] = 1.01171875f;
      CHECK(product<I, P>(x, y, x, false).view().row(0)[0] == 1.015625f);
    }
  });
}

TEST_CASE("packing rounds every kind of number as float_to_bf16 does") {
  for_each_kernel_and_twin([]<class I, class P>() {
    if constexpr (std::same_as<P, bf16_inputs>) {
      const std::size_t depth = 200, width = 40;
      matrix<float> b(depth, width, 1);
      std::mt19937 random(5);
      for (std::size_t k = 0; k < depth; ++k) {
        for (float& x : b.view().row(k)) {
          std::uint32_t bits = static_cast<std::uint32_t>(random());
          if (random() % 4 == 0) bits |= 0x7f800000u;  // infinities and NaN
          if (random() % 4 == 0) bits &= 0x807fffffu;  // zeros and subnormal numbers
          if (random() % 2 == 0) bits &= ~0x7fffu;     // ties
          if (random() % 4 == 0) bits |= 0x007f0000u;  // carries into the exponent
          x = std::bit_cast<float>(bits);
        }
      }
      const packed<I, P> right(b.view());
      bool good = true;
      for (std::size_t k = 0; k < depth; ++k) {
        for (std::size_t j = 0; j < width; ++j) {
          const float x = b.view().row(k)[j];
          const std::size_t panel = j / simd::panel_width<I, P>;
          const std::uint32_t unit =
              right.units[panel * right.matrix.panel_stride + k / 2 * simd::panel_width<I, P> +
                          j % simd::panel_width<I, P>];
          const std::uint32_t got = unit >> (k % 2 * 16) & 0xffffu;
          good &= got == simd::float_to_bf16(x);
        }
      }
      CHECK(good);
    }
  });
}

TEST_CASE("not-a-number and infinity spoil their own row and column only") {
  for_each_kernel_and_twin([]<class I, class P>() {
    using T = typename P::value;
    matrix<T> a(16, 65, 1), b(65, 35, 2);
    const matrix<T> c(16, 35, 3);
    const auto before = product<I, P>(a, b, c, false);
    // A payload that rounding must not carry into the exponent.
    a.view().row(5)[64] = static_cast<T>(std::bit_cast<float>(0x7fffffffu));
    b.view().row(7)[34] = std::numeric_limits<T>::infinity();
    const auto after = product<I, P>(a, b, c, false);
    for (std::size_t r = 0; r < 16; ++r) {
      for (std::size_t j = 0; j < 35; ++j) {
        const T was = before.view().row(r)[j], is = after.view().row(r)[j];
        if (r == 5) {
          CHECK(std::isnan(is));
        } else if (j == 34) {
          CHECK(std::isinf(is));
        } else {
          CHECK(was == is);
        }
      }
    }
  });
}

#if defined(__AVX512BF16__)

TEST_CASE("the processor's dot product of bf16 pairs agrees with the twin") {
  // Where another way is faster it is not used, but it should be right everywhere.
  using I = simd::native;
  using P = bf16_inputs;
  using dots = simd::detail::blocked_product<I, P, simd::detail::pair_dots<I>>;
  for (const auto& [rows, depth, width] : shapes) {
    const matrix<float> a(rows, depth, 1), b(depth, width, 2), c(rows, width, 3);
    const matrix<float> left(depth, rows, 4);
    const packed<I, P> right(b.view());
    for (const bool accumulate : {false, true}) {
      matrix<float> got = c;
      dots::multiply(a.view(), right.matrix, got.view(), accumulate);
      CHECK(close(got, product<simd::scalar, P>(a, b, c, accumulate), depth));
    }
    matrix<float> got = c;
    dots::add_transposed(left.view(), b.view(), got.view());
    CHECK(close(got, transposed_product<simd::scalar, P>(left, b, c), depth));
  }
}

#endif
