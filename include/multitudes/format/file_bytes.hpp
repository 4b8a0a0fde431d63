// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/arena.hpp>
#include <multitudes/core/checked_size.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/format/detail/os_file.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string>

#if defined(_WIN32)
#ifndef NOMINMAX
#define NOMINMAX
#endif
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>
#else
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace multitudes {

/// All bytes of a file, in memory of their own or mapped, starting on a cache line. They stay
/// where they are when this is moved.
class file_bytes {
 public:
  /// Reads the whole file.
  ///
  /// Errors:  io_failure if it cannot be opened or read or is no regular file; out_of_memory.
  static expected<file_bytes> read(const std::string& path) {
    auto file = detail::os_file::open_to_read(path);
    if (!file) return forward_error(file);
    const auto size = size_of(*file, path);
    if (!size) return fail(size.error());
    auto memory = allocate(*size, path);
    if (!memory) return forward_error(memory);
    if (auto done = file->read({memory->memory_.get(), *size}); !done) return forward_error(done);
    return memory;
  }

  /// Maps the file, which costs no memory of its own. Whoever shortens the file meanwhile ends
  /// the program at the next look at the lost part: map only files that nobody changes.
  ///
  /// Errors:  io_failure if it cannot be opened or mapped or is no regular file.
  static expected<file_bytes> map(const std::string& path) {
    auto file = detail::os_file::open_to_read(path);
    if (!file) return forward_error(file);
    const auto size = size_of(*file, path);
    if (!size) return fail(size.error());
    // Nothing cannot be mapped.
    if (*size == 0) return allocate(0, path);
    std::byte* start = map_view(file->number(), *size);
    if (start == nullptr) return fail(detail::os_error("map file", path, "a file to map"));
    return file_bytes(start, {.size = *size, .mapped = true});
  }

  /// Says that a part of a mapped file is not looked at again soon: its memory may go to others.
  /// It can still be read. Bytes that are not mapped stay as they are.
  void let_go(std::span<const std::byte> part) const noexcept {
    if (memory_.get_deleter().mapped && !part.empty()) let_go_of_view(part);
  }

  /// Copies bytes that are in memory already.
  ///
  /// Errors:  out_of_memory.
  static expected<file_bytes> copy(std::span<const std::byte> bytes) {
    auto memory = allocate(bytes.size(), {});
    if (memory && !bytes.empty()) {
      std::memcpy(memory->memory_.get(), bytes.data(), bytes.size());
    }
    return memory;
  }

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return {memory_.get(), memory_ ? memory_.get_deleter().size : 0};
  }

 private:
  struct release {
    std::size_t size = 0;
    bool mapped = false;

    void operator()(std::byte* p) const noexcept {
      if (mapped) {
        unmap_view(p, size);
      } else {
        ::operator delete[](p, std::align_val_t(arena_alignment));
      }
    }
  };

  file_bytes(std::byte* start, release how) noexcept : memory_(start, how) {}

  static expected<std::size_t> size_of(const detail::os_file& file, const std::string& path) {
    const auto size = file.size();
    if (!size) return fail(size.error());
    if (const auto fits = checked_size(*size).get()) return *fits;
    return fail(too_large(*size, path));
  }

  static error too_large(std::uint64_t size, const std::string& path) {
    return {.code = errc::out_of_memory,
            .operation = "read file",
            .place = path,
            .found = std::to_string(size) + " bytes",
            .expected = "no more than there is memory for",
            .remedy = "map the file instead"};
  }

  static expected<file_bytes> allocate(std::size_t size, const std::string& path) {
    void* memory = ::operator new[](size, std::align_val_t(arena_alignment), std::nothrow);
    if (memory == nullptr) return fail(too_large(size, path));
    return file_bytes(static_cast<std::byte*>(memory), {.size = size, .mapped = false});
  }

#if defined(_WIN32)
  static std::byte* map_view(int file, std::size_t size) noexcept {
    const auto handle = reinterpret_cast<HANDLE>(::_get_osfhandle(file));
    const HANDLE mapping = ::CreateFileMappingA(handle, nullptr, PAGE_READONLY, 0, 0, nullptr);
    void* start = mapping ? ::MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, size) : nullptr;
    if (mapping) ::CloseHandle(mapping);
    if (start == nullptr) errno = EIO;
    return static_cast<std::byte*>(start);
  }
  static void unmap_view(std::byte* start, std::size_t) noexcept { ::UnmapViewOfFile(start); }
  static void let_go_of_view(std::span<const std::byte>) noexcept {}
#else
  static std::byte* map_view(int file, std::size_t size) noexcept {
    void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
    return start == MAP_FAILED ? nullptr : static_cast<std::byte*>(start);
  }
  static void unmap_view(std::byte* start, std::size_t size) noexcept { ::munmap(start, size); }
  static void let_go_of_view(std::span<const std::byte> part) noexcept {
    // Whole pages only; advice that is not taken does no harm.
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const auto start = reinterpret_cast<std::uintptr_t>(part.data());
    const std::size_t skipped = (page - start % page) % page;
    if (part.size() < skipped + page) return;
    auto* first = const_cast<std::byte*>(part.data()) + skipped;
    ::madvise(first, (part.size() - skipped) / page * page, MADV_DONTNEED);
  }
#endif

  std::unique_ptr<std::byte[], release> memory_;
};

}  // namespace multitudes
