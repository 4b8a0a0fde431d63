// SPDX-License-Identifier: MIT
#include "../support/golden.hpp"
#include "../support/mutate.hpp"
#include "../support/shared_data.hpp"

#include <multitudes/format/safetensors.hpp>
#include <multitudes/format/safetensors_writer.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iomanip>  // its quoted is not ours
#include <string>
#include <string_view>
#include <vector>

using namespace multitudes;
using multitudes_test::bytes_of_file;
using multitudes_test::golden;
using multitudes_test::golden_value;
using safetensors::dtype;

namespace {

/// A file from its header's text and so many bytes of data.
std::vector<std::byte> file_of(std::string_view header, std::size_t n_data) {
  std::vector<std::byte> bytes(8 + header.size() + n_data);
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

error refused(const std::vector<std::byte>& bytes, errc code, std::string_view part) {
  const auto f = safetensors::file::parse(bytes, "test");
  REQUIRE_FALSE(f);
  const std::string message = f.error().message();
  INFO(message);
  CHECK(f.error().code == code);
  CHECK(f.error().place.starts_with("test, "));
  CHECK(message.find(part) != std::string::npos);
  CHECK_FALSE(f.error().expected.empty());
  return f.error();
}

/// Touches everything that a file gives out.
std::uint64_t walk(const safetensors::file& f) {
  std::uint64_t sum = 0;
  for (const auto& t : f.tensors()) {
    sum += t.name.size() + t.shape.size() + bytes_of(t.type) + name(t.type).size();
    for (const std::byte b : t.data) sum = sum * 31 + std::to_integer<unsigned>(b);
    CHECK(f.find_tensor(t.name) == &t);
  }
  for (const auto& e : f.metadata()) {
    sum += e.text.size();
    CHECK(f.find(e.key) == &e.text);
  }
  return sum;
}

constexpr std::string_view one = R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";

}  // namespace

TEST_CASE("a file by the layout of the reference implementation is read") {
  const auto f = safetensors::file::read(golden("directions.safetensors"));
  REQUIRE_MESSAGE(f.has_value(), f.error().message());
  REQUIRE(f->find("format") != nullptr);
  CHECK(*f->find("format") == "pt");
  CHECK(f->find("other") == nullptr);
  REQUIRE(f->tensors().size() == 3);
  const safetensors::tensor* t = f->find_tensor("direction.2");
  REQUIRE(t != nullptr);
  CHECK(t->type == dtype::f32);
  CHECK(t->shape == std::vector<std::uint64_t>{8});
  for (std::size_t i = 0; i < 8; ++i) {
    float x = 0;
    std::memcpy(&x, t->data.data() + 4 * i, 4);
    CHECK(x == golden_value(2, i));
  }
  CHECK(f->find_tensor("direction.0") == nullptr);
  const auto mapped = safetensors::file::map(golden("directions.safetensors"));
  REQUIRE(mapped);
  CHECK(walk(*mapped) == walk(*f));
}

TEST_CASE("the writer writes the reference implementation's bytes") {
  std::vector<float> rows;
  for (std::size_t l = 0; l < 4; ++l) {
    for (std::size_t i = 0; i < 8; ++i) rows.push_back(golden_value(l, i));
  }
  safetensors::writer out;
  out.add("format", "pt");
  for (const std::size_t l : {3u, 1u, 2u}) {
    out.add_tensor("direction." + std::to_string(l), dtype::f32, {8},
                   std::as_bytes(std::span(rows).subspan(8 * l, 8)));
  }
  const auto bytes = out.bytes();
  REQUIRE(bytes);
  CHECK(*bytes == bytes_of_file(golden("directions.safetensors")));
  // Elements of different sizes change places, so that all are aligned.
  const auto mixed = safetensors::file::read(golden("mixed.safetensors"));
  REQUIRE(mixed);
  safetensors::writer again;
  for (const auto& t : mixed->tensors()) again.add_tensor(t.name, t.type, t.shape, t.data);
  CHECK(*again.bytes() == bytes_of_file(golden("mixed.safetensors")));
}

TEST_CASE("the smallest files are read") {
  CHECK(safetensors::file::parse(file_of("{}", 0))->tensors().empty());
  CHECK(safetensors::file::parse(file_of(" { }\n ", 0)).has_value());
  const auto scalar = safetensors::file::parse(
      file_of(R"({"s":{"shape":[],"data_offsets":[0,2],"dtype":"BF16"}})", 2));
  REQUIRE(scalar);
  CHECK(scalar->tensors()[0].shape.empty());
  const auto empty = safetensors::file::parse(
      file_of(R"({"e":{"dtype":"I64","shape":[3,0],"data_offsets":[0,0]}})", 0));
  REQUIRE(empty);
  CHECK(empty->tensors()[0].data.empty());
  const auto escaped = safetensors::file::parse(
      file_of(R"({"a\u0062\"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1));
  REQUIRE(escaped);
  CHECK(escaped->find_tensor("ab\"") != nullptr);
}

TEST_CASE("a header that is not one is refused with the place") {
  refused({}, errc::truncated, "length of the header");
  refused(std::vector<std::byte>(7), errc::truncated, "7 bytes");
  refused(file_of("", 0), errc::truncated, "'{'");
  auto long_one = file_of(one, 8);
  long_one[2] = std::byte{1};
  refused(long_one, errc::truncated, "length of the header");
  long_one[6] = std::byte{1};
  refused(long_one, errc::unsupported, "another format");
  refused(file_of("[]", 0), errc::malformed, "byte 8");
  refused(file_of("{} x", 0), errc::malformed, "byte 11");
  refused(file_of(R"({"t":1})", 0), errc::malformed, "byte 13");
  refused(file_of(one.substr(0, one.size() - 1), 8), errc::truncated, "the end");
}

TEST_CASE("keys are those of the format, each once") {
  const auto with = [](std::string_view inside, std::size_t n_data = 8) {
    return file_of(R"({"t":{)" + std::string(inside) + "}}", n_data);
  };
  refused(with(R"("dtype":"F32","shape":[2])"), errc::malformed, "tensor \"t\"");
  refused(with(R"("dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8])"), errc::malformed,
          "\"dtype\"");
  refused(with(R"("dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8])"), errc::malformed,
          "\"shape\"");
  refused(with(R"("dtype":"F32","shape":[2],"data_offsets":[0,8],"more":1)"), errc::malformed,
          "\"more\"");
  refused(with(R"("dtype":"F33","shape":[2],"data_offsets":[0,8])"), errc::unsupported,
          "dtype \"F33\"");
  refused(with(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])"), errc::malformed, "-2");
  refused(with(R"("dtype":"F32","shape":[2],"data_offsets":[0,8,8])"), errc::malformed,
          "3 data_offsets");
  refused(file_of(R"({"__metadata__":{"a":1}})", 0), errc::malformed, "byte 29");
  refused(file_of(R"({"__metadata__":{},"__metadata__":{}})", 0), errc::malformed, "again");
  refused(file_of(R"({"__metadata__":{"a":"b","a":"c"}})", 0), errc::malformed, "metadata \"a\"");
  refused(file_of(R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                  R"("t":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
                  8),
          errc::malformed, "tensor \"t\": found it again");
}

TEST_CASE("data lies in the file, as large as its shape, without overlaps and holes") {
  const auto with = [](std::string_view shape, std::string_view offsets, std::size_t n_data) {
    return file_of(R"({"t":{"dtype":"F32","shape":)" + std::string(shape) + R"(,"data_offsets":)" +
                       std::string(offsets) + "}}",
                   n_data);
  };
  CHECK(safetensors::file::parse(with("[2]", "[0,8]", 8)));
  refused(with("[2]", "[0,8]", 7), errc::truncated, "7 bytes of data");
  refused(with("[2]", "[0,8]", 9), errc::malformed, "9 bytes");
  refused(with("[2]", "[8,0]", 8), errc::malformed, "begin before the end");
  refused(with("[2]", "[0,4]", 8), errc::malformed, "8 bytes, as dtype and shape say");
  refused(with("[2]", "[4,12]", 12), errc::malformed, "data from byte 0");
  refused(with("[4294967296,4294967296]", "[0,8]", 8), errc::malformed, "can be counted");
  refused(with("[2]", "[18446744073709551608,18446744073709551615]", 8), errc::malformed, "");
  const auto two = [](std::string_view a, std::string_view b, std::size_t n_data) {
    return file_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + std::string(a) +
                       R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + std::string(b) + "}}",
                   n_data);
  };
  CHECK(safetensors::file::parse(two("[4,8]", "[0,4]", 8)));
  refused(two("[0,4]", "[2,6]", 6), errc::malformed, "tensor \"b\"");
  refused(two("[0,4]", "[5,9]", 9), errc::malformed, "tensor \"b\"");
  refused(two("[0,4]", "[0,4]", 4), errc::malformed, "data from byte 4");
}

