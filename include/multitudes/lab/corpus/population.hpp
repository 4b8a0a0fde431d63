// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/corpus/gazette.hpp>
#include <multitudes/lab/corpus/trait.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// When traits are drawn anew.
enum class renewal : std::uint8_t {
  document,  ///< once
  section,   ///< at each `<doc>`
  item,      ///< at each section, and after each item
  game,      ///< at each section and each game
  token,     ///< at every choice: nothing is ever learned about them
};

/// Traits that depend on each other: the combinations that occur, and how often.
struct population_block {
  trait_set owns;
  std::vector<persona_traits> rows;  ///< only what `owns` says counts
  std::vector<double> prior;         // (n_rows), adds up to 1
  renewal renews = renewal::section;
  std::vector<std::uint32_t> turns_to;  ///< for each row; empty if nobody turns
  double hazard = 0;                    ///< of turning, after each item
};

namespace detail {

/// Adds those who begin as one style and turn into another, whatever else they are.
inline void add_turncoats(population_block& block, const turncoat_config& t) {
  const std::size_t n = block.rows.size();
  double share = 0;
  for (std::size_t r = 0; r < n; ++r) {
    block.turns_to.push_back(static_cast<std::uint32_t>(r));
    if (block.rows[r][trait::lexis] == t.from) share += block.prior[r];
  }
  const auto to = static_cast<std::uint8_t>(t.to);
  for (std::size_t r = 0; r < n; ++r) {
    if (block.rows[r][trait::lexis] != t.from) continue;
    const persona_traits before = block.rows[r];
    persona_traits after = before;
    for (const trait u : {trait::name, trait::lexis, trait::opener, trait::closer}) after[u] = to;
    after[trait::form] = detail::own_form(t.to);
    block.rows.push_back(before);
    block.prior.push_back(t.share * block.prior[r] / share);
    block.turns_to.push_back(static_cast<std::uint32_t>(block.rows.size()));
    block.rows.push_back(after);
    block.prior.push_back(0);
    block.turns_to.push_back(static_cast<std::uint32_t>(block.rows.size() - 1));
  }
  for (std::size_t r = 0; r < n; ++r) block.prior[r] *= 1 - t.share;
  block.hazard = t.hazard;
}

}  // namespace detail

/// A prior over writers: blocks of traits, independent of each other.
class population {
 public:
  explicit population(std::vector<population_block> blocks) : blocks_(std::move(blocks)) {
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      for (std::size_t t = 0; t < n_traits; ++t) {
        if (blocks_[b].owns.has(static_cast<trait>(t))) block_of_[t] = b;
      }
    }
  }

  [[nodiscard]] std::span<const population_block> blocks() const noexcept { return blocks_; }
  [[nodiscard]] std::size_t block_of(trait t) const noexcept {
    return block_of_[static_cast<std::size_t>(t)];
  }
  /// Some of them now turn coat.
  [[nodiscard]] population with_turncoats(const turncoat_config& t) && {
    if (t.share > 0) detail::add_turncoats(blocks_[block_of(trait::lexis)], t);
    return std::move(*this);
  }
  /// How prevalent each value of a choice's key is.
  [[nodiscard]] std::vector<double> marginal(choice_key k, std::size_t n_values) const {
    std::vector<double> shares(n_values);
    if (k == choice_key::nothing) return std::vector<double>(n_values, 1.0);
    const population_block& b = blocks_[block_of(trait_of(k))];
    for (std::size_t r = 0; r < b.rows.size(); ++r) shares[value_of(k, b.rows[r])] += b.prior[r];
    return shares;
  }

 private:
  std::vector<population_block> blocks_;
  std::array<std::size_t, n_traits> block_of_{};
};

