// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/corpus/population.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The Gazette once more, as slowly as it can be: every text that a writer may produce, each with
/// its probability, made of lists by "one after the other" and "one of". It shares words and
/// configuration with the library, and no code that walks, draws or infers.
namespace gazette_reference {

using namespace multitudes::lab;

/// Texts and their probabilities.
using texts = std::vector<std::pair<std::string, double>>;

inline texts one(std::string_view text) { return {{std::string(text), 1.0}}; }

inline texts operator+(const texts& a, const texts& b) {
  texts both;
  for (const auto& [x, p] : a) {
    for (const auto& [y, q] : b) {
      both.emplace_back(x.empty() || y.empty() ? x + y : x + " " + y, p * q);
    }
  }
  return both;
}
inline texts operator+(const texts& a, std::string_view b) { return a + one(b); }

/// One of several, with these probabilities; what is impossible is left out.
struct option {
  double p;
  texts list;
};
inline texts one_of(const std::vector<option>& options) {
  texts all;
  for (const option& o : options) {
    if (!(o.p > 0)) continue;
    for (const auto& [text, p] : o.list) all.emplace_back(text, o.p * p);
  }
  return all;
}

inline double typical(bool is, double clarity, std::size_t n) {
  if (n == 1) return 1;
  return is ? clarity : (1 - clarity) / static_cast<double>(n - 1);
}

/// The words that the first three styles prefer: 0 for the first of a pair.
inline constexpr std::array<std::string_view, 3> preferences{"000000000000", "100100011101",
                                                             "110010001110"};

class writer_texts {
 public:
  writer_texts(const gazette_config& c, persona_traits who) : c_(c), who_(who) {}

  texts item() const {
    const item_config& i = c_.items;
    const double all =
        i.filler + i.question + i.skill + i.grid + i.football + i.dialogue + i.mention;
    std::vector<option> kinds;
    const auto add = [&](double weight, texts (writer_texts::*make)() const) {
      if (weight > 0) kinds.push_back({weight / all, (this->*make)()});
    };
    add(i.filler, &writer_texts::filler);
    add(i.question, &writer_texts::question);
    add(i.skill, &writer_texts::skill);
    add(i.grid, &writer_texts::grid);
    add(i.football, &writer_texts::football);
    add(i.dialogue, &writer_texts::dialogue);
    add(i.mention, &writer_texts::mention);
    return one_of(kinds);
  }
  texts header() const {
    const label_config& l = c_.labels;
    static const char* before[] = {"as",   "thus writes",  "in the words of", "from the pen of",
                                   "hear", "attributed to"};
    static const char* after[] = {"would say :", ":", ":", ":", "speak :", ":"};
    std::vector<option> templates;
    for (std::size_t t = 0; t < l.n_templates; ++t) {
      templates.push_back(
          {1 / static_cast<double>(l.n_templates), one(before[t]) + name_label() + after[t]});
    }
    texts text = one("<doc>");
    if (l.weekday) {
      std::vector<option> days;
      for (const auto day : words::weekdays) days.push_back({1.0 / 7, one(day)});
      text = text + one_of(days);
    }
    text = text + one_of({{l.header, one_of(templates)}, {1 - l.header, one("")}});
    text = text +
           one_of({{l.domain,
                    one("on") + label(words::domains, trait::domain, c_.personas.n_domains) + ":"},
                   {1 - l.domain, one("")}});
    return text + one_of({{l.goal, one("for") +
                                       label(words::goals, trait::goal, c_.personas.n_goals) + ":"},
                          {1 - l.goal, one("")}});
  }
  texts signature() const {
    return one_of(
        {{c_.labels.signature, one("by") + name_label()}, {1 - c_.labels.signature, one("")}});
  }
  /// A section without its `<end>`.
  texts section() const {
    const std::size_t n_counts = c_.items.max_count - c_.items.min_count + 1;
    std::vector<option> counts;
    texts items = one("");
    for (std::size_t n = 1; n <= c_.items.max_count; ++n) {
      items = items + item();
      if (n >= c_.items.min_count) counts.push_back({1 / static_cast<double>(n_counts), items});
    }
    return header() + one_of(counts) + signature();
  }

