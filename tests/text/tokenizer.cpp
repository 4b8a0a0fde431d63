// SPDX-License-Identifier: MIT
#include <multitudes/core/philox.hpp>
#include <multitudes/text/tokenizer.hpp>

#include "../support/long_run.hpp"
#include "small_vocabulary.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

using namespace multitudes;
using namespace multitudes::text;
using multitudes_test::byte_level_vocabulary;
using multitudes_test::sample_count;
using multitudes_test::sentencepiece_vocabulary;
using multitudes_test::small_vocabulary;

namespace {

constexpr std::string_view mark = "\xE2\x96\x81";
constexpr encode_options plain{.start_token = false};
constexpr encode_options with_special{.start_token = false, .parse_special = true};

std::string marked(std::string_view word) { return std::string(mark).append(word); }

expected<tokenizer> make(const small_vocabulary& v) {
  return v.with([](const vocabulary& facts) { return tokenizer::make(facts); });
}
tokenizer made(const small_vocabulary& v) {
  auto t = make(v);
  REQUIRE_MESSAGE(t.has_value(), t.error().message());
  return std::move(*t);
}
error refusal(const small_vocabulary& v) {
  const auto t = make(v);
  REQUIRE_FALSE(t.has_value());
  return t.error();
}

/// Token numbers, printable where a check fails.
struct numbers {
  std::vector<std::uint32_t> values;

  template <class... N>
  explicit numbers(N... n) : values{static_cast<std::uint32_t>(n)...} {}
  friend bool operator==(const numbers&, const numbers&) = default;
  friend std::ostream& operator<<(std::ostream& out, const numbers& n) {
    for (const std::uint32_t value : n.values) out << value << ' ';
    return out;
  }
};
numbers ids(const std::vector<token_id>& tokens) {
  numbers out;
  for (const token_id t : tokens) out.values.push_back(t.value);
  return out;
}

/// Pieces of both kinds that overlap in every way, so that random texts merge a lot.
small_vocabulary busy_sentencepiece() {
  small_vocabulary v = sentencepiece_vocabulary();
  v.add(std::string(mark), -1);
  float score = -2;
  for (const char* word : {"a", "b", "ab", "ba", "aba", "\xC3\xA9", "a\xC3\xA9"}) {
    v.add(word, score--);
    v.add(marked(word), score--);
  }
  v.add(marked(mark), score--);
  v.add("a" + std::string(mark) + "b", score--);
  return v;
}
small_vocabulary busy_byte_level() {
  small_vocabulary v = byte_level_vocabulary();
  for (const char* pair : {"a b", "b a", "ab a", "\xC4\xA0 a",
                           "\xC4\xA0"
                           "a b",
                           "\xC3\x83 \xC2\xA9"}) {
    v.merges.emplace_back(pair);
    std::string whole = pair;
    whole.erase(whole.find(' '), 1);
    v.add(whole);
  }
  return v;
}

std::string random_text(philox& random) {
  constexpr std::string_view likely = "aabb  \xC3\xA9\xC3\xA9\xE2\xF0\x9F\n";
  std::string out(random.below(30), ' ');
  for (char& c : out) {
    c = random.below(4) != 0 ? likely[random.below(static_cast<std::uint32_t>(likely.size()))]
                             : static_cast<char>(random.below(256));
  }
  return out;
}

}  // namespace

TEST_CASE("SentencePiece merges the highest score first and puts a space in front") {
  small_vocabulary v = sentencepiece_vocabulary();
  for (const char* p : {"h", "e", "l", "o"}) v.add(p, -100);  // 259 to 262
  v.add(std::string(mark), -100);                             // 263
  v.add("he", -1), v.add("el", -2), v.add("ll", -3);          // 264 to 266
  v.add("hell", -4), v.add(marked("hell"), -5);               // 267, 268
  const tokenizer t = made(v);
  CHECK(ids(t.encode("hello")) == numbers{1, 268, 262});
  CHECK(ids(t.encode("hello", plain)) == numbers{268, 262});
  CHECK(ids(t.encode("el el", plain)) == numbers{263, 265, 263, 265});
  CHECK(ids(t.encode("")) == numbers{1});
  CHECK(t.decode(t.encode("hello hello")) == "hello hello");
  CHECK(t.decode(t.encode("  hello ")) == "  hello ");
}

