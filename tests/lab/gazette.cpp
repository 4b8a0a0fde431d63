// SPDX-License-Identifier: MIT
#include "tests/support/excess.hpp"

#include <multitudes/core/fingerprint.hpp>
#include <multitudes/lab/corpus/population.hpp>
#include <multitudes/lab/corpus/reader.hpp>
#include <multitudes/lab/corpus/sampler.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace multitudes;
using namespace multitudes::lab;
using multitudes_test::estimate_mean;

namespace {

gazette make(const gazette_config& c) {
  auto g = gazette::make(c);
  REQUIRE_MESSAGE(g.has_value(), g.error().message());
  return *std::move(g);
}

/// A corpus with every kind of item.
gazette_config every_kind() {
  gazette_config c;
  c.labels = {.header = 0.2, .signature = 0.4, .domain = 0.2, .goal = 0.1, .weekday = true};
  c.items.grid = 1;
  c.items.football = 1;
  return c;
}

fingerprint fingerprint_of(const gazette_config& c, std::uint64_t n) {
  const auto g = make(c);
  const auto writers = true_population(g);
  fingerprint_builder all;
  for (std::uint64_t i = 0; i < n; ++i) {
    for (const token_id t : document_source(g, writers, 1).document(i).tokens) all.add(t.value);
  }
  return all.finish();
}

/// How often each word is said, in documents of this corpus: a mean and its error.
std::map<std::string, multitudes_test::estimate> frequencies(const gazette_config& c,
                                                             std::uint64_t seed) {
  const auto g = make(c);
  const auto writers = true_population(g);
  const document_source source(g, writers, seed);
  constexpr std::size_t n = 3000;
  std::vector<std::vector<double>> counts(gazette_vocab_size, std::vector<double>(n));
  for (std::size_t i = 0; i < n; ++i) {
    for (const token_id t : source.document(i).tokens) counts[t.value][i] += 1;
  }
  std::map<std::string, multitudes_test::estimate> result;
  for (std::size_t w = 0; w < gazette_vocab_size; ++w) {
    result[std::string(gazette_word(token_id(w)))] = estimate_mean(counts[w]);
  }
  return result;
}

}  // namespace

TEST_CASE("no word of the Gazette occurs twice, and each is found again") {
  std::set<std::string_view> seen;
  for (std::size_t w = 0; w < gazette_vocab_size; ++w) {
    const auto text = gazette_word(token_id(w));
    CHECK_MESSAGE(seen.insert(text).second, text);
    CHECK(find_gazette_word(text) == token_id(w));
  }
  CHECK(gazette_word(token_id(gazette_vocab_size)).empty());
  CHECK(!find_gazette_word("zeitgeist"));
  static_assert(word("<doc>") == token_id(0));
}

TEST_CASE("documents and text are the same, back and forth") {
  const auto g = make(every_kind());
  const auto writers = true_population(g);
  const auto d = document_source(g, writers, 5).document(2);
  const auto again = gazette_tokens(gazette_text(d.tokens));
  REQUIRE(again.has_value());
  CHECK(*again == d.tokens);
  const auto bad = gazette_tokens("<doc> ask zeitgeist");
  REQUIRE(!bad);
  CHECK(bad.error().message() ==
        "tokenize for the Gazette: byte 10: found 'zeitgeist', expected a word of "
        "lab/corpus/words.hpp");
}

TEST_CASE("the corpus is the one that results were computed for") {
  // Fails when any document changes. Then results of the lab that are kept are of another corpus,
  // and must be computed again.
  CHECK(to_string(fingerprint_of({}, 200)) == "f35f4e5c0f1f30e3");
  CHECK(to_string(fingerprint_of(every_kind(), 200)) == "890bcb61e2c57342");
  const auto g = make({});
  const auto writers = true_population(g);
  CHECK(
      gazette_text(document_source(g, writers, 1).document(0).tokens) ==
      "<doc> when you came down ere the bell , a lantern stood nigh the hill . a neighbour spoke "
      "with "
      "honour then , and to the theatre went again . phrase dog star king in short dog king . ask "
      "aurora ? marry dunno adieu . <end>");
}

TEST_CASE("a document depends on its number and the seed alone") {
  const auto g = make(every_kind());
  const auto writers = true_population(g);
  const document_source a(g, writers, 9), b(g, writers, 9), other(g, writers, 10);
  const auto seventh = a.document(7).tokens;
  CHECK(b.document(8).tokens != seventh);
  CHECK(b.document(7).tokens == seventh);
  CHECK(other.document(7).tokens != seventh);
}

