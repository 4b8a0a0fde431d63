// SPDX-License-Identifier: MIT
#include "helpers.hpp"

#include <multitudes/train/dataset.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

using namespace multitudes;
using multitudes_test::tokens_of;

TEST_CASE("a document keeps its tokens and which of them count") {
  train::dataset data;
  const auto question = tokens_of({1, 2, 3}), answer = tokens_of({4, 5}), text = tokens_of({6, 7});
  const train::token_run runs[] = {{question, false}, {answer, true}, {{}, false}, {text, false}};
  data.add(runs);
  data.add(text);
  CHECK(data.n_tokens() == 9);
  REQUIRE(data.documents().size() == 2);
  const auto first = data.documents()[0], second = data.documents()[1];
  CHECK(std::ranges::equal(data.tokens(first), tokens_of({1, 2, 3, 4, 5, 6, 7})));
  CHECK(std::ranges::equal(data.counts(first), std::vector<std::uint8_t>{0, 0, 0, 1, 1, 0, 0}));
  CHECK(std::ranges::equal(data.tokens(second), text));
  CHECK(std::ranges::equal(data.counts(second), std::vector<std::uint8_t>{1, 1}));
}

TEST_CASE("fewer than two tokens leave no trace") {
  train::dataset data;
  data.add(tokens_of({}));
  data.add(tokens_of({3}));
  const auto one = tokens_of({3});
  const train::token_run runs[] = {{one, true}, {{}, true}};
  data.add(runs);
  CHECK(data.documents().empty());
  CHECK(data.n_tokens() == 0);
  const train::token_run two[] = {{one, true}, {one, true}};
  data.add(two);
  CHECK(data.documents().size() == 1);
  CHECK(data.documents()[0].first == 0);
}
