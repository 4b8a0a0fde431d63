// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/fingerprint.hpp>
#include <multitudes/core/space.hpp>
#include <multitudes/format/gguf_reader.hpp>
#include <multitudes/format/gguf_writer.hpp>
#include <multitudes/generate/detail/direction_rows.hpp>
#include <multitudes/persona/direction.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::detail {

inline constexpr std::string_view persona_architecture = "multitudes";
inline constexpr std::uint32_t persona_file_version = 1;
inline constexpr std::string_view checksum_key = "multitudes.checksum";
/// Of units, of goals: putting sets of goals together takes time quadratic in their number.
inline constexpr std::size_t max_parts = 4096;

inline constexpr const char* loading_persona = "load persona";

inline unexpected<error> refuse_persona(errc code, std::string place, std::string found,
                                        std::string wanted, std::string remedy = {}) {
  return fail({.code = code,
               .operation = loading_persona,
               .place = std::move(place),
               .found = std::move(found),
               .expected = std::move(wanted),
               .remedy = std::move(remedy)});
}

inline expected<void> check_part_count(std::size_t n, const std::string& place) {
  if (n <= max_parts) return {};
  return refuse_persona(errc::unsupported, place, std::to_string(n) + " units or goals",
                        "at most " + std::to_string(max_parts));
}

/// What every file says about itself.
struct file_identity {
  std::string_view kind;
  std::string_view operation;
  std::string_view label;
};

inline void add_identity(gguf::writer& out, const file_identity& id,
                         const activation_space& space) {
  out.add("general.architecture", persona_architecture);
  out.add("multitudes.version", persona_file_version);
  out.add("multitudes.kind", id.kind);
  out.add("multitudes.label", id.label);
  out.add("multitudes.operation", id.operation);
  out.add("multitudes.hook_point", name(space.hook));
  out.add("multitudes.n_layers", space.n_layers);
  out.add("multitudes.model_dim", space.model_dim);
  out.add("multitudes.model", to_string(space.model));
}

/// A fingerprint of all that a file says, but for the checksum itself.
inline fingerprint checksum_of(const gguf::file& file) {
  fingerprint_builder sum;
  for (const gguf::entry& e : file.metadata()) {
    if (e.key == checksum_key) continue;
    sum.add(e.key).add(static_cast<std::uint64_t>(e.content.type()));
    sum.add(static_cast<std::uint64_t>(e.content.element_type()));
    sum.add(std::uint64_t{e.content.size()}).add(e.content.payload());
  }
  for (const gguf::tensor& t : file.tensors()) {
    sum.add(t.name).add(static_cast<std::uint64_t>(t.type)).add(t.n_dims);
    for (const std::uint64_t n : t.dims) sum.add(n);
    sum.add(t.data);
  }
  return sum.finish();
}

inline expected<void> save_with_checksum(gguf::writer& out, const std::string& path) {
  const auto bytes = out.bytes();
  if (!bytes) return fail(bytes.error());
  const auto file = gguf::file::parse(*bytes, path);
  if (!file) return fail(file.error());
  out.add(checksum_key, to_string(checksum_of(*file)));
  return out.save(path);
}

inline expected<std::uint32_t> size_at(const gguf::file& file, std::string_view key) {
  const auto n = file.unsigned_at(key);
  if (!n) return fail(n.error());
  if (*n >= 1 && *n <= UINT32_MAX) return static_cast<std::uint32_t>(*n);
  return refuse_persona(errc::malformed, "key " + std::string(key), std::to_string(*n),
                        "1 to 2^32 - 1");
}

inline expected<void> check_text(const gguf::file& file, std::string_view key,
                                 std::string_view wanted, errc code, const char* remedy) {
  const auto text = file.string_at(key);
  if (!text) return fail(text.error());
  if (*text == wanted) return {};
  return refuse_persona(code, "key " + std::string(key), detail::quoted(*text), std::string(wanted),
                        remedy);
}

inline expected<fingerprint> model_at(const gguf::file& file) {
  const auto text = file.string_at("multitudes.model");
  if (!text) return fail(text.error());
  fingerprint model;
  const char* const end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, model.value, 16);
  if (parsed.ec == std::errc{} && parsed.ptr == end && to_string(model) == *text) return model;
  return refuse_persona(errc::malformed, "key multitudes.model", detail::quoted(*text),
                        "16 hexadecimal digits");
}

inline expected<void> check_size(std::string_view key, std::uint32_t found, std::uint32_t wanted) {
  if (found == wanted) return {};
  return refuse_persona(errc::shape_mismatch, "key " + std::string(key), std::to_string(found),
                        std::to_string(wanted) + ", as the model has",
                        "it is another model's file");
}

