// SPDX-License-Identifier: MIT

#include "../support/tiny_model.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/extract/learn.hpp>
#include <multitudes/persona/random_control.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <utility>

namespace mt = multitudes;
using namespace multitudes_test;

namespace {

/// Texts of letters; the positive ones hold many of `letter`.
std::vector<mt::contrast_pair> letter_pairs(std::size_t n, char letter) {
  mt::philox random(11);
  std::vector<mt::contrast_pair> pairs(n);
  for (auto& pair : pairs) {
    for (int i = 0; i < 12; ++i) {
      const char other = static_cast<char>('a' + random.below(20));
      pair.positive += i % 2 == 0 ? letter : other;
      pair.negative += i % 2 == 0 ? static_cast<char>('a' + random.below(20)) : other;
    }
  }
  return pairs;
}

/// Texts whose two sides come from the same source: there is nothing to learn.
std::vector<mt::contrast_pair> noise_pairs(std::size_t n) {
  mt::philox random(12);
  std::vector<mt::contrast_pair> pairs(n);
  for (auto& pair : pairs) {
    for (int i = 0; i < 12; ++i) {
      pair.positive += static_cast<char>('a' + random.below(20));
      pair.negative += static_cast<char>('a' + random.below(20));
    }
  }
  return pairs;
}

/// Whatever the first pair does.
struct first_pair_alone {
  static constexpr mt::looks_at needs = mt::looks_at::rows;
  static constexpr std::string_view name = "first pair";
  void operator()(const mt::pair_statistics& pairs, std::span<double> out) const {
    for (std::size_t e = 0; e < out.size(); ++e) {
      out[e] = static_cast<double>(pairs.rows.positive[0][e]) -
               static_cast<double>(pairs.rows.negative[0][e]);
    }
  }
};

static_assert(mt::extractor<first_pair_alone>);

}  // namespace

TEST_CASE("a difference between the texts is found, with unit directions and a large effect") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  const auto found = *mt::learn(lm, "z-like", letter_pairs(24, 'z'), one);
  CHECK(found.who.label() == "z-like");
  CHECK(found.who.direction().norm(mt::layer_index(0)) == 0);
  for (std::size_t l = 1; l < lm.shape().n_layers; ++l) {
    CHECK(found.who.direction().norm(mt::layer_index(l)) == doctest::Approx(1).epsilon(1e-6));
    const auto& e = found.layers[l];
    CHECK(e.effect_size > 1);
    CHECK(e.interval.low <= e.effect_size);
    CHECK(e.effect_size <= e.interval.high);
    CHECK(e.accuracy > 0.9);
    CHECK(e.positive_mean > e.negative_mean);
  }
}

TEST_CASE("where there is nothing to learn, the intervals hold zero") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  const auto found = *mt::learn(lm, "noise", noise_pairs(40), one);
  for (std::size_t l = 1; l < lm.shape().n_layers; ++l) {
    CAPTURE(l);
    CHECK(found.layers[l].interval.low <= 0);
    CHECK(found.layers[l].accuracy < 0.8);
  }
}

TEST_CASE("learning gives the same bits for any number of threads") {
  const auto lm = tiny_model();
  const auto pairs = letter_pairs(10, 'q');
  mt::inline_executor one;
  mt::thread_pool pool(3);
  const auto a = *mt::learn(lm, "q", pairs, one);
  const auto b = *mt::learn(lm, "q", pairs, pool);
  CHECK(std::equal(a.who.values().begin(), a.who.values().end(), b.who.values().begin()));
  CHECK(a.layers[1].interval == b.layers[1].interval);
}

TEST_CASE("exchanging the sides turns the direction round") {
  const auto lm = tiny_model();
  auto pairs = letter_pairs(10, 'q');
  mt::inline_executor one;
  const auto a = *mt::learn(lm, "q", pairs, one);
  for (auto& pair : pairs) std::swap(pair.positive, pair.negative);
  const auto b = *mt::learn(lm, "not q", pairs, one);
  for (std::size_t i = 0; i < a.who.values().size(); ++i) {
    CHECK(a.who.values()[i] == -b.who.values()[i]);
  }
}

TEST_CASE("the last token can stand for a text") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  std::vector<mt::contrast_pair> pairs;
  for (const char c : {'a', 'b', 'c', 'd', 'e'}) {
    pairs.push_back({std::string(3, c) + "x", std::string(3, c) + "y"});
  }
  const auto found = *mt::learn(lm, "x", pairs, one, {.read = mt::read_position::last_token});
  CHECK(found.layers[1].accuracy == 1);
}

