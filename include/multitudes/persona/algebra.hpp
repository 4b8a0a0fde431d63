// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/space.hpp>
#include <multitudes/persona/expression.hpp>

#include <concepts>
#include <cstddef>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace multitudes {

/// Nobody: the identity of `+`, in every space.
class zero_expression {
 public:
  using space_tag = any_space;
  static constexpr std::size_t n_leaves = 0;

  constexpr fault check(const activation_space*&) const noexcept { return {}; }
  constexpr void terms(row_at, double, term*) const noexcept {}
  void write_label(std::string& out, label_context) const { out += "zero_persona"; }
  void collect_goals(double, std::vector<weighted_goal>&) const noexcept {}
};
inline constexpr zero_expression zero_persona{};

namespace detail {

constexpr bool is_finite(double x) noexcept {
  return x >= -std::numeric_limits<double>::max() && x <= std::numeric_limits<double>::max();
}

}  // namespace detail

/// `left + right` or, with Sign -1, `left - right`.
template <class L, class R, int Sign>
class sum_expression {
 public:
  using space_tag = detail::common_space_t<L, R>;
  static constexpr std::size_t n_leaves = L::n_leaves + R::n_leaves;

  template <class A, class B>
  constexpr sum_expression(A&& left, B&& right)
      : left_(std::forward<A>(left)), right_(std::forward<B>(right)) {}

  constexpr fault check(const activation_space*& seen) const noexcept {
    if (const fault f = left_.check(seen)) return f;
    return right_.check(seen);
  }
  constexpr void terms(row_at at, double weight, term* out) const noexcept {
    left_.terms(at, weight, out);
    right_.terms(at, Sign * weight, out + L::n_leaves);
  }
  void write_label(std::string& out, label_context context) const {
    const bool grouped = context != label_context::whole && context != label_context::added;
    detail::write_grouped(out, grouped, [&] {
      left_.write_label(out, label_context::added);
      out += Sign > 0 ? " + " : " - ";
      right_.write_label(out, label_context::subtracted);
    });
  }
  void collect_goals(double weight, std::vector<weighted_goal>& out) const {
    left_.collect_goals(weight, out);
    right_.collect_goals(Sign * weight, out);
  }

 private:
  L left_;
  R right_;
};

/// `strength * of`, written as `-of` if `Negation`.
template <class E, bool Negation>
class scaled_expression {
 public:
  using space_tag = typename E::space_tag;
  static constexpr std::size_t n_leaves = E::n_leaves;

  template <class A>
  constexpr scaled_expression(double strength, A&& of)
      : strength_(strength), of_(std::forward<A>(of)) {}

  constexpr fault check(const activation_space*& seen) const noexcept {
    if (!detail::is_finite(strength_)) {
      return {.what = fault::kind::weight_not_finite, .number = strength_};
    }
    return of_.check(seen);
  }
  constexpr void terms(row_at at, double weight, term* out) const noexcept {
    of_.terms(at, weight * strength_, out);
  }
  void write_label(std::string& out, label_context context) const {
    detail::write_grouped(out, context == label_context::multiplied, [&] {
      if constexpr (Negation) {
        out += '-';
      } else {
        detail::write_number(out, strength_);
        out += '*';
      }
      of_.write_label(out, label_context::multiplied);
    });
  }
  void collect_goals(double weight, std::vector<weighted_goal>& out) const {
    of_.collect_goals(weight * strength_, out);
  }

 private:
  double strength_;
  E of_;
};

/// One is an expression, the other a number.
template <class A, class B>
concept scalable_by = (persona_expression<A> && storable<A> && scalar_weight<B>) ||
                      (scalar_weight<A> && persona_expression<B> && storable<B>);

/// Both at once: directions and goals add up.
///
/// Laws:    associative and with the identity `zero_persona`, bit for bit; commutative bit for
///          bit for two leaves, else to 1 ulp plus (n_leaves - 1) * 2^-53 of the sum of the
///          absolute values of the terms.
template <class L, class R>
  requires composable_with<L, R> && storable<L> && storable<R>
[[nodiscard]] constexpr auto operator+(L&& left, R&& right) {
  return sum_expression<detail::operand_t<L>, detail::operand_t<R>, 1>(std::forward<L>(left),
                                                                       std::forward<R>(right));
}

/// The one without as much of the other; what the other pursues is avoided.
///
/// Laws:    p - q is p + -q, bit for bit; p - p is zero, and for an expression e, e - e is zero to
///          (2 * n_leaves - 1) * 2^-53 of the sum of the absolute values of its terms.
template <class L, class R>
  requires composable_with<L, R> && storable<L> && storable<R>
[[nodiscard]] constexpr auto operator-(L&& left, R&& right) {
  return sum_expression<detail::operand_t<L>, detail::operand_t<R>, -1>(std::forward<L>(left),
                                                                        std::forward<R>(right));
}

/// The opposite: pursuing becomes avoiding.
///
/// Laws:    -(-p) is p, bit for bit.
template <class E>
  requires persona_expression<E> && storable<E>
[[nodiscard]] constexpr auto operator-(E&& e) {
  return scaled_expression<detail::operand_t<E>, true>(-1.0, std::forward<E>(e));
}

/// `w * p` or `p * w`. Weights count to 29 significant bits, more than a float has.
///
/// Laws:    1 * p is p, 0 * p is zero and w * (p + q) is w * p + w * q, bit for bit;
///          (a * b) * p is a * (b * p) bit for bit for doubles, and to 2 ulps for floats, whose
///          product C++ rounds before this sees it; (a + b) * p is a * p + b * p to 1 ulp plus
///          2^-29 * (|a| + |b|) * |p|, element by element.
/// Errors:  non_finite, when evaluated, for a weight that is NaN or infinite.
template <class A, class B>
  requires scalable_by<A, B>
[[nodiscard]] constexpr auto operator*(A&& a, B&& b) {
  if constexpr (scalar_weight<A>) {
    return scaled_expression<detail::operand_t<B>, false>(static_cast<double>(a),
                                                          std::forward<B>(b));
  } else {
    return scaled_expression<detail::operand_t<A>, false>(static_cast<double>(b),
                                                          std::forward<A>(a));
  }
}

/// `p / w`, which is `(1 / w) * p`, also in its text.
///
/// Errors:  non_finite, when evaluated, for w = 0 and NaN.
template <class E, class W>
  requires persona_expression<E> && storable<E> && scalar_weight<W>
[[nodiscard]] constexpr auto operator/(E&& e, W divisor) {
  const auto w = static_cast<double>(divisor);
  const double inverse = w == 0.0 ? std::numeric_limits<double>::infinity() : 1.0 / w;
  return scaled_expression<detail::operand_t<E>, false>(inverse, std::forward<E>(e));
}

/// What stands to the right of `|`: changes an expression; `operand` is what else it brings in.
template <class A>
concept persona_adaptor = requires { typename std::remove_cvref_t<A>::operand; } &&
                          persona_expression<typename std::remove_cvref_t<A>::operand>;

template <class E, class A>
concept adaptable_by =
    persona_adaptor<A> && composable_with<E, typename std::remove_cvref_t<A>::operand>;

/// `p | only_layers(a, b)`, `p | without(q)`.
template <class E, class A>
  requires adaptable_by<E, A> && storable<E> && std::constructible_from<std::remove_cvref_t<A>, A>
[[nodiscard]] constexpr auto operator|(E&& e, A&& adaptor) {
  return std::forward<A>(adaptor).template adapt<detail::operand_t<E>>(std::forward<E>(e));
}

}  // namespace multitudes
