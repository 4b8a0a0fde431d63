// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/checked_size.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/format/detail/gguf_cursor.hpp>
#include <multitudes/format/detail/gguf_value_parser.hpp>
#include <multitudes/format/gguf_contents.hpp>
#include <multitudes/format/gguf_types.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes::gguf::detail {

/// Reads a whole file, front to back, once.
///
/// Cost:    linear in the file's header, but for two sorts; the tensors' bytes are not touched.
class parser {
 public:
  parser(std::span<const std::byte> bytes, std::string_view file_name) noexcept
      : bytes_(bytes), in_(bytes, file_name) {}

  expected<contents> run() {
    if (auto done = parse_header(); !done) return forward_error(done);
    if (auto done = parse_metadata(); !done) return forward_error(done);
    if (auto done = parse_alignment(); !done) return forward_error(done);
    if (auto done = parse_tensors(); !done) return forward_error(done);
    if (auto done = place_tensors(); !done) return forward_error(done);
    if (auto done = check_overlaps(); !done) return forward_error(done);
    return std::move(result_);
  }

 private:
  // The shortest entries: an empty key with one byte, an unnamed tensor of one dimension.
  static constexpr std::uint64_t min_entry_bytes = 8 + 4 + 1;
  static constexpr std::uint64_t min_tensor_bytes = 8 + 4 + 8 + 4 + 8;

  /// Where a tensor says that its data is, and where in the file it says so.
  struct placement {
    std::uint64_t offset = 0;
    std::size_t position = 0;
  };

  expected<void> parse_header() {
    const auto magic = in_.take(4, "magic", 0);
    if (!magic) return fail(magic.error());
    if (as_text(*magic) != "GGUF") {
      return fail(in_.at(0, errc::unsupported, "magic", quoted(as_text(*magic)), "\"GGUF\"",
                         "give a model in the GGUF format"));
    }
    const auto version = in_.number<std::uint32_t>("version");
    if (!version) return fail(version.error());
    if (auto done = check_version(*version); !done) return done;
    result_.version = *version;
    const auto n_tensors = in_.count("number of tensors", min_tensor_bytes);
    if (!n_tensors) return fail(n_tensors.error());
    n_tensors_ = *n_tensors;
    const auto n_entries =
        in_.count("number of keys", min_entry_bytes, n_tensors_ * min_tensor_bytes);
    if (!n_entries) return fail(n_entries.error());
    n_entries_ = *n_entries;
    return {};
  }

  expected<void> check_version(std::uint32_t version) const {
    if (version == 2 || version == 3) return {};
    const bool big_endian = version != 0 && (version & 0xFFFF) == 0;
    std::string found = big_endian ? "a big-endian file" : "version " + std::to_string(version);
    return fail(
        in_.at(4, errc::unsupported, "version", std::move(found), "version 2 or 3, little endian",
               version < 2 || big_endian ? "convert the model again with a current converter"
                                         : "the file is damaged, or newer than this library"));
  }

  // The lists below grow as entries are read, instead of to what the header announces: a header
  // that lies costs nothing.
  expected<void> parse_metadata() {
    for (std::uint64_t i = 0; i < n_entries_; ++i) {
      in_.enter("key", i);
      const auto key = in_.string("name");
      if (!key) return fail(key.error());
      in_.name_entry(*key);
      auto content = parse_value(in_);
      if (!content) return forward_error(content);
      result_.metadata.push_back({*key, *content});
    }
    in_.leave();
    result_.metadata_order = sorted_by_name(result_.metadata);
    return check_unique(result_.metadata, result_.metadata_order, "key");
  }

  expected<void> parse_alignment() {
    const entry* found = find_by_name(result_.metadata, result_.metadata_order, alignment_key);
    if (found == nullptr) return {};
    const auto alignment = found->content.as_unsigned();
    if (alignment && is_alignment(*alignment)) {
      result_.alignment = static_cast<std::uint32_t>(*alignment);
      return {};
    }
    return fail(in_.at(position_of(found->content.payload().data()), errc::malformed, alignment_key,
                       found->content.describe(),
                       "a power of two from 8 to " + std::to_string(max_alignment),
                       "write the file again with alignment 32"));
  }

  expected<void> parse_tensors() {
    for (std::uint64_t i = 0; i < n_tensors_; ++i) {
      in_.enter("tensor", i);
      tensor t;
      const auto name = in_.string("name");
      if (!name) return fail(name.error());
      t.name = *name;
      in_.name_entry(*name);
      if (auto done = parse_dims(t); !done) return done;
      if (auto done = parse_type(t); !done) return done;
      const std::size_t position = in_.position();
      const auto offset = in_.number<std::uint64_t>("offset");
      if (!offset) return fail(offset.error());
      result_.tensors.push_back(t);
      placements_.push_back({*offset, position});
    }
    in_.leave();
    result_.tensor_order = sorted_by_name(result_.tensors);
    return check_unique(result_.tensors, result_.tensor_order, "tensor");
  }

