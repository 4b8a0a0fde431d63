// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/function_ref.hpp>

#include <concepts>
#include <cstddef>

namespace multitudes {

/// One chunk of parallel work: called once for each index, from any thread, never throwing.
using chunk_function = function_ref<void(std::size_t)>;

/// Who runs the work. `run(n, f)` calls `f(0)` to `f(n - 1)`, each exactly once, in any order and
/// on any threads, and returns when all have returned; what they wrote is then visible to the
/// caller. `concurrency()` says how many may run at the same time, at least 1.
///
/// Law:     results may not depend on the order or on the threads; the library's work keeps this.
/// Example: an engine's job system (docs/architecture.md).
template <class E>
concept executor = requires(E& e, std::size_t n, chunk_function f) {
  e.run(n, f);
  { e.concurrency() } -> std::convertible_to<std::size_t>;
};

/// Runs everything on the caller's thread, in order.
struct inline_executor {
  void run(std::size_t n, chunk_function f) const {
    for (std::size_t i = 0; i < n; ++i) f(i);
  }
  [[nodiscard]] static constexpr std::size_t concurrency() noexcept { return 1; }
};

}  // namespace multitudes
