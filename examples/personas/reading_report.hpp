// SPDX-License-Identifier: MIT
#pragma once

#include "gallery.hpp"
#include "voices.hpp"

#include <multitudes/observe/drift.hpp>
#include <multitudes/observe/label_evidence.hpp>
#include <multitudes/report/html.hpp>
#include <multitudes/report/line_chart.hpp>
#include <multitudes/stats/reliability.hpp>

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace personas {

/// A way to read who wrote a text, and what it said of held-out texts.
struct reading_method {
  std::string name;
  stats::forecast_set forecasts;
};

/// How well the authors of held-out texts are read, in three ways, and whether the probabilities
/// mean what they say; and an alarm for the moment at which somebody else goes on.
class reading_report {
 public:
  reading_report(const writer& w, const voices& v, const state_reader& reader, std::size_t stretch)
      : writer_(w), voices_(v), reader_(reader), stretch_(stretch) {}

  /// Adds tables and pictures; returns the temperature of a single state's posterior.
  double add_posterior(report::html_page& page) const {
    const std::size_t n = voices_.size() - 1;  // the assistant has no held-out work
    const multitude prior = even_authors(n);
    reading_method methods[] = {
        {"the last state", {}}, {"all states, summed", {}}, {"likelihood under labels", {}}};
    auto b = or_exit(batch::make(writer_.lm, {.n_sequences = 20, .context = 512}));
    std::vector<std::vector<token_id>> names;
    for (std::size_t a = 0; a < n; ++a) {
      names.push_back(writer_.lm.tokenizer->encode("Author: " + voices_.labels[a] + "\n\n"));
    }
    std::size_t group = 0;
    for (std::size_t a = 0; a < n; ++a) {
      for (const auto& text : voices_.held_out[a].texts) {
        ++group;
        // Thirds of a text are items of one group.
        const std::size_t part = (text.size() - 1) / 3;
        for (std::size_t p = 0; p < 3; ++p) {
          const auto own = std::span(text).subspan(1 + p * part, part);
          std::vector<token_id> whole(text.begin(), text.begin() + 1);
          whole.insert(whole.end(), own.begin(), own.end());
          const auto states =
              or_exit(read_states(b, writer_.workers, whole, reader_.layer(), stretch_));
          for (const accumulation how : {accumulation::latest, accumulation::summed}) {
            const auto seen = evidence_over(reader_, states, how);
            // Without the assistant, who comes last.
            add_forecast(methods[how == accumulation::latest ? 0 : 1].forecasts, prior,
                         seen.row(seen.size() - 1).first(n), a, group);
          }
          const auto told = or_exit(label_evidence(b, writer_.workers, names, own));
          add_forecast(methods[2].forecasts, prior, told.row(told.size() - 1), a, group);
        }
      }
    }
    page.heading("Who wrote this? Held-out texts of known authors");
    page.paragraph(
        "Each item is a third of a held-out passage. A temperature is fitted on the "
        "passages of one half and judged on the other. ‘Error if calibrated’ is the "
        "calibration error that true probabilities would show with so few items.");
    report::table t({{"read from"},
                     {"items", report::alignment::right},
                     {"right", report::alignment::right},
                     {"temperature", report::alignment::right},
                     {"log score, nats", report::alignment::right},
                     {"calibration error", report::alignment::right},
                     {"at temperature 1", report::alignment::right},
                     {"error if calibrated", report::alignment::right}});
    report::line_chart chart{.title = "Reliability: is a probability a share?",
                             .x_label = "probability given to the likeliest author",
                             .y_label = "share of these that were right"};
    double temperature_of_a_state = 1;
    for (const reading_method& m : methods) {
      philox random(21);
      const auto [fitted, judged] = or_exit(stats::split_by_groups(m.forecasts, 0.5, random));
      const auto temperature = or_exit(stats::fit_temperature(fitted)).temperature;
      if (&m == methods) temperature_of_a_state = temperature;
      const auto r =
          or_exit(stats::judge(judged, {.n_bins = 8, .temperature = temperature}, random));
      const auto raw = or_exit(stats::judge(judged, {.n_bins = 8}, random));
      t.add_row({m.name, std::to_string(judged.size()), percent(r.accuracy, r.accuracy_between),
                 report::fixed(temperature, 2), report::fixed(r.log_score, 2),
                 percent(r.calibration_error, r.calibration_error_between),
                 percent(raw.calibration_error, raw.calibration_error_between),
                 report::fixed(100 * r.error_if_calibrated, 0) + " %"});
      report::series line{.label = m.name};
      line.low.emplace();
      line.high.emplace();
      for (const auto& bin : r.bins) {
        line.x.push_back(bin.confidence);
        line.y.push_back(bin.share_right);
        line.low->push_back(bin.right_between.low);
        line.high->push_back(bin.right_between.high);
      }
      chart.lines.push_back(std::move(line));
    }
    chart.lines.push_back(
        {.label = "calibrated", .x = {0, 1}, .y = {0, 1}, .style = report::line_style::dashed});
    page.add(t);
    page.figure(report::to_svg(chart),
                "Eight bins of equally many items; bands: 95 %, bootstrap "
                "over passages.");
    return temperature_of_a_state;
  }

  /// The alarm: calibrated on conversations of one persona, tried on as many others, and on
  /// conversations in which another persona takes over.
  void add_drift(report::html_page& page, const gallery& personas_of_authors) const {
    const std::size_t n_authors = voices_.size() - 1;
    const auto plan_of = [&](std::size_t a) {
      return or_exit(steering::compile(personas_of_authors.at(file_name(voices_.labels[a])),
                                       steering::in_raw_units(1)));
    };
    std::vector<request> steady, switched;
    for (std::size_t i = 0; i < 2 * n_conversations; ++i) {
      steady.push_back({plan_of(i % n_authors), std::string(openings[i % openings.size()])});
    }
    for (std::size_t i = 0; i < n_switched; ++i) {
      const std::size_t other = (i + 1 + i / n_authors % (n_authors - 1)) % n_authors;
      switched.push_back({plan_of(i % n_authors), std::string(openings[i % openings.size()]),
                          second_plan{plan_of(other), switched_at, false}});
    }
    const auto calm = series_of(steady, 31);
    const auto moved = series_of(switched, 32);
    const auto half = static_cast<std::ptrdiff_t>(calm.size() / 2);
    const std::vector<reading_series> known(calm.begin(), calm.begin() + half);
    const std::vector<reading_series> fresh(calm.begin() + half, calm.end());
    const auto monitor =
        or_exit(drift_monitor::calibrate(known, {.start = n_start, .allowance = 0.25}));
    const std::vector<std::size_t> onsets(moved.size(), switched_at / stretch_);
    const auto record = or_exit(measure_drift_alarm(monitor, fresh, moved, onsets));
    page.heading("An alarm for drift");
    page.paragraph(
        "Conversations of " + std::to_string(n_tokens) +
        " tokens, written under one author's "
        "persona, read without steering in steps of " +
        std::to_string(stretch_) + " tokens. The alarm is calibrated on " +
        std::to_string(known.size()) +
        " of them to go off in at most 5 %, and tried on others; in switched ones, another "
        "author's persona goes on from token " +
        std::to_string(switched_at) + ". The start is the first " + std::to_string(n_start) +
        " steps.");
    report::table t({{"undisturbed", report::alignment::right},
                     {"false alarms", report::alignment::right},
                     {"promised", report::alignment::right},
                     {"switched", report::alignment::right},
                     {"missed", report::alignment::right},
                     {"alarm before the switch", report::alignment::right},
                     {"median delay, tokens", report::alignment::right}});
    t.add_row({std::to_string(record.n_undisturbed),
               percent(static_cast<double>(record.false_alarms) /
                           static_cast<double>(record.n_undisturbed),
                       record.false_alarms_between),
               "at most 5 %", std::to_string(record.n_switched), std::to_string(record.missed),
               std::to_string(record.early),
               std::isfinite(record.median_delay)
                   ? report::fixed(record.median_delay * static_cast<double>(stretch_), 0)
                   : "more than half are missed"});
    page.add(t);
  }

 private:
  static constexpr std::size_t n_conversations = 1000;
  static constexpr std::size_t n_switched = 272;
  static constexpr std::size_t n_tokens = 240;
  static constexpr std::size_t switched_at = 96;
  static constexpr std::size_t n_start = 3;

  [[nodiscard]] multitude even_authors(std::size_t n) const {
    std::vector<multitude_member> members;
    for (std::size_t a = 0; a < n; ++a) members.push_back({voices_.labels[a], 1.0, {}});
    return or_exit(multitude::make(std::move(members)));
  }
  /// How much likelier each step of a text is after the label of the author it began as than
  /// without a label, in nats: what stays in character gains.
  [[nodiscard]] std::vector<reading_series> series_of(const std::vector<request>& requests,
                                                      std::uint64_t seed) const {
    const auto texts = write_samples(writer_.lm, writer_.workers, requests, n_tokens,
                                     {.temperature = 0.8f, .seed = seed});
    const auto& tokenizer = *writer_.lm.tokenizer;
    auto b = or_exit(batch::make(writer_.lm, {.n_sequences = 2, .context = 1024}));
    std::vector<reading_series> all;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::size_t author = i % (voices_.size() - 1);
      const std::vector<token_id> labels[] = {
          tokenizer.encode("Author: " + voices_.labels[author] + "\n\n"), tokenizer.encode("")};
      const auto tokens = tokenizer.encode(texts[i], {.start_token = false, .continues = true});
      const auto told = or_exit(label_evidence(b, writer_.workers, labels, tokens));
      reading_series s{1, {}};
      double before = 0;
      // Texts of as many tokens differ a little when they are cut into tokens again.
      for (std::size_t end = stretch_; end <= std::min(told.size(), n_tokens); end += stretch_) {
        const double now = told.row(end - 1)[0] - told.row(end - 1)[1];
        s.values.push_back(now - before);
        before = now;
      }
      if (s.size() > n_start) all.push_back(std::move(s));
    }
    return all;
  }

  const writer& writer_;
  const voices& voices_;
  const state_reader& reader_;
  std::size_t stretch_;
};

}  // namespace personas
