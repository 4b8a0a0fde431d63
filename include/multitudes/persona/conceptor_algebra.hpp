// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/linalg/orthonormal.hpp>
#include <multitudes/linalg/symmetric.hpp>
#include <multitudes/persona/conceptor.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace multitudes {

namespace detail {

inline expected<void> check_same_place(const conceptor& a, const conceptor& b) {
  if (a.space() == b.space() && a.layer() == b.layer()) return {};
  const auto place = [](const conceptor& c) {
    return "layer " + std::to_string(c.layer().value) + " of " + to_string(c.space());
  };
  return fail({.code = errc::space_mismatch,
               .operation = "combine conceptors",
               .place = {},
               .found = place(b),
               .expected = place(a),
               .remedy = {}});
}

/// The rows of both, one basis for all that either of them tells apart: (r, width), row-major.
inline expected<std::vector<double>> common_rows(const conceptor& a, const conceptor& b) {
  const std::size_t width = a.space().model_dim;
  std::vector<double> rows;
  for (const conceptor* c : {&a, &b}) {
    for (std::size_t i = 0; i < c->rank(); ++i) {
      for (const float x : c->rows().row(i)) rows.push_back(static_cast<double>(x));
    }
  }
  const matrix_view<double> all(rows.data(), a.rank() + b.rank(), width);
  auto rank = linalg::gram_schmidt(all);
  if (!rank) return forward_error(rank);
  std::vector<double> kept;
  for (std::size_t i = 0; i < all.rows(); ++i) {
    const std::span<const double> row = all.row(i);
    if (std::ranges::all_of(row, [](double x) { return x == 0; })) continue;
    kept.insert(kept.end(), row.begin(), row.end());
  }
  return kept;
}

/// A conceptor as a matrix over a basis that spans its rows: (r, r).
inline std::vector<double> matrix_over(const conceptor& c, matrix_view<const double> basis) {
  const std::size_t r = basis.rows();
  const double a0 = c.outside() == outside_rows::everything_kept ? 1 : 0;
  std::vector<double> m(r * r), along(r);
  for (std::size_t i = 0; i < r; ++i) m[i * r + i] = a0;
  for (std::size_t k = 0; k < c.rank(); ++k) {
    const std::vector<double> row(c.rows().row(k).begin(), c.rows().row(k).end());
    for (std::size_t i = 0; i < r; ++i) along[i] = linalg::detail::dot(basis.row(i), row);
    for (std::size_t i = 0; i < r; ++i) {
      for (std::size_t j = 0; j < r; ++j)
        m[i * r + j] += (c.shares()[k] - a0) * along[i] * along[j];
    }
  }
  return m;
}

/// (a^-1 + b^-1 - I)^-1 for symmetric a and b between 0 and I, (r, r). Where one of them keeps
/// nothing the result keeps nothing; the formula is used on what is left.
inline expected<std::vector<double>> matrix_conjunction(matrix_view<const double> a,
                                                        matrix_view<const double> b) {
  const std::size_t r = a.rows();
  // What a conceptor keeps of a row of its own is either more than its tolerance or 0.
  constexpr double least = conceptor::share_tolerance / 2;
  std::vector<double> inverses(r * r), nulls(r * r);
  for (const auto& m : {a, b}) {
    auto system = linalg::eigen_symmetric(m);
    if (!system) return forward_error(system);
    const auto inverse =
        linalg::symmetric_function(*system, [](double x) { return x > least ? 1 / x : 0; });
    const auto null =
        linalg::symmetric_function(*system, [](double x) { return x > least ? 0 : 1; });
    for (std::size_t i = 0; i < r * r; ++i) {
      inverses[i] += (*inverse)[i];
      nulls[i] += (*null)[i];
    }
  }
  auto reach = linalg::eigen_symmetric({nulls.data(), r, r});
  if (!reach) return forward_error(reach);
  // Kept by both: those vectors w of which neither null space has more than an angle of 2^-18.
  std::vector<double> kept;
  for (std::size_t i = 0; i < r; ++i) {
    if (reach->values[i] > 0x1p-36) continue;
    kept.insert(kept.end(), reach->vector(i).begin(), reach->vector(i).end());
  }
  std::vector<double> result(r * r);
  const std::size_t m = r == 0 ? 0 : kept.size() / r;
  if (m == 0) return result;
  const matrix_view<const double> w(kept.data(), m, r), sum(inverses.data(), r, r);
  std::vector<double> inside(m * m), image(r);
  for (std::size_t j = 0; j < m; ++j) {
    for (std::size_t i = 0; i < r; ++i) image[i] = linalg::detail::dot(sum.row(i), w.row(j));
    for (std::size_t i = 0; i < m; ++i) {
      inside[i * m + j] = linalg::detail::dot(w.row(i), image) - (i == j ? 1 : 0);
    }
  }
  auto system = linalg::eigen_symmetric({inside.data(), m, m});
  if (!system) return forward_error(system);
  for (std::size_t k = 0; k < m; ++k) {
    std::ranges::fill(image, 0.0);
    for (std::size_t j = 0; j < m; ++j) {
      for (std::size_t i = 0; i < r; ++i) image[i] += system->vector(k)[j] * w.row(j)[i];
    }
    const double share = 1 / std::max(system->values[k], 1.0);
    for (std::size_t i = 0; i < r; ++i) {
      for (std::size_t j = 0; j < r; ++j) result[i * r + j] += share * image[i] * image[j];
    }
  }
  return result;
}

}  // namespace detail

