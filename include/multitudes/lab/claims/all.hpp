// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/claim.hpp>
#include <multitudes/lab/claims/goal_action.hpp>
#include <multitudes/lab/claims/goal_imposture.hpp>
#include <multitudes/lab/claims/goal_inference.hpp>
#include <multitudes/lab/claims/imitation.hpp>
#include <multitudes/lab/claims/prevalence.hpp>

#include <span>

namespace multitudes::lab {

namespace detail {

inline constexpr claim claims[] = {
    prevalence_claim,     goal_inference_claim, goal_action_claim,
    goal_imposture_claim, imitation_claim,
};

}  // namespace detail

/// All claims that can be run, in order of number.
constexpr std::span<const claim> all_claims() noexcept { return detail::claims; }

}  // namespace multitudes::lab
