// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/linalg/detail/eigen.hpp>
#include <multitudes/linalg/symmetric.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace multitudes::linalg {

namespace detail {

/// Lawson and Hanson's active sets, for columns and a target of length 1 or 0: which x >= 0 makes
/// |a x - b| smallest.
class active_sets {
 public:
  active_sets(const Eigen::MatrixXd& a, const Eigen::VectorXd& b)
      : a_(a), b_(b), x_(Eigen::VectorXd::Zero(a.cols())) {}

  /// False if the steps ran out.
  bool solve() {
    const Eigen::Index n = a_.cols();
    in_.assign(static_cast<std::size_t>(n), false);
    std::vector<bool> useless(in_.size(), false);
    for (Eigen::Index step = 0; step <= 10 * n; ++step) {
      const Eigen::VectorXd gain = a_.transpose() * (b_ - a_ * x_);
      Eigen::Index best = -1;
      for (Eigen::Index j = 0; j < n; ++j) {
        const auto at = static_cast<std::size_t>(j);
        // Below this a gain is rounding; among equals the first is taken.
        if (in_[at] || useless[at] || !(gain(j) > 0x1p-40)) continue;
        if (best < 0 || gain(j) > gain(best)) best = j;
      }
      if (best < 0) return true;
      if (enter(best)) {
        std::fill(useless.begin(), useless.end(), false);
      } else {
        useless[static_cast<std::size_t>(best)] = true;
      }
    }
    return false;
  }
  [[nodiscard]] const Eigen::VectorXd& x() const noexcept { return x_; }

 private:
  /// Lets a column in and drops those that turn negative; false if the column itself would, which
  /// only rounding can cause.
  bool enter(Eigen::Index column) {
    in_[static_cast<std::size_t>(column)] = true;
    Eigen::VectorXd z = unconstrained();
    if (!(z(column) > 0)) {
      in_[static_cast<std::size_t>(column)] = false;
      return false;
    }
    for (;;) {
      double step = 1;
      for (Eigen::Index j = 0; j < z.size(); ++j) {
        if (in_[static_cast<std::size_t>(j)] && z(j) <= 0) {
          step = std::min(step, x_(j) / (x_(j) - z(j)));
        }
      }
      if (step == 1) break;
      for (Eigen::Index j = 0; j < z.size(); ++j) {
        const auto at = static_cast<std::size_t>(j);
        if (!in_[at]) continue;
        const bool blocks = z(j) <= 0 && x_(j) / (x_(j) - z(j)) <= step;
        x_(j) += step * (z(j) - x_(j));
        if (!blocks && x_(j) > 0) continue;
        x_(j) = 0;
        in_[at] = false;
      }
      z = unconstrained();
    }
    x_ = z;
    return true;
  }
  /// The least squares of the columns that are in; 0 for the others.
  [[nodiscard]] Eigen::VectorXd unconstrained() const {
    std::vector<Eigen::Index> inside;
    for (std::size_t j = 0; j < in_.size(); ++j) {
      if (in_[j]) inside.push_back(static_cast<Eigen::Index>(j));
    }
    Eigen::VectorXd z = Eigen::VectorXd::Zero(a_.cols());
    if (inside.empty()) return z;
    const Eigen::VectorXd some = a_(Eigen::all, inside).colPivHouseholderQr().solve(b_);
    for (std::size_t k = 0; k < inside.size(); ++k) {
      z(inside[k]) = some(static_cast<Eigen::Index>(k));
    }
    return z;
  }

  const Eigen::MatrixXd& a_;
  const Eigen::VectorXd& b_;
  Eigen::VectorXd x_;
  std::vector<bool> in_;
};

/// Scales to length 1 and returns log2 of the power of two and the rest of the former length, so
/// that neither can overflow; zeros stay, with length 0.
struct binary_length {
  double fraction = 0;
  int exponent = 0;
};
inline binary_length normalize(std::span<double> v) noexcept {
  double largest = 0;
  for (const double x : v) largest = std::max(largest, std::fabs(x));
  if (largest == 0) return {};
  binary_length length;
  static_cast<void>(std::frexp(largest, &length.exponent));
  scale_to_one(v);
  length.fraction = std::sqrt(dot(v, v));
  for (double& x : v) x /= length.fraction;
  return length;
}

}  // namespace detail

