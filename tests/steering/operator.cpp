// SPDX-License-Identifier: MIT
// Every operator, and every composition of two, against the formulas in double precision.

#include "reference.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <tuple>
#include <type_traits>
#include <vector>

namespace mt = multitudes;
namespace st = multitudes::steering;
using namespace multitudes_test;

namespace {

const st::residual_norms four_norms{small_space, {1.0f, 2.0f, 4.0f, 8.0f}};
constexpr std::uint32_t age = 5;  // tokens under the plan before the one that is looked at

/// What the operators below are made of.
struct cast {
  explicit cast(std::uint64_t seed)
      : p(random_persona(small_space, seed)),
        q(random_persona(small_space, seed + 1)),
        r(random_persona(small_space, seed + 2)),
        u(unit_persona(small_space, seed + 3)),
        v(unit_persona(small_space, seed + 4)),
        w(unit_persona(small_space, seed + 5)),
        plane(*mt::subspace::spanned_by(p, q, r)) {}

  mt::persona p, q, r, u, v, w;
  mt::subspace plane;
};

/// The gate of the reference that is read at layer 1.
struct memory {
  bool met = false;
};

/// An operator and what it must do to `h` at layer `l`.
template <class Op, class Reference>
struct pair_of {
  Op op;
  Reference reference;
};
template <class Op, class Reference>
pair_of(Op, Reference) -> pair_of<Op, Reference>;

auto all_operators(const cast& c) {
  const auto norm = [](std::size_t l) { return static_cast<double>(four_norms.typical[l]); };
  const double faded = std::exp2(-5.0 / 3.0);
  const auto out = [&c](std::size_t l) {
    return orthonormal({row_of(c.p, l), row_of(c.q, l), row_of(c.r, l)});
  };
  return std::tuple(pair_of{st::add(0.1 * c.p + c.q, st::in_norms(0.3f)),
                            [&c, norm](std::size_t l, row& h, memory&) {
                              add_to(h, row_of(c.p, l), 0.03 * norm(l));
                              add_to(h, row_of(c.q, l), 0.3 * norm(l));
                            }},
                    pair_of{st::project_out(c.plane),
                            [out](std::size_t l, row& h, memory&) {
                              for (const row& d : out(l)) add_to(h, d, -inner(h, d));
                            }},
                    pair_of{st::project_out(c.u, st::side::positive),
                            [&c](std::size_t l, row& h, memory&) {
                              const row d = unit_of(row_of(c.u, l));
                              add_to(h, d, -std::max(inner(h, d), 0.0));
                            }},
                    pair_of{st::clamp(c.u, st::in_norms(-0.1f), st::in_norms(0.2f)),
                            [&c, norm](std::size_t l, row& h, memory&) {
                              const row d = unit_of(row_of(c.u, l));
                              const double x = inner(h, d);
                              add_to(h, d, std::clamp(x, -0.1 * norm(l), 0.2 * norm(l)) - x);
                            }},
                    pair_of{st::cap(c.v, st::in_raw_units(-0.5f)),
                            [&c](std::size_t l, row& h, memory&) {
                              const row d = unit_of(row_of(c.v, l));
                              add_to(h, d, std::min(inner(h, d), -0.5) - inner(h, d));
                            }},
                    pair_of{st::rotate(c.v, c.p, st::in_degrees(50)),
                            [&c](std::size_t l, row& h, memory&) {
                              const auto plane = orthonormal({row_of(c.v, l), row_of(c.p, l)});
                              const double x = inner(h, plane[0]);
                              const double y = inner(h, plane[1]);
                              const double a = 50 * std::acos(-1.0) / 180;
                              add_to(h, plane[0], std::cos(a) * x - std::sin(a) * y - x);
                              add_to(h, plane[1], std::sin(a) * x + std::cos(a) * y - y);
                            }},
                    pair_of{st::when(st::above(c.w, st::in_raw_units(0.2f)),
                                     st::add(c.q, st::in_raw_units(0.5f))),
                            [&c](std::size_t l, row& h, memory&) {
                              if (inner(h, unit_of(row_of(c.w, l))) > 0.2)
                                add_to(h, row_of(c.q, l), 0.5);
                            }},
                    pair_of{st::when(st::below(c.v, st::in_norms(0.0f)).at(mt::layer_index(1)),
                                     st::project_out(c.w | mt::only_layers(1, 3))),
                            [&c](std::size_t l, row& h, memory& m) {
                              if (l == 1) m.met = inner(h, unit_of(row_of(c.v, l))) < 0;
                              const row d = unit_of(row_of(c.w, l));
                              if (l >= 1 && m.met) add_to(h, d, -inner(h, d));
                            }},
                    pair_of{st::over_time(st::decay(3), st::project_out(c.v),
                                          st::rotate(c.u, c.w, st::in_radians(1))),
                            [&c, faded](std::size_t l, row& h, memory&) {
                              const row d = unit_of(row_of(c.v, l));
                              add_to(h, d, -faded * inner(h, d));
                              const auto plane = orthonormal({row_of(c.u, l), row_of(c.w, l)});
                              const double x = inner(h, plane[0]);
                              const double y = inner(h, plane[1]);
                              add_to(h, plane[0], std::cos(faded) * x - std::sin(faded) * y - x);
                              add_to(h, plane[1], std::sin(faded) * x + std::cos(faded) * y - y);
                            }});
}

/// Sends rows through all layers, with something new in between, and compares after each.
template <class Reference>
double largest_error(const st::plan& plan, Reference reference, std::uint64_t seed) {
  double largest = 0;
  std::vector<float> h = random_row(small_space.model_dim, seed, 2.0f);
  row wanted(h.begin(), h.end());
  auto state = plan.begin(age);
  memory m[2];
  for (std::size_t l = 0; l < small_space.n_layers; ++l) {
    const std::vector<float> news = random_row(small_space.model_dim, seed + 1000 * (l + 1));
    for (std::size_t i = 0; i < h.size(); ++i) {
      h[i] += news[i];
      wanted[i] = static_cast<double>(h[i]);
    }
    plan.apply(mt::layer_index(l), h, state);
    reference(l, wanted, m);
    for (std::size_t i = 0; i < h.size(); ++i) {
      largest = std::max(largest, std::abs(static_cast<double>(h[i]) - wanted[i]));
    }
  }
  return largest;
}

// Rows have a norm of about 12, and a float of that size an ulp of 1e-6; a gate within rounding of
// its threshold would show as an error of about 1.
constexpr double bound = 2e-5;

}  // namespace

