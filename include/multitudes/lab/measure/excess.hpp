// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/corpus/reader.hpp>
#include <multitudes/lab/corpus/sampler.hpp>
#include <multitudes/lab/measure/scorer.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace multitudes::lab {

/// What a student loses to the ideal reader on one document.
struct document_loss {
  double student = 0;        ///< nats
  double ideal = 0;          ///< nats
  std::size_t n_tokens = 0;  ///< without the first, which everyone knows
};

/// Both losses on documents of a source that the student has not learnt from.
///
/// Errors:  those of scorer and reader.
/// Cost:    a forward pass over the documents.
inline expected<std::vector<document_loss>> document_losses(scorer& asked, const gazette& g,
                                                            const population& prior,
                                                            const document_source& held_out,
                                                            std::uint64_t n_documents) {
  texts all;
  std::vector<document_loss> losses;
  std::vector<std::size_t> from;
  reader ideal(g, prior);
  for (std::uint64_t i = 0; i < n_documents; ++i) {
    all.push_back(held_out.document(i).tokens);
    ideal.restart();
    auto log_p = ideal.read(all.back());
    if (!log_p) return forward_error(log_p);
    losses.push_back({0, -*log_p, all.back().size() - 1});
    from.push_back(1);
  }
  auto seen = asked.log_probabilities(all, from);
  if (!seen) return forward_error(seen);
  for (std::size_t i = 0; i < losses.size(); ++i) losses[i].student = -(*seen)[i];
  return losses;
}

/// Nats a token that the student loses above the ideal reader. Negative on many documents means
/// that the ideal reader is none.
inline double excess(std::span<const document_loss> losses) noexcept {
  double nats = 0, n = 0;
  for (const document_loss& l : losses) {
    nats += l.student - l.ideal;
    n += static_cast<double>(l.n_tokens);
  }
  return n > 0 ? nats / n : 0;
}

}  // namespace multitudes::lab
