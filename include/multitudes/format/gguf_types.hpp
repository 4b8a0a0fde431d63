// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string_view>

namespace multitudes::gguf {

// Numbers in these files are little endian and tensors are used where they lie.
static_assert(std::endian::native == std::endian::little);

/// The alignment of tensor data where the metadata says nothing.
inline constexpr std::uint32_t default_alignment = 32;
/// Larger alignments would let a short file ask for gigabytes of padding.
inline constexpr std::uint32_t max_alignment = 65536;
/// The key of the alignment.
inline constexpr std::string_view alignment_key = "general.alignment";

/// A power of two and, as the format demands, a multiple of 8.
constexpr bool is_alignment(std::uint64_t a) noexcept {
  return a >= 8 && a <= max_alignment && std::has_single_bit(a);
}

/// What a metadata value is; the numbers are those in the file.
enum class value_type : std::uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12,
};

constexpr std::string_view name(value_type type) noexcept {
  switch (type) {
    case value_type::u8: return "u8";
    case value_type::i8: return "i8";
    case value_type::u16: return "u16";
    case value_type::i16: return "i16";
    case value_type::u32: return "u32";
    case value_type::i32: return "i32";
    case value_type::f32: return "f32";
    case value_type::boolean: return "bool";
    case value_type::string: return "string";
    case value_type::array: return "array";
    case value_type::u64: return "u64";
    case value_type::i64: return "i64";
    case value_type::f64: return "f64";
  }
  return "unknown";
}

/// The bytes that the shortest value of a type takes in a file: all of a number, the length of a
/// string, the head of an array. 0 for a number that is no type.
constexpr std::uint32_t min_bytes(value_type type) noexcept {
  switch (type) {
    case value_type::u8:
    case value_type::i8:
    case value_type::boolean: return 1;
    case value_type::u16:
    case value_type::i16: return 2;
    case value_type::u32:
    case value_type::i32:
    case value_type::f32: return 4;
    case value_type::u64:
    case value_type::i64:
    case value_type::f64:
    case value_type::string: return 8;
    case value_type::array: return 12;
  }
  return 0;
}

/// How a tensor's elements are stored; the numbers are those in the file.
enum class tensor_type : std::uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q8_1 = 9,
  q2_k = 10,
  q3_k = 11,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  q8_k = 15,
  iq2_xxs = 16,
  iq2_xs = 17,
  iq3_xxs = 18,
  iq1_s = 19,
  iq4_nl = 20,
  iq3_s = 21,
  iq2_s = 22,
  iq4_xs = 23,
  i8 = 24,
  i16 = 25,
  i32 = 26,
  i64 = 27,
  f64 = 28,
  iq1_m = 29,
  bf16 = 30,
  tq1_0 = 34,
  tq2_0 = 35,
  mxfp4 = 39,
};

/// So many elements share so many bytes; a row holds whole blocks.
struct block_shape {
  std::uint32_t elements = 0;
  std::uint32_t bytes = 0;

  friend constexpr bool operator==(block_shape, block_shape) = default;
};

namespace detail {

struct tensor_type_facts {
  std::string_view name;
  block_shape block;
};

constexpr tensor_type_facts facts_of(tensor_type type) noexcept {
  switch (type) {
    case tensor_type::f32: return {"f32", {1, 4}};
    case tensor_type::f16: return {"f16", {1, 2}};
    case tensor_type::q4_0: return {"q4_0", {32, 18}};
    case tensor_type::q4_1: return {"q4_1", {32, 20}};
    case tensor_type::q5_0: return {"q5_0", {32, 22}};
    case tensor_type::q5_1: return {"q5_1", {32, 24}};
    case tensor_type::q8_0: return {"q8_0", {32, 34}};
    case tensor_type::q8_1: return {"q8_1", {32, 36}};
    case tensor_type::q2_k: return {"q2_k", {256, 84}};
    case tensor_type::q3_k: return {"q3_k", {256, 110}};
    case tensor_type::q4_k: return {"q4_k", {256, 144}};
    case tensor_type::q5_k: return {"q5_k", {256, 176}};
    case tensor_type::q6_k: return {"q6_k", {256, 210}};
    case tensor_type::q8_k: return {"q8_k", {256, 292}};
    case tensor_type::iq2_xxs: return {"iq2_xxs", {256, 66}};
    case tensor_type::iq2_xs: return {"iq2_xs", {256, 74}};
    case tensor_type::iq3_xxs: return {"iq3_xxs", {256, 98}};
    case tensor_type::iq1_s: return {"iq1_s", {256, 50}};
    case tensor_type::iq4_nl: return {"iq4_nl", {32, 18}};
    case tensor_type::iq3_s: return {"iq3_s", {256, 110}};
    case tensor_type::iq2_s: return {"iq2_s", {256, 82}};
    case tensor_type::iq4_xs: return {"iq4_xs", {256, 136}};
    case tensor_type::i8: return {"i8", {1, 1}};
    case tensor_type::i16: return {"i16", {1, 2}};
    case tensor_type::i32: return {"i32", {1, 4}};
    case tensor_type::i64: return {"i64", {1, 8}};
    case tensor_type::f64: return {"f64", {1, 8}};
    case tensor_type::iq1_m: return {"iq1_m", {256, 56}};
    case tensor_type::bf16: return {"bf16", {1, 2}};
    case tensor_type::tq1_0: return {"tq1_0", {256, 54}};
    case tensor_type::tq2_0: return {"tq2_0", {256, 66}};
    case tensor_type::mxfp4: return {"mxfp4", {32, 17}};
  }
  return {"unknown", {}};
}

}  // namespace detail

constexpr std::string_view name(tensor_type type) noexcept { return detail::facts_of(type).name; }

/// The block of a type; nothing for an id that is not in the table above.
constexpr std::optional<block_shape> block_of(tensor_type type) noexcept {
  const block_shape block = detail::facts_of(type).block;
  if (block.elements == 0) return std::nullopt;
  return block;
}

}  // namespace multitudes::gguf
