// SPDX-License-Identifier: MIT
#include "../support/shared_data.hpp"
#include "tiny_gguf.hpp"

#include <multitudes/format/gguf_reader.hpp>
#include <multitudes/format/gguf_writer.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

using namespace multitudes;
using multitudes_test::raw_gguf;
using multitudes_test::walk;

namespace {

constexpr auto u8 = gguf::value_type::u8;
constexpr auto u32 = gguf::value_type::u32;
constexpr auto array = gguf::value_type::array;

std::vector<std::byte> tiny_file() {
  static const std::vector<float> w{1, 2, 3, 4, 5, 6};
  static const std::vector<std::byte> q(34, std::byte{7});
  gguf::writer out;
  out.add("general.architecture", "tiny");
  out.add("general.alignment", 32u);
  out.add("flag", true);
  out.add_array("tokens", std::vector<std::string>{"a", "", "bcd"});
  out.add("real", 0.5);
  out.add_tensor("w", {3, 2}, gguf::tensor_type::f32, multitudes_test::bytes_of(w));
  out.add_tensor("q", {32}, gguf::tensor_type::q8_0, q);
  return *out.bytes();
}

/// The error of a file that must not load, checked for what it must name.
error refused(const std::vector<std::byte>& bytes, errc code,
              const std::vector<std::string>& parts) {
  const auto f = gguf::file::parse(bytes, "test.gguf");
  REQUIRE_FALSE(f);
  const std::string message = f.error().message();
  INFO(message);
  CHECK(f.error().code == code);
  CHECK(message.find("test.gguf, byte ") != std::string::npos);
  for (const auto& part : parts) {
    INFO(part);
    CHECK(message.find(part) != std::string::npos);
  }
  CHECK_FALSE(f.error().found.empty());
  CHECK_FALSE(f.error().expected.empty());
  CHECK_FALSE(f.error().remedy.empty());
  return f.error();
}

/// How the mutations of a file ended.
struct tally {
  int valid = 0;
  int refused = 0;
  std::uint64_t sum = 0;

  void try_bytes(const std::vector<std::byte>& bytes) {
    const auto f = gguf::file::parse(bytes);
    if (f) {
      ++valid;
      sum += walk(*f);
    } else {
      ++refused;
      sum += f.error().message().size();
    }
  }
};

void put_u64(std::vector<std::byte>& bytes, std::size_t at, std::uint64_t x) {
  std::memcpy(bytes.data() + at, &x, sizeof x);
}

}  // namespace

TEST_CASE("a tiny file is read as it was written") {
  const auto f = gguf::file::parse(tiny_file());
  REQUIRE(f);
  CHECK(f->version() == 3);
  CHECK(f->alignment() == 32);
  CHECK(f->metadata().size() == 5);
  CHECK(f->metadata()[3].key == "tokens");
  CHECK(*f->string_at("general.architecture") == "tiny");
  CHECK(*f->bool_at("flag"));
  CHECK(*f->real_at("real") == 0.5);
  CHECK(*f->strings_at("tokens") == std::vector<std::string_view>{"a", "", "bcd"});
  const gguf::tensor* w = f->find_tensor("w");
  REQUIRE(w != nullptr);
  CHECK(w->n_dims == 2);
  CHECK(w->dims == std::array<std::uint64_t, 4>{3, 2, 1, 1});
  CHECK(w->n_elements() == 6);
  CHECK(reinterpret_cast<std::uintptr_t>(w->data.data()) % 32 == 0);
  CHECK(gguf::detail::load<float>(w->data.data() + 20) == 6.0f);
  REQUIRE(f->find_tensor("q") != nullptr);
  CHECK(f->find_tensor("q")->data.size() == 34);
  CHECK(f->find_tensor("r") == nullptr);
  CHECK(f->find("") == nullptr);
}

TEST_CASE("views stay valid when a file is moved") {
  auto f = gguf::file::parse(tiny_file());
  REQUIRE(f);
  const auto tokens = *f->strings_at("tokens");
  const auto before = walk(*f);
  const gguf::file moved = std::move(*f);
  CHECK(tokens[2] == "bcd");
  CHECK(walk(moved) == before);
}

