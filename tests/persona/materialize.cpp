// SPDX-License-Identifier: MIT
#include "../support/allocation_counter.hpp"
#include "helpers.hpp"

#include <doctest/doctest.h>

using namespace multitudes;
using namespace multitudes_test;

namespace {

struct story_space {
  static constexpr activation_space value{.model = {1}, .n_layers = 2, .model_dim = 2};
};

std::string failure_of(const expected<void>& result) {
  return result ? "" : result.error().message();
}

}  // namespace

TEST_CASE("a hybrid becomes a persona") {
  const activation_space space = space_of_shape(1, 2);
  const persona bard = persona_of(space, "bard", {1, 2}), chemist = persona_of(space, "c", {4, 8});
  const auto hybrid = materialize(0.5f * bard + 0.25f * chemist);
  REQUIRE(hybrid);
  CHECK(hybrid->label() == "0.5*bard + 0.25*c");
  CHECK(hybrid->space() == space);
  CHECK(hybrid->values()[0] == 1.5f);
  CHECK(hybrid->values()[1] == 3.0f);
  CHECK(hybrid->units().empty());
  const auto named = materialize(bard + chemist, "alchemist");
  REQUIRE(named);
  CHECK(named->label() == "alchemist");
  const auto again = materialize(2 * *hybrid);
  REQUIRE(again);
  CHECK(again->values()[1] == 6.0f);
}

TEST_CASE("evaluating into a buffer allocates nothing") {
  const activation_space space = space_of_shape(3, 100);
  std::vector<float> values(300), out(300);
  philox random(80);
  for (float& x : values) x = random.normal();
  const persona p = persona_of(space, "a label too long for the small string buffer", values,
                               {{{"gold", "to be rich beyond all measure", {}}, 1.0}});
  for (float& x : values) x = random.normal();
  const persona q = persona_of(space, "another label too long for the buffer", values);
  const auto e = blend(0.5f * p + q, (p - 0.1 * q) | without(p), 0.3) | only_layers(0, 1);

  const allocation_counter counter;
  const bool valid = validate(e).has_value();
  const bool all = materialize_into(e, out).has_value();
  const bool built = materialize_into((0.3 * p + 0.7 * q) | without(q), out).has_value();
  const bool one = evaluate_layer(e, layer_index(1), std::span(out).first(100)).has_value();
  const std::size_t used = counter.allocations();
  CHECK(valid);
  CHECK(all);
  CHECK(built);
  CHECK(one);
  CHECK(used == 0);

  // The counter counts: an error has sentences in it.
  const allocation_counter again;
  const bool refused = !materialize_into(e, std::span(out).first(1));
  CHECK(refused);
  CHECK(again.allocations() > 0);
}

TEST_CASE("materialize allocates the direction once") {
  const activation_space space = space_of_shape(2, 2);
  const persona p = persona_of(space, "p", {1, 2, 3, 4}), q = persona_of(space, "q", {1, 2, 3, 4});
  const allocation_counter counter;
  const auto sum = materialize(p + q);  // the label fits into the string itself
  const std::size_t used = counter.allocations();
  REQUIRE(sum);
  CHECK(used == 1);
}

TEST_CASE("evaluating layer by layer gives the bits of evaluating at once") {
  case_of_law c(81, 0, values_of::ordinary);
  const persona p = c.next("p"), q = c.next("q");
  const auto e = blend(p, q, 0.3f) - 0.2f * p;
  const auto whole = values_in(e);
  const std::size_t width = c.space().model_dim;
  std::vector<float> parts(3 * width);
  for (const std::size_t l : {2u, 0u, 1u}) {
    REQUIRE(evaluate_layer(e, layer_index(l), std::span(parts).subspan(l * width, width)));
  }
  CHECK(same_bits(parts, whole));
}

