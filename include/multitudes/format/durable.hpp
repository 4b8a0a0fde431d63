// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/function_ref.hpp>
#include <multitudes/format/detail/os_file.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <utility>

#if defined(_WIN32)
#ifndef NOMINMAX
#define NOMINMAX
#endif
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>
#endif

namespace multitudes {

namespace detail {

/// The folder that a path's last part is in.
inline std::string folder_of(const std::string& path) {
#if defined(_WIN32)
  const std::size_t slash = path.find_last_of("/\\");
#else
  const std::size_t slash = path.find_last_of('/');
#endif
  if (slash == std::string::npos) return ".";
  return path.substr(0, slash == 0 ? 1 : slash);
}

#if defined(_WIN32)
inline int os_replace(const char* from, const char* to) {
  constexpr DWORD flags = MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH;
  if (::MoveFileExA(from, to, flags)) return 0;
  errno = ::GetLastError() == ERROR_ACCESS_DENIED ? EACCES : EIO;
  return -1;
}
#else
inline int os_replace(const char* from, const char* to) { return std::rename(from, to); }
#endif

/// A new file beside the one that it shall replace; removed unless it was kept.
class partial_file {
 public:
  static constexpr int max_leftovers = 99;

  static std::string path_of(const std::string& target, int i) {
    return target + ".partial" + std::to_string(i);
  }
  static expected<partial_file> create(const std::string& target) {
    // A crash may leave one behind; a second writer may be at work. Both have their number.
    for (int i = 0;; ++i) {
      std::string path = path_of(target, i);
      auto file = os_file::create(path);
      if (file) return partial_file(std::move(*file), std::move(path));
      if (errno == EEXIST && i < max_leftovers) continue;
      auto e = std::move(file).error();
      if (i == max_leftovers) e.remedy = "delete the leftover .partial files beside it";
      return fail(std::move(e));
    }
  }
  partial_file(partial_file&& other) noexcept
      : file_(std::move(other.file_)), path_(std::exchange(other.path_, {})) {}
  partial_file& operator=(partial_file&&) = delete;
  ~partial_file() {
    if (path_.empty()) return;
    file_.close();
    std::remove(path_.c_str());
  }

  [[nodiscard]] os_file& file() noexcept { return file_; }
  [[nodiscard]] expected<void> replace(const std::string& target) {
    if (os_replace(path_.c_str(), target.c_str()) != 0) {
      return fail(os_error("rename file", target, "a file, or nothing, to replace"));
    }
    path_.clear();
    return {};
  }

 private:
  partial_file(os_file file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

  os_file file_;
  std::string path_;
};

}  // namespace detail

/// Removes what writers of that path left beside it when they were killed. For files with one
/// writer only: a second one's work would be lost.
inline void remove_leftovers(const std::string& path) {
  for (int i = 0; i <= detail::partial_file::max_leftovers; ++i) {
    std::remove(detail::partial_file::path_of(path, i).c_str());
  }
}

/// Takes bytes of a file, in order.
using byte_sink = function_ref<expected<void>(std::span<const std::byte>)>;
/// Gives bytes of a file to a sink, in pieces of any size; an error of either ends it.
using byte_source = function_ref<expected<void>(byte_sink)>;

/// Replaces a file, or creates it, so that at any moment, power cuts included, the path holds
/// all of the old bytes or all of the new ones: writes beside it, waits for the disk, renames,
/// waits for the folder. A symbolic link is replaced, not followed.
///
/// Errors:  io_failure with the system's words, or what `bytes` failed with; the old file is then
///          untouched and nothing is left beside it. (Only where flushing the folder fails is the
///          new file in place.)
/// Cost:    two waits for the disk; one call of the system for each piece.
inline expected<void> write_file(const std::string& path, byte_source bytes) {
  // Opened first: where that fails, nothing has changed yet.
  auto folder = detail::os_file::open_folder(detail::folder_of(path));
  if (!folder) return forward_error(folder);
  auto partial = detail::partial_file::create(path);
  if (!partial) return forward_error(partial);
  const auto take = [&](std::span<const std::byte> piece) { return partial->file().write(piece); };
  if (auto done = bytes(take); !done) return done;
  if (auto done = partial->file().flush_and_close(); !done) return done;
  if (auto done = partial->replace(path); !done) return done;
  return folder->flush_folder();
}

/// The same for bytes that are in memory, in several pieces or in one.
inline expected<void> write_file(const std::string& path,
                                 std::span<const std::span<const std::byte>> pieces) {
  return write_file(path, [&](byte_sink take) {
    expected<void> done;
    for (const auto piece : pieces) {
      if (done = take(piece); !done) break;
    }
    return done;
  });
}
inline expected<void> write_file(const std::string& path, std::span<const std::byte> bytes) {
  return write_file(path, std::span<const std::span<const std::byte>>(&bytes, 1));
}

}  // namespace multitudes