TEST_CASE("a file cut anywhere is refused or whole") {
  const auto whole = tiny_file();
  REQUIRE(whole.size() < 700);
  tally t;
  for (std::size_t n = 0; n < whole.size(); ++n) {
    t.try_bytes({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)});
  }
  // Only the padding after the last tensor can be missed.
  CHECK(t.valid == 64 - 34);
  CHECK(t.refused == static_cast<int>(whole.size()) - t.valid);
}

TEST_CASE("any byte of a file may be anything") {
  const auto whole = tiny_file();
  tally t;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    auto bytes = whole;
    for (const int x : {0x00, 0xFF}) {
      bytes[i] = static_cast<std::byte>(x);
      t.try_bytes(bytes);
    }
    for (const int flip : {0xFF, 1, 2, 4, 8, 16, 32, 64, 128}) {
      bytes[i] = whole[i] ^ static_cast<std::byte>(flip);
      t.try_bytes(bytes);
    }
  }
  CHECK(t.valid > 1000);
  CHECK(t.refused > 1000);
  CHECK(t.valid + t.refused == static_cast<int>(whole.size()) * 11);
}

TEST_CASE("any eight bytes of a file may be any number") {
  const auto whole = tiny_file();
  const std::uint64_t p31 = std::uint64_t{1} << 31;
  const std::uint64_t p32 = std::uint64_t{1} << 32;
  const std::uint64_t p63 = std::uint64_t{1} << 63;
  tally t;
  for (std::size_t i = 0; i + 8 <= whole.size(); ++i) {
    for (const std::uint64_t x :
         {std::uint64_t{0}, std::uint64_t{1}, p31 - 1, p31, p31 + 1, p32 - 1, p32, p32 + 1, p63 - 1,
          p63, p63 + 1, ~std::uint64_t{0}}) {
      auto bytes = whole;
      put_u64(bytes, i, x);
      t.try_bytes(bytes);
    }
  }
  CHECK(t.valid > 100);
  CHECK(t.refused > 1000);
}

TEST_CASE("what is no GGUF file is refused by name") {
  refused({}, errc::truncated, {"magic", "0 bytes left"});
  auto bytes = tiny_file();
  bytes[0] = std::byte{'P'};
  refused(bytes, errc::unsupported, {"byte 0", "\"PGUF\"", "\"GGUF\""});
}

TEST_CASE("versions 2 and 3 load and others are refused by name") {
  CHECK(raw_gguf(0, 0, 2).parse()->version() == 2);
  CHECK(raw_gguf(0, 0, 3).parse()->version() == 3);
  refused(raw_gguf(0, 0, 1).bytes(), errc::unsupported, {"byte 4", "version 1", "convert"});
  refused(raw_gguf(0, 0, 0).bytes(), errc::unsupported, {"version 0"});
  refused(raw_gguf(0, 0, 4).bytes(), errc::unsupported, {"version 4", "newer"});
  refused(raw_gguf(0, 0, 0x03000000).bytes(), errc::unsupported, {"a big-endian file"});
  refused(raw_gguf(0, 0, 0x02000000).bytes(), errc::unsupported, {"a big-endian file"});
}

TEST_CASE("counts are checked against the bytes that are left") {
  for (const std::uint64_t n :
       {std::uint64_t{1} << 60, std::uint64_t{1} << 31, std::uint64_t{2}, ~std::uint64_t{0}}) {
    const auto count = std::to_string(n);
    refused(raw_gguf(0, n).zeros(25).bytes(), errc::truncated,
            {"byte 16", "number of keys", count});
    refused(raw_gguf(n, 0).zeros(40).bytes(), errc::truncated,
            {"byte 8", "number of tensors", count});
  }
  // Together they may not promise more than there is, either: 32 bytes for one of each.
  refused(raw_gguf(1, 1).zeros(32).bytes(), errc::truncated, {"number of keys"});
  const std::uint64_t many = std::uint64_t{1} << 60;
  refused(raw_gguf(0, 1).key("a", array).array_head(0, many).zeros(9).bytes(), errc::truncated,
          {"byte 41", "key 0 \"a\"", "elements", std::to_string(many)});
  refused(raw_gguf(0, 1).key("a", array).array_head(8, 3).zeros(23).bytes(), errc::truncated,
          {"elements"});
  refused(raw_gguf(0, 1).key("a", array).array_head(10, many * 2).zeros(9).bytes(), errc::truncated,
          {"elements"});
}

