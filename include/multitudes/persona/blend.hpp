// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/persona/algebra.hpp>

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

namespace detail {

struct two_weights {
  double from = 0.0;
  double to = 0.0;
};

/// What to take of two vectors with these inner products, a fraction t on the way between them.
inline two_weights slerp(const inner_products& x, double t) noexcept {
  if (t == 0.0) return {1.0, 0.0};
  if (t == 1.0) return {0.0, 1.0};
  const double from = std::sqrt(x.left_left);
  const double to = std::sqrt(x.right_right);
  if (from == 0.0 || to == 0.0) return {1.0 - t, t};
  const double ratio = x.left_right / from / to;
  const double angle = std::acos(ratio > 1.0 ? 1.0 : ratio < -1.0 ? -1.0 : ratio);
  const double sine = std::sin(angle);
  // Below this angle a straight line loses less than 2^-29 of the norm; near opposite vectors
  // there is no shortest arc, and the line through zero is the one choice that is symmetric.
  if (sine < 1e-4) return {1.0 - t, t};
  // Rounding each product keeps compilers from fusing one of them into the addition.
  const double norm = rounded_to<52>((1.0 - t) * from) + rounded_to<52>(t * to);
  return {norm * std::sin((1.0 - t) * angle) / (sine * from),
          norm * std::sin(t * angle) / (sine * to)};
}

}  // namespace detail

/// A fraction t on the arc from p to q.
template <class P, class Q>
class blend_expression {
 public:
  using space_tag = detail::common_space_t<P, Q>;
  static constexpr std::size_t n_leaves = P::n_leaves + Q::n_leaves;

  template <class A, class B>
  constexpr blend_expression(A&& p, B&& q, double t)
      : p_(std::forward<A>(p)), q_(std::forward<B>(q)), t_(t) {}

  constexpr fault check(const activation_space*& seen) const noexcept {
    if (!detail::is_finite(t_)) return {.what = fault::kind::weight_not_finite, .number = t_};
    if (t_ < 0.0 || t_ > 1.0) return {.what = fault::kind::fraction_outside, .number = t_};
    if (const fault f = p_.check(seen)) return f;
    return q_.check(seen);
  }
  void terms(row_at at, double weight, term* out) const noexcept {
    term* const q = out + P::n_leaves;
    p_.terms(at, 1.0, out);
    q_.terms(at, 1.0, q);
    detail::two_weights take;
    if (weight != 0.0) {
      take = detail::slerp(detail::inner({out, P::n_leaves}, {q, Q::n_leaves}, at.width), t_);
    }
    for (std::size_t i = 0; i < P::n_leaves; ++i) out[i].coefficient *= take.from * weight;
    for (std::size_t i = 0; i < Q::n_leaves; ++i) q[i].coefficient *= take.to * weight;
  }
  void write_label(std::string& out, label_context) const {
    out += "blend(";
    p_.write_label(out, label_context::whole);
    out += ", ";
    q_.write_label(out, label_context::whole);
    out += ", ";
    detail::write_number(out, t_);
    out += ")";
  }
  void collect_goals(double weight, std::vector<weighted_goal>& out) const {
    p_.collect_goals(weight * (1.0 - t_), out);
    q_.collect_goals(weight * t_, out);
  }

 private:
  P p_;
  Q q_;
  double t_;
};

/// Between p and q on the sphere, a fraction t of the angle from p: in every layer the direction
/// turns evenly and the norm changes evenly, so that equal norms are kept. Goals add up with
/// weights 1 - t and t. Where one of the two is zero, and where they are opposite to within 1e-4
/// (no arc is the shortest then), the blend is the straight line (1 - t) * p + t * q.
///
/// Laws:    blend(p, q, 0) is p and blend(p, q, 1) is q, bit for bit; blend(q, p, 1 - t) is the
///          same to 1 ulp plus 2^-28 of the terms; the norm is (1 - t)|p| + t|q| to a relative
///          2^-23 + 2^-28 / sin(angle).
/// Errors:  when evaluated, invalid_argument unless 0 <= t <= 1, non_finite if t is neither.
/// Cost:    one more pass over the rows of p and q.
/// Source:  Shoemake 1985, "Animating rotation with quaternion curves".
template <class P, class Q, class T>
  requires composable_with<P, Q> && storable<P> && storable<Q> && scalar_weight<T>
[[nodiscard]] constexpr auto blend(P&& p, Q&& q, T t) {
  return blend_expression<detail::operand_t<P>, detail::operand_t<Q>>(
      std::forward<P>(p), std::forward<Q>(q), static_cast<double>(t));
}

}  // namespace multitudes
