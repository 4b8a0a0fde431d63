// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/steering/operator.hpp>

#include <cmath>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::steering {

template <persona_expression E>
class added {
 public:
  using space_tag = typename E::space_tag;

  template <class A>
  added(A&& what, strength s) : what_(std::forward<A>(what)), strength_(s) {}

  expected<void> check(const activation_space*& seen) const {
    if (auto ok = detail::check_expression(what_, seen); !ok) return ok;
    if (std::isfinite(strength_.value)) return {};
    return detail::bad_plan(errc::non_finite, "strength", std::to_string(strength_.value),
                            "a finite number");
  }
  expected<void> emit(detail::program_builder& out) const {
    if (!has_space<E> || strength_.value == 0.0f) return {};
    auto scale = out.raw(strength_);
    if (!scale) return forward_error(scale);
    std::vector<float> row(out.space().model_dim);
    if (auto ok = evaluate_layer(what_, out.layer(), std::span(row)); !ok) return ok;
    for (float& element : row) element *= *scale;
    return out.add(row);
  }
  void write_label(std::string& out) const {
    out += "add(" + label_of(what_) + ", ";
    multitudes::detail::write_number(out, static_cast<double>(strength_.value));
    out += ')';
  }

 private:
  E what_;
  strength strength_;
};

/// `h += strength * d`, in each layer.
///
/// Units:   in_norms(): the layer's typical residual norm for a direction of unit length;
///          in_raw_units(): the direction's own.
/// Errors:  when compiled: non_finite for the strength or a sum; those of evaluating `e`.
/// Cost:    one multiply-add for each element; neighbors with the same gates and envelopes are
///          one vector.
/// Source:  Turner et al. 2023, arXiv:2308.10248.
template <class E>
  requires(persona_expression<E> && storable<E>)
[[nodiscard]] auto add(E&& e, strength s) {
  return added<multitudes::detail::operand_t<E>>(std::forward<E>(e), s);
}

}  // namespace multitudes::steering
