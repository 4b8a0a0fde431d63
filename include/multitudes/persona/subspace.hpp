// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/checked_size.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/core/space.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/linalg/orthonormal.hpp>
#include <multitudes/persona/materialize.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <new>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

namespace multitudes {

/// In each layer, the plane (or line, or volume) that some directions span, as orthonormal rows:
/// what projecting out, clamping and reading in rank k act on. Layers where nothing points
/// anywhere have rank 0. Only the factories make one, and they orthonormalise, so that a basis of
/// any other kind cannot exist.
///
/// Laws:    in each layer, inner products of rows are those of orthonormal vectors to 2^-22.
class subspace {
 public:
  /// What the given expressions span, layer by layer. Rows are made in the order of the
  /// expressions: the first has the direction of the first expression that is not zero there. One
  /// that has no more than `linalg::rank_tolerance` (2^-20) of its length outside of what is
  /// spanned already adds no row.
  ///
  /// Errors:  as `validate`, for spaces that differ and weights; zero_direction if no expression
  ///          has a length in any layer; non_finite.
  /// Cost:    k * n_layers * model_dim floats, and 2 * k times as many multiply-adds as that.
  /// Example: `subspace::spanned_by(bard, chemist - 0.5f * cook)`
  template <persona_expression First, persona_expression... Rest>
    requires((same_space<First, Rest> && ...) && (has_space<First> || ... || has_space<Rest>))
  [[nodiscard]] static expected<subspace> spanned_by(const First& first, const Rest&... rest) {
    const activation_space* seen = nullptr;
    fault found = first.check(seen);
    // The parentheses keep the first fault: later ones are not looked for.
    static_cast<void>((... || (!found && (found = rest.check(seen)))));
    if (found) return detail::fail_with(found);
    const activation_space space = *seen;
    return make_from(
        space, 1 + sizeof...(Rest),
        [&](layer_index layer, std::size_t i, std::span<float> out) -> multitudes::expected<void> {
          fault f;
          std::size_t at = 0;
          const auto write = [&](const auto& e) {
            if (at++ == i) f = detail::write_layer(e, layer, out);
          };
          write(first);
          (write(rest), ...);
          return detail::to_expected(f);
        });
  }

  /// The same for personas whose number is known only at run time.
  ///
  /// Errors:  as above; invalid_argument if there are none.
  [[nodiscard]] static expected<subspace> spanned_by(std::span<const persona> personas) {
    if (personas.empty()) {
      return fail({.code = errc::invalid_argument,
                   .operation = "span a subspace",
                   .place = {},
                   .found = "no personas",
                   .expected = "at least one, to know the space",
                   .remedy = {}});
    }
    const activation_space* seen = nullptr;
    for (const persona& p : personas) {
      if (const fault f = p.check(seen)) return detail::fail_with(f);
    }
    return make_from(
        personas.front().space(), personas.size(),
        [&](layer_index layer, std::size_t i, std::span<float> out) -> multitudes::expected<void> {
          std::ranges::copy(personas[i].direction().row(layer), out.begin());
          return {};
        });
  }

  /// What k rows in each layer span; they need be neither orthogonal nor of unit length, and may
  /// be zeros. Rows count in their order, as above.
  ///
  /// Shapes:  values (n_layers, k, model_dim), row-major.
  /// Errors:  shape_mismatch; non_finite, naming layer, row and element; zero_direction if all
  ///          values are zero.
  [[nodiscard]] static expected<subspace> make(activation_space space, std::size_t k,
                                               std::span<const float> values) {
    const checked_size wanted = checked_size(space.n_layers) * k * space.model_dim;
    if (wanted.get() != values.size()) {
      return fail({.code = errc::shape_mismatch,
                   .operation = "span a subspace",
                   .place = to_string(space),
                   .found = std::to_string(values.size()) + " values",
                   .expected = std::to_string(space.n_layers) + " x " + std::to_string(k) + " x " +
                               std::to_string(space.model_dim),
                   .remedy = "give k rows for each layer, zeros where nothing is steered"});
    }
    const std::size_t width = space.model_dim;
    return make_from(
        space, k,
        [&](layer_index layer, std::size_t i, std::span<float> out) -> multitudes::expected<void> {
          const auto row = values.subspan((layer.value * k + i) * width, width);
          for (std::size_t c = 0; c < width; ++c) {
            if (!std::isfinite(row[c])) return not_finite(layer, i, c, row[c]);
            out[c] = row[c];
          }
          return {};
        });
  }

