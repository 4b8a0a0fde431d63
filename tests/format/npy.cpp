// SPDX-License-Identifier: MIT
#include "../support/golden.hpp"
#include "../support/mutate.hpp"

#include <multitudes/format/npy.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

using namespace multitudes;
using multitudes_test::bytes_of_file;
using multitudes_test::golden;
using multitudes_test::golden_value;

namespace {

std::vector<std::uint64_t> shape_of(const npy::array& a) {
  return {a.shape().begin(), a.shape().end()};
}

/// A file of version 1.0 from its header's text and so many bytes of data.
std::vector<std::byte> file_of(std::string_view header, std::size_t n_data, char major = 1) {
  std::string text = "\x93NUMPY";
  text += {major, '\0', static_cast<char>(static_cast<unsigned char>(header.size())), '\0'};
  if (major > 1) text += std::string(2, '\0');
  text += header;
  text.resize(text.size() + n_data);
  const auto* from = reinterpret_cast<const std::byte*>(text.data());
  return {from, from + text.size()};
}

void refused(const std::vector<std::byte>& bytes, errc code, std::string_view part) {
  const auto a = npy::array::parse(bytes, "test");
  REQUIRE_FALSE(a);
  const std::string message = a.error().message();
  INFO(message);
  CHECK(a.error().code == code);
  CHECK(a.error().place.starts_with("test, "));
  CHECK(message.find(part) != std::string::npos);
  CHECK_FALSE(a.error().remedy.empty());
}

}  // namespace

TEST_CASE("arrays by the layout of NumPy are read, versions 1.0 to 3.0") {
  const auto rows = npy::array::read(golden("rows.npy"));
  REQUIRE_MESSAGE(rows.has_value(), rows.error().message());
  CHECK(rows->type() == npy::element::f32);
  CHECK(shape_of(*rows) == std::vector<std::uint64_t>{4, 8});
  CHECK_FALSE(rows->fortran_order());
  for (std::size_t i = 0; i < 32; ++i) {
    float x = 0;
    std::memcpy(&x, rows->data().data() + 4 * i, 4);
    CHECK(x == golden_value(i / 8, i % 8));
  }
  const auto turned = npy::array::read(golden("rows_fortran.npy"));
  REQUIRE(turned);
  CHECK(turned->type() == npy::element::f64);
  CHECK(turned->fortran_order());
  CHECK(turned->data().size() == 256);
  const auto half = npy::array::read(golden("rows_half.npy"));
  REQUIRE(half);
  CHECK(half->type() == npy::element::f16);
  CHECK(half->data().size() == 64);
  CHECK(shape_of(*npy::array::read(golden("row.npy"))) == std::vector<std::uint64_t>{8});
}

TEST_CASE("an array is saved with NumPy's bytes") {
  std::vector<float> values;
  for (std::size_t i = 0; i < 32; ++i) values.push_back(golden_value(i / 8, i % 8));
  const std::string path = "multitudes_test.npy";
  REQUIRE(npy::save(path, {4, 8}, values));
  CHECK(bytes_of_file(path) == bytes_of_file(golden("rows.npy")));
  REQUIRE(npy::save(path, {8}, std::span(values).subspan(16, 8)));
  CHECK(bytes_of_file(path) == bytes_of_file(golden("row.npy")));
  REQUIRE(npy::save(path, {}, std::span(values).first(1)));
  CHECK(npy::array::read(path)->shape().empty());
  REQUIRE(npy::save(path, {3, 0}, {}));
  CHECK(shape_of(*npy::array::read(path)) == std::vector<std::uint64_t>{3, 0});
  std::remove(path.c_str());
  CHECK(npy::save(path, {4, 9}, values).error().code == errc::shape_mismatch);
  CHECK(
      npy::save(path, std::vector<std::uint64_t>(65, 1), std::span(values).first(1)).error().code ==
      errc::invalid_argument);
  CHECK(npy::array::read(path).error().code == errc::io_failure);
}

