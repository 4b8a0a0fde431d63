// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/arena.hpp>
#include <multitudes/core/checked_size.hpp>
#include <multitudes/core/fingerprint.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/model/detail/kv_strips.hpp>
#include <multitudes/model/hyper_parameters.hpp>
#include <multitudes/simd/kernel_set.hpp>

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>

namespace multitudes::model {

/// Positions in one page of the cache: those that attention sums together.
using simd::kv_format;
using simd::kv_page_length;

/// How much a cache must hold.
struct kv_cache_limits {
  std::size_t n_sequences = 1;
  std::size_t max_length = 0;  ///< positions of the longest sequence
  std::size_t n_pages = 0;     ///< pages in all; 0: enough for every sequence at full length
  kv_format format = kv_format::f32;
};

/// Keys and values of many sequences, in pages that sequences share by reference. A fork costs a
/// copied page table; a shared page is copied when one of its owners first writes to it. Each
/// position remembers under which plan it was computed. Keys and values may be kept as F16 or Q8_0:
/// rounded when they are written, they take 1/2 or 17/64 of the memory, and of the time to read it,
/// where head_dim is a multiple of 32.
class kv_cache {
 public:
  /// The bytes of arena that `make` takes; nothing if they cannot be counted.
  static std::optional<std::size_t> required_bytes(const hyper_parameters& shape,
                                                   kv_cache_limits limits) noexcept {
    const std::size_t per_sequence = pages_for(limits.max_length);
    const checked_size n_pages = page_count(limits);
    const checked_size bytes = n_pages * checked_size(page_bytes(shape, limits.format)) +
                               n_pages * checked_size(sizeof(fingerprint) * kv_page_length) +
                               n_pages * checked_size(2 * sizeof(std::uint32_t)) +
                               checked_size(limits.n_sequences) * checked_size(per_sequence) *
                                   checked_size(sizeof(std::uint32_t)) +
                               checked_size(limits.n_sequences) * checked_size(sizeof(entry)) +
                               checked_size(8 * arena_alignment);
    return bytes.get();
  }

  /// Errors:  out_of_memory if the arena is too small.
  /// Cost:    the pages themselves are not touched until they are written.
  static expected<kv_cache> make(const hyper_parameters& shape, kv_cache_limits limits,
                                 arena& memory) {
    const auto n_pages = page_count(limits).get();
    const auto bytes = required_bytes(shape, limits);
    if (!n_pages || !bytes || limits.max_length >= std::numeric_limits<std::uint32_t>::max() ||
        *n_pages >= std::numeric_limits<std::uint32_t>::max()) {
      return fail({.code = errc::out_of_memory,
                   .operation = "key-value cache",
                   .place = {},
                   .found = std::to_string(limits.n_sequences) + " sequences of " +
                            std::to_string(limits.max_length) + " positions",
                   .expected = "a size that can be addressed",
                   .remedy = "ask for a shorter context"});
    }
    kv_cache cache;
    cache.format_ = limits.format;
    cache.part_bytes_ = simd::kv_part_bytes(limits.format, shape.head_dim);
    cache.n_parts_ = std::size_t{shape.n_layers} * shape.n_kv_heads * 2;
    cache.page_bytes_ = page_bytes(shape, limits.format);
    cache.head_dim_ = shape.head_dim;
    cache.n_kv_heads_ = shape.n_kv_heads;
    cache.max_length_ = limits.max_length;
    cache.pages_per_sequence_ = pages_for(limits.max_length);
    expected<void> outcome;
    const auto take = [&](auto& into, std::size_t count) {
      if (!outcome) return;
      using element = typename std::remove_cvref_t<decltype(into)>::element_type;
      auto piece = memory.take_uninitialized<element>(count);
      if (piece)
        into = *piece;
      else
        outcome = forward_error(piece);
    };
    take(cache.data_, *n_pages * cache.page_bytes_);
    take(cache.plans_, *n_pages * kv_page_length);
    take(cache.owners_, *n_pages);
    take(cache.free_, *n_pages);
    take(cache.tables_, limits.n_sequences * cache.pages_per_sequence_);
    take(cache.sequences_, limits.n_sequences);
    if (!outcome) return forward_error(outcome);
    for (std::size_t i = 0; i < *n_pages; ++i) {
      cache.owners_[i] = 0;
      cache.free_[i] = static_cast<std::uint32_t>(*n_pages - 1 - i);
    }
    cache.n_free_ = *n_pages;
    std::fill(cache.sequences_.begin(), cache.sequences_.end(), entry{});
    return cache;
  }

