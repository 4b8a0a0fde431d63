// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/index.hpp>
#include <multitudes/core/space.hpp>
#include <multitudes/persona/fault.hpp>
#include <multitudes/persona/goal.hpp>
#include <multitudes/persona/label.hpp>
#include <multitudes/persona/space_tag.hpp>
#include <multitudes/persona/weighted_sum.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

namespace multitudes {

/// Which row of a space the terms are for, and how wide it is.
struct row_at {
  layer_index layer;
  std::size_t width = 0;
};

/// Knows how much of each leaf it takes in a layer: fills n_leaves terms, times a weight.
template <class E>
concept has_strength =
    requires(const E& e, row_at at, double weight, term* out, const activation_space*& seen) {
      { E::n_leaves } -> std::convertible_to<std::size_t>;
      { e.terms(at, weight, out) } -> std::same_as<void>;
      { e.check(seen) } -> std::same_as<fault>;
    };

/// Can write its own text.
template <class E>
concept has_label =
    requires(const E& e, std::string& out, label_context context) { e.write_label(out, context); };

/// Can add its goals, times a weight, to a set.
template <class E>
concept has_goals = requires(const E& e, double weight, std::vector<weighted_goal>& out) {
  e.collect_goals(weight, out);
};

/// A persona, or what the operators of the algebra make of personas.
///
/// Syntax:  space_tag; n_leaves; check(seen); terms(at, weight, out); write_label(out, context);
///          collect_goals(weight, out).
/// Laws:    terms(at, a * w, out) gives the rows of terms(at, w, out) and `a` times its
///          coefficients; terms may be called only after check found no fault.
template <class E>
concept persona_expression = has_space_tag<E> && has_strength<std::remove_cvref_t<E>> &&
                             has_label<std::remove_cvref_t<E>> && has_goals<std::remove_cvref_t<E>>;

/// May meet in one expression. `+` is then associative, and its zero is `zero_persona`.
template <class A, class B>
concept composable_with = persona_expression<A> && persona_expression<B> && same_space<A, B>;

/// A number that can multiply a persona; bool and char are none.
template <class W>
concept scalar_weight =
    std::floating_point<std::remove_cvref_t<W>> ||
    (std::integral<std::remove_cvref_t<W>> && sizeof(std::remove_cvref_t<W>) > 1);

/// What leaves of expressions share; Derived offers space(), values(), label() and goals().
template <class Derived>
class leaf {
 public:
  static constexpr std::size_t n_leaves = 1;

  [[nodiscard]] constexpr fault check(const activation_space*& seen) const noexcept {
    const activation_space& own = self().space();
    const std::size_t wanted = std::size_t{own.n_layers} * own.model_dim;
    if (self().values().size() != wanted) {
      return {.what = fault::kind::wrong_size, .left = &own, .first = self().values().size()};
    }
    if (seen && !(*seen == own)) {
      return {.what = fault::kind::spaces_differ, .left = seen, .right = &own};
    }
    seen = &own;
    return {};
  }
  constexpr void terms(row_at at, double weight, term* out) const noexcept {
    *out = {weight, self().values().data() + at.layer.value * at.width};
  }
  void write_label(std::string& out, label_context context) const {
    detail::write_name(out, self().label(), context);
  }
  void collect_goals(double weight, std::vector<weighted_goal>& out) const {
    for (const weighted_goal& g : self().goals()) add_goal(out, g.goal, weight * g.weight);
  }

 private:
  constexpr const Derived& self() const noexcept { return static_cast<const Derived&>(*this); }
};

namespace detail {

/// A persona that somebody else keeps alive, as an expression.
template <class P>
class borrowed {
 public:
  using space_tag = typename P::space_tag;
  static constexpr std::size_t n_leaves = P::n_leaves;

  constexpr borrowed(const P& p) noexcept : p_(&p) {}

  constexpr fault check(const activation_space*& seen) const noexcept { return p_->check(seen); }
  constexpr void terms(row_at at, double weight, term* out) const noexcept {
    p_->terms(at, weight, out);
  }
  void write_label(std::string& out, label_context context) const { p_->write_label(out, context); }
  void collect_goals(double weight, std::vector<weighted_goal>& out) const {
    p_->collect_goals(weight, out);
  }

 private:
  const P* p_;
};

template <class E>
concept owns_values = requires { requires std::remove_cvref_t<E>::owns_values; };

template <class E>
struct operand {
  using type = std::remove_cvref_t<E>;
};
template <class E>
  requires(std::is_lvalue_reference_v<E> && owns_values<E>)
struct operand<E> {
  using type = borrowed<std::remove_cvref_t<E>>;
};

/// How an expression keeps what it was made of: lvalue personas by reference (they must outlive
/// it), rvalue personas moved in, views and expressions by value.
template <class E>
using operand_t = typename operand<E>::type;

}  // namespace detail

/// Can be kept by an expression. An lvalue expression that has a persona moved into it cannot,
/// because keeping it would copy the persona: move it.
template <class E>
concept storable = std::constructible_from<detail::operand_t<E>, E>;

}  // namespace multitudes
