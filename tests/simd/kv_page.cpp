// SPDX-License-Identifier: MIT

#include "kernel_sets.hpp"

#include <multitudes/simd/kernel_set.hpp>
#include <multitudes/simd/kv_page.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace simd = multitudes::simd;
using namespace multitudes_test;
using simd::kernel_set;

TEST_CASE("one step of attention equals softmax in double precision, whatever lies behind it") {
  for_each_set([](const kernel_set& set) {
    for (const std::size_t head_dim : {4u, 8u, 16u, 48u, 64u, 80u}) {
      for (const std::size_t length : {1u, 15u, 16u, 17u, 32u, 33u, 70u}) {
        const std::size_t n_pages = (length + 31) / 32, n = 11;
        const float nan = std::numeric_limits<float>::quiet_NaN();
        std::vector<float> keys(n_pages * 32 * head_dim, nan), values(keys);
        const auto k = numbers(length * head_dim, 1), v = numbers(length * head_dim, 2);
        for (std::size_t j = 0; j < length; ++j) {
          for (std::size_t e = 0; e < head_dim; ++e) {
            keys[j / 32 * 32 * head_dim + e * 32 + j % 32] = k[j * head_dim + e];
            values[j * head_dim + e] = v[j * head_dim + e];
          }
        }
        const auto q = numbers(n * head_dim, 3);
        std::vector<float> together(n * head_dim), alone(n * head_dim);
        const auto run = [&](std::vector<float>& out, std::size_t step) {
          std::vector<simd::attention_state> states(n);
          for (std::size_t p = 0; p < n_pages; ++p) {
            std::vector<simd::attention_query> queries;
            for (std::size_t i = 0; i < n; ++i) {
              queries.push_back({q.data() + i * head_dim, out.data() + i * head_dim, &states[i]});
            }
            const simd::attention_page page{
                simd::kv_format::f32,
                std::as_bytes(std::span(keys).subspan(p * 32 * head_dim)).data(),
                std::as_bytes(std::span(values).subspan(p * 32 * head_dim)).data(),
                std::min<std::size_t>(32, length - p * 32),
                head_dim,
                0.5f};
            for (std::size_t i = 0; i < n; i += step) {
              set.attend_page(page, queries.data() + i, std::min(step, n - i));
            }
          }
          for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t e = 0; e < head_dim; ++e) out[i * head_dim + e] /= states[i].total;
          }
        };
        run(together, n);
        run(alone, 1);
        CHECK(same_bits(together, alone));
        double worst = 0;
        for (std::size_t i = 0; i < n; ++i) {
          std::vector<double> p(length);
          double total = 0;
          for (std::size_t j = 0; j < length; ++j) {
            double score = 0;
            for (std::size_t e = 0; e < head_dim; ++e) {
              score += static_cast<double>(q[i * head_dim + e]) * k[j * head_dim + e];
            }
            total += p[j] = std::exp(score / 2);
          }
          for (std::size_t e = 0; e < head_dim; ++e) {
            double wanted = 0;
            for (std::size_t j = 0; j < length; ++j) wanted += p[j] / total * v[j * head_dim + e];
            worst = std::max(worst, std::fabs(wanted - together[i * head_dim + e]));
          }
        }
        // Scores of up to 40 are rounded to 2e-6, and carry that into the weights.
        CHECK_MESSAGE(worst < 1e-5, "head_dim " << head_dim << " length " << length);
      }
    }
  });
}

namespace {

/// One page of keys and values, rounded to a format; and the same rounded numbers as f32.
struct rounded_page {
  std::vector<std::byte> narrow, wide;
  simd::kv_format format;
  std::size_t head_dim, count;

