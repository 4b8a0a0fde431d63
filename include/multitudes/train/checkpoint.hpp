// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/checked_size.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/core/fingerprint.hpp>
#include <multitudes/format/durable.hpp>
#include <multitudes/format/file_bytes.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::train {

static_assert(std::endian::native == std::endian::little, "checkpoints are little-endian");

/// What a checkpoint stores by value and by array. No bools: not every byte is one.
template <class T>
concept checkpoint_number = std::floating_point<T> || (std::integral<T> && !std::same_as<T, bool>);

/// A part of a checkpoint.
struct checkpoint_section {
  std::string_view name;
  std::span<const std::byte> bytes;
};

// The file: a head of 32 bytes (magic, version, number of sections, bytes of the table, checksum of
// all that comes before the first section); the table, for each section its size, its checksum,
// the size of its name and the name; then the sections. Each begins on a cache line, after zeros,
// so that arrays are used where they lie, and the last one ends the file.
namespace detail {

inline constexpr std::array<char, 8> checkpoint_magic{'M', 'U', 'L', 'T', 'C', 'K', 'P', 'T'};
inline constexpr std::uint32_t checkpoint_version = 1;
inline constexpr std::size_t checkpoint_alignment = 64;

struct checkpoint_head {
  std::array<char, 8> magic = checkpoint_magic;
  std::uint32_t version = checkpoint_version;
  std::uint32_t n_sections = 0;
  std::uint64_t table_bytes = 0;
  std::uint64_t checksum = 0;
};
static_assert(sizeof(checkpoint_head) == 32);

struct checkpoint_entry {
  std::uint64_t size = 0;
  std::uint64_t checksum = 0;
  std::uint64_t name_size = 0;
};
static_assert(sizeof(checkpoint_entry) == 24);

/// Every step of a fingerprint can be undone, so that a change within one aligned word of 8 bytes
/// never goes unnoticed; others do with a chance of 2^-64.
inline std::uint64_t checksum_of(std::span<const std::byte> bytes) noexcept {
  return fingerprint_builder().add(bytes).finish().value;
}

inline std::uint64_t checksum_of(const checkpoint_head& head, std::span<const std::byte> table) {
  checkpoint_head unsigned_head = head;
  unsigned_head.checksum = 0;
  return fingerprint_builder()
      .add(std::as_bytes(std::span(&unsigned_head, 1)))
      .add(table)
      .finish()
      .value;
}

/// A name as it may stand in an error.
inline std::string printable(std::string_view name) {
  std::string text(name.substr(0, 80));
  for (char& c : text) c = c >= ' ' && c <= '~' ? c : '?';
  return text;
}

/// The name of two sections, if there is one.
inline const std::string_view* repeated_name(std::vector<std::string_view>& names) {
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  return twice == names.end() ? nullptr : &*twice;
}

}  // namespace detail

/// Collects what a run needs to go on, and writes it down:
///
///     checkpoint_writer out;
///     out.add("step", step);
///     out.add("weights", std::span<const float>(weights.values()));
///     if (auto saved = out.save(path); !saved) ...
///
/// Numbers are copied; arrays, texts and names are viewed and must live until the last `save`.
class checkpoint_writer {
 public:
  template <checkpoint_number T>
  void add(std::string_view name, T number) {
    static_assert(sizeof(T) <= sizeof(std::uint64_t));
    std::array<std::byte, 8>& copy = numbers_.emplace_back();
    std::memcpy(copy.data(), &number, sizeof(T));
    sections_.push_back({name, std::span(copy).first(sizeof(T))});
  }
  template <checkpoint_number T, std::size_t N>
  void add(std::string_view name, std::span<const T, N> numbers) {
    sections_.push_back({name, std::as_bytes(numbers)});
  }
  void add(std::string_view name, std::string_view text) {
    sections_.push_back({name, std::as_bytes(std::span(text.data(), text.size()))});
  }

