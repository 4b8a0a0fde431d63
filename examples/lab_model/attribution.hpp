// SPDX-License-Identifier: MIT
#pragma once

#include "asker.hpp"
#include "finding.hpp"

#include <multitudes/core/philox.hpp>
#include <multitudes/stats/calibration.hpp>
#include <multitudes/stats/proportion.hpp>
#include <multitudes/stats/reliability.hpp>
#include <multitudes/stats/summary.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace lab_model {

/// How likely texts of known personas are behind a context of each: texts by contexts.
struct likelihoods {
  std::size_t n_contexts = 0;
  std::vector<double> nats{};        ///< (texts, contexts)
  std::vector<std::size_t> truth{};  ///< (texts)
  std::vector<double> n_tokens{};    ///< (texts)

  [[nodiscard]] double at(std::size_t text, std::size_t context) const {
    return nats[text * n_contexts + context];
  }
  /// How much likelier a text is behind its own persona's context than behind the others', mean.
  [[nodiscard]] double own_gain(std::size_t text) const {
    double others = 0;
    for (std::size_t k = 0; k < n_contexts; ++k) {
      if (k != truth[text]) others += at(text, k);
    }
    return at(text, truth[text]) - others / static_cast<double>(n_contexts - 1);
  }
  /// Some contexts raise every text. Takes from each number the context's mean over all other
  /// texts, whoever wrote them.
  [[nodiscard]] likelihoods centered() const {
    likelihoods result = *this;
    const auto n = static_cast<double>(truth.size());
    for (std::size_t k = 0; k < n_contexts; ++k) {
      double sum = 0;
      for (std::size_t i = 0; i < truth.size(); ++i) sum += at(i, k);
      for (std::size_t i = 0; i < truth.size(); ++i) {
        result.nats[i * n_contexts + k] -= (sum - at(i, k)) / (n - 1);
      }
    }
    return result;
  }
  [[nodiscard]] stats::forecast_set forecasts() const {
    return {.n_classes = n_contexts, .scores = nats, .truth = truth, .groups = {}};
  }
};

/// Asks about texts (by persona) behind one context of each persona.
inline likelihoods ask_all(asker& a, const std::vector<tokens>& contexts,
                           const std::vector<std::vector<tokens>>& texts) {
  likelihoods result{.n_contexts = contexts.size()};
  std::vector<tokens> flat;
  for (std::size_t k = 0; k < texts.size(); ++k) {
    for (const tokens& t : texts[k]) {
      flat.push_back(t);
      result.truth.push_back(k);
      result.n_tokens.push_back(static_cast<double>(t.size()));
    }
  }
  result.nats.resize(flat.size() * contexts.size());
  for (std::size_t k = 0; k < contexts.size(); ++k) {
    const auto sums = a.ask_sums(contexts[k], flat);
    for (std::size_t i = 0; i < sums.size(); ++i) result.nats[i * contexts.size() + k] = sums[i];
  }
  return result;
}

inline std::vector<tokens> labels_as_contexts(const asker& a, const questions& q,
                                              std::size_t introduction) {
  std::vector<tokens> contexts;
  for (std::size_t k = 0; k < q.n(); ++k) {
    contexts.push_back(a.open_context(q.of.introduce(introduction, k), {}));
  }
  return contexts;
}
inline std::vector<tokens> texts_as_contexts(const asker& a, const questions& q, std::size_t n,
                                             std::size_t from = 0) {
  std::vector<tokens> contexts;
  for (std::size_t k = 0; k < q.n(); ++k) {
    contexts.push_back(a.open_context("", q.shown(k, n, from)));
  }
  return contexts;
}
inline std::vector<std::vector<tokens>> all_judged(const asker& a, const questions& q,
                                                   std::size_t most) {
  std::vector<std::vector<tokens>> texts;
  for (std::size_t k = 0; k < q.n(); ++k) texts.push_back(q.judged(a, k, most));
  return texts;
}

/// What was asked once, and serves several claims.
struct readings {
  likelihoods by_label;
  likelihoods shown_by_label;            ///< texts that are shown elsewhere, to fit a temperature
  std::vector<likelihoods> by_texts;     ///< behind 1, 2, 4 texts of each
  std::vector<likelihoods> by_template;  ///< behind every introduction
  std::vector<double> alone;             ///< texts of `by_texts` behind nothing
  std::vector<double> after_neutral;     ///< behind neutral texts, two
};
inline constexpr std::size_t texts_shown[] = {1, 2, 4};

