// SPDX-License-Identifier: MIT
#pragma once

#include "sweep.hpp"

#include <multitudes/simd/kernel_set.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace multitudes_test {

/// Every set that can run here, under its name.
template <class F>
void for_each_set(F f) {
  for (const multitudes::simd::kernel_set* set : multitudes::simd::all_kernels()) {
    if (!set->is_supported()) continue;
    CAPTURE(std::string(set->name));
    f(*set);
  }
}

inline const multitudes::simd::kernel_set& twin =
    multitudes::simd::kernels_for<multitudes::simd::scalar>;

/// A fused multiply-add gives the twin's bits. Without one, each sum has a rounding more a term.
inline bool fuses(const multitudes::simd::kernel_set& set) {
#if defined(__aarch64__)
  return set.is_supported();  // every one there does
#else
  return set.name == "avx2" || set.name == "avxvnni" || set.name == "avx512" ||
         set.name == "scalar";
#endif
}

inline std::vector<float> numbers(std::size_t n, std::uint32_t seed) {
  std::vector<float> x(n);
  fill<float>(x, seed);
  return x;
}

inline bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

}  // namespace multitudes_test