TEST_CASE("headers may have their keys in any order and either kind of quotes") {
  const auto a =
      npy::array::parse(file_of("{\"shape\":(2,),'fortran_order':True,\"descr\":\"<f4\"}\n", 8));
  REQUIRE_MESSAGE(a.has_value(), a.error().message());
  CHECK(a->fortran_order());
  CHECK(npy::array::parse(file_of("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", 4)));
}

TEST_CASE("what is no array is refused with the reason") {
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";
  CHECK(npy::array::parse(file_of(good, 8)));
  refused({}, errc::truncated, "magic");
  auto bytes = file_of(good, 8);
  bytes[1] = std::byte{'M'};
  refused(bytes, errc::unsupported, "magic");
  refused(file_of(good, 8, 4), errc::unsupported, "found 4.0");
  bytes = file_of(good, 8);
  bytes.resize(9);
  refused(bytes, errc::truncated, "length of the header");
  bytes = file_of(good, 0);
  bytes[9] = std::byte{1};
  refused(bytes, errc::truncated, "bytes after it");
  refused(file_of(good, 7), errc::truncated, "7 bytes");
  refused(file_of(good, 9), errc::malformed, "9 bytes");
  refused(bytes_of_file(golden("rows_big_endian.npy")), errc::unsupported, "\">f4\"");
  const auto header = [](std::string_view descr, std::string_view order, std::string_view shape) {
    return file_of("{'descr': " + std::string(descr) + ", 'fortran_order': " + std::string(order) +
                       ", 'shape': " + std::string(shape) + "}\n",
                   8);
  };
  refused(header("'<i4'", "False", "(2,)"), errc::unsupported, "\"<i4\"");
  refused(header("'|O'", "False", "(2,)"), errc::unsupported, "\"|O\"");
  refused(header("[('a', '<f4')]", "False", "(2,)"), errc::unsupported, "records");
  refused(header("'<f4'", "Maybe", "(2,)"), errc::malformed, "True or False");
  refused(header("'<f4'", "False", "2"), errc::malformed, "'('");
  refused(header("'<f4'", "False", "(-2,)"), errc::malformed, "a length");
  refused(header("'<f4'", "False", "(2"), errc::malformed, "')'");
  refused(header("'<f4", "False", "(2,)"), errc::malformed, "");
  refused(header("'<f4'", "False", "(99999999999999999999,)"), errc::malformed, "a length");
  refused(header("'<f4'", "False", "(4294967296, 4294967296)"), errc::truncated, "can be counted");
  refused(file_of("{'descr': '<f4', 'fortran_order': False}", 8), errc::malformed, "less");
  refused(file_of("{'descr': '<f4', 'descr': '<f4'}", 8), errc::malformed, "each once");
  refused(file_of("{'more': '<f4'}", 8), errc::malformed, "\"more\"");
  refused(file_of(good + "x", 8), errc::malformed, "spaces");
  refused(file_of("{'descr': '<f4'", 8), errc::malformed, "'}'");
}

TEST_CASE("damaged npy files are refused or read, and nothing else") {
  std::vector<std::vector<std::byte>> originals;
  for (const char* name : {"rows.npy", "rows_fortran.npy", "rows_half.npy", "row.npy"}) {
    originals.push_back(bytes_of_file(golden(name)));
  }
  philox random(2);
  int read = 0;
  std::uint64_t sum = 0;
  const int n = multitudes_test::mutant_count();
  for (int i = 0; i < n; ++i) {
    const auto bytes = multitudes_test::mutate(originals[random.below(4)], random);
    const auto a = npy::array::parse(bytes);
    read += a.has_value();
    if (a) {
      for (const std::byte b : a->data()) sum = sum * 31 + std::to_integer<unsigned>(b);
    } else {
      sum += a.error().message().size();
    }
  }
  CHECK(read > n / 20);
  CHECK(read < n * 19 / 20);
  CHECK(sum != 0);
}