inline readings read_everything(asker& a, const questions& q) {
  readings r;
  const auto all = all_judged(a, q, 64);
  const auto few = all_judged(a, q, q.most_judged);
  a.line().begin(a.name() + ": texts behind labels");
  r.by_label = ask_all(a, labels_as_contexts(a, q, 0), all);
  std::vector<std::vector<tokens>> shown(q.n());
  for (std::size_t k = 0; k < q.n(); ++k) {
    for (const std::string& text :
         q.shown(k, std::min<std::size_t>(8, q.of.personas[k].texts.size())))
      shown[k].push_back(a.cut_text(text));
  }
  r.shown_by_label = ask_all(a, labels_as_contexts(a, q, 0), shown);
  a.line().begin(a.name() + ": texts behind texts");
  for (const std::size_t n : texts_shown) {
    r.by_texts.push_back(ask_all(a, texts_as_contexts(a, q, n), few));
  }
  std::vector<tokens> flat;
  for (const auto& own : few) flat.insert(flat.end(), own.begin(), own.end());
  r.alone = a.ask_sums({a.start()}, flat);
  r.after_neutral = a.ask_sums(a.open_context("", q.neutral(2)), flat);
  a.line().begin(a.name() + ": texts behind other labels");
  for (std::size_t t = 0; t < q.of.introductions.size(); ++t) {
    r.by_template.push_back(ask_all(a, labels_as_contexts(a, q, t), few));
  }
  return r;
}

/// The share of texts whose own context makes them likeliest, were labels dealt out at random.
struct shuffled_labels {
  double mean = 0;
  double highest = 0;  ///< 95 % of shufflings stay at or below it
};
inline shuffled_labels shuffle_labels(const likelihoods& l, std::uint64_t seed) {
  philox random(seed, 31);
  std::vector<std::size_t> best(l.truth.size());
  for (std::size_t i = 0; i < best.size(); ++i) {
    for (std::size_t k = 1; k < l.n_contexts; ++k) {
      if (l.at(i, k) > l.at(i, best[i])) best[i] = k;
    }
  }
  std::vector<std::size_t> name(l.n_contexts);
  std::vector<double> shares;
  for (int r = 0; r < 2000; ++r) {
    for (std::size_t k = 0; k < name.size(); ++k) name[k] = k;
    for (std::size_t k = name.size(); k > 1; --k) {
      std::swap(name[k - 1], name[random.below(static_cast<std::uint32_t>(k))]);
    }
    double hits = 0;
    for (std::size_t i = 0; i < best.size(); ++i) hits += name[best[i]] == l.truth[i] ? 1 : 0;
    shares.push_back(hits / static_cast<double>(best.size()));
  }
  return {stats::mean(shares).value_or(0), stats::quantile(shares, 0.95).value_or(1)};
}

inline std::string in_percent(double share) { return report::fixed(100 * share, 0) + " %"; }

