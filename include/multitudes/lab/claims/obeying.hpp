// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/corpora.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/measure/ideal_scorer.hpp>
#include <multitudes/lab/measure/obedience.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

namespace multitudes::lab {

namespace detail::obeying {

inline constexpr std::size_t n_shown = 3;
inline constexpr std::size_t everyone[] = {compliant, defiant, bungling};

inline constexpr figure figures[] = {
    {.name = "sensitivity after tuning",
     .how = statistic::slope,
     .unit = "per unit of true rate",
     .shows = "how much likelier the model thinks it that a command is obeyed, for each unit that "
              "the listener's true rate is higher, after it was tuned on obedience alone; 0 is "
              "reflex, 1 is prediction",
     .holds = stats::interval{0.3, std::numeric_limits<double>::infinity()}},
    {.name = "sensitivity before tuning",
     .how = statistic::slope,
     .unit = "per unit of true rate",
     .shows = "the same before tuning"},
    {.name = "sensitivity after tuning on all listeners",
     .how = statistic::slope,
     .unit = "per unit of true rate",
     .shows = "control: the same after as much tuning on those who comply, defy and bungle"},
    {.name = "sensitivity after four times the tuning",
     .how = statistic::slope,
     .unit = "per unit of true rate",
     .shows = "the same after four times as much tuning on obedience"},
    {.name = "obedience of nobody known, before",
     .shows = "control: expected obedience where nothing tells of a listener, before tuning"},
    {.name = "obedience of nobody known, after", .shows = "the same after tuning on obedience"},
};
inline constexpr gate gates[] = {
    excess_gate,
    {.name = "listeners told apart",
     .unit = "of the ideal reader's sensitivity, before tuning",
     .passes = {0.7, 1.3}},
    {.name = "obedience taught", .unit = "expected obedience of nobody known", .passes = {0.6, 1}},
};
inline constexpr picture pictures[] = {
    {.name = "evidence",
     .title = "Expected obedience of one who was seen to defy",
     .x_label = "commands that the listener was seen to answer",
     .y_label = "expected probability that the next is obeyed"},
    {.name = "tuning",
     .title = "Sensitivity to who listens, against tuning on obedience",
     .x_label = "steps of tuning",
     .y_label = "sensitivity (per unit of true rate)"},
};

/// The least-squares slope that the picture shows.
class slope_of_points {
 public:
  void add(double x, double y) noexcept { n_ += 1, x_ += x, y_ += y, xx_ += x * x, xy_ += x * y; }
  [[nodiscard]] double value() const noexcept {
    return (n_ * xy_ - x_ * y_) / (n_ * xx_ - x_ * x_);
  }

