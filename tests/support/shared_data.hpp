// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>

namespace multitudes_test {

/// The path of a development file that users do not have; a visible note where it is missing.
inline std::optional<std::string> shared_file(const std::string& name) {
  const char* folder = std::getenv("MULTITUDES_SHARED_DATA");
  const std::string path = std::string(folder ? folder : MULTITUDES_SHARED_DATA) + "/" + name;
  if (std::ifstream(path).good()) return path;
  MESSAGE("skipped: needs the development file " << path);
  return std::nullopt;
}

}  // namespace multitudes_test
