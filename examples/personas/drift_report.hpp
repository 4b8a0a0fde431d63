// SPDX-License-Identifier: MIT
#pragma once

#include "gallery.hpp"
#include "voices.hpp"

#include <multitudes/observe/drift.hpp>
#include <multitudes/report/html.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace personas {

/// How the drift alarm is tried.
struct drift_trial {
  std::size_t n_calibration = 1000;  ///< conversations
  std::size_t n_undisturbed = 1000;  ///< others, to count false alarms in
  std::size_t n_switched = 272;      ///< of each kind of switch
  std::size_t n_tokens = 240;
  std::size_t switched_at = 96;
  std::size_t stretch = 16;  ///< tokens of a step; the switch falls between two
};

namespace detail {

/// What every stretch of each text, read alone, says of who wrote it.
inline std::vector<evidence_trace> traces_of(const writer& w, const state_reader& reader,
                                             const std::vector<std::vector<token_id>>& texts,
                                             std::size_t stretch) {
  const auto start = w.lm.tokenizer->encode("");
  auto b = or_exit(batch::make(w.lm, {.n_sequences = 16, .context = 64}));
  std::vector<evidence_trace> traces;
  for (const auto& text : texts) {
    std::vector<token_id> whole(start);
    whole.insert(whole.end(), text.begin(), text.end());
    const auto states =
        or_exit(read_stretches(b, w.workers, whole, reader.layer(), stretch, start.size()));
    traces.push_back(evidence_over(reader, states, accumulation::latest));
  }
  return traces;
}

/// Whether who wrote the steps up to `onset` is also who most likely wrote the rest.
inline bool reads_as_before(const evidence_trace& trace, std::size_t onset) {
  const auto best = [&](std::size_t first, std::size_t last) {
    std::vector<double> sums(trace.n_personas, 0.0);
    for (std::size_t i = first; i < last; ++i) {
      for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += trace.row(i)[k];
    }
    return std::max_element(sums.begin(), sums.end()) - sums.begin();
  };
  return best(0, onset) == best(onset, trace.size());
}

/// What is a number of tokens, or none.
inline std::string tokens_of(double steps, std::size_t stretch) {
  return std::isfinite(steps) ? report::fixed(steps * static_cast<double>(stretch), 0) : "∞";
}

}  // namespace detail

/// The alarm: calibrated on conversations of one persona, tried on others, and on conversations in
/// which another persona takes over, in two ways. The text may go on with what the other wrote on
/// their own; or only the plan is swapped and the memory kept, which may go on as before.
inline void report_drift(report::html_page& page, const writer& w, const voices& v,
                         const gallery& personas_of_authors, const drift_trial& how) {
  const layer_index middle(w.lm.shape().n_layers / 2);
  const state_reader reader = learn_reader(w.lm, w.workers, v, {middle, how.stretch, true, 16});
  const std::size_t n_authors = v.size() - 1;
  const auto plan_of = [&](std::size_t i) {
    return or_exit(steering::compile(personas_of_authors.at(file_name(v.labels[i % n_authors])),
                                     steering::in_raw_units(1)));
  };
  const auto other_than = [&](std::size_t i) { return i + 1 + i / n_authors % (n_authors - 1); };
  const auto opening = [](std::size_t i) { return std::string(openings[i % openings.size()]); };
  const auto sample = [&](std::size_t n, std::uint64_t seed, auto request_of) {
    std::vector<request> requests;
    for (std::size_t i = 0; i < n; ++i) requests.push_back(request_of(i));
    return sample_tokens(w.lm, w.workers, requests, how.n_tokens,
                         {.temperature = 0.8f, .seed = seed});
  };
  const auto own = [&](std::size_t i) { return request{plan_of(i), opening(i)}; };
  const auto read = [&](const std::vector<std::vector<token_id>>& texts) {
    return detail::traces_of(w, reader, texts, how.stretch);
  };
  const auto monitor = or_exit(drift_monitor::calibrate(read(sample(how.n_calibration, 31, own))));
  const auto calm = read(sample(how.n_undisturbed, 32, own));
  const auto swapped = sample(how.n_switched, 33, [&](std::size_t i) {
    return request{plan_of(i), opening(i),
                   second_plan{plan_of(other_than(i)), how.switched_at, false}};
  });
  auto spliced = sample(how.n_switched, 34, own);
  const auto others = sample(how.n_switched, 35, [&](std::size_t i) {
    return request{plan_of(other_than(i)), opening(i)};
  });
  for (std::size_t i = 0; i < spliced.size(); ++i) {
    const auto at = static_cast<std::ptrdiff_t>(how.switched_at);
    std::copy(others[i].begin(), others[i].end() - at, spliced[i].begin() + at);
  }
  const std::vector<std::size_t> onsets(how.n_switched, how.switched_at / how.stretch);
  page.heading("An alarm for drift");
  page.paragraph(
      "Conversations of " + std::to_string(how.n_tokens) +
      " tokens under one author's persona, read in steps of " + std::to_string(how.stretch) +
      " tokens, each alone and without steering. The alarm is calibrated on " +
      std::to_string(how.n_calibration) + " of them to go off in at most 5 %, and tried on " +
      std::to_string(how.n_undisturbed) + " others. From token " + std::to_string(how.switched_at) +
      " on, switched ones go on with what another author's persona wrote on its own, or under "
      "another's plan with the first one's memory kept: then the model itself often goes on as "
      "before. ‘Read as before’: all that follows the switch still reads most like who began. "
      "Intervals: 95 %, exact.");
  report::table t({{"switch"},
                   {"switched", report::alignment::right},
                   {"missed", report::alignment::right},
                   {"of these read as before", report::alignment::right},
                   {"alarm before the switch", report::alignment::right},
                   {"median delay, tokens", report::alignment::right}});
  drift_record record;
  for (const bool memory_kept : {false, true}) {
    const auto moved = read(memory_kept ? swapped : spliced);
    record = or_exit(measure_drift_alarm(monitor, calm, moved, onsets));
    const auto& between = record.median_delay_between;
    std::size_t as_before = 0;
    for (std::size_t i = 0; i < moved.size(); ++i) {
      if (monitor.alarm_in(moved[i]) == 0 && detail::reads_as_before(moved[i], onsets[i])) {
        ++as_before;
      }
    }
    t.add_row({memory_kept ? "plan swapped, memory kept" : "another's text goes on",
               std::to_string(record.n_switched),
               percent(static_cast<double>(record.missed) / static_cast<double>(record.n_switched),
                       record.missed_between),
               std::to_string(as_before), std::to_string(record.early),
               detail::tokens_of(record.median_delay, how.stretch) + " [" +
                   detail::tokens_of(between.low, how.stretch) + ", " +
                   detail::tokens_of(between.high, how.stretch) + "]"});
  }
  const std::string alarms =
      "False alarms: " +
      percent(static_cast<double>(record.false_alarms) / static_cast<double>(record.n_undisturbed),
              record.false_alarms_between) +
      " of " + std::to_string(record.n_undisturbed) +
      " undisturbed conversations, of at most 5 % promised (threshold " +
      report::fixed(monitor.threshold(), 1) + " nats).";
  page.paragraph(alarms);
  page.add(t);
  std::printf("%s\n%s\n", alarms.c_str(), t.to_markdown().c_str());
}

}  // namespace personas
