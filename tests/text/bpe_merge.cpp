// SPDX-License-Identifier: MIT
#include <multitudes/core/philox.hpp>
#include <multitudes/text/bpe_merge.hpp>

#include "../support/long_run.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace multitudes;
using namespace multitudes::text;

namespace {

using ranks = std::map<std::string, std::uint32_t>;

std::vector<std::string> merged(const std::string& text, const ranks& known,
                                std::size_t* calls = nullptr) {
  bpe_merger merger;
  for (std::size_t i = 0; i < text.size(); ++i) merger.push(1, no_piece);
  merger.merge(
      [&](const bpe_merger::symbol& a, const bpe_merger::symbol& b) -> std::optional<merge_result> {
        if (calls) ++*calls;
        const auto found = known.find(text.substr(a.begin, a.size + b.size));
        if (found == known.end()) return std::nullopt;
        return merge_result{found->second, found->second};
      });
  std::vector<std::string> out;
  merger.for_each(
      [&](const bpe_merger::symbol& s) { out.push_back(text.substr(s.begin, s.size)); });
  return out;
}

// The definition, in quadratic time.
std::vector<std::string> merged_slowly(const std::string& text, const ranks& known) {
  std::vector<std::string> parts;
  for (const char c : text) parts.emplace_back(1, c);
  for (;;) {
    std::optional<std::pair<std::uint32_t, std::size_t>> best;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto found = known.find(parts[i] + parts[i + 1]);
      if (found != known.end() && (!best || found->second < best->first)) {
        best = {found->second, i};
      }
    }
    if (!best) return parts;
    parts[best->second] += parts[best->second + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best->second) + 1);
  }
}

}  // namespace

TEST_CASE("the best pair is merged first and the leftmost among equals") {
  CHECK(merged("abc", {{"ab", 2}, {"bc", 1}}) == std::vector<std::string>{"a", "bc"});
  CHECK(merged("aaa", {{"aa", 0}}) == std::vector<std::string>{"aa", "a"});
  CHECK(merged("lower", {{"lo", 0}, {"low", 1}, {"er", 3}, {"lowe", 5}}) ==
        std::vector<std::string>{"low", "er"});
  CHECK(merged("", {}).empty());
}

TEST_CASE("merging with a queue gives what merging by definition gives") {
  philox random(21);
  for (int i = 0; i < multitudes_test::sample_count(2000, 100000); ++i) {
    ranks known;
    for (std::uint32_t k = 0; k < 8; ++k) {
      std::string piece(2 + random.below(3), 'a');
      for (char& c : piece) c = static_cast<char>('a' + random.below(3));
      known[piece] = random.below(5);  // equal ranks occur
    }
    std::string text(random.below(20), 'a');
    for (char& c : text) c = static_cast<char>('a' + random.below(3));
    REQUIRE(merged(text, known) == merged_slowly(text, known));
  }
}

TEST_CASE("the number of pairs looked at grows linearly with the text") {
  std::size_t calls = 0;
  const std::size_t n = 1 << 16;
  ranks doubling;
  for (std::size_t size = 2; size <= 1024; size *= 2) {
    doubling[std::string(size, 'a')] = static_cast<std::uint32_t>(size);
  }
  CHECK(merged(std::string(n, 'a'), doubling, &calls).size() == n / 1024);
  CHECK(calls <= 3 * n);
}
