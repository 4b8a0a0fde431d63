// SPDX-License-Identifier: MIT
#pragma once

#include "asker.hpp"
#include "attribution.hpp"
#include "escaping.hpp"
#include "finding.hpp"

#include <multitudes/core/philox.hpp>
#include <multitudes/generate/capture.hpp>
#include <multitudes/persona/direction.hpp>
#include <multitudes/persona/persona.hpp>
#include <multitudes/persona/random_control.hpp>
#include <multitudes/stats/plane_fit.hpp>
#include <multitudes/steering/plan.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lab_model {

/// Demonstrations and steering together, of one persona.
struct addition {
  stats::plane own;       ///< log-odds = a + b n + c s, with the persona's own direction
  stats::plane random;    ///< with one of the same length
  double off_target = 0;  ///< mean |shift| of another persona by the direction, nats per strength
};
struct additions {
  std::vector<addition> of;
  std::vector<std::size_t> groups;
  std::size_t layer = 0;
};

/// The mean residual row over texts, at one layer: (model_dim).
inline std::vector<double> mean_state(asker& a, const std::vector<tokens>& texts,
                                      std::size_t layer) {
  const std::size_t width = a.lm().shape().model_dim;
  std::vector<double> sum(width, 0.0);
  double n = 0;
  const layer_index at[] = {layer_index(layer)};
  for (const tokens& text : texts) {
    a.check_interrupt();
    if (!a.outcome()) return sum;
    tokens whole{a.start()};
    whole.insert(whole.end(), text.begin(), text.end());
    const auto s = a.sequences().open();
    if (!s) {
      a.failed(s.error());
      return sum;
    }
    const feed f{*s, whole, 0};
    const capture seen(std::span(&f, 1), at, width);
    const auto done = a.sequences().evaluate(a.workers(), std::span(&f, 1), seen);
    a.sequences().close(*s);
    if (!done) {
      a.failed(done.error());
      return sum;
    }
    a.line().read(whole.size());
    for (std::size_t t = 1; t < whole.size(); ++t) {
      const auto row = seen.row({0, t}, 0);
      for (std::size_t i = 0; i < width; ++i) sum[i] += static_cast<double>(row[i]);
      ++n;
    }
  }
  for (double& x : sum) x /= n;
  return sum;
}

inline additions measure_adding(asker& a, const questions& q) {
  a.line().begin(a.name() + ": texts and steering together");
  additions result{.of = {}, .groups = {}, .layer = a.lm().shape().n_layers / 2};
  const auto judged = all_judged(a, q, q.most_judged);
  std::vector<std::vector<double>> alone, means;
  for (std::size_t k = 0; k < q.n(); ++k) {
    alone.push_back(a.ask_sums({a.start()}, judged[k]));
    std::vector<tokens> texts;
    for (const std::string& text : q.of.personas[k].texts) texts.push_back(a.cut_text(text));
    means.push_back(mean_state(a, texts, result.layer));
  }
  if (!a.outcome()) return result;
  const auto space = a.lm().space();
  for (std::size_t k = 0; k < q.n(); ++k) {
    std::vector<float> values(std::size_t{space.n_layers} * space.model_dim, 0.0f);
    for (std::size_t i = 0; i < space.model_dim; ++i) {
      double others = 0;
      for (std::size_t j = 0; j < q.n(); ++j) others += j == k ? 0 : means[j][i];
      values[result.layer * space.model_dim + i] =
          static_cast<float>(means[k][i] - others / static_cast<double>(q.n() - 1));
    }
    auto way = or_exit(direction::make(space, values));
    const auto random = or_exit(random_control(way, q.seed * 1000 + k));
    const auto own = or_exit(persona::make(q.label(k), std::move(way)));
    const std::size_t rival = q.rival(k, 0);
    const std::size_t third = q.rival(k, 1);
    addition sum;
    const persona* const both[] = {&own, &random};
    for (const persona* who : both) {
      std::vector<double> n, s, odds;
      for (std::size_t shown = 0; shown <= 2; ++shown) {
        const tokens context = a.open_context("", q.shown(k, shown));
        for (const double strength : {0.0, 0.5, 1.0}) {
          steering::attachment under{};
          if (strength > 0) {
            under.what = or_exit(
                steering::compile(*who, steering::in_raw_units(static_cast<float>(strength))));
          }
          const auto rise = [&](std::size_t j) {
            return mean_rise(a.ask_sums(context, judged[j], under), alone[j]);
          };
          const double other = rise(rival);
          n.push_back(static_cast<double>(shown));
          s.push_back(strength);
          odds.push_back(rise(k) - other);
          if (who == &own && shown == 0 && strength == 1 && q.n() > 2) {
            sum.off_target = std::abs(rise(third) - other);
          }
        }
      }
      const auto plane = stats::fit_plane(n, s, odds);
      if (plane) (who == &own ? sum.own : sum.random) = *plane;
    }
    result.of.push_back(sum);
    result.groups.push_back(k);
  }
  return result;
}

/// Claim 7.
inline void find_adding(std::vector<finding>& out, const std::vector<asker*>& models,
                        const std::vector<additions>& measured, const questions& q) {
  finding f{.claims = {7},
            .title = "Texts and steering together",
            .how =
                "Log-odds of a persona against a rival, over no context, after 0 to 2 of its "
                "texts and under 0, ½ and 1 times the difference between the mean states of its "
                "texts and the others' (at the middle layer). Law: a + b n + c s, a plane for "
                "each persona. Off target: how far the same steering moves two other personas "
                "against each other.",
            .control =
                "a random direction of the same length in place of the difference (c, "
                "random).",
            .against =
                "R² below 0.8, c no larger than with random directions, or as much moved off "
                "target as on it (above 0.3)."};
  f.figures.emplace(
      std::vector<report::column>{{"model"},
                                  {"layer", report::alignment::right},
                                  {"b, nats a text", report::alignment::right},
                                  {"c, nats", report::alignment::right},
                                  {"c, random", report::alignment::right},
                                  {"R²", report::alignment::right},
                                  {"off target / on target", report::alignment::right}});
  for (std::size_t m = 0; m < models.size(); ++m) {
    std::vector<double> b, c, random, fit, off;
    for (const addition& x : measured[m].of) {
      b.push_back(x.own.x_slope);
      c.push_back(x.own.y_slope);
      random.push_back(x.random.y_slope);
      fit.push_back(x.own.r_squared);
      off.push_back(x.off_target);
    }
    const auto mean = [&](const std::vector<double>& x) {
      return lab::ranged_mean(x, measured[m].groups, q.seed);
    };
    const auto ratio = lab::ranged_statistic(
        measured[m].groups,
        [&](std::span<const std::size_t> chosen) -> std::optional<double> {
          double x = 0, y = 0;
          for (const std::size_t i : chosen) {
            x += c[i];
            y += off[i];
          }
          if (x == 0) return std::nullopt;
          return y / x;
        },
        q.seed);
    f.figures->add_row({models[m]->name(), std::to_string(measured[m].layer), written(mean(b)),
                        written(mean(c)), written(mean(random)), written(within(mean(fit), 0, 1)),
                        mean(c).between.low > 0 ? written(ratio) : std::string("–")});
  }
  f.notes.emplace_back(
      "R² is as high with --null-world, where texts were dealt out to others: it says "
      "something only beside a c that random directions do not have.");
  out.push_back(std::move(f));
}

}  // namespace lab_model
