// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

namespace multitudes {

/// A size computed from numbers that nobody vouches for (a file's). Once a step overflows, the
/// value is poisoned and `get` returns nothing. Write the formula as if sizes were unlimited and
/// test once at the end.
///
/// Laws:    `+` and `*` are associative and commutative and distribute, with poison as infinity:
///          it absorbs everything but a factor of 0, which makes any product 0.
/// Cost:    one overflow check for each operation.
class checked_size {
 public:
  constexpr checked_size() = default;
  constexpr checked_size(std::uint64_t value) noexcept
      : value_(value), valid_(value <= std::numeric_limits<std::size_t>::max()) {}

  [[nodiscard]] constexpr std::optional<std::size_t> get() const noexcept {
    if (!valid_) return std::nullopt;
    return static_cast<std::size_t>(value_);
  }
  /// True if the size is known and no larger than `limit`.
  [[nodiscard]] constexpr bool fits(std::uint64_t limit) const noexcept {
    return valid_ && value_ <= limit;
  }

  friend constexpr checked_size operator+(checked_size a, checked_size b) noexcept {
    const std::uint64_t sum = a.value_ + b.value_;
    return checked_size(sum, a.valid_ && b.valid_ && sum >= a.value_);
  }
  friend constexpr checked_size operator*(checked_size a, checked_size b) noexcept {
    // Not poisoned, whatever the other factor is: otherwise the product of three factors would
    // depend on their order.
    if ((a.valid_ && a.value_ == 0) || (b.valid_ && b.value_ == 0)) return 0;
    const bool overflow =
        b.value_ != 0 && a.value_ > std::numeric_limits<std::uint64_t>::max() / b.value_;
    return checked_size(a.value_ * b.value_, a.valid_ && b.valid_ && !overflow);
  }
  /// Rounds up to a multiple of `step`; a step of 0 poisons.
  [[nodiscard]] constexpr checked_size round_up(std::uint64_t step) const noexcept {
    if (step == 0) return checked_size(0, false);
    return *this + checked_size((step - value_ % step) % step);
  }

 private:
  constexpr checked_size(std::uint64_t value, bool valid) noexcept
      : value_(valid ? value : 0),
        valid_(valid && value <= std::numeric_limits<std::size_t>::max()) {}

  std::uint64_t value_ = 0;
  bool valid_ = true;
};

}  // namespace multitudes