TEST_CASE("mistakes in what is written come out when it is") {
  const std::vector<float> data(2);
  const auto code = [&](auto fill) {
    safetensors::writer out;
    fill(out);
    const auto bytes = out.bytes();
    REQUIRE_FALSE(bytes);
    CHECK_FALSE(out.save("never_written.safetensors"));
    return bytes.error().code;
  };
  const auto bytes = std::as_bytes(std::span(data));
  using writer = safetensors::writer;
  CHECK(code([&](writer& w) { w.add_tensor("t", dtype::f32, {3}, bytes); }) ==
        errc::shape_mismatch);
  CHECK(code([&](writer& w) { w.add_tensor("__metadata__", dtype::f32, {2}, bytes); }) ==
        errc::invalid_argument);
  CHECK(code([&](writer& w) { w.add_tensor("\xFF", dtype::f32, {2}, bytes); }) ==
        errc::invalid_argument);
  CHECK(code([&](writer& w) {
          w.add_tensor("t", dtype::f32, {2}, bytes);
          w.add_tensor("u", dtype::f32, {2}, bytes);
          w.add_tensor("t", dtype::u8, {8}, bytes);
        }) == errc::invalid_argument);
  CHECK(code([&](writer& w) {
          w.add("a", "b");
          w.add("a", "c");
        }) == errc::invalid_argument);
}