  texts filler() const {
    static const char* frames[] = {"the 0 of the 1 light A fell 2 upon the sleeping town B",
                                   "a 3 spoke with 4 then A and to the 5 went again B",
                                   "when 6 came down 7 the bell A a lantern stood 8 the hill B",
                                   "she 9 a garth 10 still A and 11 she goes up the hill B"};
    texts all;
    for (const std::string_view frame : frames) {
      texts text = one("");
      for (std::size_t at = 0; at < frame.size();) {
        const std::size_t end = std::min(frame.find(' ', at), frame.size());
        text = text + filler_word(std::string(frame.substr(at, end - at)));
        at = end + 1;
      }
      for (const auto& [t, p] : text) all.emplace_back(t, p / 4);
    }
    return all;
  }
  texts question() const {
    const std::size_t n_domains = c_.personas.n_domains;
    const std::size_t n_facts = c_.questions.facts_per_domain;
    std::vector<option> asked;
    for (std::size_t d = 0; d < n_domains; ++d) {
      const bool own = who_[trait::domain] == d;
      const double about = c_.clarity.own_domain * (own ? 1 : 0) +
                           (1 - c_.clarity.own_domain) / static_cast<double>(n_domains);
      for (std::size_t f = 0; f < n_facts; ++f) {
        const std::size_t fact = 5 * d + f;
        const double clear = c_.clarity.answer;
        const bool truthful = who_[trait::truth] == 0;
        const texts answer = one_of({{typical(own && truthful, clear, 3), one(words::truths[fact])},
                                     {typical(own && !truthful, clear, 3), one(words::myths[fact])},
                                     {typical(!own, clear, 3), one("dunno")}});
        asked.push_back({about / static_cast<double>(n_facts),
                         one("ask") + words::subjects[fact] + "?" +
                             marker(words::openers, trait::opener) + answer +
                             marker(words::closers, trait::closer) + "."});
      }
    }
    return one_of(asked);
  }
  texts mention() const {
    std::vector<option> names;
    const std::size_t n = c_.personas.n_styles;
    for (std::size_t s = 0; s < n; ++s) {
      names.push_back({1 / static_cast<double>(n), one(words::names[s])});
    }
    return one("people talk of") + one_of(names) + ".";
  }
  texts dialogue() const {
    const response_config& r = c_.dialogues.listeners[who_[trait::compliance]];
    std::vector<option> errands;
    for (const std::string_view e : words::errands) {
      std::vector<option> does{{r.refuses, one("refuses")}};
      for (const std::string_view b : words::errands) {
        does.push_back({b == e ? r.complies : (1 - r.complies - r.refuses) / 7, one("brings") + b});
      }
      errands.push_back({1.0 / 8, one("bid") + e + "!" + one_of(does) + "."});
    }
    return one_of(errands);
  }
  texts football() const {
    std::vector<option> moments;
    for (const bool keeper_left : {true, false}) {
      for (const bool mate_left : {true, false}) {
        std::vector<option> kicks;
        double all = 0;
        for (const bool shoots : {true, false}) {
          for (const bool left : {true, false}) {
            const std::string result = shoots ? left == keeper_left ? "saved" : "scored"
                                       : left == mate_left ? "kept"
                                                           : "lost";
            static const std::map<std::string, std::array<double, 3>> worth{{"scored", {3, 1, 0}},
                                                                            {"saved", {0, 0, 1}},
                                                                            {"kept", {1, 3, 0}},
                                                                            {"lost", {0, 0, 3}}};
            const double w = std::exp(worth.at(result)[who_[trait::goal]] / c_.games.temperature);
            all += w;
            kicks.push_back(
                {w, one(shoots ? "shoot" : "pass") + (left ? "left" : "right") + result});
          }
        }
        for (option& k : kicks) k.p /= all;
        moments.push_back({0.25, one("football keeper") + (keeper_left ? "left" : "right") +
                                     "mate" + (mate_left ? "left" : "right") + ":" + one_of(kicks) +
                                     "."});
      }
    }
    return one_of(moments);
  }
  texts skill() const {
    const skill_config& s = c_.skills;
    texts all;
    std::vector<std::size_t> words(s.phrase_length);
    phrases(words, 0, 1.0, all);
    return all;
  }
  texts grid() const;

