// SPDX-License-Identifier: MIT
#pragma once

#include "trait.hpp"

#include <multitudes/observe/strength_curve.hpp>
#include <multitudes/observe/weight_scale.hpp>
#include <multitudes/persona/random_control.hpp>
#include <multitudes/report/line_chart.hpp>
#include <multitudes/report/table.hpp>
#include <multitudes/stats/effect_size.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace personas {

/// How much of a trait steering, demonstrations and a prompt bring about, on one scale of nats;
/// and whether the scale predicts what it was not fitted on.
class weight_report {
 public:
  explicit weight_report(const writer& w) : writer_(w) {}

  /// Measures a trait: everything for it, before any table is asked for.
  void add(const trait& t) {
    result r{.label = t.label};
    const auto rest = log_odds(writer_, t, {});
    const auto shifts = [&](const condition& c) {
      auto items = log_odds(writer_, t, c);
      for (std::size_t i = 0; i < items.size(); ++i) items[i] -= rest[i];
      return items;
    };
    r.prompt = effect_of(shifts({.prompt = t.prompt}));
    for (std::size_t k = 0; k < n_controls; ++k) {
      const auto other = or_exit(random_control(t.who.direction(), 900 + k));
      r.control.push_back(effect_of(shifts({.under = plan_of(other, 1)})).size);
    }
    std::vector<double> n, s;
    std::vector<std::vector<double>> points;
    for (std::size_t demos = 0; demos <= 3; ++demos) {
      for (const double strength : strengths) {
        n.push_back(static_cast<double>(demos));
        s.push_back(strength);
        points.push_back(
            log_odds(writer_, t, {demos, plan_of(t.who, static_cast<float>(strength)), {}}));
      }
    }
    std::vector<weight_observation> means;
    for (std::size_t p = 0; p < points.size(); ++p) {
      means.push_back({n[p], s[p], *stats::mean(points[p])});
    }
    r.scale.push_back(or_exit(weight_scale::fit(means)));
    const std::vector<std::vector<double>> at_rest(points.begin(),
                                                   points.begin() + strengths.size());
    auto own = at_rest.back();
    for (std::size_t i = 0; i < own.size(); ++i) own[i] -= rest[i];
    r.persona = effect_of(own);
    predict(t, at_rest, r);
    results_.push_back(std::move(r));
  }

  /// Effects and the additive law, as Markdown.
  [[nodiscard]] std::string law_table() const {
    report::table t({{"trait"},
                     {"persona, d", report::alignment::right},
                     {"random, d", report::alignment::right},
                     {"prompt, d", report::alignment::right},
                     {"at rest, nats", report::alignment::right},
                     {"demonstration, nats", report::alignment::right},
                     {"strength 1, nats", report::alignment::right},
                     {"R²", report::alignment::right},
                     {"strength 1 in demonstrations", report::alignment::right}});
    std::vector<double> r_squared;
    std::size_t above = 0;
    std::size_t beats_prompt = 0;
    for (const result& r : results_) {
      const weight_scale& law = r.scale.front();
      r_squared.push_back(law.r_squared());
      if (r.persona.size > *std::max_element(r.control.begin(), r.control.end())) ++above;
      if (r.persona.size > r.prompt.size) ++beats_prompt;
      t.add_row({r.label, written(r.persona),
                 report::fixed(*stats::mean(r.control), 2) + " (" +
                     report::fixed(*std::max_element(r.control.begin(), r.control.end()), 2) + ")",
                 written(r.prompt), report::fixed(law.at_rest(), 1),
                 report::fixed(law.nats_per_demonstration(), 1),
                 report::fixed(law.nats_per_strength(), 1), report::fixed(law.r_squared(), 2),
                 report::fixed(law.demonstrations_for_strength(1), 1)});
    }
    return t.to_markdown() + "\nThe persona's effect is above the largest of its " +
           std::to_string(n_controls) + " controls for " + std::to_string(above) + " of " +
           std::to_string(results_.size()) + " traits, and above the prompt's for " +
           std::to_string(beats_prompt) + ". R²: median " +
           report::fixed(*stats::quantile(r_squared, 0.5), 2) + ", least " +
           report::fixed(*std::min_element(r_squared.begin(), r_squared.end()), 2) + ".\n";
  }

  /// What was predicted and what was measured, as Markdown.
  [[nodiscard]] std::string prediction_table() const {
    report::table t({{"asked for, nats", report::alignment::right},
                     {"traits", report::alignment::right},
                     {"measured, nats, mean", report::alignment::right},
                     {"mean absolute error", report::alignment::right},
                     {"inside its interval", report::alignment::right}});
    std::size_t inside = 0;
    std::size_t all = 0;
    for (const double nats : asked) {
      std::vector<double> measured, errors;
      std::size_t hits = 0;
      for (const result& r : results_) {
        for (const prediction& p : r.predictions) {
          if (p.nats != nats) continue;
          measured.push_back(p.measured);
          errors.push_back(std::fabs(p.measured - nats));
          if (p.is_inside()) ++hits;
        }
      }
      if (measured.empty()) continue;
      inside += hits;
      all += measured.size();
      t.add_row({report::fixed(nats, 1), std::to_string(measured.size()),
                 report::fixed(*stats::mean(measured), 2), report::fixed(*stats::mean(errors), 2),
                 std::to_string(hits) + " of " + std::to_string(measured.size())});
    }
    return t.to_markdown() +
           "\nInside the interval that was stated before: " + percent(inside, all) +
           "; 95 % was promised.\n";
  }

