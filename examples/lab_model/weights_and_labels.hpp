// SPDX-License-Identifier: MIT
#pragma once

#include "asker.hpp"
#include "attribution.hpp"
#include "finding.hpp"

#include <multitudes/core/philox.hpp>
#include <multitudes/stats/correlation.hpp>
#include <multitudes/stats/summary.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace lab_model {

/// Log of each persona's weight before any text: what it costs its texts not to be expected.
inline std::vector<std::vector<double>> log_weights(const readings& r, std::size_t n_personas) {
  const likelihoods& l = r.by_texts.back();
  std::vector<std::vector<double>> items(n_personas);
  for (std::size_t i = 0; i < l.truth.size(); ++i) {
    items[l.truth[i]].push_back(r.alone[i] - l.at(i, l.truth[i]));
  }
  return items;
}

/// Claims 3 and 14: weights before any text.
inline void find_weights(std::vector<finding>& out, const std::vector<asker*>& models,
                         const std::vector<readings>& asked, const questions& q) {
  finding f{.claims = {3, 14},
            .title = "Weights before any text",
            .how =
                "To a reader who expects a mixture of personas, a text is less likely before "
                "than after that persona is certain, by the logarithm of its weight. Certain: "
                "after " +
                std::to_string(texts_shown[std::size(texts_shown) - 1]) +
                " of its texts. Nats for each held-out text. Words that texts repeat count as "
                "well, and make numbers larger than a weight explains (ten nats would be one in "
                "22,000): at most their order and their change by tuning mean something.",
            .control =
                "the rank correlation with the counts of the personas file, against its "
                "value for counts in random order.",
            .against =
                "no correlation with the counts; for claim 14, no persona whose weight "
                "grows with tuning."};
  std::vector<report::column> columns{{"persona"}, {"count", report::alignment::right}};
  for (const asker* a : models) {
    columns.push_back({a->name() + ", nats", report::alignment::right});
  }
  if (models.size() == 2) columns.push_back({"tuned − base", report::alignment::right});
  f.figures.emplace(std::move(columns));
  bool has_counts = true;
  std::vector<std::vector<double>> means(models.size());
  std::vector<std::vector<std::vector<double>>> items;
  for (const readings& r : asked) items.push_back(log_weights(r, q.n()));
  for (std::size_t k = 0; k < q.n(); ++k) {
    const auto& count = q.of.personas[k].count;
    has_counts = has_counts && count.has_value();
    std::vector<std::string> row{q.label(k), count ? report::fixed(*count, 0) : "–"};
    const auto mean_of = [&](const std::vector<double>& x) {
      return lab::ranged_mean(x, std::vector<std::size_t>(x.size(), 0), q.seed);
    };
    for (std::size_t m = 0; m < models.size(); ++m) {
      const auto mean = mean_of(items[m][k]);
      means[m].push_back(mean.value);
      row.push_back(written(mean, 1));
    }
    if (models.size() == 2) {
      auto change = items[1][k];
      for (std::size_t i = 0; i < change.size(); ++i) change[i] -= items[0][k][i];
      row.push_back(written(mean_of(change), 1));
    }
    f.figures->add_row(std::move(row));
  }
  if (!has_counts) {
    f.notes.push_back(
        "The personas file gives no counts (or not for all), so that no correlation is computed: "
        "claim 3 is not tested by this file. Of personas that were equally frequent in training, "
        "weights should be equal.");
  } else {
    std::vector<double> counts;
    for (const auto& p : q.of.personas) counts.push_back(*p.count);
    for (std::size_t m = 0; m < models.size(); ++m) {
      philox random(q.seed, 3);
      const auto found = stats::rank_correlation(means[m], counts);
      const auto between = stats::rank_correlation_interval(means[m], counts, 0.95, 2000, random);
      std::vector<double> mixed = counts, chance;
      for (int r = 0; r < 2000; ++r) {
        for (std::size_t k = mixed.size(); k > 1; --k) {
          std::swap(mixed[k - 1], mixed[random.below(static_cast<std::uint32_t>(k))]);
        }
        chance.push_back(stats::rank_correlation(means[m], mixed).value_or(0));
      }
      f.notes.push_back(models[m]->name() + ": rank correlation with the counts " +
                        (found ? written({*found, between})
                               : std::string("undefined (too few personas, or equal counts)")) +
                        "; 95 % of random orders stay below " +
                        report::fixed(stats::quantile(chance, 0.95).value_or(1), 2) + ".");
    }
  }
  if (models.size() < 2) {
    f.notes.emplace_back("Claim 14 needs a tuned model beside it (--tuned).");
  }
  f.notes.emplace_back(
      "Intervals are over the texts of a persona; with --null-world, numbers differ as "
      "much, because a few texts do.");
  out.push_back(std::move(f));
}

