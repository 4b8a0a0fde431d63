// SPDX-License-Identifier: MIT
#pragma once

#include "voices.hpp"

#include <multitudes/observe/valley_measures.hpp>
#include <multitudes/report/html.hpp>
#include <multitudes/report/line_chart.hpp>
#include <multitudes/stats/correlation.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace personas {

/// What is known of all voices' valleys in one model, in activation space and on the model itself.
struct stage_valleys {
  std::string name;
  std::vector<model_valley> on_model;
  valley_measures in_space;
};

struct stage_options {
  std::size_t stretch = 16;
  double temperature = 1;
  std::size_t n_unprompted = 200;  ///< texts, for prevalences
};

/// Measures one stage. The population of activation space has the prevalences that the model
/// itself shows when it writes unprompted.
inline stage_valleys measure_stage(std::string name, const writer& w, const voices& v,
                                   const state_reader& reader, const stage_options& how) {
  const auto n_layers = w.lm.shape().n_layers;
  const model_valley_options options{.stretch = how.stretch,
                                     .context = 49,
                                     .trial = 128,
                                     .pushed = layer_index(n_layers / 2 - 1),
                                     .temperature = how.temperature,
                                     .evidence = accumulation::latest};
  const auto plain = write_samples(w.lm, w.workers, requests_for({}, how.n_unprompted), 64,
                                   {.temperature = 1.0f, .seed = 77});
  std::vector<std::vector<token_id>> unprompted;
  for (const std::string& text : plain) unprompted.push_back(w.lm.tokenizer->encode(text));
  auto b = or_exit(batch::make(w.lm, {.n_sequences = 2, .context = 512}));
  auto on_model = or_exit(measure_model_valleys(b, w.workers, reader, even_population(v),
                                                v.held_out, unprompted, options));
  labeled_states states{reader.dim(), {}, {}, {}};
  std::size_t group = 0;
  for (std::size_t k = 0; k < v.size(); ++k) {
    for (const auto& text : v.studied[k]) {
      const auto rows = or_exit(read_states(b, w.workers, text, reader.layer(), how.stretch));
      const auto points = reader.project(rows);
      states.points.insert(states.points.end(), points.begin(), points.end());
      states.labels.insert(states.labels.end(), rows.size(), k);
      states.groups.insert(states.groups.end(), rows.size(), group);
      ++group;
    }
  }
  valley_measure_options fit;
  // A persona that never wrote unprompted keeps a foothold, or it would have no valley at all.
  for (const model_valley& m : on_model) {
    fit.fit.weights.push_back(std::max(m.prevalence.value, 0.002));
  }
  fit.refits = 20;
  fit.valleys.n_draws = 2000;
  fit.valleys.n_starts = 100;
  philox random(91);
  auto in_space = or_exit(measure_valleys(states, v.labels, fit, random));
  return {std::move(name), std::move(on_model), std::move(in_space)};
}

namespace detail {

inline std::string written(const measured_number& m, int decimals) {
  const auto number = [&](double x) {
    return std::isfinite(x) ? report::fixed(x, decimals) : std::string("∞");
  };
  return number(m.value) + " [" + number(m.between.low) + ", " + number(m.between.high) + "]";
}

}  // namespace detail

inline report::table table_of(const stage_valleys& s) {
  report::table t({{"persona"},
                   {"prevalence, %", report::alignment::right},
                   {"tokens to flip", report::alignment::right},
                   {"flipped, %", report::alignment::right},
                   {"not on to begin with, %", report::alignment::right},
                   {"radius, row lengths", report::alignment::right},
                   {"depth in activation space, nats", report::alignment::right},
                   {"radius there", report::alignment::right},
                   {"rival there"}});
  for (std::size_t k = 0; k < s.on_model.size(); ++k) {
    const model_valley& m = s.on_model[k];
    const valley_measure& a = s.in_space.personas[k];
    measured_number share = m.prevalence;
    for (double* x : {&share.value, &share.between.low, &share.between.high}) *x *= 100;
    t.add_row({m.label, detail::written(share, 0), detail::written(m.flips.tokens, 0),
               report::fixed(100 * m.flips.flipped, 0), report::fixed(100 * m.flips.never_on, 0),
               detail::written({m.radius.radius, m.radius.between}, 2),
               detail::written(a.depth, 1) + (a.merged > 0.5 ? " merged" : ""),
               detail::written(a.radius, 2), s.in_space.personas[a.rival].label});
  }
  return t;
}

/// How depth in activation space goes with depth on the model, over personas.
inline std::string correlation_of(const stage_valleys& s) {
  std::vector<double> depth, tokens, prevalence;
  for (std::size_t k = 0; k < s.on_model.size(); ++k) {
    depth.push_back(s.in_space.personas[k].depth.value);
    tokens.push_back(s.on_model[k].flips.tokens.value);
    prevalence.push_back(s.on_model[k].prevalence.value);
  }
  const auto written = [](const std::optional<double>& r) {
    return r ? report::fixed(*r, 2) : std::string("unknown");
  };
  return s.name + ": rank correlation of depth in activation space with tokens to flip " +
         written(stats::rank_correlation(depth, tokens)) + "; of prevalence with tokens to flip " +
         written(stats::rank_correlation(prevalence, tokens)) +
         ", with depth in activation space " + written(stats::rank_correlation(prevalence, depth)) +
         " (" + std::to_string(s.on_model.size()) + " personas).";
}

/// Every persona's way through the stages: how wide its valley is, and how long it takes to leave.
inline report::line_chart stages_chart(const std::vector<stage_valleys>& stages) {
  report::line_chart chart{
      .title = "What the stages did: each line is a persona, from base to feedback",
      .x_label = "radius on the model (lengths of the residual row)",
      .y_label = "tokens of another's text until it flips"};
  for (std::size_t k = 0; k < stages.front().on_model.size(); ++k) {
    const bool shown = k + 1 == stages.front().on_model.size();
    report::series line{.label = shown ? stages.front().on_model[k].label : "an author",
                        .muted = !shown};
    for (const stage_valleys& s : stages) {
      line.x.push_back(s.on_model[k].radius.radius);
      line.y.push_back(s.on_model[k].flips.tokens.value);
    }
    chart.lines.push_back(std::move(line));
  }
  return chart;
}

/// Prevalence by stage, for those who gain or lose most.
inline report::line_chart prevalence_chart(const std::vector<stage_valleys>& stages) {
  report::line_chart chart{.title = "Who the model is when nobody asks",
                           .x_label = "stage (0: base, 1: instructed, 2: after feedback)",
                           .y_label = "prevalence, unprompted"};
  for (std::size_t k = 0; k < stages.front().on_model.size(); ++k) {
    const bool shown = k + 1 == stages.front().on_model.size();
    report::series line{.label = shown ? stages.front().on_model[k].label : "an author",
                        .muted = !shown};
    for (std::size_t i = 0; i < stages.size(); ++i) {
      line.x.push_back(static_cast<double>(i));
      line.y.push_back(stages[i].on_model[k].prevalence.value);
    }
    chart.lines.push_back(std::move(line));
  }
  return chart;
}

}  // namespace personas
