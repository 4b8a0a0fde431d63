// SPDX-License-Identifier: MIT
#include "simulated.hpp"

#include <multitudes/lab/claims/all.hpp>
#include <multitudes/lab/judging/declaration.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

using namespace multitudes;

TEST_CASE("the claims of the library can be judged") {
  const auto done = lab::check_claims(lab::all_claims());
  CHECK_MESSAGE(done.has_value(), done.error().message());
}

TEST_CASE("claims that cannot be judged are refused, and why is said") {
  CHECK(lab::check_claim(simulated::claim()));
  const auto refused = [](auto change) {
    auto c = simulated::claim();
    auto figures = simulated::figures;
    auto gates = simulated::gates;
    c.figures = figures;
    c.gates = gates;
    change(c, figures, gates);
    const auto done = lab::check_claim(c);
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().code == errc::invalid_argument);
    return done.error().found;
  };
  using simulated::interval;
  constexpr double nan = simulated::nan, infinity = simulated::infinity;
  CHECK(refused([](auto& c, auto&, auto&) { c.number = 0; }) == "the number 0");
  CHECK(refused([](auto& c, auto&, auto&) { c.run = nullptr; }) == "nothing to run");
  CHECK(refused([](auto& c, auto&, auto&) { c.n_seeds = 4; }) == "4 seeds");
  CHECK(refused([](auto& c, auto&, auto&) { c.quotation = {}; }) == "no name or no quotation");
  CHECK(refused([](auto&, auto& f, auto&) { f[1].name = f[0].name; }) ==
        "two figures called \"effect\"");
  CHECK(refused([](auto&, auto& f, auto&) { f[1].name = {}; }) == "a figure without a name");
  CHECK(refused([](auto&, auto& f, auto&) { f[0].holds.reset(); }) == "no figure with a threshold");
  for (const interval bad : {interval{1, 0}, interval{nan, 1}, interval{0, nan},
                             interval{-infinity, infinity}, interval{infinity, infinity}}) {
    CHECK(refused([&](auto&, auto& f, auto&) { f[0].holds = bad; }).find("\"effect\"") !=
          std::string::npos);
  }
  CHECK(refused([](auto&, auto&, auto& g) {
          g[0].passes = {1, 0};
        }) == "gate \"skill\" that nothing passes");
  const std::vector<lab::claim> twins{simulated::claim(3), simulated::claim(4),
                                      simulated::claim(3)};
  CHECK_FALSE(lab::check_claims(twins));
  CHECK(lab::check_claims(std::span(twins).first(2)));
}

TEST_CASE("a fingerprint notices what decides, and nothing else") {
  const auto of = [](auto change) {
    auto c = simulated::claim();
    auto figures = simulated::figures;
    auto gates = simulated::gates;
    c.figures = figures;
    c.gates = gates;
    change(c, figures, gates);
    return lab::fingerprint_of(c);
  };
  const auto now = lab::fingerprint_of(simulated::claim());
  CHECK(of([](auto&, auto&, auto&) {}) == now);
  CHECK(of([](auto& c, auto&, auto&) { c.reach = "Elsewhere."; }) == now);
  CHECK(of([](auto&, auto& f, auto&) { f[0].shows = "reworded"; }) == now);
  CHECK(of([](auto&, auto& f, auto&) { f[0].holds->low = -0.0; }) == now);
  CHECK(of([](auto& c, auto&, auto&) { c.number = 4; }) != now);
  CHECK(of([](auto& c, auto&, auto&) { c.quotation = "Personas."; }) != now);
  CHECK(of([](auto& c, auto&, auto&) { c.n_seeds = 10; }) != now);
  CHECK(of([](auto& c, auto&, auto&) { c.first_seed = 21; }) != now);
  CHECK(of([](auto&, auto& f, auto&) { f[0].holds->low = 0.1; }) != now);
  CHECK(of([](auto&, auto& f, auto&) { f[0].holds->high = 9; }) != now);
  CHECK(of([](auto&, auto& f, auto&) { f[1].holds = f[0].holds; }) != now);
  CHECK(of([](auto&, auto& f, auto&) { f[0].how = lab::statistic::ratio; }) != now);
  CHECK(of([](auto&, auto& f, auto&) { f[1].name = "bend"; }) != now);
  CHECK(of([](auto&, auto&, auto& g) { g[0].passes.low = 0.7; }) != now);
  CHECK(of([](auto&, auto&, auto& g) { g[0].name = "wit"; }) != now);
  CHECK(of([](auto& c, auto& f, auto&) { c.figures = std::span(f).first(1); }) != now);
}
