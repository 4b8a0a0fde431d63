// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/format/gguf_reader.hpp>
#include <multitudes/format/gguf_writer.hpp>
#include <multitudes/generate/detail/direction_rows.hpp>
#include <multitudes/generate/detail/foreign_vector.hpp>
#include <multitudes/persona/persona.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace multitudes {

/// How the layers of a control vector are understood.
struct control_vector_options {
  /// Added to each L of the file. 0: the blocks after which llama.cpp adds the vectors. -1: the
  /// blocks that llama.cpp's own generator and jukofyork's tool measured; both write what they
  /// saw after block i as direction.(i + 1), so that llama.cpp adds it one block later.
  int layer_shift = 0;
};

/// Reads a control vector as llama.cpp, repeng, jukofyork's tool and EasySteer write them, as a
/// persona of `space`: a GGUF file of the architecture `controlvector` with a tensor `direction.L`
/// for each steered layer. The files do not say which model they belong to, so the caller does.
/// L is the 0-based block after which llama.cpp adds the vector; it has no place for block 0,
/// and only EasySteer writes one.
///
/// Units:   raw: what is added, at strength 1.
/// Errors:  io_failure, truncated or malformed, a layer twice included; unsupported for another
///          architecture, another operation than adding (`glp.mode`), or another tensor;
///          space_mismatch for another hook point; shape_mismatch if the width or a layer is not
///          the space's; non_finite.
/// Source:  docs/files.md describes what each tool writes.
inline expected<persona> read_control_vector(const gguf::file& file, const activation_space& space,
                                             std::string label, control_vector_options how = {}) {
  if (auto done = detail::check_architecture(file); !done) return forward_error(done);
  if (auto done = detail::check_operation(file, "add"); !done) return forward_error(done);
  if (auto done = detail::check_hook(file); !done) return forward_error(done);
  constexpr std::string_view prefix = "direction.";
  if (file.tensors().empty()) {
    return detail::refuse_control_vector(errc::not_found, file.name(), "no tensors",
                                         "direction.1, direction.2, ...", "");
  }
  const bool by_easysteer = file.find("controlvector.method") != nullptr;
  detail::direction_rows rows(detail::reading_control_vector, space);
  for (const gguf::tensor& tensor : file.tensors()) {
    const bool fits = tensor.name.starts_with(prefix);
    const auto layer = fits ? detail::layer_number(tensor.name.substr(prefix.size()))
                            : std::optional<std::uint32_t>();
    if (!layer || (*layer == 0 && !by_easysteer)) {
      return detail::not_a_direction(tensor, "direction.L with L from 1 on");
    }
    const auto row = detail::row_of(tensor);
    if (!row) return fail(row.error());
    if (auto done = rows.add(*layer, how.layer_shift, *row); !done) return forward_error(done);
  }
  auto d = rows.finish();
  if (!d) return forward_error(d);
  return persona::make(std::move(label), *std::move(d));
}

inline expected<persona> read_control_vector(const std::string& path, const activation_space& space,
                                             std::string label, control_vector_options how = {}) {
  const auto file = gguf::file::read(path);
  if (!file) return fail(file.error());
  return read_control_vector(*file, space, std::move(label), how);
}

/// Writes a persona's direction for other tools, in the layout of repeng and llama.cpp. What the
/// file cannot say is lost: label, units, goals, the model. `model_hint` is the architecture's
/// name. To keep everything: `save_persona`.
///
/// Errors:  unsupported if block 0 is steered, which such a file cannot say; zero_direction if
///          nothing is; io_failure.
inline expected<void> write_control_vector(const persona& who, const std::string& path,
                                           std::string_view model_hint = "llama") {
  const direction& d = who.direction();
  const activation_space& space = who.space();
  const auto refuse = [&](errc code, const char* found, const char* remedy) {
    return fail({.code = code,
                 .operation = "write control vector",
                 .place = who.label(),
                 .found = found,
                 .expected = "a direction at block 1 or later",
                 .remedy = remedy});
  };
  if (space.n_layers > 0 && d.norm(layer_index(0)) != 0) {
    return refuse(errc::unsupported, "a direction at block 0", "use only_layers(1, ...)");
  }
  gguf::writer out;
  out.add("general.architecture", "controlvector");
  out.add("controlvector.model_hint", model_hint);
  std::uint32_t n_layers = 0;
  for (std::uint32_t l = 1; l < space.n_layers; ++l) {
    if (d.norm(layer_index(l)) == 0) continue;
    ++n_layers;
    out.add_tensor("direction." + std::to_string(l), {space.model_dim}, gguf::tensor_type::f32,
                   std::as_bytes(d.row(layer_index(l))));
  }
  if (n_layers == 0) {
    return refuse(errc::zero_direction, "a zero direction", "a file of nothing helps nobody");
  }
  out.add("controlvector.layer_count", n_layers);
  return out.save(path);
}

}  // namespace multitudes
