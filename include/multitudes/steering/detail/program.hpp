// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/arena.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/simd/kernel_set.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace multitudes::steering {

inline constexpr std::size_t max_directions = 64;  ///< of a plan at one layer
inline constexpr std::size_t max_conditions = 64;  ///< of a plan
inline constexpr std::size_t max_doses = 8;        ///< envelopes of a plan, the constant 1 included

/// What goes with one token from layer to layer under a plan: the doses of its envelopes and which
/// of its conditions were found true.
struct token_state {
  std::uint64_t met = 0;
  std::array<float, max_doses> doses{1.0f};
};

namespace detail {

/// What an operator does to the coefficients of a row's directions. A slot is a direction of the
/// layer, in the order of its rows.
struct instruction {
  enum class kind : std::uint8_t {
    add,               ///< slot 0: added once
    project,           ///< all slots: taken out
    project_positive,  ///< the same where the row points along the slot and not against it
    clamp,             ///< slot 0: into a to b
    rotate,            ///< slots 0 and 1, at a right angle: by the angle a
    test,              ///< slot 0: is the condition met, strictly between a and b?
  };
  kind what = kind::add;
  std::uint8_t dose = 0;         ///< which of the plan's doses
  std::uint8_t condition = 0;    ///< of a test: which bit it answers
  bool read_later = true;        ///< whether a later instruction depends on projections
  std::uint32_t first_slot = 0;  ///< of the layer's list of slots
  std::uint32_t n_slots = 0;
  std::uint64_t needs = 0;  ///< conditions that must be met; a test has none
  double a = 0;
  double b = 0;
};

/// What one layer's part of a program begins with; its rows follow at once, in blocks, and the rest
/// at these distances in bytes.
struct alignas(arena_alignment) layer_header {
  std::uint32_t n_instructions = 0;
  std::uint32_t n_rows = 0;
  std::uint32_t n_read = 0;  ///< the first so many rows are projected on
  bool packed = false;       ///< whether rows are words of bf16, each with a scale
  std::uint32_t instructions_at = 0;
  std::uint32_t slots_at = 0;   ///< std::uint16_t
  std::uint32_t gram_at = 0;    ///< float: (n_rows, n_read)
  std::uint32_t scales_at = 0;  ///< float: (n_rows), what packed rows are multiplied by
};

/// Instructions for every layer with the directions that they are about.
///
/// Every instruction adds multiples of the layer's directions to the row, and how much depends on
/// the row only by its projections on them. So the row is read once, for all projections; then
/// the instructions run on coefficients, in their order, and what one adds changes the projections
/// that the next sees by the directions' inner products; then the row is written once.
///
/// All that a layer needs stands together: with many plans in a batch none of it is in the cache.
class program {
 public:
  program() = default;
  program(heap_block memory, std::size_t n_layers, std::size_t width) noexcept
      : memory_(std::move(memory)), n_layers_(n_layers), width_(width) {}

  void run(layer_index layer, std::span<float> h, token_state& state) const noexcept {
    const layer_header* const now = at(layer);
    if (now == nullptr) return;
    double projected[max_directions];
    double change[max_directions];
    std::fill_n(change, now->n_rows, 0.0);
    if (now->n_read > 0) project(*now, h, projected);
    for (const instruction& i : instructions(*now)) step(*now, i, projected, change, state);
    write(*now, h, change);
  }

  /// The vector that is added, if that is all that is done; else empty.
  [[nodiscard]] std::span<const float> addition(layer_index layer) const noexcept {
    const layer_header* const now = at(layer);
    if (now == nullptr || now->n_instructions != 1) return {};
    const instruction& only = instructions(*now)[0];
    if (only.what != instruction::kind::add || only.dose != 0) return {};
    return {rows<float>(*now), width_};
  }

 private:
  template <class T>
  static const T* behind(const layer_header& layer, std::size_t distance) noexcept {
    return reinterpret_cast<const T*>(reinterpret_cast<const std::byte*>(&layer) + distance);
  }
  /// The memory begins with the distance of each layer's part, 0 for nothing to do.
  [[nodiscard]] const layer_header* at(layer_index layer) const noexcept {
    if (layer.value >= n_layers_) return nullptr;
    const std::byte* first = memory_.bytes().data();
    const std::uint64_t distance = reinterpret_cast<const std::uint64_t*>(first)[layer.value];
    return distance == 0 ? nullptr : reinterpret_cast<const layer_header*>(first + distance);
  }
  static std::span<const instruction> instructions(const layer_header& layer) noexcept {
    return {behind<instruction>(layer, layer.instructions_at), layer.n_instructions};
  }
  template <class T>
  static const T* rows(const layer_header& layer) noexcept {
    return behind<T>(layer, sizeof(layer_header));
  }

