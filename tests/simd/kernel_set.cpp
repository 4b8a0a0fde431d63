// SPDX-License-Identifier: MIT
#include <multitudes/simd/kernel_set.hpp>
#include <multitudes/simd/row_blocks.hpp>

#include "kernel_sets.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace simd = multitudes::simd;
using namespace multitudes_test;
using multitudes::matrix_view;
using simd::kernel_set;
using simd::weight_format;

namespace {

constexpr weight_format formats[] = {weight_format::f32, weight_format::f16, weight_format::bf16,
                                     weight_format::q8_0, weight_format::q4_0};

/// Equal to the twin; for sets that round products and sums apart, as near as `size`, what the
/// numbers that are added may come to, times an epsilon lets a last bit go astray.
bool close(const kernel_set& set, std::span<const float> got, std::span<const float> wanted,
           float size) {
  if (fuses(set)) return same_bits(got, wanted);
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (!(std::fabs(got[i] - wanted[i]) <= size * epsilon<float>)) return false;
  }
  return true;
}

/// Random weights by rows and in panels.
struct weights {
  std::vector<std::byte> bytes, packed;
  simd::weight_matrix rows, panels;

  weights(weight_format format, std::size_t n_rows, std::size_t cols)
      : bytes(simd::packed_bytes(format, n_rows * cols)),
        rows{format, n_rows, cols, bytes.data()},
        panels{rows} {
    const auto floats = numbers(n_rows * cols, static_cast<std::uint32_t>(n_rows + cols));
    simd::pack_row(format, floats, bytes.data());
    packed.resize(simd::n_panels(rows) * simd::panel_bytes(rows));
    for (std::size_t p = 0; p < simd::n_panels(rows); ++p) {
      simd::pack_panel(rows, p * simd::panel_rows, 0, cols,
                       packed.data() + p * simd::panel_bytes(rows));
    }
    panels.data = packed.data();
    panels.layout = simd::weight_layout::panels;
  }
  weights(const weights&) = delete;
};

/// Activations as floats and as the bytes of a set.
struct inputs {
  std::size_t n, cols, n_groups;
  std::vector<float> floats;
  std::vector<simd::activation_group> groups;

  inputs(const kernel_set& set, std::size_t n_rows, std::size_t n_cols, std::vector<float> x)
      : n(n_rows),
        cols(n_cols),
        n_groups(simd::n_activation_groups(n_cols)),
        floats(std::move(x)),
        groups(n * n_groups) {
    if (cols % simd::product_block != 0) return;
    for (std::size_t r = 0; r < n; ++r) {
      set.quantize(floats.data() + r * cols, cols, groups.data() + r * n_groups);
    }
  }
  [[nodiscard]] simd::activations all() {
    return {{floats.data(), n, cols}, {groups.data(), n, n_groups}};
  }
  /// What the bytes mean.
  [[nodiscard]] double value(std::size_t row, std::size_t col, bool as_bytes) const {
    if (!as_bytes) return floats[row * cols + col];
    const auto& group = groups[row * n_groups + col / simd::activation_block];
    return static_cast<double>(group.scale) * group.values[col % simd::activation_block];
  }
};

std::vector<float> product(const kernel_set& set, const simd::weight_matrix& w, inputs& x) {
  std::vector<float> y(x.n * w.rows, -1.0f);
  set.multiply(w, x.all(), 0, w.rows, {y.data(), x.n, w.rows});
  return y;
}

}  // namespace

