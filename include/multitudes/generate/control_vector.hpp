// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/checked_size.hpp>
#include <multitudes/format/gguf_reader.hpp>
#include <multitudes/format/gguf_writer.hpp>
#include <multitudes/persona/persona.hpp>

#include <charconv>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes {

/// Control vectors as llama.cpp and repeng write them: GGUF files of the architecture
/// `controlvector` with F32 tensors `direction.L`, where L is the 0-based block after which the
/// vector is added. Block 0 has no place in such a file. Their numbers are raw units.
///
/// Reads one as a persona of `space`: the files do not say which model they belong to, so the
/// caller does.
///
/// Errors:  io_failure, truncated or malformed; unsupported for another architecture or tensor;
///          shape_mismatch if the width or a layer is not the space's; non_finite.
inline expected<persona> read_control_vector(const gguf::file& file, const activation_space& space,
                                             std::string label) {
  const auto bad = [](errc code, std::string_view place, std::string found, std::string wanted,
                      const char* remedy) {
    return fail({.code = code,
                 .operation = "read control vector",
                 .place = std::string(place),
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = remedy});
  };
  auto architecture = file.string_at("general.architecture");
  if (!architecture) return forward_error(architecture);
  if (*architecture != "controlvector") {
    return bad(errc::unsupported, "key general.architecture", std::string(*architecture),
               "controlvector", "this is a model, not a control vector");
  }
  std::vector<float> values(std::size_t{space.n_layers} * space.model_dim, 0.0f);
  constexpr std::string_view prefix = "direction.";
  if (file.tensors().empty()) {
    return bad(errc::not_found, file.name(), "no tensors", "direction.1, direction.2, ...", "");
  }
  for (const gguf::tensor& tensor : file.tensors()) {
    const std::string place = "tensor " + std::string(tensor.name);
    std::uint32_t layer = 0;
    const std::string_view number = tensor.name.substr(std::min(prefix.size(), tensor.name.size()));
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), layer);
    if (!tensor.name.starts_with(prefix) || parsed.ec != std::errc{} ||
        parsed.ptr != number.data() + number.size() || number.starts_with('0')) {
      return bad(errc::unsupported, place, "a tensor of this name", "direction.L with L from 1 on",
                 "it cannot be applied to a block");
    }
    if (tensor.type != gguf::tensor_type::f32) {
      return bad(errc::unsupported, place, "type " + std::string(gguf::name(tensor.type)), "F32",
                 "write the vector in full precision");
    }
    if (layer >= space.n_layers) {
      return bad(errc::shape_mismatch, place, "block " + std::to_string(layer),
                 "less than " + std::to_string(space.n_layers), "it is another model's vector");
    }
    if (tensor.n_elements() != space.model_dim) {
      return bad(errc::shape_mismatch, place, std::to_string(tensor.n_elements()) + " elements",
                 std::to_string(space.model_dim), "it is another model's vector");
    }
    std::memcpy(values.data() + std::size_t{layer} * space.model_dim, tensor.data.data(),
                tensor.data.size());
  }
  auto d = direction::make(space, values);
  if (!d) return forward_error(d);
  return persona::make(std::move(label), *std::move(d));
}

inline expected<persona> read_control_vector(const std::string& path, const activation_space& space,
                                             std::string label) {
  auto file = gguf::file::read(path);
  if (!file) return forward_error(file);
  return read_control_vector(*file, space, std::move(label));
}

/// Writes a persona's direction for other tools. `model_hint` is the architecture's name.
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
