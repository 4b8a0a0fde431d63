// SPDX-License-Identifier: MIT
// The examples of docs/gazette.md: what the page quotes must compile and print what it says.
#include <multitudes/lab/corpus/entropy.hpp>
#include <multitudes/lab/corpus/prompt.hpp>
#include <multitudes/lab/corpus/reader.hpp>
#include <multitudes/lab/corpus/slots.hpp>

#include "quotes.hpp"

#include <doctest/doctest.h>

#include <span>
#include <string>

using namespace multitudes;
using namespace multitudes_test;

namespace {

const quoted_page gazette_page{"tests/docs/gazette.cpp", "docs/gazette.md"};

}  // namespace

TEST_CASE("the page on the Gazette quotes examples that compile, and what they print") {
  printed.clear();
  // clang-format off
  // [sample]
  lab::gazette_config config;
  config.personas.domains_per_style = 3;  // of eight: the others are held out
  config.items.grid = config.items.football = 1;
  const auto g = *lab::gazette::make(config);
  const auto writers = lab::true_population(g);
  const lab::document_source source(g, writers, 1);  // the seed
  const auto d = source.document(7);
  for (const lab::told_item& item : d.items) {
    const auto words = std::span(d.tokens).subspan(item.first, item.size);
    print("%s\n", lab::gazette_text(words).c_str());
  }
  // [sample]
  gazette_page.check("sample", "```text\n" + printed + "```\n");
  printed.clear();

  // [kinds]
  philox random(4);
  const auto who = g.traits({.style = 1, .domain = 0, .goal = 2});
  for (std::size_t k = 0; k < lab::n_item_kinds; ++k) {
    lab::prompt p(g);
    p.item(static_cast<lab::item_kind>(k), who, random);
    print("%s\n", lab::gazette_text(p.tokens().subspan(1)).c_str());
  }
  // [kinds]
  gazette_page.check("kinds", "```text\n" + printed + "```\n");
  printed.clear();

  // [read]
  lab::reader ideal(g, writers);
  for (const char* part : {"<doc> ask comet ?", "well", "ice", "anyway .", "ask moss ?"}) {
    const auto log_p = ideal.read(*lab::gazette_tokens(part));
    const auto style = ideal.posterior(lab::choice_key::name);
    const auto domain = ideal.posterior(lab::choice_key::domain);
    print("%-17s %6.3f nats   blythe %.3f  sky %.3f\n", part, -*log_p, style[1], domain[1]);
  }
  // [read]
  gazette_page.check("read", "```text\n" + printed + "```\n");
  printed.clear();

  // [predictors]
  const auto general = lab::product_population(g);
  const auto unseen = g.held_out().front();
  const auto hybrid = g.traits({.style = unseen.style, .domain = unseen.domain});
  lab::prompt asked(g);
  for (int i = 0; i < 6; ++i) asked.item(lab::item_kind::question, hybrid, random);
  for (const auto* prior : {&writers, &general}) {
    lab::reader r(g, *prior);
    const double loss = -*r.read(asked.tokens());
    print("%s: %.3f nats, P(arden on garden) = %.3f\n", prior == &writers ? "M" : "G", loss,
          r.cell_posterior()[unseen.style * 8 + unseen.domain]);
  }
  // [predictors]
  gazette_page.check("predictors", "```text\n" + printed + "```\n");
  printed.clear();

  // [slots]
  const auto slots = *lab::mark_slots(g, *lab::gazette_tokens("<doc> ask tide ?"));
  const auto& opener = slots.back();
  for (std::size_t o = 0; o < 3; ++o) {
    print("%-9s", std::string(lab::gazette_word(opener.tokens[o])).c_str());
    for (std::size_t s = 0; s < 3; ++s) print(" %.3f", opener.under(g.traits({.style = s}))[o]);
    print("\n");
  }
  // [slots]
  gazette_page.check("slots", "```text\n" + printed + "```\n");
  printed.clear();

  // [entropy]
  const auto h = *lab::entropy(g, writers);
  print("who writes %.3f nats, what is written %.3f nats\n", h.writers, h.text_given);
  // [entropy]
  gazette_page.check("entropy", "```text\n" + printed + "```\n");
  // clang-format on
}
