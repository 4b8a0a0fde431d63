// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/steering/axis.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace multitudes::steering {

template <class Axis>
class clamped {
 public:
  using space_tag = typename Axis::space_tag;

  clamped(detail::band<Axis> allowed, const char* name)
      : allowed_(std::move(allowed)), name_(name) {}

  expected<void> check(const activation_space*& seen) const { return allowed_.check(seen); }
  expected<void> emit(detail::program_builder& out) const {
    std::uint16_t slot = 0;
    double low = 0;
    double high = 0;
    auto has = allowed_.emit(out, slot, low, high);
    if (!has) return forward_error(has);
    return *has ? out.act(detail::program_builder::kind::clamp, {slot}, low, high)
                : expected<void>();
  }
  void write_label(std::string& out) const {
    out += name_;
    out += '(';
    allowed_.write_label(out);
    out += ')';
  }

 private:
  detail::band<Axis> allowed_;
  const char* name_;
};

/// Brings the projection x of the row on an axis into a band: `h += (min(max(x, low), high) - x)
/// d`.
///
/// Units:   of an expression: strengths, so in_norms(0.2f) is a fifth of the layer's typical
///          residual norm; of a reading axis: its readings, at its layer.
/// Errors:  when compiled: non_finite for a bound; invalid_argument if low is above high, or for
///          a direction that is not of unit length; space_mismatch.
/// Cost:    two multiply-adds for each element.
template <class A>
  requires axis_argument<A>
[[nodiscard]] auto clamp(A&& axis, bound_of<A> low, bound_of<A> high) {
  using axis_type = detail::axis_for<A>;
  return clamped<axis_type>({axis_type(std::forward<A>(axis)), low, high}, "clamp");
}

/// A band without a lower bound: `h -= max(x - high, 0) d`.
template <class A>
  requires axis_argument<A>
[[nodiscard]] auto cap(A&& axis, bound_of<A> high) {
  using axis_type = detail::axis_for<A>;
  return clamped<axis_type>({axis_type(std::forward<A>(axis)), {}, high}, "cap");
}

}  // namespace multitudes::steering
