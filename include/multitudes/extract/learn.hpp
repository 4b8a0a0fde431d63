// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/extract/discriminant.hpp>
#include <multitudes/extract/fit_pairs.hpp>
#include <multitudes/extract/logistic.hpp>
#include <multitudes/extract/mean_difference.hpp>
#include <multitudes/extract/pairs.hpp>
#include <multitudes/extract/principal_component.hpp>
#include <multitudes/persona/persona.hpp>
#include <multitudes/persona/probe.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

/// The extractors by name, with their usual settings.
enum class extraction : std::uint8_t {
  mean_difference,               ///< what the trait adds; for steering, the first to try
  principal_component,           ///< the longest axis of the differences
  centered_principal_component,  ///< repeng's pca_diff; only to compare with,
                                 ///< see there
  ridge,                         ///< these three tell texts apart, and are for reading
  linear_discriminant,
  logistic,
};

/// How a persona is learned.
struct learn_options {
  read_position read = read_position::after_difference;
  extraction method = extraction::mean_difference;
  evidence_options evidence = {};
  read_options reading = {};
  /// Rows are kept in memory up to this size; beyond it the model reads the
  /// texts twice. The bits are the same.
  std::size_t most_kept_bytes = std::size_t{256} << 20;
};

/// A persona and the evidence for it, layer by layer.
struct learned {
  persona who;
  std::vector<layer_evidence> layers;  // (n_layers)

  /// The layer with the largest effect.
  [[nodiscard]] layer_index best_layer() const noexcept {
    std::size_t best = 0;
    for (std::size_t l = 1; l < layers.size(); ++l) {
      if (layers[l].effect_size > layers[best].effect_size) best = l;
    }
    return layer_index(best);
  }
};

/// The axis of a learned persona at one layer. Read it behind the last steered
/// layer: at a steered layer it shows what was just added, and not what the
/// model made of it.
///
/// Errors:  zero_direction if the persona has nothing at this layer.
inline expected<reading_axis> axis_of(const learned& from, layer_index layer) {
  const activation_space& space = from.who.space();
  if (layer.value >= space.n_layers || from.who.direction().norm(layer) == 0) {
    return fail({.code = errc::zero_direction,
                 .operation = "read along " + from.who.label(),
                 .place = "layer " + std::to_string(layer.value),
                 .found = "no direction at this layer",
                 .expected = "a layer from 1 to " + std::to_string(space.n_layers - 1),
                 .remedy = {}});
  }
  const auto row = from.who.direction().row(layer);
  const layer_evidence& evidence = from.layers[layer.value];
  return reading_axis{from.who.label(),
                      space,
                      layer,
                      {row.begin(), row.end()},
                      (evidence.positive_mean + evidence.negative_mean) / 2,
                      (evidence.positive_mean - evidence.negative_mean) / 2};
}

/// The axis, and how sure its readings are.
///
/// Errors:  those of axis_of.
inline expected<probe> probe_of(const learned& from, layer_index layer) {
  auto axis = axis_of(from, layer);
  if (!axis) return forward_error(axis);
  // The link is of projections; a reading is a projection, shifted and scaled.
  const linalg::logistic_link& link = from.layers[layer.value].link;
  const linalg::logistic_link of_reading{link.slope * axis->half_gap,
                                         link.bias + link.slope * axis->middle};
  return probe{*std::move(axis), of_reading};
}

namespace detail {

/// Block 0 is left out, because files for other tools cannot hold it.
inline std::vector<layer_index> learned_layers(const language_model& lm) {
  std::vector<layer_index> layers;
  for (std::size_t l = 1; l < lm.shape().n_layers; ++l) layers.emplace_back(l);
  return layers;
}

/// One persona of the sites of one span.
inline expected<learned> assemble(const activation_space& space, const std::string& label,
                                  std::span<fitted_direction> sites) {
  std::vector<float> values(std::size_t{space.n_layers} * space.model_dim, 0.0f);
  std::vector<layer_evidence> layers(space.n_layers);
  bool any = false;
  for (std::size_t l = 1; l < space.n_layers; ++l) {
    fitted_direction& site = sites[l - 1];
    any = any || std::any_of(site.unit.begin(), site.unit.end(), [](float e) { return e != 0; });
    std::copy(site.unit.begin(), site.unit.end(),
              values.begin() + static_cast<std::ptrdiff_t>(l * space.model_dim));
    layers[l] = std::move(site.evidence);
  }
  if (!any) {
    return fail({.code = errc::zero_direction,
                 .operation = "learn " + label,
                 .place = {},
                 .found = "no difference between positive and negative texts at any layer",
                 .expected = "texts that differ",
                 .remedy = "check that the two sides of the pairs are not the same"});
  }
  auto d = direction::make(space, values);
  if (!d) return forward_error(d);
  auto who = persona::make(label, *std::move(d));
  if (!who) return forward_error(who);
  return learned{*std::move(who), std::move(layers)};
}

}  // namespace detail