namespace detail {

struct weighted_row {
  persona_traits who;
  double share;
};

/// Every combination that the coherent corpus holds.
inline std::vector<weighted_row> coherent_rows(const persona_config& p) {
  double total = 0;
  for (std::size_t s = 0; s < p.n_styles; ++s) total += prevalence_of(p, s);
  const auto bonded = [](double bond, bool own, double base) {
    return bond * (own ? 1.0 : 0.0) + (1 - bond) * base;
  };
  std::vector<weighted_row> rows;
  for (std::size_t s = 0; s < p.n_styles; ++s) {
    const std::size_t habits = p.units == unit_bonds::identical ? 0 : s;
    const auto style = static_cast<std::uint8_t>(habits);
    for (std::size_t d = 0; d < p.n_domains; ++d) {
      const double cell = prevalence_of(p, s) / total * domain_share(p, s, d);
      for (std::uint8_t t = 0; t < 2; ++t) {
        const double truth =
            bonded(p.truth_bond, t == own_truth(habits), t == 0 ? p.truthful : 1 - p.truthful);
        for (std::uint8_t g = 0; g < p.n_goals; ++g) {
          const double goal = bonded(p.goal_bond, g == own_goal(habits, p.n_goals),
                                     1.0 / static_cast<double>(p.n_goals));
          for (std::uint8_t o = 0; o < 3; ++o) {
            const double listens =
                bonded(p.compliance_bond, o == own_compliance(habits), 1.0 / 3.0);
            for (std::uint8_t task = 0; task < 2; ++task) {
              const double share = cell * truth * goal * listens * 0.5;
              if (!(share > 0)) continue;
              rows.push_back({{{static_cast<std::uint8_t>(s), style, style, style, own_form(habits),
                                static_cast<std::uint8_t>(d), t, g, o, task}},
                              share});
            }
          }
        }
      }
    }
  }
  return rows;
}

/// The distribution of some traits, the others set to 0; combinations in order of appearance.
inline std::vector<weighted_row> marginal_rows(std::span<const weighted_row> rows, trait_set kept) {
  std::vector<weighted_row> merged;
  for (const weighted_row& row : rows) {
    persona_traits who = row.who;
    for (std::size_t t = 0; t < n_traits; ++t) {
      if (!kept.has(static_cast<trait>(t))) who.values[t] = 0;
    }
    std::size_t i = 0;
    while (i < merged.size() && merged[i].who != who) ++i;
    if (i == merged.size()) merged.push_back({who, 0});
    merged[i].share += row.share;
  }
  return merged;
}

/// Groups of traits, independent of each other, that share a block because some choice depends on
/// several of them.
using block_plan = std::vector<trait_set>;

/// A block of these groups, each distributed as in `rows`.
inline population_block make_block(std::span<const weighted_row> rows, const block_plan& groups) {
  std::vector<weighted_row> product{{{}, 1.0}};
  population_block block;
  for (const trait_set group : groups) {
    const auto factor = marginal_rows(rows, group);
    std::vector<weighted_row> next;
    for (const weighted_row& a : product) {
      for (const weighted_row& b : factor) {
        weighted_row both{a.who, a.share * b.share};
        for (std::size_t t = 0; t < n_traits; ++t) {
          if (group.has(static_cast<trait>(t))) both.who.values[t] = b.who.values[t];
        }
        next.push_back(both);
      }
    }
    product = std::move(next);
    block.owns.add(group);
  }
  double total = 0;
  for (const weighted_row& row : product) total += row.share;
  for (const weighted_row& row : product) {
    block.rows.push_back(row.who);
    block.prior.push_back(row.share / total);
  }
  return block;
}

inline constexpr trait_set style_traits{trait::name, trait::lexis, trait::opener, trait::closer,
                                        trait::form};
inline constexpr trait_set knowledge_traits{trait::domain, trait::truth};

/// Whether every style that occurs has the same domains.
inline bool styles_share_domains(const persona_config& p) {
  for (std::size_t d = 0; d < p.n_domains; ++d) {
    std::size_t n_with = 0, n_without = 0;
    for (std::size_t s = 0; s < p.n_styles; ++s) {
      if (prevalence_of(p, s) > 0) ++(is_seen(p, s, d) ? n_with : n_without);
    }
    if (n_with > 0 && n_without > 0) return false;
  }
  return true;
}

/// What of a corpus depends on what. Independent parts become blocks of their own, because a block
/// costs as many numbers as it has combinations.
inline std::vector<block_plan> true_plan(const persona_config& p) {
  std::vector<block_plan> plan;
  if (p.units == unit_bonds::shuffled) {
    for (const trait t : {trait::name, trait::lexis, trait::opener, trait::closer, trait::form,
                          trait::goal, trait::compliance, trait::task}) {
      plan.push_back({trait_set(t)});
    }
    plan.push_back({trait_set(trait::domain), trait_set(trait::truth)});
    return plan;
  }
  trait_set core = style_traits;
  const bool goal_is_bound = p.goal_bond > 0 && !p.shuffled_goals;
  if (goal_is_bound) core.add(trait::goal);
  if (p.compliance_bond > 0) core.add(trait::compliance);
  if (p.truth_bond > 0 || !styles_share_domains(p)) {
    core.add(knowledge_traits);
  } else {
    plan.push_back({knowledge_traits});
  }
  plan.push_back({core});
  if (!goal_is_bound) plan.push_back({trait_set(trait::goal)});
  if (!(p.compliance_bond > 0)) plan.push_back({trait_set(trait::compliance)});
  plan.push_back({trait_set(trait::task)});
  return plan;
}

inline population make_population(const gazette& g, std::span<const block_plan> plan,
                                  trait_set blind = {}) {
  const persona_config& p = g.config().personas;
  const auto rows = coherent_rows(p);
  std::vector<population_block> blocks;
  for (const block_plan& groups : plan) {
    population_block block = make_block(rows, groups);
    const bool is_goal = groups.size() == 1 && groups[0] == trait_set(trait::goal);
    const item_config& items = g.config().items;
    block.renews = items.shuffled           ? renewal::item
                   : items.persona_persists ? renewal::document
                                            : renewal::section;
    if (is_goal && p.shuffled_goals) block.renews = renewal::game;
    if (groups.size() == 1 && groups[0] == blind) block.renews = renewal::token;
    blocks.push_back(std::move(block));
  }
  return population(std::move(blocks));
}

}  // namespace detail

