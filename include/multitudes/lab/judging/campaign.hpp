// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/error.hpp>
#include <multitudes/core/function_ref.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/judging/outcome_file.hpp>
#include <multitudes/lab/judging/seed_outcome.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::lab {

struct campaign_options {
  std::string folder{};     ///< which exists; outcomes are kept there
  run_kind kind{};          ///< quick: one seed each
  std::size_t n_seeds = 0;  ///< of each claim; 0 for as many as it fixes
  /// 0 for the one that each claim fixes; of quick runs, for 1, which decides nothing.
  std::uint64_t first_seed = 0;
  bool again = false;  ///< measure anew what the folder has
};

/// What a campaign is about to do, or has done, with one seed of one claim.
struct campaign_step {
  enum class kind { kept, begins, done, failed };  ///< kept: the folder had it
  kind what = kind::begins;
  const claim* of = nullptr;
  std::uint64_t seed = 0;
  std::size_t n_done = 0;  ///< of all steps, failed ones included
  std::size_t n_all = 0;
  /// Judged by what the same claim took with other seeds; nothing before anything is known.
  std::optional<double> seconds_left{};
  const error* why = nullptr;  ///< of `failed`; of `begins`, why a kept outcome cannot be read
};

/// What is known of a claim after a campaign.
struct campaign_entry {
  const claim* of = nullptr;
  std::size_t n_wanted = 0;
  std::vector<seed_outcome> seeds{};
  std::vector<error> faults{};

  [[nodiscard]] bool is_complete() const noexcept { return seeds.size() == n_wanted; }
};

namespace detail {

inline std::optional<double> time_left(std::span<const campaign_entry> entries) {
  double known = 0;
  std::size_t n_known = 0;
  for (const campaign_entry& e : entries) {
    for (const seed_outcome& s : e.seeds) known += s.seconds;
    n_known += e.seeds.size();
  }
  if (n_known == 0) return std::nullopt;
  double left = 0;
  for (const campaign_entry& e : entries) {
    const std::size_t n_left = e.n_wanted - e.seeds.size() - e.faults.size();
    double each = known / static_cast<double>(n_known);
    if (!e.seeds.empty()) {
      each = 0;
      for (const seed_outcome& s : e.seeds) each += s.seconds / static_cast<double>(e.seeds.size());
    }
    left += each * static_cast<double>(n_left);
  }
  return left;
}

}  // namespace detail

/// Runs claims seed by seed, and with each seed claim by claim, because claims share what is
/// trained with a seed. Each outcome is kept at once: the next campaign with the same folder goes
/// on where this one ended. A failed step is noted, and the
/// others are made all the same.
///
/// An outcome is kept for the claim as it is declared. Who changes how it is measured must ask for
/// `again`.
///
/// `watch` is told of every step, and stops the campaign by returning false; a run that
/// was cancelled stops it too. `now` is a clock, in
/// seconds.
inline std::vector<campaign_entry> run_campaign(std::span<const claim* const> claims,
                                                laboratory& in, const campaign_options& how,
                                                function_ref<bool(const campaign_step&)> watch,
                                                function_ref<double()> now) {
  std::vector<campaign_entry> entries;
  std::size_t n_all = 0;
  std::size_t most_seeds = 0;
  for (const claim* c : claims) {
    const std::size_t n = how.n_seeds != 0 ? how.n_seeds : how.kind.quick ? 1 : c->n_seeds;
    entries.push_back({.of = c, .n_wanted = n});
    n_all += n;
    most_seeds = std::max(most_seeds, n);
  }
  std::size_t n_done = 0;
  for (std::size_t i = 0; i < most_seeds; ++i) {
    for (campaign_entry& e : entries) {
      if (i >= e.n_wanted) continue;
      const claim& c = *e.of;
      const std::uint64_t fixed = how.kind.quick ? 1 : c.first_seed;
      const std::uint64_t seed = (how.first_seed != 0 ? how.first_seed : fixed) + i;
      const std::string path = outcome_path(how.folder, c, seed, how.kind);
      const auto tell = [&](campaign_step::kind what, const error* why) {
        return watch({.what = what,
                      .of = &c,
                      .seed = seed,
                      .n_done = n_done,
                      .n_all = n_all,
                      .seconds_left = detail::time_left(entries),
                      .why = why});
      };
      std::optional<error> unreadable;
      if (!how.again) {
        auto kept = load_outcome(path, c, how.kind);
        if (kept && *kept && (*kept)->seed == seed) {
          e.seeds.push_back(std::move(**kept));
          ++n_done;
          if (!tell(campaign_step::kind::kept, nullptr)) return entries;
          continue;
        }
        if (!kept && kept.error().code != errc::io_failure) unreadable = std::move(kept).error();
      }
      if (!tell(campaign_step::kind::begins, unreadable ? &*unreadable : nullptr)) return entries;
      const double began = now();
      auto found = c.run(in, seed);
      seed_outcome s{.seed = seed, .seconds = now() - began};
      std::optional<error> fault;
      if (found) {
        s.what = std::move(*found);
        if (auto saved = save_outcome(path, c, s, how.kind); !saved) {
          fault = std::move(saved).error();
        }
      } else {
        fault = std::move(found).error();
      }
      if (fault && fault->code == errc::cancelled) return entries;
      ++n_done;
      if (fault) {
        e.faults.push_back(std::move(*fault));
      } else {
        e.seeds.push_back(std::move(s));
      }
      const auto what = fault ? campaign_step::kind::failed : campaign_step::kind::done;
      if (!tell(what, fault ? &e.faults.back() : nullptr)) return entries;
    }
  }
  return entries;
}

}  // namespace multitudes::lab
