// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/observe/posterior.hpp>
#include <multitudes/stats/alarm_threshold.hpp>
#include <multitudes/stats/proportion.hpp>
#include <multitudes/stats/source_change.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

struct drift_options {
  std::size_t horizon = 0;  ///< steps that are watched; 0: the length of the shortest calibration
  stats::alarm_promise promise = {};
};

/// Watches conversations for the moment at which another persona goes on, whoever began.
///
/// What it reads is evidence of each step alone (accumulation::latest), best of stretches that are
/// read by themselves (read_stretches); the statistic is how many nats the best two personas in
/// turn explain more than the best single one (stats::source_change). Its threshold is calibrated
/// on undisturbed conversations taken whole, so that the promised rate of false alarms needs no
/// assumption on how readings are distributed or hang together, nor that they are calibrated; only
/// that these conversations and later ones are drawn alike. It is the chance of ever alarming
/// within `horizon` steps.
class drift_monitor {
 public:
  /// Errors:  invalid_argument if there are too few conversations for the promise, one has fewer
  ///          than two steps or than the horizon, or there are fewer than two personas;
  ///          shape_mismatch; non_finite.
  /// Cost:    linear in the evidence.
  static expected<drift_monitor> calibrate(std::span<const evidence_trace> undisturbed,
                                           const drift_options& how = {}) {
    const auto refuse = [](errc code, std::string place, std::string found, std::string wanted) {
      return fail({.code = code,
                   .operation = "calibrate drift monitor",
                   .place = std::move(place),
                   .found = std::move(found),
                   .expected = std::move(wanted),
                   .remedy = {}});
    };
    if (undisturbed.empty()) {
      return refuse(errc::invalid_argument, "conversations", "none", "at least one");
    }
    drift_monitor made;
    made.n_personas_ = undisturbed[0].n_personas;
    made.promise_ = how.promise;
    if (made.n_personas_ < 2) {
      return refuse(errc::invalid_argument, "personas", std::to_string(made.n_personas_),
                    "at least two, of which one can take over");
    }
    std::size_t shortest = undisturbed[0].size();
    for (std::size_t c = 0; c < undisturbed.size(); ++c) {
      const evidence_trace& trace = undisturbed[c];
      const std::string place = "conversation " + std::to_string(c);
      if (trace.n_personas != made.n_personas_) {
        return refuse(errc::shape_mismatch, place, std::to_string(trace.n_personas) + " personas",
                      std::to_string(made.n_personas_));
      }
      const std::size_t least = std::max<std::size_t>(how.horizon, 2);
      if (trace.size() < least) {
        return refuse(errc::invalid_argument, place, std::to_string(trace.size()) + " steps",
                      "at least " + std::to_string(least));
      }
      for (const double x : trace.nats) {
        if (!std::isfinite(x)) return refuse(errc::non_finite, place, "NaN or infinity", "numbers");
      }
      shortest = std::min(shortest, trace.size());
    }
    made.horizon_ = how.horizon == 0 ? shortest : how.horizon;
    std::vector<double> maxima;
    for (const evidence_trace& trace : undisturbed) {
      watch w(made);
      double most = 0;
      for (std::size_t i = 0; i < made.horizon_; ++i) {
        w.update(trace.row(i));
        most = std::max(most, w.statistic());
      }
      maxima.push_back(most);
    }
    auto threshold = stats::alarm_threshold(maxima, how.promise);
    if (!threshold) return forward_error(threshold);
    made.threshold_ = *threshold;
    return made;
  }

  /// One conversation being watched. The monitor must outlive it.
  class watch {
   public:
    explicit watch(const drift_monitor& by) : by_(&by), change_(by.n_personas_) {}

    /// Adds the evidence of a step alone; true from the first alarm on. Evidence that is missing
    /// or no numbers says nothing. Steps beyond the horizon are not watched.
    ///
    /// Shapes:  nats (n_personas).
    bool update(std::span<const double> nats) noexcept {
      if (is_over()) return alarmed();
      change_.update(nats);
      if (alarm_ == 0 && statistic() > by_->threshold_) alarm_ = change_.n_steps();
      return alarmed();
    }

