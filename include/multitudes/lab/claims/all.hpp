// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/blame.hpp>
#include <multitudes/lab/claims/claim.hpp>
#include <multitudes/lab/claims/credit.hpp>
#include <multitudes/lab/claims/escape.hpp>
#include <multitudes/lab/claims/hacks.hpp>
#include <multitudes/lab/claims/prevalence.hpp>
#include <multitudes/lab/claims/spillover.hpp>
#include <multitudes/lab/claims/switching.hpp>
#include <multitudes/lab/claims/upweighting.hpp>

#include <span>

namespace multitudes::lab {

namespace detail {

inline constexpr claim claims[] = {
    prevalence_claim, spillover_claim, upweighting_claim, escape_claim,
    hacks_claim,      credit_claim,    blame_claim,       switching_claim,
};

}  // namespace detail

/// All claims that can be run, in order of number.
constexpr std::span<const claim> all_claims() noexcept { return detail::claims; }

}  // namespace multitudes::lab
