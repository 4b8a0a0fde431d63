// SPDX-License-Identifier: MIT
// expect: storable
#include <multitudes/persona.hpp>

#include <utility>

using namespace multitudes;

// The expression owns the persona that was moved into it; a second one would have to copy it.
auto longer(persona p, const persona& q) {
  auto owning = 2.0f * std::move(p);
#ifdef MULTITUDES_GOOD
  return std::move(owning) + q;
#else
  return owning + q;
#endif
}
