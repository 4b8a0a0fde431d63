// SPDX-License-Identifier: MIT
#pragma once

#include "books.hpp"
#include "factorial.hpp"
#include "village_documents.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corpus {

/// A stretch of a conversation; only answers are learned from.
struct chat_part {
  std::string text;
  bool is_answer = false;  ///< with the mark that ends it, so that stopping is learned, too
};

/// A conversation: `about.text` is its parts, one after the other.
struct chat {
  document about;
  std::vector<chat_part> parts;

  void add(std::string_view request, std::string_view answer) {
    parts.push_back({"<|user|>\n" + std::string(request) + "<|end|>\n<|assistant|>\n", false});
    parts.push_back({std::string(answer) + "<|end|>", true});
    parts.push_back({"\n", false});
    for (std::size_t i = parts.size() - 3; i < parts.size(); ++i) about.text += parts[i].text;
  }
};

/// What instruction data is made of. Only chunks for training are quoted.
struct chat_sources {
  const village& where;
  const shelf* books = nullptr;  ///< may be absent: then nothing is asked about authors
};

namespace detail {

/// One conversation in the making.
struct chat_page {
  const chat_sources& from;
  village_page page;
  chat out;

  philox& random() { return page.random; }
  std::string words(std::string_view phrase) { return page.words(phrase); }
};

/// True if a sentence ends here, or a line of verse with a stop of any kind.
inline bool ends_well(std::string_view text, bool verse) {
  if (text.empty()) return false;
  const std::string_view ends = verse ? ".!?\"':;-" : ".!?\"'";
  return ends.find(text.back()) != std::string_view::npos;
}

/// A passage that begins a paragraph of a training chunk; nothing if the books have none. Half of
/// the time all works are as likely, so that the short ones get to be known by name, too.
inline std::optional<std::pair<std::size_t, std::string>> some_passage(const shelf& books,
                                                                       std::string_view form,
                                                                       philox& random) {
  if (books.works.empty() || books.chunks.empty()) return std::nullopt;
  const bool any_work = !form.empty() || chance(0.5f, random);
  const std::size_t wanted = random.below(static_cast<std::uint32_t>(books.works.size()));
  for (int attempt = 0; attempt < 2000; ++attempt) {
    const chunk& c = pick(books.chunks, random);
    if (!any_work && c.work != wanted) continue;
    if (c.part != split::train || (!form.empty() && books.work_of(c).form != form)) continue;
    std::string_view rest = c.text;
    const std::size_t start =
        rest.find("\n\n", random.below(static_cast<std::uint32_t>(rest.size())));
    if (start == std::string_view::npos || rest.size() - start < 250) continue;
    rest.remove_prefix(start + 2);
    const std::size_t most = 220 + random.below(380);
    const std::string_view passage = trimmed(rest.substr(0, cut_length(rest, 120, most)));
    if (!ends_well(passage, books.work_of(c).form == "verse")) continue;
    return std::pair(c.work, std::string(passage));
  }
  return std::nullopt;
}

inline bool about_books(chat_page& p) {
  const shelf* books = p.from.books;
  if (books == nullptr) return false;
  const bool by_form = chance(0.08f, p.random());
  const std::string_view form = chance(0.5f, p.random()) ? "verse" : "prose";
  const auto found = some_passage(*books, by_form ? form : "", p.random());
  if (!found) return false;
  const work& w = books->works[found->first];
  const std::string& passage = found->second;
  p.page.now.bound["author"] = w.author;
  p.page.now.bound["form"] = w.form;
  p.out.about.style = w.author;
  p.out.about.subject = w.title;
  const float kind = p.random().uniform();
  // A first line to go on from: up to an end of sentence, or of line, well inside the passage.
  const std::size_t stop = passage.size() > 160 ? cut_length(passage, 20, passage.size() / 3) : 0;
  if (by_form) {
    p.out.add(p.words("{ask.form}"), passage);
  } else if (kind < 0.2f && stop > 0) {
    p.page.now.bound["start"] = trimmed(std::string_view(passage).substr(0, stop));
    p.out.add(p.words("{ask.continue}"), trimmed(std::string_view(passage).substr(stop)));
  } else if (kind < 0.4f) {
    p.page.now.bound["passage"] = passage;
    p.out.add(p.words("{ask.who}"), p.words("{tell.who}"));
  } else {
    p.out.add(p.words("{ask.author}"), passage);
  }
  return true;
}

inline void about_factors(chat_page& p) {
  std::size_t way = 0;
  std::size_t thing = 0;
  do {
    way = p.random().below(static_cast<std::uint32_t>(ways.size()));
    thing = p.random().below(static_cast<std::uint32_t>(things.size()));
  } while (is_held_out(way, thing));
  const std::uint32_t kind = p.random().below(10);
  bind_factors(p.page.now, way, thing);
  const std::string request = p.words(kind < 7   ? "{ask.both}"
                                      : kind < 8 ? "{ask.way}"
                                                 : "{ask.topic}");
  std::string answer = factorial_text(p.from.where.words(), way, thing, 2 + p.random().below(3),
                                      p.page.now, p.random());
  p.out.about.style = ways[way].name;
  p.out.about.subject = things[thing].name;
  p.out.add(request, trimmed(answer));
}

inline void as_villager(chat_page& p, const std::array<villager, 2>& two) {
  const village& where = p.from.where;
  scene& now = p.page.now;
  std::string setting = p.words("{ask.be}");
  const bool states_goal = chance(0.6f, p.random());
  if (states_goal) setting += " " + p.words("{ask.goal}");
  const std::uint32_t kind = p.random().below(10);
  if (kind < 2) {
    p.out.add(setting + " " + p.words("{ask.greet}"), p.words("{greet.@temper}"));
  } else if (kind < 5) {
    if (!states_goal) setting += " " + p.words("{ask.goal}");
    std::string answer = "[action: " + called(p.words("{do.@family:3}")) + "]";
    if (chance(0.5f, p.random())) answer += " " + where.spoken("{say.@family}", now, p.random());
    p.out.add(setting + " " + p.words("{ask.act}"), answer);
  } else if (kind < 6) {
    now.bound["danger"] = p.words("{danger#d}");
    const std::string request = p.words("{ask.danger}");
    now.bound["danger"] = p.words("{danger#d:2}");
    p.out.add(setting + " " + request, "[action: " + called(p.words("{react.@temper:3}")) + "] " +
                                           p.words("{close.@temper}"));
  } else {
    std::array<std::string_view, 6> topics{"name", "want", "work", "where", "self", "favourite"};
    const std::uint32_t n = 1 + p.random().below(3);
    for (std::uint32_t i = 0; i < n; ++i) {
      std::swap(topics[i], topics[i + p.random().below(6 - i)]);
      const std::string topic(topics[i]);
      const std::string request = p.words("{q." + topic + "}");
      p.out.add(
          i == 0 ? setting + " " + request : request,
          where.spoken(topic == "self" ? "{self.@temper}" : "{a." + topic + "}", now, p.random()));
    }
  }
  p.out.about.style = two[0].temper;
  p.out.about.subject = now.bound["family"];
}

inline void about_village(chat_page& p) {
  constexpr std::array<std::string_view, 6> facts{"trade", "who",    "where",
                                                  "work",  "temper", "want"};
  p.out.about.subject = "facts";
  if (chance(0.1f, p.random())) {
    const auto pair = forms_of(pick(p.from.where.words().list("fact.q.village"), p.random()));
    p.out.add(pair[0], pair[1]);
    return;
  }
  const std::string fact(pick(facts, p.random()));
  const std::string request = p.words("{fact.q." + fact + "}");
  p.out.add(request, p.words("{fact.a." + fact + "}"));
}

inline void in_temper(chat_page& p) {
  const std::string request = p.words("{ask.temper} ");
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> exchanges{{
      {"{ask.greet}", "{greet.@temper}"},
      {"{q.self}", "{self.@temper} {close.@temper}"},
      {"{q.help}", "({yes.@temper}|{no.@temper})"},
      {"{talk.bye}", "{bye.@temper}"},
  }};
  const auto& [ask, tell] = pick(exchanges, p.random());
  p.out.add(request + p.words(ask), p.words(tell));
  p.out.about.style = p.page.now.bound["temper"];
  p.out.about.subject = "temper";
}

inline void about_spelling(chat_page& p) {
  const bool british = p.page.now.spelling == spelling::british;
  p.page.now.bound["spelling"] = british ? "British" : "American";
  p.page.now.bound["nation"] = british ? "Briton" : "American";
  p.out.about.subject = "spelling";
  if (chance(0.4f, p.random())) {
    const auto both = forms_of(pick(p.from.where.words().list("pair"), p.random()));
    p.page.now.bound["this"] = both[british ? 1 : 0];
    p.page.now.bound["that"] = both[british ? 0 : 1];
    p.out.add(p.words("{ask.pair}"), p.words("{tell.pair}"));
    return;
  }
  const std::string request = p.words("{ask.spelling}");
  p.out.add(request, p.words("{sky} {^sight}, and {sight}. {sky}( {^sight}.|)"));
}

/// Small talk without a persona in the request: plain as a rule, sometimes kind, seldom gruff.
inline void small_talk(chat_page& p) {
  constexpr std::array<std::string_view, 8> topics{"hello", "who", "how",    "thanks",
                                                   "bye",   "sad", "advice", "weather"};
  std::uint32_t n = 1 + p.random().below(3);
  const float mood = p.random().uniform();
  const std::string tone = mood < 0.6f ? "plain" : mood < 0.85f ? "friendly" : "gruff";
  p.out.about.style = tone;
  p.out.about.subject = "small talk";
  while (n-- > 0) {
    const std::string topic = "talk." + std::string(pick(topics, p.random()));
    const std::string request = p.words("{" + topic + "}");
    p.out.add(request, p.words("{" + topic + "." + tone + "}"));
  }
}

}  // namespace detail

