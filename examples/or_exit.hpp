// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>

#include <cstdio>
#include <cstdlib>
#include <type_traits>
#include <utility>

/// How the example programs fail: a sentence on standard error and status 1.
namespace example {

[[noreturn]] inline void give_up(const multitudes::error& e) {
  std::fprintf(stderr, "%s\n", e.message().c_str());
  std::exit(1);
}

/// The value, or the end of the program.
template <class T>
T or_exit(multitudes::expected<T>&& result) {
  if (!result) give_up(result.error());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace example
