// SPDX-License-Identifier: MIT
#include <multitudes/core/residual_hook.hpp>

#include <doctest/doctest.h>

#include <array>
#include <span>

using namespace multitudes;

namespace {

struct adds_one {
  void operator()(row_index, layer_index, std::span<float> h) const {
    for (float& x : h) x += 1.0f;
  }
};
struct not_const {
  void operator()(row_index, layer_index, std::span<float>) {}
};
struct swapped {
  void operator()(layer_index, row_index, std::span<float>) const {}
};

}  // namespace

static_assert(residual_hook<no_hook> && residual_hook<adds_one>);
static_assert(!residual_hook<not_const>, "rows are hooked from several threads");
static_assert(!residual_hook<swapped> && !residual_hook<int>);

TEST_CASE("the empty hook changes nothing") {
  std::array<float, 2> h{1.0f, 2.0f};
  no_hook()(row_index(0), layer_index(0), h);
  CHECK(h == std::array<float, 2>{1.0f, 2.0f});
}
