// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/space.hpp>
#include <multitudes/format/gguf_reader.hpp>
#include <multitudes/generate/detail/direction_rows.hpp>
#include <multitudes/generate/detail/foreign_vector.hpp>
#include <multitudes/persona/weighted_sum.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes::detail {

/// One tensor of a projective file, from its name `direction.L` or `direction.L.j`.
struct glp_row {
  std::uint32_t layer = 0;
  std::uint32_t index = 0;
  const gguf::tensor* tensor = nullptr;
};

inline std::optional<glp_row> glp_row_of(const gguf::tensor& tensor) noexcept {
  constexpr std::string_view prefix = "direction.";
  if (!tensor.name.starts_with(prefix)) return std::nullopt;
  const std::string_view numbers = tensor.name.substr(prefix.size());
  const std::size_t dot = std::min(numbers.find('.'), numbers.size());
  const auto layer = layer_number(numbers.substr(0, dot));
  if (!layer || *layer == 0) return std::nullopt;
  if (dot == numbers.size()) return glp_row{*layer, 0, &tensor};
  const auto index = layer_number(numbers.substr(dot + 1));
  if (!index || *index == 0) return std::nullopt;
  return glp_row{*layer, *index, &tensor};
}

/// What the metadata of a projective file says.
struct glp_header {
  float alpha = 1.0f;
  std::uint64_t rank = 1;
  bool orthonormal = false;
};

/// More rows would take longer to check than a file's size excuses.
inline constexpr std::uint64_t max_glp_rank = 64;

inline expected<glp_header> read_glp_header(const gguf::file& file) {
  if (file.find("glp.hook_point") == nullptr) {
    return refuse_control_vector(errc::not_found, "key glp.hook_point", "no such key",
                                 "residual_stream_post_layer",
                                 "the file does not say where it projects");
  }
  const auto version = file.unsigned_at("glp.spec_version");
  if (!version) return fail(version.error());
  if (*version != 1 && *version != 2) {
    return refuse_control_vector(errc::unsupported, "key glp.spec_version",
                                 std::to_string(*version), "1 or 2", "");
  }
  for (const char* key : {"glp.dir_scales", "glp.layer_scales"}) {
    if (file.find(key) == nullptr) continue;
    return refuse_control_vector(errc::unsupported, "key " + std::string(key),
                                 "strengths of single rows or layers", "one strength",
                                 "write a file for each strength");
  }
  glp_header header;
  if (file.find("glp.alpha_default") != nullptr) {
    const auto alpha = file.real_at("glp.alpha_default");
    if (!alpha) return fail(alpha.error());
    header.alpha = static_cast<float>(std::clamp(*alpha, -1e30, 1e30));
    if (!std::isfinite(*alpha)) {
      return refuse_control_vector(errc::non_finite, "key glp.alpha_default",
                                   std::isnan(*alpha) ? "NaN" : "infinity", "a finite number", "");
    }
  }
  if (file.find("glp.rank") != nullptr) {
    const auto rank = file.unsigned_at("glp.rank");
    if (!rank) return fail(rank.error());
    header.rank = *rank;
  }
  if (header.rank < 1 || header.rank > max_glp_rank) {
    return refuse_control_vector(errc::unsupported, "key glp.rank", std::to_string(header.rank),
                                 "1 to " + std::to_string(max_glp_rank), "");
  }
  if (header.rank != 1 && *version == 1) {
    return refuse_control_vector(errc::malformed, "key glp.rank", std::to_string(header.rank),
                                 "1 in version 1", "");
  }
  if (file.find("glp.orthonormal") != nullptr) {
    const auto flag = file.bool_at("glp.orthonormal");
    if (!flag) return fail(flag.error());
    header.orthonormal = *flag;
  }
  if (header.rank > 1 && !header.orthonormal) {
    return refuse_control_vector(errc::malformed, "key glp.orthonormal", "no promise",
                                 "true for more than one row in a layer",
                                 "orthonormalise before writing");
  }
  return header;
}

