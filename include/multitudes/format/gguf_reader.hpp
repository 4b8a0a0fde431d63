// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/format/detail/gguf_parser.hpp>
#include <multitudes/format/file_bytes.hpp>
#include <multitudes/format/gguf_contents.hpp>
#include <multitudes/format/gguf_types.hpp>
#include <multitudes/format/gguf_value.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::gguf {

/// A GGUF file of version 2 or 3, little endian: metadata and tensors by name. All views that it
/// gives out (keys, strings, tensors) stay valid while it lives, also when it is moved.
///
/// Nothing in a file is trusted. Refused are: other versions and byte orders; numbers that point
/// outside; a name twice; bools other than 0 and 1; arrays more than 8 deep; an alignment that is
/// no power of two from 8 to 65536; tensors with no elements, of 0 or more than 4 dimensions, of
/// an unknown type, with rows that are not whole blocks, misaligned, or overlapping. Accepted
/// are: names that are not UTF-8, gaps between tensors, bytes after the last.
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

  [[nodiscard]] std::uint32_t version() const noexcept { return contents_.version; }
  [[nodiscard]] std::uint32_t alignment() const noexcept { return contents_.alignment; }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return bytes_.bytes().size(); }
  /// What errors call it: the path.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  /// In the file's order.
  [[nodiscard]] std::span<const entry> metadata() const noexcept { return contents_.metadata; }
  [[nodiscard]] std::span<const tensor> tensors() const noexcept { return contents_.tensors; }

  /// Null if there is none. Cost: a binary search.
  [[nodiscard]] const value* find(std::string_view key) const noexcept {
    const entry* e = detail::find_by_name(contents_.metadata, contents_.metadata_order, key);
    return e != nullptr ? &e->content : nullptr;
  }
  [[nodiscard]] const tensor* find_tensor(std::string_view wanted) const noexcept {
    return detail::find_by_name(contents_.tensors, contents_.tensor_order, wanted);
  }

  /// `value`'s accessors by key.
  ///
  /// Errors:  not_found if there is no such key; malformed if it has another type; both name
  ///          the file and the key.
  [[nodiscard]] expected<std::uint64_t> unsigned_at(std::string_view key) const {
    return at(key, "a non-negative integer", [](const value& v) { return v.as_unsigned(); });
  }
  [[nodiscard]] expected<std::int64_t> integer_at(std::string_view key) const {
    return at(key, "an integer", [](const value& v) { return v.as_integer(); });
  }
  [[nodiscard]] expected<double> real_at(std::string_view key) const {
    return at(key, "a number", [](const value& v) { return v.as_real(); });
  }
  [[nodiscard]] expected<bool> bool_at(std::string_view key) const {
    return at(key, "a bool", [](const value& v) { return v.as_bool(); });
  }
  [[nodiscard]] expected<std::string_view> string_at(std::string_view key) const {
    return at(key, "a string", [](const value& v) { return v.as_string(); });
  }
  [[nodiscard]] expected<std::vector<std::string_view>> strings_at(std::string_view key) const {
    return at(key, "an array of strings", [](const value& v) { return v.as_strings(); });
  }
  template <std::floating_point T>
  [[nodiscard]] expected<std::vector<T>> reals_at(std::string_view key) const {
    return at(key, "an array of numbers", [](const value& v) { return v.template as_reals<T>(); });
  }
  template <std::integral T>
  [[nodiscard]] expected<std::vector<T>> integers_at(std::string_view key) const {
    return at(key, "an array of integers",
              [](const value& v) { return v.template as_integers<T>(); });
  }

  /// See `file_bytes::let_go`.
  void let_go(std::span<const std::byte> part) const noexcept { bytes_.let_go(part); }

 private:
  file(file_bytes bytes, detail::contents contents, std::string name)
      : bytes_(std::move(bytes)), contents_(std::move(contents)), name_(std::move(name)) {}

  static expected<file> open(expected<file_bytes> bytes, std::string name) {
    if (!bytes) return forward_error(bytes);
    auto contents = detail::parser(bytes->bytes(), name).run();
    if (!contents) return forward_error(contents);
    return file(std::move(*bytes), std::move(*contents), std::move(name));
  }

  template <class F>
  auto at(std::string_view key, const char* wanted, F&& read) const
      -> decltype(read(std::declval<const value&>())) {
    const std::string place = (name_.empty() ? "" : name_ + ", ") + "key " + detail::quoted(key);
    const value* found = find(key);
    if (found == nullptr) {
      return fail({.code = errc::not_found,
                   .operation = "gguf",
                   .place = place,
                   .found = "no such key",
                   .expected = wanted,
                   .remedy = "convert the model again with a current converter"});
    }
    auto result = read(*found);
    if (!result) result.error().place = place;
    return result;
  }

  file_bytes bytes_;
  detail::contents contents_;
  std::string name_;
};

}  // namespace multitudes::gguf
