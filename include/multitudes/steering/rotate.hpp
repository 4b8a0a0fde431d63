// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/steering/operator.hpp>

#include <cmath>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::steering {

/// An angle. Positive is from the first direction towards the second.
struct angle {
  double radians = 0;
};
constexpr angle in_radians(double value) noexcept { return {value}; }
constexpr angle in_degrees(double value) noexcept {
  return {value * 3.14159265358979323846 / 180.0};
}

template <persona_expression From, persona_expression To>
class rotated {
 public:
  using space_tag = multitudes::detail::common_space_t<From, To>;

  template <class F, class T>
  rotated(F&& from, T&& to, angle by)
      : from_(std::forward<F>(from)), to_(std::forward<T>(to)), by_(by) {}

  expected<void> check(const activation_space*& seen) const {
    if (!std::isfinite(by_.radians)) {
      return detail::bad_plan(errc::non_finite, "angle", std::to_string(by_.radians),
                              "a finite number");
    }
    if (auto ok = detail::check_expression(from_, seen); !ok) return ok;
    return detail::check_expression(to_, seen);
  }
  expected<void> emit(detail::program_builder& out) const {
    if (by_.radians == 0) return {};
    std::vector<float> first(out.space().model_dim);
    std::vector<float> second(out.space().model_dim);
    if (auto ok = evaluate_layer(from_, out.layer(), std::span(first)); !ok) return ok;
    if (auto ok = evaluate_layer(to_, out.layer(), std::span(second)); !ok) return ok;
    const double length = inner(first, first);
    if (length == 0 || inner(second, second) == 0) return {};
    const double reach = std::sqrt(inner(second, second));
    scale(first, 1 / std::sqrt(length));
    scale(second, 1 / reach);
    // Twice, because the first time leaves rounding errors of what was taken out.
    for (int pass = 0; pass < 2; ++pass) {
      const double along = inner(first, second) / inner(first, first);
      for (std::size_t i = 0; i < second.size(); ++i) {
        second[i] = static_cast<float>(static_cast<double>(second[i]) -
                                       along * static_cast<double>(first[i]));
      }
      const double rest = std::sqrt(inner(second, second));
      if (pass == 0 && !(rest > 1e-4)) {
        return detail::bad_plan(errc::zero_direction, out.place(), "two directions of one line",
                                "two that span a plane");
      }
      scale(second, 1 / rest);
    }
    auto a = out.direction(first);
    if (!a) return forward_error(a);
    auto b = out.direction(second);
    if (!b) return forward_error(b);
    return out.act(detail::program_builder::kind::rotate, {*a, *b}, by_.radians);
  }
  void write_label(std::string& out) const {
    out += "rotate(" + label_of(from_) + ", " + label_of(to_) + ", ";
    multitudes::detail::write_number(out, by_.radians);
    out += ')';
  }

 private:
  static double inner(std::span<const float> a, std::span<const float> b) noexcept {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    }
    return sum;
  }
  static void scale(std::span<float> a, double factor) noexcept {
    for (float& x : a) x = static_cast<float>(static_cast<double>(x) * factor);
  }

  From from_;
  To to_;
  angle by_;
};

/// Turns the part of the row that lies in the plane of two directions by an angle, from the first
/// towards the second. With e = from/|from| and f the unit vector of what `to` has at a right
/// angle to e, x = <h, e> and y = <h, f>: x becomes cos(a) x - sin(a) y, y becomes
/// sin(a) x + cos(a) y. What lies outside of the plane stays; so does the row's norm. An envelope's
/// dose takes its share of the angle. Layers where either direction is zero are left alone.
///
/// Errors:  when compiled: non_finite for the angle; zero_direction if the two are parallel.
/// Cost:    four multiply-adds for each element.
template <class From, class To>
  requires(composable_with<From, To> && storable<From> && storable<To>)
[[nodiscard]] auto rotate(From&& from, To&& to, angle by) {
  return rotated<multitudes::detail::operand_t<From>, multitudes::detail::operand_t<To>>(
      std::forward<From>(from), std::forward<To>(to), by);
}

}  // namespace multitudes::steering
