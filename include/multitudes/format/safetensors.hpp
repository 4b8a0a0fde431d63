// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/format/detail/safetensors_parser.hpp>
#include <multitudes/format/file_bytes.hpp>
#include <multitudes/format/safetensors_types.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace multitudes::safetensors {

/// A safetensors file: tensors and a map of texts, by name. All views that it gives out stay
/// valid while it lives, also when it is moved.
///
/// Nothing in a file is trusted. Refused are: headers that are not the JSON of the format, of
/// more than 100 MB, with keys that it does not have or any key twice; unknown dtypes; shapes
/// that are not as large as their data; data outside of the file, overlapping, or not covering
/// it. Accepted are: no tensors, empty tensors, tensors without dimensions, data that is not
/// aligned.
///
/// Source:  the format's description in github.com/huggingface/safetensors.
class file {
 public:
  /// Reads the file into memory of its own.
  ///
  /// Errors:  io_failure; out_of_memory; truncated, malformed or unsupported as above.
  /// Cost:    linear in the file's size, but for sorting the names; memory likewise.
  static expected<file> read(const std::string& path) { return open(file_bytes::read(path), path); }
  /// Maps the file instead; nobody may shorten it meanwhile (see `file_bytes::map`).
  static expected<file> map(const std::string& path) { return open(file_bytes::map(path), path); }
  /// Copies a file that is in memory already; errors call it `name`.
  static expected<file> parse(std::span<const std::byte> bytes, std::string_view name = {}) {
    return open(file_bytes::copy(bytes), std::string(name));
  }

  /// What errors call it: the path.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Sorted by name, whatever their order in the file.
  [[nodiscard]] std::span<const tensor> tensors() const noexcept { return contents_.tensors; }
  /// The texts of `__metadata__`, sorted by key.
  [[nodiscard]] std::span<const entry> metadata() const noexcept { return contents_.metadata; }

  /// Null if there is none. Cost: a binary search.
  [[nodiscard]] const tensor* find_tensor(std::string_view wanted) const noexcept {
    const auto at = std::lower_bound(
        contents_.tensors.begin(), contents_.tensors.end(), wanted,
        [](const tensor& t, std::string_view w) { return std::string_view(t.name) < w; });
    return at == contents_.tensors.end() || at->name != wanted ? nullptr : &*at;
  }
  [[nodiscard]] const std::string* find(std::string_view key) const noexcept {
    const auto at = std::lower_bound(
        contents_.metadata.begin(), contents_.metadata.end(), key,
        [](const entry& e, std::string_view w) { return std::string_view(e.key) < w; });
    return at == contents_.metadata.end() || at->key != key ? nullptr : &at->text;
  }

 private:
  file(file_bytes bytes, detail::contents contents, std::string name)
      : bytes_(std::move(bytes)), contents_(std::move(contents)), name_(std::move(name)) {}

  static expected<file> open(expected<file_bytes> bytes, std::string name) {
    if (!bytes) return forward_error(bytes);
    auto contents = detail::parser(bytes->bytes(), name).run();
    if (!contents) return forward_error(contents);
    return file(std::move(*bytes), std::move(*contents), std::move(name));
  }

  file_bytes bytes_;
  detail::contents contents_;
  std::string name_;
};

}  // namespace multitudes::safetensors
