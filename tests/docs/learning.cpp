// SPDX-License-Identifier: MIT
// The examples of docs/learning.md: what the page quotes must compile and print what it says.
#include "../support/tiny_model.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/extract/choose_layers.hpp>
#include <multitudes/extract/dose_response.hpp>
#include <multitudes/extract/learn.hpp>
#include <multitudes/generate/calibrate.hpp>
#include <multitudes/persona.hpp>

#include "quotes.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace multitudes;
using namespace multitudes_test;

namespace {

const quoted_page learning_page{"tests/docs/learning.cpp", "docs/learning.md"};

// clang-format off
// [own]
/// The mean difference, each element in units of its own spread.
struct scaled_difference {
  static constexpr looks_at needs = looks_at::differences;
  static constexpr std::string_view name = "scaled difference";

  void operator()(const pair_statistics& pairs, std::span<double> out) const {
    std::vector<double> axis(out.size()), image(out.size());
    for (std::size_t e = 0; e < out.size(); ++e) {
      axis[e] = 1;
      pairs.differences->apply(axis, image);  // a column of the sum of d dᵀ
      axis[e] = 0;
      out[e] = image[e] > 0 ? pairs.difference[e] / std::sqrt(image[e]) : 0;
    }
  }
};
// [own]
// clang-format on

}  // namespace

TEST_CASE("the page on learning quotes an extractor of one's own, and what it finds") {
  learning_page.check("own");
  printed.clear();
  // clang-format off
  // [rows]
  kept_pairs rows(4, 1, 2);  // four pairs, one site, width 2
  for (std::size_t i = 0; i < 4; ++i) {
    const float topic = static_cast<float>(i) - 1.5f;
    rows.row(i, true, 0)[0] = 1 + 0.1f * topic;
    rows.row(i, true, 0)[1] = 10 + topic;
    rows.row(i, false, 0)[0] = -1;
    rows.row(i, false, 0)[1] = 10 - topic;
  }
  inline_executor one;
  const auto fitted = fit_pairs(scaled_difference{}, rows, one);
  for (const auto& site : *fitted) {
    print("direction {%.3f %.3f}, effect %.1f, pairs told apart %.0f %%\n", site.unit[0],
          site.unit[1], site.evidence.effect_size, 100 * site.evidence.accuracy);
  }
  // [rows]
  // clang-format on
  learning_page.check("rows", printed);
}

TEST_CASE("the page on learning quotes the short way and the choice of strength") {
  const auto lm = multitudes_test::tiny_model();
  thread_pool workers(2);
  std::vector<contrast_pair> pairs;
  for (const char* word : {"abc", "bad", "cab", "dab", "fed", "gab", "had", "jab", "bed", "face"}) {
    pairs.push_back({std::string(word) + " zzzz", std::string(word) + " mmmm"});
  }
  // clang-format off
  // [short]
  const auto found = learn(lm, "cheerful", pairs, workers);
  const auto steered = choose_layers(found->layers);
  const auto sure = probe_of(*found, steered->best);
  // [short]
  // clang-format on
  learning_page.check("short");
  REQUIRE(sure.has_value());
  CHECK(sure->link.slope > 0);
  const auto norms = *calibrate(lm, workers);
  dose_texts texts;
  texts.preferences.push_back(make_preference(*lm.tokenizer, "it was", "zz", "mm"));
  texts.neutral.push_back({lm.tokenizer->encode("a house"), 1});
  batch held_out = *batch::make(lm, {.n_sequences = 4, .context = 64});
  // clang-format off
  // [strength]
  const auto only = found->who | only_layers(steered->first, steered->last);
  const auto dosed = choose_strength(held_out, workers, texts, only, norms);
  const auto asked = prompt_baseline(held_out, workers, texts, "You are very cheerful. ");
  const auto plain = dosed->curve.at(0);
  print("plain %.2f, steered %.2f, asked %.2f nats\n", plain->log_ratio, dosed->chosen.log_ratio,
        asked->log_ratio);
  // [strength]
  // clang-format on
  learning_page.check("strength");
  CHECK(dosed->chosen.log_ratio >= plain->log_ratio);
}