/// The space of a file of the given kind; if `wanted` is given, the file must be of that space.
inline expected<activation_space> check_identity(const gguf::file& file, std::string_view kind,
                                                 std::string_view operation,
                                                 const activation_space* wanted) {
  const auto check = [&](std::string_view key, std::string_view text, errc code,
                         const char* remedy) { return check_text(file, key, text, code, remedy); };
  if (auto ok = check("general.architecture", persona_architecture, errc::unsupported,
                      "control vectors are read with read_control_vector");
      !ok) {
    return forward_error(ok);
  }
  const auto version = file.unsigned_at("multitudes.version");
  if (!version) return fail(version.error());
  if (*version != persona_file_version) {
    return refuse_persona(errc::unsupported, "key multitudes.version", std::to_string(*version),
                          std::to_string(persona_file_version), "the file is of a newer library");
  }
  if (auto ok = check(checksum_key, to_string(checksum_of(file)), errc::malformed,
                      "the file was damaged or edited: copy it again");
      !ok) {
    return forward_error(ok);
  }
  if (auto ok = check("multitudes.kind", kind, errc::unsupported, "it is a file of another kind");
      !ok) {
    return forward_error(ok);
  }
  if (auto ok = check("multitudes.operation", operation, errc::unsupported,
                      "nothing here knows this operation for that kind");
      !ok) {
    return forward_error(ok);
  }
  activation_space space;
  if (auto ok = check("multitudes.hook_point", name(space.hook), errc::space_mismatch,
                      "it belongs to another hook point");
      !ok) {
    return forward_error(ok);
  }
  const auto n_layers = size_at(file, "multitudes.n_layers");
  if (!n_layers) return fail(n_layers.error());
  const auto model_dim = size_at(file, "multitudes.model_dim");
  if (!model_dim) return fail(model_dim.error());
  const auto model = model_at(file);
  if (!model) return fail(model.error());
  space.n_layers = *n_layers;
  space.model_dim = *model_dim;
  space.model = *model;
  if (wanted == nullptr) return space;
  if (auto ok = check_size("multitudes.model_dim", space.model_dim, wanted->model_dim); !ok) {
    return forward_error(ok);
  }
  if (auto ok = check_size("multitudes.n_layers", space.n_layers, wanted->n_layers); !ok) {
    return forward_error(ok);
  }
  if (space.model == wanted->model) return space;
  return refuse_persona(errc::space_mismatch, "key multitudes.model", to_string(space.model),
                        to_string(wanted->model) + ", the model's fingerprint",
                        "learn it again on this model, or load it without a space and rebase it");
}

/// A tensor of F32 that must exist.
///
/// Shapes:  (rows, width), the width contiguous.
inline expected<const gguf::tensor*> tensor_at(const gguf::file& file,
                                               const std::string& tensor_name, std::uint64_t rows,
                                               std::uint64_t width) {
  const gguf::tensor* tensor = file.find_tensor(tensor_name);
  const std::string place = "tensor " + tensor_name;
  const std::string wanted = "F32 of " + std::to_string(rows) + " x " + std::to_string(width);
  if (tensor == nullptr) return refuse_persona(errc::not_found, place, "no such tensor", wanted);
  if (tensor->type == gguf::tensor_type::f32 && tensor->dims[0] == width &&
      tensor->dims[1] == rows && tensor->n_dims <= 2) {
    return tensor;
  }
  return refuse_persona(errc::shape_mismatch, place,
                        std::string(gguf::name(tensor->type)) + " of " +
                            std::to_string(tensor->dims[1]) + " x " +
                            std::to_string(tensor->dims[0]) + " with " +
                            std::to_string(tensor->n_dims) + " dimensions",
                        wanted);
}

/// Copies what `tensor_at` found.
inline expected<void> load_values(const gguf::tensor& tensor, std::span<float> out) {
  return copy_row(loading_persona,
                  {.place = "tensor " + std::string(tensor.name),
                   .type = real_type::f32,
                   .size = tensor.n_elements(),
                   .data = tensor.data.data()},
                  out);
}

inline expected<direction> load_direction(const gguf::file& file, const std::string& tensor_name,
                                          const activation_space& space) {
  // Nothing is allocated before the bytes are known to exist.
  const auto tensor = tensor_at(file, tensor_name, space.n_layers, space.model_dim);
  if (!tensor) return fail(tensor.error());
  return direction::written_by(space,
                               [&](std::span<float> out) { return load_values(**tensor, out); });
}

/// A list of texts, one for each unit or goal.
inline expected<std::vector<std::string_view>> parts_at(const gguf::file& file,
                                                        std::string_view key) {
  auto texts = file.strings_at(key);
  if (!texts) return texts;
  if (auto done = check_part_count(texts->size(), "key " + std::string(key)); !done) {
    return forward_error(done);
  }
  return texts;
}
/// A list of numbers, one for each of n things.
inline expected<std::vector<double>> numbers_at(const gguf::file& file, std::string_view key,
                                                std::size_t n) {
  auto numbers = file.reals_at<double>(key);
  if (!numbers || numbers->size() == n) return numbers;
  return refuse_persona(errc::malformed, "key " + std::string(key),
                        std::to_string(numbers->size()) + " numbers",
                        std::to_string(n) + ", one for each label");
}

}  // namespace multitudes::detail
