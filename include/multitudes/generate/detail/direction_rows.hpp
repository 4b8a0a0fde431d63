// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/core/space.hpp>
#include <multitudes/format/gguf_types.hpp>
#include <multitudes/persona/direction.hpp>
#include <multitudes/simd/half.hpp>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes::detail {

/// How a file stores real numbers, whatever the file's format.
enum class real_type : std::uint8_t { f16, bf16, f32, f64 };

constexpr std::size_t bytes_of(real_type type) noexcept {
  return type == real_type::f64 ? 8 : type == real_type::f32 ? 4 : 2;
}

constexpr std::optional<real_type> real_type_of(gguf::tensor_type type) noexcept {
  switch (type) {
    case gguf::tensor_type::f16: return real_type::f16;
    case gguf::tensor_type::bf16: return real_type::bf16;
    case gguf::tensor_type::f32: return real_type::f32;
    case gguf::tensor_type::f64: return real_type::f64;
    default: return std::nullopt;
  }
}

/// One number at any address. A double beyond the range of float becomes infinity.
inline float load_real(real_type type, const std::byte* from) noexcept {
  std::uint16_t half = 0;
  float single = 0;
  double wide = 0;
  switch (type) {
    case real_type::f16: std::memcpy(&half, from, 2); return simd::half_to_float(half);
    case real_type::bf16: std::memcpy(&half, from, 2); return simd::bf16_to_float(half);
    case real_type::f32: std::memcpy(&single, from, 4); return single;
    case real_type::f64: break;
  }
  std::memcpy(&wide, from, 8);
  constexpr double largest = std::numeric_limits<float>::max();
  if (std::fabs(wide) > largest) return std::numeric_limits<float>::infinity();
  return static_cast<float>(wide);
}

/// The number of a layer as names have it: plain digits, so that each has one spelling.
inline std::optional<std::uint32_t> layer_number(std::string_view digits) noexcept {
  std::uint32_t layer = 0;
  const char* const end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, layer);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  return layer;
}

/// Numbers as they lie in a file.
struct stored_row {
  std::string place;  ///< what errors call them
  real_type type{};
  std::uint64_t size = 0;
  const std::byte* data = nullptr;
  std::size_t stride = 1;  ///< elements from one to the next
};

/// Copies a row of a file; all of it must be finite.
inline expected<void> copy_row(const char* operation, const stored_row& row, std::span<float> out) {
  if (row.size != out.size()) {
    return fail({.code = errc::shape_mismatch,
                 .operation = operation,
                 .place = row.place,
                 .found = std::to_string(row.size) + " elements",
                 .expected = std::to_string(out.size()) + ", the model's width",
                 .remedy = "it is another model's vector"});
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = load_real(row.type, row.data + i * row.stride * bytes_of(row.type));
    if (std::isfinite(out[i])) continue;
    return fail({.code = errc::non_finite,
                 .operation = operation,
                 .place = row.place + ", element " + std::to_string(i),
                 .found = std::isnan(out[i]) ? "NaN" : "infinity",
                 .expected = "a finite number that a float can hold",
                 .remedy = "learn or write the vector again"});
  }
  return {};
}

/// Collects the rows of a direction from a file that has one for some of the layers.
class direction_rows {
 public:
  direction_rows(const char* operation, const activation_space& space)
      : operation_(operation),
        space_(space),
        values_(std::size_t{space.n_layers} * space.model_dim, 0.0f) {}

  /// The file's layer number plus `shift` is the block that the row belongs to.
  ///
  /// No row comes twice: files have each name once, and a number has one spelling.
  ///
  /// Errors:  shape_mismatch if there is no such block or the width differs; non_finite.
  [[nodiscard]] expected<void> add(std::uint32_t number, std::int64_t shift,
                                   const stored_row& row) {
    const std::int64_t block = std::int64_t{number} + shift;
    if (block < 0 || block >= std::int64_t{space_.n_layers}) {
      return fail({.code = errc::shape_mismatch,
                   .operation = operation_,
                   .place = row.place,
                   .found = "block " + std::to_string(block),
                   .expected = "0 to " + std::to_string(space_.n_layers - std::uint32_t{1}) +
                               ", the model's blocks",
                   .remedy = "it is another model's vector, or needs another layer_shift"});
    }
    const auto layer = static_cast<std::size_t>(block);
    const std::size_t width = space_.model_dim;
    return copy_row(operation_, row, std::span(values_).subspan(layer * width, width));
  }

  [[nodiscard]] expected<direction> finish() const { return direction::make(space_, values_); }

 private:
  const char* operation_;
  activation_space space_;
  std::vector<float> values_;  // (n_layers, model_dim)
};

}  // namespace multitudes::detail
