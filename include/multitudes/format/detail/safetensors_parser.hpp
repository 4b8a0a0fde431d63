// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/checked_size.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/format/detail/quoted.hpp>
#include <multitudes/format/json.hpp>
#include <multitudes/format/safetensors_types.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::safetensors::detail {

/// Everything that a file says. Tensors and metadata are sorted by name.
struct contents {
  std::vector<tensor> tensors;
  std::vector<entry> metadata;
};

/// Reads a whole file, front to back, once.
///
/// Cost:    linear in the header, but for two sorts; the tensors' bytes are not touched.
class parser {
 public:
  parser(std::span<const std::byte> bytes, std::string_view file_name)
      : bytes_(bytes), file_name_(file_name), header_({}, {}) {}

  expected<contents> run() {
    if (auto done = find_header(); !done) return forward_error(done);
    if (auto done = parse_header(); !done) return forward_error(done);
    if (auto done = place_tensors(); !done) return forward_error(done);
    if (auto done = check_cover(); !done) return forward_error(done);
    std::sort(result_.tensors.begin(), result_.tensors.end(),
              [](const tensor& a, const tensor& b) { return a.name < b.name; });
    std::sort(result_.metadata.begin(), result_.metadata.end(),
              [](const entry& a, const entry& b) { return a.key < b.key; });
    if (auto done = check_unique(); !done) return forward_error(done);
    return std::move(result_);
  }

 private:
  static constexpr std::size_t length_bytes = sizeof(std::uint64_t);

  struct offsets {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };

  [[nodiscard]] error at(std::string_view place, errc code, std::string found,
                         std::string wanted) const {
    std::string whole(file_name_);
    if (!whole.empty()) whole += ", ";
    whole += place;
    return {.code = code,
            .operation = "safetensors",
            .place = std::move(whole),
            .found = std::move(found),
            .expected = std::move(wanted),
            .remedy = code == errc::truncated ? "copy or download the file again"
                                              : "write the file again"};
  }
  [[nodiscard]] error at(const tensor& t, errc code, std::string found, std::string wanted) const {
    return at("tensor " + multitudes::detail::quoted(t.name), code, std::move(found),
              std::move(wanted));
  }

  expected<void> find_header() {
    if (bytes_.size() < length_bytes) {
      return fail(at("byte 0, length of the header", errc::truncated,
                     std::to_string(bytes_.size()) + " bytes", "8 bytes"));
    }
    std::uint64_t length = 0;
    std::memcpy(&length, bytes_.data(), length_bytes);
    if (length > max_header_bytes) {
      return fail(at(
          "byte 0, length of the header", errc::unsupported, std::to_string(length),
          "at most " + std::to_string(max_header_bytes) + "; a file of another format begins so"));
    }
    if (length > bytes_.size() - length_bytes) {
      return fail(at(
          "byte 0, length of the header", errc::truncated, std::to_string(length),
          "no more than the " + std::to_string(bytes_.size() - length_bytes) + " bytes after it"));
    }
    const auto* start = reinterpret_cast<const char*>(bytes_.data()) + length_bytes;
    header_ = json::cursor({start, static_cast<std::size_t>(length)}, std::string(file_name_),
                           length_bytes);
    data_ = bytes_.subspan(length_bytes + static_cast<std::size_t>(length));
    return {};
  }

  /// Calls `member` after each key and colon of an object.
  template <class Member>
  expected<void> for_each_member(Member member) {
    if (auto done = header_.expect('{'); !done) return done;
    if (header_.accept('}')) return {};
    do {
      auto key = header_.string();
      if (!key) return forward_error(key);
      if (auto done = header_.expect(':'); !done) return done;
      if (expected<void> done = member(std::move(*key)); !done) return done;
    } while (header_.accept(','));
    return header_.expect('}');
  }

  expected<void> parse_header() {
    const auto member = [&](std::string key) -> expected<void> {
      if (key != metadata_name) return parse_tensor(std::move(key));
      if (std::exchange(has_metadata_, true)) return fail(twice(key));
      return parse_metadata();
    };
    if (auto done = for_each_member(member); !done) return done;
    return header_.finish();
  }

  [[nodiscard]] error twice(std::string_view key) const {
    return header_.at(errc::malformed, multitudes::detail::quoted(key) + " again", "each key once");
  }

  expected<void> parse_metadata() {
    return for_each_member([&](std::string key) -> expected<void> {
      auto text = header_.string();
      if (!text) return forward_error(text);
      result_.metadata.push_back({std::move(key), *std::move(text)});
      return {};
    });
  }

