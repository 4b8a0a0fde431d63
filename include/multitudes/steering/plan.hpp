// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/steering/add.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::steering {

/// How a plan keeps directions. bf16 halves what many different plans read at every token, and
/// moves each direction by about 0.1 degrees; a layer where one vector is added keeps floats.
enum class storage : std::uint8_t { f32, bf16 };

/// Operators, compiled to what is done to the residual stream after each block. Immutable; a copy
/// shares it, so that exchanging plans between two tokens costs a pointer. A default-made plan is
/// the neutral one: it touches nothing, bit for bit.
class plan {
 public:
  plan() = default;

  /// What goes with a token that `age` tokens under the plan came before, with the dials as they
  /// stand for it.
  [[nodiscard]] token_state begin(std::uint32_t age,
                                  std::span<const float> dials = {}) const noexcept {
    token_state state;
    if (!has_envelopes()) return state;
    for (std::size_t i = 1; i < compiled_->doses.size(); ++i) {
      float dose = 1;
      for (const envelope& e : compiled_->doses[i]) dose *= e.dose(age, dials);
      state.doses[i] = dose;
    }
    return state;
  }

  /// Does to a row of the residual stream what the plan has for `layer`. Layers come in their
  /// order, with the state that `begin` made for the token.
  ///
  /// Shapes:  h (model_dim), in/out.
  /// Cost:    the row is read once and written once; two multiply-adds for each direction and
  ///          element, one for those that are only added; nothing for a layer that is not
  ///          steered; no allocation.
  void apply(layer_index layer, std::span<float> h, token_state& state) const noexcept {
    if (compiled_) compiled_->what.run(layer, h, state);
  }

  /// What is added after `layer`, if adding one vector is all that is done there: (model_dim), else
  /// empty.
  [[nodiscard]] std::span<const float> at(layer_index layer) const noexcept {
    return compiled_ ? compiled_->what.addition(layer) : std::span<const float>();
  }

  [[nodiscard]] bool is_neutral() const noexcept { return !compiled_; }
  /// Whether what it does depends on the time since it began.
  [[nodiscard]] bool has_envelopes() const noexcept {
    return compiled_ && compiled_->doses.size() > 1;
  }
  /// Whether what it does depends on dials.
  [[nodiscard]] bool has_dials() const noexcept {
    return any_envelope([](const envelope& e) { return e.has_dials(); });
  }
  /// Whether it depends on this one.
  [[nodiscard]] bool has_dial(std::size_t which) const noexcept {
    return any_envelope([&](const envelope& e) { return e.has_dial(which); });
  }
  /// Equal for plans that do the same with the same numbers; {0} for the neutral one.
  [[nodiscard]] fingerprint id() const noexcept {
    return compiled_ ? compiled_->id : fingerprint{};
  }
  /// The operators' own text; empty for the neutral plan.
  [[nodiscard]] std::string_view label() const noexcept {
    return compiled_ ? std::string_view(compiled_->label) : std::string_view();
  }
  /// Where it may be used; nothing for the neutral plan, which may be used anywhere.
  [[nodiscard]] std::optional<activation_space> space() const noexcept {
    return compiled_ ? std::optional(compiled_->space) : std::nullopt;
  }

  template <steering_operator Op>
  friend expected<plan> compile(const Op& op, const residual_norms* norms, storage how);

 private:
  struct compiled {
    activation_space space;
    std::string label;
    fingerprint id;
    detail::program what;
    std::vector<std::vector<envelope>> doses;
  };

  template <class F>
  [[nodiscard]] bool any_envelope(F&& f) const noexcept {
    if (!compiled_) return false;
    return std::any_of(compiled_->doses.begin(), compiled_->doses.end(), [&](const auto& chain) {
      return std::any_of(chain.begin(), chain.end(), f);
    });
  }

  std::shared_ptr<const compiled> compiled_;
};

/// Compiles operators: evaluates their expressions once for each layer. They act in the order in
/// which they are written. Layers where nothing is left to do cost nothing later.
///
/// Errors:  space_mismatch if the operators' spaces differ or the norms are another model's;
///          non_finite if a sum overflows; invalid_argument if norms are needed and missing, or
///          for too many directions in a layer; those of each operator.
/// Cost:    one pass over the expressions' leaves; allocates the plan.
/// Example: `compile(project_out(assistant) | add(bard, in_norms(0.3f)), norms)`
template <steering_operator Op>
expected<plan> compile(const Op& op, const residual_norms* norms, storage how) {
  const activation_space* seen = nullptr;
  if (auto ok = op.check(seen); !ok) return forward_error(ok);
  if (seen == nullptr) return plan{};  // the zero persona belongs to every space
  const activation_space space = *seen;
  detail::program_builder builder(space, norms, how == storage::bf16);
  for (std::uint32_t l = 0; l < space.n_layers; ++l) {
    if (auto ok = op.emit(builder); !ok) return forward_error(ok);
    if (auto ok = builder.finish_layer(); !ok) return forward_error(ok);
  }
  if (!builder.acts()) return plan{};
  auto made = std::make_shared<plan::compiled>();
  made->space = space;
  op.write_label(made->label);
  made->id = builder.id();
  made->doses = builder.take_doses();
  auto what = builder.finish();
  if (!what) return forward_error(what);
  made->what = std::move(*what);
  plan result;
  result.compiled_ = std::move(made);
  return result;
}

template <steering_operator Op>
expected<plan> compile(const Op& op, const residual_norms& norms, storage how = storage::f32) {
  return compile(op, &norms, how);
}
template <steering_operator Op>
expected<plan> compile(const Op& op, storage how = storage::f32) {
  return compile(op, static_cast<const residual_norms*>(nullptr), how);
}

/// The short form for one expression that is added: `compile(add(x, s), norms)`.
template <persona_expression X>
expected<plan> compile(const X& x, strength s, const residual_norms& norms) {
  return compile(add(x, s), norms);
}
template <persona_expression X>
expected<plan> compile(const X& x, strength s) {
  return compile(add(x, s));
}

}  // namespace multitudes::steering
