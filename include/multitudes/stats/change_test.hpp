// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::stats {

struct change_test_options {
  double false_alarms = 0.01;  ///< at most this share of undisturbed sequences ever alarms
  /// The shifts to look for, in standard deviations, upwards and downwards.
  std::vector<double> shifts = {0.25, 0.5, 1, 2};
};

/// A sequential test for a shift of mean that begins at an unknown time: the probability of ever
/// alarming without one is at most `false_alarms`, however long the sequence.
///
/// It holds evidence of a bet against "no change": for each possible beginning s, with prior
/// weight 1 / (s (s + 1)), and each shift d, the likelihood ratio of the scores since s. Without a
/// change the total is a supermartingale that starts at 1, so that by Ville's inequality it
/// reaches 1 / false_alarms with at most that probability.
///
/// Assumes: given those before it, each score has mean 0 and tails no heavier than a standard
/// normal's (E exp(d z) <= exp(d² / 2)). Scores whose neighbors resemble each other do not: use
/// alarm_threshold on whole sequences for these.
///
/// Source:  Ville 1939; for such sums over beginnings, Shin, Ramdas and Rinaldo 2022,
///          arXiv:2203.03532.
class change_test {
 public:
  /// Errors:  invalid_argument unless false_alarms is between 0 and 1, and shifts are positive.
  static expected<change_test> make(const change_test_options& how = {}) {
    const auto refuse = [](std::string place, std::string found, std::string wanted) {
      return fail({.code = errc::invalid_argument,
                   .operation = "make change test",
                   .place = std::move(place),
                   .found = std::move(found),
                   .expected = std::move(wanted),
                   .remedy = {}});
    };
    if (!(how.false_alarms > 0 && how.false_alarms < 1)) {
      return refuse("false_alarms", std::to_string(how.false_alarms), "between 0 and 1");
    }
    if (how.shifts.empty()) return refuse("shifts", "none", "at least one");
    change_test made;
    made.threshold_ = -std::log(how.false_alarms);
    for (const double shift : how.shifts) {
      if (!(shift > 0) || !std::isfinite(shift)) {
        return refuse("shifts", std::to_string(shift), "positive numbers");
      }
      made.shifts_.push_back(shift);
      made.shifts_.push_back(-shift);
    }
    made.logs_.assign(made.shifts_.size(), -std::numeric_limits<double>::infinity());
    return made;
  }

  /// Adds a standardized score; true from the first alarm on. What is no number says nothing.
  bool update(double score) noexcept {
    ++n_;
    const double z = std::isfinite(score) ? score : 0;
    const auto t = static_cast<double>(n_);
    const double log_begins_now = -std::log(t * (t + 1));
    const double log_begins_later = -std::log(t + 1);
    const double share = -std::log(static_cast<double>(shifts_.size()));
    double total = log_begins_later;
    for (std::size_t j = 0; j < shifts_.size(); ++j) {
      logs_[j] = add(logs_[j], log_begins_now);
      if (std::isfinite(score)) logs_[j] += shifts_[j] * z - shifts_[j] * shifts_[j] / 2;
      total = add(total, logs_[j] + share);
    }
    evidence_ = total;
    if (alarm_ == 0 && evidence_ >= threshold_) alarm_ = n_;
    return alarm_ != 0;
  }

  /// The logarithm of the bet's worth, in nats; 0 at the start.
  [[nodiscard]] double evidence() const noexcept { return evidence_; }
  [[nodiscard]] bool alarmed() const noexcept { return alarm_ != 0; }
  /// How many scores had been seen at the first alarm; 0: none so far.
  [[nodiscard]] std::size_t alarmed_at() const noexcept { return alarm_; }
  [[nodiscard]] std::size_t n_scores() const noexcept { return n_; }

  /// About how many scores of mean `shift` (and variance 1) after `onset` undisturbed ones it
  /// takes to alarm: the nats that are needed over those that the best listed shift d gains by a
  /// score, d * shift - d² / 2. Infinite if none gains.
  [[nodiscard]] double expected_delay(double shift, std::size_t onset) const noexcept {
    double gain = 0;
    for (const double d : shifts_) gain = std::max(gain, d * shift - d * d / 2);
    const double s = static_cast<double>(onset) + 1;
    const double needed =
        threshold_ + std::log(static_cast<double>(shifts_.size())) + std::log(s * (s + 1));
    return gain > 0 ? needed / gain : std::numeric_limits<double>::infinity();
  }

 private:
  change_test() = default;

  static double add(double a, double b) noexcept {
    const double most = std::max(a, b);
    if (most == -std::numeric_limits<double>::infinity()) return most;
    return most + std::log1p(std::exp(std::min(a, b) - most));
  }

  double threshold_ = 0;
  std::vector<double> shifts_;
  std::vector<double> logs_;  // (shifts): of the sum over beginnings so far
  std::size_t n_ = 0;
  std::size_t alarm_ = 0;
  double evidence_ = 0;
};

}  // namespace multitudes::stats
