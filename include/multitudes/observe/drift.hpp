// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/stats/alarm_threshold.hpp>
#include <multitudes/stats/cusum.hpp>
#include <multitudes/stats/half_radius.hpp>
#include <multitudes/stats/proportion.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

/// Numbers read step by step from one conversation: projections on axes, or log-odds of personas.
struct reading_series {
  std::size_t n_axes = 0;
  std::vector<double> values;  ///< (n_steps, n_axes)

  [[nodiscard]] std::size_t size() const noexcept {
    return n_axes == 0 ? 0 : values.size() / n_axes;
  }
  [[nodiscard]] std::span<const double> row(std::size_t i) const noexcept {
    return std::span(values).subspan(i * n_axes, n_axes);
  }
};

struct drift_options {
  std::size_t start = 16;  ///< the first steps, whose mean is where the conversation began
  /// Shifts up to it, in standard deviations, are let pass. The start is known from few steps that
  /// resemble each other; an allowance below its own error lets the sums grow by that error.
  double allowance = 1;
  std::size_t horizon = 0;  ///< steps that are watched; 0: the length of the shortest calibration
  stats::alarm_promise promise = {};
};

/// Watches conversations for drift away from how they themselves began, along every axis at once.
///
/// The score of a step is its distance from the conversation's own start in standard deviations
/// of such distances; the statistic is the largest of the axes' cumulative sums. Its threshold is
/// calibrated on undisturbed conversations taken whole, so that the promised rate of false alarms
/// needs no assumption on how readings are distributed or hang together; only that these
/// conversations and later ones are drawn alike. It is the chance of ever alarming within
/// `horizon` steps, all axes taken together.
class drift_monitor {
 public:
  /// Errors:  invalid_argument if a conversation is no longer than the start, or there are too few
  ///          for the promise, or an axis never moves; shape_mismatch; non_finite.
  /// Cost:    linear in the readings.
  static expected<drift_monitor> calibrate(std::span<const reading_series> undisturbed,
                                           const drift_options& how = {}) {
    const auto refuse = [](errc code, std::string place, std::string found, std::string wanted) {
      return fail({.code = code,
                   .operation = "calibrate drift monitor",
                   .place = std::move(place),
                   .found = std::move(found),
                   .expected = std::move(wanted),
                   .remedy = {}});
    };
    if (undisturbed.empty() || how.start == 0) {
      return refuse(errc::invalid_argument, how.start == 0 ? "start" : "conversations", "none",
                    "at least one");
    }
    drift_monitor made;
    made.how_ = how;
    const std::size_t n_axes = undisturbed[0].n_axes;
    std::size_t shortest = undisturbed[0].size();
    std::vector<double> squares(n_axes, 0.0);
    double count = 0;
    for (std::size_t c = 0; c < undisturbed.size(); ++c) {
      const reading_series& series = undisturbed[c];
      const std::string place = "conversation " + std::to_string(c);
      if (series.n_axes != n_axes || n_axes == 0) {
        return refuse(errc::shape_mismatch, place, std::to_string(series.n_axes) + " axes",
                      n_axes == 0 ? "at least one" : std::to_string(n_axes));
      }
      if (series.size() <= how.start) {
        return refuse(errc::invalid_argument, place, std::to_string(series.size()) + " steps",
                      "more than " + std::to_string(how.start));
      }
      for (const double x : series.values) {
        if (!std::isfinite(x)) return refuse(errc::non_finite, place, "NaN or infinity", "numbers");
      }
      shortest = std::min(shortest, series.size());
      const std::vector<double> origin = mean_of_start(series, how.start);
      for (std::size_t i = how.start; i < series.size(); ++i) {
        for (std::size_t a = 0; a < n_axes; ++a) {
          const double gap = series.row(i)[a] - origin[a];
          squares[a] += gap * gap;
        }
        ++count;
      }
    }
    for (std::size_t a = 0; a < n_axes; ++a) {
      made.spread_.push_back(std::sqrt(squares[a] / count));
      if (!(made.spread_[a] > 0)) {
        return refuse(errc::invalid_argument, "axis " + std::to_string(a), "no movement",
                      "readings that differ");
      }
    }
    if (made.how_.horizon == 0) made.how_.horizon = shortest;
    std::vector<double> maxima;
    for (const reading_series& series : undisturbed) {
      watch w(made);
      double most = 0;
      for (std::size_t i = 0; i < series.size(); ++i) {
        w.update(series.row(i));
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
    explicit watch(const drift_monitor& by)
        : by_(&by),
          origin_(by.spread_.size(), 0.0),
          sums_(by.spread_.size(), stats::cusum(by.how_.allowance)) {}

    /// Adds a step's readings; true from the first alarm on. Readings that are missing or no
    /// numbers count as no drift. Steps beyond the horizon are not watched.
    bool update(std::span<const double> readings) noexcept {
      ++n_;
      if (n_ > by_->how_.horizon) return alarmed();
      statistic_ = 0;
      for (std::size_t a = 0; a < sums_.size(); ++a) {
        const bool known = a < readings.size() && std::isfinite(readings[a]);
        if (n_ <= by_->how_.start) {
          if (known) origin_[a] += readings[a] / static_cast<double>(by_->how_.start);
          continue;
        }
        const double score = known ? (readings[a] - origin_[a]) / by_->spread_[a] : 0;
        const double sum = sums_[a].update(score);
        if (sum > statistic_) {
          statistic_ = sum;
          furthest_ = a;
        }
      }
      if (alarm_ == 0 && statistic_ > by_->threshold_) alarm_ = n_;
      return alarmed();
    }

    [[nodiscard]] double statistic() const noexcept { return statistic_; }
    [[nodiscard]] bool alarmed() const noexcept { return alarm_ != 0; }
    /// After how many steps it first alarmed; 0: not so far.
    [[nodiscard]] std::size_t alarmed_at() const noexcept { return alarm_; }
    /// The axis that has drifted most.
    [[nodiscard]] std::size_t furthest() const noexcept { return furthest_; }
    [[nodiscard]] bool is_over() const noexcept { return n_ >= by_->how_.horizon; }

   private:
    const drift_monitor* by_;
    std::vector<double> origin_;      // (n_axes)
    std::vector<stats::cusum> sums_;  // (n_axes)
    std::size_t n_ = 0;
    std::size_t alarm_ = 0;
    std::size_t furthest_ = 0;
    double statistic_ = 0;
  };

  [[nodiscard]] watch begin() const { return watch(*this); }
  /// Runs a whole conversation through a watch; after how many steps it alarmed, or 0.
  [[nodiscard]] std::size_t alarm_in(const reading_series& series) const {
    watch w(*this);
    for (std::size_t i = 0; i < series.size(); ++i) w.update(series.row(i));
    return w.alarmed_at();
  }
  [[nodiscard]] double threshold() const noexcept { return threshold_; }
  [[nodiscard]] std::size_t horizon() const noexcept { return how_.horizon; }
  [[nodiscard]] const stats::alarm_promise& promise() const noexcept { return how_.promise; }
  /// Of each axis: the spread of distances from the start.
  [[nodiscard]] std::span<const double> spread() const noexcept { return spread_; }

 private:
  drift_monitor() = default;

  static std::vector<double> mean_of_start(const reading_series& series, std::size_t start) {
    std::vector<double> mean(series.n_axes, 0.0);
    for (std::size_t i = 0; i < start; ++i) {
      for (std::size_t a = 0; a < series.n_axes; ++a) {
        mean[a] += series.row(i)[a] / static_cast<double>(start);
      }
    }
    return mean;
  }

  drift_options how_;
  std::vector<double> spread_;  // (n_axes)
  double threshold_ = std::numeric_limits<double>::infinity();
};

/// How an alarm did on conversations that it was not calibrated on.
struct drift_record {
  std::size_t n_undisturbed = 0;
  std::size_t false_alarms = 0;
  stats::interval false_alarms_between{0, 1};  ///< of the rate, 95%
  std::size_t n_switched = 0;
  std::size_t missed = 0;           ///< no alarm after the switch
  std::size_t early = 0;            ///< alarms before it, which are false ones
  std::vector<double> delays = {};  ///< steps from switch to alarm, of those that were neither
  double median_delay = std::numeric_limits<double>::infinity();  ///< a missed one is infinite
};

/// Shapes:  onsets (switched): after how many steps each conversation was switched.
/// Errors:  shape_mismatch for another number of onsets.
inline expected<drift_record> measure_drift_alarm(const drift_monitor& monitor,
                                                  std::span<const reading_series> undisturbed,
                                                  std::span<const reading_series> switched,
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
  for (const reading_series& series : undisturbed) {
    if (monitor.alarm_in(series) != 0) ++record.false_alarms;
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
  std::vector<double> all = record.delays;
  all.resize(all.size() + record.missed, std::numeric_limits<double>::infinity());
  if (!all.empty()) record.median_delay = stats::detail::order_quantile(std::move(all), 0.5);
  return record;
}

}  // namespace multitudes
