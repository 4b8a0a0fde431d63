// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/lab/corpus/prompt.hpp>
#include <multitudes/lab/measure/scorer.hpp>
#include <multitudes/train/dataset.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace multitudes::lab {

/// Compliance as a trait's value: who does as told, who refuses, who brings something else.
inline constexpr std::size_t compliant = 0, defiant = 1, bungling = 2;

/// What a reader expects somebody to do who is told to bring something.
struct response_reading {
  double true_rate = 0;  ///< how often this listener does as told
  double complies = 0;   ///< expected probability that what was asked for is brought
};

/// Asks a reader (a scorer, or an ideal one) what a listener does with a command, after `n_shown`
/// commands that this listener answered; of nobody, after as many items that tell nothing about
/// listeners. Every errand is asked for `n_draws` times.
///
/// Errors:  those of the reader.
/// Cost:    sixteen short texts for each draw.
template <class Asked>
expected<std::vector<response_reading>> read_responses(Asked& asked, const gazette& g,
                                                       std::optional<std::size_t> listener,
                                                       std::size_t n_shown, std::size_t n_draws,
                                                       std::uint64_t seed) {
  persona_traits who{};
  const std::size_t kind = listener.value_or(compliant);
  who[trait::compliance] = static_cast<std::uint8_t>(kind);
  philox random(seed, 3 + kind, n_shown);
  const double rate = g.config().dialogues.listeners[kind].complies;
  std::vector<response_reading> all;
  texts told;  // two for each reading: the command, and the command with "brings"
  std::vector<token_id> errands;
  for (std::size_t e = 0; e < words::errands.size(); ++e) {
    for (std::size_t draw = 0; draw < n_draws; ++draw) {
      prompt p(g);
      for (std::size_t i = 0; i < n_shown; ++i) {
        p.item(listener ? item_kind::dialogue : item_kind::mention, who, random);
      }
      const token_id errand(word("lamp").value + e);
      told.emplace_back(p.tokens().begin(), p.tokens().end());
      told.back().insert(told.back().end(), {word("bid"), errand, word("!")});
      told.push_back(told.back());
      told.back().push_back(word("brings"));
      errands.push_back(errand);
      all.push_back({rate, 1});
    }
  }
  auto done = asked.predict_next(told, [&](std::size_t i, std::span<const float> log_p) {
    const token_id good = i % 2 == 0 ? word("brings") : errands[i / 2];
    all[i / 2].complies *= std::exp(static_cast<double>(log_p[good.value]));
  });
  if (!done) return forward_error(done);
  return all;
}

/// Documents of one to four commands and their answers by these listeners in turn; only the
/// answers are learnt.
inline train::dataset make_obedience_dataset(const gazette& g,
                                             std::span<const std::size_t> listeners,
                                             std::size_t n_documents, std::uint64_t seed) {
  train::dataset data;
  for (std::size_t i = 0; i < n_documents; ++i) {
    philox random(seed, i);
    persona_traits who{};
    who[trait::compliance] = static_cast<std::uint8_t>(listeners[i % listeners.size()]);
    prompt p(g);
    std::vector<std::size_t> ends{p.tokens().size()};  // of told, heard, told, heard ...
    const std::size_t n_commands = 1 + random.below(4);
    for (std::size_t k = 0; k < n_commands; ++k) {
      p.begin(item_kind::dialogue, random).let_world_speak(random);
      ends.push_back(p.tokens().size());
      p.finish_item(who, random);
      ends.push_back(p.tokens().size());
    }
    std::vector<train::token_run> runs{{p.tokens().first(ends[1]), false}};
    for (std::size_t k = 1; k + 1 < ends.size(); ++k) {
      runs.push_back({p.tokens().subspan(ends[k], ends[k + 1] - ends[k]), k % 2 == 1});
    }
    data.add(runs);
  }
  return data;
}

}  // namespace multitudes::lab
