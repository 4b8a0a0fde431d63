// SPDX-License-Identifier: MIT
//
// What the readers compute in closed form, against sums over every text and every writer.
#include "reference.hpp"
#include "tests/support/long_run.hpp"

#include <multitudes/core/philox.hpp>
#include <multitudes/lab/corpus/entropy.hpp>
#include <multitudes/lab/corpus/likelihood.hpp>
#include <multitudes/lab/corpus/reader.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

using namespace multitudes;
using namespace multitudes::lab;
using multitudes_test::sample_count;
namespace ref = gazette_reference;
using ref::operator+;

namespace {

constexpr double tolerance = 1e-12;

struct possible_writer {
  persona_traits who{};
  double prior = 0;
};

/// Two styles, two domains of one fact, one or two items of one kind.
gazette_config tiny() {
  gazette_config c;
  c.personas.n_styles = 2;
  c.personas.n_domains = 2;
  c.personas.n_goals = 2;
  c.personas.zipf = 1;
  c.personas.goal_bond = 0;
  c.questions.facts_per_domain = 1;
  c.labels = {.header = 0, .signature = 0, .domain = 0, .goal = 0};
  c.items = {.filler = 0,
             .question = 0,
             .skill = 0,
             .grid = 0,
             .football = 0,
             .dialogue = 0,
             .mention = 0,
             .min_count = 1,
             .max_count = 1};
  return c;
}

/// Writers whose traits go with their style, by the words of the documentation: 2 to 1 for the
/// first style (Zipf), verse for odd ones, goal and listening bound or not.
std::vector<possible_writer> coherent_writers(const gazette_config& c) {
  const persona_config& p = c.personas;
  std::vector<possible_writer> all;
  for (std::uint8_t s = 0; s < 2; ++s) {
    const std::uint8_t habits = p.units == unit_bonds::identical ? 0 : s;
    std::vector<std::uint8_t> domains;
    for (std::uint8_t d = 0; d < 2; ++d) {
      const bool out = std::ranges::find(p.held_out, style_domain{s, d}) != p.held_out.end();
      if (!out && (p.domains_per_style != 1 || d == s)) domains.push_back(d);
    }
    for (const std::uint8_t d : domains) {
      for (std::uint8_t t = 0; t < 2; ++t) {
        const double truth = t == 0 ? p.truthful : 1 - p.truthful;
        for (std::uint8_t g = 0; g < p.n_goals; ++g) {
          const double goal = p.goal_bond * (g == habits % p.n_goals ? 1 : 0) +
                              (1 - p.goal_bond) / static_cast<double>(p.n_goals);
          for (std::uint8_t o = 0; o < 3; ++o) {
            const double listens =
                p.compliance_bond * (o == 0 ? 1 : 0) + (1 - p.compliance_bond) / 3;
            for (std::uint8_t k = 0; k < 2; ++k) {
              all.push_back({{{s, habits, habits, habits, habits, d, t, g, o, k}},
                             (s == 0 ? 2.0 : 1.0) / 3 / static_cast<double>(domains.size()) *
                                 truth * goal * listens / 2});
            }
          }
        }
      }
    }
  }
  return all;
}

/// Every combination, with the product of the marginals of the groups that are told apart.
std::vector<possible_writer> product_of(const std::vector<possible_writer>& writers,
                                        const std::vector<std::vector<trait>>& groups) {
  std::vector<possible_writer> product{{{}, 1.0}};
  for (const auto& group : groups) {
    std::vector<possible_writer> next;
    for (const possible_writer& a : product) {
      std::vector<possible_writer> merged;
      for (const possible_writer& w : writers) {
        possible_writer b = a;
        for (const trait t : group) b.who[t] = w.who[t];
        const auto same = std::ranges::find(merged, b.who, &possible_writer::who);
        if (same == merged.end()) {
          merged.push_back({b.who, a.prior * w.prior});
        } else {
          same->prior += a.prior * w.prior;
        }
      }
      next.insert(next.end(), merged.begin(), merged.end());
    }
    product = next;
  }
  return product;
}

constexpr trait style_group[] = {trait::name, trait::lexis, trait::opener, trait::closer,
                                 trait::form};
const std::vector<std::vector<trait>> g_groups{{std::begin(style_group), std::end(style_group)},
                                               {trait::domain},
                                               {trait::truth},
                                               {trait::goal},
                                               {trait::compliance},
                                               {trait::task}};
const std::vector<std::vector<trait>> unit_groups{
    {trait::name},   {trait::lexis}, {trait::opener}, {trait::closer},     {trait::form},
    {trait::domain}, {trait::truth}, {trait::goal},   {trait::compliance}, {trait::task}};

/// The writers as far as these traits go; the others do not matter where texts do not show them.
std::vector<possible_writer> merged(const std::vector<possible_writer>& writers, trait_set shown) {
  std::vector<possible_writer> all;
  for (possible_writer w : writers) {
    for (std::size_t t = 0; t < n_traits; ++t) {
      if (!shown.has(static_cast<trait>(t))) w.who.values[t] = 0;
    }
    const auto same = std::ranges::find(all, w.who, &possible_writer::who);
    if (same == all.end()) {
      all.push_back(w);
    } else {
      same->prior += w.prior;
    }
  }
  return all;
}

/// Every beginning of a text; `texts_of(k)` lists those of writer k.
template <class TextsOf>
ref::beginning enumerate(std::size_t n_writers, TextsOf&& texts_of) {
  ref::beginning root;
  for (std::size_t k = 0; k < n_writers; ++k) {
    const ref::texts list = texts_of(k);
    for (const auto& [text, p] : list) ref::add(root, text + " <end>", k, n_writers, p);
  }
  return root;
}

struct comparison {
  const std::vector<possible_writer>& writers;
  trait_set shown;
  philox which{1};  // of the ways on, where there are many
  std::size_t n_beginnings = 0;
  double worst = 0;

