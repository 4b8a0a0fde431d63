// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/format/gguf_reader.hpp>
#include <multitudes/format/gguf_writer.hpp>
#include <multitudes/generate/control_vector.hpp>
#include <multitudes/generate/detail/direction_rows.hpp>
#include <multitudes/generate/detail/glp.hpp>
#include <multitudes/persona/subspace.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes {

/// What a file says to project out: `h - alpha * sum over the rows d of <h, d> d`.
struct projection {
  subspace basis;
  float alpha = 1.0f;  ///< 1 removes the rows' part of h exactly
};

/// Reads a projective control vector: the GLP extension of GGUF control vectors, versions 1 and
/// 2, in mode `project` at the residual stream. Rows become orthonormal again, to 2^-22.
///
/// Errors:  as read_control_vector; unsupported for files that add, newer versions and strengths
///          of single rows or layers; malformed for rows that are not what `glp.rank`,
///          `glp.orthonormal` and `glp.layer_ids_zero_based` say; zero_direction.
/// Source:  spec/GLP.md in github.com/msuiche/weightless.
inline expected<projection> read_projection(const gguf::file& file, const activation_space& space) {
  if (auto done = detail::check_architecture(file); !done) return forward_error(done);
  if (auto done = detail::check_operation(file, "project"); !done) return forward_error(done);
  if (auto done = detail::check_hook(file); !done) return forward_error(done);
  const auto header = detail::read_glp_header(file);
  if (!header) return fail(header.error());
  const auto rows = detail::glp_rows(file, header->rank, space);
  if (!rows) return fail(rows.error());
  if (auto done = detail::check_glp_layers(file, *rows); !done) return forward_error(done);
  const auto rank = static_cast<std::size_t>(header->rank);
  const std::size_t width = space.model_dim;
  std::vector<float> values(std::size_t{space.n_layers} * rank * width, 0.0f);
  for (const auto& [layer, index, tensor] : *rows) {
    const auto row = detail::row_of(*tensor);
    if (!row) return fail(row.error());
    const auto out = std::span(values).subspan((layer * rank + index) * width, width);
    if (auto done = detail::copy_row(detail::reading_control_vector, *row, out); !done) {
      return forward_error(done);
    }
  }
  for (std::size_t i = 0; header->orthonormal && i < rows->size(); i += rank) {
    const std::uint32_t layer = (*rows)[i].layer;
    const auto its = std::span(values).subspan(layer * rank * width, rank * width);
    if (auto done = detail::check_orthonormal(its, rank, width, layer); !done) {
      return forward_error(done);
    }
  }
  auto basis = subspace::make(space, rank, values);
  if (!basis) return forward_error(basis);
  return projection{*std::move(basis), header->alpha};
}

inline expected<projection> read_projection(const std::string& path,
                                            const activation_space& space) {
  const auto file = gguf::file::read(path);
  if (!file) return fail(file.error());
  return read_projection(*file, space);
}

/// How a projection is written down.
struct projection_options {
  std::string_view model_name = {};  ///< what people call the model; empty: not said
  /// Add a tensor that readers of the extension skip and at which llama.cpp, which does not know
  /// the extension and would add the rows instead of projecting them out, refuses the file.
  bool guard = true;
};

/// Writes a projection for other tools that know the GLP extension. What the file cannot say is
/// lost: the model's fingerprint. To keep everything: `save_projection`.
///
/// Errors:  unsupported if block 0 is steered, or steered layers differ in rank, which such a
///          file cannot say; invalid_argument if alpha is negative or not finite; io_failure.
inline expected<void> write_projection(const projection& what, const std::string& path,
                                       projection_options how = {}) {
  const subspace& basis = what.basis;
  const activation_space& space = basis.space();
  const std::size_t rank = basis.max_rank();
  const auto refuse = [&](errc code, std::string found, const char* wanted) {
    return fail({.code = code,
                 .operation = "write projection",
                 .place = path,
                 .found = std::move(found),
                 .expected = wanted,
                 .remedy = {}});
  };
  if (!std::isfinite(what.alpha) || what.alpha < 0) {
    return refuse(errc::invalid_argument, "alpha " + std::to_string(what.alpha),
                  "a finite number of at least 0");
  }
  gguf::writer out;
  std::string layers;
  for (std::uint32_t l = 0; l < space.n_layers; ++l) {
    const std::size_t its = basis.rank(layer_index(l));
    if (its == 0) continue;
    if (l == 0) return refuse(errc::unsupported, "rows at block 0", "rows at block 1 or later");
    if (its != rank) {
      return refuse(errc::unsupported,
                    std::to_string(its) + " rows at block " + std::to_string(l) + ", " +
                        std::to_string(rank) + " elsewhere",
                    "as many rows in each steered layer");
    }
    layers += (layers.empty() ? "" : ",") + std::to_string(l);
    for (std::size_t i = 0; i < rank; ++i) {
      std::string name = "direction." + std::to_string(l);
      if (i > 0) name += "." + std::to_string(i);
      out.add_tensor(name, {space.model_dim}, gguf::tensor_type::f32,
                     std::as_bytes(basis.row(layer_index(l), i)));
    }
  }
  static constexpr std::array<float, 1> nothing{};
  if (how.guard) {
    out.add_tensor("glp.not_additive", {1}, gguf::tensor_type::f32,
                   std::as_bytes(std::span(nothing)));
  }
  out.add("general.architecture", "controlvector");
  if (!how.model_name.empty()) {
    out.add("general.base_model.count", std::uint32_t{1});
    out.add("general.base_model.0.name", how.model_name);
  }
  out.add("glp.spec_version", std::uint32_t{rank > 1 ? 2u : 1u});
  out.add("glp.mode", "project");
  out.add("glp.alpha_default", what.alpha);
  out.add("glp.rank", static_cast<std::uint32_t>(rank));
  out.add("glp.orthonormal", true);
  out.add("glp.hook_point", "residual_stream_post_layer");
  out.add("glp.layer_ids_zero_based", layers);
  return out.save(path);
}

}  // namespace multitudes
