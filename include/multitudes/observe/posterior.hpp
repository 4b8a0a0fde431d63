// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/persona/multitude.hpp>
#include <multitudes/report/chart.hpp>
#include <multitudes/stats/calibration.hpp>
#include <multitudes/stats/group_bootstrap.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

/// What was seen of each persona as a text ran on: the evidence of everything up to each step.
/// Where it comes from (states, likelihoods, probes) is the reader's business.
struct evidence_trace {
  std::size_t n_personas = 0;
  std::vector<double> nats;  ///< (n_steps, n_personas), up to a constant in each row

  [[nodiscard]] std::size_t size() const noexcept {
    return n_personas == 0 ? 0 : nats.size() / n_personas;
  }
  [[nodiscard]] std::span<const double> row(std::size_t i) const noexcept {
    return std::span(nats).subspan(i * n_personas, n_personas);
  }
};

/// How a posterior weighs what it was given.
struct posterior_options {
  /// Evidence is divided by it. Readers take pieces of a text for independent, which they are not,
  /// and so are too sure; stats::fit_temperature says by how much.
  double temperature = 1;
};

/// The population after evidence.
///
/// Errors:  those of multitude::posterior; invalid_argument if the temperature is not positive.
inline expected<multitude> posterior_of(const multitude& prior, std::span<const double> nats,
                                        const posterior_options& how = {}) {
  if (!(how.temperature > 0) || !std::isfinite(how.temperature)) {
    return fail({.code = errc::invalid_argument,
                 .operation = "compute posterior",
                 .place = "temperature",
                 .found = std::to_string(how.temperature),
                 .expected = "a positive number",
                 .remedy = {}});
  }
  std::vector<double> scaled(nats.begin(), nats.end());
  for (double& x : scaled) x /= how.temperature;
  return prior.posterior(scaled);
}

/// Who was probably speaking, step by step.
struct posterior_trace {
  std::vector<std::string> labels;
  std::vector<double> log_probabilities;  ///< (n_steps, labels)

  [[nodiscard]] std::size_t size() const noexcept {
    return labels.empty() ? 0 : log_probabilities.size() / labels.size();
  }
  [[nodiscard]] std::span<const double> row(std::size_t i) const noexcept {
    return std::span(log_probabilities).subspan(i * labels.size(), labels.size());
  }
  /// The likeliest at a step, the first of equals.
  [[nodiscard]] std::size_t best(std::size_t i) const noexcept {
    const auto r = row(i);
    return static_cast<std::size_t>(std::max_element(r.begin(), r.end()) - r.begin());
  }
  /// log p(a) - log p(b), nats.
  [[nodiscard]] double log_odds(std::size_t i, std::size_t a, std::size_t b) const noexcept {
    return row(i)[a] - row(i)[b];
  }
};

/// Errors:  those of posterior_of.
inline expected<posterior_trace> posterior_over(const multitude& prior,
                                                const evidence_trace& evidence,
                                                const posterior_options& how = {}) {
  posterior_trace trace;
  for (std::size_t k = 0; k < prior.size(); ++k) trace.labels.emplace_back(prior.label(k));
  for (std::size_t i = 0; i < evidence.size(); ++i) {
    auto now = posterior_of(prior, evidence.row(i), how);
    if (!now) return forward_error(now);
    for (std::size_t k = 0; k < now->size(); ++k) {
      trace.log_probabilities.push_back(now->log_prevalence(k));
    }
  }
  return trace;
}

/// How far two posteriors are apart: the Jensen-Shannon divergence, 0 to log 2 nats.
///
/// Shapes:  log-probabilities of the same personas, normalized.
inline double posterior_divergence(std::span<const double> a, std::span<const double> b) noexcept {
  double sum = 0;
  for (std::size_t k = 0; k < std::min(a.size(), b.size()); ++k) {
    const double p = std::exp(a[k]);
    const double q = std::exp(b[k]);
    const double middle = std::log((p + q) / 2);
    if (p > 0) sum += p / 2 * (a[k] - middle);
    if (q > 0) sum += q / 2 * (b[k] - middle);
  }
  return std::clamp(sum, 0.0, std::log(2.0));
}