TEST_CASE("what no piece covers is spelled in bytes, or is one unknown token a run") {
  small_vocabulary v = sentencepiece_vocabulary();
  v.add(std::string(mark), -1);
  v.add("a", -2);
  CHECK(ids(made(v).encode("a\xC3\xA9", plain)) == numbers{259, 260, 3 + 0xC3, 3 + 0xA9});

  small_vocabulary without;
  without.facts.model = "llama";
  without.facts.unknown = token_id(without.add("<unk>", 0, piece_type::unknown));
  without.add("a");
  CHECK(ids(made(without).encode("xyaz", plain)) == numbers{0, 1, 0});
}

TEST_CASE("byte-level BPE merges within words, in the order of the list") {
  const tokenizer t = made(busy_byte_level());
  CHECK(ids(t.encode("aba", plain)) == numbers{259});
  CHECK(ids(t.encode("bab", plain)) == numbers{'b', 257});
  CHECK(ids(t.encode("a ab", plain)) == numbers{'a', ' ', 257});
  CHECK(ids(t.encode("a a", plain)) == numbers{'a', 260});
  CHECK(ids(t.encode("\xC3\xA9", plain)) == numbers{262});
  CHECK(ids(t.encode("a\nb", plain)) == numbers{'a', '\n', 'b'});
}

TEST_CASE("any bytes come back from their tokens") {
  const tokenizer kinds[] = {made(busy_sentencepiece()), made(busy_byte_level())};
  philox random(41);
  for (int i = 0; i < sample_count(3000, 200000); ++i) {
    const std::string text = random_text(random);
    // SentencePiece cannot tell the mark from a space.
    if (text.find(mark) != text.npos) continue;
    for (const tokenizer& t : kinds) REQUIRE(t.decode(t.encode(text)) == text);
  }
}

TEST_CASE("pieces with a space inside are found") {
  small_vocabulary v = sentencepiece_vocabulary();
  v.add(std::string(mark), -1);              // 259
  v.add("a", -2), v.add("b", -3);            // 260, 261
  v.add("a" + std::string(mark), -4);        // 262
  v.add("a" + std::string(mark) + "b", -5);  // 263
  CHECK(ids(made(v).encode("a b b", plain)) == numbers{259, 263, 259, 261});
}

TEST_CASE("cutting a text where no piece crosses changes no token") {
  // With a piece that crosses every pair of characters nothing is cut.
  const small_vocabulary cut = busy_sentencepiece();
  small_vocabulary whole = cut;
  for (int c = 0; c < 128; ++c) {
    whole.add(std::string(1, static_cast<char>(c)) + std::string(mark) + "\x01 never \x01", -1e9f);
  }
  const tokenizer a = made(cut);
  const tokenizer b = made(whole);
  philox random(42);
  for (int i = 0; i < sample_count(3000, 200000); ++i) {
    const std::string text = random_text(random);
    REQUIRE(a.encode(text) == b.encode(text));
  }
}

TEST_CASE("control tokens are read from text only on request and never made from it") {
  small_vocabulary v = sentencepiece_vocabulary();
  v.add(std::string(mark), -1);                                   // 259
  for (const char* p : {"<", "s", ">", "<s", "a"}) v.add(p, -2);  // 260 to 264
  const tokenizer t = made(v);
  CHECK(ids(t.encode("<s>", plain)) == numbers{259, 263, 262});
  CHECK(ids(t.encode("<s>a</s>", with_special)) == numbers{1, 259, 264, 2});
  CHECK(t.is_control(token_id(1)));
  CHECK_FALSE(t.is_control(token_id(259)));
  CHECK_FALSE(t.is_control(token_id(99999)));

  small_vocabulary b = byte_level_vocabulary();
  b.add("<|");
  b.add("<|end|");
  b.merges = {"< |"};
  const tokenizer u = made(b);
  CHECK(ids(u.encode("<|end|>", with_special)) == numbers{256});
  CHECK(ids(u.encode("<|end|>", plain)) == numbers{257, 'e', 'n', 'd', '|', '>'});
}

