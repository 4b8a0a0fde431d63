// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/persona.hpp>

#include <multitudes/core/philox.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes_test {

using namespace multitudes;

inline activation_space space_of_shape(std::uint32_t n_layers, std::uint32_t model_dim,
                                       std::uint64_t model = 1) {
  return {.model = {model}, .n_layers = n_layers, .model_dim = model_dim};
}

inline persona persona_of(const activation_space& space, std::string label,
                          const std::vector<float>& values,
                          const std::vector<weighted_goal>& goals = {}) {
  auto d = direction::make(space, values);
  return std::move(*persona::make(std::move(label), std::move(*d), goals));
}

/// How wild the values of a random persona are.
enum class values_of {
  ordinary,  ///< normally distributed
  wild,      ///< from subnormal to 1e35, zeros of both signs, repeated values
};

/// Equal (seed, stream) give equal values, so that a law's failing case can be replayed.
class case_of_law {
 public:
  case_of_law(std::uint64_t seed, std::uint64_t number, values_of kind)
      : random_(seed, number), kind_(kind), space_(space_of_shape(3, 8 + random_.below(10))) {}

  persona next(std::string label) {
    std::vector<float> values(std::size_t{space_.n_layers} * space_.model_dim);
    for (float& x : values) x = value();
    return persona_of(space_, std::move(label), values);
  }
  float weight() { return 2.0f * random_.uniform() - 1.0f; }
  philox& random() { return random_; }
  const activation_space& space() const { return space_; }

 private:
  float value() {
    const float x = random_.normal();
    if (kind_ == values_of::ordinary) return x;
    switch (random_.below(8)) {
      case 0: return 0.0f;
      case 1: return -0.0f;
      case 2: return x * std::numeric_limits<float>::denorm_min() * 1000.0f;
      case 3: return x * 1e-38f;
      case 4: return x * 1e34f;
      case 5: return x > 0.0f ? 1.5f : -1.5f;
      default: return x;
    }
  }

  philox random_;
  values_of kind_;
  activation_space space_;
};

/// All elements of an expression; empty if it cannot be evaluated.
template <class E>
std::vector<float> values_in(const E& e) {
  const activation_space space = space_of(e);
  std::vector<float> out(std::size_t{space.n_layers} * space.model_dim);
  if (!materialize_into(e, out)) out.clear();
  return out;
}

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return !a.empty() && std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) {
    return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
  });
}

template <class A, class B>
bool same_bits(const A& a, const B& b)
  requires persona_expression<A> && persona_expression<B>
{
  return same_bits(values_in(a), values_in(b));
}

/// The distance between a float and the next larger one in magnitude.
inline double ulp(float x) {
  const float m = std::fabs(x);
  if (m == std::numeric_limits<float>::max()) return 0x1p104;
  return static_cast<double>(std::nextafter(m, std::numeric_limits<float>::max())) -
         static_cast<double>(m);
}

inline double ulps_apart(float a, float b) {
  return std::fabs(static_cast<double>(a) - static_cast<double>(b)) / std::max(ulp(a), ulp(b));
}

inline double dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  return sum;
}

}  // namespace multitudes_test
