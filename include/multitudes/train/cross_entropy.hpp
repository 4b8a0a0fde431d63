// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/index.hpp>
#include <multitudes/simd/softmax.hpp>
#include <multitudes/simd/vector_ops.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>

namespace multitudes::train {

namespace detail {

/// The last token of a text is only a target: no forward pass checks it.
inline expected<void> check_targets(std::span<const token_id> targets, std::size_t vocab_size) {
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (targets[i].value < vocab_size) continue;
    return fail({.code = errc::invalid_argument,
                 .operation = "training step",
                 .place = "target " + std::to_string(i),
                 .found = "token " + std::to_string(targets[i].value),
                 .expected = "less than " + std::to_string(vocab_size),
                 .remedy = "encode with this model's tokenizer"});
  }
  return {};
}

}  // namespace detail

/// -log of the probability that the logits give a token, in nats; replaces them by the gradient
/// of `weight` times that: weight * (softmax - one at the target).
///
/// Shapes:  logits (vocab_size), target among them.
template <simd::instruction_set I = simd::native, std::floating_point T>
double cross_entropy(std::span<T> logits, token_id target, T weight) noexcept {
  const T largest = simd::max<I, T>(logits);
  const double of_target = static_cast<double>(logits[target.value]) - static_cast<double>(largest);
  const T sum = simd::exp_sum<I, T>(logits, largest);
  simd::scale<I, T>(weight / sum, logits);
  logits[target.value] -= weight;
  return std::log(static_cast<double>(sum)) - of_target;
}

}  // namespace multitudes::train
