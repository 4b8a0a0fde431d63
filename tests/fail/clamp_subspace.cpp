// SPDX-License-Identifier: MIT
// expect: axis_
#include <multitudes/persona/subspace.hpp>
#include <multitudes/steering/clamp.hpp>

using namespace multitudes;

// A band is a range of projections on one direction.
auto capped(const persona& p, const subspace& several) {
#ifdef MULTITUDES_GOOD
  static_cast<void>(several);
  return steering::cap(p, steering::in_norms(0.1f));
#else
  static_cast<void>(p);
  return steering::cap(several, steering::in_norms(0.1f));
#endif
}
