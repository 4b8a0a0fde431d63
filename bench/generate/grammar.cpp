// SPDX-License-Identifier: MIT
// What a mask costs: for each token of a text as it is written, where nothing is remembered and
// where everything is; and what applying one costs. Made-up vocabularies, and two that are in use
// where the development files are.

#include <multitudes/core/philox.hpp>
#include <multitudes/generate/grammar/json_schema.hpp>
#include <multitudes/generate/grammar/token_masks.hpp>
#include <multitudes/generate/vocabulary_file.hpp>
#include <multitudes/text/utf8.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mt = multitudes;

namespace {

using shared_trie = std::shared_ptr<const mt::token_trie>;

/// All bytes, then pieces of the kinds that tokenizers learn: words with and without a space,
/// numbers, rows of punctuation, words of other scripts.
shared_trie made_up(std::size_t n) {
  mt::philox random(n);
  const auto pick = [&](std::string_view from) {
    return from[random.below(static_cast<std::uint32_t>(from.size()))];
  };
  std::set<std::string> pieces;
  for (int byte = 0; byte < 256; ++byte) pieces.insert(std::string(1, static_cast<char>(byte)));
  while (pieces.size() + 1 < n) {
    std::string piece = random.below(2) == 0 ? " " : "";
    const std::uint32_t kind = random.below(20);
    const std::uint32_t length = 2 + random.below(4) + random.below(5);
    for (std::uint32_t i = 0; i < length; ++i) {
      if (kind < 14) {
        piece += pick(i % 2 == 0 ? "tnshrdlcmwfgypbvk" : "eeaaooiiuy");
      } else if (kind < 15) {
        piece += pick("0123456789");
      } else if (kind < 17) {
        piece += pick("\"{}[]:,.;()\\/-=*<>\n ");
      } else {
        mt::text::append_utf8(piece,
                              (kind == 17 ? 0x4E00 : 0x430) + random.below(kind == 17 ? 3000 : 32));
      }
    }
    pieces.insert(piece);
  }
  std::vector<std::string_view> views(pieces.begin(), pieces.end());
  views.emplace_back("");
  const mt::token_id end(views.size() - 1);
  return std::make_shared<const mt::token_trie>(*mt::token_trie::make(views, std::span(&end, 1)));
}

/// Empty where the file is missing.
shared_trie from_file(const std::string& name) {
  auto file = mt::gguf::file::read(MULTITUDES_SHARED_DATA "/data/vocab/" + name);
  if (!file) return nullptr;
  const auto tokenizer = mt::read_tokenizer(*file);
  if (!tokenizer) return nullptr;
  return std::make_shared<const mt::token_trie>(*mt::token_trie::make(*tokenizer));
}

const std::map<std::string, shared_trie>& vocabularies() {
  static const std::map<std::string, shared_trie> all{
      {"4096", made_up(4096)},
      {"32000", made_up(32'000)},
      {"151936", made_up(151'936)},
      {"llama-spm-32000", from_file("ggml-vocab-llama-spm.gguf")},
      {"gpt2-50257", from_file("ggml-vocab-gpt-2.gguf")}};
  return all;
}

struct sample {
  const char* name;
  std::string rules;
  std::string text;  // that follows them
};
const std::vector<sample>& samples() {
  static const std::vector<sample> all{
      {"schema",
       R"({"type": "object", "required": ["name", "mood", "say"], "properties": {
           "name": {"type": "string", "maxLength": 20}, "mood": {"enum": ["calm", "angry", "sad"]},
           "say": {"type": "string"}, "gold": {"type": "integer"}, "gifts": {"type": "array",
           "items": {"type": "string"}}}})",
       R"({"name": "Mira", "mood": "calm", "say": "Good evening, traveller. What brings you to )"
       R"(our village so late?", "gold": 12, "gifts": ["rope", "a lantern of brass"]})"},
      {"quoted", R"(root ::= "\"" [^"\n]* "\"")",
       R"("Good evening, traveller. What brings you to our village so late in the year?")"},
      {"actions",
       R"(root ::= "go north" | "go south" | "talk to the smith" | "talk to the priest" | "sleep" |
                   "buy bread" | "draw the sword" | "wait")",
       "talk to the priest"}};
  return all;
}

mt::token_masks masks_for(const sample& s, const shared_trie& trie) {
  const bool schema = s.rules.starts_with("{");
  return *mt::token_masks::make(
      *(schema ? mt::grammar_from_json_schema(s.rules) : mt::grammar::parse(s.rules)), trie);
}

