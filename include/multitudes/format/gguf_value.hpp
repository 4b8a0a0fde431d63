// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/format/detail/gguf_cursor.hpp>
#include <multitudes/format/gguf_types.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::gguf {

namespace detail {

/// What the parser has checked: `payload` holds exactly `count` elements.
struct checked_value {
  value_type type{};
  value_type element_type{};
  std::size_t count = 1;
  std::span<const std::byte> payload;
};

constexpr bool is_integer(value_type type) noexcept {
  switch (type) {
    case value_type::u8:
    case value_type::i8:
    case value_type::u16:
    case value_type::i16:
    case value_type::u32:
    case value_type::i32:
    case value_type::u64:
    case value_type::i64: return true;
    default: return false;
  }
}
constexpr bool is_number(value_type type) noexcept {
  return is_integer(type) || type == value_type::f32 || type == value_type::f64;
}

/// The same number in another type, or nothing where that type cannot hold it exactly.
template <class To, class From>
std::optional<To> exact_cast(From x) noexcept {
  if constexpr (std::integral<To> && std::integral<From>) {
    if (!std::in_range<To>(x)) return std::nullopt;
    return static_cast<To>(x);
  } else if constexpr (std::floating_point<To> && std::integral<From>) {
    // The first power of two that From cannot hold: reaching it means having been rounded up.
    constexpr To limit = static_cast<To>(std::numeric_limits<From>::max() / 2 + 1) * 2;
    const To y = static_cast<To>(x);
    if (y >= limit || static_cast<From>(y) != x) return std::nullopt;
    return y;
  } else if constexpr (std::floating_point<To> && std::floating_point<From>) {
    if (!std::isfinite(x) || sizeof(To) >= sizeof(From)) return static_cast<To>(x);
    if (std::abs(x) > static_cast<From>(std::numeric_limits<To>::max())) return std::nullopt;
    const To y = static_cast<To>(x);
    if (static_cast<From>(y) != x) return std::nullopt;
    return y;
  } else {
    return std::nullopt;
  }
}

template <class To>
std::optional<To> load_exact(value_type type, const std::byte* from) noexcept {
  switch (type) {
    case value_type::u8: return exact_cast<To>(load<std::uint8_t>(from));
    case value_type::i8: return exact_cast<To>(load<std::int8_t>(from));
    case value_type::u16: return exact_cast<To>(load<std::uint16_t>(from));
    case value_type::i16: return exact_cast<To>(load<std::int16_t>(from));
    case value_type::u32: return exact_cast<To>(load<std::uint32_t>(from));
    case value_type::i32: return exact_cast<To>(load<std::int32_t>(from));
    case value_type::u64: return exact_cast<To>(load<std::uint64_t>(from));
    case value_type::i64: return exact_cast<To>(load<std::int64_t>(from));
    case value_type::f32: return exact_cast<To>(load<float>(from));
    case value_type::f64: return exact_cast<To>(load<double>(from));
    default: return std::nullopt;
  }
}

/// A number as an error shows it: `i32 -3`.
inline std::string describe_number(value_type type, const std::byte* from) {
  std::string text(name(type));
  if (const auto u = load_exact<std::uint64_t>(type, from)) return text + " " + std::to_string(*u);
  if (const auto i = load_exact<std::int64_t>(type, from)) return text + " " + std::to_string(*i);
  if (const auto x = load_exact<double>(type, from)) return text + " " + std::to_string(*x);
  return text;
}

}  // namespace detail

/// One metadata value. It views the file that it was read from and is valid as long as that is.
///
/// Numbers come out in any type that holds them exactly, whatever type the file chose (an i64 8
/// is an unsigned 8); a number that would change is an error, and so is a real number read as an
/// integer. The errors name what was found and expected; `file::unsigned_at` and its kin add the
/// key.
class value {
 public:
  explicit value(detail::checked_value checked) noexcept : checked_(checked) {}

  [[nodiscard]] value_type type() const noexcept { return checked_.type; }
  /// The type of an array's elements; of anything else, its own type.
  [[nodiscard]] value_type element_type() const noexcept { return checked_.element_type; }
  /// The number of an array's elements; 1 for anything else.
  [[nodiscard]] std::size_t size() const noexcept { return checked_.count; }
  /// The bytes in the file, without the head of an array and the length of a string.
  [[nodiscard]] std::span<const std::byte> payload() const noexcept { return checked_.payload; }

