// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/executor.hpp>
#include <multitudes/extract/evidence.hpp>
#include <multitudes/extract/extractor.hpp>
#include <multitudes/extract/pair_source.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace multitudes {

/// What an extractor made of one site.
struct fitted_direction {
  std::vector<float> unit;  ///< (width), of length 1; zeros if the site does not tell texts apart
  layer_evidence evidence;
};

namespace detail {

/// Sums over some of the pairs at one site, under the true labels and every shuffled one.
class pair_sums {
 public:
  pair_sums(std::size_t width, std::size_t n_labelings, looks_at needs)
      : needs_(needs), differences_(n_labelings, std::vector<double>(width)), midpoint_(width) {
    if (needs == looks_at::differences) difference_moments_ = second_moments(width);
    if (needs == looks_at::texts) text_moments_ = second_moments(width);
  }

  void add(std::size_t pair, std::span<const float> p, std::span<const float> q,
           std::uint64_t seed) {
    ++n_;
    difference_.resize(p.size());
    for (std::size_t e = 0; e < p.size(); ++e) {
      difference_[e] = static_cast<double>(p[e]) - static_cast<double>(q[e]);
      midpoint_[e] += (static_cast<double>(p[e]) + static_cast<double>(q[e])) / 2;
    }
    for (std::size_t c = 0; c < differences_.size(); ++c) {
      const double side = side_of(seed, c, pair);
      for (std::size_t e = 0; e < p.size(); ++e) differences_[c][e] += side * difference_[e];
    }
    if (needs_ == looks_at::differences) {
      row_.assign(difference_.begin(), difference_.end());
      difference_moments_.add(row_);
    }
    if (needs_ == looks_at::texts) {
      text_moments_.add(p);
      text_moments_.add(q);
    }
  }
  void merge(const pair_sums& other) {
    n_ += other.n_;
    for (std::size_t e = 0; e < midpoint_.size(); ++e) midpoint_[e] += other.midpoint_[e];
    for (std::size_t c = 0; c < differences_.size(); ++c) {
      for (std::size_t e = 0; e < midpoint_.size(); ++e) {
        differences_[c][e] += other.differences_[c][e];
      }
    }
    if (needs_ == looks_at::differences) difference_moments_.merge(other.difference_moments_);
    if (needs_ == looks_at::texts) text_moments_.merge(other.text_moments_);
  }
  /// Writes the means, without one pair's difference and midpoint if they are given.
  void means(std::size_t labeling, std::span<const double> difference, double side,
             std::span<const double> midpoint, std::span<double> out,
             std::span<double> middle) const {
    const bool all = difference.empty();
    const auto n = static_cast<double>(n_ - (all ? 0 : 1));
    for (std::size_t e = 0; e < out.size(); ++e) {
      out[e] = (differences_[labeling][e] - (all ? 0 : side * difference[e])) / n;
      middle[e] = (midpoint_[e] - (all ? 0 : midpoint[e])) / n;
    }
  }
  [[nodiscard]] std::size_t n_pairs() const noexcept { return n_; }
  [[nodiscard]] const second_moments& difference_moments() const { return difference_moments_; }
  [[nodiscard]] const second_moments& text_moments() const { return text_moments_; }

 private:
  looks_at needs_;
  std::size_t n_ = 0;
  std::vector<std::vector<double>> differences_;  // (labelings, width), sums
  std::vector<double> midpoint_;                  // (width), sum
  second_moments difference_moments_;
  second_moments text_moments_;
  std::vector<double> difference_;  // (width), of the pair at hand
  std::vector<float> row_;          // (width), the same
};

/// The rows of some pairs under a labeling.
struct labeled_sides {
  std::vector<std::span<const float>> positive;
  std::vector<std::span<const float>> negative;

