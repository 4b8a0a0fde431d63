// SPDX-License-Identifier: MIT

#include "../support/tiny_model.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/extract/pair_source.hpp>
#include <multitudes/extract/read_texts.hpp>
#include <multitudes/generate/capture.hpp>

#include <doctest/doctest.h>

#include <limits>

namespace mt = multitudes;
using namespace multitudes_test;

namespace {

/// Random letters behind beginnings that some of them share, each with two random spans.
std::vector<mt::reading> some_readings(std::size_t n, std::uint64_t seed) {
  mt::philox random(seed);
  const auto below = [&](std::size_t bound) {
    return std::size_t{random.below(static_cast<std::uint32_t>(bound))};
  };
  std::vector<mt::reading> all(n);
  for (std::size_t i = 0; i < n; ++i) {
    auto& text = all[i];
    if (i > 0 && below(3) > 0) {
      const auto& from = all[below(i)].tokens;
      text.tokens.assign(from.begin(), from.begin() + static_cast<long>(1 + below(from.size())));
    } else {
      text.tokens = {mt::token_id(1)};
    }
    const std::size_t more = below(40);
    for (std::size_t k = 0; k < more; ++k) text.tokens.emplace_back(259 + below(27));
    for (int s = 0; s < 2; ++s) {
      const std::size_t first = below(text.tokens.size());
      text.spans.push_back({first, first + 1 + below(text.tokens.size() - first)});
    }
  }
  return all;
}

std::vector<const mt::reading*> pointers(const std::vector<mt::reading>& texts) {
  std::vector<const mt::reading*> all;
  for (const auto& text : texts) all.push_back(&text);
  return all;
}

template <class E>
std::vector<float> read(const mt::language_model& lm, const std::vector<mt::reading>& texts,
                        E& workers, const mt::read_options& options,
                        std::size_t* n_evaluated = nullptr) {
  auto reader = *mt::text_reader::make(lm, pointers(texts),
                                       {mt::layer_index(2), mt::layer_index(0)}, options);
  std::vector<float> all;
  std::size_t next = 0;
  REQUIRE(reader
              .read(workers,
                    [&](std::size_t text, const mt::read_rows& rows) {
                      CHECK(text == next++);
                      all.insert(all.end(), rows.values().begin(), rows.values().end());
                    })
              .has_value());
  CHECK(next == texts.size());
  if (n_evaluated) *n_evaluated = reader.n_evaluated();
  return all;
}

/// Each text alone, in plain loops.
std::vector<float> read_plainly(const mt::language_model& lm,
                                const std::vector<mt::reading>& texts) {
  const std::size_t width = lm.shape().model_dim;
  mt::inline_executor one;
  std::vector<float> all;
  const mt::layer_index layers[] = {mt::layer_index(2), mt::layer_index(0)};
  for (const auto& text : texts) {
    auto b = *mt::batch::make(lm, {.context = 512});
    const mt::feed feeds[] = {{*b.open(), text.tokens, 0}};
    const mt::capture rows(feeds, layers, width);
    REQUIRE(b.evaluate(one, feeds, rows).has_value());
    for (const auto span : text.spans) {
      for (std::size_t l = 0; l < 2; ++l) {
        for (std::size_t e = 0; e < width; ++e) {
          double sum = 0;
          for (std::size_t t = span.first; t < span.last; ++t) {
            sum += static_cast<double>(rows.row({0, t}, l)[e]);
          }
          all.push_back(static_cast<float>(sum / static_cast<double>(span.size())));
        }
      }
    }
  }
  return all;
}

}  // namespace

TEST_CASE("sharing, batching and threads change no bit of what is read") {
  const auto lm = tiny_model();
  const auto texts = some_readings(40, 7);
  const auto plain = read_plainly(lm, texts);
  mt::inline_executor one;
  mt::thread_pool two(2);
  mt::thread_pool four(4);
  for (const bool share : {true, false}) {
    for (const unsigned at_once : {1u, 3u, 16u, 64u}) {
      for (const unsigned rows : {1u, 32u, 128u}) {
        CAPTURE(share);
        CAPTURE(at_once);
        CAPTURE(rows);
        const mt::read_options how{at_once, rows, share};
        CHECK(read(lm, texts, one, how) == plain);
      }
    }
    for (const std::size_t block : {1u, 7u, 40u}) {
      CHECK(read(lm, texts, one, {.share_prefixes = share, .block = block}) == plain);
    }
    CHECK(read(lm, texts, two, {.share_prefixes = share}) == plain);
    CHECK(read(lm, texts, four, {.share_prefixes = share}) == plain);
  }
}

TEST_CASE("a reader can read again") {
  const auto lm = tiny_model();
  const auto texts = some_readings(20, 8);
  auto reader =
      *mt::text_reader::make(lm, pointers(texts), {mt::layer_index(1)}, {.texts_at_once = 4});
  mt::inline_executor one;
  std::vector<float> rounds[2];
  for (auto& round : rounds) {
    REQUIRE(reader
                .read(one,
                      [&](std::size_t, const mt::read_rows& rows) {
                        round.insert(round.end(), rows.values().begin(), rows.values().end());
                      })
                .has_value());
  }
  CHECK(rounds[0] == rounds[1]);
}

TEST_CASE("more prefixes than are held at once are let go and computed again") {
  const auto lm = tiny_model();
  std::vector<mt::reading> texts;
  // 150 beginnings, each shared by texts that lie far apart.
  for (const bool again : {false, true}) {
    for (unsigned i = 0; i < 150; ++i) {
      auto tokens = some_tokens(12, 100 + i);
      tokens.emplace_back(again ? 260u : 261u);
      const std::size_t n = tokens.size();
      texts.push_back({std::move(tokens), {{2, n}, {n - 1, n}}});
    }
  }
  mt::inline_executor one;
  CHECK(read(lm, texts, one, {.texts_at_once = 4}) ==
        read(lm, texts, one, {.share_prefixes = false}));
}

