// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/core/philox.hpp>
#include <multitudes/stats/cusum.hpp>

#include <cmath>
#include <cstdint>
#include <limits>

namespace {

using namespace multitudes::stats;
using multitudes::philox;

double mean_run_length(double threshold, double allowance, double shift, int runs) {
  double total = 0;
  for (int run = 0; run < runs; ++run) {
    philox random(static_cast<std::uint64_t>(run));
    cusum watch(allowance);
    do {
      total += 1;
    } while (watch.update(shift + static_cast<double>(random.normal())) <= threshold);
  }
  return total / runs;
}

TEST_CASE("the sums are Page's") {
  cusum watch(0.5);
  CHECK(watch.update(2) == 1.5);
  CHECK(watch.update(0) == 1.0);
  CHECK(watch.update(-3) == 2.5);
  CHECK(watch.up() == 0);
  CHECK(watch.down() == 2.5);
  CHECK(watch.update(std::nan("")) == 2.0);
  CHECK(watch.update(std::numeric_limits<double>::infinity()) == 1.5);
}

TEST_CASE("run lengths are as predicted, without a shift and with one") {
  // The standard errors of the means are 1 / sqrt(runs) or less of them: 5% and 2%.
  CHECK(mean_run_length(4, 0.5, 0, 400) ==
        doctest::Approx(cusum_run_length(4, 0.5, 0)).epsilon(0.15));
  CHECK(mean_run_length(4, 0.5, 1, 2000) ==
        doctest::Approx(cusum_run_length(4, 0.5, 1)).epsilon(0.08));
  CHECK(mean_run_length(4, 0.5, -1, 2000) ==
        doctest::Approx(cusum_run_length(4, 0.5, -1)).epsilon(0.08));
  CHECK(cusum_run_length(4, 0.5, 0.5) > cusum_run_length(4, 0.5, 1));
  CHECK(std::isfinite(cusum_run_length(4, 0.5, 0.5)));  // where the drift is zero
}

}  // namespace
