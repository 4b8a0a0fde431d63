// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/extract/extractor.hpp>

#include <algorithm>
#include <span>
#include <string_view>

namespace multitudes {

/// The mean of the positive rows minus the mean of the negative ones: what the trait adds on
/// average. It maximises the mean shift for its length, and nothing is assumed of the noise; what
/// differs between the sides by accident is in it too.
///
/// Cost:    one addition per element and pair.
/// Source:  Marks and Tegmark 2023, arXiv:2310.06824; Rimsky et al. 2023, arXiv:2312.06681.
struct mean_difference {
  static constexpr looks_at needs = looks_at::means;
  static constexpr std::string_view name = "mean difference";

  void operator()(const pair_statistics& pairs, std::span<double> out) const {
    std::copy(pairs.difference.begin(), pairs.difference.end(), out.begin());
  }
};

static_assert(extractor<mean_difference>);

}  // namespace multitudes
