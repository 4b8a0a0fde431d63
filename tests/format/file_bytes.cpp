// SPDX-License-Identifier: MIT
#include <multitudes/format/file_bytes.hpp>

#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <vector>

namespace mt = multitudes;

TEST_CASE("bytes that were let go read as before, mapped or not, whole or in part") {
  const auto path = std::filesystem::temp_directory_path() / "multitudes_let_go.bin";
  std::vector<char> wanted(100'000);
  for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] = static_cast<char>(i * 31 % 251);
  std::ofstream(path, std::ios::binary)
      .write(wanted.data(), static_cast<std::streamsize>(wanted.size()));
  for (const bool map : {false, true}) {
    CAPTURE(map);
    const auto file =
        map ? mt::file_bytes::map(path.string()) : mt::file_bytes::read(path.string());
    REQUIRE(file.has_value());
    const auto same = [&] {
      return std::equal(wanted.begin(), wanted.end(), file->bytes().begin(), file->bytes().end(),
                        [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
    };
    CHECK(same());
    for (const auto part : {file->bytes(), file->bytes().subspan(5000, 9000),
                            file->bytes().subspan(1, 4000), file->bytes().first(0)}) {
      file->let_go(part);
      CHECK(same());
    }
  }
  std::filesystem::remove(path);
}
