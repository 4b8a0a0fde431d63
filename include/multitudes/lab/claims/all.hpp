// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/blame.hpp>
#include <multitudes/lab/claims/combining.hpp>
#include <multitudes/lab/claims/credit.hpp>
#include <multitudes/lab/claims/escape.hpp>
#include <multitudes/lab/claims/goal_action.hpp>
#include <multitudes/lab/claims/goal_imposture.hpp>
#include <multitudes/lab/claims/goal_inference.hpp>
#include <multitudes/lab/claims/goals_as_skills.hpp>
#include <multitudes/lab/claims/hacks.hpp>
#include <multitudes/lab/claims/hybrids.hpp>
#include <multitudes/lab/claims/imitation.hpp>
#include <multitudes/lab/claims/labelling.hpp>
#include <multitudes/lab/claims/labels.hpp>
#include <multitudes/lab/claims/little_data.hpp>
#include <multitudes/lab/claims/many_personas.hpp>
#include <multitudes/lab/claims/obeying.hpp>
#include <multitudes/lab/claims/pinned_prefix.hpp>
#include <multitudes/lab/claims/prevalence.hpp>
#include <multitudes/lab/claims/spillover.hpp>
#include <multitudes/lab/claims/switching.hpp>
#include <multitudes/lab/claims/temporary.hpp>
#include <multitudes/lab/claims/traits_help.hpp>
#include <multitudes/lab/claims/upweighting.hpp>
#include <multitudes/lab/claims/wide_deep.hpp>
#include <multitudes/lab/judging/claim.hpp>

#include <span>

namespace multitudes::lab {

namespace detail {

inline constexpr claim claims[] = {
    many_personas_claim,   traits_help_claim, prevalence_claim,     wide_deep_claim,
    temporary_claim,       hybrids_claim,     combining_claim,      spillover_claim,
    labels_claim,          labelling_claim,   little_data_claim,    obeying_claim,
    goals_as_skills_claim, upweighting_claim, escape_claim,         hacks_claim,
    pinned_prefix_claim,   credit_claim,      blame_claim,          switching_claim,
    goal_inference_claim,  goal_action_claim, goal_imposture_claim, imitation_claim,
};

}  // namespace detail

/// All claims that can be run, in order of number.
constexpr std::span<const claim> all_claims() noexcept { return detail::claims; }

}  // namespace multitudes::lab
