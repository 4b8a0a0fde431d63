// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/index.hpp>
#include <multitudes/persona/algebra.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

/// `of` in the layers first to last, nothing in the others.
template <class E>
class only_layers_expression {
 public:
  using space_tag = typename E::space_tag;
  static constexpr std::size_t n_leaves = E::n_leaves;

  template <class A>
  constexpr only_layers_expression(A&& of, layer_index first, layer_index last)
      : of_(std::forward<A>(of)), first_(first), last_(last) {}

  constexpr fault check(const activation_space*& seen) const noexcept {
    if (const fault f = of_.check(seen)) return f;
    if (seen && (first_ > last_ || last_.value >= seen->n_layers)) {
      return {.what = fault::kind::layers_outside,
              .left = seen,
              .first = first_.value,
              .last = last_.value};
    }
    return {};
  }
  constexpr void terms(row_at at, double weight, term* out) const noexcept {
    const bool inside = first_ <= at.layer && at.layer <= last_;
    of_.terms(at, inside ? weight : 0.0, out);
  }
  void write_label(std::string& out, label_context context) const {
    const bool grouped = context != label_context::whole && context != label_context::piped;
    detail::write_grouped(out, grouped, [&] {
      of_.write_label(out, label_context::piped);
      out.append(" | only_layers(").append(std::to_string(first_.value));
      out.append(", ").append(std::to_string(last_.value)).append(")");
    });
  }
  void collect_goals(double weight, std::vector<weighted_goal>& out) const {
    of_.collect_goals(weight, out);
  }

 private:
  E of_;
  layer_index first_;
  layer_index last_;
};

class only_layers_adaptor {
 public:
  using operand = zero_expression;

  constexpr only_layers_adaptor(layer_index first, layer_index last) noexcept
      : first_(first), last_(last) {}
  template <class E, class A>
  constexpr auto adapt(A&& of) const {
    return only_layers_expression<E>(std::forward<A>(of), first_, last_);
  }

 private:
  layer_index first_;
  layer_index last_;
};

/// `p | only_layers(a, b)`: p in the layers a to b, both included, counted from 0; zero in the
/// others. Goals stay.
///
/// Laws:    idempotent, and distributes over +, bit for bit.
/// Errors:  invalid_argument, when evaluated, unless a <= b < n_layers.
[[nodiscard]] constexpr only_layers_adaptor only_layers(layer_index first,
                                                        layer_index last) noexcept {
  return {first, last};
}
[[nodiscard]] constexpr only_layers_adaptor only_layers(std::size_t first,
                                                        std::size_t last) noexcept {
  // A layer index has 32 bits; what does not fit must stay out of range, not wrap into it.
  constexpr std::size_t limit = 0xFFFFFFFF;
  return {layer_index(first < limit ? first : limit), layer_index(last < limit ? last : limit)};
}

}  // namespace multitudes
