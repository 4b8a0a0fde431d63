// SPDX-License-Identifier: MIT
#include <multitudes/core/philox.hpp>
#include <multitudes/text/bpe_trainer.hpp>
#include <multitudes/text/tokenizer.hpp>

#include "../support/long_run.hpp"
#include "../support/shared_data.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace multitudes;
using namespace multitudes::text;
using multitudes_test::sample_count;
using multitudes_test::shared_file;

namespace {

using names = std::vector<std::string_view>;
using numbers = std::vector<std::uint32_t>;

trained_vocabulary trained(const names& texts, const bpe_training& how) {
  auto v = train_byte_bpe(texts, how);
  REQUIRE_MESSAGE(v.has_value(), v.error().message());
  return std::move(*v);
}
error refusal(const bpe_training& how) {
  const auto v = train_byte_bpe(names{"some text some text"}, how);
  REQUIRE_FALSE(v.has_value());
  return v.error();
}
tokenizer made(const trained_vocabulary& v) {
  auto t = tokenizer::make(v.view());
  REQUIRE_MESSAGE(t.has_value(), t.error().message());
  return std::move(*t);
}
std::vector<std::string> texts_of(std::span<const std::string_view> views) {
  return {views.begin(), views.end()};
}

/// Recounts every pair of every word at each step.
struct naive_trainer {
  std::map<std::string, std::size_t> words;
  std::map<std::string, numbers> split;  // how each word is cut
  std::vector<std::string> pieces;       // in bytes
  std::vector<std::pair<std::uint32_t, std::uint32_t>> merges;

  explicit naive_trainer(const names& texts) {
    for (int byte = 0; byte < 256; ++byte)
      pieces.push_back(std::string(1, static_cast<char>(byte)));
    word_splitter splitter;
    for (const std::string_view text : texts) {
      std::size_t begin = 0;
      for (const std::size_t end : splitter.split(text, *find_pretokenizer("gpt-2"))) {
        const std::string word(text.substr(begin, end - begin));
        ++words[word];
        split[word].clear();
        for (const char c : word) split[word].push_back(static_cast<unsigned char>(c));
        begin = end;
      }
    }
  }

  [[nodiscard]] bool may_merge(std::uint32_t left, std::uint32_t right, std::size_t longest) const {
    const std::string whole = pieces[left] + pieces[right];
    return whole.size() <= longest && std::count(pieces.begin(), pieces.end(), whole) == 0;
  }

  void train(const bpe_training& how) {
    while (pieces.size() < how.vocab_size) {
      std::map<std::pair<std::uint32_t, std::uint32_t>, std::size_t> counts;
      for (const auto& [word, cut] : split) {
        for (std::size_t i = 1; i < cut.size(); ++i) counts[{cut[i - 1], cut[i]}] += words[word];
      }
      std::pair<std::uint32_t, std::uint32_t> best;
      std::size_t most = 0;
      for (const auto& [pair, count] : counts) {  // by left number, then right
        if (count > most && may_merge(pair.first, pair.second, how.longest_piece)) {
          best = pair;
          most = count;
        }
      }
      if (most == 0 || most < how.least_count) return;
      const auto number = static_cast<std::uint32_t>(pieces.size());
      pieces.push_back(pieces[best.first] + pieces[best.second]);
      merges.push_back(best);
      for (auto& [word, cut] : split) {
        numbers merged;
        for (std::size_t i = 0; i < cut.size(); ++i) {
          const bool here = i + 1 < cut.size() && cut[i] == best.first && cut[i + 1] == best.second;
          merged.push_back(here ? number : cut[i]);
          if (here) ++i;
        }
        cut = merged;
      }
    }
  }
};

std::string random_text(philox& random, std::string_view alphabet, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text += alphabet[random.below(static_cast<std::uint32_t>(alphabet.size()))];
  }
  return text;
}

/// Expects what `train_byte_bpe` and the naive trainer make of some texts to agree, and that the
/// tokenizer cuts the words as training did.
void check_against_naive(const names& texts, const bpe_training& how) {
  naive_trainer naive(texts);
  naive.train(how);
  const trained_vocabulary v = trained(texts, how);
  const vocabulary view = v.view();
  REQUIRE(view.merges.size() == naive.merges.size());
  for (std::size_t i = 0; i < view.merges.size(); ++i) {
    const auto [left, right] = naive.merges[i];
    CHECK(view.merges[i] == std::string(view.pieces[left]) + ' ' + std::string(view.pieces[right]));
  }
  const tokenizer t = made(v);
  for (std::size_t i = 0; i < naive.pieces.size(); ++i) {
    CHECK(t.bytes_of(token_id(i)) == naive.pieces[i]);
  }
  for (const auto& [word, cut] : naive.split) {
    numbers tokens;
    for (const token_id id : t.encode(word)) tokens.push_back(id.value);
    // Alone, some words are cut again: half of a character beside a letter, for instance.
    if (word_splitter().split(word, *find_pretokenizer("gpt-2")).size() == 1) CHECK(tokens == cut);
    CHECK(t.decode(t.encode(word)) == word);
  }
}

}  // namespace

