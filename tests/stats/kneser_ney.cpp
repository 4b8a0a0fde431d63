// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/core/philox.hpp>
#include <multitudes/stats/kneser_ney.hpp>

#include "../support/long_run.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::stats;
using multitudes_test::sample_count;

using document = std::vector<std::uint32_t>;
using documents = std::vector<document>;

expected<kneser_ney> fit(const documents& texts, std::size_t alphabet_size, std::size_t order) {
  const std::vector<kneser_ney::symbols> views(texts.begin(), texts.end());
  return kneser_ney::fit(views, alphabet_size, order);
}
kneser_ney fitted(const documents& texts, std::size_t alphabet_size, std::size_t order) {
  auto m = fit(texts, alphabet_size, order);
  REQUIRE_MESSAGE(m.has_value(), m.error().message());
  return std::move(*m);
}
double probability(const kneser_ney& m, const document& context, std::uint32_t symbol) {
  return std::exp(m.log_probability(context, symbol));
}
double sum(const kneser_ney& m, const document& context) {
  double total = 0;
  for (std::uint32_t s = 0; s < m.alphabet_size(); ++s) total += probability(m, context, s);
  return total;
}

/// The formulas as they are printed, on tables of counts.
class plain_kneser_ney {
 public:
  plain_kneser_ney(const documents& texts, std::size_t alphabet_size, std::size_t order)
      : alphabet_size_(alphabet_size), tables_(order) {
    for (const document& text : texts) {
      const document padded = with_start(text);
      for (std::size_t i = order - 1; i < padded.size(); ++i) {
        const auto end = padded.begin() + static_cast<std::ptrdiff_t>(i);
        ++tables_[order - 1][document(end - static_cast<std::ptrdiff_t>(order - 1), end)]
                 [padded[i]];
      }
    }
    for (std::size_t n = order - 1; n > 0; --n) {
      for (const auto& [context, nexts] : tables_[n]) {
        for (const auto& [symbol, count] : nexts) {
          ++tables_[n - 1][document(context.begin() + 1, context.end())][symbol];
        }
      }
    }
    for (const table& t : tables_) {
      std::array<std::uint64_t, 4> n{};
      for (const auto& [context, nexts] : t) {
        for (const auto& [symbol, count] : nexts) {
          if (count <= 4) ++n[count - 1];
        }
      }
      discounts_.push_back(kneser_ney_discounts::estimate(n));
    }
  }

  [[nodiscard]] double probability(const document& context, std::uint32_t symbol) const {
    const document padded = with_start(context);
    return probability(
        document(padded.end() - static_cast<std::ptrdiff_t>(tables_.size() - 1), padded.end()),
        symbol, tables_.size());
  }

 private:
  using table = std::map<document, std::map<std::uint32_t, std::uint32_t>>;

  [[nodiscard]] document with_start(const document& text) const {
    document padded(tables_.size() - 1, 0xFFFFFFFF);
    padded.insert(padded.end(), text.begin(), text.end());
    return padded;
  }
  [[nodiscard]] double probability(const document& context, std::uint32_t symbol,
                                   std::size_t order) const {
    if (order == 0) return 1 / static_cast<double>(alphabet_size_);
    const document shorter(context.empty() ? context.begin() : context.begin() + 1, context.end());
    const double below = probability(shorter, symbol, order - 1);
    const auto found = tables_[order - 1].find(context);
    if (found == tables_[order - 1].end()) return below;
    const kneser_ney_discounts& d = discounts_[order - 1];
    double total = 0;
    double taken = 0;
    double own = 0;
    for (const auto& [next, count] : found->second) {
      const double discount = d.values[std::min(count, 3u) - 1];
      total += count;
      taken += discount;
      if (next == symbol) own = count - discount;
    }
    return own / total + taken / total * below;
  }

  std::size_t alphabet_size_;
  std::vector<table> tables_;
  std::vector<kneser_ney_discounts> discounts_;
};

/// Symbols of which small ones are frequent, in runs that repeat.
document random_document(philox& random, std::uint32_t alphabet_size, std::size_t size) {
  document text;
  while (text.size() < size) {
    const std::uint32_t bound = 1 + random.below(alphabet_size);
    text.push_back(random.below(bound));
    if (text.size() > 8 && random.below(4) == 0) {
      for (std::size_t i = text.size() - 5, n = random.below(5); n > 0; --n) {
        text.push_back(text[i++]);
      }
    }
  }
  return text;
}

