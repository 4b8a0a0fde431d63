// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/generate/token_mask.hpp>
#include <multitudes/simd/kernel_set.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
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
      : how_(how),
        stream_(stream),
        weights_(vocab_size),
        pieces_((vocab_size + piece - 1) / piece),
        penalized_in_(vocab_size) {
    candidates_.reserve(vocab_size);
  }

  [[nodiscard]] const sampling& how() const noexcept { return how_; }
  /// Chooses for another sequence from now on, as a sampler made for it would; scratch is shared.
  void use(const sampling& how, std::uint64_t stream) noexcept {
    how_ = how;
    stream_ = stream;
  }

  /// Shapes:  logits (vocab_size), changed in place by the penalty; recent: the sequence so far.
  /// Cost:    a few passes over the vocabulary in vector registers, plus what top_k and top_p have
  ///          to order: few tokens, but where all are about equally likely; no allocation.
  token_id choose(std::span<float> logits, std::span<const token_id> recent, position at) {
    penalize(logits, recent);
    if (how_.temperature == 0.0f) return greedy(logits);
    // One draw for each position: what was drawn before cannot shift what is drawn now.
    philox random(how_.seed, stream_, std::uint64_t{at.value} * 4);
    const double draw = static_cast<double>(random.uniform());

    const float top = simd::active_kernels().largest(logits.data(), logits.size());
    if (how_.top_k > 0 && how_.top_k < logits.size()) {
      take_likeliest(logits, top);
    } else {
      const double total = weigh_all(logits, top);
      if (how_.top_p == 1 && how_.min_p == 0) return draw_from_all(draw * total);
      take_heavy(logits.size(), total);
    }
    return draw_from_candidates(draw);
  }

  /// The same among the tokens that a mask allows, before any filter applies: what is allowed keeps
  /// its proportions.
  ///
  /// Errors:  not_found if no allowed token is possible.
  expected<token_id> choose(std::span<float> logits, const token_mask& allowed,
                            std::span<const token_id> recent, position at) {
    if (auto ok = restrict_to(allowed, logits); !ok) return forward_error(ok);
    return choose(logits, recent, at);
  }

  /// The likeliest token, ties to the lowest id.
  static token_id greedy(std::span<const float> logits) noexcept {
    const simd::kernel_set& kernels = simd::active_kernels();
    float most = -std::numeric_limits<float>::infinity();
    std::size_t where = 0;
    for (std::size_t first = 0; first < logits.size(); first += piece) {
      const float here = kernels.largest(logits.data() + first, length_of(first, logits.size()));
      if (here > most) {
        most = here;
        where = first;
      }
    }
    const auto begin = logits.begin() + static_cast<std::ptrdiff_t>(where);
    const auto found = std::find(begin, logits.end(), most);
    return token_id(found == logits.end() ? 0 : static_cast<std::size_t>(found - logits.begin()));
  }

 private:
  // The vocabulary is gone through in pieces: of most of them, one number is looked at.
  static constexpr std::size_t piece = 64;

  struct candidate {
    float weight;  // first a logit; then exp of it, 1 for the likeliest
    token_id token;
  };
  using iterator = std::vector<candidate>::iterator;

  static std::size_t length_of(std::size_t first, std::size_t n) noexcept {
    return std::min(piece, n - first);
  }

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

  /// exp of scaled logits in place; the likeliest becomes 1.
  void to_weights(std::span<float> logits, float top) const noexcept {
    for (float& x : logits) x = (x - top) / how_.temperature;
    static_cast<void>(simd::active_kernels().exp_sum(logits.data(), logits.size(), 0.0f));
  }

  /// In double: in float, small weights behind a large one would be lost from the sum.
  static double sum(std::span<const float> weights) noexcept {
    double parts[4] = {};
    for (std::size_t i = 0; i < weights.size(); ++i) {
      parts[i % 4] += weights[i] > 0 ? static_cast<double>(weights[i]) : 0.0;  // NaN is none
    }
    return (parts[0] + parts[1]) + (parts[2] + parts[3]);
  }

  /// Fills the weights of all tokens and the sums of the pieces; returns the sum of all.
  double weigh_all(std::span<const float> logits, float top) noexcept {
    std::copy(logits.begin(), logits.end(), weights_.begin());
    const std::span<float> weights = std::span(weights_).first(logits.size());
    to_weights(weights, top);
    double total = 0;
    for (std::size_t first = 0; first < weights.size(); first += piece) {
      const double here = sum(weights.subspan(first, length_of(first, weights.size())));
      pieces_[first / piece] = here;
      total += here;
    }
    return total;
  }

  [[nodiscard]] token_id draw_from_all(double left) const noexcept {
    std::size_t first = 0, last_possible = 0;
    for (std::size_t p = 0; p < pieces_.size(); ++p) {
      if (!(pieces_[p] > 0)) continue;  // what is impossible stays so
      last_possible = first = p * piece;
      if (left < pieces_[p]) break;
      left -= pieces_[p];
    }
    for (std::size_t i = first; i < std::min(first + piece, weights_.size()); ++i) {
      if (!(weights_[i] > 0)) continue;
      last_possible = i;
      left -= static_cast<double>(weights_[i]);
      if (left < 0) break;
    }
    return token_id(last_possible);
  }

  /// Makes the top_k likeliest the candidates, in token order, then applies the other filters.
  void take_likeliest(std::span<const float> logits, float top) {
    // The k-th of the pieces' largest is no larger than the k-th of all.
    float bound = -std::numeric_limits<float>::infinity();
    if (how_.top_k <= pieces_.size()) {
      const simd::kernel_set& kernels = simd::active_kernels();
      for (std::size_t first = 0; first < logits.size(); first += piece) {
        const float here = kernels.largest(logits.data() + first, length_of(first, logits.size()));
        pieces_[first / piece] = static_cast<double>(std::isnan(here) ? bound : here);
      }
      const auto kth = pieces_.begin() + static_cast<std::ptrdiff_t>(how_.top_k - 1);
      std::nth_element(pieces_.begin(), kth, pieces_.end(),
                       [](double a, double b) { return a > b; });
      bound = static_cast<float>(*kth);
    }
    bound = std::max(bound, std::numeric_limits<float>::lowest());  // none that is impossible
    candidates_.clear();
    for (std::size_t i = 0; i < logits.size(); ++i) {
      if (logits[i] >= bound) candidates_.push_back({logits[i], token_id(i)});
    }
    const std::size_t k = std::min(how_.top_k, candidates_.size());  // fewer if some are NaN
    if (k == 0) return;
    const auto end = candidates_.begin() + static_cast<std::ptrdiff_t>(k);
    std::nth_element(candidates_.begin(), end - 1, candidates_.end(), likelier);
    candidates_.erase(end, candidates_.end());
    std::sort(candidates_.begin(), candidates_.end(), earlier);
    const std::span<float> weights = std::span(weights_).first(k);
    for (std::size_t i = 0; i < k; ++i) weights[i] = candidates_[i].weight;
    to_weights(weights, top);
    for (std::size_t i = 0; i < k; ++i) candidates_[i].weight = weights[i];
    if (how_.top_p < 1) keep_nucleus(sum(weights));
    keep_heavy();
  }

  /// Makes the tokens that top_p and min_p keep the candidates, in token order.
  void take_heavy(std::size_t n, double total) {
    // All tokens below their share of what top_p leaves out hold less than that together; by half
    // of it, so that no rounding matters.
    const double share = (1 - static_cast<double>(how_.top_p)) * total / static_cast<double>(n) / 2;
    const float least = std::max(how_.min_p, static_cast<float>(share));
    candidates_.clear();
    for (std::size_t i = 0; i < n; ++i) {
      if (weights_[i] >= least) candidates_.push_back({weights_[i], token_id(i)});
    }
    if (how_.top_p < 1) keep_nucleus(total);
    keep_heavy();
  }

  void keep_heavy() {
    if (how_.min_p == 0) return;  // the likeliest weighs exp(0) = 1
    std::erase_if(candidates_, [&](const candidate& c) { return c.weight < how_.min_p; });
  }

  /// Keeps the fewest likeliest that hold top_p of the total, at least one, in token order.
  void keep_nucleus(double total) {
    // A heap gives the likeliest one by one, so that a whole vocabulary is never ordered.
    const auto later = [](const candidate& a, const candidate& b) { return likelier(b, a); };
    const iterator first = candidates_.begin(), last = candidates_.end();
    if (first == last) return;
    std::make_heap(first, last, later);
    auto rest = last;  // [rest, last) is what has been taken, the likeliest last
    double held = 0;
    do {
      std::pop_heap(first, rest, later);
      --rest;
      held += static_cast<double>(rest->weight);
    } while (rest != first && held < static_cast<double>(how_.top_p) * total);
    candidates_.erase(first, rest);
    std::sort(candidates_.begin(), candidates_.end(), earlier);
  }

  /// Token order matters: sums and the draw must not depend on how a library partitions.
  [[nodiscard]] token_id draw_from_candidates(double draw) const noexcept {
    double total = 0;
    for (const candidate& c : candidates_) total += static_cast<double>(c.weight);
    double left = draw * total;
    token_id chosen = candidates_.empty() ? token_id(0) : candidates_[0].token;
    for (const candidate& c : candidates_) {
      if (!(c.weight > 0)) continue;  // what is impossible stays so
      chosen = c.token;
      left -= static_cast<double>(c.weight);
      if (left < 0) break;
    }
    return chosen;
  }

  sampling how_;
  std::uint64_t stream_;
  std::vector<float> weights_;               // (vocab_size)
  std::vector<double> pieces_;               // of each piece, its sum or its largest
  std::vector<candidate> candidates_;        // at most vocab_size
  std::vector<std::uint64_t> penalized_in_;  // (vocab_size): the last call that weakened it
  std::uint64_t call_ = 0;
};

}  // namespace multitudes