/// Claim 9: what labels are worth, in how many words they are put, and in examples.
inline void find_labels(std::vector<finding>& out, const std::vector<asker*>& models,
                        const std::vector<readings>& asked, const questions& q) {
  finding f{.claims = {9},
            .title = "Labels, by template and in examples",
            .how =
                "Strength of an introduction: nats by which held-out texts are likelier behind "
                "their own label in it than behind those of the others. Spread: the largest "
                "strength among the introductions minus the least. "
                "Worth in texts: after how many texts of the persona instead of the label the "
                "gain is the same (on a line between 0, 1, 2 and 4).",
            .control =
                "the labels of the others are the baseline of every strength: with labels "
                "that mean nothing it is 0. Beside the spread stands what it would be for "
                "templates that are all alike (texts' scores shuffled between templates).",
            .against =
                "a label worth at least five examples in each of its wordings, with little "
                "spread: labels would then be strong and not brittle."};
  std::vector<report::column> columns{{"introduction"}};
  for (const asker* a : models) {
    columns.push_back({a->name() + ", nats a text", report::alignment::right});
    columns.push_back({"worth in texts", report::alignment::right});
  }
  f.figures.emplace(std::move(columns));
  const std::size_t n_templates = q.of.introductions.size();
  std::vector<std::vector<std::string>> rows(n_templates);
  for (std::size_t t = 0; t < n_templates; ++t) {
    std::string shown;
    for (const char c : q.of.introductions[t])
      shown += c == '\n' ? std::string("⏎") : std::string(1, c);
    rows[t].push_back(shown);
  }
  report::line_chart chart{.title = "What texts of a persona are worth, and labels",
                           .x_label = "texts of the persona shown",
                           .y_label = "gain over the texts of others, nats a text"};
  for (std::size_t m = 0; m < models.size(); ++m) {
    const readings& r = asked[m];
    const auto& truth = r.by_texts[0].truth;
    const auto gains = [](const likelihoods& l) {
      std::vector<double> g;
      for (std::size_t i = 0; i < l.truth.size(); ++i) g.push_back(l.own_gain(i));
      return g;
    };
    std::vector<std::vector<double>> by_texts{std::vector<double>(truth.size(), 0.0)};
    std::vector<double> n{0};
    for (std::size_t t = 0; t < std::size(texts_shown); ++t) {
      by_texts.push_back(gains(r.by_texts[t]));
      n.push_back(static_cast<double>(texts_shown[t]));
    }
    report::series line{.label = models[m]->name() + ", texts"};
    line.low.emplace();
    line.high.emplace();
    for (std::size_t t = 0; t < n.size(); ++t) {
      const auto mean = lab::ranged_mean(by_texts[t], truth, q.seed);
      line.x.push_back(n[t]);
      line.y.push_back(mean.value);
      line.low->push_back(mean.between.low);
      line.high->push_back(mean.between.high);
    }
    chart.lines.push_back(std::move(line));
    std::vector<std::vector<double>> by_template;
    for (const likelihoods& l : r.by_template) by_template.push_back(gains(l));
    for (std::size_t t = 0; t < n_templates; ++t) {
      const auto strength = lab::ranged_mean(by_template[t], truth, q.seed);
      const auto worth = lab::ranged_statistic(
          truth,
          [&](std::span<const std::size_t> chosen) -> std::optional<double> {
            const auto mean = [&](const std::vector<double>& x) {
              double sum = 0;
              for (const std::size_t i : chosen) sum += x[i];
              return sum / static_cast<double>(chosen.size());
            };
            const double wanted = mean(by_template[t]);
            if (wanted <= 0) return 0;
            for (std::size_t j = 1; j < n.size(); ++j) {
              const double before = mean(by_texts[j - 1]);
              const double here = mean(by_texts[j]);
              if (here < wanted) continue;
              return n[j - 1] + (n[j] - n[j - 1]) * (wanted - before) / (here - before);
            }
            return n.back();
          },
          q.seed);
      const bool more = worth.value >= n.back();
      rows[t].push_back(written(strength, 1));
      rows[t].push_back(more ? "at least " + report::fixed(n.back(), 0)
                             : written(within(worth, 0, n.back()), 1));
      if (t == 0) chart.horizontal.push_back({strength.value, models[m]->name() + ", first label"});
    }
    const auto spread = [&](const std::vector<std::vector<double>>& x,
                            std::span<const std::size_t> chosen) -> std::optional<double> {
      double least = 1e300, most = -1e300;
      for (const auto& own : x) {
        double sum = 0;
        for (const std::size_t i : chosen) sum += own[i];
        least = std::min(least, sum);
        most = std::max(most, sum);
      }
      return (most - least) / static_cast<double>(chosen.size());
    };
    const auto found = lab::ranged_statistic(
        truth, [&](std::span<const std::size_t> chosen) { return spread(by_template, chosen); },
        q.seed);
    philox random(q.seed, 9);
    std::vector<std::size_t> everything(truth.size());
    for (std::size_t i = 0; i < everything.size(); ++i) everything[i] = i;
    double by_chance = 0;
    for (int s = 0; s < 500; ++s) {
      auto mixed = by_template;
      for (std::size_t i = 0; i < truth.size(); ++i) {
        for (std::size_t t = n_templates; t > 1; --t) {
          std::swap(mixed[t - 1][i], mixed[random.below(static_cast<std::uint32_t>(t))][i]);
        }
      }
      by_chance += spread(mixed, everything).value_or(0) / 500;
    }
    f.notes.push_back(models[m]->name() + ": spread over " + std::to_string(n_templates) +
                      " introductions " + written(within(found, 0, 1e9), 1) + " nats; " +
                      report::fixed(by_chance, 1) + " if all were alike.");
  }
  for (auto& row : rows) f.figures->add_row(std::move(row));
  f.chart = std::move(chart);
  f.chart_shows = "Dotted: the first introduction. Bands: 95 %.";
  out.push_back(std::move(f));
}

}  // namespace lab_model
