// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/lab/corpus/dataset.hpp>
#include <multitudes/lab/corpus/prompt.hpp>
#include <multitudes/lab/corpus/slots.hpp>
#include <multitudes/lab/measure/goal_cues.hpp>
#include <multitudes/lab/measure/scorer.hpp>
#include <multitudes/train/dataset.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace multitudes::lab {

/// "please write as NAME . sure :" for a style.
inline std::vector<token_id> command_to_write_as(const gazette& g, std::size_t style) {
  prompt p(g);
  p.command(style);
  return {p.tokens().begin(), p.tokens().end()};
}

/// How well a reader writes as style `style` after a text that asks for it: for each domain, how
/// probable the style's own opener is when something is asked of it, as a share of what is ideal.
///
/// Shapes:  (n_domains)
/// Errors:  those of the reader.
template <class Asked>
expected<std::vector<double>> style_success(Asked& asked, const gazette& g,
                                            std::span<const token_id> after, std::size_t style) {
  texts told;
  for (std::size_t d = 0; d < g.config().personas.n_domains; ++d) {
    told.emplace_back(after.begin(), after.end());
    prompt p(g);
    p.ask(d, d % g.config().questions.facts_per_domain);
    told.back().insert(told.back().end(), p.tokens().begin() + 1, p.tokens().end());
  }
  std::vector<double> shares(told.size());
  const token_id own(word("forsooth").value + style);
  auto done = asked.predict_next(told, [&](std::size_t i, std::span<const float> log_p) {
    shares[i] = std::exp(static_cast<double>(log_p[own.value])) / g.config().clarity.marker;
  });
  if (!done) return forward_error(done);
  return shares;
}

/// How far a reader has a style's habits after a text that asks for it: 0 as of a writer whom it
/// does not know, 1 as of the style.
struct habit_reading {
  double openers = 0;
  double all = 0;  ///< openers, and the first slot of every frame: five habits to be learnt
};

/// Errors:  those of the reader and of mark_slots.
template <class Asked>
expected<habit_reading> read_habits(Asked& asked, const gazette& g, std::span<const token_id> after,
                                    std::size_t style) {
  auto openers = style_success(asked, g, after, style);
  if (!openers) return forward_error(openers);
  const std::size_t n_styles = g.config().personas.n_styles;
  const double clear = g.config().clarity.marker, even = 1.0 / static_cast<double>(n_styles);
  double gained = -even;
  for (const double p : *openers) gained += p * clear / static_cast<double>(openers->size());
  habit_reading r{.openers = gained / (clear - even)};
  double possible = clear - even;
  const persona_traits who = g.traits({.style = style});
  texts told;
  std::vector<token_id> own;
  philox random(0);
  for (const token_id frame : detail::frame_starts) {
    prompt p(g);
    if (auto ok = p.put_checked(frame); !ok) return forward_error(ok);
    while (!p.at().is_writers_turn()) p.write({}, random);
    auto slots = mark_slots(g, p.tokens());
    if (!slots) return forward_error(slots);
    const marked_slot& slot = slots->back();
    const auto wanted = slot.under(who);
    const auto option = static_cast<std::size_t>(std::ranges::max_element(wanted) - wanted.begin());
    double of_anyone = 0;
    for (std::size_t s = 0; s < n_styles; ++s) {
      of_anyone += slot.under(g.traits({.style = s}))[option] * even;
    }
    gained -= of_anyone;
    possible += wanted[option] - of_anyone;
    own.push_back(slot.tokens[option]);
    told.emplace_back(after.begin(), after.end());
    told.back().insert(told.back().end(), p.tokens().begin() + 1, p.tokens().end());
  }
  auto done = asked.predict_next(told, [&](std::size_t i, std::span<const float> log_p) {
    gained += std::exp(static_cast<double>(log_p[own[i].value]));
  });
  if (!done) return forward_error(done);
  r.all = gained / possible;
  return r;
}

/// `n` commands to write as one of these styles in turn, each answered by somebody of the style.
inline train::dataset make_instructions(const gazette& g, std::span<const std::size_t> styles,
                                        std::size_t n, std::uint64_t seed) {
  std::vector<persona_traits> writers;
  philox random(seed, 5);
  const auto any = [&](std::size_t n_values) {
    return std::size_t{random.below(static_cast<std::uint32_t>(n_values))};
  };
  for (std::size_t i = 0; i < n; ++i) {
    writers.push_back(g.traits({.style = styles[i % styles.size()],
                                .domain = any(g.config().personas.n_domains),
                                .goal = any(g.config().personas.n_goals),
                                .compliance = any(3),
                                .task = any(2)}));
  }
  return make_command_dataset(g, writers, 1, seed);
}

/// A skill that no document has, under the cue "in both": the first and the last word of a phrase
/// in Latin, which two known skills make together, or as unrelated Latin words.
enum class new_skill : std::uint8_t { composed, unrelated };

namespace detail {

inline std::vector<token_id> told_skill(std::span<const std::size_t> phrase, new_skill skill) {
  const auto latin = [&](std::size_t w) {
    // A permutation of the twelve words that leaves none of them in its place.
    const std::size_t to = skill == new_skill::composed ? w : (5 * w + 3) % words::latin.size();
    return token_id(word("sol").value + to);
  };
  std::vector<token_id> text{word("<doc>")};
  constexpr token_id cue[] = {word("in"), word("both")};
  tell_phrase(text, phrase, cue);
  text.push_back(latin(phrase.front()));
  text.push_back(latin(phrase.back()));
  return text;
}

}  // namespace detail

/// Phrases and what the skill makes of them, which alone is learnt.
inline train::dataset make_skill_dataset(std::span<const std::vector<std::size_t>> phrases,
                                         new_skill skill) {
  train::dataset data;
  for (const auto& phrase : phrases) {
    const auto text = detail::told_skill(phrase, skill);
    const std::span<const token_id> all(text);
    const train::token_run runs[] = {{all.first(all.size() - 2), false}, {all.last(2), true}};
    data.add(runs);
  }
  return data;
}

/// How probable the skill's whole result is to a reader, for each phrase.
///
/// Errors:  those of the reader.
template <class Asked>
expected<std::vector<double>> skill_success(Asked& asked,
                                            std::span<const std::vector<std::size_t>> phrases,
                                            new_skill skill) {
  texts told;
  std::vector<std::size_t> from;
  for (const auto& phrase : phrases) {
    told.push_back(detail::told_skill(phrase, skill));
    from.push_back(told.back().size() - 2);
  }
  auto p = asked.log_probabilities(told, from);
  if (!p) return forward_error(p);
  for (double& x : *p) x = std::exp(x);
  return *p;
}

/// How many examples it takes to come to `level`, where success was measured after some numbers of
/// them: between two numbers along the logarithm. What comes there before the first number counts
/// as the first, what never does as the last: both make large and small ratios smaller.
///
/// Shapes:  n_examples ascending; success as many.
inline double examples_to_reach(std::span<const double> n_examples, std::span<const double> success,
                                double level) noexcept {
  if (success.front() >= level) return n_examples.front();
  for (std::size_t i = 1; i < success.size(); ++i) {
    if (success[i] < level) continue;
    const double share = (level - success[i - 1]) / (success[i] - success[i - 1]);
    return n_examples[i - 1] * std::pow(n_examples[i] / n_examples[i - 1], share);
  }
  return n_examples.back();
}

}  // namespace multitudes::lab
