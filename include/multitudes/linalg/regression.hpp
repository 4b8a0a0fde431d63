// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/linalg/leading_eigenvectors.hpp>
#include <multitudes/linalg/orthonormal.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace multitudes::linalg {

/// How far an iterative solution got.
struct solved {
  std::size_t n_steps = 0;
  double residual = 0;  ///< what is left over, as a share of what was asked for
};

/// Solves A x = b for a positive definite A by conjugate gradients, starting at zero.
///
/// Shapes:  b and x (n), different memory.
/// Errors:  none: `residual` says what is left after max_steps.
/// Cost:    a product with A for each step; about the square root of A's condition number steps.
/// Source:  Hestenes and Stiefel 1952.
template <symmetric_operator A>
solved conjugate_gradients(const A& a, std::span<const double> b, std::span<double> x,
                           double tolerance = 1e-9, std::size_t max_steps = 1000) {
  std::fill(x.begin(), x.end(), 0.0);
  std::vector<double> left(b.begin(), b.end());
  std::vector<double> step(b.begin(), b.end());
  std::vector<double> image(b.size());
  const double whole = detail::dot(b, b);
  double squares = whole;
  solved how{0, whole > 0 ? 1.0 : 0.0};
  while (how.residual > tolerance && how.n_steps < max_steps) {
    a(std::span<const double>(step), std::span<double>(image));
    const double curvature = detail::dot(step, image);
    if (!(curvature > 0) || !std::isfinite(curvature)) break;
    const double length = squares / curvature;
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] += length * step[i];
      left[i] -= length * image[i];
    }
    const double now = detail::dot(left, left);
    for (std::size_t i = 0; i < x.size(); ++i) step[i] = left[i] + now / squares * step[i];
    squares = now;
    ++how.n_steps;
    how.residual = std::sqrt(squares / whole);
  }
  return how;
}

namespace detail {

/// As `dot`, of a stored row.
inline double dot(std::span<const float> a, std::span<const double> b) noexcept {
  constexpr std::size_t lanes = 8;
  double sums[lanes] = {};
  const std::size_t whole = a.size() / lanes * lanes;
  for (std::size_t i = 0; i < whole; i += lanes) {
    for (std::size_t k = 0; k < lanes; ++k) sums[k] += static_cast<double>(a[i + k]) * b[i + k];
  }
  for (std::size_t i = whole; i < a.size(); ++i) sums[0] += static_cast<double>(a[i]) * b[i];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}
inline void axpy(double factor, std::span<const float> row, std::span<double> out) noexcept {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] += factor * static_cast<double>(row[i]);
}

/// log(1 + exp(x)) without overflow.
inline double softplus(double x) noexcept {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}
inline double sigmoid(double x) noexcept { return 1 / (1 + std::exp(-x)); }

}  // namespace detail

/// Log-odds as a line: of y = 1, `slope * score + bias`.
struct logistic_link {
  double slope = 0;
  double bias = 0;

  [[nodiscard]] double probability(double score) const noexcept {
    return detail::sigmoid(slope * score + bias);
  }
  friend constexpr bool operator==(const logistic_link&, const logistic_link&) = default;
};

/// The link that makes probabilities of scores: the slope and bias of the largest likelihood, with
/// targets drawn in a little from 0 and 1, so that scores that separate perfectly give a finite
/// slope. Never a negative slope: where higher scores are not likelier to be positive, the
/// probability is the share of positive ones, whatever the score.
///
/// Errors:  none: slope and bias are 0 without scores of both kinds.
/// Source:  Platt 1999, "Probabilistic outputs for support vector machines".
inline logistic_link fit_link(std::span<const double> positive, std::span<const double> negative) {
  if (positive.empty() || negative.empty()) return {};
  const auto n_positive = static_cast<double>(positive.size());
  const auto n_negative = static_cast<double>(negative.size());
  const double high = (n_positive + 1) / (n_positive + 2);
  const double low = 1 / (n_negative + 2);
  // In units of the scores' own spread, so that steps are well scaled.
  double middle = 0;
  double spread = 0;
  const auto each = [&](auto visit) {
    for (const double s : positive) visit(s, high);
    for (const double s : negative) visit(s, low);
  };
  each([&](double s, double) { middle += s / (n_positive + n_negative); });
  each(
      [&](double s, double) { spread += (s - middle) * (s - middle) / (n_positive + n_negative); });
  spread = std::sqrt(spread);
  const logistic_link flat{0, std::log(n_positive / n_negative)};
  if (!(spread > 0) || !std::isfinite(spread)) return flat;

  double a = 0;
  double b = flat.bias;
  const auto loss = [&](double slope, double bias) {
    double sum = 0;
    each([&](double s, double target) {
      const double z = slope * (s - middle) / spread + bias;
      sum += detail::softplus(z) - target * z;
    });
    return sum;
  };
  double now = loss(a, b);
  for (int i = 0; i < 100; ++i) {
    double ga = 0, gb = 0, aa = 1e-9, ab = 0, bb = 1e-9;
    each([&](double s, double target) {
      const double x = (s - middle) / spread;
      const double p = detail::sigmoid(a * x + b);
      const double w = p * (1 - p);
      ga += (p - target) * x;
      gb += p - target;
      aa += w * x * x;
      ab += w * x;
      bb += w;
    });
    const double determinant = aa * bb - ab * ab;
    const double da = (bb * ga - ab * gb) / determinant;
    const double db = (aa * gb - ab * ga) / determinant;
    double length = 1;
    double next = loss(a - da, b - db);
    while (!(next <= now) && length > 1e-10) {
      length /= 2;
      next = loss(a - length * da, b - length * db);
    }
    if (!(next <= now)) break;
    a -= length * da;
    b -= length * db;
    const bool done = now - next <= 1e-13 * (1 + now);
    now = next;
    if (done) break;
  }
  if (!(a > 0)) return flat;
  return {a / spread, b - a * middle / spread};
}

