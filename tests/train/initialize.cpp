// SPDX-License-Identifier: MIT
#include "helpers.hpp"

#include <multitudes/train/initialize.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

namespace mt = multitudes;
using mt::model::parameters;

TEST_CASE_TEMPLATE("first weights have the stated spread, norms are 1", T, float, double) {
  auto shape = multitudes_test::small_shape(400);
  shape.n_layers = 8;
  shape.model_dim = 64;
  shape.ffn_dim = 128;
  auto p = *parameters<T>::make(shape, false);
  mt::train::initialize(p, 1);
  for (const auto& tensor : p.tensors()) {
    CAPTURE(tensor.name);
    const auto values = p.values().subspan(tensor.first, tensor.size());
    if (!tensor.is_matrix) {
      CHECK(std::ranges::all_of(values, [](T x) { return x == 1; }));
      continue;
    }
    double sum = 0, squares = 0;
    for (const T x : values) {
      sum += static_cast<double>(x);
      squares += static_cast<double>(x) * static_cast<double>(x);
    }
    const double n = static_cast<double>(values.size());
    const bool is_small = tensor.name.find("attn_output") != std::string::npos ||
                          tensor.name.find("ffn_down") != std::string::npos;
    const double deviation = is_small ? 0.02 / 4 : 0.02;
    // Five standard errors.
    CHECK(std::abs(sum / n) < 5 * deviation / std::sqrt(n));
    CHECK(std::abs(std::sqrt(squares / n) / deviation - 1) < 5 / std::sqrt(2 * n));
  }
}

TEST_CASE("the same seed gives the same weights, another seed others, and tensors differ") {
  const auto a = multitudes_test::small_model(12, 4);
  const auto b = multitudes_test::small_model(12, 4);
  const auto c = multitudes_test::small_model(12, 5);
  CHECK(std::ranges::equal(a.values(), b.values()));
  CHECK(!std::ranges::equal(a.values(), c.values()));
  CHECK(!std::ranges::equal(a.layer(0).key.row(0), a.layer(0).value.row(0)));
  // Single and double precision begin alike.
  auto d = *parameters<double>::make(a.shape(), false);
  mt::train::initialize(d, 4);
  for (std::size_t i = 0; i < d.values().size(); ++i) {
    CHECK(static_cast<float>(d.values()[i]) == a.values()[i]);
  }
}
