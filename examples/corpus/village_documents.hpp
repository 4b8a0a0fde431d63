// SPDX-License-Identifier: MIT
#pragma once

#include "village.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corpus {

namespace detail {

/// `show:lame horse` as a game would read it: `show(lame horse)`.
inline std::string called(std::string_view action) {
  const std::size_t colon = action.find(':');
  return std::string(action.substr(0, colon)) + "(" +
         std::string(colon == std::string_view::npos ? "" : action.substr(colon + 1)) + ")";
}

/// The parts of `now/then/call`.
inline std::array<std::string, 3> forms_of(std::string_view action) {
  std::array<std::string, 3> forms;
  for (std::string& form : forms) {
    const std::size_t end = action.find('/');
    form = std::string(action.substr(0, end));
    action.remove_prefix(end == std::string_view::npos ? action.size() : end + 1);
  }
  return forms;
}

/// "First sentence," Marta laughed. "The rest."
inline std::string quoted(const std::string& speech, const std::string& name,
                          const std::string& said) {
  std::size_t end = speech.find_first_of(".!?");
  if (end == std::string::npos) end = speech.size() - 1;
  while (end + 1 < speech.size() && speech[end + 1] == '.') ++end;
  std::string first = speech.substr(0, end + 1);
  if (first.ends_with('.') && !first.ends_with("..")) first.back() = ',';
  std::string result = "\"" + first + "\" " + name + " " + said + ".";
  const std::string_view rest = trimmed(std::string_view(speech).substr(end + 1));
  if (!rest.empty()) result += " \"" + std::string(rest) + "\"";
  return result;
}

/// One document in the making.
struct village_page {
  const village& where;
  scene now;
  philox& random;

