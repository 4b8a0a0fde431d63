// SPDX-License-Identifier: MIT

#include <multitudes/model/kv_cache.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace mt = multitudes;
using mt::model::kv_cache;
using mt::model::kv_format;
using mt::model::kv_page_length;

namespace {

constexpr mt::fingerprint red{1};
constexpr mt::fingerprint blue{2};

mt::model::hyper_parameters shape() {
  mt::model::hyper_parameters p;
  p.n_layers = 2;
  p.n_heads = 2;
  p.n_kv_heads = 2;
  p.head_dim = 4;
  return p;
}

/// What the page of a cache says of element e of a key or value.
float number(const mt::simd::attention_page& page, const std::byte* part, std::size_t slot,
             std::size_t e, bool is_key) {
  const std::size_t width = mt::simd::kv_width(page.format, page.head_dim);
  const std::size_t at = is_key ? e * kv_page_length + slot : slot * width + e;
  const auto half = [&](const std::byte* from) {
    std::uint16_t bits;
    std::memcpy(&bits, from, 2);
    return mt::simd::half_to_float(bits);
  };
  switch (page.format) {
    case kv_format::f32: {
      float x;
      std::memcpy(&x, part + at * sizeof(float), sizeof(float));
      return x;
    }
    case kv_format::f16: return half(part + 2 * at);
    case kv_format::q8_0: break;
  }
  const auto byte = static_cast<std::int8_t>(part[at]);
  return byte * half(part + mt::simd::kv_scales_at(page.head_dim) +
                     (e / mt::simd::kv_block * kv_page_length + slot) * 2);
}

constexpr kv_format every_format[] = {kv_format::f32, kv_format::f16, kv_format::q8_0};

struct owned_cache {
  explicit owned_cache(mt::model::kv_cache_limits limits)
      : memory(*kv_cache::required_bytes(shape(), limits)) {
    mt::arena arena(memory.bytes());
    auto made = kv_cache::make(shape(), limits, arena);
    REQUIRE(made.has_value());
    cache = *made;
  }
  /// Marks a position, so that a test can see whose memory it is.
  void mark(mt::sequence_id s, std::size_t p, float value) {
    const std::array<float, 4> row{value, 2 * value, 3 * value, 4 * value};
    cache.write(mt::simd::active_kernels(), s, mt::position(p), mt::layer_index(1), 1, row, row);
  }
  [[nodiscard]] float marked(mt::sequence_id s, std::size_t p) const {
    const auto page = cache.page(s, p / kv_page_length, mt::layer_index(1), 1);
    const std::size_t slot = p % kv_page_length;
    const float first = number(page, page.keys, slot, 0, true);
    for (std::size_t e = 0; e < 4; ++e) {
      // Half a step of 4 / 127, and four times that of the first.
      const float near = cache.format() == kv_format::q8_0 ? 0.08f * first : 0;
      const float off = first * static_cast<float>(e + 1);
      CHECK(std::fabs(number(page, page.keys, slot, e, true) - off) <= near);
      CHECK(std::fabs(number(page, page.values, slot, e, false) - off) <= near);
    }
    return first;
  }

  mt::heap_block memory;
  kv_cache cache;
};

}  // namespace

TEST_CASE("every position remembers the plan that it was computed under") {
  owned_cache c({1, 100, 0});
  const auto s = *c.cache.open();
  REQUIRE(c.cache.append(s, 40, red).has_value());
  REQUIRE(c.cache.append(s, 3, blue).has_value());
  CHECK(c.cache.plan_at(s, mt::position(39)) == red);
  CHECK(c.cache.plan_at(s, mt::position(40)) == blue);
  c.cache.truncate(s, 39);
  REQUIRE(c.cache.append(s, 1, blue).has_value());
  CHECK(c.cache.plan_at(s, mt::position(38)) == red);
  CHECK(c.cache.plan_at(s, mt::position(39)) == blue);
}

