// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/persona/direction.hpp>
#include <multitudes/persona/expression.hpp>

#include <span>
#include <string_view>

namespace multitudes {

/// A direction that lies elsewhere, e.g. in a static array: a leaf of expressions that owns
/// nothing and works at compile time. Its size is checked when an expression is evaluated;
/// values that are not finite show in the result and are refused there.
template <activation_space_tag Space = dynamic_space>
class direction_view : public leaf<direction_view<Space>> {
 public:
  using space_tag = Space;

  /// Shapes:  values (n_layers, model_dim), row-major; values and label must outlive the view.
  constexpr direction_view(std::span<const float> values, std::string_view label) noexcept
    requires static_space<Space>
      : values_(values), label_(label) {}
  constexpr direction_view(const activation_space& space, std::span<const float> values,
                           std::string_view label) noexcept
    requires std::same_as<Space, dynamic_space>
      : space_(space), values_(values), label_(label) {}

  [[nodiscard]] constexpr const activation_space& space() const noexcept {
    if constexpr (static_space<Space>) {
      return Space::value;
    } else {
      return space_;
    }
  }
  [[nodiscard]] constexpr std::span<const float> values() const noexcept { return values_; }
  [[nodiscard]] constexpr std::string_view label() const noexcept { return label_; }
  [[nodiscard]] constexpr std::span<const weighted_goal> goals() const noexcept { return {}; }

 private:
  activation_space space_;
  std::span<const float> values_;
  std::string_view label_;
};
direction_view(const activation_space&, std::span<const float>, std::string_view)
    -> direction_view<dynamic_space>;

/// A direction as a leaf of expressions; it and the label must outlive the view.
[[nodiscard]] inline direction_view<> view_of(const direction& d,
                                              std::string_view label = "direction") noexcept {
  return {d.space(), d.values(), label};
}
direction_view<> view_of(direction&&, std::string_view = "direction") = delete;

}  // namespace multitudes
