// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/lab/measure/ridge.hpp>
#include <multitudes/lab/measure/scorer.hpp>

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// States of a student, and what was so when it was in them.
struct noted_states {
  std::size_t width = 0;
  std::vector<float> rows{};          // (n, width)
  std::vector<std::size_t> labels{};  // (n)

  [[nodiscard]] std::span<const float> row(std::size_t i) const noexcept {
    return std::span(rows).subspan(i * width, width);
  }
};

/// Readout R3: what a linear look at a student's state tells. That something can be read off a
/// state does not say that the student uses it.
class linear_probe {
 public:
  /// Ridge regression of each label's presence on the states.
  ///
  /// Shapes:  labels below n_labels; the penalty is in units of the states' mean variance.
  /// Errors:  those of ridge::fit.
  /// Cost:    that of ridge::fit.
  static expected<linear_probe> fit(const noted_states& s, std::size_t n_labels,
                                    double penalty = 1e-3) {
    const std::size_t n = s.labels.size();
    std::vector<double> presence(n * n_labels);
    for (std::size_t i = 0; i < n; ++i) presence[i * n_labels + s.labels[i]] = 1;
    auto r = ridge::fit({s.rows.data(), n, s.width}, {presence.data(), n, n_labels}, penalty);
    if (!r) return forward_error(r);
    return linear_probe(std::move(*r));
  }

  /// The likeliest label.
  [[nodiscard]] std::size_t label_of(std::span<const float> state) const noexcept {
    std::size_t best = 0;
    double most = 0;
    for (std::size_t k = 0; k < ridge_.n_outputs(); ++k) {
      const double presence = ridge_.predict(state, k);
      if (k == 0 || presence > most) {
        most = presence;
        best = k;
      }
    }
    return best;
  }
  /// The share of states whose label it finds.
  [[nodiscard]] double accuracy(const noted_states& s) const noexcept {
    std::size_t n_right = 0;
    for (std::size_t i = 0; i < s.labels.size(); ++i) n_right += label_of(s.row(i)) == s.labels[i];
    return s.labels.empty() ? 0
                            : static_cast<double>(n_right) / static_cast<double>(s.labels.size());
  }

 private:
  explicit linear_probe(ridge r) noexcept : ridge_(std::move(r)) {}

  ridge ridge_;
};

/// How much better than chance a label is found: 0 at chance, 1 always.
inline double above_chance(double accuracy, std::size_t n_labels) noexcept {
  const double chance = 1 / static_cast<double>(n_labels);
  return (accuracy - chance) / (1 - chance);
}

/// The states of a student after chosen tokens of texts, with a label each.
///
/// Shapes:  at (texts): the token whose state is taken; labels (texts).
/// Errors:  those of scorer::states.
inline expected<noted_states> states_at(scorer& asked, std::span<const std::vector<token_id>> all,
                                        std::span<const std::size_t> at,
                                        std::span<const std::size_t> labels, layer_index layer) {
  noted_states s;
  s.width = asked.who().shape().model_dim;
  auto done = asked.states(
      all, layer, [&](std::size_t i, std::size_t t) { return t == at[i]; },
      [&](std::size_t i, std::size_t, std::span<const float> h) {
        s.rows.insert(s.rows.end(), h.begin(), h.end());
        s.labels.push_back(labels[i]);
      });
  if (!done) return forward_error(done);
  return s;
}

/// What a probe that learnt from three quarters of the states finds of the last quarter.
struct probed {
  double accuracy = 0;
  double of_shuffled = 0;  ///< the same, had the labels been dealt out at random
};

/// Errors:  those of linear_probe::fit.
inline expected<probed> probe_states(const noted_states& s, std::size_t n_labels, philox& random) {
  const std::size_t n = s.labels.size(), cut = n - n / 4;
  const auto part = [&](std::size_t first, std::size_t last, std::span<const std::size_t> labels) {
    const std::span<const float> rows = s.rows;
    const auto some = rows.subspan(first * s.width, (last - first) * s.width);
    noted_states p{s.width, {some.begin(), some.end()}, {}};
    p.labels.assign(labels.begin() + static_cast<std::ptrdiff_t>(first),
                    labels.begin() + static_cast<std::ptrdiff_t>(last));
    return p;
  };
  std::vector<std::size_t> shuffled = s.labels;
  for (std::size_t i = n; i > 1; --i) {
    std::swap(shuffled[i - 1], shuffled[random.below(static_cast<std::uint32_t>(i))]);
  }
  probed found;
  for (const bool is_control : {false, true}) {
    const auto& labels = is_control ? shuffled : s.labels;
    auto p = linear_probe::fit(part(0, cut, labels), n_labels);
    if (!p) return forward_error(p);
    (is_control ? found.of_shuffled : found.accuracy) = p->accuracy(part(cut, n, labels));
  }
  return found;
}

}  // namespace multitudes::lab