/// The rows in order of layer and index, each layer complete.
inline expected<std::vector<glp_row>> glp_rows(const gguf::file& file, std::uint64_t rank,
                                               const activation_space& space) {
  std::vector<glp_row> rows;
  for (const gguf::tensor& tensor : file.tensors()) {
    // Foreign tensors mean nothing here: the guard against additive readers is one.
    if (!tensor.name.starts_with("direction.")) continue;
    const auto row = glp_row_of(tensor);
    if (!row) return not_a_direction(tensor, "direction.L or direction.L.j, both from 1 on");
    if (row->layer >= space.n_layers || tensor.n_elements() != space.model_dim) {
      return refuse_control_vector(
          errc::shape_mismatch, "tensor " + detail::quoted(tensor.name),
          std::to_string(tensor.n_elements()) + " elements at block " + std::to_string(row->layer),
          std::to_string(space.model_dim) + " at a block before " + std::to_string(space.n_layers),
          "it is another model's vector");
    }
    rows.push_back(*row);
  }
  std::sort(rows.begin(), rows.end(), [](const glp_row& a, const glp_row& b) {
    return a.layer != b.layer ? a.layer < b.layer : a.index < b.index;
  });
  bool complete = !rows.empty() && rows.size() % rank == 0;
  for (std::size_t i = 0; complete && i < rows.size(); ++i) {
    complete = rows[i].index == i % rank && rows[i].layer == rows[i - i % rank].layer;
  }
  if (complete) return rows;
  return refuse_control_vector(errc::malformed, "key glp.rank", std::to_string(rank),
                               "as many rows in each steered layer as it says", "");
}

/// The list of layers, where there is one, says the same as the tensors' names: exporters that
/// are off by one betray themselves here.
inline expected<void> check_glp_layers(const gguf::file& file, std::span<const glp_row> rows) {
  const auto listed = text_or(file, "glp.layer_ids_zero_based", "");
  if (!listed) return fail(listed.error());
  if (listed->empty()) return {};
  std::vector<std::uint32_t> layers;
  bool readable = true;
  for (std::string_view rest = *listed; readable;) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    std::string_view item = rest.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    const auto layer = layer_number(item);
    readable = layer.has_value();
    if (readable) layers.push_back(*layer);
    if (comma == rest.size()) break;
    rest.remove_prefix(comma + 1);
  }
  std::sort(layers.begin(), layers.end());
  std::vector<std::uint32_t> named;
  for (const glp_row& row : rows) {
    if (row.index == 0) named.push_back(row.layer);
  }
  if (readable && layers == named) return {};
  return refuse_control_vector(errc::malformed, "key glp.layer_ids_zero_based",
                               detail::quoted(*listed), "the layers of the tensors",
                               "write the file again");
}

/// Unit rows at right angles, to 1e-3, if the file promises it.
inline expected<void> check_orthonormal(std::span<const float> rows, std::size_t rank,
                                        std::size_t width, std::uint32_t layer) {
  for (std::size_t a = 0; a < rank; ++a) {
    for (std::size_t b = 0; b <= a; ++b) {
      term left{1.0, rows.data() + a * width};
      term right{1.0, rows.data() + b * width};
      const double product = inner({&left, 1}, {&right, 1}, width).left_right;
      if (std::fabs(product - (a == b ? 1.0 : 0.0)) <= 1e-3) continue;
      return refuse_control_vector(errc::malformed, "direction." + std::to_string(layer),
                                   "an inner product of " + std::to_string(product) + " of rows " +
                                       std::to_string(a) + " and " + std::to_string(b),
                                   a == b ? "rows of unit length, as glp.orthonormal says"
                                          : "rows at right angles, as glp.orthonormal says",
                                   "orthonormalise before writing");
    }
  }
  return {};
}

}  // namespace multitudes::detail
