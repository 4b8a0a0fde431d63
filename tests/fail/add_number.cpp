// SPDX-License-Identifier: MIT
// expect: composable_with
#include <multitudes/persona.hpp>

using namespace multitudes;

auto shifted(const persona& p) {
#ifdef MULTITUDES_GOOD
  return label_of(1.0f * p);
#else
  return label_of(p + 1.0f);
#endif
}