    [[nodiscard]] double statistic() const noexcept { return change_.value(); }
    [[nodiscard]] bool alarmed() const noexcept { return alarm_ != 0; }
    /// After how many steps it first alarmed; 0: not so far.
    [[nodiscard]] std::size_t alarmed_at() const noexcept { return alarm_; }
    /// Who went on after whom, and after how many steps, if anybody did.
    [[nodiscard]] const stats::source_change& change() const noexcept { return change_; }
    [[nodiscard]] bool is_over() const noexcept { return change_.n_steps() >= by_->horizon_; }

   private:
    const drift_monitor* by_;
    stats::source_change change_;
    std::size_t alarm_ = 0;
  };

  [[nodiscard]] watch begin() const { return watch(*this); }
  /// Runs a whole conversation through a watch; after how many steps it alarmed, or 0.
  [[nodiscard]] std::size_t alarm_in(const evidence_trace& trace) const {
    watch w(*this);
    for (std::size_t i = 0; i < trace.size(); ++i) w.update(trace.row(i));
    return w.alarmed_at();
  }
  [[nodiscard]] double threshold() const noexcept { return threshold_; }  ///< nats
  [[nodiscard]] std::size_t horizon() const noexcept { return horizon_; }
  [[nodiscard]] const stats::alarm_promise& promise() const noexcept { return promise_; }

 private:
  drift_monitor() = default;

  std::size_t n_personas_ = 0;
  std::size_t horizon_ = 0;
  stats::alarm_promise promise_;
  double threshold_ = std::numeric_limits<double>::infinity();
};

/// How an alarm did on conversations that it was not calibrated on. Intervals are at 95% and
/// assume nothing but that conversations are independent.
struct drift_record {
  std::size_t n_undisturbed = 0;
  std::size_t false_alarms = 0;
  stats::interval false_alarms_between{0, 1};  ///< of the rate
  std::size_t n_switched = 0;
  std::size_t missed = 0;                ///< no alarm after the switch
  stats::interval missed_between{0, 1};  ///< of the rate
  std::size_t early = 0;                 ///< alarms before it, which are false ones
  std::vector<double> delays = {};       ///< steps from switch to alarm, of those that were neither
  double median_delay = std::numeric_limits<double>::infinity();  ///< a missed one is infinite
  stats::interval median_delay_between{0, std::numeric_limits<double>::infinity()};
};

/// Shapes:  onsets (switched): after how many steps each conversation was switched.
/// Errors:  shape_mismatch for another number of onsets.
inline expected<drift_record> measure_drift_alarm(const drift_monitor& monitor,
                                                  std::span<const evidence_trace> undisturbed,
                                                  std::span<const evidence_trace> switched,
                                                  std::span<const std::size_t> onsets) {
  if (onsets.size() != switched.size()) {
    return fail({.code = errc::shape_mismatch,
                 .operation = "measure drift alarm",
                 .place = "onsets",
                 .found = std::to_string(onsets.size()),
                 .expected = std::to_string(switched.size()),
                 .remedy = {}});
  }
  drift_record record;
  record.n_undisturbed = undisturbed.size();
  for (const evidence_trace& trace : undisturbed) {
    if (monitor.alarm_in(trace) != 0) ++record.false_alarms;
  }
  record.false_alarms_between =
      stats::proportion_interval(record.false_alarms, record.n_undisturbed, 0.95);
  record.n_switched = switched.size();
  for (std::size_t i = 0; i < switched.size(); ++i) {
    const std::size_t at = monitor.alarm_in(switched[i]);
    if (at == 0) {
      ++record.missed;
    } else if (at <= onsets[i]) {
      ++record.early;
    } else {
      record.delays.push_back(static_cast<double>(at - onsets[i]));
    }
  }
  record.missed_between = stats::proportion_interval(record.missed, record.n_switched, 0.95);
  std::vector<double> all = record.delays;
  all.resize(all.size() + record.missed, std::numeric_limits<double>::infinity());
  std::sort(all.begin(), all.end());
  const std::size_t n = all.size();
  if (n == 0) return record;
  record.median_delay = all[n / 2];
  // The median lies between the k-th from either end unless fewer than k fall on one side.
  std::size_t k = 0;
  while (k < n / 2 && 1 - stats::binomial_tail(n, k + 1, 0.5) <= 0.025) ++k;
  if (k != 0) record.median_delay_between = {all[k - 1], all[n - k]};
  return record;
}

}  // namespace multitudes
