// SPDX-License-Identifier: MIT
#pragma once

#include "trait.hpp"

#include <multitudes/persona/random_control.hpp>
#include <multitudes/report/heat_map.hpp>
#include <multitudes/report/table.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace personas {

/// What `a * style + b * subject` makes of the model over a grid of weights: how much of the style
/// it keeps, how much it knows of the subject, and how often a sample has both.
class hybrid_map {
 public:
  hybrid_map(const writer& w, const corpus::grammar& words, const trait& style,
             const trait& subject)
      : writer_(w),
        style_(style),
        subject_(subject),
        style_judge_(
            judge::fit(crossed_texts(words, kind::style, 12, 178), 8, corpus::style_words(words))),
        subject_judge_(judge::fit(crossed_texts(words, kind::subject, 12, 179), 8,
                                  corpus::subject_words(words))) {
    const auto rest = shift_of({}, 0, 0);
    const auto as_style = shift_of(plan_at(1, 0), rest.style, rest.subject);
    const auto as_subject = shift_of(plan_at(0, 1), rest.style, rest.subject);
    for (const double a : weights) {
      for (const double b : weights) {
        const auto plan = plan_at(a, b);
        const auto gain = shift_of(plan, rest.style, rest.subject);
        const auto found = judged(requests_for(plan, n_map_samples), 10);
        cells_.push_back({a, b, share_of(gain.style, as_style.style, as_subject.style),
                          share_of(gain.subject, as_subject.subject, as_style.subject), found});
      }
    }
  }

  [[nodiscard]] std::string title() const { return style_.label + " + " + subject_.label; }

  /// Four maps: kept, known, and the samples' styles and subjects at once.
  [[nodiscard]] report::heat_map map() const {
    report::heat_map m{
        .title = "a * " + style_.label + " + b * " + subject_.label,
        .x_label = "b, weight of " + subject_.label,
        .y_label = "a, weight of " + style_.label,
        .panels = {
            {"style kept, share", {}}, {"subject accessed, share", {}}, {"samples with both", {}}}};
    for (const double w : weights) {
      m.columns.push_back(report::svg_writer::coordinate(w));
      m.rows.push_back(report::svg_writer::coordinate(w));
    }
    for (const cell& c : cells_) {
      m.panels[0].values.push_back(c.kept);
      m.panels[1].values.push_back(c.accessed);
      m.panels[2].values.push_back(static_cast<double>(c.found.both) /
                                   static_cast<double>(c.found.n));
    }
    return m;
  }

  /// The best weights of the map and everything they are compared with, by new samples.
  [[nodiscard]] std::string table() const {
    const auto best = std::max_element(
        cells_.begin(), cells_.end(), [](auto& x, auto& y) { return x.found.both < y.found.both; });
    const std::size_t n = writer_.n_samples * 2;
    report::table t({{"samples"},
                     {"style", report::alignment::right},
                     {"subject", report::alignment::right},
                     {"both", report::alignment::right}});
    const auto add = [&](const std::string& name, const std::vector<request>& requests) {
      const counts c = judged(requests, 11);
      t.add_row({name, percent(c.style, c.n), percent(c.subject, c.n), percent(c.both, c.n)});
    };
    const auto weight = [](double w) { return report::svg_writer::coordinate(w); };
    const auto hybrid = plan_at(best->a, best->b);
    add(weight(best->a) + "*" + style_.label + " + " + weight(best->b) + "*" + subject_.label,
        requests_for(hybrid, n));
    add(style_.label + " alone", requests_for(plan_at(1, 0), n));
    add(subject_.label + " alone", requests_for(plan_at(0, 1), n));
    auto turns = requests_for(plan_at(1, 0), n);
    for (request& r : turns) r.then = second_plan{.under = plan_at(0, 1)};
    add("the two in turn, token by token", turns);
    add("the prompt that names both",
        requests_for({}, n,
                     "As " + std::string(corpus::ways[style_.level].called) + " would say of " +
                         std::string(corpus::things[subject_.level].called) + ":\n"));
    auto pushed = requests_for({}, n);
    for (std::size_t k = 0; k < n_controls; ++k) {
      const auto like = or_exit(materialize(best->a * style_.who + best->b * subject_.who));
      const auto other = or_exit(random_control(like.direction(), 700 + k));
      const auto plan = or_exit(steering::compile(other, steering::in_raw_units(1)));
      for (std::size_t i = k; i < n; i += n_controls) pushed[i].under = plan;
    }
    add("random directions of the same length", pushed);
    add("plain", requests_for({}, n));
    const auto share = [](double x) {
      return std::isfinite(x) ? report::fixed(100 * x, 0) + " %" : std::string("an unknown share");
    };
    return t.to_markdown() + "\nAt these weights " + share(best->kept) +
           " of the style's nats are kept and " + share(best->accessed) +
           " of the subject's are reached" +
           (std::isfinite(best->kept) && std::isfinite(best->accessed)
                ? ".\n"
                : " (unknown: the persona alone gains none on whole texts).\n");
  }

 private:
  static constexpr std::array<double, 6> weights{0, 0.25, 0.5, 0.75, 1, 1.25};
  static constexpr std::size_t n_map_samples = 60;
  static constexpr std::size_t n_controls = 5;

  struct gains {
    double style = 0;
    double subject = 0;
  };
  struct counts {
    std::size_t n = 0;
    std::size_t style = 0;
    std::size_t subject = 0;
    std::size_t both = 0;
  };
  struct cell {
    double a = 0;
    double b = 0;
    double kept = 0;      ///< 1: as much of the style as the style alone, 0: as the subject alone
    double accessed = 0;  ///< the same of the subject
    counts found{};
  };

  [[nodiscard]] steering::plan plan_at(double a, double b) const {
    return or_exit(steering::compile(a * style_.who + b * subject_.who, steering::in_raw_units(1)));
  }
  /// Nats by which the texts of both traits gain on their rivals.
  [[nodiscard]] gains shift_of(const steering::plan& plan, double style, double subject) const {
    const condition c{.under = plan};
    return {*stats::mean(log_odds(writer_, style_, c)) - style,
            *stats::mean(log_odds(writer_, subject_, c)) - subject};
  }
  static double share_of(double gain, double whole, double none) {
    return whole > none ? (gain - none) / (whole - none) : std::numeric_limits<double>::quiet_NaN();
  }
  [[nodiscard]] counts judged(const std::vector<request>& requests, std::uint64_t series) const {
    counts c;
    for (const std::string& text : writer_.write(requests, series)) {
      const bool has_style = style_judge_.name(text) == style_.level;
      const bool has_subject = subject_judge_.name(text) == subject_.level;
      ++c.n;
      if (has_style) ++c.style;
      if (has_subject) ++c.subject;
      if (has_style && has_subject) ++c.both;
    }
    return c;
  }

  const writer& writer_;
  const trait& style_;
  const trait& subject_;
  judge style_judge_;
  judge subject_judge_;
  std::vector<cell> cells_;  // (weights of the style, weights of the subject)
};

}  // namespace personas
