// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/fingerprint.hpp>
#include <multitudes/lab/judging/claim.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace multitudes::lab {

/// The fewest seeds that a claim may be judged by: for fewer nobody has looked how often the
/// intervals cover the truth.
inline constexpr std::size_t fewest_seeds = 5;

/// "claim 3 (prevalence)": what errors and reports call it.
inline std::string title_of(const claim& c) {
  return "claim " + std::to_string(c.number) + " (" + std::string(c.name) + ")";
}

namespace detail {

template <class Declared>
const Declared* find_declared(std::span<const Declared> all, std::string_view name) noexcept {
  for (const Declared& d : all) {
    if (d.name == name) return &d;
  }
  return nullptr;
}

/// What is wrong with the names of a list; nothing if they are there and differ.
template <class Declared>
std::string fault_of_names(std::span<const Declared> all, std::string_view kind) {
  for (const Declared& d : all) {
    if (d.name.empty()) return "a " + std::string(kind) + " without a name";
    if (find_declared(all, d.name) != &d) {
      return "two " + std::string(kind) + "s called \"" + std::string(d.name) + "\"";
    }
  }
  return {};
}

/// An end may be infinite: then nothing is too far on that side.
inline bool is_interval(const stats::interval& i) noexcept {
  return i.low <= i.high && i.low < INFINITY && i.high > -INFINITY;
}

inline std::string fault_of(const claim& c) {
  if (c.number < 1) return "the number " + std::to_string(c.number);
  if (c.name.empty() || c.quotation.empty()) return "no name or no quotation";
  if (c.run == nullptr) return "nothing to run";
  if (c.n_seeds < fewest_seeds) return std::to_string(c.n_seeds) + " seeds";
  for (auto fault : {fault_of_names(c.figures, "figure"), fault_of_names(c.gates, "gate"),
                     fault_of_names(c.pictures, "picture")}) {
    if (!fault.empty()) return fault;
  }
  bool decides = false;
  for (const figure& f : c.figures) {
    if (!f.holds) continue;
    decides = true;
    const bool says_all = std::isinf(f.holds->low) && std::isinf(f.holds->high);
    if (!is_interval(*f.holds) || says_all) {
      return "figure \"" + std::string(f.name) + "\" with a threshold that nothing or all fulfils";
    }
  }
  for (const gate& g : c.gates) {
    if (!is_interval(g.passes)) return "gate \"" + std::string(g.name) + "\" that nothing passes";
  }
  return decides ? std::string() : "no figure with a threshold";
}

}  // namespace detail

/// Whether a claim says all that is needed to judge it.
///
/// Errors:  invalid_argument.
inline expected<void> check_claim(const claim& c) {
  if (std::string fault = detail::fault_of(c); !fault.empty()) {
    return fail({.code = errc::invalid_argument,
                 .operation = "claim",
                 .place = title_of(c),
                 .found = std::move(fault),
                 .expected = "a number, a name, a quotation, an experiment, at least " +
                             std::to_string(fewest_seeds) +
                             " seeds, names that differ, and a figure with a threshold that can "
                             "be missed",
                 .remedy = "complete its declaration"});
  }
  return {};
}

/// The same for all of them; their numbers differ.
inline expected<void> check_claims(std::span<const claim> claims) {
  for (const claim& c : claims) {
    if (auto done = check_claim(c); !done) return done;
    const auto same = [&](const claim& other) { return other.number == c.number; };
    if (&*std::find_if(claims.begin(), claims.end(), same) != &c) {
      return fail({.code = errc::invalid_argument,
                   .operation = "claim",
                   .place = title_of(c),
                   .found = "another claim with this number",
                   .expected = {},
                   .remedy = "give each claim a number of its own"});
    }
  }
  return {};
}

/// What a run decides by: the quotation, the figures with their thresholds, the gates, the seeds.
/// Results of another declaration are results of another claim. Explanations may be
/// reworded.
inline fingerprint fingerprint_of(const claim& c) noexcept {
  fingerprint_builder all;
  const auto add = [&](const stats::interval& i) {
    // So that zero is one number.
    all.add(std::bit_cast<std::uint64_t>(i.low + 0.0))
        .add(std::bit_cast<std::uint64_t>(i.high + 0.0));
  };
  all.add(static_cast<std::uint64_t>(c.number)).add(c.quotation);
  all.add(c.n_seeds).add(c.first_seed);
  all.add(c.figures.size());
  for (const figure& f : c.figures) {
    all.add(f.name).add(static_cast<std::uint64_t>(f.how)).add(f.unit);
    all.add(f.holds ? 1u : 0u);
    if (f.holds) add(*f.holds);
  }
  all.add(c.gates.size());
  for (const gate& g : c.gates) {
    all.add(g.name).add(g.unit);
    add(g.passes);
  }
  return all.finish();
}

}  // namespace multitudes::lab