TEST_CASE("a fork shares pages until either side writes, in every format") {
  for (const kv_format format : every_format) {
    CAPTURE(static_cast<int>(format));
    owned_cache c({2, 96, 0, format});
    const auto a = *c.cache.open();
    REQUIRE(c.cache.append(a, 40, red).has_value());
    c.mark(a, 5, 1.0f);
    c.mark(a, 39, 2.0f);
    const std::size_t free_before = c.cache.free_pages();
    const auto b = *c.cache.fork(a);
    CHECK(c.cache.free_pages() == free_before);
    CHECK(c.cache.length(b) == 40);

    REQUIRE(c.cache.append(b, 1, blue).has_value());
    CHECK(c.cache.free_pages() == free_before - 1);  // the half-full page was copied, not the first
    c.mark(b, 40, 3.0f);
    CHECK(c.marked(b, 5) == doctest::Approx(1.0).epsilon(0.02));
    CHECK(c.marked(b, 39) == doctest::Approx(2.0).epsilon(0.02));
    CHECK(c.cache.plan_at(b, mt::position(39)) == red);

    REQUIRE(c.cache.append(a, 1, red).has_value());
    c.mark(a, 40, 4.0f);
    CHECK(c.marked(b, 40) == doctest::Approx(3.0).epsilon(0.02));
    CHECK(c.cache.plan_at(b, mt::position(40)) == blue);

    c.cache.close(a);
    CHECK(c.marked(b, 5) == doctest::Approx(1.0).epsilon(0.02));
    c.cache.close(b);
    CHECK(c.cache.free_pages() == 6);
  }
}

TEST_CASE("running out of pages, positions or sequences is an error that changes nothing") {
  owned_cache c({2, 96, 2});
  const auto a = *c.cache.open();
  REQUIRE(c.cache.append(a, 60, red).has_value());
  const auto b = *c.cache.open();
  CHECK(c.cache.append(b, 1, red).error().code == mt::errc::out_of_memory);
  CHECK(c.cache.length(b) == 0);
  CHECK(c.cache.append(a, 37, red).error().code == mt::errc::out_of_memory);
  CHECK(c.cache.length(a) == 60);
  CHECK(c.cache.open().error().code == mt::errc::out_of_memory);
  c.cache.close(a);
  CHECK(c.cache.append(b, 33, red).has_value());
}

TEST_CASE("a size that cannot be addressed is an error and not a wrap-around") {
  const mt::model::kv_cache_limits limits{1u << 20, ~std::size_t{0} / 2, 0};
  CHECK(!kv_cache::required_bytes(shape(), limits).has_value());
  mt::heap_block none(64);
  mt::arena arena(none.bytes());
  CHECK(kv_cache::make(shape(), limits, arena).error().code == mt::errc::out_of_memory);
}

TEST_CASE("truncating gives back the pages that nothing needs, and never lengthens") {
  owned_cache c({1, 96, 0});
  const auto s = *c.cache.open();
  REQUIRE(c.cache.append(s, 96, red).has_value());
  CHECK(c.cache.free_pages() == 0);
  c.cache.truncate(s, 33);
  CHECK(c.cache.free_pages() == 1);
  c.cache.truncate(s, 32);
  CHECK(c.cache.free_pages() == 2);
  c.cache.truncate(s, 60);
  CHECK(c.cache.length(s) == 32);
}

TEST_CASE("a sequence may be as long as max_length and not one longer") {
  owned_cache c({1, 90, 0});  // the last of its three pages has room for more
  const auto s = *c.cache.open();
  CHECK(c.cache.append(s, 91, red).error().code == mt::errc::out_of_memory);
  REQUIRE(c.cache.append(s, 90, red).has_value());
  CHECK(c.cache.append(s, 1, red).error().code == mt::errc::out_of_memory);
  CHECK(c.cache.length(s) == 90);
}

