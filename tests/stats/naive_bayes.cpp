// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/core/philox.hpp>
#include <multitudes/stats/naive_bayes.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::stats;

using bag = std::vector<std::uint32_t>;
using bags = std::vector<std::pair<std::size_t, bag>>;

expected<naive_bayes> fit(const bags& of, std::size_t n_classes, std::size_t alphabet_size,
                          const naive_bayes_options& how = {}) {
  std::vector<labeled_bag> labeled;
  for (const auto& [label, symbols] : of) labeled.push_back({label, symbols});
  return naive_bayes::fit(labeled, n_classes, alphabet_size, how);
}
naive_bayes fitted(const bags& of, std::size_t n_classes, std::size_t alphabet_size,
                   const naive_bayes_options& how = {}) {
  auto m = fit(of, n_classes, alphabet_size, how);
  REQUIRE_MESSAGE(m.has_value(), m.error().message());
  return std::move(*m);
}

// The example of Manning, Raghavan and Schütze 2008, "Introduction to Information Retrieval",
// section 13.2: Chinese, Beijing, Shanghai, Macao, Tokyo, Japan; class 0 is "about China".
const bags china{{0, {0, 1, 0}}, {0, {0, 0, 2}}, {0, {0, 3}}, {1, {4, 5, 0}}};

TEST_CASE("a classifier matches a textbook example") {
  const naive_bayes m = fitted(china, 2, 6, {.prior = class_prior::empirical});
  CHECK(std::exp(m.log_probability(0, 0)) == doctest::Approx(3.0 / 7));
  CHECK(std::exp(m.log_probability(0, 4)) == doctest::Approx(1.0 / 14));
  CHECK(std::exp(m.log_probability(1, 0)) == doctest::Approx(2.0 / 9));
  CHECK(std::exp(m.log_probability(1, 5)) == doctest::Approx(2.0 / 9));
  const bag test{0, 0, 0, 4, 5};
  const double yes = 3.0 / 4 * std::pow(3.0 / 7, 3) / 14 / 14;
  const double no = 1.0 / 4 * std::pow(2.0 / 9, 5);
  CHECK(std::exp(m.log_posterior(test)[0]) == doctest::Approx(yes / (yes + no)));
  CHECK(std::exp(m.log_posterior(test)[1]) == doctest::Approx(no / (yes + no)));
  CHECK(m.predict(test) == 0);
}

TEST_CASE("classes are equally likely beforehand unless told otherwise") {
  const naive_bayes m = fitted(china, 2, 6);
  CHECK(m.log_posterior({})[0] == doctest::Approx(std::log(0.5)));
  CHECK(fitted(china, 2, 6, {.prior = class_prior::empirical}).log_posterior({})[0] ==
        doctest::Approx(std::log(0.75)));
  // Of the textbook's test, which the prior decided.
  CHECK(m.predict(bag{0, 0, 0, 4, 5}) == 1);
}

TEST_CASE("smoothing is added to every count") {
  const naive_bayes m = fitted({{0, {0, 0, 1}}, {1, {2}}}, 2, 4, {.smoothing = 0.5});
  CHECK(std::exp(m.log_probability(0, 0)) == doctest::Approx(2.5 / 5));
  CHECK(std::exp(m.log_probability(0, 3)) == doctest::Approx(0.5 / 5));
  CHECK(std::exp(m.log_probability(1, 2)) == doctest::Approx(1.5 / 3));
}

TEST_CASE("the symbols of a class and the posterior sum to 1") {
  philox random(31);
  bags of;
  for (std::size_t i = 0; i < 60; ++i) {
    bag symbols;
    for (int j = 0; j < 50; ++j)
      symbols.push_back(random.below(10 + 5 * static_cast<std::uint32_t>(i % 4)));
    of.emplace_back(i % 4, symbols);
  }
  const naive_bayes m = fitted(of, 4, 30, {.smoothing = 0.1});
  CHECK(m.n_classes() == 4);
  CHECK(m.alphabet_size() == 30);
  for (std::size_t k = 0; k < 4; ++k) {
    double sum = 0;
    for (std::uint32_t s = 0; s < 30; ++s) sum += std::exp(m.log_probability(k, s));
    CHECK(sum == doctest::Approx(1).epsilon(1e-12));
  }
  for (const auto& [label, symbols] : of) {
    double sum = 0;
    for (const double p : m.log_posterior(symbols)) sum += std::exp(p);
    CHECK(sum == doctest::Approx(1).epsilon(1e-12));
  }
}

