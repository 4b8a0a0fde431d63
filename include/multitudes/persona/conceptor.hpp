// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/core/space.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/linalg/principal_axes.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

/// What a conceptor does to whatever its rows do not reach.
enum class outside_rows : std::uint8_t {
  nothing_kept,     ///< a0 = 0
  everything_kept,  ///< a0 = 1
};

/// A soft projection onto the region of one layer that a cloud of activations fills: the symmetric
/// matrix C = a0 I + sum of (shares[i] - a0) u_i u_i^T, with orthonormal rows u_i, shares between 0
/// and 1, and a0 of 0 or 1 for everything outside of the rows. The clouds of several personas
/// combine as sets would: `negation`, `conjunction`, `disjunction` (conceptor_algebra.hpp).
///
/// Source:  Jaeger 2014, "Controlling recurrent neural networks by conceptors", arXiv:1403.3369.
class conceptor {
 public:
  /// A row whose share differs from a0 by no more than this is left out: rows of floats cannot say
  /// such a thing.
  static constexpr double share_tolerance = 0x1p-20;

  /// The conceptor of a cloud: C = R (R + aperture^-2 I)^-1, with R the mean of x x^T, uncentred.
  /// A direction along which the cloud's mean square is aperture^-2 is kept by half; a larger
  /// aperture keeps more.
  ///
  /// Shapes:  activations (n, model_dim).
  /// Units:   aperture in 1 / (the unit of the activations).
  /// Errors:  invalid_argument for no such layer, no activations, or an aperture that is not
  ///          positive and finite; shape_mismatch; non_finite.
  /// Cost:    two copies of the activations in double, and `linalg::principal_axes`.
  [[nodiscard]] static expected<conceptor> learned(const activation_space& space, layer_index layer,
                                                   matrix_view<const float> activations,
                                                   double aperture) {
    if (auto fine = check(space, layer, activations.cols()); !fine) return forward_error(fine);
    if (auto fine = check_aperture(aperture); !fine) return forward_error(fine);
    const std::size_t n = activations.rows(), width = activations.cols();
    if (n == 0) return refuse(errc::invalid_argument, "activations", "none", "at least one");
    std::vector<double> cloud;
    cloud.reserve(n * width);
    for (std::size_t i = 0; i < n; ++i) {
      for (const float x : activations.row(i)) cloud.push_back(static_cast<double>(x));
    }
    auto axes = linalg::principal_axes({cloud.data(), n, width});
    if (!axes) return forward_error(axes);
    conceptor made(space, layer, 0);
    for (std::size_t i = 0; i < axes->size(); ++i) {
      // mean_square / (mean_square + aperture^-2), in a form that no aperture makes overflow
      const double reach = aperture * std::sqrt(axes->mean_squares[i]);
      made.add(1 / (1 + 1 / (reach * reach)), axes->axis(i));
    }
    return made;
  }

  /// A conceptor from its parts; without rows, the one that keeps nothing or everything.
  ///
  /// Shapes:  shares (k), rows (k, model_dim).
  /// Errors:  invalid_argument for no such layer, a share that is not between 0 and 1, or rows that
  ///          are not orthonormal to 2^-20; shape_mismatch.
  [[nodiscard]] static expected<conceptor> make(const activation_space& space, layer_index layer,
                                                outside_rows outside,
                                                std::span<const double> shares = {},
                                                matrix_view<const float> rows = {}) {
    if (auto fine = check(space, layer, rows.rows() == 0 ? space.model_dim : rows.cols()); !fine) {
      return forward_error(fine);
    }
    if (rows.rows() != shares.size()) {
      return refuse(errc::shape_mismatch, "rows", std::to_string(rows.rows()),
                    std::to_string(shares.size()) + ", one for each share");
    }
    conceptor made(space, layer, outside == outside_rows::everything_kept ? 1 : 0);
    for (std::size_t i = 0; i < shares.size(); ++i) {
      const std::string place = "row " + std::to_string(i);
      if (!(shares[i] >= 0 && shares[i] <= 1)) {
        return refuse(errc::invalid_argument, place, "a share of " + std::to_string(shares[i]),
                      "0 to 1");
      }
      for (std::size_t j = 0; j <= i; ++j) {
        const double product = inner(rows.row(i), rows.row(j));
        if (std::fabs(product - (i == j ? 1 : 0)) <= 0x1p-20) continue;
        return refuse(
            errc::invalid_argument, place,
            "an inner product of " + std::to_string(product) + " with row " + std::to_string(j),
            i == j ? "1" : "0");
      }
      made.add(shares[i], rows.row(i));
    }
    return made;
  }

  conceptor(conceptor&&) noexcept = default;
  conceptor& operator=(conceptor&&) noexcept = default;
  /// A copy, which costs allocations of the whole size.
  [[nodiscard]] conceptor clone() const { return *this; }

