// SPDX-License-Identifier: MIT
#include "helpers.hpp"

#include <multitudes/generate/score.hpp>
#include <multitudes/train/reference_policy.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace mt = multitudes;
namespace train = multitudes::train;
using namespace multitudes_test;

TEST_CASE("a reference gives the logarithms of all next tokens' probabilities, and stays") {
  auto model = small_model();
  for (float& x : model.head().row(4)) x *= 40;
  auto reference = train::reference_policy<>::make(model, {.max_rows = 40});
  REQUIRE(reference.has_value());
  mt::model::document_rows rows;
  const auto a = random_tokens(9, 12, 1), c = random_tokens(4, 12, 2);
  rows.append(a);
  rows.append(c);
  const std::vector<std::size_t> asked{3, 8, 12};
  mt::inline_executor one;
  const auto table = reference->log_probabilities(one, rows, asked);
  REQUIRE(table.has_value());
  REQUIRE(table->size() == 3 * 12);
  auto b = *mt::batch::make(speaker(model), {.n_sequences = 1});
  const std::vector<std::vector<mt::token_id>> contexts{{a.begin(), a.begin() + 4}, a, c};
  for (std::size_t i = 0; i < 3; ++i) {
    double sum = 0;
    for (std::uint32_t v = 0; v < 12; ++v) {
      mt::scored_text text{contexts[i], contexts[i].size()};
      text.tokens.emplace_back(v);
      const auto scored = *mt::log_probabilities(b, one, std::span(&text, 1));
      const double found = static_cast<double>((*table)[i * 12 + v]);
      CHECK(std::abs(found - scored[0]) < 3e-6);
      sum += std::exp(found);
    }
    CHECK(sum == doctest::Approx(1).epsilon(1e-6));
  }
  const std::vector<float> before(table->begin(), table->end());
  std::ranges::fill(model.values(), 0.0f);
  CHECK(std::ranges::equal(*reference->log_probabilities(one, rows, asked), before));
}

TEST_CASE("a reference refuses what its pass refuses") {
  auto reference = *train::reference_policy<>::make(small_model(), {.max_rows = 4});
  mt::inline_executor one;
  mt::model::document_rows rows;
  rows.append(random_tokens(5, 12, 1));
  CHECK(code_of(reference.log_probabilities(one, rows, {})) == "out_of_memory");
  CHECK(code_of(train::reference_policy<>::make(small_model(), {.max_rows = 0})) ==
        "invalid_argument");
}
