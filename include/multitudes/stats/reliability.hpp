// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/stats/calibration.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace multitudes::stats {

/// Forecasts of about the same confidence, and how many of them came true.
struct reliability_bin {
  std::size_t count = 0;
  double confidence = 0;   ///< mean probability of the likeliest class
  double share_right = 0;  ///< of those classes
  interval right_between{0, 1};
};

struct reliability_options {
  std::size_t n_bins = 10;  ///< of equally many items
  double confidence = 0.95;
  int resamples = 1000;
  double temperature = 1;
};

/// How good probabilities are, and whether they mean what they say. Intervals are bootstraps over
/// groups, or over items without groups.
struct reliability {
  double accuracy = 0;
  interval accuracy_between{};
  double log_score = 0;  ///< mean of -log p(truth), nats
  interval log_score_between{};
  double brier = 0;  ///< mean over items of the squared distance to the truth, summed over classes
  interval brier_between{};
  double calibration_error = 0;  ///< expected: mean gap of the bins, weighted by their counts
  interval calibration_error_between{};
  /// What calibration_error would be on average if every probability were true: not 0, because
  /// the items of a bin are few. Compare with this.
  double error_if_calibrated = 0;
  std::vector<reliability_bin> bins;  ///< from the least to the most confident
};

namespace detail {

/// One item's likeliest class, the first of equals, and its scores.
struct judged_item {
  double confidence = 0;
  bool right = false;
  double loss = 0;
  double brier = 0;
};

inline double calibration_error(std::span<const judged_item> items,
                                std::span<const std::size_t> bin_of,
                                std::span<const std::size_t> chosen, std::size_t n_bins) {
  std::vector<double> gaps(n_bins, 0.0);
  for (const std::size_t i : chosen) {
    gaps[bin_of[i]] += items[i].confidence - (items[i].right ? 1.0 : 0.0);
  }
  double sum = 0;
  for (const double gap : gaps) sum += std::abs(gap);
  return sum / static_cast<double>(chosen.size());
}

}  // namespace detail

