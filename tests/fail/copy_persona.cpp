// SPDX-License-Identifier: MIT
// expect: deleted
#include <multitudes/persona.hpp>

using namespace multitudes;

persona twin(const persona& p) {
#ifdef MULTITUDES_GOOD
  persona copy = p.clone();
#else
  persona copy = p;
#endif
  return copy;
}
