// SPDX-License-Identifier: MIT
#pragma once

#include "judge.hpp"
#include "samples.hpp"

#include <multitudes/report/number.hpp>
#include <multitudes/stats/bootstrap.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace personas {

/// Who writes the samples of a measurement, and how.
struct writer {
  language_model lm;
  thread_pool& workers;
  std::size_t n_samples = 40;  ///< of each persona
  std::size_t n_tokens = 80;   ///< of a sample
  float temperature = 0.8f;
  std::uint64_t seed = 1;

  [[nodiscard]] std::vector<std::string> write(std::span<const request> requests,
                                               std::uint64_t series = 0) const {
    return write_samples(lm, workers, requests, n_tokens,
                         {.temperature = temperature, .seed = seed + 1000 * series});
  }
  /// About as many bytes of English as a sample has.
  [[nodiscard]] std::size_t sample_bytes() const noexcept { return n_tokens * 4; }
};

/// `62 % [54, 70]`
inline std::string percent(double share, const stats::interval& range) {
  return report::fixed(100 * share, 0) + " % [" + report::fixed(100 * range.low, 0) + ", " +
         report::fixed(100 * range.high, 0) + "]";
}
inline std::string percent(std::size_t hits, std::size_t n) {
  return percent(static_cast<double>(hits) / static_cast<double>(n), share_interval(hits, n));
}
/// The mean of shares, with the interval of a bootstrap over them: over authors or combinations,
/// since samples of one persona are not independent of each other.
inline stats::interval mean_interval(std::span<const double> shares) {
  philox random(5);
  return stats::bootstrap(
      shares, [](std::span<const double> x) { return stats::mean(x); }, 0.95, 2000, random);
}
inline std::string percent(std::span<const double> shares) {
  return percent(stats::mean(shares).value_or(0), mean_interval(shares));
}

}  // namespace personas
