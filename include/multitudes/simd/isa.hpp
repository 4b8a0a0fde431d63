// SPDX-License-Identifier: MIT
#pragma once

// GCC 12 takes the undefined operands inside its own AVX-512 intrinsics for mistakes.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <xsimd/xsimd.hpp>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include <concepts>
#include <span>
#include <type_traits>
#include <utility>

namespace multitudes::simd {

/// The instruction set of the twins: plain loops, which the tests trust.
struct scalar {
  static constexpr const char* name() noexcept { return "scalar"; }
};

/// An architecture of xsimd that this translation unit's flags allow.
///
/// Law: only `xsimd::batch<float, I>` and `xsimd::batch<double, I>` may be relied on.
template <class I>
concept vector_isa =
    requires {
      { I::supported() } -> std::convertible_to<bool>;
      { I::name() } -> std::convertible_to<const char*>;
    } && I::supported() && xsimd::types::has_simd_register<float, I>::value &&
    xsimd::types::has_simd_register<double, I>::value;

/// What a kernel may be instantiated for. Every kernel is a template on it, so one program can
/// hold several copies and choose, and the tests can compare them.
template <class I>
concept instruction_set = std::same_as<I, scalar> || vector_isa<I>;

namespace detail {

template <class Arch>
struct native_of {
  using type = scalar;
};
template <vector_isa Arch>
struct native_of<Arch> {
  using type = Arch;
};

}  // namespace detail

/// The widest set that the compiler's flags allow; `scalar` where xsimd has none.
///
/// It differs between translation units with different flags, as do the kernels made for it:
/// they are different functions and may be linked together.
using native = detail::native_of<xsimd::default_arch>::type;

namespace detail {

template <class X>
using element_of =
    typename decltype(std::span(std::declval<std::remove_reference_t<X>&>()))::value_type;

}  // namespace detail

/// A vector, array or span of float or double. Kernels take spans of one element type; where
/// an argument is only convertible to one, an overload takes the element type from this.
template <class X>
concept float_range = requires(std::remove_reference_t<X>& x) { std::span(x); } &&
                      std::floating_point<detail::element_of<X>>;

namespace detail {

template <class X>
using in_span = std::type_identity_t<std::span<const element_of<X>>>;
template <class X>
using out_span = std::type_identity_t<std::span<element_of<X>>>;

}  // namespace detail

}  // namespace multitudes::simd
