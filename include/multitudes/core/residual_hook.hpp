// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/function_ref.hpp>
#include <multitudes/core/index.hpp>

#include <concepts>
#include <span>

namespace multitudes {

/// What a forward pass calls when a block has finished with a row of the residual stream:
/// `hook(row, layer, h)` may read `h` (model_dim) and change it. It is called once for each row
/// of the batch and layer, for different rows from different threads at the same time, so it
/// may touch nothing but `h` and what belongs to `row`.
template <class H>
concept residual_hook = std::invocable<const H&, row_index, layer_index, std::span<float>>;

/// Changes nothing; costs nothing.
struct no_hook {
  constexpr void operator()(row_index, layer_index, std::span<float>) const noexcept {}
};

static_assert(residual_hook<no_hook>);

/// Any hook, borrowed: one indirect call for each row and layer, and one forward pass in a program
/// instead of one for each kind of hook.
using residual_hook_ref = function_ref<void(row_index, layer_index, std::span<float>)>;

}  // namespace multitudes