  /// A new empty sequence.
  ///
  /// Errors:  out_of_memory if all are in use.
  expected<sequence_id> open() {
    for (std::size_t s = 0; s < sequences_.size(); ++s) {
      if (sequences_[s].open) continue;
      sequences_[s] = {true, 0};
      return sequence_id(s);
    }
    return fail({.code = errc::out_of_memory,
                 .operation = "open sequence",
                 .place = {},
                 .found = std::to_string(sequences_.size()) + " sequences in use",
                 .expected = {},
                 .remedy = "close one or make the cache with more n_sequences"});
  }

  /// Forgets a sequence; pages that nobody else shares become free.
  void close(sequence_id s) noexcept {
    truncate(s, 0);
    sequences_[s.value].open = false;
  }

  [[nodiscard]] bool is_open(sequence_id s) const noexcept {
    return s.value < sequences_.size() && sequences_[s.value].open;
  }
  [[nodiscard]] std::size_t length(sequence_id s) const noexcept {
    return sequences_[s.value].length;
  }
  /// How many sequences may be open at the same time.
  [[nodiscard]] std::size_t n_sequences() const noexcept { return sequences_.size(); }
  [[nodiscard]] std::size_t free_sequences() const noexcept {
    return static_cast<std::size_t>(std::count_if(sequences_.begin(), sequences_.end(),
                                                  [](const entry& e) { return !e.open; }));
  }
  [[nodiscard]] std::size_t max_length() const noexcept { return max_length_; }
  [[nodiscard]] std::size_t free_pages() const noexcept { return n_free_; }

  /// A second sequence with the same memory, sharing every page.
  ///
  /// Errors:  out_of_memory if all sequences are in use.
  /// Cost:    a copy of the page table.
  expected<sequence_id> fork(sequence_id from) {
    auto copy = open();
    if (!copy) return copy;
    const std::size_t n_pages = pages_for(length(from));
    std::copy_n(table(from).begin(), n_pages, table(*copy).begin());
    for (std::size_t i = 0; i < n_pages; ++i) ++owners_[table(from)[i]];
    sequences_[copy->value].length = sequences_[from.value].length;
    return copy;
  }

  /// Forgets all positions from `length` on.
  void truncate(sequence_id s, std::size_t length) noexcept {
    entry& sequence = sequences_[s.value];
    if (length >= sequence.length) return;
    for (std::size_t i = pages_for(length); i < pages_for(sequence.length); ++i) {
      release(table(s)[i]);
    }
    sequence.length = static_cast<std::uint32_t>(length);
  }

  /// How many free pages `append` of so many positions takes.
  [[nodiscard]] std::size_t pages_to_append(sequence_id s, std::size_t count) const noexcept {
    const std::size_t old_length = sequences_[s.value].length;
    return pages_for(old_length + count) - pages_for(old_length) +
           (copies_last_page(s, count) ? 1 : 0);
  }

  /// Makes room for `count` more positions, computed under `plan`, that the caller then writes.
  ///
  /// Errors:  out_of_memory if the sequence would grow too long or pages run out; the sequence
  ///          is then unchanged.
  expected<void> append(sequence_id s, std::size_t count, fingerprint plan) {
    entry& sequence = sequences_[s.value];
    const std::size_t old_length = sequence.length;
    if (count > max_length_ - old_length) {
      return fail({.code = errc::out_of_memory,
                   .operation = "append to sequence",
                   .place = "sequence " + std::to_string(s.value),
                   .found = std::to_string(old_length + count) + " positions",
                   .expected = "at most " + std::to_string(max_length_),
                   .remedy = "make the cache with a larger max_length"});
    }
    const std::size_t wanted = pages_to_append(s, count);
    if (wanted > n_free_) {
      return fail({.code = errc::out_of_memory,
                   .operation = "append to sequence",
                   .place = "sequence " + std::to_string(s.value),
                   .found = std::to_string(n_free_) + " free pages",
                   .expected = std::to_string(wanted),
                   .remedy = "close a sequence or make the cache with more pages"});
    }
    const std::size_t held = pages_for(old_length);
    const std::size_t needed = pages_for(old_length + count);
    if (copies_last_page(s, count)) make_private(s, held - 1, old_length % kv_page_length);
    for (std::size_t i = held; i < needed; ++i) table(s)[i] = take_page();
    sequence.length = static_cast<std::uint32_t>(old_length + count);
    for (std::size_t p = old_length; p < old_length + count; ++p) plan_of(s, p) = plan;
    return {};
  }

