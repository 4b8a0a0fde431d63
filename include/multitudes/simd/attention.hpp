// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/config/compiler.hpp>
#include <multitudes/simd/bridge.hpp>
#include <multitudes/simd/isa.hpp>

#include <concepts>
#include <cstddef>
#include <span>

namespace multitudes::simd {

/// Scores of one query against a page of keys, which lie transposed: `scores[j] = scale * sum over
/// e of query[e] * keys[e * stride + j]`. Every score is one chain of multiply-adds over e.
///
/// Shapes:  query (head_dim); keys (head_dim, stride), of which scores.size() <= stride columns
///          are read.
template <std::same_as<scalar> I, std::floating_point T>
MULTITUDES_NOINLINE void page_scores(std::span<const T> query, const T* keys, std::size_t stride,
                                     T scale, std::span<T> scores) noexcept {
  for (std::size_t j = 0; j < scores.size(); ++j) {
    T sum = 0;
    for (std::size_t e = 0; e < query.size(); ++e) sum += query[e] * keys[e * stride + j];
    scores[j] = scale * sum;
  }
}

template <vector_isa I, std::floating_point T>
MULTITUDES_NOINLINE void page_scores(std::span<const T> query, const T* keys, std::size_t stride,
                                     T scale, std::span<T> scores) noexcept {
  using lane = detail::lanes<I, T>;
  const auto scales = lane::all(scale);
  std::size_t j = 0;
  for (; j + lane::count <= scores.size(); j += lane::count) {
    auto sum = lane::all(0);
    for (std::size_t e = 0; e < query.size(); ++e) {
      sum = lane::fma(lane::all(query[e]), lane::load(keys + e * stride + j), sum);
    }
    lane::store(scores.data() + j, scales * sum);
  }
  if (const std::size_t n = scores.size() - j; n > 0) {
    auto sum = lane::all(0);
    for (std::size_t e = 0; e < query.size(); ++e) {
      sum = lane::fma(lane::all(query[e]), lane::load_part(keys + e * stride + j, n), sum);
    }
    lane::store_part(scores.data() + j, n, scales * sum);
  }
}

/// Adds a page of value rows to what was summed of earlier pages:
/// `out[e] = shrink * out[e] + sum over j of weights[j] * values[j * stride + e]`, in the order of
/// j.
///
/// Shapes:  weights (positions); values (positions, stride), out.size() <= stride.
template <std::same_as<scalar> I, std::floating_point T>
MULTITUDES_NOINLINE void add_page(T shrink, std::span<const T> weights, const T* values,
                                  std::size_t stride, std::span<T> out) noexcept {
  for (std::size_t e = 0; e < out.size(); ++e) {
    T sum = shrink * out[e];
    for (std::size_t j = 0; j < weights.size(); ++j) sum += weights[j] * values[j * stride + e];
    out[e] = sum;
  }
}

template <vector_isa I, std::floating_point T>
MULTITUDES_NOINLINE void add_page(T shrink, std::span<const T> weights, const T* values,
                                  std::size_t stride, std::span<T> out) noexcept {
  using lane = detail::lanes<I, T>;
  const auto shrinks = lane::all(shrink);
  std::size_t e = 0;
  for (; e + lane::count <= out.size(); e += lane::count) {
    auto sum = shrinks * lane::load(out.data() + e);
    for (std::size_t j = 0; j < weights.size(); ++j) {
      sum = lane::fma(lane::all(weights[j]), lane::load(values + j * stride + e), sum);
    }
    lane::store(out.data() + e, sum);
  }
  if (const std::size_t n = out.size() - e; n > 0) {
    auto sum = shrinks * lane::load_part(out.data() + e, n);
    for (std::size_t j = 0; j < weights.size(); ++j) {
      sum = lane::fma(lane::all(weights[j]), lane::load_part(values + j * stride + e, n), sum);
    }
    lane::store_part(out.data() + e, n, sum);
  }
}

}  // namespace multitudes::simd
