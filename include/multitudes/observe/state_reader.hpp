// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/generate/batch.hpp>
#include <multitudes/generate/capture.hpp>
#include <multitudes/observe/posterior.hpp>
#include <multitudes/observe/valley_measures.hpp>
#include <multitudes/persona/probe.hpp>
#include <multitudes/stats/discriminant_axes.hpp>
#include <multitudes/stats/mixture_fit.hpp>
#include <multitudes/stats/student_tails.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

/// Mean residual rows of consecutive stretches of a text at one layer.
struct state_rows {
  layer_index layer;
  std::size_t width = 0;    ///< model_dim
  std::vector<float> rows;  ///< (n, width)

  [[nodiscard]] std::size_t size() const noexcept { return width == 0 ? 0 : rows.size() / width; }
  [[nodiscard]] std::span<const float> row(std::size_t i) const noexcept {
    return std::span(rows).subspan(i * width, width);
  }
};

namespace detail {

inline expected<void> check_states(const batch& b, layer_index layer, std::size_t stretch) {
  if (layer.value < b.lm().shape().n_layers && stretch != 0) return {};
  return fail({.code = errc::invalid_argument,
               .operation = "read states",
               .place = stretch == 0 ? "stretch" : "layer",
               .found = std::to_string(stretch == 0 ? 0 : layer.value),
               .expected = stretch == 0 ? "at least 1"
                                        : "less than " + std::to_string(b.lm().shape().n_layers),
               .remedy = {}});
}

/// Appends the mean of a feed's rows from token `from` on.
inline void add_mean(const capture& kept, std::size_t feed, std::size_t from, std::size_t stretch,
                     state_rows& to) {
  std::vector<double> sum(to.width, 0.0);
  for (std::size_t t = from; t < from + stretch; ++t) {
    const auto row = kept.row({feed, t}, 0);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<double>(row[i]);
  }
  for (const double x : sum) {
    to.rows.push_back(static_cast<float>(x / static_cast<double>(stretch)));
  }
}

}  // namespace detail

/// Reads a text and keeps the mean residual row of every `stretch` tokens at a layer, from token
/// `first` on; a shorter rest at the end is left out.
///
/// Errors:  invalid_argument if the layer does not exist or `stretch` is 0; those of
///          batch::evaluate.
/// Cost:    a pass over the text; tokens * model_dim floats.
template <executor E>
expected<state_rows> read_states(batch& b, E& workers, std::span<const token_id> tokens,
                                 layer_index layer, std::size_t stretch, std::size_t first = 1,
                                 const steering::attachment& under = {}) {
  if (auto ok = detail::check_states(b, layer, stretch); !ok) return forward_error(ok);
  auto s = b.open();
  if (!s) return forward_error(s);
  const feed news{*s, tokens, 0};
  const layer_index layers[] = {layer};
  const capture kept(std::span(&news, 1), layers, b.lm().shape().model_dim);
  auto outcome = b.steer(*s, under);
  if (outcome) outcome = b.evaluate(workers, std::span(&news, 1), kept);
  b.close(*s);
  if (!outcome) return forward_error(outcome);
  state_rows made{layer, b.lm().shape().model_dim, {}};
  for (std::size_t from = first; from + stretch <= tokens.size(); from += stretch) {
    detail::add_mean(kept, 0, from, stretch, made);
  }
  return made;
}

/// The same stretches, each read as if it were all that had been said: behind the first tokens
/// (the start of a text) and nothing else. States within a text remember who began it for long
/// after somebody else has taken over; these do not.
///
/// Errors:  those of read_states.
/// Cost:    a pass over the text, with as many stretches together as the batch has free sequences.
template <executor E>
expected<state_rows> read_stretches(batch& b, E& workers, std::span<const token_id> tokens,
                                    layer_index layer, std::size_t stretch, std::size_t first = 1) {
  if (auto ok = detail::check_states(b, layer, stretch); !ok) return forward_error(ok);
  state_rows made{layer, b.lm().shape().model_dim, {}};
  first = std::min(first, tokens.size());
  const auto beginning = tokens.first(first);
  std::vector<std::vector<token_id>> texts;
  for (std::size_t from = first; from + stretch <= tokens.size(); from += stretch) {
    texts.emplace_back(beginning.begin(), beginning.end());
    const auto own = tokens.subspan(from, stretch);
    texts.back().insert(texts.back().end(), own.begin(), own.end());
  }
  const layer_index layers[] = {layer};
  std::vector<feed> feeds;
  expected<void> outcome;
  for (std::size_t next = 0; outcome && next < texts.size();) {
    feeds.clear();
    for (; next < texts.size(); ++next) {
      auto s = b.open();
      if (!s) {
        if (feeds.empty()) outcome = forward_error(s);
        break;
      }
      feeds.push_back({*s, texts[next], 0});
    }
    const capture kept(feeds, layers, made.width);
    if (outcome) outcome = b.evaluate(workers, feeds, kept);
    for (std::size_t i = 0; i < feeds.size(); ++i) {
      b.close(feeds[i].sequence);
      if (outcome) detail::add_mean(kept, i, first, stretch, made);
    }
  }
  if (!outcome) return forward_error(outcome);
  return made;
}

struct state_reader_options {
  std::size_t n_axes = 4;  ///< at most; never more than personas - 1
  stats::covariance_form form = stats::covariance_form::shared;
  std::vector<double> prevalences = {};  ///< of the population; empty: shares of the rows
};

