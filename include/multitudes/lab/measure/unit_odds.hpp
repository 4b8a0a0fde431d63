// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/lab/corpus/prompt.hpp>
#include <multitudes/lab/measure/obedience.hpp>
#include <multitudes/lab/measure/readout.hpp>
#include <multitudes/stats/plane_fit.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// Two ways in which writers may behave, and how strongly a reader believes in one against the
/// other.
class behavior_meter {
 public:
  /// Who writes in one style or in another; shown by fillers.
  static expected<behavior_meter> of_styles(const gazette& g, std::size_t one, std::size_t other) {
    auto readout = expectation_readout::of_styles(g);
    if (!readout) return forward_error(readout);
    behavior_meter m("style", item_kind::filler, g.traits({.style = one}),
                     g.traits({.style = other}));
    m.gauges_.push_back({*std::move(readout), {one}, {other}});
    return m;
  }
  /// Who knows one domain or another, whoever writes; shown by not knowing what the other knows,
  /// which tells less than an answer: several can be weighed. A question makes its own domain
  /// likelier, so that each is read by itself, after as likely a question, against all others.
  static expected<behavior_meter> of_domains(const gazette& g, std::size_t one, std::size_t other) {
    behavior_meter m("domain", item_kind::question, g.traits({.domain = one}),
                     g.traits({.domain = other}));
    for (const std::size_t d : {one, other}) {
      prompt p(g);
      p.ask(d, 0);
      std::vector<token_id> probe(p.tokens().begin() + 1, p.tokens().end());
      probe.push_back(word("forsooth"));
      auto readout = expectation_readout::make(
          g,
          {g.traits({.domain = d}), g.traits({.domain = d, .truthful = false}),
           g.traits({.domain = d == one ? other : one})},
          {probe});
      if (!readout) return forward_error(readout);
      m.gauges_.push_back({*std::move(readout), {0, 1}, {2}});
    }
    return m;
  }
  /// Who does as told or refuses; shown by commands that were answered.
  static expected<behavior_meter> of_listeners(const gazette& g) {
    std::vector<persona_traits> personas;
    std::vector<std::vector<token_id>> probes;
    for (const std::size_t kind : {compliant, defiant}) {
      personas.push_back(g.traits({.compliance = kind}));
    }
    for (std::size_t e = 0; e < words::errands.size(); e += 2) {
      probes.push_back({word("bid"), token_id(word("lamp").value + e), word("!")});
    }
    behavior_meter m("listener", item_kind::dialogue, personas[0], personas[1]);
    auto readout = expectation_readout::make(g, std::move(personas), std::move(probes));
    if (!readout) return forward_error(readout);
    m.gauges_.push_back({*std::move(readout), {0}, {1}});
    return m;
  }

  [[nodiscard]] std::string_view name() const noexcept { return name_; }
  /// A writer who behaves in the one way, or in the other.
  [[nodiscard]] const persona_traits& writer_of(bool one) const noexcept {
    return writers_[one ? 0 : 1];
  }
  /// Shows the one way, or the other, at its most typical.
  void demonstrate(prompt& p, bool one, philox& random) const {
    // Each of these words may follow: none is refused.
    const auto say = [&](token_id t) { static_cast<void>(p.put_checked(t)); };
    p.begin(shown_, random);
    if (shown_ == item_kind::question) {
      const std::size_t fact = 1 + random.below(3);  // the first is kept for probing
      const std::size_t domain = writer_of(!one)[trait::domain];
      say(token_id(word("tide").value + domain * max_facts_per_domain + fact));
    }
    while (!p.at().ended_item()) {
      if (p.at().is_writers_turn()) {
        say(p.likeliest(writer_of(one)));
      } else {
        p.write(writer_of(one), random);
      }
    }
  }
  /// Log-odds of the one way against the other after each text, which must end where an item may
  /// begin; nothing beyond log(1000) is read.
  ///
  /// Errors:  those of expectation_readout.
  template <class Asked>
  expected<std::vector<double>> log_odds_after(Asked& asked,
                                               std::span<const std::vector<token_id>> after) const {
    std::vector<double> all(after.size());
    double sign = 1;
    for (const gauge& by : gauges_) {
      auto weights = by.readout.weights(asked, after);
      if (!weights) return forward_error(weights);
      for (std::size_t i = 0; i < all.size(); ++i) {
        double sums[2] = {};
        for (const std::size_t k : by.one) sums[0] += (*weights)[i][k];
        for (const std::size_t k : by.other) sums[1] += (*weights)[i][k];
        all[i] += sign * log_odds(sums, 0, 1, 1e-3);
      }
      sign = -1;
    }
    return all;
  }

 private:
  struct gauge {
    expectation_readout readout;
    std::vector<std::size_t> one, other;  // whose weights are compared
  };

  behavior_meter(std::string_view name, item_kind shown, const persona_traits& one,
                 const persona_traits& other)
      : name_(name), shown_(shown), writers_{one, other} {}

  std::string_view name_;
  item_kind shown_;
  persona_traits writers_[2];
  std::vector<gauge> gauges_{};  // what the second reads is taken off the first
};

/// Log-odds that were measured under so many demonstrations and such a strength.
struct dose_point {
  double demonstrations = 0;
  double strength = 0;
  double log_odds = 0;
};

/// What a + b * demonstrations + c * strength, fitted to every other point of a grid, says of the
/// points between: pairs (predicted, measured), both less the mean of the measured. Points beyond
/// `range` are left out: that near to certainty log-odds cannot be read. Empty where no plane fits.
///
/// Shapes:  points row by row, of an odd number of columns.
inline std::vector<std::pair<double, double>> predict_by_sum(std::span<const dose_point> points,
                                                             double range = 5) {
  std::vector<double> x, y, z;
  std::vector<dose_point> between;
  double mean = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (std::abs(points[i].log_odds) > range) continue;
    if (i % 2 == 1) {
      between.push_back(points[i]);
      mean += points[i].log_odds;
      continue;
    }
    x.push_back(points[i].demonstrations);
    y.push_back(points[i].strength);
    z.push_back(points[i].log_odds);
  }
  std::vector<std::pair<double, double>> pairs;
  const auto plane = stats::fit_plane(x, y, z);
  if (!plane || between.empty()) return pairs;
  mean /= static_cast<double>(between.size());
  for (const dose_point& p : between) {
    pairs.emplace_back(plane->at(p.demonstrations, p.strength) - mean, p.log_odds - mean);
  }
  return pairs;
}

}  // namespace multitudes::lab
