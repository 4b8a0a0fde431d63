// SPDX-License-Identifier: MIT

#include "../support/random_persona.hpp"
#include "../support/tiny_model.hpp"

#include <multitudes/extract/dose_response.hpp>

#include <doctest/doctest.h>

#include <algorithm>

namespace mt = multitudes;
namespace st = multitudes::steering;
using namespace multitudes_test;

namespace {

mt::dose_curve curve(std::vector<mt::dose> doses) { return {"someone", std::move(doses)}; }

mt::dose_texts texts_for(const mt::language_model& lm) {
  mt::dose_texts texts;
  for (const char* opening : {"the cat", "a dog", "one day"}) {
    texts.preferences.push_back(mt::make_preference(*lm.tokenizer, opening, "ran", "sat"));
  }
  texts.neutral.push_back({lm.tokenizer->encode("there was a house"), 1});
  return texts;
}

}  // namespace

TEST_CASE("a preference holds the opening once and scores only the continuation") {
  const auto lm = tiny_model();
  const auto p = mt::make_preference(*lm.tokenizer, "the cat", "ran", "sat on");
  CHECK(lm.tokenizer->decode(p.wanted.tokens) == "the cat ran");
  CHECK(lm.tokenizer->decode(p.unwanted.tokens) == "the cat sat on");
  CHECK(p.wanted.n_scored() == 4);
  CHECK(p.wanted.first_scored == lm.tokenizer->encode("the cat").size());
}

TEST_CASE("the usable range ends where the loss rises, on each side by itself") {
  const auto c =
      curve({{-2, 0, 3.0}, {-1, 0, 1.2}, {0, 0, 1.0}, {1, 0, 1.4}, {2, 0, 1.6}, {3, 0, 1.0}});
  const auto range = *mt::usable_range(c, 0.5);
  CHECK(range.first == 1);
  CHECK(range.last == 3);  // the dose behind a gap does not count
  CHECK(mt::usable_range(curve({{1, 0, 1}}), 0.5).error().code == mt::errc::invalid_argument);
}

TEST_CASE("the monotonic range grows from strength zero as long as more strength gives more") {
  const auto c = curve({{-2, -0.5, 1}, {-1, -1, 1}, {0, 0, 1}, {1, 1, 1}, {2, 2, 1}, {3, 1.5, 1}});
  const auto range = *mt::monotonic_range(c);
  CHECK(range.first == 1);
  CHECK(range.last == 4);
  CHECK(mt::dose_slope(c, range)->slope == doctest::Approx(1));
  CHECK(!mt::dose_slope(c, {2, 3}).has_value());
}

TEST_CASE("a direction along the wanted token's head row raises its log-ratio with the dose") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  auto texts = texts_for(lm);
  // The last layer's row goes to the head through one norm: pushing along the difference of the
  // two first tokens' head rows must raise the one against the other.
  std::vector<float> wanted(lm.shape().model_dim);
  std::vector<float> unwanted(lm.shape().model_dim);
  const auto& p = texts.preferences[0];
  mt::simd::unpack_row<mt::simd::native>(
      lm.weights->head, p.wanted.tokens[p.wanted.first_scored + 1].value, std::span(wanted));
  mt::simd::unpack_row<mt::simd::native>(
      lm.weights->head, p.unwanted.tokens[p.unwanted.first_scored + 1].value, std::span(unwanted));
  const auto space = lm.space();
  std::vector<float> values(std::size_t{space.n_layers} * space.model_dim);
  for (std::size_t e = 0; e < space.model_dim; ++e) {
    values[(space.n_layers - 1) * space.model_dim + e] = wanted[e] - unwanted[e];
  }
  const auto who = *mt::persona::make("r over s", *mt::direction::make(space, values));
  auto b = *mt::batch::make(lm, {.n_sequences = 4, .context = 64});
  const float strengths[] = {-2, -1, 0, 1, 2};
  int measured = 0;
  const auto c =
      *mt::measure_doses(b, one, texts, who, unit_norms(space), strengths, [&] { ++measured; });
  CHECK(measured == 5);
  CHECK(c.label == "r over s");
  const auto all = *mt::monotonic_range(c);
  CHECK(all.first == 0);
  CHECK(all.last == 4);
  CHECK(c.at(0)->neutral_loss > 0);
}

TEST_CASE("strength zero measures the unsteered model") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  auto b = *mt::batch::make(lm, {.n_sequences = 4, .context = 64});
  const auto texts = texts_for(lm);
  const auto p = random_persona(lm.space(), 1);
  const float strengths[] = {0};
  const auto c = *mt::measure_doses(b, one, texts, p, unit_norms(lm.space()), strengths, [] {});
  const auto plain = *mt::measure_dose(b, one, texts, {}, 0);
  CHECK(c.doses[0].log_ratio == plain.log_ratio);
  CHECK(c.doses[0].neutral_loss == plain.neutral_loss);
  CHECK(mt::measure_dose(b, one, {}, {}, 0).error().code == mt::errc::invalid_argument);
}