/// Learns one persona for each span of the readings, in one pass over the
/// texts, with any extractor: your own, or one with other settings than the
/// usual ones.
///
/// Errors:  those of learn.
/// Cost:    as learn; the spans share the pass.
template <extractor X, executor E>
expected<std::vector<learned>> learn_with(const X& extract, const language_model& lm,
                                          const std::string& label,
                                          std::span<const reading_pair> pairs, E& workers,
                                          const learn_options& options = {}) {
  if (lm.shape().n_layers < 2) {
    return fail({.code = errc::unsupported,
                 .operation = "learn " + label,
                 .place = "model",
                 .found = "one block, which is left out",
                 .expected = "at least two blocks",
                 .remedy = {}});
  }
  if (pairs.size() < 3) {
    return fail({.code = errc::invalid_argument,
                 .operation = "learn " + label,
                 .place = "pairs",
                 .found = std::to_string(pairs.size()),
                 .expected = "at least 3, to judge each by the others",
                 .remedy = "write more pairs; 30 or more give usable intervals"});
  }
  auto source =
      model_pairs<E>::make(lm, pairs, detail::learned_layers(lm), workers, options.reading);
  if (!source) return forward_error(source);
  const auto bytes =
      (checked_size(2 * sizeof(float)) * source->n_pairs() * source->n_sites() * source->width())
          .get();
  expected<std::vector<fitted_direction>> sites = std::vector<fitted_direction>();
  if (bytes && *bytes <= options.most_kept_bytes && options.evidence.n_folds > 0) {
    auto kept = keep(*source);
    if (!kept) return forward_error(kept);
    sites = fit_pairs(extract, *kept, workers, options.evidence);
  } else {
    sites = fit_pairs(extract, *source, workers, options.evidence);
  }
  if (!sites) return forward_error(sites);
  std::vector<learned> result;
  const std::size_t n_layers = lm.shape().n_layers - 1;
  for (std::size_t first = 0; first < sites->size(); first += n_layers) {
    auto one = detail::assemble(lm.space(), label, std::span(*sites).subspan(first, n_layers));
    if (!one) return forward_error(one);
    result.push_back(*std::move(one));
  }
  return result;
}

/// Learns from readings by a method's name; see learn_with.
template <executor E>
expected<std::vector<learned>> learn_readings(const language_model& lm, const std::string& label,
                                              std::span<const reading_pair> pairs, E& workers,
                                              const learn_options& options = {}) {
  const auto with = [&](const auto& extract) {
    return learn_with(extract, lm, label, pairs, workers, options);
  };
  switch (options.method) {
    case extraction::mean_difference: break;
    case extraction::principal_component: return with(principal_component{});
    case extraction::centered_principal_component: return with(centered_principal_component{});
    case extraction::ridge: return with(ridge{});
    case extraction::linear_discriminant: return with(linear_discriminant{});
    case extraction::logistic: return with(logistic{});
  }
  return with(mean_difference{});
}

/// Learns a persona for each of several read positions, in one pass over the
/// texts.
///
/// Errors:  those of learn; invalid_argument for no positions.
template <executor E>
expected<std::vector<learned>> learn_positions(const language_model& lm, const std::string& label,
                                               std::span<const contrast_pair> pairs,
                                               std::span<const read_position> positions, E& workers,
                                               const learn_options& options = {}) {
  auto readings = readings_of(*lm.tokenizer, pairs, positions);
  if (!readings) return forward_error(readings);
  return learn_readings(lm, label, *readings, workers, options);
}

/// Learns a persona from pairs of texts: at each layer a unit direction along
/// which the positive texts lie higher, and what is known of it. Block 0 is
/// left out, because files for other tools cannot hold it.
///
/// Errors:  invalid_argument with fewer than 3 pairs or an empty text;
/// out_of_memory;
///          zero_direction if no layer tells the texts apart.
/// Cost:    one batched pass over all texts, in which beginnings that texts
/// share are computed
///          once; a second one if the rows would take more than
///          `most_kept_bytes`. So memory is bounded however many pairs there
///          are (but for a few numbers a pair and layer), except with
///          `extraction::logistic`, which keeps all rows.
/// Example: examples/smallest.cpp
template <executor E>
expected<learned> learn(const language_model& lm, std::string label,
                        std::span<const contrast_pair> pairs, E& workers,
                        const learn_options& options = {}) {
  auto found = learn_positions(lm, label, pairs, std::span(&options.read, 1), workers, options);
  if (!found) return forward_error(found);
  return std::move(found->front());
}

}  // namespace multitudes
