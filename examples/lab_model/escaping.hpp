// SPDX-License-Identifier: MIT
#pragma once

#include "asker.hpp"
#include "attribution.hpp"
#include "finding.hpp"

#include <multitudes/core/philox.hpp>
#include <multitudes/lab/given/course.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace lab_model {

inline constexpr std::size_t n_held = 2;      ///< texts of the persona who holds the context
inline constexpr std::size_t most_demos = 4;  ///< texts of the other, or neutral ones, after them

/// How contexts move a model between personas, from log-odds against no context at all: by how
/// much more a context raises held-out texts of the one than those of the other, nats a text. To
/// a reader who expects a mixture of personas, these are the log-odds of the personas.
struct escapes {
  std::vector<lab::course> shown;    ///< the other's texts are read
  std::vector<lab::course> neutral;  ///< as many neutral ones
  std::vector<double>
      middle;  ///< of each course: halfway between a context of either persona alone
  /// Of each persona who holds the context, log-odds against its rivals, mean.
  std::vector<double> before, after_end, after_break, after_neutral, end_alone;
  std::vector<std::size_t> groups;
  /// What the first persona's context costs the other's texts against their own, by token.
  std::vector<std::vector<double>> hold;          // (texts, tokens)
  std::vector<std::vector<double>> hold_neutral;  // neutral texts for the first persona's
  std::vector<std::size_t> hold_groups;
};

inline double mean_of(const std::vector<double>& x) {
  double sum = 0;
  for (const double v : x) sum += v;
  return sum / static_cast<double>(x.size());
}
inline double mean_rise(const std::vector<double>& after, const std::vector<double>& before) {
  return mean_of(after) - mean_of(before);
}

inline escapes measure_escapes(asker& a, const questions& q) {
  escapes e;
  a.line().begin(a.name() + ": going over to another persona");
  const auto texts = all_judged(a, q, q.most_judged);
  std::vector<std::vector<double>> alone;
  for (const auto& own : texts) alone.push_back(a.ask_sums({a.start()}, own));
  const auto text_of = [&](const std::vector<std::string>& first,
                           const std::vector<std::string>& then) {
    auto all = first;
    all.insert(all.end(), then.begin(), then.end());
    return a.open_context("", all);
  };
  const auto odds = [&](const tokens& context, std::size_t from, std::size_t to) {
    return mean_rise(a.ask_sums(context, texts[from]), alone[from]) -
           mean_rise(a.ask_sums(context, texts[to]), alone[to]);
  };
  for (std::size_t from = 0; from < q.n(); ++from) {
    for (std::size_t i = 0; i < q.n_rivals(); ++i) {
      const auto held = q.shown(from, n_held, i);
      const std::size_t to = q.rival(from, i);
      lab::course shown{from, to}, neutral{from, to};
      for (std::size_t n = 0; n <= most_demos; ++n) {
        shown.log_odds.push_back(odds(text_of(held, q.shown(to, n, i)), from, to));
        neutral.log_odds.push_back(n == 0 ? shown.log_odds[0]
                                          : odds(text_of(held, q.neutral(n, i)), from, to));
      }
      const double other = odds(text_of(q.shown(to, n_held, i), {}), from, to);
      e.middle.push_back((shown.log_odds[0] + other) / 2);
      e.shown.push_back(std::move(shown));
      e.neutral.push_back(std::move(neutral));
    }
  }
  a.line().begin(a.name() + ": forgetting a persona");
  for (std::size_t from = 0; from < q.n(); ++from) {
    const auto held = q.shown(from, n_held);
    const tokens before = text_of(held, {});
    tokens ended = before;
    for (const token_id t : a.separator()) ended.push_back(t);
    tokens broken = before;
    const tokens gap = a.encode("\n\n");
    broken.insert(broken.end(), gap.begin(), gap.end());
    const tokens neutral = text_of(held, q.neutral(n_held));
    tokens nothing{a.start()};
    for (const token_id t : a.separator()) nothing.push_back(t);
    const auto against_all = [&](const tokens& context) {
      const double own = mean_rise(a.ask_sums(context, texts[from]), alone[from]);
      double others = 0;
      for (std::size_t i = 0; i < q.n_rivals(); ++i) {
        const std::size_t to = q.rival(from, i);
        others += mean_rise(a.ask_sums(context, texts[to]), alone[to]);
      }
      return own - others / static_cast<double>(q.n_rivals());
    };
    e.before.push_back(against_all(before));
    e.after_end.push_back(against_all(ended));
    e.after_break.push_back(against_all(broken));
    e.after_neutral.push_back(against_all(neutral));
    e.end_alone.push_back(against_all(nothing));
    e.groups.push_back(from);
  }
  a.line().begin(a.name() + ": openers of another persona");
  for (std::size_t to = 0; to < q.n(); ++to) {
    const auto own = a.ask(text_of(q.shown(to, n_held), {}), texts[to]);
    const auto none = a.ask(text_of(q.neutral(n_held), {}), texts[to]);
    for (std::size_t i = 0; i < q.n_rivals(); ++i) {
      const std::size_t from = q.rival(to, i);
      const auto other = a.ask(text_of(q.shown(from, n_held), {}), texts[to]);
      for (std::size_t t = 0; t < own.size(); ++t) {
        std::vector<double> cost, cost_neutral;
        for (std::size_t p = 0; p < own[t].size(); ++p) {
          cost.push_back(own[t][p] - other[t][p]);
          cost_neutral.push_back(own[t][p] - none[t][p]);
        }
        e.hold.push_back(std::move(cost));
        e.hold_neutral.push_back(std::move(cost_neutral));
        e.hold_groups.push_back(to);
      }
    }
  }
  return e;
}

