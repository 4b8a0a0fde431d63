// SPDX-License-Identifier: MIT

#include "../support/tiny_model.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/model/evaluation.hpp>

#include <doctest/doctest.h>

#include <numeric>
#include <vector>

namespace mt = multitudes;
using namespace multitudes_test;

namespace {

/// A cache and a pass over it, with memory of their own.
struct machine {
  explicit machine(const mt::language_model& lm, std::size_t max_rows = 64,
                   std::size_t n_sequences = 1,
                   const mt::simd::kernel_set& kernels = mt::simd::active_kernels())
      : model(lm) {
    const mt::model::kv_cache_limits cache_limits{n_sequences, 160, 0};
    const mt::model::evaluation_limits limits{max_rows, max_rows};
    memory = mt::heap_block(*mt::model::kv_cache::required_bytes(lm.shape(), cache_limits) +
                            *mt::model::evaluation::required_bytes(lm.shape(), limits));
    mt::arena arena(memory.bytes());
    auto made_cache = mt::model::kv_cache::make(lm.shape(), cache_limits, arena);
    REQUIRE(made_cache.has_value());
    cache = *made_cache;
    auto made = mt::model::evaluation::make(*model.weights, limits, arena, kernels);
    REQUIRE_MESSAGE(made.has_value(), made.error().message());
    work = *made;
  }

  mt::language_model model;
  mt::heap_block memory;
  mt::model::kv_cache cache;
  mt::model::evaluation work;
};

/// The logits after every token, when the tokens come in chunks of `chunk` and the pass is cut
/// after every `tiles` tiles.
template <class E>
std::vector<float> all_logits(const mt::language_model& lm, std::span<const mt::token_id> tokens,
                              std::size_t chunk, std::size_t tiles, E& workers,
                              const mt::simd::kernel_set& kernels = mt::simd::active_kernels()) {
  machine m(lm, 64, 1, kernels);
  const mt::sequence_id s = *m.cache.open();
  std::vector<float> result;
  for (std::size_t first = 0; first < tokens.size(); first += chunk) {
    std::vector<mt::model::batch_row> rows;
    for (std::size_t i = first; i < std::min(first + chunk, tokens.size()); ++i) {
      rows.push_back({s, tokens[i], true, {}});
    }
    REQUIRE(m.work.begin(rows, m.cache).has_value());
    while (m.work.resume(workers, mt::no_hook{}, tiles) ==
           mt::model::evaluation_status::in_progress) {
    }
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const auto logits = m.work.logits(mt::row_index(r));
      result.insert(result.end(), logits.begin(), logits.end());
    }
  }
  return result;
}

constexpr std::size_t everything = std::numeric_limits<std::size_t>::max();

}  // namespace

TEST_CASE("chunks, threads and cuts between tiles do not change a bit, in any weight format") {
  using mt::simd::weight_format;
  for (const weight_format format : {weight_format::f32, weight_format::f16, weight_format::bf16,
                                     weight_format::q8_0, weight_format::q4_0}) {
    CAPTURE(static_cast<int>(format));
    const auto lm = tiny_model({.format = format});
    const auto tokens = some_tokens(70);
    mt::inline_executor one;
    const auto reference = all_logits(lm, tokens, 1, everything, one);
    CHECK(all_logits(lm, tokens, 7, everything, one) == reference);
    CHECK(all_logits(lm, tokens, 64, everything, one) == reference);
    CHECK(all_logits(lm, tokens, 64, 1, one) == reference);
    CHECK(all_logits(lm, tokens, 7, 5, one) == reference);
    for (const std::size_t n_threads : {std::size_t{2}, std::size_t{4}}) {
      mt::thread_pool pool(n_threads);
      CHECK(all_logits(lm, tokens, 64, everything, pool) == reference);
      CHECK(all_logits(lm, tokens, 7, 3, pool) == reference);
    }
  }
}

TEST_CASE("every set of kernels with a fused multiply-add gives the same logits, to the bit") {
  using mt::simd::weight_format;
  mt::inline_executor one;
  const auto& twin = mt::simd::kernels_for<mt::simd::scalar>;
  for (const weight_format format : {weight_format::f32, weight_format::f16, weight_format::bf16,
                                     weight_format::q8_0, weight_format::q4_0}) {
    CAPTURE(static_cast<int>(format));
    const auto lm = tiny_model({.format = format});
    const auto tokens = some_tokens(50);
    const auto wanted = all_logits(lm, tokens, 50, everything, one, twin);
    for (const mt::simd::kernel_set* set : mt::simd::all_kernels()) {
      const bool fuses = set->name == "avx2" || set->name == "avxvnni" || set->name == "avx512" ||
                         set->name == "dotprod";
      if (!set->is_supported() || !fuses) continue;
      CAPTURE(std::string(set->name));
      CHECK(all_logits(lm, tokens, 50, everything, one, *set) == wanted);
    }
  }
}