TEST_CASE("byte pieces are not made from text that looks like them") {
  small_vocabulary v = sentencepiece_vocabulary();
  v.add(std::string(mark), -1);                                   // 259
  for (const char* p : {"<0", "x4", "1>", "<0x4"}) v.add(p, -2);  // 260 to 263
  CHECK(ids(made(v).encode("<0x41>", plain)) == numbers{259, 263, 262});
}

TEST_CASE("merges that would make a control token are left out") {
  small_vocabulary b = byte_level_vocabulary();
  b.add("xy", 0, piece_type::control);
  b.merges = {"x y"};
  CHECK(ids(made(b).encode("xy", plain)) == numbers{'x', 'y'});
}

TEST_CASE("user-defined pieces are cut out first, the longest at each place") {
  small_vocabulary v = byte_level_vocabulary();
  v.add("ab", 0, piece_type::user_defined);            // 257
  v.add("abc", 0, piece_type::user_defined);           // 258
  v.add("  ", 0, piece_type::user_defined);            // 259
  v.add("\xE2\x82\xAC", 0, piece_type::user_defined);  // 260: as text, not as byte characters
  const tokenizer t = made(v);
  CHECK(ids(t.encode("xabcab", plain)) == numbers{'x', 258, 257});
  CHECK(ids(t.encode("a   b", plain)) == numbers{'a', 259, ' ', 'b'});
  CHECK(ids(t.encode("\xE2\x82\xAC", plain)) == numbers{260});
  CHECK(t.decode(t.encode("x \xE2\x82\xAC abc")) == "x \xE2\x82\xAC abc");
}

TEST_CASE("tokens may swallow the white space after them, and a prefix follows each") {
  small_vocabulary v = sentencepiece_vocabulary();
  v.add(std::string(mark), -1);          // 259
  v.add("a", -2);                        // 260
  v.add("<x>", 0, piece_type::control);  // 261
  v.add("<y>", 0, piece_type::control);  // 262
  const std::vector<token_id> strips{token_id(261)};
  v.facts.strip_after = strips;
  const tokenizer t = made(v);
  CHECK(ids(t.encode("<x> \n a", with_special)) == numbers{261, 259, 260});
  CHECK(ids(t.encode("<y> a", with_special)) == numbers{262, 259, 259, 260});
  CHECK(ids(t.encode("a<x> \t", with_special)) == numbers{259, 260, 261});
  CHECK(ids(t.encode("<x> <y>", with_special)) == numbers{261, 262});
}

TEST_CASE("start and end tokens are added as the vocabulary says") {
  small_vocabulary v = sentencepiece_vocabulary();
  v.facts.add_eos = true;
  CHECK(ids(made(v).encode("", {.end_token = true})) == numbers{1, 2});
  CHECK(ids(made(v).encode("")) == numbers{1});  // a prompt does not end
  v.facts.add_bos = false;
  CHECK(ids(made(v).encode("", {.end_token = true})) == numbers{2});
  CHECK(made(v).bos() == token_id(1));
  CHECK(made(v).eos() == token_id(2));
}

TEST_CASE("a text that goes on from another gets no space of its own") {
  small_vocabulary v = sentencepiece_vocabulary();
  const auto space = static_cast<std::uint32_t>(v.add(std::string(mark), -1));
  const auto a = static_cast<std::uint32_t>(v.add("a", -3));
  const tokenizer t = made(v);
  CHECK(ids(t.encode("a", plain)) == numbers{space, a});
  CHECK(ids(t.encode("a", {.start_token = false, .continues = true})) == numbers{a});
  CHECK(ids(t.encode(" a", {.start_token = false, .continues = true})) == numbers{space, a});
}

