// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/stats/bootstrap.hpp>

#include <cstddef>
#include <map>
#include <span>
#include <vector>

namespace multitudes::stats {

/// The bootstrap for items that come in groups within which they are alike (the chunks of a book,
/// the tokens of a conversation): draws whole groups with replacement, and gives `statistic` the
/// indices of all items in the groups drawn.
///
/// Shapes:  groups: the group of each item, by any numbers.
/// Errors:  the whole line for fewer than two groups, or as `bootstrap`.
/// Cost:    `resamples` calls of the statistic.
template <class F>
  requires std::is_invocable_r_v<std::optional<double>, F&, std::span<const std::size_t>>
interval bootstrap_groups(std::span<const std::size_t> groups, F statistic, double confidence,
                          int resamples, philox& random) {
  std::map<std::size_t, std::vector<std::size_t>> items_of;
  for (std::size_t i = 0; i < groups.size(); ++i) items_of[groups[i]].push_back(i);
  std::vector<const std::vector<std::size_t>*> lists;
  std::vector<double> ids;
  for (const auto& [group, items] : items_of) {
    ids.push_back(static_cast<double>(lists.size()));
    lists.push_back(&items);
  }
  std::vector<std::size_t> drawn;
  const auto of_groups = [&](std::span<const double> sample) -> std::optional<double> {
    drawn.clear();
    for (const double id : sample) {
      const auto& items = *lists[static_cast<std::size_t>(id)];
      drawn.insert(drawn.end(), items.begin(), items.end());
    }
    return statistic(std::span<const std::size_t>(drawn));
  };
  return bootstrap(ids, of_groups, confidence, resamples, random);
}

}  // namespace multitudes::stats
