// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace multitudes::npc::detail {

/// The mean state of the model over a mind's recent words, the last counting most.
///
/// What counts must not depend on how work is cut into passes. So states wait until a moment at
/// which everything before it is computed in any case: when a word or an action is chosen. The last
/// one that waits may still be computed anew, under what is in force then, and is replaced.
class word_states {
 public:
  word_states() = default;
  /// A word counts 1/e as much as one that is `n_words` younger.
  word_states(std::size_t width, double n_words)
      : keep_(static_cast<float>(n_words / (n_words + 1))),
        settled_(width),
        waiting_(width),
        last_(width),
        mean_(width) {}

  [[nodiscard]] bool is_on() const noexcept { return !settled_.empty(); }
  [[nodiscard]] std::size_t width() const noexcept { return settled_.size(); }
  /// The mean, or nothing before the first word that counts.
  [[nodiscard]] std::span<const float> mean() const noexcept {
    return weight_ > 0 ? std::span<const float>(mean_) : std::span<const float>();
  }
  /// How many words count so far.
  [[nodiscard]] std::uint64_t n_words() const noexcept { return n_words_; }
  [[nodiscard]] bool has_counted(std::uint64_t at) const noexcept { return at < next_; }

  /// The state at word `at`, of all tokens that the mind ever had. One that was given before
  /// changes nothing, unless it was the last.
  void take(std::uint64_t at, std::span<const float> state) noexcept {
    if (at < next_) return;
    if (has_last_ && at < last_at_) return;
    if (has_last_ && at > last_at_) let_wait();
    for (std::size_t e = 0; e < last_.size(); ++e) last_[e] = state[e];
    last_at_ = at;
    has_last_ = true;
  }
  /// A moment: what waits counts from now on.
  void settle() noexcept {
    if (!has_last_) return;
    let_wait();
    for (std::uint64_t i = 0; i < n_waiting_; ++i) {
      for (float& x : settled_) x *= keep_;
      weight_ = weight_ * keep_ + 1;
    }
    for (std::size_t e = 0; e < settled_.size(); ++e) settled_[e] += waiting_[e];
    find_mean();
    n_words_ += n_waiting_;
    next_ = last_at_ + 1;
    drop_waiting();
  }
  /// What waits is computed anew.
  void drop_waiting() noexcept {
    for (float& x : waiting_) x = 0;
    n_waiting_ = 0;
    has_last_ = false;
  }
  [[nodiscard]] bool can_become(const word_states& other) const noexcept {
    return other.settled_.size() == settled_.size() && std::isfinite(other.weight_) &&
           other.weight_ >= 0 &&
           std::all_of(other.settled_.begin(), other.settled_.end(),
                       [](float x) { return std::isfinite(x); });
  }
  /// Takes what counts from another that was read; from none if there is nothing in it.
  void become(const word_states& other) noexcept {
    clear();
    if (other.settled_.size() != settled_.size()) return;
    std::copy(other.settled_.begin(), other.settled_.end(), settled_.begin());
    weight_ = other.weight_;
    n_words_ = other.n_words_;
    next_ = other.next_;
    find_mean();
  }
  void clear() noexcept {
    drop_waiting();
    for (float& x : settled_) x = 0;
    weight_ = 0;
    n_words_ = 0;
    next_ = 0;
  }

 private:
  template <class A>
  friend void put(A& a, word_states& w);

  void find_mean() noexcept {
    const float share = weight_ > 0 ? 1 / weight_ : 0;
    for (std::size_t e = 0; e < settled_.size(); ++e) mean_[e] = settled_[e] * share;
  }
  void let_wait() noexcept {
    for (std::size_t e = 0; e < waiting_.size(); ++e) waiting_[e] = waiting_[e] * keep_ + last_[e];
    ++n_waiting_;
    has_last_ = false;
  }

  float keep_ = 0;
  std::vector<float> settled_;  // (width): a sum, each word weighed by its age
  float weight_ = 0;            // of that sum
  std::uint64_t n_words_ = 0;
  std::uint64_t next_ = 0;      // words before this one have counted
  std::vector<float> waiting_;  // (width): the same sum of those that wait
  std::uint64_t n_waiting_ = 0;
  std::vector<float> last_;  // (width)
  std::uint64_t last_at_ = 0;
  bool has_last_ = false;
  std::vector<float> mean_;  // (width)
};

}  // namespace multitudes::npc::detail
