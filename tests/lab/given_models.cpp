// SPDX-License-Identifier: MIT
#include "../support/tiny_model.hpp"

#include <doctest/doctest.h>
#include <multitudes/core/thread_pool.hpp>
#include <multitudes/lab/given/continuations.hpp>
#include <multitudes/lab/given/course.hpp>
#include <multitudes/lab/given/token_shift.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace {

namespace mt = multitudes;
namespace lab = multitudes::lab;
using namespace multitudes_test;

TEST_CASE("a continuation is as likely behind a shared context as behind its own") {
  const auto lm = tiny_model();
  auto b = *mt::batch::make(lm, {.n_sequences = 3, .context = 64});
  mt::inline_executor one;
  const auto context = some_tokens(7, 1);
  std::vector<std::vector<mt::token_id>> texts;
  for (std::size_t i = 0; i < 5; ++i) {  // more than sequences
    texts.push_back(some_tokens(3 + i, 10 + i));
  }
  const auto found = *lab::score_continuations(b, one, context, texts);
  REQUIRE(found.size() == texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    REQUIRE(found[i].size() == texts[i].size());
    for (const std::size_t n : {std::size_t{1}, texts[i].size()}) {
      mt::scored_text whole{context, context.size()};
      whole.tokens.insert(whole.tokens.end(), texts[i].begin(),
                          texts[i].begin() + static_cast<std::ptrdiff_t>(n));
      double sum = 0;
      for (std::size_t t = 0; t < n; ++t) sum += found[i][t];
      const double wanted = mt::log_probabilities(b, one, std::span(&whole, 1))->front();
      CHECK(sum == doctest::Approx(wanted).epsilon(1e-9));
    }
  }
  mt::thread_pool pool(3);
  CHECK(*lab::score_continuations(b, pool, context, texts) == found);
  // One token of context is enough.
  CHECK(lab::score_continuations(b, one, std::span(context).first(1), texts).has_value());
}

TEST_CASE("continuations that cannot be scored are refused, and leave no sequence open") {
  auto b = *mt::batch::make(tiny_model(), {.n_sequences = 2, .context = 8});
  mt::inline_executor one;
  const std::vector<std::vector<mt::token_id>> texts{some_tokens(3, 1)};
  const auto context = some_tokens(4, 4);
  const auto long_context = some_tokens(7, 4);
  const auto place = [&](std::span<const mt::token_id> c,
                         std::span<const std::vector<mt::token_id>> t) {
    return lab::score_continuations(b, one, c, t).error().place;
  };
  CHECK(place({}, texts) == "context");
  const std::vector<std::vector<mt::token_id>> empty{{}};
  CHECK(place(context, empty) == "continuation 0");
  auto unknown = texts;
  unknown[0].back() = mt::token_id(100000);
  CHECK(place(context, unknown) == "continuation 0");
  CHECK(lab::score_continuations(b, one, long_context, texts).error().code ==
        mt::errc::out_of_memory);
  CHECK(lab::score_continuations(b, one, context, texts).has_value());
  const auto held = b.open();
  CHECK(lab::score_continuations(b, one, context, texts).error().code == mt::errc::out_of_memory);
  b.close(*held);
  CHECK(lab::score_continuations(b, one, context, texts).has_value());
}

