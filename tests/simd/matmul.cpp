// SPDX-License-Identifier: MIT
#include <multitudes/simd/matmul.hpp>

#include "sweep.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <vector>

namespace simd = multitudes::simd;
using namespace multitudes_test;
using multitudes::matrix_view;
using simd::weight_format;

namespace {

constexpr weight_format formats[] = {weight_format::f32, weight_format::f16, weight_format::bf16,
                                     weight_format::q8_0, weight_format::q4_0};

/// Random packed weights that start at a chosen misalignment.
struct weights {
  std::vector<std::byte> bytes;
  simd::weight_matrix matrix;
  std::vector<float> floats;  // (rows, cols), what the packed ones mean

  weights(weight_format format, std::size_t rows, std::size_t cols, std::size_t offset = 0)
      : bytes(offset + simd::packed_bytes(format, rows * cols)),
        matrix{format, rows, cols, bytes.data() + offset},
        floats(rows * cols) {
    fill<float>(floats, static_cast<std::uint32_t>(rows * 1000 + cols));
    simd::pack_row(format, floats, bytes.data() + offset);
    for (std::size_t r = 0; r < rows; ++r) {
      simd::unpack_row<simd::scalar>(matrix, r, std::span<float>(floats).subspan(r * cols, cols));
    }
  }
  weights(const weights&) = delete;
};

std::vector<float> numbers(std::size_t n, std::uint32_t seed) {
  std::vector<float> x(n);
  fill<float>(x, seed);
  return x;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

template <class I>
std::vector<float> product(const simd::weight_matrix& w, const std::vector<float>& x,
                           std::size_t batch) {
  std::vector<float> y(batch * w.rows, -1.0f);
  simd::matmul<I>(w, {x.data(), batch, w.cols}, 0, w.rows, {y.data(), batch, w.rows});
  return y;
}

}  // namespace

TEST_CASE("matmul agrees with its twin at every width, batch and alignment") {
  for_each_isa([]<class I>() {
    for (const auto format : formats) {
      std::vector<std::size_t> widths;
      const std::size_t block = simd::block_elements(format);
      if (block == 1) {
        for (std::size_t n = 0; n <= 33; ++n) widths.push_back(n);
        widths.insert(widths.end(), {63, 255, 256, 257, 300});
      } else {
        for (std::size_t n = 0; n <= 4; ++n) widths.push_back(n * block);
        widths.insert(widths.end(), {8 * block, 9 * block, 17 * block});
      }
      for (const std::size_t cols : widths) {
        const std::size_t rows = 1 + (cols * 7) % 13;
        const weights w(format, rows, cols, cols % 4);
        for (const std::size_t batch : {1u, 3u, 5u}) {
          const auto x = numbers(batch * cols, 5);
          const auto got = product<I>(w.matrix, x, batch);
          const auto twin = product<simd::scalar>(w.matrix, x, batch);
          bool good = true;
          for (std::size_t n = 0; n < batch; ++n) {
            for (std::size_t r = 0; r < rows; ++r) {
              // Either sum has a rounding for each term, of half an epsilon of the magnitudes.
              float magnitudes = 0;
              for (std::size_t c = 0; c < cols; ++c) {
                magnitudes += std::fabs(w.floats[r * cols + c] * x[n * cols + c]);
              }
              const std::size_t i = n * rows + r;
              good &=
                  near(got[i], twin[i], static_cast<float>(cols + 1) * epsilon<float> * magnitudes);
            }
          }
          CHECK_MESSAGE(good, "format " << int(format) << " cols " << cols << " batch " << batch);
        }
      }
    }
  });
}

TEST_CASE("matmul counts every product once") {
  // Small integers are exact in every format and order.
  for_each_isa([]<class I>() {
    for (const auto format : formats) {
      const std::size_t rows = 19, cols = 288, batch = 17;
      std::vector<float> floats(rows * cols);
      for (std::size_t i = 0; i < floats.size(); ++i) {
        floats[i] = static_cast<float>(i * 7 % 16) - 8;
      }
      for (std::size_t i = 0; i < floats.size(); i += 32) floats[i] = -8;
      std::vector<std::byte> bytes(simd::packed_bytes(format, floats.size()));
      const bool eight_bits = format == weight_format::q8_0;
      if (eight_bits) {
        // -127 in each block makes the scale 1.
        for (std::size_t i = 0; i < floats.size(); i += 32) floats[i] = -127;
      }
      simd::pack_row(format, floats, bytes.data());
      std::vector<float> x(batch * cols);
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 5 % 11) - 5;
      const auto y = product<I>({format, rows, cols, bytes.data()}, x, batch);
      bool good = true;
      for (std::size_t n = 0; n < batch; ++n) {
        for (std::size_t r = 0; r < rows; ++r) {
          float sum = 0;
          for (std::size_t c = 0; c < cols; ++c) sum += floats[r * cols + c] * x[n * cols + c];
          good &= y[n * rows + r] == sum;
        }
      }
      CHECK(good);
    }
  });
}