TEST_CASE("writing to a shared page needs a free one") {
  owned_cache c({2, 64, 2});
  const auto a = *c.cache.open();
  REQUIRE(c.cache.append(a, 40, red).has_value());
  const auto b = *c.cache.fork(a);
  const auto refused = c.cache.append(b, 1, blue);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::out_of_memory);
  CHECK(c.cache.length(b) == 40);
  c.cache.close(b);
  CHECK(c.cache.append(a, 1, blue).has_value());
}

TEST_CASE("every format keeps each number as near as it says, padding and tails included") {
  for (const kv_format format : every_format) {
    for (const std::uint32_t head_dim : {1u, 4u, 16u, 31u, 32u, 33u, 48u, 64u, 80u, 128u}) {
      CAPTURE(static_cast<int>(format));
      CAPTURE(head_dim);
      auto p = shape();
      p.head_dim = head_dim;
      const mt::model::kv_cache_limits limits{1, 40, 0, format};
      const mt::heap_block memory(*kv_cache::required_bytes(p, limits));
      mt::arena arena(memory.bytes());
      auto cache = *kv_cache::make(p, limits, arena);
      const auto s = *cache.open();
      REQUIRE(cache.append(s, 40, red).has_value());
      std::vector<std::vector<float>> rows;
      for (std::size_t t = 0; t < 40; ++t) {
        auto& row = rows.emplace_back(head_dim);
        for (std::size_t e = 0; e < head_dim; ++e) {
          row[e] = static_cast<float>((t * 31 + e * 17) % 97) - 48.25f;
        }
        for (std::size_t h = 0; h < 2; ++h) {
          cache.write(mt::simd::active_kernels(), s, mt::position(t), mt::layer_index(1), h, row,
                      row);
        }
      }
      bool good = true;
      for (std::size_t t = 0; t < 40; ++t) {
        for (std::size_t e = 0; e < head_dim; ++e) {
          const std::size_t block = e / 32 * 32;
          float most = 0;
          for (std::size_t i = block; i < std::min<std::size_t>(block + 32, head_dim); ++i) {
            most = std::max(most, std::fabs(rows[t][i]));
          }
          const float x = rows[t][e];
          const float off = format == kv_format::f32   ? 0
                            : format == kv_format::f16 ? std::fabs(x) * 0x1p-11f
                                                       : 0.0045f * most;
          for (std::size_t h = 0; h < 2; ++h) {
            const auto page = cache.page(s, t / 32, mt::layer_index(1), h);
            good &= std::fabs(number(page, page.keys, t % 32, e, true) - x) <= off;
            good &= std::fabs(number(page, page.values, t % 32, e, false) - x) <= off;
          }
        }
      }
      CHECK(good);
    }
  }
}

TEST_CASE("narrow formats take the memory that they say, and what is made fits into it") {
  auto p = shape();
  p.n_layers = 28;
  p.n_kv_heads = 4;
  p.head_dim = 64;
  const auto bytes = [&](kv_format format) {
    return static_cast<double>(*kv_cache::required_bytes(p, {16, 1536, 0, format}));
  };
  // Page tables and plans come on top, a thousandth.
  CHECK(bytes(kv_format::f16) / bytes(kv_format::f32) == doctest::Approx(0.5).epsilon(0.002));
  CHECK(bytes(kv_format::q8_0) / bytes(kv_format::f32) ==
        doctest::Approx(17.0 / 64).epsilon(0.002));
}

