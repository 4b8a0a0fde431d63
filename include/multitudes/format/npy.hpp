// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/checked_size.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/format/detail/npy_header.hpp>
#include <multitudes/format/detail/quoted.hpp>
#include <multitudes/format/durable.hpp>
#include <multitudes/format/file_bytes.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::npy {

// Numbers are used where they lie.
static_assert(std::endian::native == std::endian::little);

/// How elements are stored. Integers, complex numbers, records and objects are not read.
enum class element : std::uint8_t { f16, f32, f64 };

/// The bytes of one element.
constexpr std::uint32_t bytes_of(element type) noexcept {
  return type == element::f16 ? 2 : type == element::f32 ? 4 : 8;
}

/// One array of NumPy's `.npy` format, versions 1.0 to 3.0, little endian. The data stays valid
/// while it lives, also when it is moved.
///
/// Nothing in a file is trusted. Refused are: other versions, byte orders and elements; headers
/// that are more than the three keys of the format; data that is shorter or longer than the shape
/// says. Accepted are: arrays in the order of Fortran, without dimensions, without elements.
///
/// Source:  the description of numpy.lib.format.
class array {
 public:
  /// Reads the file into memory of its own.
  ///
  /// Errors:  io_failure; out_of_memory; truncated, malformed or unsupported as above.
  /// Cost:    linear in the file's size; memory likewise.
  static expected<array> read(const std::string& path) {
    return open(file_bytes::read(path), path);
  }
  /// Copies a file that is in memory already; errors call it `name`.
  static expected<array> parse(std::span<const std::byte> bytes, std::string_view name = {}) {
    return open(file_bytes::copy(bytes), std::string(name));
  }

  /// What errors call it: the path.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] element type() const noexcept { return type_; }
  [[nodiscard]] std::span<const std::uint64_t> shape() const noexcept { return shape_; }
  /// Whether the first index varies fastest, not the last.
  [[nodiscard]] bool fortran_order() const noexcept { return fortran_order_; }
  /// All elements. They may start anywhere: copy what must be aligned.
  [[nodiscard]] std::span<const std::byte> data() const noexcept {
    return bytes_.bytes().subspan(data_start_);
  }

 private:
  explicit array(file_bytes bytes, std::string name)
      : bytes_(std::move(bytes)), name_(std::move(name)) {}

  static expected<array> open(expected<file_bytes> bytes, std::string name) {
    if (!bytes) return forward_error(bytes);
    array made(std::move(*bytes), std::move(name));
    if (auto done = made.parse_all(); !done) return forward_error(done);
    return made;
  }

  [[nodiscard]] unexpected<error> refuse(errc code, std::string_view place, std::string found,
                                         std::string wanted) const {
    return fail({.code = code,
                 .operation = "npy",
                 .place = (name_.empty() ? "" : name_ + ", ") + std::string(place),
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = code == errc::truncated ? "copy or download the file again"
                                                   : "write the array again, with numpy.save"});
  }

  [[nodiscard]] expected<void> parse_all() {
    const auto text = find_header();
    if (!text) return fail(text.error());
    auto said = detail::header_parser(*text, name_, data_start_ - text->size()).run();
    if (!said) return forward_error(said);
    if (auto done = set_type(said->description); !done) return done;
    fortran_order_ = said->fortran_order;
    shape_ = std::move(said->shape);
    checked_size size = bytes_of(type_);
    for (const std::uint64_t n : shape_) size = size * n;
    const std::size_t there = bytes_.bytes().size() - data_start_;
    if (size.get() == there) return {};
    return refuse(size.fits(there) ? errc::malformed : errc::truncated, "data",
                  std::to_string(there) + " bytes",
                  size.get() ? std::to_string(*size.get()) + " bytes, as the shape says"
                             : "a shape whose size can be counted");
  }