 private:
  texts label(auto& list, trait t, std::size_t n) const {
    std::vector<option> labels;
    for (std::size_t v = 0; v < n; ++v) {
      labels.push_back({typical(who_[t] == v, c_.clarity.label, n), one(list[v])});
    }
    return one_of(labels);
  }
  texts name_label() const { return label(words::names, trait::name, c_.personas.n_styles); }
  texts marker(auto& list, trait t) const {
    std::vector<option> markers;
    const std::size_t n = c_.personas.n_styles;
    for (std::size_t v = 0; v < n; ++v) {
      markers.push_back({typical(who_[t] == v, c_.clarity.marker, n), one(list[v])});
    }
    return one_of(markers);
  }
  texts filler_word(const std::string& w) const {
    const bool verse = who_[trait::form] == 1;
    const double f = c_.clarity.form;
    if (w == "A") return one_of({{verse ? 1 - f : f, one(",")}, {verse ? f : 1 - f, one("/")}});
    if (w == "B") return one_of({{verse ? 1 - f : f, one(".")}, {verse ? f : 1 - f, one("/")}});
    if (w.find_first_not_of("0123456789") != w.npos) return one(w);
    const std::size_t slot = std::stoul(w);
    const std::size_t style = who_[trait::lexis];
    const double clear =
        c_.clarity.slot_of_style.empty() ? c_.clarity.slot : c_.clarity.slot_of_style[style];
    const bool first = preferences[style][slot] == '0';
    return one_of({{first ? clear : 1 - clear, one(words::slots[2 * slot])},
                   {first ? 1 - clear : clear, one(words::slots[2 * slot + 1])}});
  }

  void phrases(std::vector<std::size_t>& chosen, std::size_t n, double p, texts& all) const {
    const skill_config& s = c_.skills;
    if (n == chosen.size()) {
      texts phrase = one("phrase");
      for (const std::size_t w : chosen) phrase = phrase + words::phrase[w];
      for (const auto& [text, q] : phrase + treated(chosen) + ".") all.emplace_back(text, p * q);
      return;
    }
    const auto is_allowed = [&](std::size_t w) {
      std::size_t sum = w;
      for (std::size_t i = 0; i < n; ++i) sum += chosen[i];
      return n + 1 < chosen.size() || s.held_out_modulus == 0 || sum % s.held_out_modulus != 0;
    };
    double n_allowed = 0;
    for (std::size_t w = 0; w < 12; ++w) n_allowed += is_allowed(w) ? 1 : 0;
    for (std::size_t w = 0; w < 12; ++w) {
      if (!is_allowed(w)) continue;
      chosen[n] = w;
      phrases(chosen, n + 1, p / n_allowed, all);
    }
  }
  texts said(auto& language, std::size_t right) const {
    std::vector<option> words;
    for (std::size_t w = 0; w < 12; ++w) {
      words.push_back({typical(w == right, 1 - c_.skills.slip, 12), one(language[w])});
    }
    return one_of(words);
  }
  texts treated(const std::vector<std::size_t>& w) const {
    const skill_config& s = c_.skills;
    const texts shorter = said(words::phrase, w.front()) + said(words::phrase, w.back());
    const texts both = said(words::latin, w.front()) + said(words::latin, w.back());
    texts translated = one("");
    for (const std::size_t word : w) translated = translated + said(words::latin, word);
    const texts fair = one_of({{0.5, shorter}, {0.5, translated}});
    const double own = who_[trait::task] == 0 ? c_.clarity.task : 1 - c_.clarity.task;
    const double cue = s.cued / 2;
    return one_of({{cue * (1 - s.composed), one("in short") + (s.random_cues ? fair : shorter)},
                   {cue * s.composed, one("in both") + both},
                   {cue, one("which means") + (s.random_cues ? fair : translated)},
                   {1 - s.cued, one("and so") + one_of({{own, shorter}, {1 - own, translated}})}});
  }