/// Judges forecasts. Bins hold equally many items, so that no bin of a few decides; an item's bin
/// stays the same in resamples.
///
/// Errors:  those of validate; invalid_argument if the temperature is not positive, or without
///          bins.
/// Cost:    resamples passes over the items.
/// Source:  calibration error: Guo et al. 2017, arXiv:1706.04599; scores: Brier 1950.
inline expected<reliability> judge(const forecast_set& f, const reliability_options& how,
                                   philox& random) {
  if (auto ok = validate(f); !ok) return forward_error(ok);
  if (how.n_bins == 0 || !(how.temperature > 0) || !std::isfinite(how.temperature)) {
    return fail({.code = errc::invalid_argument,
                 .operation = "judge forecasts",
                 .place = how.n_bins == 0 ? "n_bins" : "temperature",
                 .found = how.n_bins == 0 ? "0" : std::to_string(how.temperature),
                 .expected = "a positive number",
                 .remedy = {}});
  }
  const std::size_t n = f.size();
  std::vector<detail::judged_item> items(n);
  std::vector<double> p(f.n_classes);
  for (std::size_t i = 0; i < n; ++i) {
    f.log_probabilities(i, how.temperature, p);
    const auto top = std::max_element(p.begin(), p.end());
    items[i].loss = -p[f.truth[i]];
    items[i].confidence = std::exp(*top);
    items[i].right = static_cast<std::size_t>(top - p.begin()) == f.truth[i];
    for (std::size_t k = 0; k < f.n_classes; ++k) {
      const double gap = std::exp(p[k]) - (k == f.truth[i] ? 1.0 : 0.0);
      items[i].brier += gap * gap;
    }
  }
  std::vector<std::size_t> all(n);
  std::iota(all.begin(), all.end(), std::size_t{0});
  std::vector<std::size_t> order = all;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return items[a].confidence < items[b].confidence;
  });
  const std::size_t n_bins = std::min(how.n_bins, n);
  std::vector<std::size_t> bin_of(n);
  for (std::size_t r = 0; r < n; ++r) bin_of[order[r]] = r * n_bins / n;

  const std::span<const std::size_t> groups = f.groups.empty() ? all : f.groups;
  const auto between = [&](auto&& of_items) {
    return bootstrap_groups(groups, of_items, how.confidence, how.resamples, random);
  };
  const auto mean_of = [&](auto field) {
    return [&items, field](std::span<const std::size_t> chosen) {
      double sum = 0;
      for (const std::size_t i : chosen) sum += static_cast<double>(items[i].*field);
      return sum / static_cast<double>(chosen.size());
    };
  };
  reliability result;
  const auto accuracy = mean_of(&detail::judged_item::right);
  const auto loss = mean_of(&detail::judged_item::loss);
  const auto brier = mean_of(&detail::judged_item::brier);
  const auto error = [&](std::span<const std::size_t> chosen) {
    return detail::calibration_error(items, bin_of, chosen, n_bins);
  };
  result.accuracy = accuracy(all);
  result.accuracy_between = between(accuracy);
  result.log_score = loss(all);
  result.log_score_between = between(loss);
  result.brier = brier(all);
  result.brier_between = between(brier);
  result.calibration_error = error(all);
  result.calibration_error_between = between(error);

  constexpr int redraws = 200;
  std::vector<detail::judged_item> redrawn = items;
  for (int draw = 0; draw < redraws; ++draw) {
    for (detail::judged_item& item : redrawn) {
      item.right = static_cast<double>(random.uniform()) < item.confidence;
    }
    result.error_if_calibrated += detail::calibration_error(redrawn, bin_of, all, n_bins) / redraws;
  }

  result.bins.resize(n_bins);
  for (std::size_t i = 0; i < n; ++i) {
    reliability_bin& bin = result.bins[bin_of[i]];
    ++bin.count;
    bin.confidence += items[i].confidence;
    bin.share_right += items[i].right ? 1 : 0;
  }
  for (std::size_t b = 0; b < n_bins; ++b) {
    reliability_bin& bin = result.bins[b];
    bin.confidence /= static_cast<double>(bin.count);
    bin.share_right /= static_cast<double>(bin.count);
    const auto share = [&](std::span<const std::size_t> chosen) -> std::optional<double> {
      double count = 0;
      double right = 0;
      for (const std::size_t i : chosen) {
        if (bin_of[i] != b) continue;
        ++count;
        right += items[i].right ? 1 : 0;
      }
      if (count == 0) return std::nullopt;
      return right / count;
    };
    const interval found = between(share);
    bin.right_between = {std::max(0.0, found.low), std::min(1.0, found.high)};
  }
  return result;
}

/// Forecasts cut in two by groups at random, one part to fit the temperature on, one to judge.
///
/// Errors:  those of validate; invalid_argument unless each part gets a group.
inline expected<std::pair<forecast_set, forecast_set>> split_by_groups(const forecast_set& f,
                                                                       double first_share,
                                                                       philox& random) {
  if (auto ok = validate(f); !ok) return forward_error(ok);
  std::vector<std::size_t> ids(f.size());
  std::iota(ids.begin(), ids.end(), std::size_t{0});
  if (!f.groups.empty()) ids = f.groups;
  std::vector<std::size_t> distinct = ids;
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  for (std::size_t i = distinct.size(); i > 1; --i) {
    std::swap(distinct[i - 1], distinct[random.below(static_cast<std::uint32_t>(i))]);
  }
  const double wanted = std::round(first_share * static_cast<double>(distinct.size()));
  if (!(wanted >= 1) || !(wanted < static_cast<double>(distinct.size()))) {
    return fail({.code = errc::invalid_argument,
                 .operation = "split forecasts",
                 .place = "first share",
                 .found = std::to_string(first_share) + " of " + std::to_string(distinct.size()) +
                          " groups",
                 .expected = "at least one group on each side",
                 .remedy = {}});
  }
  distinct.resize(static_cast<std::size_t>(wanted));
  std::sort(distinct.begin(), distinct.end());
  std::vector<std::size_t> sides[2];
  for (std::size_t i = 0; i < f.size(); ++i) {
    const bool first = std::binary_search(distinct.begin(), distinct.end(), ids[i]);
    sides[first ? 0 : 1].push_back(i);
  }
  return std::pair(select(f, sides[0]), select(f, sides[1]));
}

}  // namespace multitudes::stats
