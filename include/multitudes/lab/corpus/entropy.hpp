// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/corpus/detail/walk_entropy.hpp>
#include <multitudes/lab/corpus/gazette.hpp>
#include <multitudes/lab/corpus/population.hpp>
#include <multitudes/lab/world/football.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

namespace multitudes::lab {

/// How uncertain a document is before it is written, in nats: who writes, and what is written by
/// somebody known. What a reader, who sees only the text, loses on average is their sum less what
/// remains uncertain of the writer: H(X) = H(Z) + H(X | Z) - H(Z | X).
struct gazette_entropy {
  double writers = 0;     ///< H(Z): traits of all sections, goals of all games
  double text_given = 0;  ///< H(X | Z)

  [[nodiscard]] double joint() const noexcept { return writers + text_given; }
};

namespace detail {

inline double entropy_of_two(double p) noexcept {
  const double both[] = {p, 1 - p};
  return entropy_of(both);
}
/// Of one out of n words, the right one of which has probability `right`.
inline double entropy_of_word(double right, std::size_t n) noexcept {
  return n < 2 ? 0 : entropy_of_two(right) + (1 - right) * std::log(static_cast<double>(n - 1));
}

/// The entropies of a document's parts, each written down from what the part is.
class part_entropies {
 public:
  part_entropies(const gazette& g, const population& writers)
      : gazette_(g), c_(g.config()), t_(g.tables()), writers_(writers) {}

  [[nodiscard]] double header() const {
    const label_config& l = c_.labels;
    const double names =
        std::log(static_cast<double>(l.n_templates)) + of_table(t_.name, choice_key::name);
    double sum = entropy_of_two(l.header) + l.header * names;
    sum += entropy_of_two(l.domain) + l.domain * of_table(t_.domain, choice_key::domain);
    sum += entropy_of_two(l.goal) + l.goal * of_table(t_.goal, choice_key::goal);
    return l.weekday ? sum + std::log(7.0) : sum;
  }
  [[nodiscard]] double signature() const {
    const double p = c_.labels.signature;
    return entropy_of_two(p) + p * of_table(t_.name, choice_key::name);
  }
  [[nodiscard]] double item() const {
    const auto& share = t_.item_shares;
    double sum = entropy_of(share);
    if (share[0] > 0) sum += share[0] * filler();
    if (share[1] > 0) sum += share[1] * question();
    if (share[2] > 0) sum += share[2] * skill();
    if (share[3] > 0) sum += share[3] * grid();
    if (share[4] > 0) sum += share[4] * football();
    if (share[5] > 0) sum += share[5] * dialogue();
    return sum + share[6] * std::log(static_cast<double>(c_.personas.n_styles));
  }

 private:
  [[nodiscard]] std::vector<double> shares(choice_key k) const {
    return writers_.marginal(k, gazette_.n_values(k));
  }
  [[nodiscard]] double of_table(const probability_table& table, choice_key k) const {
    const auto share = shares(k);
    double sum = 0;
    for (std::size_t v = 0; v < share.size(); ++v) sum += share[v] * entropy_of(table.row(v));
    return sum;
  }

