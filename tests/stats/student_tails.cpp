// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <multitudes/core/philox.hpp>
#include <multitudes/stats/student_tails.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace {

namespace mt = multitudes;
using mt::stats::student_tails;

/// Squared lengths of points of Student's t, or of a normal distribution without degrees.
std::vector<double> squares(std::size_t n, std::size_t dim, std::size_t degrees, double scale) {
  mt::philox random(3);
  const auto chi = [&](std::size_t k) {
    double sum = 0;
    for (std::size_t i = 0; i < k; ++i) {
      const auto z = static_cast<double>(random.normal());
      sum += z * z;
    }
    return sum;
  };
  std::vector<double> all;
  for (std::size_t i = 0; i < n; ++i) {
    const double q = chi(dim);
    const double mixed = degrees == 0 ? 1 : chi(degrees) / static_cast<double>(degrees);
    all.push_back(scale * q / mixed);
  }
  return all;
}

TEST_CASE("degrees and scale are found again") {
  for (const std::size_t degrees : {std::size_t{4}, std::size_t{12}}) {
    const auto fit = mt::stats::fit_student_tails(squares(20000, 8, degrees, 0.7), 8);
    CHECK(fit.degrees == doctest::Approx(static_cast<double>(degrees)).epsilon(0.1));
    CHECK(fit.scale == doctest::Approx(0.7).epsilon(0.03));
  }
}

TEST_CASE("normal points have hardly any tails, and then distances count as under the normal") {
  const auto fit = mt::stats::fit_student_tails(squares(20000, 8, 0, 1), 8);
  CHECK(fit.degrees > 100);
  CHECK(fit.log_fall(6) == doctest::Approx(-3).epsilon(0.06));
  const student_tails normal{.dim = 8};
  CHECK(normal.log_fall(6) == doctest::Approx(-3).epsilon(0.01));
}

TEST_CASE("the further out, the less a difference in distance says") {
  const student_tails heavy{.dim = 2, .degrees = 4};
  CHECK(heavy.log_fall(0) == 0);
  const double near = heavy.log_fall(1) - heavy.log_fall(4);
  const double far = heavy.log_fall(81) - heavy.log_fall(100);
  CHECK(near > far);
  CHECK(far > 0);
}

TEST_CASE("distances that say nothing leave normal tails") {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const auto& none : {std::vector<double>{}, {0, 0, 0}, {std::nan(""), infinity, -1}}) {
    const auto fit = mt::stats::fit_student_tails(none, 3);
    CHECK(fit.degrees == student_tails::most_degrees);
    CHECK(fit.scale == 1);
  }
}

}  // namespace
