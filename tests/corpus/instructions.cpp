// SPDX-License-Identifier: MIT
#include "examples/corpus/instructions.hpp"
#include "examples/corpus/friendliness.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>

namespace {

using namespace corpus;

const village& wenlow() {
  static const auto read = village::read(MULTITUDES_SOURCE_DIR "/examples/data/corpus");
  REQUIRE(read);
  return *read;
}

/// Two authors; what is held out of them says "xyzzy".
const shelf& books() {
  static const shelf made = [] {
    shelf s;
    for (const char* author : {"Anna Author", "Will Writer"}) {
      s.works.push_back({.file = author, .author = author, .title = "Title", .form = "prose"});
      for (int i = 0; i < 40; ++i) {
        const bool held = i % 8 == 3;
        std::string text;
        for (int p = 0; p < 8; ++p) {
          text += p == 0 ? "" : "\n\n";
          for (int k = 0; k < 5; ++k) {
            text += std::string(author) + (held ? " keeps xyzzy" : " says a thing") + " now. ";
          }
        }
        s.chunks.push_back({s.works.size() - 1, text, held ? split::held_out : split::train});
      }
    }
    return s;
  }();
  return made;
}

}  // namespace

TEST_CASE("a conversation is requests and answers in turn, and only answers are learned") {
  const chat_sources from{wenlow(), &books()};
  std::map<std::string, int> styles;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    const chat c = instruction(from, 1, i);
    std::string whole;
    REQUIRE(c.parts.size() % 3 == 0);
    REQUIRE(!c.parts.empty());
    for (std::size_t p = 0; p < c.parts.size(); ++p) {
      whole += c.parts[p].text;
      CHECK(c.parts[p].is_answer == (p % 3 == 1));
    }
    CHECK(whole == c.about.text);
    for (std::size_t p = 0; p < c.parts.size(); p += 3) {
      CHECK(c.parts[p].text.starts_with("<|user|>\n"));
      CHECK(c.parts[p].text.ends_with("<|end|>\n<|assistant|>\n"));
      CHECK(c.parts[p + 1].text.ends_with("<|end|>"));
      CHECK(c.parts[p + 1].text.size() > 8);
    }
    CHECK(whole.find_first_of("{}") == std::string::npos);
    CHECK(whole.find("xyzzy") == std::string::npos);
    ++styles[c.about.style];
  }
  for (const char* style : {"Anna Author", "sailor", "cheerful", "plain", "friendly", "gruff"}) {
    CHECK_MESSAGE(styles[style] > 20, style);
  }
  CHECK(instruction(from, 1, 9).about.text == instruction(from, 1, 9).about.text);
  CHECK(instruction(from, 2, 9).about.text != instruction(from, 1, 9).about.text);
}

TEST_CASE("without books nothing is asked about authors") {
  for (std::uint64_t i = 0; i < 500; ++i) {
    CHECK(instruction({wenlow()}, 1, i).about.text.find("Author") == std::string::npos);
  }
}

TEST_CASE("no instruction shows a combination that is held out") {
  std::map<std::string, std::size_t> way, thing;
  for (std::size_t i = 0; i < 8; ++i) {
    way[std::string(ways[i].name)] = i;
    thing[std::string(things[i].name)] = i;
  }
  int n = 0;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    const document d = instruction({wenlow()}, 5, i).about;
    if (!way.contains(d.style)) continue;
    ++n;
    CHECK(!is_held_out(way[d.style], thing[d.subject]));
  }
  CHECK(n > 400);
}

TEST_CASE("friendly answers are scored above plain ones, and gruff ones least") {
  const double friendly = friendliness("You are very welcome! I am glad that I could help.");
  const double plain = friendliness("There are some clouds in the west, and the wind has turned.");
  const double gruff = friendliness("Bah! Find another fool, dear friend. I hate fools.");
  CHECK(friendly > 0.6);
  CHECK(plain == doctest::Approx(0));
  CHECK(gruff < 0.3);
  CHECK(friendliness("") == doctest::Approx(0));
  CHECK(friendliness("...") == doctest::Approx(0));
}

TEST_CASE("neither repeating nor rambling nor breaking off makes an answer friendlier") {
  const std::string once = "I am glad to help you, dear friend.";
  std::string often, ramble;
  for (int i = 0; i < 8; ++i) often += once + " ";
  for (int i = 0; i < 120; ++i)
    ramble += "glad" + std::string(static_cast<std::size_t>(i % 9), 'x') + " word ";
  CHECK(friendliness(often) < friendliness(once) / 2);
  CHECK(friendliness("Glad glad glad glad glad glad glad.") < 0.1);
  CHECK(friendliness(ramble) == doctest::Approx(0));
  CHECK(friendliness("I am glad to help you, dear friend, and") < friendliness(once));
  CHECK(friendliness("Glad!") < friendliness(once));
  CHECK(friendliness(once) <= 1);
}

TEST_CASE("requests for the feedback stage are many and wait for an answer") {
  std::map<std::string, int> seen;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const std::string request = feedback_prompt(wenlow(), 1, i);
    CHECK(request.starts_with("<|user|>\n"));
    CHECK(request.ends_with("<|end|>\n<|assistant|>\n"));
    CHECK(request.find_first_of("{}") == std::string::npos);
    ++seen[request];
  }
  CHECK(seen.size() > 100);
}
