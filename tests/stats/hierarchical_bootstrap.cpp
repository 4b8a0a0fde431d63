// SPDX-License-Identifier: MIT
#include <multitudes/stats/hierarchical_bootstrap.hpp>

#include <doctest/doctest.h>
#include <multitudes/stats/correlation.hpp>
#include <multitudes/stats/line_fit.hpp>
#include <multitudes/stats/summary.hpp>
#include <tests/support/long_run.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace {

using namespace multitudes::stats;
using multitudes::philox;

struct grouped_items {
  std::vector<double> x{};
  std::vector<double> y{};
  std::vector<std::size_t> group{};
};

using two_sided =
    std::function<std::optional<double>(std::span<const double>, std::span<const double>)>;

std::optional<uncertain_number> cloud_of(const grouped_items& d, const two_sided& statistic,
                                         int resamples, std::uint64_t seed) {
  std::vector<double> x;
  std::vector<double> y;
  const auto of_some = [&](std::span<const std::size_t> chosen) {
    x.clear();
    y.clear();
    for (const std::size_t i : chosen) {
      x.push_back(d.x[i]);
      y.push_back(d.y[i]);
    }
    return statistic(x, y);
  };
  philox random(seed);
  return hierarchical_bootstrap(d.group, of_some, resamples, random);
}

std::optional<double> mean_y(std::span<const double>, std::span<const double> y) { return mean(y); }
std::optional<double> ratio(std::span<const double> x, std::span<const double> y) {
  return mean(y).value() / mean(x).value();
}
std::optional<double> slope(std::span<const double> x, std::span<const double> y) {
  const auto line = fit_line(x, y);
  if (!line) return std::nullopt;
  return line->slope;
}
std::optional<double> fisher_of(std::optional<double> r) {
  if (!r) return std::nullopt;
  return std::atanh(std::clamp(*r, -1 + 1e-7, 1 - 1e-7));
}
std::optional<double> pearson(std::span<const double> x, std::span<const double> y) {
  return fisher_of(correlation(x, y));
}
std::optional<double> spearman(std::span<const double> x, std::span<const double> y) {
  return fisher_of(rank_correlation(x, y));
}

/// Seeds that differ by `between`, items by about 1.
grouped_items sample_world(int kind, double between, std::size_t n_groups, std::size_t n_items,
                           philox& random) {
  grouped_items d;
  const auto normal = [&] { return static_cast<double>(random.normal()); };
  for (std::size_t g = 0; g < n_groups; ++g) {
    const double a = between * normal();
    const double b = between * normal();
    for (std::size_t i = 0; i < n_items; ++i) {
      const double e = normal();
      const double f = normal();
      double x = e;
      double y = 1 + a + f;                                 // a mean of 1
      if (kind == 1) x = 4 + b / 2 + e / 3, y = 2 + a + f;  // a ratio of 1/2
      if (kind == 2) y = (1 + a) * e + b + f;               // a slope of 1
      if (kind == 3) y = (0.8 + a / 2) * e + b / 3 + 0.6 * f;
      if (kind == 4) y = 0.8 * e + a + 0.6 * f;
      d.x.push_back(x);
      d.y.push_back(y);
      d.group.push_back(g);
    }
  }
  return d;
}

/// The statistic of endlessly many seeds.
double truth_of(int kind, double between) {
  if (kind < 3) return kind == 1 ? 0.5 : 1;
  const double of_seeds = between * between * (kind == 3 ? 1 / 4. + 1 / 9. : 1);
  const double r = 0.8 / std::sqrt(1 + of_seeds);
  // Of normal numbers, which they are where only heights differ.
  return std::atanh(kind == 3 ? r : 6 / std::acos(-1.0) * std::asin(r / 2));
}

struct coverage {
  int covered = 0;
  int above = 0;  ///< the interval lies above the truth
  int trials = 0;
  [[nodiscard]] double share() const { return static_cast<double>(covered) / trials; }
};

