// SPDX-License-Identifier: MIT
#include "../support/long_run.hpp"
#include "helpers.hpp"

#include <multitudes/persona/multitude.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <memory>

using namespace multitudes;
using namespace multitudes_test;

static_assert(!std::is_copy_constructible_v<multitude>);
static_assert(!std::is_default_constructible_v<multitude>);
static_assert(std::is_nothrow_move_constructible_v<multitude>);

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

multitude people(const std::vector<double>& prevalences) {
  std::vector<multitude_member> members;
  for (std::size_t i = 0; i < prevalences.size(); ++i) {
    members.push_back({"p" + std::to_string(i), prevalences[i]});
  }
  return std::move(*multitude::make(std::move(members)));
}

/// A population, with evidence up to `size` nats.
struct random_case {
  random_case(std::uint64_t seed, int number, double size)
      : random(seed, static_cast<std::uint64_t>(number)), size_of_evidence(size) {}

  multitude population() {
    std::vector<double> prevalences(1 + random.below(8));
    for (double& p : prevalences) p = std::exp(5.0 * static_cast<double>(random.normal()));
    return people(prevalences);
  }
  double nats() { return size_of_evidence * (2.0 * static_cast<double>(random.uniform()) - 1); }
  std::vector<double> evidence(std::size_t n) {
    std::vector<double> e(n);
    for (double& x : e) x = nats();
    return e;
  }

  philox random;
  double size_of_evidence;
};

/// The largest difference of log prevalences, in units of the documented rounding.
double roundings_apart(const multitude& a, const multitude& b, double largest) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a.log_prevalence(i) == b.log_prevalence(i)) continue;
    worst = std::max(worst, std::fabs(a.log_prevalence(i) - b.log_prevalence(i)));
  }
  return worst / (0x1p-49 * std::max(largest, 1.0));
}

double largest_log(const multitude& m) {
  double largest = 0;
  for (std::size_t i = 0; i < m.size(); ++i) {
    largest = std::max(largest, std::fabs(m.log_prevalence(i)));
  }
  return largest;
}

double sum_of_prevalences(const multitude& m) {
  double sum = 0;
  for (std::size_t i = 0; i < m.size(); ++i) sum += m.prevalence(i);
  return sum;
}

}  // namespace

TEST_CASE("prevalences are normalised and found by label") {
  const multitude m = people({1, 3, 0});
  CHECK(m.size() == 3);
  CHECK(m.prevalence(0) == doctest::Approx(0.25));
  CHECK(m.prevalence(1) == doctest::Approx(0.75));
  CHECK(m.prevalence(2) == 0);
  CHECK(m.log_prevalence(2) == -inf);
  CHECK(m.label(1) == "p1");
  CHECK(*m.index_of("p2") == 2);
  CHECK_FALSE(m.index_of("p3"));
  CHECK(m.log_odds(1) == doctest::Approx(std::log(3.0)));
  CHECK(m.log_odds(2) == -inf);
  CHECK(people({7}).log_odds(0) == inf);
  CHECK(people({2, 2}).log_odds(0) == 0);
}

TEST_CASE("there is nobody beyond the members") {
  const multitude m = people({1, 3});
  CHECK(m.label(2).empty());
  CHECK(m.prevalence(2) == 0);
  CHECK(m.log_odds(2) == -inf);
  CHECK(m.who(2) == nullptr);
  CHECK(m.upweight(2, 1).error().code == errc::not_found);
  CHECK(m.upweight("p9", 1).error().message() ==
        "multitude: found 'p9', expected the label of a member");
}