  /// Measured against asked for: one muted line for each trait, and the mean.
  [[nodiscard]] report::line_chart prediction_chart() const {
    report::line_chart chart{.title = "A shift asked for, and the shift that the model shows",
                             .x_label = "asked for (nats)",
                             .y_label = "measured on other texts (nats)"};
    report::series exact{.label = "exact", .style = report::line_style::dashed};
    report::series mean{.label = "mean over traits"};
    for (const result& r : results_) {
      report::series own{.label = "one trait", .muted = true};
      for (const prediction& p : r.predictions) {
        own.x.push_back(p.nats);
        own.y.push_back(p.measured);
      }
      chart.lines.push_back(std::move(own));
    }
    for (const double nats : asked) {
      std::vector<double> measured;
      for (const result& r : results_) {
        for (const prediction& p : r.predictions) {
          if (p.nats == nats) measured.push_back(p.measured);
        }
      }
      exact.x.push_back(nats);
      exact.y.push_back(nats);
      if (measured.empty()) continue;
      mean.x.push_back(nats);
      mean.y.push_back(*stats::mean(measured));
    }
    chart.lines.push_back(std::move(exact));
    chart.lines.push_back(std::move(mean));
    return chart;
  }

 private:
  static constexpr std::array<double, 5> strengths{0, 0.25, 0.5, 0.75, 1};
  static constexpr std::array<double, 5> asked{0.5, 1, 2, 4, 8};
  static constexpr std::size_t n_controls = 5;

  struct effect {
    double size = 0;
    stats::interval range{};
  };
  struct prediction {
    double nats = 0;
    stats::interval stated{};
    double measured = 0;

    [[nodiscard]] bool is_inside() const noexcept {
      return stated.low <= measured && measured <= stated.high;
    }
  };
  struct result {
    std::string label{};
    effect persona{};
    effect prompt{};
    std::vector<double> control{};
    std::vector<weight_scale> scale{};  // one, once it is measured
    std::vector<prediction> predictions{};
  };

  static steering::plan plan_of(const persona& who, float strength) {
    return or_exit(steering::compile(who, steering::in_raw_units(strength)));
  }
  static std::string written(const effect& e) {
    return report::fixed(e.size, 2) + " [" + report::fixed(e.range.low, 2) + ", " +
           report::fixed(e.range.high, 2) + "]";
  }
  /// Mean over standard deviation of the items' shifts.
  static effect effect_of(const std::vector<double>& shifts) {
    const auto size = [](std::span<const double> x) -> std::optional<double> {
      const auto spread = stats::standard_deviation(x);
      if (!spread || !(*spread > 0)) return std::nullopt;
      return *stats::mean(x) / *spread;
    };
    philox random(11);
    return {size(shifts).value_or(0), stats::bootstrap(shifts, size, 0.95, 1000, random)};
  }

  /// Measures a curve on the even items, predicts for the odd ones, and looks.
  void predict(const trait& t, const std::vector<std::vector<double>>& at_strengths,
               result& r) const {
    const std::vector<double>& rest = at_strengths.front();
    std::vector<double> mean_shifts;
    std::vector<double> spreads;
    for (const auto& items : at_strengths) {
      std::vector<double> shifts;
      for (std::size_t i = 0; i < items.size(); i += 2) shifts.push_back(items[i] - rest[i]);
      mean_shifts.push_back(*stats::mean(shifts));
      spreads.push_back(stats::standard_deviation(shifts).value_or(0));
    }
    const auto curve = or_exit(strength_curve::make(strengths, mean_shifts));
    const auto spread = or_exit(strength_curve::make(strengths, spreads));
    const auto n_new = static_cast<double>(rest.size() / 2);
    const auto n_fitted = static_cast<double>((rest.size() + 1) / 2);
    // Student's t for 15 degrees of freedom, the 16 items of the curve less one.
    const double reach = 2.131 * std::sqrt(1 / n_fitted + 1 / n_new);
    for (const double nats : asked) {
      const auto strength = curve.strength_for(nats);
      if (!strength) continue;
      const auto items =
          log_odds(writer_, t, {0, plan_of(t.who, static_cast<float>(*strength)), {}});
      double shift = 0;
      for (std::size_t i = 1; i < items.size(); i += 2) shift += items[i] - rest[i];
      const double half = reach * spread.nats_at(*strength);
      r.predictions.push_back({nats, {nats - half, nats + half}, shift / n_new});
    }
  }

  const writer& writer_;
  std::vector<result> results_;
};

}  // namespace personas