  void differ(double a, double b) { worst = std::max(worst, std::abs(a - b)); }

  double mass(const ref::beginning& b) const {
    long double sum = 0;
    for (std::size_t k = 0; k < writers.size(); ++k) sum += writers[k].prior * b.likelihood[k];
    return static_cast<double>(sum);
  }
  void posteriors(const ref::beginning& b, double all, const reader& r, const gazette& g) {
    std::vector<double> share(writers.size());
    for (std::size_t k = 0; k < writers.size(); ++k) {
      share[k] = writers[k].prior * static_cast<double>(b.likelihood[k]) / all;
    }
    for (std::size_t i = 0; i + 1 < n_choice_keys; ++i) {
      const auto key = static_cast<choice_key>(i);
      if (!shown.has(trait_of(key))) continue;
      if (key == choice_key::knowledge && !shown.has(trait::truth)) continue;
      std::vector<double> wanted(g.n_values(key));
      for (std::size_t k = 0; k < share.size(); ++k)
        wanted[value_of(key, writers[k].who)] += share[k];
      const auto found = r.posterior(key);
      for (std::size_t v = 0; v < wanted.size(); ++v) differ(wanted[v], found[v]);
    }
    if (!shown.has(trait::name) || !shown.has(trait::domain)) return;
    std::vector<double> cells(4);
    for (std::size_t k = 0; k < share.size(); ++k) {
      cells[writers[k].who[trait::name] * 2u + writers[k].who[trait::domain]] += share[k];
    }
    const auto found = r.cell_posterior();
    for (std::size_t v = 0; v < 4; ++v) differ(cells[v], found[v]);
  }
  void walk(const ref::beginning& b, const reader& r, const gazette& g) {
    ++n_beginnings;
    const double all = mass(b);
    posteriors(b, all, r, g);
    differ(std::log(all), r.log_evidence());
    if (b.next.empty()) {
      if (!r.at().is_done()) FAIL("a text ends where the reader goes on");
      return;
    }
    std::vector<double> wanted(gazette_vocab_size), found(gazette_vocab_size);
    for (const auto& [word, next] : b.next) {
      const auto token = find_gazette_word(word);
      if (!token) FAIL("no such word: " << word);
      wanted[token->value] = mass(next) / all;
    }
    r.predict(found);
    for (std::size_t i = 0; i < wanted.size(); ++i) differ(wanted[i], found[i]);
    for (const auto& [word, next] : b.next) {
      if (!(mass(next) > 0)) continue;
      const bool is_one_of_many = b.next.size() > 7 && sample_count(1, 0) == 1;
      if (is_one_of_many && which.below(4) != 0) continue;
      reader further = r;
      const auto log_p = further.read(*find_gazette_word(word));
      if (!log_p) FAIL(log_p.error().message());
      walk(next, further, g);
    }
  }
};

/// A reader agrees with the sums over the texts of these writers; how many beginnings that was.
std::size_t agree(const gazette& g, const population& prior,
                  const std::vector<possible_writer>& writers, const ref::beginning& root,
                  trait_set shown) {
  comparison compared{writers, shown};
  const reader r(g, prior);
  compared.walk(root, r, g);
  CHECK(compared.worst < tolerance);
  return compared.n_beginnings;
}

/// The true reader agrees with the sums over the texts that `texts_of(k)` lists of writer k.
template <class TextsOf>
std::size_t agree(const gazette_config& c, const std::vector<possible_writer>& writers,
                  trait_set shown, TextsOf&& texts_of) {
  const auto g = gazette::make(c);
  REQUIRE_MESSAGE(g.has_value(), g.error().message());
  const auto prior = true_population(*g);
  return agree(*g, prior, writers, enumerate(writers.size(), texts_of), shown);
}

/// The same of texts that two writers make one after the other, drawn apart or one and the same.
template <class TextsOf>
std::size_t agree_in_pairs(const gazette_config& c, bool of_one_hand, TextsOf&& texts_of) {
  const auto writers = merged(coherent_writers(c),
                              trait_set(trait::opener, trait::closer, trait::domain, trait::truth));
  std::vector<possible_writer> pairs;
  std::vector<ref::texts> lists;
  for (const possible_writer& a : writers) {
    for (const possible_writer& b : writers) {
      if (of_one_hand && a.who != b.who) continue;
      pairs.push_back({b.who, of_one_hand ? a.prior : a.prior * b.prior});
      lists.push_back(texts_of(ref::writer_texts(c, a.who), ref::writer_texts(c, b.who)));
    }
  }
  return agree(c, pairs, {}, [&](std::size_t k) { return lists[k]; });
}

/// The entropy of a writer's texts, over all writers.
long double text_entropy(const ref::beginning& b, const std::vector<possible_writer>& writers) {
  long double sum = 0;
  if (b.next.empty()) {
    for (std::size_t k = 0; k < writers.size(); ++k) {
      const long double p = b.likelihood[k];
      if (p > 0) sum -= writers[k].prior * p * std::log(p);
    }
  }
  for (const auto& [word, next] : b.next) sum += text_entropy(next, writers);
  return sum;
}

/// The true reader, G and the reader of units agree with the sums, and so does the entropy.
std::size_t agree(const gazette_config& c, trait_set shown) {
  const auto g = gazette::make(c);
  REQUIRE_MESSAGE(g.has_value(), g.error().message());
  const auto seen = merged(coherent_writers(c), shown);
  std::size_t n = 0;
  const auto compare = [&](const std::vector<possible_writer>& writers, const population& prior) {
    const auto root = enumerate(writers.size(), [&](std::size_t k) {
      return ref::writer_texts(c, writers[k].who).section();
    });
    n += agree(*g, prior, writers, root, shown);
    const auto h = entropy(*g, prior);
    REQUIRE(h.has_value());
    CHECK(std::abs(h->text_given - static_cast<double>(text_entropy(root, writers))) < 1e-11);
  };
  const bool shuffled = c.personas.units == unit_bonds::shuffled;
  compare(shuffled ? product_of(seen, unit_groups) : seen, true_population(*g));
  compare(product_of(seen, g_groups), product_population(*g));
  if (!shuffled) compare(product_of(seen, unit_groups), unit_population(*g));
  return n;
}

}  // namespace

