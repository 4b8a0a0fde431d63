// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/format/gguf_types.hpp>
#include <multitudes/format/gguf_value.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace multitudes::gguf {

/// One line of the metadata.
struct entry {
  std::string_view key;
  value content;
};

/// One tensor, where it lies in the file. `dims[0]` is contiguous (a row's length); dimensions
/// beyond `n_dims` are 1. `data` starts on a multiple of the file's alignment and holds exactly
/// the blocks of the elements.
struct tensor {
  std::string_view name;
  std::array<std::uint64_t, 4> dims{1, 1, 1, 1};
  std::uint32_t n_dims = 0;
  tensor_type type{};
  std::span<const std::byte> data;

  [[nodiscard]] constexpr std::uint64_t n_elements() const noexcept {
    return dims[0] * dims[1] * dims[2] * dims[3];
  }
};

namespace detail {

inline std::string_view name_of(const entry& e) noexcept { return e.key; }
inline std::string_view name_of(const tensor& t) noexcept { return t.name; }

/// The places of `items` in the order of their names. Sorted rather than hashed: no choice of
/// names makes it slow.
template <class Item>
std::vector<std::size_t> sorted_by_name(const std::vector<Item>& items) {
  std::vector<std::size_t> order(items.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const int c = name_of(items[a]).compare(name_of(items[b]));
    return c != 0 ? c < 0 : a < b;
  });
  return order;
}

template <class Item>
const Item* find_by_name(const std::vector<Item>& items, const std::vector<std::size_t>& order,
                         std::string_view name) noexcept {
  const auto at = std::lower_bound(
      order.begin(), order.end(), name,
      [&](std::size_t i, std::string_view wanted) { return name_of(items[i]) < wanted; });
  if (at == order.end() || name_of(items[*at]) != name) return nullptr;
  return &items[*at];
}

/// Everything that a file says, as views of its bytes.
struct contents {
  std::uint32_t version = 0;
  std::uint32_t alignment = default_alignment;
  std::vector<entry> metadata;
  std::vector<std::size_t> metadata_order;
  std::vector<tensor> tensors;
  std::vector<std::size_t> tensor_order;
};

}  // namespace detail

}  // namespace multitudes::gguf
