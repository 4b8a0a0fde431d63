// SPDX-License-Identifier: MIT
#include "../support/tiny_model.hpp"

#include <doctest/doctest.h>
#include <multitudes/core/thread_pool.hpp>
#include <multitudes/observe/label_evidence.hpp>

#include <cstddef>
#include <vector>

namespace {

namespace mt = multitudes;
using namespace multitudes_test;

TEST_CASE("the evidence after each token is the likelihood of the text up to it") {
  const auto lm = tiny_model();
  auto b = *mt::batch::make(lm, {.n_sequences = 2, .context = 64});
  mt::inline_executor one;
  const std::vector<std::vector<mt::token_id>> labels{some_tokens(3, 1), some_tokens(6, 2),
                                                      some_tokens(4, 3)};  // more than sequences
  auto text = some_tokens(9, 4);
  text.erase(text.begin());
  const auto trace = *mt::label_evidence(b, one, labels, text);
  REQUIRE(trace.size() == text.size());
  for (std::size_t k = 0; k < labels.size(); ++k) {
    for (const std::size_t n : {std::size_t{1}, std::size_t{4}, text.size()}) {
      mt::scored_text scored{labels[k], labels[k].size()};
      scored.tokens.insert(scored.tokens.end(), text.begin(),
                           text.begin() + static_cast<std::ptrdiff_t>(n));
      const double wanted = mt::log_probabilities(b, one, std::span(&scored, 1))->front();
      CHECK(trace.row(n - 1)[k] == doctest::Approx(wanted).epsilon(1e-9));
    }
  }
  mt::thread_pool pool(3);
  CHECK(mt::label_evidence(b, pool, labels, text)->nats == trace.nats);
}

TEST_CASE("what cannot be scored is refused, and leaves no sequence open") {
  auto b = *mt::batch::make(tiny_model(), {.n_sequences = 1, .context = 8});
  mt::inline_executor one;
  const std::vector<std::vector<mt::token_id>> labels{some_tokens(3, 1)};
  const auto text = some_tokens(4, 4);
  const auto place = [&](std::span<const std::vector<mt::token_id>> l,
                         std::span<const mt::token_id> t) {
    return mt::label_evidence(b, one, l, t).error().place;
  };
  CHECK(place({}, text) == "labels");
  CHECK(place(labels, {}) == "text");
  const std::vector<std::vector<mt::token_id>> empty{{}};
  CHECK(place(empty, text) == "label 0");
  auto unknown = text;
  unknown.back() = mt::token_id(100000);
  CHECK(place(labels, unknown) == "last token");
  CHECK(mt::label_evidence(b, one, labels, some_tokens(9, 4)).error().code ==
        mt::errc::out_of_memory);
  REQUIRE(b.open().has_value());
  CHECK(mt::label_evidence(b, one, labels, text).error().code == mt::errc::out_of_memory);
}

}  // namespace
