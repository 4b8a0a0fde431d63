// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/function_ref.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/steering/attachment.hpp>

#include <concepts>
#include <cstddef>
#include <span>

namespace multitudes {

/// Tokens to append to a sequence; of the last `n_logits` of them the successor's logits are
/// wanted.
struct feed {
  sequence_id sequence;
  std::span<const token_id> tokens;
  std::size_t n_logits = 1;
  std::span<const steering::token_source> sources = {};  ///< (tokens), or empty if all were read
};

/// A token on its way through a batch: which of the feeds, which of its tokens.
struct feed_place {
  std::size_t feed = 0;
  std::size_t token = 0;
};

/// Looks at the residual stream without changing it: `observer(place, layer, h)` after steering,
/// for different rows from different threads at the same time.
template <class O>
concept residual_observer =
    std::invocable<const O&, feed_place, layer_index, std::span<const float>>;

/// Sees nothing; costs nothing.
struct no_observer {
  constexpr void operator()(feed_place, layer_index, std::span<const float>) const noexcept {}
};

/// Receives logits that were asked for, in the order of the tokens: (vocab_size), valid for the
/// length of the call, and the receiver's to change.
using logits_receiver = function_ref<void(feed_place, std::span<float>)>;

}  // namespace multitudes