  void add(std::span<const float> p, std::span<const float> q, double side) {
    positive.push_back(side > 0 ? p : q);
    negative.push_back(side > 0 ? q : p);
  }
  [[nodiscard]] linalg::labeled_rows view() const noexcept { return {positive, negative}; }
};

/// Unit length, and the sign under which the positive texts project higher; zeros for nothing.
inline void make_direction(std::span<double> out, std::span<const double> difference) {
  const double length = std::sqrt(linalg::detail::dot(out, out));
  const bool some = length > 0 && std::isfinite(length);
  const double sign = linalg::detail::dot(out, difference) < 0 ? -1 : 1;
  for (double& e : out) e = some ? sign * e / length : 0;
}

/// Directions and evidence at one site, in two visits: first sums, then projections.
template <extractor X>
class site_fit {
 public:
  site_fit(const X& extract, std::size_t n_pairs, std::size_t width, std::size_t site,
           const evidence_options& options)
      : extract_(extract),
        options_(options),
        site_(site),
        n_folds_(one_by_one ? 1 : std::max<std::size_t>(1, std::min(options.n_folds, n_pairs))),
        n_labelings_(judges() ? 1 + options.n_shuffles : 1),
        folds_(n_folds_, pair_sums(width, n_labelings_, X::needs)),
        whole_(width, n_labelings_, X::needs),
        difference_(width),
        midpoint_(width),
        pair_difference_(width),
        pair_midpoint_(width),
        direction_(width) {}

  void sum(const pair_block& block) {
    for (std::size_t i = 0; i < block.n_pairs; ++i) {
      const std::size_t pair = block.first + i;
      folds_[pair % n_folds_].add(pair, block.row(i, true, site_), block.row(i, false, site_),
                                  options_.seed);
    }
  }
  /// Makes the direction of all pairs, and those that judge; `rows` only if X asks for them.
  void extract(const kept_pairs* rows, fitted_direction& out) {
    for (const pair_sums& fold : folds_) whole_.merge(fold);
    run(whole_, 0, rows, n_folds_);
    out.unit.assign(direction_.begin(), direction_.end());
    const double middle = linalg::detail::dot(direction_, midpoint_);
    const double half_gap = linalg::detail::dot(direction_, difference_) / 2;
    out.evidence.positive_mean = middle + half_gap;
    out.evidence.negative_mean = middle - half_gap;
    if (!judges()) return;
    projections_ = held_out(n_labelings_, whole_.n_pairs());
    if constexpr (!one_by_one) {
      for (std::size_t f = 0; f < n_folds_; ++f) {
        pair_sums others(direction_.size(), n_labelings_, X::needs);
        for (std::size_t g = 0; g < n_folds_; ++g) {
          if (g != f) others.merge(folds_[g]);
        }
        for (std::size_t c = 0; c < n_labelings_; ++c) {
          run(others, c, rows, f);
          judges_.insert(judges_.end(), direction_.begin(), direction_.end());
        }
      }
    }
  }
  [[nodiscard]] bool judges() const noexcept { return options_.n_folds > 0; }
  void project(const pair_block& block) {
    for (std::size_t i = 0; i < block.n_pairs; ++i) {
      project(block.first + i, block.row(i, true, site_), block.row(i, false, site_));
    }
  }
  void judge(fitted_direction& out) const { projections_.judge(options_, site_ + 1, out.evidence); }

 private:
  static constexpr bool one_by_one = X::needs == looks_at::means;

  /// The direction of all pairs but those of one fold.
  void run(const pair_sums& sums, std::size_t labeling, const kept_pairs* rows,
           std::size_t without) {
    sums.means(labeling, {}, 0, {}, difference_, midpoint_);
    labeled_sides sides;
    if constexpr (X::needs == looks_at::rows) {
      for (std::size_t i = 0; i < rows->n_pairs(); ++i) {
        if (i % n_folds_ == without) continue;
        sides.add(rows->row(i, true, site_), rows->row(i, false, site_),
                  side_of(options_.seed, labeling, i));
      }
    }
    extract_({sums.n_pairs(), difference_, midpoint_, &sums.difference_moments(),
              &sums.text_moments(), sides.view()},
             std::span<double>(direction_));
    make_direction(direction_, difference_);
  }

