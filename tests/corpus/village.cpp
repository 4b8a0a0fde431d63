// SPDX-License-Identifier: MIT
#include "examples/corpus/village_documents.hpp"
#include "tests/support/long_run.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

namespace {

using namespace corpus;

const std::string data = MULTITUDES_SOURCE_DIR "/examples/data/corpus";

const village& wenlow() {
  static const auto read = village::read(data);
  REQUIRE(read);
  return *read;
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// What a careless grammar leaves behind.
std::string fault_of(std::string_view text) {
  for (const std::string_view sign : {"{", "}", "|", "(n)", "  ", ",,", ".,", "?,", "!,", " .",
                                      " ,", "?.", "!.", "<", "/", "attack()"}) {
    if (has(text, sign)) return std::string(sign);
  }
  for (std::size_t i = 0; i + 4 < text.size(); ++i) {
    const bool starts = i == 0 || text[i] == ' ';
    const std::string_view rest = text.substr(starts && text[i] == ' ' ? i + 1 : i);
    const bool vowel_next = rest.size() > 2 && has("aeiou", rest.substr(2, 1));
    if (starts && rest.starts_with("a ") && vowel_next && !rest.starts_with("a u") &&
        !rest.starts_with("a one")) {
      return std::string(rest.substr(0, 12));
    }
    if (starts && rest.starts_with("an ") && !has("aeiouhAEIOU", rest.substr(3, 1))) {
      return std::string(rest.substr(0, 12));
    }
  }
  return {};
}

}  // namespace

TEST_CASE("a grammar fills in lists, forms, choices, spelling and articles") {
  grammar g;
  REQUIRE(
      g.add("# comment\n[beast]\ngoose/geese\n[say]\na(n) <grey|gray> {beast}, (two) {beast:2}"
            "\n[kept]\none\ntwo\nthree\n[of.big]\nelephant\n"));
  philox random(1);
  scene now;
  CHECK(g.expand("{^say}\\nend", now, random) == "A grey goose, two geese\nend");
  now.spelling = spelling::american;
  CHECK(g.expand("{say}", now, random) == "a gray goose, two geese");
  const std::string kept = g.expand("{kept#k}", now, random);
  for (int i = 0; i < 10; ++i) CHECK(g.expand("{kept#k}", now, random) == kept);
  now.bound["size"] = "big";
  CHECK(g.expand("a(n) {of.@size} of {@size} size", now, random) == "an elephant of big size");
  CHECK(g.expand("{absent} {@absent}", now, random) == "{absent} {@absent}");
  now.bound["text"] = "and/or (n";
  CHECK(g.expand("{@text}", now, random) == "and/or (n");
  CHECK(!g.contains("absent"));
  CHECK(!grammar().add("phrase without a list"));
}

TEST_CASE("a grammar that refers to itself ends") {
  grammar g;
  REQUIRE(g.add("[loop]\nx{loop}\n"));
  philox random(1);
  scene now;
  CHECK(g.expand("{loop}", now, random).size() < 100);
  CHECK(g.expand("{loop", now, random).size() < 100);
  CHECK(g.expand("(a|b", now, random).size() < 100);
}

TEST_CASE("every villager is somebody, and every temper and goal has its phrases") {
  const village& v = wenlow();
  CHECK(v.people().size() >= 20);
  std::set<std::string> names;
  for (const villager& p : v.people()) {
    CHECK(names.insert(p.name).second);
    CHECK(std::find(tempers.begin(), tempers.end(), p.temper) != tempers.end());
    CHECK(std::find(goal_families.begin(), goal_families.end(), p.family) != goal_families.end());
    CHECK(has(p.work, "/"));
  }
  for (const std::string_view t : tempers) {
    for (const char* list : {"greet.", "open.", "close.", "yes.", "no.", "bye.", "manner.", "self.",
                             "said.", "like.", "react."}) {
      CHECK_MESSAGE(v.words().contains(list + std::string(t)), list, t);
    }
  }
  for (const std::string_view f : goal_families) {
    for (const char* list : {"goal.", "say.", "ask.", "win.", "lose.", "do.", "end."}) {
      CHECK_MESSAGE(v.words().contains(list + std::string(f)), list, f);
    }
  }
}

TEST_CASE("a village document depends on its seed and number alone") {
  const village& v = wenlow();
  const document d = village_document(v, 1, 77);
  (void)village_document(v, 1, 76);
  CHECK(village_document(v, 1, 77).text == d.text);
  CHECK(village_document(v, 2, 77).text != d.text);
}

TEST_CASE("village documents are many, and free of what a careless grammar leaves behind") {
  const village& v = wenlow();
  const int n = multitudes_test::sample_count(6000, 200000);
  std::set<std::string> texts;
  for (int i = 0; i < n; ++i) {
    const document d = village_document(v, 9, static_cast<std::uint64_t>(i));
    const std::string fault = fault_of(d.text);
    CHECK_MESSAGE(fault.empty(), fault, " in ", d.text);
    CHECK(d.text.size() > 40);
    texts.insert(d.text);
  }
  CHECK(texts.size() > static_cast<std::size_t>(n) * 98 / 100);
}

TEST_CASE("a document keeps to one spelling, and both are common") {
  const village& v = wenlow();
  const char* pairs[][2] = {{"colour", "color"},   {"favourite", "favorite"}, {"grey", "gray"},
                            {"harbour", "harbor"}, {"neighbour", "neighbor"}, {"autumn", " fall,"},
                            {"pedlar", "peddler"}, {"plough", "plow"}};
  std::size_t n_british = 0, n_american = 0;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    const document d = village_document(v, 3, i);
    for (const auto& [british, american] : pairs) {
      if (has(d.text, british)) {
        ++n_british;
        CHECK(d.spelling == "British");
      }
      if (has(d.text, american)) {
        ++n_american;
        CHECK(d.spelling == "American");
      }
    }
  }
  CHECK(n_british > 500);
  CHECK(n_american > 500);
}

TEST_CASE("actions that are chosen were offered, and serve the goal") {
  const village& v = wenlow();
  std::size_t n = 0;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const document d = village_document(v, 4, i);
    const std::size_t at = d.text.find(" does: ");
    if (at == std::string::npos || !has(d.text, " can: ")) continue;
    ++n;
    const std::string chosen = d.text.substr(at + 7, d.text.size() - at - 8);
    CHECK(d.text.find(chosen) < at);
    const std::string verb = chosen.substr(0, chosen.find('('));
    bool serves = false;
    for (const std::string& line : v.words().list("do." + d.subject)) {
      serves = serves || has(line, "/" + verb + ":");
    }
    CHECK_MESSAGE(serves, d.text);
  }
  CHECK(n > 100);
}

TEST_CASE("in danger people do what their temper makes them do, to what is dangerous") {
  const village& v = wenlow();
  std::size_t n = 0;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    const document d = village_document(v, 6, i);
    if (d.subject != "danger") continue;
    const std::string first = d.text.substr(0, d.text.find(" is "));
    for (const std::string_view verb : {"attack(", "study(", "distract("}) {
      const std::size_t at = d.text.find(verb);
      if (at == std::string::npos) continue;
      ++n;
      const std::size_t from = at + verb.size();
      const std::string target = d.text.substr(from, d.text.find(')', from) - from);
      CHECK_MESSAGE((!target.empty() && has(first, target)), d.text);
      const bool fits = has(d.text, verb == "attack("  ? "is brave"
                                    : verb == "study(" ? "is learned"
                                                       : "is sly");
      CHECK_MESSAGE(fits, d.text);
    }
  }
  CHECK(n > 10);
}
