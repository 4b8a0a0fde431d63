// SPDX-License-Identifier: MIT
#include "tiny_gguf.hpp"

#include <multitudes/format/gguf_value.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

using namespace multitudes;

namespace {

/// A file with one key "k".
template <class T>
gguf::file holding(const T& x) {
  gguf::writer out;
  out.add("k", x);
  return std::move(*gguf::file::parse(*out.bytes()));
}
template <class T>
gguf::file holding_array(const std::vector<T>& items) {
  gguf::writer out;
  out.add_array("k", items);
  return std::move(*gguf::file::parse(*out.bytes()));
}

template <class T>
void check_limits() {
  using limits = std::numeric_limits<T>;
  for (const T x : {limits::min(), T{0}, T{1}, limits::max()}) {
    const auto f = holding(x);
    CHECK(f.find("k")->type() == gguf::detail::value_type_of<T>());
    const auto u = f.unsigned_at("k");
    CHECK(u.has_value() == (x >= 0));
    if (u) CHECK(*u == static_cast<std::uint64_t>(x));
    const auto i = f.integer_at("k");
    CHECK(i.has_value() == std::in_range<std::int64_t>(x));
    if (i) CHECK(*i == static_cast<std::int64_t>(x));
    const auto r = f.real_at("k");
    // The largest 64-bit integers are no doubles; their neighbors would be wrong values.
    const bool exact = sizeof(T) < 8 || x == 0 || x == 1 || x == limits::min();
    CHECK(r.has_value() == exact);
    if (r) CHECK(*r == static_cast<double>(x));
    CHECK_FALSE(f.bool_at("k"));
    CHECK_FALSE(f.string_at("k"));
  }
}

}  // namespace

TEST_CASE("integers of every type come out as any type that holds them") {
  check_limits<std::uint8_t>();
  check_limits<std::int8_t>();
  check_limits<std::uint16_t>();
  check_limits<std::int16_t>();
  check_limits<std::uint32_t>();
  check_limits<std::int32_t>();
  check_limits<std::uint64_t>();
  check_limits<std::int64_t>();
}

TEST_CASE("reals are no integers") {
  for (const auto& f : {holding(2.0f), holding(2.0)}) {
    CHECK(*f.real_at("k") == 2.0);
    CHECK_FALSE(f.unsigned_at("k"));
    CHECK_FALSE(f.integer_at("k"));
  }
  CHECK(std::isnan(*holding(std::nanf("")).real_at("k")));
}

TEST_CASE("bools and strings are only themselves") {
  const auto b = holding(true);
  CHECK(*b.bool_at("k"));
  CHECK_FALSE(b.unsigned_at("k"));
  CHECK_FALSE(b.real_at("k"));
  const auto s = holding(std::string("a\0b", 3));
  CHECK(*s.string_at("k") == std::string_view("a\0b", 3));
  CHECK_FALSE(s.bool_at("k"));
  CHECK_FALSE(s.strings_at("k"));
  CHECK(holding("").string_at("k")->empty());
}

TEST_CASE("arrays of numbers come out exactly or not at all") {
  const auto f32 = holding_array<float>({0.1f, -3.0f});
  CHECK(*f32.reals_at<float>("k") == std::vector<float>{0.1f, -3.0f});
  CHECK((*f32.reals_at<double>("k"))[0] == static_cast<double>(0.1f));
  CHECK_FALSE(f32.integers_at<int>("k"));
  CHECK(*holding_array<double>({0.5, -8.0}).reals_at<float>("k") ==
        std::vector<float>{0.5f, -8.0f});
  const auto f64 = holding_array<double>({0.5, 0.1});
  const auto rounded = f64.reals_at<float>("k");
  REQUIRE_FALSE(rounded);
  CHECK(rounded.error().found == "f64 0.100000 as element 1");
  CHECK_FALSE(holding_array<double>({1e300}).reals_at<float>("k"));
  CHECK(std::isinf((*holding_array<double>({-INFINITY}).reals_at<float>("k"))[0]));
  CHECK(*holding_array<std::uint32_t>({1, 6}).integers_at<std::int32_t>("k") ==
        std::vector<std::int32_t>{1, 6});
  CHECK_FALSE(holding_array<std::uint32_t>({1, 0xFFFFFFFF}).integers_at<std::int32_t>("k"));
  CHECK_FALSE(holding_array<std::int32_t>({1, -1}).integers_at<std::uint64_t>("k"));
  CHECK(*holding_array<std::int8_t>({-128, 127}).reals_at<float>("k") ==
        std::vector<float>{-128, 127});
  CHECK(holding_array<std::uint64_t>({}).integers_at<int>("k")->empty());
}

TEST_CASE("an integer that a real would round is refused") {
  const std::int64_t p53 = std::int64_t{1} << 53;
  CHECK(*holding(p53).real_at("k") == 0x1p53);
  CHECK_FALSE(holding(p53 + 1).real_at("k"));
  CHECK_FALSE(holding(-p53 - 1).real_at("k"));
  CHECK(*holding(p53 + 2).real_at("k") == 0x1p53 + 2);
  CHECK(holding_array<std::int32_t>({1 << 24}).reals_at<float>("k"));
  CHECK_FALSE(holding_array<std::int32_t>({(1 << 24) + 1}).reals_at<float>("k"));
  CHECK(holding_array<std::int32_t>({(1 << 24) + 1}).reals_at<double>("k"));
}

TEST_CASE("one number is no array and an array is no number") {
  CHECK_FALSE(holding(1).integers_at<int>("k"));
  CHECK_FALSE(holding(1.0f).reals_at<float>("k"));
  const auto f = holding_array<std::int32_t>({1});
  CHECK_FALSE(f.integer_at("k"));
  CHECK_FALSE(f.real_at("k"));
  CHECK_FALSE(f.strings_at("k"));
  CHECK(f.find("k")->size() == 1);
}

TEST_CASE("an array of strings keeps empty strings and zero bytes") {
  const std::vector<std::string> texts{"", std::string("\0x", 2), "end"};
  const auto f = holding_array(texts);
  const auto views = f.strings_at("k");
  REQUIRE(views);
  CHECK(std::vector<std::string>(views->begin(), views->end()) == texts);
  CHECK_FALSE(f.integers_at<int>("k"));
  CHECK(f.find("k")->element_type() == gguf::value_type::string);
}

TEST_CASE("a value describes itself in words") {
  CHECK(holding(7u).find("k")->describe() == "u32 7");
  CHECK(holding(std::int64_t{-7}).find("k")->describe() == "i64 -7");
  CHECK(holding(0.5f).find("k")->describe() == "f32 0.500000");
  CHECK(holding(false).find("k")->describe() == "bool false");
  CHECK(holding("a\nb").find("k")->describe() == "string \"a\\x0ab\"");
  CHECK(holding_array<float>({1, 2}).find("k")->describe() == "array of 2 f32");
  const std::string longer(1000, 'x');
  CHECK(holding(longer).find("k")->describe().size() < 120);
}
