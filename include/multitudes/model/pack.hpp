// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/arena.hpp>
#include <multitudes/core/checked_size.hpp>
#include <multitudes/core/executor.hpp>
#include <multitudes/core/function_ref.hpp>
#include <multitudes/model/weights.hpp>
#include <multitudes/simd/panel.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::model {

/// Told after each matrix: what was packed and is not needed any more, and how far it is.
using pack_progress =
    function_ref<void(std::span<const std::byte> packed, std::size_t done, std::size_t in_all)>;

namespace detail {

/// Every matrix of a model, and every vector, one after the other.
template <class Weights, class OnMatrix, class OnVector>
void for_each_tensor(Weights& w, OnMatrix matrix, OnVector vector) {
  matrix(w.embedding);
  for (auto& layer : w.layers) {
    vector(layer.attention_norm);
    for (auto* m : {&layer.query, &layer.key, &layer.value, &layer.attention_out}) matrix(*m);
    vector(layer.ffn_norm);
    for (auto* m : {&layer.gate, &layer.up, &layer.down}) matrix(*m);
  }
  vector(w.final_norm);
  matrix(w.head);
  vector(w.rotary_divisors);
}

}  // namespace detail

/// A copy of a model in the order in which products read it (simd/panel.hpp), in memory of its
/// own: what the weights came from is no longer needed. The numbers, and all that is computed with
/// them, stay the same to the bit; bench/simd/kernel_set.cpp compares the two.
///
/// Errors:  out_of_memory.
/// Cost:    one copy of all weights, shared among the workers; as many bytes as they had, and at
///          most 31 rows more for each matrix.
template <executor E>
expected<weights> pack(const weights& from, E& workers, pack_progress progress) {
  if (from.embedding.layout == simd::weight_layout::panels) return from;
  checked_size needed = arena_alignment;
  std::vector<const std::byte*> seen;  // a head that is the embedding is packed once
  const auto is_new = [&](const simd::weight_matrix& m) {
    if (m.rows == 0 || std::find(seen.begin(), seen.end(), m.data) != seen.end()) return false;
    seen.push_back(m.data);
    return true;
  };
  const auto padded = [](checked_size n) { return n + checked_size(arena_alignment); };
  detail::for_each_tensor(
      from,
      [&](const simd::weight_matrix& m) {
        if (is_new(m)) {
          needed = needed + padded(checked_size(n_panels(m)) * checked_size(panel_bytes(m)));
        }
      },
      [&](std::span<const float> v) { needed = needed + padded(v.size_bytes()); });
  const auto bytes = needed.get();
  auto storage = std::make_shared<heap_block>(bytes ? heap_block(*bytes) : heap_block());
  if (storage->bytes().empty()) {
    return fail({.code = errc::out_of_memory,
                 .operation = "pack model",
                 .place = {},
                 .found = bytes ? std::to_string(*bytes) + " bytes wanted" : "too large a model",
                 .expected = "a size that this machine can give",
                 .remedy = "run the weights as they lie in the file: load_options{.map = true}"});
  }
  arena memory(storage->bytes());
  weights to = from;
  to.storage = storage;
  expected<void> outcome;
  const auto take = [&]<class T>(std::size_t n, T) -> T* {
    auto piece = memory.take_uninitialized<T>(n);
    if (piece) return piece->data();
    outcome = forward_error(piece);
    return nullptr;
  };
  std::vector<std::pair<const std::byte*, const std::byte*>> packed;  // from, to
  detail::for_each_tensor(
      to,
      [&](simd::weight_matrix& m) {
        if (m.rows == 0 || !outcome) return;
        const auto done = std::find_if(packed.begin(), packed.end(),
                                       [&](const auto& pair) { return pair.first == m.data; });
        const simd::weight_matrix rows = m;
        m.layout = simd::weight_layout::panels;
        if (done != packed.end()) {
          m.data = done->second;
          return;
        }
        std::byte* into = take(n_panels(m) * panel_bytes(m), std::byte{});
        if (into == nullptr) return;
        m.data = into;
        const auto one = [&](std::size_t p) {
          simd::pack_panel(rows, p * simd::panel_rows, 0, rows.cols, into + p * panel_bytes(rows));
        };
        workers.run(n_panels(rows), one);
        packed.emplace_back(rows.data, into);
        progress({rows.data, rows.rows * rows.row_bytes()}, memory.used(), *bytes);
      },
      [&](std::span<const float>& v) {
        if (v.empty() || !outcome) return;
        float* into = take(v.size(), float{});
        if (into == nullptr) return;
        std::copy(v.begin(), v.end(), into);
        v = {into, v.size()};
      });
  if (!outcome) return forward_error(outcome);
  return to;
}
template <executor E>
expected<weights> pack(const weights& from, E& workers) {
  return pack(from, workers, [](std::span<const std::byte>, std::size_t, std::size_t) {});
}

}  // namespace multitudes::model