/// Claims 1 and 2: whose text is it, and what is knowing it worth.
inline void find_attribution(std::vector<finding>& out, const std::vector<asker*>& models,
                             const std::vector<readings>& asked, const questions& q) {
  finding f{.claims = {1},
            .title = "Who wrote it, by labels",
            .how =
                "Each held-out text is scored behind the first introduction of each persona; "
                "Bayes' rule with equal weights names the likeliest. Some contexts raise every "
                "text: their mean over all other texts is taken off (“plain”: it is not). "
                "Temperature: what evidence "
                "must be divided by so that probabilities come true, fitted on the texts that "
                "are shown elsewhere. Intervals of 95 % over personas and texts.",
            .control =
                "the same answers with the labels dealt out at random, 2000 times: mean, and "
                "what 95 % of them do not exceed.",
            .against =
                "named no more often than with shuffled labels, or few personas named more "
                "often than chance. It would not show that they were acquired “in training”: "
                "the words of a label may give a text away."};
  f.figures.emplace(std::vector<report::column>{{"model"},
                                                {"named right", report::alignment::right},
                                                {"shuffled labels", report::alignment::right},
                                                {"above chance", report::alignment::right},
                                                {"plain", report::alignment::right},
                                                {"by 2 texts", report::alignment::right},
                                                {"temperature", report::alignment::right},
                                                {"log score, nats", report::alignment::right},
                                                {"calibration error", report::alignment::right},
                                                {"if true", report::alignment::right}});
  for (std::size_t m = 0; m < models.size(); ++m) {
    const likelihoods l = asked[m].by_label.centered();
    const auto named = [&](const likelihoods& of) {
      std::vector<double> hit(of.truth.size(), 1.0);
      for (std::size_t i = 0; i < hit.size(); ++i) {
        for (std::size_t k = 0; k < of.n_contexts; ++k) {
          if (k != of.truth[i] && of.at(i, k) >= of.at(i, of.truth[i])) hit[i] = 0;
        }
      }
      return hit;
    };
    const auto hits = named(l);
    std::size_t n_above = 0;
    const double chance = 1 / static_cast<double>(q.n());
    for (std::size_t k = 0; k < q.n(); ++k) {
      std::size_t right = 0, all = 0;
      for (std::size_t i = 0; i < hits.size(); ++i) {
        if (l.truth[i] != k) continue;
        ++all;
        right += hits[i] > 0 ? 1U : 0U;
      }
      if (stats::binomial_tail(all, right, chance) < 0.05) ++n_above;
    }
    const auto shuffled = shuffle_labels(l, q.seed);
    const auto fit = stats::fit_temperature(asked[m].shown_by_label.centered().forecasts());
    const double temperature = fit ? fit->temperature : 1;
    philox random(q.seed, 77);
    const auto cool =
        stats::judge(l.forecasts(), {.n_bins = 5, .temperature = temperature}, random);
    if (!cool) continue;
    const auto share = [&](const likelihoods& of) {
      return percent(within(lab::ranged_mean(named(of), of.truth, q.seed), 0, 1));
    };
    f.figures->add_row({models[m]->name(), share(l),
                        in_percent(shuffled.mean) + " (" + in_percent(shuffled.highest) + ")",
                        std::to_string(n_above) + " of " + std::to_string(q.n()),
                        share(asked[m].by_label), share(asked[m].by_texts[1].centered()),
                        report::fixed(temperature, 2),
                        written({cool->log_score, cool->log_score_between}),
                        written({cool->calibration_error, cool->calibration_error_between}),
                        report::fixed(cool->error_if_calibrated, 2)});
  }
  f.notes.push_back(
      "By 2 texts: behind two texts of each persona instead of its label. If true: what the "
      "calibration error would be on average if every probability were true. A log score without "
      "any knowledge: " +
      report::fixed(std::log(static_cast<double>(q.n())), 2) + ".");
  f.notes.push_back("Chance is " + in_percent(1 / static_cast<double>(q.n())) +
                    ". A persona is above chance where its texts are named right more often than "
                    "chance does in 1 of 20 cases (binomial, one-sided).");
  out.push_back(std::move(f));

  finding g{.claims = {2},
            .title = "What knowing the writer is worth for guessing",
            .how =
                "Nats a token by which held-out texts are likelier behind texts of their own "
                "writer than behind equally many texts of the others (mean over them), and than "
                "behind nothing.",
            .control =
                "two neutral texts before them, against nothing: what any text at all is "
                "worth.",
            .against =
                "no gain over the texts of others. That the model learnt the trait because "
                "of this gain is a question of cause, and is not testable here."};
  g.figures.emplace(
      std::vector<report::column>{{"model"},
                                  {"texts shown", report::alignment::right},
                                  {"own against others, nats a token", report::alignment::right},
                                  {"own against nothing", report::alignment::right},
                                  {"control: neutral against nothing", report::alignment::right}});
  for (std::size_t m = 0; m < models.size(); ++m) {
    for (std::size_t t = 0; t < std::size(texts_shown); ++t) {
      const likelihoods& l = asked[m].by_texts[t];
      std::vector<double> gain, alone, neutral;
      for (std::size_t i = 0; i < l.truth.size(); ++i) {
        gain.push_back(l.own_gain(i) / l.n_tokens[i]);
        alone.push_back((l.at(i, l.truth[i]) - asked[m].alone[i]) / l.n_tokens[i]);
        neutral.push_back((asked[m].after_neutral[i] - asked[m].alone[i]) / l.n_tokens[i]);
      }
      g.figures->add_row({models[m]->name(), std::to_string(texts_shown[t]),
                          written(lab::ranged_mean(gain, l.truth, q.seed)),
                          written(lab::ranged_mean(alone, l.truth, q.seed)),
                          texts_shown[t] == 2 ? written(lab::ranged_mean(neutral, l.truth, q.seed))
                                              : std::string("–")});
    }
  }
  out.push_back(std::move(g));
}

}  // namespace lab_model
