// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/executor.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/extract/pairs.hpp>
#include <multitudes/generate/capture.hpp>
#include <multitudes/persona/persona.hpp>
#include <multitudes/persona/reading_axis.hpp>
#include <multitudes/stats/bootstrap.hpp>
#include <multitudes/stats/effect_size.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

/// Which rows of a text stand for it.
enum class read_position {
  after_difference,  ///< the mean from the first token on in which the two texts differ
  mean_over_text,    ///< the mean over all tokens but the beginning-of-text one
  last_token,
};

/// How a persona is learned.
struct contrast_options {
  read_position read = read_position::after_difference;
  double confidence = 0.95;
  std::uint64_t seed = 1;  ///< of the bootstrap
};

/// How well a layer tells the two kinds of text apart. Every pair is judged by the direction that
/// the other pairs give, so that a direction is never praised for what it was made of.
struct layer_evidence {
  double effect_size = 0;    ///< mean over standard deviation of the pairs' projections
  stats::interval interval;  ///< of the effect size, bootstrap over pairs
  double accuracy = 0;       ///< share of pairs whose difference points the right way
  double positive_mean = 0;  ///< projection of the positive texts on the direction
  double negative_mean = 0;  ///< projection of the negative texts
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

/// The axis of a learned persona at one layer. Read it behind the last steered layer: at a steered
/// layer it shows what was just added, and not what the model made of it.
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
                      layer,
                      {row.begin(), row.end()},
                      (evidence.positive_mean + evidence.negative_mean) / 2,
                      (evidence.positive_mean - evidence.negative_mean) / 2};
}

namespace detail {

/// What the pairs look like inside the model: one row for each text and layer.
class pair_activations {
 public:
  pair_activations(std::size_t n_pairs, std::size_t n_layers, std::size_t width)
      : n_layers_(n_layers), width_(width), rows_(2 * n_pairs * n_layers * width) {}

  [[nodiscard]] std::span<float> row(std::size_t pair, bool positive, std::size_t layer) noexcept {
    const std::size_t text = 2 * pair + (positive ? 0 : 1);
    return std::span(rows_).subspan((text * n_layers_ + layer) * width_, width_);
  }

