// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/format/gguf_reader.hpp>
#include <multitudes/format/json.hpp>
#include <multitudes/generate/detail/direction_rows.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace multitudes::detail {

inline constexpr const char* reading_control_vector = "read control vector";

inline unexpected<error> refuse_control_vector(errc code, std::string place, std::string found,
                                               std::string wanted, std::string remedy) {
  return fail({.code = code,
               .operation = reading_control_vector,
               .place = std::move(place),
               .found = std::move(found),
               .expected = std::move(wanted),
               .remedy = std::move(remedy)});
}

/// A text that may be missing.
inline expected<std::string_view> text_or(const gguf::file& file, std::string_view key,
                                          std::string_view otherwise) {
  if (file.find(key) == nullptr) return otherwise;
  return file.string_at(key);
}

/// It is a control vector, of any operation.
inline expected<void> check_architecture(const gguf::file& file) {
  const auto architecture = file.string_at("general.architecture");
  if (!architecture) return fail(architecture.error());
  if (*architecture == "controlvector") return {};
  return refuse_control_vector(errc::unsupported, "key general.architecture",
                               detail::quoted(*architecture), "controlvector",
                               "this is a model or a file of another kind");
}

/// The operation of the GLP extension, by its name there; files without it add.
inline expected<void> check_operation(const gguf::file& file, std::string_view wanted) {
  const auto mode = text_or(file, "glp.mode", "add");
  if (!mode) return fail(mode.error());
  if (*mode == wanted) return {};
  const bool swapped = *mode == "add" || *mode == "project";
  return refuse_control_vector(
      errc::unsupported, "key glp.mode", detail::quoted(*mode), std::string(wanted),
      !swapped ? "nothing here knows this operation"
      : wanted == "add"
          ? "read it with read_projection: its directions are projected out, not added"
          : "read it with read_control_vector: its directions are added");
}

/// Where the GLP extension and EasySteer say that a vector belongs. Other files do not say.
inline expected<void> check_hook(const gguf::file& file) {
  constexpr std::string_view ours = "residual_stream_post_layer";
  const auto hook = text_or(file, "glp.hook_point", ours);
  if (!hook) return fail(hook.error());
  if (*hook != ours) {
    return refuse_control_vector(errc::space_mismatch, "key glp.hook_point", detail::quoted(*hook),
                                 std::string(ours), "the vector belongs to another hook point");
  }
  constexpr std::string_view key = "controlvector.easysteer";
  const auto text = text_or(file, key, "{}");
  if (!text) return fail(text.error());
  json::cursor in(*text, "key " + std::string(key));
  if (auto done = in.expect('{'); !done) return done;
  if (in.accept('}')) return {};
  do {
    const auto name = in.string();
    if (!name) return fail(name.error());
    if (auto done = in.expect(':'); !done) return done;
    if (*name == "component" && in.next_is('"')) {
      const auto component = in.string();
      if (!component) return fail(component.error());
      if (*component == "hidden_states") continue;
      return refuse_control_vector(errc::space_mismatch, "key " + std::string(key),
                                   "component " + detail::quoted(*component), "hidden_states",
                                   "the vector belongs to another hook point");
    }
    if (auto done = in.skip(); !done) return done;
  } while (in.accept(','));
  return in.expect('}');
}

/// A tensor with a name that no direction has.
inline unexpected<error> not_a_direction(const gguf::tensor& tensor, const char* wanted) {
  return refuse_control_vector(errc::unsupported, "tensor " + detail::quoted(tensor.name),
                               "a tensor of this name", wanted, "it cannot be applied to a block");
}

inline expected<stored_row> row_of(const gguf::tensor& tensor) {
  const std::string place = "tensor " + detail::quoted(tensor.name);
  const auto type = real_type_of(tensor.type);
  if (!type) {
    return refuse_control_vector(errc::unsupported, place,
                                 "type " + std::string(gguf::name(tensor.type)),
                                 "F32, F16, BF16 or F64", "write the vector in full precision");
  }
  return stored_row{
      .place = place, .type = *type, .size = tensor.n_elements(), .data = tensor.data.data()};
}

}  // namespace multitudes::detail
