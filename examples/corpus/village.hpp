// SPDX-License-Identifier: MIT
#pragma once

#include "document.hpp"
#include "grammar.hpp"

#include <multitudes/core/expected.hpp>
#include <multitudes/extract/pairs.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corpus {

/// One of the people of Wenlow; what is said of them is the same in every document.
struct villager {
  std::string name;
  bool is_woman;
  std::string trade;
  std::string temper;  ///< how they talk, and what they do in danger
  std::string place;   ///< "at the mill"
  std::string work;    ///< "grind the corn/grinds the corn"
  std::string family;  ///< what kind of goal is theirs: "sell", "find", …
  std::string item;    ///< what that goal is about
};

/// What somebody tries to get done in one scene.
struct goal {
  std::string family;
  std::string item;
  std::string other;  ///< the name of a third person
};

/// One turn of a dialogue: speech, an action, or both.
struct beat {
  std::size_t who = 0;   ///< 0 has the goal, 1 answers
  std::string speech{};  ///< may be empty
  std::string action{};  ///< `now/then/call`, may be empty
};

inline constexpr std::array<std::string_view, 10> tempers{
    "cheerful", "gruff", "timid", "proud", "pious", "sly", "brave", "learned", "gloomy", "dreamy"};
inline constexpr std::array<std::string_view, 12> goal_families{
    "sell",   "buy",     "find",  "hide",  "mend",  "win",
    "gather", "collect", "guard", "peace", "learn", "deliver"};

/// The village: its people, and the phrases that all generated texts are made of.
class village {
 public:
  /// Reads the people, and all phrases: theirs, those of factorial.hpp and of instructions.hpp.
  ///
  /// Errors:  those of grammar::read and multitudes::read_records.
  static multitudes::expected<village> read(const std::string& folder) {
    village result;
    for (const char* name :
         {"/tempers.txt", "/village.txt", "/factorial.txt", "/instructions.txt"}) {
      if (auto done = result.words_.read(folder + name); !done) {
        return multitudes::forward_error(done);
      }
    }
    auto records = multitudes::read_records(folder + "/villagers.txt", 8);
    if (!records) return multitudes::forward_error(records);
    for (auto& r : *records) {
      result.people_.push_back({r[0], r[1] == "she", r[2], r[3], r[4], r[5], r[6], r[7]});
    }
    return result;
  }

  [[nodiscard]] const grammar& words() const { return words_; }
  [[nodiscard]] std::span<const villager> people() const { return people_; }

  /// Who speaks to whom about what: binds the names that the phrases use.
  void bind(scene& now, const villager& me, const villager& you, const goal& g,
            philox& random) const {
    const auto set = [&](std::string_view key, std::string_view value) {
      now.bound[std::string(key)] = words_.expand(value, now, random);
    };
    set("me", me.name);
    set("you", you.name);
    set("he", me.is_woman ? "she" : "he");
    set("his", me.is_woman ? "her" : "his");
    set("him", me.is_woman ? "her" : "him");
    set("trade", me.trade);
    set("temper", me.temper);
    set("place", me.place);
    set("work", me.work);
    set("family", g.family);
    set("item", g.item);
    set("other", g.other);
  }

  /// Two different people, one of them by chance in an unusual mood.
  [[nodiscard]] std::array<villager, 2> two_people(philox& random, bool moody) const {
    const auto n = static_cast<std::uint32_t>(people_.size());
    const std::uint32_t first = random.below(n);
    std::array<villager, 2> two{people_[first], people_[(first + 1 + random.below(n - 1)) % n]};
    if (moody) two[0].temper = pick(tempers, random);
    return two;
  }

  /// What the first of them wants: the goal that is always theirs, or another for a change.
  [[nodiscard]] goal goal_of(const villager& me, const villager& you, bool usual,
                             philox& random) const {
    const auto third = [&](const std::string& not_this) -> std::string {
      for (;;) {
        const std::string& name = pick(people_, random).name;
        if (name != me.name && name != you.name && name != not_this) return name;
      }
    };
    goal g{me.family, me.item, third("")};
    if (!usual) {
      g.family = pick(goal_families, random);
      g.item = g.family == "peace" ? g.other + " and " + third(g.other)
                                   : pick(words_.list("item." + g.family), random);
    }
    return g;
  }

  /// A statement about the goal in the temper of whoever is bound: opening, matter, close.
  [[nodiscard]] std::string spoken(std::string_view matter, scene& now, philox& random) const {
    std::string said = words_.expand(matter, now, random);
    const std::uint32_t shape = random.below(5);
    if (shape < 3) {
      std::string open = words_.expand("{open.@temper}", now, random);
      while (open.ends_with(',') && said.ends_with('?')) {
        open = words_.expand("{open.@temper}", now, random);
      }
      said = open + " " + (open.ends_with(',') ? uncapitalized(said) : said);
    }
    const bool asks = said.ends_with('?') && !chance(0.2f, random);
    if (shape != 1 && shape != 4 && !asks)
      said += " " + words_.expand("{close.@temper}", now, random);
    return said;
  }

  /// A whole conversation about the goal; true in `done` if it was reached.
  [[nodiscard]] std::vector<beat> conversation(const std::array<villager, 2>& two, const goal& g,
                                               scene& now, philox& random, bool& done) const {
    std::vector<beat> beats;
    const auto turn = [&](std::size_t who, auto&& speech) {
      bind(now, two[who], two[1 - who], g, random);
      beats.push_back({.who = who, .speech = speech(), .action = {}});
    };
    const auto say = [&](std::string_view phrase) {
      return [&, phrase] { return words_.expand(phrase, now, random); };
    };
    const auto act = [&](std::string_view list) {
      beats.back().action = words_.expand("{" + std::string(list) + ":1}/{" + std::string(list) +
                                              ":2}/{" + std::string(list) + ":3}",
                                          now, random);
    };
    turn(0, say("{greet.@temper}"));
    turn(1, say("{greet.@temper}"));
    if (g.family != "hide" && chance(0.5f, random)) {
      turn(0, [&] { return spoken("{a.want}", now, random); });
      turn(1, say("{ask.@family}"));
    }
    std::uint32_t rounds = random.below(4);
    for (;; --rounds) {
      turn(0, [&] { return spoken("{say.@family}", now, random); });
      if (chance(0.5f, random)) act("do.@family#" + std::to_string(rounds));
      if (rounds == 0) break;  // what comes now is the answer
      turn(1, [&] { return spoken("{ask.@family}", now, random); });
      if (chance(0.25f, random)) act("manner.@temper#" + std::to_string(rounds));
    }
    done = chance(0.55f, random);
    turn(1, say(done ? "{yes.@temper} {win.@family}" : "{no.@temper} {lose.@family}"));
    turn(0, say(done ? "(|{close.@temper} ){bye.@temper}" : "{bye.@temper}"));
    if (chance(0.5f, random)) act("manner.@temper#9");
    bind(now, two[0], two[1], g, random);
    return beats;
  }

  /// The text with a small first letter, unless that letter belongs to a name or to "I".
  [[nodiscard]] std::string uncapitalized(std::string text) const {
    const std::string_view first = std::string_view(text).substr(0, text.find_first_of(" ,.'"));
    if (first == "I") return text;
    for (const villager& v : people_) {
      if (first == v.name) return text;
    }
    if (!text.empty() && detail::is_upper(text[0])) text[0] = static_cast<char>(text[0] + 32);
    return text;
  }

 private:
  grammar words_;
  std::vector<villager> people_;
};

}  // namespace corpus