TEST_CASE("a document says who wrote it and where its items are") {
  auto c = every_kind();
  c.items.n_sections = 3;
  const auto g = make(c);
  const auto writers = true_population(g);
  const auto d = document_source(g, writers, 1).document(1);
  CHECK(d.writers.size() == 3);
  REQUIRE(d.items.size() >= 3 * c.items.min_count);
  REQUIRE(d.items.size() <= 3 * c.items.max_count);
  for (const told_item& item : d.items) {
    const std::string_view first = gazette_word(d.tokens[item.first]);
    const std::string_view last = gazette_word(d.tokens[item.first + item.size - 1]);
    CHECK((last == "." || last == "/"));
    CHECK((item.kind == item_kind::question) == (first == "ask"));
    CHECK((item.kind == item_kind::grid) == (first == "grid"));
  }
}

TEST_CASE("combinations, phrases and maps that are held out never occur, and nothing else lacks") {
  auto c = every_kind();
  c.personas.domains_per_style = 3;
  c.personas.held_out = {{0, 1}};
  // Not as a list: of eight doubles that differ in the last, GCC 12 makes eight equal ones with
  // -O2 and AVX-512.
  c.personas.prevalence.assign(8, 1.0);
  c.personas.prevalence[7] = 0;
  c.skills.held_out_modulus = 5;
  c.games.held_out_modulus = 5;
  const auto g = make(c);
  CHECK(g.held_out().size() == 7 * 5 + 1);
  CHECK(!g.is_seen({0, 1}));
  CHECK(!g.is_seen({7, 7}));
  CHECK(g.is_seen({6, 0}));
  const auto writers = true_population(g);
  const document_source source(g, writers, 4);
  std::set<std::pair<int, int>> cells;
  std::size_t n_phrases = 0, n_maps = 0;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    const auto d = source.document(i);
    cells.insert({d.writers[0][trait::name], d.writers[0][trait::domain]});
    const auto number = [&](std::size_t at, token_id zero) {
      return d.tokens[at].value - zero.value;
    };
    for (const told_item& item : d.items) {
      if (item.kind == item_kind::skill) {
        std::uint32_t sum = 0;
        for (std::size_t k = 1; k <= 3; ++k) sum += number(item.first + k, word("sun"));
        if (sum % 5 == 0) FAIL("a phrase that is held out");
        ++n_phrases;
      }
      if (item.kind == item_kind::grid && d.tokens[item.first + 4] == word("gold")) {
        std::uint32_t sum = 0;
        for (std::size_t k = 0; k < 4; ++k) {
          sum += 5 * number(item.first + 2 + 3 * k, word("r0")) +
                 number(item.first + 3 + 3 * k, word("c0"));
        }
        if (sum % 5 == 0) FAIL("a map that is held out");
        ++n_maps;
      }
    }
  }
  CHECK(n_phrases > 500);
  CHECK(n_maps > 500);
  for (int s = 0; s < 8; ++s) {
    for (int d = 0; d < 8; ++d) {
      const bool seen = g.is_seen({static_cast<std::size_t>(s), static_cast<std::size_t>(d)});
      CHECK(cells.contains({s, d}) == seen);
    }
  }
}

TEST_CASE("styles are as prevalent as Zipf's law says, whatever they are called") {
  gazette_config c;
  c.personas.n_styles = 4;
  c.personas.zipf = 1;
  const double wanted[] = {0.48, 0.24, 0.16, 0.12};
  for (const std::size_t rotation : {0u, 1u, 3u}) {
    c.personas.rotation = rotation;
    const auto shares = true_population(make(c)).marginal(choice_key::name, 4);
    for (std::size_t s = 0; s < 4; ++s) {
      CHECK(shares[s] == doctest::Approx(wanted[(s + rotation) % 4]).epsilon(1e-12));
    }
  }
}

TEST_CASE("shuffled units, and G, keep every trait's frequency and nothing of their bonds") {
  auto c = every_kind();
  c.personas.zipf = 1;
  c.personas.domains_per_style = 3;
  c.personas.truth_bond = c.personas.compliance_bond = 0.7;
  const auto coherent = make(c);
  c.personas.units = unit_bonds::shuffled;
  const auto shuffled = make(c);
  const auto truth = true_population(coherent);
  for (const population& p :
       {true_population(shuffled), product_population(coherent), unit_population(coherent),
        blind_population(coherent, trait::form), blind_population(coherent, trait::domain)}) {
    for (std::size_t k = 0; k < n_choice_keys; ++k) {
      const auto key = static_cast<choice_key>(k);
      if (key == choice_key::knowledge) continue;  // a bond of two traits, where truth is bound
      const auto a = truth.marginal(key, coherent.n_values(key));
      const auto b = p.marginal(key, coherent.n_values(key));
      for (std::size_t v = 0; v < a.size(); ++v) CHECK(std::abs(a[v] - b[v]) < 1e-12);
    }
  }
  // Whoever reads an opener learns of the closer where units cohere, and nothing where they do not.
  for (const gazette* g : {&coherent, &shuffled}) {
    const auto writers = true_population(*g);
    reader r(*g, writers);
    const auto before = r.posterior(choice_key::closer);
    REQUIRE(r.read(*gazette_tokens("<doc> monday ask tide ? forsooth")).has_value());
    const auto after = r.posterior(choice_key::closer);
    CHECK((after[0] > before[0] + 0.1) == (g == &coherent));
    if (g == &shuffled) CHECK(after == before);
  }
}

