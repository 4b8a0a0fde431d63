// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/space.hpp>
#include <multitudes/format/file_bytes.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <vector>

namespace multitudes_test {

/// The model that the files of tests/golden were made for.
inline constexpr multitudes::activation_space golden_space{
    {7}, multitudes::hook_point::residual_stream, 4, 8};

/// What those files say at a layer, element by element.
inline float golden_value(std::size_t layer, std::size_t i) {
  return static_cast<float>(layer) + static_cast<float>(i) / 8.0f;
}

inline std::string golden(const std::string& name) {
  return std::string(MULTITUDES_SOURCE_DIR) + "/tests/golden/" + name;
}

inline std::vector<std::byte> bytes_of_file(const std::string& path) {
  const auto file = multitudes::file_bytes::read(path);
  REQUIRE_MESSAGE(file.has_value(), path);
  return {file->bytes().begin(), file->bytes().end()};
}

}  // namespace multitudes_test
