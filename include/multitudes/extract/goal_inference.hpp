// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/extract/read_texts.hpp>
#include <multitudes/persona/goal.hpp>
#include <multitudes/simd/vector_ops.hpp>
#include <multitudes/stats/calibration.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

/// Somebody acts: a situation, what was done in it, and for which of the goals.
struct episode {
  std::string situation;  ///< comes first, as it stands
  std::string action;
  std::size_t goal = 0;
};

/// What goals or episodes look like at one layer: mean rows, one after another.
struct goal_rows {
  layer_index layer;
  std::size_t width = 0;
  std::vector<float> values;  // (n, width)

  [[nodiscard]] std::size_t size() const noexcept { return width == 0 ? 0 : values.size() / width; }
  [[nodiscard]] std::span<const float> row(std::size_t i) const noexcept {
    return std::span(values).subspan(i * width, width);
  }
};

namespace detail {

template <executor E>
expected<goal_rows> read_answers(const language_model& lm, E& workers, layer_index layer,
                                 std::span<const prompted_text> texts, const char* operation) {
  std::vector<reading> readings;
  for (const prompted_text& text : texts) {
    if (text.is_empty()) {
      return empty_side(operation, "text " + std::to_string(readings.size()));
    }
    readings.push_back({text.tokens, {{text.answer, text.tokens.size()}}});
  }
  std::vector<const reading*> all;
  for (const reading& r : readings) all.push_back(&r);
  auto reader = text_reader::make(lm, std::move(all), {layer});
  if (!reader) return forward_error(reader);
  goal_rows rows{layer, reader->width(), {}};
  const auto keep = [&](std::size_t, const read_rows& read) {
    rows.values.insert(rows.values.end(), read.values().begin(), read.values().end());
  };
  if (auto ok = reader->read(workers, keep); !ok) return forward_error(ok);
  return rows;
}

}  // namespace detail

/// Reads goals from what they say: the mean over each statement.
///
/// Errors:  invalid_argument for an empty statement, or a layer that the model lacks.
/// Cost:    one batched pass.
template <executor E>
expected<goal_rows> read_statements(const language_model& lm, E& workers, layer_index layer,
                                    std::span<const goal> goals) {
  std::vector<detail::prompted_text> texts;
  for (const goal& g : goals) texts.emplace_back(*lm.tokenizer, "", g.statement);
  return detail::read_answers(lm, workers, layer, texts, "read goals");
}

/// Reads episodes of acting: the mean over each action, in its situation.
///
/// Errors:  as read_statements, for an empty action.
/// Cost:    one batched pass; a situation that several share is computed once.
template <executor E>
expected<goal_rows> read_episodes(const language_model& lm, E& workers, layer_index layer,
                                  std::span<const episode> episodes) {
  std::vector<detail::prompted_text> texts;
  for (const episode& e : episodes) texts.emplace_back(*lm.tokenizer, e.situation, e.action);
  return detail::read_answers(lm, workers, layer, texts, "read episodes");
}

/// Which goal somebody acts on: the nearest, by the cosine of what is read with each goal's
/// embedding, both from the goals' common mean (without which every row looks like every other).
/// Probabilities are a softmax of cosine / temperature, and mean something once the temperature
/// was fitted on episodes that the embeddings were not made of.
class goal_inference {
 public:
  /// Goals as they were read; row i is goal i.
  ///
  /// Errors:  invalid_argument for fewer than two goals, or if all look the same.
  static expected<goal_inference> of_statements(std::vector<goal> goals, const goal_rows& rows) {
    return make(std::move(goals), rows);
  }
  /// Goals as the mean of the episodes that act on them.
  ///
  /// Errors:  as above; invalid_argument for a goal without an episode, or an episode of none of
  ///          the goals; shape_mismatch if there is not one row for each episode.
  static expected<goal_inference> of_episodes(std::vector<goal> goals,
                                              std::span<const episode> episodes,
                                              const goal_rows& rows) {
    if (auto ok = check(episodes, goals.size(), rows); !ok) return forward_error(ok);
    goal_rows means{rows.layer, rows.width, std::vector<float>(goals.size() * rows.width)};
    std::vector<double> sum(rows.width);
    for (std::size_t g = 0; g < goals.size(); ++g) {
      std::fill(sum.begin(), sum.end(), 0.0);
      double n = 0;
      for (std::size_t i = 0; i < episodes.size(); ++i) {
        if (episodes[i].goal != g) continue;
        n += 1;
        for (std::size_t e = 0; e < rows.width; ++e) sum[e] += static_cast<double>(rows.row(i)[e]);
      }
      if (n == 0) return refuse("goal '" + goals[g].label + "'", "no episode", "at least one");
      for (std::size_t e = 0; e < rows.width; ++e) {
        means.values[g * rows.width + e] = static_cast<float>(sum[e] / n);
      }
    }
    return make(std::move(goals), means);
  }

  [[nodiscard]] layer_index layer() const noexcept { return layer_; }
  /// The goals with their embeddings: mean rows at the layer, not centered.
  [[nodiscard]] std::span<const goal> goals() const noexcept { return goals_; }
  [[nodiscard]] double temperature() const noexcept { return temperature_; }

