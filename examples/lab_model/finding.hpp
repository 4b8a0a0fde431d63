// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/claims/all.hpp>
#include <multitudes/lab/given/course.hpp>
#include <multitudes/report/html.hpp>
#include <multitudes/report/line_chart.hpp>
#include <multitudes/report/markdown.hpp>
#include <multitudes/report/number.hpp>
#include <multitudes/report/table.hpp>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lab_model {

using namespace multitudes;

/// `1.20 [0.90, 1.50]`; a number that is not known is a dash.
inline std::string written(const lab::ranged& r, int decimals = 2) {
  if (!std::isfinite(r.value)) return "–";
  const auto end = [&](double x) {
    return std::isfinite(x) ? report::fixed(x, decimals) : x > 0 ? "∞" : "−∞";
  };
  return report::fixed(r.value, decimals) + " [" + end(r.between.low) + ", " + end(r.between.high) +
         "]";
}
inline std::string percent(const lab::ranged& r) {
  const auto times = [](double x) { return 100 * x; };
  return written({times(r.value), {times(r.between.low), times(r.between.high)}}, 0) + " %";
}

/// The same of a number that cannot lie outside of some range.
inline lab::ranged within(lab::ranged r, double low, double high) {
  r.between = {std::max(low, r.between.low), std::min(high, r.between.high)};
  return r;
}

/// What one measurement says of one or more claims.
struct finding {
  std::vector<int> claims{};
  std::string title{};
  std::string how{};
  std::optional<report::table> figures{};
  std::vector<std::string> notes{};
  std::string control{};
  std::string against{};  ///< what would have spoken against the claim
  std::optional<report::line_chart> chart{};
  std::string chart_shows{};
};

/// Claims that no model can be asked about as it is, and those that this program does not ask.
inline std::string_view why_not(int claim) {
  switch (claim) {
    case 6:
      return "not measured yet: needs facts that only some of the personas know, with answers";
    case 8: return "not measured yet: total correlation of separate habits needs a file of habits";
    case 17: return "not measured yet: needs a hidden prefix and conversations of several turns";
    case 21:
    case 22:
    case 23:
      return "not measured yet: needs games in text with a planner outside of the model; small "
             "models that never saw such games cannot be asked";
    case 11:
      return "not testable here: how little data instructions need can only be seen by training "
             "with more and with less of it";
    case 12:
      return "not testable here: whether obedience is prediction is a question of cause; it needs "
             "a corpus with listeners whose rate of compliance is known";
    case 13:
      return "not testable here: that cues in the training text teach a goal needs a corpus with "
             "cues and one in which they are dealt out at random";
    case 16:
      return "not testable here: what feedback did to vulnerability needs models rewarded for "
             "obeying and for a policy, separately";
    case 19:
      return "not testable here: positive and negative feedback must be given to one model each";
    case 20:
      return "not testable here: rewards must be known to be compared with what they switched";
    case 24:
      return "not testable here: the half about objective functions needs a model that was trained "
             "by reward, and the reward";
    default: return "not measured: nothing in this run bears on it";
  }
}

/// The same text as HTML and as Markdown.
struct both_pages {
  explicit both_pages(std::string_view title) : html(title), markdown(title) {}

  void heading(std::string_view text, int level = 2) {
    html.heading(text, level);
    markdown.heading(text, level);
  }
  void paragraph(std::string_view text) {
    html.paragraph(text);
    markdown.paragraph(text);
  }
  void quotation(std::string_view text) {
    html.quotation(text);
    markdown.quotation(text);
  }
  void add(const report::table& t) {
    html.add(t);
    markdown.add(t);
  }

  report::html_page html;
  report::markdown_page markdown;
};

inline void add(both_pages& to, const finding& f) {
  to.heading(f.title, 3);
  to.paragraph("Associational, exploratory; no verdict. " + f.how);
  if (f.figures) to.add(*f.figures);
  if (f.chart) to.html.figure(report::to_svg(*f.chart), f.chart_shows);
  for (const std::string& note : f.notes) to.paragraph(note);
  to.paragraph("Control: " + f.control);
  to.paragraph("What would have spoken against it: " + f.against);
}

/// A section for each claim. A finding stands at the first of its claims; the others point there.
inline void add_claims(both_pages& to, const std::vector<finding>& found) {
  for (const lab::claim& c : lab::all_claims()) {
    to.heading("Claim " + std::to_string(c.number) + ": " + std::string(c.name));
    to.quotation(c.quotation);
    bool any = false;
    for (const finding& f : found) {
      for (std::size_t i = 0; i < f.claims.size(); ++i) {
        if (f.claims[i] != c.number) continue;
        any = true;
        if (i == 0) {
          add(to, f);
        } else {
          to.paragraph("See “" + f.title + "” at claim " + std::to_string(f.claims[0]) + ".");
        }
      }
    }
    if (!any) to.paragraph(why_not(c.number));
  }
}

}  // namespace lab_model