TEST_CASE("readers of labels, decoys and dialogues equal sums over all texts") {
  auto c = tiny();
  c.items.dialogue = 1;
  c.items.mention = 1;
  c.labels = {.header = 0.4, .signature = 0.5, .domain = 0.3, .goal = 0.2};
  SUBCASE("listening by itself") {}
  SUBCASE("listening bound to style") { c.personas.compliance_bond = 0.6; }
  CHECK(agree(c, trait_set(trait::name, trait::domain, trait::goal, trait::compliance)) > 1000);
}

TEST_CASE("readers of questions equal sums over all texts") {
  auto c = tiny();
  c.items.question = 1;
  c.items.max_count = 2;
  SUBCASE("all combinations") {}
  SUBCASE("a combination held out") { c.personas.held_out = {{0, 1}}; }
  SUBCASE("one domain a style") { c.personas.domains_per_style = 1; }
  SUBCASE("identical styles") { c.personas.units = unit_bonds::identical; }
  SUBCASE("shuffled units") { c.personas.units = unit_bonds::shuffled; }
  CHECK(agree(c, trait_set(trait::name, trait::opener, trait::closer, trait::domain,
                           trait::truth)) > 1000);
}

TEST_CASE("readers of filler and signatures equal sums over all texts") {
  auto c = tiny();
  c.items.filler = 1;
  c.labels.signature = 0.5;
  c.clarity.slot_of_style = {0.9, 0.7};
  SUBCASE("coherent") {}
  SUBCASE("shuffled") { c.personas.units = unit_bonds::shuffled; }
  CHECK(agree(c, trait_set(trait::name, trait::lexis, trait::form)) > 1000);
}

