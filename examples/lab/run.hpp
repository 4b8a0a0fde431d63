// SPDX-License-Identifier: MIT
#pragma once

#include "../or_exit.hpp"
#include "screen.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/format/durable.hpp>
#include <multitudes/lab/claims/all.hpp>
#include <multitudes/lab/judging/campaign.hpp>
#include <multitudes/lab/judging/judge.hpp>
#include <multitudes/lab/judging/report.hpp>
#include <multitudes/lab/judging/results.hpp>
#include <multitudes/lab/judging/results_reader.hpp>
#include <multitudes/lab/laboratory.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace lab_run {

using example::or_exit;

struct settings {
  std::vector<int> numbers{};  ///< all if empty
  lab::campaign_options how{.folder = "build/lab"};
  std::string results{};
  std::string html{};
  std::string page{};
  std::string commit{};
  std::string command{};
};

/// Quick runs and the null world must not overwrite what is published, unless they are told to.
inline void choose_paths(settings& set) {
  const lab::run_kind& kind = set.how.kind;
  const bool published = kind == lab::run_kind{};
  const std::string stem = set.how.folder + "/" + (kind.null_world ? "null" : "") +
                           (kind.null_world && kind.quick ? "_" : "") + (kind.quick ? "quick" : "");
  if (set.results.empty()) set.results = published ? "docs/claims.json" : stem + ".json";
  if (set.page.empty()) set.page = published ? "docs/claims.md" : stem + ".md";
  if (set.html.empty()) set.html = published ? set.how.folder + "/report.html" : stem + ".html";
}

inline std::vector<const lab::claim*> chosen_claims(const std::vector<int>& numbers) {
  std::vector<const lab::claim*> chosen;
  for (const lab::claim& c : lab::all_claims()) {
    const bool asked = std::find(numbers.begin(), numbers.end(), c.number) != numbers.end();
    if (numbers.empty() || asked) chosen.push_back(&c);
  }
  for (const int n : numbers) {
    const auto has_number = [&](const lab::claim* c) { return c->number == n; };
    if (std::none_of(chosen.begin(), chosen.end(), has_number)) {
      example::give_up({.code = errc::not_found,
                        .operation = "lab",
                        .place = "--claims",
                        .found = "the number " + std::to_string(n),
                        .expected = "a number of a claim",
                        .remedy = "./dev lab --list names them"});
    }
  }
  return chosen;
}

/// What earlier runs found, but for claims that have changed since.
inline lab::results earlier_results(const settings& set) {
  lab::results r{.null_world = set.how.kind.null_world};
  if (std::filesystem::exists(set.results)) {
    auto found = or_exit(lab::load_results(set.results));
    if (found.null_world != r.null_world) {
      example::give_up({.code = errc::invalid_argument,
                        .operation = "lab",
                        .place = set.results,
                        .found = found.null_world ? "results of the null world" : "results",
                        .expected = r.null_world ? "results of the null world" : "results",
                        .remedy = "name another file with --results"});
    }
    for (lab::judgement& j : found.claims) {
      const auto is_it = [&](const lab::claim& c) { return lab::is_current(j, c); };
      if (std::ranges::any_of(lab::all_claims(), is_it)) {
        r.claims.push_back(std::move(j));
      } else {
        std::fprintf(stderr, "claim %d has changed: its earlier results are left out\n", j.number);
      }
    }
  }
  r.n_claims = lab::all_claims().size();
  return r;
}

/// Puts a judgement in its place; one with a verdict is not lost to one without.
inline void add(lab::results& r, lab::judgement j) {
  const auto is_before = [](const lab::judgement& a, const lab::judgement& b) {
    return a.number < b.number;
  };
  const auto at = std::lower_bound(r.claims.begin(), r.claims.end(), j, is_before);
  if (at == r.claims.end() || at->number != j.number) {
    r.claims.insert(at, std::move(j));
  } else if (at->is_confirmatory() && !j.is_confirmatory()) {
    std::fprintf(stderr, "claim %d keeps its earlier results, of more seeds\n", j.number);
  } else {
    *at = std::move(j);
  }
}

inline void write_text(const std::string& path, const std::string& text) {
  or_exit(write_file(path, std::as_bytes(std::span(text))));
  std::printf("wrote %s\n", path.c_str());
}

inline void make_folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder);
}

/// Runs, judges, writes; the status of the program: 0 if every claim was run to the end.
inline int run(settings set) {
  choose_paths(set);
  const auto claims = chosen_claims(set.numbers);
  std::filesystem::create_directories(set.how.folder);
  for (const auto& path : {set.results, set.html, set.page}) make_folder_of(path);
  auto r = earlier_results(set);  // before hours of work, in case they cannot be read

  catch_interrupts();
  screen show(set.how.kind);
  const auto on_progress = [&](std::string_view what, std::uint64_t done, std::uint64_t total) {
    return show.inside(what, done, total);
  };
  const auto on_step = [&](const lab::campaign_step& s) { return show.step(s); };
  thread_pool workers;
  lab::laboratory in(workers,
                     {.folder = set.how.folder,
                      .quick = set.how.kind.quick,
                      .null_world = set.how.kind.null_world},
                     on_progress);
  const auto entries = lab::run_campaign(claims, in, set.how, on_step, [] { return seconds(); });
  show.clear();
  if (interrupted != 0) std::printf("interrupted; the same command goes on from here\n");

  int status = 0;
  for (const lab::campaign_entry& e : entries) {
    for (const error& fault : e.faults) std::fprintf(stderr, "%s\n", fault.message().c_str());
    if (!e.is_complete()) {
      status = 1;
      std::fprintf(stderr, "%s: %zu of %zu seeds; not judged\n", lab::title_of(*e.of).c_str(),
                   e.seeds.size(), e.n_wanted);
      continue;
    }
    auto j = or_exit(lab::judge(*e.of, e.seeds, {.quick = set.how.kind.quick}));
    j.command = set.command;
    j.commit = set.commit;
    add(r, std::move(j));
  }
  lab::decide(r.claims, r.n_claims);
  or_exit(lab::save_results(set.results, r));
  std::printf("wrote %s\n", set.results.c_str());
  write_text(set.html, lab::claims_html(lab::all_claims(), r));
  write_text(set.page, lab::claims_markdown(lab::all_claims(), r));
  std::printf("\n%s", lab::summary_table(lab::all_claims(), r).to_text().c_str());
  return status;
}

}  // namespace lab_run
