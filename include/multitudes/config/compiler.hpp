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
