// SPDX-License-Identifier: MIT
#pragma once

#include "../corpus/factorial.hpp"
#include "../corpus/village.hpp"
#include "../or_exit.hpp"

#include <multitudes/extract/pairs.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace lab_model {

namespace detail {

inline std::string one_line(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with(' ')) text.remove_suffix(1);
  std::string out;
  for (const char c : text) out += c == '\n' ? "\\n" : c == '\\' ? "\\\\" : std::string(1, c);
  return out;
}

/// Two sentences (or couplets) of one way of talking about one thing, without its set phrases for
/// beginnings and ends.
inline std::string few_words(const corpus::grammar& words, std::size_t way, std::size_t thing,
                             corpus::philox& random) {
  corpus::scene now{.spelling = corpus::chance(0.5f, random) ? corpus::spelling::british
                                                             : corpus::spelling::american};
  corpus::bind_factors(now, way, thing);
  const std::string list(corpus::ways[way].name);
  std::string first = words.expand("{" + list + ".body}", now, random);
  std::string second = first;
  while (second == first) second = words.expand("{" + list + ".body}", now, random);
  return first + (list == "storyteller" ? "\n" : " ") + second;
}

}  // namespace detail

/// The personas of the shipped models as a file: eight styles, with generated texts. Those held
/// out combine a style with a subject with which no training text combines it.
inline std::string own_personas(const std::string& folder, std::uint64_t seed) {
  constexpr std::size_t n_texts = 8;
  const auto where = example::or_exit(corpus::village::read(folder + "/corpus"));
  std::string out =
      "# Personas for `./dev run lab_model`: the eight styles of the generated texts that the\n"
      "# models of this repository have read. Made by\n"
      "#   ./dev run lab_model --write-personas examples/data/styles.personas\n"
      "# A file of your own needs at least two personas with two texts and two held-out ones "
      "each,\n"
      "# an introduction and two neutral texts; `count:` after `persona:` says how often one\n"
      "# occurs. A line break within a text is written \\n.\n\n";
  for (const char* introduction :
       {"In the style of {}:\\n", "Style: {}\\n\\n", "As {} would say:\\n", "{} speaks:\\n",
        "What follows was written by {}.\\n\\n", "This is {} speaking.\\n"}) {
    out += std::string("introduction: ") + introduction + "\n";
  }
  for (std::size_t way = 0; way < corpus::ways.size(); ++way) {
    out += "\npersona: " + std::string(corpus::ways[way].called) + "\n";
    corpus::philox random(seed, 1000 + way);
    for (const bool held_out : {false, true}) {
      for (std::size_t i = 0; i < n_texts;) {
        const std::size_t thing = random.below(static_cast<std::uint32_t>(corpus::things.size()));
        if (corpus::is_held_out(way, thing) != held_out) continue;
        const std::string line =
            ": " + detail::one_line(detail::few_words(where.words(), way, thing, random)) + "\n";
        if (out.find(line) != std::string::npos) continue;
        out += (held_out ? "held-out" : "text") + line;
        ++i;
      }
    }
  }
  out += "\n";
  std::size_t n = 0;
  for (const auto& record : example::or_exit(read_records(folder + "/neutral.txt", 1))) {
    if (n++ == 16) break;
    out += "neutral: " + detail::one_line(record[0]) + "\n";
  }
  out += "\n";
  for (const std::string_view request :
       {"Who are you?", "Talk like a sailor about the kitchen.", "Tell me about the weather.",
        "Speak as a preacher would.", "Please give me some advice.", "Write some verse.",
        "Talk like a cookery book about war.", "What do you think of horses?",
        "Tell me a story about the sea.", "How would a scientist put it?", "Good morning!",
        "What can you do?"}) {
    out += "prompt: <|user|>\\n" + std::string(request) + "<|end|>\\n<|assistant|>\\n\n";
  }
  return out;
}

}  // namespace lab_model
