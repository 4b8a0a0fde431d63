// SPDX-License-Identifier: MIT

#include "../support/tiny_model.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/batch.hpp>
#include <multitudes/generate/session.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace mt = multitudes;
using mt::kv_format;
using namespace multitudes_test;

namespace {

constexpr kv_format every_format[] = {kv_format::f32, kv_format::f16, kv_format::q8_0};

/// The logits after every token of one of `n` sequences, which take turns in pieces of `chunk`.
template <class E>
std::vector<float> all_logits(const mt::language_model& lm, kv_format format,
                              std::span<const mt::token_id> tokens, std::size_t chunk,
                              std::size_t n, std::size_t which, E& workers) {
  auto b = *mt::batch::make(lm, {.n_sequences = n, .context = 160, .cache = format});
  std::vector<std::vector<mt::token_id>> texts;
  std::vector<mt::sequence_id> ids;
  for (std::size_t i = 0; i < n; ++i) {
    texts.push_back(some_tokens(tokens.size(), 100 + i));
    ids.push_back(*b.open());
  }
  texts[which].assign(tokens.begin(), tokens.end());
  std::vector<float> result;
  for (std::size_t first = 0; first < tokens.size(); first += chunk) {
    std::vector<mt::feed> feeds;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t some = std::min(chunk, tokens.size() - first);
      feeds.push_back({ids[i], std::span(texts[i]).subspan(first, some), some, {}});
    }
    const auto take = [&](mt::feed_place at, std::span<float> logits) {
      if (at.feed == which) result.insert(result.end(), logits.begin(), logits.end());
    };
    REQUIRE(b.evaluate(workers, feeds, take).has_value());
  }
  return result;
}

/// Of all differences the root mean square, as a share of that of the numbers.
double distance(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double off = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    off += std::pow(static_cast<double>(a[i]) - b[i], 2);
    size += std::pow(static_cast<double>(a[i]), 2);
  }
  return std::sqrt(off / size);
}

}  // namespace

TEST_CASE("in every cache format, threads, company and cuts do not change a bit") {
  const auto lm = tiny_model({.model_dim = 96, .n_heads = 4, .n_kv_heads = 2, .rough = true});
  const auto tokens = some_tokens(70);
  mt::inline_executor one;
  mt::thread_pool two(2), four(4);
  for (const kv_format format : every_format) {
    CAPTURE(static_cast<int>(format));
    const auto wanted = all_logits(lm, format, tokens, 1, 1, 0, one);
    CHECK(all_logits(lm, format, tokens, 7, 1, 0, two) == wanted);
    CHECK(all_logits(lm, format, tokens, 70, 1, 0, four) == wanted);
    CHECK(all_logits(lm, format, tokens, 5, 16, 9, two) == wanted);
    CHECK(all_logits(lm, format, tokens, 33, 3, 2, four) == wanted);
  }
}

TEST_CASE("a narrow cache moves logits by no more than its rounding, and by something") {
  for (const std::uint32_t model_dim : {32u, 96u, 256u}) {
    CAPTURE(model_dim);
    const auto lm = tiny_model({.model_dim = model_dim, .rough = true});
    const auto tokens = some_tokens(150);
    mt::inline_executor one;
    const auto exact = all_logits(lm, kv_format::f32, tokens, 50, 1, 0, one);
    const double half = distance(exact, all_logits(lm, kv_format::f16, tokens, 50, 1, 0, one));
    const double bytes = distance(exact, all_logits(lm, kv_format::q8_0, tokens, 50, 1, 0, one));
    MESSAGE("model_dim " << model_dim << ": f16 off by " << half << ", q8_0 by " << bytes);
    CHECK(half > 1e-6);
    CHECK(half < 1e-3);
    CHECK(bytes > 5 * half);
    CHECK(bytes < 1e-2);
  }
}

TEST_CASE("a fork and a sequence that was cut go on as they would, in every cache format") {
  const auto lm = tiny_model({.rough = true});
  const auto tokens = some_tokens(60);
  mt::inline_executor one;
  for (const kv_format format : every_format) {
    CAPTURE(static_cast<int>(format));
    auto b = *mt::batch::make(lm, {.n_sequences = 2, .context = 160, .cache = format});
    const auto s = *b.open();
    const auto feed = [&](mt::sequence_id to, std::size_t first, std::size_t n) {
      std::vector<float> last;
      const mt::feed f{to, std::span(tokens).subspan(first, n), 1, {}};
      REQUIRE(b.evaluate(one, std::span(&f, 1), [&](mt::feed_place, std::span<float> logits) {
                 last.assign(logits.begin(), logits.end());
               }).has_value());
      return last;
    };
    feed(s, 0, 40);
    const auto fork = *b.fork(s);
    const auto wanted = feed(s, 40, 20);
    feed(fork, 0, 3);  // something else
    b.truncate(fork, 40);
    CHECK(feed(fork, 40, 20) == wanted);
    CHECK(b.cache().format() == format);
  }
}

TEST_CASE("a session keeps its memory in the format that it is made with") {
  const auto lm = tiny_model({.rough = true});
  const auto logits = [&](kv_format format) {
    auto s = *mt::session<>::make(lm, {.cache = format});
    REQUIRE(s.read("a few words to look back upon").has_value());
    return std::vector<float>(s.logits().begin(), s.logits().end());
  };
  const auto exact = logits(kv_format::f32);
  CHECK(logits(kv_format::f16) != exact);
  CHECK(logits(kv_format::q8_0) != exact);
  CHECK(logits(kv_format::q8_0) != logits(kv_format::f16));
}

TEST_CASE("a batch asks for less memory where its cache is narrow") {
  const auto lm = tiny_model({.model_dim = 256, .rough = true});
  const auto bytes = [&](kv_format format) {
    return *mt::batch::required_bytes(lm, {.n_sequences = 8, .max_rows = 8, .cache = format});
  };
  const auto cache = [&](kv_format format) {
    return *mt::model::kv_cache::required_bytes(lm.shape(), {8, 160, 0, format});
  };
  for (const kv_format format : {kv_format::f16, kv_format::q8_0}) {
    CHECK(bytes(kv_format::f32) - bytes(format) == cache(kv_format::f32) - cache(format));
  }
}