TEST_CASE("what texts share goes through the model once, and what nobody reads not at all") {
  const auto lm = tiny_model();
  std::vector<mt::reading> texts;
  for (unsigned i = 0; i < 30; ++i) {
    auto tokens = some_tokens(20, 1);
    tokens.emplace_back(259 + i % 27);
    tokens.emplace_back(259 + i / 27);
    tokens.emplace_back(270u);
    texts.push_back({std::move(tokens), {{20, 22}, {20, 21}}});
  }
  mt::inline_executor one;
  std::size_t shared = 0;
  std::size_t alone = 0;
  CHECK(read(lm, texts, one, {.texts_at_once = 4}, &shared) ==
        read(lm, texts, one, {.share_prefixes = false}, &alone));
  CHECK(alone == 30 * 22);
  CHECK(shared == 20 + 30 * 2);
}

TEST_CASE("a sentence cut at every word goes through the model once for each block") {
  const auto lm = tiny_model();
  std::vector<mt::reading> texts;
  const auto sentence = some_tokens(24, 3);
  for (std::size_t n = 5; n <= 24; ++n) {
    std::vector<mt::token_id> tokens(sentence.begin(), sentence.begin() + static_cast<long>(n));
    texts.push_back({std::move(tokens), {{n - 1, n}, {2, n}}});
  }
  texts.push_back(texts[4]);  // and again, cut where it was before
  mt::inline_executor one;
  std::size_t n_evaluated = 0;
  const auto plain = read(lm, texts, one, {.share_prefixes = false}, &n_evaluated);
  CHECK(n_evaluated == 20 * 29 / 2 + 9);
  CHECK(read(lm, texts, one, {}, &n_evaluated) == plain);
  CHECK(n_evaluated == 24);
  CHECK(read(lm, texts, one, {.block = 10}, &n_evaluated) == plain);
  CHECK(n_evaluated < 24 + 14 + 10);
}

TEST_CASE("spans that are empty or too long, no spans and layers that are not there are refused") {
  const auto lm = tiny_model();
  const auto refused = [&](std::vector<mt::token_range> spans, std::size_t layer) {
    const mt::reading text{some_tokens(5), std::move(spans)};
    return mt::text_reader::make(lm, {&text}, {mt::layer_index(layer)}).error();
  };
  const std::size_t huge = std::numeric_limits<std::size_t>::max();
  CHECK(refused({{0, 6}}, 1).place == "text 0, span 0");
  CHECK(refused({{0, 2}, {2, 2}}, 1).place == "text 0, span 1");
  CHECK(refused({{3, 1}}, 1).code == mt::errc::invalid_argument);
  CHECK(refused({{huge, 0}}, 1).code == mt::errc::invalid_argument);
  CHECK(refused({{0, huge}}, 1).code == mt::errc::invalid_argument);
  CHECK(refused({}, 1).found == "no spans");
  CHECK(refused({{0, 1}}, 3).place == "layers");
  const mt::reading text{some_tokens(5), {{0, 1}}};
  CHECK(mt::text_reader::make(lm, {&text}, {}).error().code == mt::errc::invalid_argument);
  CHECK(mt::text_reader::make(lm, {&text}, {mt::layer_index(0)}, {.max_rows = 0}).error().place ==
        "max_rows");
}

TEST_CASE("a token that the model lacks is an error, and the reader is as good as before") {
  const auto lm = tiny_model();
  mt::reading good{some_tokens(9), {{1, 9}}};
  mt::reading bad{some_tokens(9, 2), {{1, 9}}};
  bad.tokens[5] = mt::token_id(tiny_vocab_size);
  auto reader = *mt::text_reader::make(lm, {&good, &bad}, {mt::layer_index(1)});
  mt::inline_executor one;
  const auto ignore = [](std::size_t, const mt::read_rows&) {};
  CHECK(reader.read(one, ignore).error().code == mt::errc::invalid_argument);
  bad.tokens[5] = mt::token_id(260);
  CHECK(reader.read(one, ignore).has_value());
}

TEST_CASE("pairs of a model are the readings' rows, and differing spans are refused") {
  const auto lm = tiny_model();
  const auto texts = some_readings(22, 9);
  std::vector<mt::reading_pair> pairs;
  for (std::size_t i = 0; i < 11; ++i) pairs.push_back({texts[2 * i], texts[2 * i + 1]});
  mt::inline_executor one;
  auto source = *mt::model_pairs<mt::inline_executor>::make(lm, pairs, {mt::layer_index(1)}, one);
  CHECK(source.n_pairs() == 11);
  CHECK(source.n_sites() == 2);
  const auto kept = *mt::keep(source);
  auto reader = *mt::text_reader::make(lm, pointers(texts), {mt::layer_index(1)});
  REQUIRE(reader
              .read(one,
                    [&](std::size_t text, const mt::read_rows& rows) {
                      for (std::size_t s = 0; s < 2; ++s) {
                        const auto row = kept.row(text / 2, text % 2 == 0, s);
                        CHECK(std::equal(row.begin(), row.end(), rows.row(s, 0).begin()));
                      }
                    })
              .has_value());
  pairs[3].negative.spans.pop_back();
  CHECK(mt::model_pairs<mt::inline_executor>::make(lm, pairs, {mt::layer_index(1)}, one)
            .error()
            .place == "pair 3");
}