TEST_CASE("a name that occurs twice is refused with both places") {
  refused(raw_gguf(0, 3)
              .key("aa", u8)
              .number(std::uint8_t{1})
              .key("bb", u8)
              .number(std::uint8_t{1})
              .key("aa", u8)
              .number(std::uint8_t{1})
              .bytes(),
          errc::malformed, {"byte 62", "\"aa\" again", "byte 32"});
  refused(raw_gguf(2, 0).tensor("t", {8}, 0, 0).tensor("t", {8}, 0, 32).pad().zeros(64).bytes(),
          errc::malformed, {"tensor", "\"t\" again"});
}

TEST_CASE("types that are none are refused") {
  refused(raw_gguf(0, 1).text("k").number(std::uint32_t{13}).zeros(8).bytes(), errc::malformed,
          {"key 0 \"k\"", "type 13"});
  refused(raw_gguf(0, 1).key("k", array).array_head(99, 0).bytes(), errc::malformed, {"type 99"});
  refused(raw_gguf(1, 0).tensor("some.weight", {32}, 77, 0).pad().zeros(64).bytes(),
          errc::unsupported, {"tensor 0 \"some.weight\"", "type 77"});
}

TEST_CASE("a bool is 0 or 1") {
  const auto boolean = gguf::value_type::boolean;
  CHECK(*raw_gguf(0, 1).key("b", boolean).number(std::uint8_t{1}).parse()->bool_at("b"));
  CHECK_FALSE(*raw_gguf(0, 1).key("b", boolean).number(std::uint8_t{0}).parse()->bool_at("b"));
  refused(raw_gguf(0, 1).key("b", boolean).number(std::uint8_t{2}).bytes(), errc::malformed,
          {"byte 37", "bool", "found 2"});
  refused(raw_gguf(0, 1)
              .key("b", array)
              .array_head(7, 3)
              .number(std::uint8_t{1})
              .number(std::uint8_t{255})
              .number(std::uint8_t{0})
              .bytes(),
          errc::malformed, {"byte 50", "found 255"});
}

TEST_CASE("arrays nest eight deep and no deeper") {
  const auto nested = [](int depth) {
    raw_gguf f(0, 1);
    f.key("deep", array);
    for (int i = 1; i < depth; ++i) f.array_head(9, 1);
    f.array_head(0, 2).number(std::uint8_t{1}).number(std::uint8_t{2});
    return f;
  };
  CHECK(walk(*nested(1).parse()) != 0);
  const auto f = nested(8).parse();
  REQUIRE(f);
  CHECK(f->find("deep")->type() == array);
  CHECK(f->find("deep")->element_type() == array);
  CHECK(f->find("deep")->size() == 1);
  CHECK_FALSE(f->integers_at<int>("deep"));
  refused(nested(9).bytes(), errc::unsupported, {"9 deep", "at most 8"});
  refused(nested(20000).bytes(), errc::unsupported, {"at most 8"});
}

TEST_CASE("the values after a nested array are found") {
  const auto f = raw_gguf(0, 2)
                     .key("n", array)
                     .array_head(9, 3)
                     .array_head(8, 2)
                     .text("x")
                     .text("yz")
                     .array_head(0, 0)
                     .array_head(9, 1)
                     .array_head(4, 1)
                     .number(std::uint32_t{9})
                     .key("after", u32)
                     .number(std::uint32_t{17})
                     .parse();
  REQUIRE(f);
  CHECK(*f->unsigned_at("after") == 17);
}

TEST_CASE("the alignment is a power of two from 8 to 65536") {
  const auto with = [](std::uint32_t a) {
    return raw_gguf(1, 1)
        .key("general.alignment", u32)
        .number(a)
        .tensor("t", {2}, 0, 0)
        .pad(65536)
        .zeros(65536);
  };
  for (std::uint32_t a = 8; a <= 65536; a *= 2) {
    const auto f = with(a).parse();
    REQUIRE(f);
    CHECK(f->alignment() == a);
  }
  for (const std::uint32_t a : {0u, 1u, 2u, 4u, 7u, 12u, 24u, 40u, 131072u, 0x80000000u}) {
    refused(with(a).bytes(), errc::malformed, {"general.alignment", "u32 " + std::to_string(a)});
  }
  refused(raw_gguf(0, 1).key("general.alignment", gguf::value_type::string).text("32").bytes(),
          errc::malformed, {"general.alignment", "string \"32\""});
}

