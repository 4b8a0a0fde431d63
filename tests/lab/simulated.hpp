// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/philox.hpp>
#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/judging/seed_outcome.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Claims about random numbers instead of models, of which all is known.
namespace simulated {

using namespace multitudes;
using multitudes::stats::interval;

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// What the run of the claims draws from.
struct world {
  double effect = 0;   ///< the mean that "effect" has
  double slope = 1;    ///< of "trend"
  double between = 1;  ///< standard deviation of seeds
  double skill = 0.9;  ///< reading of the gate "skill", which needs 0.8
  std::size_t n_items = 10;
  std::uint64_t number = 1;  ///< another world, another stream of random numbers
};

inline world& current() {
  static world w;
  return w;
}

inline lab::outcome draw(const world& w, std::uint64_t seed) {
  philox random(seed, w.number);
  const auto normal = [&] { return static_cast<double>(random.normal()); };
  lab::outcome o;
  o.passed("skill", w.skill);
  const double a = w.between * normal();
  const double b = w.between * normal() / 4;
  for (std::size_t i = 0; i < w.n_items; ++i) {
    o.saw("effect", w.effect + a + normal());
    const double x = normal();
    o.saw("trend", x, (w.slope + b) * x + normal() / 4);
    o.drew("curve", "model", static_cast<double>(i), static_cast<double>(i) + normal());
    o.drew("curve", "ideal", static_cast<double>(i), static_cast<double>(i));
  }
  return o;
}

inline expected<lab::outcome> run(lab::laboratory&, std::uint64_t seed) {
  return draw(current(), seed);
}

inline constexpr std::array<lab::figure, 2> figures{
    {{.name = "effect",
      .how = lab::statistic::mean,
      .unit = "nats",
      .shows = "how far the model prefers what the claim says.",
      .holds = interval{0, infinity}},
     {.name = "trend",
      .how = lab::statistic::slope,
      .shows = "how much of one there is for each of the other."}}};
inline constexpr std::array<lab::gate, 1> gates{{{.name = "skill", .passes = {0.8, infinity}}}};
inline constexpr std::array<lab::picture, 1> pictures{
    {{.name = "curve", .title = "What is said", .x_label = "items", .y_label = "evidence (nats)"}}};

inline lab::claim claim(int number = 3) {
  return {.number = number,
          .name = "prevalence",
          .essay = "Personas and Goals in Language Models",
          .quotation = "Personas are weighted by prevalence.",
          .hypothesis = "what is frequent is believed.",
          .method = "models read documents of known writers.",
          .control = "all writers equally frequent.",
          .refuted_by = "a slope that is not one.",
          .reach = "It reaches as far as small models do.",
          .n_seeds = 5,
          .figures = figures,
          .gates = gates,
          .pictures = pictures,
          .run = run};
}

inline lab::seed_outcome one(std::uint64_t seed) {
  return {.seed = seed, .seconds = 1.5, .what = draw(current(), seed)};
}

inline std::vector<lab::seed_outcome> several(std::size_t n) {
  std::vector<lab::seed_outcome> all;
  for (std::uint64_t seed = 1; seed <= n; ++seed) all.push_back(one(seed));
  return all;
}

/// Nothing of a laboratory is touched by these claims.
inline lab::laboratory& nowhere() {
  alignas(64) static std::array<std::byte, 64> space{};
  return reinterpret_cast<lab::laboratory&>(space);
}

}  // namespace simulated