  /// Writes the key and the value of one head at a position that was appended, rounded to the
  /// cache's format. Other threads may write other positions, heads and layers meanwhile.
  ///
  /// Shapes:  key, value (head_dim).
  void write(const simd::kernel_set& kernels, sequence_id s, position at, layer_index layer,
             std::size_t kv_head, std::span<const float> key,
             std::span<const float> value) noexcept {
    const std::size_t slot = at.value % kv_page_length;
    std::byte* keys = data_.data() + offset(s, at.value / kv_page_length, layer, kv_head);
    std::byte* values = keys + part_bytes_;
    if (format_ == kv_format::f32) {
      put(key.data(), head_dim_, keys + slot * sizeof(float));
      std::memcpy(values + slot * head_dim_ * sizeof(float), value.data(), value.size_bytes());
      return;
    }
    const std::size_t width = simd::kv_width(format_, head_dim_);
    for (std::size_t first = 0; first < head_dim_; first += simd::kv_block) {
      const std::size_t n = std::min(simd::kv_block, head_dim_ - first);
      const std::size_t padded = std::min(simd::kv_block, width - first);
      simd::kv_rounded k, v;
      kernels.round_kv(format_, key.data() + first, n, &k);
      kernels.round_kv(format_, value.data() + first, n, &v);
      if (format_ == kv_format::f16) {
        put(k.halves, n, keys + (first * kv_page_length + slot) * 2);
        std::memcpy(values + (slot * width + first) * 2, v.halves, padded * 2);
      } else {
        put(k.bytes, n, keys + first * kv_page_length + slot);
        std::memcpy(values + slot * width + first, v.bytes, padded);
        const std::size_t scale =
            simd::kv_scales_at(head_dim_) + (first / simd::kv_block * kv_page_length + slot) * 2;
        std::memcpy(keys + scale, &k.scale, 2);
        std::memcpy(values + scale, &v.scale, 2);
      }
    }
  }

  /// Under which plan a position was computed.
  [[nodiscard]] fingerprint plan_at(sequence_id s, position p) const noexcept {
    return plan_of(s, p.value);
  }

  /// The bytes that so many positions take outside of a cache; at most max_length of them.
  [[nodiscard]] std::size_t exported_bytes(std::size_t count) const noexcept {
    return count *
           (sizeof(fingerprint) + n_parts_ / 2 * detail::position_bytes(format_, head_dim_));
  }
  /// Copies positions out: their plans, then keys and values as they are kept, page by page.
  ///
  /// Shapes:  first + count: at most the length; into (exported_bytes(count)).
  void export_to(sequence_id s, position first, std::size_t count,
                 std::span<std::byte> into) const noexcept {
    std::byte* to = into.data();
    for (std::size_t i = 0; i < count; ++i, to += sizeof(fingerprint)) {
      const fingerprint plan = plan_at(s, position(first.value + i));
      std::memcpy(to, &plan, sizeof plan);
    }
    each_piece(s, first.value, count, [&](std::size_t at, std::size_t n) {
      std::memcpy(to, data_.data() + at, n);
      to += n;
    });
  }
  /// The plan of position `i` of those that were exported.
  static fingerprint exported_plan(std::span<const std::byte> from, std::size_t i) noexcept {
    fingerprint plan;
    std::memcpy(&plan, from.data() + i * sizeof plan, sizeof plan);
    return plan;
  }
  /// Appends positions that export_to wrote, of a sequence of the same length up to them, in a
  /// cache of the same shape and format. Any bytes are taken for numbers.
  ///
  /// Shapes:  from (exported_bytes(count)).
  /// Errors:  those of append; the sequence is then unchanged.
  expected<void> import_from(sequence_id s, std::size_t count, std::span<const std::byte> from) {
    const std::size_t first = length(s);
    if (auto ok = append(s, count, {}); !ok) return ok;
    for (std::size_t i = 0; i < count; ++i) plan_of(s, first + i) = exported_plan(from, i);
    const std::byte* next = from.data() + count * sizeof(fingerprint);
    each_piece(s, first, count, [&](std::size_t at, std::size_t n) {
      std::memcpy(data_.data() + at, next, n);
      next += n;
    });
    return {};
  }

  /// One head's keys and values in one page, as kernels take them, but for `count` and `scale`.
  [[nodiscard]] simd::attention_page page(sequence_id s, std::size_t index, layer_index layer,
                                          std::size_t kv_head) const noexcept {
    const std::byte* keys = data_.data() + offset(s, index, layer, kv_head);
    return {format_, keys, keys + part_bytes_, 0, head_dim_, 0};
  }
  [[nodiscard]] kv_format format() const noexcept { return format_; }

 private:
  struct entry {
    bool open = false;
    std::uint32_t length = 0;
  };