  std::string words(std::string_view phrase) { return where.words().expand(phrase, now, random); }
  /// "Tom the watchman is brave." and, if he is not as a rule, "Tom the watchman is timid today."
  std::string introduction(const villager& v, const char* verb) {
    const auto people = where.people();
    const auto usual = std::find_if(people.begin(), people.end(),
                                    [&](const villager& p) { return p.name == v.name; });
    const bool odd = usual != people.end() && usual->temper != v.temper;
    return v.name + " the " + words(v.trade) + verb + v.temper + (odd ? " today." : ".");
  }
};

/// A heading that says where, when, who and what for, in more or less detail.
inline std::string heading(village_page& page, const std::array<villager, 2>& two) {
  std::string text;
  if (chance(0.5f, page.random)) text += page.words("{^when}, {@place}.\n");
  if (chance(0.3f, page.random)) text += page.words("{sky} {^sight}.\n");
  if (chance(0.7f, page.random)) {
    text += page.introduction(two[0], " is ") + " ";
    text += page.introduction(two[1], " is ") + "\n";
  }
  if (chance(0.7f, page.random)) text += page.words("Goal of {@me}: {goal.@family}.\n");
  return text.empty() ? text : text + "\n";
}

/// A dialogue as in a play; actions between stars or as calls.
inline std::string play(village_page& page, const std::array<villager, 2>& two, const goal& g) {
  bool done = false;
  const std::vector<beat> beats = page.where.conversation(two, g, page.now, page.random, done);
  std::string text = heading(page, two);
  const bool as_calls = chance(0.5f, page.random);
  for (const beat& b : beats) {
    const auto forms = forms_of(b.action);
    text += two[b.who].name + ": ";
    if (!b.action.empty() && !as_calls) text += "*" + forms[0] + "* ";
    text += b.speech;
    if (!b.action.empty() && as_calls) text += " [action: " + called(forms[2]) + "]";
    text += '\n';
  }
  if (done && chance(0.5f, page.random)) text += page.words("\n{end.@family}\n");
  return text;
}

/// The same as a story.
inline std::string tale(village_page& page, const std::array<villager, 2>& two, const goal& g) {
  bool done = false;
  const std::vector<beat> beats = page.where.conversation(two, g, page.now, page.random, done);
  std::string text = page.words(
      "{sky} (|{^sight}. ){@me} the {@trade} was {@place}, and wanted to "
      "{goal.@family}. ");
  text += page.introduction(two[1], ", who was ");
  text.back() = ',';
  text += page.words(" came by {when}.");
  for (const beat& b : beats) {
    page.where.bind(page.now, two[b.who], two[1 - b.who], g, page.random);
    text += "\n\n" + quoted(b.speech, two[b.who].name, page.words("{said.@temper}"));
    if (!b.action.empty()) text += page.words(" {^@he} ") + forms_of(b.action)[1] + ".";
  }
  page.where.bind(page.now, two[0], two[1], g, page.random);
  return text +
         page.words(done ? "\n\n{end.@family}"
                         : "\n\n(So {@me} had not {goal.@family:3}.|By nightfall, {@me} had still "
                           "not {goal.@family:3}.|"
                           "That day, {@me} had not {goal.@family:3}, but there would be others.)");
}

/// A visitor asks, and a villager answers in character.
inline std::string interview(village_page& page, const villager& me) {
  std::string text = page.introduction(me, " is ");
  if (chance(0.5f, page.random)) text += page.words(" {^@he} wants to {goal.@family}.");
  text += "\n\n";
  std::array<std::string_view, 6> topics{"name", "want", "work", "where", "self", "favourite"};
  const std::uint32_t n = 2 + page.random.below(4);
  for (std::uint32_t i = 0; i < n; ++i) {
    std::swap(topics[i], topics[i + page.random.below(6 - i)]);
    const std::string topic(topics[i]);
    text += "Visitor: " + page.words("{q." + topic + "}") + "\n" + me.name + ": ";
    text += page.where.spoken(topic == "self" ? "{self.@temper}" : "{a." + topic + "}", page.now,
                              page.random);
    text += '\n';
  }
  return text;
}

/// Actions to choose from, and the one that serves the goal.
inline std::string choice_of_action(village_page& page, const villager& me) {
  const auto call = [&](std::string_view list) {
    return called(page.words("{" + std::string(list) + ":3}"));
  };
  const std::string chosen = call("do.@family");
  std::vector<std::string> offered{chosen, call("manner.@temper")};
  while (offered.size() < 4) {
    const std::string_view family = pick(goal_families, page.random);
    if (family == page.now.bound["family"]) continue;
    scene other = page.now;
    other.bound["item"] = page.words(
        pick(page.where.words().list("item." + std::string(family == "peace" ? "gather" : family)),
             page.random));
    std::string rival =
        called(page.where.words().expand("{do." + std::string(family) + ":3}", other, page.random));
    if (std::find(offered.begin(), offered.end(), rival) == offered.end()) {
      offered.push_back(std::move(rival));
    }
  }
  for (std::size_t i = offered.size(); i > 1; --i) {
    std::swap(offered[i - 1], offered[page.random.below(static_cast<std::uint32_t>(i))]);
  }
  std::string text =
      page.introduction(me, " is ") + page.words(" {^@he} wants to {goal.@family}.\n");
  text += me.name + " can:";
  for (const std::string& o : offered) text += " " + o + ";";
  text.back() = '.';
  return text + "\n" + me.name + " does: " + chosen + "\n";
}

/// Something dangerous happens; what people do is a matter of temper, not of goals.
inline std::string danger(village_page& page, const std::array<villager, 2>& two) {
  std::string text = page.words("{^when}, {@place}, {danger#what}.\n");
  page.now.bound["danger"] = page.words("{danger#what:2}");
  const bool as_calls = chance(0.5f, page.random);
  for (std::size_t i = 0; i < 2; ++i) {
    page.where.bind(page.now, two[i], two[1 - i], {}, page.random);
    text += page.introduction(two[i], " is ");
    text += as_calls ? page.words(" {@me} does: ") + called(page.words("{react.@temper:3}"))
                     : page.words(" {@me} {react.@temper}.");
    text += page.words(" \"{close.@temper}\"\n");
  }
  return text;
}

/// Who somebody is, in plain prose, sometimes followed by their own words.
inline std::string portrait(village_page& page) {
  std::string text = page.words(
      "{@me} is the {@trade} of Wenlow. {^@he} {@work:2}, and (is to be found|you will find "
      "{@him}) "
      "{@place}. {^@he} is {@temper}, {like.@temper}. (|{^when}, {sight}. )"
      "(What {@he} wants most|The great wish of {@me}|What {@me} thinks of day and night) is to "
      "{goal.@family}.");
  if (chance(0.6f, page.random)) {
    text += page.words("\n\nAs {@me} would say: \"{self.@temper} {close.@temper}\"");
  }
  return text + "\n";
}

/// One to four quatrains, in couplets or in alternate rhyme.
inline std::string song(village_page& page) {
  constexpr std::array<std::string_view, 11> rhymes{"day",  "night", "sea",  "hill", "bell", "fire",
                                                    "town", "snow",  "rain", "wood", "ring"};
  std::string text = chance(0.6f, page.random) ? page.words("{verse.opening}\n\n") : std::string();
  const bool couplets = chance(0.5f, page.random);
  std::uint32_t n = 1 + page.random.below(4);
  std::set<std::string_view> taken;
  while (n-- > 0) {
    std::array<std::string, 2> lists;
    for (std::string& list : lists) {
      std::string_view rhyme;
      do {
        rhyme = pick(rhymes, page.random);
      } while (!taken.insert(rhyme).second);
      list = "{rhyme." + std::string(rhyme) + "}";
    }
    for (std::size_t line = 0; line < 4; ++line) {
      text += page.words(lists[couplets ? line / 2 : line % 2]);
      text += line == 3 ? ".\n" : line == 1 ? ";\n" : ",\n";
    }
    if (n > 0) text += '\n';
  }
  return text;
}

}  // namespace detail

/// The document with this number: the same for the same seed, whichever others were made.
///
/// Returns: `kind` is "village", `style` the temper of the main speaker, `subject` the kind of
///          goal, or "danger", or "song".
inline document village_document(const village& where, std::uint64_t seed, std::uint64_t number) {
  philox random(seed, number);
  detail::village_page page{where, {}, random};
  page.now.spelling = chance(0.5f, random) ? spelling::british : spelling::american;
  const std::uint32_t shape = random.below(20);
  // What people are like as a rule is told of them only when they are.
  const bool moody = shape < 16 && chance(0.25f, random);
  const auto two = where.two_people(random, moody);
  const goal g = where.goal_of(two[0], two[1], chance(0.5f, random), random);
  where.bind(page.now, two[0], two[1], g, random);
  document d{{}, "village", two[0].temper, g.family, split::train};
  d.spelling = page.now.spelling == spelling::british ? "British" : "American";
  if (shape < 7) {
    d.text = detail::play(page, two, g);
  } else if (shape < 11) {
    d.text = detail::tale(page, two, g);
  } else if (shape < 13) {
    d.text = detail::interview(page, two[0]);
  } else if (shape < 15) {
    d.text = detail::choice_of_action(page, two[0]);
  } else if (shape < 16) {
    d.text = detail::danger(page, two);
    d.subject = "danger";
  } else if (shape < 18) {
    d.text = detail::portrait(page);
  } else {
    d.text = detail::song(page);
    d.style = "verse";
    d.subject = "song";
  }
  if (chance(0.15f, random)) d.text = "Spelling: " + d.spelling + ".\n" + d.text;
  return d;
}

}  // namespace corpus
