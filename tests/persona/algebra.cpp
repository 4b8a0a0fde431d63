// SPDX-License-Identifier: MIT
#include "helpers.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace multitudes;
using namespace multitudes_test;

namespace {

struct tiny_space {
  static constexpr activation_space value{.model = {7}, .n_layers = 2, .model_dim = 3};
};

constexpr int n_cases = 10000;

/// Tries a law on seeded cases, half of them with wild values; reports the first that breaks it.
template <class Law>
void holds(std::uint64_t seed, Law law) {
  int failed = -1;
  for (int i = 0; i < n_cases && failed < 0; ++i) {
    const auto kind = i % 2 ? values_of::wild : values_of::ordinary;
    case_of_law c(seed, static_cast<std::uint64_t>(i), kind);
    if (!law(c)) failed = i;
  }
  INFO("seed ", seed, ", case ", failed);
  CHECK(failed == -1);
}

/// The sum of the absolute values of what an element was added up from.
double magnitude(const std::vector<std::pair<double, const persona*>>& terms, std::size_t i) {
  double sum = 0.0;
  for (const auto& [w, p] : terms) sum += std::fabs(w * static_cast<double>(p->values()[i]));
  return sum;
}

}  // namespace

TEST_CASE("a hybrid is associative, bit for bit") {
  holds(1, [](case_of_law& c) {
    const persona p = c.next("p"), q = c.next("q"), r = c.next("r");
    return same_bits((p + q) + r, p + (q + r)) &&
           same_bits((0.5f * p + 0.3f * q) - r, 0.5f * p + (0.3f * q - r));
  });
}

TEST_CASE("weights distribute over a hybrid, bit for bit") {
  holds(2, [](case_of_law& c) {
    const persona p = c.next("p"), q = c.next("q");
    const float w = c.weight();
    return same_bits(w * (p + q), w * p + w * q) && same_bits(w * (p - q), w * p - w * q) &&
           same_bits(w * p, p * w);
  });
}

TEST_CASE("the zero persona is the identity of +, bit for bit, also for negative zeros") {
  holds(3, [](case_of_law& c) {
    const persona p = c.next("p");
    return same_bits(p + zero_persona, p) && same_bits(zero_persona + p, p) &&
           same_bits(p - zero_persona, p) && same_bits(p + 0.0f * p, p) &&
           same_bits(values_in(p), {p.values().begin(), p.values().end()});
  });
}

TEST_CASE("a persona minus itself is zero, and so is a persona times zero") {
  holds(4, [](case_of_law& c) {
    const persona p = c.next("p"), q = c.next("q");
    const std::vector<float> zeros(p.values().size(), 0.0f);
    return same_bits(values_in(p - p), zeros) && same_bits(values_in(0 * p), zeros) &&
           same_bits(values_in(0.0f * (p - 0.3f * q)), zeros);
  });
}

TEST_CASE("a hybrid minus itself is zero to double rounding of the terms") {
  holds(11, [](case_of_law& c) {
    const persona p = c.next("p"), q = c.next("q");
    const auto rest = values_in((p + q) - (p + q));
    bool good = !rest.empty();
    for (std::size_t i = 0; good && i < rest.size(); ++i) {
      const double sum = 2.0 * magnitude({{1.0, &p}, {1.0, &q}}, i);
      good = std::fabs(static_cast<double>(rest[i])) <= 3 * 0x1p-53 * sum;
    }
    return good;
  });
}

TEST_CASE("one is the identity of weights, and negation undoes itself, bit for bit") {
  holds(5, [](case_of_law& c) {
    const persona p = c.next("p"), q = c.next("q");
    return same_bits(1 * p, p) && same_bits(p * 1.0, p) && same_bits(p / 1, p) &&
           same_bits(-(-p), p) && same_bits(-(p - q), (-p) + q) && same_bits(p - q, p + -q) &&
           same_bits(-p, -1 * p) && same_bits(p / 2, 0.5 * p);
  });
}

TEST_CASE("a hybrid of two is commutative, bit for bit") {
  holds(6, [](case_of_law& c) {
    const persona p = c.next("p"), q = c.next("q");
    const double a = c.weight() / 3.0, b = c.weight() / 7.0;
    return same_bits(p + q, q + p) && same_bits(a * p + b * q, b * q + a * p);
  });
}

TEST_CASE("a hybrid of five is commutative to an ulp plus double rounding of the terms") {
  holds(7, [](case_of_law& c) {
    std::vector<persona> p;
    std::vector<double> w;
    for (int k = 0; k < 5; ++k) {
      p.push_back(c.next("p"));
      w.push_back(static_cast<double>(c.weight()));
    }
    const auto a = values_in(w[0] * p[0] + w[1] * p[1] + w[2] * p[2] + w[3] * p[3] + w[4] * p[4]);
    const auto b = values_in(w[3] * p[3] + w[1] * p[1] + w[4] * p[4] + w[0] * p[0] + w[2] * p[2]);
    bool good = !a.empty() && a.size() == b.size();
    for (std::size_t i = 0; good && i < a.size(); ++i) {
      const double sum =
          magnitude({{w[0], &p[0]}, {w[1], &p[1]}, {w[2], &p[2]}, {w[3], &p[3]}, {w[4], &p[4]}}, i);
      const double gap = std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
      good = gap <= std::max(ulp(a[i]), ulp(b[i])) + 4 * 0x1p-53 * sum;
    }
    return good;
  });
}