/// The states between the tokens of the sample's text, which is cut into the longest tokens.
std::vector<mt::grammar_state> states_of(const sample& s, mt::token_masks& masks) {
  std::map<std::string_view, mt::token_id> ids;
  for (std::size_t i = 0; i < masks.tokens().vocab_size(); ++i) {
    ids.emplace(masks.tokens().bytes_of(mt::token_id(i)), mt::token_id(i));
  }
  std::vector<mt::grammar_state> states;
  mt::grammar_state at = masks.start();
  for (std::string_view rest = s.text; !rest.empty();) {
    states.push_back(at);
    std::size_t n = std::min<std::size_t>(rest.size(), 32);
    while (!ids.contains(rest.substr(0, n))) --n;
    if (!*masks.accept(at, ids.at(rest.substr(0, n)))) return {};
    rest.remove_prefix(n);
  }
  return states;
}

/// Every mask of a text, beginning with nothing remembered.
void text(benchmark::State& state, const sample& s, const shared_trie& trie) {
  auto first = masks_for(s, trie);
  const auto states = states_of(s, first);
  double slowest = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto masks = masks_for(s, trie);
    state.ResumeTiming();
    for (const mt::grammar_state& at : states) {
      const auto start = std::chrono::steady_clock::now();
      benchmark::DoNotOptimize(masks.of(at, 100).has_value());
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      slowest = std::max(slowest, took.count());
    }
  }
  state.counters["tokens"] = static_cast<double>(states.size());
  state.counters["us/token"] = benchmark::Counter(
      1e-6 * static_cast<double>(states.size()) * static_cast<double>(state.iterations()),
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["slowest_us"] = slowest * 1e6;
}

/// A mask that is remembered.
void remembered(benchmark::State& state, const sample& s, const shared_trie& trie) {
  auto masks = masks_for(s, trie);
  const auto states = states_of(s, masks);
  const mt::grammar_state& at = states[states.size() / 2];
  for (auto _ : state) benchmark::DoNotOptimize(masks.of(at, 100).has_value());
}

/// A mask from scratch, in the middle of the text.
void forgotten(benchmark::State& state, const sample& s, const shared_trie& trie) {
  auto first = masks_for(s, trie);
  const auto states = states_of(s, first);
  const mt::grammar_state& at = states[states.size() / 2];
  for (auto _ : state) {
    state.PauseTiming();
    auto masks = masks_for(s, trie);
    state.ResumeTiming();
    benchmark::DoNotOptimize(masks.of(at).has_value());
  }
}

/// Masking logits that were just computed.
void apply(benchmark::State& state, const sample& s, const shared_trie& trie) {
  auto masks = masks_for(s, trie);
  const auto states = states_of(s, masks);
  const mt::token_mask mask = **masks.of(states[states.size() / 2]);
  std::vector<float> logits(mask.vocab_size(), 1.0f);
  for (auto _ : state) {
    benchmark::DoNotOptimize(mt::restrict_to(mask, logits).has_value());
    benchmark::ClobberMemory();
  }
}

/// Reading a text byte by byte, without masks.
void read(benchmark::State& state, const sample& s) {
  auto masks = masks_for(s, vocabularies().at("4096"));
  auto m = *mt::grammar_matcher::make(masks.rules());
  mt::grammar_state at = masks.start();
  for (auto _ : state) {
    at.assign(m.start().words());
    benchmark::DoNotOptimize(m.accept(at, s.text).has_value());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(s.text.size()) * state.iterations());
}

const bool registered = [] {
  for (const sample& s : samples()) {
    const std::string name = s.name;
    benchmark::RegisterBenchmark(("read/" + name).c_str(),
                                 [&s](benchmark::State& state) { read(state, s); });
    for (const auto& vocabulary : vocabularies()) {
      const shared_trie t = vocabulary.second;
      if (!t) continue;
      const auto add = [&](const char* what, auto f) {
        const std::string full = std::string("mask-") + what + "/" + name + "/" + vocabulary.first;
        benchmark::RegisterBenchmark(full.c_str(), [&s, t, f](benchmark::State& state) {
          f(state, s, t);
        })->Unit(benchmark::kMicrosecond);
      };
      add("text", text);
      add("remembered", remembered);
      add("forgotten", forgotten);
      add("apply", apply);
    }
  }
  return true;
}();

}  // namespace