 private:
  std::size_t n_layers_;
  std::size_t width_;
  std::vector<float> rows_;  // (n_pairs, positive and negative, n_layers, model_dim)
};

/// The first token of a text that stands for it; never one of the `begin` that start every text.
inline std::size_t first_read(read_position read, std::span<const token_id> text,
                              std::span<const token_id> other, std::size_t begin) noexcept {
  if (read == read_position::mean_over_text) return begin;
  std::size_t first = text.size() - 1;
  if (read == read_position::after_difference) {
    const auto parting = std::mismatch(text.begin(), text.end(), other.begin(), other.end());
    first = std::min(first, static_cast<std::size_t>(parting.first - text.begin()));
  }
  return std::max(first, begin);
}

/// Runs both texts of every pair through the model, several pairs in one batch.
template <executor E>
expected<pair_activations> read_pair_activations(const language_model& lm, E& workers,
                                                 std::span<const contrast_pair> pairs,
                                                 read_position read) {
  constexpr std::size_t group = 8;
  const std::size_t n_layers = lm.shape().n_layers;
  const std::size_t width = lm.shape().model_dim;
  std::vector<std::vector<token_id>> texts;
  const std::size_t begin = lm.tokenizer->encode("").size();
  std::size_t longest = 1;
  for (const contrast_pair& pair : pairs) {
    for (const std::string* text : {&pair.positive, &pair.negative}) {
      texts.push_back(lm.tokenizer->encode(*text));
      longest = std::max(longest, texts.back().size());
      if (texts.back().size() <= begin) {
        return fail({.code = errc::invalid_argument,
                     .operation = "learn from pairs",
                     .place = "pair " + std::to_string((texts.size() - 1) / 2),
                     .found = "a text without tokens",
                     .expected = "two texts to compare",
                     .remedy = "fill or remove the pair"});
      }
    }
  }
  auto b = batch::make(lm, {.n_sequences = 2 * group, .context = longest});
  if (!b) return forward_error(b);
  std::vector<layer_index> layers;
  for (std::size_t l = 0; l < n_layers; ++l) layers.emplace_back(l);
  std::vector<sequence_id> sequences;
  for (std::size_t i = 0; i < 2 * group; ++i) {
    auto s = b->open();
    if (!s) return forward_error(s);
    sequences.push_back(*s);
  }
  pair_activations result(pairs.size(), n_layers, width);
  std::vector<feed> feeds;
  for (std::size_t first = 0; first < texts.size(); first += 2 * group) {
    feeds.clear();
    for (std::size_t i = first; i < std::min(first + 2 * group, texts.size()); ++i) {
      b->truncate(sequences[i - first], 0);
      feeds.push_back({sequences[i - first], texts[i], 0});
    }
    const capture rows(feeds, layers, width);
    if (auto ok = b->evaluate(workers, feeds, rows); !ok) return forward_error(ok);
    for (std::size_t f = 0; f < feeds.size(); ++f) {
      const std::size_t n_tokens = feeds[f].tokens.size();
      const std::size_t from = first_read(read, feeds[f].tokens, feeds[f ^ 1].tokens, begin);
      for (std::size_t l = 0; l < n_layers; ++l) {
        const std::span<float> into = result.row((first + f) / 2, f % 2 == 0, l);
        for (std::size_t t = from; t < n_tokens; ++t) {
          const std::span<const float> h = rows.row({f, t}, l);
          for (std::size_t e = 0; e < width; ++e) into[e] += h[e];
        }
        for (float& element : into) element /= static_cast<float>(n_tokens - from);
      }
    }
  }
  return result;
}

/// Effect size, accuracy and means at one layer, and the unit direction itself.
inline layer_evidence judge_layer(pair_activations& rows, std::size_t n_pairs, std::size_t layer,
                                  std::span<float> direction, const contrast_options& options) {
  const std::size_t width = direction.size();
  std::vector<double> sum(width, 0.0);
  const auto difference = [&](std::size_t pair, std::size_t e) {
    return static_cast<double>(rows.row(pair, true, layer)[e]) -
           static_cast<double>(rows.row(pair, false, layer)[e]);
  };
  for (std::size_t i = 0; i < n_pairs; ++i) {
    for (std::size_t e = 0; e < width; ++e) sum[e] += difference(i, e);
  }
  double length = 0;
  for (const double x : sum) length += x * x;
  length = std::sqrt(length);
  if (!(length > 0)) return {};  // the texts do not differ here: no direction, no evidence
  for (std::size_t e = 0; e < width; ++e) direction[e] = static_cast<float>(sum[e] / length);

  layer_evidence evidence;
  std::vector<double> projections(n_pairs);
  for (std::size_t i = 0; i < n_pairs; ++i) {
    double others = 0;
    double along = 0;
    for (std::size_t e = 0; e < width; ++e) {
      const double d = difference(i, e);
      const double other = sum[e] - d;
      others += other * other;
      along += d * other;
      evidence.positive_mean +=
          static_cast<double>(rows.row(i, true, layer)[e]) * static_cast<double>(direction[e]);
      evidence.negative_mean +=
          static_cast<double>(rows.row(i, false, layer)[e]) * static_cast<double>(direction[e]);
    }
    projections[i] = others > 0 ? along / std::sqrt(others) : 0;
    if (projections[i] > 0) evidence.accuracy += 1;
  }
  const auto n = static_cast<double>(n_pairs);
  evidence.accuracy /= n;
  evidence.positive_mean /= n;
  evidence.negative_mean /= n;
  const auto effect = [](std::span<const double> items) -> std::optional<double> {
    const auto mean = stats::mean(items);
    const auto spread = stats::standard_deviation(items);
    if (!mean || !spread || !(*spread > 0)) return std::nullopt;
    return *mean / *spread;
  };
  evidence.effect_size = effect(projections).value_or(0);
  philox random(options.seed, layer);
  evidence.interval = stats::bootstrap(projections, effect, options.confidence, 1000, random);
  return evidence;
}

}  // namespace detail

/// Learns a persona from pairs of texts: at each layer, the mean difference between the residual
/// rows of the positive and the negative texts, at unit length. Block 0 is left out, because
/// files for other tools cannot hold it.
///
/// Errors:  invalid_argument with fewer than 3 pairs or an empty text; out_of_memory;
///          zero_direction if no layer tells the texts apart.
/// Cost:    one batched pass over all texts; memory for 2 * n_layers * model_dim floats a pair.
/// Source:  Marks and Tegmark 2023, arXiv:2310.06824; Rimsky et al. 2023, arXiv:2312.06681.
/// Example: examples/smallest.cpp
template <executor E>
expected<learned> learn(const language_model& lm, std::string label,
                        std::span<const contrast_pair> pairs, E& workers,
                        const contrast_options& options = {}) {
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
  auto rows = detail::read_pair_activations(lm, workers, pairs, options.read);
  if (!rows) return forward_error(rows);
  const activation_space space = lm.space();
  std::vector<float> values(std::size_t{space.n_layers} * space.model_dim, 0.0f);
  std::vector<layer_evidence> layers(space.n_layers);
  bool any = false;
  for (std::size_t l = 1; l < space.n_layers; ++l) {
    const auto row = std::span(values).subspan(l * space.model_dim, space.model_dim);
    layers[l] = detail::judge_layer(*rows, pairs.size(), l, row, options);
    any = any || row[0] != 0 || simd::sum_of_squares<simd::native, float>(row) > 0;
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
  auto who = persona::make(std::move(label), *std::move(d));
  if (!who) return forward_error(who);
  return learned{*std::move(who), std::move(layers)};
}

}  // namespace multitudes
