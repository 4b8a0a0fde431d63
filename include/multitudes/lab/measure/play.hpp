// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/function_ref.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/lab/corpus/population.hpp>
#include <multitudes/lab/corpus/prompt.hpp>
#include <multitudes/lab/corpus/reader.hpp>
#include <multitudes/lab/measure/scorer.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace multitudes::lab {

/// A place in a game where it is the writer's turn, and the writer whose goal counts there.
struct place {
  const prompt* told = nullptr;
  persona_traits who{};
};

/// Whoever plays: shows `look(i, p)`, for each place i, how probable every word is to come next;
/// p: (gazette_vocab_size), adds up to 1.
using place_look = function_ref<void(std::size_t, std::span<const double>)>;
using player = function_ref<expected<void>(std::span<const place>, place_look)>;

/// A model that plays as it would go on writing.
class student_player {
 public:
  explicit student_player(scorer& asked) noexcept : asked_(&asked) {}

  expected<void> operator()(std::span<const place> places, place_look look) const {
    texts all;
    for (const place& p : places) {
      all.emplace_back(p.told->tokens().begin(), p.told->tokens().end());
    }
    std::vector<double> odds(gazette_vocab_size);
    return asked_->predict_next(all, [&](std::size_t i, std::span<const float> log_p) {
      for (std::size_t v = 0; v < odds.size(); ++v) odds[v] = std::exp(double{log_p[v]});
      look(i, odds);
    });
  }

 private:
  scorer* asked_;
};

/// An agent that has the goal: the exact planner of the place's writer.
struct planner_player {
  expected<void> operator()(std::span<const place> places, place_look look) const {
    std::vector<double> odds(gazette_vocab_size);
    choice_scratch scratch;
    for (std::size_t i = 0; i < places.size(); ++i) {
      const choice c = places[i].told->at().next(scratch);
      std::ranges::fill(odds, 0.0);
      const auto row = c.row(value_of(c.key, places[i].who));
      for (std::size_t o = 0; o < c.n_options(); ++o) odds[c.tokens[o].value] = row[o];
      look(i, odds);
    }
    return {};
  }
};

/// The ideal reader, who plays what it expects of a writer of whom it knows what was told.
class ideal_player {
 public:
  /// Both must stay where they are.
  ideal_player(const gazette& g, const population& prior) noexcept : gazette_(&g), prior_(&prior) {}

  expected<void> operator()(std::span<const place> places, place_look look) const {
    std::vector<double> odds(gazette_vocab_size);
    reader bayes(*gazette_, *prior_);
    for (std::size_t i = 0; i < places.size(); ++i) {
      bayes.restart();
      if (auto ok = bayes.read(places[i].told->tokens()); !ok) return forward_error(ok);
      bayes.predict(odds);
      look(i, odds);
    }
    return {};
  }

 private:
  const gazette* gazette_;
  const population* prior_;
};

/// What a player would do at a place: how probable each act is that the rules allow. "moved" is
/// the world's to say, and is left out.
struct turn {
  std::vector<token_id> options{};
  std::vector<double> odds{};  // (n_options); adds up to 1 with `elsewhere`
  double elsewhere = 0;        ///< probability of words that nobody may say here

  /// The logarithm of an option's probability.
  [[nodiscard]] double log_probability(token_id said) const noexcept {
    for (std::size_t o = 0; o < options.size(); ++o) {
      if (options[o] == said) return std::log(odds[o]);
    }
    return -std::numeric_limits<double>::infinity();
  }
};

namespace detail {

inline turn turn_of(const prompt& told, std::span<const double> p) {
  choice_scratch scratch;
  const choice c = told.at().next(scratch);
  turn t;
  const bool may_move = c.find(word("moved")).has_value();
  const double left = 1 - (may_move ? p[word("moved").value] : 0);
  double sum = 0;
  for (const token_id o : c.tokens) {
    if (o == word("moved")) continue;
    t.options.push_back(o);
    t.odds.push_back(left > 0 ? p[o.value] / left : 0);
    sum += t.odds.back();
  }
  t.elsewhere = std::max(0.0, 1 - sum);
  return t;
}

}  // namespace detail

/// What a player would do at each place.
///
/// Errors:  the player's.
inline expected<std::vector<turn>> turns(player who, std::span<const place> places) {
  std::vector<turn> all(places.size());
  auto done = who(places, [&](std::size_t i, std::span<const double> p) {
    all[i] = detail::turn_of(*places[i].told, p);
  });
  if (!done) return forward_error(done);
  return all;
}