  subspace(subspace&&) noexcept = default;
  subspace& operator=(subspace&&) noexcept = default;
  /// A copy, which costs allocations of the whole size.
  [[nodiscard]] subspace clone() const { return *this; }

  [[nodiscard]] const activation_space& space() const noexcept { return space_; }
  /// How many rows a layer has; 0 if nothing is steered there, or if there is no such layer.
  [[nodiscard]] std::size_t rank(layer_index layer) const noexcept {
    if (layer.value >= n_layers()) return 0;
    return first_[std::size_t{layer.value} + 1] - first_[layer.value];
  }
  /// The largest rank of any layer.
  [[nodiscard]] std::size_t max_rank() const noexcept {
    std::size_t most = 0;
    for (std::size_t l = 0; l < n_layers(); ++l) most = std::max(most, rank(layer_index(l)));
    return most;
  }
  /// One row of unit length (model_dim); empty if there is no such row.
  [[nodiscard]] std::span<const float> row(layer_index layer, std::size_t i) const noexcept {
    if (i >= rank(layer)) return {};
    return std::span(rows_).subspan((first_[layer.value] + i) * space_.model_dim, space_.model_dim);
  }
  /// All rows of a layer: (rank, model_dim).
  [[nodiscard]] matrix_view<const float> rows(layer_index layer) const noexcept {
    const std::size_t n = rank(layer);
    return {n == 0 ? nullptr : row(layer, 0).data(), n, space_.model_dim};
  }

 private:
  subspace(const subspace&) = default;
  explicit subspace(activation_space space) noexcept : space_(space) {}

  [[nodiscard]] std::size_t n_layers() const noexcept {
    return first_.empty() ? 0 : first_.size() - 1;
  }

  static unexpected<error> not_finite(layer_index layer, std::size_t row, std::size_t at, float x) {
    return fail({.code = errc::non_finite,
                 .operation = "span a subspace",
                 .place = "layer " + std::to_string(layer.value) + ", row " + std::to_string(row) +
                          ", element " + std::to_string(at),
                 .found = std::isnan(x) ? "NaN" : "infinity",
                 .expected = "a finite number",
                 .remedy = {}});
  }

  static unexpected<error> fail_zero(const activation_space& space) {
    return fail({.code = errc::zero_direction,
                 .operation = "span a subspace",
                 .place = to_string(space),
                 .found = "zeros in all layers",
                 .expected = "a vector with a length in at least one layer",
                 .remedy = {}});
  }
  /// `write(layer, i, out)` writes what becomes row i of a layer, or says why it cannot.
  template <class Write>
  static expected<subspace> make_from(activation_space space, std::size_t k, Write write) {
    const std::size_t width = space.model_dim;
    // A space without width may claim any number of layers: nothing is allocated for those.
    if (k == 0 || width == 0) return fail_zero(space);
    subspace made(space);
    made.first_.assign(std::size_t{space.n_layers} + 1, 0);
    std::vector<float> written(width);
    std::vector<double> layer_rows(k * width);
    const matrix_view<double> rows(layer_rows.data(), k, width);
    for (std::size_t l = 0; l < space.n_layers; ++l) {
      for (std::size_t i = 0; i < k; ++i) {
        if (auto done = write(layer_index(l), i, std::span(written)); !done) {
          return forward_error(done);
        }
        std::ranges::copy(written, rows.row(i).begin());
      }
      const auto rank = linalg::gram_schmidt(rows);
      if (!rank) return forward_error(expected<std::size_t>(rank));
      made.first_[l + 1] = made.first_[l] + *rank;
      for (std::size_t i = 0; i < k; ++i) {
        const std::span<const double> row = rows.row(i);
        if (std::ranges::all_of(row, [](double x) { return x == 0.0; })) continue;
        for (const double x : row) made.rows_.push_back(static_cast<float>(x));
      }
    }
    if (made.rows_.empty()) return fail_zero(space);
    return made;
  }

  activation_space space_;
  std::vector<std::size_t> first_;  // (n_layers + 1), the number of rows in the layers before
  std::vector<float> rows_;         // (sum of ranks, model_dim)
};

}  // namespace multitudes
