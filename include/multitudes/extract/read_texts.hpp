// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/executor.hpp>
#include <multitudes/extract/contained_texts.hpp>
#include <multitudes/extract/detail/job_runner.hpp>
#include <multitudes/extract/reading.hpp>
#include <multitudes/extract/shared_prefixes.hpp>
#include <multitudes/generate/batch.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

/// How texts are brought through the model. Nothing here changes a bit of what is read.
struct read_options {
  std::size_t texts_at_once = 16;
  std::size_t max_rows = 128;  ///< tokens evaluated together
  /// Compute once what texts share: a beginning of several, and a text that another one of its
  /// `block` begins with.
  bool share_prefixes = true;
  std::size_t block = 256;  ///< texts of which readings may be held until their turn
};

/// What one text read: the means of its spans' rows.
class read_rows {
 public:
  read_rows(std::span<const float> values, std::size_t n_layers, std::size_t width) noexcept
      : values_(values), n_layers_(n_layers), width_(width) {}

  /// The mean row of the s-th span at the l-th of the layers asked for: (model_dim).
  [[nodiscard]] std::span<const float> row(std::size_t s, std::size_t l) const noexcept {
    return values_.subspan((s * n_layers_ + l) * width_, width_);
  }
  /// All of them: (spans, layers, model_dim).
  [[nodiscard]] std::span<const float> values() const noexcept { return values_; }

 private:
  std::span<const float> values_;
  std::size_t n_layers_;
  std::size_t width_;
};

/// Receives what each text read, in the order of the texts; valid for the length of the call.
using rows_receiver = function_ref<void(std::size_t text, const read_rows&)>;

/// Reads many texts, as often as asked: the mean rows of chosen spans at chosen layers, in one
/// batched pass. Its memory depends on the longest text and on the block, not on how many texts
/// there are.
///
/// Laws:    equal bits for any read_options and any executor.
class text_reader {
 public:
  /// The readings must outlive the reader.
  ///
  /// Errors:  invalid_argument for no layers, a layer that the model lacks, a text without spans,
  ///          or a span that is empty or reaches beyond its text, naming both; those of batch.
  static expected<text_reader> make(language_model lm, std::vector<const reading*> texts,
                                    std::vector<layer_index> layers,
                                    const read_options& options = {}) {
    if (auto ok = check(lm, texts, layers, options); !ok) return forward_error(ok);
    text_reader made;
    made.texts_ = std::move(texts);
    made.layers_ = std::move(layers);
    made.options_ = options;
    made.find_sources();
    made.find_prefixes();
    std::size_t longest = 1;
    for (const source& from : made.sources_) longest = std::max(longest, from.tokens.size());
    const std::size_t n_texts = std::min(options.texts_at_once, made.sources_.size());
    made.n_held_at_most_ = std::min(made.forest_.prefixes.size(), 3 * n_texts + 32);
    // A sequence needs pages of its own only behind what it shares, and one that both write to.
    const auto pages = [](std::size_t n) { return n / model::kv_page_length + 2; };
    std::size_t longest_prefix = 0;
    for (const shared_prefix& p : made.forest_.prefixes) {
      longest_prefix = std::max(longest_prefix, p.length);
    }
    auto b = batch::make(
        std::move(lm),
        {.n_sequences = n_texts + made.n_held_at_most_ + 1,
         .context = std::max(longest, longest_prefix),
         .max_rows = options.max_rows,
         .n_pages = n_texts * pages(longest) + made.n_held_at_most_ * pages(longest_prefix) + 1});
    if (!b) return forward_error(b);
    made.batch_ = *std::move(b);
    return made;
  }

  [[nodiscard]] std::size_t n_texts() const noexcept { return texts_.size(); }
  [[nodiscard]] std::span<const layer_index> layers() const noexcept { return layers_; }
  [[nodiscard]] std::size_t width() const noexcept { return batch_.lm().shape().model_dim; }
  /// Tokens that go through the model in a pass over all texts.
  [[nodiscard]] std::size_t n_evaluated() const noexcept { return n_evaluated_; }

