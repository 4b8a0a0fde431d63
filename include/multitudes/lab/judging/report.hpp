// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/judging/claim.hpp>
#include <multitudes/lab/judging/results.hpp>
#include <multitudes/lab/judging/verdict.hpp>
#include <multitudes/lab/judging/wording.hpp>
#include <multitudes/report/chart.hpp>
#include <multitudes/report/html.hpp>
#include <multitudes/report/line_chart.hpp>
#include <multitudes/report/markdown.hpp>
#include <multitudes/report/number.hpp>
#include <multitudes/report/progress.hpp>
#include <multitudes/report/table.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// A line for each claim: what was found, and the figure that it turned on.
inline report::table summary_table(std::span<const claim> claims, const results& r) {
  using enum report::alignment;
  report::table t({{"no.", right},
                   {"claim"},
                   {"verdict"},
                   {"figure"},
                   {"estimate", right},
                   {"95 % interval"},
                   {"needed"}});
  for (const claim& c : claims) {
    const judgement* j = r.find(c.number);
    std::vector<std::string> row{std::to_string(c.number), std::string(c.name), status_of(c, j)};
    const bool tells = j != nullptr && is_current(*j, c) && j->found != verdict::gate_failed;
    if (const judged_figure* f = tells ? detail::main_figure(*j) : nullptr; f != nullptr) {
      row.insert(row.end(), {f->name, detail::with_unit(in_words(f->estimate), f->unit),
                             in_words(f->middle), threshold_in_words(*f->holds)});
    }
    t.add_row(std::move(row));
  }
  return t;
}

