// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>

#include <string>
#include <utility>

namespace multitudes::npc::detail {

inline unexpected<error> bad(const char* operation, std::string place, std::string found,
                             std::string wanted) {
  return fail({.code = errc::invalid_argument,
               .operation = operation,
               .place = std::move(place),
               .found = std::move(found),
               .expected = std::move(wanted),
               .remedy = {}});
}
inline unexpected<error> full(const char* operation, std::string found, std::string wanted,
                              const char* remedy) {
  return fail({.code = errc::out_of_memory,
               .operation = operation,
               .place = {},
               .found = std::move(found),
               .expected = std::move(wanted),
               .remedy = remedy});
}
}  // namespace multitudes::npc::detail