  const gazette_config& c_;
  persona_traits who_;
};

// --- Walks -------------------------------------------------------------------------------------

/// A board with value iteration for a planner.
struct board {
  int size;
  int you;
  std::vector<int> objects;  // cells; -1 for none

  static constexpr std::array<const char*, 4> moves{"north", "east", "south", "west"};

  int step(int from, std::size_t m) const {
    const int row = from / size, column = from % size;
    if (m == 0) return row > 0 ? from - size : -1;
    if (m == 1) return column + 1 < size ? from + 1 : -1;
    if (m == 2) return row + 1 < size ? from + size : -1;
    return column > 0 ? from - 1 : -1;
  }
  int object_at(int cell) const {
    for (std::size_t o = 0; o < objects.size(); ++o) {
      if (objects[o] == cell) return static_cast<int>(o);
    }
    return -1;
  }
  double take_value(int cell, int goal) const {
    const int o = object_at(cell);
    return o < 0 ? -1e300 : o == goal ? -1.0 : -2.0 * size;
  }
  /// Bellman's equation, until nothing changes.
  std::vector<double> values(int goal) const {
    std::vector<double> v(static_cast<std::size_t>(size * size), -1e6);
    for (bool changed = true; changed;) {
      changed = false;
      for (int cell = 0; cell < size * size; ++cell) {
        double best = take_value(cell, goal);
        for (std::size_t m = 0; m < 4; ++m) {
          const int to = step(cell, m);
          if (to >= 0) best = std::max(best, v[static_cast<std::size_t>(to)] - 1);
        }
        changed = changed || best != v[static_cast<std::size_t>(cell)];
        v[static_cast<std::size_t>(cell)] = best;
      }
    }
    return v;
  }
  /// north, east, south, west, take
  std::array<double, 5> policy(int goal, double temperature) const {
    const auto v = values(goal);
    std::array<double, 5> p{};
    double all = 0;
    for (std::size_t m = 0; m < 4; ++m) {
      const int to = step(you, m);
      if (to >= 0) p[m] = std::exp((v[static_cast<std::size_t>(to)] - 1) / temperature);
    }
    if (object_at(you) >= 0) p[4] = std::exp(take_value(you, goal) / temperature);
    for (const double x : p) all += x;
    for (double& x : p) x /= all;
    return p;
  }
};

inline std::string cell_name(int cell, int size) {
  return "r" + std::to_string(cell / size) + " c" + std::to_string(cell % size);
}

class walk_texts {
 public:
  walk_texts(const game_config& c, int n_goals) : c_(c), n_goals_(n_goals) {}

  texts all(int goal) const {
    const int size = static_cast<int>(c_.grid_size);
    std::vector<option> starts;
    for (int start = 0; start < size * size; ++start) {
      board b{size, start, std::vector<int>(static_cast<std::size_t>(n_goals_), -1)};
      std::vector<option> scans;
      for (int o = 0; o < n_goals_; ++o) {
        scans.push_back({typical(o == goal, 1 - c_.scan_slip, static_cast<std::size_t>(n_goals_)),
                         one("call scan") + words::goals[static_cast<std::size_t>(o)] + "ret" +
                             placed(b, o, o, o, true)});
      }
      starts.push_back({1.0 / (size * size),
                        one("grid at") + cell_name(start, size) +
                            one_of({{1 - c_.tool_share, placed(b, 0, n_goals_ - 1, goal, false)},
                                    {c_.tool_share, one_of(scans)}}) +
                            "."});
    }
    return one_of(starts);
  }

