// SPDX-License-Identifier: MIT
// Text on standard input, token ids on one line of standard output; or the way back.

#include "cli.hpp"

#include <multitudes/generate/vocabulary_file.hpp>

#include <charconv>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

namespace mt = multitudes;

int main(int argc, char** argv) {
  std::string model;
  bool decode = false;
  CLI::App app("Cuts text into the tokens of a model, without beginning- or end-of-text tokens.");
  app.add_option("--model", model, "a GGUF file; one with a vocabulary only will do")->required();
  app.add_flag("--decode", decode, "read ids and print their text");
  example::parse_or_exit(app, argc, argv);

  const auto file = example::or_exit(mt::gguf::file::read(model));
  const auto tokenizer = example::or_exit(mt::read_tokenizer(file));
  if (!decode) {
    const std::string text(std::istreambuf_iterator<char>(std::cin), {});
    const char* separator = "";
    for (const mt::token_id token : tokenizer.encode(text, {.start_token = false})) {
      std::printf("%s%u", separator, token.value);
      separator = " ";
    }
    std::printf("\n");
    return 0;
  }
  std::vector<mt::token_id> tokens;
  for (std::string word; std::cin >> word;) {
    std::uint32_t id = 0;
    const auto parsed = std::from_chars(word.data(), word.data() + word.size(), id);
    if (parsed.ec != std::errc{} || parsed.ptr != word.data() + word.size() ||
        id >= tokenizer.vocab_size()) {
      example::give_up(
          {.code = mt::errc::invalid_argument,
           .operation = "decode",
           .place = "token " + std::to_string(tokens.size()),
           .found = word,
           .expected = "a number from 0 to " + std::to_string(tokenizer.vocab_size() - 1),
           .remedy = {}});
    }
    tokens.emplace_back(id);
  }
  const std::string text = tokenizer.decode(tokens);
  std::fwrite(text.data(), 1, text.size(), stdout);
}
