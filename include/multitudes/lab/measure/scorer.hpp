// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/thread_pool.hpp>
#include <multitudes/core/view.hpp>
#include <multitudes/lab/student.hpp>
#include <multitudes/model/training_pass.hpp>
#include <multitudes/simd/softmax.hpp>
#include <multitudes/simd/vector_ops.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// Texts to be looked at together.
using texts = std::vector<std::vector<token_id>>;

/// What a student expects to come next: the logarithms of all probabilities after chosen tokens of
/// many texts. A text's numbers do not depend on the others.
class scorer {
 public:
  /// Errors:  those of training_pass::make.
  static expected<scorer> make(thread_pool& workers, const student& who) {
    auto pass = pass_type::make(who.shape(), {max_rows, longest, workers.concurrency()});
    if (!pass) return forward_error(pass);
    return scorer(workers, who, std::move(*pass));
  }

  [[nodiscard]] const student& who() const noexcept { return who_; }

  /// Shows what comes next after each token of each text for which `wanted(text, token)`, in
  /// order: `visit(text, token, log_p)`, log_p: (gazette_vocab_size).
  ///
  /// Errors:  invalid_argument for an empty text; out_of_memory for one of more than 256 tokens.
  /// Cost:    a forward pass over all texts.
  template <class Wanted, class Visit>
  expected<void> predict(std::span<const std::vector<token_id>> all, Wanted&& wanted,
                         Visit&& visit) {
    return in_blocks(all, [&](std::size_t first) {
      asked_.clear();
      for (std::size_t i = 0; i < rows_.documents().size(); ++i) {
        const auto d = rows_.documents()[i];
        for (std::size_t t = 0; t < d.n_rows; ++t) {
          if (wanted(first + i, t)) asked_.push_back({d.first + t, first + i, t});
        }
      }
      const std::size_t width = who_.shape().vocab_size;
      places_.clear();
      for (const asked& a : asked_) places_.push_back(a.row);
      table_.resize(asked_.size() * width);
      pass_.visit_logits(*workers_, places_, [&](std::size_t i, std::span<float> logits) {
        simd::log_softmax<simd::native, float>(logits, std::span(table_).subspan(i * width, width));
      });
      for (std::size_t i = 0; i < asked_.size(); ++i) {
        visit(asked_[i].text, asked_[i].token,
              std::span<const float>(table_).subspan(i * width, width));
      }
    });
  }
  /// What comes next after the whole of each text: `visit(text, log_p)`.
  template <class Visit>
  expected<void> predict_next(std::span<const std::vector<token_id>> all, Visit&& visit) {
    return predict(
        all, [&](std::size_t i, std::size_t t) { return t + 1 == all[i].size(); },
        [&](std::size_t i, std::size_t, std::span<const float> log_p) { visit(i, log_p); });
  }
  /// The logarithm of the probability of each text's tokens from its place `from[i]` on, given
  /// those before; `from[i]` >= 1.
  expected<std::vector<double>> log_probabilities(std::span<const std::vector<token_id>> all,
                                                  std::span<const std::size_t> from) {
    std::vector<double> sums(all.size());
    auto done = predict(
        all,
        [&](std::size_t i, std::size_t t) { return t + 1 >= from[i] && t + 1 < all[i].size(); },
        [&](std::size_t i, std::size_t t, std::span<const float> log_p) {
          sums[i] += static_cast<double>(log_p[all[i][t + 1].value]);
        });
    if (!done) return forward_error(done);
    return sums;
  }
  /// Shows the residual stream that left block `layer` at chosen tokens: `visit(text, token, h)`,
  /// h: (model_dim).
  ///
  /// Errors:  those of predict; invalid_argument for a layer that there is not.
  template <class Wanted, class Visit>
  expected<void> states(std::span<const std::vector<token_id>> all, layer_index layer,
                        Wanted&& wanted, Visit&& visit) {
    if (layer.value >= who_.shape().n_layers) {
      return refuse(errc::invalid_argument, "layer", std::to_string(layer.value),
                    "below " + std::to_string(who_.shape().n_layers));
    }
    return in_blocks(all, [&](std::size_t first) {
      const auto residual = pass_.residual(layer.value + 1);
      for (std::size_t i = 0; i < rows_.documents().size(); ++i) {
        const auto d = rows_.documents()[i];
        for (std::size_t t = 0; t < d.n_rows; ++t) {
          if (wanted(first + i, t)) visit(first + i, t, residual.row(d.first + t));
        }
      }
    });
  }

 private:
  using precision = simd::full_precision<float>;
  using pass_type = model::training_pass<precision>;
  static constexpr std::size_t max_rows = 2048;
  static constexpr std::size_t longest = 256;

  struct asked {
    std::size_t row = 0, text = 0, token = 0;
  };

  scorer(thread_pool& workers, student who, pass_type pass)
      : workers_(&workers), who_(std::move(who)), pass_(std::move(pass)) {}

  static unexpected<error> refuse(errc code, std::string place, std::string found,
                                  std::string wanted) {
    return fail({.code = code,
                 .operation = "score texts",
                 .place = std::move(place),
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = {}});
  }

  /// Runs as many texts forward at a time as fit; `look(first)` then sees them in `rows_`.
  template <class Look>
  expected<void> in_blocks(std::span<const std::vector<token_id>> all, Look&& look) {
    for (std::size_t first = 0; first < all.size();) {
      rows_.clear();
      std::size_t last = first;
      for (; last < all.size(); ++last) {
        if (all[last].empty()) {
          return refuse(errc::invalid_argument, "text " + std::to_string(last), "no tokens",
                        "at least one");
        }
        if (last > first && rows_.size() + all[last].size() > max_rows) break;
        rows_.append(all[last]);
      }
      if (auto ok = pass_.forward(*workers_, *who_.weights, rows_); !ok) return ok;
      look(first);
      first = last;
    }
    return {};
  }

  thread_pool* workers_;
  student who_;
  pass_type pass_;
  model::document_rows rows_;
  std::vector<asked> asked_;
  std::vector<std::size_t> places_;
  std::vector<float> table_;  // (asked, vocab_size)
};

}  // namespace multitudes::lab