  void project(std::size_t pair, std::span<const float> p, std::span<const float> q) {
    for (std::size_t e = 0; e < p.size(); ++e) {
      pair_difference_[e] = static_cast<double>(p[e]) - static_cast<double>(q[e]);
      pair_midpoint_[e] = (static_cast<double>(p[e]) + static_cast<double>(q[e])) / 2;
    }
    for (std::size_t c = 0; c < n_labelings_; ++c) {
      const double side = side_of(options_.seed, c, pair);
      std::span<const double> judge = direction_;
      if constexpr (one_by_one) {
        whole_.means(c, pair_difference_, side, pair_midpoint_, difference_, midpoint_);
        extract_({whole_.n_pairs() - 1, difference_, midpoint_, nullptr, nullptr, {}},
                 std::span<double>(direction_));
        make_direction(direction_, difference_);
      } else {
        judge = std::span(judges_).subspan((pair % n_folds_ * n_labelings_ + c) * direction_.size(),
                                           direction_.size());
      }
      projections_.differences[c][pair] = side * linalg::detail::dot(judge, pair_difference_);
      if (c > 0) continue;
      projections_.positive[pair] = linalg::detail::dot(p, judge);
      projections_.negative[pair] = linalg::detail::dot(q, judge);
    }
  }

  const X& extract_;
  evidence_options options_;
  std::size_t site_;
  std::size_t n_folds_;
  std::size_t n_labelings_;
  std::vector<pair_sums> folds_;  // (n_folds)
  pair_sums whole_;
  held_out projections_;
  std::vector<double> judges_;           // (n_folds, n_labelings, width)
  std::vector<double> difference_;       // (width), the mean of those that make a direction
  std::vector<double> midpoint_;         // (width), the same
  std::vector<double> pair_difference_;  // (width), of the pair that is judged
  std::vector<double> pair_midpoint_;    // (width), the same
  std::vector<double> direction_;        // (width)
};

}  // namespace detail

/// Makes a direction of the pairs at every site, and judges it: at any `pair_source`, so also at
/// rows that never saw a model.
///
/// Errors:  invalid_argument with fewer than 3 pairs; those of the source.
/// Cost:    two visits (one if nothing is judged), and what the extractor costs, for each site
///          once and, unless it looks at means alone, for each fold and labeling. Memory: the
///          source's and the extractor's sums, times the folds; eight bytes for each pair, site
///          and labeling; all rows for extractors that look at rows.
template <extractor X, pair_source S, executor E>
expected<std::vector<fitted_direction>> fit_pairs(const X& extract, S& source, E& workers,
                                                  const evidence_options& options = {}) {
  if (source.n_pairs() < 3) {
    return fail({.code = errc::invalid_argument,
                 .operation = "fit pairs",
                 .place = "pairs",
                 .found = std::to_string(source.n_pairs()),
                 .expected = "at least 3, to judge each by the others",
                 .remedy = "write more pairs; 30 or more give usable intervals"});
  }
  constexpr bool looks_at_rows = X::needs == looks_at::rows;
  if constexpr (looks_at_rows && !std::same_as<S, kept_pairs>) {
    auto kept = keep(source);
    if (!kept) return forward_error(kept);
    return fit_pairs(extract, *kept, workers, options);
  } else {
    const kept_pairs* rows = nullptr;
    if constexpr (looks_at_rows) rows = &source;
    std::vector<detail::site_fit<X>> sites;
    for (std::size_t s = 0; s < source.n_sites(); ++s) {
      sites.emplace_back(extract, source.n_pairs(), source.width(), s, options);
    }
    std::vector<fitted_direction> result(sites.size());
    const auto each = [&](auto work) {
      const auto one = [&](std::size_t s) { work(s); };
      workers.run(sites.size(), one);
    };
    const auto sum = [&](const pair_block& block) {
      each([&](std::size_t s) { sites[s].sum(block); });
    };
    if (auto ok = source.visit(sum); !ok) return forward_error(ok);
    each([&](std::size_t s) { sites[s].extract(rows, result[s]); });
    if (options.n_folds == 0) return result;
    const auto project = [&](const pair_block& block) {
      each([&](std::size_t s) { sites[s].project(block); });
    };
    if (auto ok = source.visit(project); !ok) return forward_error(ok);
    each([&](std::size_t s) { sites[s].judge(result[s]); });
    return result;
  }
}

}  // namespace multitudes
