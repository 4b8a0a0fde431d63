// SPDX-License-Identifier: MIT
#include <multitudes/format/durable.hpp>
#include <multitudes/format/file_bytes.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#if defined(__unix__)
#include <sys/resource.h>
#include <csignal>
#endif

using namespace multitudes;
namespace fs = std::filesystem;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string content(const fs::path& path) {
  const auto file = file_bytes::read(path.string());
  if (!file) return "error: " + file.error().message();
  const auto bytes = file->bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// An empty folder for one test, gone afterwards.
struct scratch {
  // Random, so that several builds can be tested at the same time.
  fs::path folder =
      fs::temp_directory_path() / ("multitudes_durable_" + std::to_string(std::random_device()()));

  scratch() {
    fs::remove_all(folder);
    fs::create_directories(folder);
  }
  ~scratch() { fs::remove_all(folder); }

  [[nodiscard]] std::string path(const std::string& name) const { return (folder / name).string(); }
  [[nodiscard]] std::ptrdiff_t n_entries() const {
    return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
  }
};

}  // namespace

TEST_CASE("a file is created, and replaced, and nothing stays beside it") {
  const scratch s;
  const auto path = s.path("a.bin");
  REQUIRE(write_file(path, bytes_of("first, and longer")));
  CHECK(content(path) == "first, and longer");
  REQUIRE(write_file(path, bytes_of("second")));
  CHECK(content(path) == "second");
  REQUIRE(write_file(path, std::span<const std::byte>()));
  CHECK(content(path).empty());
  CHECK(s.n_entries() == 1);
}

TEST_CASE("pieces are written one after the other") {
  const scratch s;
  const auto path = s.path("a.bin");
  const std::vector<std::span<const std::byte>> pieces{bytes_of("one"), {}, bytes_of("two")};
  REQUIRE(write_file(path, pieces));
  CHECK(content(path) == "onetwo");
}

TEST_CASE("bytes may be made while they are written, and failing to leaves the old file alone") {
  const scratch s;
  const auto path = s.path("a.bin");
  REQUIRE(write_file(path, [](byte_sink take) {
    auto done = take(bytes_of("made "));
    return done ? take(bytes_of("in two")) : done;
  }));
  CHECK(content(path) == "made in two");
  const auto refused = write_file(path, [](byte_sink take) -> expected<void> {
    if (auto done = take(bytes_of("half")); !done) return done;
    return fail({.code = errc::non_finite, .operation = "make bytes"});
  });
  REQUIRE_FALSE(refused);
  CHECK(refused.error().operation == "make bytes");
  CHECK(content(path) == "made in two");
  CHECK(s.n_entries() == 1);
}

TEST_CASE("a path without a folder is in the current one") {
  const std::string path = "multitudes_test_durable.bin";
  REQUIRE(write_file(path, bytes_of("here")));
  CHECK(content(path) == "here");
  fs::remove(path);
}

TEST_CASE("a leftover of a crash is not in the way and not touched") {
  const scratch s;
  const auto path = s.path("a.bin");
  std::ofstream(path + ".partial0") << "leftover";
  REQUIRE(write_file(path, bytes_of("new")));
  CHECK(content(path) == "new");
  CHECK(content(path + ".partial0") == "leftover");
  CHECK(s.n_entries() == 2);
  for (int i = 1; i < 100; ++i) std::ofstream(path + ".partial" + std::to_string(i)) << "x";
  const auto full = write_file(path, bytes_of("newer"));
  REQUIRE_FALSE(full);
  CHECK(full.error().remedy.find(".partial") != std::string::npos);
  CHECK(content(path) == "new");
  remove_leftovers(path);
  CHECK(s.n_entries() == 1);
  CHECK(write_file(path, bytes_of("newer")));
  CHECK(content(path) == "newer");
}

TEST_CASE("a failure names the path and says what the system said") {
  const scratch s;
  const auto missing = write_file(s.path("no/such/a.bin"), bytes_of("x"));
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == errc::io_failure);
  CHECK(missing.error().place == s.path("no/such"));
  CHECK(missing.error().found == "No such file or directory");
  CHECK(missing.error().operation == "open folder");
}

TEST_CASE("a file that cannot be replaced leaves nothing behind") {
  const scratch s;
  const auto path = s.path("folder");
  fs::create_directories(path);
  std::ofstream(path + "/kept") << "kept";
  const auto refused = write_file(path, bytes_of("x"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::io_failure);
  CHECK(refused.error().operation == "rename file");
  CHECK(refused.error().place == path);
  CHECK(content(path + "/kept") == "kept");
  CHECK(s.n_entries() == 1);
}

#if defined(__unix__)
TEST_CASE("a full disk leaves the old file whole and nothing beside it") {
  const scratch s;
  const auto path = s.path("a.bin");
  REQUIRE(write_file(path, bytes_of("old")));
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  // A limit on file sizes fails writes in the middle, as a full disk does.
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 1000;
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto refused = write_file(path, bytes_of(std::string(5000, 'x')));
  const auto entries = s.n_entries();
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, old_handler);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().operation == "write file");
  CHECK(refused.error().found == "File too large");
  CHECK(refused.error().place == path + ".partial0");
  CHECK(content(path) == "old");
  CHECK(entries == 1);
}
#endif
