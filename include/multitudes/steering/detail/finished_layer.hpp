// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/arena.hpp>
#include <multitudes/core/checked_size.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/core/space.hpp>
#include <multitudes/simd/row_blocks.hpp>
#include <multitudes/steering/detail/program.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::steering::detail {

inline unexpected<error> bad_plan(errc code, std::string place, std::string found,
                                  std::string wanted, std::string remedy = {}) {
  return fail({code, "compile plan", std::move(place), std::move(found), std::move(wanted),
               std::move(remedy)});
}

/// A layer that is finished.
struct finished_layer {
  std::vector<instruction> instructions;
  std::vector<std::uint16_t> slots;
  std::vector<float> rows;           // (n_rows, model_dim), first those that are read
  std::vector<std::uint32_t> words;  // the same in blocks, packed, or nothing
  std::vector<float> scales;         // (n_rows), what packed rows are multiplied by
  std::vector<float> gram;           // (n_rows, n_read)
  std::size_t n_rows = 0;
  std::size_t n_read = 0;
};

/// Packs the rows, and makes of them what they now are. Rounding makes no direction longer or
/// shorter, because its scale makes up for it.
inline void pack(finished_layer& now, std::size_t width) {
  now.words.resize(simd::elements_of_rows<std::uint32_t>(now.n_rows, width));
  for (std::size_t r = 0; r < now.n_rows; ++r) {
    const auto row = std::span(now.rows).subspan(r * width, width);
    simd::put_row<std::uint32_t>(row, r, now.n_rows, now.words.data());
    const auto packed = [&](std::size_t i) {
      return static_cast<double>(simd::number_of_row(now.words.data(), now.n_rows, r, i));
    };
    double squares = 0;
    for (std::size_t i = 0; i < width; ++i) squares += packed(i) * packed(i);
    const bool unit = r < now.n_read;
    const double scale = unit ? 1 / std::sqrt(squares) : 1.0;
    now.scales.push_back(static_cast<float>(scale));
    for (std::size_t i = 0; i < width; ++i) row[i] = static_cast<float>(scale * packed(i));
  }
}

/// The inner products of all rows with those that are read.
inline void fill_gram(finished_layer& now, std::size_t width) {
  for (std::size_t s = 0; s < now.n_rows; ++s) {
    for (std::size_t j = 0; j < now.n_read; ++j) {
      double sum = 0;
      for (std::size_t e = 0; e < width; ++e) {
        sum += static_cast<double>(now.rows[s * width + e]) *
               static_cast<double>(now.rows[j * width + e]);
      }
      now.gram.push_back(static_cast<float>(sum));
    }
  }
}

/// Where the parts of a finished layer stand, and how many bytes it takes.
inline layer_header header_of(const finished_layer& l, std::size_t width, checked_size& bytes) {
  const bool packed = !l.scales.empty();
  checked_size at(sizeof(layer_header));
  const auto place = [&](checked_size size) {
    const checked_size here = at;
    at = (at + size).round_up(alignof(instruction));
    return static_cast<std::uint32_t>(here.get().value_or(0));
  };
  layer_header h;
  h.n_instructions = static_cast<std::uint32_t>(l.instructions.size());
  h.n_rows = static_cast<std::uint32_t>(l.n_rows);
  h.n_read = static_cast<std::uint32_t>(l.n_read);
  h.packed = packed;
  const std::size_t elements = packed ? simd::elements_of_rows<std::uint32_t>(1, width)
                                      : simd::elements_of_rows<float>(1, width);
  static_cast<void>(place(checked_size(elements) * l.n_rows * sizeof(float)));
  h.instructions_at = place(l.instructions.size() * sizeof(instruction));
  h.slots_at = place(l.slots.size() * sizeof(std::uint16_t));
  h.gram_at = place(l.gram.size() * sizeof(float));
  h.scales_at = place(l.scales.size() * sizeof(float));
  bytes = at.round_up(arena_alignment);
  return h;
}

/// All layers in one piece of memory.
///
/// Errors:  out_of_memory.
inline expected<program> assemble(std::span<const finished_layer> layers,
                                  const activation_space& space) {
  const std::size_t width = space.model_dim;
  const std::size_t table = arena_bytes<std::uint64_t>(layers.size());
  checked_size total(table);
  for (const finished_layer& l : layers) {
    checked_size bytes;
    static_cast<void>(header_of(l, width, bytes));
    if (!l.instructions.empty()) total = total + bytes;
  }
  heap_block memory(total.get().value_or(0));
  if (memory.bytes().empty()) {
    return bad_plan(errc::out_of_memory, to_string(space), "no memory for the directions",
                    "a size that this machine can give");
  }
  std::byte* const first = memory.bytes().data();
  std::fill_n(first, memory.bytes().size(), std::byte{0});
  std::size_t at = table;
  const auto put = [&](std::size_t where, const auto* from, std::size_t n) {
    if (n > 0) std::memcpy(first + where, from, n * sizeof(*from));
  };
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const finished_layer& l = layers[i];
    if (l.instructions.empty()) continue;
    checked_size bytes;
    const layer_header header = header_of(l, width, bytes);
    const std::uint64_t distance = at;
    put(i * sizeof distance, &distance, 1);
    put(at, &header, 1);
    put(at + header.instructions_at, l.instructions.data(), l.instructions.size());
    put(at + header.slots_at, l.slots.data(), l.slots.size());
    put(at + header.gram_at, l.gram.data(), l.gram.size());
    put(at + header.scales_at, l.scales.data(), l.scales.size());
    put(at + sizeof header, l.words.data(), l.words.size());
    for (std::size_t r = 0; r < l.n_rows && !header.packed; ++r) {
      simd::put_row<float>(std::span(l.rows).subspan(r * width, width), r, l.n_rows,
                           reinterpret_cast<float*>(first + at + sizeof header));
    }
    at += *bytes.get();
  }
  return program(std::move(memory), layers.size(), width);
}

}  // namespace multitudes::steering::detail