/// Reads from residual rows who is speaking: a few discriminant axes at one layer, and a normal
/// distribution for each persona's states along them. What a state says of each persona is read
/// with the heavier tails that states turn out to have (see stats::student_tails).
class state_reader {
 public:
  /// Learns from rows of known personas.
  ///
  /// Shapes:  rows (n, model_dim) of `states`; labels (n).
  /// Errors:  shape_mismatch if the rows are not as wide as the space; those of
  ///          find_discriminant_axes and fit_labeled_mixture.
  static expected<state_reader> learn(const activation_space& space, const state_rows& states,
                                      std::span<const std::size_t> labels, std::size_t n_personas,
                                      const state_reader_options& how = {}) {
    if (states.width != space.model_dim || states.layer.value >= space.n_layers) {
      return fail({.code = errc::shape_mismatch,
                   .operation = "learn state reader",
                   .place = to_string(space),
                   .found = "rows of " + std::to_string(states.width) + " at layer " +
                            std::to_string(states.layer.value),
                   .expected = "rows of that space",
                   .remedy = {}});
    }
    const std::vector<double> wide(states.rows.begin(), states.rows.end());
    auto axes = stats::find_discriminant_axes({wide.data(), states.size(), states.width}, labels,
                                              n_personas, how.n_axes);
    if (!axes) return forward_error(axes);
    const auto points = project_on(*axes, states);
    auto population = stats::fit_labeled_mixture({points.data(), states.size(), axes->size()},
                                                 labels, n_personas, {how.form, how.prevalences});
    if (!population) return forward_error(population);
    std::vector<double> squares;
    for (std::size_t i = 0; i < states.size(); ++i) {
      const auto at = std::span(points).subspan(i * axes->size(), axes->size());
      squares.push_back(population->square_distance(labels[i], at));
    }
    const auto tails = stats::fit_student_tails(squares, axes->size());
    return state_reader(space, states.layer, *std::move(axes), *std::move(population), tails);
  }

  [[nodiscard]] const activation_space& space() const noexcept { return space_; }
  [[nodiscard]] layer_index layer() const noexcept { return layer_; }
  [[nodiscard]] std::size_t dim() const noexcept { return axes_.size(); }
  [[nodiscard]] const stats::discriminant_axes& axes() const noexcept { return axes_; }
  [[nodiscard]] const stats::gaussian_mixture& population() const noexcept { return population_; }
  [[nodiscard]] const stats::student_tails& tails() const noexcept { return tails_; }

  /// The coordinates of a row: (dim), in standard deviations within personas.
  void project(std::span<const float> h, std::span<double> out) const noexcept {
    axes_.project(h, out);
  }
  /// Shapes:  returns (states, dim).
  [[nodiscard]] std::vector<double> project(const state_rows& states) const {
    return project_on(axes_, states);
  }
  /// Log-density of a row under each persona, without prevalences and up to a constant that is the
  /// same for all: evidence, in nats.
  [[nodiscard]] std::vector<double> evidence(std::span<const float> h) const {
    std::vector<double> at(dim());
    project(h, at);
    std::vector<double> nats(population().n_components());
    for (std::size_t k = 0; k < nats.size(); ++k) {
      nats[k] = population().log_peak(k) + tails_.log_fall(population().square_distance(k, at));
    }
    return nats;
  }
  /// How long, in coordinates, a random push of the residual stream by `norm` is (root mean
  /// square): the unit in which activation-space radii are those of the model.
  [[nodiscard]] double reach(double norm) const noexcept {
    double square = 0;
    for (const double x : axes_.axes) square += x * x;
    return norm * std::sqrt(square / static_cast<double>(axes_.dim));
  }

 private:
  state_reader(const activation_space& space, layer_index layer, stats::discriminant_axes axes,
               stats::gaussian_mixture population, const stats::student_tails& tails)
      : space_(space),
        layer_(layer),
        axes_(std::move(axes)),
        population_(std::move(population)),
        tails_(tails) {}

  static std::vector<double> project_on(const stats::discriminant_axes& axes,
                                        const state_rows& states) {
    std::vector<double> points(states.size() * axes.size());
    for (std::size_t i = 0; i < states.size(); ++i) {
      axes.project(states.row(i), std::span(points).subspan(i * axes.size(), axes.size()));
    }
    return points;
  }

  activation_space space_;
  layer_index layer_;
  stats::discriminant_axes axes_;
  stats::gaussian_mixture population_;
  stats::student_tails tails_;
};

/// Whether each step's evidence stands alone or is added to that of the steps before.
enum class accumulation : std::uint8_t { latest, summed };

/// The evidence of a running text by any reader of rows, `evidence(row)`.
template <class Reader>
  requires requires(const Reader& r, std::span<const float> h) {
    { r.evidence(h) } -> std::convertible_to<std::vector<double>>;
  }
[[nodiscard]] evidence_trace evidence_over(const Reader& reader, const state_rows& states,
                                           accumulation how) {
  evidence_trace trace;
  for (std::size_t i = 0; i < states.size(); ++i) {
    std::vector<double> nats = reader.evidence(states.row(i));
    trace.n_personas = nats.size();
    for (std::size_t k = 0; k < nats.size(); ++k) {
      if (how == accumulation::summed && i != 0) nats[k] += trace.row(i - 1)[k];
    }
    trace.nats.insert(trace.nats.end(), nats.begin(), nats.end());
  }
  return trace;
}

/// Reads who is speaking by one probe for each persona, trained against all others together: the
/// log-odds are taken for evidence. Its posterior needs a temperature more than others do.
struct probe_reader {
  std::vector<probe> probes;  ///< (n_personas), of one layer

  [[nodiscard]] std::vector<double> evidence(std::span<const float> h) const {
    std::vector<double> nats;
    for (const probe& p : probes) nats.push_back(p.log_odds(h));
    return nats;
  }
};

}  // namespace multitudes
