// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace training {

/// All that decides what comes out, but for the texts themselves.
struct recipe {
  std::string texts{};
  std::string manifest{};
  std::string data{};  ///< word lists of the generated texts
  std::string out = "models";
  std::string work = "build/training";
  std::string stage = "all";

  std::uint32_t model_dim = 192;
  std::uint32_t n_layers = 6;
  std::uint32_t head_dim = 32;
  std::uint32_t vocab_size = 4096;
  std::uint32_t context = 256;

  std::uint64_t book_passes = 6;
  double generated_share = 0.3;
  std::size_t batch_rows = 8192;
  double learning_rate = 2e-3;

  std::uint64_t n_chats = 8000;
  double reading_share = 0.25;  ///< of the tokens of that stage: books, as before
  double instruct_rate = 5e-4;

  std::uint64_t feedback_steps = 120;
  std::size_t n_prompts = 16;    ///< of a step
  std::size_t n_per_prompt = 8;  ///< answers
  double feedback_rate = 5e-5;
  double kl_weight = 0.08;  ///< reward for a nat; the reward goes from 0 to 1

  std::size_t n_threads = 0;  ///< 0: as many as there are
  std::uint64_t seed = 1;
};

}  // namespace training
