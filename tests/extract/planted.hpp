// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/philox.hpp>
#include <multitudes/extract/pair_source.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace multitudes_test {

/// Rows whose trait is known: each text is a common mean, its pair's topic (strong, along four
/// axes, the same on both sides), plus or minus the trait, a nuisance along one axis that differs
/// between the sides, and noise on every axis. Axes are random; only the nuisance is made
/// orthogonal to the trait.
struct planted_options {
  std::size_t n_pairs = 64;
  std::size_t width = 128;
  std::size_t n_sites = 1;
  double trait = 1;     ///< half the distance between the sides
  double topic = 6;     ///< standard deviation along each of its axes
  double nuisance = 1;  ///< standard deviation of the differing axis, on each side
  double noise = 0.35;  ///< standard deviation of each element
  double mean = 20;     ///< length of the common mean
  std::uint64_t seed = 1;
};

struct planted_pairs {
  multitudes::kept_pairs rows;
  std::vector<double> truth;  // (width), unit
};

inline std::vector<double> random_unit(std::size_t width, multitudes::philox& random) {
  std::vector<double> v(width);
  double squares = 0;
  for (double& e : v) {
    e = static_cast<double>(random.normal());
    squares += e * e;
  }
  for (double& e : v) e /= std::sqrt(squares);
  return v;
}

inline planted_pairs plant(const planted_options& o) {
  constexpr std::size_t n_topics = 4;
  planted_pairs made{multitudes::kept_pairs(o.n_pairs, o.n_sites, o.width), {}};
  multitudes::philox random(o.seed);
  const auto normal = [&] { return static_cast<double>(random.normal()); };
  made.truth = random_unit(o.width, random);
  const auto mean = random_unit(o.width, random);
  auto nuisance = random_unit(o.width, random);
  double along = 0;
  for (std::size_t e = 0; e < o.width; ++e) along += nuisance[e] * made.truth[e];
  for (std::size_t e = 0; e < o.width; ++e) nuisance[e] -= along * made.truth[e];
  std::vector<std::vector<double>> topics;
  for (std::size_t k = 0; k < n_topics; ++k) topics.push_back(random_unit(o.width, random));
  for (std::size_t i = 0; i < o.n_pairs; ++i) {
    for (std::size_t s = 0; s < o.n_sites; ++s) {
      std::vector<double> common(o.width);
      for (std::size_t e = 0; e < o.width; ++e) common[e] = o.mean * mean[e];
      for (const auto& topic : topics) {
        const double amount = o.topic * normal();
        for (std::size_t e = 0; e < o.width; ++e) common[e] += amount * topic[e];
      }
      for (const bool positive : {true, false}) {
        const double amount = o.nuisance * normal();
        const auto row = made.rows.row(i, positive, s);
        for (std::size_t e = 0; e < o.width; ++e) {
          row[e] = static_cast<float>(common[e] + (positive ? o.trait : -o.trait) * made.truth[e] +
                                      amount * nuisance[e] + o.noise * normal());
        }
      }
    }
  }
  return made;
}

inline double cosine(std::span<const float> unit, std::span<const double> truth) {
  double sum = 0;
  double squares = 0;
  for (std::size_t e = 0; e < truth.size(); ++e) {
    sum += static_cast<double>(unit[e]) * truth[e];
    squares += static_cast<double>(unit[e]) * static_cast<double>(unit[e]);
  }
  return squares > 0 ? sum / std::sqrt(squares) : 0;
}

}  // namespace multitudes_test
