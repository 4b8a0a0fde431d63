// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/arena.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/persona/reading_axis.hpp>
#include <multitudes/simd/multi_row.hpp>

#include <algorithm>
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
    made->stride = (axes[0].unit.size() + 15) / 16 * 16;
    made->rows = heap_block(axes.size() * made->stride * sizeof(float));
    if (made->rows.bytes().empty()) {
      return bad(errc::out_of_memory, "no memory", "room for the axes");
    }
    for (std::size_t l = 0; l + 1 < made->first.size(); ++l) {
      made->first[l + 1] = made->first[l];
      for (std::size_t a = 0; a < axes.size(); ++a) {
        if (axes[a].layer.value != l) continue;
        const std::size_t row = made->first[l + 1]++;
        made->axis_of_row[row] = static_cast<std::uint8_t>(a);
        std::copy(axes[a].unit.begin(), axes[a].unit.end(), made->row(row));
      }
    }
    made->axes = std::move(axes);
    monitor result;
    result.state_ = std::move(made);
    return result;
  }

  [[nodiscard]] std::span<const reading_axis> axes() const noexcept {
    return state_ ? std::span<const reading_axis>(state_->axes) : std::span<const reading_axis>();
  }

  /// The readings of the axes of `layer`: what reading_axis::read gives. Others stay.
  ///
  /// Shapes:  h (model_dim); readings (axes).
  /// Cost:    one multiply-add for each of the layer's axes and element; no allocation.
  void read(layer_index layer, std::span<const float> h, std::span<float> readings) const noexcept {
    if (!state_ || std::size_t{layer.value} + 1 >= state_->first.size()) return;
    const std::size_t first = state_->first[layer.value];
    const std::size_t n = state_->first[std::size_t{layer.value} + 1] - first;
    if (n == 0) return;
    float dots[max_axes];
    const matrix_view<const float> rows(state_->row(first), n, h.size(), state_->stride);
    simd::multi_dot<simd::native, float>(rows, h, std::span(dots).first(n));
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
    std::size_t stride = 0;
    heap_block rows;  // (axes by layer, stride)

    [[nodiscard]] float* row(std::size_t r) const noexcept {
      return reinterpret_cast<float*>(rows.bytes().data()) + r * stride;
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
