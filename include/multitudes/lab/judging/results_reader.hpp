// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/format/file_bytes.hpp>
#include <multitudes/lab/judging/detail/json_fields.hpp>
#include <multitudes/lab/judging/results.hpp>
#include <multitudes/lab/judging/verdict.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::lab {

namespace detail {

/// Of claims and of seeds; hostile files would have others compared with each other for hours.
inline constexpr std::size_t most_listed = 1000;

inline std::optional<verdict> read_verdict(json_reader& in) {
  if (in.next_is_null()) return std::nullopt;
  const std::string word = in.text();
  for (const verdict v :
       {verdict::supported, verdict::refuted, verdict::inconclusive, verdict::gate_failed}) {
    if (word == lab::name(v)) return v;
  }
  in.refuse("the verdict " + word, "SUPPORTED, REFUTED, INCONCLUSIVE or GATE-FAILED");
  return std::nullopt;
}

inline judged_gate read_gate(json_reader& in) {
  judged_gate g;
  in.punctuation('{');
  in.key("name");
  g.name = in.text();
  in.next_key("unit");
  g.unit = in.text();
  in.next_key("passes");
  g.passes = in.range();
  in.next_key("by_seed");
  g.by_seed = in.list([&] { return in.number(); });
  in.punctuation('}');
  return g;
}

inline judged_figure read_figure(json_reader& in) {
  judged_figure f;
  in.punctuation('{');
  in.key("name");
  f.name = in.text();
  in.next_key("unit");
  f.unit = in.text();
  in.next_key("holds");
  if (!in.next_is_null()) f.holds = in.range();
  in.next_key("estimate");
  f.estimate = in.number();
  in.next_key("interval");
  f.middle = in.range();
  in.next_key("p");
  f.p = in.share();
  in.next_key("by_seed");
  f.by_seed = in.list([&] { return in.maybe(); });
  in.punctuation('}');
  return f;
}

inline judged_line read_line(json_reader& in) {
  judged_line l;
  in.punctuation('{');
  in.key("picture");
  l.picture = in.text();
  in.next_key("label");
  l.label = in.text();
  in.next_key("points");
  l.points = in.list([&] {
    judged_line::point p;
    in.punctuation('[');
    p.x = in.number();
    in.punctuation(',');
    p.y = in.number();
    in.punctuation(',');
    p.middle = in.range();
    in.punctuation(']');
    return p;
  });
  in.punctuation('}');
  return l;
}

/// A judgement, and what its file says of p, to compare with.
inline std::pair<judgement, double> read_judgement(json_reader& in) {
  judgement j;
  in.punctuation('{');
  in.key("number");
  j.number = static_cast<int>(in.integer(1000000));
  in.next_key("name");
  j.name = in.text();
  in.next_key("verdict");
  j.found = read_verdict(in);
  in.next_key("p");
  const double p = in.share();
  in.next_key("corrected_p");
  j.corrected_p = in.share();
  in.next_key("quick");
  j.quick = in.boolean();
  in.next_key("declaration");
  j.declaration = in.hex();
  in.next_key("seeds_fixed");
  j.n_wanted = in.integer(most_listed);
  in.next_key("command");
  j.command = in.text();
  in.next_key("commit");
  j.commit = in.text();
  in.next_key("seconds");
  j.seconds = in.number();
  in.next_key("seeds");
  j.seeds = in.list([&] { return judgement::seed{in.integer(), false}; });
  in.next_key("passed");
  const auto passed = in.list([&] { return in.boolean() ? 1 : 0; });
  for (std::size_t i = 0; i < std::min(passed.size(), j.seeds.size()); ++i) {
    j.seeds[i].passed = passed[i] == 1;
  }
  in.next_key("gates");
  j.gates = in.list([&] { return read_gate(in); });
  in.next_key("figures");
  j.figures = in.list([&] { return read_figure(in); });
  in.next_key("lines");
  j.lines = in.list([&] { return read_line(in); });
  in.punctuation('}');

  if (j.seeds.size() > most_listed) in.refuse("too many seeds", "at most 1000");
  const auto of_all_seeds = [&](const auto& f) { return f.by_seed.size() == j.seeds.size(); };
  if (passed.size() != j.seeds.size() || !std::ranges::all_of(j.gates, of_all_seeds) ||
      !std::ranges::all_of(j.figures, of_all_seeds)) {
    in.refuse("lists of different lengths for the seeds", "one entry for each seed");
  }
  return {std::move(j), p};
}

/// Whether a seed is said to have passed exactly where its readings pass.
inline bool gates_agree(const judgement& j) noexcept {
  for (std::size_t i = 0; i < j.seeds.size(); ++i) {
    bool passes = true;
    for (const judged_gate& g : j.gates) passes = passes && g.passes.contains(g.by_seed[i]);
    if (passes != j.seeds[i].passed) return false;
  }
  return true;
}

/// A sentence of what does not agree; nothing if all does.
inline std::string contradiction(const results& r, std::span<const double> p) {
  if (r.n_claims < r.claims.size()) return "more claims than there are altogether";
  results again = r;
  decide(again.claims, again.n_claims);
  for (std::size_t i = 0; i < r.claims.size(); ++i) {
    const judgement& j = r.claims[i];
    const std::string claim = "claim " + std::to_string(j.number);
    for (std::size_t k = 0; k < j.seeds.size(); ++k) {
      for (std::size_t l = 0; l < k; ++l) {
        if (j.seeds[k].number == j.seeds[l].number) return claim + " with a seed twice";
      }
    }
    if (r.find(j.number) != &j) return claim + " twice";
    if (!gates_agree(j)) return claim + " with seeds that did not pass as their gates say";
    if (j.p() != p[i] || j.corrected_p != again.claims[i].corrected_p) {
      return claim + " with another p than its figures have";
    }
    if (j.found != again.claims[i].found) {
      return claim + " with another verdict than its figures give";
    }
  }
  return {};
}

}  // namespace detail

/// Reads results back, and judges anew by their figures: a file whose verdicts do not follow from
/// what else it says is refused.
///
/// Errors:  malformed; truncated; unsupported. The text may be anything.
inline expected<results> parse_results(std::string_view text, std::string place) {
  detail::json_reader in(text, place);
  results r;
  std::vector<double> p;
  in.punctuation('{');
  in.key("format");
  if (in.text() != detail::results_format) in.refuse("another format", "results of the lab");
  in.next_key("null_world");
  r.null_world = in.boolean();
  in.next_key("claims_altogether");
  r.n_claims = in.integer(detail::most_listed);
  in.next_key("claims");
  auto found = in.list([&] { return detail::read_judgement(in); });
  in.punctuation('}');
  if (auto done = in.finish(); !done) return forward_error(done);
  for (auto& [j, its_p] : found) {
    r.claims.push_back(std::move(j));
    p.push_back(its_p);
  }
  if (auto what = detail::contradiction(r, p); !what.empty()) {
    return fail({.code = errc::malformed,
                 .operation = "results",
                 .place = std::move(place),
                 .found = std::move(what),
                 .expected = "results as the lab wrote them",
                 .remedy = "take the file from version control, or run the lab again"});
  }
  return r;
}

/// Reads a file of `save_results`.
///
/// Errors:  io_failure, also where there is no file; as `parse_results`.
inline expected<results> load_results(const std::string& path) {
  const auto file = file_bytes::read(path);
  if (!file) return fail(file.error());
  const auto bytes = file->bytes();
  return parse_results(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()),
                       path);
}

}  // namespace multitudes::lab
