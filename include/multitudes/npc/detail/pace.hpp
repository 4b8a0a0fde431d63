// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>

namespace multitudes::npc::detail {

/// How long work of each kind has taken lately, so that no more is begun than fits.
class pace {
 public:
  using nanoseconds = std::chrono::nanoseconds;

  static constexpr std::size_t n_kinds = 16;

  /// How many rounds (one piece of work for each worker) to begin with so much time left; 0 if one
  /// would be too long. Of a long time only a part is planned: the clock is asked again.
  [[nodiscard]] std::size_t rounds_within(std::size_t kind, nanoseconds left) const noexcept {
    const double time = static_cast<double>(left.count()), one = slowest_[kind];
    if (!(time > one)) return 0;
    return one > 0 ? std::max<std::size_t>(1, static_cast<std::size_t>(time / one / 2)) : 1;
  }
  void took(std::size_t kind, std::size_t n_rounds, nanoseconds time) noexcept {
    const double one = static_cast<double>(time.count()) / static_cast<double>(n_rounds);
    double& slowest = slowest_[kind];
    // Rises at once; what an interrupted piece took is forgotten over the next few.
    slowest = std::max(one, slowest + (one - slowest) / 8);
  }

 private:
  std::array<double, n_kinds> slowest_{};  // nanoseconds of a round
};

}  // namespace multitudes::npc::detail