  expected<void> parse_tensor(std::string its_name) {
    tensor t;
    t.name = std::move(its_name);
    std::optional<dtype> type;
    std::optional<offsets> where;
    bool has_shape = false;
    const auto member = [&](std::string key) -> expected<void> {
      if (key == "dtype" && !type) return parse_type(type);
      if (key == "shape" && !std::exchange(has_shape, true)) return parse_shape(t.shape);
      if (key == "data_offsets" && !where) return parse_offsets(where);
      return fail(header_.at(errc::malformed, multitudes::detail::quoted(key),
                             "dtype, shape and data_offsets, each once"));
    };
    if (auto done = for_each_member(member); !done) return done;
    if (!type || !has_shape || !where) {
      return fail(at(t, errc::malformed, "less", "dtype, shape and data_offsets"));
    }
    t.type = *type;
    result_.tensors.push_back(std::move(t));
    places_.push_back(*where);
    return {};
  }

  expected<void> parse_type(std::optional<dtype>& type) {
    const auto text = header_.string();
    if (!text) return fail(text.error());
    type = dtype_named(*text);
    if (type) return {};
    return fail(header_.at(errc::unsupported, "dtype " + multitudes::detail::quoted(*text),
                           "a dtype with whole bytes, such as F32, F16 or BF16"));
  }

  expected<void> parse_shape(std::vector<std::uint64_t>& shape) {
    if (auto done = header_.expect('['); !done) return done;
    if (header_.accept(']')) return {};
    do {
      const auto n = header_.unsigned_integer();
      if (!n) return fail(n.error());
      shape.push_back(*n);
    } while (header_.accept(','));
    return header_.expect(']');
  }

  expected<void> parse_offsets(std::optional<offsets>& where) {
    std::vector<std::uint64_t> two;
    if (auto done = parse_shape(two); !done) return done;
    if (two.size() != 2) {
      return fail(header_.at(errc::malformed, std::to_string(two.size()) + " data_offsets", "2"));
    }
    where = {two[0], two[1]};
    return {};
  }

  /// Gives each tensor its bytes.
  expected<void> place_tensors() {
    for (std::size_t i = 0; i < result_.tensors.size(); ++i) {
      tensor& t = result_.tensors[i];
      const auto [begin, end] = places_[i];
      checked_size size = bytes_of(t.type);
      for (const std::uint64_t n : t.shape) size = size * n;
      const std::string span =
          "data_offsets from " + std::to_string(begin) + " to " + std::to_string(end);
      if (begin > end) return fail(at(t, errc::malformed, span, "a begin before the end"));
      if (size.get() != end - begin) {
        return fail(at(t, errc::malformed, span,
                       size.get() ? std::to_string(*size.get()) + " bytes, as dtype and shape say"
                                  : "a shape whose size can be counted"));
      }
      if (end > data_.size()) {
        return fail(
            at(t, errc::truncated, span,
               "an end within the file's " + std::to_string(data_.size()) + " bytes of data"));
      }
      t.data = data_.subspan(static_cast<std::size_t>(begin), *size.get());
    }
    return {};
  }

  /// The tensors cover all of the data, each byte once.
  expected<void> check_cover() const {
    std::vector<std::size_t> order(places_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      if (places_[a].begin != places_[b].begin) return places_[a].begin < places_[b].begin;
      return places_[a].end < places_[b].end;
    });
    std::uint64_t covered = 0;
    for (const std::size_t i : order) {
      if (places_[i].begin != covered) {
        return fail(
            at(result_.tensors[i], errc::malformed,
               "data from byte " + std::to_string(places_[i].begin),
               "data from byte " + std::to_string(covered) + ", where the data before it ends"));
      }
      covered = places_[i].end;
    }
    if (covered == data_.size()) return {};
    return fail(at("data", errc::malformed, std::to_string(data_.size()) + " bytes",
                   "the tensors' " + std::to_string(covered)));
  }

  expected<void> check_unique() const {
    for (std::size_t i = 1; i < result_.tensors.size(); ++i) {
      if (result_.tensors[i - 1].name != result_.tensors[i].name) continue;
      return fail(at(result_.tensors[i], errc::malformed, "it again", "each name once"));
    }
    for (std::size_t i = 1; i < result_.metadata.size(); ++i) {
      if (result_.metadata[i - 1].key != result_.metadata[i].key) continue;
      return fail(at("metadata " + multitudes::detail::quoted(result_.metadata[i].key),
                     errc::malformed, "it again", "each key once"));
    }
    return {};
  }

  std::span<const std::byte> bytes_;
  std::string_view file_name_;
  json::cursor header_;
  std::span<const std::byte> data_;
  contents result_;
  std::vector<offsets> places_;
  bool has_metadata_ = false;
};

}  // namespace multitudes::safetensors::detail
