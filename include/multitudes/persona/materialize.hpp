// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/core/space.hpp>
#include <multitudes/persona/algebra.hpp>
#include <multitudes/persona/direction.hpp>
#include <multitudes/persona/expression.hpp>
#include <multitudes/persona/fault.hpp>
#include <multitudes/persona/persona.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

namespace detail {

/// One layer of a checked expression, into a row of its width.
template <class E>
constexpr fault write_layer(const E& e, layer_index layer, std::span<float> out) noexcept {
  term terms[E::n_leaves + 1] = {};  // one more, because there are no arrays of none
  e.terms({layer, out.size()}, 1.0, terms);
  const std::size_t bad = weighted_sum({terms, E::n_leaves}, out);
  if (bad == all_finite) return {};
  return {.what = fault::kind::result_not_finite, .first = layer.value, .last = bad};
}

/// All layers of a checked expression.
template <class E>
constexpr fault write_layers(const E& e, const activation_space& space,
                             std::span<float> out) noexcept {
  const std::size_t width = space.model_dim;
  for (std::size_t l = 0; l < space.n_layers; ++l) {
    if (const fault f = write_layer(e, layer_index(l), out.subspan(l * width, width))) return f;
  }
  return {};
}

constexpr expected<void> to_expected(const fault& f) {
  if (f) return fail_with(f);
  return {};
}

}  // namespace detail

/// Whether an expression can be evaluated: one space, finite weights, layers that exist. What
/// remains is to find sums that no float can hold.
///
/// Errors:  space_mismatch, non_finite, invalid_argument, shape_mismatch.
/// Cost:    a few comparisons for each operator and leaf; no allocation if all is well.
template <persona_expression E>
[[nodiscard]] constexpr expected<void> validate(const E& e) {
  const activation_space* seen = nullptr;
  return detail::to_expected(e.check(seen));
}

/// The space of an expression; if `validate` finds leaves of several, that of the first.
template <persona_expression E>
  requires has_space<E>
[[nodiscard]] constexpr activation_space space_of(const E& e) noexcept {
  const activation_space* seen = nullptr;
  static_cast<void>(e.check(seen));
  return seen ? *seen : activation_space{};
}

/// The expression's own text, e.g. `0.6*bard + 0.4*chemist`.
template <persona_expression E>
[[nodiscard]] std::string label_of(const E& e) {
  std::string text;
  e.write_label(text, label_context::whole);
  return text;
}

/// The goals of an expression: the weighted set that its operators make of its leaves' goals.
template <persona_expression E>
[[nodiscard]] std::vector<weighted_goal> goals_of(const E& e) {
  std::vector<weighted_goal> goals;
  e.collect_goals(1.0, goals);
  drop_idle_goals(goals);
  return goals;
}

/// Writes one layer of an expression; 0 everywhere for `zero_persona`.
///
/// Shapes:  out (model_dim); it may be that layer's row of a leaf, but not overlap others.
/// Errors:  as `validate`; invalid_argument if there is no such layer; shape_mismatch if out has
///          another size; non_finite, after which out is partly written.
/// Cost:    one pass, one more for each `without` and `blend`; no allocation unless it fails.
template <persona_expression E>
[[nodiscard]] constexpr expected<void> evaluate_layer(const E& e, layer_index layer,
                                                      std::span<float> out) {
  const activation_space* seen = nullptr;
  if (const fault f = e.check(seen)) return detail::fail_with(f);
  if (seen && layer.value >= seen->n_layers) {
    return detail::fail_with(
        {.what = fault::kind::no_such_layer, .left = seen, .first = layer.value});
  }
  if (seen && out.size() != seen->model_dim) {
    return detail::fail_with(
        {.what = fault::kind::wrong_buffer, .first = out.size(), .last = seen->model_dim});
  }
  return detail::to_expected(detail::write_layer(e, layer, out));
}

/// Writes all layers of an expression; 0 everywhere for `zero_persona`.
///
/// Shapes:  out (n_layers, model_dim); it may be a leaf's values, but not overlap others.
/// Errors:  as `validate`; shape_mismatch if out has another size; non_finite, after which out is
///          partly written.
/// Cost:    one pass, one more for each `without` and `blend`; no allocation unless it fails.
template <persona_expression E>
[[nodiscard]] constexpr expected<void> materialize_into(const E& e, std::span<float> out) {
  const activation_space* seen = nullptr;
  if (const fault f = e.check(seen)) return detail::fail_with(f);
  if (!seen) {
    for (float& x : out) x = 0.0f;
    return {};
  }
  const std::size_t size = std::size_t{seen->n_layers} * seen->model_dim;
  if (out.size() != size) {
    return detail::fail_with(
        {.what = fault::kind::wrong_buffer, .first = out.size(), .last = size});
  }
  return detail::to_expected(detail::write_layers(e, *seen, out));
}

/// The persona that an expression describes, under a label of its own.
///
/// Errors:  as `materialize_into`; out_of_memory.
/// Cost:    one pass into the one allocation of the direction; copies the goals.
template <persona_expression E>
  requires has_space<E>
[[nodiscard]] expected<basic_persona<typename E::space_tag>> materialize(const E& e,
                                                                         std::string label) {
  const activation_space* seen = nullptr;
  if (const fault f = e.check(seen)) return detail::fail_with(f);
  auto written = direction::written_by(*seen, [&](std::span<float> out) {
    return detail::to_expected(detail::write_layers(e, *seen, out));
  });
  if (!written) return forward_error(written);
  return basic_persona<typename E::space_tag>::make(std::move(label), std::move(*written),
                                                    goals_of(e));
}

/// The persona that an expression describes; its label is the expression's own text.
template <persona_expression E>
  requires has_space<E>
[[nodiscard]] expected<basic_persona<typename E::space_tag>> materialize(const E& e) {
  return materialize(e, label_of(e));
}

/// Nobody, in a space: for expressions of `zero_persona` alone, which fit any.
template <persona_expression E>
  requires(!has_space<E>)
[[nodiscard]] expected<persona> materialize(const E& e, const activation_space& space) {
  auto zeros =
      direction::written_by(space, [&](std::span<float> out) { return materialize_into(e, out); });
  if (!zeros) return forward_error(zeros);
  return persona::make(label_of(e), std::move(*zeros));
}

}  // namespace multitudes
