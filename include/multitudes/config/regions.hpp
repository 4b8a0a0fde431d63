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
#else
#define MULTITUDES_BEGIN_REGION(sets) \
  MULTITUDES_PRAGMA(GCC push_options) MULTITUDES_PRAGMA(GCC target(sets))
#define MULTITUDES_END_REGION MULTITUDES_PRAGMA(GCC pop_options)
#endif
