// SPDX-License-Identifier: MIT
#pragma once

// Intrinsics behind target attributes, so that no flag decides what is measured.
#if defined(__x86_64__) && defined(__GNUC__)
#define MULTITUDES_BENCH_X86 1
// GCC 12 takes the undefined operands inside its own AVX-512 intrinsics for mistakes.
#if !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <cpuid.h>
#include <immintrin.h>
#if !defined(__clang__)
#pragma GCC diagnostic pop
#endif
#else
#define MULTITUDES_BENCH_X86 0
#endif
