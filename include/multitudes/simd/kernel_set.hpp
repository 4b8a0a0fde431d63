// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/config/regions.hpp>
#include <multitudes/simd/activations.hpp>
#include <multitudes/simd/detail/dots_avxvnni.hpp>
#include <multitudes/simd/detail/wide_avx2.hpp>
#include <multitudes/simd/detail/wide_avx512.hpp>
#include <multitudes/simd/detail/wide_dotprod.hpp>
#include <multitudes/simd/detail/wide_flags.hpp>
#include <multitudes/simd/exp.hpp>
#include <multitudes/simd/kv_page.hpp>
#include <multitudes/simd/panel.hpp>
#include <multitudes/simd/row_blocks.hpp>
#include <multitudes/simd/weight_format.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

namespace multitudes::simd {

/// Which of many rows, and how much of it.
struct scaled_row {
  float factor = 0;
  std::uint32_t row = 0;
};

/// The kernels that run models for one instruction set, as functions that are chosen when a
/// program runs. All take what they are given: shapes are the caller's to check.
///
/// Bits:    integer sums are exact everywhere. Sums of floats run in one order, fixed by shapes
///          alone: sets with a fused multiply-add (`avx2`, `avxvnni`, `avx512`, `dotprod`, the
///          twin) give the same bits.
struct kernel_set {
  std::string_view name;
  bool (*is_supported)() noexcept;

  /// y += x.
  void (*add)(const float* x, float* y, std::size_t n) noexcept;
  /// out = x / sqrt(mean of x^2 + epsilon) * weight.
  void (*rms_norm)(const float* x, const float* weight, float epsilon, std::size_t n,
                   float* out) noexcept;
  /// out = gate * sigmoid(gate) * up; `out` may be either.
  void (*silu_gate)(const float* gate, const float* up, float* out, std::size_t n) noexcept;
  /// out = max(x, 0)^2; `out` may be `x`.
  void (*relu_squared)(const float* x, float* out, std::size_t n) noexcept;
  /// The largest of n, NaN left out; minus infinity for none.
  float (*largest)(const float* x, std::size_t n) noexcept;
  /// x = exp(x - shift); gives their sum. `shift` is finite and at least the largest.
  float (*exp_sum)(float* x, std::size_t n, float shift) noexcept;
  /// Turns the first rotary_dim elements of every head. Cosines and sines are laid out for each
  /// element, the sine negative for the first of a pair: (rotary_dim).
  void (*rotate)(float* row, std::size_t n_heads, std::size_t head_dim, const float* cosines,
                 const float* sines, std::size_t rotary_dim, bool interleaved) noexcept;
  /// A row as bytes; n is a multiple of product_block. A value that is not finite makes the scale
  /// of its block NaN.
  void (*quantize)(const float* x, std::size_t n, activation_group* out) noexcept;
  /// y[n][r] = weight row r times activation n, for first_row <= r < last_row; first_row is a
  /// multiple of panel_rows, and there is at least one column.
  ///
  /// Bits:    the same for any number of activations, any split into rows, either layout.
  /// Cost:    about 30 KiB of stack; no allocation.
  void (*multiply)(const weight_matrix& w, const activations& x, std::size_t first_row,
                   std::size_t last_row, matrix_view<float> y) noexcept;
  /// out[r] = the inner product of x (n) with each of the first n_read of n_rows that stand in
  /// blocks as floats (row_blocks.hpp), or as words.
  ///
  /// Bits:    of each row the same in any company.
  void (*dots)(const float* rows, std::size_t n_rows, std::size_t n_read, const float* x,
               std::size_t n, float* out) noexcept;
  void (*dots_of_words)(const std::uint32_t* rows, std::size_t n_rows, std::size_t n_read,
                        const float* x, std::size_t n, float* out) noexcept;
  /// y (n) += factor * row for each term in turn; with the factor 1 the same bits as `add`.
  void (*add_rows)(const float* rows, std::size_t n_rows, const scaled_row* terms,
                   std::size_t n_terms, float* y, std::size_t n) noexcept;
  void (*add_rows_of_words)(const std::uint32_t* rows, std::size_t n_rows, const scaled_row* terms,
                            std::size_t n_terms, float* y, std::size_t n) noexcept;
  /// Rounds up to 32 elements of a key or value, as f16 or q8_0 keep them. A value that is not
  /// finite makes the scale of q8_0 NaN.
  void (*round_kv)(kv_format format, const float* x, std::size_t n, kv_rounded* out) noexcept;
  /// Adds one page to n queries that see the same positions of it.
  ///
  /// Bits:    what f16 and q8_0 keep is computed with as f32 would compute with it.
  void (*attend_page)(const attention_page& page, const attention_query* queries,
                      std::size_t n) noexcept;
};

namespace detail {

template <class Kernels>
constexpr kernel_set set_of(std::string_view name, bool (*is_supported)() noexcept) noexcept {
  return {.name = name,
          .is_supported = is_supported,
          .add = &Kernels::rows::add,
          .rms_norm = &Kernels::rows::rms_norm,
          .silu_gate = &Kernels::rows::silu_gate,
          .relu_squared = &Kernels::rows::relu_squared,
          .largest = &Kernels::rows::largest,
          .exp_sum = &Kernels::rows::exp_sum,
          .rotate = &Kernels::rows::rotate,
          .quantize = &Kernels::rows::quantize,
          .multiply = &Kernels::products::multiply,
          .dots = &Kernels::floats::dots,
          .dots_of_words = &Kernels::words::dots,
          .add_rows = &Kernels::floats::add_rows,
          .add_rows_of_words = &Kernels::words::add_rows,
          .round_kv = &Kernels::attention::round_kv,
          .attend_page = &Kernels::attention::attend_page};
}

inline bool always_supported() noexcept { return true; }

MULTITUDES_BEGIN_OWN_REGION
namespace flags {
template <class I>
using wide_for = wide_for_flags<I>;
template <class I>
using dots_for = wide_for_flags<I>;
#include <multitudes/simd/detail/kernels.inc>
}  // namespace flags
MULTITUDES_END_OWN_REGION

}  // namespace detail
}  // namespace multitudes::simd