  /// Hands what each text reads to `receive`.
  ///
  /// Errors:  those of batch::evaluate.
  /// Cost:    one forward pass over each text, less what is shared; no output head.
  template <executor E>
  expected<void> read(E& workers, rows_receiver receive) {
    detail::job_runner runner(batch_, layers_, options_.max_rows);
    n_evaluated_ = 0;
    expected<void> outcome;
    std::size_t first = 0;  // source
    for (std::size_t text = 0; outcome && text < texts_.size(); text += options_.block) {
      const std::size_t end = std::min(text + options_.block, texts_.size());
      std::size_t last = first;
      while (last < sources_.size() && sources_[last].text < end) ++last;
      std::vector<std::vector<float>> means;
      for (std::size_t s = first; outcome && s < last; s += options_.texts_at_once) {
        outcome = read_group(workers, runner, s, std::min(options_.texts_at_once, last - s), means);
      }
      if (outcome) hand_out(text, end, first, means, receive);
      first = last;
    }
    for (held_prefix& p : held_) release(p);
    return outcome;
  }

 private:
  /// A text that goes through the model, for itself and those that it begins with.
  struct source {
    std::size_t text;
    std::span<const token_id> tokens;  // up to the last one that is read
    std::vector<token_range> spans;    // of all of them, each once
  };
  struct held_prefix {
    std::vector<token_range> spans;  // what the texts read of it, each once
    std::vector<double> sums;        // (spans, layers, model_dim)
    sequence_id sequence;
    bool held = false;
    std::size_t used = 0;  // the last group that wanted it, from 1
  };

