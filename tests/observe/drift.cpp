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

constexpr std::size_t n_personas = 5;
constexpr std::size_t length = 40;

/// Evidence whose steps resemble their neighbors, so that it promises more than it holds. Who
/// speaks (seed % n_personas, and from `onset` on the next one) gains `clarity` nats a step.
mt::evidence_trace conversation(std::uint64_t seed, std::size_t onset, double clarity = 2) {
  mt::philox random(seed);
  mt::evidence_trace trace{n_personas, {}};
  double state[n_personas] = {};
  for (std::size_t t = 0; t < length; ++t) {
    const std::size_t speaker = (seed + (t >= onset ? 1 : 0)) % n_personas;
    for (std::size_t k = 0; k < n_personas; ++k) {
      state[k] = 0.6 * state[k] + 2 * static_cast<double>(random.normal());
      trace.nats.push_back(state[k] + (k == speaker ? clarity : 0));
    }
  }
  return trace;
}

std::vector<mt::evidence_trace> undisturbed(std::size_t n, std::uint64_t seed) {
  std::vector<mt::evidence_trace> all;
  for (std::size_t i = 0; i < n; ++i) all.push_back(conversation(seed + i, length));
  return all;
}

TEST_CASE("false alarms stay within the promise over a thousand undisturbed conversations") {
  const auto monitor = *mt::drift_monitor::calibrate(undisturbed(400, 0));
  CHECK(monitor.horizon() == length);
  const std::size_t n = static_cast<std::size_t>(multitudes_test::sample_count(1000, 20000));
  const auto record = *mt::measure_drift_alarm(monitor, undisturbed(n, 100000), {}, {});
  CAPTURE(record.false_alarms);
  CHECK(record.false_alarms_between.low <= 0.05);
  CHECK(record.false_alarms > n / 200);  // not merely deaf
}

TEST_CASE("another who goes on is found, the sooner the clearer they speak") {
  const auto monitor = *mt::drift_monitor::calibrate(undisturbed(200, 0));
  double last = std::numeric_limits<double>::infinity();
  for (const double clarity : {6.0, 12.0, 24.0}) {
    std::vector<mt::evidence_trace> switched;
    for (std::uint64_t i = 0; i < 60; ++i) switched.push_back(conversation(5000 + i, 15, clarity));
    const std::vector<std::size_t> onsets(60, 15);
    const auto record = *mt::measure_drift_alarm(monitor, {}, switched, onsets);
    CHECK(record.missed + record.early + record.delays.size() == 60);
    CAPTURE(clarity);
    CAPTURE(monitor.threshold());
    CHECK(record.missed < 12);
    CHECK(record.missed_between.low <= static_cast<double>(record.missed) / 60);
    CHECK(record.early < 6);
    CHECK(record.median_delay < last);
    CHECK(record.median_delay_between.low <= record.median_delay);
    CHECK(record.median_delay_between.high >= record.median_delay);
    CHECK(record.median_delay_between.low >= 1);
    last = record.median_delay;
  }
  CHECK(last <= 1 + std::ceil(monitor.threshold() / 24));
}

TEST_CASE("the alarm stays, and names who went on after whom") {
  const auto monitor = *mt::drift_monitor::calibrate(undisturbed(100, 0));
  const auto trace = conversation(7, 20, 8);
  auto watch = monitor.begin();
  for (std::size_t i = 0; i < 35; ++i) watch.update(trace.row(i));
  REQUIRE(watch.alarmed());
  CHECK(watch.alarmed_at() > 20);
  CHECK(watch.alarmed_at() == monitor.alarm_in(trace));
  CHECK(watch.change().before() == 2);
  CHECK(watch.change().after() == 3);
  CHECK(watch.change().onset() >= 19);
  CHECK(watch.change().onset() <= 21);
  CHECK(!watch.is_over());
  const std::size_t at = watch.alarmed_at();
  for (int i = 0; i < 30; ++i) CHECK(watch.update(trace.row(0)));
  CHECK(watch.alarmed_at() == at);
  CHECK(watch.is_over());
}

TEST_CASE("steps beyond the horizon are not watched, nor is evidence that is no number") {
  const auto monitor = *mt::drift_monitor::calibrate(undisturbed(100, 0), {.horizon = 20});
  CHECK(monitor.horizon() == 20);
  CHECK(monitor.alarm_in(conversation(9, 20, 50)) == 0);
  CHECK(monitor.alarm_in(conversation(9, 10, 50)) != 0);
  auto watch = monitor.begin();
  const std::vector<double> none(n_personas, std::nan(""));
  for (int i = 0; i < 20; ++i) CHECK(!watch.update(none));
  CHECK(!watch.update({}));
}

TEST_CASE("the median of delays counts missed switches as infinite") {
  const auto monitor = *mt::drift_monitor::calibrate(undisturbed(100, 0));
  std::vector<mt::evidence_trace> mixed;
  for (std::uint64_t i = 0; i < 30; ++i) mixed.push_back(conversation(i, i < 10 ? 15 : length, 8));
  const std::vector<std::size_t> onsets(30, 15);
  const auto record = *mt::measure_drift_alarm(monitor, {}, mixed, onsets);
  CHECK(record.missed > 15);
  CHECK(std::isinf(record.median_delay));
  CHECK(std::isinf(record.median_delay_between.high));
  const auto few =
      *mt::measure_drift_alarm(monitor, {}, std::span(mixed).first(3), std::span(onsets).first(3));
  CHECK(few.median_delay_between.low == 0);  // three say nothing with such confidence
  CHECK(std::isinf(few.median_delay_between.high));
}

TEST_CASE("what cannot keep its promise is refused") {
  const auto place = [](const std::vector<mt::evidence_trace>& c, const mt::drift_options& how) {
    return mt::drift_monitor::calibrate(c, how).error().place;
  };
  auto few = undisturbed(58, 0);
  CHECK(place(few, {}) == "calibration");
  CHECK(place({}, {}) == "conversations");
  CHECK(place(few, {.horizon = length + 1}) == "conversation 0");
  few[3].nats[5] = std::nan("");
  CHECK(place(few, {}) == "conversation 3");
  few[2].n_personas = 1;
  CHECK(place(few, {}) == "conversation 2");
  few[0].n_personas = 1;
  CHECK(place(few, {}) == "personas");
  CHECK(mt::measure_drift_alarm(*mt::drift_monitor::calibrate(undisturbed(60, 0)), {},
                                undisturbed(2, 0), {})
            .error()
            .place == "onsets");
}

}  // namespace
