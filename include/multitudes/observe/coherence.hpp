// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/generate/batch.hpp>
#include <multitudes/observe/projection.hpp>
#include <multitudes/persona/only_layers.hpp>
#include <multitudes/persona/persona.hpp>
#include <multitudes/steering/plan.hpp>
#include <multitudes/steering/residual_norms.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace multitudes {

/// How far the units of a persona point the same way at one layer.
struct layer_coherence {
  layer_index layer;
  std::size_t n_units = 0;  ///< that have a direction here
  double agreement = 0;     ///< mean cosine over pairs of units
  /// The standard deviation of `agreement` for as many independent random directions, whose mean
  /// is 0: sqrt(2 / (n (n - 1) width)). It is exact, pairs that share a unit being uncorrelated.
  double random_spread = 0;

  /// How many such deviations above what random directions give.
  [[nodiscard]] double excess() const noexcept {
    return random_spread > 0 ? agreement / random_spread : 0;
  }
};

/// The agreement of a persona's units, layer by layer, for layers where two units or more have a
/// direction. A unit of negative weight counts with its direction turned round, as it does in the
/// persona. Real directions share much that has nothing to do with persona (a few loud dimensions
/// of the stream), so compare with the units of other personas too, not with random ones alone.
///
/// Errors:  invalid_argument for a persona of fewer than two units.
/// Cost:    n_units² / 2 dot products a layer.
inline expected<std::vector<layer_coherence>> coherence(const persona& who) {
  const auto units = who.units();
  if (units.size() < 2) {
    return fail({.code = errc::invalid_argument,
                 .operation = "measure coherence",
                 .place = "'" + who.label() + "'",
                 .found = std::to_string(units.size()) + " units",
                 .expected = "at least two to compare",
                 .remedy = "decompose() the persona into units"});
  }
  std::vector<layer_coherence> result;
  const auto& space = who.space();
  for (std::uint32_t l = 0; l < space.n_layers; ++l) {
    layer_coherence here{layer_index(l), 0, 0, 0};
    std::vector<std::vector<double>> rows;
    for (const weighted_unit& u : units) {
      const double norm = u.unit.direction.norm(layer_index(l));
      if (!(norm > 0) || u.weight == 0) continue;
      const double scale = (u.weight < 0 ? -1 : 1) / norm;
      std::vector<double>& row = rows.emplace_back();
      for (const float x : u.unit.direction.row(layer_index(l))) {
        row.push_back(scale * static_cast<double>(x));
      }
    }
    here.n_units = rows.size();
    if (rows.size() < 2) continue;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        for (std::size_t k = 0; k < rows[i].size(); ++k) {
          here.agreement += rows[i][k] * rows[j][k];
        }
      }
    }
    const auto n = static_cast<double>(rows.size());
    here.agreement /= n * (n - 1) / 2;
    here.random_spread = std::sqrt(2 / (n * (n - 1) * static_cast<double>(space.model_dim)));
    result.push_back(here);
  }
  return result;
}

/// What steering each unit does to the measure of every unit.
struct spillover {
  std::vector<std::string> labels;
  std::vector<double> at_rest;  ///< (n), the measures without steering
  std::vector<double> effects;  ///< (n, n): steering unit i changes measure j by [i, j]

  [[nodiscard]] double effect(std::size_t i, std::size_t j) const noexcept {
    return effects[i * labels.size() + j];
  }
  /// Of j's measure, for each unit of what steering i does to its own: 1 on the diagonal. Only
  /// meaningful where measures have like scales (log-odds, or readings of -1 to 1).
  [[nodiscard]] double ratio(std::size_t i, std::size_t j) const noexcept {
    return effect(i, j) / effect(i, i);
  }
  /// The mean ratio between different units: 0 for units that are independent, 1 for one thing
  /// under several names.
  [[nodiscard]] double mean_ratio() const noexcept {
    double sum = 0;
    double count = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      for (std::size_t j = 0; j < labels.size(); ++j) {
        if (i == j) continue;
        sum += ratio(i, j);
        ++count;
      }
    }
    return sum / count;
  }
};

/// Measures spillover by any measure: `measure(std::optional<std::size_t> steered)` returns one
/// number for each unit, with that unit steered or none.
///
/// Errors:  those of the measure; shape_mismatch if it gives another number of results;
///          invalid_argument for fewer than two units.
/// Cost:    n + 1 measurements.
template <class F>
  requires std::is_invocable_r_v<expected<std::vector<double>>, F&, std::optional<std::size_t>>
