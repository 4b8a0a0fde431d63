// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/philox.hpp>
#include <multitudes/lab/corpus/gazette.hpp>
#include <multitudes/lab/corpus/prompt.hpp>
#include <multitudes/lab/corpus/sampler.hpp>
#include <multitudes/train/dataset.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace multitudes::lab {

/// Documents `first` to `first + count`, to be learnt whole.
inline train::dataset make_dataset(const document_source& source, std::uint64_t first,
                                   std::uint64_t count) {
  train::dataset data;
  for (std::uint64_t i = first; i < first + count; ++i) data.add(source.document(i).tokens);
  return data;
}

/// Documents that answer a command to write as somebody, `count` by each of these writers in turn;
/// the command is not learnt, the answer is.
///
/// Example: tests/lab/prompt.cpp
inline train::dataset make_command_dataset(const gazette& g,
                                           std::span<const persona_traits> writers,
                                           std::uint64_t count, std::uint64_t seed) {
  train::dataset data;
  for (std::uint64_t i = 0; i < count; ++i) {
    for (std::size_t k = 0; k < writers.size(); ++k) {
      philox random(seed, i * writers.size() + k);
      prompt p(g);
      p.command(writers[k][trait::name]);
      // The voice, "sure :", is part of the answer.
      const std::size_t n_asked = p.tokens().size() - 2;
      p.finish(writers[k], random);
      const train::token_run runs[] = {{p.tokens().first(n_asked), false},
                                       {p.tokens().subspan(n_asked), true}};
      data.add(runs);
    }
  }
  return data;
}

}  // namespace multitudes::lab
