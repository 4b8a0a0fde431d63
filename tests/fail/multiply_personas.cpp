// SPDX-License-Identifier: MIT
// expect: scalable_by
#include <multitudes/persona.hpp>

using namespace multitudes;

auto product(const persona& p, const persona& q) {
#ifdef MULTITUDES_GOOD
  return label_of(p + q);
#else
  return label_of(p * q);
#endif
}