TEST_CASE("too few pairs, empty texts and equal sides are refused") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  const auto code = [&](const std::vector<mt::contrast_pair>& pairs) {
    return mt::learn(lm, "x", pairs, one).error().code;
  };
  CHECK(code({{"a", "b"}, {"c", "d"}}) == mt::errc::invalid_argument);
  CHECK(code({{"a", "b"}, {"c", ""}, {"e", "f"}}) == mt::errc::invalid_argument);
  CHECK(code({{"a", "a"}, {"b", "b"}, {"c", "c"}}) == mt::errc::zero_direction);
}

TEST_CASE("a random control has the same norm at every layer and points elsewhere") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  const auto found = *mt::learn(lm, "z", letter_pairs(10, 'z'), one);
  const auto control = *mt::random_control(found.who.direction(), 5);
  const auto other = *mt::random_control(found.who.direction(), 6);
  for (std::size_t l = 0; l < lm.shape().n_layers; ++l) {
    const mt::layer_index layer(l);
    CHECK(control.direction().norm(layer) ==
          doctest::Approx(found.who.direction().norm(layer)).epsilon(1e-6));
  }
  CHECK(!std::equal(control.values().begin(), control.values().end(), other.values().begin()));
}

TEST_CASE("pairs are read from a file, and a line with other fields is named") {
  const std::string path = "pairs_for_test.txt";
  const auto write = [&](std::string_view text) {
    REQUIRE(mt::write_file(path, std::as_bytes(std::span(text))).has_value());
  };
  write("# a comment\n\nThe sun shone. | It rained.\r\na | b");
  const auto pairs = *mt::read_pairs(path);
  REQUIRE(pairs.size() == 2);
  CHECK(pairs[0].negative == "It rained.");
  CHECK(pairs[1].positive == "a");
  write("a | b\nno bar\n");
  const auto refused = mt::read_pairs(path);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().place == path + ", line 2");
  std::remove(path.c_str());
  CHECK(mt::read_pairs(path).error().code == mt::errc::io_failure);
}

TEST_CASE("more confidence gives wider intervals, and another seed draws other pairs") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  const auto pairs = letter_pairs(10, 'q');
  const auto interval = [&](double confidence, std::uint64_t seed) {
    const mt::learn_options options{.evidence = {.confidence = confidence, .seed = seed}};
    return mt::learn(lm, "q", pairs, one, options)->layers[1].interval;
  };
  const auto usual = interval(0.95, 1);
  const auto narrow = interval(0.5, 1);
  CHECK(usual.low < narrow.low);
  CHECK(narrow.high < usual.high);
  CHECK(!(interval(0.95, 2) == usual));
}

TEST_CASE("the best layer is the one with the largest effect") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  auto found = *mt::learn(lm, "q", letter_pairs(10, 'q'), one);
  found.layers[1].effect_size = 2;
  found.layers[2].effect_size = 3;
  CHECK(found.best_layer() == mt::layer_index(2));
  found.layers[1].effect_size = 4;
  CHECK(found.best_layer() == mt::layer_index(1));
}

TEST_CASE("a random control keeps each layer's norm and points elsewhere at each") {
  const mt::activation_space space{{7}, mt::hook_point::residual_stream, 3, 64};
  std::vector<float> values(std::size_t{3} * 64);
  values[64] = 3.0f;
  values[128] = 5.0f;
  const auto like = *mt::direction::make(space, values);
  const auto control = *mt::random_control(like, 1);
  const auto& d = control.direction();
  CHECK(d.norm(mt::layer_index(0)) == 0);
  CHECK(d.norm(mt::layer_index(1)) == doctest::Approx(3).epsilon(1e-6));
  CHECK(d.norm(mt::layer_index(2)) == doctest::Approx(5).epsilon(1e-6));
  const float cosine =
      mt::simd::dot<mt::simd::native, float>(d.row(mt::layer_index(1)), d.row(mt::layer_index(2))) /
      15;
  CHECK(std::abs(cosine) < 0.5f);  // four standard deviations of random directions of width 64
}

TEST_CASE("a line with too many fields is refused") {
  const std::string path = "pairs_with_three_fields.txt";
  const std::string_view text = "a | b\nc | d | e\n";
  REQUIRE(mt::write_file(path, std::as_bytes(std::span(text))).has_value());
  const auto refused = mt::read_pairs(path);
  std::remove(path.c_str());
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::malformed);
  CHECK(refused.error().place == path + ", line 2");
}

TEST_CASE("kept rows and texts that are read twice give the same bits") {
  const auto lm = tiny_model();
  const auto pairs = letter_pairs(12, 'q');
  mt::thread_pool two(2);
  for (const auto method : {mt::extraction::mean_difference, mt::extraction::principal_component,
                            mt::extraction::ridge}) {
    const auto a = *mt::learn(lm, "q", pairs, two, {.method = method});
    const auto b = *mt::learn(lm, "q", pairs, two, {.method = method, .most_kept_bytes = 0});
    CHECK(std::equal(a.who.values().begin(), a.who.values().end(), b.who.values().begin()));
    for (std::size_t l = 1; l < lm.shape().n_layers; ++l) {
      CHECK(a.layers[l].effect_size == b.layers[l].effect_size);
      CHECK(a.layers[l].shuffled == b.layers[l].shuffled);
      CHECK(a.layers[l].link == b.layers[l].link);
    }
  }
}

