// SPDX-License-Identifier: MIT
#include <multitudes/lab/measure/hybrid_access.hpp>
#include <multitudes/lab/measure/ideal_scorer.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <span>
#include <vector>

namespace {

using namespace multitudes;
using namespace multitudes::lab;

gazette corpus_of(std::size_t domains_per_style) {
  gazette_config c;
  c.personas.domains_per_style = domains_per_style;
  c.labels.header = c.labels.domain = 0.1;
  return *gazette::make(c);
}

struct summary {
  double joint = 0, alone = 0, access = 0, kept = 0, interaction = 0;
};

summary summarize(std::span<const hybrid_reading> all) {
  summary s;
  double to_gain = 0, to_keep = 0;
  for (const hybrid_reading& r : all) {
    const double n = static_cast<double>(all.size());
    s.joint += r.joint() / n;
    s.alone += r.joint_alone() / n;
    s.interaction += r.interaction() / n;
    s.access += std::log(r.fact_in_style()) - r.fact_alone;
    to_gain += r.fact_native - r.fact_alone;
    s.kept += std::log(r.style()) - r.style_native;
    to_keep += r.style_alone - r.style_native;
  }
  s.access /= to_gain;
  s.kept /= to_keep;
  return s;
}

TEST_CASE("The product reader makes hybrids; the reader of seen combinations alternates") {
  for (const std::size_t dose : {std::size_t{1}, std::size_t{3}, std::size_t{7}}) {
    for (const introduction how : {introduction::labels, introduction::demonstrations}) {
      CAPTURE(dose);
      CAPTURE(static_cast<int>(how));
      const gazette g = corpus_of(dose);
      const population product = product_population(g), seen = true_population(g);
      ideal_scorer general(g, product), memory(g, seen);
      const auto of_g = read_hybrids(general, g, how, 1, 1);
      const auto of_m = read_hybrids(memory, g, how, 1, 1);
      REQUIRE(of_g);
      REQUIRE(of_m);
      CHECK(of_g->size() == 8 * (8 - dose) * 5);
      const summary hybrid = summarize(*of_g), alternating = summarize(*of_m);
      CHECK(hybrid.joint > 0.45);
      CHECK(hybrid.access == doctest::Approx(1).epsilon(0.25));
      CHECK(hybrid.kept == doctest::Approx(1).epsilon(0.25));
      CHECK(std::abs(hybrid.interaction) < 0.1);
      CHECK(hybrid.alone < 0.05);
      CHECK(alternating.joint < 0.08);
      CHECK(alternating.interaction < -1);
      CHECK(weight_of_product(*of_g, *of_g, *of_m) > 0.99);
      CHECK(weight_of_product(*of_m, *of_g, *of_m) < 0.01);
    }
  }
}

}  // namespace
