// SPDX-License-Identifier: MIT
// expect: deleted
#include <multitudes/persona.hpp>

#include <utility>

using namespace multitudes;

direction_view<> dangling(direction d) {
#ifdef MULTITUDES_GOOD
  const direction& kept = d;
  return view_of(kept);
#else
  return view_of(std::move(d));
#endif
}