TEST_CASE("readers of skills equal sums over all texts") {
  auto c = tiny();
  c.items.skill = 1;
  c.skills.phrase_length = 2;
  c.skills.slip = 0;
  SUBCASE("cues") { c.skills.composed = 0.3; }
  SUBCASE("cues that say nothing") { c.skills.random_cues = true; }
  SUBCASE("phrases held out") { c.skills.held_out_modulus = 3; }
  CHECK(agree(c, trait_set(trait::task)) > 100);
}

TEST_CASE("readers of slips in skills equal sums over all texts") {
  auto c = tiny();
  c.items.skill = 1;
  c.skills = {.phrase_length = 2, .cued = 0.5, .held_out_modulus = 12, .slip = 0.1};
  const auto writers = merged(coherent_writers(c), trait_set(trait::task));
  CHECK(agree(c, writers, trait_set(trait::task),
              [&](std::size_t k) { return ref::writer_texts(c, writers[k].who).section(); }) > 100);
}

TEST_CASE("readers of games equal sums over all texts") {
  auto c = tiny();
  c.games.grid_size = 2;
  c.games.max_steps = 3;
  c.games.moved = 0;
  c.personas.goal_bond = 0.6;
  SUBCASE("football") {
    c.items.football = 1;
    c.items.max_count = 2;
  }
  SUBCASE("walks") { c.items.grid = 1; }
  SUBCASE("walks without positions, maps held out") {
    c.items.grid = 1;
    c.games.shows_position = false;
    c.games.held_out_modulus = 3;
    c.games.grid_size = 3;
    c.games.max_steps = 1;
  }
  SUBCASE("walks where things move") {
    c.items.grid = 1;
    c.games.moved = 0.3;
    c.personas.n_goals = 1;
  }
  SUBCASE("walks among several things that move") {
    if (sample_count(0, 1) == 0) {
      MESSAGE("left to the full counts: half a minute");
      return;
    }
    c.items.grid = 1;
    c.games.grid_size = 3;
    c.games.max_steps = 2;
    c.games.moved = 0.3;
  }
  CHECK(agree(c, trait_set(trait::name, trait::goal)) > 500);
}

TEST_CASE("a reader of goals that every game draws anew equals sums over all texts") {
  auto c = tiny();
  c.items.football = 1;
  c.items.min_count = c.items.max_count = 2;
  c.labels.goal = 0.5;
  c.personas.shuffled_goals = true;
  const std::vector<possible_writer> anyone{{{}, 1.0}};
  const auto texts = [&](std::size_t) {
    ref::texts header, game;
    for (std::uint8_t goal = 0; goal < 2; ++goal) {
      persona_traits who;
      who[trait::goal] = goal;
      for (const auto& [text, p] : ref::writer_texts(c, who).header()) {
        header.emplace_back(text, p / 2);
      }
      for (const auto& [text, p] : ref::writer_texts(c, who).item()) {
        game.emplace_back(text, p / 2);
      }
    }
    return header + game + game;
  };
  CHECK(agree(c, anyone, {}, texts) > 1000);
}