  /// Replaces the file at `path`: at any moment, also if the program is killed or the power fails,
  /// it is the old checkpoint or the new one (see `write_file`). What a killed writer left beside
  /// it is removed, so nobody else may be writing it.
  ///
  /// Errors:  invalid_argument for a name that occurs twice; io_failure, a full disk for example:
  ///          the old file is then untouched.
  /// Cost:    two passes over the bytes, and two waits for the disk.
  [[nodiscard]] expected<void> save(const std::string& path) const {
    std::vector<std::string_view> names;
    for (const checkpoint_section& s : sections_) names.push_back(s.name);
    if (const std::string_view* twice = detail::repeated_name(names)) {
      return fail({.code = errc::invalid_argument,
                   .operation = "save checkpoint",
                   .place = "section " + detail::printable(*twice),
                   .found = "it twice",
                   .expected = "it once",
                   .remedy = {}});
    }
    std::vector<std::byte> table;
    for (const checkpoint_section& s : sections_) {
      const detail::checkpoint_entry entry{s.bytes.size(), detail::checksum_of(s.bytes),
                                           s.name.size()};
      append(table, std::as_bytes(std::span(&entry, 1)));
      append(table, std::as_bytes(std::span(s.name.data(), s.name.size())));
    }
    detail::checkpoint_head head{.n_sections = static_cast<std::uint32_t>(sections_.size()),
                                 .table_bytes = table.size()};
    head.checksum = detail::checksum_of(head, table);
    constexpr std::array<std::byte, detail::checkpoint_alignment> zeros{};
    std::vector<std::span<const std::byte>> pieces{std::as_bytes(std::span(&head, 1)), table};
    std::size_t size = sizeof(head) + table.size();
    for (const checkpoint_section& s : sections_) {
      const std::size_t padding = (zeros.size() - size % zeros.size()) % zeros.size();
      pieces.push_back(std::span(zeros).first(padding));
      pieces.push_back(s.bytes);
      size += padding + s.bytes.size();
    }
    remove_leftovers(path);
    return write_file(path, pieces);
  }

 private:
  static void append(std::vector<std::byte>& to, std::span<const std::byte> more) {
    to.insert(to.end(), more.begin(), more.end());
  }

  std::vector<checkpoint_section> sections_;
  std::deque<std::array<std::byte, 8>> numbers_;
};

/// A checkpoint that was read: every byte of it has been checked. Views that it gives out stay
/// valid while it lives, also when it is moved.
class checkpoint {
 public:
  /// Errors:  io_failure; out_of_memory; truncated if the file is shorter than it says;
  ///          unsupported for another version; malformed if it is no checkpoint or any bit of it
  ///          has changed.
  /// Cost:    linear in the file's size.
  static expected<checkpoint> read(const std::string& path) {
    return open(file_bytes::read(path), path);
  }
  /// Copies a checkpoint that is in memory already; errors call it `name`.
  static expected<checkpoint> parse(std::span<const std::byte> bytes, std::string name = {}) {
    return open(file_bytes::copy(bytes), std::move(name));
  }

  /// In the order in which they were added.
  [[nodiscard]] std::span<const checkpoint_section> sections() const noexcept { return sections_; }
  [[nodiscard]] bool has(std::string_view name) const noexcept { return find(name) != nullptr; }

  /// Errors:  not_found.
  [[nodiscard]] expected<std::span<const std::byte>> bytes(std::string_view name) const {
    if (const checkpoint_section* s = find(name)) return s->bytes;
    return fail(mistake(errc::not_found, name, "no such section", {}));
  }
  /// Errors:  not_found; shape_mismatch if it is not one number of this size.
  template <checkpoint_number T>
  [[nodiscard]] expected<T> number(std::string_view name) const {
    T value{};
    if (auto done = copy_to(name, std::span<T>(&value, 1)); !done) return forward_error(done);
    return value;
  }
  /// Errors:  not_found; shape_mismatch if it is no whole count of such numbers.
  template <checkpoint_number T>
  [[nodiscard]] expected<std::span<const T>> numbers(std::string_view name) const {
    auto found = bytes(name);
    if (!found) return forward_error(found);
    if (found->size() % sizeof(T) != 0) {
      return fail(mistake(errc::shape_mismatch, name, std::to_string(found->size()) + " bytes",
                          "a multiple of " + std::to_string(sizeof(T))));
    }
    return std::span(reinterpret_cast<const T*>(found->data()), found->size() / sizeof(T));
  }
  /// Errors:  not_found.
  [[nodiscard]] expected<std::string_view> text(std::string_view name) const {
    auto found = bytes(name);
    if (!found) return forward_error(found);
    return std::string_view(reinterpret_cast<const char*>(found->data()), found->size());
  }
  /// Copies an array whose length is known.
  ///
  /// Errors:  not_found; shape_mismatch if it has another length. `to` is then unchanged.
  template <checkpoint_number T>
  [[nodiscard]] expected<void> copy_to(std::string_view name, std::span<T> to) const {
    auto found = bytes(name);
    if (!found) return forward_error(found);
    if (found->size() != to.size_bytes()) {
      return fail(mistake(errc::shape_mismatch, name, std::to_string(found->size()) + " bytes",
                          std::to_string(to.size_bytes()) + " bytes"));
    }
    if (!to.empty()) std::memcpy(to.data(), found->data(), to.size_bytes());
    return {};
  }

