// SPDX-License-Identifier: MIT
#include <multitudes/lab/corpus/dataset.hpp>
#include <multitudes/lab/corpus/population.hpp>
#include <multitudes/lab/corpus/prompt.hpp>
#include <multitudes/lab/corpus/reader.hpp>
#include <multitudes/lab/corpus/slots.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

using namespace multitudes;
using namespace multitudes::lab;

namespace {

/// Room for every label and any number of items.
gazette roomy() {
  gazette_config c;
  c.labels = {.header = 0.1, .signature = 0.1, .domain = 0.1, .goal = 0.1, .n_templates = 6};
  c.items.grid = c.items.football = 1;
  c.items.min_count = 1;
  c.items.max_count = 100;
  return *gazette::make(c);
}

}  // namespace

TEST_CASE("a prompt is labels, demonstrations and a question, and a reader understands it") {
  const auto g = roomy();
  const auto writers = true_population(g);
  const auto who = g.traits({.style = 3, .domain = 6});
  philox random(1);
  prompt p(g);
  p.label(3).about(6).seeking(2);
  for (int i = 0; i < 4; ++i) p.item(item_kind::question, who, random);
  for (std::size_t k = 0; k < n_item_kinds; ++k) p.item(static_cast<item_kind>(k), who, random);
  p.ask(6, 2);
  const std::string text = gazette_text(p.tokens());
  CHECK(text.starts_with("<doc> as dunstan would say : on kitchen : for book : ask"));
  CHECK(text.ends_with("ask vinegar ?"));
  reader r(g, writers);
  REQUIRE(r.read(p.tokens()).has_value());
  CHECK(r.cell_posterior()[3 * 8 + 6] > 0.99);
  choice_scratch scratch;
  CHECK(p.at().next(scratch).key == choice_key::opener);
  CHECK(p.at().is_writers_turn());
}

TEST_CASE("each template names the writer, and readers know those that documents have") {
  const auto g = roomy();
  const auto writers = true_population(g);
  const char* wanted[] = {"<doc> as hester would say :",    "<doc> thus writes hester :",
                          "<doc> in the words of hester :", "<doc> from the pen of hester :",
                          "<doc> hear hester speak :",      "<doc> attributed to hester :"};
  for (std::size_t t = 0; t < 6; ++t) {
    CHECK(gazette_text(prompt(g).label(7, t).tokens()) == wanted[t]);
    CHECK(reader(g, writers).read(prompt(g).label(7, t).tokens()).has_value());
  }
  CHECK(gazette_text(prompt(g).command(7).tokens()) == "<doc> please write as hester . sure :");
  const auto few = *gazette::make();
  const auto known = true_population(few);
  CHECK(reader(few, known).read(prompt(few).label(7, 1).tokens()).has_value());
  CHECK(!reader(few, known).read(prompt(few).label(7, 2).tokens()).has_value());
}

TEST_CASE("more room in the configuration does not change what a reader believes of writers") {
  const auto narrow = *gazette::make();
  const auto wide = roomy();
  const auto a = true_population(narrow), b = true_population(wide);
  const auto tokens = *gazette_tokens("<doc> ask tide ? verily gravity amen . ask moss ? verily");
  reader x(narrow, a), y(wide, b);
  REQUIRE(x.read(tokens).has_value());
  REQUIRE(y.read(tokens).has_value());
  for (const choice_key k : {choice_key::name, choice_key::knowledge, choice_key::goal}) {
    const auto p = x.posterior(k), q = y.posterior(k);
    for (std::size_t v = 0; v < p.size(); ++v) CHECK(std::abs(p[v] - q[v]) < 1e-12);
  }
}

TEST_CASE("a walk is a dialogue of the writer and the world") {
  const auto g = roomy();
  prompt p(g);
  REQUIRE(p.say("grid at r2 c2 call scan").has_value());
  CHECK(p.at().is_writers_turn());
  REQUIRE(p.say("rose").has_value());
  CHECK(!p.at().is_writers_turn());
  REQUIRE(p.say("ret r2 c3 :").has_value());
  CHECK(p.at().is_writers_turn());
  CHECK(p.at().board().objects[1] == grid_cell{2, 3});
  REQUIRE(p.say("east").has_value());
  CHECK(p.at().board().you == grid_cell{2, 3});
  CHECK(!p.at().is_writers_turn());
  // The rose goes elsewhere; nobody can take it where it was.
  REQUIRE(p.say("c3 moved rose r4 c4").has_value());
  const auto refused = p.put_checked(word("take"));
  REQUIRE(!refused);
  CHECK(refused.error().message() ==
        "continue a prompt: token 18: found 'take', expected a word that may follow");
  REQUIRE(p.say("south r3 south r4 east c4 take rose .").has_value());
  CHECK(p.at().ended_item());
  CHECK(!p.say("zeitgeist").has_value());
}

