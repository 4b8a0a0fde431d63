// SPDX-License-Identifier: MIT
// expect: (strength|clamp)
#include <multitudes/steering/clamp.hpp>

using namespace multitudes;

// A bare number does not say whether it is in residual norms or in the direction's own units.
auto band(const persona& p) {
#ifdef MULTITUDES_GOOD
  return steering::clamp(p, steering::in_norms(-0.1f), steering::in_norms(0.1f));
#else
  return steering::clamp(p, -0.1f, 0.1f);
#endif
}
