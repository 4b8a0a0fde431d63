// SPDX-License-Identifier: MIT
#include <multitudes/core/philox.hpp>
#include <multitudes/text/stream_decoder.hpp>

#include "../support/long_run.hpp"
#include "small_vocabulary.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace multitudes;
using namespace multitudes::text;
using multitudes_test::byte_level_vocabulary;
using multitudes_test::sample_count;
using multitudes_test::sentencepiece_vocabulary;
using multitudes_test::small_vocabulary;

namespace {

tokenizer made(const small_vocabulary& v) {
  auto t = v.with([](const vocabulary& facts) { return tokenizer::make(facts); });
  REQUIRE(t.has_value());
  return std::move(*t);
}

small_vocabulary with_words() {
  small_vocabulary v = sentencepiece_vocabulary();
  v.add("\xE2\x96\x81", -1);          // 259
  v.add("\xE2\x96\x81once", -2);      // 260
  v.add("\xC3\xA9\xE2\x82\xAC", -3);  // 261
  v.add("half\xE2\x82", -4);          // 262: ends within a character
  v.add(
      "\xAC"
      "rest",
      -5);  // 263: begins within one
  return v;
}

constexpr std::size_t byte_piece(unsigned char byte) { return 3 + byte; }

}  // namespace

TEST_CASE("a character that spans tokens appears when it is complete") {
  const tokenizer t = made(with_words());
  stream_decoder stream(t);
  CHECK(stream.append(token_id(1)).empty());
  CHECK(stream.append(token_id(260)) == "once");
  CHECK(stream.append(token_id(byte_piece(0xF0))).empty());
  CHECK(stream.append(token_id(byte_piece(0x9F))).empty());
  CHECK(stream.append(token_id(byte_piece(0xA6))).empty());
  CHECK(stream.append(token_id(byte_piece(0x99))) == "\xF0\x9F\xA6\x99");
  CHECK(stream.append(token_id(262)) == "half");
  CHECK(stream.append(token_id(263)) == "\xE2\x82\xACrest");
  CHECK(stream.append(token_id(260)) == " once");
  CHECK(stream.finish().empty());
}

TEST_CASE("what stays incomplete ends as a replacement character") {
  const tokenizer t = made(with_words());
  stream_decoder stream(t);
  CHECK(stream.append(token_id(262)) == "half");
  CHECK(stream.finish() == "\xEF\xBF\xBD");
  CHECK(stream.append(token_id(260)) == "once");
  CHECK(stream.append(token_id(byte_piece(0xE2))).empty());
  CHECK(stream.append(token_id(260)) == "\xEF\xBF\xBD once");
}

TEST_CASE("a text that goes on keeps its first space") {
  const tokenizer t = made(with_words());
  stream_decoder stream(t, decode_from::middle);
  CHECK(stream.append(token_id(260)) == " once");
}

TEST_CASE("streamed text is whole characters, and all of what decoding gives") {
  const tokenizer kinds[] = {made(with_words()), made(byte_level_vocabulary())};
  philox random(51);
  for (int i = 0; i < sample_count(3000, 200000); ++i) {
    const tokenizer& t = kinds[random.below(2)];
    // Bytes that may continue each other are most of what is drawn.
    constexpr std::string_view likely = "\x80\x9F\xA6\xBF\xC3\xE2\xED\xF0\xF4";
    std::vector<token_id> tokens(random.below(16));
    for (token_id& token : tokens) {
      const std::uint32_t n = static_cast<std::uint32_t>(t.vocab_size());
      const auto byte = static_cast<unsigned char>(likely[random.below(9)]);
      const std::size_t of_byte = t.find("<0xE2>") ? byte_piece(byte) : byte;
      token = random.below(2) == 0 ? token_id(random.below(n + 2)) : token_id(of_byte);
    }
    stream_decoder stream(t);
    std::string joined;
    for (const token_id token : tokens) {
      const std::string_view shown = stream.append(token);
      REQUIRE(is_valid_utf8(shown));
      joined += shown;
    }
    const std::string_view rest = stream.finish();
    REQUIRE(is_valid_utf8(rest));
    joined += rest;
    REQUIRE(joined == repaired(t.decode(tokens)));
  }
}