 private:
  explicit checkpoint(file_bytes bytes, std::string name)
      : bytes_(std::move(bytes)), name_(std::move(name)) {}

  static expected<checkpoint> open(expected<file_bytes> bytes, std::string name) {
    if (!bytes) return forward_error(bytes);
    checkpoint made(std::move(*bytes), std::move(name));
    if (auto checked = made.read_sections(); !checked) return forward_error(checked);
    return made;
  }

  expected<void> read_sections() {
    const std::span<const std::byte> all = bytes_.bytes();
    detail::checkpoint_head head;
    if (all.size() < sizeof(head)) return too_short(all.size(), sizeof(head));
    std::memcpy(&head, all.data(), sizeof(head));
    if (head.magic != detail::checkpoint_magic) {
      return damaged({}, "other first bytes than a checkpoint has");
    }
    if (head.version != detail::checkpoint_version) {
      return fail(mistake(errc::unsupported, {}, "version " + std::to_string(head.version),
                          "version " + std::to_string(detail::checkpoint_version)));
    }
    if (head.table_bytes > all.size() - sizeof(head)) {
      return too_short(all.size(), checked_size(head.table_bytes) + sizeof(head));
    }
    auto table = all.subspan(sizeof(head), static_cast<std::size_t>(head.table_bytes));
    if (detail::checksum_of(head, table) != head.checksum) {
      return damaged({}, "another checksum of the table");
    }
    checked_size end = sizeof(head) + table.size();
    std::vector<std::string_view> names;
    for (std::uint32_t i = 0; i < head.n_sections; ++i) {
      detail::checkpoint_entry entry;
      if (table.size() < sizeof(entry)) return damaged({}, "a table that ends in an entry");
      std::memcpy(&entry, table.data(), sizeof(entry));
      table = table.subspan(sizeof(entry));
      if (entry.name_size > table.size()) return damaged({}, "a table that ends in a name");
      const auto name_size = static_cast<std::size_t>(entry.name_size);
      const std::string_view name(reinterpret_cast<const char*>(table.data()), name_size);
      table = table.subspan(name_size);
      const checked_size begin = end.round_up(detail::checkpoint_alignment);
      if (!(begin + entry.size).fits(all.size())) return too_short(all.size(), begin + entry.size);
      for (std::size_t k = *end.get(); k < *begin.get(); ++k) {
        if (all[k] != std::byte{0}) return damaged(name, "something else than zeros before it");
      }
      end = begin + entry.size;
      const auto bytes = all.subspan(*begin.get(), static_cast<std::size_t>(entry.size));
      if (detail::checksum_of(bytes) != entry.checksum) return damaged(name, "another checksum");
      sections_.push_back({name, bytes});
      names.push_back(name);
    }
    if (!table.empty()) return damaged({}, "a table that goes on after the last entry");
    if (*end.get() != all.size()) return damaged({}, "bytes after the last section");
    if (const std::string_view* twice = detail::repeated_name(names)) {
      return damaged(*twice, "it twice");
    }
    return {};
  }

  [[nodiscard]] const checkpoint_section* find(std::string_view name) const noexcept {
    const auto place = std::find_if(sections_.begin(), sections_.end(),
                                    [&](const checkpoint_section& s) { return s.name == name; });
    return place == sections_.end() ? nullptr : &*place;
  }

  [[nodiscard]] error mistake(errc code, std::string_view section, std::string found,
                              std::string wanted) const {
    const char* between = name_.empty() || section.empty() ? "" : ", ";
    return {
        .code = code,
        .operation = "read checkpoint",
        .place = name_ + between + (section.empty() ? "" : "section " + detail::printable(section)),
        .found = std::move(found),
        .expected = std::move(wanted),
        .remedy = {}};
  }
  [[nodiscard]] unexpected<error> damaged(std::string_view section, const char* found) const {
    error e = mistake(errc::malformed, section, found, "what was saved");
    e.remedy = "the file is damaged or no checkpoint; go on from another one";
    return fail(std::move(e));
  }
  [[nodiscard]] unexpected<error> too_short(std::size_t size, checked_size wanted) const {
    error e = mistake(
        errc::truncated, {}, std::to_string(size) + " bytes",
        wanted.get() ? std::to_string(*wanted.get()) + " bytes" : "a size that can be counted");
    e.remedy = "the file was cut off; copy it again or go on from another one";
    return fail(std::move(e));
  }

  file_bytes bytes_;
  std::string name_;
  std::vector<checkpoint_section> sections_;
};

}  // namespace multitudes::train
