// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/generate/grammar/grammar_matcher.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace multitudes_test {

/// Walks over all texts that `pieces` make, as far as a grammar goes along, and compares what it
/// says with a set of all texts that are right.
class grammar_comparison {
 public:
  /// `texts`: all that are right and have at most `longest` pieces.
  grammar_comparison(multitudes::grammar_matcher& m, std::vector<std::string> pieces,
                     std::size_t longest, std::set<std::string> texts)
      : matcher_(m), pieces_(std::move(pieces)), longest_(longest), texts_(std::move(texts)) {
    for (const std::string& t : texts_) {
      for (std::size_t n = 0; n <= t.size(); ++n) beginnings_.insert(t.substr(0, n));
    }
  }

  void run() { visit({}, 0, matcher_.start()); }

 private:
  void visit(const std::string& text, std::size_t length, const multitudes::grammar_state& at) {
    CAPTURE(text);
    CHECK(at.may_end() == texts_.contains(text));
    const std::size_t to_end = matcher_.bytes_to_end(at);
    CHECK((to_end == 0) == at.may_end());
    // It says that an end is near: then there is one.
    if (length + to_end <= longest_) CHECK(beginnings_.contains(text));
    if (length == longest_) return;
    for (const std::string& piece : pieces_) {
      multitudes::grammar_state next = at;
      if (read(next, piece)) {
        CHECK(!at.must_end());
        visit(text + piece, length + 1, next);
      } else {
        CHECK(next == at);
        CHECK_MESSAGE(!beginnings_.contains(text + piece), text << piece);
      }
    }
  }

  bool read(multitudes::grammar_state& next, const std::string& piece) {
    const multitudes::grammar_state before = next;
    multitudes::grammar_state bytewise = next;
    bool alive = true;
    for (std::size_t i = 0; alive && i < piece.size(); ++i) {
      const auto accepted = matcher_.accept(bytewise, piece.substr(i, 1));
      REQUIRE(accepted.has_value());
      alive = *accepted;
      const bool in_character =
          i + 1 < piece.size() && (static_cast<unsigned char>(piece[i + 1]) & 0xC0) == 0x80;
      if (alive && in_character) CHECK(!bytewise.may_end());
    }
    const auto accepted = matcher_.accept(next, piece);
    REQUIRE(accepted.has_value());
    CHECK(*accepted == alive);
    CHECK(next == (alive ? bytewise : before));
    return alive;
  }

  multitudes::grammar_matcher& matcher_;
  std::vector<std::string> pieces_;
  std::size_t longest_;
  std::set<std::string> texts_, beginnings_;
};

}  // namespace multitudes_test
