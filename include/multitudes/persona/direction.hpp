// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/checked_size.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/core/space.hpp>
#include <multitudes/persona/weighted_sum.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace multitudes {

/// One vector for each layer of an activation space; a row of zeros leaves its layer alone.
/// The values are finite. Moving is cheap and leaves an empty direction; copies are `clone()`.
class direction {
 public:
  /// Copies the values of all layers.
  ///
  /// Shapes:  values (n_layers, model_dim), row-major.
  /// Errors:  shape_mismatch; non_finite, naming layer and element; out_of_memory.
  [[nodiscard]] static expected<direction> make(activation_space space,
                                                std::span<const float> values) {
    const auto wanted = size_of(space);
    if (!wanted || *wanted != values.size()) {
      return fail(
          {.code = errc::shape_mismatch,
           .operation = "make a direction",
           .place = to_string(space),
           .found = std::to_string(values.size()) + " values",
           .expected = std::to_string(space.n_layers) + " x " + std::to_string(space.model_dim),
           .remedy = "give one row for each layer, zeros where nothing is steered"});
    }
    return written_by(space, [&](std::span<float> out) -> multitudes::expected<void> {
      for (std::size_t i = 0; i < out.size(); ++i) {
        if (!std::isfinite(values[i])) return not_finite(space, i, values[i]);
        out[i] = values[i];
      }
      return {};
    });
  }

  direction(direction&& other) noexcept
      : space_(std::exchange(other.space_, {})), values_(std::move(other.values_)) {}
  direction& operator=(direction&& other) noexcept {
    space_ = std::exchange(other.space_, {});
    values_ = std::move(other.values_);
    return *this;
  }

  /// A copy, which costs an allocation of the whole size.
  [[nodiscard]] direction clone() const {
    direction copy(space_);
    copy.values_ = std::make_unique_for_overwrite<float[]>(values().size());
    std::copy(values().begin(), values().end(), copy.values_.get());
    return copy;
  }

  [[nodiscard]] const activation_space& space() const noexcept { return space_; }
  /// All rows, one after another: (n_layers, model_dim).
  [[nodiscard]] std::span<const float> values() const noexcept {
    return {values_.get(), std::size_t{space_.n_layers} * space_.model_dim};
  }
  /// The vector of one layer (model_dim); empty if there is no such layer.
  [[nodiscard]] std::span<const float> row(layer_index layer) const noexcept {
    if (layer.value >= space_.n_layers) return {};
    return values().subspan(std::size_t{layer.value} * space_.model_dim, space_.model_dim);
  }
  /// The Euclidean length of one layer's vector, in double.
  [[nodiscard]] double norm(layer_index layer) const noexcept {
    const auto values = row(layer);
    term one{1.0, values.data()};
    return std::sqrt(detail::inner({&one, 1}, {}, values.size()).left_left);
  }
  [[nodiscard]] bool is_zero() const noexcept {
    for (const float x : values()) {
      if (x != 0.0f) return false;
    }
    return true;
  }

  /// Makes a direction from what `write(std::span<float>)` writes, without a second look: `write`
  /// returns expected<void>, and may succeed only if it wrote every value and all are finite.
  template <class Write>
  [[nodiscard]] static expected<direction> written_by(activation_space space, Write&& write) {
    const auto size = size_of(space);
    direction made(space);
    if (size) made.values_.reset(new (std::nothrow) float[*size]);
    if (!made.values_) {
      return fail({.code = errc::out_of_memory,
                   .operation = "make a direction",
                   .place = to_string(space),
                   .found = "no memory for a vector in each layer",
                   .expected = {},
                   .remedy = {}});
    }
    auto written = write(std::span<float>(made.values_.get(), *size));
    if (!written) return forward_error(written);
    return made;
  }

 private:
  explicit direction(activation_space space) noexcept : space_(space) {}

  static std::optional<std::size_t> size_of(const activation_space& space) noexcept {
    const checked_size size = checked_size(space.n_layers) * space.model_dim;
    return size.fits(std::numeric_limits<std::ptrdiff_t>::max() / sizeof(float)) ? size.get()
                                                                                 : std::nullopt;
  }
  static unexpected<error> not_finite(const activation_space& space, std::size_t at, float x) {
    return fail({.code = errc::non_finite,
                 .operation = "make a direction",
                 .place = "layer " + std::to_string(at / space.model_dim) + ", element " +
                          std::to_string(at % space.model_dim),
                 .found = std::isnan(x) ? "NaN" : "infinity",
                 .expected = "a finite number",
                 .remedy = {}});
  }

  activation_space space_;
  std::unique_ptr<float[]> values_;  // (n_layers, model_dim)
};

/// The same direction with each layer's vector scaled to unit norm; layers of zeros stay so.
///
/// Errors:  zero_direction if no layer has a length; out_of_memory.
/// Cost:    one allocation.
[[nodiscard]] inline expected<direction> normalized(const direction& d) {
  if (d.is_zero()) {
    return fail({.code = errc::zero_direction,
                 .operation = "normalize a direction",
                 .place = to_string(d.space()),
                 .found = "zeros in all layers",
                 .expected = "a vector with a length in at least one layer",
                 .remedy = {}});
  }
  return direction::written_by(d.space(), [&](std::span<float> out) -> expected<void> {
    std::size_t i = 0;
    for (std::uint32_t l = 0; l < d.space().n_layers; ++l) {
      const double norm = d.norm(layer_index(l));
      for (const float x : d.row(layer_index(l))) {
        out[i++] = norm == 0.0 ? 0.0f : static_cast<float>(static_cast<double>(x) / norm);
      }
    }
    return {};
  });
}

}  // namespace multitudes