TEST_CASE("every operator does what its formula says") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const cast c(seed * 10);
    std::apply(
        [&](const auto&... each) {
          int which = 0;
          const auto check = [&](const auto& one) {
            CAPTURE(which++);
            CAPTURE(seed);
            const auto plan = st::compile(one.op, four_norms);
            REQUIRE_MESSAGE(plan.has_value(), plan.error().message());
            CHECK(!plan->is_neutral());
            CHECK(largest_error(
                      *plan, [&](std::size_t l, row& h, memory* m) { one.reference(l, h, m[0]); },
                      seed) < bound);
          };
          (check(each), ...);
        },
        all_operators(c));
  }
}

TEST_CASE("two operators act one after the other, whichever they are") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const cast c(seed * 10);
    const auto operators = all_operators(c);
    std::apply(
        [&](const auto&... first) {
          int which_first = 0;
          const auto with_all = [&](const auto& a) {
            ++which_first;
            int which_second = 0;
            const auto check = [&](const auto& b) {
              ++which_second;
              CAPTURE(which_first);
              CAPTURE(which_second);
              const auto plan = st::compile(a.op | b.op, four_norms);
              REQUIRE(plan.has_value());
              CHECK(largest_error(
                        *plan,
                        [&](std::size_t l, row& h, memory* m) {
                          a.reference(l, h, m[0]);
                          b.reference(l, h, m[1]);
                        },
                        seed) < bound);
            };
            std::apply([&](const auto&... second) { (check(second), ...); }, operators);
          };
          (with_all(first), ...);
        },
        operators);
  }
}

