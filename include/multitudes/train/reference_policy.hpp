// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/model/training_pass.hpp>
#include <multitudes/simd/softmax.hpp>
#include <multitudes/simd/vector_ops.hpp>

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace multitudes::train {

/// A frozen model to stay close to: a copy of the weights at the time it is made.
template <simd::product_precision P = simd::full_precision<float>>
class reference_policy {
 public:
  using value = typename P::value;

  /// Errors:  out_of_memory.
  static expected<reference_policy> make(const model::parameters<value>& model,
                                         model::training_limits limits) {
    auto copy = model.clone();
    if (!copy) return forward_error(copy);
    auto pass = model::training_pass<P>::make(model.shape(), limits);
    if (!pass) return forward_error(pass);
    return reference_policy(std::move(*copy), std::move(*pass));
  }

  /// The logarithms of all next-token probabilities after each of the given rows.
  ///
  /// Shapes:  the result lies end to end: (asked, vocab_size).
  /// Errors:  those of training_pass::forward.
  /// Cost:    a forward pass; memory for the result.
  template <executor E>
  expected<std::span<const value>> log_probabilities(E& workers, const model::document_rows& rows,
                                                     std::span<const std::size_t> asked) {
    if (auto ok = pass_.forward(workers, model_, rows); !ok) return forward_error(ok);
    const std::size_t width = model_.shape().vocab_size;
    table_.resize(asked.size() * width);
    pass_.visit_logits(workers, asked, [&](std::size_t i, std::span<value> logits) {
      simd::log_softmax<simd::native, value>(logits, std::span(table_).subspan(i * width, width));
    });
    return std::span<const value>(table_);
  }

  [[nodiscard]] const model::parameters<value>& values() const noexcept { return model_; }

 private:
  reference_policy(model::parameters<value> model, model::training_pass<P> pass)
      : model_(std::move(model)), pass_(std::move(pass)) {}

  model::parameters<value> model_;
  model::training_pass<P> pass_;
  std::vector<value> table_;
};

}  // namespace multitudes::train
