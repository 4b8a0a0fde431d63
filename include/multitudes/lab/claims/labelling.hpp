// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/corpora.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/measure/instruction_success.hpp>
#include <multitudes/lab/measure/state_patch.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::lab {

namespace detail::labelling {

inline constexpr figure figures[] = {
    {.name = "transfer that needs the persona",
     .unit = "of the ideal",
     .shows = "how much better commands are followed that tuning left out, if pretraining had the "
              "persona than if it had not",
     .holds = stats::interval{0.1, no_limit}},
    {.name = "recovery by natural context",
     .how = statistic::ratio,
     .unit = "of the command's effect",
     .shows = "how much of a command's effect comes back if the command is left without a name, "
              "and the state before the answer is that of texts by the persona (mean, middle "
              "layer)",
     .holds = stats::interval{0.5, no_limit}},
    {.name = "share of the voice",
     .how = statistic::ratio,
     .unit = "of all change",
     .shows = "share of what tuning changed in the model's expectations (KL, nats) that falls on "
              "the two words of the answering voice, not on what it then writes",
     .holds = stats::interval{0.5, no_limit}},
    {.name = "recovery by another's context",
     .how = statistic::ratio,
     .unit = "of the command's effect",
     .shows = "control: the same with the state of texts by another persona"},
    {.name = "success of commands left out",
     .unit = "of the ideal",
     .shows = "how well commands for personas are followed that tuning left out"},
    {.name = "success of commands tuned on", .unit = "of the ideal", .shows = "and of the others"},
    {.name = "success of commands left out, names below texts only",
     .unit = "of the ideal",
     .shows = "the same where names stand in signatures, never before a text"},
    {.name = "success before tuning",
     .unit = "of the ideal",
     .shows = "how well the commands that are left out are followed without any tuning"},
};
inline constexpr gate gates[] = {
    excess_gate,
    {.name = "state carries the command",
     .unit = "of the command's effect that its own mean state brings back",
     .passes = {0.5, 1.5}},
};
inline constexpr picture pictures[] = {
    {.name = "labels",
     .title = "Commands followed, against labels in pretraining",
     .x_label = "documents with a label at their beginning (%)",
     .y_label = "probability of the commanded style (share of the ideal)"},
    {.name = "layers",
     .title = "The command's effect that a state brings back, by layer",
     .x_label = "block after which the state is replaced",
     .y_label = "share of the command's effect"},
};

inline constexpr std::size_t n_examples = 64;
inline constexpr tuning recipe{.n_steps = 80, .peak = 1e-3};

inline bool is_taught(std::size_t style, std::uint64_t seed) noexcept {
  return (style / 2 + seed) % 2 == 0;
}

/// Success for each item (style, domain) of the styles that are taught, or of those that are not.
inline expected<std::vector<double>> success_of(laboratory& in, const gazette& g,
                                                const student& who, std::uint64_t seed,
                                                bool taught) {
  auto asked = scorer::make(in.workers(), who);
  if (!asked) return forward_error(asked);
  std::vector<double> all;
  for (std::size_t s = 0; s < g.config().personas.n_styles; ++s) {
    if (is_taught(s, seed) != taught) continue;
    auto shares = style_success(*asked, g, command_to_write_as(g, s), s);
    if (!shares) return forward_error(shares);
    all.insert(all.end(), shares->begin(), shares->end());
  }
  return all;
}

inline expected<student> instruct(laboratory& in, const classroom& c, std::uint64_t seed) {
  std::vector<std::size_t> taught;
  for (std::size_t s = 0; s < c.corpus.config().personas.n_styles; ++s) {
    if (is_taught(s, seed)) taught.push_back(s);
  }
  tuning how = recipe;
  how.seed = seed;
  return in.tune(c.reader,
                 make_instructions(c.corpus, taught, n_examples, laboratory::reading_seed(seed)),
                 how);
}

/// What tuning changed on commands and their answers: KL(after || before), of the voice and in all.
inline expected<void> see_voice(laboratory& in, const classroom& c, const student& tuned,
                                std::uint64_t seed, outcome& seen) {
  std::vector<std::size_t> styles(c.corpus.config().personas.n_styles);
  for (std::size_t s = 0; s < styles.size(); ++s) styles[s] = s;
  const auto data =
      make_instructions(c.corpus, styles, in.budget(64, 16), laboratory::asking_seed(seed));
  texts all;
  for (const auto& d : data.documents()) {
    all.emplace_back(data.tokens(d).begin(), data.tokens(d).end());
  }
  constexpr std::size_t n_asked = 6;  // "<doc> please write as NAME ."
  const auto wanted = [&](std::size_t i, std::size_t t) {
    return t + 1 >= n_asked && t + 1 < all[i].size();
  };
  std::vector<float> before;
  auto base = scorer::make(in.workers(), c.reader);
  if (!base) return forward_error(base);
  auto done = base->predict(all, wanted, [&](std::size_t, std::size_t, std::span<const float> p) {
    before.insert(before.end(), p.begin(), p.end());
  });
  if (!done) return done;
  auto now = scorer::make(in.workers(), tuned);
  if (!now) return forward_error(now);
  std::vector<observation> change(all.size());  // x: all, y: voice
  std::size_t at = 0;
  done = now->predict(all, wanted, [&](std::size_t i, std::size_t t, std::span<const float> p) {
    double nats = 0;
    for (const float after : p) {
      nats += std::exp(static_cast<double>(after)) * static_cast<double>(after - before[at++]);
    }
    change[i].x += nats;
    if (t + 1 < n_asked + 2) change[i].y += nats;
  });
  if (!done) return done;
  for (const observation& o : change) seen.saw(figures[2].name, o.x, o.y);
  return {};
}

/// A question after a text, for each domain.
inline void ask_all(const gazette& g, std::span<const token_id> after, texts& to) {
  for (std::size_t d = 0; d < g.config().personas.n_domains; ++d) {
    prompt p(g);
    p.ask(d, d % g.config().questions.facts_per_domain);
    to.emplace_back(after.begin(), after.end());
    to.back().insert(to.back().end(), p.tokens().begin() + 1, p.tokens().end());
  }
}

/// Puts states of natural texts, and of commands, into commands without a name.
inline expected<void> see_recovery(laboratory& in, const classroom& c, const student& tuned,
                                   std::uint64_t seed, outcome& seen) {
  const gazette& g = c.corpus;
  auto asked = scorer::make(in.workers(), tuned);
  if (!asked) return forward_error(asked);
  auto steered = steered_scorer::make(in.workers(), tuned);
  if (!steered) return forward_error(steered);
  const std::size_t n_styles = g.config().personas.n_styles, n_layers = tuned.shape().n_layers;
  const token_id nobody[] = {word("<doc>"), word("please"), word("write"), word("as"),
                             word("."),     word("sure"),   word(":")};
  texts nameless;
  ask_all(g, nobody, nameless);
  std::vector<texts> natural(n_styles), commanded(n_styles);
  philox random(laboratory::asking_seed(seed), 6);
  for (std::size_t s = 0; s < n_styles; ++s) {
    ask_all(g, command_to_write_as(g, s), commanded[s]);
    for (std::uint64_t i = 0; i < in.budget(16, 6); ++i) {
      prompt p(g);
      const persona_traits who = g.traits({.style = s, .domain = i % 8});
      for (std::size_t k = 0; k < 2; ++k) {
        p.item(item_kind::filler, who, random).item(item_kind::question, who, random);
      }
      ask_all(g, p.tokens(), natural[s]);
    }
  }
  double carried = 0, whole = 0;
  for (std::size_t l = 0; l + 1 < n_layers; ++l) {
    const layer_index layer(l);
    std::vector<std::vector<double>> of_text(n_styles), of_command(n_styles);
    for (std::size_t s = 0; s < n_styles; ++s) {
      auto a = mean_last_state(*asked, natural[s], layer);
      if (!a) return forward_error(a);
      auto b = mean_last_state(*asked, commanded[s], layer);
      if (!b) return forward_error(b);
      of_text[s] = std::move(*a);
      of_command[s] = std::move(*b);
    }
    double sums[3] = {}, effect = 0;
    for (std::size_t s = 0; s < n_styles; ++s) {
      const token_id own(word("forsooth").value + s);
      std::vector<double> plain(nameless.size()), named(nameless.size());
      for (auto* to : {&plain, &named}) {
        const texts& from = to == &plain ? nameless : commanded[s];
        auto done = asked->predict_next(from, [&](std::size_t i, std::span<const float> log_p) {
          (*to)[i] = std::exp(static_cast<double>(log_p[own.value]));
        });
        if (!done) return done;
      }
      const std::vector<double>* states[3] = {&of_text[s], &of_command[s],
                                              &of_text[(s + n_styles / 2) % n_styles]};
      for (std::size_t k = 0; k < 3; ++k) {
        auto p = probability_with_state(*asked, *steered, nameless, layer, *states[k], own);
        if (!p) return forward_error(p);
        for (std::size_t i = 0; i < p->size(); ++i) {
          const double back = (*p)[i] - plain[i], all = named[i] - plain[i];
          sums[k] += back;
          if (k == 0) effect += all;
          const bool decides = l == n_layers / 2 - 1;
          if (decides && k != 1) seen.saw(figures[k == 0 ? 1 : 3].name, all, back);
          if (decides && k == 1) carried += back;
          if (decides && k == 1) whole += all;
        }
      }
    }
    constexpr std::string_view names[] = {"texts by the persona", "the command itself",
                                          "texts by another"};
    for (std::size_t k = 0; k < 3; ++k) {
      seen.drew(pictures[1].name, names[k], static_cast<double>(l + 1), sums[k] / effect);
    }
  }
  seen.passed(gates[1].name, carried / whole);
  return {};
}

inline expected<outcome> run(laboratory& in, std::uint64_t seed) {
  outcome seen;
  const gazette_config with_labels = plain_corpus(seed);
  gazette_config without = with_labels, absent = with_labels;
  without.labels.header = 0;
  for (std::size_t s = 0; s < absent.personas.n_styles; ++s) {
    absent.personas.prevalence.push_back(is_taught(s, seed) ? 1 : 0);
  }
  std::vector<double> transfer;
  const gazette_config* const corpora[] = {&with_labels, &absent, &without};
  for (const gazette_config* corpus : corpora) {
    auto c = teach(in, *corpus, seed, seen);
    if (!c) return forward_error(c);
    auto tuned = instruct(in, *c, seed);
    if (!tuned) return forward_error(tuned);
    auto left_out = success_of(in, c->corpus, *tuned, seed, false);
    if (!left_out) return forward_error(left_out);
    if (corpus == &absent) {
      for (std::size_t i = 0; i < left_out->size(); ++i) {
        seen.saw(figures[0].name, transfer[i] - (*left_out)[i]);
      }
      continue;
    }
    auto taught = success_of(in, c->corpus, *tuned, seed, true);
    if (!taught) return forward_error(taught);
    auto before = success_of(in, c->corpus, c->reader, seed, false);
    if (!before) return forward_error(before);
    const double share = 100 * corpus->labels.header;
    const std::pair<std::string_view, const std::vector<double>*> lines[] = {
        {"tuned on", &*taught}, {"left out by tuning", &*left_out}, {"before tuning", &*before}};
    for (const auto& [label, all] : lines) {
      double sum = 0;
      for (const double x : *all) sum += x;
      seen.drew(pictures[0].name, label, share, sum / static_cast<double>(all->size()));
    }
    if (corpus == &without) {
      for (const double x : *left_out) seen.saw(figures[6].name, x);
      continue;
    }
    transfer = *left_out;
    for (const double x : *left_out) seen.saw(figures[4].name, x);
    for (const double x : *taught) seen.saw(figures[5].name, x);
    for (const double x : *before) seen.saw(figures[7].name, x);
    if (auto ok = see_voice(in, *c, *tuned, seed, seen); !ok) return forward_error(ok);
    if (auto ok = see_recovery(in, *c, *tuned, seed, seen); !ok) return forward_error(ok);
  }
  return seen;
}

}  // namespace detail::labelling