  static std::size_t pages_for(std::size_t length) noexcept {
    return length / kv_page_length + (length % kv_page_length != 0 ? 1 : 0);
  }
  static checked_size page_count(kv_cache_limits limits) noexcept {
    if (limits.n_pages != 0) return limits.n_pages;
    return checked_size(limits.n_sequences) * checked_size(pages_for(limits.max_length));
  }
  static std::size_t page_bytes(const hyper_parameters& p, kv_format format) noexcept {
    return std::size_t{p.n_layers} * p.n_kv_heads * 2 * simd::kv_part_bytes(format, p.head_dim);
  }
  /// Elements of one position, which stand a page's length apart.
  template <class T>
  static void put(const T* from, std::size_t n, std::byte* to) noexcept {
    for (std::size_t e = 0; e < n; ++e) {
      std::memcpy(to + e * kv_page_length * sizeof(T), from + e, sizeof(T));
    }
  }

  [[nodiscard]] std::span<std::uint32_t> table(sequence_id s) noexcept {
    return tables_.subspan(s.value * pages_per_sequence_, pages_per_sequence_);
  }
  [[nodiscard]] std::span<const std::uint32_t> table(sequence_id s) const noexcept {
    return tables_.subspan(s.value * pages_per_sequence_, pages_per_sequence_);
  }
  [[nodiscard]] std::size_t offset(sequence_id s, std::size_t page, layer_index layer,
                                   std::size_t kv_head) const noexcept {
    // A page is (n_layers, n_kv_heads): the keys and then the values of one head.
    return table(s)[page] * page_bytes_ + (layer.value * n_kv_heads_ + kv_head) * 2 * part_bytes_;
  }

  [[nodiscard]] fingerprint& plan_of(sequence_id s, std::size_t p) const noexcept {
    return plans_[table(s)[p / kv_page_length] * kv_page_length + p % kv_page_length];
  }
  /// The bytes of positions, in pieces of (offset, length) that lie together.
  template <class Piece>
  void each_piece(sequence_id s, std::size_t first, std::size_t count, Piece&& piece) const {
    for (std::size_t p = first; p < first + count;) {
      const std::size_t slot = p % kv_page_length;
      const std::size_t n = std::min(kv_page_length - slot, first + count - p);
      const std::size_t page = table(s)[p / kv_page_length] * page_bytes_;
      for (std::size_t part = 0; part < n_parts_; ++part) {
        for (const auto& strip : detail::kv_strips(format_, head_dim_, part % 2 == 0)) {
          strip.each_piece(page + part * part_bytes_, slot, n, piece);
        }
      }
      p += n;
    }
  }

  /// Whether a sequence would write to a page that it shares.
  [[nodiscard]] bool copies_last_page(sequence_id s, std::size_t count) const noexcept {
    const std::size_t length = sequences_[s.value].length;
    return count > 0 && length % kv_page_length != 0 &&
           owners_[table(s)[length / kv_page_length]] > 1;
  }
  std::uint32_t take_page() noexcept {
    const std::uint32_t page = free_[--n_free_];
    owners_[page] = 1;
    return page;
  }
  void release(std::uint32_t page) noexcept {
    if (--owners_[page] == 0) free_[n_free_++] = page;
  }
  /// Copies a shared page, of which `filled` positions are in use.
  void make_private(sequence_id s, std::size_t index, std::size_t filled) noexcept {
    const std::uint32_t shared = table(s)[index];
    const std::uint32_t own = take_page();
    std::memcpy(data_.data() + own * page_bytes_, data_.data() + shared * page_bytes_, page_bytes_);
    std::copy_n(plans_.begin() + static_cast<std::ptrdiff_t>(shared * kv_page_length), filled,
                plans_.begin() + static_cast<std::ptrdiff_t>(own * kv_page_length));
    table(s)[index] = own;
    release(shared);
  }

  kv_format format_ = kv_format::f32;
  std::size_t part_bytes_ = 0;  // keys, or values, of one head in one page
  std::size_t n_parts_ = 0;     // of a page: keys and values of each head and layer
  std::size_t page_bytes_ = 0;
  std::size_t head_dim_ = 0;
  std::size_t n_kv_heads_ = 0;
  std::size_t max_length_ = 0;
  std::size_t pages_per_sequence_ = 0;
  std::size_t n_free_ = 0;
  std::span<std::byte> data_;        // (n_pages, page)
  std::span<fingerprint> plans_;     // (n_pages, kv_page_length)
  std::span<std::uint32_t> owners_;  // (n_pages)
  std::span<std::uint32_t> free_;    // a stack of n_free_ pages
  std::span<std::uint32_t> tables_;  // (n_sequences, pages_per_sequence)
  std::span<entry> sequences_;       // (n_sequences)
};

}  // namespace multitudes::model
