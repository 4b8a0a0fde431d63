// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#if defined(_WIN32)
#include <io.h>
#else
#include <unistd.h>
#endif

namespace multitudes::detail {

/// What the operating system had to say about the last call that failed.
inline error os_error(std::string operation, const std::string& path, std::string expected,
                      int code = errno) {
  return {.code = errc::io_failure,
          .operation = std::move(operation),
          .place = path,
          .found = std::generic_category().message(code),
          .expected = std::move(expected),
          .remedy = {}};
}

// The C runtime's numbered files exist on both systems under different names.
#if defined(_WIN32)
inline int os_open_to_read(const char* path) { return ::_open(path, _O_RDONLY | _O_BINARY); }
inline int os_create(const char* path) {
  return ::_open(path, _O_WRONLY | _O_CREAT | _O_EXCL | _O_BINARY, _S_IREAD | _S_IWRITE);
}
inline std::ptrdiff_t os_read(int file, void* to, std::size_t n) {
  return ::_read(file, to, static_cast<unsigned>(n));
}
inline std::ptrdiff_t os_write(int file, const void* from, std::size_t n) {
  return ::_write(file, from, static_cast<unsigned>(n));
}
inline int os_flush(int file) { return ::_commit(file); }
inline int os_close(int file) { return ::_close(file); }
// Windows can neither open nor flush a folder; the null device stands in for it.
inline int os_open_folder(const char*) { return ::_open("NUL", _O_RDONLY); }
inline int os_flush_folder(int) { return 0; }
using os_status = struct ::_stat64;
inline int os_ask(int file, os_status& status) { return ::_fstat64(file, &status); }
#else
// Without O_NONBLOCK, opening a named pipe would wait for somebody to write into it.
inline int os_open_to_read(const char* path) {
  return ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}
inline int os_create(const char* path) {
  return ::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}
inline std::ptrdiff_t os_read(int file, void* to, std::size_t n) { return ::read(file, to, n); }
inline std::ptrdiff_t os_write(int file, const void* from, std::size_t n) {
  return ::write(file, from, n);
}
inline int os_flush(int file) {
#if defined(F_FULLFSYNC)
  // On macOS fsync leaves the bytes in the drive's own cache; some volumes know nothing better.
  if (::fcntl(file, F_FULLFSYNC) == 0) return 0;
#endif
  return ::fsync(file);
}
inline int os_close(int file) { return ::close(file); }
inline int os_open_folder(const char* path) {
  return ::open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
}
inline int os_flush_folder(int folder) {
  // Some file systems know no flush for folders and say so with EINVAL.
  return os_flush(folder) == 0 || errno == EINVAL ? 0 : -1;
}
using os_status = struct ::stat;
inline int os_ask(int file, os_status& status) { return ::fstat(file, &status); }
#endif

/// A file that is open, under the path that errors name; closed at the end of its life.
class os_file {
 public:
  static expected<os_file> open_to_read(const std::string& path) {
    const int file = os_open_to_read(path.c_str());
    if (file < 0) return fail(os_error("open file", path, "a readable file"));
    return os_file(file, path);
  }
  /// A folder, to be flushed when a name in it has changed.
  static expected<os_file> open_folder(const std::string& path) {
    const int file = os_open_folder(path.c_str());
    if (file < 0) return fail(os_error("open folder", path, "a folder that can be read"));
    return os_file(file, path);
  }
  /// Fails with `EEXIST` in `errno` where there is a file already.
  static expected<os_file> create(const std::string& path) {
    const int file = os_create(path.c_str());
    if (file < 0) {
      const int code = errno;
      auto e = os_error("create file", path, "a folder that can be written to", code);
      errno = code;
      return fail(std::move(e));
    }
    return os_file(file, path);
  }

  os_file(os_file&& other) noexcept
      : file_(std::exchange(other.file_, -1)), path_(std::move(other.path_)) {}
  os_file& operator=(os_file&& other) noexcept {
    std::swap(file_, other.file_);
    std::swap(path_, other.path_);
    return *this;
  }
  ~os_file() { close(); }

  [[nodiscard]] int number() const noexcept { return file_; }

  /// The length of a regular file; an error for folders, pipes and devices.
  [[nodiscard]] expected<std::uint64_t> size() const {
    os_status status{};
    if (os_ask(file_, status) != 0) return fail(os_error("read file", path_, "a regular file"));
    const auto kind = status.st_mode & S_IFMT;
    if (kind == S_IFREG) return static_cast<std::uint64_t>(status.st_size);
    return fail({.code = errc::io_failure,
                 .operation = "read file",
                 .place = path_,
                 .found = kind == S_IFDIR ? "a folder" : "a pipe or device",
                 .expected = "a regular file",
                 .remedy = {}});
  }

  /// Fills `to` from the current position.
  [[nodiscard]] expected<void> read(std::span<std::byte> to) const {
    while (!to.empty()) {
      const std::ptrdiff_t n = os_read(file_, to.data(), std::min(to.size(), piece));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail(os_error("read file", path_, "its bytes"));
      if (n == 0) {
        return fail({.code = errc::io_failure,
                     .operation = "read file",
                     .place = path_,
                     .found = "an end " + std::to_string(to.size()) + " bytes too early",
                     .expected = "the length that the file had when it was opened",
                     .remedy = "read it again when nobody writes to it"});
      }
      to = to.subspan(static_cast<std::size_t>(n));
    }
    return {};
  }

  [[nodiscard]] expected<void> write(std::span<const std::byte> from) const {
    while (!from.empty()) {
      const std::ptrdiff_t n = os_write(file_, from.data(), std::min(from.size(), piece));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        const int code = n == 0 ? ENOSPC : errno;
        return fail(os_error("write file", path_, "room for the bytes", code));
      }
      from = from.subspan(static_cast<std::size_t>(n));
    }
    return {};
  }

  [[nodiscard]] expected<void> flush_folder() const {
    if (os_flush_folder(file_) == 0) return {};
    return fail(os_error("flush folder", path_, "the new name on the disk"));
  }

  /// Waits until the bytes are on the disk, then closes.
  [[nodiscard]] expected<void> flush_and_close() {
    if (os_flush(file_) != 0) return fail(os_error("flush file", path_, "bytes on the disk"));
    if (os_close(std::exchange(file_, -1)) != 0) {
      return fail(os_error("close file", path_, "bytes on the disk"));
    }
    return {};
  }
  /// Closes without waiting, where the bytes no longer matter.
  void close() noexcept {
    if (file_ >= 0) os_close(std::exchange(file_, -1));
  }

 private:
  // Systems cap one call at less than 2 GiB.
  static constexpr std::size_t piece = std::size_t{1} << 30;

  os_file(int file, const std::string& path) : file_(file), path_(path) {}

  int file_;
  std::string path_;
};

}  // namespace multitudes::detail
