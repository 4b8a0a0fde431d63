// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/judging/declaration.hpp>

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace multitudes::lab {

/// What one seed showed of a claim.
struct seed_outcome {
  std::uint64_t seed = 0;
  double seconds = 0;  ///< that the machine took
  outcome what{};
};

namespace detail {

inline const outcome::sample* find_sample(const outcome& o, std::string_view figure) noexcept {
  for (const outcome::sample& s : o.samples) {
    if (s.figure == figure) return &s;
  }
  return nullptr;
}

inline error outcome_fault(const claim& c, std::uint64_t seed, errc code, std::string found,
                           std::string wanted) {
  return {.code = code,
          .operation = "judge",
          .place = title_of(c) + ", seed " + std::to_string(seed),
          .found = std::move(found),
          .expected = std::move(wanted),
          .remedy = "correct the claim's run, and run the seed again"};
}

inline std::string in_quotes(std::string_view name) { return "\"" + std::string(name) + "\""; }

inline bool is_finite(const observation& o) noexcept {
  return std::isfinite(o.x) && std::isfinite(o.y);
}

/// What is wrong with the numbers of a seed that passed its gates.
inline expected<void> check_numbers(const claim& c, const seed_outcome& s) {
  const auto fault = [&](errc code, std::string found, std::string wanted) {
    return fail(outcome_fault(c, s.seed, code, std::move(found), std::move(wanted)));
  };
  for (const figure& f : c.figures) {
    const outcome::sample* sample = find_sample(s.what, f.name);
    if (sample == nullptr || sample->items.empty()) {
      return fault(errc::not_found, "nothing seen of the figure " + in_quotes(f.name),
                   "at least one item");
    }
    for (const observation& o : sample->items) {
      if (is_finite(o)) continue;
      return fault(errc::non_finite,
                   "a number of the figure " + in_quotes(f.name) + " that is not finite",
                   "finite numbers");
    }
  }
  for (const outcome::line& l : s.what.lines) {
    for (const observation& o : l.points) {
      if (is_finite(o)) continue;
      return fault(errc::non_finite,
                   "a point of the picture " + in_quotes(l.picture) + " that is not finite",
                   "finite numbers");
    }
  }
  return {};
}

/// Names that are not declared, or come twice.
inline expected<void> check_names(const claim& c, const seed_outcome& s) {
  const auto fault = [&](std::string found) {
    return fail(outcome_fault(c, s.seed, errc::invalid_argument, std::move(found),
                              "names that the claim declares, each once"));
  };
  for (const outcome::sample& sample : s.what.samples) {
    if (find_declared(c.figures, sample.figure) == nullptr) {
      return fault("the figure " + in_quotes(sample.figure));
    }
    if (find_sample(s.what, sample.figure) != &sample) {
      return fault("two samples of " + in_quotes(sample.figure));
    }
  }
  for (const outcome::line& l : s.what.lines) {
    if (find_declared(c.pictures, l.picture) == nullptr) {
      return fault("the picture " + in_quotes(l.picture));
    }
  }
  for (const outcome::reading& r : s.what.gates) {
    if (find_declared(c.gates, r.gate) == nullptr) return fault("the gate " + in_quotes(r.gate));
  }
  return {};
}

}  // namespace detail

/// Whether a seed passed all gates of the claim, and may be counted. One that did not need not have
/// shown anything else.
///
/// Errors:  not_found for a gate without a reading, or a figure without an item; non_finite for a
///          number that is none; invalid_argument for what the claim does not declare, or twice.
inline expected<bool> passes_gates(const claim& c, const seed_outcome& s) {
  if (auto done = detail::check_names(c, s); !done) return forward_error(done);
  bool passes = true;
  for (const gate& g : c.gates) {
    const outcome::reading* found = nullptr;
    for (const outcome::reading& r : s.what.gates) {
      if (r.gate != g.name) continue;
      if (found != nullptr) {
        return fail(detail::outcome_fault(c, s.seed, errc::invalid_argument,
                                          "two readings of the gate " + detail::in_quotes(g.name),
                                          "one"));
      }
      found = &r;
    }
    if (found == nullptr || !std::isfinite(found->value)) {
      const bool missing = found == nullptr;
      return fail(detail::outcome_fault(
          c, s.seed, missing ? errc::not_found : errc::non_finite,
          (missing ? "no reading of the gate " : "no finite reading of the gate ") +
              detail::in_quotes(g.name),
          "a number"));
    }
    passes = passes && g.passes.contains(found->value);
  }
  if (!passes) return false;
  if (auto done = detail::check_numbers(c, s); !done) return forward_error(done);
  return true;
}

}  // namespace multitudes::lab
