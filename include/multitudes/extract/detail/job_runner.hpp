// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/executor.hpp>
#include <multitudes/extract/reading.hpp>
#include <multitudes/extract/shared_prefixes.hpp>
#include <multitudes/generate/batch.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace multitudes::detail {

/// A part of a text on its way through the model, and the sums of its spans' rows so far.
struct reading_job {
  sequence_id sequence;
  std::span<const token_id> tokens;
  std::size_t next = 0;  // the first token to evaluate
  std::size_t end = 0;
  std::vector<token_range> spans;
  std::vector<double> sums;  // (spans, layers, model_dim)
};

/// Evaluates jobs together, max_rows tokens at a time, and sums rows in the order of the tokens.
class job_runner {
 public:
  job_runner(batch& b, std::span<const layer_index> layers, std::size_t max_rows)
      : batch_(b),
        n_layers_(layers.size()),
        width_(b.lm().shape().model_dim),
        max_rows_(max_rows),
        slot_of_layer_(b.lm().shape().n_layers, shared_prefix::none),
        rows_(max_rows * n_layers_ * width_) {
    for (std::size_t l = 0; l < layers.size(); ++l) slot_of_layer_[layers[l].value] = l;
  }

  template <executor E>
  expected<void> run(E& workers, std::vector<reading_job>& jobs) {
    for (std::size_t next = 0; next < jobs.size();) {
      feeds_.clear();
      parts_.clear();
      std::size_t n_rows = 0;
      while (next < jobs.size() && n_rows < max_rows_) {
        reading_job& job = jobs[next];
        const std::size_t count = std::min(job.end - job.next, max_rows_ - n_rows);
        if (count > 0) {
          feeds_.push_back({job.sequence, job.tokens.subspan(job.next, count), 0});
          parts_.push_back({&job, job.next, n_rows});
        }
        job.next += count;
        n_rows += count;
        if (job.next == job.end) ++next;
      }
      if (feeds_.empty()) continue;
      const auto keep = [&](feed_place place, layer_index layer, std::span<const float> h) {
        const std::size_t slot = slot_of_layer_[layer.value];
        if (slot == shared_prefix::none) return;
        std::copy(h.begin(), h.end(), row(parts_[place.feed].row + place.token, slot));
      };
      if (auto ok = batch_.evaluate(workers, feeds_, keep); !ok) return ok;
      const auto sum_layer = [&](std::size_t l) { sum(l); };
      workers.run(n_layers_, sum_layer);
    }
    return {};
  }

 private:
  struct part {
    reading_job* job;
    std::size_t first;  // token
    std::size_t row;    // of the first token
  };

  [[nodiscard]] std::vector<float>::iterator row(std::size_t r, std::size_t slot) {
    return rows_.begin() + static_cast<std::ptrdiff_t>((r * n_layers_ + slot) * width_);
  }

  void sum(std::size_t layer) {
    for (std::size_t p = 0; p < parts_.size(); ++p) {
      reading_job& job = *parts_[p].job;
      for (std::size_t s = 0; s < job.spans.size(); ++s) {
        const std::size_t first = std::max(job.spans[s].first, parts_[p].first);
        const std::size_t last =
            std::min(job.spans[s].last, parts_[p].first + feeds_[p].tokens.size());
        double* out = job.sums.data() + (s * n_layers_ + layer) * width_;
        for (std::size_t t = first; t < last; ++t) {
          const float* h = &*row(parts_[p].row + t - parts_[p].first, layer);
          for (std::size_t e = 0; e < width_; ++e) out[e] += static_cast<double>(h[e]);
        }
      }
    }
  }

  batch& batch_;
  std::size_t n_layers_;
  std::size_t width_;
  std::size_t max_rows_;
  std::vector<std::size_t> slot_of_layer_;  // (n_layers of the model)
  std::vector<float> rows_;                 // (max_rows, layers, model_dim)
  std::vector<feed> feeds_;
  std::vector<part> parts_;
};

}  // namespace multitudes::detail
