// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/corpus/prompt.hpp>
#include <multitudes/lab/corpus/slots.hpp>
#include <multitudes/lab/measure/scorer.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// What was expected in a slot: the student's distribution over the words that may stand there,
/// and what each persona would say.
struct probed_slot {
  std::vector<double> seen{};   // (n_options), adds up to 1
  std::vector<double> under{};  // (n_personas, n_options)
  double elsewhere = 0;         ///< probability that the student gave to other words

  [[nodiscard]] double of(std::size_t persona, std::size_t option) const noexcept {
    return under[persona * seen.size() + option];
  }
};

/// The mixture of personas that explains best what was expected in the slots: the weights w that
/// make the mean of KL(seen || sum of w_k Q_k) least. Equal personas share evenly.
///
/// Shapes:  slots with `under` of n_personas rows; the result (n_personas) adds up to 1.
/// Cost:    up to `rounds` passes of expectation maximisation over the slots.
inline std::vector<double> mixture_weights(std::span<const probed_slot> slots,
                                           std::size_t n_personas, int rounds = 2000) {
  std::vector<double> w(n_personas, 1.0 / static_cast<double>(n_personas)), next(n_personas);
  for (int round = 0; round < rounds && !slots.empty(); ++round) {
    std::ranges::fill(next, 0.0);
    for (const probed_slot& s : slots) {
      for (std::size_t o = 0; o < s.seen.size(); ++o) {
        double p = 0;
        for (std::size_t k = 0; k < n_personas; ++k) p += w[k] * s.of(k, o);
        if (!(p > 0)) continue;
        for (std::size_t k = 0; k < n_personas; ++k) next[k] += s.seen[o] * w[k] * s.of(k, o) / p;
      }
    }
    double sum = 0, moved = 0;
    for (const double x : next) sum += x;
    for (std::size_t k = 0; k < n_personas; ++k) {
      const double x = sum > 0 ? next[k] / sum : w[k];
      moved += std::abs(x - w[k]);
      w[k] = x;
    }
    if (moved < 1e-10) break;
  }
  return w;
}

/// Log-odds of one weight against another, both kept above `floor`: a student that is certain
/// reads as log(1 / floor), not as infinity.
inline double log_odds(std::span<const double> w, std::size_t k, std::size_t rival,
                       double floor = 1e-6) noexcept {
  return std::log(std::max(w[k], floor)) - std::log(std::max(w[rival], floor));
}

/// Readout R1: whom a student takes the writer of a text for, from what it expects where writers
/// differ. Nothing is trained for it, and no label is used.
///
/// A text that ends after an item is continued by several beginnings of items that tell nothing
/// about the writer ("ask tide ?"), and the slots that follow are looked at.
class expectation_readout {
 public:
  /// Personas that are told apart by the slots with these keys.
  ///
  /// Errors:  invalid_argument if no slot tells them apart.
  static expected<expectation_readout> make(const gazette& g, std::vector<persona_traits> personas,
                                            std::vector<std::vector<token_id>> probes) {
    expectation_readout r(g, std::move(personas), std::move(probes));
    if (r.personas_.empty() || r.probes_.empty()) {
      return fail({.code = errc::invalid_argument,
                   .operation = "make readout",
                   .place = r.personas_.empty() ? "personas" : "probes",
                   .found = "none",
                   .expected = "at least one",
                   .remedy = {}});
    }
    return r;
  }
  /// Styles, told apart by openers: questions about every domain's first fact. Other than fillers,
  /// questions are by anybody: what is asked tells the domain, not the style.
  static expected<expectation_readout> of_styles(const gazette& g) {
    std::vector<persona_traits> personas;
    for (std::size_t s = 0; s < g.config().personas.n_styles; ++s) {
      personas.push_back(g.traits({.style = s}));
    }
    std::vector<std::vector<token_id>> probes;
    for (std::size_t d = 0; d < g.config().personas.n_domains; ++d) {
      prompt p(g);
      p.ask(d, 0);
      // Without `<doc>`, which the text has.
      probes.emplace_back(p.tokens().begin() + 1, p.tokens().end());
    }
    return make(g, std::move(personas), std::move(probes));
  }

  [[nodiscard]] std::size_t n_personas() const noexcept { return personas_.size(); }

