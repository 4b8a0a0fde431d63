// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/linalg/orthonormal.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <vector>

namespace multitudes::linalg {

/// A symmetric matrix known by what it does: `a(x, y)` writes A x into y.
///
/// Law:     the same x gives the same bits.
template <class A>
concept symmetric_operator = std::invocable<const A&, std::span<const double>, std::span<double>>;

/// How exact an eigenvector has to be, and how long to try.
struct lanczos_options {
  double tolerance = 1e-9;   ///< of |A v - value v|, as a share of the value
  std::size_t n_steps = 20;  ///< products before a restart
  std::size_t n_restarts = 50;
};

/// An eigenvalue, its unit vector, and how far the two are from each other.
struct eigenvector {
  double value = 0;
  std::vector<double> vector;  ///< (n); zeros where the matrix has nothing left to give
  double residual = 0;         ///< |A v - value v|, as a share of the value
};

namespace detail {

/// Takes out of `x` what lies along the unit rows of `basis`; twice, because once leaves rounding.
inline void take_out(std::span<const double> basis, std::span<double> x) noexcept {
  for (int pass = 0; pass < 2; ++pass) {
    for (std::size_t i = 0; i < basis.size(); i += x.size()) {
      const auto row = basis.subspan(i, x.size());
      const double share = dot(row, x);
      for (std::size_t e = 0; e < x.size(); ++e) x[e] -= share * row[e];
    }
  }
}

inline double make_unit(std::span<double> x) noexcept {
  const double length = std::sqrt(dot(x, x));
  if (length > 0) {
    for (double& e : x) e /= length;
  }
  return length;
}

/// The largest eigenvalue of a symmetric tridiagonal matrix, and its unit vector.
class tridiagonal_top {
 public:
  /// Shapes:  diagonal (n), beside (n - 1 or more): beside[i] stands between i and i + 1.
  tridiagonal_top(std::span<const double> diagonal, std::span<const double> beside)
      : diagonal_(diagonal), beside_(beside), pivots_(diagonal.size()) {
    double low = diagonal[0];
    double high = diagonal[0];
    for (std::size_t i = 0; i < diagonal.size(); ++i) {
      const double reach = (i > 0 ? std::abs(beside[i - 1]) : 0) +
                           (i + 1 < diagonal.size() ? std::abs(beside[i]) : 0);
      low = std::max(low, diagonal[i]);
      high = std::max(high, diagonal[i] + reach);
    }
    // A shift is above all eigenvalues where every pivot of (T - shift I) is negative.
    high += 1e-300 + 1e-15 * std::abs(high);
    for (int i = 0; i < 200; ++i) {
      const double middle = low + (high - low) / 2;
      if (middle <= low || middle >= high) break;
      (factor(middle) ? high : low) = middle;
    }
    value_ = high;
    // A few inverse iterations from the first axis, which no Lanczos eigenvector is orthogonal to.
    factor(high);
    vector_.assign(diagonal.size(), 0.0);
    vector_[0] = 1;
    for (int i = 0; i < 4; ++i) {
      solve();
      make_unit(vector_);
    }
  }
  [[nodiscard]] double value() const noexcept { return value_; }
  [[nodiscard]] std::span<const double> vector() const noexcept { return vector_; }

 private:
  bool factor(double shift) {
    bool below = true;
    for (std::size_t i = 0; i < pivots_.size(); ++i) {
      pivots_[i] = diagonal_[i] - shift;
      if (i > 0) pivots_[i] -= beside_[i - 1] * beside_[i - 1] / pivots_[i - 1];
      below = below && pivots_[i] < 0;
      if (!below) return false;
    }
    return true;
  }
  void solve() {
    const std::size_t n = pivots_.size();
    for (std::size_t i = 1; i < n; ++i) {
      vector_[i] -= beside_[i - 1] / pivots_[i - 1] * vector_[i - 1];
    }
    for (std::size_t i = n; i-- > 0;) {
      if (i + 1 < n) vector_[i] -= beside_[i] * vector_[i + 1];
      vector_[i] /= pivots_[i];
    }
  }

