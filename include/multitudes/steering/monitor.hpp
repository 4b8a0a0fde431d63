// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/arena.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/persona/reading_axis.hpp>
#include <multitudes/simd/kernel_set.hpp>
#include <multitudes/simd/row_blocks.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::steering {

inline constexpr std::size_t max_axes = 32;  ///< of a monitor

/// Reads rows of the residual stream along several axes, after steering, while the row is at hand.
/// Immutable; a copy shares it. A default-made monitor reads nothing.
class monitor {
 public:
  monitor() = default;

  /// Errors:  invalid_argument for more than max_axes or none; space_mismatch if they are not all
  ///          of one space; those of reading_axis::check; out_of_memory.
  static expected<monitor> make(std::vector<reading_axis> axes) {
    if (axes.empty() || axes.size() > max_axes) {
      return bad(errc::invalid_argument, std::to_string(axes.size()) + " axes",
                 "1 to " + std::to_string(max_axes));
    }
    for (const reading_axis& a : axes) {
      if (auto ok = a.check(); !ok) return forward_error(ok);
      if (a.space != axes[0].space) {
        return bad(errc::space_mismatch, to_string(a.space), to_string(axes[0].space));
      }
    }
    auto made = std::make_shared<state>();
    made->first.assign(std::size_t{axes[0].space.n_layers} + 1, 0);
    const std::size_t width = axes[0].unit.size();
    made->rows = heap_block(simd::elements_of_rows<float>(axes.size(), width) * sizeof(float));
    if (made->rows.bytes().empty()) {
      return bad(errc::out_of_memory, "no memory", "room for the axes");
    }
    for (std::size_t l = 0; l + 1 < made->first.size(); ++l) {
      const std::size_t first = made->first[l];
      std::size_t n = 0;
      for (std::size_t a = 0; a < axes.size(); ++a) {
        if (axes[a].layer.value == l) made->axis_of_row[first + n++] = static_cast<std::uint8_t>(a);
      }
      for (std::size_t k = 0; k < n; ++k) {
        simd::put_row<float>(axes[made->axis_of_row[first + k]].unit, k, n,
                             made->rows_from(first, width));
      }
      made->first[l + 1] = first + n;
    }
    made->axes = std::move(axes);
    monitor result;
    result.state_ = std::move(made);
    return result;
  }

  [[nodiscard]] std::span<const reading_axis> axes() const noexcept {
    return state_ ? std::span<const reading_axis>(state_->axes) : std::span<const reading_axis>();
  }

  /// The readings of the axes of `layer`: what reading_axis::read gives, but for the order of its
  /// sum. Others stay.
  ///
  /// Shapes:  h (model_dim); readings (axes).
  /// Cost:    one multiply-add for each of the layer's axes and element; no allocation.
  void read(layer_index layer, std::span<const float> h, std::span<float> readings) const noexcept {
    if (!state_ || std::size_t{layer.value} + 1 >= state_->first.size()) return;
    const std::size_t first = state_->first[layer.value];
    const std::size_t n = state_->first[std::size_t{layer.value} + 1] - first;
    if (n == 0) return;
    float dots[max_axes];
    simd::active_kernels().dots(state_->rows_from(first, h.size()), n, n, h.data(), h.size(), dots);
    for (std::size_t k = 0; k < n; ++k) {
      const std::size_t a = state_->axis_of_row[first + k];
      const reading_axis& axis = state_->axes[a];
      readings[a] =
          static_cast<float>((static_cast<double>(dots[k]) - axis.middle) / axis.half_gap);
    }
  }

 private:
  struct state {
    std::vector<reading_axis> axes;
    std::vector<std::size_t> first;  // (n_layers + 1), the number of rows in the layers before
    std::array<std::uint8_t, max_axes> axis_of_row{};
    heap_block rows;  // those of each layer in blocks

    [[nodiscard]] float* rows_from(std::size_t row, std::size_t width) const noexcept {
      return reinterpret_cast<float*>(rows.bytes().data()) +
             simd::elements_of_rows<float>(row, width);
    }
  };

  static unexpected<error> bad(errc code, std::string found, std::string wanted) {
    return fail({.code = code,
                 .operation = "make monitor",
                 .place = "axes",
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = {}});
  }

  std::shared_ptr<const state> state_;
};

}  // namespace multitudes::steering
