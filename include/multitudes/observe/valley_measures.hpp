// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/observe/valley.hpp>
#include <multitudes/stats/mixture_fit.hpp>

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

/// Where the model was, in a space of few dimensions, while it read or wrote as known personas.
struct labeled_states {
  std::size_t dim = 0;
  std::vector<double> points;            ///< (n, dim)
  std::vector<std::size_t> labels;       ///< (n), personas
  std::vector<std::size_t> groups = {};  ///< (n), e.g. texts; states of one are alike. Or none.

  [[nodiscard]] matrix_view<const double> view() const noexcept {
    return {points.data(), dim == 0 ? 0 : points.size() / dim, dim};
  }
};

/// A number and what is known of it; an end is infinite where it may be.
struct measured_number {
  double value = 0;
  stats::interval between = stats::interval::whole_line();
};

/// What is known of one persona's valley.
struct valley_measure {
  std::string label;
  measured_number prevalence;  ///< its component's weight
  measured_number depth;       ///< persona_place::depth, nats
  measured_number mass;        ///< of its valley
  measured_number radius;      ///< at which half of random pushes leave its valley, unit radii
  std::size_t rival = 0;       ///< the persona behind the lowest pass
  double merged = 0;  ///< the share of resamples in which it shares its valley with another persona
};

struct valley_measures {
  std::vector<valley_measure> personas;  ///< in the order of the labels
  valley_landscape landscape;            ///< of all states
  stats::gaussian_mixture population;
};

struct valley_measure_options {
  stats::mixture_fit_options fit = {};
  valley_options valleys = {};
  int refits = 40;
};

namespace detail {

/// One resample of the groups of each persona, or of its states where it has one group only.
inline labeled_states resample_states(const labeled_states& from, std::size_t n_labels,
                                      philox& random) {
  std::vector<std::map<std::size_t, std::vector<std::size_t>>> groups(n_labels);
  for (std::size_t i = 0; i < from.labels.size(); ++i) {
    groups[from.labels[i]][from.groups.empty() ? i : from.groups[i]].push_back(i);
  }
  labeled_states drawn{from.dim, {}, {}, {}};
  const auto take = [&](std::size_t i) {
    const auto row = from.view().row(i);
    drawn.points.insert(drawn.points.end(), row.begin(), row.end());
    drawn.labels.push_back(from.labels[i]);
  };
  for (const auto& of_label : groups) {
    std::vector<const std::vector<std::size_t>*> lists;
    for (const auto& [group, items] : of_label) lists.push_back(&items);
    const bool by_state = lists.size() == 1;
    const std::size_t n = by_state ? lists[0]->size() : lists.size();
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t at = random.below(static_cast<std::uint32_t>(n));
      if (by_state) {
        take((*lists[0])[at]);
      } else {
        for (const std::size_t item : *lists[at]) take(item);
      }
    }
  }
  return drawn;
}

inline stats::interval percentile_interval(std::vector<double> values, double confidence) {
  if (values.size() < 2) return stats::interval::whole_line();
  const double tail = (1 - confidence) / 2;
  return {stats::detail::order_quantile(values, tail),
          stats::detail::order_quantile(values, 1 - tail)};
}

}  // namespace detail

/// Prevalence, depth and width of every persona's valley, with intervals: one normal distribution
/// is fitted to each persona's states, its landscape measured, and both done again on resamples
/// of the states' groups.
///
/// The intervals say what other texts of the same kind might have shown. They do not say whether
/// states are normal, or whether other dimensions would have shown other valleys.
///
/// Shapes:  labels (n_personas); states.labels are below that.
/// Errors:  those of fit_labeled_mixture and find_valleys.
/// Cost:    refits + 1 times that of find_valleys.
inline expected<valley_measures> measure_valleys(const labeled_states& states,
                                                 std::span<const std::string> labels,
                                                 const valley_measure_options& how,
                                                 philox& random) {
  if (!states.groups.empty() && states.groups.size() != states.labels.size()) {
    return fail({.code = errc::shape_mismatch,
                 .operation = "measure valleys",
                 .place = "groups",
                 .found = std::to_string(states.groups.size()),
                 .expected = std::to_string(states.labels.size()) + " or none",
                 .remedy = {}});
  }
  const std::size_t n = labels.size();
  auto population = stats::fit_labeled_mixture(states.view(), states.labels, n, how.fit);
  if (!population) return forward_error(population);
  auto land = find_valleys(*population, labels, how.valleys, random);
  if (!land) return forward_error(land);

  // The unit of radii stays that of the whole, or a resample's radii would have another.
  valley_options again = how.valleys;
  again.unit_radius = land->unit_radius;
  again.resamples = 0;
  struct resampled {
    std::vector<double> prevalence, depth, mass, radius;
    int merged = 0;
  };
  std::vector<resampled> all(n);
  for (int refit = 0; refit < how.refits; ++refit) {
    const labeled_states drawn = detail::resample_states(states, n, random);
    auto other = stats::fit_labeled_mixture(drawn.view(), drawn.labels, n, how.fit);
    if (!other) continue;  // a resample without spread
    auto there = find_valleys(*other, labels, again, random);
    if (!there) return forward_error(there);
    for (std::size_t k = 0; k < n; ++k) {
      const persona_place& who = there->personas[k];
      all[k].prevalence.push_back(who.prevalence);
      all[k].depth.push_back(who.depth);
      all[k].mass.push_back(there->valleys[who.valley].mass);
      all[k].radius.push_back(there->valleys[who.valley].radius.radius);
      all[k].merged += there->valleys[who.valley].personas.size() > 1 ? 1 : 0;
    }
  }
  valley_measures result{{}, *std::move(land), *std::move(population)};
  for (std::size_t k = 0; k < n; ++k) {
    const persona_place& who = result.landscape.personas[k];
    const valley& home = result.landscape.valleys[who.valley];
    const auto number = [&](double value, const std::vector<double>& values) {
      return measured_number{value, detail::percentile_interval(values, how.valleys.confidence)};
    };
    valley_measure& m = result.personas.emplace_back();
    m.label = labels[k];
    m.prevalence = number(who.prevalence, all[k].prevalence);
    m.depth = number(who.depth, all[k].depth);
    m.mass = number(home.mass, all[k].mass);
    m.radius = number(home.radius.radius, all[k].radius);
    m.rival = who.rival;
    m.merged = all[k].depth.empty()
                   ? 0
                   : static_cast<double>(all[k].merged) / static_cast<double>(all[k].depth.size());
  }
  return result;
}

}  // namespace multitudes
