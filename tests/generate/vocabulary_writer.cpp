// SPDX-License-Identifier: MIT

#include "../support/shared_data.hpp"
#include "../text/small_vocabulary.hpp"

#include <multitudes/generate/vocabulary_file.hpp>
#include <multitudes/generate/vocabulary_writer.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace mt = multitudes;
using mt::text::piece_type;
using mt::text::vocabulary;
using namespace multitudes_test;

namespace {

mt::gguf::file written(const vocabulary& v, std::size_t n_rows) {
  mt::gguf::writer out;
  const auto done = mt::add_vocabulary(out, v, n_rows);
  REQUIRE_MESSAGE(done.has_value(), done.error().message());
  return *mt::gguf::file::parse(*out.bytes());
}

mt::text::tokenizer read(const mt::gguf::file& file) {
  auto t = mt::read_tokenizer(file);
  REQUIRE_MESSAGE(t.has_value(), t.error().message());
  return *std::move(t);
}

}  // namespace

TEST_CASE("a vocabulary that was written and read back is the same") {
  small_vocabulary marks = sentencepiece_vocabulary();
  marks.add("ab", -1.5f);
  marks.facts.pre = "default";
  marks.facts.eos = mt::token_id(2);
  marks.facts.add_eos = true;
  small_vocabulary bytes = byte_level_vocabulary();
  bytes.facts.add_bos = true;
  bytes.facts.bos = bytes.facts.eos;
  bytes.add("ab");
  bytes.merges = {"a b"};
  bytes.scores.clear();
  small_vocabulary without = byte_level_vocabulary();
  without.facts.eos.reset();
  without.types.clear();
  for (const small_vocabulary* v : {&marks, &bytes, &without}) {
    v->with([&](const vocabulary& wanted) {
      read(written(wanted, v->pieces.size())).with_vocabulary([&](const vocabulary& found) {
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
        CHECK(found.add_bos == wanted.add_bos);
        CHECK(found.add_eos == wanted.add_eos);
        CHECK(found.add_space_prefix == wanted.add_space_prefix);
      });
    });
  }
}

TEST_CASE("published vocabularies are written with the keys and values that they came with") {
  for (const char* name : {"llama-spm", "gpt-2"}) {
    const auto path = shared_file("vocab/ggml-vocab-" + std::string(name) + ".gguf");
    if (!path) return;
    const auto before = *mt::gguf::file::read(*path);
    const auto t = read(before);
    const auto after =
        t.with_vocabulary([&](const vocabulary& v) { return written(v, t.vocab_size()); });
    for (const char* field : {"model", "pre", "tokens", "scores", "token_type", "merges",
                              "bos_token_id", "eos_token_id", "unknown_token_id"}) {
      CAPTURE(field);
      const std::string key = std::string("tokenizer.ggml.") + field;
      const auto* a = before.find(key);
      const auto* b = after.find(key);
      REQUIRE((a == nullptr) == (b == nullptr));
      if (a == nullptr) continue;
      CHECK(a->describe() == b->describe());
      CHECK(std::equal(a->payload().begin(), a->payload().end(), b->payload().begin(),
                       b->payload().end()));
    }
  }
}

TEST_CASE("embeddings without a piece get one of their own that is never made from text") {
  small_vocabulary marks = sentencepiece_vocabulary();
  small_vocabulary bytes = byte_level_vocabulary();
  bytes.scores.clear();
  for (small_vocabulary* v : {&marks, &bytes}) {
    v->add("[PAD1]");
    v->add("[PAD_1]");
    if (v == &bytes) {
      v->types.clear();
      v->scores.clear();
    }
    const std::size_t n = v->pieces.size();
    const auto t = v->with([&](const vocabulary& facts) { return read(written(facts, n + 3)); });
    CHECK(t.vocab_size() == n + 3);
    t.with_vocabulary([&](const vocabulary& found) {
      CHECK(found.pieces[n - 1] == "[PAD_1]");
      CHECK(found.types[n - 1] == static_cast<std::int32_t>(piece_type::normal));
      for (std::size_t i = n; i < n + 3; ++i) {
        CHECK(found.pieces[i] == "[PAD__" + std::to_string(i) + "]");
        CHECK(found.types[i] == static_cast<std::int32_t>(piece_type::unused));
        const std::string text(found.pieces[i]);
        for (const mt::token_id token : t.encode(text, {.parse_special = true})) {
          CHECK(token.value < n);
        }
      }
    });
  }
}

TEST_CASE("a vocabulary that no file of a Llama model can say is refused") {
  small_vocabulary v = byte_level_vocabulary();
  const auto refusal = [&](std::size_t n_rows) {
    return v.with([&](const vocabulary& facts) {
      mt::gguf::writer out;
      const auto done = mt::add_vocabulary(out, facts, n_rows);
      REQUIRE(!done.has_value());
      return done.error();
    });
  };
  CHECK(refusal(v.pieces.size() - 1).code == mt::errc::shape_mismatch);
  const std::vector<mt::token_id> strips{mt::token_id(256)};
  v.facts.strip_after = strips;
  CHECK(refusal(v.pieces.size()).code == mt::errc::unsupported);
}
