// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/persona/reading_axis.hpp>
#include <multitudes/steering/operator.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace multitudes::steering {

/// How far from 1 the length of a direction to project on may be: what rounding its elements to
/// 16 bits can do, and no more.
inline constexpr double unit_tolerance = 1e-3;

namespace detail {

/// Scales a row that claims unit length to it; false if it is zeros, which means no direction.
inline expected<bool> make_unit(std::span<float> row, const program_builder& at) {
  double squares = 0;
  for (const float x : row) squares += static_cast<double>(x) * static_cast<double>(x);
  if (squares == 0) return false;
  const double norm = std::sqrt(squares);
  if (!(std::abs(norm - 1) <= unit_tolerance)) {
    return bad_plan(errc::invalid_argument, at.place(),
                    "a direction of length " + std::to_string(norm) + " to project on",
                    "unit length", "use normalized() directions or a subspace");
  }
  for (float& x : row) x = static_cast<float>(static_cast<double>(x) / norm);
  return true;
}

/// What rows are projected on: an expression whose rows have unit length. Bounds are strengths.
template <persona_expression E>
class expression_axis {
 public:
  using space_tag = typename E::space_tag;
  using bound = strength;

  template <class A>
  explicit expression_axis(A&& e) : e_(std::forward<A>(e)) {}

  expected<void> check(const activation_space*& seen) const { return check_expression(e_, seen); }
  [[nodiscard]] std::optional<layer_index> only_layer() const noexcept { return {}; }
  /// The unit row at the builder's layer; false if there is none.
  expected<bool> write(const program_builder& at, std::span<float> row) const {
    if (auto ok = evaluate_layer(e_, at.layer(), row); !ok) return forward_error(ok);
    return make_unit(row, at);
  }
  static bool finite(strength s) noexcept { return std::isfinite(s.value); }
  static std::string text(strength s) {
    std::string out;
    multitudes::detail::write_number(out, static_cast<double>(s.value));
    return out;
  }
  expected<double> raw(strength s, const program_builder& at) const {
    auto value = at.raw(s);
    if (!value) return forward_error(value);
    return static_cast<double>(*value);
  }
  void write_label(std::string& out) const { out += label_of(e_); }

 private:
  E e_;
};

/// The same for a reading axis, which has one layer. Bounds are readings.
template <class Kept>
class learned_axis {
 public:
  using space_tag = dynamic_space;
  using bound = double;

  template <class A>
  explicit learned_axis(A&& axis) : axis_(std::forward<A>(axis)) {}

  expected<void> check(const activation_space*& seen) const {
    if (auto ok = axis_.get().check(); !ok) return ok;
    return meet(seen, axis_.get().space);
  }
  [[nodiscard]] std::optional<layer_index> only_layer() const noexcept { return axis_.get().layer; }
  expected<bool> write(const program_builder& at, std::span<float> row) const {
    if (at.layer() != axis_.get().layer) return false;
    std::copy(axis_.get().unit.begin(), axis_.get().unit.end(), row.begin());
    return make_unit(row, at);
  }
  static bool finite(double reading) noexcept { return std::isfinite(reading); }
  static std::string text(double reading) {
    std::string out;
    multitudes::detail::write_number(out, reading);
    return out;
  }
  expected<double> raw(double reading, const program_builder&) const {
    return axis_.get().middle + reading * axis_.get().half_gap;
  }
  void write_label(std::string& out) const { out += axis_.get().label; }

 private:
  Kept axis_;
};

template <class A>
struct axis_of_argument {};
template <class A>
  requires persona_expression<A>
struct axis_of_argument<A> {
  using type = expression_axis<multitudes::detail::operand_t<A>>;
};
template <class A>
  requires std::same_as<std::remove_cvref_t<A>, reading_axis>
struct axis_of_argument<A> {
  using type = learned_axis<kept_t<A>>;
};
template <class A>
using axis_for = typename axis_of_argument<A>::type;

/// An open or half-open range of projections on an axis.
template <class Axis>
class band {
 public:
  using space_tag = typename Axis::space_tag;
  using bound = typename Axis::bound;

  template <class A>
  band(A&& axis, std::optional<bound> low, std::optional<bound> high)
      : axis_(std::forward<A>(axis)), low_(low), high_(high) {}

  expected<void> check(const activation_space*& seen) const {
    for (const auto& b : {low_, high_}) {
      if (b && !Axis::finite(*b)) {
        return bad_plan(errc::non_finite, "bound", Axis::text(*b), "a finite number");
      }
    }
    return axis_.check(seen);
  }
  [[nodiscard]] std::optional<layer_index> only_layer() const noexcept {
    return axis_.only_layer();
  }

  /// The axis' slot at the builder's layer and the range in the units of the residual stream;
  /// false if there is nothing to project on there.
  expected<bool> emit(program_builder& out, std::uint16_t& slot, double& low, double& high) const {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    std::vector<float> row(out.space().model_dim);
    auto has = axis_.write(out, row);
    if (!has || !*has) return has;
    low = -infinity;
    high = infinity;
    for (const auto& [given, raw] : {std::pair(&low_, &low), std::pair(&high_, &high)}) {
      if (!*given) continue;
      auto value = axis_.raw(**given, out);
      if (!value) return forward_error(value);
      *raw = *value;
    }
    if constexpr (std::same_as<bound, double>) {
      // An axis whose positive side reads lower turns ranges round.
      if (*axis_.raw(1, out) < *axis_.raw(0, out)) {
        std::swap(low, high);
        if (low == infinity) low = -infinity;
        if (high == -infinity) high = infinity;
      }
    }
    if (!(low <= high)) {
      return bad_plan(errc::invalid_argument, out.place(),
                      "a band from " + std::to_string(low) + " to " + std::to_string(high),
                      "the lower bound first");
    }
    auto found = out.direction(row);
    if (!found) return forward_error(found);
    slot = *found;
    return true;
  }
  void write_label(std::string& out) const {
    axis_.write_label(out);
    if (low_) out += ", " + Axis::text(*low_);
    if (high_) out += ", " + Axis::text(*high_);
  }

 private:
  Axis axis_;
  std::optional<bound> low_;
  std::optional<bound> high_;
};

}  // namespace detail

/// What rows can be projected on: an expression whose rows have unit length, with bounds in
/// strengths; or a learned axis, with bounds in its own readings.
template <class A>
concept axis_argument =
    requires { typename detail::axis_for<A>; } && std::constructible_from<detail::axis_for<A>, A>;

/// A bound on an axis.
template <class A>
using bound_of = typename detail::axis_for<A>::bound;

}  // namespace multitudes::steering
