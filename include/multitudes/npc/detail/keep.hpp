// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/npc/detail/thought.hpp>
#include <multitudes/npc/event.hpp>
#include <multitudes/npc/keeping.hpp>

#include <algorithm>
#include <cmath>
#include <optional>

namespace multitudes::npc::detail {

/// Turns a mind's dial by what its words read; gives an event when they leave the band or return.
inline std::optional<event> keep_in_character(thought& t, const keeping& how) noexcept {
  if (t.words.mean().empty() || t.words.n_words() < how.patience) return std::nullopt;
  const double read = how.axis.read(t.words.mean());
  if (!std::isfinite(read)) return std::nullopt;
  const double missing = how.missing(read);
  float& dial = t.dials[how.dial];
  dial = static_cast<float>(std::clamp(static_cast<double>(dial) + how.gain * missing, 0.0, 1.0));
  if ((missing != 0) == t.has_strayed) return std::nullopt;
  t.has_strayed = !t.has_strayed;
  return event{.what = t.has_strayed ? event_kind::strayed : event_kind::returned,
               .read = static_cast<float>(read)};
}

}  // namespace multitudes::npc::detail