TEST_CASE("a reader of several sections equals sums over all texts") {
  auto c = tiny();
  c.items.question = 1;
  c.items.n_sections = 2;
  c.personas.held_out = {{0, 1}};
  SUBCASE("each by somebody") {}
  SUBCASE("all by one") { c.items.persona_persists = true; }
  CHECK(agree_in_pairs(c, c.items.persona_persists, [](const auto& one, const auto& other) {
          return one.section() + other.section();
        }) > 500);
}

TEST_CASE("a reader of items that were shuffled across documents equals sums over all texts") {
  auto c = tiny();
  c.items.question = 1;
  c.items.min_count = c.items.max_count = 2;
  c.items.shuffled = true;
  c.personas.held_out = {{0, 1}};
  CHECK(agree_in_pairs(c, false, [](const auto& one, const auto& other) {
          return ref::one("<doc>") + one.item() + other.item();
        }) > 500);
}

TEST_CASE("a reader of those who turn coat equals sums over all texts") {
  auto c = tiny();
  c.items.question = 1;
  c.items.min_count = c.items.max_count = 2;
  c.labels.signature = 0.5;
  c.personas.turncoats = {.share = 0.4, .hazard = 0.3, .from = 1, .to = 0};
  const auto shown =
      trait_set(trait::name, trait::opener, trait::closer, trait::domain, trait::truth);
  std::vector<possible_writer> writers = merged(coherent_writers(c), shown);
  std::vector<ref::texts> lists;
  double from = 0;
  for (const possible_writer& w : writers) {
    lists.push_back(ref::writer_texts(c, w.who).section());
    from += w.who[trait::name] == 1 ? w.prior : 0;
  }
  for (std::size_t k = 0, n = writers.size(); k < n; ++k) {
    const possible_writer before = writers[k];
    writers[k].prior *= 0.6;
    if (before.who[trait::name] != 1) continue;
    persona_traits after = before.who;
    for (const trait t : {trait::name, trait::opener, trait::closer}) after[t] = 0;
    const ref::writer_texts a(c, before.who), b(c, after);
    const ref::texts first = a.header() + a.item();
    lists.push_back(ref::one_of({{0.3, first + b.item() + b.signature()},
                                 {0.7 * 0.3, first + a.item() + b.signature()},
                                 {0.7 * 0.7, first + a.item() + a.signature()}}));
    writers.push_back({before.who, 0.4 * before.prior / from});
  }
  CHECK(agree(c, writers, {}, [&](std::size_t k) { return lists[k]; }) > 500);
}

TEST_CASE("a reader that is blind to a trait expects its average, for ever") {
  auto c = tiny();
  c.items.filler = 1;
  auto blurred = c;
  blurred.clarity.form = (2 * c.clarity.form + 1 - c.clarity.form) / 3;  // two in three write prose
  const auto writers = merged(coherent_writers(c), trait_set(trait::lexis));
  const auto root = enumerate(writers.size(), [&](std::size_t k) {
    return ref::writer_texts(blurred, writers[k].who).section();
  });
  const auto g = *gazette::make(c);
  const auto prior = blind_population(g, trait::form);
  CHECK(agree(g, prior, writers, root, trait_set(trait::lexis)) > 500);
}

TEST_CASE("the likelihood of a text under a writer equals its place in the list") {
  auto c = tiny();
  c.items.question = 1;
  c.items.dialogue = 1;
  c.labels.signature = 0.5;
  const auto g = *gazette::make(c);
  const auto writers = coherent_writers(c);
  std::vector<persona_traits> who;
  for (const possible_writer& w : writers) who.push_back(w.who);
  double worst = 0;
  for (std::size_t k = 0; k < who.size(); k += 7) {
    for (const auto& [text, p] : ref::writer_texts(c, who[k]).section()) {
      const auto logs = log_likelihoods(g, *gazette_tokens(text + " <end>"), who);
      REQUIRE(logs.has_value());
      worst = std::max(worst, std::abs((*logs)[k] - std::log(p)));
    }
  }
  CHECK(worst < tolerance);
}