coverage cover(int kind, double between, std::size_t n_groups, std::size_t n_items, int trials) {
  static const two_sided statistics[] = {mean_y, ratio, slope, pearson, spearman};
  const double truth = truth_of(kind, between);
  coverage result{.trials = trials};
  for (int trial = 0; trial < trials; ++trial) {
    philox random(static_cast<std::uint64_t>(trial), 9);
    const auto d = sample_world(kind, between, n_groups, n_items, random);
    const auto cloud = cloud_of(d, statistics[kind], 400, static_cast<std::uint64_t>(trial));
    REQUIRE(cloud);
    const interval found = cloud->middle(0.95);
    result.covered += found.contains(truth) ? 1 : 0;
    result.above += found.low > truth ? 1 : 0;
  }
  return result;
}

TEST_CASE("95 % intervals of five and of ten seeds that differ cover the truth in 93 to 97 %") {
  const int trials = multitudes_test::sample_count(250, 4000);
  const bool is_long = std::getenv("MULTITUDES_LONG_TESTS") != nullptr;
  static const char* const names[] = {"mean", "ratio", "slope", "correlation", "rank correlation"};
  for (int kind = 0; kind < 5; ++kind) {
    for (const std::size_t n : {5u, 10u}) {
      for (const double between : {1.0, 0.5}) {
        // Most cases are left to long runs.
        if (!is_long && (between < 1 || (n == 10 && kind != 0))) continue;
        const auto found = cover(kind, between, n, 8, trials);
        INFO(std::string(names[kind]) << " of " << n << " seeds, spread " << between << ": "
                                      << found.share() << ", above " << found.above);
        if (is_long) {
          MESSAGE(std::string(names[kind])
                  << " of " << n << " seeds that differ by " << between << ": " << found.share());
        }
        // Three standard errors of the count beyond what is promised.
        const double slack = 3 * std::sqrt(0.95 * 0.05 / trials);
        CHECK(found.share() >= 0.93 - slack);
        CHECK(found.share() <= 0.97 + slack);
      }
    }
  }
}

TEST_CASE("where seeds do not differ the interval is too wide rather than too narrow") {
  const int trials = multitudes_test::sample_count(200, 4000);
  for (const std::size_t n : {5u, 10u}) {
    const auto found = cover(0, 0, n, 8, trials);
    INFO(n << " seeds: " << found.share());
    if (std::getenv("MULTITUDES_LONG_TESTS")) MESSAGE(n << " equal seeds: " << found.share());
    const double slack = 3 * std::sqrt(0.975 * 0.025 / trials);
    CHECK(found.share() >= 0.95 - slack);
    CHECK(found.share() <= 0.99 + slack);
  }
}

