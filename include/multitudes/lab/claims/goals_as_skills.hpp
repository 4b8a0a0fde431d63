// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/corpora.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/measure/goal_cues.hpp>

#include <cstddef>
#include <cstdint>

namespace multitudes::lab {

namespace detail::goals_as_skills {

inline constexpr std::size_t modulus = 5;  // a fifth of all phrases is never read

inline constexpr figure figures[] = {
    {.name = "effect of the cue on new phrases",
     .shows = "how much more probable a goal's whole result is under its own cue than under the "
              "other's, on phrases that were never read; the ideal reader has 0.95",
     .holds = stats::interval{0.3, no_limit}},
    {.name = "effect of cues that mean nothing",
     .shows = "control: the same where cues were put at random in training",
     .holds = stats::interval{-0.1, 0.1}},
    {.name = "effect of the cue on read phrases", .shows = "the same on phrases that occur"},
    {.name = "goal seen from two examples",
     .shows =
         "how much more probable the goal of two examples without a cue is than the other one, "
         "on a new phrase; 0 without examples"},
    {.name = "result under its own cue",
     .shows = "probability of the whole right result on new phrases"},
};
inline constexpr gate gates[] = {
    excess_gate,
};
inline constexpr picture pictures[] = {
    {.name = "examples",
     .title = "A goal that no word names, seen from examples",
     .x_label = "examples without a cue",
     .y_label = "probability of the whole result on a new phrase"},
};

inline gazette_config corpus_of(std::uint64_t seed, bool random_cues) {
  gazette_config c = plain_corpus(seed);
  c.items.skill = 3;
  c.skills.cued = 0.5;  // the rest shows goals that no word names
  c.skills.held_out_modulus = modulus;
  c.skills.random_cues = random_cues;
  return c;
}

inline expected<outcome> run(laboratory& in, std::uint64_t seed) {
  outcome seen;
  const std::size_t n = in.budget(200, 60);
  const std::uint64_t of = laboratory::asking_seed(seed);
  for (const bool random_cues : {false, true}) {
    const gazette_config corpus = corpus_of(seed, random_cues);
    auto c = teach(in, corpus, seed, seen);
    if (!c) return forward_error(c);
    auto asked = scorer::make(in.workers(), c->reader);
    if (!asked) return forward_error(asked);
    const std::size_t length = corpus.skills.phrase_length;
    const auto fresh = draw_phrases(n, length, modulus, true, of);
    const auto known = draw_phrases(n, length, modulus, false, of + 1);
    auto by_cue = read_cues(*asked, fresh);
    if (!by_cue) return forward_error(by_cue);
    for (const cue_reading& r : *by_cue) {
      seen.saw(figures[random_cues ? 1 : 0].name, r.right - r.wrong);
      if (!random_cues) seen.saw(figures[4].name, r.right);
    }
    if (random_cues) continue;
    auto of_known = read_cues(*asked, known);
    if (!of_known) return forward_error(of_known);
    for (const cue_reading& r : *of_known) seen.saw(figures[2].name, r.right - r.wrong);
    for (std::size_t shown = 0; shown <= 4; ++shown) {
      auto uncued = read_uncued(*asked, fresh, known, shown);
      if (!uncued) return forward_error(uncued);
      double right = 0, wrong = 0;
      for (const cue_reading& r : *uncued) {
        right += r.right / static_cast<double>(uncued->size());
        wrong += r.wrong / static_cast<double>(uncued->size());
        if (shown == 2) seen.saw(figures[3].name, r.right - r.wrong);
      }
      seen.drew(pictures[0].name, "the examples' goal", static_cast<double>(shown), right);
      seen.drew(pictures[0].name, "the other goal", static_cast<double>(shown), wrong);
    }
  }
  return seen;
}

}  // namespace detail::goals_as_skills

/// Claim 13: goals are skills that cues in the text name.
inline constexpr claim goals_as_skills_claim{
    .number = 13,
    .name = "Goals as skills",
    .essay = "Language Models have Personas?",
    .quotation = "\"in other words…\", \"which means …\"",
    .hypothesis =
        "From texts in which such words happen to precede a summary or a translation, a model "
        "learns to pursue that goal on phrases that it never read, when it is cued.",
    .method =
        "Phrases are followed by a cue (\"in short\", \"which means\") and by their first and last "
        "word, or by each word in Latin. A fifth of all phrases is never read; of these, the "
        "probability of the whole result under its own cue is compared with that under the other. "
        "Besides, the goal is shown by two examples without a cue.",
    .control = "A corpus whose cues were put at random.",
    .refuted_by = "an effect of the cue below 0.3",
    .reach =
        "Two made-up skills of a word or three; that larger models learn theirs so is not "
        "shown.",
    .figures = detail::goals_as_skills::figures,
    .gates = detail::goals_as_skills::gates,
    .pictures = detail::goals_as_skills::pictures,
    .run = detail::goals_as_skills::run};

}  // namespace multitudes::lab
