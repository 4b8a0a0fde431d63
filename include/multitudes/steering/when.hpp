// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/steering/axis.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace multitudes::steering {

/// Whether the projection of a row on an axis lies in a range.
template <class Axis>
class projection_condition {
 public:
  using space_tag = typename Axis::space_tag;

  projection_condition(detail::band<Axis> range, const char* name)
      : range_(std::move(range)), name_(name), at_(range_.only_layer()) {}

  /// Read at one layer, for what happens there and in later ones, instead of at each layer anew.
  [[nodiscard]] projection_condition at(layer_index layer) && {
    at_ = layer;
    return std::move(*this);
  }

  expected<void> check(const activation_space*& seen) const {
    if (auto ok = range_.check(seen); !ok) return ok;
    if (at_ && seen != nullptr && at_->value >= seen->n_layers) {
      return detail::bad_plan(errc::invalid_argument, "condition",
                              "layer " + std::to_string(at_->value),
                              "less than " + std::to_string(seen->n_layers));
    }
    return {};
  }
  [[nodiscard]] std::optional<layer_index> layer() const noexcept { return at_; }
  expected<bool> emit(detail::program_builder& out, std::uint16_t& slot, double& low,
                      double& high) const {
    return range_.emit(out, slot, low, high);
  }
  void write_label(std::string& out) const {
    out += name_;
    out += '(';
    range_.write_label(out);
    out += ')';
    if (at_) out += ".at(" + std::to_string(at_->value) + ")";
  }

 private:
  detail::band<Axis> range_;
  const char* name_;
  std::optional<layer_index> at_;
};

/// The projection is larger than `low`. Units and errors: as of `clamp`.
template <class A>
  requires axis_argument<A>
[[nodiscard]] auto above(A&& axis, bound_of<A> low) {
  using axis_type = detail::axis_for<A>;
  return projection_condition<axis_type>({axis_type(std::forward<A>(axis)), low, {}}, "above");
}
/// The projection is smaller than `high`.
template <class A>
  requires axis_argument<A>
[[nodiscard]] auto below(A&& axis, bound_of<A> high) {
  using axis_type = detail::axis_for<A>;
  return projection_condition<axis_type>({axis_type(std::forward<A>(axis)), {}, high}, "below");
}
/// The projection lies strictly between the two.
template <class A>
  requires axis_argument<A>
[[nodiscard]] auto between(A&& axis, bound_of<A> low, bound_of<A> high) {
  using axis_type = detail::axis_for<A>;
  return projection_condition<axis_type>({axis_type(std::forward<A>(axis)), low, high}, "between");
}

namespace detail {

template <class T>
inline constexpr bool is_condition = false;
template <class Axis>
inline constexpr bool is_condition<projection_condition<Axis>> = true;

}  // namespace detail

/// What `above`, `below` and `between` make.
template <class T>
concept gate_condition = detail::is_condition<std::remove_cvref_t<T>>;

template <gate_condition Condition, steering_operator Op>
class gated {
 public:
  using space_tag = multitudes::detail::common_space_t<Condition, Op>;

  template <class C, class O>
  gated(C&& condition, O&& op) : condition_(std::forward<C>(condition)), op_(std::forward<O>(op)) {}

  expected<void> check(const activation_space*& seen) const {
    if (auto ok = condition_.check(seen); !ok) return ok;
    return op_.check(seen);
  }
  expected<void> emit(detail::program_builder& out) const {
    return out.when(
        condition_.layer(),
        [&](std::uint16_t& slot, double& low, double& high) {
          return condition_.emit(out, slot, low, high);
        },
        [&] { return op_.emit(out); });
  }
  void write_label(std::string& out) const {
    out += "when(";
    condition_.write_label(out);
    out += ", ";
    op_.write_label(out);
    out += ')';
  }

 private:
  Condition condition_;
  Op op_;
};

/// The operators, but only for tokens that meet the condition. It is looked at for every token of
/// every sequence, at its place: what stands before it in the plan has already acted on the row,
/// what it guards has not. A condition inside another is looked at whether or not the outer one is
/// met.
///
/// Errors:  when compiled: invalid_argument if something is guarded in a layer where the condition
///          is not known yet, if its layer does not exist, or for more than max_conditions;
///          zero_direction if the axis has no direction at the condition's layer.
/// Cost:    one multiply-add for each element, where it is looked at.
template <gate_condition C, class... Ops>
  requires(sizeof...(Ops) > 0 && (storable_operator<Ops> && ...) && (same_space<C, Ops> && ...))
[[nodiscard]] auto when(C&& condition, Ops&&... ops) {
  using guarded = decltype((std::forward<Ops>(ops) | ...));
  return gated<std::remove_cvref_t<C>, std::remove_cvref_t<guarded>>(
      std::forward<C>(condition), (std::forward<Ops>(ops) | ...));
}

}  // namespace multitudes::steering
