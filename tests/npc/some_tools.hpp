// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/npc/tools.hpp>

#include <doctest/doctest.h>

#include <utility>

namespace multitudes_test {

namespace npc = multitudes::npc;

inline npc::tool open_door() {
  return {"open_door", "opens a door", R"({"type": "object", "required": ["door"],
          "properties": {"door": {"enum": ["north", "south"]}}})"};
}
inline npc::tool give() {
  return {"give", "gives something to somebody",
          R"({"type": "object", "required": ["item", "to", "count"],
              "properties": {"item": {"type": "string", "maxLength": 6},
                             "to": {"type": "string", "maxLength": 4},
                             "count": {"type": "integer"}, "free": {"type": "boolean"}}})"};
}
/// Lists, objects and a reference, which must not be mistaken for another tool's.
inline npc::tool plan() {
  return {"plan", "sets out", R"({"type": "object", "required": ["path"],
          "$defs": {"step": {"type": "object", "properties": {"x": {"type": "number"}}}},
          "properties": {"path": {"type": "array", "maxItems": 2,
                                  "items": {"$ref": "#/$defs/step"}}}})"};
}
inline npc::tool wait() { return {"wait", "does nothing"}; }

inline npc::toolbox all_tools() {
  auto made = npc::toolbox::make({open_door(), give(), plan(), wait()});
  REQUIRE_MESSAGE(made.has_value(), made.error().message());
  return *std::move(made);
}

}  // namespace multitudes_test