TEST_CASE("operators that do not commute act in the order in which they are written") {
  const auto u = unit_persona(small_space, 1);
  const auto push = st::add(u, st::in_raw_units(3.0f));
  const auto remove = st::project_out(u);
  const auto h = random_row(small_space.model_dim, 5);
  const row d = row_of(u, 2);
  CHECK(along(steered(*st::compile(remove | push), 2, h), d) == doctest::Approx(3));
  CHECK(along(steered(*st::compile(push | remove), 2, h), d) == doctest::Approx(0).epsilon(1e-5));
  const auto band = st::clamp(u, st::in_raw_units(-1.0f), st::in_raw_units(1.0f));
  CHECK(along(steered(*st::compile(push | band), 2, h), d) == doctest::Approx(1));
  CHECK(along(steered(*st::compile(band | push), 2, h), d) > 1.9);
  CHECK(st::compile(remove | push)->id() != st::compile(push | remove)->id());
}

TEST_CASE("directions in bf16 do nearly the same, and a single addition exactly the same") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const cast c(seed * 10);
    std::apply(
        [&](const auto&... each) {
          int which = 0;
          const auto check = [&](const auto& one) {
            CAPTURE(which++);
            CAPTURE(seed);
            const auto plan = *st::compile(one.op, four_norms, st::storage::bf16);
            // A turn of 0.1 degrees of directions that a row of norm 12 is projected on.
            CHECK(largest_error(
                      plan, [&](std::size_t l, row& h, memory* m) { one.reference(l, h, m[0]); },
                      seed) < 0.05);
          };
          (check(each), ...);
        },
        all_operators(c));
  }
  const cast c(5);
  const auto push = st::add(c.p, st::in_raw_units(0.3f));
  const auto h = random_row(small_space.model_dim, 5);
  CHECK(st::compile(push, st::storage::bf16)->id() == st::compile(push)->id());
  CHECK(steered(*st::compile(push, st::storage::bf16), 1, h) == steered(*st::compile(push), 1, h));
  const auto out = st::project_out(c.plane);
  const auto packed = *st::compile(out, st::storage::bf16);
  CHECK(packed.id() != st::compile(out)->id());
  const auto once = steered(packed, 1, h);
  const auto twice = steered(packed, 1, once);
  for (std::size_t i = 0; i < h.size(); ++i) CHECK(std::abs(once[i] - twice[i]) < 0.02f);
  const auto one_out = *st::compile(st::project_out(c.u), st::storage::bf16);
  const auto one_once = steered(one_out, 1, h);
  const auto one_twice = steered(one_out, 1, one_once);
  for (std::size_t i = 0; i < h.size(); ++i) CHECK(std::abs(one_once[i] - one_twice[i]) < 1e-6f);
}

TEST_CASE("composition is associative, bit for bit") {
  const cast c(3);
  const auto a = st::project_out(c.plane);
  const auto b = st::add(c.p, st::in_raw_units(0.3f));
  const auto d = st::clamp(c.u, st::in_raw_units(-0.1f), st::in_raw_units(0.1f));
  const auto left = *st::compile((a | b) | d);
  const auto right = *st::compile(a | (b | d));
  CHECK(left.id() == right.id());
  CHECK(left.label() == right.label());
  const auto h = random_row(small_space.model_dim, 5);
  CHECK(steered(left, 1, h) == steered(right, 1, h));
}