TEST_CASE("the trainer merges what a naive one merges") {
  philox random(11);
  constexpr std::string_view odd("ab \xC3\xA9\xFF\x00\n", 8);
  for (int i = 0; i < sample_count(60, 1500); ++i) {
    const std::string_view alphabets[] = {"ab", "aab  cd", odd};
    const std::string_view alphabet = alphabets[i % 3];
    const std::string first = random_text(random, alphabet, 20 + random.below(180));
    const std::string second = random_text(random, alphabet, random.below(60));
    CAPTURE(i);
    check_against_naive({first, second}, {.vocab_size = 256 + random.below(60),
                                          .least_count = random.below(4),
                                          .longest_piece = 2 + random.below(30)});
  }
}

TEST_CASE("runs of one letter are merged from the left") {
  for (const std::size_t size : {1u, 2u, 3u, 4u, 5u, 7u, 31u, 64u, 100u}) {
    const std::string run(size, 'a');
    check_against_naive({run, run, "aaa aaaaa"}, {.vocab_size = 300});
  }
}

TEST_CASE("of equally frequent pairs the one with the smaller numbers is merged first") {
  const trained_vocabulary v = trained({"cd", "cd", "ab", "ab", "ac", "ac"}, {.vocab_size = 259});
  CHECK(texts_of(v.view().merges) == std::vector<std::string>{"a b", "a c", "c d"});
}

TEST_CASE("counts decide before numbers, and merging changes counts") {
  // "bc" 5 times, "ab" 4 times, but after "bc" only once; "abc" is then left as "a bc" 3 times.
  const names texts{"abc", "abc", "abc", "bc", "ab", "bc"};
  const trained_vocabulary v = trained(texts, {.vocab_size = 1000, .least_count = 1});
  CHECK(texts_of(v.view().merges) == std::vector<std::string>{"b c", "a bc", "a b"});
}

TEST_CASE("pieces are the bytes by value, then the special ones, then merged ones") {
  const names specials{"<|end|>", "<|user|>"};
  const trained_vocabulary v = trained(
      {"he he he"},
      {.vocab_size = 260, .specials = specials, .start_token = "<|user|>", .end_token = "<|end|>"});
  const vocabulary view = v.view();
  REQUIRE(v.size() == 260);
  CHECK(view.pieces[0] == "\xC4\x80");
  CHECK(view.pieces['!'] == "!");
  CHECK(view.pieces[256] == "<|end|>");
  CHECK(view.pieces[257] == "<|user|>");
  CHECK(view.pieces[258] == "he");
  CHECK(view.pieces[259] == "\xC4\xA0he");
  CHECK(view.model == "gpt2");
  CHECK(view.pre == "gpt-2");
  REQUIRE(view.types.size() == 260);
  for (std::size_t i = 0; i < 260; ++i) {
    CHECK((view.types[i] == static_cast<std::int32_t>(piece_type::control)) ==
          (i == 256 || i == 257));
  }
  CHECK(view.bos == token_id(257));
  CHECK(view.eos == token_id(256));

  const tokenizer t = made(v);
  CHECK(t.is_control(token_id(256)));
  CHECK(t.encode("he he<|end|>", {.parse_special = true}) ==
        std::vector{token_id(258), token_id(259), token_id(256)});
  CHECK(t.decode(t.encode("he he<|end|>")) == "he he<|end|>");
}

TEST_CASE("special pieces in the texts cut them and are not learned") {
  const names specials{"ab|"};
  const names texts{"xab|yxab|yxab|y", "xab|y"};
  const trained_vocabulary v = trained(texts, {.vocab_size = 300, .specials = specials});
  CHECK(texts_of(v.view().merges) == std::vector<std::string>{"y x"});
  CHECK(trained(texts, {.vocab_size = 300}).view().merges.size() > 1);
}

TEST_CASE("a pair that would spell a special piece stays apart") {
  const names specials{"\xC4\xA0q"};  // how files write " q"
  const names texts{" q q q q zz zz"};
  const trained_vocabulary v = trained(texts, {.vocab_size = 400, .specials = specials});
  CHECK(texts_of(v.view().merges) == std::vector<std::string>{"\xC4\xA0 z", "\xC4\xA0z z"});
  CHECK(made(v).decode(made(v).encode(" q zz")) == " q zz");
}

TEST_CASE("texts without enough pairs give a smaller vocabulary") {
  CHECK(trained({}, {.vocab_size = 5000}).size() == 256);
  CHECK(trained({"", "a", " ", ""}, {.vocab_size = 5000}).size() == 256);
  CHECK(trained({"abab"}, {.vocab_size = 5000}).size() == 257);
  CHECK(trained({"abab"}, {.vocab_size = 5000, .least_count = 3}).size() == 256);
  CHECK(trained({"abab"}, {.vocab_size = 5000, .least_count = 1}).size() == 258);
  CHECK(trained({"abab"}, {.vocab_size = 5000, .least_count = 0}).size() == 258);
  CHECK(trained({"abab"}, {.vocab_size = 5000, .least_count = 0, .longest_piece = 3}).size() ==
        257);
  CHECK(trained({"abab"}, {.vocab_size = 5000, .longest_piece = 0}).size() == 256);
}

