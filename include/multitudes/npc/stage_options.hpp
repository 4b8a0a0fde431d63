// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/model/evaluation.hpp>
#include <multitudes/model/kv_cache.hpp>
#include <multitudes/npc/detail/refusal.hpp>
#include <multitudes/npc/event.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace multitudes::npc {

using simd::kv_format;

/// How much a stage holds.
struct stage_options {
  std::size_t n_minds = 16;
  std::size_t n_lores = 1;
  std::size_t max_actions = 8;  ///< that minds weigh at the same time, all together
  std::size_t context = 0;      ///< tokens that a mind can remember, lore included; 0: the model's
  std::size_t max_rows = 16;    ///< tokens computed together
  /// Cache pages in all, shared by all minds; 0: enough for every mind at full length.
  std::size_t n_pages = 0;
  kv_format cache = kv_format::f16;
  std::size_t n_events = 256;  ///< that may wait to be taken
  /// The block after which minds are read as they speak (see recent_state); none: they are not.
  std::optional<layer_index> watched = {};
  double watched_words = 24;  ///< a word counts 1/e as much as one that is so much younger
};

/// What `step` has to say.
enum class stage_status : std::uint8_t {
  in_progress,    ///< there is more to do
  idle,           ///< nothing is to be done until a mind is asked for something
  starved,        ///< no cache pages are left for what is to be done: let minds leave or rest
  unread_events,  ///< the queue is full: take events, so that none is lost
};

/// What a stage has done since it was made.
struct stage_totals {
  std::uint64_t passes = 0;
  std::uint64_t rows = 0;   ///< tokens computed, read or said
  std::uint64_t words = 0;  ///< tokens said
};

namespace detail {

inline model::kv_cache_limits cache_limits(const model::hyper_parameters& shape,
                                           const stage_options& o) noexcept {
  const std::size_t context = o.context != 0 ? o.context : shape.context_length;
  return {o.n_minds + o.n_lores + o.max_actions, context,
          o.n_pages != 0
              ? o.n_pages
              : (o.n_minds + o.n_lores) * (context / simd::kv_page_length + 1) + 2 * o.max_actions,
          o.cache};
}
inline model::evaluation_limits work_limits(const stage_options& o) noexcept {
  return {o.max_rows, o.max_rows};
}
}  // namespace detail

/// Errors:  invalid_argument, naming the field.
inline expected<void> validate(const stage_options& o) {
  constexpr std::size_t most = std::size_t{1} << 16;
  const std::pair<const char*, std::size_t> sizes[] = {
      {"n_minds", o.n_minds}, {"max_actions", o.max_actions}, {"max_rows", o.max_rows}};
  for (const auto& [name, size] : sizes) {
    if (size == 0 || size > most) {
      return detail::bad("make stage", name, std::to_string(size), "1 to " + std::to_string(most));
    }
  }
  if (o.n_lores > most) {
    return detail::bad("make stage", "n_lores", std::to_string(o.n_lores),
                       "at most " + std::to_string(most));
  }
  if (o.n_events < event_queue::most_of_a_word || o.n_events > (std::size_t{1} << 20)) {
    return detail::bad("make stage", "n_events", std::to_string(o.n_events),
                       std::to_string(event_queue::most_of_a_word) + " to 1048576");
  }
  if (!(o.watched_words > 0 && o.watched_words <= 1e6)) {
    return detail::bad("make stage", "watched_words", std::to_string(o.watched_words),
                       "above 0, at most 1e6");
  }
  return {};
}
}  // namespace multitudes::npc
