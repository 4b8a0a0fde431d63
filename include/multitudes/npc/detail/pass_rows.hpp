// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/model/evaluation.hpp>
#include <multitudes/steering/plan.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace multitudes::npc::detail {

/// Whose row it is.
struct row_owner {
  static constexpr std::uint32_t none = 0xFFFFFFFF;

  std::uint32_t mind = none;    ///< none: lore
  std::uint32_t option = none;  ///< of the actions that the mind weighs
  std::uint32_t token = 0;      ///< of that option, or of the mind's own
};

/// The rows of a pass, and under what each is computed. Filling it allocates nothing.
class pass_rows {
 public:
  pass_rows() = default;
  /// `watched`: the block after which rows are kept, `width` long; none: they are not.
  pass_rows(std::size_t capacity, std::optional<layer_index> watched, std::size_t width)
      : rows_(capacity),
        owners_(capacity),
        plans_(capacity),
        states_(capacity),
        watched_(watched),
        width_(watched ? width : 0),
        kept_(capacity * width_) {}

  void clear() noexcept { size_ = 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t room() const noexcept { return rows_.size() - size_; }

  /// There must be room.
  void add(const model::batch_row& row, row_owner owner, const steering::plan* plan,
           const steering::token_state& state) noexcept {
    rows_[size_] = row;
    owners_[size_] = owner;
    plans_[size_] = plan;
    states_[size_] = state;
    ++size_;
  }

  [[nodiscard]] std::span<const model::batch_row> rows() const noexcept {
    return std::span(rows_).first(size_);
  }
  [[nodiscard]] const row_owner& owner(std::size_t r) const noexcept { return owners_[r]; }
  /// What a block has left of a row, steered.
  void steer(row_index r, layer_index layer, std::span<float> h) noexcept {
    if (plans_[r.value] != nullptr) plans_[r.value]->apply(layer, h, states_[r.value]);
    if (watched_ && layer == *watched_) {
      std::copy(h.begin(), h.end(), kept_.begin() + static_cast<std::ptrdiff_t>(r.value * width_));
    }
  }
  [[nodiscard]] std::optional<layer_index> watched_layer() const noexcept { return watched_; }
  /// What a row was after the watched block.
  [[nodiscard]] std::span<const float> watched(std::size_t r) const noexcept {
    return std::span(kept_).subspan(r * width_, width_);
  }

 private:
  std::size_t size_ = 0;
  std::vector<model::batch_row> rows_;
  std::vector<row_owner> owners_;
  std::vector<const steering::plan*> plans_;
  std::vector<steering::token_state> states_;
  std::optional<layer_index> watched_;
  std::size_t width_ = 0;
  std::vector<float> kept_;  // (capacity, width)
};

}  // namespace multitudes::npc::detail
