// SPDX-License-Identifier: MIT
#include "../support/shared_data.hpp"
#include "tiny_gguf.hpp"

#include <multitudes/format/gguf_writer.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace multitudes;
using multitudes_test::bytes_of;
using multitudes_test::walk;

namespace {

/// Writes what a file holds, through the values that the reader gave.
gguf::writer copy_of(const gguf::file& f) {
  gguf::writer out;
  for (const auto& [key, content] : f.metadata()) out.add(key, content);
  for (const auto& t : f.tensors()) {
    out.add_tensor(t.name, std::span(t.dims).first(t.n_dims), t.type, t.data);
  }
  return out;
}

error mistake(const gguf::writer& out) {
  const auto bytes = out.bytes();
  REQUIRE_FALSE(bytes);
  // Both ways out refuse alike, and nothing is written.
  const auto saved = out.save("multitudes_test_never.gguf");
  REQUIRE_FALSE(saved);
  CHECK(saved.error() == bytes.error());
  CHECK_FALSE(std::ifstream("multitudes_test_never.gguf").good());
  return bytes.error();
}

}  // namespace

TEST_CASE("every type of value survives being written and read") {
  gguf::writer out;
  out.add("u8", std::uint8_t{200});
  out.add("i8", std::int8_t{-100});
  out.add("u16", std::uint16_t{60000});
  out.add("i16", std::int16_t{-30000});
  out.add("u32", std::uint32_t{4000000000});
  out.add("i32", std::int32_t{-2000000000});
  out.add("u64", std::uint64_t{1} << 63);
  out.add("i64", std::int64_t{-1} - (std::int64_t{1} << 62));
  out.add("f32", 0.1f);
  out.add("f64", 0.1);
  out.add("bool", false);
  out.add("string", "text");
  const std::array<bool, 3> flags{true, false, true};
  out.add_array("a.u8", std::vector<std::uint8_t>{1, 2});
  out.add_array("a.i8", std::vector<std::int8_t>{-1, 2});
  out.add_array("a.u16", std::vector<std::uint16_t>{1, 2});
  out.add_array("a.i16", std::vector<std::int16_t>{-1, 2});
  out.add_array("a.u32", std::vector<std::uint32_t>{1, 2});
  out.add_array("a.i32", std::vector<std::int32_t>{-1, 2});
  out.add_array("a.u64", std::vector<std::uint64_t>{1, 2});
  out.add_array("a.i64", std::vector<std::int64_t>{-1, 2});
  out.add_array("a.f32", std::vector<float>{-1.5f, 2});
  out.add_array("a.f64", std::vector<double>{-1.5, 2});
  out.add_array("a.bool", flags);
  out.add_array("a.string", std::array<std::string_view, 2>{"x", ""});
  out.add_array("a.none", std::vector<float>{});
  const auto bytes = out.bytes();
  REQUIRE(bytes);
  const auto f = gguf::file::parse(*bytes);
  REQUIRE(f);
  CHECK(*f->unsigned_at("u8") == 200);
  CHECK(*f->integer_at("i8") == -100);
  CHECK(*f->unsigned_at("u16") == 60000);
  CHECK(*f->integer_at("i16") == -30000);
  CHECK(*f->unsigned_at("u32") == 4000000000);
  CHECK(*f->integer_at("i32") == -2000000000);
  CHECK(*f->unsigned_at("u64") == std::uint64_t{1} << 63);
  CHECK(*f->integer_at("i64") == std::int64_t{-1} - (std::int64_t{1} << 62));
  CHECK(*f->real_at("f32") == static_cast<double>(0.1f));
  CHECK(*f->real_at("f64") == 0.1);
  CHECK_FALSE(*f->bool_at("bool"));
  CHECK(*f->string_at("string") == "text");
  for (const char* key : {"a.u8", "a.u16", "a.u32", "a.u64"}) {
    CHECK(*f->integers_at<int>(key) == std::vector<int>{1, 2});
  }
  for (const char* key : {"a.i8", "a.i16", "a.i32", "a.i64"}) {
    CHECK(*f->integers_at<int>(key) == std::vector<int>{-1, 2});
  }
  CHECK(*f->reals_at<float>("a.f32") == std::vector<float>{-1.5f, 2});
  CHECK(*f->reals_at<double>("a.f64") == std::vector<double>{-1.5, 2});
  CHECK(*f->find("a.bool")->as_bools() == std::vector<std::uint8_t>{1, 0, 1});
  CHECK(*f->strings_at("a.string") == std::vector<std::string_view>{"x", ""});
  CHECK(f->find("a.none")->size() == 0);
  // The types are those that were asked for, not just the numbers.
  std::uint32_t types = 0;
  for (const auto& e : f->metadata()) types |= 1u << static_cast<unsigned>(e.content.type());
  CHECK(types == (1u << 13) - 1);
  CHECK(*copy_of(*f).bytes() == *bytes);
}