TEST_CASE("a bigram model matches values worked out by hand") {
  // Too few counts for an estimate: 0.5, 1, 1.5 come off. Of four different pairs of neighbors two
  // end with 0, one with 1 and one with 2, so that p(0) = (2 - 1) / 4 + 2 / 4 / 3 = 5 / 12.
  const kneser_ney m = fitted({{0, 1, 0, 1, 2}}, 3, 2);
  CHECK(probability(m, {2}, 0) == doctest::Approx(5.0 / 12));  // 2 was never followed
  CHECK(probability(m, {2}, 1) == doctest::Approx(7.0 / 24));
  CHECK(probability(m, {2}, 2) == doctest::Approx(7.0 / 24));
  CHECK(probability(m, {1}, 0) == doctest::Approx(11.0 / 24));
  CHECK(probability(m, {1}, 1) == doctest::Approx(7.0 / 48));
  CHECK(probability(m, {1}, 2) == doctest::Approx(19.0 / 48));
  CHECK(probability(m, {0}, 1) == doctest::Approx(31.0 / 48));
  CHECK(probability(m, {}, 0) == doctest::Approx(17.0 / 24));
  CHECK(m.mean_loss(document{0, 1}).value() ==
        doctest::Approx(-(std::log(17.0 / 24) + std::log(31.0 / 48)) / 2));
}

TEST_CASE("discounts are estimated from counts of counts") {
  // y = 10 / (10 + 2 * 5) = 0.5.
  const kneser_ney_discounts d = kneser_ney_discounts::estimate({10, 5, 3, 2});
  CHECK(d.values[0] == doctest::Approx(1 - 2 * 0.5 * 5 / 10));
  CHECK(d.values[1] == doctest::Approx(2 - 3 * 0.5 * 3 / 5));
  CHECK(d.values[2] == doctest::Approx(3 - 4 * 0.5 * 2 / 3));
  CHECK(d.of(0) == 0);
  CHECK(d.of(1) == d.values[0]);
  CHECK(d.of(2) == d.values[1]);
  CHECK(d.of(3) == d.values[2]);
  CHECK(d.of(4000) == d.values[2]);
}

TEST_CASE("where the counts of counts say too little, fixed discounts stand in") {
  const std::array<double, 3> fixed{0.5, 1, 1.5};
  CHECK(kneser_ney_discounts::estimate({0, 5, 3, 2}).values == fixed);
  CHECK(kneser_ney_discounts::estimate({10, 0, 3, 2}).values == fixed);
  CHECK(kneser_ney_discounts::estimate({10, 5, 0, 2}).values == fixed);
  CHECK(kneser_ney_discounts::estimate({10, 5, 3, 0}).values == fixed);
  CHECK(kneser_ney_discounts::estimate({10, 1, 90, 2}).values == fixed);  // would be negative
  CHECK(kneser_ney_discounts::estimate({10, 5, 1, 9}).values == fixed);
}

TEST_CASE("the model is the formula, for every order") {
  philox random(21);
  for (int i = 0; i < sample_count(12, 200); ++i) {
    const std::uint32_t alphabet_size = 1 + random.below(12);
    const std::size_t order = 1 + random.below(6);
    documents texts;
    for (std::uint32_t n = 1 + random.below(4); n > 0; --n) {
      texts.push_back(random_document(random, alphabet_size, random.below(300)));
    }
    const kneser_ney m = fitted(texts, alphabet_size, order);
    const plain_kneser_ney plain(texts, alphabet_size, order);
    for (int j = 0; j < 100; ++j) {
      const document context = random_document(random, alphabet_size, random.below(7));
      const std::uint32_t symbol = random.below(alphabet_size);
      CAPTURE(i);
      CHECK(probability(m, context, symbol) ==
            doctest::Approx(plain.probability(context, symbol)).epsilon(1e-12));
    }
  }
}

TEST_CASE("after any context the probabilities are positive and sum to 1") {
  philox random(22);
  const std::uint32_t alphabet_size = 40;
  documents texts;
  for (int i = 0; i < 5; ++i) texts.push_back(random_document(random, 30, 2000));  // 10 never occur
  for (std::size_t order = 1; order <= 6; ++order) {
    const kneser_ney m = fitted(texts, alphabet_size, order);
    std::vector<document> contexts{{}, {0}, {39}, {39, 38, 37, 36, 35}, {39, 0, 0}, {0, 0, 39, 0}};
    for (int i = 0; i < 30; ++i) {  // seen, shortened, and with a symbol that was never there
      const document& text = texts[random.below(5)];
      const auto end = text.begin() + 10 + static_cast<std::ptrdiff_t>(random.below(1900));
      contexts.emplace_back(end - 8, end);
      contexts.emplace_back(end - 2, end);
      contexts.push_back({39, end[-3], end[-2], end[-1]});
      contexts.push_back({end[-4], end[-3], 39, end[-1]});
    }
    for (const document& context : contexts) {
      CHECK(std::abs(sum(m, context) - 1) < 1e-12);
      for (std::uint32_t s = 0; s < alphabet_size; ++s) {
        CHECK(std::isfinite(m.log_probability(context, s)));
      }
    }
  }
}