TEST_CASE("strengths are shares of the layers' norms, and losses are means over tokens") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  auto b = *mt::batch::make(lm, {.n_sequences = 4, .context = 64});
  auto texts = texts_for(lm);
  texts.neutral.push_back({lm.tokenizer->encode("and then"), 1});
  const auto p = random_persona(lm.space(), 1);
  auto norms = unit_norms(lm.space());
  for (float& norm : norms.typical) norm = 0.25f;
  const float strengths[] = {2};
  const auto c = *mt::measure_doses(b, one, texts, p, norms, strengths, [] {});
  const auto plan = *st::compile(p, st::in_raw_units(0.5f));
  const auto score = [&](const mt::scored_text& text) {
    return mt::log_probabilities(b, one, std::span(&text, 1), {plan, {}})->front();
  };
  double ratio = 0;
  for (const auto& pair : texts.preferences) ratio += score(pair.wanted) - score(pair.unwanted);
  double loss = 0;
  double n_tokens = 0;
  for (const auto& text : texts.neutral) {
    loss -= score(text);
    n_tokens += static_cast<double>(text.n_scored());
  }
  // The same sums of the same doubles, but for their order.
  CHECK(c.doses[0].log_ratio == doctest::Approx(ratio / 3).epsilon(1e-12));
  CHECK(c.doses[0].neutral_loss == doctest::Approx(loss / n_tokens).epsilon(1e-12));
}

TEST_CASE("doses that stay level end the monotonic range, and the slope is of every dose in it") {
  const auto c = curve({{-1, -1, 1}, {0, 0, 1}, {1, 0, 1}, {2, 1, 1}});
  const auto range = *mt::monotonic_range(c);
  CHECK(range.first == 0);
  CHECK(range.last == 1);
  CHECK(mt::dose_slope(c, {0, 2})->slope == doctest::Approx(0.5));
}

TEST_CASE("the knee is the strength that gives most before language breaks") {
  const auto c = curve({{-1, 9, 1}, {0, 0, 1}, {1, 1, 1.1}, {2, 3, 1.2}, {3, 2, 1.3}, {4, 9, 1.6}});
  CHECK(mt::knee(c, 0.5)->strength == 2);
  CHECK(mt::knee(c, 0.15)->strength == 1);
  CHECK(mt::knee(c, 1)->strength == 4);
  CHECK(mt::knee(c, 0.01)->strength == 0);
  CHECK(mt::knee(curve({{0, 1, 1}, {1, 1, 1}}), 1)->strength == 0);  // of equals, the weakest
  CHECK(mt::knee(curve({{1, 1, 1}}), 1).error().code == mt::errc::invalid_argument);
}

TEST_CASE("a chosen strength comes with its curve, and each preference with its own ratio") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  auto b = *mt::batch::make(lm, {.n_sequences = 4, .context = 64});
  const auto p = random_persona(lm.space(), 3);
  const auto choice = *mt::choose_strength(b, one, texts_for(lm), p, unit_norms(lm.space()),
                                           {.strengths = {0, 0.1f, 0.3f}, .max_rise = 100});
  REQUIRE(choice.curve.doses.size() == 3);
  double most = -1e9;
  for (const auto& d : choice.curve.doses) {
    most = std::max(most, d.log_ratio);
    REQUIRE(d.log_ratios.size() == 3);
    CHECK(d.log_ratio ==
          doctest::Approx((d.log_ratios[0] + d.log_ratios[1] + d.log_ratios[2]) / 3));
  }
  CHECK(choice.chosen.log_ratio == most);
}

TEST_CASE("the prompt stands in front of every text and is not scored itself") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  auto b = *mt::batch::make(lm, {.n_sequences = 4, .context = 64});
  const auto texts = texts_for(lm);
  const auto plain = *mt::measure_dose(b, one, texts, {}, 0);
  CHECK(mt::prompt_baseline(b, one, texts, "")->log_ratio == plain.log_ratio);
  const auto asked = *mt::prompt_baseline(b, one, texts, "it ran ");
  CHECK(asked.log_ratio != plain.log_ratio);
  // By hand: the same tokens in a row.
  mt::scored_text by_hand{lm.tokenizer->encode("it ran "), 0};
  by_hand.first_scored = by_hand.tokens.size() + texts.neutral[0].first_scored - 1;
  by_hand.tokens.insert(by_hand.tokens.end(), texts.neutral[0].tokens.begin() + 1,
                        texts.neutral[0].tokens.end());
  const double loss = -mt::log_probabilities(b, one, std::span(&by_hand, 1))->front();
  CHECK(asked.neutral_loss ==
        doctest::Approx(loss / static_cast<double>(by_hand.n_scored())).epsilon(1e-12));
  mt::dose_texts bare = texts;
  bare.neutral.push_back({});
  CHECK(mt::prompt_baseline(b, one, bare, "x").error().code == mt::errc::invalid_argument);
}
