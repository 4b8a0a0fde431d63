// SPDX-License-Identifier: MIT
#include <multitudes/core/space.hpp>

#include <doctest/doctest.h>

using namespace multitudes;

TEST_CASE("a space says what it is") {
  const activation_space space{.model = {0x0123456789abcdef}, .n_layers = 5, .model_dim = 64};
  CHECK(to_string(space) == "residual_stream(model 0123456789abcdef, 5 layers, width 64)");
}

TEST_CASE("spaces are equal if model, hook point and sizes are") {
  const activation_space space{.model = {1}, .n_layers = 5, .model_dim = 64};
  activation_space other = space;
  CHECK(other == space);
  other.model = {2};
  CHECK(other != space);
  other = space;
  other.n_layers = 6;
  CHECK(other != space);
  other = space;
  other.model_dim = 65;
  CHECK(other != space);
}

TEST_CASE("a hook point has a name") {
  CHECK(name(hook_point::residual_stream) == "residual_stream");
  CHECK(name(static_cast<hook_point>(200)) == "unknown");
}
