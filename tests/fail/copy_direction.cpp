// SPDX-License-Identifier: MIT
// expect: deleted
#include <multitudes/persona.hpp>

using namespace multitudes;

// A copy costs as much as the direction is large, so it has a name.
direction twin(const direction& d) {
#ifdef MULTITUDES_GOOD
  return d.clone();
#else
  return d;
#endif
}
