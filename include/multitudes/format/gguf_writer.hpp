// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/checked_size.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/format/detail/quoted.hpp>
#include <multitudes/format/durable.hpp>
#include <multitudes/format/gguf_types.hpp>
#include <multitudes/format/gguf_value.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace multitudes::gguf {

namespace detail {

template <class T>
concept character = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
                    std::same_as<T, char16_t> || std::same_as<T, char32_t>;

}  // namespace detail

/// What metadata stores as a number of its own: bools, integers of 8 to 64 bits, float, double.
template <class T>
concept metadata_number = std::same_as<T, float> || std::same_as<T, double> ||
                          (std::integral<T> && sizeof(T) <= 8 && !detail::character<T>);

/// What metadata stores as text.
template <class T>
concept metadata_text = std::convertible_to<const T&, std::string_view>;

namespace detail {

template <metadata_number T>
constexpr value_type value_type_of() noexcept {
  if constexpr (std::same_as<T, bool>) {
    return value_type::boolean;
  } else if constexpr (std::floating_point<T>) {
    return sizeof(T) == 4 ? value_type::f32 : value_type::f64;
  } else if constexpr (sizeof(T) == 1) {
    return std::is_signed_v<T> ? value_type::i8 : value_type::u8;
  } else if constexpr (sizeof(T) == 2) {
    return std::is_signed_v<T> ? value_type::i16 : value_type::u16;
  } else if constexpr (sizeof(T) == 4) {
    return std::is_signed_v<T> ? value_type::i32 : value_type::u32;
  } else {
    return std::is_signed_v<T> ? value_type::i64 : value_type::u64;
  }
}

template <class Items>
using item_of = typename decltype(std::span(std::declval<const Items&>()))::value_type;

/// The bytes of a file as they grow.
class byte_list {
 public:
  void append(std::span<const std::byte> more) {
    bytes_.insert(bytes_.end(), more.begin(), more.end());
  }
  template <metadata_number T>
  void number(T x) {
    append(std::as_bytes(std::span<const T, 1>(&x, 1)));
  }
  void type(value_type t) { number(static_cast<std::uint32_t>(t)); }
  void text(std::string_view s) {
    number(std::uint64_t{s.size()});
    append(std::as_bytes(std::span(s.data(), s.size())));
  }
  void pad_to(std::size_t size) { bytes_.resize(size); }