TEST_CASE("tensors of every type survive being written and read") {
  gguf::writer out;
  std::vector<std::vector<std::byte>> data;
  for (std::uint32_t id = 0; id < 64; ++id) {
    const auto block = gguf::block_of(static_cast<gguf::tensor_type>(id));
    data.emplace_back(block ? std::size_t{6} * block->bytes : 0, static_cast<std::byte>(id + 1));
  }
  std::size_t n = 0;
  for (std::uint32_t id = 0; id < 64; ++id) {
    const auto type = static_cast<gguf::tensor_type>(id);
    const auto block = gguf::block_of(type);
    if (!block) continue;
    out.add_tensor("t" + std::to_string(id), {2 * std::uint64_t{block->elements}, 3}, type,
                   data[id]);
    ++n;
  }
  const auto f = gguf::file::parse(*out.bytes());
  REQUIRE(f);
  CHECK(f->tensors().size() == n);
  for (const auto& t : f->tensors()) {
    const auto id = static_cast<std::uint32_t>(t.type);
    CHECK(t.name == "t" + std::to_string(id));
    CHECK(t.n_dims == 2);
    CHECK(std::equal(t.data.begin(), t.data.end(), data[id].begin(), data[id].end()));
  }
}

TEST_CASE("the bytes are the format's, one by one") {
  const std::vector<float> one{1.0f};
  gguf::writer out;
  out.add("k", std::uint8_t{9});
  out.add_tensor("t", {1}, gguf::tensor_type::f32, bytes_of(one));
  multitudes_test::raw_gguf expected(1, 1);
  expected.key("k", gguf::value_type::u8).number(std::uint8_t{9});
  expected.tensor("t", {1}, 0, 0).pad().number(1.0f).pad();
  CHECK(*out.bytes() == expected.bytes());
}

TEST_CASE("the alignment follows its key") {
  const std::vector<float> one{1.0f};
  for (const std::uint32_t alignment : {8u, 64u, 4096u}) {
    gguf::writer out;
    out.add("general.alignment", alignment);
    out.add_tensor("a", {1}, gguf::tensor_type::f32, bytes_of(one));
    out.add_tensor("b", {1}, gguf::tensor_type::f32, bytes_of(one));
    const auto bytes = out.bytes();
    REQUIRE(bytes);
    CHECK(bytes->size() % alignment == 0);
    const auto f = gguf::file::parse(*bytes);
    REQUIRE(f);
    CHECK(f->alignment() == alignment);
    CHECK(f->find_tensor("b")->data.data() - f->find_tensor("a")->data.data() == alignment);
    CHECK(*copy_of(*f).bytes() == *bytes);
  }
  for (const int bad : {0, -8, 4, 24, 131072}) {
    gguf::writer out;
    out.add("general.alignment", bad);
    CHECK(mistake(out).place == "key \"general.alignment\"");
  }
  gguf::writer text;
  text.add("general.alignment", "32");
  CHECK(mistake(text).code == errc::invalid_argument);
}

TEST_CASE("mistakes come out instead of a file, the first one named") {
  const std::vector<float> two{1, 2};
  const auto f32 = gguf::tensor_type::f32;
  gguf::writer key_twice;
  key_twice.add("a", 1);
  key_twice.add("a", 2);
  CHECK(mistake(key_twice).message() == "gguf writer: key \"a\": found it twice, expected it once");
  gguf::writer tensor_twice;
  tensor_twice.add_tensor("t", {2}, f32, bytes_of(two));
  tensor_twice.add_tensor("t", {2}, f32, bytes_of(two));
  CHECK(mistake(tensor_twice).place == "tensor \"t\"");
  gguf::writer short_data;
  short_data.add_tensor("t", {3}, f32, bytes_of(two));
  short_data.add_tensor("u", {4}, f32, bytes_of(two));
  CHECK(mistake(short_data).message() ==
        "gguf writer: tensor \"t\": found 8 bytes of data, expected 12 bytes");
  CHECK(mistake(short_data).code == errc::shape_mismatch);
  const auto shape_mistake = [&](const std::vector<std::uint64_t>& dims, gguf::tensor_type type) {
    gguf::writer out;
    out.add_tensor("t", dims, type, bytes_of(two));
    return mistake(out).code == errc::invalid_argument;
  };
  CHECK(shape_mistake({}, f32));
  CHECK(shape_mistake({2, 0}, f32));
  CHECK(shape_mistake({1, 1, 1, 1, 2}, f32));
  CHECK(shape_mistake({2}, gguf::tensor_type::q8_0));
  CHECK(shape_mistake({2}, static_cast<gguf::tensor_type>(31)));
  gguf::writer huge;
  huge.add_tensor("t", {std::uint64_t{1} << 63, 4}, f32, bytes_of(two));
  CHECK(mistake(huge).expected == "a size that can be counted");
  gguf::writer long_names;
  long_names.add_tensor(std::string(64, 'x'), {2}, f32, bytes_of(two));
  CHECK(mistake(long_names).found == "64 bytes");
  gguf::writer long_key;
  long_key.add(std::string(65536, 'x'), 1);
  CHECK(mistake(long_key).found == "65536 bytes");
}

