// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/format/durable.hpp>
#include <multitudes/lab/judging/declaration.hpp>
#include <multitudes/lab/judging/detail/json_fields.hpp>
#include <multitudes/lab/judging/verdict.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes::lab {

/// What came out of claims that are judged together.
struct results {
  bool null_world = false;   ///< nothing of what the claims say can be so
  std::size_t n_claims = 0;  ///< also those that are not run yet
  std::vector<judgement> claims{};

  [[nodiscard]] const judgement* find(int number) const noexcept {
    for (const judgement& j : claims) {
      if (j.number == number) return &j;
    }
    return nullptr;
  }
};

/// Whether results are of the claim as its source has it now. If not, its quotation, a figure, a
/// threshold or a gate has changed since.
inline bool is_current(const judgement& j, const claim& c) noexcept {
  return j.number == c.number && j.declaration == fingerprint_of(c);
}

namespace detail {

inline constexpr std::string_view results_format = "multitudes lab results 1";

inline void write_judgement(json_writer& out, const judgement& j) {
  out.raw("{").key("number").integer(static_cast<std::uint64_t>(j.number)).raw(", ");
  out.key("name").text(j.name).raw(",\n  ").key("verdict");
  if (j.found) {
    out.text(lab::name(*j.found));
  } else {
    out.raw("null");
  }
  out.raw(", ").key("p").number(j.p()).raw(", ").key("corrected_p").number(j.corrected_p);
  out.raw(",\n  ").key("quick").boolean(j.quick);
  out.raw(", ").key("declaration").hex(j.declaration);
  out.raw(", ").key("seeds_fixed").integer(j.n_wanted).raw(",\n  ");
  out.key("command").text(j.command).raw(", ").key("commit").text(j.commit).raw(", ");
  out.key("seconds").number(j.seconds).raw(",\n  ").key("seeds");
  out.list(j.seeds, ", ", [&](const judgement::seed& s) { out.integer(s.number); });
  out.raw(", ").key("passed");
  out.list(j.seeds, ", ", [&](const judgement::seed& s) { out.boolean(s.passed); });
  out.raw(",\n  ").key("gates");
  out.list(j.gates, ",\n   ", [&](const judged_gate& g) {
    out.raw("{").key("name").text(g.name).raw(", ").key("unit").text(g.unit).raw(", ");
    out.key("passes").range(g.passes).raw(", ").key("by_seed");
    out.list(g.by_seed, ", ", [&](double v) { out.number(v); }).raw("}");
  });
  out.raw(",\n  ").key("figures");
  out.list(j.figures, ",\n   ", [&](const judged_figure& f) {
    out.raw("{").key("name").text(f.name).raw(", ").key("unit").text(f.unit).raw(", ");
    out.key("holds");
    if (f.holds) {
      out.range(*f.holds);
    } else {
      out.raw("null");
    }
    out.raw(", ").key("estimate").number(f.estimate).raw(", ").key("interval").range(f.middle);
    out.raw(", ").key("p").number(f.p).raw(", ").key("by_seed");
    out.list(f.by_seed, ", ", [&](std::optional<double> v) { out.maybe(v); }).raw("}");
  });
  out.raw(",\n  ").key("lines");
  out.list(j.lines, ",\n   ", [&](const judged_line& l) {
    out.raw("{").key("picture").text(l.picture).raw(", ").key("label").text(l.label).raw(", ");
    out.key("points").list(l.points, ", ", [&](const judged_line::point& p) {
      out.raw("[").number(p.x).raw(", ").number(p.y).raw(", ").range(p.middle).raw("]");
    });
    out.raw("}");
  });
  out.raw("}");
}

}  // namespace detail

/// The results as JSON: equal results give equal bytes, and numbers have all their digits.
///
/// Errors:  non_finite for a number, or a text, that JSON cannot hold.
inline expected<std::string> results_json(const results& r) {
  detail::json_writer out;
  out.raw("{").key("format").text(detail::results_format).raw(",\n ");
  out.key("null_world").boolean(r.null_world).raw(",\n ");
  out.key("claims_altogether").integer(r.n_claims).raw(",\n ").key("claims");
  out.list(r.claims, ",\n ", [&](const judgement& j) { detail::write_judgement(out, j); });
  return out.raw("}\n").finish("results of the lab");
}

/// Writes them; the file has the old results or the new ones at any moment, power cuts included.
///
/// Errors:  as `results_json`; io_failure.
inline expected<void> save_results(const std::string& path, const results& r) {
  const auto text = results_json(r);
  if (!text) return fail(text.error());
  return write_file(path, std::as_bytes(std::span(*text)));
}

}  // namespace multitudes::lab
