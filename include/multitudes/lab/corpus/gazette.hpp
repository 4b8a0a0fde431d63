// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/corpus/check_config.hpp>
#include <multitudes/lab/corpus/tables.hpp>
#include <multitudes/lab/corpus/trait.hpp>

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// A writer, said in words.
struct writer {
  std::size_t style = 0;
  std::size_t domain = 0;
  bool truthful = true;
  std::size_t goal = 0;
  std::size_t compliance = 0;
  std::size_t task = 0;
};

/// The Gazette: a corpus of which everything is known. Documents are written by writers with
/// latent traits; given those and what stands already, every token is drawn from a distribution
/// that `cursor` states. A copy shares what it holds.
class gazette {
 public:
  /// Errors:  those of check_config.
  static expected<gazette> make(gazette_config config = {}) {
    if (auto good = check_config(config); !good) return forward_error(good);
    return gazette(std::make_shared<const contents>(std::move(config)));
  }

  [[nodiscard]] const gazette_config& config() const noexcept { return held_->config; }
  [[nodiscard]] const gazette_tables& tables() const noexcept { return held_->tables; }

  /// The traits of a writer whose style is coherent.
  [[nodiscard]] persona_traits traits(const writer& w) const noexcept {
    persona_traits who;
    const std::size_t habits = config().personas.units == unit_bonds::identical ? 0 : w.style;
    for (const trait t : {trait::lexis, trait::opener, trait::closer}) {
      who[t] = static_cast<std::uint8_t>(habits);
    }
    who[trait::name] = static_cast<std::uint8_t>(w.style);
    who[trait::form] = detail::own_form(habits);
    who[trait::domain] = static_cast<std::uint8_t>(w.domain);
    who[trait::truth] = w.truthful ? 0 : 1;
    who[trait::goal] = static_cast<std::uint8_t>(w.goal);
    who[trait::compliance] = static_cast<std::uint8_t>(w.compliance);
    who[trait::task] = static_cast<std::uint8_t>(w.task);
    return who;
  }
  /// Whether documents of this style and domain occur in a coherent corpus.
  [[nodiscard]] bool is_seen(style_domain c) const {
    return detail::is_seen(config().personas, c.style, c.domain) &&
           detail::prevalence_of(config().personas, c.style) > 0;
  }
  /// The combinations that never occur, though their style and their domain do.
  [[nodiscard]] std::vector<style_domain> held_out() const {
    const persona_config& p = config().personas;
    std::vector<style_domain> cells;
    for (std::size_t s = 0; s < p.n_styles; ++s) {
      if (!(detail::prevalence_of(p, s) > 0)) continue;
      for (std::size_t d = 0; d < p.n_domains; ++d) {
        if (!is_seen({s, d})) cells.push_back({s, d});
      }
    }
    return cells;
  }
  /// How many values a choice may depend on.
  [[nodiscard]] std::size_t n_values(choice_key k) const noexcept {
    const persona_config& p = config().personas;
    switch (k) {
      case choice_key::name:
      case choice_key::lexis:
      case choice_key::opener:
      case choice_key::closer: return p.n_styles;
      case choice_key::form: return 2;
      case choice_key::domain: return p.n_domains;
      case choice_key::knowledge: return 2 * p.n_domains;
      case choice_key::goal: return p.n_goals;
      case choice_key::compliance: return 3;
      case choice_key::task: return 2;
      case choice_key::nothing: return 1;
    }
    return 1;
  }

 private:
  struct contents {
    explicit contents(gazette_config c) : config(std::move(c)), tables(config) {}

    gazette_config config;
    gazette_tables tables;
  };

  explicit gazette(std::shared_ptr<const contents> held) : held_(std::move(held)) {}

  std::shared_ptr<const contents> held_;
};

}  // namespace multitudes::lab