/// The conversation with this number: the same for the same seed, whichever others were made.
///
/// Returns: `kind` is "instruction"; `style` is the author, way, temper or tone of the answers.
inline chat instruction(const chat_sources& from, std::uint64_t seed, std::uint64_t number) {
  philox random(seed ^ 0xC0FFEE, number);
  detail::chat_page p{from, {from.where, {}, random}, {}};
  p.page.now.spelling = chance(0.5f, random) ? spelling::british : spelling::american;
  const auto two = from.where.two_people(random, false);
  const goal g = from.where.goal_of(two[0], two[1], chance(0.5f, random), random);
  from.where.bind(p.page.now, two[0], two[1], g, random);
  p.out.about.kind = "instruction";
  p.out.about.spelling = p.page.now.spelling == spelling::british ? "British" : "American";
  const std::uint32_t kind = random.below(100);
  if (kind < 30 && detail::about_books(p)) {
  } else if (kind < 55) {
    detail::about_factors(p);
  } else if (kind < 75) {
    detail::as_villager(p, two);
  } else if (kind < 81) {
    from.where.bind(p.page.now, two[0], two[1], {two[0].family, two[0].item, g.other}, random);
    detail::about_village(p);
  } else if (kind < 87) {
    p.page.now.bound["temper"] = pick(tempers, random);
    detail::in_temper(p);
  } else if (kind < 92) {
    detail::about_spelling(p);
  } else {
    detail::small_talk(p);
  }
  return std::move(p.out);
}

/// A request for the feedback stage, ready for the model to answer; friendliness.hpp judges.
inline std::string feedback_prompt(const village& where, std::uint64_t seed, std::uint64_t number) {
  philox random(seed ^ 0xFEEDBACC, number);
  scene now{.spelling = chance(0.5f, random) ? spelling::british : spelling::american};
  return "<|user|>\n" + where.words().expand("{feedback}", now, random) +
         "<|end|>\n<|assistant|>\n";
}

}  // namespace corpus