  /// One of four frames, three slots each, two line ends.
  [[nodiscard]] double filler() const {
    double slots = 0;
    for (const probability_table& slot : t_.slots) slots += of_table(slot, choice_key::lexis);
    return std::log(4.0) + slots / 4 + 2 * of_table(t_.form, choice_key::form);
  }
  [[nodiscard]] double question() const {
    double sum = of_table(t_.subjects, choice_key::domain) +
                 of_table(t_.marker, choice_key::opener) + of_table(t_.marker, choice_key::closer);
    const auto share = shares(choice_key::knowledge);
    const auto n = static_cast<double>(c_.personas.n_domains);
    for (std::size_t k = 0; k < share.size(); ++k) {
      for (std::size_t about = 0; about < t_.answers.size(); ++about) {
        const double own = about == k / 2 ? c_.clarity.own_domain : 0;
        const double asked = own + (1 - c_.clarity.own_domain) / n;
        sum += share[k] * asked * entropy_of(t_.answers[about].row(k));
      }
    }
    return sum;
  }
  [[nodiscard]] double skill() const {
    const skill_config& s = c_.skills;
    const double word = entropy_of_word(1 - s.slip, 12);
    const double shortened = 2 * word;
    const double translated = static_cast<double>(s.phrase_length) * word;
    const auto either = [&](double p) {
      return entropy_of_two(p) + p * shortened + (1 - p) * translated;
    };
    const double cues[] = {s.cued / 2, s.cued / 2, 1 - s.cued};
    double sum = phrase() + entropy_of(cues) + s.cued / 2 * entropy_of_two(s.composed);
    sum += s.cued * (s.random_cues ? either(0.5) : (shortened + translated) / 2);
    const auto task = shares(choice_key::task);
    return sum + (1 - s.cued) *
                     (task[0] * either(c_.clarity.task) + task[1] * either(1 - c_.clarity.task));
  }
  /// The last word is chosen among those that do not complete a phrase that is held out.
  [[nodiscard]] double phrase() const {
    const std::size_t m = c_.skills.held_out_modulus;
    const auto n_free = static_cast<double>(c_.skills.phrase_length - 1);
    if (m == 0) return (n_free + 1) * std::log(12.0);
    std::vector<double> sums(m);  // of the words so far, modulo m
    sums[0] = 1;
    for (std::size_t i = 0; i + 1 < c_.skills.phrase_length; ++i) {
      std::vector<double> next(m);
      for (std::size_t r = 0; r < m; ++r) {
        for (std::size_t w = 0; w < 12; ++w) next[(r + w) % m] += sums[r] / 12;
      }
      sums = next;
    }
    double last = 0;
    for (std::size_t r = 0; r < m; ++r) {
      double n = 0;
      for (std::size_t w = 0; w < 12; ++w) n += (r + w) % m != 0 ? 1 : 0;
      last += sums[r] * std::log(n);
    }
    return n_free * std::log(12.0) + last;
  }
  [[nodiscard]] double grid() const {
    const game_config& g = c_.games;
    double sum =
        std::log(static_cast<double>(g.grid_size * g.grid_size)) + entropy_of_two(g.tool_share);
    if (g.tool_share < 1) {
      walk_entropy open(g, c_.personas.n_goals);
      sum += (1 - g.tool_share) * open(shares(choice_key::goal));
    }
    if (g.tool_share > 0) {
      walk_entropy told(g, 1);
      const double certain[] = {1.0};
      sum += g.tool_share * (of_table(t_.scan, choice_key::goal) + told(certain));
    }
    return sum;
  }
  [[nodiscard]] double football() const {
    const auto goals = shares(choice_key::goal);
    double sum = std::log(4.0);
    for (const side keeper : {side::left, side::right}) {
      for (const side mate : {side::left, side::right}) {
        for (std::size_t g = 0; g < goals.size(); ++g) {
          std::array<double, n_kicks> policy{};
          football_policy({keeper, mate}, static_cast<football_role>(g), c_.games.temperature,
                          policy);
          sum += goals[g] * entropy_of(policy) / 4;
        }
      }
    }
    return sum;
  }
  [[nodiscard]] double dialogue() const {
    const auto listeners = shares(choice_key::compliance);
    double sum = std::log(8.0);
    for (std::size_t l = 0; l < 3; ++l) {
      const auto does = t_.responses.row(l);
      sum += listeners[l] * (entropy_of(does) + does[0] * entropy_of_word(t_.errands_right[l], 8));
    }
    return sum;
  }

  const gazette& gazette_;
  const gazette_config& c_;
  const gazette_tables& t_;
  const population& writers_;
};

}  // namespace detail

/// The entropy of a document, in closed form.
///
/// Errors:  unsupported where some writers turn coat, or traits are drawn anew at every token: what
///          is hidden then are paths, and they are not counted.
/// Cost:    that of the walks, if there are any: with three objects on a 5 x 5 board a second.
inline expected<gazette_entropy> entropy(const gazette& g, const population& writers) {
  const item_config& c = g.config().items;
  const auto n_sections = static_cast<double>(c.n_sections);
  const auto n_counts = static_cast<double>(c.max_count - c.min_count + 1);
  const double n_items = static_cast<double>(c.min_count + c.max_count) / 2;
  const auto& share = g.tables().item_shares;
  const double n_games = n_items * (share[static_cast<std::size_t>(item_kind::grid)] +
                                    share[static_cast<std::size_t>(item_kind::football)]);
  const detail::part_entropies parts(g, writers);
  gazette_entropy sum;
  sum.text_given = n_sections * (parts.header() + std::log(n_counts) + n_items * parts.item() +
                                 parts.signature());
  for (const population_block& b : writers.blocks()) {
    if (!b.turns_to.empty() || b.renews == renewal::token) {
      return fail({.code = errc::unsupported,
                   .operation = "entropy of a gazette",
                   .place = "writers",
                   .found = b.turns_to.empty() ? "a trait drawn anew at every token"
                                               : "writers who turn coat",
                   .expected = "traits that stay"});
    }
    double times = n_sections;
    if (b.renews == renewal::document) times = 1;
    if (b.renews == renewal::item) times = n_sections * (1 + n_items);
    if (b.renews == renewal::game) times = n_sections * (1 + n_games);
    sum.writers += times * detail::entropy_of(b.prior);
  }
  return sum;
}

}  // namespace multitudes::lab
