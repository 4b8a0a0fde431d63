// SPDX-License-Identifier: MIT

#include <multitudes/generate/sampler.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <vector>

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

namespace {

/// What a sampler must choose, by the definition: everything in order, in double precision.
std::uint32_t by_definition(const mt::sampling& how, const std::vector<float>& logits,
                            double draw) {
  struct one {
    double weight;
    std::uint32_t token;
  };
  std::vector<one> all;
  const double top = *std::max_element(logits.begin(), logits.end());
  for (std::uint32_t i = 0; i < logits.size(); ++i) {
    all.push_back({std::exp((logits[i] - top) / how.temperature), i});
  }
  std::sort(all.begin(), all.end(), [&](const one& a, const one& b) {
    return logits[a.token] != logits[b.token] ? logits[a.token] > logits[b.token]
                                              : a.token < b.token;
  });
  const auto total = [&] {
    double sum = 0;
    for (const one& x : all) sum += x.weight;
    return sum;
  };
  if (how.top_k > 0 && how.top_k < all.size()) all.resize(how.top_k);
  if (how.top_p < 1) {
    const double enough = static_cast<double>(how.top_p) * total();
    double held = 0;
    std::size_t n = 0;
    do held += all[n++].weight;
    while (n < all.size() && held < enough);
    all.resize(n);
  }
  std::erase_if(all, [&](const one& x) { return x.weight < how.min_p; });
  std::sort(all.begin(), all.end(), [](const one& a, const one& b) { return a.token < b.token; });
  double left = draw * total();
  for (const one& x : all) {
    left -= x.weight;
    if (left < 0) return x.token;
  }
  return all.back().token;
}

}  // namespace

TEST_CASE("choices from a large vocabulary are those of the definition, whatever is filtered") {
  for (const std::size_t n : {5u, 64u, 65u, 1000u, 5003u}) {
    for (const float spread : {0.01f, 1.0f, 5.0f}) {
      for (const mt::sampling how : {mt::sampling{},
                                     {.top_k = 1},
                                     {.top_k = 3},
                                     {.top_k = 40},
                                     {.top_k = 900},
                                     {.top_p = 0.9f},
                                     {.top_p = 0.1f},
                                     {.min_p = 0.02f},
                                     {.top_k = 40, .top_p = 0.5f},
                                     {.top_p = 0.95f, .min_p = 0.1f}}) {
        mt::sampling s = how;
        s.temperature = 0.7f;
        s.seed = n;
        mt::philox random(static_cast<std::uint64_t>(spread * 100), n);
        std::vector<float> logits(n);
        for (float& x : logits) x = std::round(256 * spread * random.normal()) / 256;  // some ties
        mt::sampler chooser(s, n);
        int same = 0;
        for (std::uint32_t at = 0; at < 20; ++at) {
          mt::philox drawn(s.seed, 0, std::uint64_t{at} * 4);
          auto copy = logits;
          same += chooser.choose(copy, {}, mt::position(at)).value ==
                  by_definition(s, logits, static_cast<double>(drawn.uniform()));
        }
        CHECK_MESSAGE(same == 20, n << " tokens, spread " << spread << ", top_k " << how.top_k
                                    << ", top_p " << how.top_p << ", min_p " << how.min_p);
      }
    }
  }
}

TEST_CASE("greedy finds the first of the largest, wherever it stands") {
  for (const std::size_t n : {1u, 63u, 64u, 65u, 1000u}) {
    mt::philox random(n);
    std::vector<float> logits(n);
    for (float& x : logits) x = random.normal();
    for (int i = 0; i < 20; ++i) {
      const std::size_t a = random.below(static_cast<std::uint32_t>(n));
      const std::size_t b = random.below(static_cast<std::uint32_t>(n));
      auto changed = logits;
      changed[a] = changed[b] = 100;
      CHECK(mt::sampler::greedy(changed).value == std::min(a, b));
    }
  }
}

TEST_CASE("logits that are no numbers are never chosen, and crash nothing") {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const mt::sampling how : {mt::sampling{},
                                 {.temperature = 1},
                                 {.temperature = 1, .top_k = 2},
                                 {.temperature = 1, .top_p = 0.9f},
                                 {.temperature = 1, .min_p = 0.1f}}) {
    mt::sampler s(how, 200);
    for (const float filler : {nan, -infinity}) {
      std::vector<float> logits(200, filler);
      CHECK(s.choose(logits, {}, mt::position(0)).value == 0);
      logits[150] = 1;
      logits[170] = -infinity;
      CHECK(s.choose(logits, {}, mt::position(1)).value == 150);
    }
  }
}
