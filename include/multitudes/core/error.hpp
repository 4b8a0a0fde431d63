// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace multitudes {

/// What went wrong, for programs; `error` says the rest, for people.
enum class errc {
  invalid_argument,  ///< a value outside its documented range
  out_of_memory,     ///< an arena, a cache or a cap that the caller set is full
  io_failure,        ///< the operating system refused a read or a write
  truncated,         ///< a file ends before the bytes that it announces
  malformed,         ///< a file contradicts itself or its format
  unsupported,       ///< well-formed, but nothing here knows how to use it
  not_found,         ///< a key, tensor or name that must exist does not
  shape_mismatch,    ///< two sizes that must agree do not
  space_mismatch,    ///< directions of two activation spaces were combined
  zero_direction,    ///< a direction without length was asked to have one
  non_finite,        ///< NaN or infinity where only numbers are allowed
  cancelled,         ///< the caller asked to stop; what was done so far is kept where it says so
};

/// The stable name of a code, e.g. `space_mismatch`.
constexpr std::string_view name(errc code) noexcept {
  switch (code) {
    case errc::invalid_argument: return "invalid_argument";
    case errc::out_of_memory: return "out_of_memory";
    case errc::io_failure: return "io_failure";
    case errc::truncated: return "truncated";
    case errc::malformed: return "malformed";
    case errc::unsupported: return "unsupported";
    case errc::not_found: return "not_found";
    case errc::shape_mismatch: return "shape_mismatch";
    case errc::space_mismatch: return "space_mismatch";
    case errc::zero_direction: return "zero_direction";
    case errc::non_finite: return "non_finite";
    case errc::cancelled: return "cancelled";
  }
  return "unknown";
}

/// A failure as a value: which operation, where, what it found, what it expected, what to do.
/// Fields that do not apply stay empty.
struct error {
  errc code{};
  // With initializers, so that naming only some fields draws no warning.
  std::string operation{};
  std::string place{};
  std::string found{};
  std::string expected{};
  std::string remedy{};

  /// One sentence: `operation: place: found X, expected Y; remedy`.
  [[nodiscard]] std::string message() const {
    std::string text = operation;
    if (!place.empty()) text += ": " + place;
    if (!found.empty()) text += ": found " + found;
    if (!expected.empty()) text += (found.empty() ? ": expected " : ", expected ") + expected;
    if (!remedy.empty()) text += "; " + remedy;
    return text;
  }

  friend bool operator==(const error&, const error&) = default;
};

}  // namespace multitudes
