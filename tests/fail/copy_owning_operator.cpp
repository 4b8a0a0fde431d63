// SPDX-License-Identifier: MIT
// expect: storable_operator
#include <multitudes/steering/add.hpp>
#include <multitudes/steering/project_out.hpp>

#include <utility>

using namespace multitudes;

// Keeping the operator would copy the subspace that was moved into it.
auto twice(subspace from, const persona& p) {
  auto owning = steering::project_out(std::move(from));
  const auto push = steering::add(p, steering::in_raw_units(1));
#ifdef MULTITUDES_GOOD
  return std::move(owning) | push;
#else
  return owning | push;
#endif
}
