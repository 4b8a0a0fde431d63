// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes::safetensors {

// Numbers in these files are little endian and tensors are used where they lie.
static_assert(std::endian::native == std::endian::little);

/// How elements are stored, in the order in which the reference implementation sorts tensors.
enum class dtype : std::uint8_t {
  boolean,
  u8,
  i8,
  f8_e5m2,
  f8_e4m3,
  i16,
  u16,
  f16,
  bf16,
  i32,
  u32,
  f32,
  f64,
  i64,
  u64,
};

namespace detail {

struct dtype_facts {
  std::string_view name;  ///< in files
  std::uint32_t bytes = 0;
};

inline constexpr std::array<dtype_facts, 15> dtypes{{{"BOOL", 1},
                                                     {"U8", 1},
                                                     {"I8", 1},
                                                     {"F8_E5M2", 1},
                                                     {"F8_E4M3", 1},
                                                     {"I16", 2},
                                                     {"U16", 2},
                                                     {"F16", 2},
                                                     {"BF16", 2},
                                                     {"I32", 4},
                                                     {"U32", 4},
                                                     {"F32", 4},
                                                     {"F64", 8},
                                                     {"I64", 8},
                                                     {"U64", 8}}};

}  // namespace detail

constexpr std::string_view name(dtype type) noexcept {
  return detail::dtypes[static_cast<std::size_t>(type)].name;
}
/// The bytes of one element.
constexpr std::uint32_t bytes_of(dtype type) noexcept {
  return detail::dtypes[static_cast<std::size_t>(type)].bytes;
}
constexpr std::optional<dtype> dtype_named(std::string_view wanted) noexcept {
  for (std::size_t i = 0; i < detail::dtypes.size(); ++i) {
    if (detail::dtypes[i].name == wanted) return static_cast<dtype>(i);
  }
  return std::nullopt;
}

/// The name that the format keeps for its map of texts.
inline constexpr std::string_view metadata_name = "__metadata__";
/// The reference implementation reads no longer headers.
inline constexpr std::uint64_t max_header_bytes = 100'000'000;

/// One tensor, where it lies in the file: row-major, the last dimension contiguous; no dimensions
/// mean a single number, a dimension of 0 no data. `data` has exactly the elements' bytes and may
/// start anywhere: copy what must be aligned.
struct tensor {
  std::string name;
  dtype type{};
  std::vector<std::uint64_t> shape;
  std::span<const std::byte> data;
};

/// One text of the metadata.
struct entry {
  std::string key;
  std::string text;
};

}  // namespace multitudes::safetensors