TEST_CASE("a sequence has the same bits alone and among fifteen others") {
  const auto lm = tiny_model({.n_heads = 4, .n_kv_heads = 4, .tied = true});
  mt::inline_executor one;
  constexpr std::size_t n = 16;
  constexpr std::size_t length = 12;
  machine m(lm, n, n);
  std::vector<std::vector<mt::token_id>> texts;
  std::vector<mt::sequence_id> ids;
  for (std::size_t i = 0; i < n; ++i) {
    texts.push_back(some_tokens(length, i + 1));
    ids.push_back(*m.cache.open());
  }
  std::vector<std::vector<float>> together(n);
  for (std::size_t t = 0; t < length; ++t) {
    std::vector<mt::model::batch_row> rows;
    for (std::size_t i = 0; i < n; ++i) rows.push_back({ids[i], texts[i][t], true, {}});
    REQUIRE(m.work.begin(rows, m.cache).has_value());
    REQUIRE(m.work.resume(one) == mt::model::evaluation_status::done);
    for (std::size_t i = 0; i < n; ++i) {
      const auto logits = m.work.logits(mt::row_index(i));
      together[i].insert(together[i].end(), logits.begin(), logits.end());
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    CHECK(together[i] == all_logits(lm, texts[i], 1, everything, one));
  }
}

TEST_CASE("the hook sees every row once after every block, and what it changes is used") {
  const auto lm = tiny_model();
  const auto tokens = some_tokens(5);
  mt::inline_executor one;
  machine m(lm);
  const mt::sequence_id s = *m.cache.open();
  std::vector<mt::model::batch_row> rows;
  for (const mt::token_id t : tokens) rows.push_back({s, t, true, {}});
  std::vector<int> seen(tokens.size() * lm.shape().n_layers);
  REQUIRE(m.work.begin(rows, m.cache).has_value());
  m.work.resume(one, [&](mt::row_index r, mt::layer_index l, std::span<float> h) {
    CHECK(h.size() == lm.shape().model_dim);
    ++seen[r.value * lm.shape().n_layers + l.value];
    if (l.value == 1 && r.value == 2) h[0] += 1.0f;
  });
  CHECK(std::all_of(seen.begin(), seen.end(), [](int n) { return n == 1; }));
  const auto plain = all_logits(lm, tokens, 5, everything, one);
  const std::size_t vocab = lm.shape().vocab_size;
  for (std::size_t r = 0; r < tokens.size(); ++r) {
    const auto logits = m.work.logits(mt::row_index(r));
    const bool same = std::equal(logits.begin(), logits.end(),
                                 plain.begin() + static_cast<std::ptrdiff_t>(r * vocab));
    // Rows before the change know nothing of it; those after it attend to it in block 2.
    CHECK(same == (r < 2));
  }
}

TEST_CASE("a bad batch is refused by row and leaves the cache as it was") {
  const auto lm = tiny_model();
  machine m(lm, 4);
  const mt::sequence_id s = *m.cache.open();
  const auto refused = [&](std::vector<mt::model::batch_row> rows, mt::errc code,
                           const char* place) {
    const auto outcome = m.work.begin(rows, m.cache);
    REQUIRE(!outcome.has_value());
    CHECK(outcome.error().code == code);
    CHECK(outcome.error().place == place);
    CHECK(m.cache.length(s) == 0);
  };
  const mt::token_id a(260);
  refused({{s, a}, {s, mt::token_id(lm.shape().vocab_size)}}, mt::errc::invalid_argument, "row 1");
  refused({{mt::sequence_id(1), a}}, mt::errc::invalid_argument, "row 0");
  refused({{s, a}, {s, a}, {s, a}, {s, a}, {s, a}}, mt::errc::out_of_memory, "row 4");
}

TEST_CASE("the state of a pass fits exactly what it asks for") {
  const auto lm = tiny_model();
  const mt::model::evaluation_limits limits{8, 2};
  const auto bytes = *mt::model::evaluation::required_bytes(lm.shape(), limits);
  mt::heap_block enough(bytes);
  mt::arena arena(enough.bytes());
  CHECK(mt::model::evaluation::make(*lm.weights, limits, arena).has_value());
  mt::arena too_small(enough.bytes().first(bytes / 2));
  const auto refused = mt::model::evaluation::make(*lm.weights, limits, too_small);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::out_of_memory);
}

TEST_CASE("a batch that outgrows the cache leaves every sequence as long as it was") {
  const auto lm = tiny_model();
  machine m(lm, 4, 2);
  const mt::sequence_id s = *m.cache.open();
  const mt::sequence_id t = *m.cache.open();
  REQUIRE(m.cache.append(s, 159, {}).has_value());
  const mt::token_id a(260);
  const mt::model::batch_row rows[] = {{t, a}, {s, a}, {s, a}};
  const auto refused = m.work.begin(rows, m.cache);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::out_of_memory);
  CHECK(m.cache.length(s) == 159);
  CHECK(m.cache.length(t) == 0);
  mt::inline_executor one;
  CHECK(m.work.resume(one) == mt::model::evaluation_status::done);
}

