// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/judging/results.hpp>
#include <multitudes/lab/judging/verdict.hpp>
#include <multitudes/report/number.hpp>

#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>

namespace multitudes::lab {

/// Three digits that count, or as many as stand before the point.
inline std::string in_words(double value) {
  const double size = std::abs(value);
  const int decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
  return report::fixed(value, decimals);
}

/// "0.91 to 1.04"; "unknown" where an end is.
inline std::string in_words(const stats::interval& i) {
  if (!std::isfinite(i.low) || !std::isfinite(i.high)) return "unknown";
  return in_words(i.low) + " to " + in_words(i.high);
}

/// A threshold: "at least 0.7", "at most 2", "0.7 to 1.3". As it was declared, whatever its digits.
inline std::string threshold_in_words(const stats::interval& i) {
  const auto plain = [](double x) {
    std::string text = report::fixed(x, 6);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
  };
  if (std::isinf(i.high)) return "at least " + plain(i.low);
  if (std::isinf(i.low)) return "at most " + plain(i.high);
  return plain(i.low) + " to " + plain(i.high);
}

namespace detail {

inline std::string with_unit(std::string number, std::string_view unit) {
  return unit.empty() ? number : number + " " + std::string(unit);
}

inline std::string count_of(std::size_t n, std::string_view thing) {
  return std::to_string(n) + " " + std::string(thing) + (n == 1 ? "" : "s");
}

/// The figure that a judgement turned on: the one that refuted, else the first that does not hold,
/// else the first that decides.
inline const judged_figure* main_figure(const judgement& j) noexcept {
  const judged_figure* first = nullptr;
  const judged_figure* open = nullptr;
  for (const judged_figure& f : j.figures) {
    if (!f.holds) continue;
    if (lies_outside(f)) return &f;
    if (first == nullptr) first = &f;
    if (open == nullptr && !lies_inside(f)) open = &f;
  }
  return open != nullptr ? open : first;
}

inline std::string figure_sentence(const judged_figure& f) {
  return f.name + " is " + with_unit(in_words(f.estimate), f.unit) + " (95 % interval " +
         in_words(f.middle) + ")";
}

}  // namespace detail

/// A word or two for the summary.
inline std::string status_of(const claim& c, const judgement* j) {
  if (j == nullptr) return "not run";
  if (!is_current(*j, c)) return "out of date";
  if (j->found) return std::string(name(*j->found));
  if (j->quick) return "quick, no verdict";
  return std::to_string(j->seeds.size()) + " of " + detail::count_of(j->n_wanted, "seed") +
         ", no verdict";
}

/// What was found, in one sentence.
inline std::string finding_on(const claim& c, const judgement* j) {
  if (j == nullptr) return "This claim has not been run yet.";
  if (!is_current(*j, c)) {
    return "The claim, its figures or its thresholds were changed after it was run, so that what "
           "was found then says nothing of it as it stands here.";
  }
  const judged_figure* f = detail::main_figure(*j);
  const std::string seeds = detail::count_of(j->n_passed(), "seed");
  if (j->found == verdict::gate_failed) {
    return "The claim could not be put to the test: only " + std::to_string(j->n_passed()) +
           " of " + detail::count_of(j->seeds.size(), "seed") + " passed the gates, and " +
           std::to_string(j->n_needed()) + " must.";
  }
  if (f == nullptr) return "No seed passed the gates, so that nothing was measured.";
  const std::string says = detail::figure_sentence(*f) + " over " + seeds;
  const std::string needs = threshold_in_words(*f->holds);
  if (!j->found) {
    return std::string(j->quick ? "A quick run with a small budget" : "A run of too few seeds") +
           " shows that " + says + ", where the claim needs " + needs + "; that is no verdict.";
  }
  switch (*j->found) {
    case verdict::supported: {
      std::size_t n = 0;
      for (const judged_figure& other : j->figures) n += other.holds ? 1u : 0u;
      return "The measurements support the claim: " + says + ", where it needs " + needs +
             (n > 1 ? ", and so with all " + std::to_string(n) + " figures that decide." : ".");
    }
    case verdict::refuted:
      return "The measurements refute the claim: " + says + ", where it needs " + needs + ".";
    default: break;
  }
  if (detail::lies_inside(*f)) {
    return "The measurements point the claim's way, but not surely enough among so many claims: " +
           says + ", where it needs " + needs + ".";
  }
  return "The measurements do not decide: " + says + ", where the claim needs " + needs + ".";
}

}  // namespace multitudes::lab