TEST_CASE("a saved file is the bytes") {
  const std::string path = "multitudes_test_saved.gguf";
  const std::vector<float> data(100, 2.5f);
  gguf::writer out;
  out.add("k", "v");
  out.add_tensor("t", {10, 10}, gguf::tensor_type::f32, bytes_of(data));
  REQUIRE(out.save(path));
  const auto f = gguf::file::read(path);
  std::remove(path.c_str());
  REQUIRE(f);
  CHECK(f->size_bytes() == out.bytes()->size());
  CHECK(walk(*f) == walk(*gguf::file::parse(*out.bytes())));
}

TEST_CASE("data that is made while the file is written gives the same bytes, every time") {
  std::vector<float> data(30);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<float>(i);
  const std::uint64_t dims[] = {3, 10};
  const auto in_rows = [&](byte_sink take) {
    expected<void> done;
    for (std::size_t r = 0; r < 10 && done; ++r) {
      done = take(bytes_of(data).subspan(12 * r, 12));
    }
    return done;
  };
  gguf::writer viewed, made;
  for (gguf::writer* out : {&viewed, &made}) out->add("k", "v");
  viewed.add_tensor("t", dims, gguf::tensor_type::f32, bytes_of(data));
  made.add_tensor("t", dims, gguf::tensor_type::f32, in_rows);
  for (gguf::writer* out : {&viewed, &made}) {
    out->add_tensor("u", {30}, gguf::tensor_type::f32, bytes_of(data));
  }
  CHECK(*made.bytes() == *viewed.bytes());
  CHECK(*made.bytes() == *viewed.bytes());
}

TEST_CASE("data made in another length, or not at all, is an error and leaves the old file") {
  const std::string path = "multitudes_test_made.gguf";
  const std::vector<float> data(4, 1.0f);
  gguf::writer good;
  good.add_tensor("t", {4}, gguf::tensor_type::f32, bytes_of(data));
  REQUIRE(good.save(path));
  const std::uint64_t dims[] = {4};
  for (const std::size_t n : {std::size_t{0}, std::size_t{15}, std::size_t{17}}) {
    const std::vector<std::byte> bytes(n);
    const auto give = [&](byte_sink take) { return take(bytes); };
    gguf::writer out;
    out.add_tensor("t", dims, gguf::tensor_type::f32, give);
    CHECK(mistake(out).message() == "gguf writer: tensor \"t\": found " + std::to_string(n) +
                                        " bytes of data, expected 16 bytes");
    CHECK(out.save(path).error().code == errc::shape_mismatch);
  }
  const auto give_up = [](byte_sink) -> expected<void> {
    return fail({.code = errc::non_finite, .operation = "make data"});
  };
  gguf::writer out;
  out.add_tensor("t", dims, gguf::tensor_type::f32, give_up);
  CHECK(out.save(path).error().operation == "make data");
  CHECK(gguf::file::read(path)->size_bytes() == good.bytes()->size());
  std::remove(path.c_str());
}

TEST_CASE("nothing in it is still a file") {
  const auto bytes = gguf::writer().bytes();
  REQUIRE(bytes);
  CHECK(bytes->size() == 24);
  CHECK(gguf::file::parse(*bytes));
}

TEST_CASE("real files are copied without losing a byte of what they say") {
  for (const char* name :
       {"models/stories260K/stories260Ktok512.gguf", "vocab/ggml-vocab-gpt-2.gguf"}) {
    const auto path = multitudes_test::shared_file(name);
    if (!path) return;
    const auto f = gguf::file::read(*path);
    REQUIRE(f);
    const auto bytes = copy_of(*f).bytes();
    REQUIRE(bytes);
    const auto copy = gguf::file::parse(*bytes);
    REQUIRE(copy);
    REQUIRE(copy->metadata().size() == f->metadata().size());
    REQUIRE(copy->tensors().size() == f->tensors().size());
    for (std::size_t i = 0; i < f->metadata().size(); ++i) {
      const auto& a = f->metadata()[i];
      const auto& b = copy->metadata()[i];
      CHECK(a.key == b.key);
      CHECK(a.content.describe() == b.content.describe());
      CHECK(std::equal(a.content.payload().begin(), a.content.payload().end(),
                       b.content.payload().begin(), b.content.payload().end()));
    }
    for (std::size_t i = 0; i < f->tensors().size(); ++i) {
      const auto& a = f->tensors()[i];
      const auto& b = copy->tensors()[i];
      CHECK(a.name == b.name);
      CHECK(a.dims == b.dims);
      CHECK(std::equal(a.data.begin(), a.data.end(), b.data.begin(), b.data.end()));
    }
  }
}
