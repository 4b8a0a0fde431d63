// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/fingerprint.hpp>
#include <multitudes/core/space.hpp>
#include <multitudes/steering/detail/finished_layer.hpp>
#include <multitudes/steering/envelope.hpp>
#include <multitudes/steering/residual_norms.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::steering::detail {

/// Collects what operators do, one layer after the other, and makes a program of it. Operators say
/// the same things in the same order at every layer.
class program_builder {
 public:
  using kind = instruction::kind;

  program_builder(const activation_space& space, const residual_norms* norms, bool pack)
      : space_(space), norms_(norms), pack_(pack), doses_(1) {}

  [[nodiscard]] const activation_space& space() const noexcept { return space_; }
  [[nodiscard]] layer_index layer() const noexcept { return layer_; }
  [[nodiscard]] std::string place() const { return "layer " + std::to_string(layer_.value); }

  /// A strength in the units of the residual stream at this layer.
  expected<float> raw(strength s) const {
    if (s.raw) return s.value;
    if (norms_ == nullptr || norms_->typical.size() != space_.n_layers) {
      return bad_plan(errc::invalid_argument, "strength",
                      "a strength in residual norms without the norms of all layers",
                      std::to_string(space_.n_layers) + " norms",
                      "pass calibrate()'s result, or in_raw_units()");
    }
    if (norms_->space != space_) {
      return bad_plan(errc::space_mismatch, "residual norms", to_string(norms_->space),
                      to_string(space_), "calibrate() the model that the persona belongs to");
    }
    return norms_->typical[layer_.value] * s.value;
  }

  /// Adds a vector. Neighbors that are in force together become one.
  expected<void> add(std::span<const float> vector) {
    bool zero = true;
    for (const float x : vector) {
      if (!std::isfinite(x)) return not_finite(x);
      zero = zero && x == 0.0f;
    }
    if (zero) return {};
    const bool fold = !steps_.empty() && steps_.back().what.what == kind::add &&
                      steps_.back().what.needs == needs_ && steps_.back().what.dose == dose_;
    if (!fold) {
      auto slot = new_row({vector.begin(), vector.end()}, false);
      if (!slot) return forward_error(slot);
      return act(kind::add, {*slot});
    }
    std::vector<double>& sum = rows_[steps_.back().slots[0]].values;
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<double>(vector[i]);
    return {};
  }

  /// The slot of a unit vector that rows will be projected on.
  expected<std::uint16_t> direction(std::span<const float> unit) {
    for (std::size_t s = 0; s < rows_.size(); ++s) {
      if (rows_[s].read && std::equal(unit.begin(), unit.end(), rows_[s].values.begin())) {
        return static_cast<std::uint16_t>(s);
      }
    }
    return new_row({unit.begin(), unit.end()}, true);
  }

  /// Changes the row along slots.
  expected<void> act(kind what, std::vector<std::uint16_t> slots, double a = 0, double b = 0) {
    if (unknown_) {
      return bad_plan(errc::invalid_argument, place(),
                      "an operator under a condition that is read " + *unknown_,
                      "operators where the condition is known",
                      "cut the operator with only_layers(), or read the condition earlier");
    }
    instruction i;
    i.what = what;
    i.dose = dose_;
    i.needs = needs_;
    i.a = a;
    i.b = b;
    steps_.push_back({i, std::move(slots)});
    return {};
  }

