// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/linalg/lowdin.hpp>
#include <multitudes/linalg/orthonormal.hpp>
#include <multitudes/persona/persona.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

namespace detail {

/// Makes an orthonormal basis layer by layer: `turn(rows, layer)` changes the rows (n_personas,
/// model_dim) of one layer, and persona i gets row i under the label `prefix(label)`.
template <class Turn>
expected<std::vector<persona>> basis_of(std::span<const persona> personas,
                                        const std::string& prefix, Turn turn) {
  if (personas.empty()) {
    return fail({.code = errc::invalid_argument,
                 .operation = "make a basis",
                 .place = {},
                 .found = "no personas",
                 .expected = "at least one, to know the space",
                 .remedy = {}});
  }
  const activation_space* seen = nullptr;
  for (const persona& p : personas) {
    if (const fault f = p.check(seen)) return fail_with(f);
  }
  const activation_space space = *seen;
  const std::size_t n = personas.size(), width = space.model_dim;
  std::vector<double> buffer(n * width);
  const matrix_view<double> rows(buffer.data(), n, width);
  std::vector<std::vector<float>> values(n);  // (n_personas)(n_layers, model_dim)
  for (std::uint32_t l = 0; l < space.n_layers; ++l) {
    for (std::size_t i = 0; i < n; ++i) {
      std::ranges::copy(personas[i].direction().row(layer_index(l)), rows.row(i).begin());
    }
    if (auto done = turn(rows, layer_index(l)); !done) return forward_error(done);
    for (std::size_t i = 0; i < n; ++i) {
      for (const double x : rows.row(i)) values[i].push_back(static_cast<float>(x));
    }
  }
  std::vector<persona> made;
  for (std::size_t i = 0; i < n; ++i) {
    auto turned = direction::make(space, values[i]);
    if (!turned) return forward_error(turned);
    const std::vector<weighted_goal> goals(personas[i].goals().begin(), personas[i].goals().end());
    auto p = persona::make(prefix + "(" + personas[i].label() + ")", std::move(*turned), goals);
    if (!p) return forward_error(p);
    made.push_back(std::move(*p));
  }
  return made;
}

}  // namespace detail

/// Orthonormal personas by Gram and Schmidt: in each layer the first stays what it is, at unit
/// norm, and every other keeps what those before it do not have. The order matters: put first who
/// should be left alone. In a layer where a persona has no more than `linalg::rank_tolerance` of
/// its length left, it becomes zero there. Labels read `orthonormal(bard)`; goals stay.
///
/// Laws:    in each layer, inner products are those of orthonormal vectors to 2^-22; the first k
///          span what the first k given do.
/// Errors:  invalid_argument without personas; space_mismatch; zero_direction if one of them adds
///          nothing in any layer.
/// Cost:    2 * n^2 multiply-adds for each element of a direction.
[[nodiscard]] inline expected<std::vector<persona>> gram_schmidt_basis(
    std::span<const persona> personas) {
  auto made = detail::basis_of(personas, "orthonormal",
                               [](matrix_view<double> rows, layer_index) -> expected<void> {
                                 auto rank = linalg::gram_schmidt(rows);
                                 if (!rank) return forward_error(rank);
                                 return {};
                               });
  if (!made) return made;
  for (std::size_t i = 0; i < made->size(); ++i) {
    if (!(*made)[i].direction().is_zero()) continue;
    return fail({.code = errc::zero_direction,
                 .operation = "make a basis",
                 .place = "'" + personas[i].label() + "'",
                 .found = "a combination of the personas before it, in all layers",
                 .expected = "something of its own",
                 .remedy = "leave it out"});
  }
  return made;
}

/// Orthonormal personas by Löwdin: in each layer the orthonormal set that is nearest to the
/// personas at unit norm, all treated alike, so that the order does not matter. Who is zero in a
/// layer stays zero there. Labels read `lowdin(bard)`; goals stay.
///
/// Laws:    in each layer, inner products are those of orthonormal vectors to 2^-22; permuting the
///          personas permutes the basis, to 2^-22 divided by the smallest singular value.
/// Errors:  invalid_argument without personas, and where those that are not zero in a layer are
///          dependent, naming it; space_mismatch.
/// Cost:    about 4 * n^2 multiply-adds for each element of a direction.
/// Source:  Löwdin 1950, "On the non-orthogonality problem".
[[nodiscard]] inline expected<std::vector<persona>> lowdin_basis(
    std::span<const persona> personas) {
  return detail::basis_of(
      personas, "lowdin", [](matrix_view<double> rows, layer_index layer) -> expected<void> {
        std::vector<std::size_t> present;
        std::vector<double> buffer;
        for (std::size_t i = 0; i < rows.rows(); ++i) {
          const std::span<double> row = rows.row(i);
          double squares = 0;
          for (const double x : row) squares += x * x;
          if (squares == 0) continue;
          present.push_back(i);
          for (const double x : row) buffer.push_back(x / std::sqrt(squares));
        }
        const matrix_view<double> nonzero(buffer.data(), present.size(), rows.cols());
        if (auto done = linalg::lowdin(nonzero); !done) {
          error e = std::move(done).error();
          e.place = "layer " + std::to_string(layer.value);
          return fail(std::move(e));
        }
        for (std::size_t k = 0; k < present.size(); ++k) {
          std::ranges::copy(nonzero.row(k), rows.row(present[k]).begin());
        }
        return {};
      });
}

}  // namespace multitudes
