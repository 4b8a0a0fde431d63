// SPDX-License-Identifier: MIT
// expect: position
#include <multitudes/steering/when.hpp>

using namespace multitudes;

// A condition is read at a layer; when it is in force is the attachment's business.
auto condition(const persona& p) {
#ifdef MULTITUDES_GOOD
  return steering::above(p, steering::in_raw_units(0)).at(layer_index(3));
#else
  return steering::above(p, steering::in_raw_units(0)).at(position(3));
#endif
}
