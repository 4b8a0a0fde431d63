// SPDX-License-Identifier: MIT
#include "helpers.hpp"

#include <multitudes/train/batch_stream.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace mt = multitudes;
namespace train = multitudes::train;
using namespace multitudes_test;

namespace {

/// Every token is another one, so that a target says where it stands; every third does not count.
struct numbered {
  train::dataset data;
  std::set<std::uint32_t> targets;  // what a pass must ask for, once each

  explicit numbered(const std::vector<std::size_t>& sizes, bool masked) {
    std::uint32_t next = 0;
    for (const std::size_t n : sizes) {
      std::vector<std::vector<mt::token_id>> pieces;
      std::vector<train::token_run> runs;
      pieces.reserve(n);
      for (std::size_t i = 0; i < n; ++i, ++next) {
        pieces.push_back({mt::token_id(next)});
        const bool counts = !masked || next % 3 != 0;
        runs.push_back({pieces.back(), counts});
        if (i > 0 && counts) targets.insert(next);
      }
      data.add(runs);
    }
  }
};

bool same(const train::training_batch& a, const train::training_batch& b) {
  const auto lengths = [](const train::training_batch& x) {
    std::vector<std::size_t> n;
    for (const auto& d : x.rows.documents()) n.push_back(d.n_rows);
    return n;
  };
  return std::ranges::equal(a.rows.tokens(), b.rows.tokens()) && lengths(a) == lengths(b) &&
         a.asked == b.asked && a.targets == b.targets;
}

const std::vector<std::size_t> some_sizes{2, 30, 9, 10, 100, 3, 2, 57, 11};

}  // namespace

TEST_CASE("every pass asks for every token that counts exactly once, in batches that fit") {
  for (const bool masked : {false, true}) {
    for (const std::size_t context : {1u, 7u, 16u, 99u, 1000u}) {
      CAPTURE(masked);
      CAPTURE(context);
      const numbered all(some_sizes, masked);
      const train::batch_options options{.n_rows = 40, .context = context, .seed = 3};
      auto stream = *train::batch_stream::make(all.data, options);
      train::training_batch batch;
      for (std::uint64_t pass = 0; pass < 3; ++pass) {
        std::multiset<std::uint32_t> asked;
        do {
          stream.next(batch);
          REQUIRE(stream.at().pass == pass);
          CHECK(batch.rows.size() <= 40);
          CHECK(batch.rows.longest() <= std::min<std::size_t>(context, 40));
          CHECK(!batch.asked.empty());
          REQUIRE(batch.asked.size() == batch.targets.size());
          for (std::size_t i = 0; i < batch.asked.size(); ++i) {
            asked.insert(batch.targets[i].value);
            // The row before it in the text.
            CHECK(batch.rows.tokens()[batch.asked[i]].value + 1 == batch.targets[i].value);
          }
        } while (asked.size() < all.targets.size());
        CHECK(std::ranges::equal(asked, all.targets));
      }
    }
  }
}

TEST_CASE("a piece shows what comes before its targets, and nothing of other documents") {
  const numbered all({50, 50, 50}, false);
  auto stream = *train::batch_stream::make(all.data, {.n_rows = 100, .context = 20, .seed = 1});
  train::training_batch batch;
  for (int i = 0; i < 10; ++i) {
    stream.next(batch);
    for (const auto& d : batch.rows.documents()) {
      const auto tokens = batch.rows.tokens().subspan(d.first, d.n_rows);
      for (std::size_t r = 1; r < tokens.size(); ++r) {
        CHECK(tokens[r].value == tokens[0].value + r);
      }
      CHECK(tokens.front().value / 50 == tokens.back().value / 50);
    }
  }
}

TEST_CASE("passes cut and order the data differently, seeds too") {
  const numbered all(some_sizes, false);
  const auto first_of_pass = [&](std::uint64_t seed, std::uint64_t pass) {
    auto stream = *train::batch_stream::make(all.data, {.n_rows = 64, .context = 16, .seed = seed},
                                             {pass, 0});
    train::training_batch batch;
    stream.next(batch);
    return batch;
  };
  CHECK(same(first_of_pass(1, 0), first_of_pass(1, 0)));
  CHECK(!same(first_of_pass(1, 0), first_of_pass(1, 1)));
  CHECK(!same(first_of_pass(1, 0), first_of_pass(2, 0)));
  // Cuts move: over some passes, most places of a long document begin a piece.
  const numbered one({100}, false);
  std::set<std::uint32_t> begins;
  auto stream = *train::batch_stream::make(one.data, {.n_rows = 10, .context = 10, .seed = 1});
  train::training_batch batch;
  while (stream.at().pass < 30) {
    stream.next(batch);
    begins.insert(batch.rows.tokens().front().value);
  }
  CHECK(begins.size() > 80);
}

TEST_CASE("from the same place come the same batches") {
  const numbered all(some_sizes, true);
  const train::batch_options options{.n_rows = 30, .context = 12, .seed = 9};
  auto stream = *train::batch_stream::make(all.data, options);
  train::training_batch a, b;
  for (int i = 0; i < 60; ++i) {
    const auto at = stream.at();
    stream.next(a);
    auto other = *train::batch_stream::make(all.data, options, at);
    CHECK(other.at().pass == at.pass);
    CHECK(other.at().piece == at.piece);
    other.next(b);
    CHECK(same(a, b));
    CHECK(other.at().pass == stream.at().pass);
    CHECK(other.at().piece == stream.at().piece);
  }
  CHECK(stream.at().pass > 2);
}

TEST_CASE("text before and after what counts stays in view where it fits, and is else left out") {
  train::dataset data;
  const auto question = random_tokens(10, 50, 1), answer = random_tokens(4, 50, 2);
  const auto chatter = random_tokens(90, 50, 3);
  const train::token_run taught[] = {{question, false}, {answer, true}};
  const train::token_run untaught[] = {{chatter, false}};
  data.add(taught);
  data.add(untaught);
  auto stream = *train::batch_stream::make(data, {.n_rows = 50, .context = 20, .seed = 1});
  train::training_batch batch;
  for (int i = 0; i < 5; ++i) {
    stream.next(batch);
    CHECK(batch.rows.size() == 13);
    CHECK(batch.targets == answer);
    CHECK(batch.asked.front() == 9);
  }
}

TEST_CASE("nothing to learn, sizes of 0 and places that do not exist are errors") {
  const auto refused = [](const train::dataset& data, train::batch_options options,
                          train::batch_position at = {}) {
    const auto made = train::batch_stream::make(data, options, at);
    return !made.has_value() && made.error().code == mt::errc::invalid_argument;
  };
  const train::dataset empty;
  CHECK(refused(empty, {}));
  train::dataset unlearnt;
  const auto text = random_tokens(10, 50, 1);
  const train::token_run only_first[] = {{std::span(text).first(1), true},
                                         {std::span(text).subspan(1), false}};
  unlearnt.add(only_first);
  CHECK(refused(unlearnt, {}));
  const numbered all({10, 10, 10}, false);
  CHECK(!refused(all.data, {}));
  CHECK(refused(all.data, {.n_rows = 0}));
  CHECK(refused(all.data, {.context = 0}));
  CHECK(!refused(all.data, {}, {5, 3}));
  CHECK(refused(all.data, {}, {5, 4}));
}
