// SPDX-License-Identifier: MIT

#include <multitudes/core/philox.hpp>
#include <multitudes/extract/shared_prefixes.hpp>

#include <doctest/doctest.h>

#include <string_view>

namespace mt = multitudes;

namespace {

struct texts {
  std::vector<std::vector<mt::token_id>> tokens;
  std::vector<std::span<const mt::token_id>> views;

  explicit texts(std::initializer_list<std::string_view> all) {
    for (const auto text : all) {
      auto& into = tokens.emplace_back();
      for (const char c : text) into.emplace_back(static_cast<std::size_t>(c));
    }
    views.assign(tokens.begin(), tokens.end());
  }
};

constexpr std::size_t none = mt::shared_prefix::none;

}  // namespace

TEST_CASE("what two texts share is found, and what all share above it") {
  const texts t{"abcX", "abZ", "abcY", "q"};
  const auto f = mt::find_shared_prefixes(t.views, 1);
  REQUIRE(f.prefixes.size() == 2);
  CHECK(f.prefixes[0].length == 2);
  CHECK(f.prefixes[0].parent == none);
  CHECK(f.prefixes[1].length == 3);
  CHECK(f.prefixes[1].parent == 0);
  CHECK(f.prefixes[1].level == 1);
  CHECK(f.of_text == std::vector<std::size_t>{1, 0, 1, none});
}

TEST_CASE("equal texts and texts that begin others share all of themselves") {
  const texts t{"abcd", "abcd", "abcdef"};
  const auto f = mt::find_shared_prefixes(t.views, 1);
  REQUIRE(f.prefixes.size() == 1);
  CHECK(f.prefixes[0].length == 4);
  CHECK(f.of_text == std::vector<std::size_t>{0, 0, 0});
}

TEST_CASE("short beginnings and deep levels are handed to the prefix above") {
  const texts t{"abcdefghij1", "abcdefghij2", "abcdefgh3", "abcd4", "abc5"};
  const auto coarse = mt::find_shared_prefixes(t.views, 4);
  for (const auto& p : coarse.prefixes) {
    const std::size_t start = p.parent == none ? 0 : coarse.prefixes[p.parent].length;
    CHECK(p.length - start >= 4);
  }
  const auto flat = mt::find_shared_prefixes(t.views, 1, 1);
  REQUIRE(flat.prefixes.size() == 1);
  CHECK(flat.prefixes[0].length == 3);
  CHECK(flat.of_text == std::vector<std::size_t>(5, 0));
  CHECK(mt::find_shared_prefixes({}).prefixes.empty());
}

TEST_CASE("every prefix begins its texts, is longer than its parent and is shared by two") {
  mt::philox random(3);
  for (int round = 0; round < 200; ++round) {
    texts t{};
    t.tokens.resize(random.below(20));
    for (auto& text : t.tokens) {
      text.resize(random.below(9));
      for (auto& token : text) token = mt::token_id(random.below(2));
    }
    t.views.assign(t.tokens.begin(), t.tokens.end());
    const std::size_t least = 1 + random.below(3);
    const auto f = mt::find_shared_prefixes(t.views, least, 3);
    std::vector<int> n_texts(f.prefixes.size());
    for (std::size_t i = 0; i < t.views.size(); ++i) {
      for (std::size_t p = f.of_text[i]; p != none; p = f.prefixes[p].parent) {
        const auto& prefix = f.prefixes[p];
        ++n_texts[p];
        REQUIRE(prefix.length <= t.views[i].size());
        const auto other = t.views[prefix.text];
        REQUIRE(std::equal(other.begin(), other.begin() + static_cast<long>(prefix.length),
                           t.views[i].begin()));
      }
    }
    for (std::size_t p = 0; p < f.prefixes.size(); ++p) {
      CHECK(n_texts[p] >= 2);
      CHECK(f.prefixes[p].level < 3);
      if (f.prefixes[p].parent == none) continue;
      CHECK(f.prefixes[p].parent < p);
      CHECK(f.prefixes[p].length >= f.prefixes[f.prefixes[p].parent].length + least);
    }
  }
}
