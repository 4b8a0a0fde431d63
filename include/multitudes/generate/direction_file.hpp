// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/space.hpp>
#include <multitudes/format/npy.hpp>
#include <multitudes/format/safetensors.hpp>
#include <multitudes/format/safetensors_writer.hpp>
#include <multitudes/generate/detail/direction_rows.hpp>
#include <multitudes/persona/persona.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace multitudes {

/// How the tensors of a safetensors file are understood.
struct safetensors_options {
  std::string_view prefix = "direction.";  ///< tensors are called this and the layer's number
  int layer_shift = 0;                     ///< added to each number
};

namespace detail {

inline constexpr const char* reading_safetensors = "read safetensors direction";
inline constexpr const char* reading_npy = "read npy direction";

inline std::optional<real_type> real_type_of(safetensors::dtype type) noexcept {
  switch (type) {
    case safetensors::dtype::f16: return real_type::f16;
    case safetensors::dtype::bf16: return real_type::bf16;
    case safetensors::dtype::f32: return real_type::f32;
    case safetensors::dtype::f64: return real_type::f64;
    default: return std::nullopt;
  }
}

constexpr real_type real_type_of(npy::element type) noexcept {
  return type == npy::element::f16   ? real_type::f16
         : type == npy::element::f32 ? real_type::f32
                                     : real_type::f64;
}

/// A text of the metadata, where it is there at all.
inline expected<void> check_metadata(const safetensors::file& file, std::string_view key,
                                     std::string_view wanted, errc code, const char* remedy) {
  const std::string* found = file.find(key);
  if (found == nullptr || *found == wanted) return {};
  return fail({.code = code,
               .operation = reading_safetensors,
               .place = "metadata " + std::string(key),
               .found = detail::quoted(*found),
               .expected = std::string(wanted),
               .remedy = remedy});
}

/// What a file of ours says about where it belongs.
inline expected<void> check_metadata(const safetensors::file& file, const activation_space& space) {
  const auto check = [&](std::string_view key, std::string_view wanted, errc code,
                         const char* remedy) {
    return check_metadata(file, key, wanted, code, remedy);
  };
  const char* const another = "it is another model's file";
  auto done = check("multitudes.operation", "add", errc::unsupported,
                    "nothing here knows this operation for a direction");
  if (done) {
    done = check("multitudes.hook_point", name(space.hook), errc::space_mismatch,
                 "it belongs to another hook point");
  }
  if (done) {
    done = check("multitudes.model_dim", std::to_string(space.model_dim), errc::shape_mismatch,
                 another);
  }
  if (done) {
    done =
        check("multitudes.n_layers", std::to_string(space.n_layers), errc::shape_mismatch, another);
  }
  if (done) {
    done = check("multitudes.model", to_string(space.model), errc::space_mismatch,
                 "learn it again on this model, or read it in the space it was learned in and "
                 "rebase it");
  }
  return done;
}

}  // namespace detail

/// Reads a persona's direction from a safetensors file: a tensor `direction.L` of F32, F16, BF16
/// or F64 for each steered block L, 0-based, of shape (model_dim) or (1, model_dim). If the file
/// says which model, hook point and operation it is for, as ours do, that must agree with `space`;
/// else the caller vouches for it.
///
/// Units:   raw.
/// Errors:  io_failure, truncated or malformed, a layer twice included; unsupported for other
///          tensors, element types and operations; shape_mismatch if the width or a layer is not
///          the space's; space_mismatch for another model or hook point; non_finite; not_found
///          without tensors.
inline expected<persona> read_safetensors(const safetensors::file& file,
                                          const activation_space& space, std::string label,
                                          safetensors_options how = {}) {
  const auto refuse = [](errc code, std::string place, std::string found, std::string wanted) {
    return fail({.code = code,
                 .operation = detail::reading_safetensors,
                 .place = std::move(place),
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = {}});
  };
  if (auto done = detail::check_metadata(file, space); !done) return forward_error(done);
  if (file.tensors().empty()) {
    return refuse(errc::not_found, file.name(), "no tensors", std::string(how.prefix) + "L");
  }
  detail::direction_rows rows(detail::reading_safetensors, space);
  for (const safetensors::tensor& tensor : file.tensors()) {
    const std::string place = "tensor " + detail::quoted(tensor.name);
    const std::string_view its_name = tensor.name;
    const auto layer = its_name.starts_with(how.prefix)
                           ? detail::layer_number(its_name.substr(how.prefix.size()))
                           : std::optional<std::uint32_t>();
    if (!layer) {
      return refuse(errc::unsupported, place, "a tensor of this name",
                    detail::quoted(how.prefix) + " and the number of a layer");
    }
    const auto type = detail::real_type_of(tensor.type);
    if (!type) {
      return refuse(errc::unsupported, place, std::string(safetensors::name(tensor.type)),
                    "F32, F16, BF16 or F64");
    }
    const bool is_row =
        tensor.shape.size() == 1 || (tensor.shape.size() == 2 && tensor.shape.front() == 1);
    if (!is_row) {
      return refuse(errc::shape_mismatch, place,
                    std::to_string(tensor.shape.size()) + " dimensions",
                    "one row: (model_dim) or (1, model_dim)");
    }
    const detail::stored_row row{
        .place = place, .type = *type, .size = tensor.shape.back(), .data = tensor.data.data()};
    if (auto done = rows.add(*layer, how.layer_shift, row); !done) return forward_error(done);
  }
  auto d = rows.finish();
  if (!d) return forward_error(d);
  return persona::make(std::move(label), *std::move(d));
}