TEST_CASE("only the rows that ask for logits get them, and each gets its own") {
  const auto lm = tiny_model();
  const auto tokens = some_tokens(5);
  mt::inline_executor one;
  const auto all = all_logits(lm, tokens, 5, everything, one);
  machine m(lm);
  const mt::sequence_id s = *m.cache.open();
  std::vector<mt::model::batch_row> rows;
  for (std::size_t i = 0; i < 5; ++i) rows.push_back({s, tokens[i], i == 1 || i == 4, {}});
  REQUIRE(m.work.begin(rows, m.cache).has_value());
  m.work.resume(one);
  const std::size_t vocab = lm.shape().vocab_size;
  for (const std::size_t r : {1u, 4u}) {
    const auto logits = m.work.logits(mt::row_index(r));
    CHECK(std::equal(logits.begin(), logits.end(),
                     all.begin() + static_cast<std::ptrdiff_t>(r * vocab)));
  }
}

TEST_CASE("more rows with logits than there is room for are refused at the first too many") {
  const auto lm = tiny_model();
  machine m(lm, 8);
  const mt::model::evaluation_limits limits{4, 1};
  const mt::heap_block memory(*mt::model::evaluation::required_bytes(lm.shape(), limits));
  mt::arena arena(memory.bytes());
  auto work = *mt::model::evaluation::make(*lm.weights, limits, arena);
  const mt::sequence_id s = *m.cache.open();
  const mt::token_id a(260);
  const mt::model::batch_row rows[] = {{s, a}, {s, a, true}, {s, a, true}};
  const auto refused = work.begin(rows, m.cache);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::out_of_memory);
  CHECK(refused.error().place == "row 2");
  CHECK(work.begin(std::span(rows).first(2), m.cache).has_value());
}

TEST_CASE("a row's plan is remembered at its position") {
  const auto lm = tiny_model();
  machine m(lm);
  const mt::sequence_id s = *m.cache.open();
  const mt::token_id a(260);
  const mt::model::batch_row rows[] = {{s, a, false, {7}}, {s, a, false, {8}}};
  REQUIRE(m.work.begin(rows, m.cache).has_value());
  CHECK(m.cache.plan_at(s, mt::position(0)) == mt::fingerprint{7});
  CHECK(m.cache.plan_at(s, mt::position(1)) == mt::fingerprint{8});
  CHECK(m.work.position_of(mt::row_index(1)) == mt::position(1));
}

TEST_CASE("resume runs no more tiles than it may, and a pass that was given up leaves no trace") {
  const auto lm = tiny_model();
  const auto tokens = some_tokens(5);
  mt::inline_executor one;
  const auto reference = all_logits(lm, tokens, 5, everything, one);
  machine m(lm);
  const mt::sequence_id s = *m.cache.open();
  std::vector<mt::model::batch_row> rows;
  for (const mt::token_id t : tokens) rows.push_back({s, t, true, {}});
  // Cut in the middle of each stage of the first two blocks.
  for (std::size_t tiles = 1; tiles < 60; tiles += 4) {
    REQUIRE(m.work.begin(rows, m.cache).has_value());
    REQUIRE(m.work.resume(one, mt::no_hook{}, tiles) == mt::model::evaluation_status::in_progress);
    m.cache.truncate(s, 0);
  }
  REQUIRE(m.work.begin(rows, m.cache).has_value());
  REQUIRE(m.work.resume(one) == mt::model::evaluation_status::done);
  std::vector<float> found;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const auto logits = m.work.logits(mt::row_index(r));
    found.insert(found.end(), logits.begin(), logits.end());
  }
  CHECK(found == reference);
}

TEST_CASE("what a pass asks for is enough for many rows, and sizes that wrap around are refused") {
  const auto lm = tiny_model();
  const mt::model::evaluation_limits many{2000, 1};
  const mt::heap_block memory(*mt::model::evaluation::required_bytes(lm.shape(), many));
  mt::arena arena(memory.bytes());
  CHECK(mt::model::evaluation::make(*lm.weights, many, arena).has_value());
  // Times any width of this model, all multiples of 8, this is a multiple of 2^64.
  const mt::model::evaluation_limits wraps{std::size_t{1} << 61, 1};
  CHECK(!mt::model::evaluation::required_bytes(lm.shape(), wraps).has_value());
  mt::arena again(memory.bytes());
  const auto refused = mt::model::workspace::make(lm.shape(), wraps, again);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::out_of_memory);
}
