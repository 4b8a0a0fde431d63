// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/fingerprint.hpp>
#include <multitudes/core/index.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes::text {

/// Many short strings in one block of memory.
class string_pool {
 public:
  void append(std::string_view s) {
    bytes_ += s;
    ends_.push_back(bytes_.size());
    longest_ = std::max(longest_, s.size());
  }
  [[nodiscard]] std::string_view operator[](std::size_t i) const noexcept {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
  }
  [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }
  /// The size of the longest string.
  [[nodiscard]] std::size_t longest() const noexcept { return longest_; }

 private:
  std::string bytes_;
  std::vector<std::size_t> ends_;
  std::size_t longest_ = 0;
};

namespace detail {

/// Bytes of a file as they may stand in an error: short, printable, in quotation marks.
inline std::string quoted(std::string_view s) {
  constexpr std::size_t limit = 48;
  std::string out = "\"";
  for (const char c : s.substr(0, limit)) out += c >= ' ' && c <= '~' ? c : '?';
  return out + (s.size() > limit ? "...\"" : "\"");
}

inline std::string numbered(std::string_view what, std::size_t number) {
  return std::string(what) + " " + std::to_string(number);
}

}  // namespace detail

/// The pieces of a vocabulary, by number and by text. An empty piece has a number but no text to
/// be found by; any other text must be unique.
///
/// Cost:    lookup takes one hash of the text and a short search, logarithmic in the number of
///          pieces even for a vocabulary that was made to collide.
class piece_table {
 public:
  /// Errors:  malformed if there are no pieces, or two with the same text.
  static expected<piece_table> make(std::span<const std::string_view> pieces) {
    constexpr std::size_t limit = std::numeric_limits<std::int32_t>::max();
    if (pieces.empty() || pieces.size() > limit) {
      return fail({.code = errc::malformed,
                   .operation = "tokenizer",
                   .place = "pieces",
                   .found = std::to_string(pieces.size()) + " pieces",
                   .expected = "1 to " + std::to_string(limit),
                   .remedy = {}});
    }
    piece_table table;
    for (const std::string_view piece : pieces) table.pool_.append(piece);
    table.build_index();
    const auto& sorted = table.sorted_;
    for (std::size_t i = 1; i < sorted.size(); ++i) {
      const std::string_view piece = table.pool_[sorted[i].id];
      if (sorted[i].hash == sorted[i - 1].hash && piece == table.pool_[sorted[i - 1].id]) {
        return fail({.code = errc::malformed,
                     .operation = "tokenizer",
                     .place = detail::numbered("piece", sorted[i].id),
                     .found = detail::quoted(piece),
                     .expected = "a text of its own",
                     .remedy = detail::numbered("it is also piece", sorted[i - 1].id)});
      }
    }
    return table;
  }

  [[nodiscard]] std::size_t size() const noexcept { return pool_.size(); }
  [[nodiscard]] std::size_t longest() const noexcept { return pool_.longest(); }
  [[nodiscard]] std::string_view operator[](token_id id) const noexcept { return pool_[id.value]; }

  [[nodiscard]] std::optional<token_id> find(std::string_view piece) const noexcept {
    if (piece.size() > pool_.longest()) return std::nullopt;
    const entry wanted{hash_of(piece), 0};
    const std::size_t bucket = bucket_of(wanted.hash);
    const auto first = sorted_.begin() + static_cast<std::ptrdiff_t>(bucket_starts_[bucket]);
    const auto last = sorted_.begin() + static_cast<std::ptrdiff_t>(bucket_starts_[bucket + 1]);
    const auto place = std::lower_bound(first, last, wanted, [&](const entry& a, const entry&) {
      return a.hash != wanted.hash ? a.hash < wanted.hash : pool_[a.id] < piece;
    });
    if (place == last || place->hash != wanted.hash || pool_[place->id] != piece) {
      return std::nullopt;
    }
    return token_id(place->id);
  }

 private:
  struct entry {
    std::uint64_t hash;
    std::uint32_t id;
  };

  static std::uint64_t hash_of(std::string_view s) noexcept {
    return fingerprint_builder().add(s).finish().value;
  }
  [[nodiscard]] std::size_t bucket_of(std::uint64_t hash) const noexcept {
    return static_cast<std::size_t>(hash >> shift_);
  }

  void build_index() {
    for (std::size_t i = 0; i < pool_.size(); ++i) {
      if (pool_[i].empty()) continue;
      sorted_.push_back({hash_of(pool_[i]), static_cast<std::uint32_t>(i)});
    }
    std::sort(sorted_.begin(), sorted_.end(), [&](const entry& a, const entry& b) {
      if (a.hash != b.hash) return a.hash < b.hash;
      const int order = pool_[a.id].compare(pool_[b.id]);
      return order != 0 ? order < 0 : a.id < b.id;
    });
    while (shift_ > 40 && (std::size_t{1} << (64 - shift_)) < pool_.size()) --shift_;
    bucket_starts_.assign((std::size_t{1} << (64 - shift_)) + 1, 0);
    for (const entry& e : sorted_) ++bucket_starts_[bucket_of(e.hash) + 1];
    for (std::size_t b = 1; b < bucket_starts_.size(); ++b) {
      bucket_starts_[b] += bucket_starts_[b - 1];
    }
  }

  string_pool pool_;
  std::vector<entry> sorted_;  // by hash, then text
  std::vector<std::size_t> bucket_starts_;
  unsigned shift_ = 63;
};

}  // namespace multitudes::text
