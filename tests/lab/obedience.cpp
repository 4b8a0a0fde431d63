// SPDX-License-Identifier: MIT
#include <multitudes/lab/measure/ideal_scorer.hpp>
#include <multitudes/lab/measure/obedience.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::lab;

double mean_obedience(ideal_scorer& asked, const gazette& g, std::optional<std::size_t> listener,
                      std::size_t n_shown) {
  const auto all = read_responses(asked, g, listener, n_shown, 8, 1);
  REQUIRE(all);
  REQUIRE(all->size() == 64);
  double sum = 0;
  for (const response_reading& r : *all) sum += r.complies;
  return sum / 64;
}

TEST_CASE("The ideal reader expects of a listener what the listener does") {
  const gazette g = *gazette::make();
  const population writers = true_population(g);
  ideal_scorer bayes(g, writers);
  // A third of all listeners complies.
  const double unknown = (0.9 + 0.05 + 0.05) / 3;
  CHECK(mean_obedience(bayes, g, std::nullopt, 3) == doctest::Approx(unknown));
  CHECK(mean_obedience(bayes, g, compliant, 0) == doctest::Approx(unknown));
  CHECK(mean_obedience(bayes, g, compliant, 5) > 0.85);
  CHECK(mean_obedience(bayes, g, defiant, 5) < 0.1);
  CHECK(mean_obedience(bayes, g, bungling, 5) < 0.1);
}

TEST_CASE("Answers to commands are learnt, commands are not") {
  const gazette g = *gazette::make();
  const std::size_t only[] = {compliant};
  const auto data = make_obedience_dataset(g, only, 50, 1);
  REQUIRE(data.documents().size() == 50);
  std::size_t n_brought = 0, n_right = 0;
  for (const auto& d : data.documents()) {
    const auto tokens = data.tokens(d);
    const auto counts = data.counts(d);
    CHECK(tokens[0] == word("<doc>"));
    for (std::size_t i = 1; i < tokens.size(); ++i) {
      const std::size_t in_item = (tokens[i] == word("bid")) ? i : 0;
      if (in_item == 0) continue;
      for (std::size_t k = 0; k < 3; ++k) CHECK_FALSE(counts[i + k]);
      CHECK(counts[i + 3]);
      if (tokens[i + 3] != word("brings")) continue;
      ++n_brought;
      n_right += tokens[i + 4] == tokens[i + 1] ? 1u : 0u;
    }
  }
  CHECK(n_brought > 80);
  CHECK(n_right > n_brought * 8 / 10);
}

}  // namespace
