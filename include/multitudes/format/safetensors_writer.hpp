// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/checked_size.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/format/detail/quoted.hpp>
#include <multitudes/format/durable.hpp>
#include <multitudes/format/json.hpp>
#include <multitudes/format/safetensors_types.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::safetensors {

/// Builds a safetensors file. Tensor data is viewed, not copied: it must live until the last
/// `bytes` or `save`. Mistakes are kept and come out there. Tensors are laid out as the reference
/// implementation does it, by element size and name, so that every one is aligned; metadata keeps
/// the order in which it was added.
class writer {
 public:
  /// Adds a text to the metadata.
  void add(std::string_view key, std::string_view text) {
    for (const entry& e : metadata_) {
      if (e.key == key) refuse(errc::invalid_argument, "metadata", key, "it twice", "it once");
    }
    metadata_.push_back({std::string(key), std::string(text)});
  }

  /// Adds a tensor; the last dimension is contiguous. `data` is viewed.
  ///
  /// Errors:  kept, as above: invalid_argument for a name that occurs twice, is the format's own
  ///          `__metadata__` or is not UTF-8; shape_mismatch if `data` is not as long as the
  ///          shape says.
  void add_tensor(std::string_view name, dtype type, std::span<const std::uint64_t> shape,
                  std::span<const std::byte> data) {
    if (name == metadata_name) {
      refuse(errc::invalid_argument, "tensor", name, "the format's own name", "another");
    }
    checked_size size = bytes_of(type);
    for (const std::uint64_t n : shape) size = size * n;
    if (size.get() != data.size()) {
      refuse(errc::shape_mismatch, "tensor", name, std::to_string(data.size()) + " bytes of data",
             size.get() ? std::to_string(*size.get()) + " bytes" : "a size that can be counted");
    }
    tensors_.push_back({std::string(name), type, {shape.begin(), shape.end()}, data});
  }
  void add_tensor(std::string_view name, dtype type, std::initializer_list<std::uint64_t> shape,
                  std::span<const std::byte> data) {
    add_tensor(name, type, std::span(shape.begin(), shape.size()), data);
  }

  /// The whole file in memory.
  ///
  /// Errors:  the first mistake made so far.
  [[nodiscard]] expected<std::vector<std::byte>> bytes() const {
    std::vector<std::byte> file;
    auto done = write([&](std::span<const std::byte> piece) -> expected<void> {
      file.insert(file.end(), piece.begin(), piece.end());
      return {};
    });
    if (!done) return forward_error(done);
    return file;
  }

  /// Writes the file durably (see `write_file`).
  [[nodiscard]] expected<void> save(const std::string& path) const {
    if (first_error_) return fail(*first_error_);
    return write_file(path, [&](byte_sink take) { return write(take); });
  }

 private:
  [[nodiscard]] expected<void> write(byte_sink take) const {
    if (first_error_) return fail(*first_error_);
    std::vector<const tensor*> order;
    for (const tensor& t : tensors_) order.push_back(&t);
    std::sort(order.begin(), order.end(), [](const tensor* a, const tensor* b) {
      return a->type != b->type ? a->type > b->type : a->name < b->name;
    });
    if (const std::string* twice = repeated()) {
      return fail(mistake(errc::invalid_argument, "tensor", *twice, "it twice", "it once"));
    }
    auto header = make_header(order);
    if (!header) return forward_error(header);
    const std::uint64_t length = header->size();
    auto done = take(std::as_bytes(std::span(&length, 1)));
    if (done) done = take(std::as_bytes(std::span(*header)));
    for (const tensor* t : order) {
      if (done) done = take(t->data);
    }
    return done;
  }

  [[nodiscard]] const std::string* repeated() const {
    std::vector<const std::string*> names;
    for (const tensor& t : tensors_) names.push_back(&t.name);
    std::sort(names.begin(), names.end(),
              [](const std::string* a, const std::string* b) { return *a < *b; });
    const auto twice =
        std::adjacent_find(names.begin(), names.end(),
                           [](const std::string* a, const std::string* b) { return *a == *b; });
    return twice == names.end() ? nullptr : *twice;
  }

  [[nodiscard]] expected<std::string> make_header(const std::vector<const tensor*>& order) const {
    std::string text = "{";
    if (!metadata_.empty()) {
      text += "\"" + std::string(metadata_name) + "\":{";
      for (const entry& e : metadata_) {
        if (e.key != metadata_.front().key) text += ',';
        if (!json::append_string(text, e.key)) return not_utf8("metadata", e.key);
        text += ':';
        if (!json::append_string(text, e.text)) return not_utf8("metadata", e.key);
      }
      text += '}';
    }
    std::size_t begin = 0;
    for (const tensor* t : order) {
      if (text.size() > 1) text += ',';
      if (!json::append_string(text, t->name)) return not_utf8("tensor", t->name);
      text += ":{\"dtype\":\"" + std::string(name(t->type)) + "\",\"shape\":[";
      for (std::size_t i = 0; i < t->shape.size(); ++i) {
        text += (i == 0 ? "" : ",") + std::to_string(t->shape[i]);
      }
      const std::size_t end = begin + t->data.size();
      text += "],\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(end) + "]}";
      begin = end;
    }
    text += '}';
    text.resize((text.size() + 7) / 8 * 8, ' ');
    return text;
  }

  static error mistake(errc code, const char* what, std::string_view name, std::string found,
                       std::string wanted) {
    return {.code = code,
            .operation = "safetensors writer",
            .place = std::string(what) + " " + multitudes::detail::quoted(name),
            .found = std::move(found),
            .expected = std::move(wanted),
            .remedy = {}};
  }
  static unexpected<error> not_utf8(const char* what, std::string_view name) {
    return fail(mistake(errc::invalid_argument, what, name, "bytes that are not UTF-8", "UTF-8"));
  }
  void refuse(errc code, const char* what, std::string_view name, std::string found,
              std::string wanted) {
    if (!first_error_)
      first_error_ = mistake(code, what, name, std::move(found), std::move(wanted));
  }

  std::vector<entry> metadata_;
  std::vector<tensor> tensors_;
  std::optional<error> first_error_;
};

}  // namespace multitudes::safetensors
