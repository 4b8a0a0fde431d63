// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/executor.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/model/training_pass.hpp>
#include <multitudes/train/adamw.hpp>
#include <multitudes/train/batch_stream.hpp>
#include <multitudes/train/checkpoint.hpp>
#include <multitudes/train/cross_entropy.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::train {

/// What a step did.
struct step_report {
  double loss = 0;           ///< nats for each target, before the step
  double gradient_norm = 0;  ///< before clipping
  std::size_t n_targets = 0;
};

/// A model in training: its weights, the optimiser, and memory for one batch. What is learnt, in
/// which order and how fast is the caller's.
template <simd::product_precision P = simd::full_precision<float>>
class trainer {
 public:
  using value = typename P::value;

  /// Takes over the weights.
  ///
  /// Errors:  those of training_pass::make; out_of_memory.
  static expected<trainer> make(model::parameters<value> values, model::training_limits limits,
                                adamw_options options = {}) {
    auto pass = model::training_pass<P>::make(values.shape(), limits);
    if (!pass) return forward_error(pass);
    auto gradient = model::parameters<value>::make(values.shape(), values.tied_head());
    if (!gradient) return forward_error(gradient);
    auto optimizer = adamw<value>::make(values, options);
    if (!optimizer) return forward_error(optimizer);
    return trainer(std::move(values), std::move(*gradient), std::move(*pass),
                   std::move(*optimizer));
  }

  /// One step of plain language modelling: the mean cross-entropy of the batch's targets.
  ///
  /// Errors:  those of training_pass::forward and adamw::update, and invalid_argument for an
  /// unknown
  ///          target; the weights stay as they were.
  template <executor E>
  expected<step_report> step(E& workers, const training_batch& batch, double learning_rate) {
    if (auto ok = detail::check_targets(batch.targets, values_.shape().vocab_size); !ok) {
      return forward_error(ok);
    }
    const value weight =
        value(1) / static_cast<value>(std::max<std::size_t>(batch.asked.size(), 1));
    losses_.resize(batch.asked.size());
    auto norm = step(workers, batch.rows, batch.asked, learning_rate,
                     [&](std::size_t i, std::span<value> logits) {
                       losses_[i] = cross_entropy(logits, batch.targets[i], weight);
                     });
    if (!norm) return forward_error(norm);
    return step_report{mean(losses_), *norm, batch.asked.size()};
  }

  /// One step on any loss over the logits that follow the rows asked for; see `logits_visitor`.
  /// Returns the gradient's norm.
  template <executor E>
  expected<double> step(E& workers, const model::document_rows& rows,
                        std::span<const std::size_t> asked, double learning_rate,
                        model::logits_visitor<value> loss) {
    if (auto ok = forward(workers, rows); !ok) return forward_error(ok);
    backward(workers, asked, loss);
    return apply(workers, learning_rate);
  }

  /// The same in parts, for losses that must see all logits before they know their gradient, and
  /// for batches larger than memory. First the rows run forward …
  template <executor E>
  expected<void> forward(E& workers, const model::document_rows& rows) {
    return pass_.forward(workers, values_, rows);
  }
  /// … logits may be looked at …
  template <executor E>
  void visit_logits(E& workers, std::span<const std::size_t> asked,
                    model::logits_visitor<value> visit) {
    pass_.visit_logits(workers, asked, visit);
  }
  /// … the gradient of a loss over them is added …
  template <executor E>
  void backward(E& workers, std::span<const std::size_t> asked, model::logits_visitor<value> loss) {
    pass_.backward(workers, asked, loss, gradient_);
  }
  /// … and goes one step down what was added. The gradient is zero afterwards.
  template <executor E>
  expected<double> apply(E& workers, double learning_rate) {
    auto norm = optimizer_.update(workers, learning_rate, gradient_, values_);
    std::ranges::fill(gradient_.values(), value(0));
    return norm;
  }

  /// The mean loss of a batch, without learning from it.
  ///
  /// Errors:  those of training_pass::forward, and invalid_argument for an unknown target.
  template <executor E>
  expected<double> loss(E& workers, const training_batch& batch) {
    if (auto ok = detail::check_targets(batch.targets, values_.shape().vocab_size); !ok) {
      return forward_error(ok);
    }
    if (auto ok = forward(workers, batch.rows); !ok) return forward_error(ok);
    losses_.resize(batch.asked.size());
    visit_logits(workers, batch.asked, [&](std::size_t i, std::span<value> logits) {
      losses_[i] = cross_entropy(logits, batch.targets[i], value(1));
    });
    return mean(losses_);
  }

  /// Adds weights and optimiser to a checkpoint, as views; and takes them from one.
  void add_to(checkpoint_writer& out) const {
    out.add("optimizer steps", optimizer_.n_steps());
    out.add("weights", std::span<const value>(values_.values()));
    out.add("first moment", optimizer_.first_moment());
    out.add("second moment", optimizer_.second_moment());
  }
  /// Errors:  not_found, or shape_mismatch if it is of another model; nothing is changed then.
  expected<void> restore(const checkpoint& from) {
    auto n_steps = from.number<std::uint64_t>("optimizer steps");
    if (!n_steps) return forward_error(n_steps);
    // All are looked at before the first is copied.
    for (const char* name : {"weights", "first moment", "second moment"}) {
      auto array = from.numbers<value>(name);
      if (!array) return forward_error(array);
      if (array->size() == values_.values().size()) continue;
      return fail({.code = errc::shape_mismatch,
                   .operation = "restore training",
                   .place = name,
                   .found = std::to_string(array->size()) + " numbers",
                   .expected = std::to_string(values_.values().size()),
                   .remedy = "the checkpoint is of another model"});
    }
    (void)from.copy_to("weights", values_.values());
    (void)from.copy_to("first moment", optimizer_.first_moment());
    (void)from.copy_to("second moment", optimizer_.second_moment());
    optimizer_.set_n_steps(*n_steps);
    return {};
  }

  [[nodiscard]] model::parameters<value>& values() noexcept { return values_; }
  [[nodiscard]] const model::parameters<value>& values() const noexcept { return values_; }
  [[nodiscard]] adamw<value>& optimizer() noexcept { return optimizer_; }
  [[nodiscard]] const adamw<value>& optimizer() const noexcept { return optimizer_; }
  [[nodiscard]] const model::training_limits& limits() const noexcept { return pass_.limits(); }

 private:
  trainer(model::parameters<value> values, model::parameters<value> gradient,
          model::training_pass<P> pass, adamw<value> optimizer)
      : values_(std::move(values)),
        gradient_(std::move(gradient)),
        pass_(std::move(pass)),
        optimizer_(std::move(optimizer)) {}

  static double mean(std::span<const double> losses) noexcept {
    double sum = 0;
    for (const double x : losses) sum += x;
    return losses.empty() ? 0 : sum / static_cast<double>(losses.size());
  }

  model::parameters<value> values_;
  model::parameters<value> gradient_;
  model::training_pass<P> pass_;
  adamw<value> optimizer_;
  std::vector<double> losses_;
};

}  // namespace multitudes::train
