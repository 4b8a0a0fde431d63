// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/simd/bridge.hpp>
#include <multitudes/simd/exp.hpp>
#include <multitudes/simd/isa.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>

namespace multitudes::simd {

/// `out[i] = gate[i] * sigmoid(gate[i]) * up[i]`, for finite gates of any size. `out` may be
/// `gate` or `up`, but not overlap them otherwise.
///
/// Source:  Shazeer 2020, arXiv:2002.05202 (SwiGLU).
template <std::same_as<scalar> I, std::floating_point T>
MULTITUDES_NOINLINE void silu_gate(std::span<const T> gate, std::span<const T> up,
                                   std::span<T> out) noexcept {
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = gate[i] / (T(1) + std::exp(-gate[i])) * up[i];
  }
}

template <vector_isa I, std::floating_point T>
MULTITUDES_NOINLINE void silu_gate(std::span<const T> gate, std::span<const T> up,
                                   std::span<T> out) noexcept {
  using lane = detail::lanes<I, T>;
  const auto gated = [](const auto& g, const auto& u) {
    return g / (lane::all(1) + detail::exp_lanes<I, T>(-g)) * u;
  };
  const std::size_t n = out.size();
  std::size_t i = 0;
  for (; i + lane::count <= n; i += lane::count) {
    lane::store(out.data() + i, gated(lane::load(gate.data() + i), lane::load(up.data() + i)));
  }
  if (i < n) {
    lane::store_part(
        out.data() + i, n - i,
        gated(lane::load_part(gate.data() + i, n - i), lane::load_part(up.data() + i, n - i)));
  }
}

template <instruction_set I, float_range X>
void silu_gate(const X& gate, detail::in_span<X> up, detail::out_span<X> out) noexcept {
  silu_gate<I, detail::element_of<X>>(std::span<const detail::element_of<X>>(gate), up, out);
}

/// Output and gradients of `silu_gate` at once, from the gradient of its output. With
/// s = sigmoid(gate): `out = gate * s * up`, `up := d_out * gate * s` and
/// `gate := d_out * up * s * (1 + gate * (1 - s))`.
template <std::same_as<scalar> I, std::floating_point T>
MULTITUDES_NOINLINE void silu_gate_backward(std::span<const T> d_out, std::span<T> gate,
                                            std::span<T> up, std::span<T> out) noexcept {
  for (std::size_t i = 0; i < out.size(); ++i) {
    const T s = T(1) / (T(1) + std::exp(-gate[i]));
    const T silu = gate[i] * s;
    out[i] = silu * up[i];
    gate[i] = d_out[i] * up[i] * (s + silu * (T(1) - s));
    up[i] = d_out[i] * silu;
  }
}

template <vector_isa I, std::floating_point T>
MULTITUDES_NOINLINE void silu_gate_backward(std::span<const T> d_out, std::span<T> gate,
                                            std::span<T> up, std::span<T> out) noexcept {
  using lane = detail::lanes<I, T>;
  const auto one = lane::all(1);
  const auto step = [&](auto load, auto store, std::size_t i) {
    const auto g = load(gate.data() + i);
    const auto u = load(up.data() + i);
    const auto d = load(d_out.data() + i);
    const auto s = one / (one + detail::exp_lanes<I, T>(-g));
    const auto silu = g * s;
    store(out.data() + i, silu * u);
    store(gate.data() + i, d * u * lane::fma(silu, one - s, s));
    store(up.data() + i, d * silu);
  };
  std::size_t i = 0;
  for (; i + lane::count <= out.size(); i += lane::count) {
    step([](const T* from) { return lane::load(from); },
         [](T* to, const auto& value) { lane::store(to, value); }, i);
  }
  if (const std::size_t n = out.size() - i; n > 0) {
    step([n](const T* from) { return lane::load_part(from, n); },
         [n](T* to, const auto& value) { lane::store_part(to, n, value); }, i);
  }
}

}  // namespace multitudes::simd