/// Courses by how far they are from the middle between both personas.
inline std::vector<lab::course> from_middle(std::vector<lab::course> of,
                                            const std::vector<double>& middle) {
  for (std::size_t i = 0; i < of.size(); ++i) {
    for (double& x : of[i].log_odds) x -= middle[i];
  }
  return of;
}

/// Differences of laws, course by course.
inline std::vector<lab::course> difference(const std::vector<lab::course>& a,
                                           const std::vector<lab::course>& b) {
  std::vector<lab::course> d = a;
  for (std::size_t i = 0; i < d.size(); ++i) {
    for (std::size_t n = 0; n < d[i].log_odds.size(); ++n) d[i].log_odds[n] -= b[i].log_odds[n];
  }
  return d;
}

inline report::series course_line(const std::vector<lab::course>& of, std::string label,
                                  std::uint64_t seed, report::line_style style) {
  report::series line{.label = std::move(label), .style = style};
  line.low.emplace();
  line.high.emplace();
  for (std::size_t n = 0; n <= most_demos; ++n) {
    std::vector<double> y;
    std::vector<std::size_t> groups;
    for (const lab::course& c : of) {
      y.push_back(c.log_odds[n]);
      groups.push_back(c.from);
    }
    const auto mean = lab::ranged_mean(y, groups, seed);
    line.x.push_back(static_cast<double>(n));
    line.y.push_back(mean.value);
    line.low->push_back(mean.between.low);
    line.high->push_back(mean.between.high);
  }
  return line;
}