TEST_CASE("tensors have one to four dimensions, none of them 0") {
  const auto with = [](const std::vector<std::uint64_t>& dims) {
    return raw_gguf(1, 0).tensor("t", dims, 0, 0).pad().zeros(64).bytes();
  };
  CHECK(gguf::file::parse(with({2, 2, 2, 2})));
  refused(with({}), errc::malformed, {"tensor 0 \"t\"", "number of dimensions", "found 0"});
  refused(with({1, 1, 1, 1, 1}), errc::malformed, {"number of dimensions", "found 5"});
  refused(with({2, 0}), errc::malformed, {"dimension 1", "found 0"});
}

TEST_CASE("a tensor's size is computed without overflow") {
  const std::uint64_t p32 = std::uint64_t{1} << 32;
  refused(raw_gguf(1, 0).tensor("t", {p32, p32, 1, 1}, 0, 0).pad().zeros(64).bytes(),
          errc::truncated, {"tensor 0 \"t\"", "more bytes than can be counted"});
  refused(raw_gguf(1, 0).tensor("t", {p32 << 30, 1}, 0, 0).pad().zeros(64).bytes(), errc::truncated,
          {"more bytes than can be counted"});
  refused(raw_gguf(1, 0).tensor("t", {8}, 0, ~std::uint64_t{31}).pad().zeros(64).bytes(),
          errc::truncated, {"more bytes than can be counted"});
  refused(raw_gguf(1, 0).tensor("t", {17}, 0, 0).pad().zeros(64).bytes(), errc::truncated,
          {"68 bytes from byte 64", "the file's 128 bytes"});
}

TEST_CASE("rows hold whole blocks and offsets are aligned") {
  refused(raw_gguf(1, 0).tensor("t", {16, 2}, 8, 0).pad().zeros(64).bytes(), errc::malformed,
          {"q8_0 with rows of 16", "blocks of 32"});
  refused(raw_gguf(1, 0).tensor("t", {2}, 0, 16).pad().zeros(64).bytes(), errc::malformed,
          {"offset", "found 16", "alignment 32"});
}

TEST_CASE("tensors may not overlap, whatever their order in the file") {
  const auto with = [](std::uint64_t a, std::uint64_t b, std::uint64_t c) {
    // 12, 9 and 1 floats: 48, 36 and 4 bytes.
    return raw_gguf(3, 0)
        .tensor("a", {12}, 0, a)
        .tensor("b", {9}, 0, b)
        .tensor("c", {1}, 0, c)
        .pad()
        .zeros(256)
        .bytes();
  };
  CHECK(gguf::file::parse(with(0, 64, 128)));
  CHECK(gguf::file::parse(with(160, 96, 0)));
  refused(with(0, 32, 128), errc::malformed, {"tensor \"b\"", "found 32", "tensor \"a\""});
  refused(with(64, 32, 128), errc::malformed, {"tensor \"a\"", "tensor \"b\""});
  refused(with(0, 64, 32), errc::malformed, {"tensor \"c\"", "tensor \"a\""});
  refused(with(0, 64, 0), errc::malformed, {"found 0"});
}

TEST_CASE("names need not be UTF-8, and errors show them safely") {
  const auto f = raw_gguf(0, 1).key("\xFF\x1b[31m", u8).number(std::uint8_t{5}).parse();
  REQUIRE(f);
  CHECK(*f->unsigned_at("\xFF\x1b[31m") == 5);
  CHECK(f->string_at("\xFF\x1b[31m").error().message().find("\"\\xff\\x1b[31m\"") !=
        std::string::npos);
}

TEST_CASE("an accessor by key names the key, what it found and what it expected") {
  const auto f = gguf::file::parse(tiny_file(), "tiny.gguf");
  REQUIRE(f);
  const auto wrong = f->unsigned_at("general.architecture");
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code == errc::malformed);
  CHECK(wrong.error().message() ==
        "gguf: tiny.gguf, key \"general.architecture\": found string \"tiny\", expected a "
        "non-negative integer; convert the model again with a current converter");
  const auto missing = f->string_at("general.name");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == errc::not_found);
  CHECK(missing.error().message().find("key \"general.name\": found no such key, expected a str") !=
        std::string::npos);
}

