// SPDX-License-Identifier: MIT

#include <multitudes/generate/sampler.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>

namespace mt = multitudes;

namespace {

const std::vector<float> peaks{1.0f, 3.0f, 2.0f, 3.0f, -1.0f, 0.0f};

/// How often each token is drawn in `n` draws.
std::map<std::uint32_t, int> draw(mt::sampling how, std::size_t n,
                                  const std::vector<float>& logits = peaks) {
  mt::sampler s(how, logits.size());
  std::map<std::uint32_t, int> counts;
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<float> copy = logits;
    ++counts[s.choose(copy, {}, mt::position(i)).value];
  }
  return counts;
}

}  // namespace

TEST_CASE("greedy takes the likeliest, ties to the lowest id") {
  CHECK(draw({}, 3) == std::map<std::uint32_t, int>{{1, 3}});
}

TEST_CASE("tokens are drawn with their probabilities") {
  constexpr std::size_t n = 40000;
  const auto counts = draw({.temperature = 2.0f, .seed = 4}, n);
  double total = 0;
  for (const float x : peaks) total += std::exp(x / 2.0);
  for (std::size_t i = 0; i < peaks.size(); ++i) {
    const double p = std::exp(peaks[i] / 2.0) / total;
    const double found = counts.at(static_cast<std::uint32_t>(i)) / static_cast<double>(n);
    // Five standard errors: wrong once in a million seeds.
    CHECK(std::abs(found - p) < 5 * std::sqrt(p * (1 - p) / n));
  }
}

TEST_CASE("top_k, top_p and min_p keep the likeliest and nothing else") {
  const auto kept = [](mt::sampling how) {
    how.temperature = 1;
    std::set<std::uint32_t> tokens;
    for (const auto& [token, n] : draw(how, 3000)) tokens.insert(token);
    return tokens;
  };
  CHECK(kept({.top_k = 1}) == std::set<std::uint32_t>{1});
  CHECK(kept({.top_k = 2}) == std::set<std::uint32_t>{1, 3});
  CHECK(kept({.top_k = 3}) == std::set<std::uint32_t>{1, 2, 3});
  CHECK(kept({.top_k = 100}).size() == 6);
  // Probabilities: 0.052, 0.388, 0.143, 0.388, 0.007, 0.019.
  CHECK(kept({.top_p = 0.3f}) == std::set<std::uint32_t>{1});
  CHECK(kept({.top_p = 0.7f}) == std::set<std::uint32_t>{1, 3});
  CHECK(kept({.top_p = 0.9f}) == std::set<std::uint32_t>{1, 2, 3});
  CHECK(kept({.min_p = 0.9f}) == std::set<std::uint32_t>{1, 3});
  CHECK(kept({.min_p = 0.3f}) == std::set<std::uint32_t>{1, 2, 3});
  CHECK(kept({.top_k = 3, .top_p = 0.5f}) == std::set<std::uint32_t>{1, 3});
}

TEST_CASE("a choice depends on seed, stream and position, and not on earlier choices") {
  const mt::sampling how{.temperature = 3.0f, .seed = 8};
  mt::sampler a(how, peaks.size());
  mt::sampler b(how, peaks.size());
  mt::sampler other(how, peaks.size(), 1);
  int different = 0;
  for (std::size_t i = 0; i < 200; ++i) {
    std::vector<float> x = peaks;
    std::vector<float> y = peaks;
    std::vector<float> z = peaks;
    const auto token = a.choose(x, {}, mt::position(i));
    if (i >= 100) CHECK(token == b.choose(y, {}, mt::position(i)));
    if (token != other.choose(z, {}, mt::position(i))) ++different;
  }
  CHECK(different > 50);
}

TEST_CASE("the repetition penalty weakens recent tokens once, whatever their sign") {
  mt::sampler s({.repetition_penalty = 2.0f, .repetition_window = 2}, peaks.size());
  std::vector<float> logits = peaks;
  const mt::token_id recent[] = {mt::token_id(3), mt::token_id(1), mt::token_id(1)};
  CHECK(s.choose(logits, recent, mt::position(0)) == mt::token_id(3));
  CHECK(logits[1] == 1.5f);
  CHECK(logits[3] == 3.0f);  // outside the window
  std::vector<float> again = peaks;
  const mt::token_id negative[] = {mt::token_id(4)};
  static_cast<void>(s.choose(again, negative, mt::position(0)));
  CHECK(again[4] == -2.0f);
}

TEST_CASE("settings out of range are refused by name") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(mt::validate(mt::sampling{}).has_value());
  CHECK(mt::validate({.temperature = -1}).error().place == "temperature");
  CHECK(mt::validate({.temperature = nan}).error().place == "temperature");
  CHECK(mt::validate({.top_p = 0}).error().place == "top_p");
  CHECK(mt::validate({.min_p = 2}).error().place == "min_p");
  CHECK(mt::validate({.repetition_penalty = 0}).error().place == "repetition_penalty");
}

TEST_CASE("another seed draws other tokens") {
  mt::sampler a({.temperature = 3.0f, .seed = 8}, peaks.size());
  mt::sampler b({.temperature = 3.0f, .seed = 9}, peaks.size());
  int different = 0;
  for (std::size_t i = 0; i < 200; ++i) {
    std::vector<float> x = peaks;
    std::vector<float> y = peaks;
    if (a.choose(x, {}, mt::position(i)) != b.choose(y, {}, mt::position(i))) ++different;
  }
  CHECK(different > 50);
}

TEST_CASE("what is impossible is never drawn, however small its neighbours are") {
  // A float sum would lose the small weights and fall through to the last token.
  std::vector<float> logits(20000, -17.0f);
  logits[19998] = 0;
  logits.back() = -std::numeric_limits<float>::infinity();
  const auto counts = draw({.temperature = 1, .seed = 3}, 300, logits);
  CHECK(!counts.contains(19999));
}

TEST_CASE("top_p is taken before min_p, as the fields stand") {
  const std::vector<float> logits{std::log(0.5f), std::log(0.2f), std::log(0.1f), std::log(0.1f),
                                  std::log(0.1f)};
  const auto counts =
      draw({.temperature = 1, .top_p = 0.69f, .min_p = 0.3f, .seed = 2}, 500, logits);
  CHECK(counts.size() == 2);
}
