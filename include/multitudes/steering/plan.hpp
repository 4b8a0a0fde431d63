// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/fingerprint.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/persona/algebra.hpp>
#include <multitudes/persona/materialize.hpp>
#include <multitudes/simd/isa.hpp>
#include <multitudes/simd/vector_ops.hpp>
#include <multitudes/steering/residual_norms.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::steering {

namespace detail {

inline unexpected<error> bad_strength(strength s) {
  return fail({.code = errc::non_finite,
               .operation = "compile plan",
               .place = "strength",
               .found = std::to_string(s.value),
               .expected = "a finite number",
               .remedy = {}});
}

inline expected<std::vector<float>> layer_scales(const activation_space& space, strength s,
                                                 const residual_norms* norms) {
  if (s.raw) return std::vector<float>(space.n_layers, s.value);
  if (norms == nullptr || norms->typical.size() != space.n_layers) {
    return fail({.code = errc::invalid_argument,
                 .operation = "compile plan",
                 .place = "strength",
                 .found = "a strength in residual norms without the norms of all layers",
                 .expected = std::to_string(space.n_layers) + " norms",
                 .remedy = "pass calibrate()'s result, or in_raw_units()"});
  }
  if (norms->space != space) {
    return fail({.code = errc::space_mismatch,
                 .operation = "compile plan",
                 .place = "residual norms",
                 .found = to_string(norms->space),
                 .expected = to_string(space),
                 .remedy = "calibrate() the model that the persona belongs to"});
  }
  std::vector<float> scales(norms->typical);
  for (float& scale : scales) scale *= s.value;
  return scales;
}

}  // namespace detail

/// A persona expression and a strength, compiled to what is added to the residual stream after
/// each block. Immutable; a copy shares it, so that exchanging plans between two tokens costs a
/// pointer. A default-made plan is the neutral one: it touches nothing, bit for bit.
class plan {
 public:
  plan() = default;

  /// Adds what this plan has for `layer` to a row of the residual stream.
  ///
  /// Shapes:  h (model_dim), in/out.
  /// Cost:    model_dim additions, or nothing for a layer that is not steered; no allocation.
  void apply(layer_index layer, std::span<float> h) const noexcept {
    if (const auto addition = at(layer); !addition.empty()) {
      simd::add<simd::native, float>(addition, h);
    }
  }

  /// What is added after `layer`: (model_dim), or empty.
  [[nodiscard]] std::span<const float> at(layer_index layer) const noexcept {
    if (!state_ || layer.value >= state_->row_of_layer.size()) return {};
    const std::size_t row = state_->row_of_layer[layer.value];
    if (row == none) return {};
    const std::size_t width = state_->space.model_dim;
    return std::span<const float>(state_->additions).subspan(row * width, width);
  }

  [[nodiscard]] bool is_neutral() const noexcept { return !state_; }
  /// Equal for plans that add the same numbers; {0} for the neutral one.
  [[nodiscard]] fingerprint id() const noexcept { return state_ ? state_->id : fingerprint{}; }
  /// The expression's own text; empty for the neutral plan.
  [[nodiscard]] std::string_view label() const noexcept {
    return state_ ? std::string_view(state_->label) : std::string_view();
  }
  /// Where it may be used; nothing for the neutral plan, which may be used anywhere.
  [[nodiscard]] std::optional<activation_space> space() const noexcept {
    return state_ ? std::optional(state_->space) : std::nullopt;
  }

  template <persona_expression X>
  friend expected<plan> compile(const X& x, strength s, const residual_norms* norms);

 private:
  static constexpr std::uint32_t none = 0xFFFFFFFF;

  struct state {
    activation_space space;
    std::string label;
    fingerprint id;
    std::vector<std::uint32_t> row_of_layer;  // (n_layers)
    std::vector<float> additions;             // (steered layers, model_dim)
  };

  template <persona_expression X>
  static expected<plan> make(const X& x, strength s, const residual_norms* norms) {
    const activation_space space = space_of(x);
    auto scales = detail::layer_scales(space, s, norms);
    if (!scales) return forward_error(scales);

    auto made = std::make_shared<state>();
    made->space = space;
    made->row_of_layer.assign(space.n_layers, none);
    fingerprint_builder id;
    id.add(space.model.value).add(static_cast<std::uint64_t>(space.hook));
    std::vector<float> row(space.model_dim);
    std::uint32_t n_rows = 0;
    for (std::uint32_t l = 0; l < space.n_layers; ++l) {
      if (auto ok = evaluate_layer(x, layer_index(l), std::span(row)); !ok) {
        return forward_error(ok);
      }
      bool steers = false;
      for (float& element : row) {
        element *= (*scales)[l];
        if (!std::isfinite(element)) {
          return fail({.code = errc::non_finite,
                       .operation = "compile plan",
                       .place = "layer " + std::to_string(l),
                       .found = std::to_string(element),
                       .expected = "finite additions",
                       .remedy = "lower the strength"});
        }
        steers = steers || element != 0.0f;
      }
      if (!steers) continue;
      made->row_of_layer[l] = n_rows++;
      made->additions.insert(made->additions.end(), row.begin(), row.end());
      id.add(l);
      for (const float element : row) id.add(std::bit_cast<std::uint32_t>(element));
    }
    if (n_rows == 0) return plan{};
    made->id = id.finish();
    made->label = label_of(x);
    plan result;
    result.state_ = std::move(made);
    return result;
  }

  std::shared_ptr<const state> state_;
};

/// Compiles an expression: evaluates it once for each layer and scales it by the strength.
/// Layers where nothing is left to add cost nothing later.
///
/// Errors:  space_mismatch if the expression mixes spaces or the norms are another model's;
///          non_finite if a sum overflows; invalid_argument if norms are needed and missing.
/// Cost:    one pass over the expression's leaves; allocates the plan.
template <persona_expression X>
expected<plan> compile(const X& x, strength s, const residual_norms* norms) {
  if (auto ok = validate(x); !ok) return forward_error(ok);
  if (!std::isfinite(s.value)) return detail::bad_strength(s);
  if constexpr (!has_space<X>) {
    return plan{};  // the zero persona belongs to every space
  } else {
    return s.value == 0.0f ? expected<plan>(plan{}) : plan::make(x, s, norms);
  }
}

template <persona_expression X>
expected<plan> compile(const X& x, strength s, const residual_norms& norms) {
  return compile(x, s, &norms);
}
template <persona_expression X>
expected<plan> compile(const X& x, strength s) {
  return compile(x, s, nullptr);
}

}  // namespace multitudes::steering