inline expected<persona> read_safetensors(const std::string& path, const activation_space& space,
                                          std::string label, safetensors_options how = {}) {
  const auto file = safetensors::file::read(path);
  if (!file) return fail(file.error());
  return read_safetensors(*file, space, std::move(label), how);
}

/// Writes a persona's direction as read_safetensors reads it, layers of zeros left out; the
/// metadata says label, operation, hook point, model, layers and width. Units and goals are lost.
///
/// Errors:  zero_direction if nothing is steered; invalid_argument for a label that is not UTF-8;
///          io_failure.
inline expected<void> write_safetensors(const persona& who, const std::string& path) {
  const activation_space& space = who.space();
  safetensors::writer out;
  out.add("multitudes.label", who.label());
  out.add("multitudes.operation", "add");
  out.add("multitudes.hook_point", name(space.hook));
  out.add("multitudes.model", to_string(space.model));
  out.add("multitudes.n_layers", std::to_string(space.n_layers));
  out.add("multitudes.model_dim", std::to_string(space.model_dim));
  if (who.direction().is_zero()) {
    return fail({.code = errc::zero_direction,
                 .operation = "write safetensors direction",
                 .place = who.label(),
                 .found = "a zero direction",
                 .expected = "a direction in at least one layer",
                 .remedy = "a file of nothing helps nobody"});
  }
  for (std::uint32_t l = 0; l < space.n_layers; ++l) {
    if (who.direction().norm(layer_index(l)) == 0) continue;
    out.add_tensor("direction." + std::to_string(l), safetensors::dtype::f32, {space.model_dim},
                   std::as_bytes(who.direction().row(layer_index(l))));
  }
  return out.save(path);
}

/// Reads a persona's direction from an array of NumPy, in either order.
///
/// Shapes:  (n_layers, model_dim); or (model_dim), for the one layer that is given.
/// Units:   raw.
/// Errors:  io_failure, truncated, malformed or unsupported; shape_mismatch; invalid_argument if
///          a layer is given for an array of all or missing for an array of one; non_finite.
inline expected<persona> read_npy(const npy::array& array, const activation_space& space,
                                  std::string label, std::optional<layer_index> layer = {}) {
  const auto shape = array.shape();
  std::string found = "(";
  for (const std::uint64_t n : shape.first(std::min<std::size_t>(shape.size(), 4))) {
    found += std::to_string(n) + ",";
  }
  found += shape.size() > 4 ? " ...)" : ")";
  const auto refuse = [&](errc code, std::string wanted) {
    return fail({.code = code,
                 .operation = detail::reading_npy,
                 .place = array.name(),
                 .found = "shape " + found + (layer ? " and a layer" : " and no layer"),
                 .expected = std::move(wanted),
                 .remedy = "an array of one layer needs to be told which"});
  };
  const std::string all = "(" + std::to_string(space.n_layers) + "," +
                          std::to_string(space.model_dim) + ") and no layer";
  const std::string one = "(" + std::to_string(space.model_dim) + ",) and a layer";
  if (shape.size() != 1 && shape.size() != 2)
    return refuse(errc::shape_mismatch, all + ", or " + one);
  if ((shape.size() == 1) != layer.has_value()) {
    return refuse(errc::invalid_argument, shape.size() == 1 ? one : all);
  }
  if (shape.size() == 2 && shape[0] != space.n_layers) return refuse(errc::shape_mismatch, all);
  const detail::real_type type = detail::real_type_of(array.type());
  const std::size_t n_rows = shape.size() == 1 ? 1 : space.n_layers;
  const std::size_t width = static_cast<std::size_t>(shape.back());
  const bool by_columns = array.fortran_order() && shape.size() == 2;
  detail::direction_rows rows(detail::reading_npy, space);
  for (std::size_t r = 0; r < n_rows; ++r) {
    const std::size_t first = by_columns ? r : r * width;
    const detail::stored_row row{.place = "row " + std::to_string(r),
                                 .type = type,
                                 .size = width,
                                 .data = array.data().data() + first * detail::bytes_of(type),
                                 .stride = by_columns ? n_rows : 1};
    const std::uint32_t number = layer ? layer->value : static_cast<std::uint32_t>(r);
    if (auto done = rows.add(number, 0, row); !done) return forward_error(done);
  }
  auto d = rows.finish();
  if (!d) return forward_error(d);
  return persona::make(std::move(label), *std::move(d));
}

inline expected<persona> read_npy(const std::string& path, const activation_space& space,
                                  std::string label, std::optional<layer_index> layer = {}) {
  const auto array = npy::array::read(path);
  if (!array) return fail(array.error());
  return read_npy(*array, space, std::move(label), layer);
}

}  // namespace multitudes
