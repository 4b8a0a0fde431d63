// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/space.hpp>
#include <multitudes/format/gguf_reader.hpp>
#include <multitudes/format/gguf_writer.hpp>
#include <multitudes/generate/detail/persona_parts.hpp>
#include <multitudes/generate/projective_vector.hpp>
#include <multitudes/persona/subspace.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes {

/// A projection as a file of ours keeps it.
struct stored_projection {
  std::string label;
  projection what;
};

/// Writes a projection with the space that it belongs to, in the same kind of file as a persona;
/// layers may differ in rank. No reader of control vectors takes it for one: no tensor is called
/// `direction.`.
///
/// Errors:  unsupported for more than 64 rows in a layer; invalid_argument if alpha is not finite;
///          io_failure.
/// Cost:    a copy of the file in memory.
inline expected<void> save_projection(const projection& what, std::string_view label,
                                      const std::string& path) {
  const subspace& basis = what.basis;
  const activation_space& space = basis.space();
  if (!std::isfinite(what.alpha) || basis.max_rank() > detail::max_glp_rank) {
    const bool too_many = basis.max_rank() > detail::max_glp_rank;
    return fail({.code = too_many ? errc::unsupported : errc::invalid_argument,
                 .operation = "save projection",
                 .place = path,
                 .found = too_many ? std::to_string(basis.max_rank()) + " rows"
                                   : "an alpha that is not finite",
                 .expected = too_many ? "at most 64 rows in a layer" : "a finite number",
                 .remedy = {}});
  }
  gguf::writer out;
  detail::add_identity(out, {.kind = "projection", .operation = "project", .label = label}, space);
  out.add("multitudes.alpha", what.alpha);
  std::vector<std::uint32_t> ranks;
  for (std::uint32_t l = 0; l < space.n_layers; ++l) {
    const auto rows = basis.rows(layer_index(l));
    ranks.push_back(static_cast<std::uint32_t>(rows.rows()));
    if (rows.rows() == 0) continue;
    const std::span all(rows.data(), rows.rows() * rows.cols());
    out.add_tensor("basis." + std::to_string(l), {space.model_dim, rows.rows()},
                   gguf::tensor_type::f32, std::as_bytes(all));
  }
  out.add_array("multitudes.ranks", ranks);
  return detail::save_with_checksum(out, path);
}

namespace detail {

inline expected<stored_projection> load_projection_of(const gguf::file& file,
                                                      const activation_space& space) {
  const auto label = file.string_at("multitudes.label");
  if (!label) return fail(label.error());
  const auto alpha = file.real_at("multitudes.alpha");
  if (!alpha) return fail(alpha.error());
  if (!std::isfinite(*alpha)) {
    return refuse_persona(errc::non_finite, "key multitudes.alpha", "NaN or infinity",
                          "a finite number");
  }
  const auto ranks = file.integers_at<std::uint32_t>("multitudes.ranks");
  if (!ranks) return fail(ranks.error());
  const std::size_t most = ranks->empty() ? 0 : *std::ranges::max_element(*ranks);
  if (ranks->size() != space.n_layers || most > max_glp_rank) {
    return refuse_persona(errc::malformed, "key multitudes.ranks",
                          std::to_string(ranks->size()) + " numbers up to " + std::to_string(most),
                          std::to_string(space.n_layers) + " of at most 64");
  }
  // Nothing is allocated before the bytes are known to exist.
  std::vector<const gguf::tensor*> rows(ranks->size(), nullptr);
  for (std::size_t l = 0; l < ranks->size(); ++l) {
    if ((*ranks)[l] == 0) continue;
    const auto tensor = tensor_at(file, "basis." + std::to_string(l), (*ranks)[l], space.model_dim);
    if (!tensor) return fail(tensor.error());
    rows[l] = *tensor;
  }
  const std::size_t width = space.model_dim;
  std::vector<float> values(space.n_layers * most * width, 0.0f);
  for (std::size_t l = 0; l < ranks->size(); ++l) {
    if (rows[l] == nullptr) continue;
    const auto out = std::span(values).subspan(l * most * width, (*ranks)[l] * width);
    if (auto done = load_values(*rows[l], out); !done) return forward_error(done);
  }
  auto basis = subspace::make(space, most, values);
  if (!basis) return forward_error(basis);
  return stored_projection{std::string(*label), {*std::move(basis), static_cast<float>(*alpha)}};
}

}  // namespace detail

/// Reads a projection that `save_projection` wrote, for the model whose space is given. Rows
/// become orthonormal again, to 2^-22.
///
/// Errors:  as load_persona; zero_direction if there are no rows.
inline expected<stored_projection> load_projection(const gguf::file& file,
                                                   const activation_space& space) {
  const auto found = detail::check_identity(file, "projection", "project", &space);
  if (!found) return fail(found.error());
  return detail::load_projection_of(file, space);
}
inline expected<stored_projection> load_projection(const std::string& path,
                                                   const activation_space& space) {
  const auto file = gguf::file::read(path);
  if (!file) return fail(file.error());
  return load_projection(*file, space);
}

}  // namespace multitudes
