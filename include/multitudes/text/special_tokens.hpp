// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/index.hpp>
#include <multitudes/text/vocabulary.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes::text {

/// Pieces that are cut out of a text before anything is merged: user-defined ones always, control
/// and unknown ones on request. At each place the longest wins.
class special_tokens {
 public:
  struct match {
    std::size_t begin;
    std::size_t end;     ///< just after the piece
    std::size_t resume;  ///< where text goes on: after white space too if the token swallows it
    token_id token;
  };

  /// `v` must be consistent: one type a piece, ids in range.
  static special_tokens make(const vocabulary& v) {
    special_tokens made;
    for (std::size_t i = 0; i < v.types.size(); ++i) {
      const auto type = static_cast<piece_type>(v.types[i]);
      const bool always = type == piece_type::user_defined;
      const bool on_request = type == piece_type::control || type == piece_type::unknown;
      if (v.pieces[i].empty() || !(always || on_request)) continue;
      made.pieces_.push_back({std::string(v.pieces[i]), token_id(i), always, false});
    }
    std::sort(made.pieces_.begin(), made.pieces_.end(),
              [](const piece& a, const piece& b) { return a.text < b.text; });
    std::vector<token_id> strip(v.strip_after.begin(), v.strip_after.end());
    std::sort(strip.begin(), strip.end());
    for (piece& p : made.pieces_) {
      p.strips = std::binary_search(strip.begin(), strip.end(), p.id);
      const auto lead = static_cast<unsigned char>(p.text[0]);
      made.starts_[lead] = std::max(made.starts_[lead], p.always ? any_time : when_asked);
    }
    return made;
  }

  /// The first special piece in `text` from `from` on.
  ///
  /// Cost:    linear in what is skipped, times the longest special piece that nearly matches.
  [[nodiscard]] std::optional<match> find(std::string_view text, std::size_t from,
                                          bool parse_special) const noexcept {
    const lead_use needed = parse_special ? when_asked : any_time;
    for (std::size_t i = from; i < text.size(); ++i) {
      if (starts_[static_cast<unsigned char>(text[i])] < needed) continue;
      const piece* p = longest_at(text.substr(i), parse_special);
      if (!p) continue;
      const std::size_t end = i + p->text.size();
      std::size_t resume = end;
      if (p->strips) {
        // The six white spaces of the C locale, as llama.cpp does it.
        resume = std::min(text.find_first_not_of(" \t\n\v\f\r", end), text.size());
      }
      return match{i, end, resume, p->id};
    }
    return std::nullopt;
  }

 private:
  enum lead_use : std::uint8_t { never, when_asked, any_time };
  struct piece {
    std::string text;
    token_id id;
    bool always;
    bool strips;
  };

  /// Narrows the sorted pieces to those that go on like `text`, byte by byte.
  [[nodiscard]] const piece* longest_at(std::string_view text, bool parse_special) const noexcept {
    const piece* best = nullptr;
    auto first = pieces_.begin();
    auto last = pieces_.end();
    for (std::size_t depth = 0; first != last; ++depth) {
      if (first->text.size() == depth) {
        if (first->always || parse_special) best = &*first;
        ++first;
      }
      if (depth == text.size()) break;
      const auto byte = [depth](const piece& p) {
        return static_cast<unsigned char>(p.text[depth]);
      };
      const auto wanted = static_cast<unsigned char>(text[depth]);
      first = std::partition_point(first, last, [&](const piece& p) { return byte(p) < wanted; });
      last = std::partition_point(first, last, [&](const piece& p) { return byte(p) == wanted; });
    }
    return best;
  }

  std::vector<piece> pieces_;  // by text
  std::array<lead_use, 256> starts_{};
};

}  // namespace multitudes::text
