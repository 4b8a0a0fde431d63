// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/claim.hpp>
#include <multitudes/lab/claims/labels.hpp>
#include <multitudes/lab/claims/many_personas.hpp>
#include <multitudes/lab/claims/pinned_prefix.hpp>
#include <multitudes/lab/claims/prevalence.hpp>
#include <multitudes/lab/claims/temporary.hpp>
#include <multitudes/lab/claims/traits_help.hpp>
#include <multitudes/lab/claims/wide_deep.hpp>

#include <span>

namespace multitudes::lab {

namespace detail {

inline constexpr claim claims[] = {
    many_personas_claim, traits_help_claim, prevalence_claim, wide_deep_claim, temporary_claim,
};

}  // namespace detail

/// All claims that can be run, in order of number.
constexpr std::span<const claim> all_claims() noexcept { return detail::claims; }

}  // namespace multitudes::lab