TEST_CASE("every method learns, and says what it knows") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  const auto pairs = letter_pairs(30, 'z');
  const auto mean = *mt::learn(lm, "z", pairs, one);
  for (const auto method :
       {mt::extraction::principal_component, mt::extraction::centered_principal_component,
        mt::extraction::ridge, mt::extraction::linear_discriminant, mt::extraction::logistic}) {
    const auto found = *mt::learn(lm, "z", pairs, one, {.method = method});
    for (std::size_t l = 1; l < lm.shape().n_layers; ++l) {
      CHECK(found.who.direction().norm(mt::layer_index(l)) == doctest::Approx(1).epsilon(1e-6));
      CHECK(found.layers[l].positive_mean > found.layers[l].negative_mean);
      CHECK(found.layers[l].shuffled.size() == 5);
      const auto row = found.who.direction().row(mt::layer_index(l));
      CHECK(!std::equal(row.begin(), row.end(),
                        mean.who.direction().row(mt::layer_index(l)).begin()));
    }
    if (method == mt::extraction::centered_principal_component) continue;
    CHECK(found.layers[found.best_layer().value].is_above_chance());
  }
}

TEST_CASE("all read positions come from one pass, each as if read alone") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  const auto pairs = letter_pairs(8, 'z');
  const mt::read_position positions[] = {
      mt::read_position::last_token, mt::read_position::mean_over_text,
      mt::read_position::after_difference, mt::read_position::mean_over_answer};
  const auto all = *mt::learn_positions(lm, "z", pairs, positions, one);
  REQUIRE(all.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    const auto alone = *mt::learn(lm, "z", pairs, one, {.read = positions[i]});
    CHECK(std::equal(alone.who.values().begin(), alone.who.values().end(),
                     all[i].who.values().begin()));
    // Each site's bootstrap draws numbers of its own; all else is the same.
    CHECK(alone.layers[2].effect_size == all[i].layers[2].effect_size);
    CHECK(alone.layers[2].link == all[i].layers[2].link);
  }
}

TEST_CASE("a label in front of the same texts is learned from what it does to them") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  std::vector<std::string> texts;
  for (const auto& pair : letter_pairs(12, 'm')) texts.push_back(pair.negative);
  const auto pairs = mt::label_pairs("zzz ", "qqq ", texts);
  const mt::learn_options options{.read = mt::read_position::mean_over_answer};
  const auto found = *mt::learn(lm, "zzz", pairs, one, options);
  CHECK(found.layers[1].is_above_chance());
  CHECK(found.layers[1].accuracy > 0.9);
  // Without a prompt there is nothing: the texts are the same.
  CHECK(mt::learn(lm, "none", mt::label_pairs("zzz ", "zzz ", texts), one, options).error().code ==
        mt::errc::zero_direction);
}

TEST_CASE("a probe says how sure it is of the texts it was not made of") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  const auto found = *mt::learn(lm, "z", letter_pairs(40, 'z'), one);
  const auto probe = *mt::probe_of(found, mt::layer_index(2));
  CHECK(probe.axis.check().has_value());
  CHECK(probe.link.slope > 0);
  CHECK(probe.link.probability(1.0) > 0.9);
  CHECK(probe.link.probability(-1.0) < 0.1);
  // The link of readings is the evidence's link of projections.
  const auto& raw = found.layers[2].link;
  const double projection = probe.axis.middle + 0.3 * probe.axis.half_gap;
  CHECK(probe.log_odds(0.3) == doctest::Approx(raw.slope * projection + raw.bias));
  std::vector<float> h(lm.shape().model_dim, 0.1f);
  CHECK(probe.probability(h) == doctest::Approx(1 / (1 + std::exp(-probe.log_odds(h)))));
  CHECK(mt::probe_of(found, mt::layer_index(0)).error().code == mt::errc::zero_direction);
}

TEST_CASE("an extractor of one's own learns like any other") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  const auto pairs = letter_pairs(10, 'z');
  const auto position = mt::read_position::mean_over_text;
  const auto readings = *mt::readings_of(*lm.tokenizer, pairs, std::span(&position, 1));
  const auto found = *mt::learn_with(first_pair_alone{}, lm, "first", readings, one);
  REQUIRE(found.size() == 1);
  CHECK(found[0].who.direction().norm(mt::layer_index(1)) == doctest::Approx(1).epsilon(1e-6));
}