#if MULTITUDES_X86_REGIONS
MULTITUDES_BEGIN_REGION("avx2,fma,f16c")
namespace multitudes::simd::detail::avx2 {
template <class Flags>
using wide_for = wide;
template <class Flags>
using dots_for = wide;
#include <multitudes/simd/detail/kernels.inc>
}  // namespace multitudes::simd::detail::avx2
MULTITUDES_END_REGION

// As AVX2, but for products of bytes.
MULTITUDES_BEGIN_REGION("avxvnni,avx2,fma,f16c")
namespace multitudes::simd::detail::avxvnni {
template <class Flags>
using wide_for = avx2::wide;
template <class Flags>
using dots_for = dots;
template <class Flags>
using row_kernels = avx2::row_kernels<Flags>;
#include <multitudes/simd/detail/product_kernels.inc>
template <class Flags>
struct kernels : avx2::kernels<Flags> {
  struct products {
    static void multiply(const weight_matrix& w, const activations& x, std::size_t first_row,
                         std::size_t last_row, matrix_view<float> y) noexcept {
      if (uses_bytes(w.format)) {
        product_kernels<Flags>::multiply(w, x, first_row, last_row, y);
      } else {
        avx2::product_kernels<Flags>::multiply(w, x, first_row, last_row, y);
      }
    }
  };
};
}  // namespace multitudes::simd::detail::avxvnni
MULTITUDES_END_REGION

MULTITUDES_BEGIN_REGION("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")
namespace multitudes::simd::detail::avx512 {
template <class Flags>
using wide_for = wide;
template <class Flags>
using dots_for = wide;
#include <multitudes/simd/detail/kernels.inc>
}  // namespace multitudes::simd::detail::avx512
MULTITUDES_END_REGION

namespace multitudes::simd::detail {

// Every processor with AVX2 has F16C too, for which Clang 14 has no question.
inline bool has_avx2() noexcept {
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
}
inline bool has_avxvnni() noexcept { return has_avx2() && has_avxvnni_instructions(); }
inline bool has_avx512() noexcept {
  return has_avx2() && __builtin_cpu_supports("avx512f") != 0 &&
         __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
         __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512vnni") != 0;
}

}  // namespace multitudes::simd::detail
#elif MULTITUDES_DOTPROD_REGIONS
MULTITUDES_BEGIN_DOTPROD_REGION
namespace multitudes::simd::detail::dotprod {
template <class Flags>
using wide_for = wide;
template <class Flags>
using dots_for = wide;
#include <multitudes/simd/detail/kernels.inc>
}  // namespace multitudes::simd::detail::dotprod
MULTITUDES_END_DOTPROD_REGION
#endif

