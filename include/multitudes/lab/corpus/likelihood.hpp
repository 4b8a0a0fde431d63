// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/corpus/cursor.hpp>
#include <multitudes/lab/corpus/gazette.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace multitudes::lab {

/// How probable a document, or the beginning of one, is to each of these writers: the logarithm of
/// the product of Q_k over its tokens; minus infinity for what a writer never says.
///
/// Errors:  malformed if no document goes like this, with the token's place.
/// Cost:    a logarithm for each writer and each token that writers differ in.
inline expected<std::vector<double>> log_likelihoods(const gazette& g,
                                                     std::span<const token_id> tokens,
                                                     std::span<const persona_traits> writers) {
  std::vector<double> sums(writers.size());
  cursor at(g);
  choice_scratch scratch;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const choice c = at.is_done() ? choice{} : at.next(scratch);
    const auto option = c.find(tokens[i]);
    if (!option) {
      return fail({.code = errc::malformed,
                   .operation = "score a gazette",
                   .place = "token " + std::to_string(i),
                   .found = "'" + std::string(gazette_word(tokens[i])) + "'",
                   .expected = at.is_done() ? "nothing: the document is complete"
                                            : "a word that may follow"});
    }
    for (std::size_t k = 0; k < writers.size(); ++k) {
      sums[k] += std::log(c.probability(value_of(c.key, writers[k]), *option));
    }
    at.take(tokens[i]);
  }
  return sums;
}

}  // namespace multitudes::lab
