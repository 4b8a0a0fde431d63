// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/core/philox.hpp>
#include <multitudes/observe/drift.hpp>
#include <tests/support/long_run.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

namespace mt = multitudes;

/// Readings that resemble their neighbors, from a start of their own; from `onset` on, the second
/// axis is shifted.
mt::reading_series conversation(std::uint64_t seed, std::size_t length, std::size_t onset,
                                double shift = 0) {
  mt::philox random(seed);
  mt::reading_series series{2, {}};
  double state[2] = {};
  const double origin[2] = {5 * static_cast<double>(random.normal()),
                            static_cast<double>(random.normal())};
  for (std::size_t t = 0; t < length; ++t) {
    for (std::size_t a = 0; a < 2; ++a) {
      state[a] = 0.5 * state[a] + 0.87 * static_cast<double>(random.normal());
      const double moved = a == 1 && t >= onset ? shift : 0;
      series.values.push_back(origin[a] + (a == 0 ? 1 : 3) * (state[a] + moved));
    }
  }
  return series;
}

std::vector<mt::reading_series> undisturbed(std::size_t n, std::uint64_t seed) {
  std::vector<mt::reading_series> all;
  for (std::size_t i = 0; i < n; ++i) all.push_back(conversation(seed + i, 120, 120));
  return all;
}

TEST_CASE("false alarms stay within the promise over a thousand undisturbed conversations") {
  const auto calibration = undisturbed(400, 0);
  const auto monitor = *mt::drift_monitor::calibrate(calibration);
  CHECK(monitor.horizon() == 120);
  const std::size_t n = static_cast<std::size_t>(multitudes_test::sample_count(1000, 20000));
  const auto fresh = undisturbed(n, 100000);
  const auto record = *mt::measure_drift_alarm(monitor, fresh, {}, {});
  CAPTURE(record.false_alarms);
  CHECK(record.false_alarms_between.low <= 0.05);
  CHECK(record.false_alarms > n / 200);  // not merely deaf
}

TEST_CASE("a switch is found within a delay that falls as the shift grows") {
  const auto monitor = *mt::drift_monitor::calibrate(undisturbed(200, 0));
  double last = std::numeric_limits<double>::infinity();
  for (const double shift : {2.0, 4.0, 8.0}) {
    std::vector<mt::reading_series> switched;
    std::vector<std::size_t> onsets;
    for (std::uint64_t i = 0; i < 60; ++i) {
      onsets.push_back(40);
      switched.push_back(conversation(5000 + i, 120, 40, shift));
    }
    const auto record = *mt::measure_drift_alarm(monitor, {}, switched, onsets);
    CHECK(record.missed + record.early + record.delays.size() == 60);
    CAPTURE(monitor.threshold());
    CAPTURE(record.median_delay);
    CAPTURE(monitor.spread()[1]);
    CAPTURE(record.early);
    CHECK(record.missed < 6);
    CHECK(record.early < 6);
    CHECK(record.median_delay < last);
    CHECK(record.median_delay >= 1);
    last = record.median_delay;
  }
  // The threshold over what each step adds, shift less allowance (in units of the spread).
  CHECK(last < 2 + monitor.threshold() / (8 * 3 / monitor.spread()[1] - 1));
}

TEST_CASE("the axis that drifted is named, and the alarm stays") {
  const auto monitor = *mt::drift_monitor::calibrate(undisturbed(100, 0));
  const auto series = conversation(7, 120, 30, 6);
  auto watch = monitor.begin();
  for (std::size_t i = 0; i < 60; ++i) watch.update(series.row(i));
  REQUIRE(watch.alarmed());
  CHECK(watch.furthest() == 1);
  CHECK(watch.alarmed_at() > 30);
  CHECK(watch.alarmed_at() == monitor.alarm_in(series));
  CHECK(!watch.is_over());
  const std::vector<double> home{series.row(0)[0], series.row(0)[1]};
  for (int i = 0; i < 300; ++i) watch.update(home);
  CHECK(watch.alarmed());
  CHECK(watch.is_over());
}

TEST_CASE("where a conversation starts does not matter, only how it moves") {
  const auto monitor = *mt::drift_monitor::calibrate(undisturbed(100, 0));
  auto series = conversation(8, 120, 60, 5);
  const std::size_t at = monitor.alarm_in(series);
  for (double& x : series.values) x += 1024;
  CHECK(monitor.alarm_in(series) == at);
}

TEST_CASE("steps beyond the horizon are not watched, nor are readings that are no numbers") {
  const auto monitor = *mt::drift_monitor::calibrate(undisturbed(100, 0), {.horizon = 50});
  CHECK(monitor.horizon() == 50);
  CHECK(monitor.alarm_in(conversation(9, 120, 51, 20)) == 0);
  auto watch = monitor.begin();
  const std::vector<double> none{std::nan(""), std::numeric_limits<double>::infinity()};
  for (int i = 0; i < 50; ++i) CHECK(!watch.update(none));
  CHECK(!watch.update({}));
}

TEST_CASE("what cannot keep its promise is refused") {
  const auto place = [](const std::vector<mt::reading_series>& c, const mt::drift_options& how) {
    return mt::drift_monitor::calibrate(c, how).error().place;
  };
  auto few = undisturbed(58, 0);
  CHECK(place(few, {}) == "calibration");
  CHECK(place({}, {}) == "conversations");
  CHECK(place(few, {.start = 0}) == "start");
  CHECK(place(few, {.start = 120}) == "conversation 0");
  few[3].values[5] = std::nan("");
  CHECK(place(few, {}) == "conversation 3");
  few[2].n_axes = 1;
  CHECK(place(few, {}) == "conversation 2");
  std::vector<mt::reading_series> still(60, {1, std::vector<double>(20, 4.0)});
  CHECK(place(still, {}) == "axis 0");
  CHECK(mt::measure_drift_alarm(*mt::drift_monitor::calibrate(undisturbed(60, 0)), {},
                                undisturbed(2, 0), {})
            .error()
            .place == "onsets");
}

}  // namespace