TEST_CASE("a text's own first space is shown, the one put in front is not") {
  small_vocabulary v = sentencepiece_vocabulary();
  v.add(std::string(mark), -1);
  v.add(marked("a"), -2);
  v.add("a", -3);
  const tokenizer t = made(v);
  const token_id a = *t.find(marked("a"));
  CHECK(t.bytes_of(a) == " a");
  CHECK(t.first_bytes_of(a) == "a");
  CHECK(t.decode(std::vector{token_id(1), a, token_id(2), a}) == "a a");
  CHECK(t.decode(std::vector{token_id(3 + ' '), a}) == "  a");
  v.facts.add_space_prefix = false;
  CHECK(made(v).decode(std::vector{a}) == " a");
  CHECK(ids(made(v).encode("a", plain)) == numbers{261});
}

TEST_CASE("numbers out of range have no bytes") {
  const tokenizer t = made(sentencepiece_vocabulary());
  CHECK(t.bytes_of(token_id(t.vocab_size())).empty());
  CHECK(t.first_bytes_of(token_id(0xFFFFFFFF)).empty());
  CHECK(t.decode(std::vector{token_id(0xFFFFFFFF), token_id(1)}).empty());
}

TEST_CASE("a piece that byte-level BPE cannot have made shows as it is") {
  small_vocabulary v = byte_level_vocabulary();
  v.add("two words");
  CHECK(made(v).bytes_of(token_id(257)) == "two words");
}

TEST_CASE("copies and moved tokenizers work alone") {
  const std::string text = "ab aba \xC3\xA9";
  auto first = std::make_unique<tokenizer>(made(busy_sentencepiece()));
  const auto tokens = first->encode(text);
  const tokenizer copy = *first;
  const tokenizer moved = std::move(*first);
  first.reset();
  CHECK(copy.encode(text) == tokens);
  CHECK(moved.encode(text) == tokens);
  CHECK(copy.decode(tokens) == text);
}

TEST_CASE("unknown models and pre-tokenizers are refused by name") {
  small_vocabulary v = sentencepiece_vocabulary();
  v.facts.model = "bert";
  CHECK(refusal(v).code == errc::unsupported);
  CHECK(refusal(v).found == "\"bert\"");

  small_vocabulary b = byte_level_vocabulary();
  b.facts.pre = "llama-bpe";
  CHECK(refusal(b).message() ==
        "tokenizer: pre-tokenizer: found \"llama-bpe\", expected one of \"gpt-2\"; its rules are "
        "not known here, and others would cut the text wrongly");
  b.facts.pre = "default";
  CHECK(refusal(b).code == errc::unsupported);
  b.facts.pre = "";
  CHECK(refusal(b).code == errc::unsupported);
}

TEST_CASE("vocabularies that contradict themselves are refused") {
  const small_vocabulary good = sentencepiece_vocabulary();
  small_vocabulary v = good;
  v.scores.pop_back();
  CHECK(refusal(v).code == errc::shape_mismatch);
  v = good;
  v.types.pop_back();
  CHECK(refusal(v).code == errc::shape_mismatch);
  v = good;
  v.types[5] = 7;
  CHECK(refusal(v).place == "token type 5");
  v.types[5] = -1;
  CHECK(refusal(v).code == errc::malformed);
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    v = good;
    v.scores[7] = bad;
    CHECK(refusal(v).code == errc::non_finite);
    CHECK(refusal(v).place == "score 7");
  }
  v = good;
  v.pieces[3] = "<0x1>";
  CHECK(refusal(v).place == "byte piece 3");
  v = good;
  v.pieces[10] = "<s>";
  CHECK(refusal(v).place == "piece 10");
  v = good;
  v.facts.bos = token_id(v.pieces.size());
  CHECK(refusal(v).place == "start token");
  v = good;
  v.facts.eos = token_id(0xFFFFFFFF);
  CHECK(refusal(v).place == "end token");
  v = good;
  v.facts.unknown = token_id(0xFFFFFFFF);
  CHECK(refusal(v).place == "unknown token");
  v = good;
  v.facts.bos.reset();
  CHECK(refusal(v).code == errc::malformed);
  v = good;
  const std::vector<token_id> strips{token_id(70000)};
  v.facts.strip_after = strips;
  CHECK(refusal(v).code == errc::malformed);
  v = small_vocabulary();
  v.facts.model = "llama";
  CHECK(refusal(v).place == "pieces");
}

