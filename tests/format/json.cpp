// SPDX-License-Identifier: MIT
#include <multitudes/core/philox.hpp>
#include <multitudes/format/json.hpp>

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

using namespace multitudes;

namespace {

expected<std::string> text_of(std::string_view json) {
  json::cursor in(json, "test");
  auto text = in.string();
  if (!text) return text;
  if (auto done = in.finish(); !done) return forward_error(done);
  return text;
}

expected<void> skipped(std::string_view json) {
  json::cursor in(json, "test");
  if (auto done = in.skip(); !done) return done;
  return in.finish();
}

errc code_of(const expected<void>& done) {
  REQUIRE_FALSE(done);
  return done.error().code;
}

std::string repeated(std::string_view piece, int n) {
  std::string text;
  for (int i = 0; i < n; ++i) text += piece;
  return text;
}

}  // namespace

TEST_CASE("a string's escapes are resolved") {
  CHECK(*text_of(R"("")").transform([](std::string s) { return s; }) == "");
  CHECK(*text_of(R"( "plain" )") == "plain");
  CHECK(*text_of(R"("\"\\\/\b\f\n\r\t")") == "\"\\/\b\f\n\r\t");
  CHECK(*text_of(R"("\u0041\u00e9\u20AC\ud83d\ude00")") == "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  CHECK(*text_of("\"\xF0\x9F\x98\x80\"") == "\xF0\x9F\x98\x80");
}

TEST_CASE("what is no JSON string is refused") {
  for (const char* bad : {"\"a",
                          "\"",
                          "",
                          "a",
                          "\"\\\"",
                          "\"\\x\"",
                          "\"\\u12\"",
                          "\"\\u12g4\"",
                          "\"\n\"",
                          "\"\x01\"",
                          "\"\\ud800\"",
                          "\"\\udc00\"",
                          "\"\\ud800\\u0041\"",
                          "\"\x80\"",
                          "\"\xC3\"",
                          "\"\xC0\x80\"",
                          "\"\xED\xA0\x80\"",
                          "\"\xF4\x90\x80\x80\"",
                          "\"\xE0\x80\x80\"",
                          "\"\" x"}) {
    INFO(bad);
    CHECK_FALSE(text_of(bad));
  }
  const auto cut = text_of("\"ab");
  REQUIRE_FALSE(cut);
  CHECK(cut.error().code == errc::truncated);
  CHECK(cut.error().place == "test, byte 3");
}

TEST_CASE("an integer has no sign, no fraction, no leading zeros, and fits 64 bits") {
  const auto number = [](std::string_view json) {
    return json::cursor(json, "test").unsigned_integer();
  };
  CHECK(*number(" 0") == 0);
  CHECK(*number("18446744073709551615,") == ~0ull);
  for (const char* bad : {"18446744073709551616", "99999999999999999999999", "-1", "01", "x", ""}) {
    INFO(bad);
    CHECK_FALSE(number(bad));
  }
}

TEST_CASE("values of any kind are stepped over") {
  for (const char* good : {"1", "-1.5e+3", "true", "false", "null", R"("a")", "[]", "{}", "[1,2]",
                           R"({"a":[{}, {"b":null}],"c":{"d":[[]]}})", " [ 1 , { } ] "}) {
    INFO(good);
    CHECK(skipped(good));
  }
  for (const char* bad : {"", "[", "[1", "[1,", "[1,]", "{", R"({"a")", R"({"a":)", R"({"a":1,})",
                          R"({a:1})", "]", "nul", "[1}", R"({"a":1])", "1 2", "[1 2]"}) {
    INFO(bad);
    CHECK_FALSE(skipped(bad));
  }
}

TEST_CASE("depth is limited, not followed") {
  CHECK(skipped(repeated("[", 64) + repeated("]", 64)));
  CHECK(code_of(skipped(repeated("[", 65) + repeated("]", 65))) == errc::unsupported);
  CHECK(code_of(skipped(repeated("[", 1'000'000))) == errc::unsupported);
  CHECK(code_of(skipped(repeated("{\"a\":", 1'000'000))) == errc::unsupported);
}

TEST_CASE("a text survives being written and read") {
  std::string all;
  for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
  all += "\xC3\xA9\xF0\x9F\x98\x80";
  std::string json = "[";
  REQUIRE(json::append_string(json, all));
  CHECK(*text_of(std::string_view(json).substr(1)) == all);
  CHECK_FALSE(json::append_string(json, "\xFF"));
}

TEST_CASE("a number follows the grammar of JSON and is the nearest double") {
  const auto number = [](std::string_view json) { return json::cursor(json, "test").number(); };
  const std::pair<const char*, double> good[] = {{"0", 0},
                                                 {"-0", -0.0},
                                                 {" 12 ", 12},
                                                 {"0.1", 0.1},
                                                 {"-1.5e+3", -1500},
                                                 {"1E-2,", 0.01},
                                                 {"1e-400", 0},
                                                 {"5e-324", 5e-324},
                                                 {"0.5]", 0.5},
                                                 {"1e0", 1},
                                                 {"123456789.25", 123456789.25}};
  for (const auto& one : good) {
    INFO(one.first);
    const auto found = number(one.first);
    REQUIRE(found);
    CHECK(*found == one.second);
  }
  for (const char* bad :
       {"", "-", "01", "-01", ".5", "+1", "e1", "inf", "nan", "NaN", "Infinity", "null", "\"1\""}) {
    INFO(bad);
    CHECK_FALSE(number(bad));
  }
  for (const char* torn : {"1.", "1.x", "1e", "1e+", "1.5e-"}) {
    INFO(torn);
    CHECK_FALSE(number(torn));
  }
  CHECK(number("1e999").error().code == errc::unsupported);
  CHECK(number("-1e999").error().code == errc::unsupported);
}

TEST_CASE("a double survives being written and read, and what is not finite is not written") {
  philox random(5);
  std::string json;
  for (int i = 0; i < 2000; ++i) {
    const auto bits = (std::uint64_t{random()} << 32) | random();
    const auto value = std::bit_cast<double>(bits);
    json.clear();
    CHECK(json::append_number(json, value) == std::isfinite(value));
    if (!std::isfinite(value)) {
      CHECK(json.empty());
      continue;
    }
    const auto found = json::cursor(json, "test").number();
    REQUIRE(found);
    CHECK(std::bit_cast<std::uint64_t>(*found) == bits);
  }
}

TEST_CASE("words are read where they stand, and nothing else is a word") {
  json::cursor in(" true false null", "test");
  CHECK(*in.boolean());
  CHECK_FALSE(in.accept_null());
  CHECK_FALSE(*in.boolean());
  CHECK_FALSE(in.boolean());
  CHECK(in.accept_null());
  CHECK_FALSE(in.accept_null());
  CHECK(in.finish());
}