TEST_CASE("the order of the texts does not matter") {
  philox random(5);
  std::vector<std::string> texts;
  for (int i = 0; i < 40; ++i) texts.push_back(random_text(random, "abc de", 60));
  names forward(texts.begin(), texts.end());
  names backward(texts.rbegin(), texts.rend());
  const bpe_training how{.vocab_size = 400};
  const trained_vocabulary a = trained(forward, how);
  CHECK(texts_of(a.view().merges) == texts_of(trained(backward, how).view().merges));
  CHECK(a.size() == 400);
}

TEST_CASE("a smaller vocabulary is the beginning of a larger one") {
  philox random(6);
  const std::string text = random_text(random, "abcde fgh", 4000);
  const trained_vocabulary small = trained({text}, {.vocab_size = 300});
  const trained_vocabulary large = trained({text}, {.vocab_size = 500});
  REQUIRE(large.size() == 500);
  CHECK(texts_of(small.view().pieces) == texts_of(large.view().pieces.first(300)));
  CHECK(texts_of(small.view().merges) == texts_of(large.view().merges.first(44)));
}

TEST_CASE("any bytes survive a trained tokenizer") {
  philox random(7);
  std::string bytes;
  for (int i = 0; i < 6000; ++i) bytes += static_cast<char>(random.below(256));
  const std::string words = "Žluťoučký 🙂\r\n\tcafé\xC0\x80 \xED\xA0\x80 don't 123  ";
  const tokenizer t = made(trained({bytes, words, words, bytes}, {.vocab_size = 900}));
  CHECK(t.vocab_size() == 900);
  for (int i = 0; i < sample_count(50, 1000); ++i) {
    std::string text = words.substr(random.below(static_cast<std::uint32_t>(words.size())));
    for (std::uint32_t n = random.below(50); n > 0; --n) {
      text += static_cast<char>(random.below(256));
    }
    CHECK(t.decode(t.encode(text)) == text);
  }
}

TEST_CASE("the longest piece bounds a vocabulary that is made to explode") {
  // Doubling alone would spell pieces of up to 65,536 bytes.
  philox random(8);
  const std::string word = random_text(random, "abcdefghijklmnop", 50000);
  const std::string run(200000, 'a');
  const std::string again = "1" + word;
  const trained_vocabulary v = trained({word, again, run}, {.vocab_size = 20000});
  std::size_t longest = 0;
  for (const std::string_view piece : v.view().pieces) longest = std::max(longest, piece.size());
  CHECK(longest == 64);
  CHECK(v.size() == 20000);
}

TEST_CASE("a trained vocabulary may be moved") {
  trained_vocabulary v = trained({"the the the cat cat"}, {.vocab_size = 400});
  const auto pieces = texts_of(v.view().pieces);
  trained_vocabulary moved = std::move(v);
  CHECK(texts_of(moved.view().pieces) == pieces);
  trained_vocabulary other = trained({"dog dog dog"}, {.vocab_size = 300});
  other = std::move(moved);
  CHECK(texts_of(other.view().pieces) == pieces);
}

TEST_CASE("what cannot be trained is refused with its reason") {
  const names specials{"<|end|>", "<|user|>"};
  CHECK(refusal({.vocab_size = 257, .specials = specials}).message() ==
        "train vocabulary: vocabulary size: found 257, expected 258 (bytes and special pieces) to "
        "2147483647");
  CHECK(refusal({.vocab_size = 255}).code == errc::invalid_argument);
  CHECK(refusal({.vocab_size = std::size_t{1} << 31}).place == "vocabulary size");
  CHECK(trained({"abab"}, {.vocab_size = 256}).size() == 256);
  CHECK(trained({"abab"}, {.vocab_size = 258, .specials = specials}).size() == 258);

  const error pre = refusal({.pre = "no-such"});
  CHECK(pre.code == errc::unsupported);
  CHECK(pre.found == "\"no-such\"");
  CHECK(refusal({.end_token = "<|end|>"}).place == "end token");
  CHECK(refusal({.specials = specials, .start_token = "a"}).place == "start token");
  for (const std::string_view bad : {"", "\xFF", "a", "\xC4\xA0", "<|end|>"}) {
    const names with_bad{"<|end|>", bad};
    const error e = refusal({.specials = with_bad});
    CHECK(e.code == errc::invalid_argument);
    CHECK(e.place == "special piece 1");
  }
}

TEST_CASE("English gives the pieces that one expects") {
  const auto path = shared_file("data/corpora/carroll_alice.txt");
  if (!path) return;
  std::ifstream in(*path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const trained_vocabulary v = trained({text}, {.vocab_size = 2048});
  REQUIRE(v.size() == 2048);
  const tokenizer t = made(v);
  CHECK(t.find("\xC4\xA0"
               "Alice")
            .has_value());
  CHECK(t.find("\xC4\xA0"
               "the")
            .has_value());
  const std::vector<token_id> tokens = t.encode(text);
  CHECK(t.decode(tokens) == text);
  CHECK(static_cast<double>(text.size()) / static_cast<double>(tokens.size()) > 3);
}