TEST_CASE("a population must have members that differ and prevalences that make sense") {
  const auto code_of = [](std::vector<multitude_member> members) {
    const auto m = multitude::make(std::move(members));
    REQUIRE(!m);
    return m.error().code;
  };
  CHECK(code_of({}) == errc::invalid_argument);
  CHECK(code_of({{"a", 1}, {"b", 1}, {"a", 1}}) == errc::invalid_argument);
  CHECK(code_of({{"a", 1}, {"b", -1}}) == errc::invalid_argument);
  CHECK(code_of({{"a", 0}, {"b", 0}}) == errc::invalid_argument);
  CHECK(code_of({{"a", 1}, {"b", std::nan("")}}) == errc::non_finite);
  CHECK(code_of({{"a", inf}, {"b", 1}}) == errc::non_finite);
  const auto twice = multitude::make({{"a", 1}, {"a", 1}});
  CHECK(twice.error().message() ==
        "multitude: 'a': found two of this label, expected labels that differ");
  // The sum would overflow, and the smallest is subnormal; neither matters.
  const multitude wide = people({1.7e308, 1.7e308, 5e-324});
  CHECK(wide.prevalence(0) == doctest::Approx(0.5));
  CHECK(wide.log_prevalence(2) ==
        doctest::Approx(std::log(5e-324) - std::log(1.7e308) - std::log(2.0)));
}

TEST_CASE("upweighting adds exactly so many nats to the log-odds and keeps the others' ratios") {
  double odds = 0, ratios = 0;
  for (int i = 0; i < sample_count(2000, 100000); ++i) {
    random_case c(100, i, i % 2 ? 3.0 : 1000.0);
    const multitude m = c.population();
    const std::size_t k = c.random.below(static_cast<std::uint32_t>(m.size()));
    const double nats = c.nats();
    const auto up = m.upweight(k, nats);
    REQUIRE(up);
    REQUIRE(sum_of_prevalences(*up) == doctest::Approx(1).epsilon(1e-12));
    const double unit = 0x1p-49 * std::max({1.0, std::fabs(nats), largest_log(m)});
    if (m.size() > 1) {
      odds = std::max(odds, std::fabs(up->log_odds(k) - m.log_odds(k) - nats) / unit);
    } else {
      REQUIRE(up->log_odds(k) == inf);
    }
    for (std::size_t a = 0; a < m.size(); ++a) {
      for (std::size_t b = 0; b < a; ++b) {
        if (a == k || b == k) continue;
        const double before = m.log_prevalence(a) - m.log_prevalence(b);
        const double after = up->log_prevalence(a) - up->log_prevalence(b);
        ratios = std::max(ratios, std::fabs(after - before) / unit);
      }
    }
  }
  INFO("odds ", odds, " ratios ", ratios);
  CHECK(odds < 1);
  CHECK(ratios < 1);
}

TEST_CASE("upweighting adds up and can be undone") {
  double worst = 0;
  for (int i = 0; i < sample_count(2000, 100000); ++i) {
    random_case c(101, i, i % 2 ? 3.0 : 1000.0);
    const multitude m = c.population();
    const std::size_t k = c.random.below(static_cast<std::uint32_t>(m.size()));
    const double a = c.nats(), b = c.nats();
    const double size = largest_log(m) + std::fabs(a) + std::fabs(b);
    worst = std::max(
        worst, roundings_apart(*m.upweight(k, a)->upweight(k, b), *m.upweight(k, a + b), size));
    worst = std::max(worst, roundings_apart(*m.upweight(k, a)->upweight(k, -a), m, size));
    std::vector<double> evidence(m.size(), 0.0);
    evidence[k] = a;
    worst = std::max(worst, roundings_apart(*m.upweight(k, a), *m.posterior(evidence), size));
  }
  INFO("worst ", worst);
  CHECK(worst < 1);
}

TEST_CASE("evidence adds up, in any order") {
  double worst = 0;
  for (int i = 0; i < sample_count(2000, 100000); ++i) {
    random_case c(102, i, i % 2 ? 3.0 : 1000.0);
    const multitude m = c.population();
    const auto a = c.evidence(m.size()), b = c.evidence(m.size());
    std::vector<double> sum(m.size());
    for (std::size_t k = 0; k < m.size(); ++k) sum[k] = a[k] + b[k];
    const double size = largest_log(m) + 2 * c.size_of_evidence;
    const auto ab = m.posterior(a)->posterior(b);
    const auto ba = m.posterior(b)->posterior(a);
    const auto both = m.posterior(sum);
    REQUIRE(ab);
    REQUIRE(ba);
    REQUIRE(both);
    worst = std::max({worst, roundings_apart(*ab, *ba, size), roundings_apart(*ab, *both, size)});
    REQUIRE(sum_of_prevalences(*ab) == doctest::Approx(1).epsilon(1e-12));
  }
  INFO("worst ", worst);
  CHECK(worst < 1);
}