TEST_CASE("a model is not shifted against itself, and is against another") {
  const auto lm = tiny_model();
  tiny_model_options other;
  other.seed = 2;
  auto a = *mt::batch::make(lm, {.n_sequences = 1, .context = 32});
  auto same = *mt::batch::make(lm, {.n_sequences = 1, .context = 32});
  auto b = *mt::batch::make(tiny_model(other), {.n_sequences = 1, .context = 32});
  mt::inline_executor one;
  const auto text = some_tokens(9, 3);
  const auto unshifted = *lab::token_shifts(a, same, one, text, 5);
  for (const lab::token_shift& t : unshifted) {
    CHECK(t.kl == doctest::Approx(0).epsilon(1e-6));
    CHECK(t.rank == 0);
  }
  const auto shifts = *lab::token_shifts(a, b, one, text, text.size());
  REQUIRE(shifts.size() == text.size());
  // Worked out once more from the logits of the last token.
  const auto logits_of = [&](mt::batch& of) {
    const auto s = *of.open();
    std::vector<double> logits;
    const mt::feed f{s, text, 1};
    REQUIRE(of.evaluate(one, std::span(&f, 1), [&](mt::feed_place, std::span<float> l) {
                logits.assign(l.begin(), l.end());
              }).has_value());
    of.close(s);
    double sum = 0;
    for (const double x : logits) sum += std::exp(x);
    for (double& x : logits) x -= std::log(sum);
    return logits;
  };
  const auto q = logits_of(a);
  const auto p = logits_of(b);
  double kl = 0;
  std::size_t best = 0;
  for (std::size_t v = 0; v < p.size(); ++v) {
    kl += std::exp(p[v]) * (p[v] - q[v]);
    if (p[v] > p[best]) best = v;
  }
  std::size_t rank = 0;
  for (const double x : q) rank += x > q[best] ? 1U : 0U;
  CHECK(kl > 0.01);
  CHECK(shifts.back().kl == doctest::Approx(kl).epsilon(1e-4));
  CHECK(shifts.back().rank == rank);
  CHECK(shifts.back().favorite.value == best);
  CHECK(lab::token_shifts(a, b, one, text, 0).error().place == "n_last");
  CHECK(lab::token_shifts(a, b, one, text, 10).error().place == "n_last");
}

TEST_CASE("models of different vocabularies are not compared") {
  const auto lm = tiny_model();
  CHECK(lab::check_same_tokenizer(lm, lm).has_value());
  tiny_model_options wide;
  wide.vocab_rows = tiny_vocab_size + 2;
  const auto other = tiny_model(wide);
  CHECK(lab::check_same_tokenizer(lm, other).error().code == mt::errc::shape_mismatch);
  auto a = *mt::batch::make(lm, {.n_sequences = 1, .context = 16});
  auto b = *mt::batch::make(other, {.n_sequences = 1, .context = 16});
  const auto text = some_tokens(4, 1);
  mt::inline_executor one;
  CHECK(lab::token_shifts(a, b, one, text, 2).error().code == mt::errc::shape_mismatch);
}

TEST_CASE("the law of escape is found where it is planted") {
  std::vector<lab::course> courses;
  mt::philox random(3);
  for (std::size_t from = 0; from < 6; ++from) {
    for (std::size_t to = 0; to < 6; ++to) {
      if (to == from) continue;
      lab::course c{from, to};
      for (int n = 0; n <= 4; ++n) {
        c.log_odds.push_back(6 - 2.5 * n + 0.2 * (static_cast<double>(random.uniform()) - 0.5));
      }
      courses.push_back(c);
    }
  }
  const auto law = lab::fit_escape(courses, 1);
  CHECK(law.n_courses == 30);
  CHECK(law.start.between.contains(6));
  CHECK(law.start.between.width() < 0.5);
  CHECK(law.per_demonstration.between.contains(2.5));
  CHECK(law.demonstrations.between.contains(2.4));
  CHECK(law.flipped.value == 1);
  CHECK(law.r_squared.value > 0.99);
  courses.resize(1);
  courses[0].log_odds.resize(2);
  CHECK(lab::fit_escape(courses, 1).n_courses == 0);
}

TEST_CASE("variance between groups is told from chance") {
  std::vector<double> apart, alike;
  std::vector<std::size_t> groups;
  mt::philox random(5);
  for (std::size_t g = 0; g < 8; ++g) {
    for (int i = 0; i < 3; ++i) {
      const double noise = static_cast<double>(random.uniform());
      groups.push_back(g);
      apart.push_back(3 * static_cast<double>(g) + noise);
      alike.push_back(noise);
    }
  }
  CHECK(*lab::share_between(apart, groups) > 0.95);
  const auto found = lab::permuted_share_between(apart, groups, 500, random);
  CHECK(found.p_value < 0.01);
  CHECK(found.mean == doctest::Approx(7.0 / 23).epsilon(0.15));  // (groups - 1) / (items - 1)
  CHECK(lab::permuted_share_between(alike, groups, 500, random).p_value > 0.05);
  const std::vector<double> flat(groups.size(), 2.0);
  CHECK_FALSE(lab::share_between(flat, groups).has_value());
  // What was found counts as one of the permutations: never certain.
  CHECK(lab::permuted_share_between(apart, groups, 0, random).p_value == 1);
}

}  // namespace
