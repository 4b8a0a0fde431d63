// SPDX-License-Identifier: MIT
#include "helpers.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/train/adamw.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

namespace mt = multitudes;
using namespace multitudes_test;
using mt::model::parameters;

namespace {

template <class T>
parameters<T> random_like(const parameters<T>& of, std::uint64_t seed, double spread) {
  auto p = *parameters<T>::make(of.shape(), of.tied_head());
  mt::philox random(seed);
  for (T& x : p.values()) x = static_cast<T>(spread * static_cast<double>(random.normal()));
  return p;
}

/// The formulas of the paper, number by number, in double.
struct plain_adamw {
  mt::train::adamw_options o;
  std::vector<double> x, m, v;
  int n_steps = 0;

  template <class T>
  plain_adamw(mt::train::adamw_options options, const parameters<T>& start)
      : o(options), x(start.values().begin(), start.values().end()), m(x.size()), v(x.size()) {}

  template <class T>
  double step(double rate, const parameters<T>& gradient) {
    ++n_steps;
    double norm = 0;
    for (const T g : gradient.values()) norm += static_cast<double>(g) * static_cast<double>(g);
    norm = std::sqrt(norm);
    const double clip = o.max_norm > 0 && norm > o.max_norm ? o.max_norm / norm : 1;
    for (const auto& tensor : gradient.tensors()) {
      for (std::size_t i = tensor.first; i < tensor.first + tensor.size(); ++i) {
        const double g = clip * static_cast<double>(gradient.values()[i]);
        m[i] = o.beta1 * m[i] + (1 - o.beta1) * g;
        v[i] = o.beta2 * v[i] + (1 - o.beta2) * g * g;
        if (tensor.is_matrix) x[i] -= rate * o.weight_decay * x[i];
        const double m_hat = m[i] / (1 - std::pow(o.beta1, n_steps));
        const double v_hat = v[i] / (1 - std::pow(o.beta2, n_steps));
        x[i] -= rate * m_hat / (std::sqrt(v_hat) + o.epsilon);
      }
    }
    return norm;
  }
};

template <class T>
double difference(std::span<const T> a, const std::vector<double>& b) {
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    most = std::max(most, std::abs(static_cast<double>(a[i]) - b[i]));
  }
  return most;
}

}  // namespace

TEST_CASE_TEMPLATE("steps are those of the formulas, with and without clipping", T, float, double) {
  const double rounding = std::is_same_v<T, float> ? 1e-6 : 1e-14;
  auto shape = small_shape(1100);  // the embedding takes more than one chunk
  for (const double max_norm : {0.0, 1.0, 1e9}) {
    CAPTURE(max_norm);
    auto values = *parameters<T>::make(shape, false);
    mt::train::initialize(values, 3);
    const mt::train::adamw_options options{
        .beta1 = 0.8, .beta2 = 0.9, .epsilon = 1e-3, .weight_decay = 0.5, .max_norm = max_norm};
    plain_adamw plain(options, values);
    auto adam = *mt::train::adamw<T>::make(values, options);
    mt::inline_executor one;
    for (std::uint64_t step = 0; step < 6; ++step) {
      // From a gradient that is clipped to one that is not.
      const auto gradient = random_like(values, 10 + step, step % 2 == 0 ? 1.0 : 1e-3);
      const double rate = 0.01 / static_cast<double>(step + 1);
      const auto norm = adam.update(one, rate, gradient, values);
      REQUIRE(norm.has_value());
      CHECK(*norm == doctest::Approx(plain.step(rate, gradient)).epsilon(1e-6));
      CHECK(difference<T>(values.values(), plain.x) < 5 * rounding);
      CHECK(difference<T>(adam.first_moment(), plain.m) < 10 * rounding);
      CHECK(difference<T>(adam.second_moment(), plain.v) < 20 * rounding);
    }
    CHECK(adam.n_steps() == 6);
  }
}

TEST_CASE("a step does not depend on threads") {
  std::vector<float> first;
  for (const std::size_t n : {1u, 2u, 4u}) {
    auto values = small_model(5000);
    auto adam = *mt::train::adamw<float>::make(values);
    mt::thread_pool workers(n);
    for (std::uint64_t step = 0; step < 3; ++step) {
      REQUIRE(adam.update(workers, 0.01, random_like(values, step, 0.5), values).has_value());
    }
    if (first.empty()) first.assign(values.values().begin(), values.values().end());
    CHECK(std::ranges::equal(values.values(), first));
  }
}

TEST_CASE("a gradient that is no number is an error and changes nothing") {
  auto values = small_model();
  auto adam = *mt::train::adamw<float>::make(values);
  mt::inline_executor one;
  REQUIRE(adam.update(one, 0.01, random_like(values, 1, 0.5), values).has_value());
  const auto all = [&] {
    std::vector<float> state;
    for (const auto part :
         {std::span<const float>(values.values()), std::span<const float>(adam.first_moment()),
          std::span<const float>(adam.second_moment())}) {
      state.insert(state.end(), part.begin(), part.end());
    }
    state.push_back(static_cast<float>(adam.n_steps()));
    return state;
  };
  const auto before = all();
  for (const float wrong :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    auto gradient = random_like(values, 2, 0.5);
    gradient.values().back() = wrong;
    const auto refused = adam.update(one, 0.01, gradient, values);
    REQUIRE(!refused.has_value());
    CHECK(refused.error().code == mt::errc::non_finite);
    CHECK(refused.error().operation == "optimiser step 2");
    CHECK(all() == before);
  }
}
