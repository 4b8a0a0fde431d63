// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/lab/measure/scorer.hpp>
#include <multitudes/linalg/cholesky.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
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
  /// Ridge regression of each label's presence on the states, about their mean.
  ///
  /// Shapes:  labels below n_labels; the penalty is in units of the states' mean variance.
  /// Errors:  invalid_argument without states, or if they do not vary.
  /// Cost:    n * width² multiply-adds.
  static expected<linear_probe> fit(const noted_states& s, std::size_t n_labels,
                                    double penalty = 1e-3) {
    const std::size_t n = s.labels.size(), d = s.width;
    linear_probe p;
    p.mean_.assign(d, 0.0);
    p.weights_.assign(n_labels * d, 0.0);
    p.bias_.assign(n_labels, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t e = 0; e < d; ++e) p.mean_[e] += static_cast<double>(s.row(i)[e]);
      p.bias_[s.labels[i]] += 1;
    }
    for (double& m : p.mean_) m /= static_cast<double>(std::max<std::size_t>(n, 1));
    for (double& b : p.bias_) b /= static_cast<double>(std::max<std::size_t>(n, 1));
    std::vector<double> covariance(d * d), x(d);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t e = 0; e < d; ++e) x[e] = static_cast<double>(s.row(i)[e]) - p.mean_[e];
      for (std::size_t a = 0; a < d; ++a) {
        for (std::size_t b = 0; b <= a; ++b) covariance[a * d + b] += x[a] * x[b];
      }
      for (std::size_t e = 0; e < d; ++e) p.weights_[s.labels[i] * d + e] += x[e];
    }
    double trace = 0;
    for (std::size_t e = 0; e < d; ++e) trace += covariance[e * d + e];
    for (std::size_t e = 0; e < d; ++e) {
      covariance[e * d + e] += penalty * trace / static_cast<double>(d);
    }
    const auto factor = linalg::cholesky::factor({covariance.data(), d, d});
    if (!factor || n == 0) {
      return fail({.code = errc::invalid_argument,
                   .operation = "fit probe",
                   .place = "states",
                   .found = std::to_string(n) + " that do not vary",
                   .expected = "states that differ",
                   .remedy = {}});
    }
    for (std::size_t k = 0; k < n_labels; ++k) {
      factor->solve(std::span(p.weights_).subspan(k * d, d));
    }
    return p;
  }

  /// The likeliest label.
  [[nodiscard]] std::size_t label_of(std::span<const float> state) const noexcept {
    std::size_t best = 0;
    double most = 0;
    for (std::size_t k = 0; k < bias_.size(); ++k) {
      double sum = bias_[k];
      for (std::size_t e = 0; e < mean_.size(); ++e) {
        sum += weights_[k * mean_.size() + e] * (static_cast<double>(state[e]) - mean_[e]);
      }
      if (k == 0 || sum > most) {
        most = sum;
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
  std::vector<double> mean_;     // (width)
  std::vector<double> weights_;  // (n_labels, width)
  std::vector<double> bias_;     // (n_labels)
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
