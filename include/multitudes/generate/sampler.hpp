// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/simd/isa.hpp>
#include <multitudes/simd/softmax.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace multitudes {

/// How the next token is chosen. Filters apply in the order of the fields; each that is at its
/// default does nothing.
struct sampling {
  float repetition_penalty = 1.0f;  ///< recent tokens: divides positive logits, multiplies negative
  std::size_t repetition_window = 64;
  float temperature = 0.0f;  ///< 0: greedy, the likeliest token, ties to the lowest id
  std::size_t top_k = 0;     ///< keep the k likeliest; 0: all
  float top_p = 1.0f;        ///< keep the fewest likeliest that hold this probability
  float min_p = 0.0f;        ///< keep those at least this share of the likeliest
  std::uint64_t seed = 0;
};

/// Errors:  invalid_argument, naming the field.
inline expected<void> validate(const sampling& s) {
  const auto bad = [](const char* field, float found, const char* wanted) {
    return fail({.code = errc::invalid_argument,
                 .operation = "sampling",
                 .place = field,
                 .found = std::to_string(found),
                 .expected = wanted,
                 .remedy = {}});
  };
  // Written so that NaN fails as well.
  if (!(s.repetition_penalty >= 0.01f && s.repetition_penalty <= 100.0f)) {
    return bad("repetition_penalty", s.repetition_penalty, "0.01 to 100");
  }
  if (!(s.temperature >= 0 && s.temperature <= 100.0f)) {
    return bad("temperature", s.temperature, "0 to 100");
  }
  if (!(s.top_p > 0 && s.top_p <= 1)) return bad("top_p", s.top_p, "above 0, at most 1");
  if (!(s.min_p >= 0 && s.min_p <= 1)) return bad("min_p", s.min_p, "0 to 1");
  return {};
}

/// Chooses tokens. The n-th choice depends on the seed, the stream, n and the logits alone.
class sampler {
 public:
  /// `stream` tells the sequences of a batch apart: same seed, different texts.
  sampler(sampling how, std::size_t vocab_size, std::uint64_t stream = 0)
      : how_(how), stream_(stream), penalized_in_(vocab_size) {
    candidates_.reserve(vocab_size);
  }

  [[nodiscard]] const sampling& how() const noexcept { return how_; }

  /// Shapes:  logits (vocab_size), changed in place by the penalty; recent: the sequence so far.
  /// Cost:    vocab_size steps, plus a heap of what top_k and top_p look at; no allocation.
  token_id choose(std::span<float> logits, std::span<const token_id> recent, position at) {
    penalize(logits, recent);
    if (how_.temperature == 0.0f) return greedy(logits);
    // One draw for each position: what was drawn before cannot shift what is drawn now.
    philox random(how_.seed, stream_, std::uint64_t{at.value} * 4);
    const float draw = random.uniform();

    const float top = simd::max<simd::native, float>(logits);
    candidates_.clear();
    for (std::size_t i = 0; i < logits.size(); ++i) {
      candidates_.push_back({(logits[i] - top) / how_.temperature, token_id(i)});
    }
    const std::size_t kept = filter();
    // In double: in float, small weights behind a large one would be lost from the sum.
    double total = 0;
    for (std::size_t i = 0; i < kept; ++i) total += static_cast<double>(candidates_[i].weight);
    double left = static_cast<double>(draw) * total;
    token_id chosen = candidates_[0].token;
    for (std::size_t i = 0; i < kept; ++i) {
      if (!(candidates_[i].weight > 0)) continue;  // what is impossible stays so
      chosen = candidates_[i].token;
      left -= static_cast<double>(candidates_[i].weight);
      if (left < 0) break;
    }
    return chosen;
  }

  /// The likeliest token, ties to the lowest id.
  static token_id greedy(std::span<const float> logits) noexcept {
    return token_id(
        static_cast<std::size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin()));
  }

 private:
  struct candidate {
    float weight;  // first a scaled logit, 0 for the likeliest; then exp of it
    token_id token;
  };

  // Likelier first, ties to the lower id: a strict order, so that no algorithm's freedom shows.
  static bool likelier(const candidate& a, const candidate& b) noexcept {
    return a.weight != b.weight ? a.weight > b.weight : a.token < b.token;
  }
  static bool earlier(const candidate& a, const candidate& b) noexcept { return a.token < b.token; }

  void penalize(std::span<float> logits, std::span<const token_id> recent) noexcept {
    if (how_.repetition_penalty == 1.0f) return;
    const auto window = recent.last(std::min(recent.size(), how_.repetition_window));
    ++call_;
    for (const token_id token : window) {
      // Once for each token, however often it was said.
      if (token.value >= logits.size() || penalized_in_[token.value] == call_) continue;
      penalized_in_[token.value] = call_;
      float& logit = logits[token.value];
      logit = logit > 0 ? logit / how_.repetition_penalty : logit * how_.repetition_penalty;
    }
  }

  /// Moves what is kept to the front, in token order, and turns logits into weights. Token order
  /// matters: sums and the draw must not depend on how a library happens to partition.
  /// Returns how many are kept, at least one.
  std::size_t filter() {
    const auto first = candidates_.begin();
    auto last = candidates_.end();
    if (how_.top_k > 0 && how_.top_k < candidates_.size()) {
      const auto kth = first + static_cast<std::ptrdiff_t>(how_.top_k);
      std::nth_element(first, kth - 1, last, likelier);
      std::sort(first, kth, earlier);
      last = kth;
    }
    for (auto c = first; c != last; ++c) c->weight = std::exp(c->weight);
    if (how_.top_p < 1) last = nucleus(first, last);
    if (how_.min_p > 0) {  // the likeliest weighs exp(0) = 1
      last = std::remove_if(first, last, [&](const candidate& c) { return c.weight < how_.min_p; });
    }
    return static_cast<std::size_t>(last - first);
  }

  using iterator = std::vector<candidate>::iterator;

  /// Keeps the fewest likeliest that together hold top_p, at least one; returns the new end.
  iterator nucleus(iterator first, iterator last) const {
    double total = 0;
    for (auto c = first; c != last; ++c) total += c->weight;
    // A heap gives the likeliest one by one, so that a whole vocabulary is never ordered.
    const auto later = [](const candidate& a, const candidate& b) { return likelier(b, a); };
    std::make_heap(first, last, later);
    auto rest = last;  // [rest, last) is what has been taken, the likeliest last
    double held = 0;
    do {
      std::pop_heap(first, rest, later);
      --rest;
      held += rest->weight;
    } while (rest != first && held < how_.top_p * total);
    std::sort(rest, last, earlier);
    return std::move(rest, last, first);
  }

  sampling how_;
  std::uint64_t stream_;
  std::vector<candidate> candidates_;
  std::vector<std::uint64_t> penalized_in_;  // (vocab_size): the last call that weakened it
  std::uint64_t call_ = 0;
};

}  // namespace multitudes