  /// The weights of the personas after each text, which must end where an item may begin. Asked
  /// are a student (scorer) or another reader that answers predict_next (ideal_scorer).
  ///
  /// Shapes:  (texts, n_personas)
  /// Errors:  malformed if a text cannot go on with a probe, or no slot follows it; those of
  /// scorer.
  template <class Asked>
  expected<std::vector<std::vector<double>>> weights(
      Asked& asked, std::span<const std::vector<token_id>> after) const {
    std::vector<std::vector<probed_slot>> slots(after.size());
    auto done = probe(asked, after, slots);
    if (!done) return forward_error(done);
    std::vector<std::vector<double>> all;
    for (const auto& s : slots) all.push_back(mixture_weights(s, personas_.size()));
    return all;
  }

  /// What the student expects in the slot after each probe: (texts, probes).
  template <class Asked>
  expected<void> probe(Asked& asked, std::span<const std::vector<token_id>> after,
                       std::vector<std::vector<probed_slot>>& slots) const {
    texts all;
    std::vector<marked_slot> marks;
    for (const auto& text : after) {
      for (const auto& p : probes_) {
        all.push_back(text);
        all.back().insert(all.back().end(), p.begin(), p.end());
        auto marked = mark_slots(gazette_, all.back());
        if (!marked) return forward_error(marked);
        if (marked->empty() || marked->back().at != all.back().size()) {
          return fail({.code = errc::malformed,
                       .operation = "read out expectations",
                       .place = "'" + gazette_text(all.back()) + "'",
                       .found = "no choice that tells writers apart",
                       .expected = "a slot after the probe",
                       .remedy = "let texts end where an item may begin"});
        }
        marks.push_back(std::move(marked->back()));
      }
    }
    slots.assign(after.size(), {});
    return asked.predict_next(all, [&](std::size_t i, std::span<const float> log_p) {
      slots[i / probes_.size()].push_back(look(marks[i], log_p));
    });
  }

 private:
  expectation_readout(const gazette& g, std::vector<persona_traits> personas,
                      std::vector<std::vector<token_id>> probes)
      : gazette_(g), personas_(std::move(personas)), probes_(std::move(probes)) {}

  [[nodiscard]] probed_slot look(const marked_slot& m, std::span<const float> log_p) const {
    probed_slot s;
    double sum = 0;
    for (const token_id t : m.tokens) {
      s.seen.push_back(std::exp(static_cast<double>(log_p[t.value])));
      sum += s.seen.back();
    }
    s.elsewhere = std::max(0.0, 1 - sum);
    for (double& x : s.seen) x = sum > 0 ? x / sum : 1 / static_cast<double>(m.tokens.size());
    for (const persona_traits& who : personas_) {
      const auto row = m.under(who);
      s.under.insert(s.under.end(), row.begin(), row.end());
    }
    return s;
  }

  gazette gazette_;
  std::vector<persona_traits> personas_;
  std::vector<std::vector<token_id>> probes_;
};

/// Readout R2: whom a student takes the writer of a text for, from how probable the text is after
/// each label ("as NAME would say :"), with the student's own prior over names or a given one.
/// It presumes that labels work.
///
/// Shapes:  bodies: items without `<doc>` and label; log_prior (n_styles); the result
///          (bodies, n_styles).
/// Errors:  those of scorer.
inline expected<std::vector<std::vector<double>>> label_readout(
    scorer& asked, const gazette& g, std::span<const std::vector<token_id>> bodies,
    std::span<const double> log_prior) {
  texts all;
  std::vector<std::size_t> from;
  for (const auto& body : bodies) {
    for (std::size_t s = 0; s < log_prior.size(); ++s) {
      prompt p(g);
      p.label(s);
      all.emplace_back(p.tokens().begin(), p.tokens().end());
      from.push_back(all.back().size());
      all.back().insert(all.back().end(), body.begin(), body.end());
    }
  }
  auto log_p = asked.log_probabilities(all, from);
  if (!log_p) return forward_error(log_p);
  std::vector<std::vector<double>> weights;
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    std::vector<double> w(log_prior.begin(), log_prior.end());
    for (std::size_t s = 0; s < w.size(); ++s) w[s] += (*log_p)[i * w.size() + s];
    const double top = *std::ranges::max_element(w);
    double sum = 0;
    for (double& x : w) sum += x = std::exp(x - top);
    for (double& x : w) x /= sum;
    weights.push_back(std::move(w));
  }
  return weights;
}

}  // namespace multitudes::lab
