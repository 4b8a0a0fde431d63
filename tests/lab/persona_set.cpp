// SPDX-License-Identifier: MIT
#include "../support/mutate.hpp"
#include "../support/temporary_folder.hpp"

#include <doctest/doctest.h>
#include <multitudes/lab/given/persona_set.hpp>

#include <cstddef>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace lab = multitudes::lab;
using namespace multitudes_test;

const std::string small =
    "# who\n"
    "introduction: {} says:\\n\r\n"
    "introduction: By {}.\n"
    "\n"
    "persona: a sailor\n"
    "count: 12.5\n"
    "text: Ahoy: one\\\\two\n"
    "text: Heave ho\n"
    "held-out: Avast\n"
    "held-out: Belay\n"
    "persona: a cook\n"
    "text: Stir\n"
    "text: Boil\n"
    "held-out: Bake\n"
    "held-out: Fry\n"
    "neutral: The door is open.\n"
    "neutral: It is noon.\n"
    "prompt: <|user|>\\nHello\n";

multitudes::error refused(const std::string& text) {
  const auto read = lab::parse_persona_set(text, "f");
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error().code == multitudes::errc::malformed);
  return read.error();
}

std::string without(std::string_view part) {
  std::string text = small;
  return text.erase(text.find(part), part.size());
}

TEST_CASE("a file of personas is read, with line breaks inside of texts") {
  const auto set = *lab::parse_persona_set("\xEF\xBB\xBF" + small, "f");
  REQUIRE(set.personas.size() == 2);
  CHECK(set.personas[0].label == "a sailor");
  CHECK(set.personas[0].count == 12.5);
  CHECK_FALSE(set.personas[1].count.has_value());
  CHECK(set.personas[0].texts == std::vector<std::string>{"Ahoy: one\\two", "Heave ho"});
  CHECK(set.personas[1].held_out == std::vector<std::string>{"Bake", "Fry"});
  CHECK(set.introduce(0, 1) == "a cook says:\n");
  CHECK(set.introduce(1, 0) == "By a sailor.");
  CHECK(set.neutral.size() == 2);
  CHECK(set.prompts == std::vector<std::string>{"<|user|>\nHello"});
}

TEST_CASE("what is wrong in a file of personas is named with its line") {
  CHECK(refused(small + "texts: x\n").place == "f, line 19");
  CHECK(refused(small + "no colon\n").found == "a line without a known key");
  CHECK(refused(small + "text:   \n").found == "nothing after text:");
  CHECK(refused(small + "text: \\n\n").found == "nothing after text:");
  CHECK(refused(small + "text: a\\t\n").found == "a lone backslash");
  CHECK(refused(small + "text: a\\").found == "a lone backslash");
  CHECK(refused(small + std::string("text: a\0b\n", 10)).found == "a zero byte");
  CHECK(refused("text: early\n" + small).place == "f, line 1");
  CHECK(refused(small + "persona: a cook\n").expected == "another label");
  CHECK(refused(small + "introduction: nobody\n").found == "an introduction without one {}");
  CHECK(refused(small + "introduction: {} and {}\n").found == "an introduction without one {}");
  for (const char* count : {"0", "-1", "nan", "inf", "1e999", "3 times", "x"}) {
    CHECK(refused(small + "count: " + count + "\n").expected == "a positive number");
  }
  CHECK(refused(small + "held-out: Stir\n").expected == "texts that differ");
}

TEST_CASE("a set without what its measures need is refused") {
  CHECK(refused("").found == "no introduction:");
  CHECK(refused(without("held-out: Fry\n")).found == "persona a cook with 2 texts and 1 held out");
  CHECK(refused(without("text: Boil\n")).found == "persona a cook with 1 texts and 2 held out");
  CHECK(refused(without("neutral: It is noon.\n")).found == "1 neutral texts");
  CHECK(refused(small.substr(0, small.find("persona: a cook"))).found == "1 personas");
}

TEST_CASE("sizes of a file of personas are limited") {
  const std::string line = small + "text: " + std::string(20000, 'x') + "\n";
  CHECK(refused(line).expected == "at most 16384");
  std::string many = small;
  for (int i = 0; i < 63; ++i) many += "text: t" + std::to_string(i) + "\n";
  CHECK(refused(many).expected == "at most 64");
  many = small;
  for (int i = 0; i < 63; ++i) many += "persona: p" + std::to_string(i) + "\n";
  CHECK(refused(many).found == "one persona more");
  const test::temporary_folder folder;
  const std::string path = folder.path() + "/p";
  std::ofstream(path) << small;
  CHECK(lab::load_persona_set(path).has_value());
  CHECK(lab::load_persona_set(path, {.most_file_bytes = 100}).error().place == path);
  CHECK(lab::load_persona_set(path + "x").error().code == multitudes::errc::io_failure);
}

TEST_CASE("damaged files of personas are read or refused, and nothing else") {
  multitudes::philox random(7);
  const auto bytes = std::as_bytes(std::span(small));
  const std::vector<std::byte> original(bytes.begin(), bytes.end());
  int n_read = 0;
  for (int i = 0; i < mutant_count() / 10; ++i) {
    const auto broken = mutate(original, random);
    const auto set =
        lab::parse_persona_set({reinterpret_cast<const char*>(broken.data()), broken.size()}, "f");
    if (!set) continue;
    ++n_read;
    for (std::size_t k = 0; k < set->personas.size(); ++k) {
      CHECK_FALSE(set->introduce(0, k).empty());
      CHECK(set->personas[k].held_out.size() >= 2);
    }
  }
  CHECK(n_read > 0);
}

TEST_CASE("the personas that are shipped can be read") {
  const auto set = lab::load_persona_set(MULTITUDES_SOURCE_DIR "/examples/data/styles.personas");
  REQUIRE(set.has_value());
  CHECK(set->personas.size() == 8);
  CHECK(set->introductions.size() >= 2);
  CHECK_FALSE(set->prompts.empty());
}

}  // namespace