/// What both clouds fill: (a^-1 + b^-1 - I)^-1, as a limit where the inverses do not exist. A
/// direction that one of them does not keep at all is not kept; shares s and t of one common
/// direction become 1 / (1/s + 1/t - 1).
///
/// Laws:    commutative and associative, to 2^-16; conjunction(c, everything) is c;
///          conjunction(c, c) is c adapted by sqrt(1/2), not c; the quota is not above either's.
/// Errors:  space_mismatch unless both are of the same layer of the same space.
/// Cost:    with r = a.rank() + b.rank(): 2 * r^2 * model_dim multiply-adds and some 50 r^3.
/// Source:  Jaeger 2014, arXiv:1403.3369.
[[nodiscard]] inline expected<conceptor> conjunction(const conceptor& a, const conceptor& b) {
  if (auto same = detail::check_same_place(a, b); !same) return forward_error(same);
  const std::size_t width = a.space().model_dim;
  auto common = detail::common_rows(a, b);
  if (!common) return forward_error(common);
  const std::size_t r = width == 0 ? 0 : common->size() / width;
  const matrix_view<const double> basis(common->data(), r, width);
  const std::vector<double> left = detail::matrix_over(a, basis);
  const std::vector<double> right = detail::matrix_over(b, basis);
  auto both = detail::matrix_conjunction({left.data(), r, r}, {right.data(), r, r});
  if (!both) return forward_error(both);
  auto system = linalg::eigen_symmetric({both->data(), r, r});
  if (!system) return forward_error(system);
  std::vector<double> shares;
  std::vector<float> rows;
  std::vector<double> row(width);
  for (std::size_t k = 0; k < r; ++k) {
    std::ranges::fill(row, 0.0);
    for (std::size_t i = 0; i < r; ++i) {
      for (std::size_t c = 0; c < width; ++c) row[c] += system->vector(k)[i] * basis.row(i)[c];
    }
    shares.push_back(std::clamp(system->values[k], 0.0, 1.0));
    for (const double x : row) rows.push_back(static_cast<float>(x));
  }
  const bool everything =
      a.outside() == outside_rows::everything_kept && b.outside() == outside_rows::everything_kept;
  return conceptor::make(a.space(), a.layer(),
                         everything ? outside_rows::everything_kept : outside_rows::nothing_kept,
                         shares, {rows.data(), r, width});
}

/// What either cloud fills, or both together: the conceptor of a cloud whose mean of x x^T is the
/// sum of theirs.
///
/// Laws:    de Morgan's: disjunction(a, b) is negation(conjunction(negation(a), negation(b)));
///          disjunction(c, nothing) is c; disjunction(c, c) is c adapted by sqrt(2); disjunction(c,
///          negation(c)) is not everything, as long as c is soft.
/// Errors, cost and source are those of `conjunction`.
[[nodiscard]] inline expected<conceptor> disjunction(const conceptor& a, const conceptor& b) {
  auto neither = conjunction(negation(a), negation(b));
  if (!neither) return neither;
  return negation(*neither);
}

}  // namespace multitudes
