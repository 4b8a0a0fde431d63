// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <system_error>

namespace multitudes::report {

/// A number with a fixed count of decimals, the same in every locale: `fixed(2.5, 2)` is `2.50`.
/// What rounds to zero has no sign; from 1e15 on, the form is 1.00e+15; else `nan`, `inf`, `-inf`.
inline std::string fixed(double value, int decimals) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::array<char, 64> buffer;
  const int places = std::clamp(decimals, 0, 17);
  const auto form =
      std::abs(value) < 1e15 ? std::chars_format::fixed : std::chars_format::scientific;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, form, places);
  std::string text(buffer.data(), end.ptr);
  const bool is_zero = text.find_first_of("123456789") == std::string::npos;
  if (is_zero && text.front() == '-') text.erase(0, 1);
  return text;
}

}  // namespace multitudes::report