 private:
  double n_ = 0, x_ = 0, y_ = 0, xx_ = 0, xy_ = 0;
};

/// Adds what a reader expects of each listener to a figure; returns the slope.
template <class Asked>
expected<double> measure(laboratory& in, Asked& asked, const gazette& g, std::uint64_t seed,
                         std::string_view name, outcome& seen) {
  slope_of_points slope;
  for (const std::size_t listener : everyone) {
    auto all = read_responses(asked, g, listener, n_shown, in.budget(16, 4),
                              laboratory::asking_seed(seed));
    if (!all) return forward_error(all);
    for (const response_reading& r : *all) {
      if (!name.empty()) seen.saw(name, r.true_rate, r.complies);
      slope.add(r.true_rate, r.complies);
    }
  }
  return slope.value();
}
inline expected<double> measure(laboratory& in, const classroom& c, const student& who,
                                std::uint64_t seed, std::string_view name, outcome& seen) {
  auto asked = scorer::make(in.workers(), who);
  if (!asked) return forward_error(asked);
  return measure(in, *asked, c.corpus, seed, name, seen);
}

/// Mean expected obedience after so many items by somebody, or by nobody.
inline expected<double> obedience(laboratory& in, const classroom& c, const student& who,
                                  std::uint64_t seed, std::optional<std::size_t> listener,
                                  std::size_t n, std::string_view name, outcome& seen) {
  auto asked = scorer::make(in.workers(), who);
  if (!asked) return forward_error(asked);
  auto all = read_responses(*asked, c.corpus, listener, n, in.budget(16, 4),
                            laboratory::asking_seed(seed));
  if (!all) return forward_error(all);
  double sum = 0;
  for (const response_reading& r : *all) {
    sum += r.complies;
    if (!name.empty()) seen.saw(name, r.complies);
  }
  return sum / static_cast<double>(all->size());
}

inline expected<outcome> run(laboratory& in, std::uint64_t seed) {
  outcome seen;
  auto c = teach(in, commanding_corpus(seed), seed, seen);
  if (!c) return forward_error(c);
  const std::uint64_t of = laboratory::reading_seed(seed);
  const std::size_t only[] = {compliant};
  const gazette roomy = *gazette::make(with_room(c->corpus.config()));
  const population writers = true_population(roomy);
  const auto obedient = make_obedience_dataset(c->corpus, only, 1024, of);
  const auto mixed = make_obedience_dataset(c->corpus, everyone, 1024, of);

  for (const std::uint64_t n_steps : {0u, 5u, 20u, 80u, 320u}) {
    student who = c->reader;
    if (n_steps > 0) {
      auto tuned = in.tune(c->reader, obedient, {.n_steps = n_steps, .seed = seed});
      if (!tuned) return forward_error(tuned);
      who = std::move(*tuned);
    }
    const std::string_view name = n_steps == 0     ? figures[1].name
                                  : n_steps == 80  ? figures[0].name
                                  : n_steps == 320 ? figures[3].name
                                                   : std::string_view();
    auto slope = measure(in, *c, who, seed, name, seen);
    if (!slope) return forward_error(slope);
    seen.drew(pictures[1].name, "tuned on obedience", static_cast<double>(n_steps), *slope);
    if (n_steps != 0 && n_steps != 80) continue;
    auto nobody = obedience(in, *c, who, seed, std::nullopt, n_shown,
                            figures[n_steps == 0 ? 4 : 5].name, seen);
    if (!nobody) return forward_error(nobody);
    if (n_steps == 0) {
      ideal_scorer bayes(roomy, writers);
      auto of_bayes = measure(in, bayes, roomy, seed, {}, seen);
      if (!of_bayes) return forward_error(of_bayes);
      seen.passed(gates[1].name, *slope / *of_bayes);
    }
    if (n_steps == 80) seen.passed(gates[2].name, *nobody);
    for (std::size_t n = 0; n <= 5; ++n) {
      auto left = obedience(in, *c, who, seed, defiant, n, {}, seen);
      if (!left) return forward_error(left);
      seen.drew(pictures[0].name, n_steps == 0 ? "before tuning" : "after tuning",
                static_cast<double>(n), *left);
    }
  }
  auto tuned = in.tune(c->reader, mixed, {.n_steps = 80, .seed = seed});
  if (!tuned) return forward_error(tuned);
  auto slope = measure(in, *c, *tuned, seed, figures[2].name, seen);
  if (!slope) return forward_error(slope);
  seen.drew(pictures[1].name, "tuned on all listeners", 80, *slope);
  return seen;
}

}  // namespace detail::obeying

/// Claim 12: obeying is predicting.
inline constexpr claim obeying_claim{
    .number = 12,
    .name = "Obeying is predicting",
    .essay = "Language Models have Personas?",
    .quotation =
        "It's not actually obeying commands … \"what would someone who was told to do this "
        "probably write next?\"",
    .hypothesis =
        "What a model expects after a command follows from who was told: where a listener was seen "
        "to defy or to bungle, it expects that again, even after tuning on obedience alone.",
    .method =
        "Nearly half of a corpus is commands. Listeners who comply, defy or bungle each answer "
        "three "
        "commands; then comes a fourth. The "
        "expected probability that it is obeyed is set against the listener's true rate. Then the "
        "model is tuned, 80 steps, on commands that were obeyed, and asked again.",
    .control =
        "As many items that tell nothing of a listener, where tuning must have taught obedience; "
        "as much tuning on listeners of all kinds.",
    .refuted_by = "a slope below 0.3 after tuning: obedience as a reflex",
    .reach =
        "Tuning by imitation, of a small model, in a corpus where listeners of all kinds are "
        "equally frequent.",
    .figures = detail::obeying::figures,
    .gates = detail::obeying::gates,
    .pictures = detail::obeying::pictures,
    .run = detail::obeying::run};

}  // namespace multitudes::lab
