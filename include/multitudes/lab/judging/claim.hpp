// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/stats/interval.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes::lab {

class laboratory;

/// How a figure is computed from what was observed.
enum class statistic : std::uint8_t {
  mean,              ///< of y
  ratio,             ///< mean of y over mean of x
  slope,             ///< of y on x, by least squares
  correlation,       ///< of x and y
  rank_correlation,  ///< of x and y
};

/// One thing that was seen: a number y, or a pair.
struct observation {
  double x = 0;
  double y = 0;
};

/// Where a threshold has one side only. What ends by nature is left open there too: the interval of
/// a share of nearly 1 reaches beyond 1.
inline constexpr double no_limit = std::numeric_limits<double>::infinity();

/// A figure that a claim is judged by, or that stands beside those.
struct figure {
  std::string_view name;
  statistic how = statistic::mean;
  std::string_view unit{};
  std::string_view shows{};  ///< in a sentence, for a reader who knows the claim only
  /// Where the figure must lie if the claim is true; nothing if it does not decide.
  std::optional<stats::interval> holds{};
};

/// A condition that a trained model must fulfil before anything is asked of it.
struct gate {
  std::string_view name;
  std::string_view unit{};
  stats::interval passes{};
};

/// A chart of the claim's report: its lines come from the seeds.
struct picture {
  std::string_view name;
  std::string_view title;
  std::string_view x_label;  ///< with its unit
  std::string_view y_label;
};

/// What one seed saw.
struct outcome {
  struct reading {
    std::string_view gate;
    double value = 0;
  };
  struct sample {
    std::string_view figure;
    std::vector<observation> items{};
  };
  struct line {
    std::string_view picture;
    std::string label{};
    std::vector<observation> points{};
  };

  std::vector<reading> gates{};
  std::vector<sample> samples{};
  std::vector<line> lines{};

  void passed(std::string_view gate, double value) { gates.push_back({gate, value}); }
  /// Of a gate that limits from above and is read several times: the largest reading counts.
  void passed_at_most(std::string_view gate, double value) {
    for (reading& r : gates) {
      if (r.gate != gate) continue;
      if (!(value <= r.value)) r.value = value;  // also what is no number
      return;
    }
    passed(gate, value);
  }
  /// Adds an item to a figure's sample.
  void saw(std::string_view figure, double y) { saw(figure, 0, y); }
  void saw(std::string_view figure, double x, double y) {
    for (sample& s : samples) {
      if (s.figure == figure) {
        s.items.push_back({x, y});
        return;
      }
    }
    samples.push_back({figure, {{x, y}}});
  }
  /// Adds a point to a line of a picture.
  void drew(std::string_view picture, std::string_view label, double x, double y) {
    for (line& l : lines) {
      if (l.picture == picture && l.label == label) {
        l.points.push_back({x, y});
        return;
      }
    }
    lines.push_back({picture, std::string(label), {{x, y}}});
  }
};

/// A sentence of the essays as something that can fail: what is measured, where it must lie, what
/// stands beside it for control. All of it is fixed in source before a run decides.
struct claim {
  int number = 0;
  std::string_view name;
  std::string_view essay;  ///< "Language Models have Personas?" or "Personas and Goals …"
  std::string_view quotation;
  std::string_view hypothesis;  ///< what would be so if it were true
  std::string_view method;      ///< what is trained, what is asked
  std::string_view control;
  std::string_view refuted_by;
  std::string_view reach;   ///< how far a verdict reaches
  std::size_t n_seeds = 5;  ///< of a confirmatory run
  /// The first of them: an experiment is tried, and changed, with earlier ones or above 100.
  std::uint64_t first_seed = 11;
  std::span<const figure> figures{};
  std::span<const gate> gates{};
  std::span<const picture> pictures{};
  /// Trains what it needs (or finds it trained) and measures, with one seed.
  expected<outcome> (*run)(laboratory& in, std::uint64_t seed) = nullptr;
};

}  // namespace multitudes::lab