TEST_CASE("long bags give finite posteriors") {
  const naive_bayes m = fitted({{0, {0, 0, 1}}, {1, {1, 1, 0}}}, 2, 2, {.smoothing = 1});
  const std::vector<double> p = m.log_posterior(bag(100000, 0));
  CHECK(p[0] == 0);
  CHECK(p[1] == doctest::Approx(100000 * std::log(2.0 / 3)));  // 2 / 5 against 3 / 5
}

TEST_CASE("the order of symbols does not matter and unknown ones are passed over") {
  const naive_bayes m = fitted(china, 2, 6);
  CHECK(m.log_posterior(bag{0, 4, 1})[0] == doctest::Approx(m.log_posterior(bag{1, 0, 4})[0]));
  CHECK(m.log_posterior(bag{0, 6, 1, 0xFFFFFFFF}) == m.log_posterior(bag{0, 1}));
}

TEST_CASE("of equally probable classes the first is predicted") {
  const naive_bayes m = fitted({{2, {0}}, {1, {0}}, {0, {0}}}, 3, 2);
  CHECK(m.predict({}) == 0);
  CHECK(m.predict(bag{1, 0}) == 0);
  CHECK(fitted({{0, {}}}, 1, 1).predict(bag{0}) == 0);
}

TEST_CASE("sources that differ are told apart, and those that do not are not") {
  philox random(32);
  const auto draw = [&](std::uint32_t favorite, std::uint32_t share) {
    bag symbols;
    for (int i = 0; i < 100; ++i) {
      symbols.push_back(random.below(100) < share ? favorite : random.below(20));
    }
    return symbols;
  };
  for (const std::uint32_t share : {15u, 0u}) {
    bags training;
    for (std::uint32_t i = 0; i < 40; ++i) training.emplace_back(i % 4, draw(i % 4, share));
    const naive_bayes m = fitted(training, 4, 20);
    int right = 0;
    for (std::uint32_t i = 0; i < 400; ++i) right += m.predict(draw(i % 4, share)) == i % 4;
    CAPTURE(share);
    if (share == 0) {
      CHECK(right > 60);
      CHECK(right < 150);
    } else {
      CHECK(right > 360);
    }
  }
}

TEST_CASE("what cannot be fitted is refused with its reason") {
  const auto refusal = [](const bags& of, std::size_t n_classes, std::size_t alphabet_size,
                          double smoothing = 1) {
    const auto m = fit(of, n_classes, alphabet_size, {.smoothing = smoothing});
    REQUIRE_FALSE(m.has_value());
    return m.error();
  };
  CHECK(refusal({{0, {1}}, {2, {}}}, 2, 2).message() ==
        "fit naive Bayes: bag 1, label: found 2, expected less than 2");
  CHECK(refusal({{0, {1}}, {1, {0, 2}}}, 2, 2).place == "bag 1, symbol");
  CHECK(refusal({{0, {1}}}, 2, 2).message() ==
        "fit naive Bayes: class 1: found no bag, expected at least one");
  CHECK(refusal({}, 0, 2).place == "classes");
  CHECK(refusal({{0, {}}}, 1, 0).place == "alphabet size");
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double bad : {0.0, -1.0, infinity, -infinity, std::nan("")}) {
    CHECK(refusal({{0, {1}}}, 1, 2, bad).place == "smoothing");
  }
  const auto huge = std::numeric_limits<std::size_t>::max() / 16;
  CHECK(refusal({{0, {1}}}, huge, 1000).code == errc::unsupported);
}

}  // namespace
