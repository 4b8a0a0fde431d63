// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace multitudes::stats {

/// Watches a sequence for the moment at which another source goes on: by how many nats the best
/// two sources in turn, whichever they are and whenever the second began, explain it better than
/// the best single one (a generalized likelihood ratio).
///
/// It need not be told who began. The number itself promises nothing, the more so where steps
/// resemble their neighbors; alarm_threshold gives it a rate of false alarms.
///
/// Cost:    linear in the sources for each step, however long the sequence; no allocation.
/// Source:  Lorden 1971, "Procedures for reacting to a change in distribution"; here with the
///          source before the change unknown as well.
class source_change {
 public:
  explicit source_change(std::size_t n_sources)
      : totals_(n_sources, 0.0),
        best_(n_sources, {-std::numeric_limits<double>::infinity(), 0, 0}) {}

  /// Adds a step and returns the value so far. A step of another number of sources, or with one
  /// that is no number, says nothing.
  ///
  /// Shapes:  nats (n_sources): the log-likelihood of this step alone, up to a constant.
  double update(std::span<const double> nats) noexcept {
    ++n_;
    if (nats.size() != totals_.size() || nats.empty()) return value_;
    for (const double x : nats) {
      if (!std::isfinite(x)) return value_;
    }
    if (known_) {
      const std::size_t leader = largest();
      for (std::size_t k = 0; k < best_.size(); ++k) {
        const double lead = totals_[leader] - totals_[k];
        if (lead > best_[k].lead) best_[k] = {lead, n_ - 1, leader};
      }
    }
    const double most = *std::max_element(nats.begin(), nats.end());
    for (std::size_t k = 0; k < totals_.size(); ++k) totals_[k] += nats[k] - most;
    if (known_) {
      for (std::size_t k = 0; k < totals_.size(); ++k) {
        if (totals_[k] + best_[k].lead > totals_[after_] + best_[after_].lead) after_ = k;
      }
      value_ = totals_[after_] + best_[after_].lead - totals_[largest()];
    }
    known_ = true;
    return value_;
  }

  [[nodiscard]] double value() const noexcept { return value_; }
  [[nodiscard]] std::size_t n_steps() const noexcept { return n_; }
  /// How many steps the first source wrote, if there was a change; 0 before there can be one.
  [[nodiscard]] std::size_t onset() const noexcept {
    return best_.empty() ? 0 : best_[after_].onset;
  }
  [[nodiscard]] std::size_t before() const noexcept {
    return best_.empty() ? 0 : best_[after_].leader;
  }
  [[nodiscard]] std::size_t after() const noexcept { return after_; }

 private:
  struct beginning {
    double lead;         // of the best source over this one, when this one began
    std::size_t onset;   // steps before
    std::size_t leader;  // who that was
  };
  [[nodiscard]] std::size_t largest() const noexcept {
    return static_cast<std::size_t>(std::max_element(totals_.begin(), totals_.end()) -
                                    totals_.begin());
  }

  std::vector<double> totals_;   // (n_sources)
  std::vector<beginning> best_;  // (n_sources): when each had best begun, had it taken over
  std::size_t n_ = 0;
  std::size_t after_ = 0;
  bool known_ = false;
  double value_ = 0;
};

}  // namespace multitudes::stats