TEST_CASE("only the last order - 1 symbols of a context matter") {
  philox random(23);
  const document text = random_document(random, 6, 3000);
  const kneser_ney m = fitted({text}, 6, 4);
  for (std::size_t i = 3; i < 200; ++i) {
    const auto all = std::span(text).first(i);
    CHECK(m.log_probability(all, text[i]) == m.log_probability(all.last(3), text[i]));
  }
  CHECK(m.log_probability(document{0}, 0) != m.log_probability(document{5, 5, 0}, 0));
}

TEST_CASE("the order of the documents does not change a bit") {
  philox random(24);
  documents texts;
  for (int i = 0; i < 8; ++i) texts.push_back(random_document(random, 9, 200));
  const kneser_ney a = fitted(texts, 9, 4);
  const kneser_ney b = fitted({texts.rbegin(), texts.rend()}, 9, 4);
  for (const document& text : texts) CHECK(a.mean_loss(text) == b.mean_loss(text));
}

TEST_CASE("documents do not run into each other") {
  // 1 follows 0 only across the boundary.
  const kneser_ney apart = fitted({{2, 0}, {1, 2}}, 3, 2);
  const kneser_ney together = fitted({{2, 0, 1, 2}}, 3, 2);
  CHECK(probability(apart, {0}, 1) < probability(together, {0}, 1));
  CHECK(probability(apart, {}, 1) > probability(together, {}, 1));
}

TEST_CASE("a model of a Markov chain comes near the entropy of the chain") {
  // From each symbol 90% go to the next and 10% anywhere else of 5.
  philox random(25);
  const auto walk = [&](std::size_t size) {
    document text{0};
    while (text.size() < size) {
      const std::uint32_t to = random.below(10) == 0 ? 1 + random.below(4) : 0;
      text.push_back((text.back() + 1 + to) % 5);
    }
    return text;
  };
  const double entropy = -(0.9 * std::log(0.9) + 0.1 * std::log(0.025));
  const document training = walk(60000);
  const document held_out = walk(20000);
  CHECK(fitted({training}, 5, 1).mean_loss(held_out).value() ==
        doctest::Approx(std::log(5.0)).epsilon(0.01));
  CHECK(fitted({training}, 5, 2).mean_loss(held_out).value() ==
        doctest::Approx(entropy).epsilon(0.02));
  CHECK(fitted({training}, 5, 5).mean_loss(held_out).value() < entropy * 1.1);
}

TEST_CASE("a model of nothing is uniform") {
  for (const documents& texts : {documents{}, documents{{}, {}}}) {
    const kneser_ney m = fitted(texts, 4, 5);
    CHECK(probability(m, {}, 3) == doctest::Approx(0.25));
    CHECK(probability(m, {1, 2, 3, 0, 1}, 0) == doctest::Approx(0.25));
  }
  CHECK(probability(fitted({{0, 0, 0}}, 1, 3), {0}, 0) == doctest::Approx(1));
}

TEST_CASE("symbols outside the alphabet have no probability and end a context") {
  const kneser_ney m = fitted({{0, 1, 0, 1, 2}}, 3, 3);
  CHECK(m.log_probability(document{}, 3) == -std::numeric_limits<double>::infinity());
  CHECK_FALSE(m.mean_loss(document{0, 3, 1}).has_value());
  CHECK_FALSE(m.mean_loss(document{}).has_value());
  for (const std::uint32_t outside : {3u, 0xFFFFFFFFu}) {
    CHECK(std::abs(sum(m, {outside, 0}) - 1) < 1e-12);
    CHECK(probability(m, {outside}, 0) == doctest::Approx(probability(m, {2, 2}, 0)));
    CHECK(probability(m, {outside}, 0) != doctest::Approx(probability(m, {}, 0)));
  }
}

TEST_CASE("a model that cannot be fitted is refused with its reason") {
  const auto refusal = [](const documents& texts, std::size_t alphabet_size, std::size_t order) {
    const auto m = fit(texts, alphabet_size, order);
    REQUIRE_FALSE(m.has_value());
    CHECK(m.error().code == errc::invalid_argument);
    return m.error();
  };
  CHECK(refusal({{0}}, 3, 0).message() == "fit Kneser-Ney model: order: found 0, expected 1 to 16");
  CHECK(refusal({{0}}, 3, 17).place == "order");
  CHECK(refusal({{0}}, 3, std::numeric_limits<std::size_t>::max()).place == "order");
  CHECK(refusal({{0}}, 0, 3).place == "alphabet size");
  CHECK(refusal({{0}}, 0xFFFFFFFF, 3).place == "alphabet size");
  CHECK(refusal({{0}, {0, 1, 3}}, 3, 3).place == "document 1, symbol 2");
  CHECK(fitted({{0, 0xFFFFFFFD}}, 0xFFFFFFFE, 16).order() == 16);
}

}  // namespace
