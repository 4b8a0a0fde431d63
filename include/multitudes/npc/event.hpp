// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/index.hpp>
#include <multitudes/npc/mind.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes::npc {

enum class event_kind : std::uint8_t {
  said,      ///< `text`: some whole characters of an utterance
  sentence,  ///< what was said since the last one is a sentence: speech can begin
  finished,  ///< the utterance is over; `why`
  chose,     ///< `action` was chosen, which had this `probability`
  failed,    ///< the model gave no numbers: too strong a persona, or a damaged file; it is silent
  strayed,   ///< its recent words `read` outside of the band in which it is kept
  returned,  ///< they read inside of it again
};

/// Why an utterance ended.
enum class ending : std::uint8_t {
  by_itself,    ///< with the model's end-of-text token, or a line break
  by_length,    ///< max_tokens were said
  by_cancel,    ///< the game broke it off
  memory_full,  ///< the mind's context has no room: see stage::forget
};

/// What happened on a stage. The events of one mind come in their order.
struct event {
  mind who = {};
  event_kind what = event_kind::said;
  std::string_view text = {};  ///< valid until the next event is taken
  ending why = ending::by_itself;
  std::size_t action = 0;
  float probability = 0;
  float read = 0;
  std::size_t at = 0;  ///< how many tokens of its own the mind's memory held
};

/// A ring of events, which holds as many as it was made for. Pushing and taking allocate nothing.
class event_queue {
 public:
  /// The most events that one token brings: a piece of text in three parts with the ends of two
  /// sentences between them, what the decoder kept likewise, the end of it all, and what it reads.
  static constexpr std::size_t most_of_a_word = 13;

  event_queue() = default;
  event_queue(std::size_t capacity, std::size_t longest_text)
      : slots_(capacity), longest_(longest_text), texts_(capacity * longest_text, '\0') {}

  [[nodiscard]] std::size_t room() const noexcept { return slots_.size() - size_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// There must be room; a text longer than the longest is cut.
  void push(event e) noexcept {
    const std::size_t at = (first_ + size_++) % slots_.size();
    e.text = e.text.substr(0, longest_);
    char* own = texts_.data() + at * longest_;
    std::copy(e.text.begin(), e.text.end(), own);
    e.text = {own, e.text.size()};
    slots_[at] = e;
  }
  /// The oldest, which is then forgotten; nothing if there is none.
  std::optional<event> take() noexcept {
    if (size_ == 0) return std::nullopt;
    const event& e = slots_[first_];
    first_ = (first_ + 1) % slots_.size();
    --size_;
    return e;
  }
  void clear() noexcept { size_ = 0; }

 private:
  std::vector<event> slots_;
  std::size_t longest_ = 0;
  std::string texts_;  // (capacity, longest)
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace multitudes::npc
