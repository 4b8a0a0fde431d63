// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/npc/event.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::npc {

/// All that a mind said in one go.
struct utterance {
  mind who = {};
  std::string text = {};  ///< without a line break at its end
  ending why = ending::by_itself;
};

/// Puts together what minds say, from the events that the game takes anyway. A value: copy it with
/// a snapshot of the stage, to have the beginnings of what is being said when that is loaded.
class utterances {
 public:
  /// Goes on with an event; the utterance that it ends, if it does. One that fails gives none.
  std::optional<utterance> take(const event& e) {
    if (e.who.index >= parts_.size()) parts_.resize(e.who.index + std::size_t{1});
    part& p = parts_[e.who.index];
    // Who left in the middle of a word has said nothing.
    if (p.generation != e.who.generation) p = {e.who.generation, {}};
    if (e.what == event_kind::said) p.text += e.text;
    if (e.what == event_kind::failed) p.text.clear();
    if (e.what != event_kind::finished) return std::nullopt;
    utterance whole{e.who, std::exchange(p.text, {}), e.why};
    if (whole.text.ends_with('\n')) whole.text.pop_back();
    return whole;
  }
  /// What it has said of an utterance that goes on.
  [[nodiscard]] std::string_view so_far(mind m) const noexcept {
    const bool speaks = m.index < parts_.size() && parts_[m.index].generation == m.generation;
    return speaks ? std::string_view(parts_[m.index].text) : std::string_view();
  }

 private:
  struct part {
    std::uint32_t generation = 0;
    std::string text{};
  };
  std::vector<part> parts_;  // (minds of the stage)
};

}  // namespace multitudes::npc
