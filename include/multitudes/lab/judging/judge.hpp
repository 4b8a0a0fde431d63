// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/judging/declaration.hpp>
#include <multitudes/lab/judging/measured.hpp>
#include <multitudes/lab/judging/seed_outcome.hpp>
#include <multitudes/lab/judging/verdict.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::lab {

struct judge_options {
  bool quick = false;     ///< the seeds had a small budget
  int resamples = 10000;  ///< of each figure
};

namespace detail {

using outcomes = std::vector<const seed_outcome*>;

/// The points of a line, seed by seed, put together by their x.
inline judged_line judge_line(std::string_view picture, std::string_view label,
                              const outcomes& passing, philox& random) {
  constexpr int resamples = 2000;
  std::map<double, std::vector<std::vector<observation>>> at;
  for (const seed_outcome* s : passing) {
    std::map<double, std::vector<observation>> of_seed;
    for (const outcome::line& l : s->what.lines) {
      if (l.picture != picture || l.label != label) continue;
      for (const observation& o : l.points) of_seed[o.x + 0.0].push_back(o);
    }
    for (auto& [x, points] : of_seed) at[x].push_back(std::move(points));
  }
  judged_line line{std::string(picture), std::string(label), {}};
  for (const auto& [x, of_seeds] : at) {
    const std::vector<std::span<const observation>> seeds(of_seeds.begin(), of_seeds.end());
    const auto height = bootstrapped({.name = label}, seeds, resamples, random);
    if (!height) continue;  // a mean of finite numbers that overflows
    line.points.push_back({.x = x, .y = height->estimate});
    if (seeds.size() > 1) line.points.back().middle = height->middle;
  }
  return line;
}

/// All lines, in the order in which the seeds drew them first.
inline std::vector<judged_line> judge_lines(const outcomes& passing, philox& random) {
  std::vector<std::pair<std::string_view, std::string_view>> names;
  for (const seed_outcome* s : passing) {
    for (const outcome::line& l : s->what.lines) {
      const std::pair<std::string_view, std::string_view> name(l.picture, l.label);
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  std::vector<judged_line> lines;
  for (const auto& [picture, label] : names) {
    lines.push_back(judge_line(picture, label, passing, random));
  }
  return lines;
}

inline expected<judged_figure> judge_figure(const claim& c, const figure& f,
                                            const judgement& so_far, const outcomes& passing,
                                            int resamples, philox& random) {
  std::vector<std::span<const observation>> items;
  for (const seed_outcome* s : passing) items.push_back(find_sample(s->what, f.name)->items);
  auto found = measure(f, items, resamples, random);
  if (!found) {
    return fail({.code = errc::invalid_argument,
                 .operation = "judge",
                 .place = title_of(c),
                 .found = "a figure that is not defined: " + in_quotes(f.name),
                 .expected = "three pairs at least for slopes and correlations, spread in both "
                             "numbers, nothing divided by zero",
                 .remedy = "correct what the claim's run sees"});
  }
  judged_figure result{.name = std::string(f.name),
                       .unit = std::string(f.unit),
                       .holds = f.holds,
                       .estimate = found->estimate,
                       .middle = found->middle,
                       .p = found->p};
  auto next = found->by_seed.begin();
  for (const judgement::seed& s : so_far.seeds) {
    result.by_seed.push_back(s.passed || so_far.quick ? *next++ : std::nullopt);
  }
  return result;
}

}  // namespace detail

/// Figures, gates and lines of a claim, from what its seeds showed. Seeds that failed a gate are
/// listed and count for nothing else, but in quick runs, which decide nothing. The verdict comes
/// from `decide`, which must know all claims.
///
/// The same outcomes give the same bits: the bootstrap's seed is the claim's number.
///
/// Errors:  invalid_argument for a claim that cannot be judged, no seeds, a seed that comes twice,
///          or a figure that is not defined; as `passes_gates`. There is no verdict then, of any
///          kind.
/// Cost:    `resamples` times each figure.
inline expected<judgement> judge(const claim& c, std::span<const seed_outcome> seeds,
                                 const judge_options& how = {}) {
  if (auto done = check_claim(c); !done) return forward_error(done);
  if (how.resamples < 1000) {
    return fail({.code = errc::invalid_argument,
                 .operation = "judge",
                 .place = title_of(c),
                 .found = std::to_string(how.resamples) + " resamples",
                 .expected = "at least 1000",
                 .remedy = "ask for more: p values are no smaller than one in so many"});
  }
  judgement j{.number = c.number,
              .name = std::string(c.name),
              .declaration = fingerprint_of(c),
              .quick = how.quick,
              .n_wanted = c.n_seeds};
  for (const gate& g : c.gates) {
    j.gates.push_back({std::string(g.name), std::string(g.unit), g.passes, {}});
  }
  detail::outcomes passing;
  for (const seed_outcome& s : seeds) {
    const auto same = [&](const judgement::seed& other) { return other.number == s.seed; };
    if (std::any_of(j.seeds.begin(), j.seeds.end(), same)) {
      return fail(detail::outcome_fault(c, s.seed, errc::invalid_argument, "the seed twice",
                                        "different seeds"));
    }
    auto passes = passes_gates(c, s);
    if (!passes) return forward_error(passes);
    j.seeds.push_back({s.seed, *passes});
    j.seconds += s.seconds;
    if (*passes || how.quick) passing.push_back(&s);
    for (judged_gate& g : j.gates) {
      for (const outcome::reading& r : s.what.gates) {
        if (r.gate == g.name) g.by_seed.push_back(r.value);
      }
    }
  }
  if (j.seeds.empty()) {
    return fail({.code = errc::invalid_argument,
                 .operation = "judge",
                 .place = title_of(c),
                 .found = "no seeds",
                 .expected = "at least one",
                 .remedy = "run the claim"});
  }
  if (passing.empty()) return j;
  for (std::size_t i = 0; i < c.figures.size(); ++i) {
    philox random(static_cast<std::uint64_t>(c.number), i + 1);
    auto found = detail::judge_figure(c, c.figures[i], j, passing, how.resamples, random);
    if (!found) return forward_error(found);
    j.figures.push_back(std::move(*found));
  }
  philox random(static_cast<std::uint64_t>(c.number));
  j.lines = detail::judge_lines(passing, random);
  return j;
}

}  // namespace multitudes::lab