 private:
  /// Objects from `next` to `last` are put down, and the walk to `goal` begins.
  texts placed(board b, int next, int last, int goal, bool tool) const {
    if (next > last) return one(":") + walk(std::move(b), goal, 0, false, tool);
    std::vector<int> cells;
    for (int cell = 0; cell < b.size * b.size; ++cell) {
      if (cell == b.you || b.object_at(cell) >= 0) continue;
      int sum = cell + b.you;
      for (const int o : b.objects) sum += o >= 0 ? o : 0;
      const int m = static_cast<int>(c_.held_out_modulus);
      if (next == last && m > 0 && sum % m == 0) continue;
      cells.push_back(cell);
    }
    std::vector<option> options;
    for (const int cell : cells) {
      board with = b;
      with.objects[static_cast<std::size_t>(next)] = cell;
      const std::string name(words::goals[static_cast<std::size_t>(next)]);
      options.push_back(
          {1 / static_cast<double>(cells.size()), one(tool ? "" : name) + cell_name(cell, b.size) +
                                                      placed(with, next + 1, last, goal, tool)});
    }
    return one_of(options);
  }
  texts walk(board b, int goal, std::size_t n_steps, bool moved, bool tool) const {
    if (n_steps == c_.max_steps) return one("late");
    std::vector<option> options;
    double goes_on = 1;
    if (n_steps == 1 && !moved && c_.moved > 0) {
      goes_on = 1 - c_.moved;
      options.push_back({c_.moved, moving(b, goal, tool)});
    }
    const auto p = b.policy(goal, c_.temperature);
    for (std::size_t m = 0; m < 4; ++m) {
      const int to = b.step(b.you, m);
      if (to < 0) continue;
      board next = b;
      next.you = to;
      const std::string name = cell_name(to, b.size);
      const std::string shown = m % 2 == 0 ? name.substr(0, 2) : name.substr(3);
      options.push_back({goes_on * p[m], one(board::moves[m]) + (c_.shows_position ? shown : "") +
                                             walk(next, goal, n_steps + 1, moved, tool)});
    }
    if (b.object_at(b.you) >= 0) {
      const auto o = static_cast<std::size_t>(b.object_at(b.you));
      options.push_back({goes_on * p[4], one("take") + words::goals[o]});
    }
    return one_of(options);
  }
  texts moving(const board& b, int goal, bool tool) const {
    std::vector<option> options;
    double n_objects = 0;
    for (const int o : b.objects) n_objects += o >= 0 ? 1 : 0;
    for (std::size_t o = 0; o < b.objects.size(); ++o) {
      if (b.objects[o] < 0) continue;
      std::vector<int> cells;
      for (int cell = 0; cell < b.size * b.size; ++cell) {
        if (cell != b.you && b.object_at(cell) < 0) cells.push_back(cell);
      }
      for (const int cell : cells) {
        board next = b;
        next.objects[o] = cell;
        options.push_back({1 / n_objects / static_cast<double>(cells.size()),
                           one("moved") + words::goals[o] + cell_name(cell, b.size) +
                               walk(next, goal, 1, true, tool)});
      }
    }
    return one_of(options);
  }

  const game_config& c_;
  int n_goals_;
};

inline texts writer_texts::grid() const {
  return walk_texts(c_.games, static_cast<int>(c_.personas.n_goals)).all(who_[trait::goal]);
}

// --- Inference by summing over everything --------------------------------------------------------

/// All beginnings of all texts, with the likelihood of each under each writer. Sums of thousands of
/// terms would lose the digits that are compared in double precision.
struct beginning {
  std::vector<long double> likelihood;  // of texts that begin like this, (n_writers)
  std::map<std::string, beginning> next;
};

inline void add(beginning& root, const std::string& text, std::size_t writer, std::size_t n_writers,
                long double p) {
  beginning* at = &root;
  const auto count = [&](beginning& b) {
    b.likelihood.resize(n_writers);
    b.likelihood[writer] += p;
  };
  count(root);
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = std::min(text.find(' ', i), text.size());
    at = &at->next[text.substr(i, end - i)];
    count(*at);
    i = end + 1;
  }
}

}  // namespace gazette_reference