TEST_CASE("a member who is 1000 nats behind can be brought back") {
  const multitude m = people({1, 1, 2});
  auto far = m.upweight(0, -1000);
  REQUIRE(far);
  CHECK(far->prevalence(0) == 0);
  CHECK(far->log_odds(0) == doctest::Approx(-1000 - std::log(3.0)).epsilon(1e-14));
  auto back = far->upweight(0, 1000);
  REQUIRE(back);
  CHECK(back->prevalence(0) == doctest::Approx(0.25).epsilon(1e-12));
  auto ahead = m.upweight(0, 1000);
  REQUIRE(ahead);
  CHECK(ahead->prevalence(0) == 1);
  CHECK(ahead->log_odds(0) == doctest::Approx(1000 - std::log(3.0)).epsilon(1e-14));
  CHECK(ahead->log_odds(1) == doctest::Approx(-1000).epsilon(1e-14));
  CHECK(ahead->upweight(0, -1000)->prevalence(2) == doctest::Approx(0.5).epsilon(1e-12));
}

TEST_CASE("Bayes: prevalences times likelihoods") {
  const multitude m = people({0.5, 0.3, 0.2});
  const auto p = m.posterior(std::vector<double>{std::log(0.1), std::log(0.4), std::log(0.9)});
  REQUIRE(p);
  const double total = 0.05 + 0.12 + 0.18;
  CHECK(p->prevalence(0) == doctest::Approx(0.05 / total));
  CHECK(p->prevalence(1) == doctest::Approx(0.12 / total));
  CHECK(p->prevalence(2) == doctest::Approx(0.18 / total));
}

TEST_CASE("evidence of minus infinity excludes for good") {
  const multitude m = people({1, 1, 1});
  const auto p = m.posterior(std::vector<double>{0, -inf, 0});
  REQUIRE(p);
  CHECK(p->prevalence(0) == doctest::Approx(0.5));
  CHECK(p->prevalence(1) == 0);
  CHECK(p->label(1) == "p1");
  const auto q = p->upweight(1, 1e6);
  REQUIRE(q);
  CHECK(q->prevalence(1) == 0);
  CHECK(q->prevalence(0) == doctest::Approx(0.5));
  const auto nobody = p->posterior(std::vector<double>{-inf, 1000, -inf});
  REQUIRE(!nobody);
  CHECK(nobody.error().code == errc::invalid_argument);
  CHECK(nobody.error().message() ==
        "multitude: found nobody who could be speaking, expected evidence that leaves a member");
}

TEST_CASE("evidence that is no evidence is refused") {
  const multitude m = people({1, 1});
  CHECK(m.posterior(std::vector<double>{1}).error().code == errc::shape_mismatch);
  CHECK(m.posterior(std::vector<double>{1, std::nan("")}).error().code == errc::non_finite);
  CHECK(m.posterior(std::vector<double>{1, inf}).error().code == errc::non_finite);
  CHECK(m.upweight(0, inf).error().code == errc::non_finite);
  CHECK(m.upweight(0, std::nan("")).error().code == errc::non_finite);
}

TEST_CASE("samples come as often as they are prevalent, and never from the excluded") {
  const multitude m = people({0, 5, 3, 0, 2, 0});
  philox random(7);
  std::vector<int> seen(m.size());
  const int n = sample_count(20000, 1000000);
  for (int i = 0; i < n; ++i) ++seen[m.sample(random)];
  CHECK(random.drawn() == 2 * static_cast<std::uint64_t>(n));
  for (std::size_t i = 0; i < m.size(); ++i) {
    const double p = m.prevalence(i);
    // Five standard deviations.
    CHECK(std::fabs(seen[i] - n * p) <= 5 * std::sqrt(n * p * (1 - p)));
  }
  philox again(7);
  const std::size_t first = m.sample(again);
  philox third(7);
  CHECK(m.sample(third) == first);
}