/// Something that was done in a game.
struct deed {
  prompt before;  ///< what had been told
  token_id said{0};
};

/// A game in the course of being played: the player acts, the program answers. The random numbers
/// of the two are apart, so that the world is the same whoever plays, as long as they do the same.
struct game {
  prompt told;           ///< to the first turn
  persona_traits who{};  ///< whose goal counts
  philox world;          ///< what the program does
  philox choices;        ///< what the player does
  std::vector<deed> deeds{};
  bool is_broken = false;  ///< the player said what nobody may say

  [[nodiscard]] bool is_over() const noexcept { return is_broken || told.at().ended_item(); }
  /// The object that was taken in the end, if one was.
  [[nodiscard]] std::optional<std::size_t> taken() const noexcept {
    if (deeds.empty() || deeds.back().said != word("take")) return std::nullopt;
    return deeds.back().before.at().board().here();
  }
  /// The object that the tool was asked for, if it was.
  [[nodiscard]] std::optional<std::size_t> scanned() const noexcept {
    if (deeds.empty()) return std::nullopt;
    const std::size_t object = deeds.front().said.value - word("gold").value;
    return object < grid_world::max_objects ? std::optional(object) : std::nullopt;
  }
  [[nodiscard]] bool has_won() const noexcept { return taken() == who[trait::goal]; }
  [[nodiscard]] std::size_t n_steps() const noexcept {
    std::size_t n = 0;
    for (const deed& d : deeds) n += d.said.value - word("north").value < 4 ? 1u : 0u;
    return n;
  }
};

struct play_rules {
  /// After the first step the program moves what the game's writer is after (with a tool: what the
  /// tool was asked for) to another cell. Otherwise nothing ever moves.
  bool goal_moves = false;
};

namespace detail {

inline void answer(game& g, const play_rules& rules) {
  g.told.let_world_speak(g.world);
  if (!rules.goal_moves || g.told.at().ended_item()) return;
  if (!g.told.put_checked(word("moved"))) return;
  choice_scratch scratch;
  const choice c = g.told.at().next(scratch);
  const token_id goal(word("gold").value + g.who[trait::goal]);
  static_cast<void>(g.told.put_checked(c.find(goal) ? goal : c.tokens[0]));
  g.told.let_world_speak(g.world);
}

}  // namespace detail

/// Plays all games to their ends: the player's acts are drawn from what it expects, word by word;
/// every answer of the world and of its tools is the program's.
///
/// Errors:  the player's; a game that the player breaks ends there.
/// Cost:    as many calls of the player as the longest game has acts.
inline expected<void> play(player who, std::span<game> games, play_rules rules = {}) {
  std::vector<std::size_t> going;
  std::vector<place> places;
  for (;;) {
    going.clear();
    places.clear();
    for (std::size_t i = 0; i < games.size(); ++i) {
      if (games[i].is_over()) continue;
      going.push_back(i);
      places.push_back({&games[i].told, games[i].who});
    }
    if (going.empty()) return {};
    auto all = turns(who, places);
    if (!all) return forward_error(all);
    for (std::size_t k = 0; k < going.size(); ++k) {
      game& g = games[going[k]];
      turn& t = (*all)[k];
      t.odds.push_back(t.elsewhere);
      const std::size_t option = draw(t.odds, g.choices);
      if (option == t.options.size()) {
        g.is_broken = true;
        continue;
      }
      g.deeds.push_back({g.told, t.options[option]});
      if (auto ok = g.told.put_checked(t.options[option]); !ok) return ok;
      detail::answer(g, rules);
    }
  }
}

/// All places of these games where something was done.
inline std::vector<place> places_of(std::span<const game> games) {
  std::vector<place> places;
  for (const game& g : games) {
    for (const deed& d : g.deeds) places.push_back({&d.before, g.who});
  }
  return places;
}

/// The logarithm of how probable each game's deeds are to a player; for a broken game, of how
/// probable they are to somebody who breaks it too, which is minus infinity for a planner.
///
/// Errors:  the player's.
inline expected<std::vector<double>> log_probabilities(player who, std::span<const game> games) {
  auto all = turns(who, places_of(games));
  if (!all) return forward_error(all);
  std::vector<double> sums;
  std::size_t i = 0;
  for (const game& g : games) {
    double sum = 0;
    for (const deed& d : g.deeds) sum += (*all)[i++].log_probability(d.said);
    sums.push_back(sum);
  }
  return sums;
}

}  // namespace multitudes::lab
