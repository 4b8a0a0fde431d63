// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>

#include <bit>
#include <cstdint>

namespace multitudes::simd {

/// The value of a 16-bit IEEE 754 number, exactly. A signalling NaN becomes quiet, as in
/// hardware.
constexpr MULTITUDES_ALWAYS_INLINE float half_to_float(std::uint16_t half) noexcept {
  // Without branches, so that loops over it become vector code. Subnormal halves are made by a
  // subtraction of normal floats: the caller may have set the processor to flush subnormals.
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t magnitude = static_cast<std::uint32_t>(half & 0x7fffu) << 13;
  const std::uint32_t rebias = 112u << 23;
  const std::uint32_t normal = magnitude + rebias;
  const std::uint32_t special = (normal + rebias) | (magnitude > 0x0f800000u ? 0x00400000u : 0u);
  const float small = std::bit_cast<float>(magnitude + (113u << 23)) - 0x1p-14f;
  const std::uint32_t subnormal = std::bit_cast<std::uint32_t>(small);
  const std::uint32_t finite = magnitude < 0x00800000u ? subnormal : normal;
  return std::bit_cast<float>(sign | (magnitude >= 0x0f800000u ? special : finite));
}

/// The nearest 16-bit number, ties to even; beyond 65519.99 infinity. NaN stays NaN.
constexpr std::uint16_t float_to_half(float value) noexcept {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    return static_cast<std::uint16_t>(sign | 0x7e00u | ((magnitude >> 13) & 0x03ffu));
  }
  if (magnitude >= 0x47800000u) return static_cast<std::uint16_t>(sign | 0x7c00u);
  // A carry out of the fraction rightly raises the exponent, up to infinity.
  if (magnitude >= 0x38800000u) {
    const std::uint32_t even = (magnitude >> 13) & 1u;
    return static_cast<std::uint16_t>(sign | ((magnitude - 0x38000000u + 0x0fffu + even) >> 13));
  }
  if (magnitude < 0x33000000u) return static_cast<std::uint16_t>(sign);
  const std::uint32_t fraction = (magnitude & 0x007fffffu) | 0x00800000u;
  const std::uint32_t shift = 126u - (magnitude >> 23);  // 14 to 24
  const std::uint32_t even = (fraction >> shift) & 1u;
  const std::uint32_t half_unit = (1u << (shift - 1)) - 1u;
  return static_cast<std::uint16_t>(sign | ((fraction + half_unit + even) >> shift));
}

/// The value of a bfloat16, the upper half of a float.
constexpr MULTITUDES_ALWAYS_INLINE float bf16_to_float(std::uint16_t value) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16);
}

/// The nearest bfloat16, ties to even. NaN stays NaN and becomes quiet.
constexpr std::uint16_t float_to_bf16(float value) noexcept {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    return static_cast<std::uint16_t>((bits >> 16) | 0x0040u);
  }
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

}  // namespace multitudes::simd
