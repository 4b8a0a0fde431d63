// SPDX-License-Identifier: MIT

#include "../support/tiny_model.hpp"

#include <multitudes/extract/goal_inference.hpp>

#include <doctest/doctest.h>

#include <numeric>

namespace mt = multitudes;
using namespace multitudes_test;

namespace {

const std::vector<mt::goal> goals{
    {"zed", "zz zzz zz", {}}, {"queue", "qqq qq q", {}}, {"em", "m mm mmm", {}}};

/// Episodes whose actions hold letters of their goal among others.
std::vector<mt::episode> episodes(std::size_t n, std::uint64_t seed, std::uint32_t share = 2) {
  mt::philox random(seed);
  const char letters[] = {'z', 'q', 'm'};
  std::vector<mt::episode> all;
  for (std::size_t i = 0; i < n; ++i) {
    mt::episode e{"then they ", "", i % 3};
    for (int k = 0; k < 10; ++k) {
      e.action +=
          random.below(4) < share ? letters[e.goal] : static_cast<char>('a' + random.below(10));
    }
    all.push_back(e);
  }
  return all;
}

constexpr mt::layer_index layer{1};

}  // namespace

TEST_CASE("goals are inferred from what is done, and the probabilities hold on new episodes") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  const auto read = [&](const std::vector<mt::episode>& e) {
    return *mt::read_episodes(lm, one, layer, e);
  };
  const auto learning = episodes(60, 1);
  const auto held_out = episodes(90, 2);
  const auto unseen = episodes(150, 3);
  auto inference = *mt::goal_inference::of_episodes(goals, learning, read(learning));
  const auto fit = *inference.calibrate(held_out, read(held_out));
  CHECK(fit.log_score_after <= fit.log_score_before);
  CHECK(inference.temperature() == doctest::Approx(fit.temperature / 10));
  const auto rows = read(unseen);
  double right = 0, expected = 0;
  for (std::size_t i = 0; i < unseen.size(); ++i) {
    const auto p = inference.infer(rows.row(i));
    CHECK(std::accumulate(p.begin(), p.end(), 0.0) == doctest::Approx(1));
    const std::size_t best = inference.nearest(rows.row(i));
    CHECK(p[best] == *std::max_element(p.begin(), p.end()));
    right += best == unseen[i].goal;
    expected += p[best];
  }
  CHECK(right / 150 > 0.6);
  CHECK(right / 150 == doctest::Approx(expected / 150).epsilon(0.1));
}

TEST_CASE("statements are embedded by their mean, and tell goals too") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  const auto rows = *mt::read_statements(lm, one, layer, goals);
  CHECK(rows.size() == 3);
  const auto inference = *mt::goal_inference::of_statements(goals, rows);
  for (std::size_t g = 0; g < 3; ++g) {
    const auto& embedding = inference.goals()[g].embedding;
    CHECK(std::equal(embedding.begin(), embedding.end(), rows.row(g).begin(), rows.row(g).end()));
    CHECK(inference.nearest(rows.row(g)) == g);
  }
  const auto acting = episodes(90, 4, 4);
  const auto read = *mt::read_episodes(lm, one, layer, acting);
  double right = 0;
  for (std::size_t i = 0; i < acting.size(); ++i) {
    right += inference.nearest(read.row(i)) == acting[i].goal;
  }
  CHECK(right / 90 > 0.6);
}

TEST_CASE("an action is read without its situation") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  const mt::episode e{"zzz ", "ab", 0};
  const auto rows = *mt::read_episodes(lm, one, layer, std::span(&e, 1));
  auto tokens = lm.tokenizer->encode("zzz ab");
  const std::size_t n = tokens.size();
  const mt::reading by_hand{std::move(tokens), {{n - 2, n}}};
  auto reader = *mt::text_reader::make(lm, {&by_hand}, {layer});
  REQUIRE(reader
              .read(one,
                    [&](std::size_t, const mt::read_rows& read) {
                      CHECK(std::equal(read.values().begin(), read.values().end(),
                                       rows.row(0).begin()));
                    })
              .has_value());
}

TEST_CASE("goals without episodes, equal goals and rows that do not fit are refused") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  const auto acting = episodes(6, 5);
  const auto rows = *mt::read_episodes(lm, one, layer, acting);
  auto four = goals;
  four.push_back({"nobody's", "x", {}});
  const auto refused = [&](const std::vector<mt::goal>& g, std::span<const mt::episode> e) {
    return mt::goal_inference::of_episodes(g, e, rows).error().code;
  };
  CHECK(refused(four, acting) == mt::errc::invalid_argument);
  CHECK(refused({goals[0], goals[1]}, acting) == mt::errc::invalid_argument);
  CHECK(refused(goals, std::span(acting).first(5)) == mt::errc::shape_mismatch);
  const mt::goal_rows same{layer, 2, {1, 2, 1, 2}};
  CHECK(mt::goal_inference::of_statements({goals[0], goals[1]}, same).error().code ==
        mt::errc::invalid_argument);
  CHECK(mt::goal_inference::of_statements({goals[0]}, {layer, 2, {1, 2}}).error().code ==
        mt::errc::invalid_argument);
  const mt::goal empty{"silent", "", {}};
  CHECK(mt::read_statements(lm, one, layer, std::span(&empty, 1)).error().code ==
        mt::errc::invalid_argument);
  const auto inference = *mt::goal_inference::of_episodes(goals, acting, rows);
  const std::vector<float> other_width(3);
  for (const double p : inference.infer(other_width)) CHECK(p == doctest::Approx(1.0 / 3));
}
