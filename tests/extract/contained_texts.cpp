// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/core/philox.hpp>
#include <multitudes/extract/contained_texts.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace {

namespace mt = multitudes;

using texts = std::vector<std::vector<mt::token_id>>;

std::vector<std::size_t> find(const texts& all) {
  std::vector<std::span<const mt::token_id>> views(all.begin(), all.end());
  return mt::find_containing_texts(views);
}
bool begins(const std::vector<mt::token_id>& a, const std::vector<mt::token_id>& b) {
  return a.size() <= b.size() && std::equal(a.begin(), a.end(), b.begin());
}

TEST_CASE("every text is found in one that begins with it and is in no other") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    mt::philox random(seed);
    texts all(30);
    for (auto& text : all) {
      const std::size_t n = random.below(6);
      for (std::size_t i = 0; i < n; ++i) text.emplace_back(random.below(2));
    }
    const auto host = find(all);
    for (std::size_t i = 0; i < all.size(); ++i) {
      CHECK(begins(all[i], all[host[i]]));
      CHECK(host[host[i]] == host[i]);
      for (std::size_t j = 0; j < all.size(); ++j) {
        if (host[j] == j && j != host[i]) CHECK(!begins(all[host[i]], all[j]));
      }
    }
  }
}

TEST_CASE("of equal texts one is read") {
  const std::vector<mt::token_id> same{mt::token_id(4), mt::token_id(5)};
  const auto host = find({same, same, same});
  CHECK(host[0] == host[1]);
  CHECK(host[1] == host[2]);
  CHECK(find({}).empty());
}

}  // namespace
