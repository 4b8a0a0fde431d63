// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/persona/algebra.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

/// `of` with the direction of `removed` projected out.
template <class E, class Q>
class without_expression {
 public:
  using space_tag = detail::common_space_t<E, Q>;
  static constexpr std::size_t n_leaves = E::n_leaves + Q::n_leaves;

  template <class A, class B>
  constexpr without_expression(A&& of, B&& removed)
      : of_(std::forward<A>(of)), removed_(std::forward<B>(removed)) {}

  constexpr fault check(const activation_space*& seen) const noexcept {
    if (const fault f = of_.check(seen)) return f;
    return removed_.check(seen);
  }
  constexpr void terms(row_at at, double weight, term* out) const noexcept {
    if constexpr (Q::n_leaves == 0) {
      of_.terms(at, weight, out);
    } else {
      term* const removed = out + E::n_leaves;
      of_.terms(at, 1.0, out);
      removed_.terms(at, 1.0, removed);
      double share = 0.0;
      if (weight != 0.0) {
        const auto products = detail::inner({out, E::n_leaves}, {removed, Q::n_leaves}, at.width);
        // A direction without length points nowhere, so there is nothing to remove.
        share = products.right_right == 0.0 ? 0.0 : products.left_right / products.right_right;
      }
      for (std::size_t i = 0; i < E::n_leaves; ++i) out[i].coefficient *= weight;
      for (std::size_t i = 0; i < Q::n_leaves; ++i) removed[i].coefficient *= -share * weight;
    }
  }
  void write_label(std::string& out, label_context context) const {
    const bool grouped = context != label_context::whole && context != label_context::piped;
    detail::write_grouped(out, grouped, [&] {
      of_.write_label(out, label_context::piped);
      out += " | without(";
      removed_.write_label(out, label_context::whole);
      out += ")";
    });
  }
  void collect_goals(double weight, std::vector<weighted_goal>& out) const {
    std::vector<weighted_goal> kept, dropped;
    of_.collect_goals(weight, kept);
    removed_.collect_goals(1.0, dropped);
    for (const weighted_goal& g : kept) {
      bool pursued = false;
      for (const weighted_goal& d : dropped) {
        pursued = pursued || (d.weight > 0.0 && d.goal.label == g.goal.label);
      }
      if (!pursued) add_goal(out, g.goal, g.weight);
    }
  }

 private:
  E of_;
  Q removed_;
};

template <class Q>
class without_adaptor {
 public:
  using operand = Q;

  template <class A>
    requires std::constructible_from<Q, A>
  constexpr explicit without_adaptor(std::in_place_t, A&& removed)
      : removed_(std::forward<A>(removed)) {}
  template <class E, class A>
  constexpr auto adapt(A&& of) const& {
    return without_expression<E, Q>(std::forward<A>(of), removed_);
  }
  template <class E, class A>
  constexpr auto adapt(A&& of) && {
    return without_expression<E, Q>(std::forward<A>(of), std::move(removed_));
  }

 private:
  Q removed_;
};

/// `p | without(q)`: in every layer, p minus its projection on q; the goals that q pursues are
/// dropped. Where q is zero, p stays as it is.
///
/// Laws:    the result is orthogonal to q: |cos| < 2^-23 * |p| / |result|; a second time changes
///          it by less than 2^-23 * |p|; both where floats are not subnormal.
///          p | without(zero_persona) is p, bit for bit.
/// Cost:    one more pass over the rows of p and q.
template <class Q>
  requires persona_expression<Q> && storable<Q>
[[nodiscard]] constexpr auto without(Q&& removed) {
  return without_adaptor<detail::operand_t<Q>>(std::in_place, std::forward<Q>(removed));
}

}  // namespace multitudes