TEST_CASE("words are as frequent in the shuffled corpus as in the coherent one") {
  auto c = every_kind();
  c.personas.zipf = 1;
  const auto coherent = frequencies(c, 1);
  c.personas.units = unit_bonds::shuffled;
  const auto shuffled = frequencies(c, 2);
  double worst = 0;
  for (const auto& [text, a] : coherent) {
    const auto& b = shuffled.at(text);
    const double error = std::hypot(a.standard_error, b.standard_error);
    if (error > 0) worst = std::max(worst, std::abs(a.mean - b.mean) / error);
    if (error == 0) CHECK(a.mean == b.mean);
  }
  CHECK(worst < 4.5);  // of three hundred comparisons
}

TEST_CASE("identical styles cannot be told apart, but for their names") {
  auto c = every_kind();
  c.labels.header = c.labels.signature = 0;
  c.personas.units = unit_bonds::identical;
  const auto g = make(c);
  const auto writers = true_population(g);
  const document_source source(g, writers, 6);
  const auto before = writers.marginal(choice_key::name, 8);
  double worst = 0;
  for (std::uint64_t i = 0; i < 50; ++i) {
    reader r(g, writers);
    REQUIRE(r.read(source.document(i).tokens).has_value());
    const auto after = r.posterior(choice_key::name);
    for (std::size_t s = 0; s < 8; ++s) worst = std::max(worst, std::abs(after[s] - before[s]));
  }
  CHECK(worst < 1e-12);
}

TEST_CASE("labels that are right no more often than chance say nothing") {
  auto c = every_kind();
  c.clarity.label = 1.0 / 8;
  const auto g = make(c);
  const auto writers = true_population(g);
  reader r(g, writers);
  const auto before = r.posterior(choice_key::name);
  REQUIRE(r.read(*gazette_tokens("<doc> monday as arden would say :")).has_value());
  const auto after = r.posterior(choice_key::name);
  for (std::size_t s = 0; s < 8; ++s) CHECK(after[s] == doctest::Approx(before[s]));
}

TEST_CASE("any two styles differ in six of the twelve slots") {
  for (std::size_t a = 0; a < 12; ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      std::size_t n = 0;
      for (std::size_t i = 0; i < 12; ++i) {
        n += lab::detail::preferred_word(a, i) != lab::detail::preferred_word(b, i) ? 1u : 0u;
      }
      CHECK(n == 6);
    }
  }
}

TEST_CASE("a document can be written by whom one likes, seen or not") {
  gazette_config c;
  c.personas.domains_per_style = 1;
  c.items.min_count = c.items.max_count = 30;
  const auto g = make(c);
  const auto writers = true_population(g);
  const auto general = product_population(g);
  CHECK(!g.is_seen({2, 5}));
  const auto who = g.traits({.style = 2, .domain = 5});
  const auto d = document_source(g, writers, 1).document(3, who);
  CHECK(d.writers == std::vector<persona_traits>{who});
  reader m(g, writers), all(g, general);
  REQUIRE(m.read(d.tokens).has_value());
  REQUIRE(all.read(d.tokens).has_value());
  CHECK(all.log_evidence() > m.log_evidence() + 10);
  CHECK(all.cell_posterior()[2 * 8 + 5] > 0.99);
  CHECK(m.cell_posterior()[2 * 8 + 5] == 0);
}

TEST_CASE("a reader refuses what no document says, and goes on as if it had not been said") {
  const auto g = make({});
  const auto writers = true_population(g);
  reader r(g, writers);
  REQUIRE(r.read(*gazette_tokens("<doc> ask")).has_value());
  const auto refused = r.read(word("gold"));
  REQUIRE(!refused);
  CHECK(refused.error().message() ==
        "read a gazette: token 2: found 'gold', expected one of the 40 words that may follow");
  CHECK(r.n_read() == 2);
  CHECK(r.read(word("tide")).has_value());
  const auto rest = r.read(*gazette_tokens("? well dunno anyway . <end>"));
  REQUIRE(!rest);  // one item is not enough
  CHECK(rest.error().place == "token 8");
}

