// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/corpora.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/measure/replies.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::lab {

namespace detail::blame {

inline constexpr figure figures[] = {
    {.name = "left after praise over left after blame",
     .how = statistic::ratio,
     .unit = "times",
     .shows = "share of bad answers that is left after praise alone, over what is left after blame "
              "alone, when as many answers (2,560) were judged",
     .holds = stats::interval{2, no_limit}},
    {.name = "left at equal divergence",
     .how = statistic::mean,
     .unit = "nats",
     .shows = "log of the share left by praise less that left by blame, when both are as far (KL) "
              "from the beginning",
     .holds = stats::interval{0.1, no_limit}},
    {.name = "left after both over left after blame",
     .how = statistic::ratio,
     .unit = "times",
     .shows = "the same for feedback with both signs"},
    {.name = "diversity kept by blame",
     .how = statistic::mean,
     .unit = "nats",
     .shows = "entropy of the good answers after blame less that after praise, at as many answers"},
};
inline constexpr gate gates[] = {
    excess_gate,
};
inline constexpr picture pictures[] = {
    {.name = "samples",
     .title = "Bad answers that are left, by how many answers were judged",
     .x_label = "answers judged",
     .y_label = "share of bad answers (log, nats)"},
    {.name = "frontier",
     .title = "Bad answers that are left, by how far the model went",
     .x_label = "divergence from the beginning (KL, nats)",
     .y_label = "share of bad answers (log, nats)"},
};

inline constexpr std::array<std::uint64_t, 4> doses{10, 20, 40, 80};  // steps of 64 answers
inline constexpr std::size_t judged_dose = 2;

/// Of one domain's questions: how probable the bad opener is, how far expectations moved, and how
/// many different good openers there are.
struct view {
  double log_bad = 0, kl = 0, entropy = 0;
};

/// For each domain.
inline std::vector<view> compare(const std::vector<std::vector<double>>& before,
                                 const std::vector<std::vector<double>>& after, std::size_t bad) {
  std::vector<view> views;
  for (std::size_t d = 0; d < before.size(); ++d) {
    double was = 0, is = 0;
    for (std::size_t o = 0; o < before[d].size(); ++o) {
      was += before[d][o];
      is += after[d][o];
    }
    view v;
    const double good = is - after[d][bad];
    for (std::size_t o = 0; o < before[d].size(); ++o) {
      const double p = after[d][o] / is, q = before[d][o] / was;
      v.kl += p * std::log(p / q);
      if (o != bad) v.entropy -= after[d][o] / good * std::log(after[d][o] / good);
    }
    v.log_bad = std::log(after[d][bad] / is);
    views.push_back(v);
  }
  return views;
}

/// The share that is left where a path is as far from the beginning: between its points, or beyond
/// the last as between the last two. Points in order of divergence.
inline double left_at(std::vector<view> path, double kl) {
  std::ranges::sort(path, {}, &view::kl);
  std::size_t i = 1;
  while (i + 1 < path.size() && path[i].kl < kl) ++i;
  const double gap = std::max(path[i].kl - path[i - 1].kl, 1e-9);
  const double share = std::clamp((kl - path[i - 1].kl) / gap, 0.0, 1.0);
  return path[i - 1].log_bad + share * (path[i].log_bad - path[i - 1].log_bad);
}

inline expected<outcome> run(laboratory& in, std::uint64_t seed) {
  outcome seen;
  auto c = teach(in, plain_corpus(seed), seed, seen);
  if (!c) return forward_error(c);

  const gazette& g = c->corpus;
  const std::size_t n_styles = g.config().personas.n_styles;
  const std::size_t bad = seed % n_styles;
  const auto n_domains = static_cast<std::uint32_t>(g.config().personas.n_domains);
  const auto openers = [&](const student& who) -> expected<std::vector<std::vector<double>>> {
    auto asked = scorer::make(in.workers(), who);
    if (!asked) return forward_error(asked);
    const texts start{{word("<doc>")}};
    std::vector<std::vector<double>> by_domain;
    for (std::size_t d = 0; d < n_domains; ++d) {
      auto shares = replies({d}).openers(*asked, start, n_styles);
      if (!shares) return forward_error(shares);
      by_domain.push_back(std::move((*shares)[0]));
    }
    return by_domain;
  };
  const auto prompts = [&](std::uint64_t step) {
    return random_questions(g, 8, philox(seed, step, 19));
  };
  const auto reward = [&](const train::rollout& r) {
    return r.answer()[0] == opener_of(bad) ? -1.0 : 0.0;
  };
  auto before = openers(c->reader);
  if (!before) return forward_error(before);
  const std::vector<view> start = compare(*before, *before, bad);

  using train::feedback;
  constexpr std::array<feedback, 3> kinds{feedback::positive_only, feedback::negative_only,
                                          feedback::signed_both};
  constexpr std::array<std::string_view, 3> called{"praise", "blame", "both"};
  // For each kind and domain, views in order of doses.
  std::array<std::vector<std::vector<view>>, 3> paths;
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    for (const view& v : start) paths[k].push_back({v});
    for (const std::uint64_t n_steps : doses) {
      // A leash of next to nothing: how far they go, the dose decides.
      auto made = in.reinforce(c->reader, prompts, reward,
                               {.n_steps = n_steps,
                                .max_tokens = 1,
                                .kl_weight = 0.02,
                                .feedback = kinds[k],
                                .seed = seed});
      if (!made) return forward_error(made);
      auto after = openers(*made);
      if (!after) return forward_error(after);
      const auto views = compare(*before, *after, bad);
      double kl = 0, log_bad = 0;
      for (std::size_t d = 0; d < views.size(); ++d) {
        paths[k][d].push_back(views[d]);
        kl += views[d].kl / static_cast<double>(views.size());
        log_bad += views[d].log_bad / static_cast<double>(views.size());
      }
      seen.drew("samples", called[k], static_cast<double>(64 * n_steps), log_bad);
      seen.drew("frontier", called[k], kl, log_bad);
    }
  }
  const auto& [praise, scold, both] = paths;
  constexpr std::size_t at = judged_dose + 1;  // the beginning is a point too
  for (std::size_t d = 0; d < start.size(); ++d) {
    const double by_blame = std::exp(scold[d][at].log_bad);
    seen.saw(figures[0].name, by_blame, std::exp(praise[d][at].log_bad));
    seen.saw(figures[2].name, by_blame, std::exp(both[d][at].log_bad));
    seen.saw(figures[3].name, scold[d][at].entropy - praise[d][at].entropy);
    // Where both have been: at the smaller of their largest divergences.
    const auto farthest = [](const std::vector<view>& path) {
      return std::ranges::max(path, {}, &view::kl).kl;
    };
    const double kl = std::min(farthest(praise[d]), farthest(scold[d]));
    seen.saw(figures[1].name, left_at(praise[d], kl) - left_at(scold[d], kl));
  }
  return seen;
}

}  // namespace detail::blame

/// Claim 19: explicit negative feedback.
inline constexpr claim blame_claim{
    .number = 19,
    .name = "Negative feedback",
    .essay = "Language Models have Personas?",
    .quotation = "RLHF gives \"explicit negative feedback\"; before, only implicit.",
    .hypothesis =
        "Blame for bad answers removes them with fewer judgements than praise for good ones: half "
        "of what praise leaves, or less; and at the same distance from the beginning, too.",
    .method =
        "One of eight openers is bad. The model answers questions; of the policy gradient with a "
        "baseline only the negative part is let through, or only the positive, or both. After 640 "
        "to 5,120 judged answers: how probable is the bad opener?",
    .control = "As many answers; as large a divergence (KL) from the beginning; both signs.",
    .refuted_by =
        "more than half of what praise leaves, at as many answers, or no difference (less than "
        "a tenth of a nat) at equal divergence",
    .reach =
        "One bad word with a probability of one in eight. The rarer bad answers are, the less "
        "praise for the others says about them.",
    .figures = detail::blame::figures,
    .gates = detail::blame::gates,
    .pictures = detail::blame::pictures,
    .run = detail::blame::run};

}  // namespace multitudes::lab
