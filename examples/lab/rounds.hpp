// SPDX-License-Identifier: MIT
#pragma once

#include "run.hpp"

#include <multitudes/report/number.hpp>
#include <multitudes/report/table.hpp>
#include <multitudes/stats/proportion.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace lab_run {

/// What rounds of the null world came to.
struct round_counts {
  std::map<int, std::map<lab::verdict, std::size_t>> by_claim{};
  std::size_t n_judged = 0;     ///< past their gates
  std::size_t n_supported = 0;  ///< each claim judged as if it were the only one
  std::size_t n_corrected = 0;  ///< by Holm, over all claims, as in a real run
};

inline void count_round(std::vector<lab::judgement> judged, round_counts& counts) {
  for (lab::judgement& j : judged) {
    std::vector<lab::judgement> alone{j};
    lab::decide(alone, 1);
    const auto found = alone[0].found;
    if (!found) continue;
    ++counts.by_claim[j.number][*found];
    if (*found == lab::verdict::gate_failed) continue;
    ++counts.n_judged;
    counts.n_supported += *found == lab::verdict::supported ? 1U : 0U;
  }
  lab::decide(judged, lab::all_claims().size());
  for (const lab::judgement& j : judged) {
    counts.n_corrected += j.found == lab::verdict::supported ? 1U : 0U;
  }
}

/// Of a claim whose figures lie inside by chance alone, 95 % intervals say so once in forty times.
inline constexpr double stated_rate = 0.025;

inline std::string rounds_page(const settings& set, std::size_t n_rounds,
                               const round_counts& counts) {
  using enum lab::verdict;
  report::table t({{"claim"},
                   {"rounds", report::alignment::right},
                   {"gate failed", report::alignment::right},
                   {"refuted", report::alignment::right},
                   {"inconclusive", report::alignment::right},
                   {"supported", report::alignment::right}});
  for (const lab::claim& c : lab::all_claims()) {
    const auto found = counts.by_claim.find(c.number);
    if (found == counts.by_claim.end()) continue;
    const auto count = [&](lab::verdict v) {
      const auto n = found->second.find(v);
      return n == found->second.end() ? std::size_t{0} : n->second;
    };
    const std::size_t all =
        count(gate_failed) + count(refuted) + count(inconclusive) + count(supported);
    t.add_row({lab::title_of(c), std::to_string(all), std::to_string(count(gate_failed)),
               std::to_string(count(refuted)), std::to_string(count(inconclusive)),
               std::to_string(count(supported))});
  }
  const double tail = stats::binomial_tail(counts.n_judged, counts.n_supported, stated_rate);
  const auto range = stats::proportion_interval(counts.n_supported, counts.n_judged, 0.95);
  return "# The null world, " + std::to_string(n_rounds) + " rounds\n\nWritten by `" + set.command +
         "`" + (set.commit.empty() ? std::string() : ", commit " + set.commit) +
         ". In this world there are no personas, answers have been dealt out anew and rewards are "
         "chance (docs/lab.md); each round has students and corpora of its own, and each claim is "
         "judged as in a real run" +
         (set.how.kind.quick ? ", on a small budget" : "") +
         ". Here it is judged as if it were the only claim.\n\n" + t.to_markdown() + "\n" +
         std::to_string(counts.n_supported) + " of " + std::to_string(counts.n_judged) +
         " judgements past their gates found support: " + report::fixed(100 * range.low, 1) +
         " to " + report::fixed(100 * range.high, 1) + " % (95 %). The stated rate is at most " +
         report::fixed(100 * stated_rate, 1) + " %; so many or more would then have a chance of " +
         report::fixed(tail, 3) + ". With Holm's correction, as claims are published: " +
         std::to_string(counts.n_corrected) + ".\n";
}

/// Runs claims in the null world again and again, with other seeds each time.
inline int run_rounds(settings set, std::size_t n_rounds, const std::string& page) {
  const auto claims = chosen_claims(set.numbers);
  std::filesystem::create_directories(set.how.folder);
  make_folder_of(page);
  catch_interrupts();
  screen show(set.how.kind);
  const auto on_progress = [&](std::string_view what, std::uint64_t done, std::uint64_t total) {
    return show.inside(what, done, total);
  };
  const auto on_step = [&](const lab::campaign_step& s) { return show.step(s); };
  thread_pool workers;
  lab::laboratory in(workers,
                     {.folder = set.how.folder, .quick = set.how.kind.quick, .null_world = true},
                     on_progress);
  round_counts counts;
  std::size_t n_done = 0;
  std::uint64_t seed = set.how.first_seed != 0 ? set.how.first_seed : 1001;
  for (; n_done < n_rounds && interrupted == 0; ++n_done) {
    std::vector<lab::judgement> judged;
    std::size_t most = 0;
    for (const lab::claim* c : claims) most = std::max(most, c->n_seeds);
    lab::campaign_options how = set.how;
    how.first_seed = seed;
    seed += most;
    for (const lab::claim* c : claims) {
      how.n_seeds = c->n_seeds;
      const auto entries =
          lab::run_campaign(std::span(&c, 1), in, how, on_step, [] { return seconds(); });
      for (const error& e : entries[0].faults) std::fprintf(stderr, "%s\n", e.message().c_str());
      if (!entries[0].is_complete()) continue;
      judged.push_back(or_exit(lab::judge(*c, entries[0].seeds)));
    }
    if (interrupted != 0) break;
    count_round(std::move(judged), counts);
  }
  show.clear();
  if (interrupted != 0) std::printf("interrupted; the same command goes on from here\n");
  const std::string text = rounds_page(set, n_done, counts);
  write_text(page, text);
  std::printf("\n%s", text.c_str());
  return n_done == n_rounds ? 0 : 1;
}

}  // namespace lab_run
