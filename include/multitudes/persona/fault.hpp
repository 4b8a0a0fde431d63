// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/error.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/core/space.hpp>
#include <multitudes/persona/label.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace multitudes {

/// What is wrong with an expression, before anybody needs a sentence about it: finding nothing
/// allocates nothing and works in constant evaluation.
struct fault {
  enum class kind : std::uint8_t {
    none,
    spaces_differ,      ///< left and right
    wrong_size,         ///< `first` values for the space `left`
    weight_not_finite,  ///< `number`
    fraction_outside,   ///< `number`, not in 0 to 1
    layers_outside,     ///< `first` to `last` in the space `left`
    wrong_buffer,       ///< room for `first` values where `last` are written
    no_such_layer,      ///< `first` in the space `left`
    result_not_finite,  ///< in layer `first`, element `last`
  };
  kind what = kind::none;
  const activation_space* left = nullptr;
  const activation_space* right = nullptr;
  double number = 0.0;
  std::size_t first = 0;
  std::size_t last = 0;

  constexpr explicit operator bool() const noexcept { return what != kind::none; }
};

/// The sentence.
[[nodiscard]] inline error to_error(const fault& f) {
  const auto number = [](double x) {
    std::string text;
    detail::write_number(text, x);
    return text;
  };
  switch (f.what) {
    case fault::kind::none: break;
    case fault::kind::spaces_differ:
      return {.code = errc::space_mismatch,
              .operation = "compose",
              .place = "spaces differ: left is " + to_string(*f.left) + ", right is " +
                       to_string(*f.right),
              .found = {},
              .expected = {},
              .remedy = "use rebase()"};
    case fault::kind::wrong_size:
      return {
          .code = errc::shape_mismatch,
          .operation = "compose",
          .place = to_string(*f.left),
          .found = std::to_string(f.first) + " values",
          .expected = std::to_string(f.left->n_layers) + " x " + std::to_string(f.left->model_dim),
          .remedy = "a persona that was moved from is empty"};
    case fault::kind::weight_not_finite:
      return {.code = errc::non_finite,
              .operation = "compose",
              .place = "weight",
              .found = number(f.number),
              .expected = "a finite number",
              .remedy = {}};
    case fault::kind::fraction_outside:
      return {.code = errc::invalid_argument,
              .operation = "blend",
              .place = "t",
              .found = number(f.number),
              .expected = "0 to 1",
              .remedy = "use + with weights to go beyond"};
    case fault::kind::layers_outside:
      return {.code = errc::invalid_argument,
              .operation = "only_layers",
              .place = to_string(*f.left),
              .found = "layers " + std::to_string(f.first) + " to " + std::to_string(f.last),
              .expected = "first <= last < " + std::to_string(f.left->n_layers),
              .remedy = {}};
    case fault::kind::wrong_buffer:
      return {.code = errc::shape_mismatch,
              .operation = "evaluate",
              .place = "output",
              .found = "room for " + std::to_string(f.first) + " values",
              .expected = std::to_string(f.last),
              .remedy = {}};
    case fault::kind::no_such_layer:
      return {.code = errc::invalid_argument,
              .operation = "evaluate",
              .place = to_string(*f.left),
              .found = "layer " + std::to_string(f.first),
              .expected = "a layer below " + std::to_string(f.left->n_layers),
              .remedy = {}};
    case fault::kind::result_not_finite:
      return {.code = errc::non_finite,
              .operation = "materialize",
              .place = "layer " + std::to_string(f.first) + ", element " + std::to_string(f.last),
              .found = "NaN or a number that no float can hold",
              .expected = "finite values",
              .remedy = "use smaller weights"};
  }
  return {};
}

namespace detail {

[[nodiscard]] inline unexpected<error> fail_with(const fault& f) { return fail(to_error(f)); }

}  // namespace detail
}  // namespace multitudes
