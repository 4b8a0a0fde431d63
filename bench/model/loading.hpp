// SPDX-License-Identifier: MIT
#pragma once

#include "results.hpp"
#include "stages.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/language_model.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#if defined(__linux__)
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace multitudes_bench {

namespace detail {

/// Nanoseconds to read a file to its end through a small buffer; 0 if that fails.
inline std::uint64_t read_plainly(const std::string& path) {
  struct closes {
    void operator()(std::FILE* f) const noexcept { std::fclose(f); }
  };
  constexpr std::size_t size = std::size_t{1} << 20;
  const auto buffer = std::make_unique<char[]>(size);
  const auto began = tick::now();
  const std::unique_ptr<std::FILE, closes> file(std::fopen(path.c_str(), "rb"));
  if (!file) return 0;
  std::setvbuf(file.get(), nullptr, _IONBF, 0);
  while (std::fread(buffer.get(), 1, size, file.get()) == size) {
  }
  return std::ferror(file.get()) != 0 ? 0 : nanoseconds_since(began);
}

/// A size that /proc/self/status gives in kB, in bytes; 0 if the system does not say.
inline std::uint64_t own_memory(std::string_view field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(field)) continue;
    return std::strtoull(line.c_str() + field.size(), nullptr, 10) * 1024;
  }
  return 0;
}

struct loaded {
  std::uint64_t plain_read = 0;
  std::uint64_t first_token = 0;
  std::uint64_t peak_bytes = 0;
  std::uint64_t token = 0;
};

/// From opening a file to the logits after the first token, and the median of some that follow;
/// all 0 if that fails.
inline loaded load_here(const std::string& path, const std::string& packed_file,
                        std::size_t n_threads) {
  loaded found;
  // What the parent had resident when it was copied does not count.
  std::ofstream("/proc/self/clear_refs") << 5;
  const std::uint64_t inherited = own_memory("VmRSS:");
  found.plain_read = read_plainly(path);
  const auto began = tick::now();
  {
    mt::thread_pool workers(n_threads);
    mt::packed_file_outcome outcome;
    const auto lm =
        mt::load_model(path, workers, {.packed_file = packed_file, .outcome = &outcome});
    if (!lm || outcome.used == packed_file.empty()) return {};
    auto b = reading_batch::make(*lm, 1, 16, 1);
    if (!b || !b->step(workers, 1)) return {};
    found.first_token = nanoseconds_since(began);
    std::array<std::uint64_t, 15> tokens;
    for (std::uint64_t& token : tokens) {
      const auto start = tick::now();
      if (!b->step(workers, 1)) return {};
      token = nanoseconds_since(start);
    }
    std::ranges::sort(tokens);
    found.token = tokens[tokens.size() / 2];
  }
  found.peak_bytes = own_memory("VmHWM:") - inherited;
  return found;
}

/// The same in a process of its own, so that only this loading's memory is seen.
inline loaded load_apart([[maybe_unused]] const std::string& path,
                         [[maybe_unused]] const std::string& packed_file,
                         [[maybe_unused]] std::size_t n_threads) {
  loaded found;
#if defined(__linux__)
  int ends[2];
  if (pipe(ends) != 0) return found;
  const pid_t child = fork();
  if (child == 0) {
    const loaded mine = load_here(path, packed_file, n_threads);
    const auto written = write(ends[1], &mine, sizeof(mine));
    _exit(written == static_cast<ssize_t>(sizeof(mine)) ? 0 : 1);
  }
  close(ends[1]);
  if (child > 0) {
    if (read(ends[0], &found, sizeof(found)) != static_cast<ssize_t>(sizeof(found))) found = {};
    waitpid(child, nullptr, 0);
  }
  close(ends[0]);
#endif
  return found;
}

}  // namespace detail

/// Loads a file `n` times after its bytes have been read once, and as often with its weights from
/// a packed file, in turns. No other thread may run meanwhile.
///
/// Errors:  unsupported where there are no processes to fork, or loading failed in them.
inline mt::expected<std::array<load_run, 2>> measure_loading(const std::string& path, std::size_t n,
                                                             std::size_t n_threads) {
  const std::string made =
      (std::filesystem::temp_directory_path() /
       ("multitudes-" + std::to_string(tick::now().time_since_epoch().count()) + ".panels"))
          .string();
  std::array<load_run, 2> found{load_run{.weights = "packed", .threads = n_threads},
                                load_run{.weights = "mapped", .threads = n_threads}};
  mt::packed_file_outcome outcome;
  const bool has_file =
      mt::load_model(path, {.packed_file = made, .outcome = &outcome}) && !outcome.not_written;
  detail::read_plainly(path);
  for (std::size_t i = 0; i < n; ++i) {
    for (load_run& way : found) {
      const std::string packed_file = way.weights == "mapped" ? made : "";
      const auto one =
          has_file ? detail::load_apart(path, packed_file, n_threads) : detail::loaded();
      if (one.first_token == 0) {
        std::remove(made.c_str());
        return mt::fail({.code = mt::errc::unsupported,
                         .operation = "measure loading",
                         .place = path,
                         .found = "no result from the process that loads",
                         .expected = "one",
                         .remedy = "run this on Linux with enough memory and room for temporary "
                                   "files"});
      }
      way.plain_read.push_back(one.plain_read);
      way.first_token.push_back(one.first_token);
      way.token.push_back(one.token);
      way.peak_bytes = std::max(way.peak_bytes, one.peak_bytes);
    }
  }
  std::remove(made.c_str());
  return found;
}

}  // namespace multitudes_bench
