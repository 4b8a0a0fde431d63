// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/generate/session.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace multitudes {

/// Continues one text under a plan: a session for those who need it only once.
///
/// Errors:  those of session::make, steer, read and write.
/// Cost:    makes and drops a session; keep a session for more than one text.
/// Example: examples/smallest.cpp
template <executor E>
expected<std::string> speak(language_model lm, steering::plan under, std::string_view prompt,
                            std::size_t max_tokens, E& workers, session_options options = {}) {
  auto s = session<E>::make(std::move(lm), options, workers);
  if (!s) return forward_error(s);
  if (auto ok = s->steer(std::move(under), memory::keep); !ok) return forward_error(ok);
  if (auto ok = s->read(prompt); !ok) return forward_error(ok);
  return s->write(max_tokens);
}

}  // namespace multitudes