/// Two kinds of rows, to be told apart.
struct labeled_rows {
  std::span<const std::span<const float>> positive;
  std::span<const std::span<const float>> negative;
};

/// A hyperplane: positive where `weights . row + bias > 0`.
struct hyperplane {
  std::vector<double> weights;  // (width)
  double bias = 0;
  double gradient = 0;  ///< what is left of the gradient, as a share of its first length
};

namespace detail {

/// The mean loss over rows, with weights that belong to rows about their center.
class logistic_loss {
 public:
  logistic_loss(const labeled_rows& rows, std::span<const double> center, double penalty)
      : rows_(rows),
        center_(center),
        penalty_(penalty),
        share_(1 / static_cast<double>(rows.positive.size() + rows.negative.size())),
        slopes_(rows.positive.size() + rows.negative.size()) {}

  [[nodiscard]] double value(std::span<const double> x) const {
    const auto weights = x.first(center_.size());
    const double shift = x.back() - dot(center_, weights);
    double sum = 0;
    visit([&](std::size_t, std::span<const float> row, double sign) {
      sum += softplus(-sign * (dot(row, weights) + shift));
    });
    return share_ * sum + penalty_ / 2 * dot(weights, weights);
  }
  /// Also remembers the curvature there.
  void gradient(std::span<const double> x, std::span<double> out) {
    const auto weights = x.first(center_.size());
    const double shift = x.back() - dot(center_, weights);
    std::fill(out.begin(), out.end(), 0.0);
    visit([&](std::size_t i, std::span<const float> row, double sign) {
      const double p = sigmoid(-sign * (dot(row, weights) + shift));
      slopes_[i] = share_ * p * (1 - p);
      add(-sign * share_ * p, row, out);
    });
    finish(weights, out);
  }
  /// The curvature times x.
  void operator()(std::span<const double> x, std::span<double> out) const {
    const auto weights = x.first(center_.size());
    const double shift = x.back() - dot(center_, weights);
    std::fill(out.begin(), out.end(), 0.0);
    visit([&](std::size_t i, std::span<const float> row, double) {
      add(slopes_[i] * (dot(row, weights) + shift), row, out);
    });
    finish(weights, out);
  }

 private:
  template <class Visit>
  void visit(Visit&& each) const {
    const std::size_t n = rows_.positive.size();
    for (std::size_t i = 0; i < n; ++i) each(i, rows_.positive[i], 1.0);
    for (std::size_t i = 0; i < rows_.negative.size(); ++i) each(n + i, rows_.negative[i], -1.0);
  }
  static void add(double factor, std::span<const float> row, std::span<double> out) noexcept {
    axpy(factor, row, out.first(row.size()));
    out.back() += factor;
  }
  void finish(std::span<const double> weights, std::span<double> out) const noexcept {
    for (std::size_t e = 0; e < weights.size(); ++e) {
      out[e] += penalty_ * weights[e] - out.back() * center_[e];
    }
  }

  labeled_rows rows_;
  std::span<const double> center_;
  double penalty_;
  double share_;                // of one row in the mean
  std::vector<double> slopes_;  // (rows), of the probabilities at the last gradient
};

}  // namespace detail

/// Logistic regression with a quadratic penalty on the weights and none on the bias: the least of
/// mean(log(1 + exp(-y (w . (x - center) + b)))) + penalty / 2 |w|², by Newton steps that are
/// solved by conjugate gradients.
///
/// Shapes:  rows and center (width).
/// Errors:  none: `gradient` says how far from the bottom it stopped.
/// Cost:    two passes over the rows for each of some tens of products; no square matrix.
/// Source:  Nocedal and Wright 2006, "Numerical Optimization", chapter 7.
inline hyperplane logistic_regression(const labeled_rows& rows, std::span<const double> center,
                                      double penalty) {
  const std::size_t width = center.size();
  hyperplane plane{std::vector<double>(width, 0.0), 0, 0};
  if (rows.positive.empty() || rows.negative.empty()) return plane;
  detail::logistic_loss loss(rows, center, penalty);
  std::vector<double> x(width + 1, 0.0);  // weights and bias
  std::vector<double> slope(x.size());
  std::vector<double> step(x.size());
  std::vector<double> next(x.size());
  double now = loss.value(x);
  double first = 0;
  for (int i = 0; i < 100; ++i) {
    loss.gradient(x, slope);
    const double length = std::sqrt(detail::dot(slope, slope));
    if (i == 0) first = length;
    plane.gradient = first > 0 ? length / first : 0;
    if (!(plane.gradient > 1e-8)) break;
    conjugate_gradients(loss, slope, step, std::min(0.1, std::sqrt(plane.gradient)), 200);
    const double descent = detail::dot(slope, step);
    double share = 1;
    for (; share > 1e-8; share /= 2) {
      for (std::size_t e = 0; e < x.size(); ++e) next[e] = x[e] - share * step[e];
      if (loss.value(next) <= now - 1e-4 * share * descent) break;
    }
    if (!(share > 1e-8)) break;
    std::swap(x, next);
    now = loss.value(x);
  }
  plane.bias = x.back() - detail::dot(center, std::span<const double>(x).first(width));
  x.pop_back();
  plane.weights = std::move(x);
  return plane;
}

}  // namespace multitudes::linalg