  [[nodiscard]] const activation_space& space() const noexcept { return space_; }
  [[nodiscard]] layer_index layer() const noexcept { return layer_; }
  [[nodiscard]] outside_rows outside() const noexcept {
    return a0_ == 0 ? outside_rows::nothing_kept : outside_rows::everything_kept;
  }
  [[nodiscard]] std::size_t rank() const noexcept { return shares_.size(); }
  /// How much is kept of what lies along each row: (rank), each 0 to 1.
  [[nodiscard]] std::span<const double> shares() const noexcept { return shares_; }
  /// Orthonormal to 2^-19: (rank, model_dim).
  [[nodiscard]] matrix_view<const float> rows() const noexcept {
    return {rows_.data(), rank(), space_.model_dim};
  }
  /// The mean of all model_dim eigenvalues: how much of the layer is claimed, 0 to 1.
  [[nodiscard]] double quota() const noexcept {
    double sum = a0_ * (static_cast<double>(space_.model_dim) - static_cast<double>(rank()));
    for (const double s : shares_) sum += s;
    return sum / static_cast<double>(space_.model_dim);
  }

  /// Writes C h.
  ///
  /// Shapes:  h, out (model_dim); they must not overlap.
  /// Errors:  shape_mismatch; out is then unchanged.
  /// Cost:    2 * rank * model_dim multiply-adds; no allocation.
  [[nodiscard]] expected<void> apply(std::span<const float> h, std::span<float> out) const {
    if (h.size() != space_.model_dim || out.size() != space_.model_dim) {
      return refuse(errc::shape_mismatch, "vectors",
                    std::to_string(h.size()) + " and " + std::to_string(out.size()) + " elements",
                    std::to_string(space_.model_dim));
    }
    if (a0_ == 0) {
      std::ranges::fill(out, 0.0f);
    } else {
      std::ranges::copy(h, out.begin());
    }
    for (std::size_t i = 0; i < rank(); ++i) {
      const std::span<const float> row = rows().row(i);
      const auto change = static_cast<float>((shares_[i] - a0_) * inner(row, h));
      for (std::size_t c = 0; c < out.size(); ++c) out[c] += change * row[c];
    }
    return {};
  }

  /// What the cloud does not fill: I - C.
  ///
  /// Laws:    negation(negation(c)) is c, to rounding; quotas add up to 1.
  [[nodiscard]] friend conceptor negation(const conceptor& c) {
    conceptor made = c.clone();
    made.a0_ = 1 - c.a0_;
    for (double& s : made.shares_) s = 1 - s;
    return made;
  }

  /// The conceptor that the cloud would have with `factor` times the aperture. Rows that fall
  /// under `share_tolerance` are lost, and the ones lost in learning do not come back: for a much
  /// larger aperture, learn again.
  ///
  /// Laws:    adapting by a, then by b, is adapting by a * b, to rounding.
  /// Errors:  invalid_argument unless factor is positive and finite.
  [[nodiscard]] expected<conceptor> adapted(double factor) const {
    if (auto fine = check_aperture(factor); !fine) return forward_error(fine);
    conceptor made(space_, layer_, a0_);
    for (std::size_t i = 0; i < rank(); ++i) {
      // s / (s + (1 - s) / factor^2), in a form that leaves 0 and 1 what they are
      const double odds = shares_[i] / (1 - shares_[i]) * factor * factor;
      made.add(1 / (1 + 1 / odds), rows().row(i));
    }
    return made;
  }

 private:
  conceptor(const conceptor&) = default;
  conceptor(const activation_space& space, layer_index layer, double a0) noexcept
      : space_(space), layer_(layer), a0_(a0) {}

  template <class T>
  void add(double share, std::span<const T> row) {
    if (std::fabs(share - a0_) <= share_tolerance) return;
    shares_.push_back(share);
    for (const T x : row) rows_.push_back(static_cast<float>(x));
  }
  static double inner(std::span<const float> a, std::span<const float> b) noexcept {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    }
    return sum;
  }

  static unexpected<error> refuse(errc code, std::string place, std::string found,
                                  std::string wanted) {
    return fail({.code = code,
                 .operation = "conceptor",
                 .place = std::move(place),
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = {}});
  }
  static expected<void> check(const activation_space& space, layer_index layer, std::size_t width) {
    if (layer.value >= space.n_layers) {
      return refuse(errc::invalid_argument, to_string(space),
                    "layer " + std::to_string(layer.value),
                    "a layer below " + std::to_string(space.n_layers));
    }
    if (width != space.model_dim) {
      return refuse(errc::shape_mismatch, to_string(space), "width " + std::to_string(width),
                    std::to_string(space.model_dim));
    }
    return {};
  }
  static expected<void> check_aperture(double aperture) {
    if (aperture > 0 && aperture <= std::numeric_limits<double>::max()) return {};
    return refuse(errc::invalid_argument, "aperture", std::to_string(aperture),
                  "a positive, finite number");
  }

  activation_space space_;
  layer_index layer_;
  double a0_;
  std::vector<double> shares_;  // (rank)
  std::vector<float> rows_;     // (rank, model_dim)
};

}  // namespace multitudes
