// SPDX-License-Identifier: MIT

#include <multitudes/model/kv_cache.hpp>

#include <doctest/doctest.h>

#include <array>

namespace mt = multitudes;
using mt::model::kv_cache;
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
    cache.write(s, mt::position(p), mt::layer_index(1), 1, row, row);
  }
  [[nodiscard]] float marked(mt::sequence_id s, std::size_t p) const {
    const float* keys = cache.keys(s, p / kv_page_length, mt::layer_index(1), 1);
    const float* values = cache.values(s, p / kv_page_length, mt::layer_index(1), 1);
    const std::size_t slot = p % kv_page_length;
    for (std::size_t e = 0; e < 4; ++e) {
      CHECK(keys[e * kv_page_length + slot] == keys[slot] * static_cast<float>(e + 1));
      CHECK(values[slot * 4 + e] == keys[slot] * static_cast<float>(e + 1));
    }
    return keys[slot];
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

TEST_CASE("a fork shares pages until either side writes") {
  owned_cache c({2, 96, 0});
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
  CHECK(c.marked(b, 5) == 1.0f);
  CHECK(c.marked(b, 39) == 2.0f);
  CHECK(c.cache.plan_at(b, mt::position(39)) == red);

  REQUIRE(c.cache.append(a, 1, red).has_value());
  c.mark(a, 40, 4.0f);
  CHECK(c.marked(b, 40) == 3.0f);
  CHECK(c.cache.plan_at(b, mt::position(40)) == blue);

  c.cache.close(a);
  CHECK(c.marked(b, 5) == 1.0f);
  c.cache.close(b);
  CHECK(c.cache.free_pages() == 6);
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
