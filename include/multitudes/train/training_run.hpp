// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/executor.hpp>
#include <multitudes/core/expected.hpp>
#include <multitudes/core/fingerprint.hpp>
#include <multitudes/train/batch_stream.hpp>
#include <multitudes/train/checkpoint.hpp>
#include <multitudes/train/loss_curve.hpp>
#include <multitudes/train/schedule.hpp>
#include <multitudes/train/trainer.hpp>

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::train {

/// Everything that decides what a run learns, besides the data and the weights it starts from.
struct run_options {
  cosine_schedule schedule{};
  batch_options batches{};
  adamw_options optimizer{};
  std::size_t n_threads = 1;       ///< the `concurrency()` of the executor; changes no bit
  std::uint64_t point_every = 50;  ///< steps between points of the loss curve
};

/// A pass of training over a dataset that can stop after any step and go on later, in another
/// process, to the same bits.
template <simd::product_precision P = simd::full_precision<float>>
class training_run {
 public:
  using value = typename P::value;

  /// Takes over the weights. The dataset must stay where it is.
  ///
  /// Errors:  those of trainer::make and batch_stream::make.
  static expected<training_run> make(model::parameters<value> start, const dataset& data,
                                     run_options options) {
    training_run run(data, options, start);
    const model::training_limits limits{options.batches.n_rows, options.batches.context,
                                        options.n_threads};
    auto made = trainer<P>::make(std::move(start), limits, options.optimizer);
    if (!made) return forward_error(made);
    auto batches = batch_stream::make(data, options.batches);
    if (!batches) return forward_error(batches);
    run.trainer_.emplace(std::move(*made));
    run.batches_.emplace(std::move(*batches));
    return run;
  }

  /// One step.
  ///
  /// Errors:  those of trainer::step; the run is then as after the step before, but for the
  ///          batch, which is passed over.
  template <executor E>
  expected<step_report> step(E& workers) {
    batches_->next(batch_);
    auto report = trainer_->step(workers, batch_, options_.schedule(n_steps_));
    if (!report) return report;
    ++n_steps_;
    n_targets_ += report->n_targets;
    loss_sum_ += report->loss;
    if (++n_summed_ == options_.point_every) add_point();
    return report;
  }

  [[nodiscard]] bool is_done() const noexcept { return n_steps_ >= options_.schedule.n_steps; }
  [[nodiscard]] std::uint64_t n_steps() const noexcept { return n_steps_; }
  [[nodiscard]] std::uint64_t n_targets() const noexcept { return n_targets_; }
  [[nodiscard]] std::span<const curve_point> curve() const noexcept { return curve_; }

  /// The mean loss of documents that are not trained on, cut at the context; also noted in the
  /// loss curve.
  ///
  /// Errors:  those of training_pass::forward.
  /// Cost:    a forward pass over all of them.
  template <executor E>
  expected<double> measure(E& workers, const dataset& held_out) {
    auto loss = mean_loss(workers, held_out);
    if (!loss) return loss;
    if (n_summed_ > 0 || curve_.empty()) add_point();
    curve_.back().held_out = *loss;
    return loss;
  }
  template <executor E>
  expected<double> mean_loss(E& workers, const dataset& data) {
    double sum = 0, n = 0;
    training_batch batch;
    const auto flush = [&]() -> expected<void> {
      auto loss = trainer_->loss(workers, batch);
      if (!loss) return forward_error(loss);
      sum += *loss * static_cast<double>(batch.asked.size());
      n += static_cast<double>(batch.asked.size());
      batch.clear();
      return {};
    };
    const std::size_t context = std::min(options_.batches.context, options_.batches.n_rows);
    for (const dataset::document& d : data.documents()) {
      for (std::size_t first = 0; first + 1 < d.size; first += context) {
        const dataset::document piece{d.first + first, std::min(context, d.size - 1 - first) + 1};
        if (batch.rows.size() + piece.size - 1 > options_.batches.n_rows) {
          if (auto ok = flush(); !ok) return forward_error(ok);
        }
        batch.append(data.tokens(piece), data.counts(piece));
      }
    }
    if (auto ok = flush(); !ok) return forward_error(ok);
    return n > 0 ? sum / n : 0.0;
  }

  /// Writes everything that is needed to go on.
  ///
  /// Errors:  those of checkpoint_writer::save; the old file is then untouched.
  [[nodiscard]] expected<void> save(const std::string& path) const {
    checkpoint_writer out;
    const batch_position at = batches_->at();
    out.add("recipe", recipe_.value);
    out.add("steps", n_steps_);
    out.add("targets", n_targets_);
    out.add("pass", at.pass);
    out.add("piece", at.piece);
    out.add("loss sum", loss_sum_);
    out.add("summed", n_summed_);
    std::vector<double> curve;
    for (const curve_point& p : curve_) {
      curve.insert(curve.end(), {static_cast<double>(p.step), static_cast<double>(p.n_targets),
                                 p.loss, p.held_out});
    }
    out.add("curve", std::span<const double>(curve));
    trainer_->add_to(out);
    return out.save(path);
  }

  /// Goes back, or on, to where a run with the same data, options and beginning was saved.
  ///
  /// Errors:  those of checkpoint::read; invalid_argument if the recipe was another one. The run
  ///          is then unchanged.
  expected<void> resume(const std::string& path) {
    auto file = checkpoint::read(path);
    if (!file) return forward_error(file);
    auto recipe = file->template number<std::uint64_t>("recipe");
    if (!recipe) return forward_error(recipe);
    if (*recipe != recipe_.value) {
      return fail(
          {.code = errc::invalid_argument,
           .operation = "resume training",
           .place = path,
           .found = "the checkpoint of another run (" + to_string(fingerprint{*recipe}) + ")",
           .expected = "the same data, options and first weights (" + to_string(recipe_) + ")",
           .remedy = "resume with what the run was started with, or start elsewhere"});
    }
    return restore(*file);
  }

  [[nodiscard]] trainer<P>& state() noexcept { return *trainer_; }
  [[nodiscard]] const trainer<P>& state() const noexcept { return *trainer_; }

 private:
  training_run(const dataset& data, run_options options, const model::parameters<value>& start)
      : options_(options), recipe_(recipe_of(data, options, start)) {}

  static fingerprint recipe_of(const dataset& data, const run_options& o,
                               const model::parameters<value>& start) {
    fingerprint_builder id;
    for (const double x : {o.schedule.peak, o.schedule.last, o.optimizer.beta1, o.optimizer.beta2,
                           o.optimizer.epsilon, o.optimizer.weight_decay, o.optimizer.max_norm}) {
      id.add(std::bit_cast<std::uint64_t>(x));
    }
    id.add(o.schedule.n_steps).add(o.schedule.n_warm_up).add(o.point_every);
    id.add(o.batches.seed).add(o.batches.n_rows).add(o.batches.context);
    for (const dataset::document& d : data.documents()) {
      id.add(std::as_bytes(data.tokens(d))).add(std::as_bytes(data.counts(d)));
    }
    // How inputs of products are rounded, by their bytes.
    id.add(std::same_as<P, simd::bf16_inputs> ? 2 : sizeof(value)).add(sizeof(value));
    return id.add(std::as_bytes(start.values())).finish();
  }

  void add_point() {
    // Without a step, the loss is not a number.
    curve_.push_back({n_steps_, n_targets_, loss_sum_ / static_cast<double>(n_summed_)});
    loss_sum_ = 0;
    n_summed_ = 0;
  }

  expected<void> restore(const checkpoint& file) {
    const auto whole = [&](const char* name) { return file.template number<std::uint64_t>(name); };
    auto steps = whole("steps"), targets = whole("targets"), pass = whole("pass"),
         piece = whole("piece"), summed = whole("summed");
    for (auto* n : {&steps, &targets, &pass, &piece, &summed}) {
      if (!*n) return forward_error(*n);
    }
    auto loss_sum = file.template number<double>("loss sum");
    if (!loss_sum) return forward_error(loss_sum);
    auto curve = file.template numbers<double>("curve");
    if (!curve) return forward_error(curve);
    std::vector<curve_point> points;
    for (std::size_t i = 0; i + 4 <= curve->size(); i += 4) {
      const auto point = curve->subspan(i, 4);
      // Counts were saved as doubles; what is none cannot be turned back.
      if (!(point[0] >= 0 && point[0] < 0x1p63 && point[1] >= 0 && point[1] < 0x1p63)) break;
      points.push_back({static_cast<std::uint64_t>(point[0]), static_cast<std::uint64_t>(point[1]),
                        point[2], point[3]});
    }
    if (4 * points.size() != curve->size()) {
      return fail({.code = errc::malformed,
                   .operation = "resume training",
                   .place = "section curve",
                   .found = std::to_string(curve->size()) + " numbers that are no curve",
                   .expected = "steps, tokens, loss and held-out loss of each point",
                   .remedy = "go on from another checkpoint"});
    }
    auto batches = batch_stream::make(batches_->data(), options_.batches, {*pass, *piece});
    if (!batches) return forward_error(batches);
    if (auto ok = trainer_->restore(file); !ok) return ok;
    batches_.emplace(std::move(*batches));
    n_steps_ = *steps;
    n_targets_ = *targets;
    loss_sum_ = *loss_sum;
    n_summed_ = *summed;
    curve_ = std::move(points);
    return {};
  }

  run_options options_;
  fingerprint recipe_;
  std::optional<trainer<P>> trainer_;
  std::optional<batch_stream> batches_;
  training_batch batch_;
  std::uint64_t n_steps_ = 0;
  std::uint64_t n_targets_ = 0;
  double loss_sum_ = 0;
  std::uint64_t n_summed_ = 0;
  std::vector<curve_point> curve_;
};

}  // namespace multitudes::train
