// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace multitudes::npc::detail {

struct thought;

/// Who plays the game's part on a stage that replays.
class director {
 public:
  /// Called when no pass is running, before the next is made; false if it must wait for room in the
  /// queue of events.
  virtual bool before_pass() noexcept = 0;
  /// Called before what a token of a mind is computed under is decided for the first time.
  virtual void before_token(thought& t, std::size_t i) noexcept = 0;

 protected:
  ~director() = default;
};

}  // namespace multitudes::npc::detail