  void project(const layer_header& now, std::span<const float> h,
               double* projected) const noexcept {
    float read[max_directions];
    const simd::kernel_set& kernels = simd::active_kernels();
    if (now.packed) {
      kernels.dots_of_words(rows<std::uint32_t>(now), now.n_rows, now.n_read, h.data(), width_,
                            read);
    } else {
      kernels.dots(rows<float>(now), now.n_rows, now.n_read, h.data(), width_, read);
    }
    const float* scales = behind<float>(now, now.scales_at);
    for (std::size_t j = 0; j < now.n_read; ++j) {
      const double scale = now.packed ? static_cast<double>(scales[j]) : 1.0;
      projected[j] = scale * static_cast<double>(read[j]);
    }
  }

  void write(const layer_header& now, std::span<float> h, const double* change) const noexcept {
    const float* scales = behind<float>(now, now.scales_at);
    simd::scaled_row terms[max_directions];
    std::size_t n = 0;
    for (std::uint32_t s = 0; s < now.n_rows; ++s) {
      if (change[s] == 0) continue;
      const double scale = now.packed ? static_cast<double>(scales[s]) : 1.0;
      terms[n++] = {static_cast<float>(change[s] * scale), s};
    }
    if (n == 0) return;
    const simd::kernel_set& kernels = simd::active_kernels();
    if (now.packed) {
      kernels.add_rows_of_words(rows<std::uint32_t>(now), now.n_rows, terms, n, h.data(), width_);
    } else {
      kernels.add_rows(rows<float>(now), now.n_rows, terms, n, h.data(), width_);
    }
  }

  static void step(const layer_header& now, const instruction& i, double* projected, double* change,
                   token_state& state) noexcept {
    using kind = instruction::kind;
    if ((state.met & i.needs) != i.needs) return;
    const std::uint16_t* slot = behind<std::uint16_t>(now, now.slots_at) + i.first_slot;
    if (i.what == kind::test) {
      const double x = projected[*slot];
      const std::uint64_t bit = std::uint64_t{1} << i.condition;
      state.met = i.a < x && x < i.b ? state.met | bit : state.met & ~bit;
      return;
    }
    const double dose = static_cast<double>(state.doses[i.dose]);
    if (dose == 0) return;
    double amount[max_directions];
    switch (i.what) {
      case kind::add: amount[0] = dose; break;
      case kind::project:
        for (std::size_t k = 0; k < i.n_slots; ++k) amount[k] = -dose * projected[slot[k]];
        break;
      case kind::project_positive:
        for (std::size_t k = 0; k < i.n_slots; ++k) {
          amount[k] = -dose * std::max(projected[slot[k]], 0.0);
        }
        break;
      case kind::clamp: {
        const double x = projected[*slot];
        amount[0] = x < i.a ? dose * (i.a - x) : x > i.b ? dose * (i.b - x) : 0.0;
        break;
      }
      case kind::rotate: {
        const double x = projected[slot[0]];
        const double y = projected[slot[1]];
        const double less = std::cos(dose * i.a) - 1;
        const double sine = std::sin(dose * i.a);
        amount[0] = less * x - sine * y;
        amount[1] = sine * x + less * y;
        break;
      }
      case kind::test: return;
    }
    for (std::size_t k = 0; k < i.n_slots; ++k) {
      if (amount[k] == 0) continue;
      change[slot[k]] += amount[k];
      if (!i.read_later) continue;
      const float* inner = behind<float>(now, now.gram_at) + std::size_t{slot[k]} * now.n_read;
      for (std::size_t j = 0; j < now.n_read; ++j) {
        projected[j] += amount[k] * static_cast<double>(inner[j]);
      }
    }
  }

  heap_block memory_;
  std::size_t n_layers_ = 0;
  std::size_t width_ = 0;
};

}  // namespace detail
}  // namespace multitudes::steering