  expected<void> parse_dims(tensor& t) {
    const std::size_t start = in_.position();
    const auto n_dims = in_.number<std::uint32_t>("number of dimensions");
    if (!n_dims) return fail(n_dims.error());
    if (*n_dims < 1 || *n_dims > t.dims.size()) {
      return fail(in_.at(start, errc::malformed, "number of dimensions", std::to_string(*n_dims),
                         "1 to 4", "write the tensor with 1 to 4"));
    }
    t.n_dims = *n_dims;
    for (std::uint32_t d = 0; d < t.n_dims; ++d) {
      const std::size_t position = in_.position();
      const auto dim = in_.number<std::uint64_t>("dimension");
      if (!dim) return fail(dim.error());
      if (*dim == 0) {
        return fail(in_.at(position, errc::malformed, "dimension " + std::to_string(d), "0",
                           "at least 1", "leave empty tensors out"));
      }
      t.dims[d] = *dim;
    }
    return {};
  }

  expected<void> parse_type(tensor& t) {
    const std::size_t start = in_.position();
    const auto id = in_.number<std::uint32_t>("type");
    if (!id) return fail(id.error());
    t.type = static_cast<tensor_type>(*id);
    const auto block = block_of(t.type);
    if (!block) {
      return fail(in_.at(start, errc::unsupported, "type", "type " + std::to_string(*id),
                         "a tensor type with a known block, such as f32 (0) or q8_0 (8)",
                         "convert the model to a type such as f16 or q8_0"));
    }
    if (t.dims[0] % block->elements != 0) {
      return fail(
          in_.at(start, errc::malformed, "type",
                 std::string(gguf::name(t.type)) + " with rows of " + std::to_string(t.dims[0]),
                 "rows of whole blocks of " + std::to_string(block->elements),
                 "convert this tensor to f16 or f32"));
    }
    return {};
  }

  /// Gives each tensor its bytes, once it is known where the data begins.
  expected<void> place_tensors() {
    const checked_size data_start = checked_size(in_.position()).round_up(result_.alignment);
    for (std::size_t i = 0; i < result_.tensors.size(); ++i) {
      tensor& t = result_.tensors[i];
      const auto [offset, position] = placements_[i];
      in_.enter("tensor", i);
      in_.name_entry(t.name);
      if (offset % result_.alignment != 0) {
        return fail(in_.at(position, errc::malformed, "offset", std::to_string(offset),
                           "a multiple of the alignment " + std::to_string(result_.alignment),
                           "write the file again"));
      }
      const block_shape block = *block_of(t.type);
      const checked_size size = checked_size(t.dims[0] / block.elements) * block.bytes * t.dims[1] *
                                t.dims[2] * t.dims[3];
      const checked_size begin = data_start + offset;
      if (!(begin + size).fits(bytes_.size())) return fail(outside(begin, size, position));
      t.data = bytes_.subspan(*begin.get(), *size.get());
    }
    in_.leave();
    return {};
  }

  [[nodiscard]] error outside(checked_size begin, checked_size size, std::size_t position) const {
    const auto first = begin.get();
    const auto length = size.get();
    std::string found = first && length
                            ? std::to_string(*length) + " bytes from byte " + std::to_string(*first)
                            : "more bytes than can be counted";
    return in_.at(position, errc::truncated, "data", std::move(found),
                  "an end within the file's " + std::to_string(bytes_.size()) + " bytes",
                  "copy or download the file again");
  }

  expected<void> check_overlaps() const {
    const auto& tensors = result_.tensors;
    std::vector<std::size_t> order(tensors.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return placements_[a].offset < placements_[b].offset;
    });
    for (std::size_t i = 1; i < order.size(); ++i) {
      const tensor& before = tensors[order[i - 1]];
      const tensor& after = tensors[order[i]];
      const std::uint64_t offset = placements_[order[i]].offset;
      // No tensor is empty, so an overlap anywhere shows between two neighbors.
      if (placements_[order[i - 1]].offset + before.data.size() <= offset) continue;
      return fail(in_.at(placements_[order[i]].position, errc::malformed,
                         "tensor " + quoted(after.name) + ", offset", std::to_string(offset),
                         "data after the end of tensor " + quoted(before.name),
                         "write the file again"));
    }
    return {};
  }

  template <class Item>
  expected<void> check_unique(const std::vector<Item>& items, const std::vector<std::size_t>& order,
                              std::string_view what) const {
    for (std::size_t i = 1; i < order.size(); ++i) {
      const auto first = name_of(items[order[i - 1]]);
      const auto second = name_of(items[order[i]]);
      if (first != second) continue;
      return fail(in_.at(position_of(second.data()), errc::malformed, what,
                         quoted(second) + " again",
                         "one " + std::string(what) + " of that name, which is at byte " +
                             std::to_string(position_of(first.data())),
                         "write the file again with each name once"));
    }
    return {};
  }

  template <class Byte>
  [[nodiscard]] std::size_t position_of(const Byte* p) const noexcept {
    return static_cast<std::size_t>(reinterpret_cast<const std::byte*>(p) - bytes_.data());
  }

  std::span<const std::byte> bytes_;
  cursor in_;
  contents result_;
  std::uint64_t n_tensors_ = 0;
  std::uint64_t n_entries_ = 0;
  std::vector<placement> placements_;
};

}  // namespace multitudes::gguf::detail