/// Claim 10: instructions label what is there.
inline constexpr claim labelling_claim{
    .number = 10,
    .name = "Instructions label personas",
    .essay = "Language Models have Personas?",
    .quotation = "give labels to the personas that the LM already has",
    .hypothesis =
        "Instruction tuning ties commands to personas that pretraining made: it works for "
        "personas that tuning left out, if only pretraining had them; a command does to the model "
        "what texts by the persona do; and what tuning adds is mostly the voice that answers.",
    .method =
        "64 commands for half of the styles (\"please write as NAME . sure :\") and their answers "
        "are tuned on. Then commands for the other half are tried; the state in which the model "
        "begins its answer is replaced by the mean state after texts by the persona; and the "
        "change of its expectations is split into the voice (\"sure :\") and the rest.",
    .control =
        "A corpus without the personas that tuning leaves out; the state of texts by another "
        "persona; names that stand below texts only, and never before them.",
    .refuted_by =
        "transfer as large without the personas (less than 0.1 apart), recovery below a half, or "
        "less than half of the change on the voice",
    .reach = "Commands to write as somebody whose name the corpus mentions; small models.",
    .n_seeds = 10,
    .figures = detail::labelling::figures,
    .gates = detail::labelling::gates,
    .pictures = detail::labelling::pictures,
    .run = detail::labelling::run};

}  // namespace multitudes::lab