TEST_CASE("weights multiply: exactly as doubles, to two ulps as floats") {
  holds(8, [](case_of_law& c) {
    const persona p = c.next("p");
    const float a = c.weight(), b = c.weight();
    const double x = c.weight() / 3.0, y = c.weight() / 7.0;
    const auto left = values_in((a * b) * p), right = values_in(a * (b * p));
    bool good = !left.empty() && same_bits((x * y) * p, x * (y * p));
    for (std::size_t i = 0; good && i < left.size(); ++i) {
      good = ulps_apart(left[i], right[i]) <= 2.0;
    }
    return good;
  });
}

TEST_CASE("weights add: to an ulp plus what 29 bits leave out") {
  holds(9, [](case_of_law& c) {
    const persona p = c.next("p");
    const double a = c.random().below(2) ? c.weight() / 3.0 : static_cast<double>(c.weight());
    const double b = c.random().below(4) ? c.weight() / 7.0 : -a * (1.0 + 0x1p-20);
    const auto left = values_in((a + b) * p), right = values_in(a * p + b * p);
    bool good = !left.empty() && left.size() == right.size();
    for (std::size_t i = 0; good && i < left.size(); ++i) {
      const double gap = std::fabs(static_cast<double>(left[i]) - static_cast<double>(right[i]));
      good =
          gap <= std::max(ulp(left[i]), ulp(right[i])) + 0x1p-29 * magnitude({{a, &p}, {b, &p}}, i);
    }
    return good;
  });
}

TEST_CASE("an expression gives the bits of a plain sum in double, rounded once") {
  holds(10, [](case_of_law& c) {
    const persona p = c.next("p"), q = c.next("q"), r = c.next("r");
    const float a = c.weight(), b = c.weight();
    const auto sum = values_in(a * p - b * q + r);
    bool good = !sum.empty();
    for (std::size_t i = 0; good && i < sum.size(); ++i) {
      const auto at = [i](const persona& x) { return static_cast<double>(x.values()[i]); };
      const double first = static_cast<double>(a) * at(p);
      const double second = static_cast<double>(b) * at(q);
      good = sum[i] == static_cast<float>((first - second) + at(r));
    }
    return good;
  });
}

TEST_CASE("laws at compile time, on static arrays") {
  static constexpr std::array<float, 6> a{1.0f, -2.0f, 0.5f, 0.0f, -0.0f, 3.0f};
  static constexpr std::array<float, 6> b{0.25f, 1.0f, 1e-40f, 4.0f, 5.0f, -6.0f};
  static constexpr direction_view<tiny_space> p(a, "p"), q(b, "q");
  constexpr auto evaluated = [](const auto& e) {
    std::array<float, 6> out{};
    const bool good = materialize_into(e, out).has_value();
    return good ? out : std::array<float, 6>{99.0f};
  };
  static_assert(evaluated(p + zero_persona) == a);
  static_assert(evaluated(-(-p)) == a);
  static_assert(evaluated(p - p) == std::array<float, 6>{});
  static_assert(evaluated(2 * p + q / 4)[0] == 2.0625f);
  static_assert(evaluated(0.5f * (p + q)) == evaluated(0.5f * p + 0.5f * q));
  static_assert(validate(p - q).has_value());
  static_assert(space_of(p - q) == tiny_space::value);
  // The same bits when the program runs, where the compiler was free to fuse and vectorise.
  constexpr auto early = evaluated(0.1 * p - q / 3 + 0.7 * p);
  std::array<float, 6> late{};
  REQUIRE(materialize_into(0.1 * p - q / 3 + 0.7 * p, late));
  CHECK(early == late);
}

TEST_CASE("rvalue personas move into an expression, lvalues are referred to") {
  const activation_space space = space_of_shape(1, 2);
  const persona q = persona_of(space, "q", {10.0f, 20.0f});
  auto owning = 2 * persona_of(space, "p", {1.0f, 2.0f}) + q;
  CHECK(values_in(owning) == std::vector<float>{12.0f, 24.0f});
  auto longer = std::move(owning) - q;
  CHECK(values_in(longer) == std::vector<float>{2.0f, 4.0f});

  using owner = decltype(2 * persona_of(space, "p", {}));
  static_assert(!std::is_copy_constructible_v<owner>);
  static_assert(storable<owner>);
  static_assert(!storable<owner&>);
  static_assert(storable<decltype(2 * q)&>);
}

TEST_CASE("a persona that was moved from is refused, not read") {
  const activation_space space = space_of_shape(1, 2);
  persona p = persona_of(space, "p", {1.0f, 2.0f});
  const persona q = persona_of(space, "q", {1.0f, 2.0f});
  const persona taken = std::move(p);
  std::vector<float> out(2);
  const auto result = materialize_into(q + p, out);  // NOLINT(bugprone-use-after-move)
  REQUIRE(!result);
  CHECK(result.error().code == errc::space_mismatch);
}
