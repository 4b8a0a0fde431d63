// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/corpus/config.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

namespace multitudes::lab {

namespace detail {

/// Collects the first thing that is wrong with a configuration.
class config_checker {
 public:
  void between(const char* field, std::size_t found, std::size_t low, std::size_t high) {
    require(low <= found && found <= high, field, std::to_string(found),
            std::to_string(low) + " to " + std::to_string(high));
  }
  void probability(const std::string& field, double found) {
    require(found >= 0 && found <= 1, field, std::to_string(found), "0 to 1");
  }
  void positive(const char* field, double found) {
    require(std::isfinite(found) && found > 0, field, std::to_string(found), "above 0");
  }
  void weights(const char* field, std::span<const double> found) {
    double sum = 0;
    for (const double w : found) {
      require(std::isfinite(w) && w >= 0, field, std::to_string(w), "finite and 0 or more");
      sum += w;
    }
    require(sum > 0, field, "nothing above 0", "at least one weight above 0");
  }
  void require(bool holds, std::string place, std::string found, std::string wanted,
               std::string remedy = {}) {
    if (holds || wrong_) return;
    wrong_ = true;
    error_ = {.code = errc::invalid_argument,
              .operation = "make gazette",
              .place = std::move(place),
              .found = std::move(found),
              .expected = std::move(wanted),
              .remedy = std::move(remedy)};
  }
  [[nodiscard]] expected<void> result() && {
    if (wrong_) return fail(std::move(error_));
    return {};
  }
  [[nodiscard]] bool is_wrong() const noexcept { return wrong_; }