TEST_CASE("products equal sums in double precision over what weights and activations mean") {
  for (const auto format : formats) {
    CAPTURE(static_cast<int>(format));
    for (const std::size_t cols : {32u, 64u, 96u, 288u, 544u}) {
      const std::size_t rows = 3 + cols % 47, n = 7;
      const weights w(format, rows, cols);
      inputs x(twin, n, cols, numbers(n * cols, 5));
      const auto y = product(twin, w.panels, x);
      std::vector<float> row(cols);
      bool good = true;
      for (std::size_t r = 0; r < rows; ++r) {
        simd::unpack_row<simd::scalar>(w.rows, r, row);
        for (std::size_t i = 0; i < n; ++i) {
          double sum = 0, magnitudes = 0;
          for (std::size_t c = 0; c < cols; ++c) {
            const double term = row[c] * x.value(i, c, simd::uses_bytes(format));
            sum += term;
            magnitudes += std::fabs(term);
          }
          // A rounding for each term, of half an epsilon of the magnitudes.
          good &= std::fabs(y[i * rows + r] - sum) <=
                  static_cast<double>(cols) / 2 * epsilon<float> * magnitudes;
        }
      }
      CHECK_MESSAGE(good, "cols " << cols);
    }
  }
}

TEST_CASE("every set, layout, batch and split of a product has the twin's bits") {
  for (const auto format : formats) {
    CAPTURE(static_cast<int>(format));
    const std::size_t block = simd::block_elements(format) == 1 ? 1 : 32;
    for (const std::size_t cols : {block, 9 * block, 10 * block, 160 * 2 + 0 * block}) {
      const std::size_t rows = 77, most = 50;
      const weights w(format, rows, cols);
      inputs x(twin, most, cols, numbers(most * cols, 5));
      const auto wanted = product(twin, w.rows, x);
      for_each_set([&](const kernel_set& set) {
        // The bytes of activations are a matter of rounding to nearest, and so the same.
        inputs own(set, most, cols, x.floats);
        CHECK(std::memcmp(own.groups.data(), x.groups.data(),
                          x.groups.size() * sizeof(simd::activation_group)) == 0);
        const auto first = product(set, w.rows, own);
        const float size = 4 * std::sqrt(static_cast<float>(cols)) * static_cast<float>(cols);
        CHECK(close(set, first, wanted, size));
        CHECK(same_bits(product(set, w.panels, own), first));
        for (const auto* m : {&w.rows, &w.panels}) {
          for (const std::size_t step : {1u, 5u, 6u, 7u, 48u}) {
            std::vector<float> y(most * rows);
            for (std::size_t i = 0; i < most; i += step) {
              const std::size_t some = std::min(step, most - i);
              for (std::size_t r = 0; r < rows; r += 64) {
                set.multiply(*m, own.all().rows(i, some), r, std::min(r + 64, rows),
                             {y.data() + i * rows, some, rows});
              }
            }
            CHECK_MESSAGE(same_bits(y, first), "step " << step << " cols " << cols);
          }
        }
      });
    }
  }
}

TEST_CASE("panels give back the rows that they were made of") {
  for (const auto format : formats) {
    const weights w(format, 70, 96);
    for (const std::size_t r : {0u, 15u, 16u, 31u, 32u, 69u}) {
      std::vector<std::byte> a(w.rows.row_bytes()), b(a);
      simd::copy_row(w.rows, r, a.data());
      simd::copy_row(w.panels, r, b.data());
      CHECK(a == b);
      std::vector<float> x(96), y(96);
      simd::unpack_row<simd::native>(w.rows, r, x);
      simd::unpack_row<simd::native>(w.panels, r, y);
      CHECK(same_bits(x, y));
    }
  }
}