  std::span<const double> diagonal_;
  std::span<const double> beside_;
  std::vector<double> pivots_;
  std::vector<double> vector_;
  double value_ = 0;
};

/// Improves `v` in the space of its first images, outside the span of `found`.
template <symmetric_operator A>
class lanczos {
 public:
  lanczos(const A& a, std::size_t width, const lanczos_options& how)
      : a_(a), width_(width), how_(how), image_(width) {}

  eigenvector run(std::span<const double> start, std::span<const double> found) {
    eigenvector best;
    best.vector.assign(start.begin(), start.end());
    for (std::size_t i = 0; i <= how_.n_restarts; ++i) {
      take_out(found, best.vector);
      if (!(make_unit(best.vector) > 0)) return nothing();
      if (!grow(best.vector, found)) return nothing();
      improve(best);
      if (best.residual <= how_.tolerance) break;
    }
    return best;
  }

 private:
  [[nodiscard]] eigenvector nothing() const { return {0, std::vector<double>(width_, 0.0), 0}; }
  std::span<double> row(std::size_t i) { return std::span(basis_).subspan(i * width_, width_); }

  /// Fills the basis and the tridiagonal matrix that A is on it; false if A does nothing there.
  bool grow(std::span<const double> first, std::span<const double> found) {
    basis_.assign(first.begin(), first.end());
    diagonal_.clear();
    beside_.clear();
    double scale = 0;
    while (diagonal_.size() < how_.n_steps) {
      a_(std::span<const double>(row(diagonal_.size())), std::span<double>(image_));
      take_out(found, image_);
      diagonal_.push_back(dot(row(diagonal_.size()), image_));
      take_out(basis_, image_);
      beside_.push_back(make_unit(image_));
      scale = std::max(scale, std::abs(diagonal_.back()) + beside_.back());
      // The space is closed under A: what it can give is all there.
      if (!(beside_.back() > 1e-14 * scale) || basis_.size() >= width_ * width_) break;
      basis_.insert(basis_.end(), image_.begin(), image_.end());
    }
    return std::isfinite(scale) && scale > 0;
  }

  void improve(eigenvector& v) {
    const std::size_t n = diagonal_.size();
    const tridiagonal_top small(diagonal_, beside_);
    const auto mix = small.vector();
    std::fill(v.vector.begin(), v.vector.end(), 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t e = 0; e < width_; ++e) v.vector[e] += mix[i] * row(i)[e];
    }
    v.value = small.value();
    v.residual = v.value > 0 ? beside_[n - 1] * std::abs(mix[n - 1]) / v.value : 0;
  }

  const A& a_;
  std::size_t width_;
  lanczos_options how_;
  std::vector<double> image_;     // (width)
  std::vector<double> basis_;     // (steps, width), orthonormal
  std::vector<double> diagonal_;  // (steps)
  std::vector<double> beside_;    // (steps)
};

}  // namespace detail

/// The eigenvectors of the largest eigenvalues of a symmetric matrix without negative ones, from
/// the largest on: Lanczos iterations with full orthogonalisation, restarted from the best vector
/// so far. The matrix is never written down. A vector's sign is that of its product with `start`.
///
/// Shapes:  start (n), anything that is not orthogonal to what is looked for.
/// Errors:  none: a vector that has not reached the tolerance says so by its residual; where
///          nothing is left (or a number is not finite), value and vector are zero.
/// Cost:    some tens of products with the matrix for each vector; room for n_steps vectors.
/// Source:  Golub and Van Loan 2013, "Matrix Computations", chapter 10.
template <symmetric_operator A>
std::vector<eigenvector> leading_eigenvectors(const A& a, std::size_t n_wanted,
                                              std::span<const double> start,
                                              const lanczos_options& how = {}) {
  const std::size_t width = start.size();
  detail::lanczos<A> search(a, width, how);
  std::vector<eigenvector> result;
  std::vector<double> found;
  for (std::size_t i = 0; i < std::min(n_wanted, width); ++i) {
    result.push_back(search.run(start, found));
    eigenvector& v = result.back();
    if (!(v.value > 0)) break;
    found.insert(found.end(), v.vector.begin(), v.vector.end());
    if (detail::dot(v.vector, start) < 0) {
      for (double& e : v.vector) e = -e;
    }
  }
  return result;
}

}  // namespace multitudes::linalg