TEST_CASE("vocabularies that cannot write every text are refused") {
  small_vocabulary v = sentencepiece_vocabulary();
  v.facts.unknown.reset();
  CHECK(make(v).has_value());
  v.types[100] = static_cast<std::int32_t>(piece_type::normal);
  CHECK(refusal(v).place == "byte pieces");

  small_vocabulary b = byte_level_vocabulary();
  b.pieces['x'] = "something else";
  CHECK(refusal(b).place == "byte 120");
  b.facts.unknown = token_id(b.add("<unk>", 0, piece_type::unknown));
  CHECK(ids(made(b).encode("axxa", plain)) == numbers{'a', 257, 'a'});
}

TEST_CASE("merges that name no pieces are refused") {
  for (const char* merge : {"", " ", "a", "a ", " a", "a nope", "nope a", "a b"}) {
    small_vocabulary v = byte_level_vocabulary();
    v.merges = {merge};
    CAPTURE(merge);
    CHECK(refusal(v).code == errc::malformed);
    CHECK(refusal(v).place == "merge 0");
  }
}

TEST_CASE("of two equal merges the first counts") {
  small_vocabulary v = byte_level_vocabulary();
  v.add("ab");  // 257
  v.add("bc");  // 258
  v.merges = {"a b", "b c", "a b"};
  CHECK(ids(made(v).encode("abc", plain)) == numbers{257, 'c'});
}

TEST_CASE("pieces without types are all normal") {
  small_vocabulary v = byte_level_vocabulary();
  v.types.clear();
  const tokenizer t = made(v);
  CHECK(t.bytes_of(token_id(256)) == "<|end|>");
  CHECK_FALSE(t.is_control(token_id(256)));
}

TEST_CASE("a tokenizer gives back the vocabulary that it was made from, also when copied") {
  small_vocabulary marks = sentencepiece_vocabulary();
  marks.add("ab", -1.5f);
  marks.add("", 0.25f, piece_type::unused);
  marks.facts.pre = "default";
  marks.facts.eos = token_id(2);
  marks.facts.add_eos = true;
  const std::vector<token_id> strips{token_id(2), token_id(1)};
  marks.facts.strip_after = strips;
  small_vocabulary bytes = byte_level_vocabulary();
  bytes.add("ab");
  bytes.merges = {"a b", "< |", "a b"};
  bytes.add("<|", 0, piece_type::control);  // a merge that is never applied is given back too
  bytes.scores.clear();
  for (const small_vocabulary* v : {&marks, &bytes}) {
    const auto copy = [&] {
      const tokenizer original = made(*v);
      return original;
    }();
    v->with([&](const vocabulary& wanted) {
      copy.with_vocabulary([&](const vocabulary& found) {
        const auto same = [](auto a, auto b) {
          return std::equal(a.begin(), a.end(), b.begin(), b.end());
        };
        CHECK(found.model == wanted.model);
        CHECK(found.pre == wanted.pre);
        CHECK(same(found.pieces, wanted.pieces));
        CHECK(same(found.scores, wanted.scores));
        CHECK(same(found.types, wanted.types));
        CHECK(same(found.merges, wanted.merges));
        CHECK(found.bos == wanted.bos);
        CHECK(found.eos == wanted.eos);
        CHECK(found.unknown == wanted.unknown);
        CHECK(same(found.strip_after, wanted.strip_after));
        CHECK(found.add_bos == wanted.add_bos);
        CHECK(found.add_eos == wanted.add_eos);
        CHECK(found.add_space_prefix == wanted.add_space_prefix);
      });
    });
  }
}
