// SPDX-License-Identifier: MIT
// How well a model predicts texts: for each file its tokens and the mean loss in nats a token.

#include "cli.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/score.hpp>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <string>
#include <vector>

namespace mt = multitudes;

int main(int argc, char** argv) {
  std::string model;
  std::vector<std::string> paths;
  std::size_t context = 0;
  std::size_t threads = 1;
  CLI::App app("Prints for each file: its name, tokens, mean negative log-likelihood in nats.");
  app.add_option("--model", model, "the model, a GGUF file")->required();
  app.add_option("--context", context,
                 "texts are cut into windows of so many positions (default: what the file says)");
  app.add_option("--threads", threads, "how many threads work (default: 1)");
  app.add_option("files", paths, "text files")->required();
  example::parse_or_exit(app, argc, argv);

  const auto lm = example::or_exit(mt::load_model(model));
  if (context == 0) context = lm.shape().context_length;
  if (context < 2) {
    example::give_up({.code = mt::errc::invalid_argument,
                      .operation = "score",
                      .place = "--context",
                      .found = std::to_string(context),
                      .expected = "at least 2",
                      .remedy = {}});
  }
  mt::thread_pool workers(threads);
  auto batch = example::or_exit(mt::batch::make(lm, {.n_sequences = 4, .context = context}));
  for (const std::string& path : paths) {
    const auto file = example::or_exit(mt::file_bytes::read(path));
    const auto bytes = file.bytes();
    const auto tokens = lm.tokenizer->encode(
        {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, {.start_token = false});
    // Every window begins as a text does, so that each token of the file is scored once.
    std::vector<mt::scored_text> windows;
    for (std::size_t first = 0; first < tokens.size(); first += context - 1) {
      mt::scored_text& window = windows.emplace_back();
      window.tokens.push_back(lm.tokenizer->bos().value_or(mt::token_id(0)));
      const std::size_t last = std::min(first + context - 1, tokens.size());
      for (std::size_t i = first; i < last; ++i) window.tokens.push_back(tokens[i]);
    }
    const auto sums = example::or_exit(mt::log_probabilities(batch, workers, windows));
    const double total = std::accumulate(sums.begin(), sums.end(), 0.0);
    const double loss = tokens.empty() ? 0.0 : -total / static_cast<double>(tokens.size());
    std::printf("%s\t%zu\t%.6f\n", path.c_str(), tokens.size(), loss);
  }
}
