// SPDX-License-Identifier: MIT
#pragma once

#include "random_model.hpp"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace multitudes_bench {

/// What is to be measured.
struct arguments {
  std::vector<std::string> files = {};  ///< models to measure instead of random ones
  std::vector<const model_shape*> shapes = {};
  std::vector<const named_format*> formats = {};
  std::vector<std::size_t> prompts{512};
  std::vector<std::size_t> batches{1, 16};
  std::vector<std::size_t> threads{1, 2};
  std::size_t n_tokens = 32;
  std::size_t depth = 0;
  std::size_t repetitions = 3;
  bool steered = false, caches = false, profile = false, load = false, plain = false, limits = true;
  std::string json = {}, markdown = {}, page = {}, build = {}, keep = {};
  bool help = false;
  bool take_turns = false;  ///< for the other end of --plain
  bool for_others = false;  ///< options of Google Benchmark, which ./dev bench hands to everybody
};

inline constexpr const char* usage =
    R"(usage: bench_model [OPTION…]        (or ./dev bench model [OPTION…])

The machine's limits, then a model's speed as a share of them. LIST is a,b,c.

  --model FILE      measure this GGUF file (repeat for more); otherwise random models:
  --shape LIST      of 15M, 110M, 0.5B, 1.1B              (default 15M,0.5B)
  --format LIST     of q8_0, q4_0, f16, bf16, f32         (default q8_0)
  --keep FOLDER     keep the random models there, and use those that are there
  -p LIST           tokens of prompts to read, 0 for none (default 512)
  -n N              tokens that each sequence decodes     (default 32)
  -b LIST           sequences decoded together            (default 1,16)
  -t LIST           threads                               (default 1,2)
  -d N              tokens in memory before decoding      (default 0)
  -r N              repetitions                           (default 3)
  --ratio           also 64 sequences: -b 1,16,64
  --steered         64 sequences plain, each under 8 directions, and watched on 32 axes
  --caches          16 sequences after 1536 tokens (or -d), with the cache in three formats
  --profile         where the time of one token goes
  --load            from file to first token, and memory
  --plain           the first of -p and of -b also with this program built without -march, in
                    turns, 8 for each of -r
  --all             all shapes, q8_0 and q4_0, -b 1,4,16,64 and what is above, but --caches
  --no-limits       without the machine's table; shares keep their own limits
  --json FILE       write everything as JSON
  --build FILE      add build costs from that JSON (the target bench_compile_time writes it)
  --page FILE       put the tables into that page, between its comments
  --markdown FILE   measure nothing; print the tables of that JSON (with --page: put them there)
)";

namespace detail {

inline std::vector<std::string_view> split(std::string_view list) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t comma = list.find(',');
    parts.push_back(list.substr(0, comma));
    if (comma == list.npos) return parts;
    list.remove_prefix(comma + 1);
  }
}

inline bool read_number(std::string_view text, std::size_t low, std::size_t high,
                        std::size_t& number) {
  std::size_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stop != end || value < low || value > high) {
    return false;
  }
  number = value;
  return true;
}

inline bool read_numbers(std::string_view list, std::size_t low, std::size_t high,
                         std::vector<std::size_t>& numbers) {
  numbers.clear();
  for (const std::string_view part : split(list)) {
    if (!read_number(part, low, high, numbers.emplace_back())) return false;
  }
  return true;
}

template <class All, class Chosen>
bool read_names(std::string_view list, const All& all, std::vector<const Chosen*>& chosen) {
  chosen.clear();
  for (const std::string_view part : split(list)) {
    const std::size_t before = chosen.size();
    for (const Chosen& one : all) {
      if (one.name == part) chosen.push_back(&one);
    }
    if (chosen.size() == before) return false;
  }
  return true;
}

}  // namespace detail

/// Nothing if there is a mistake; `mistake` then says which.
inline std::optional<arguments> parse_arguments(const std::vector<std::string>& words,
                                                std::string& mistake) {
  using namespace detail;
  constexpr std::size_t most_tokens = 1u << 20;
  arguments a;
  read_names("15M,0.5B", model_shapes, a.shapes);
  read_names("q8_0", named_formats, a.formats);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.starts_with("--benchmark_")) {
      a.for_others = true;
      continue;
    }
    if (word == "--help" || word == "-h") {
      a.help = true;
    } else if (word == "--steered") {
      a.steered = true;
    } else if (word == "--caches") {
      a.caches = true;
    } else if (word == "--profile") {
      a.profile = true;
    } else if (word == "--load") {
      a.load = true;
    } else if (word == "--plain") {
      a.plain = true;
    } else if (word == "--take-turns") {
      a.take_turns = true;
    } else if (word == "--no-limits") {
      a.limits = false;
    } else if (word == "--ratio") {
      a.batches = {1, 16, 64};
    } else if (word == "--all") {
      read_names("15M,110M,0.5B,1.1B", model_shapes, a.shapes);
      read_names("q8_0,q4_0", named_formats, a.formats);
      a.batches = {1, 4, 16, 64};
      a.steered = a.profile = a.load = a.plain = true;
    } else if (i + 1 == words.size()) {
      mistake = word + ": unknown, or without the value that belongs to it";
      return std::nullopt;
    } else {
      const std::string& value = words[++i];
      bool good = true;
      if (word == "--model") {
        a.files.push_back(value);
      } else if (word == "--shape") {
        good = read_names(value, model_shapes, a.shapes);
      } else if (word == "--format") {
        good = read_names(value, named_formats, a.formats);
      } else if (word == "-p") {
        good = read_numbers(value, 0, most_tokens, a.prompts);
      } else if (word == "-n") {
        good = read_number(value, 0, most_tokens, a.n_tokens);
      } else if (word == "-b") {
        good = read_numbers(value, 1, 4096, a.batches);
      } else if (word == "-t") {
        good = read_numbers(value, 1, 256, a.threads);
      } else if (word == "-d") {
        good = read_number(value, 0, most_tokens, a.depth);
      } else if (word == "-r") {
        good = read_number(value, 1, 1000, a.repetitions);
      } else if (word == "--json") {
        a.json = value;
      } else if (word == "--markdown") {
        a.markdown = value;
      } else if (word == "--page") {
        a.page = value;
      } else if (word == "--build") {
        a.build = value;
      } else if (word == "--keep") {
        a.keep = value;
      } else {
        mistake = word + ": unknown";
        return std::nullopt;
      }
      if (!good) {
        mistake = word + ": cannot be " + value;
        return std::nullopt;
      }
    }
  }
  return a;
}

}  // namespace multitudes_bench