  rounded_page(const kernel_set& set, simd::kv_format f, std::size_t dim, std::size_t n)
      : narrow(2 * simd::kv_part_bytes(f, dim), std::byte{0x7f}),  // no numbers, where unwritten
        wide(2 * simd::kv_part_bytes(simd::kv_format::f32, dim)),
        format(f),
        head_dim(dim),
        count(n) {
    const std::size_t width = simd::kv_width(f, dim), part = narrow.size() / 2;
    const auto rows = numbers(2 * count * dim, 4);
    for (std::size_t i = 0; i < 2 * count; ++i) {
      const bool is_key = i < count;
      const std::size_t j = i % count;
      std::byte* to = narrow.data() + (is_key ? 0 : part);
      for (std::size_t first = 0; first < dim; first += 32) {
        simd::kv_rounded r;
        const std::size_t some = std::min<std::size_t>(32, dim - first);
        set.round_kv(f, rows.data() + i * dim + first, some, &r);
        const float scale = simd::half_to_float(r.scale);
        for (std::size_t e = 0; e < std::min<std::size_t>(32, width - first); ++e) {
          const std::size_t at = is_key ? (first + e) * 32 + j : j * width + first + e;
          const bool is_half = f == simd::kv_format::f16;
          if (is_half) {
            std::memcpy(to + 2 * at, &r.halves[e], 2);
          } else {
            std::memcpy(to + at, &r.bytes[e], 1);
          }
          if (e >= some) continue;
          const float x =
              is_half ? simd::half_to_float(r.halves[e]) : scale * static_cast<float>(r.bytes[e]);
          const std::size_t there = is_key ? (first + e) * 32 + j : 32 * dim + j * dim + first + e;
          std::memcpy(wide.data() + 4 * there, &x, 4);
        }
        if (f == simd::kv_format::q8_0) {
          std::memcpy(to + simd::kv_scales_at(dim) + (first / 32 * 32 + j) * 2, &r.scale, 2);
        }
      }
    }
  }
  [[nodiscard]] simd::attention_page page(bool as_floats) const {
    const auto& bytes = as_floats ? wide : narrow;
    return {as_floats ? simd::kv_format::f32 : format,
            bytes.data(),
            bytes.data() + bytes.size() / 2,
            count,
            head_dim,
            0.5f};
  }
};

}  // namespace

TEST_CASE("attention computes with what f16 and q8_0 keep as it would with the same floats") {
  for_each_set([](const kernel_set& set) {
    for (const auto format : {simd::kv_format::f16, simd::kv_format::q8_0}) {
      for (const std::size_t head_dim : {1u, 4u, 16u, 24u, 31u, 32u, 40u, 48u, 64u, 80u, 128u}) {
        for (const std::size_t count : {1u, 15u, 16u, 17u, 32u}) {
          CAPTURE(static_cast<int>(format));
          CAPTURE(head_dim);
          CAPTURE(count);
          const rounded_page made(set, format, head_dim, count);
          CHECK(made.narrow == rounded_page(twin, format, head_dim, count).narrow);
          constexpr std::size_t n = 11;
          const auto q = numbers(n * head_dim, 3);
          const auto run = [&](const kernel_set& k, bool as_floats, std::size_t step) {
            std::vector<float> out(n * head_dim + 1, 1.0f);
            std::vector<simd::attention_state> states(n);
            std::vector<simd::attention_query> queries;
            for (std::size_t i = 0; i < n; ++i) {
              queries.push_back({q.data() + i * head_dim, out.data() + i * head_dim, &states[i]});
            }
            for (std::size_t i = 0; i < n; i += step) {
              k.attend_page(made.page(as_floats), queries.data() + i, std::min(step, n - i));
            }
            CHECK(out.back() == 1.0f);
            for (const auto& state : states) out.push_back(state.total);
            return out;
          };
          const auto narrow = run(set, false, n);
          CHECK(same_bits(narrow, run(set, true, n)));
          CHECK(same_bits(narrow, run(set, false, 1)));
          if (fuses(set)) CHECK(same_bits(narrow, run(twin, false, n)));
        }
      }
    }
  });
}

TEST_CASE("keys and values that are no numbers stay none in every format") {
  for_each_set([](const kernel_set& set) {
    for (const float bad :
         {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
      for (const std::size_t at : {0u, 5u, 20u}) {
        auto x = numbers(21, 3);
        x[at] = bad;
        simd::kv_rounded r;
        set.round_kv(simd::kv_format::f16, x.data(), 21, &r);
        CHECK(!std::isfinite(simd::half_to_float(r.halves[at])));
        set.round_kv(simd::kv_format::q8_0, x.data(), 21, &r);
        CHECK(std::isnan(simd::half_to_float(r.scale)));
      }
    }
  });
}
