// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/fingerprint.hpp>
#include <multitudes/lab/corpus/config.hpp>

#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace multitudes::lab {

namespace detail {

/// Adds values of every kind that a configuration holds.
class config_digest {
 public:
  template <class... Values>
  void add(const Values&... values) {
    (add_one(values), ...);
  }
  [[nodiscard]] fingerprint finish() const noexcept { return id_.finish(); }

 private:
  template <class T>
    requires(std::integral<T> || std::is_enum_v<T>)
  void add_one(T value) {
    id_.add(static_cast<std::uint64_t>(value));
  }
  void add_one(double value) { id_.add(std::bit_cast<std::uint64_t>(value)); }
  void add_one(style_domain cell) { add(cell.style, cell.domain); }
  void add_one(const response_config& c) { add(c.complies, c.refuses); }
  template <class T>
  void add_one(const std::vector<T>& values) {
    id_.add(values.size());
    for (const T& v : values) add_one(v);
  }

  fingerprint_builder id_;
};

}  // namespace detail

/// What tells two configurations apart: every field. (The structures are taken apart by name, so
/// that a new field does not compile until it is here.)
inline fingerprint fingerprint_of(const gazette_config& config) {
  detail::config_digest id;
  const auto& [personas, clarity, labels, items, questions, skills, games, dialogues] = config;
  {
    const auto& [n_styles, n_domains, n_goals, zipf, prevalence, rotation, domains_per_style,
                 held_out, truthful, goal_bond, compliance_bond, truth_bond, units, shuffled_goals,
                 turncoats] = personas;
    const auto& [share, hazard, from, to] = turncoats;
    id.add(n_styles, n_domains, n_goals, zipf, prevalence, rotation, domains_per_style, held_out,
           truthful, goal_bond, compliance_bond, truth_bond, units, shuffled_goals, share, hazard,
           from, to);
  }
  {
    const auto& [slot, slot_of_style, marker, form, label, task, answer, own_domain] = clarity;
    id.add(slot, slot_of_style, marker, form, label, task, answer, own_domain);
  }
  {
    const auto& [header, signature, domain, goal, n_templates, weekday] = labels;
    id.add(header, signature, domain, goal, n_templates, weekday);
  }
  {
    const auto& [filler, question, skill, grid, football, dialogue, mention, min_count, max_count,
                 n_sections, persona_persists, shuffled] = items;
    id.add(filler, question, skill, grid, football, dialogue, mention, min_count, max_count,
           n_sections, persona_persists, shuffled);
  }
  {
    const auto& [facts_per_domain] = questions;
    const auto& [phrase_length, cued, composed, random_cues, held_out_modulus, slip] = skills;
    id.add(facts_per_domain, phrase_length, cued, composed, random_cues, held_out_modulus, slip);
  }
  {
    const auto& [grid_size, temperature, max_steps, tool_share, scan_slip, moved, shows_position,
                 held_out_modulus] = games;
    const auto& [listeners] = dialogues;
    id.add(grid_size, temperature, max_steps, tool_share, scan_slip, moved, shows_position,
           held_out_modulus, listeners[0], listeners[1], listeners[2]);
  }
  return id.finish();
}

}  // namespace multitudes::lab