TEST_CASE("200,000 keys load") {
  gguf::writer out;
  for (int i = 0; i < 200000; ++i) out.add("key." + std::to_string(i), i);
  const auto f = gguf::file::parse(*out.bytes());
  REQUIRE(f);
  CHECK(f->metadata().size() == 200000);
  for (const int i : {0, 1, 99999, 199999}) {
    CHECK(*f->integer_at("key." + std::to_string(i)) == i);
  }
  CHECK(f->find("key.200000") == nullptr);
}

TEST_CASE("reading and mapping a file give the same, on aligned memory") {
  const std::string path = "multitudes_test_read.gguf";
  REQUIRE(write_file(path, std::span<const std::byte>(tiny_file())));
  const auto read = gguf::file::read(path);
  const auto mapped = gguf::file::map(path);
  std::remove(path.c_str());
  REQUIRE(read);
  REQUIRE(mapped);
  CHECK(walk(*read) == walk(*mapped));
  CHECK(read->name() == path);
  for (const auto* f : {&*read, &*mapped}) {
    for (const auto& t : f->tensors()) {
      CHECK(reinterpret_cast<std::uintptr_t>(t.data.data()) % 32 == 0);
    }
  }
}

TEST_CASE("what cannot be read is an error that names the path") {
  const std::string empty = "multitudes_test_empty.gguf";
  REQUIRE(write_file(empty, std::span<const std::byte>()));
  for (const auto open : {&gguf::file::read, &gguf::file::map}) {
    const auto missing = open("no/such/model.gguf");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code == errc::io_failure);
    CHECK(missing.error().place == "no/such/model.gguf");
    CHECK(missing.error().found == "No such file or directory");
    const auto folder = open(".");
    REQUIRE_FALSE(folder);
    CHECK(folder.error().code == errc::io_failure);
    CHECK(folder.error().found == "a folder");
    const auto nothing = open(empty);
    REQUIRE_FALSE(nothing);
    CHECK(nothing.error().code == errc::truncated);
    CHECK(nothing.error().place.find(empty) == 0);
  }
  std::remove(empty.c_str());
#if !defined(_WIN32)
  CHECK(gguf::file::read("/dev/null").error().found == "a pipe or device");
#endif
}

TEST_CASE("the story model loads with its 48 tensors") {
  const auto path = multitudes_test::shared_file("models/stories260K/stories260Ktok512.gguf");
  if (!path) return;
  const auto f = gguf::file::read(*path);
  REQUIRE(f);
  CHECK(f->version() == 3);
  CHECK(f->tensors().size() == 48);
  CHECK(f->metadata().size() == 19);
  CHECK(f->size_bytes() == 1185376);
  CHECK(*f->string_at("general.architecture") == "llama");
  CHECK(*f->unsigned_at("llama.block_count") == 5);
  CHECK(*f->unsigned_at("llama.embedding_length") == 64);
  CHECK(f->strings_at("tokenizer.ggml.tokens")->size() == 512);
  CHECK(f->reals_at<float>("tokenizer.ggml.scores")->size() == 512);
  CHECK(f->integers_at<std::int32_t>("tokenizer.ggml.token_type")->size() == 512);
  const gguf::tensor* embedding = f->find_tensor("token_embd.weight");
  REQUIRE(embedding != nullptr);
  CHECK(embedding->dims == std::array<std::uint64_t, 4>{64, 512, 1, 1});
  CHECK(embedding->type == gguf::tensor_type::f32);
  CHECK(walk(*f) == walk(*gguf::file::map(*path)));
}

TEST_CASE("vocabulary-only files load") {
  for (const auto& [name, n_tokens] : {std::pair{"vocab/ggml-vocab-llama-spm.gguf", 32000u},
                                       std::pair{"vocab/ggml-vocab-phi-3.gguf", 32064u},
                                       std::pair{"vocab/ggml-vocab-gpt-2.gguf", 50257u}}) {
    const auto path = multitudes_test::shared_file(name);
    if (!path) return;
    const auto f = gguf::file::read(*path);
    REQUIRE(f);
    CHECK(f->tensors().empty());
    CHECK(f->strings_at("tokenizer.ggml.tokens")->size() == n_tokens);
  }
}