TEST_CASE("what no writer of a prior says is refused, and another prior may allow it") {
  gazette_config c;
  c.personas.domains_per_style = 1;
  c.clarity.answer = c.clarity.marker = 1;
  const auto g = make(c);
  const auto m = true_population(g), all = product_population(g);
  const auto tokens = *gazette_tokens("<doc> ask tide ? well gravity");
  CHECK(reader(g, all).read(tokens).has_value());
  const auto refused = reader(g, m).read(tokens);  // who says "well" knows nothing of the sea
  REQUIRE(!refused);
  CHECK(refused.error().message() ==
        "read a gazette: token 5: found 'gravity', expected a word that some writer of this prior "
        "may say");
}

TEST_CASE("a configuration out of range is refused by the field's name") {
  const auto message = [](auto&& change) {
    gazette_config c;
    change(c);
    const auto g = gazette::make(c);
    return g ? std::string() : g.error().message();
  };
  CHECK(message([](auto&) {}).empty());
  CHECK(message([](auto& c) { c.personas.n_styles = 13; }) ==
        "make gazette: personas.n_styles: found 13, expected 1 to 12");
  CHECK(message([](auto& c) { c.clarity.slot = 1.5; }) ==
        "make gazette: clarity.slot: found 1.500000, expected 0 to 1");
  CHECK(message([](auto& c) { c.clarity.marker = std::nan(""); }) ==
        "make gazette: clarity.marker: found nan, expected 0 to 1");
  CHECK(message([](auto& c) {
          c.personas.domains_per_style = 1;
          c.personas.held_out = {{3, 3}};
        }) ==
        "make gazette: personas.held_out: found style 3 without a domain, expected at least one; "
        "hold out fewer, or give the style a prevalence of 0");
  CHECK(message([](auto& c) {
          c.personas.turncoats.share = 0.5;
          c.personas.units = unit_bonds::shuffled;
        }).find("what turns is a style") != std::string::npos);
  // Each of these alone is wrong.
  const std::vector<void (*)(gazette_config&)> wrong{
      [](gazette_config& c) { c.personas.n_domains = 0; },
      [](gazette_config& c) { c.personas.n_goals = 4; },
      [](gazette_config& c) { c.personas.zipf = std::nan(""); },
      [](gazette_config& c) {
        c.personas.prevalence = {1, 2};
      },
      [](gazette_config& c) { c.personas.prevalence.assign(8, 0); },
      [](gazette_config& c) { c.personas.domains_per_style = 9; },
      [](gazette_config& c) {
        c.personas.held_out = {{8, 0}};
      },
      [](gazette_config& c) { c.personas.truthful = -0.1; },
      [](gazette_config& c) { c.personas.goal_bond = 2; },
      [](gazette_config& c) { c.personas.turncoats = {.share = 0.1, .from = 1, .to = 1}; },
      [](gazette_config& c) { c.clarity.slot_of_style = {0.5}; },
      [](gazette_config& c) { c.labels.n_templates = 0; },
      [](gazette_config& c) { c.labels.n_templates = 7; },
      [](gazette_config& c) { c.labels.header = 1.1; },
      [](gazette_config& c) { c.items = {0, 0, 0, 0, 0, 0, 0}; },
      [](gazette_config& c) { c.items.grid = -1; },
      [](gazette_config& c) { c.items.min_count = 0; },
      [](gazette_config& c) { c.items.max_count = 3; },
      [](gazette_config& c) { c.items.n_sections = 0; },
      [](gazette_config& c) { c.items.shuffled = c.items.persona_persists = true; },
      [](gazette_config& c) { c.items.shuffled = true, c.personas.turncoats.share = 0.1; },
      [](gazette_config& c) { c.questions.facts_per_domain = 6; },
      [](gazette_config& c) { c.skills.phrase_length = 5; },
      [](gazette_config& c) { c.skills.held_out_modulus = 1; },
      [](gazette_config& c) { c.skills.composed = 0.5, c.skills.random_cues = true; },
      [](gazette_config& c) { c.games.grid_size = 8; },
      [](gazette_config& c) { c.games.grid_size = 2; },
      [](gazette_config& c) { c.games.temperature = 0; },
      [](gazette_config& c) { c.games.max_steps = 0; },
      [](gazette_config& c) { c.games.held_out_modulus = 1; },
      [](gazette_config& c) {
        c.dialogues.listeners[1] = {0.7, 0.7};
      }};
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    CHECK_MESSAGE(!message(wrong[i]).empty(), i);
  }
}