  [[nodiscard]] std::span<const std::byte> view() const noexcept { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace detail

/// Builds a GGUF file of version 3. Tensor data is viewed, not copied: it, or what makes it, must
/// live until the last `bytes` or `save`. Mistakes are kept and come out there, so that a file is
/// written down as a list:
///
///     gguf::writer out;
///     out.add("general.architecture", "llama");
///     out.add("llama.block_count", 5u);
///     out.add_tensor("w", {64, 8}, gguf::tensor_type::f32, bytes);
///     if (auto saved = out.save(path); !saved) ...
///
/// Adding `general.alignment` sets the alignment. The same calls give the same bytes.
class writer {
 public:
  /// The format's limit for keys and llama.cpp's for tensors: a longer name would not load.
  static constexpr std::size_t max_key_bytes = 65535;
  static constexpr std::size_t max_tensor_name_bytes = 63;

  /// Adds a number under its own type: an `int` is an i32, a `std::size_t` a u64.
  template <metadata_number T>
  void add(std::string_view key, T x) {
    begin_entry(key, detail::value_type_of<T>());
    if (key == alignment_key) {
      if constexpr (std::integral<T> && !std::same_as<T, bool>) {
        set_alignment(std::in_range<std::uint64_t>(x) ? static_cast<std::uint64_t>(x) : 0);
      } else {
        set_alignment(0);
      }
    }
    head_.number(x);
  }
  void add(std::string_view key, std::string_view text) {
    if (key == alignment_key) set_alignment(0);
    begin_entry(key, value_type::string);
    head_.text(text);
  }
  /// Adds what another file says, of any type.
  void add(std::string_view key, const value& v) {
    if (key == alignment_key) set_alignment(v.as_unsigned().value_or(0));
    begin_entry(key, v.type());
    if (v.type() == value_type::array) {
      head_.type(v.element_type());
      head_.number(std::uint64_t{v.size()});
    }
    if (v.type() == value_type::string) head_.number(std::uint64_t{v.payload().size()});
    head_.append(v.payload());
  }

  /// Adds an array from anything that a span can view: a vector, an array, a span.
  template <class Items>
    requires metadata_number<detail::item_of<Items>>
  void add_array(std::string_view key, const Items& items) {
    const std::span view(items);
    begin_array(key, detail::value_type_of<detail::item_of<Items>>(), view.size());
    head_.append(std::as_bytes(view));
  }
  template <class Items>
    requires metadata_text<detail::item_of<Items>>
  void add_array(std::string_view key, const Items& items) {
    const std::span view(items);
    begin_array(key, value_type::string, view.size());
    for (const auto& text : view) head_.text(text);
  }

  /// Adds a tensor; `dims[0]` is contiguous. `data` is viewed.
  ///
  /// Errors:  kept, as above: invalid_argument for 0 or more than 4 dimensions, a dimension of
  ///          0, a type without a known block, rows that are not whole blocks; shape_mismatch if
  ///          `data` is not as long as the shape says.
  void add_tensor(std::string_view name, std::span<const std::uint64_t> dims, tensor_type type,
                  std::span<const std::byte> data) {
    if (const auto size = check_shape(name, dims, type)) {
      if (*size != data.size()) return refuse(wrong_size(name, data.size(), *size));
      tensors_.push_back({std::string(name), dims, type, *size, data, std::nullopt});
    }
  }
  /// The same for data that is made while the file is written, as often as it is written.
  void add_tensor(std::string_view name, std::span<const std::uint64_t> dims, tensor_type type,
                  byte_source data) {
    if (const auto size = check_shape(name, dims, type)) {
      tensors_.push_back({std::string(name), dims, type, *size, {}, data});
    }
  }

  void add_tensor(std::string_view name, std::initializer_list<std::uint64_t> dims,
                  tensor_type type, std::span<const std::byte> data) {
    add_tensor(name, std::span(dims.begin(), dims.size()), type, data);
  }

  /// The whole file in memory.
  ///
  /// Errors:  the first mistake made so far; invalid_argument for a name that occurs twice;
  ///          shape_mismatch for data made in another length than the shape says, or what making
  ///          it failed with.
  /// Cost:    linear in the file's size, but for sorting the names.
  [[nodiscard]] expected<std::vector<std::byte>> bytes() const {
    const auto head = make_head();
    if (!head) return fail(head.error());
    std::vector<std::byte> file;
    const auto take = [&](std::span<const std::byte> piece) -> expected<void> {
      file.insert(file.end(), piece.begin(), piece.end());
      return {};
    };
    if (auto done = write(*head, take); !done) return forward_error(done);
    return file;
  }

  /// Writes the file durably (see `write_file`), without a second copy of the tensors.
  [[nodiscard]] expected<void> save(const std::string& path) const {
    const auto head = make_head();
    if (!head) return fail(head.error());
    return write_file(path, [&](byte_sink take) { return write(*head, take); });
  }

 private:
  struct record {
    record(std::string its_name, std::span<const std::uint64_t> its_dims, tensor_type its_type,
           std::size_t its_size, std::span<const std::byte> bytes, std::optional<byte_source> made)
        : name(std::move(its_name)),
          n_dims(its_dims.size()),
          type(its_type),
          size(its_size),
          data(bytes),
          source(made) {
      std::copy(its_dims.begin(), its_dims.end(), dims.begin());
    }

    std::string name;
    std::size_t n_dims;
    std::array<std::uint64_t, 4> dims{1, 1, 1, 1};
    tensor_type type;
    std::size_t size;
    std::span<const std::byte> data;
    std::optional<byte_source> source;  ///< in place of `data`
  };

  /// Everything before the tensors' data.
  [[nodiscard]] expected<detail::byte_list> make_head() const {
    if (first_error_) return fail(*first_error_);
    if (const std::string* twice = repeated(keys_)) return repeats(key_place(*twice));
    std::vector<std::string> names;
    for (const record& r : tensors_) names.push_back(r.name);
    if (const std::string* twice = repeated(names)) return repeats(tensor_place(*twice));
    detail::byte_list head;
    head.append(std::as_bytes(std::span("GGUF", 4)));
    head.number(std::uint32_t{3});
    head.number(std::uint64_t{tensors_.size()});
    head.number(std::uint64_t{keys_.size()});
    head.append(head_.view());
    std::uint64_t offset = 0;
    for (const record& r : tensors_) {
      head.text(r.name);
      head.number(static_cast<std::uint32_t>(r.n_dims));
      head.append(std::as_bytes(std::span(r.dims).first(r.n_dims)));
      head.number(static_cast<std::uint32_t>(r.type));
      head.number(offset);
      offset += padded(r.size);
    }
    // The end is padded like every tensor: other readers take the data in one piece.
    if (!tensors_.empty()) head.pad_to(padded(head.view().size()));
    return head;
  }

  [[nodiscard]] expected<void> write(const detail::byte_list& head, byte_sink take) const {
    const std::vector<std::byte> padding(alignment_);
    auto done = take(head.view());
    for (const record& r : tensors_) {
      std::size_t size = 0;
      const auto count = [&](std::span<const std::byte> piece) {
        size += piece.size();
        return take(piece);
      };
      if (done) done = r.source ? (*r.source)(count) : count(r.data);
      if (!done) break;
      if (size != r.size) return fail(wrong_size(r.name, size, r.size));
      if (padded(size) != size) done = take(std::span(padding).first(padded(size) - size));
    }
    return done;
  }

  [[nodiscard]] std::size_t padded(std::size_t size) const noexcept {
    return (size + alignment_ - 1) / alignment_ * alignment_;
  }

  void begin_entry(std::string_view key, value_type type) {
    if (key.size() > max_key_bytes) {
      refuse(mistake(errc::invalid_argument, key_place(key), std::to_string(key.size()) + " bytes",
                     "a key of at most " + std::to_string(max_key_bytes) + " bytes"));
    }
    keys_.emplace_back(key);
    head_.text(key);
    head_.type(type);
  }
  void begin_array(std::string_view key, value_type element, std::size_t size) {
    if (key == alignment_key) set_alignment(0);
    begin_entry(key, value_type::array);
    head_.type(element);
    head_.number(std::uint64_t{size});
  }

  void set_alignment(std::uint64_t alignment) {
    if (is_alignment(alignment)) {
      alignment_ = static_cast<std::uint32_t>(alignment);
    } else {
      refuse(mistake(errc::invalid_argument, key_place(alignment_key), "another value",
                     "a power of two from 8 to " + std::to_string(max_alignment)));
    }
  }

  /// The bytes that a tensor of this shape has, unless there is something wrong with it.
  std::optional<std::size_t> check_shape(std::string_view name, std::span<const std::uint64_t> dims,
                                         tensor_type type) {
    const auto refuse_tensor = [&](std::string found, std::string wanted) {
      refuse(
          mistake(errc::invalid_argument, tensor_place(name), std::move(found), std::move(wanted)));
      return std::nullopt;
    };
    if (name.size() > max_tensor_name_bytes) {
      return refuse_tensor(std::to_string(name.size()) + " bytes",
                           "a name of at most " + std::to_string(max_tensor_name_bytes) + " bytes");
    }
    const auto block = block_of(type);
    if (!block) {
      return refuse_tensor("type " + std::to_string(static_cast<std::uint32_t>(type)),
                           "a type with a known block");
    }
    if (dims.empty() || dims.size() > 4 || std::count(dims.begin(), dims.end(), 0u) != 0) {
      return refuse_tensor(std::to_string(dims.size()) + " dimensions",
                           "1 to 4 dimensions of at least 1");
    }
    if (dims[0] % block->elements != 0) {
      return refuse_tensor("rows of " + std::to_string(dims[0]),
                           "rows of whole blocks of " + std::to_string(block->elements));
    }
    checked_size size = checked_size(dims[0] / block->elements) * block->bytes;
    for (const std::uint64_t d : dims.subspan(1)) size = size * d;
    if (!size.get()) return refuse_tensor("too many elements", "a size that can be counted");
    return size.get();
  }

  [[nodiscard]] static const std::string* repeated(const std::vector<std::string>& names) {
    std::vector<const std::string*> order;
    for (const std::string& n : names) order.push_back(&n);
    const auto by_name = [](const std::string* a, const std::string* b) { return *a < *b; };
    std::sort(order.begin(), order.end(), by_name);
    const auto same = [](const std::string* a, const std::string* b) { return *a == *b; };
    const auto twice = std::adjacent_find(order.begin(), order.end(), same);
    return twice == order.end() ? nullptr : *twice;
  }

  static std::string key_place(std::string_view key) { return "key " + detail::quoted(key); }
  static std::string tensor_place(std::string_view name) {
    return "tensor " + detail::quoted(name);
  }
  static error mistake(errc code, std::string place, std::string found, std::string wanted) {
    return {code, "gguf writer", std::move(place), std::move(found), std::move(wanted), {}};
  }
  static error wrong_size(std::string_view name, std::size_t found, std::size_t wanted) {
    return mistake(errc::shape_mismatch, tensor_place(name),
                   std::to_string(found) + " bytes of data", std::to_string(wanted) + " bytes");
  }
  static unexpected<error> repeats(std::string place) {
    return fail(mistake(errc::invalid_argument, std::move(place), "it twice", "it once"));
  }
  void refuse(error e) {
    if (!first_error_) first_error_ = std::move(e);
  }

  std::uint32_t alignment_ = default_alignment;
  std::vector<std::string> keys_;
  detail::byte_list head_;
  std::vector<record> tensors_;
  std::optional<error> first_error_;
};

}  // namespace multitudes::gguf
