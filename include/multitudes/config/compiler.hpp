// SPDX-License-Identifier: MIT
#pragma once

// Inlining decides speed in kernels, and nowhere else should it be forced.
#if defined(_MSC_VER) && !defined(__clang__)
#define MULTITUDES_ALWAYS_INLINE __forceinline
#define MULTITUDES_NOINLINE __declspec(noinline)
#else
#define MULTITUDES_ALWAYS_INLINE inline __attribute__((always_inline))
#define MULTITUDES_NOINLINE __attribute__((noinline))
#endif

// Loops over the registers of a tile must disappear, whatever the level of optimisation.
#if defined(__clang__)
#define MULTITUDES_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define MULTITUDES_UNROLL _Pragma("GCC unroll 64")
#else
#define MULTITUDES_UNROLL
#endif
