// SPDX-License-Identifier: MIT
#pragma once

#include "../or_exit.hpp"

#include <multitudes/generate/control_vector.hpp>
#include <multitudes/persona.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace personas {

using namespace multitudes;

/// The personas of a folder and the folders in it, each named as its file.
class gallery {
 public:
  gallery(const std::string& folder, const activation_space& space) : folder_(folder) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.path().extension() == ".gguf") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
      all_.push_back(
          example::or_exit(read_control_vector(file.string(), space, file.stem().string())));
    }
  }

  /// The persona of this name; without one, the program says which there are and ends.
  [[nodiscard]] const persona& at(const std::string& name) const {
    const auto found =
        std::find_if(all_.begin(), all_.end(), [&](const persona& p) { return p.label() == name; });
    if (found != all_.end()) return *found;
    std::string names;
    for (const persona& p : all_) names += (names.empty() ? "" : ", ") + p.label();
    example::give_up({.code = errc::not_found,
                      .operation = "find persona",
                      .place = folder_,
                      .found = "no " + name,
                      .expected = "one of " + names,
                      .remedy = {}});
  }

  /// The folder of a model's personas: the one beside it, unless another is named.
  static std::string folder_beside(const std::string& model, const std::string& named) {
    if (!named.empty()) return named;
    return (std::filesystem::path(model).parent_path() / "personas").string();
  }

 private:
  std::string folder_;
  std::vector<persona> all_;
};

}  // namespace personas