TEST_CASE("an expression may be evaluated over one of its own leaves") {
  static constexpr activation_space space = story_space::value;
  std::vector<float> values{1, 2, 3, 4};
  const direction_view<> p(space, values, "p");
  const persona q = persona_of(space, "q", {1, 1, 1, 1});
  REQUIRE(materialize_into(2 * p + q, values));
  CHECK(values == std::vector<float>{3, 5, 7, 9});
}

TEST_CASE("weights and sums that are not finite are refused") {
  const activation_space space = space_of_shape(2, 2);
  const persona p = persona_of(space, "p", {1, 2, 3e38f, 4});
  std::vector<float> out(4);
  CHECK(failure_of(validate(std::nanf("") * p)) ==
        "compose: weight: found nan, expected a finite number");
  CHECK_FALSE(validate(p + std::numeric_limits<double>::infinity() * p));
  CHECK_FALSE(validate(p / 0));
  CHECK(validate(p + p));
  CHECK(failure_of(materialize_into(p + p, out)) ==
        "materialize: layer 1, element 0: found NaN or a number that no float can hold, expected "
        "finite values; use smaller weights");
  CHECK(materialize_into(p + p - p, out));
  CHECK(out[2] == 3e38f);
  const auto sum = materialize(1e300 * (1e300 * p));
  REQUIRE(!sum);
  CHECK(sum.error().code == errc::non_finite);
  const std::vector<float> nan{1, std::nanf(""), 1, 1};
  CHECK_FALSE(materialize_into(direction_view(space, nan, "v") + p, out));
  CHECK_FALSE(materialize_into(p | without(direction_view(space, nan, "v")), out));
  CHECK_FALSE(materialize_into(blend(p, direction_view(space, nan, "v"), 0.5), out));
}

TEST_CASE("buffers and layers that do not fit are refused") {
  const persona p = persona_of(space_of_shape(2, 2), "p", {1, 2, 3, 4});
  std::vector<float> out(4);
  CHECK(failure_of(materialize_into(p, std::span(out).first(3))) ==
        "evaluate: output: found room for 3 values, expected 4");
  CHECK(failure_of(evaluate_layer(p, layer_index(0), out)) ==
        "evaluate: output: found room for 4 values, expected 2");
  CHECK(failure_of(evaluate_layer(p, layer_index(2), std::span(out).first(2))) ==
        "evaluate: residual_stream(model 0000000000000001, 2 layers, width 2): found layer 2, "
        "expected a layer below 2");
  const std::vector<float> few(3);
  const auto wrong = materialize_into(direction_view(p.space(), few, "few"), out);
  REQUIRE(!wrong);
  CHECK(wrong.error().code == errc::shape_mismatch);
}

TEST_CASE("the zero persona is zero in any space") {
  std::vector<float> out(4, 1.0f);
  REQUIRE(materialize_into(zero_persona + zero_persona, out));
  CHECK(out == std::vector<float>(4, 0.0f));
  out.assign(4, 1.0f);
  REQUIRE(evaluate_layer(2 * zero_persona, layer_index(7), out));
  CHECK(out == std::vector<float>(4, 0.0f));
  const auto nobody = materialize(zero_persona, space_of_shape(2, 2));
  REQUIRE(nobody);
  CHECK(nobody->direction().is_zero());
  CHECK(nobody->label() == "zero_persona");
  CHECK_FALSE(normalized(nobody->direction()));
  const auto huge = materialize(zero_persona, space_of_shape(0xFFFFFFFF, 0xFFFFFFFF));
  REQUIRE(!huge);
  CHECK(huge.error().code == errc::out_of_memory);
}

TEST_CASE("a hybrid of many evaluates like a loop") {
  const activation_space space = space_of_shape(1, 3);
  const persona p = persona_of(space, "p", {1, 2, 3});
  auto sum = p + p + p + p + p + p + p + p + p + p + p + p;
  static_assert(decltype(sum)::n_leaves == 12);
  CHECK(values_in(sum) == std::vector<float>{12, 24, 36});
}