 private:
  bool wrong_ = false;
  error error_{};
};

/// Whether documents of this style and domain occur. The configuration must be in range.
inline bool is_seen(const persona_config& p, std::size_t style, std::size_t domain) {
  const std::size_t n = p.domains_per_style == 0 ? p.n_domains : p.domains_per_style;
  const std::size_t first = (style + p.rotation) % p.n_domains;
  if ((domain + p.n_domains - first) % p.n_domains >= n) return false;
  return std::ranges::find(p.held_out, style_domain{style, domain}) == p.held_out.end();
}

/// Not normalised.
inline double prevalence_of(const persona_config& p, std::size_t style) {
  if (!p.prevalence.empty()) return p.prevalence[style];
  const std::size_t rank = (style + p.rotation) % p.n_styles;
  return std::pow(static_cast<double>(rank + 1), -p.zipf);
}

inline void check(const persona_config& p, config_checker& c) {
  c.between("personas.n_styles", p.n_styles, 1, 12);
  c.between("personas.n_domains", p.n_domains, 1, 8);
  c.between("personas.n_goals", p.n_goals, 1, 3);
  c.between("personas.domains_per_style", p.domains_per_style, 0, p.n_domains);
  c.require(std::isfinite(p.zipf) && std::abs(p.zipf) <= 20, "personas.zipf",
            std::to_string(p.zipf), "-20 to 20");
  c.probability("personas.truthful", p.truthful);
  c.probability("personas.goal_bond", p.goal_bond);
  c.probability("personas.compliance_bond", p.compliance_bond);
  c.probability("personas.truth_bond", p.truth_bond);
  if (!p.prevalence.empty()) {
    c.require(p.prevalence.size() == p.n_styles, "personas.prevalence",
              std::to_string(p.prevalence.size()) + " numbers",
              std::to_string(p.n_styles) + ", one for each style");
    c.weights("personas.prevalence", p.prevalence);
  }
  for (const style_domain& h : p.held_out) {
    c.require(h.style < p.n_styles && h.domain < p.n_domains, "personas.held_out",
              "style " + std::to_string(h.style) + ", domain " + std::to_string(h.domain),
              "a style and a domain that there are");
  }
  if (c.is_wrong()) return;
  for (std::size_t s = 0; s < p.n_styles; ++s) {
    if (!(prevalence_of(p, s) > 0)) continue;
    bool has_domain = false;
    for (std::size_t d = 0; d < p.n_domains; ++d) has_domain = has_domain || is_seen(p, s, d);
    c.require(has_domain, "personas.held_out", "style " + std::to_string(s) + " without a domain",
              "at least one", "hold out fewer, or give the style a prevalence of 0");
  }
  const turncoat_config& t = p.turncoats;
  c.probability("personas.turncoats.share", t.share);
  c.probability("personas.turncoats.hazard", t.hazard);
  if (t.share == 0) return;
  c.require(t.from < p.n_styles && t.to < p.n_styles && t.from != t.to, "personas.turncoats",
            "from " + std::to_string(t.from) + " to " + std::to_string(t.to), "two styles");
  c.require(p.units == unit_bonds::coherent, "personas.turncoats", "units that are not coherent",
            "coherent units", "what turns is a style, which only coherent corpora have");
  c.require(c.is_wrong() || prevalence_of(p, t.from) > 0, "personas.turncoats.from",
            "a style of prevalence 0", "one that occurs");
}

inline void check(const game_config& g, const persona_config& p, config_checker& c) {
  c.between("games.grid_size", g.grid_size, 2, 7);
  c.positive("games.temperature", g.temperature);
  c.between("games.max_steps", g.max_steps, 1, 100);
  c.probability("games.tool_share", g.tool_share);
  c.probability("games.scan_slip", g.scan_slip);
  c.probability("games.moved", g.moved);
  c.require(g.held_out_modulus != 1, "games.held_out_modulus", "1, which holds out every map",
            "0, or 2 and more");
  const std::size_t cells = g.grid_size * g.grid_size;
  const std::size_t lost =
      g.held_out_modulus == 0 ? 0 : (cells + g.held_out_modulus - 1) / g.held_out_modulus;
  c.require(cells > p.n_goals + lost, "games.grid_size", std::to_string(g.grid_size),
            "room for the objects wherever they may lie", "take a larger grid or modulus");
  c.require(g.moved == 0 || cells >= p.n_goals + 3, "games.grid_size", std::to_string(g.grid_size),
            "room for an object to move to", "take a larger grid, or games.moved = 0");
}

}  // namespace detail

/// Whether a corpus of this configuration can be written.
///
/// Errors:  invalid_argument, which names the field, for whatever is out of its documented range.
inline expected<void> check_config(const gazette_config& config) {
  detail::config_checker c;
  detail::check(config.personas, c);
  const clarity_config& k = config.clarity;
  c.probability("clarity.slot", k.slot);
  c.require(k.slot_of_style.empty() || k.slot_of_style.size() == config.personas.n_styles,
            "clarity.slot_of_style", std::to_string(k.slot_of_style.size()) + " numbers",
            "none, or one for each style");
  for (const double s : k.slot_of_style) c.probability("clarity.slot_of_style", s);
  c.probability("clarity.marker", k.marker);
  c.probability("clarity.form", k.form);
  c.probability("clarity.label", k.label);
  c.probability("clarity.task", k.task);
  c.probability("clarity.answer", k.answer);
  c.probability("clarity.own_domain", k.own_domain);
  c.probability("labels.header", config.labels.header);
  c.probability("labels.signature", config.labels.signature);
  c.probability("labels.domain", config.labels.domain);
  c.probability("labels.goal", config.labels.goal);
  c.between("labels.n_templates", config.labels.n_templates, 1, 6);
  const item_config& i = config.items;
  const double kinds[] = {i.filler, i.question, i.skill, i.grid, i.football, i.dialogue, i.mention};
  c.weights("items", kinds);
  c.require(i.min_count >= 1 && i.min_count <= i.max_count && i.max_count <= 10'000, "items",
            std::to_string(i.min_count) + " to " + std::to_string(i.max_count),
            "1 <= min_count <= max_count <= 10000");
  c.require(!i.shuffled || !i.persona_persists, "items.persona_persists",
            "writers who persist, of shuffled items", "one or the other");
  c.require(!i.shuffled || config.personas.turncoats.share == 0, "items.shuffled",
            "writers who turn coat after an item", "writers who stay for an item");
  c.between("items.n_sections", i.n_sections, 1, 1000);
  c.between("questions.facts_per_domain", config.questions.facts_per_domain, 1, 5);
  const skill_config& s = config.skills;
  c.between("skills.phrase_length", s.phrase_length, 2, 4);
  c.probability("skills.cued", s.cued);
  c.probability("skills.composed", s.composed);
  c.require(s.composed == 0 || !s.random_cues, "skills.composed",
            std::to_string(s.composed) + " with random cues", "0, or cues that say something");
  c.require(s.held_out_modulus == 0 || (s.held_out_modulus >= 2 && s.held_out_modulus <= 12),
            "skills.held_out_modulus", std::to_string(s.held_out_modulus), "0, or 2 to 12");
  c.probability("skills.slip", s.slip);
  detail::check(config.games, config.personas, c);
  for (const response_config& r : config.dialogues.listeners) {
    c.probability("dialogues.listeners", r.complies);
    c.probability("dialogues.listeners", r.refuses);
    c.probability("dialogues.listeners (complies + refuses)", r.complies + r.refuses);
  }
  return std::move(c).result();
}

}  // namespace multitudes::lab