TEST_CASE("what is saved reads back, views included, after a move") {
  const std::vector<float> data{1, 2, 3, 4, 5, 6};
  const std::string path = "multitudes_test.safetensors";
  safetensors::writer out;
  out.add("who \"am\" I", "line\nline");
  out.add_tensor("t", dtype::f32, {2, 3}, std::as_bytes(std::span(data)));
  REQUIRE(out.save(path));
  auto f = safetensors::file::read(path);
  std::remove(path.c_str());
  REQUIRE(f);
  const auto view = f->tensors()[0].data;
  const auto sum = walk(*f);
  const safetensors::file moved = *std::move(f);
  CHECK(walk(moved) == sum);
  CHECK(moved.tensors()[0].data.data() == view.data());
  CHECK(std::memcmp(view.data(), data.data(), view.size()) == 0);
  CHECK(*moved.find("who \"am\" I") == "line\nline");
  CHECK(safetensors::file::read("no/such.safetensors").error().code == errc::io_failure);
}

TEST_CASE("damaged safetensors files are refused or read, and nothing else") {
  std::vector<std::vector<std::byte>> originals;
  for (const char* name : {"directions.safetensors", "mixed.safetensors"}) {
    originals.push_back(bytes_of_file(golden(name)));
  }
  philox random(1);
  int read = 0;
  std::uint64_t sum = 0;
  const int n = multitudes_test::mutant_count();
  for (int i = 0; i < n; ++i) {
    const auto bytes = multitudes_test::mutate(originals[random.below(2)], random);
    const auto f = safetensors::file::parse(bytes);
    read += f.has_value();
    sum += f ? walk(*f) : f.error().message().size();
  }
  CHECK(read > n / 20);
  CHECK(read < n * 19 / 20);
  CHECK(sum != 0);
}

TEST_CASE("the layers of the 15M story model have their sizes") {
  const auto path =
      multitudes_test::shared_file("models/stories15M-layers/stories15M_layers.safetensors");
  if (!path) return;
  const auto f = safetensors::file::map(*path);
  REQUIRE_MESSAGE(f.has_value(), f.error().message());
  CHECK(f->tensors().size() == 6 * 9 + 1);
  const auto shape = [&](const char* name) { return f->find_tensor(name)->shape; };
  CHECK(shape("model.layers.0.input_layernorm.weight") == std::vector<std::uint64_t>{288});
  CHECK(shape("model.layers.5.mlp.down_proj.weight") == std::vector<std::uint64_t>{288, 768});
  std::size_t n = 0;
  bool all_plausible = true;
  for (const auto& t : f->tensors()) {
    for (std::size_t i = 0; i < t.data.size(); i += 4, ++n) {
      float x = 0;
      std::memcpy(&x, t.data.data() + i, 4);
      all_plausible = all_plausible && std::abs(x) < 100.0f;
    }
  }
  CHECK(all_plausible);
  CHECK(n == 5975712);
}
