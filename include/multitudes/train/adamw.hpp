// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/executor.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/model/parameters.hpp>
#include <multitudes/simd/adam_update.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::train {

struct adamw_options {
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double weight_decay = 0.1;  ///< of matrices; norms do not decay
  double max_norm = 1.0;      ///< longer gradients are shortened to it; 0: never
};

/// Adam with decoupled weight decay, after clipping the gradient's norm.
///
/// Cost:    one pass over parameters, gradient and two moments; no allocation in `update`.
/// Source:  Loshchilov and Hutter 2019, arXiv:1711.05101.
template <std::floating_point T>
class adamw {
 public:
  /// Errors:  out_of_memory.
  static expected<adamw> make(const model::parameters<T>& of, adamw_options options = {}) {
    auto first = model::parameters<T>::make(of.shape(), of.tied_head());
    if (!first) return forward_error(first);
    auto second = model::parameters<T>::make(of.shape(), of.tied_head());
    if (!second) return forward_error(second);
    return adamw(options, std::move(*first), std::move(*second));
  }

  /// One step down the gradient. Returns the gradient's norm before clipping.
  ///
  /// Errors:  non_finite if the gradient holds NaN or infinity; nothing is changed then.
  template <executor E>
  expected<double> update(E& workers, double learning_rate, const model::parameters<T>& gradient,
                          model::parameters<T>& values) {
    const double norm = norm_of(workers, gradient.values());
    if (!std::isfinite(norm)) {
      return fail({.code = errc::non_finite,
                   .operation = "optimiser step " + std::to_string(n_steps_ + 1),
                   .place = "gradient",
                   .found = "NaN or infinity",
                   .expected = "finite numbers",
                   .remedy = "lower the learning rate, or go back to an earlier checkpoint"});
    }
    ++n_steps_;
    const double n = static_cast<double>(n_steps_);
    const double clip =
        options_.max_norm > 0 && norm > options_.max_norm ? options_.max_norm / norm : 1.0;
    simd::adam_step<T> step{};
    step.beta1 = static_cast<T>(options_.beta1);
    step.beta2 = static_cast<T>(options_.beta2);
    step.rate = static_cast<T>(learning_rate / (1 - std::pow(options_.beta1, n)));
    step.second_scale = static_cast<T>(1 / (1 - std::pow(options_.beta2, n)));
    step.epsilon = static_cast<T>(options_.epsilon);
    step.gradient_scale = static_cast<T>(clip);
    const T shrink = static_cast<T>(1 - learning_rate * options_.weight_decay);
    const auto one = [&](std::size_t c) {
      const auto& [first, count, decays] = chunks_[c];
      simd::adam_step<T> of_chunk = step;
      of_chunk.shrink = decays ? shrink : T(1);
      simd::adam_update<simd::native, T>(
          of_chunk, gradient.values().subspan(first, count), first_.values().subspan(first, count),
          second_.values().subspan(first, count), values.values().subspan(first, count));
    };
    workers.run(chunks_.size(), one);
    return norm;
  }

  /// How many steps were taken; part of the state, with the two moments.
  [[nodiscard]] std::uint64_t n_steps() const noexcept { return n_steps_; }
  void set_n_steps(std::uint64_t n) noexcept { n_steps_ = n; }
  [[nodiscard]] std::span<T> first_moment() noexcept { return first_.values(); }
  [[nodiscard]] std::span<T> second_moment() noexcept { return second_.values(); }
  [[nodiscard]] std::span<const T> first_moment() const noexcept { return first_.values(); }
  [[nodiscard]] std::span<const T> second_moment() const noexcept { return second_.values(); }

 private:
  static constexpr std::size_t chunk = 16384;

  /// Part of a tensor: some do not decay.
  struct tensor_chunk {
    std::size_t first;
    std::size_t count;
    bool decays;
  };

  adamw(adamw_options options, model::parameters<T> first, model::parameters<T> second)
      : options_(options), first_(std::move(first)), second_(std::move(second)) {
    for (const model::tensor_place& tensor : first_.tensors()) {
      for (std::size_t at = 0; at < tensor.size(); at += chunk) {
        chunks_.push_back(
            {tensor.first + at, std::min(chunk, tensor.size() - at), tensor.is_matrix});
      }
    }
  }

  /// Sums in double: of some partial sums in each chunk, and then over the chunks in order.
  template <executor E>
  double norm_of(E& workers, std::span<const T> g) {
    sums_.resize((g.size() + chunk - 1) / chunk);
    const auto one = [&](std::size_t c) {
      double partial[16] = {};
      const std::span<const T> part = g.subspan(c * chunk, std::min(chunk, g.size() - c * chunk));
      std::size_t i = 0;
      for (; i + std::size(partial) <= part.size(); i += std::size(partial)) {
        for (std::size_t k = 0; k < std::size(partial); ++k) {
          const double x = static_cast<double>(part[i + k]);
          partial[k] += x * x;
        }
      }
      for (; i < part.size(); ++i) {
        partial[0] += static_cast<double>(part[i]) * static_cast<double>(part[i]);
      }
      double sum = 0;
      for (const double x : partial) sum += x;
      sums_[c] = sum;
    };
    workers.run(sums_.size(), one);
    double sum = 0;
    for (const double part : sums_) sum += part;
    return std::sqrt(sum);
  }

  adamw_options options_;
  model::parameters<T> first_;
  model::parameters<T> second_;
  std::vector<tensor_chunk> chunks_;
  std::vector<double> sums_;
  std::uint64_t n_steps_ = 0;
};

}  // namespace multitudes::train
