// SPDX-License-Identifier: MIT
// expect: angle
#include <multitudes/steering/rotate.hpp>

using namespace multitudes;

auto turned(const persona& p, const persona& q) {
#ifdef MULTITUDES_GOOD
  return steering::rotate(p, q, steering::in_degrees(30));
#else
  return steering::rotate(p, q, 30.0);
#endif
}