TEST_CASE("activations as bytes are off by at most half a step, and poison stays") {
  for_each_set([](const kernel_set& set) {
    inputs x(set, 3, 160, numbers(480, 9));
    for (std::size_t r = 0; r < 3; ++r) {
      for (std::size_t c = 0; c < 160; ++c) {
        const float step = x.groups[r * 3 + c / 64].scale;
        CHECK(std::fabs(x.value(r, c, true) - x.value(r, c, false)) <= 0.5001 * step);
      }
    }
    const inputs zero(set, 1, 32, std::vector<float>(32, 0.0f));
    CHECK(zero.groups[0].scale == 0);
    CHECK(zero.groups[0].offsets[0] == 0);
    for (const float bad :
         {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
      auto values = numbers(64, 3);
      values[50] = bad;
      CHECK(std::isnan(inputs(set, 1, 64, values).groups[0].scale));
    }
  });
}

TEST_CASE("kernels on rows have the twin's bits at every length, and touch nothing else") {
  for_each_set([](const kernel_set& set) {
    for (const std::size_t n : {1u, 7u, 15u, 16u, 17u, 31u, 32u, 33u, 48u, 100u}) {
      CAPTURE(n);
      const auto a = numbers(n, 1), b = numbers(n, 2);
      const auto run = [&](const kernel_set& k, auto kernel) {
        std::vector<float> out(n + 1, 7.0f);
        std::copy(b.begin(), b.end(), out.begin());
        kernel(k, out.data());
        CHECK(out.back() == 7.0f);
        return out;
      };
      const auto agree = [&](auto kernel) {
        CHECK(close(set, run(set, kernel), run(twin, kernel), 16 * static_cast<float>(n)));
      };
      agree([&](const kernel_set& k, float* out) { k.add(a.data(), out, n); });
      agree(
          [&](const kernel_set& k, float* out) { k.rms_norm(a.data(), b.data(), 1e-5f, n, out); });
      agree([&](const kernel_set& k, float* out) { k.silu_gate(a.data(), b.data(), out, n); });
      agree([&](const kernel_set& k, float* out) { k.relu_squared(a.data(), out, n); });
      float sums[2];
      agree([&](const kernel_set& k, float* out) {
        sums[&k == &twin ? 1 : 0] = k.exp_sum(out, n, 3.0f);
      });
      CHECK(close(set, {&sums[0], 1}, {&sums[1], 1}, 16 * static_cast<float>(n)));
      CHECK(set.largest(a.data(), n) == *std::max_element(a.begin(), a.end()));
      auto holes = a;
      for (std::size_t i = 0; i < n; i += 3) holes[i] = std::numeric_limits<float>::quiet_NaN();
      float most = -std::numeric_limits<float>::infinity();
      for (const float x : holes) most = x > most ? x : most;
      CHECK(set.largest(holes.data(), n) == most);
      if (n % 2 == 0) {
        for (const bool interleaved : {false, true}) {
          agree([&](const kernel_set& k, float* out) {
            k.rotate(out, 1, n, a.data(), b.data(), n, interleaved);
          });
        }
      }
    }
  });
}

namespace {

/// Rows of directions, in blocks as floats and as words.
struct direction_rows {
  std::size_t count, n;
  std::vector<float> plain, floats;
  std::vector<std::uint32_t> words;

  direction_rows(std::size_t n_rows, std::size_t width)
      : count(n_rows),
        n(width),
        plain(numbers(count * n, 4)),
        floats(simd::elements_of_rows<float>(count, n), std::nanf("")),
        words(simd::elements_of_rows<std::uint32_t>(count, n), 0x7fc07fc0u) {
    for (std::size_t r = 0; r < count; ++r) {
      simd::put_row<float>(row(r), r, count, floats.data());
      simd::put_row<std::uint32_t>(row(r), r, count, words.data());
    }
  }
  [[nodiscard]] std::span<const float> row(std::size_t r) const {
    return std::span(plain).subspan(r * n, n);
  }
};

}  // namespace

TEST_CASE("inner products with many rows have the bits of each alone, and are right") {
  for_each_set([](const kernel_set& set) {
    for (const std::size_t n : {1u, 15u, 16u, 17u, 31u, 32u, 33u, 47u, 48u, 49u, 64u, 100u}) {
      for (const std::size_t count : {1u, 2u, 3u, 7u, 8u, 9u, 20u}) {
        CAPTURE(n);
        CAPTURE(count);
        const direction_rows rows(count, n);
        const auto x = numbers(n, 5);
        const float* const f = rows.floats.data();
        const std::uint32_t* const w = rows.words.data();
        std::vector<float> floats(count + 1, 7.0f), words(floats), alone(floats), wanted(floats);
        set.dots(f, count, count, x.data(), n, floats.data());
        set.dots_of_words(w, count, count, x.data(), n, words.data());
        for (std::size_t r = 0; r < count; ++r) {
          const std::size_t at = simd::block_of_row<float>(count, r, 0);
          set.dots(f + at, count, 1, x.data(), n, &alone[r]);
        }
        CHECK(same_bits(floats, alone));
        twin.dots(f, count, count, x.data(), n, wanted.data());
        CHECK(close(set, floats, wanted, 16 * static_cast<float>(n)));
        twin.dots_of_words(w, count, count, x.data(), n, wanted.data());
        CHECK(close(set, words, wanted, 16 * static_cast<float>(n)));
        for (std::size_t r = 0; r < count; ++r) {
          double exact = 0, packed = 0, magnitudes = 0;
          for (std::size_t i = 0; i < n; ++i) {
            const double term = static_cast<double>(rows.row(r)[i]) * x[i];
            exact += term;
            packed += static_cast<double>(simd::number_of_row(w, count, r, i)) * x[i];
            magnitudes += std::fabs(term);
          }
          // A rounding for each term, of half an epsilon of the magnitudes.
          const double bound = static_cast<double>(n + 1) / 2 * epsilon<float> * magnitudes;
          CHECK(std::fabs(floats[r] - exact) <= bound);
          CHECK(std::fabs(words[r] - packed) <= 1.01 * bound);
        }
      }
    }
  });
}

TEST_CASE("scaled rows are added one after the other, and the factor 1 is a plain addition") {
  for_each_set([](const kernel_set& set) {
    for (const std::size_t n : {1u, 15u, 16u, 17u, 31u, 32u, 33u, 48u, 49u, 100u}) {
      CAPTURE(n);
      constexpr std::size_t count = 5;
      const direction_rows rows(count, n);
      const std::vector<simd::scaled_row> terms{{0.5f, 0}, {0.3f, 4}, {-0.7f, 2}};
      const auto start = numbers(n + 1, 6);
      const auto check = [&](const auto* from, auto kernel) {
        auto y = start, apart = start, wanted = start;
        (set.*kernel)(from, count, terms.data(), terms.size(), y.data(), n);
        for (const auto& t : terms) (set.*kernel)(from, count, &t, 1, apart.data(), n);
        CHECK(same_bits(y, apart));
        CHECK(y.back() == start.back());
        (twin.*kernel)(from, count, terms.data(), terms.size(), wanted.data(), n);
        CHECK(close(set, y, wanted, 64));
        bool good = true;
        for (std::size_t i = 0; i < n; ++i) {
          double exact = start[i], magnitudes = std::fabs(exact);
          for (const auto& t : terms) {
            const double term = static_cast<double>(t.factor) *
                                static_cast<double>(simd::number_of_row(from, count, t.row, i));
            exact += term;
            magnitudes += std::fabs(term);
          }
          good &= std::fabs(y[i] - exact) <= 2 * epsilon<float> * magnitudes;
        }
        CHECK(good);
      };
      check(rows.floats.data(), &kernel_set::add_rows);
      check(rows.words.data(), &kernel_set::add_rows_of_words);
      auto y = start, plain = start;
      const simd::scaled_row one{1.0f, 2};
      set.add_rows(rows.floats.data(), count, &one, 1, y.data(), n);
      set.add(rows.row(2).data(), plain.data(), n);
      CHECK(same_bits(y, plain));
    }
  });
}

TEST_CASE("the set that runs is the first that the processor has, or the one that is asked for") {
  const char* const asked = std::getenv("MULTITUDES_ISA");
  std::string_view wanted;
  for (const kernel_set* set : simd::all_kernels()) {
    if (!set->is_supported()) continue;
    if (wanted.empty() || (asked != nullptr && set->name == asked)) wanted = set->name;
  }
  CHECK(simd::active_isa() == wanted);
  CHECK(simd::active_kernels().is_supported());
  const std::string name = asked != nullptr ? asked : "";
  MESSAGE("MULTITUDES_ISA=" << name << " runs " << std::string(wanted));
}
