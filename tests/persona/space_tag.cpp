// SPDX-License-Identifier: MIT
#include "helpers.hpp"

#include <doctest/doctest.h>

using namespace multitudes;
using namespace multitudes_test;

namespace {

struct story_space {
  static constexpr activation_space value{.model = {1}, .n_layers = 1, .model_dim = 2};
};
struct other_space {
  static constexpr activation_space value{.model = {2}, .n_layers = 1, .model_dim = 2};
};
struct no_space {
  static constexpr int value = 3;
};
struct mutable_space {
  [[maybe_unused]] static inline activation_space value{};
};

using story_persona = basic_persona<story_space>;
using other_persona = basic_persona<other_space>;

static_assert(static_space<story_space>);
static_assert(!static_space<no_space>);
static_assert(!static_space<mutable_space>);
static_assert(!static_space<dynamic_space>);
static_assert(activation_space_tag<any_space>);
static_assert(!activation_space_tag<int>);

static_assert(has_space<persona>);
static_assert(has_space<const story_persona&>);
static_assert(has_space_tag<zero_expression>);
static_assert(!has_space<zero_expression>);
static_assert(!has_space_tag<int>);

static_assert(same_space<story_persona, story_persona>);
static_assert(same_space<story_persona, persona>);
static_assert(same_space<zero_expression, story_persona>);
static_assert(same_space<zero_expression, zero_expression>);
static_assert(!same_space<story_persona, other_persona>);
static_assert(!same_space<story_persona, float>);

story_persona story_of(std::string label, const std::vector<float>& values) {
  return std::move(
      *story_persona::make(std::move(label), *direction::make(story_space::value, values)));
}

}  // namespace

TEST_CASE("personas of one static space compose and stay in it") {
  const story_persona p = story_of("p", {1, 2}), q = story_of("q", {3, 4});
  const auto sum = materialize(p + q);
  static_assert(std::is_same_v<decltype(sum), const expected<story_persona>>);
  REQUIRE(sum);
  CHECK(sum->space() == story_space::value);
  CHECK(sum->values()[1] == 6.0f);
}

TEST_CASE("static meets dynamic: checked at run time, and the static space stays") {
  const story_persona p = story_of("p", {1, 2});
  const persona same = persona_of(story_space::value, "same", {1, 1});
  const persona other = persona_of(other_space::value, "other", {1, 1});
  const auto sum = materialize(same + p);
  static_assert(std::is_same_v<decltype(sum), const expected<story_persona>>);
  CHECK(sum);
  const auto wrong = materialize(other + p);
  REQUIRE(!wrong);
  CHECK(wrong.error().code == errc::space_mismatch);
}

TEST_CASE("dynamic spaces that differ are named in the error") {
  const persona p = persona_of(space_of_shape(5, 1), "p", {1, 2, 3, 4, 5});
  const persona q = persona_of(space_of_shape(5, 1, 2), "q", {1, 2, 3, 4, 5});
  const auto sum = materialize(0.5f * p + q);
  REQUIRE(!sum);
  CHECK(sum.error().code == errc::space_mismatch);
  CHECK(sum.error().message() ==
        "compose: spaces differ: left is residual_stream(model 0000000000000001, 5 layers, width "
        "1), right is residual_stream(model 0000000000000002, 5 layers, width 1); use rebase()");
  CHECK_FALSE(validate(p | without(q)));
  CHECK_FALSE(validate(blend(q, p, 0.5)));
  CHECK_FALSE(validate(q - (zero_persona + p)));
}

TEST_CASE("a direction of another space cannot become a persona of a static one") {
  const auto p =
      story_persona::make("p", *direction::make(other_space::value, std::vector<float>{1, 2}));
  REQUIRE(!p);
  CHECK(p.error().code == errc::space_mismatch);
}
