// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <random>
#include <string>
#include <system_error>

namespace test {

/// An empty folder that is there as long as this is.
class temporary_folder {
 public:
  temporary_folder()
      : where_(std::filesystem::temp_directory_path() /
               ("multitudes_" + std::to_string(std::random_device()()))) {
    std::filesystem::create_directories(where_);
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(where_, ignored);
  }

  [[nodiscard]] std::string path() const { return where_.string(); }

 private:
  std::filesystem::path where_;
};

}  // namespace test
