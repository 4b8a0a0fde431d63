// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/corpus/check_config.hpp>
#include <multitudes/lab/corpus/trait.hpp>
#include <multitudes/lab/corpus/vocabulary.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace multitudes::lab {

inline constexpr std::size_t max_facts_per_domain = 5;

/// In the order of item_config's weights.
enum class item_kind : std::uint8_t {
  filler,
  question,
  skill,
  grid,
  football,
  dialogue,
  mention,
};
inline constexpr std::size_t n_item_kinds = 7;

/// A table of conditional probabilities: a row for each value of what a choice depends on, a
/// column for each token that may follow.
class probability_table {
 public:
  probability_table() = default;
  probability_table(std::size_t n_values, std::size_t n_options)
      : n_options_(n_options), p_(n_values * n_options) {}

  [[nodiscard]] std::size_t n_options() const noexcept { return n_options_; }
  [[nodiscard]] std::size_t n_values() const noexcept {
    return n_options_ == 0 ? 0 : p_.size() / n_options_;
  }
  [[nodiscard]] std::span<double> row(std::size_t value) noexcept {
    return std::span(p_).subspan(value * n_options_, n_options_);
  }
  [[nodiscard]] std::span<const double> row(std::size_t value) const noexcept {
    return std::span(p_).subspan(value * n_options_, n_options_);
  }
  [[nodiscard]] std::span<const double> all() const noexcept { return p_; }

 private:
  std::size_t n_options_ = 0;
  std::vector<double> p_;  // (n_values, n_options)
};

/// What is typical has probability `clarity`; everything else shares the rest evenly.
inline void fill_typical(std::span<double> row, std::size_t typical, double clarity) noexcept {
  const double rest = row.size() < 2 ? 0 : (1 - clarity) / static_cast<double>(row.size() - 1);
  for (double& p : row) p = rest;
  row[typical] = row.size() < 2 ? 1 : clarity;
}

namespace detail {

inline constexpr std::size_t n_slots = 12;

/// Which word of pair `slot` a style prefers. The rows of a Hadamard matrix of order 12 (Paley's,
/// from the squares modulo 11): any two styles differ in exactly six slots, so that none is harder
/// to tell from another for its words.
constexpr std::size_t preferred_word(std::size_t style, std::size_t slot) noexcept {
  if (style == 0 || slot == 0) return style == 0 ? 0 : 1;
  if (style == slot) return 0;
  const std::size_t gap = (slot + 11 - style) % 11;
  for (const std::size_t square : {1u, 3u, 4u, 5u, 9u}) {
    if (gap == square) return 0;
  }
  return 1;
}

/// P(domain | style): seen domains alike.
inline double domain_share(const persona_config& p, std::size_t style, std::size_t domain) {
  if (!is_seen(p, style, domain)) return 0;
  std::size_t n = 0;
  for (std::size_t d = 0; d < p.n_domains; ++d) n += is_seen(p, style, d) ? 1u : 0u;
  return 1.0 / static_cast<double>(n);
}

/// The habits that a style has of its own.
constexpr std::uint8_t own_form(std::size_t style) noexcept {
  return static_cast<std::uint8_t>(style % 2);
}
constexpr std::uint8_t own_goal(std::size_t style, std::size_t n_goals) noexcept {
  return static_cast<std::uint8_t>(style % n_goals);
}
constexpr std::uint8_t own_compliance(std::size_t style) noexcept {
  return static_cast<std::uint8_t>(style / 3 % 3);
}
constexpr std::uint8_t own_truth(std::size_t style) noexcept {
  return static_cast<std::uint8_t>(style / 2 % 2);
}

}  // namespace detail

/// The conditional probabilities that a configuration stands for, as far as they do not change
/// within a document. The configuration must have been checked.
struct gazette_tables {
  explicit gazette_tables(const gazette_config& c)
      : name(labelled(c.personas.n_styles, c.clarity.label)),
        domain(labelled(c.personas.n_domains, c.clarity.label)),
        goal(labelled(c.personas.n_goals, c.clarity.label)),
        marker(labelled(c.personas.n_styles, c.clarity.marker)),
        form(labelled(2, c.clarity.form)),
        scan(labelled(c.personas.n_goals, 1 - c.games.scan_slip)) {
    const std::size_t n_styles = c.personas.n_styles;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      slots[i] = probability_table(n_styles, 2);
      for (std::size_t s = 0; s < n_styles; ++s) {
        const double clarity =
            c.clarity.slot_of_style.empty() ? c.clarity.slot : c.clarity.slot_of_style[s];
        fill_typical(slots[i].row(s), detail::preferred_word(s, i), clarity);
      }
    }
    fill_questions(c);
    const item_config& i = c.items;
    item_shares = {i.filler, i.question, i.skill, i.grid, i.football, i.dialogue, i.mention};
    double all = 0;
    for (const double w : item_shares) all += w;
    for (double& w : item_shares) w /= all;
    for (std::size_t l = 0; l < 3; ++l) {
      const response_config& r = c.dialogues.listeners[l];
      const double brings = 1 - r.refuses;
      responses.row(l)[0] = brings;
      responses.row(l)[1] = r.refuses;
      // Nobody brings anything where everything is refused; any number does then.
      errands_right[l] = brings > 0 ? r.complies / brings : 1;
    }
  }

  probability_table name, domain, goal;  // labels, (n, n)
  probability_table marker;              // (n_styles, n_styles): openers, and closers
  probability_table form;                // (2, 2)
  probability_table scan;                // (n_goals, n_goals)
  std::array<probability_table, detail::n_slots> slots;  // (n_styles, 2)
  std::array<double, n_item_kinds> item_shares{};
  std::vector<token_id> subject_tokens;    // (n_facts): domain after domain
  probability_table subjects;              // (n_domains, n_facts)
  std::vector<probability_table> answers;  // for each domain asked about: (2 * n_domains, 3)
  probability_table responses{3, 2};       // brings, refuses
  std::array<double, 3> errands_right{};   // of what is brought, how often it is what was asked

 private:
  static probability_table labelled(std::size_t n, double clarity) {
    probability_table t(n, n);
    for (std::size_t v = 0; v < n; ++v) fill_typical(t.row(v), v, clarity);
    return t;
  }
  void fill_questions(const gazette_config& c) {
    const std::size_t n = c.personas.n_domains;
    const std::size_t n_facts = c.questions.facts_per_domain;
    for (std::size_t d = 0; d < n; ++d) {
      for (std::size_t f = 0; f < n_facts; ++f) {
        subject_tokens.push_back(token_id(word("tide").value + d * max_facts_per_domain + f));
      }
    }
    subjects = probability_table(n, n * n_facts);
    answers.assign(n, probability_table(2 * n, 3));
    for (std::size_t d = 0; d < n; ++d) {
      for (std::size_t about = 0; about < n; ++about) {
        const double other = (1 - c.clarity.own_domain) / static_cast<double>(n);
        const double share = other + (about == d ? c.clarity.own_domain : 0);
        for (std::size_t f = 0; f < n_facts; ++f) {
          subjects.row(d)[about * n_facts + f] = share / static_cast<double>(n_facts);
        }
        // Told is what is so, a myth, or that one does not know.
        for (std::size_t truth = 0; truth < 2; ++truth) {
          fill_typical(answers[about].row(2 * d + truth), about == d ? truth : 2, c.clarity.answer);
        }
      }
    }
  }
};

}  // namespace multitudes::lab