TEST_CASE(
    "positions that are exported are the same in another cache, wherever they begin and end") {
  for (const kv_format format : every_format) {
    for (const std::uint32_t head_dim : {1u, 20u, 32u, 48u, 80u}) {
      CAPTURE(static_cast<int>(format));
      CAPTURE(head_dim);
      auto p = shape();
      p.head_dim = head_dim;
      const mt::model::kv_cache_limits limits{3, 100, 0, format};
      const mt::heap_block memory(*kv_cache::required_bytes(p, limits)),
          other(memory.bytes().size());
      std::memset(other.bytes().data(), 0x5A, other.bytes().size());
      mt::arena arena(memory.bytes()), other_arena(other.bytes());
      auto from = *kv_cache::make(p, limits, arena), to = *kv_cache::make(p, limits, other_arena);
      const auto fill = [&](kv_cache& cache, mt::sequence_id s, std::size_t n, float seed) {
        for (std::size_t t = cache.length(s), end = t + n; t < end; ++t) {
          REQUIRE(cache.append(s, 1, mt::fingerprint{t + 7}));
          for (std::size_t l = 0; l < 2; ++l) {
            for (std::size_t h = 0; h < 2; ++h) {
              std::vector<float> k(head_dim), v(head_dim);
              for (std::size_t e = 0; e < head_dim; ++e) {
                k[e] = seed + static_cast<float>((t * 31 + e * 17 + l * 5 + h * 3) % 97);
                v[e] = -k[e];
              }
              cache.write(mt::simd::active_kernels(), s, mt::position(t), mt::layer_index(l), h, k,
                          v);
            }
          }
        }
      };
      const auto a = *from.open();
      fill(from, a, 90, 0.5f);
      for (const auto& [first, count] : {std::pair{0u, 90u},
                                         {0u, 5u},
                                         {33u, 20u},
                                         {37u, 53u},
                                         {64u, 0u},
                                         {32u, 32u},
                                         {31u, 2u}}) {
        const auto base = *to.open();
        fill(to, base, first, 3.0f);
        const auto s = *to.fork(base);
        std::vector<std::byte> bytes(from.exported_bytes(count)), again(bytes.size());
        from.export_to(a, mt::position(first), count, bytes);
        REQUIRE(to.import_from(s, count, bytes));
        REQUIRE(to.length(s) == first + count);
        to.export_to(s, mt::position(first), count, again);
        CHECK(again == bytes);
        bool good = true;
        for (std::size_t t = first; t < first + count; ++t) {
          good &= to.plan_at(s, mt::position(t)) == mt::fingerprint{t + 7};
          for (std::size_t l = 0; l < 2; ++l) {
            for (std::size_t h = 0; h < 2; ++h) {
              const auto was = from.page(a, t / 32, mt::layer_index(l), h);
              const auto is = to.page(s, t / 32, mt::layer_index(l), h);
              for (std::size_t e = 0; e < head_dim; ++e) {
                good &=
                    number(was, was.keys, t % 32, e, true) == number(is, is.keys, t % 32, e, true);
                good &= number(was, was.values, t % 32, e, false) ==
                        number(is, is.values, t % 32, e, false);
              }
            }
          }
        }
        CHECK(good);
        // Whom it was forked from does not see it.
        std::vector<std::byte> before(to.exported_bytes(first)), after(before.size());
        const auto same = *to.open();
        fill(to, same, first, 3.0f);
        to.export_to(same, mt::position(0), first, before);
        to.export_to(base, mt::position(0), first, after);
        CHECK(before == after);
        for (const auto each : {base, s, same}) to.close(each);
      }
    }
  }
}

TEST_CASE("what has no room is not imported") {
  owned_cache from({1, 96, 0}), to({1, 96, 1});
  const auto a = *from.cache.open();
  const auto b = *to.cache.open();
  REQUIRE(from.cache.append(a, 40, red).has_value());
  std::vector<std::byte> bytes(from.cache.exported_bytes(40));
  from.cache.export_to(a, mt::position(0), 40, bytes);
  CHECK(to.cache.import_from(b, 40, bytes).error().code == mt::errc::out_of_memory);
  CHECK(to.cache.length(b) == 0);
  CHECK(to.cache.import_from(b, 97, bytes).error().code == mt::errc::out_of_memory);
  CHECK(to.cache.import_from(b, 20, bytes).has_value());
}
