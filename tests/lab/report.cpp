// SPDX-License-Identifier: MIT
#include "simulated.hpp"

#include <multitudes/lab/judging/judge.hpp>
#include <multitudes/lab/judging/report.hpp>

#include <doctest/doctest.h>
#include <tests/report/xml_checker.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using namespace multitudes;
using multitudes_test::count;

namespace {

/// Claims 1 to 6: supported, refuted, inconclusive, gate failed, quick, not run.
struct told {
  std::vector<lab::claim> claims{};
  lab::results results{.n_claims = 6};

  told() {
    for (int number = 1; number <= 6; ++number) {
      claims.push_back(simulated::claim(number));
      if (number == 6) break;
      simulated::world w{.effect = number == 1   ? 50.
                                   : number == 2 ? -50.
                                                 : 0.,
                         .skill = number == 4 ? 0.1 : 0.9,
                         .number = static_cast<std::uint64_t>(number)};
      std::vector<lab::seed_outcome> seeds;
      for (std::uint64_t seed = 1; seed <= (number == 5 ? 1u : 5u); ++seed) {
        seeds.push_back({.seed = seed, .seconds = 100, .what = simulated::draw(w, seed)});
      }
      auto j = lab::judge(claims.back(), seeds, {.quick = number == 5, .resamples = 2000});
      REQUIRE(j);
      j->command = "./dev lab";
      j->commit = "abc123";
      results.claims.push_back(std::move(*j));
    }
    lab::decide(results.claims, results.n_claims);
  }
};

std::string body_of(const std::string& page) {
  const std::size_t from = page.find("<body>");
  const std::size_t to = page.find("</body>") + std::string_view("</body>").size();
  return page.substr(from, to - from) + "\n";
}

}  // namespace

TEST_CASE("numbers are told with three digits that count") {
  using lab::in_words;
  CHECK(in_words(0.98765) == "0.988");
  CHECK(in_words(-0.04) == "-0.040");
  CHECK(in_words(1.2345) == "1.23");
  CHECK(in_words(9.999) == "10.0");
  CHECK(in_words(0.99999) == "1.00");
  CHECK(in_words(1234.5) == "1234");
  CHECK(in_words(simulated::interval{0.5, 1.25}) == "0.500 to 1.25");
  CHECK(in_words(simulated::interval::whole_line()) == "unknown");
  CHECK(lab::threshold_in_words({0.7, 1.3}) == "0.7 to 1.3");
  CHECK(lab::threshold_in_words({100, simulated::infinity}) == "at least 100");
  CHECK(lab::threshold_in_words({-simulated::infinity, 0.02}) == "at most 0.02");
}

TEST_CASE("a page of Markdown begins with all claims and says of each what came out") {
  const told t;
  const auto page = lab::claims_markdown(t.claims, t.results);
  std::size_t at = 0;
  for (const char* part :
       {"| SUPPORTED ",
        "| REFUTED ",
        "| INCONCLUSIVE ",
        "| GATE-FAILED ",
        "| quick, no verdict ",
        "| not run ",
        "## How to read this",
        "## 1. prevalence: SUPPORTED",
        "> \xE2\x80\x9CPersonas are weighted by prevalence.\xE2\x80\x9D (Personas and Goals",
        "The measurements support the claim: effect is ",
        "small models do.",
        "If it is true: ",
        "What was tested: ",
        "Control: ",
        "What would have refuted it: ",
        "| effect ",
        "| trend ",
        "| skill ",
        "Seeds 1, 2, 3, 4, 5; 8 min 20 s of machine time; ./dev lab; thresholds as in",
        "## 2. prevalence: REFUTED",
        "The measurements refute the claim: ",
        "## 3. prevalence: INCONCLUSIVE",
        "The measurements do not decide: ",
        "## 4. prevalence: GATE-FAILED",
        "only 0 of 5 seeds passed the gates, and 4 must.",
        "0.100 (failed)",
        "## 5. prevalence: quick, no verdict",
        "that is no verdict.",
        "## 6. prevalence: not run",
        "This claim has not been run yet."}) {
    INFO(part);
    const std::size_t found = page.find(part, at);
    REQUIRE(found != std::string::npos);
    at = found;
  }
  CHECK(count(page, "nan") == 0);
  CHECK(count(page, "inf") == 0);
}

TEST_CASE("a quick or failed run never reads as a verdict") {
  const told t;
  const auto page = lab::claims_markdown(t.claims, t.results);
  const auto section = [&](int number) {
    const std::size_t from = page.find("## " + std::to_string(number) + ". ");
    return page.substr(from, page.find("\n## ", from) - from);
  };
  for (const char* word : {"SUPPORTED", "REFUTED", "support the claim", "refute the claim"}) {
    CHECK(count(section(5), word) == 0);
    CHECK(count(section(4), word) == 0);
  }
}

TEST_CASE("results of a claim that changed since are out of date, and none of them is shown") {
  told t;
  t.claims[0].quotation = "Something else.";
  const auto page = lab::claims_markdown(t.claims, t.results);
  const std::size_t from = page.find("## 1. prevalence: out of date");
  REQUIRE(from != std::string::npos);
  const auto section = page.substr(from, page.find("\n## 2", from) - from);
  CHECK(count(section, "| effect") == 0);
  CHECK(count(section, "nats") == 0);
  CHECK(count(page, "SUPPORTED |") == 0);
}

TEST_CASE(
    "a page of HTML is well-formed, loads nothing, and has a chart for each figure and line") {
  const told t;
  const auto page = lab::claims_html(t.claims, t.results);
  // For a look in a browser.
  if (const char* path = std::getenv("MULTITUDES_KEEP_REPORT")) {
    REQUIRE(write_file(path, std::as_bytes(std::span(page))));
  }
  CHECK(multitudes_test::xml_fault(body_of(page)) == "");
  for (const char* part : {"<script", "src=", "href=", "@import", "url(", "onload"}) {
    CHECK(count(page, part) == 0);
  }
  CHECK(count(page, "<blockquote>") == 6);
  // Deciding figure and picture of claims 1, 2, 3 and 5.
  CHECK(count(page, "<svg") == 8);
  CHECK(count(page, ">items<") == 4);
  CHECK(count(page, ">evidence (nats)<") == 4);
  CHECK(count(page, ">the claim needs at least 0<") == 4 * 2);  // with its halo
  CHECK(count(page, ">seed<") == 4);
  // Intervals as bands: of four figures, and of two lines each where there are several seeds.
  CHECK(count(page, "fill-opacity") == 4 + 3 * 2);
  CHECK(count(page, "nan") == 0);
}

TEST_CASE("a report of the null world says so, and how often it found support") {
  told t;
  t.results.null_world = true;
  CHECK(lab::claims_markdown(t.claims, t.results).starts_with("# The null world"));
  const auto page = lab::claims_html(t.claims, t.results);
  CHECK(count(page, "<h1>The null world") == 1);
  CHECK(count(page, "Of 3 claims that could be judged, 1 came out SUPPORTED") == 1);
}

TEST_CASE("reports of nothing, and of hostile words, are pages too") {
  const lab::results none;
  CHECK(lab::claims_markdown({}, none).find("# What") == 0);
  CHECK(multitudes_test::xml_fault(body_of(lab::claims_html({}, none))) == "");
  auto c = simulated::claim();
  c.quotation = c.name = c.method = "<script>|*_\xFF";
  const std::vector<lab::claim> claims{c};
  const auto page = lab::claims_html(claims, none);
  CHECK(multitudes_test::xml_fault(body_of(page)) == "");
  CHECK(count(page, "<script") == 0);
}