TEST_CASE("an interval of a mean is Student's, also far out in its tails") {
  grouped_items d;
  for (const double y : {0.3, 1.1, -0.4, 0.9, 2.0}) {
    d.x.push_back(0);
    d.y.push_back(y);
    d.group.push_back(d.group.size());
  }
  const auto cloud = cloud_of(d, mean_y, 40'000, 1);
  REQUIRE(cloud);
  const double error = standard_deviation(d.y).value() / std::sqrt(5.0);
  const double m = mean(d.y).value();
  CHECK(cloud->estimate == doctest::Approx(m));
  // Quantiles of Student's distribution with four degrees of freedom. The draws are a mean of five
  // numbers and not quite normal.
  for (const auto& [confidence, quantile] :
       {std::pair{0.90, 2.132}, {0.95, 2.776}, {0.99, 4.604}}) {
    const interval found = cloud->middle(confidence);
    CHECK(found.high - m == doctest::Approx(quantile * error).epsilon(0.08));
    CHECK(m - found.low == doctest::Approx(quantile * error).epsilon(0.08));
  }
}

TEST_CASE("p is the doubt that the interval shows: inside one, it is at most the tails") {
  philox random(4);
  for (std::uint64_t trial = 0; trial < 30; ++trial) {
    const auto d = sample_world(0, 0.5, 5, 8, random);
    const auto cloud = cloud_of(d, mean_y, 1000, trial);
    REQUIRE(cloud);
    const interval found = cloud->middle(0.95);
    CHECK(cloud->share_outside(found) <= 0.051);
    CHECK(cloud->share_outside(found) >= 0.045);
    CHECK(cloud->share_outside({found.low, 1e9}) <= 0.0265);
    CHECK(cloud->share_outside(interval::whole_line()) == doctest::Approx(1.0 / 1001));
    CHECK(cloud->share_outside({50, 60}) == 1);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(cloud->share_outside({nan, nan}) == 1);
  }
}

TEST_CASE("seeds that agree by chance do not give a narrower interval than their items") {
  grouped_items d;
  for (std::size_t g = 0; g < 5; ++g) {
    for (const double y : {-3.0, 3.0, -1.0, 1.0}) {
      d.x.push_back(0);
      d.y.push_back(y);
      d.group.push_back(g);
    }
  }
  const auto cloud = cloud_of(d, mean_y, 4000, 1);
  REQUIRE(cloud);
  // Twenty items with a standard deviation of sqrt(5), their means all 0.
  CHECK(cloud->middle(0.95).width() ==
        doctest::Approx(2 * 1.96 * std::sqrt(5.0 / 20)).epsilon(0.1));
}

TEST_CASE("one seed gives the bootstrap of its items, and items that agree no width") {
  grouped_items d;
  for (int i = 0; i < 100; ++i) {
    d.x.push_back(0);
    d.y.push_back(i % 2);
    d.group.push_back(7);
  }
  const auto cloud = cloud_of(d, mean_y, 4000, 1);
  REQUIRE(cloud);
  CHECK(cloud->middle(0.95).width() == doctest::Approx(2 * 1.96 * 0.05).epsilon(0.1));
  d.y.assign(100, 0.25);
  CHECK(cloud_of(d, mean_y, 100, 1)->middle(0.95) == interval{0.25, 0.25});
}

TEST_CASE("resamples without a value count against it at both ends") {
  grouped_items d{.x = {}, .y = {1, 2, 3, 4, 5}, .group = {0, 1, 2, 3, 4}};
  d.x = d.y;
  int calls = 0;
  const auto sometimes = [&](std::span<const double>, std::span<const double> y) {
    return ++calls % 10 == 0 && calls > 20 ? std::nullopt : mean(y);
  };
  const auto cloud = cloud_of(d, sometimes, 1000, 1);
  REQUIRE(cloud);
  CHECK(cloud->middle(0.95) == interval::whole_line());
  CHECK(cloud->share_outside({-1e9, 1e9}) > 0.19);
  const auto nan_at_once = [](std::span<const double> x, std::span<const double>) {
    return std::optional<double>(x.size() == 5 ? 1 : std::nan(""));
  };
  // Undefined without one of the seeds: nothing is known of how far seeds differ.
  const auto unknown = cloud_of(d, nan_at_once, 1000, 1);
  REQUIRE(unknown);
  CHECK(unknown->middle(0.95) == interval::whole_line());
  CHECK(unknown->share_outside({-1e9, 1e9}) == 1);
}

TEST_CASE("without items, resamples or a value there is no cloud, and no confidence no interval") {
  const grouped_items none;
  CHECK_FALSE(cloud_of(none, mean_y, 100, 1));
  const grouped_items d{.x = {1, 2}, .y = {1, 2}, .group = {0, 1}};
  CHECK_FALSE(cloud_of(d, mean_y, 0, 1));
  CHECK_FALSE(cloud_of(d, mean_y, -1, 1));
  const auto undefined = [](std::span<const double>, std::span<const double>) {
    return std::optional<double>(std::nan(""));
  };
  CHECK_FALSE(cloud_of(d, undefined, 100, 1));
  const auto cloud = cloud_of(d, mean_y, 100, 1);
  REQUIRE(cloud);
  for (const double confidence : {0.0, 1.0, -1.0, 95.0, std::nan("")}) {
    CHECK(cloud->middle(confidence) == interval::whole_line());
  }
}

TEST_CASE("the same state of the random numbers gives the same draws, in any order of the groups") {
  philox random(11);
  const auto d = sample_world(2, 0.5, 5, 6, random);
  CHECK(cloud_of(d, slope, 200, 1)->draws == cloud_of(d, slope, 200, 1)->draws);
  CHECK(cloud_of(d, slope, 200, 1)->draws != cloud_of(d, slope, 200, 2)->draws);
  grouped_items named = d;
  for (std::size_t& g : named.group) g = 10 * g + 3;
  CHECK(cloud_of(named, slope, 200, 1)->draws == cloud_of(d, slope, 200, 1)->draws);
}

}  // namespace
