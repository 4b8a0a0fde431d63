// SPDX-License-Identifier: MIT
// expect: has_space
#include <multitudes/persona.hpp>

using namespace multitudes;

// The zero persona fits any space, so it must be told which.
auto nobody(const activation_space& space) {
#ifdef MULTITUDES_GOOD
  return materialize(zero_persona, space);
#else
  static_cast<void>(space);
  return materialize(zero_persona);
#endif
}