// Compiled once for a program instead of in every translation unit that runs models: the CMake
// target multitudes::kernels defines this and brings the compiled kernels along.
#if defined(MULTITUDES_COMPILED_KERNELS)
namespace multitudes::simd::detail {
#if MULTITUDES_X86_REGIONS
extern template struct avx512::row_kernels<native>;
extern template struct avx512::product_kernels<native>;
extern template struct avx512::attention_kernels<native>;
extern template struct avx512::direction_kernels<native, float>;
extern template struct avx512::direction_kernels<native, std::uint32_t>;
extern template struct avxvnni::product_kernels<native>;
extern template struct avx2::row_kernels<native>;
extern template struct avx2::product_kernels<native>;
extern template struct avx2::attention_kernels<native>;
extern template struct avx2::direction_kernels<native, float>;
extern template struct avx2::direction_kernels<native, std::uint32_t>;
#elif MULTITUDES_DOTPROD_REGIONS
extern template struct dotprod::row_kernels<native>;
extern template struct dotprod::product_kernels<native>;
extern template struct dotprod::attention_kernels<native>;
extern template struct dotprod::direction_kernels<native, float>;
extern template struct dotprod::direction_kernels<native, std::uint32_t>;
#endif
extern template struct flags::row_kernels<native>;
extern template struct flags::product_kernels<native>;
extern template struct flags::attention_kernels<native>;
extern template struct flags::direction_kernels<native, float>;
extern template struct flags::direction_kernels<native, std::uint32_t>;
}  // namespace multitudes::simd::detail
#endif

namespace multitudes::simd {

/// The kernels for the compiler's flags, `native`, or for `scalar`, the twin of all others.
template <instruction_set I = native>
inline constexpr kernel_set kernels_for =
    detail::set_of<detail::flags::kernels<I>>(I::name(), &detail::always_supported);

/// Every set that this program holds, the best first. The last runs wherever the program does.
[[nodiscard]] inline std::span<const kernel_set* const> all_kernels() noexcept {
#if MULTITUDES_X86_REGIONS
  static constexpr kernel_set avx512 =
      detail::set_of<detail::avx512::kernels<native>>("avx512", &detail::has_avx512);
  static constexpr kernel_set avxvnni =
      detail::set_of<detail::avxvnni::kernels<native>>("avxvnni", &detail::has_avxvnni);
  static constexpr kernel_set avx2 =
      detail::set_of<detail::avx2::kernels<native>>("avx2", &detail::has_avx2);
  static constexpr std::array<const kernel_set*, 4> sets = {&avx512, &avxvnni, &avx2,
                                                            &kernels_for<native>};
#elif MULTITUDES_DOTPROD_REGIONS
  static constexpr kernel_set dotprod =
      detail::set_of<detail::dotprod::kernels<native>>("dotprod", &detail::has_dotprod);
  static constexpr std::array<const kernel_set*, 2> sets = {&dotprod, &kernels_for<native>};
#else
  static constexpr std::array<const kernel_set*, 1> sets = {&kernels_for<native>};
#endif
  return sets;
}

namespace detail {

/// The best set of this processor, or the one that MULTITUDES_ISA names if it can run here.
inline const kernel_set& choose_kernels() noexcept {
  const char* const wanted = std::getenv("MULTITUDES_ISA");
  const kernel_set* best = nullptr;
  for (const kernel_set* set : all_kernels()) {
    if (!set->is_supported()) continue;
    if (wanted != nullptr && set->name == wanted) return *set;
    if (best == nullptr) best = set;
  }
  return *best;
}

}  // namespace detail

/// The kernels that run here: chosen once, by what the processor has. The environment variable
/// MULTITUDES_ISA forces another set, for tests; a name that cannot run is ignored.
[[nodiscard]] inline const kernel_set& active_kernels() noexcept {
  static const kernel_set& chosen = detail::choose_kernels();
  return chosen;
}

/// The name of what models run on here, such as "avx512", "avx2" or "sse2".
[[nodiscard]] inline std::string_view active_isa() noexcept { return active_kernels().name; }

}  // namespace multitudes::simd
