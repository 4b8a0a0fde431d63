// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/function_ref.hpp>
#include <multitudes/extract/read_texts.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace multitudes {

/// Some pairs of rows on their way by: for each pair, both sides at every site. A site is a place
/// where texts are read: a layer, or a layer and a span.
struct pair_block {
  std::size_t first = 0;  ///< pair
  std::size_t n_pairs = 0;
  std::size_t n_sites = 0;
  std::size_t width = 0;
  const float* rows = nullptr;  ///< (n_pairs, positive and negative, n_sites, width)

  /// Of the i-th pair of the block: (width).
  [[nodiscard]] std::span<const float> row(std::size_t i, bool positive,
                                           std::size_t site) const noexcept {
    return {rows + ((2 * i + (positive ? 0 : 1)) * n_sites + site) * width, width};
  }
};

using block_receiver = function_ref<void(const pair_block&)>;

/// Where pairs of rows come from: `visit` hands all of them on, block by block in their order, and
/// may be called again.
///
/// Law:     every visit shows the same bits, however they are cut into blocks.
template <class S>
concept pair_source = requires(S& source, block_receiver receive) {
  { source.n_pairs() } -> std::convertible_to<std::size_t>;
  { source.n_sites() } -> std::convertible_to<std::size_t>;
  { source.width() } -> std::convertible_to<std::size_t>;
  { source.visit(receive) } -> std::same_as<expected<void>>;
};

/// Pairs of rows in memory.
class kept_pairs {
 public:
  kept_pairs(std::size_t n_pairs, std::size_t n_sites, std::size_t width)
      : n_pairs_(n_pairs), n_sites_(n_sites), width_(width), rows_(2 * n_pairs * n_sites * width) {}

  [[nodiscard]] std::size_t n_pairs() const noexcept { return n_pairs_; }
  [[nodiscard]] std::size_t n_sites() const noexcept { return n_sites_; }
  [[nodiscard]] std::size_t width() const noexcept { return width_; }

  [[nodiscard]] std::span<float> row(std::size_t pair, bool positive, std::size_t site) noexcept {
    const std::size_t text = 2 * pair + (positive ? 0 : 1);
    return std::span(rows_).subspan((text * n_sites_ + site) * width_, width_);
  }
  [[nodiscard]] std::span<const float> row(std::size_t pair, bool positive,
                                           std::size_t site) const noexcept {
    return all().row(pair, positive, site);
  }
  expected<void> visit(block_receiver receive) const {
    receive(all());
    return {};
  }

 private:
  [[nodiscard]] pair_block all() const noexcept {
    return {0, n_pairs_, n_sites_, width_, rows_.data()};
  }

  std::size_t n_pairs_;
  std::size_t n_sites_;
  std::size_t width_;
  std::vector<float> rows_;  // (n_pairs, positive and negative, n_sites, width)
};

/// Pairs of texts that a model reads anew at every visit; a site is a span and a layer, spans
/// outermost. Nothing is kept but a few blocks.
template <executor E>
class model_pairs {
 public:
  /// Readings and workers must outlive it.
  ///
  /// Errors:  invalid_argument if a text has another number of spans than the first; those of
  ///          text_reader.
  static expected<model_pairs> make(language_model lm, std::span<const reading_pair> pairs,
                                    std::vector<layer_index> layers, E& workers,
                                    const read_options& options = {}) {
    std::vector<const reading*> texts;
    for (const reading_pair& pair : pairs) {
      for (const reading* side : {&pair.positive, &pair.negative}) {
        if (side->spans.size() != pairs[0].positive.spans.size()) {
          return fail({.code = errc::invalid_argument,
                       .operation = "read pairs",
                       .place = "pair " + std::to_string(texts.size() / 2),
                       .found = std::to_string(side->spans.size()) + " spans",
                       .expected = std::to_string(pairs[0].positive.spans.size()) +
                                   ", as many as the first text",
                       .remedy = {}});
        }
        texts.push_back(side);
      }
    }
    auto reader = text_reader::make(std::move(lm), std::move(texts), std::move(layers), options);
    if (!reader) return forward_error(reader);
    const std::size_t n_spans = pairs.empty() ? 0 : pairs[0].positive.spans.size();
    return model_pairs(*std::move(reader), n_spans, workers);
  }

  [[nodiscard]] std::size_t n_pairs() const noexcept { return reader_.n_texts() / 2; }
  [[nodiscard]] std::size_t n_sites() const noexcept { return n_spans_ * reader_.layers().size(); }
  [[nodiscard]] std::size_t width() const noexcept { return reader_.width(); }
  /// Tokens that went through the model in the last visit.
  [[nodiscard]] std::size_t n_evaluated() const noexcept { return reader_.n_evaluated(); }

  expected<void> visit(block_receiver receive) {
    constexpr std::size_t n_in_block = 8;
    const std::size_t size = n_sites() * width();
    std::vector<float> rows(2 * n_in_block * size);
    std::size_t first = 0;
    return reader_.read(*workers_, [&](std::size_t text, const read_rows& what) {
      const std::size_t at = text - 2 * first;
      std::copy(what.values().begin(), what.values().end(),
                rows.begin() + static_cast<std::ptrdiff_t>(at * size));
      if (at + 1 < 2 * n_in_block && text + 1 < reader_.n_texts()) return;
      receive({first, (at + 1) / 2, n_sites(), width(), rows.data()});
      first += (at + 1) / 2;
    });
  }

 private:
  model_pairs(text_reader reader, std::size_t n_spans, E& workers)
      : reader_(std::move(reader)), n_spans_(n_spans), workers_(&workers) {}

  text_reader reader_;
  std::size_t n_spans_;
  E* workers_;
};

static_assert(pair_source<kept_pairs> && pair_source<model_pairs<inline_executor>>);

/// All pairs of a source in memory.
///
/// Errors:  those of the source.
template <pair_source S>
expected<kept_pairs> keep(S& source) {
  kept_pairs kept(source.n_pairs(), source.n_sites(), source.width());
  const auto copy = [&](const pair_block& block) {
    if (block.n_pairs == 0) return;
    std::copy_n(block.rows, 2 * block.n_pairs * block.n_sites * block.width,
                kept.row(block.first, true, 0).begin());
  };
  if (auto ok = source.visit(copy); !ok) return forward_error(ok);
  return kept;
}

}  // namespace multitudes