/// Claims 4, 14 and 15: how many texts of another it takes.
inline void find_escape(std::vector<finding>& out, const std::vector<asker*>& models,
                        const std::vector<escapes>& measured, const questions& q) {
  finding f{
      .claims = {4, 14, 15},
      .title = "Going over to another persona",
      .how = "A persona holds the context with " + std::to_string(n_held) +
             " of its texts; then texts of another follow, 0 to " + std::to_string(most_demos) +
             ". Log-odds: by how much more such a context raises held-out texts of the first "
             "than of the other, over no context, nats a text. Law: log-odds = a − b n, a "
             "line for each of " +
             std::to_string(measured[0].shown.size()) +
             " pairs; n50 = a/b is where the other takes over. No context is a zero that has "
             "the weights of the personas in it; “from the middle” puts zero halfway between " +
             std::to_string(n_held) +
             " texts of the one alone and of the other alone. Intervals of 95 % over the "
             "personas who hold the context.",
      .control =
          "the same with neutral texts of about the same length in place of the "
          "other's: they should not take over (b near 0 or smaller).",
      .against =
          "b no larger than with neutral texts; a bad line (small R²); for wider and "
          "deeper valleys, personas who differ no more than permuted ones; for claims "
          "14 and 15, a tuned model with the same a as its base model. Which persona "
          "tuning up-weighted, and its reward, are not known here."};
  f.figures.emplace(std::vector<report::column>{{"model"},
                                                {"after n texts of"},
                                                {"a, nats", report::alignment::right},
                                                {"b, nats a text", report::alignment::right},
                                                {"n50 = a/b", report::alignment::right},
                                                {"went over by the end", report::alignment::right},
                                                {"R² of the line", report::alignment::right}});
  f.notes.push_back(
      "From the middle, a reader who counts texts would be won over by as many of the "
      "other as the first had: n50 = " +
      std::to_string(n_held) + ".");
  f.notes.push_back(
      "By persona, a and b are from the middle: from no context, what held-out texts "
      "are like would make personas differ.");
  report::line_chart chart{.title = "Log-odds of who held the context against who followed",
                           .x_label = "texts of the other",
                           .y_label = "log-odds, nats a held-out text"};
  chart.horizontal.push_back({0, "both as likely"});
  const auto add = [&](const std::string& name, const char* what,
                       const std::vector<lab::course>& courses, bool is_difference) {
    const auto law = lab::fit_escape(courses, q.seed);
    // a/b of a law that does not fall says nothing.
    const bool falls = law.per_demonstration.between.low > 0;
    f.figures->add_row({name, what, written(law.start), written(law.per_demonstration),
                        is_difference ? "–"
                        : falls       ? written(law.demonstrations)
                                      : "none",
                        is_difference ? "–" : percent(within(law.flipped, 0, 1)),
                        is_difference ? "–" : written(within(law.r_squared, 0, 1))});
  };
  for (std::size_t m = 0; m < models.size(); ++m) {
    add(models[m]->name(), "the other", measured[m].shown, false);
    add(models[m]->name(), "the other, from the middle",
        from_middle(measured[m].shown, measured[m].middle), false);
    add(models[m]->name(), "nobody (control)", measured[m].neutral, false);
    add(models[m]->name(), "nobody, from the middle",
        from_middle(measured[m].neutral, measured[m].middle), false);
    chart.lines.push_back(course_line(measured[m].shown, models[m]->name() + ", the other", q.seed,
                                      report::line_style::solid));
    chart.lines.push_back(course_line(measured[m].neutral, models[m]->name() + ", nobody", q.seed,
                                      report::line_style::dashed));
  }
  if (models.size() == 2) {
    add("tuned − base", "the other", difference(measured[1].shown, measured[0].shown), true);
  }
  for (std::size_t m = 0; m < models.size(); ++m) {
    std::vector<double> starts, falls;
    std::vector<std::size_t> groups;
    for (const lab::course& c : from_middle(measured[m].shown, measured[m].middle)) {
      if (const auto line = c.fit()) {
        starts.push_back(line->intercept);
        falls.push_back(-line->slope);
        groups.push_back(c.from);
      }
    }
    const auto share = [&](const std::vector<double>& x, const char* what) {
      philox random(q.seed, 44);
      const auto chance = lab::permuted_share_between(x, groups, 2000, random);
      return std::string(what) + ": " + in_percent(lab::share_between(x, groups).value_or(0)) +
             " of the variance lies between the personas who held the context (" +
             in_percent(chance.mean) + " when permuted; p = " + report::fixed(chance.p_value, 4) +
             ")";
    };
    f.notes.push_back(models[m]->name() + ": " + share(starts, "a") + "; " + share(falls, "b") +
                      ".");
    std::string each = models[m]->name() + ", a and b by persona:";
    for (std::size_t k = 0; k < q.n(); ++k) {
      double s = 0, b = 0, n = 0;
      for (std::size_t i = 0; i < groups.size(); ++i) {
        if (groups[i] != k) continue;
        s += starts[i];
        b += falls[i];
        ++n;
      }
      each += (k == 0 ? " " : "; ") + q.label(k) + " " + report::fixed(s / n, 1) + ", " +
              report::fixed(b / n, 1);
    }
    f.notes.push_back(each + ".");
  }
  f.chart = std::move(chart);
  f.chart_shows = "Means over pairs; bands: 95 %.";
  out.push_back(std::move(f));
}