  static std::size_t end_of(const reading& text) noexcept {
    std::size_t end = 0;
    for (const token_range span : text.spans) end = std::max(end, span.last);
    return end;
  }
  static expected<void> check(const language_model& lm, std::span<const reading* const> texts,
                              std::span<const layer_index> layers, const read_options& options) {
    const auto bad = [](std::string place, std::string found, std::string wanted) {
      return fail({.code = errc::invalid_argument,
                   .operation = "read texts",
                   .place = std::move(place),
                   .found = std::move(found),
                   .expected = std::move(wanted),
                   .remedy = {}});
    };
    if (options.texts_at_once == 0 || options.max_rows == 0 || options.block == 0) {
      return bad(options.max_rows == 0 ? "max_rows"
                 : options.block == 0  ? "block"
                                       : "texts_at_once",
                 "0", "at least 1");
    }
    if (layers.empty()) return bad("layers", "none", "at least one");
    for (const layer_index l : layers) {
      if (l.value < lm.shape().n_layers) continue;
      return bad("layers", "layer " + std::to_string(l.value),
                 "less than " + std::to_string(lm.shape().n_layers));
    }
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::string place = "text " + std::to_string(i);
      if (texts[i]->spans.empty()) return bad(place, "no spans", "at least one to read");
      for (std::size_t s = 0; s < texts[i]->spans.size(); ++s) {
        const token_range span = texts[i]->spans[s];
        if (span.first < span.last && span.last <= texts[i]->tokens.size()) continue;
        return bad(place + ", span " + std::to_string(s),
                   "tokens " + std::to_string(span.first) + " to " + std::to_string(span.last),
                   "a stretch of its " + std::to_string(texts[i]->tokens.size()) + " tokens");
      }
    }
    return {};
  }

  static void add_once(std::vector<token_range>& known, token_range span) {
    if (std::find(known.begin(), known.end(), span) == known.end()) known.push_back(span);
  }
  void find_sources() {
    std::vector<std::span<const token_id>> all;
    for (const reading* text : texts_) {
      all.push_back(std::span<const token_id>(text->tokens).first(end_of(*text)));
    }
    source_of_.resize(all.size());
    for (std::size_t first = 0; first < all.size(); first += options_.block) {
      const std::size_t n = std::min(options_.block, all.size() - first);
      std::vector<std::size_t> host(n);
      std::iota(host.begin(), host.end(), std::size_t{0});
      if (options_.share_prefixes) host = find_containing_texts(std::span(all).subspan(first, n));
      for (std::size_t i = 0; i < n; ++i) {
        if (host[i] != i) continue;
        source_of_[first + i] = sources_.size();
        sources_.push_back({first + i, all[first + i], {}});
      }
      for (std::size_t i = 0; i < n; ++i) {
        source_of_[first + i] = source_of_[first + host[i]];
        auto& known = sources_[source_of_[first + i]].spans;
        for (const token_range span : texts_[first + i]->spans) add_once(known, span);
      }
    }
  }
  void find_prefixes() {
    std::vector<std::span<const token_id>> all;
    for (const source& from : sources_) all.push_back(from.tokens);
    if (options_.share_prefixes) {
      forest_ = find_shared_prefixes(all);
    } else {
      forest_.of_text.assign(all.size(), shared_prefix::none);
    }
    held_.resize(forest_.prefixes.size());
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      each_prefix_of(i, [&](std::size_t p) {
        for (const token_range span : sources_[i].spans) {
          const token_range own = clipped(span, forest_.prefixes[p].length);
          if (own.first < own.last) add_once(held_[p].spans, own);
        }
      });
    }
  }
  static token_range clipped(token_range span, std::size_t end) noexcept {
    return {span.first, std::min(span.last, end)};
  }
  template <class Visit>
  void each_prefix_of(std::size_t s, Visit&& visit) const {
    for (std::size_t p = forest_.of_text[s]; p != shared_prefix::none;
         p = forest_.prefixes[p].parent) {
      visit(p);
    }
  }

  void release(held_prefix& p) noexcept {
    if (p.held) batch_.close(p.sequence);
    p.held = false;
    p.used = 0;
    p.sums = {};
  }

  /// A job that goes on where a prefix ends, with what has been read of the spans there.
  expected<detail::reading_job> start(std::span<const token_id> tokens, std::size_t end,
                                      std::span<const token_range> spans, std::size_t prefix) {
    const bool has_prefix = prefix != shared_prefix::none;
    auto s = has_prefix ? batch_.fork(held_[prefix].sequence) : batch_.open();
    if (!s) return forward_error(s);
    const std::size_t size = layers_.size() * width();
    detail::reading_job job{*s, tokens, 0, end, {spans.begin(), spans.end()}, {}};
    job.sums.assign(spans.size() * size, 0.0);
    if (!has_prefix) return job;
    const std::size_t length = forest_.prefixes[prefix].length;
    job.next = std::min(length, end);
    const auto& known = held_[prefix].spans;
    for (std::size_t i = 0; i < spans.size(); ++i) {
      const auto found = std::find(known.begin(), known.end(), clipped(spans[i], length));
      if (found == known.end()) continue;
      const auto from =
          held_[prefix].sums.begin() + (found - known.begin()) * static_cast<std::ptrdiff_t>(size);
      std::copy_n(from, size, job.sums.begin() + static_cast<std::ptrdiff_t>(i * size));
    }
    return job;
  }

  /// Makes sure that the prefixes of a group are in memory.
  template <executor E>
  expected<void> hold_prefixes(E& workers, detail::job_runner& runner, std::size_t first,
                               std::size_t count) {
    std::vector<std::size_t> missing;
    for (std::size_t i = first; i < first + count; ++i) {
      each_prefix_of(i, [&](std::size_t p) {
        const bool is_new = held_[p].used != first + 1;
        held_[p].used = first + 1;
        if (is_new && !held_[p].held) missing.push_back(p);
      });
    }
    if (missing.empty()) return {};
    make_room(missing.size(), first + 1);
    std::sort(missing.begin(), missing.end());  // parents come before children
    for (std::size_t level = 0, done = 0; done < missing.size(); ++level) {
      std::vector<detail::reading_job> jobs;
      std::vector<std::size_t> which;
      for (const std::size_t p : missing) {
        const shared_prefix& prefix = forest_.prefixes[p];
        if (prefix.level != level) continue;
        auto job =
            start(sources_[prefix.text].tokens, prefix.length, held_[p].spans, prefix.parent);
        if (!job) return forward_error(job);
        n_evaluated_ += job->end - job->next;
        held_[p].sequence = job->sequence;
        held_[p].held = true;
        jobs.push_back(*std::move(job));
        which.push_back(p);
      }
      if (auto ok = runner.run(workers, jobs); !ok) return ok;
      for (std::size_t i = 0; i < jobs.size(); ++i) held_[which[i]].sums = std::move(jobs[i].sums);
      done += jobs.size();
    }
    return {};
  }
  /// Lets go of the prefixes that were not wanted for the longest time.
  void make_room(std::size_t n_new, std::size_t group) {
    std::vector<std::size_t> idle;
    std::size_t n_held = 0;
    for (std::size_t p = 0; p < held_.size(); ++p) {
      n_held += held_[p].held;
      if (held_[p].held && held_[p].used != group) idle.push_back(p);
    }
    std::stable_sort(idle.begin(), idle.end(),
                     [&](std::size_t a, std::size_t b) { return held_[a].used < held_[b].used; });
    for (std::size_t i = 0; i < idle.size() && n_held + n_new > n_held_at_most_; ++i, --n_held) {
      release(held_[idle[i]]);
    }
  }

  /// Appends the means of each source's spans: (spans, layers, model_dim).
  template <executor E>
  expected<void> read_group(E& workers, detail::job_runner& runner, std::size_t first,
                            std::size_t count, std::vector<std::vector<float>>& means) {
    if (auto ok = hold_prefixes(workers, runner, first, count); !ok) return ok;
    std::vector<detail::reading_job> jobs;
    for (std::size_t i = first; i < first + count; ++i) {
      const source& from = sources_[i];
      auto job = start(from.tokens, from.tokens.size(), from.spans, forest_.of_text[i]);
      if (!job) {
        for (const detail::reading_job& j : jobs) batch_.close(j.sequence);
        return forward_error(job);
      }
      n_evaluated_ += job->end - job->next;
      jobs.push_back(*std::move(job));
    }
    auto outcome = runner.run(workers, jobs);
    const std::size_t size = layers_.size() * width();
    for (const detail::reading_job& job : jobs) {
      batch_.close(job.sequence);
      auto& own = means.emplace_back(job.sums.size());
      for (std::size_t e = 0; e < own.size(); ++e) {
        const auto n = static_cast<double>(job.spans[e / size].size());
        own[e] = static_cast<float>(job.sums[e] / n);
      }
    }
    return outcome;
  }
  /// Gives each text of a block what its source read.
  void hand_out(std::size_t first, std::size_t end, std::size_t first_source,
                const std::vector<std::vector<float>>& means, rows_receiver receive) const {
    const std::size_t size = layers_.size() * width();
    std::vector<float> own;
    for (std::size_t i = first; i < end; ++i) {
      const auto& known = sources_[source_of_[i]].spans;
      const auto& read = means[source_of_[i] - first_source];
      own.clear();
      for (const token_range span : texts_[i]->spans) {
        const auto at = std::find(known.begin(), known.end(), span) - known.begin();
        const auto from = read.begin() + at * static_cast<std::ptrdiff_t>(size);
        own.insert(own.end(), from, from + static_cast<std::ptrdiff_t>(size));
      }
      receive(i, read_rows(own, layers_.size(), width()));
    }
  }

  batch batch_;
  std::vector<const reading*> texts_;
  std::vector<layer_index> layers_;
  read_options options_;
  prefix_forest forest_;
  std::vector<source> sources_;         // in the order of their texts
  std::vector<std::size_t> source_of_;  // (texts)
  std::vector<held_prefix> held_;       // (prefixes)
  std::size_t n_held_at_most_ = 0;
  std::size_t n_evaluated_ = 0;
};

}  // namespace multitudes
