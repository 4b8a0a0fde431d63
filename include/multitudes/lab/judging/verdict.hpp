// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/fingerprint.hpp>
#include <multitudes/stats/holm.hpp>
#include <multitudes/stats/interval.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes::lab {

enum class verdict : std::uint8_t {
  supported,     ///< every deciding figure lies within its threshold, with its whole interval
  refuted,       ///< one lies beyond it, with its whole interval
  inconclusive,  ///< neither
  gate_failed,   ///< too few seeds learned what they had to, to be asked
};

constexpr std::string_view name(verdict v) noexcept {
  switch (v) {
    case verdict::supported: return "SUPPORTED";
    case verdict::refuted: return "REFUTED";
    case verdict::inconclusive: return "INCONCLUSIVE";
    case verdict::gate_failed: return "GATE-FAILED";
  }
  return "UNKNOWN";
}

struct judged_figure {
  std::string name{};
  std::string unit{};
  std::optional<stats::interval> holds{};  ///< the threshold; nothing if the figure decides nothing
  double estimate = 0;
  stats::interval middle = stats::interval::whole_line();  ///< of 95 %
  double p = 1;  ///< the bootstrap's probability that it lies outside of the threshold
  std::vector<std::optional<double>>
      by_seed{};  ///< of each seed; nothing for one that did not pass
};

struct judged_gate {
  std::string name{};
  std::string unit{};
  stats::interval passes{};
  std::vector<double> by_seed{};
};

/// A line of a picture: the mean over the seeds that passed.
struct judged_line {
  struct point {
    double x = 0;
    double y = 0;
    stats::interval middle = stats::interval::whole_line();  ///< of 95 %; unknown with one seed
  };
  std::string picture{};
  std::string label{};
  std::vector<point> points{};
};

/// What came out of a claim's seeds.
struct judgement {
  struct seed {
    std::uint64_t number = 0;
    bool passed = false;  ///< all gates
  };

  int number = 0;
  std::string name{};
  fingerprint declaration{};  ///< of the claim as it was when it was judged
  bool quick = false;         ///< a small budget: no verdict
  std::size_t n_wanted = 0;   ///< seeds that the claim fixes
  std::vector<seed> seeds{};
  std::vector<judged_gate> gates{};
  std::vector<judged_figure> figures{};  ///< empty if no seed passed
  std::vector<judged_line> lines{};
  double seconds = 0;     ///< that the machine took, all seeds together
  std::string command{};  ///< that ran it
  std::string commit{};   ///< in which the thresholds stood

  double corrected_p = 1;          ///< by Holm, over all claims
  std::optional<verdict> found{};  ///< nothing for runs that are not confirmatory

  [[nodiscard]] std::size_t n_passed() const noexcept {
    return static_cast<std::size_t>(
        std::count_if(seeds.begin(), seeds.end(), [](const seed& s) { return s.passed; }));
  }
  /// The full budget, and as many seeds as were fixed.
  [[nodiscard]] bool is_confirmatory() const noexcept {
    return !quick && n_wanted > 0 && seeds.size() >= n_wanted;
  }
  /// Four seeds in five, rounded up.
  [[nodiscard]] std::size_t n_needed() const noexcept { return (4 * seeds.size() + 4) / 5; }

  /// The largest doubt about any figure that decides: a claim is supported only if all hold, hence
  /// the number of its figures needs no correction.
  [[nodiscard]] double p() const noexcept {
    double largest = 0;
    bool decides = false;
    for (const judged_figure& f : figures) {
      if (!f.holds) continue;
      decides = true;
      // Also where p is not a number.
      if (!(f.p <= largest)) largest = f.p >= 0 && f.p <= 1 ? f.p : 1;
    }
    return decides ? largest : 1;
  }
};

/// What families of claims may err: the probability that any of them is found supported though its
/// figures lie outside of their thresholds. A single such claim is found supported with half of
/// that, because an interval of 95 % misses on either side.
inline constexpr double family_error = 0.05;

namespace detail {

/// Every comparison that a number which is none takes part in is false.
inline bool lies_inside(const judged_figure& f) noexcept {
  return std::isfinite(f.estimate) && f.holds->low <= f.middle.low &&
         f.middle.high <= f.holds->high && f.middle.low <= f.middle.high;
}
inline bool lies_outside(const judged_figure& f) noexcept {
  return std::isfinite(f.estimate) && f.middle.low <= f.middle.high &&
         (f.middle.high < f.holds->low || f.holds->high < f.middle.low);
}

inline std::optional<verdict> verdict_on(const judgement& j) {
  if (!j.is_confirmatory()) return std::nullopt;
  if (j.n_passed() < j.n_needed()) return verdict::gate_failed;
  bool decides = false;
  bool all_inside = true;
  for (const judged_figure& f : j.figures) {
    if (!f.holds) continue;
    decides = true;
    if (lies_outside(f)) return verdict::refuted;
    all_inside = all_inside && lies_inside(f);
  }
  const bool supported = decides && all_inside && j.corrected_p <= family_error;
  return supported ? verdict::supported : verdict::inconclusive;
}

}  // namespace detail

/// Gives the verdicts on claims that are judged together: SUPPORTED if the interval of every
/// deciding figure lies within its threshold, and the claim's p, corrected by Holm's method for the
/// number of claims, is at most 5 %; REFUTED if the interval of one lies wholly beyond; else
/// INCONCLUSIVE. GATE-FAILED where fewer than four seeds in five passed. Quick runs, and runs of
/// fewer seeds than were fixed, have none.
///
/// `n_claims` counts those that are not run yet too: what is supported now remains so when they
/// are. Where a claim predicts that nothing happens, its threshold is a margin on both sides of
/// zero; an interval of 95 % within it passes two one-sided tests at 2.5 %.
inline void decide(std::span<judgement> judged, std::size_t n_claims) {
  std::vector<double> p(std::max(n_claims, judged.size()), 1.0);
  for (std::size_t i = 0; i < judged.size(); ++i) {
    const judgement& j = judged[i];
    if (j.is_confirmatory() && j.n_passed() >= j.n_needed()) p[i] = j.p();
  }
  const auto corrected = stats::holm(p);
  for (std::size_t i = 0; i < judged.size(); ++i) {
    judged[i].corrected_p = corrected[i];
    judged[i].found = detail::verdict_on(judged[i]);
  }
}

}  // namespace multitudes::lab