/// The weights >= 0 with which parts come nearest to a target: they make
/// |target - sum of weights[i] * parts[i]| smallest. Of equal parts the first takes all.
///
/// Shapes:  parts (n, width), target (width); gives (n).
/// Laws:    with the rest r = target - sum: <r, parts[i]> is 0 where weights[i] > 0 and not
///          positive elsewhere, to 2^-40 of |parts[i]| * |target|.
/// Errors:  shape_mismatch; non_finite, also for a weight that no double can hold; unsupported if
///          10 * n steps do not suffice, which nothing is known to cause.
/// Cost:    2 * n^2 * width multiply-adds once, then steps, of about n, of some k^2 * n for the k
///          parts in use; a copy of all parts.
/// Source:  Lawson and Hanson 1974, "Solving least squares problems", chapter 23.
inline expected<std::vector<double>> nnls(matrix_view<const double> parts,
                                          std::span<const double> target) {
  constexpr const char* operation = "fit non-negative weights";
  if (parts.cols() != target.size()) {
    return fail({.code = errc::shape_mismatch,
                 .operation = operation,
                 .place = "target",
                 .found = std::to_string(target.size()) + " elements",
                 .expected = std::to_string(parts.cols()) + ", as the parts have",
                 .remedy = {}});
  }
  if (auto finite = detail::check_finite(operation, parts); !finite) return forward_error(finite);
  const matrix_view<const double> target_row(target.data(), 1, target.size());
  if (auto finite = detail::check_finite("fit non-negative weights to the target", target_row);
      !finite) {
    return forward_error(finite);
  }
  const std::size_t n = parts.rows(), width = parts.cols();
  std::vector<double> weights(n, 0.0);
  if (n == 0 || width == 0) return weights;

  Eigen::MatrixXd columns(detail::index_of(width), detail::index_of(n));
  std::vector<detail::binary_length> lengths(n);
  for (std::size_t i = 0; i < n; ++i) {
    const std::span<double> column(columns.col(detail::index_of(i)).data(), width);
    std::ranges::copy(parts.row(i), column.begin());
    lengths[i] = detail::normalize(column);
  }
  Eigen::VectorXd b(detail::index_of(width));
  std::ranges::copy(target, b.data());
  const detail::binary_length whole = detail::normalize({b.data(), width});

  // Turning everything by Q changes no inner product and leaves min(n, width) rows to work on.
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(columns);
  const Eigen::Index rows = std::min(columns.rows(), columns.cols());
  const Eigen::MatrixXd turned = qr.matrixQR().topRows(rows).triangularView<Eigen::Upper>();
  const Eigen::VectorXd turned_target = (qr.householderQ().adjoint() * b).head(rows);
  detail::active_sets sets(turned, turned_target);
  if (!sets.solve()) {
    return fail({.code = errc::unsupported,
                 .operation = operation,
                 .place = {},
                 .found = "no end after " + std::to_string(10 * n) + " steps",
                 .expected = {},
                 .remedy = "leave out parts that are nearly equal to others"});
  }
  for (std::size_t i = 0; i < n; ++i) {
    const double x = sets.x()(detail::index_of(i));
    if (x == 0) continue;
    weights[i] =
        std::ldexp(x * whole.fraction / lengths[i].fraction, whole.exponent - lengths[i].exponent);
    if (std::isfinite(weights[i])) continue;
    return fail({.code = errc::non_finite,
                 .operation = operation,
                 .place = "weight " + std::to_string(i),
                 .found = "a number that no double can hold",
                 .expected = {},
                 .remedy = "scale the parts"});
  }
  return weights;
}

}  // namespace multitudes::linalg