  /// The header's text; the data starts behind it.
  [[nodiscard]] expected<std::string_view> find_header() {
    const auto bytes = bytes_.bytes();
    constexpr std::size_t version_at = 6;
    constexpr std::size_t length_at = 8;
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text.substr(0, version_at) != "\x93NUMPY") {
      return refuse(bytes.size() < version_at ? errc::truncated : errc::unsupported,
                    "byte 0, magic", multitudes::detail::quoted(text.substr(0, version_at)),
                    "\"\\x93NUMPY\"");
    }
    if (bytes.size() < length_at) {
      return refuse(errc::truncated, "byte 6, version", "the end", "two bytes");
    }
    const unsigned major = std::to_integer<unsigned>(bytes[version_at]);
    const unsigned minor = std::to_integer<unsigned>(bytes[version_at + 1]);
    if (major < 1 || major > 3 || minor != 0) {
      return refuse(errc::unsupported, "byte 6, version",
                    std::to_string(major) + "." + std::to_string(minor), "1.0, 2.0 or 3.0");
    }
    const std::size_t length_bytes = major == 1 ? 2 : 4;
    if (bytes.size() < length_at + length_bytes) {
      return refuse(errc::truncated, "byte 8, length of the header", "the end",
                    std::to_string(length_bytes) + " bytes");
    }
    std::uint32_t length = 0;
    std::memcpy(&length, bytes.data() + length_at, length_bytes);
    const std::size_t start = length_at + length_bytes;
    if (length > bytes.size() - start) {
      return refuse(errc::truncated, "byte 8, length of the header", std::to_string(length),
                    "no more than the " + std::to_string(bytes.size() - start) + " bytes after it");
    }
    data_start_ = start + length;
    return text.substr(start, length);
  }

  [[nodiscard]] expected<void> set_type(std::string_view description) {
    constexpr std::array<std::pair<std::string_view, element>, 3> known{
        {{"<f2", element::f16}, {"<f4", element::f32}, {"<f8", element::f64}}};
    for (const auto& [text, type] : known) {
      if (description != text) continue;
      type_ = type;
      return {};
    }
    return refuse(errc::unsupported, "header, descr", multitudes::detail::quoted(description),
                  "'<f4', '<f2' or '<f8'");
  }

  file_bytes bytes_;
  std::string name_;
  std::size_t data_start_ = 0;
  element type_{};
  bool fortran_order_ = false;
  std::vector<std::uint64_t> shape_;
};

/// Writes an array of floats durably (see `write_file`), in version 1.0, row-major.
///
/// Shapes:  values has the elements of `shape`, the last index varying fastest.
/// Errors:  shape_mismatch; invalid_argument for more dimensions than NumPy has (64); io_failure.
inline expected<void> save(const std::string& path, std::span<const std::uint64_t> shape,
                           std::span<const float> values) {
  const auto refuse = [&](errc code, std::string found, std::string wanted) {
    return fail({.code = code,
                 .operation = "save npy",
                 .place = path,
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = {}});
  };
  checked_size size = 1;
  std::string tuple = "(";
  for (const std::uint64_t n : shape) {
    size = size * n;
    tuple += (tuple.size() > 1 ? " " : "") + std::to_string(n) + ",";
  }
  if (shape.size() > 64) {
    return refuse(errc::invalid_argument, std::to_string(shape.size()) + " dimensions",
                  "at most 64");
  }
  if (size.get() != values.size()) {
    return refuse(errc::shape_mismatch, std::to_string(values.size()) + " values",
                  "as many as the shape says");
  }
  // As Python writes tuples: only one element has a comma after it.
  if (shape.size() > 1) tuple.pop_back();
  std::string head("\x93NUMPY\x01\x00\x00\x00", 10);
  head += "{'descr': '<f4', 'fortran_order': False, 'shape': " + tuple + "), }";
  // The data starts on a multiple of 64 bytes.
  head.resize(head.size() + (63 - head.size() % 64), ' ');
  head += '\n';
  const std::size_t length = head.size() - 10;
  head[8] = static_cast<char>(static_cast<unsigned char>(length % 256));
  head[9] = static_cast<char>(static_cast<unsigned char>(length / 256));
  const std::array<std::span<const std::byte>, 2> pieces{std::as_bytes(std::span(head)),
                                                         std::as_bytes(values)};
  return write_file(path, std::span<const std::span<const std::byte>>(pieces));
}
inline expected<void> save(const std::string& path, std::initializer_list<std::uint64_t> shape,
                           std::span<const float> values) {
  return save(path, std::span(shape.begin(), shape.size()), values);
}

}  // namespace multitudes::npy