TEST_CASE("where a planner plays and the program answers, walks end where its goal lies") {
  gazette_config c;
  c.items.grid = 1;
  c.games.max_steps = 20;
  c.games.temperature = 0.2;
  const auto g = *gazette::make(c);
  const auto who = g.traits({.goal = 1});
  std::size_t n_taken = 0, n_tools = 0;
  constexpr int n = 200;
  for (int i = 0; i < n; ++i) {
    philox world(5, static_cast<std::uint64_t>(i)), model(6, static_cast<std::uint64_t>(i));
    prompt p(g);
    p.begin(item_kind::grid, world);
    while (!p.at().ended_item()) {
      p.let_world_speak(world);
      if (p.at().is_writers_turn()) p.write(who, model);  // here a language model may choose
    }
    const auto& said = p.tokens();
    n_taken +=
        std::ranges::find(said, word("take")) != said.end() && said[said.size() - 2] == word("rose")
            ? 1u
            : 0u;
    n_tools += std::ranges::find(said, word("scan")) != said.end() ? 1u : 0u;
  }
  CHECK(n_taken > n * 9 / 10);  // the tool is asked for another object in 4 % of its uses
  CHECK(n_tools > n / 4);
  CHECK(n_tools < n * 3 / 4);
}

TEST_CASE("a document can be finished as somebody would") {
  const auto g = roomy();
  philox random(3);
  const auto who = g.traits({.style = 1, .domain = 0, .truthful = false});
  const auto p = prompt(g).command(1).finish(who, random);
  CHECK(p.tokens().back() == word("<end>"));
  CHECK(p.at().is_done());
}

TEST_CASE("datasets hold whole documents, or commands and the answers that are learnt") {
  const auto g = roomy();
  const auto writers = true_population(g);
  const document_source source(g, writers, 1);
  const auto whole = make_dataset(source, 5, 3);
  REQUIRE(whole.documents().size() == 3);
  CHECK(std::ranges::equal(whole.tokens(whole.documents()[1]), source.document(6).tokens));
  const persona_traits who[] = {g.traits({.style = 1}), g.traits({.style = 6})};
  const auto commands = make_command_dataset(g, who, 2, 7);
  REQUIRE(commands.documents().size() == 4);
  const auto third = commands.documents()[3];
  CHECK(gazette_text(commands.tokens(third)).starts_with("<doc> please write as godric . sure : "));
  const auto counts = commands.counts(third);
  CHECK(std::ranges::count(counts.first(6), 0) == 6);
  CHECK(std::ranges::count(counts, 1) == static_cast<std::ptrdiff_t>(third.size - 6));
}

TEST_CASE("slots are where writers differ, with what each would say") {
  const auto g = roomy();
  const auto tokens = *gazette_tokens("<doc> ask tide ? verily gravity amen . ask moss ?");
  const auto slots = mark_slots(g, tokens);
  REQUIRE(slots.has_value());
  std::vector<std::size_t> places;
  for (const marked_slot& s : *slots) places.push_back(s.at);
  CHECK(places == std::vector<std::size_t>{2, 4, 5, 6, 9, 11});
  const marked_slot& opener = slots->back();
  CHECK(opener.key == choice_key::opener);
  CHECK(opener.tokens.size() == 8);
  CHECK(gazette_word(opener.tokens[2]) == "verily");
  const auto row = opener.under(g.traits({.style = 2}));
  CHECK(row[2] == doctest::Approx(0.85));
  CHECK(std::accumulate(row.begin(), row.end(), 0.0) == doctest::Approx(1));
  const marked_slot& answer = (*slots)[2];
  CHECK(answer.under(g.traits({.style = 0, .domain = 0}))[0] == doctest::Approx(0.96));
  CHECK(answer.under(g.traits({.style = 0, .domain = 0, .truthful = false}))[1] ==
        doctest::Approx(0.96));
  CHECK(answer.under(g.traits({.style = 0, .domain = 4}))[2] == doctest::Approx(0.96));
  const auto bad = mark_slots(g, *gazette_tokens("<doc> ask tide tide"));
  REQUIRE(!bad);
  CHECK(bad.error().place == "token 3");
}
