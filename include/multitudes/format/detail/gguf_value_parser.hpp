// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/format/detail/gguf_cursor.hpp>
#include <multitudes/format/gguf_value.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace multitudes::gguf::detail {

/// Arrays may hold arrays, but not without end: no converter writes more than two levels.
inline constexpr std::size_t max_array_depth = 8;

inline expected<value_type> parse_value_type(cursor& in, std::string_view field) {
  const std::size_t start = in.position();
  const auto id = in.number<std::uint32_t>(field);
  if (!id) return fail(id.error());
  const auto type = static_cast<value_type>(*id);
  if (min_bytes(type) != 0) return type;
  return fail(in.at(start, errc::malformed, field, "type " + std::to_string(*id),
                    "one of the 13 types 0 to 12",
                    "the file is damaged, or newer than version 3 of the format"));
}

/// Bools are 0 or 1; another byte means that the reader and the writer disagree about where
/// something is.
inline expected<void> check_bools(cursor& in, std::size_t start, std::span<const std::byte> bools) {
  for (std::size_t i = 0; i < bools.size(); ++i) {
    if (bools[i] <= std::byte{1}) continue;
    return fail(in.at(start + i, errc::malformed, "bool",
                      std::to_string(std::to_integer<int>(bools[i])), "0 or 1",
                      "the file is damaged; copy or download it again"));
  }
  return {};
}

/// An array whose head has been read and whose elements come next.
struct open_array {
  value_type element_type{};
  std::uint64_t left = 0;
};

inline expected<open_array> parse_array_head(cursor& in) {
  const auto type = parse_value_type(in, "type of the array's elements");
  if (!type) return fail(type.error());
  const auto count = in.count("number of the array's elements", min_bytes(*type));
  if (!count) return fail(count.error());
  return open_array{*type, *count};
}

/// Moves past the elements of an array that holds no arrays.
inline expected<void> skip_flat(cursor& in, const open_array& array) {
  if (array.element_type == value_type::string) {
    for (std::uint64_t i = 0; i < array.left; ++i) {
      if (const auto text = in.string("string in an array"); !text) return fail(text.error());
    }
    return {};
  }
  const std::size_t start = in.position();
  const auto bytes =
      in.take(checked_size(array.left) * min_bytes(array.element_type), "array", start);
  if (!bytes) return fail(bytes.error());
  if (array.element_type == value_type::boolean) return check_bools(in, start, *bytes);
  return {};
}

/// Moves past the elements of any array, keeping the open ones on a short stack of its own.
inline expected<void> skip_elements(cursor& in, const open_array& outermost) {
  std::array<open_array, max_array_depth> open{outermost};
  std::size_t depth = 1;
  while (depth > 0) {
    open_array& array = open[depth - 1];
    if (array.element_type != value_type::array) {
      if (auto done = skip_flat(in, array); !done) return done;
      --depth;
    } else if (array.left == 0) {
      --depth;
    } else {
      --array.left;
      const std::size_t start = in.position();
      const auto inner = parse_array_head(in);
      if (!inner) return fail(inner.error());
      if (depth == max_array_depth) {
        return fail(in.at(start, errc::unsupported, "array",
                          "arrays " + std::to_string(depth + 1) + " deep",
                          "at most " + std::to_string(max_array_depth),
                          "write the metadata with flatter arrays"));
      }
      open[depth++] = *inner;
    }
  }
  return {};
}

/// Reads one value with its type and checks every byte that its accessors will look at.
///
/// Cost:    linear in the value's bytes; no allocation.
inline expected<value> parse_value(cursor& in) {
  const auto type = parse_value_type(in, "type");
  if (!type) return fail(type.error());
  if (*type == value_type::string) {
    const std::size_t start = in.position() + sizeof(std::uint64_t);
    const auto text = in.string("string");
    if (!text) return fail(text.error());
    return value({*type, *type, 1, in.since(start)});
  }
  if (*type == value_type::array) {
    const auto array = parse_array_head(in);
    if (!array) return fail(array.error());
    const std::size_t start = in.position();
    if (const auto done = skip_elements(in, *array); !done) return fail(done.error());
    // The head was checked against the bytes that are left, so the count fits.
    const auto count = static_cast<std::size_t>(array->left);
    return value({*type, array->element_type, count, in.since(start)});
  }
  const std::size_t start = in.position();
  const auto bytes = in.take(min_bytes(*type), "value", start);
  if (!bytes) return fail(bytes.error());
  if (*type == value_type::boolean) {
    if (const auto done = check_bools(in, start, *bytes); !done) return fail(done.error());
  }
  return value({*type, *type, 1, *bytes});
}

}  // namespace multitudes::gguf::detail