  /// `body` emits what is in force only while the condition is met. `test(slot, a, b)` emits
  /// nothing, but says what to look at here; it returns false if there is no direction here.
  template <class Test, class Body>
  expected<void> when(std::optional<layer_index> at, Test test, Body body) {
    if (n_conditions_ == max_conditions) {
      return bad_plan(errc::invalid_argument, "conditions", "more",
                      "at most " + std::to_string(max_conditions));
    }
    const std::uint8_t bit = n_conditions_++;
    const std::size_t n_steps = steps_.size();
    const std::size_t n_rows = rows_.size();
    bool known = at && layer_ > *at;
    if (!at || layer_ == *at) {
      instruction i;
      i.what = kind::test;
      i.condition = bit;
      std::uint16_t slot = 0;
      auto has = test(slot, i.a, i.b);
      if (!has) return forward_error(has);
      known = *has;
      if (known) steps_.push_back({i, {slot}});
      if (!known && at) {
        return bad_plan(errc::zero_direction, place(), "a condition without a direction there",
                        "a layer where the direction has a length");
      }
    }
    const std::size_t n_with_test = steps_.size();
    const auto outer_unknown = unknown_;
    const std::uint64_t outer_needs = needs_;
    needs_ |= std::uint64_t{1} << bit;
    if (!known && !unknown_) {
      unknown_ = at ? "at layer " + std::to_string(at->value) : "where it has no direction";
    }
    auto ok = body();
    needs_ = outer_needs;
    unknown_ = outer_unknown;
    if (ok && !at && steps_.size() == n_with_test) {  // nothing depends on it here
      steps_.resize(n_steps);
      rows_.resize(n_rows);
    }
    return ok;
  }

  /// `body` emits what follows an envelope as well as those around it.
  template <class Body>
  expected<void> over_time(const envelope& how, Body body) {
    std::vector<envelope> chain = doses_[dose_];
    chain.push_back(how);
    const auto found = std::find(doses_.begin(), doses_.end(), chain);
    const auto index = static_cast<std::size_t>(found - doses_.begin());
    if (found == doses_.end()) {
      if (doses_.size() == max_doses) {
        return bad_plan(errc::invalid_argument, "envelopes", std::to_string(max_doses),
                        "at most " + std::to_string(max_doses - 1));
      }
      doses_.push_back(std::move(chain));
    }
    const std::uint8_t outer = std::exchange(dose_, static_cast<std::uint8_t>(index));
    auto ok = body();
    dose_ = outer;
    return ok;
  }

  /// Closes this layer and goes on to the next.
  expected<void> finish_layer();
  /// Whether anything would be changed anywhere.
  [[nodiscard]] bool acts() const noexcept { return acts_; }
  /// For each dose, the envelopes whose product it is; the first is the constant 1.
  [[nodiscard]] std::vector<std::vector<envelope>> take_doses() { return std::move(doses_); }
  [[nodiscard]] expected<program> finish() const { return assemble(layers_, space_); }
  /// Equal for programs that do the same with the same numbers.
  [[nodiscard]] fingerprint id() const;

 private:
  struct pending_row {
    std::vector<double> values;  // (model_dim), floats but for sums that are not finished
    bool read = false;
  };
  struct pending_step {
    instruction what;
    std::vector<std::uint16_t> slots;
  };

  unexpected<error> not_finite(float x) const {
    return bad_plan(errc::non_finite, place(), std::to_string(x), "finite additions",
                    "lower the strength");
  }

  expected<std::uint16_t> new_row(std::vector<double> values, bool read) {
    if (rows_.size() == max_directions) {
      return bad_plan(errc::invalid_argument, place(), "more directions",
                      "at most " + std::to_string(max_directions));
    }
    rows_.push_back({std::move(values), read});
    return static_cast<std::uint16_t>(rows_.size() - 1);
  }

  /// Rounds sums to floats, and drops those where nothing is left.
  expected<void> finish_sums() {
    std::vector<pending_step> kept;
    for (pending_step& step : steps_) {
      bool zero = step.what.what == kind::add;
      if (zero) {
        for (double& x : rows_[step.slots[0]].values) {
          const float rounded = static_cast<float>(x);
          if (!std::isfinite(rounded)) return not_finite(rounded);
          x = static_cast<double>(rounded);
          zero = zero && rounded == 0.0f;
        }
      }
      if (!zero) kept.push_back(std::move(step));
    }
    steps_ = std::move(kept);
    return {};
  }

