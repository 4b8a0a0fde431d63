// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/philox.hpp>
#include <multitudes/linalg/regression.hpp>
#include <multitudes/stats/bootstrap.hpp>
#include <multitudes/stats/interval.hpp>
#include <multitudes/stats/summary.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace multitudes {

/// How directions are judged.
struct evidence_options {
  std::size_t n_folds = 5;     ///< for extractors that look at more than means; 0: judge nothing
  std::size_t n_shuffles = 5;  ///< controls in which the sides of pairs change places at random
  double confidence = 0.95;
  std::uint64_t seed = 1;  ///< of the bootstrap and the shuffles
};

/// How well a layer tells the two kinds of text apart. Every pair is judged by a direction that
/// it had no part in: what all others give, or for costly extractors the other folds. So a
/// direction is never praised for what it was made of.
struct layer_evidence {
  double effect_size = 0;        ///< mean over standard deviation of the pairs' projections
  stats::interval interval;      ///< of the effect size, bootstrap over pairs
  double accuracy = 0;           ///< share of pairs whose difference points the right way
  double text_accuracy = 0;      ///< share of texts on their side of `link`'s border
  double positive_mean = 0;      ///< projection of the positive texts on the direction
  double negative_mean = 0;      ///< projection of the negative texts
  linalg::logistic_link link;    ///< of a text's projection to its log-odds of being positive
  std::vector<double> shuffled;  ///< (n_shuffles) effect sizes where there is nothing to find

  /// Told from chance: the interval lies above zero, and the effect above every shuffled one.
  [[nodiscard]] bool is_above_chance() const noexcept {
    return interval.low > 0 &&
           std::all_of(shuffled.begin(), shuffled.end(), [&](double s) { return effect_size > s; });
  }
};

namespace detail {

inline std::optional<double> effect_of(std::span<const double> projections) {
  const auto mean = stats::mean(projections);
  const auto spread = stats::standard_deviation(projections);
  if (!mean || !spread || !(*spread > 0)) return std::nullopt;
  return *mean / *spread;
}

/// Held-out projections at one site; see layer_evidence.
struct held_out {
  std::vector<std::vector<double>> differences;  // (labelings, n_pairs); the first is the true one
  std::vector<double> positive;                  // (n_pairs)
  std::vector<double> negative;                  // (n_pairs)

  held_out() = default;
  held_out(std::size_t n_labelings, std::size_t n_pairs)
      : differences(n_labelings, std::vector<double>(n_pairs)),
        positive(n_pairs),
        negative(n_pairs) {}

  void judge(const evidence_options& options, std::uint64_t stream, layer_evidence& out) const {
    const auto share = [](std::span<const double> items, auto right) {
      return static_cast<double>(std::count_if(items.begin(), items.end(), right)) /
             static_cast<double>(items.size());
    };
    const std::span<const double> truth = differences[0];
    out.effect_size = effect_of(truth).value_or(0);
    philox random(options.seed, stream);
    out.interval = stats::bootstrap(truth, effect_of, options.confidence, 1000, random);
    out.accuracy = share(truth, [](double x) { return x > 0; });
    out.link = linalg::fit_link(positive, negative);
    const auto score = [&](double x) { return out.link.slope * x + out.link.bias; };
    out.text_accuracy = (share(positive, [&](double x) { return score(x) > 0; }) +
                         share(negative, [&](double x) { return score(x) < 0; })) /
                        2;
    for (std::size_t c = 1; c < differences.size(); ++c) {
      out.shuffled.push_back(effect_of(differences[c]).value_or(0));
    }
  }
};

/// Whether a pair keeps its sides in a labeling: the first is the true one.
inline double side_of(std::uint64_t seed, std::size_t labeling, std::size_t pair) noexcept {
  if (labeling == 0) return 1;
  constexpr std::uint64_t streams = std::uint64_t{1} << 40;  // apart from those of the bootstraps
  return philox(seed, streams + labeling, pair)() % 2 == 0 ? 1 : -1;
}

}  // namespace detail
}  // namespace multitudes