namespace detail {

/// Each seed as a dot, the estimate with its interval behind them, thresholds as marked lines.
inline report::line_chart figure_chart(const judgement& j, const judged_figure& f) {
  report::series seeds{.label = "one seed"};
  for (std::size_t i = 0; i < f.by_seed.size(); ++i) {
    if (!f.by_seed[i]) continue;
    // A gap after each: seeds are no sequence.
    const auto place = static_cast<double>(i + 1);
    const double gap = std::numeric_limits<double>::quiet_NaN();
    seeds.x.insert(seeds.x.end(), {place, place});
    seeds.y.insert(seeds.y.end(), {*f.by_seed[i], gap});
  }
  const double end = static_cast<double>(f.by_seed.size()) + 1;
  report::series all{.label = j.n_passed() > 1 ? "all seeds, 95 % interval" : "95 % interval",
                     .x = {0, end},
                     .y = {f.estimate, f.estimate},
                     .style = report::line_style::dashed};
  if (std::isfinite(f.middle.low) && std::isfinite(f.middle.high)) {
    all.low = std::vector<double>(2, f.middle.low);
    all.high = std::vector<double>(2, f.middle.high);
  }
  report::line_chart chart{.title = f.name,
                           .x_label = "seed",
                           .y_label = f.unit.empty() ? f.name : f.name + " (" + f.unit + ")",
                           .lines = {std::move(all), std::move(seeds)},
                           .height = 260};
  if (f.holds) {
    const std::string needs = "the claim needs " + threshold_in_words(*f.holds);
    if (std::isfinite(f.holds->low)) chart.horizontal.push_back({f.holds->low, needs});
    if (std::isfinite(f.holds->high)) {
      chart.horizontal.push_back({f.holds->high, std::isfinite(f.holds->low) ? "" : needs});
    }
  }
  return chart;
}

inline report::line_chart picture_chart(const picture& p, const judgement& j) {
  report::line_chart chart{.title = std::string(p.title),
                           .x_label = std::string(p.x_label),
                           .y_label = std::string(p.y_label)};
  for (const judged_line& l : j.lines) {
    if (l.picture != p.name) continue;
    report::series s{.label = l.label};
    std::vector<double> low;
    std::vector<double> high;
    for (const judged_line::point& point : l.points) {
      s.x.push_back(point.x);
      s.y.push_back(point.y);
      low.push_back(point.middle.low);
      high.push_back(point.middle.high);
    }
    s.low = std::move(low);
    s.high = std::move(high);
    chart.lines.push_back(std::move(s));
  }
  return chart;
}

inline std::string whether_it_holds(const judged_figure& f) {
  if (!f.holds) return "-";
  return lies_inside(f) ? "yes" : lies_outside(f) ? "no" : "undecided";
}

inline report::table figures_table(const claim& c, const judgement& j) {
  using enum report::alignment;
  report::table t({{"figure"},
                   {"estimate", right},
                   {"95 % interval"},
                   {"needed"},
                   {"holds"},
                   {"seed by seed"},
                   {"what it shows"}});
  for (const judged_figure& f : j.figures) {
    std::string each;
    for (const auto& value : f.by_seed) {
      each += (each.empty() ? "" : ", ") + (value ? in_words(*value) : std::string("-"));
    }
    const figure* declared = find_declared(c.figures, f.name);
    t.add_row({f.name, with_unit(in_words(f.estimate), f.unit), in_words(f.middle),
               f.holds ? threshold_in_words(*f.holds) : "-", whether_it_holds(f), std::move(each),
               declared == nullptr ? std::string() : std::string(declared->shows)});
  }
  return t;
}

inline report::table gates_table(const judgement& j) {
  report::table t({{"gate"}, {"needed"}, {"seed by seed"}});
  for (const judged_gate& g : j.gates) {
    std::string each;
    for (const double value : g.by_seed) {
      each += (each.empty() ? "" : ", ") + in_words(value) +
              (g.passes.contains(value) ? "" : " (failed)");
    }
    t.add_row({with_unit(g.name, g.unit.empty() ? "" : "(" + g.unit + ")"),
               threshold_in_words(g.passes), std::move(each)});
  }
  return t;
}

template <class Page>
void explain(Page& page) {
  page.heading("How to read this");
  page.paragraph(
      "Two essays say how language models come to have personas. Each claim below is one of their "
      "sentences, turned into something that can fail: small language models are trained on texts "
      "whose writers are known exactly, and then asked. What must come out if the claim is true "
      "(\"needed\") was written down before the models that decide were trained.");
  page.paragraph(
      "Training starts from random numbers, and another start (a seed) gives another model. So "
      "each claim is tried with several seeds. An estimate puts them together; the 95 % interval "
      "beside it says how far chance (other seeds, other questions) may have moved it. It is made "
      "so that it holds the true value in about 95 of 100 such experiments, also with five seeds.");
  page.paragraph(
      "SUPPORTED: each figure that decides lies where the claim needs it, with its whole interval, "
      "and surely enough that among all claims together the probability of any false SUPPORTED is "
      "at most 5 % (Holm's method). REFUTED: one of them lies elsewhere, with its whole interval. "
      "INCONCLUSIVE: neither. GATE-FAILED: fewer than four seeds in five learned what they had to "
      "before they could be asked (the gates); seeds that failed count for nothing else. A claim "
      "that says that nothing happens needs an interval within a margin about zero. Quick runs, "
      "and runs of fewer seeds than were fixed, have no verdict.");
  page.paragraph(
      "What a small model does shows that something can happen, and under which conditions; it "
      "does not show that it happens in large ones. A nat is the unit of evidence: one nat makes "
      "something e = 2.72 times as likely, compared with something else.");
}

template <class Page>
void tell_run(Page& page, const judgement& j) {
  std::string seeds;
  for (const judgement::seed& s : j.seeds) {
    seeds += (seeds.empty() ? "" : ", ") + std::to_string(s.number) +
             (s.passed ? "" : " (failed a gate)");
  }
  std::string text = (j.seeds.size() == 1 ? "Seed " : "Seeds ") + seeds + "; " +
                     report::duration(j.seconds) + " of machine time";
  if (!j.command.empty()) text += "; " + j.command;
  if (!j.commit.empty()) text += "; thresholds as in commit " + j.commit;
  if (j.found && *j.found != verdict::gate_failed) {
    text += "; p = " + report::fixed(j.p(), 4) + ", corrected for all claims " +
            report::fixed(j.corrected_p, 4);
  }
  page.paragraph(text + ".");
}

template <class Page>
void tell(Page& page, const claim& c, const judgement* j) {
  const auto say = [&](std::string_view what, std::string_view text) {
    if (!text.empty()) page.paragraph(std::string(what) + std::string(text));
  };
  page.heading(std::to_string(c.number) + ". " + std::string(c.name) + ": " + status_of(c, j));
  page.quotation("\xE2\x80\x9C" + std::string(c.quotation) + "\xE2\x80\x9D (" +
                 std::string(c.essay) + ")");
  page.paragraph(finding_on(c, j) + " " + std::string(c.reach));
  say("If it is true: ", c.hypothesis);
  say("What was tested: ", c.method);
  say("Control: ", c.control);
  say("What would have refuted it: ", c.refuted_by);
  if (j == nullptr || !is_current(*j, c)) return;
  if (!j->figures.empty()) page.add(figures_table(c, *j));
  if (!j->gates.empty()) page.add(gates_table(*j));
  if constexpr (requires { page.figure(std::string_view(), std::string_view()); }) {
    for (const judged_figure& f : j->figures) {
      if (!f.holds) continue;
      const figure* declared = find_declared(c.figures, f.name);
      page.figure(report::to_svg(figure_chart(*j, f)),
                  declared == nullptr ? std::string_view() : declared->shows);
    }
    for (const picture& p : c.pictures) {
      const auto chart = picture_chart(p, *j);
      if (chart.lines.empty()) continue;
      page.figure(report::to_svg(chart),
                  j->n_passed() > 1 ? "Means over seeds; bands are 95 % intervals." : "One seed.");
    }
  }
  tell_run(page, *j);
}

inline std::string report_title(const results& r) {
  return r.null_world ? "The null world: claims of which nothing is true, tested all the same"
                      : "What two essays say of personas, tested";
}

/// How often claims were found supported that cannot be, and how often they may be.
template <class Page>
void tell_null_world(Page& page, const results& r) {
  std::size_t n_judged = 0;
  std::size_t n_supported = 0;
  for (const judgement& j : r.claims) {
    n_judged += j.found && *j.found != verdict::gate_failed ? 1u : 0u;
    n_supported += j.found == verdict::supported ? 1u : 0u;
  }
  page.paragraph(
      "In the null world everything is trained and asked as ever, but texts have no personas, "
      "answers have nothing to do with questions, and rewards are chance. Who finds support there "
      "finds it anywhere. Of " +
      count_of(n_judged, "claim") + " that could be judged, " + std::to_string(n_supported) +
      " came out SUPPORTED; any at all should in at most 5 % of such runs.");
}

template <class Page>
std::string tell_all(Page page, std::span<const claim> listed, const results& r) {
  if (r.null_world) tell_null_world(page, r);
  page.add(summary_table(listed, r));
  explain(page);
  for (const claim& c : listed) tell(page, c, r.find(c.number));
  return page.finish();
}

}  // namespace detail

/// All claims and what came out of them as one HTML page that needs nothing else: a summary, how to
/// read it, and for each claim the quotation, the finding and how far it reaches, what was tested,
/// what would have refuted it, figures, gates and charts. A claim without results is "not run", one
/// whose declaration has changed since "out of date".
inline std::string claims_html(std::span<const claim> claims, const results& r) {
  return detail::tell_all(report::html_page(detail::report_title(r)), claims, r);
}

/// The same as Markdown, without charts.
inline std::string claims_markdown(std::span<const claim> claims, const results& r) {
  return detail::tell_all(report::markdown_page(detail::report_title(r)), claims, r);
}

}  // namespace multitudes::lab
