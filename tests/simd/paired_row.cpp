// SPDX-License-Identifier: MIT

#include "sweep.hpp"

#include <multitudes/simd/paired_row.hpp>

#include <doctest/doctest.h>

#include <vector>

namespace mt = multitudes;
namespace simd = multitudes::simd;
using namespace multitudes_test;

TEST_CASE("packed rows hold each number rounded to bf16, and zeros behind the last") {
  sweep<float>([](std::size_t n, std::size_t offset) {
    const auto row = random_numbers<float>(n, offset, 3);
    std::vector<std::uint32_t> words(simd::paired_words(n) + 1, 7);
    simd::pack_paired(row.span(), std::span(words).first(simd::paired_words(n)));
    CHECK(words.back() == 7);
    bool same = true;
    for (std::size_t i = 0; i < simd::paired_words(n) * 2; ++i) {
      const float wanted = i < n ? simd::bf16_to_float(simd::float_to_bf16(row[i])) : 0.0f;
      same = same && simd::paired_at(words.data(), i) == wanted;
    }
    CHECK(same);
  });
}

TEST_CASE("products with packed rows are near the plain loop's, in any company the same") {
  for_each_isa([]<class I>() {
    sweep<float>([](std::size_t n, std::size_t offset) {
      constexpr std::size_t count = 7;
      const std::size_t stride = simd::paired_words(n) + offset;
      std::vector<std::uint32_t> words(count * stride + 1);
      for (std::size_t r = 0; r < count; ++r) {
        const auto row = random_numbers<float>(n, 0, static_cast<std::uint32_t>(r));
        simd::pack_paired(row.span(), std::span(words).subspan(r * stride, simd::paired_words(n)));
      }
      const auto x = random_numbers<float>(n, offset, 9);
      const mt::matrix_view<const std::uint32_t> rows(words.data(), count, simd::paired_words(n),
                                                      stride);
      guarded<float> out(count, offset);
      guarded<float> plain(count, 0);
      simd::paired_dot<I>(rows, x.span(), out.span());
      simd::paired_dot<simd::scalar>(rows, x.span(), plain.span());
      bool good = out.intact();
      for (std::size_t r = 0; r < count; ++r) {
        guarded<float> alone(1, 0);
        simd::paired_dot<I>(rows.rows(r, 1), x.span(), alone.span());
        good = good && alone[0] == out[r];
        good = good && near(out[r], plain[r], epsilon<float> * static_cast<float>(n + 4));
      }
      CHECK(good);

      std::vector<simd::scaled_paired_row> terms;
      for (std::size_t r = 0; r < count; ++r) {
        terms.push_back({0.5f - 0.2f * static_cast<float>(r), rows.row(r).data()});
      }
      auto y = random_numbers<float>(n, offset, 10);
      auto slow = y;
      auto one_by_one = y;
      simd::paired_axpy<I>(terms, y.span());
      simd::paired_axpy<simd::scalar>(terms, slow.span());
      for (const auto& t : terms) simd::paired_axpy<I>({&t, 1}, one_by_one.span());
      good = y.intact();
      for (std::size_t i = 0; i < n; ++i) {
        good = good && y[i] == one_by_one[i] && near(y[i], slow[i], 16 * epsilon<float>);
      }
      CHECK(good);
    });
  });
}