/// How far two ways of reading the same texts agree, over all steps, with intervals over texts.
struct posterior_agreement {
  double divergence = 0;  ///< mean posterior_divergence, nats
  stats::interval divergence_between = stats::interval::whole_line();
  double same_best = 0;  ///< the share of steps at which both name the same persona
  stats::interval same_best_between = stats::interval::whole_line();
};

/// Shapes:  a[i] and b[i] are traces of the same text, of the same labels and steps.
/// Errors:  shape_mismatch unless they are; invalid_argument without steps.
inline expected<posterior_agreement> agreement(std::span<const posterior_trace> a,
                                               std::span<const posterior_trace> b,
                                               double confidence, int resamples, philox& random) {
  const auto refuse = [](errc code, std::string place, std::string found) {
    return fail({.code = code,
                 .operation = "compare posteriors",
                 .place = std::move(place),
                 .found = std::move(found),
                 .expected = "the same texts, labels and steps on both sides",
                 .remedy = {}});
  };
  if (a.size() != b.size()) {
    return refuse(errc::shape_mismatch, "texts",
                  std::to_string(a.size()) + " and " + std::to_string(b.size()));
  }
  std::vector<double> apart;
  std::vector<double> same;
  std::vector<std::size_t> groups;
  for (std::size_t t = 0; t < a.size(); ++t) {
    if (a[t].labels != b[t].labels || a[t].size() != b[t].size()) {
      return refuse(errc::shape_mismatch, "text " + std::to_string(t), "traces that differ");
    }
    for (std::size_t i = 0; i < a[t].size(); ++i) {
      apart.push_back(posterior_divergence(a[t].row(i), b[t].row(i)));
      same.push_back(a[t].best(i) == b[t].best(i) ? 1 : 0);
      groups.push_back(t);
    }
  }
  if (apart.empty()) return refuse(errc::invalid_argument, "texts", "no steps");
  const auto mean_of = [](const std::vector<double>& values) {
    return [&values](std::span<const std::size_t> chosen) {
      double sum = 0;
      for (const std::size_t i : chosen) sum += values[i];
      return sum / static_cast<double>(chosen.size());
    };
  };
  std::vector<std::size_t> all(apart.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  const auto between = [&](const std::vector<double>& values) {
    return stats::bootstrap_groups(groups, mean_of(values), confidence, resamples, random);
  };
  posterior_agreement result;
  result.divergence = mean_of(apart)(all);
  result.divergence_between = between(apart);
  result.same_best = mean_of(same)(all);
  result.same_best_between = between(same);
  return result;
}

/// Adds a text of a known author to what calibration is fitted on or judged by.
///
/// Shapes:  nats (prior.size()); all forecasts of a set have the same prior.
inline void add_forecast(stats::forecast_set& to, const multitude& prior,
                         std::span<const double> nats, std::size_t truth, std::size_t group) {
  if (to.truth.empty()) {
    to.n_classes = prior.size();
    to.base.clear();
    for (std::size_t k = 0; k < prior.size(); ++k) to.base.push_back(prior.log_prevalence(k));
  }
  to.scores.insert(to.scores.end(), nats.begin(), nats.end());
  to.truth.push_back(truth);
  to.groups.push_back(group);
}

/// Who was probably speaking as a chart, a line for each persona.
///
/// Units:   step i stands at `first + i * step` of the x axis, e.g. in tokens.
inline report::line_chart posterior_chart(const posterior_trace& trace, std::string title,
                                          double first = 1, double step = 1) {
  report::line_chart chart;
  chart.title = std::move(title);
  chart.x_label = "tokens";
  chart.y_label = "posterior probability";
  for (std::size_t k = 0; k < trace.labels.size(); ++k) {
    report::series& line = chart.lines.emplace_back();
    line.label = trace.labels[k];
    for (std::size_t i = 0; i < trace.size(); ++i) {
      line.x.push_back(first + step * static_cast<double>(i));
      line.y.push_back(std::exp(trace.row(i)[k]));
    }
  }
  return chart;
}

}  // namespace multitudes