expected<spillover> measure_spillover(std::vector<std::string> labels, F measure) {
  const std::size_t n = labels.size();
  if (n < 2) {
    return fail({.code = errc::invalid_argument,
                 .operation = "measure spillover",
                 .place = "units",
                 .found = std::to_string(n),
                 .expected = "at least two",
                 .remedy = {}});
  }
  spillover result{std::move(labels), {}, {}};
  for (std::size_t i = 0; i <= n; ++i) {
    expected<std::vector<double>> found =
        measure(i == 0 ? std::nullopt : std::optional<std::size_t>(i - 1));
    if (!found) return forward_error(found);
    if (found->size() != n) {
      return fail({.code = errc::shape_mismatch,
                   .operation = "measure spillover",
                   .place = i == 0 ? "at rest" : "steering " + result.labels[i - 1],
                   .found = std::to_string(found->size()) + " results",
                   .expected = std::to_string(n),
                   .remedy = {}});
    }
    if (i == 0) {
      result.at_rest = *found;
      continue;
    }
    for (std::size_t j = 0; j < n; ++j) result.effects.push_back((*found)[j] - result.at_rest[j]);
  }
  return result;
}

/// How reading_spillover steers.
struct spillover_options {
  steering::strength strength = steering::in_norms(0.2f);
  layer_index first{0};  ///< the layers that are steered, both ends included
  layer_index last{0};
};

/// Spillover between a persona's units by the model's own states: each unit is steered in chosen
/// layers, and the mean readings along every unit's axis are taken at later ones, so that what is
/// read is what the model made of the push and not the push itself.
///
/// Shapes:  axes (n_units), in the order of the persona's units; texts are token sequences.
/// Errors:  shape_mismatch for another number of axes; invalid_argument for an axis at a steered
///          layer or before, or without texts; those of compile and batch::evaluate.
/// Cost:    n_units + 1 passes over the texts.
template <executor E>
expected<spillover> reading_spillover(batch& b, E& workers, const persona& who,
                                      std::span<const reading_axis> axes,
                                      std::span<const std::vector<token_id>> texts,
                                      const steering::residual_norms& norms,
                                      const spillover_options& how) {
  const auto units = who.units();
  const auto refuse = [](errc code, std::string place, std::string found, std::string wanted) {
    return fail({.code = code,
                 .operation = "measure spillover",
                 .place = std::move(place),
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = {}});
  };
  if (axes.size() != units.size()) {
    return refuse(errc::shape_mismatch, "axes", std::to_string(axes.size()),
                  std::to_string(units.size()));
  }
  if (texts.empty()) return refuse(errc::invalid_argument, "texts", "none", "at least one");
  for (const reading_axis& axis : axes) {
    if (axis.layer > how.last) continue;
    return refuse(errc::invalid_argument, "axis " + axis.label,
                  "layer " + std::to_string(axis.layer.value),
                  "one after layer " + std::to_string(how.last.value) + ", the last steered");
  }
  std::vector<std::string> labels;
  for (const weighted_unit& u : units) labels.push_back(u.unit.label);
  const auto measure = [&](std::optional<std::size_t> steered) -> expected<std::vector<double>> {
    steering::plan plan;
    if (steered) {
      std::vector<weighted_unit> alone;
      const weighted_unit& unit = units[*steered];
      alone.push_back({unit.unit.clone(), unit.weight < 0 ? -1.0 : 1.0});
      auto one = persona::make(labels[*steered], std::move(alone));
      if (!one) return forward_error(one);
      auto made = steering::compile(*one | only_layers(how.first.value, how.last.value),
                                    how.strength, norms);
      if (!made) return forward_error(made);
      plan = *std::move(made);
    }
    std::vector<double> sums(axes.size(), 0.0);
    double count = 0;
    for (const auto& text : texts) {
      auto s = b.open();
      if (!s) return forward_error(s);
      auto meter = projection_meter::make(b.lm().space(), {axes.begin(), axes.end()}, text.size());
      if (!meter) return forward_error(meter);
      const feed news{*s, text, 0};
      auto outcome = b.steer(*s, {plan, {}});
      if (outcome) outcome = b.evaluate(workers, std::span(&news, 1), *meter);
      b.close(*s);
      if (!outcome) return forward_error(outcome);
      for (std::size_t t = 0; t < text.size(); ++t) {
        for (std::size_t a = 0; a < axes.size(); ++a) sums[a] += meter->reading(a, t);
        ++count;
      }
    }
    for (double& sum : sums) sum /= count;
    return sums;
  };
  return measure_spillover(labels, measure);
}

}  // namespace multitudes
