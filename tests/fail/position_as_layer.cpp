// SPDX-License-Identifier: MIT
// expect: position
#include <multitudes/persona.hpp>

using namespace multitudes;

// A direction has a row for each layer, not for each position.
auto row_of(const direction& d) {
#ifdef MULTITUDES_GOOD
  return d.row(layer_index(2));
#else
  return d.row(position(2));
#endif
}
