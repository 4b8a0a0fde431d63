// SPDX-License-Identifier: MIT
#pragma once

// Regions of code for another instruction set than the compiler's flags name: functions between
// MULTITUDES_BEGIN_REGION("set,set") and MULTITUDES_END_REGION may use these sets, and must be
// called only where the processor has them. A function that is inlined into them must stand in a
// region too.
#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
#define MULTITUDES_X86_REGIONS 1
#else
#define MULTITUDES_X86_REGIONS 0
#endif

#define MULTITUDES_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define MULTITUDES_BEGIN_REGION(sets) \
  MULTITUDES_PRAGMA(clang attribute push(__attribute__((target(sets))), apply_to = function))
#define MULTITUDES_END_REGION MULTITUDES_PRAGMA(clang attribute pop)
#elif defined(__GNUC__)
// GCC 12 takes the undefined operands inside its own AVX-512 intrinsics for mistakes.
#define MULTITUDES_BEGIN_REGION(sets)                               \
  MULTITUDES_PRAGMA(GCC diagnostic push)                            \
  MULTITUDES_PRAGMA(GCC diagnostic ignored "-Wuninitialized")       \
  MULTITUDES_PRAGMA(GCC diagnostic ignored "-Wmaybe-uninitialized") \
  MULTITUDES_PRAGMA(GCC push_options)                               \
  MULTITUDES_PRAGMA(GCC target(sets)) MULTITUDES_PRAGMA(GCC optimize("fp-contract=off"))
#define MULTITUDES_END_REGION        \
  MULTITUDES_PRAGMA(GCC pop_options) \
  MULTITUDES_PRAGMA(GCC diagnostic pop)
#endif

// A region for the flags' own set. In every region a product and a sum that follows it stay two
// roundings unless they are written as one, so that compilers agree on the bits; Clang fuses
// within one expression only, and none of the kernels' has both.
#if defined(__GNUC__) && !defined(__clang__) && defined(__aarch64__)
// GCC 12 makes wrong sums of the upper half of a panel when it vectorizes these loops (-O2; right
// with -O1, -O3 and Clang, and clean under sanitizers).
#define MULTITUDES_BEGIN_OWN_REGION   \
  MULTITUDES_PRAGMA(GCC push_options) \
  MULTITUDES_PRAGMA(GCC optimize("fp-contract=off,no-tree-loop-vectorize"))
#define MULTITUDES_END_OWN_REGION MULTITUDES_PRAGMA(GCC pop_options)
#elif defined(__GNUC__) && !defined(__clang__)
#define MULTITUDES_BEGIN_OWN_REGION \
  MULTITUDES_PRAGMA(GCC push_options) MULTITUDES_PRAGMA(GCC optimize("fp-contract=off"))
#define MULTITUDES_END_OWN_REGION MULTITUDES_PRAGMA(GCC pop_options)
#else
#define MULTITUDES_BEGIN_OWN_REGION
#define MULTITUDES_END_OWN_REGION
#endif

// The same for AArch64's dot products of bytes. Clang's own header has them only where its flags
// do, and needs no region then; GCC has them from ARMv8.2 on, and so have processors.
#if defined(__aarch64__) && defined(__GNUC__) && !defined(__clang__)
#define MULTITUDES_DOTPROD_REGIONS 1
#define MULTITUDES_BEGIN_DOTPROD_REGION                   \
  MULTITUDES_PRAGMA(GCC push_options)                     \
  MULTITUDES_PRAGMA(GCC target("arch=armv8.2-a+dotprod")) \
  MULTITUDES_PRAGMA(GCC optimize("fp-contract=off,no-tree-loop-vectorize"))
#define MULTITUDES_END_DOTPROD_REGION MULTITUDES_PRAGMA(GCC pop_options)
#elif defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD) && defined(__clang__)
#define MULTITUDES_DOTPROD_REGIONS 1
#define MULTITUDES_BEGIN_DOTPROD_REGION
#define MULTITUDES_END_DOTPROD_REGION
#else
#define MULTITUDES_DOTPROD_REGIONS 0
#endif