TEST_CASE("neighboring additions are one vector, and what cancels is nothing") {
  const cast c(4);
  const auto push = [&](const mt::persona& p, float s) { return st::add(p, st::in_raw_units(s)); };
  const auto folded = *st::compile(push(c.p, 0.3f) | push(c.q, -1.0f) | push(c.p, 0.2f));
  CHECK(folded.at(mt::layer_index(1)).size() == small_space.model_dim);
  CHECK(st::compile(push(c.p, 0.3f) | push(c.p, -0.3f))->is_neutral());
  CHECK(
      st::compile(push(c.p, 0.3f) | push(c.q, 1) | push(c.p, -0.3f) | push(c.q, -1))->is_neutral());
  // Not neighbors: another operator, a gate or an envelope stands between.
  CHECK(!st::compile(push(c.p, 0.3f) | st::project_out(c.u) | push(c.p, -0.3f))->is_neutral());
  CHECK(
      !st::compile(push(c.p, 0.3f) | st::over_time(st::decay(9), push(c.p, -0.3f)))->is_neutral());
  CHECK(!st::compile(push(c.p, 0.3f) |
                     st::when(st::above(c.u, st::in_raw_units(0)), push(c.p, -0.3f)))
             ->is_neutral());
}

TEST_CASE("operators of several models are refused") {
  auto elsewhere = small_space;
  elsewhere.model.value = 8;
  const auto here = unit_persona(small_space, 1);
  const auto there = unit_persona(elsewhere, 1);
  const auto s = st::in_raw_units(1.0f);
  const auto code = [](const auto& op) { return st::compile(op).error().code; };
  CHECK(code(st::add(here, s) | st::add(there, s)) == mt::errc::space_mismatch);
  CHECK(code(st::add(here, s) | st::project_out(there)) == mt::errc::space_mismatch);
  CHECK(code(st::add(here, s) | st::project_out(*mt::subspace::spanned_by(there))) ==
        mt::errc::space_mismatch);
  CHECK(code(st::rotate(here, there, st::in_degrees(10))) == mt::errc::space_mismatch);
  CHECK(code(st::when(st::above(there, s), st::add(here, s))) == mt::errc::space_mismatch);
  const auto row = there.direction().row(mt::layer_index(0));
  const mt::reading_axis axis{"x", elsewhere, mt::layer_index(0), {row.begin(), row.end()}, 0, 1};
  CHECK(code(st::add(here, s) | st::cap(axis, 1.0)) == mt::errc::space_mismatch);
}

TEST_CASE("a layer has room for a number of directions, and no more") {
  std::vector<mt::persona> many;
  for (std::uint64_t i = 0; i < 36; ++i) many.push_back(random_persona(small_space, i));
  const auto wide = *mt::subspace::spanned_by(std::span<const mt::persona>(many));
  CHECK(st::compile(st::project_out(wide)).has_value());
  std::vector<mt::persona> others;
  for (std::uint64_t i = 0; i < 36; ++i) others.push_back(random_persona(small_space, 100 + i));
  const auto other = *mt::subspace::spanned_by(std::span<const mt::persona>(others));
  const auto refused = st::compile(st::project_out(wide) | st::project_out(other));
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::invalid_argument);
}

TEST_CASE("what has no direction and what cannot be copied are told apart when compiling") {
  const auto u = unit_persona(small_space, 1);
  auto owning = st::add(unit_persona(small_space, 2), st::in_raw_units(1.0f));
  using owning_type = decltype(owning);
  CHECK(st::storable_operator<owning_type>);    // moved along
  CHECK(!st::storable_operator<owning_type&>);  // would copy the persona
  CHECK(st::compile(std::move(owning) | st::project_out(u)).has_value());
  CHECK(st::steering_operator<decltype(st::project_out(u))>);
  CHECK(!st::steering_operator<mt::persona>);
  CHECK(!st::steering_operator<int>);
  CHECK(st::axis_argument<mt::persona&>);
  CHECK(st::axis_argument<mt::reading_axis&>);
  CHECK(!st::axis_argument<mt::subspace&>);
}