  /// The rows that steps use: those that are read first. Returns each one's new place.
  std::vector<std::uint16_t> order_rows(finished_layer& now) const {
    std::vector<bool> used(rows_.size());
    for (const pending_step& step : steps_) {
      for (const std::uint16_t s : step.slots) used[s] = true;
    }
    std::vector<std::uint16_t> place(rows_.size());
    for (const bool read : {true, false}) {
      for (std::size_t s = 0; s < rows_.size(); ++s) {
        if (!used[s] || rows_[s].read != read) continue;
        place[s] = static_cast<std::uint16_t>(now.n_rows++);
        if (read) ++now.n_read;
        for (const double x : rows_[s].values) now.rows.push_back(static_cast<float>(x));
      }
    }
    return place;
  }

  activation_space space_;
  const residual_norms* norms_;
  bool pack_;
  layer_index layer_;
  std::vector<std::vector<envelope>> doses_;
  std::uint8_t dose_ = 0;
  std::uint8_t n_conditions_ = 0;
  std::uint64_t needs_ = 0;
  std::optional<std::string> unknown_;  // where the condition around is read, if not known here
  std::vector<pending_row> rows_;       // of this layer
  std::vector<pending_step> steps_;     // of this layer
  std::vector<finished_layer> layers_;
  bool acts_ = false;
};

inline expected<void> program_builder::finish_layer() {
  if (auto ok = finish_sums(); !ok) return ok;
  finished_layer now;
  const std::vector<std::uint16_t> place = order_rows(now);
  // One vector that is added stays as it is, so that its bits are those of an addition.
  if (pack_ && (steps_.size() > 1 || now.n_read > 0)) pack(now, space_.model_dim);
  for (const float x : now.rows) {
    if (!std::isfinite(x)) return not_finite(x);  // rounding to bf16 can do that
  }
  fill_gram(now, space_.model_dim);
  bool read_later = false;
  for (std::size_t i = steps_.size(); i-- > 0;) {
    steps_[i].what.read_later = read_later;
    read_later = read_later || steps_[i].what.what != kind::add;
  }
  for (pending_step& step : steps_) {
    acts_ = acts_ || step.what.what != kind::test;
    step.what.first_slot = static_cast<std::uint32_t>(now.slots.size());
    step.what.n_slots = static_cast<std::uint32_t>(step.slots.size());
    for (const std::uint16_t s : step.slots) now.slots.push_back(place[s]);
    now.instructions.push_back(step.what);
  }
  layers_.push_back(std::move(now));
  rows_.clear();
  steps_.clear();
  n_conditions_ = 0;
  ++layer_;
  return {};
}

inline fingerprint program_builder::id() const {
  fingerprint_builder id;
  id.add(space_.model.value).add(static_cast<std::uint64_t>(space_.hook));
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const finished_layer& now = layers_[l];
    if (now.instructions.empty()) continue;
    id.add(l).add(now.instructions.size()).add(now.n_rows).add(now.n_read);
    id.add(now.scales.size());
    for (const instruction& i : now.instructions) {
      id.add(static_cast<std::uint64_t>(i.what)).add(i.dose).add(i.condition).add(i.needs);
      id.add(std::bit_cast<std::uint64_t>(i.a)).add(std::bit_cast<std::uint64_t>(i.b));
      for (std::size_t s = 0; s < i.n_slots; ++s) id.add(now.slots[i.first_slot + s]);
    }
    for (const float x : now.rows) id.add(std::bit_cast<std::uint32_t>(x));
  }
  for (const auto& chain : doses_) {
    id.add(chain.size());
    for (const envelope& e : chain) {
      for (std::size_t s = 0; s < e.size(); ++s) {
        id.add(static_cast<std::uint64_t>(e[s].what)).add(e[s].n);
        id.add(std::bit_cast<std::uint32_t>(e[s].half_life));
      }
    }
  }
  return id.finish();
}

}  // namespace multitudes::steering::detail
