// SPDX-License-Identifier: MIT
#pragma once

#include "voices.hpp"

#include <multitudes/observe/label_evidence.hpp>
#include <multitudes/report/html.hpp>
#include <multitudes/report/line_chart.hpp>
#include <multitudes/stats/reliability.hpp>

#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace personas {

/// A way to read who wrote a text, and what it said of held-out texts.
struct reading_method {
  std::string name;
  stats::forecast_set forecasts{};
};

/// Whether probabilities of who wrote a text mean what they say.
struct judged_methods {
  report::table table;
  report::line_chart chart;
  double temperature_of_the_first = 1;
};

/// Fits each method's temperature on the passages of one half and judges it on the other.
inline judged_methods judge_methods(const std::vector<reading_method>& methods) {
  judged_methods result{.table = report::table({{"read from"},
                                                {"items", report::alignment::right},
                                                {"right", report::alignment::right},
                                                {"temperature", report::alignment::right},
                                                {"log score, nats", report::alignment::right},
                                                {"calibration error", report::alignment::right},
                                                {"at temperature 1", report::alignment::right},
                                                {"error if calibrated", report::alignment::right}}),
                        .chart = {.title = "Reliability: is a probability a share?",
                                  .x_label = "probability given to the likeliest author",
                                  .y_label = "share of these that were right"}};
  for (const reading_method& m : methods) {
    philox random(21);
    const auto [fitted, judged] = or_exit(stats::split_by_groups(m.forecasts, 0.5, random));
    const auto temperature = or_exit(stats::fit_temperature(fitted)).temperature;
    if (&m == methods.data()) result.temperature_of_the_first = temperature;
    const auto r = or_exit(stats::judge(judged, {.n_bins = 8, .temperature = temperature}, random));
    const auto raw = or_exit(stats::judge(judged, {.n_bins = 8}, random));
    result.table.add_row({m.name, std::to_string(judged.size()),
                          percent(r.accuracy, r.accuracy_between), report::fixed(temperature, 2),
                          report::fixed(r.log_score, 2),
                          percent(r.calibration_error, r.calibration_error_between),
                          percent(raw.calibration_error, raw.calibration_error_between),
                          report::fixed(100 * r.error_if_calibrated, 1) + " %"});
    report::series line{.label = m.name};
    line.low.emplace();
    line.high.emplace();
    for (const auto& bin : r.bins) {
      line.x.push_back(bin.confidence);
      line.y.push_back(bin.share_right);
      line.low->push_back(bin.right_between.low);
      line.high->push_back(bin.right_between.high);
    }
    result.chart.lines.push_back(std::move(line));
  }
  result.chart.lines.push_back(
      {.label = "calibrated", .x = {0, 1}, .y = {0, 1}, .style = report::line_style::dashed});
  return result;
}

/// How well the authors of held-out texts are read, in several ways, and whether the probabilities
/// mean what they say. Returns the temperature of a single state's posterior, as `reader` reads it
/// within a text.
inline double report_reading(report::html_page& page, const writer& w, const voices& v,
                             const state_reader& reader, std::size_t stretch) {
  const std::size_t n = v.size() - 1;  // the assistant has no held-out work
  constexpr std::size_t n_parts = 3;   // of a text; its parts are items of one group
  const std::size_t part = (v.judged[0][0].size() - 1) / n_parts;
  const layer_index middle(w.lm.shape().n_layers / 2);
  const reading_way running{reader.layer(), stretch};
  const reading_way alone{middle, stretch, true, 16};
  const reading_way whole{middle, part, true, 16};
  const state_reader of_stretches = learn_reader(w.lm, w.workers, v, alone);
  const state_reader of_wholes = learn_reader(w.lm, w.workers, v, whole);
  const std::string tokens = std::to_string(stretch) + " tokens";
  std::vector<reading_method> methods{{"a state of " + tokens + " within the text"},
                                      {"all such states, summed"},
                                      {"a state of " + tokens + " read alone"},
                                      {"the mean state of the whole passage"},
                                      {"likelihood under labels"}};
  std::vector<multitude_member> members;
  std::vector<std::vector<token_id>> names;
  for (std::size_t a = 0; a < n; ++a) {
    members.push_back({v.labels[a], 1.0, {}});
    names.push_back(w.lm.tokenizer->encode("Author: " + v.labels[a] + "\n\n"));
  }
  const multitude prior = or_exit(multitude::make(std::move(members)));
  auto b = or_exit(batch::make(w.lm, {.n_sequences = 20, .context = 256}));
  std::size_t group = 0;
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t i = 0; i < v.judged[a].size(); ++i) {
      const auto& text = v.judged[a][i];
      ++group;
      for (std::size_t p = 0; p < n_parts; ++p) {
        const auto own = std::span(text).subspan(1 + p * part, part);
        std::vector<token_id> passage(text.begin(), text.begin() + 1);
        passage.insert(passage.end(), own.begin(), own.end());
        const auto add = [&](std::size_t method, const state_reader& by, const reading_way& how,
                             accumulation over) {
          const auto seen = evidence_over(by, states_of(b, w.workers, passage, how), over);
          // Without the assistant, who comes last.
          add_forecast(methods[method].forecasts, prior, seen.row(seen.size() - 1).first(n), a,
                       group);
        };
        add(0, reader, running, accumulation::latest);
        add(1, reader, running, accumulation::summed);
        add(2, of_stretches, alone, accumulation::latest);
        add(3, of_wholes, whole, accumulation::latest);
        if (i >= v.held_out[a].texts.size()) continue;  // as many passes as there are labels
        const auto told = or_exit(label_evidence(b, w.workers, names, own));
        add_forecast(methods[4].forecasts, prior, told.row(told.size() - 1), a, group);
      }
    }
  }
  const judged_methods judged = judge_methods(methods);
  page.heading("Who wrote this? Held-out texts of known authors");
  page.paragraph("Each item is a passage of " + std::to_string(part) +
                 " tokens, a third of a held-out text. A temperature is fitted on the texts of one "
                 "half and judged on the other. ‘Error if calibrated’ is the calibration error "
                 "that true probabilities would show with so few items.");
  page.add(judged.table);
  page.figure(report::to_svg(judged.chart),
              "Eight bins of equally many items; bands: 95 %, bootstrap over texts.");
  std::printf("%s\n", judged.table.to_markdown().c_str());
  return judged.temperature_of_the_first;
}

}  // namespace personas