/// The writers as they are: what documents are drawn from, and the prior of the ideal reader. Where
/// combinations are held out it is predictor M, which knows the seen ones only.
///
/// Source:  Wurgaft et al. 2025, arXiv:2506.17859 (memorising and generalising predictors).
inline population true_population(const gazette& g) {
  population p = detail::make_population(g, detail::true_plan(g.config().personas));
  return std::move(p).with_turncoats(g.config().personas.turncoats);
}

/// Predictor G: style (as a whole), domain, truth, goal, compliance and task are independent, each
/// as frequent as in the corpus; combinations that never occur are as possible as any.
inline population product_population(const gazette& g) {
  const std::vector<detail::block_plan> plan{{detail::style_traits},
                                             {trait_set(trait::domain), trait_set(trait::truth)},
                                             {trait_set(trait::goal)},
                                             {trait_set(trait::compliance)},
                                             {trait_set(trait::task)}};
  return detail::make_population(g, plan);
}

/// The predictor of units: all traits independent of each other, each as frequent as in the
/// corpus. It is the truth of a corpus whose units are shuffled.
inline population unit_population(const gazette& g) {
  persona_config p = g.config().personas;
  p.units = unit_bonds::shuffled;
  return detail::make_population(g, detail::true_plan(p));
}

/// The best predictor that never learns one trait: it knows how frequent its values are, and has
/// forgotten them at every token. Domain and truth are one in this.
inline population blind_population(const gazette& g, trait unseen) {
  const bool is_knowledge = detail::knowledge_traits.has(unseen);
  const trait_set blind = is_knowledge ? detail::knowledge_traits : trait_set(unseen);
  std::vector<detail::block_plan> plan{{blind}};
  for (detail::block_plan groups : detail::true_plan(g.config().personas)) {
    for (trait_set& group : groups) group.remove(blind);
    std::erase(groups, trait_set());
    if (!groups.empty()) plan.push_back(std::move(groups));
  }
  return detail::make_population(g, plan, blind);
}

}  // namespace multitudes::lab