TEST_CASE("entropy is 0 for one, log n for n equal ones, and the effective size says so") {
  CHECK(people({4}).entropy() == 0);
  CHECK(people({4, 0, 0}).effective_size() == 1);
  CHECK(people({2, 2, 2, 2, 2}).entropy() == doctest::Approx(std::log(5.0)));
  CHECK(people({2, 2, 2, 2, 2}).effective_size() == doctest::Approx(5));
  CHECK(people({1, 3}).entropy() ==
        doctest::Approx(0.25 * std::log(4.0) + 0.75 * std::log(4.0 / 3)));
  CHECK(people({1, 1, 1}).entropy() >= 0);
}

TEST_CASE("divergence is 0 between equals, positive otherwise, and infinite for the unexpected") {
  const multitude m = people({1, 3}), n = people({3, 1});
  CHECK(*divergence(m, m) == 0);
  CHECK(*divergence(m, n) == doctest::Approx(0.5 * std::log(3.0)));
  CHECK(*divergence(people({1, 1}), people({1, 0})) == inf);
  CHECK(*divergence(people({1, 0}), people({1, 1})) == doctest::Approx(std::log(2.0)));
  const auto swapped = multitude::make({{"p1", 3}, {"p0", 1}});
  REQUIRE(swapped);
  CHECK(*divergence(m, *swapped) == doctest::Approx(0).epsilon(1e-15));
  const auto others = multitude::make({{"p0", 1}, {"x", 1}});
  CHECK(divergence(m, *others).error().code == errc::invalid_argument);
  CHECK(divergence(m, people({1, 1, 1})).error().code == errc::invalid_argument);
  for (int i = 0; i < 500; ++i) {
    random_case c(103, i, i % 2 ? 10.0 : 1e-9);
    const multitude from = c.population();
    REQUIRE(*divergence(from, *from.posterior(c.evidence(from.size()))) >= 0);
  }
}

TEST_CASE("the mean persona is the prevalence-weighted sum, with goals") {
  const activation_space space = space_of_shape(2, 2);
  const auto shared = [](persona p) { return std::make_shared<const persona>(std::move(p)); };
  const auto bard = shared(persona_of(space, "bard", {4, 0, 0, 8}, {{{"fame", "", {}}, 1.0}}));
  const auto cook = shared(persona_of(space, "cook", {0, 4, 4, 0}, {{{"feed", "", {}}, 2.0}}));
  const auto m = multitude::make({{"bard", 1, bard}, {"cook", 3, cook}, {"ghost", 0}});
  REQUIRE(m);
  CHECK(m->who(1) == cook.get());
  CHECK(m->who(2) == nullptr);
  const auto mean = m->mean_persona("everybody");
  REQUIRE(mean);
  CHECK(mean->label() == "everybody");
  CHECK(same_bits(*mean, m->prevalence(0) * *bard + m->prevalence(1) * *cook));
  CHECK(mean->values()[0] == doctest::Approx(1));
  CHECK(mean->values()[1] == doctest::Approx(3));
  REQUIRE(mean->goals().size() == 2);
  CHECK(mean->goals()[1].weight == doctest::Approx(1.5));
  const auto one = m->upweight("bard", 5000)->mean_persona("bard again");
  REQUIRE(one);
  CHECK(same_bits(*one, *bard));

  const auto unknown = multitude::make({{"bard", 1, bard}, {"ghost", 1}})->mean_persona("x");
  REQUIRE(!unknown);
  CHECK(unknown.error().code == errc::not_found);
  const auto alien = shared(persona_of(space_of_shape(2, 2, 5), "alien", {1, 1, 1, 1}));
  CHECK(multitude::make({{"bard", 1, bard}, {"alien", 1, alien}}).error().code ==
        errc::space_mismatch);
}

TEST_CASE("moving a population leaves an empty one, cloning leaves an equal one") {
  multitude m = people({1, 3});
  const multitude copy = m.clone();
  const multitude moved = std::move(m);
  CHECK(m.size() == 0);  // NOLINT(bugprone-use-after-move)
  CHECK(m.label(0).empty());
  CHECK(m.entropy() == 0);
  philox random(1);
  CHECK(m.sample(random) == 0);
  CHECK_FALSE(m.posterior({}));
  CHECK_FALSE(m.mean_persona("nobody"));
  CHECK(copy.log_prevalence(1) == moved.log_prevalence(1));
  CHECK(copy.label(1) == "p1");
}
