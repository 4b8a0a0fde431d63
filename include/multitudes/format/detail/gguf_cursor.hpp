// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/checked_size.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/format/detail/quoted.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace multitudes::gguf::detail {

using multitudes::detail::quoted;

/// A number at any address.
template <class T>
  requires std::is_trivially_copyable_v<T>
T load(const std::byte* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

inline std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Reads a file from the front and never past its end. It knows which entry it is in, so that
/// every error says so.
class cursor {
 public:
  cursor(std::span<const std::byte> bytes, std::string_view file_name) noexcept
      : bytes_(bytes), file_name_(file_name) {}

  /// From here on errors speak of entry `index` of a list, e.g. `tensor 3`.
  void enter(std::string_view list, std::uint64_t index) noexcept {
    list_ = list;
    index_ = index;
    name_ = {};
  }
  void name_entry(std::string_view name) noexcept { name_ = name; }
  void leave() noexcept { list_ = {}; }

  [[nodiscard]] std::size_t position() const noexcept { return position_; }
  [[nodiscard]] std::size_t remaining() const noexcept { return bytes_.size() - position_; }

  /// The bytes from `start` to here.
  [[nodiscard]] std::span<const std::byte> since(std::size_t start) const noexcept {
    return bytes_.subspan(start, position_ - start);
  }

  template <class T>
  [[nodiscard]] expected<T> number(std::string_view field) {
    if (sizeof(T) > remaining()) return fail(ends_before(position_, field, sizeof(T)));
    const T value = load<T>(bytes_.data() + position_);
    position_ += sizeof(T);
    return value;
  }

  /// The next `n` bytes; `announced` is where the file says how many they are.
  [[nodiscard]] expected<std::span<const std::byte>> take(checked_size n, std::string_view field,
                                                          std::size_t announced) {
    if (!n.fits(remaining())) return fail(ends_before(announced, field, n));
    const auto piece = bytes_.subspan(position_, *n.get());
    position_ += piece.size();
    return piece;
  }

  [[nodiscard]] expected<std::string_view> string(std::string_view field) {
    const std::size_t announced = position_;
    const auto length = number<std::uint64_t>(field);
    if (!length) return fail(length.error());
    const auto bytes = take(*length, field, announced);
    if (!bytes) return fail(bytes.error());
    return as_text(*bytes);
  }

  /// A number of things of at least `min_bytes` each, checked against the bytes that are left
  /// before anybody reserves memory for them.
  [[nodiscard]] expected<std::uint64_t> count(std::string_view field, std::uint64_t min_bytes,
                                              std::uint64_t bytes_before = 0) {
    const std::size_t announced = position_;
    const auto n = number<std::uint64_t>(field);
    if (!n) return fail(n.error());
    const checked_size needed = checked_size(*n) * min_bytes + bytes_before;
    if (!needed.fits(remaining())) {
      return fail(at(announced, errc::truncated, field, std::to_string(*n),
                     "no more than the " + std::to_string(remaining()) + " bytes after it can hold",
                     "copy or download the file again"));
    }
    return *n;
  }

  [[nodiscard]] error at(std::size_t position, errc code, std::string_view field, std::string found,
                         std::string wanted, std::string remedy) const {
    std::string place(file_name_);
    if (!place.empty()) place += ", ";
    place += "byte " + std::to_string(position);
    if (!list_.empty()) {
      place += ", " + std::string(list_) + " " + std::to_string(index_);
      if (!name_.empty()) place += " " + quoted(name_);
    }
    place += ", " + std::string(field);
    return {code, "gguf", std::move(place), std::move(found), std::move(wanted), std::move(remedy)};
  }

 private:
  [[nodiscard]] error ends_before(std::size_t position, std::string_view field,
                                  checked_size n) const {
    const auto size = n.get();
    return at(position, errc::truncated, field,
              std::to_string(remaining()) + " bytes left in the file",
              size ? std::to_string(*size) + " bytes" : "a size that can be counted",
              "copy or download the file again");
  }

  std::span<const std::byte> bytes_;
  std::string_view file_name_;
  std::size_t position_ = 0;
  std::string_view list_;
  std::uint64_t index_ = 0;
  std::string_view name_;
};

}  // namespace multitudes::gguf::detail