/// Claim 5: what is left of a persona.
inline void find_reset(std::vector<finding>& out, const std::vector<asker*>& models,
                       const std::vector<escapes>& measured, const questions& q) {
  finding f{.claims = {5},
            .title = "What is left of a persona after an end of text",
            .how = "Log-odds of the persona who held the context with " + std::to_string(n_held) +
                   " texts against its rivals, over no context, nats a text: at once, after the "
                   "model's own mark for the end of a text, and after " +
                   std::to_string(n_held) + " neutral texts.",
            .control =
                "an empty line in place of the mark, and the mark alone, without any persona "
                "before it.",
            .against =
                "log-odds that outlast the mark, or that are gone after an empty line. That "
                "weights do not change between conversations is trivial, and not tested."};
  f.figures.emplace(std::vector<report::column>{{"model"},
                                                {"put on", report::alignment::right},
                                                {"after the mark", report::alignment::right},
                                                {"share left", report::alignment::right},
                                                {"after an empty line", report::alignment::right},
                                                {"after neutral texts", report::alignment::right},
                                                {"mark alone", report::alignment::right}});
  for (std::size_t m = 0; m < models.size(); ++m) {
    const escapes& e = measured[m];
    const auto mean = [&](const std::vector<double>& x) {
      return written(lab::ranged_mean(x, e.groups, q.seed));
    };
    const auto put_on = lab::ranged_mean(e.before, e.groups, q.seed);
    const auto left = lab::ranged_statistic(
        e.groups,
        [&](std::span<const std::size_t> chosen) -> std::optional<double> {
          double before = 0, after = 0;
          for (const std::size_t i : chosen) {
            before += e.before[i];
            after += e.after_end[i];
          }
          if (before == 0) return std::nullopt;
          return after / before;
        },
        q.seed);
    f.figures->add_row({models[m]->name(), mean(e.before), mean(e.after_end),
                        put_on.between.low > 0 ? percent(left) : std::string("–"),
                        mean(e.after_break), mean(e.after_neutral), mean(e.end_alone)});
  }
  out.push_back(std::move(f));
}

/// Claim 15: how long an opener must be.
inline void find_openers(std::vector<finding>& out, const std::vector<asker*>& models,
                         const std::vector<escapes>& measured, const questions& q) {
  finding f{.claims = {15},
            .title = "Prefilled openers of another persona",
            .how =
                "What it costs texts of one persona that the context is held by another instead "
                "of by itself, nats a token, by how many tokens of the text stand there already: "
                "the more the opener decides, the less the context costs what follows.",
            .control =
                "neutral texts in place of the other persona's: the cost of not being in "
                "one's own context, whoever holds it.",
            .against =
                "a cost that does not fall with the length of the opener (no opener "
                "suffices), or that is gone after the first token."};
  constexpr std::size_t ends[] = {0, 1, 2, 4, 8, 16, 32, 64};
  std::vector<report::column> columns{{"tokens prefilled"}};
  for (const asker* a : models) {
    columns.push_back({a->name() + ", another's context", report::alignment::right});
    columns.push_back({a->name() + ", neutral", report::alignment::right});
  }
  f.figures.emplace(std::move(columns));
  for (std::size_t b = 0; b + 1 < std::size(ends); ++b) {
    std::vector<std::string> row{ends[b] + 1 == ends[b + 1] ? std::to_string(ends[b])
                                                            : std::to_string(ends[b]) + " to " +
                                                                  std::to_string(ends[b + 1] - 1)};
    bool any = false;
    for (std::size_t m = 0; m < models.size(); ++m) {
      for (const auto* costs : {&measured[m].hold, &measured[m].hold_neutral}) {
        std::vector<double> items;
        std::vector<std::size_t> groups;
        for (std::size_t t = 0; t < costs->size(); ++t) {
          const auto& c = (*costs)[t];
          if (c.size() <= ends[b]) continue;
          double sum = 0;
          const std::size_t last = std::min(c.size(), ends[b + 1]);
          for (std::size_t p = ends[b]; p < last; ++p) sum += c[p];
          items.push_back(sum / static_cast<double>(last - ends[b]));
          groups.push_back(measured[m].hold_groups[t]);
        }
        any = any || !items.empty();
        row.push_back(items.empty() ? "–" : written(lab::ranged_mean(items, groups, q.seed)));
      }
    }
    if (any) f.figures->add_row(std::move(row));
  }
  out.push_back(std::move(f));
}

}  // namespace lab_model
