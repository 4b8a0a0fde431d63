// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/model/document_rows.hpp>
#include <multitudes/train/dataset.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::train {

/// What one step learns from: rows, which of them are asked for what follows, and the answers.
struct training_batch {
  model::document_rows rows;
  std::vector<std::size_t> asked;
  std::vector<token_id> targets;  // (asked)

  void clear() noexcept {
    rows.clear();
    asked.clear();
    targets.clear();
  }

  /// Appends a piece of a document: every token is to be told from those before it, where it
  /// counts.
  ///
  /// Shapes:  tokens, counts (n), n >= 2; adds n - 1 rows.
  void append(std::span<const token_id> tokens, std::span<const std::uint8_t> counts) {
    const std::size_t first = rows.size();
    rows.append(tokens.first(tokens.size() - 1));
    for (std::size_t i = 1; i < tokens.size(); ++i) {
      if (counts[i] == 0) continue;
      asked.push_back(first + i - 1);
      targets.push_back(tokens[i]);
    }
  }
};

struct batch_options {
  std::size_t n_rows = 4096;  ///< rows of a batch, at most
  std::size_t context = 256;  ///< rows of a piece, at most
  std::uint64_t seed = 1;
};

/// Where a stream stands: how many times it has been through the data, and where in this pass.
struct batch_position {
  std::uint64_t pass = 0;
  std::uint64_t piece = 0;
};

/// Endless batches from a dataset. Every pass cuts documents longer than the context at a new
/// random offset, shuffles the pieces that hold a token to learn, and packs them without padding.
/// Where it stands is two numbers: from the same place come the same batches.
class batch_stream {
 public:
  /// The dataset must stay where it is.
  ///
  /// Errors:  invalid_argument if no token of it counts (the first of a document never does), or
  ///          a size is 0.
  static expected<batch_stream> make(const dataset& data, batch_options options,
                                     batch_position at = {}) {
    const auto bad = [](const char* place, const char* found) {
      return fail({.code = errc::invalid_argument,
                   .operation = "make batch stream",
                   .place = place,
                   .found = found,
                   .expected = {},
                   .remedy = {}});
    };
    if (options.n_rows == 0 || options.context == 0) return bad("options", "a size of 0");
    options.context = std::min(options.context, options.n_rows);
    batch_stream s(data, options);
    s.position_ = at;
    s.cut();
    if (s.pieces_.empty()) return bad("dataset", "no token to learn");
    if (at.piece > s.pieces_.size()) {
      return fail({.code = errc::invalid_argument,
                   .operation = "make batch stream",
                   .place = "position",
                   .found = "piece " + std::to_string(at.piece),
                   .expected = "at most " + std::to_string(s.pieces_.size()),
                   .remedy = "resume with the data and options that it was saved with"});
    }
    return s;
  }

  /// The next batch: as many whole pieces of this pass as fit, at least one.
  void next(training_batch& to) {
    to.clear();
    if (position_.piece == pieces_.size()) {
      position_ = {position_.pass + 1, 0};
      cut();
    }
    for (; position_.piece < pieces_.size(); ++position_.piece) {
      const dataset::document& p = pieces_[position_.piece];
      if (to.rows.size() + p.size - 1 > options_.n_rows) return;
      to.append(data_->tokens(p), data_->counts(p));
    }
  }

  [[nodiscard]] const dataset& data() const noexcept { return *data_; }
  [[nodiscard]] batch_position at() const noexcept { return position_; }

 private:
  batch_stream(const dataset& data, batch_options options) : data_(&data), options_(options) {}

  /// The pieces of this pass that teach something, in its order. Neighbouring pieces share one
  /// token: the last target of one is the first input of the next.
  void cut() {
    pieces_.clear();
    philox random(options_.seed, position_.pass);
    const auto keep = [&](dataset::document piece) {
      const auto targets = data_->counts(piece).subspan(1);
      if (std::ranges::find(targets, 1) != targets.end()) pieces_.push_back(piece);
    };
    for (const dataset::document& d : data_->documents()) {
      const std::size_t n_rows = d.size - 1;
      std::size_t first = 0;
      if (n_rows > options_.context) {
        const std::size_t offset = random.below(static_cast<std::uint32_t>(options_.context));
        if (offset > 0) keep({d.first, offset + 1});
        first = offset;
      }
      for (; first < n_rows; first += options_.context) {
        keep({d.first + first, std::min(options_.context, n_rows - first) + 1});
      }
    }
    for (std::size_t i = pieces_.size(); i > 1; --i) {
      std::swap(pieces_[i - 1], pieces_[random.below(static_cast<std::uint32_t>(i))]);
    }
  }

  const dataset* data_;
  batch_options options_;
  batch_position position_;
  std::vector<dataset::document> pieces_;
};

}  // namespace multitudes::train
