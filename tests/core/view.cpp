// SPDX-License-Identifier: MIT
#include <multitudes/core/view.hpp>

#include <doctest/doctest.h>

#include <array>
#include <numeric>
#include <type_traits>

using namespace multitudes;

namespace {

constexpr float corner() {
  std::array<float, 6> data{0, 1, 2, 3, 4, 5};
  return matrix_view<float>(data.data(), 2, 3).row(1)[2];
}

}  // namespace

static_assert(corner() == 5.0f);
static_assert(std::is_convertible_v<matrix_view<float>, matrix_view<const float>>);
static_assert(!std::is_convertible_v<matrix_view<const float>, matrix_view<float>>);

TEST_CASE("rows lie a stride apart") {
  std::array<int, 20> data{};
  std::iota(data.begin(), data.end(), 0);
  const matrix_view<int> view(data.data(), 4, 3, 5);
  CHECK(view.rows() == 4);
  CHECK(view.cols() == 3);
  CHECK(view.stride() == 5);
  CHECK(view.row(0).size() == 3);
  CHECK(view.row(2)[0] == 10);
  CHECK(view.row(3)[2] == 17);
}

TEST_CASE("without a stride the rows are packed") {
  std::array<int, 6> data{};
  CHECK(matrix_view<int>(data.data(), 2, 3).stride() == 3);
}

TEST_CASE("parts of a view are the same memory") {
  std::array<int, 20> data{};
  const matrix_view<int> view(data.data(), 4, 5);
  const matrix_view<int> middle = view.rows(1, 2).cols(2, 2);
  CHECK(middle.rows() == 2);
  CHECK(middle.cols() == 2);
  CHECK(middle.stride() == 5);
  middle.row(1)[1] = 9;
  CHECK(data[2 * 5 + 3] == 9);
  const matrix_view<const int> read_only = middle;
  CHECK(read_only.row(1)[1] == 9);
  CHECK(read_only.data() == data.data() + 7);
}

TEST_CASE("a default view is empty") {
  const matrix_view<float> view;
  CHECK(view.data() == nullptr);
  CHECK(view.rows() == 0);
  CHECK(view.cols() == 0);
}