  [[nodiscard]] expected<std::uint64_t> as_unsigned() const {
    return number<std::uint64_t>("a non-negative integer");
  }
  [[nodiscard]] expected<std::int64_t> as_integer() const {
    return number<std::int64_t>("an integer");
  }
  [[nodiscard]] expected<double> as_real() const {
    return number<double>("a number that a double holds exactly");
  }
  [[nodiscard]] expected<bool> as_bool() const {
    if (type() != value_type::boolean) return refuse("a bool");
    return checked_.payload.front() != std::byte{0};
  }
  [[nodiscard]] expected<std::string_view> as_string() const {
    if (type() != value_type::string) return refuse("a string");
    return detail::as_text(checked_.payload);
  }

  /// An array's strings, which stay where they are.
  ///
  /// Cost:    one allocation; linear in the array's bytes.
  [[nodiscard]] expected<std::vector<std::string_view>> as_strings() const {
    if (!is_array_of(value_type::string)) return refuse("an array of strings");
    std::vector<std::string_view> strings;
    strings.reserve(size());
    std::size_t at = 0;
    for (std::size_t i = 0; i < size(); ++i) {
      const auto length =
          static_cast<std::size_t>(detail::load<std::uint64_t>(checked_.payload.data() + at));
      at += sizeof(std::uint64_t);
      strings.push_back(detail::as_text(checked_.payload.subspan(at, length)));
      at += length;
    }
    return strings;
  }

  /// An array's numbers, each exactly.
  ///
  /// Cost:    one allocation; linear in the array's bytes.
  template <std::floating_point T>
  [[nodiscard]] expected<std::vector<T>> as_reals() const {
    if (type() != value_type::array || !detail::is_number(element_type())) {
      return refuse("an array of numbers");
    }
    return numbers<T>();
  }
  /// An array's integers, each exactly.
  ///
  /// Cost:    one allocation; linear in the array's bytes.
  template <std::integral T>
  [[nodiscard]] expected<std::vector<T>> as_integers() const {
    if (type() != value_type::array || !detail::is_integer(element_type())) {
      return refuse("an array of integers");
    }
    return numbers<T>();
  }
  /// An array's bools, as bytes of 0 and 1.
  [[nodiscard]] expected<std::vector<std::uint8_t>> as_bools() const {
    if (!is_array_of(value_type::boolean)) return refuse("an array of bools");
    std::vector<std::uint8_t> bools;
    bools.reserve(size());
    for (const std::byte b : checked_.payload) bools.push_back(static_cast<std::uint8_t>(b));
    return bools;
  }

  /// What this is, for errors: `u32 7`, `string "llama"`, `array of 512 string`.
  [[nodiscard]] std::string describe() const {
    switch (type()) {
      case value_type::array:
        return "array of " + std::to_string(size()) + " " + std::string(name(element_type()));
      case value_type::string: return "string " + detail::quoted(detail::as_text(checked_.payload));
      case value_type::boolean:
        return checked_.payload.front() == std::byte{0} ? "bool false" : "bool true";
      default: return detail::describe_number(type(), checked_.payload.data());
    }
  }

 private:
  [[nodiscard]] bool is_array_of(value_type element) const noexcept {
    return type() == value_type::array && element_type() == element;
  }

  [[nodiscard]] static unexpected<error> refuse_as(std::string found, std::string wanted) {
    return fail({.code = errc::malformed,
                 .operation = "gguf",
                 .place = {},
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = "convert the model again with a current converter"});
  }
  [[nodiscard]] unexpected<error> refuse(std::string wanted) const {
    return refuse_as(describe(), std::move(wanted));
  }

  template <class T>
  [[nodiscard]] expected<T> number(const char* wanted) const {
    if (const auto n = detail::load_exact<T>(type(), checked_.payload.data())) return *n;
    return refuse(wanted);
  }

  template <class T>
  [[nodiscard]] expected<std::vector<T>> numbers() const {
    const std::size_t step = min_bytes(element_type());
    std::vector<T> result;
    result.reserve(size());
    const std::byte* from = checked_.payload.data();
    for (std::size_t i = 0; i < size(); ++i, from += step) {
      const auto n = detail::load_exact<T>(element_type(), from);
      if (!n) {
        return refuse_as(
            detail::describe_number(element_type(), from) + " as element " + std::to_string(i),
            std::string("numbers that ") + (std::floating_point<T> ? "a real" : "an integer") +
                " of " + std::to_string(8 * sizeof(T)) + " bits holds exactly");
      }
      result.push_back(*n);
    }
    return result;
  }

  detail::checked_value checked_;
};

}  // namespace multitudes::gguf
