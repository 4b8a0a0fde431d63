// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/report/number.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

namespace multitudes::report {

/// Where an axis is labelled: the multiples `first` to `last` of a step that is 1, 2 or 5 times a
/// power of ten.
struct tick_scale {
  int digit = 1;     ///< 1, 2 or 5
  int exponent = 0;  ///< the step is digit * 10^exponent
  std::int64_t first = 0;
  std::int64_t last = 0;

  [[nodiscard]] double value(std::int64_t multiple) const noexcept {
    // A negative power of ten is no binary number: dividing by a whole one rounds once.
    const auto steps = static_cast<double>(multiple * digit);
    return exponent < 0 ? steps / std::pow(10.0, -exponent) : steps * std::pow(10.0, exponent);
  }
  [[nodiscard]] double step() const noexcept { return value(1); }

  /// The tick as text, with as many digits as tell neighbors apart.
  [[nodiscard]] std::string label(std::int64_t multiple) const {
    const double widest = std::max(std::abs(value(first)), std::abs(value(last)));
    if (widest < 1e6 && exponent >= -5) return fixed(value(multiple), std::max(0, -exponent));
    if (multiple == 0) return "0";
    const std::string digits = std::to_string(multiple * digit);
    const bool negative = digits.front() == '-';
    std::string mantissa = negative ? digits.substr(1) : digits;
    const int power = exponent + static_cast<int>(mantissa.size()) - 1;
    mantissa.erase(mantissa.find_last_not_of('0') + 1);
    if (mantissa.size() > 1) mantissa.insert(1, ".");
    if (power != 0) mantissa += "e" + std::to_string(power);
    return negative ? "-" + mantissa : mantissa;
  }
};

/// The least width of a range that ticks can divide: numbers run out of digits below.
inline double narrowest_range(double low, double high) noexcept {
  return std::max(std::max(std::abs(low), std::abs(high)) * 1e-9, 1e-290);
}

/// About `count` ticks inside [low, high]. A range too narrow for its numbers' digits, or whose
/// ends are equal, is first widened about its middle.
///
/// Units:   |low| and |high| are at most 1e300; low <= high.
inline tick_scale nice_ticks(double low, double high, int count) noexcept {
  const double narrowest = narrowest_range(low, high);
  if (high - low < narrowest) {
    const double middle = low + (high - low) / 2;
    low = middle - narrowest / 2;
    high = middle + narrowest / 2;
  }
  const double rough = (high - low) / std::max(1, count);
  tick_scale scale;
  scale.exponent = static_cast<int>(std::floor(std::log10(rough)));
  const double leading = rough / std::pow(10.0, scale.exponent);
  scale.digit = leading < 1.5 ? 1 : leading < 3.5 ? 2 : leading < 7.5 ? 5 : 10;
  if (scale.digit == 10) {
    scale.digit = 1;
    ++scale.exponent;
  }
  const double step = scale.step();
  const double slack = 1e-6;  // of a step: an end that is a tick but for rounding is a tick
  scale.first = static_cast<std::int64_t>(std::ceil(low / step - slack));
  scale.last = static_cast<std::int64_t>(std::floor(high / step + slack));
  return scale;
}

}  // namespace multitudes::report