  /// Fits the temperature on held-out episodes; returns what it does to their log score.
  ///
  /// Errors:  invalid_argument or shape_mismatch for episodes that do not fit the goals or rows.
  expected<stats::temperature_fit> calibrate(std::span<const episode> held_out,
                                             const goal_rows& rows) {
    if (auto ok = check(held_out, goals_.size(), rows); !ok) return forward_error(ok);
    stats::forecast_set forecasts{goals_.size(), {}, {}, {}, {}};
    // In tenths of a cosine: a temperature of 1 is then a usual one, amid those that are tried.
    for (std::size_t i = 0; i < held_out.size(); ++i) {
      for (const double c : cosines(rows.row(i))) forecasts.scores.push_back(10 * c);
      forecasts.truth.push_back(held_out[i].goal);
    }
    auto fit = stats::fit_temperature(forecasts);
    if (fit) temperature_ = fit->temperature / 10;
    return fit;
  }

  /// How probable each goal is: (goals), summing to 1.
  ///
  /// Shapes:  row (width), a mean over actions at `layer()`; of another width it says nothing, and
  ///          all goals are alike.
  [[nodiscard]] std::vector<double> infer(std::span<const float> row) const {
    std::vector<double> p = cosines(row);
    const double top = *std::max_element(p.begin(), p.end());
    double sum = 0;
    for (double& x : p) {
      x = std::exp((x - top) / temperature_);
      sum += x;
    }
    for (double& x : p) x /= sum;
    return p;
  }
  /// The index of the likeliest goal.
  [[nodiscard]] std::size_t nearest(std::span<const float> row) const {
    const auto c = cosines(row);
    return static_cast<std::size_t>(std::max_element(c.begin(), c.end()) - c.begin());
  }

 private:
  static unexpected<error> refuse(std::string place, std::string found, std::string wanted,
                                  errc code = errc::invalid_argument) {
    return fail({.code = code,
                 .operation = "infer goals",
                 .place = std::move(place),
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = {}});
  }
  static expected<void> check(std::span<const episode> episodes, std::size_t n_goals,
                              const goal_rows& rows) {
    if (rows.size() != episodes.size()) {
      return refuse("rows", std::to_string(rows.size()),
                    std::to_string(episodes.size()) + ", one for each episode",
                    errc::shape_mismatch);
    }
    for (std::size_t i = 0; i < episodes.size(); ++i) {
      if (episodes[i].goal < n_goals) continue;
      return refuse("episode " + std::to_string(i), "goal " + std::to_string(episodes[i].goal),
                    "less than " + std::to_string(n_goals));
    }
    return {};
  }
  static expected<goal_inference> make(std::vector<goal> goals, const goal_rows& rows) {
    if (goals.size() < 2 || rows.size() != goals.size()) {
      return refuse("goals",
                    std::to_string(goals.size()) + " with " + std::to_string(rows.size()) + " rows",
                    "at least two, and a row for each");
    }
    goal_inference made;
    made.layer_ = rows.layer;
    made.center_.assign(rows.width, 0.0f);
    for (std::size_t g = 0; g < goals.size(); ++g) {
      goals[g].embedding.assign(rows.row(g).begin(), rows.row(g).end());
      const float share = 1 / static_cast<float>(goals.size());
      simd::axpy<simd::native, float>(share, rows.row(g), made.center_);
    }
    for (std::size_t g = 0; g < goals.size(); ++g) {
      std::vector<float> unit = made.centered(rows.row(g));
      double length = 0;
      for (const float x : unit) length += static_cast<double>(x) * static_cast<double>(x);
      if (!(length > 0) || !std::isfinite(length)) {
        return refuse("goal '" + goals[g].label + "'", "an embedding at the goals' mean",
                      "goals that look different");
      }
      for (float& x : unit) x = static_cast<float>(static_cast<double>(x) / std::sqrt(length));
      made.units_.push_back(std::move(unit));
    }
    made.goals_ = std::move(goals);
    return made;
  }

  [[nodiscard]] std::vector<float> centered(std::span<const float> row) const {
    std::vector<float> away(row.begin(), row.end());
    for (std::size_t e = 0; e < away.size(); ++e) away[e] -= center_[e];
    return away;
  }
  [[nodiscard]] std::vector<double> cosines(std::span<const float> row) const {
    std::vector<double> result(units_.size(), 0.0);
    if (row.size() != center_.size()) return result;
    const std::vector<float> away = centered(row);
    const double length =
        std::sqrt(static_cast<double>(simd::sum_of_squares<simd::native, float>(away)));
    if (!(length > 0) || !std::isfinite(length)) return result;
    for (std::size_t g = 0; g < units_.size(); ++g) {
      result[g] = static_cast<double>(simd::dot<simd::native, float>(units_[g], away)) / length;
    }
    return result;
  }

  layer_index layer_;
  std::vector<goal> goals_;
  std::vector<float> center_;              // (width)
  std::vector<std::vector<float>> units_;  // (goals, width), from the center
  double temperature_ = 0.1;
};

}  // namespace multitudes
