// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/corpus/prompt.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/laboratory.hpp>
#include <multitudes/lab/measure/excess.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace multitudes::lab {

// Students and corpora that several claims share, so that each is trained once for a seed.

/// Eight styles by eight domains, all seen, equally prevalent, labels now and then. Over the seeds
/// every style takes every place.
inline gazette_config plain_corpus(std::uint64_t seed) {
  gazette_config c;
  c.personas.rotation = static_cast<std::size_t>(seed % c.personas.n_styles);
  return c;
}

/// The same with more commands, so that who listens is worth finding out, and no skills. Who
/// bungles is right half of the time: listeners are of three degrees.
inline gazette_config commanding_corpus(std::uint64_t seed) {
  gazette_config c = plain_corpus(seed);
  c.items.filler = 2;
  c.items.question = 4;
  c.items.skill = 0;
  c.items.dialogue = 5;
  c.dialogues.listeners[2] = {0.45, 0.05};
  return c;
}

/// Model S, which reads a corpus of this seed as long as the budget allows.
inline pretraining reading_of(const laboratory& in, const gazette_config& corpus,
                              std::uint64_t seed) {
  pretraining how;
  how.corpus = corpus;
  how.seed = seed;
  how.n_tokens = in.budget(8'000'000, 2'000'000);
  return how;
}

/// Games: walks on the grid with a map or with a tool, kicks at football, and questions, whose
/// openers and closers show a style. Six styles, each with a goal of its own that most of its
/// writers have; goals and names are said now and then. Some boards never occur.
inline gazette_config games_corpus(std::uint64_t seed) {
  gazette_config c;
  c.personas.n_styles = 6;
  c.personas.n_domains = 1;
  c.personas.truthful = 1;
  c.personas.rotation = static_cast<std::size_t>(seed % c.personas.n_styles);
  c.questions.facts_per_domain = 1;
  c.labels = {.header = 0.1, .signature = 0, .domain = 0, .goal = 0.15, .n_templates = 1};
  c.items = {.filler = 0, .question = 1.5, .skill = 0, .grid = 4, .football = 1, .dialogue = 0};
  c.items.mention = 0;
  c.items.max_count = 6;
  c.games.tool_share = 0.4;
  c.games.moved = 0.2;
  // What of a board is held out no student can foresee: one in 48 costs 0.001 nats a token.
  c.games.held_out_modulus = 48;
  return c;
}

/// A student who reads more, in smaller steps: for corpora that take longer to learn.
inline pretraining slow_reading(const laboratory& in, const gazette_config& corpus,
                                std::uint64_t seed) {
  pretraining how = reading_of(in, corpus, seed);
  how.n_tokens = in.budget(10'000'000, 2'000'000);
  how.batch_rows = 512;
  how.peak = 1.5e-3;
  how.last = 0.01;
  how.beta2 = 0.99;
  return how;
}

/// The student of games, who is larger as well: it must find things on maps.
inline pretraining games_reading(const laboratory& in, const gazette_config& corpus,
                                 std::uint64_t seed) {
  pretraining how = slow_reading(in, corpus, seed);
  how.size.model_dim = 96;
  how.batch_rows = 256;
  return how;
}

/// A corpus, its writers, and the student who has read it.
struct classroom {
  gazette corpus;
  population writers;
  student reader;
};

/// Errors:  those of gazette::make and laboratory::pretrain.
inline expected<classroom> teach(laboratory& in, const pretraining& how) {
  auto g = gazette::make(how.corpus);
  if (!g) return forward_error(g);
  auto who = in.pretrain(how);
  if (!who) return forward_error(who);
  population writers = true_population(*g);
  return classroom{std::move(*g), std::move(writers), std::move(*who)};
}

/// Nats a token that a student loses above the ideal reader, on new documents.
///
/// Errors:  those of document_losses.
inline expected<double> measure_excess(laboratory& in, const classroom& c, std::uint64_t seed) {
  auto asked = scorer::make(in.workers(), c.reader);
  if (!asked) return forward_error(asked);
  const document_source held_out(c.corpus, c.writers, laboratory::asking_seed(seed));
  const std::uint64_t n = in.budget(2000, 300);
  auto losses = document_losses(*asked, c.corpus, c.writers, held_out, n);
  if (!losses) return forward_error(losses);
  return excess(*losses);
}

/// The gate of every claim about students: they have learnt what the ideal reader knows.
inline constexpr gate excess_gate{.name = "excess", .unit = "nats per token", .passes = {0, 0.02}};

/// The same; what the student loses is noted for the gate.
///
/// Errors:  those of teach and measure_excess.
inline expected<classroom> teach(laboratory& in, const pretraining& how, outcome& seen) {
  auto c = teach(in, how);
  if (!c) return c;
  auto lost = measure_excess(in, *c, how.seed);
  if (!lost) return forward_error(lost);
  seen.passed_at_most(excess_gate.name, *lost);
  return c;
}
/// Model S, which has read this corpus.
inline expected<classroom> teach(laboratory& in, const gazette_config& corpus, std::uint64_t seed,
                                 outcome& seen) {
  return teach(in, reading_of(in, corpus, seed), seen);
}

/// How probable the right answer is to a student where the ideal reader expects it: the mean of
/// p(student) / p(ideal) over all facts of all seen combinations, each asked of a writer who was
/// heard to know another fact of the domain.
///
/// Errors:  those of scorer.
inline expected<double> measure_facts_known(laboratory& in, const classroom& c,
                                            std::uint64_t seed) {
  auto asked = scorer::make(in.workers(), c.reader);
  if (!asked) return forward_error(asked);
  const std::size_t n_facts = c.corpus.config().questions.facts_per_domain;
  const auto& personas = c.corpus.config().personas;
  texts all;
  std::vector<token_id> answers;
  std::vector<double> ideal;
  philox random(laboratory::asking_seed(seed), 1);
  for (std::size_t s = 0; s < personas.n_styles; ++s) {
    for (std::size_t d = 0; d < personas.n_domains; ++d) {
      if (!c.corpus.is_seen({s, d})) continue;
      const persona_traits who = c.corpus.traits({.style = s, .domain = d});
      for (std::size_t f = 0; f < n_facts; ++f) {
        prompt p(c.corpus);
        p.ask(d, (f + 1) % n_facts).finish_item(who, random);
        p.ask(d, f).write(who, random);  // the opener
        reader bayes(c.corpus, c.writers);
        if (auto ok = bayes.read(p.tokens()); !ok) return forward_error(ok);
        std::vector<double> expects(gazette_vocab_size);
        bayes.predict(expects);
        const token_id right = p.likeliest(who);
        all.emplace_back(p.tokens().begin(), p.tokens().end());
        answers.push_back(right);
        ideal.push_back(expects[right.value]);
      }
    }
  }
  double sum = 0;
  auto done = asked->predict_next(all, [&](std::size_t i, std::span<const float> log_p) {
    sum += std::exp(static_cast<double>(log_p[answers[i].value])) / ideal[i];
  });
  if (!done) return forward_error(done);
  return sum / static_cast<double>(all.size());
}

}  // namespace multitudes::lab
