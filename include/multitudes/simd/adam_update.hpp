// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/simd/bridge.hpp>
#include <multitudes/simd/isa.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>

namespace multitudes::simd {

/// The numbers of one step of AdamW that are the same for all parameters.
template <std::floating_point T>
struct adam_step {
  T beta1, beta2;
  T rate;          ///< learning rate / (1 - beta1^step)
  T second_scale;  ///< 1 / (1 - beta2^step)
  T epsilon;
  T shrink;          ///< what is left of a decaying parameter: 1 - learning rate * decay
  T gradient_scale;  ///< of clipping
};

/// With g = gradient_scale * gradient: `m = beta1 m + (1 - beta1) g`, `v = beta2 v + (1 - beta2)
/// g^2`, `x = shrink * x - rate * m / (sqrt(second_scale * v) + epsilon)`.
///
/// Source:  Loshchilov and Hutter 2019, arXiv:1711.05101.
template <std::same_as<scalar> I, std::floating_point T>
MULTITUDES_NOINLINE void adam_update(const adam_step<T>& s, std::span<const T> gradient,
                                     std::span<T> m, std::span<T> v, std::span<T> x) noexcept {
  for (std::size_t i = 0; i < x.size(); ++i) {
    const T g = s.gradient_scale * gradient[i];
    m[i] = s.beta1 * m[i] + (T(1) - s.beta1) * g;
    v[i] = s.beta2 * v[i] + (T(1) - s.beta2) * g * g;
    x[i] = s.shrink * x[i] - s.rate * m[i] / (std::sqrt(s.second_scale * v[i]) + s.epsilon);
  }
}

template <vector_isa I, std::floating_point T>
MULTITUDES_NOINLINE void adam_update(const adam_step<T>& s, std::span<const T> gradient,
                                     std::span<T> m, std::span<T> v, std::span<T> x) noexcept {
  using lane = detail::lanes<I, T>;
  const auto beta1 = lane::all(s.beta1), beta2 = lane::all(s.beta2);
  const auto rest1 = lane::all(T(1) - s.beta1), rest2 = lane::all(T(1) - s.beta2);
  const auto rate = lane::all(-s.rate), second = lane::all(s.second_scale);
  const auto epsilon = lane::all(s.epsilon), shrink = lane::all(s.shrink);
  const auto clip = lane::all(s.gradient_scale);
  const auto step = [&](auto load, auto store, std::size_t i) {
    const auto g = clip * load(gradient.data() + i);
    const auto first = lane::fma(beta1, load(m.data() + i), rest1 * g);
    const auto squares = lane::fma(beta2, load(v.data() + i), rest2 * g * g);
    store(m.data() + i, first);
    store(v.data() + i, squares);
    const auto along = first / (xsimd::sqrt(second * squares) + epsilon);
    store(x.data() + i, lane::fma(rate, along, shrink * load(x.data() + i)));
  };
  std::size_t i = 0;
  for (; i + lane::count <= x.size(); i += lane::count) {
    step([](const T* from) { return lane::load(from); },
         [](T* to, const auto& value) { lane::store(to, value); }, i);
  }
  if (const std::size_t n = x.size() - i; n > 0) {
    step([n](const T* from) { return lane::load_part(from, n); },
         [n](T* to, const auto& value) { lane::store_part(to, n, value); }, i);
  }
}

}  // namespace multitudes::simd
