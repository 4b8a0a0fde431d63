// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/stats/gaussian_mixture.hpp>
#include <multitudes/stats/group_bootstrap.hpp>
#include <multitudes/stats/interval.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::stats {

/// What was said of each item before its class was known, and what it was.
struct forecast_set {
  std::size_t n_classes = 0;
  std::vector<double> scores;      ///< (n, n_classes), nats; a constant may be added to a row
  std::vector<double> base = {};   ///< (n_classes), log prior that no temperature touches; or none
  std::vector<std::size_t> truth;  ///< (n)
  std::vector<std::size_t> groups = {};  ///< (n), items of one group are not independent; or none

  [[nodiscard]] std::size_t size() const noexcept { return truth.size(); }

  /// The log-probabilities of item i: base + scores / temperature, normalized.
  void log_probabilities(std::size_t i, double temperature, std::span<double> out) const noexcept {
    for (std::size_t k = 0; k < n_classes; ++k) {
      out[k] = (base.empty() ? 0.0 : base[k]) + scores[i * n_classes + k] / temperature;
    }
    normalize_logs(out);
  }
};

/// Errors:  invalid_argument without items or with fewer than two classes, or for a class out of
///          range; shape_mismatch; non_finite.
inline expected<void> validate(const forecast_set& f) {
  const auto refuse = [](errc code, std::string place, std::string found, std::string wanted) {
    return fail({.code = code,
                 .operation = "judge forecasts",
                 .place = std::move(place),
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = {}});
  };
  if (f.truth.empty() || f.n_classes < 2) {
    return refuse(errc::invalid_argument, "forecasts",
                  std::to_string(f.size()) + " items, " + std::to_string(f.n_classes) + " classes",
                  "at least one item and two classes");
  }
  if (f.scores.size() / f.n_classes != f.size() || f.scores.size() % f.n_classes != 0 ||
      (!f.base.empty() && f.base.size() != f.n_classes) ||
      (!f.groups.empty() && f.groups.size() != f.size())) {
    return refuse(errc::shape_mismatch, "forecasts", std::to_string(f.scores.size()) + " scores",
                  std::to_string(f.size()) + " x " + std::to_string(f.n_classes) +
                      ", and base and groups of that size or none");
  }
  for (std::size_t i = 0; i < f.scores.size(); ++i) {
    if (std::isfinite(f.scores[i])) continue;
    return refuse(errc::non_finite, "item " + std::to_string(i / f.n_classes), "NaN or infinity",
                  "finite scores");
  }
  for (const double x : f.base) {
    if (!std::isfinite(x)) return refuse(errc::non_finite, "base", "NaN or infinity", "numbers");
  }
  for (std::size_t i = 0; i < f.size(); ++i) {
    if (f.truth[i] < f.n_classes) continue;
    return refuse(errc::invalid_argument, "truth of item " + std::to_string(i),
                  std::to_string(f.truth[i]), "less than " + std::to_string(f.n_classes));
  }
  return {};
}

/// Chosen items of a set.
inline forecast_set select(const forecast_set& f, std::span<const std::size_t> items) {
  forecast_set chosen{f.n_classes, {}, f.base, {}, {}};
  for (const std::size_t i : items) {
    const auto row = f.scores.begin() + static_cast<std::ptrdiff_t>(i * f.n_classes);
    chosen.scores.insert(chosen.scores.end(), row, row + static_cast<std::ptrdiff_t>(f.n_classes));
    chosen.truth.push_back(f.truth[i]);
    if (!f.groups.empty()) chosen.groups.push_back(f.groups[i]);
  }
  return chosen;
}

/// The best temperature, and whether there is one.
struct temperature_fit {
  double temperature = 1;
  double log_score_before = 0;  ///< nats an item, at temperature 1
  double log_score_after = 0;
  /// True if the best lies beyond the range that is searched, 1/100 to 100: the forecasts are
  /// right whenever they say anything (sharpest end), or say nothing (flattest end).
  bool at_bound = false;
};

/// The mean of -log p(truth).
inline double log_score(const forecast_set& f, double temperature) {
  std::vector<double> p(f.n_classes);
  double sum = 0;
  for (std::size_t i = 0; i < f.size(); ++i) {
    f.log_probabilities(i, temperature, p);
    sum -= p[f.truth[i]];
  }
  return sum / static_cast<double>(f.size());
}

/// The temperature T that makes base + scores / T the likeliest forecasts. The log score is convex
/// in 1 / T, so that Newton's steps, kept inside a bracket, find the one minimum.
///
/// Fit on items that are judged nowhere else.
///
/// Errors:  those of validate.
/// Cost:    some ten passes over the scores.
/// Source:  Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv:1706.04599.
inline expected<temperature_fit> fit_temperature(const forecast_set& f) {
  if (auto ok = validate(f); !ok) return forward_error(ok);
  std::vector<double> p(f.n_classes);
  const auto slopes = [&](double sharpness) {
    double first = 0;
    double second = 0;
    for (std::size_t i = 0; i < f.size(); ++i) {
      f.log_probabilities(i, 1 / sharpness, p);
      const double* s = f.scores.data() + i * f.n_classes;
      double mean = 0;
      double square = 0;
      for (std::size_t k = 0; k < f.n_classes; ++k) {
        const double gap = s[k] - s[f.truth[i]];
        mean += std::exp(p[k]) * gap;
        square += std::exp(p[k]) * gap * gap;
      }
      first += mean;
      second += square - mean * mean;
    }
    return std::pair(first, second);
  };
  constexpr double flattest = 0.01;
  constexpr double sharpest = 100;
  temperature_fit fit;
  fit.log_score_before = log_score(f, 1);
  double low = flattest;
  double high = sharpest;
  double at = 1;
  if (slopes(low).first >= 0) {
    at = low;
    fit.at_bound = true;
  } else if (slopes(high).first <= 0) {
    at = high;
    fit.at_bound = true;
  } else {
    for (int i = 0; i < 100; ++i) {
      const auto [first, second] = slopes(at);
      (first < 0 ? low : high) = at;
      double next = at - first / second;
      if (!(next > low && next < high)) next = (low + high) / 2;
      const bool done = std::abs(next - at) <= 1e-12 * at;
      at = next;
      if (done) break;
    }
  }
  fit.temperature = 1 / at;
  fit.log_score_after = log_score(f, fit.temperature);
  return fit;
}

}  // namespace multitudes::stats
