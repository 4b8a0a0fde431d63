// SPDX-License-Identifier: MIT
// The extractors against a planted direction; bench/extract/learn.cpp prints the whole table.

#include "planted.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/extract/discriminant.hpp>
#include <multitudes/extract/fit_pairs.hpp>
#include <multitudes/extract/logistic.hpp>
#include <multitudes/extract/mean_difference.hpp>
#include <multitudes/extract/principal_component.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace mt = multitudes;
using namespace multitudes_test;

namespace {

constexpr mt::evidence_options unjudged{.n_folds = 0};

/// Cosines to the truth over many seeds, sorted; checks the sign rule on the way.
template <mt::extractor X>
std::vector<double> cosines(const X& extract, planted_options options, int n_seeds) {
  mt::inline_executor one;
  std::vector<double> result;
  for (int seed = 1; seed <= n_seeds; ++seed) {
    options.seed = static_cast<std::uint64_t>(seed);
    auto planted = plant(options);
    const auto found = *mt::fit_pairs(extract, planted.rows, one, unjudged);
    CHECK(found[0].evidence.positive_mean >= found[0].evidence.negative_mean);
    CHECK(cosine(found[0].unit, std::vector<double>(found[0].unit.begin(), found[0].unit.end())) ==
          doctest::Approx(1).epsilon(1e-6));
    result.push_back(cosine(found[0].unit, planted.truth));
  }
  std::sort(result.begin(), result.end());
  return result;
}

double median(const std::vector<double>& sorted) { return sorted[sorted.size() / 2]; }

/// The same bits at any site, whoever works and however the rows are cut into blocks.
class in_blocks {
 public:
  in_blocks(const mt::kept_pairs& rows, std::size_t n) : rows_(rows), n_(n) {}
  std::size_t n_pairs() const { return rows_.n_pairs(); }
  std::size_t n_sites() const { return rows_.n_sites(); }
  std::size_t width() const { return rows_.width(); }
  mt::expected<void> visit(mt::block_receiver receive) const {
    for (std::size_t first = 0; first < n_pairs(); first += n_) {
      receive({first, std::min(n_, n_pairs() - first), n_sites(), width(),
               rows_.row(first, true, 0).data()});
    }
    return {};
  }

 private:
  const mt::kept_pairs& rows_;
  std::size_t n_;
};

template <class Visit>
void each_extractor(Visit visit) {
  visit(mt::mean_difference{});
  visit(mt::principal_component{});
  visit(mt::centered_principal_component{});
  visit(mt::ridge{});
  visit(mt::linear_discriminant{});
  visit(mt::logistic{});
}

}  // namespace

TEST_CASE("every extractor finds the planted direction with the right sign in 100 of 100 seeds") {
  const auto check = [](const auto& extract, double least) {
    CAPTURE(extract.name);
    const auto c = cosines(extract, {}, 100);
    CHECK(c.front() > 0);
    CHECK(median(c) > least);
  };
  check(mt::mean_difference{}, 0.93);
  check(mt::principal_component{}, 0.93);
  check(mt::ridge{}, 0.92);
  check(mt::linear_discriminant{}, 0.77);
  check(mt::logistic{}, 0.92);
}

TEST_CASE("centering the differences loses the direction that they have in common") {
  const int n = 40;
  const auto right = cosines(mt::principal_component{}, {}, n);
  const auto centered = cosines(mt::centered_principal_component{}, {}, n);
  CHECK(median(right) >= 0.93);
  double median_size = 0;
  {
    std::vector<double> sizes;
    for (const double c : centered) sizes.push_back(std::abs(c));
    std::sort(sizes.begin(), sizes.end());
    median_size = median(sizes);
  }
  CHECK(median_size <= 0.08);
}

TEST_CASE("probes tell texts apart where a strong topic hides the mean difference") {
  mt::inline_executor one;
  auto planted = plant({.topic = 10});
  const auto accuracy = [&](const auto& extract) {
    return (*mt::fit_pairs(extract, planted.rows, one))[0].evidence.text_accuracy;
  };
  const double mean = accuracy(mt::mean_difference{});
  CHECK(mean < 0.9);
  CHECK(accuracy(mt::ridge{}) > mean + 0.05);
  CHECK(accuracy(mt::logistic{}) > mean + 0.05);
}

TEST_CASE("directions and evidence have the same bits for any threads and any blocks") {
  const auto planted = plant({.n_pairs = 30, .width = 24, .n_sites = 5});
  each_extractor([&](const auto& extract) {
    CAPTURE(extract.name);
    mt::inline_executor one;
    mt::kept_pairs rows = planted.rows;
    const auto whole = *mt::fit_pairs(extract, rows, one);
    const auto same = [&](auto& source, auto& workers) {
      const auto other = *mt::fit_pairs(extract, source, workers);
      for (std::size_t s = 0; s < 5; ++s) {
        if (other[s].unit != whole[s].unit) return false;
        const auto& a = other[s].evidence;
        const auto& b = whole[s].evidence;
        if (a.effect_size != b.effect_size || !(a.interval == b.interval)) return false;
        if (a.shuffled != b.shuffled || !(a.link == b.link)) return false;
        if (a.text_accuracy != b.text_accuracy) return false;
      }
      return true;
    };
    mt::thread_pool two(2);
    mt::thread_pool four(4);
    CHECK(same(rows, two));
    CHECK(same(rows, four));
    for (const unsigned n : {1u, 7u, 30u}) {
      in_blocks blocks(rows, n);
      CHECK(same(blocks, two));
    }
  });
}

TEST_CASE("scaling all rows changes no direction") {
  auto planted = plant({.n_pairs = 20, .width = 32});
  mt::kept_pairs larger = planted.rows;
  for (std::size_t i = 0; i < 20; ++i) {
    for (const bool side : {true, false}) {
      for (float& e : larger.row(i, side, 0)) e *= 1024;
    }
  }
  mt::inline_executor one;
  each_extractor([&](const auto& extract) {
    CAPTURE(extract.name);
    const auto a = *mt::fit_pairs(extract, planted.rows, one, unjudged);
    const auto b = *mt::fit_pairs(extract, larger, one, unjudged);
    const std::vector<double> unit(a[0].unit.begin(), a[0].unit.end());
    CHECK(cosine(b[0].unit, unit) == doctest::Approx(1).epsilon(1e-6));
  });
}

TEST_CASE("rows without a difference give zeros and no evidence, and never a number that is none") {
  mt::inline_executor one;
  mt::kept_pairs equal(6, 1, 16);
  mt::kept_pairs broken(6, 1, 16);
  for (std::size_t i = 0; i < 6; ++i) {
    for (std::size_t e = 0; e < 16; ++e) {
      equal.row(i, true, 0)[e] = equal.row(i, false, 0)[e] = static_cast<float>(i * e);
      broken.row(i, true, 0)[e] = 1e38f;
      broken.row(i, false, 0)[e] = -std::numeric_limits<float>::infinity();
    }
  }
  each_extractor([&](const auto& extract) {
    CAPTURE(extract.name);
    for (mt::kept_pairs* rows : {&equal, &broken}) {
      const auto found = *mt::fit_pairs(extract, *rows, one);
      CHECK(found[0].unit == std::vector<float>(16));
      CHECK(!found[0].evidence.is_above_chance());
      CHECK(found[0].evidence.accuracy == 0);
    }
  });
}