TEST_CASE("matmul has the same bits for every batch, split of rows and stride") {
  const auto check = []<class I>() {
    for (const auto format : formats) {
      const std::size_t block = simd::block_elements(format);
      for (const std::size_t cols : {block == 1 ? std::size_t{77} : 2 * block, 9 * block + 256}) {
        const std::size_t rows = 21, most = 17;
        const weights w(format, rows, cols, 2);
        const auto x = numbers(most * cols, 5);
        const auto all = product<I>(w.matrix, x, most);
        for (std::size_t batch = 1; batch <= most; ++batch) {
          const auto some = product<I>(w.matrix, x, batch);
          CHECK(std::memcmp(some.data(), all.data(), some.size() * sizeof(float)) == 0);
        }
        for (std::size_t step = 1; step <= rows; ++step) {
          const std::size_t batch = step % 5 + 1;
          std::vector<float> y(most * rows, -1.0f);
          for (std::size_t r = 0; r < rows; r += step) {
            simd::matmul<I>(w.matrix, {x.data(), batch, cols}, r, std::min(r + step, rows),
                            {y.data(), batch, rows});
          }
          CHECK(std::memcmp(y.data(), all.data(), batch * rows * sizeof(float)) == 0);
        }
        const std::size_t x_stride = cols + 3, y_stride = rows + 5;
        std::vector<float> x_wide(most * x_stride, 1e30f), y_wide(most * y_stride, -1.0f);
        for (std::size_t n = 0; n < most; ++n) {
          std::copy_n(&x[n * cols], cols, &x_wide[n * x_stride]);
        }
        simd::matmul<I>(w.matrix, {x_wide.data(), most, cols, x_stride}, 2, rows - 1,
                        {y_wide.data(), most, rows, y_stride});
        bool good = true;
        for (std::size_t n = 0; n < most; ++n) {
          for (std::size_t r = 0; r < y_stride; ++r) {
            const bool written = r >= 2 && r < rows - 1;
            good &= y_wide[n * y_stride + r] == (written ? all[n * rows + r] : -1.0f);
          }
        }
        CHECK(good);
      }
    }
  };
  for_each_isa(check);
  check.operator()<simd::scalar>();
}

TEST_CASE("packed weights give the bits of their unpacked floats") {
  for_each_isa([]<class I>() {
    for (const auto format : formats) {
      const std::size_t rows = 11, cols = 352, batch = 6;
      const weights w(format, rows, cols);
      const simd::weight_matrix as_f32{weight_format::f32, rows, cols,
                                       reinterpret_cast<const std::byte*>(w.floats.data())};
      const auto x = numbers(batch * cols, 5);
      CHECK(same_bits(product<I>(w.matrix, x, batch), product<I>(as_f32, x, batch)));
    }
  });
}

TEST_CASE("matmul of nothing writes nothing") {
  const weights w(weight_format::q8_0, 4, 64);
  const auto x = numbers(64, 1);
  std::vector<float> y(4, -1.0f);
  simd::matmul<simd::native>(w.matrix, {x.data(), 1, 64}, 2, 2, {y.data(), 1, 4});
  simd::matmul<simd::native>(w.matrix, {x.data(), 0, 64}, 0, 4, {y.data(), 0, 4});
  CHECK(y == std::vector<float>(4, -1.0f));
}
