// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/text/utf8.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes_test {

/// The texts of a grammar, worked out the other way round from the library: not by reading texts,
/// but as sets that grow until no rule gives anything new. Has a reader of GBNF of its own, which
/// recurses and trusts its input.
class grammar_language {
 public:
  /// Sets of texts by their length in characters.
  using texts = std::vector<std::set<std::u32string>>;

  grammar_language(std::string_view gbnf, std::u32string alphabet, std::size_t longest)
      : text_(decoded(gbnf)), alphabet_(std::move(alphabet)), longest_(longest) {
    for (skip(); at_ < text_.size(); skip()) {
      const std::string name = read_name();
      skip();
      at_ += 3;  // ::=
      bodies_[name] = read_alternatives();
      known_.try_emplace(name, nothing());
    }
    for (bool grew = true; grew;) {
      grew = false;
      for (const auto& [name, body] : bodies_) {
        texts now = evaluate(body);
        if (now == known_[name]) continue;
        known_[name] = std::move(now);
        grew = true;
      }
    }
  }

  /// All texts of `root` over the alphabet that are short enough, as UTF-8.
  [[nodiscard]] std::set<std::string> all() const {
    std::set<std::string> out;
    for (const auto& of_length : known_.at("root")) {
      for (const auto& t : of_length) out.insert(encoded(t));
    }
    return out;
  }

  static std::string encoded(const std::u32string& t) {
    std::string out;
    for (const char32_t c : t) multitudes::text::append_utf8(out, c);
    return out;
  }
  static std::u32string decoded(std::string_view t) {
    std::u32string out;
    while (!t.empty()) {
      const auto c = multitudes::text::decode_character(t);
      out += c.code;
      t.remove_prefix(c.size);
    }
    return out;
  }

 private:
  enum class kind { characters, sequence, alternatives, repetition, reference };
  struct node {
    kind what = kind::sequence;
    std::vector<node> parts;
    std::set<char32_t> characters;  // of the alphabet
    std::string name;
    std::size_t least = 1, most = 1;
  };
  static constexpr std::size_t no_limit = 1'000'000;

  // --- reading ---------------------------------------------------------------------------------

  [[nodiscard]] char32_t peek() const { return at_ < text_.size() ? text_[at_] : 0; }
  void skip() {
    while (at_ < text_.size()) {
      if (text_[at_] == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (text_[at_] <= ' ') {
        ++at_;
      } else {
        return;
      }
    }
  }
  static bool in_name(char32_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  }
  std::string read_name() {
    std::string name;
    while (in_name(peek())) name += static_cast<char>(text_[at_++]);
    return name;
  }
  [[nodiscard]] bool at_next_rule() {
    const std::size_t here = at_;
    const bool named = !read_name().empty();
    while (peek() == ' ') ++at_;
    const bool found = named && text_.compare(at_, 3, U"::=") == 0;
    at_ = here;
    return found;
  }
  node read_alternatives() {
    node either{kind::alternatives, {}, {}, {}};
    either.parts.push_back(read_sequence());
    while (peek() == '|') {
      ++at_;
      either.parts.push_back(read_sequence());
    }
    return either;
  }
  node read_sequence() {
    node all;
    for (;;) {
      skip();
      if (peek() == 0 || peek() == '|' || peek() == ')' || at_next_rule()) return all;
      node one = read_one();
      skip();
      read_repetition(one);
      all.parts.push_back(std::move(one));
    }
  }
  node read_one() {
    node one;
    if (peek() == '(') {
      ++at_;
      one = read_alternatives();
      ++at_;
    } else if (peek() == '"') {
      for (++at_; peek() != '"';) {
        const char32_t c = read_character();
        one.parts.push_back(
            {kind::characters,
             {},
             alphabet_.find(c) == alphabet_.npos ? std::set<char32_t>{} : std::set<char32_t>{c},
             {}});
      }
      ++at_;
    } else if (peek() == '.') {
      ++at_;
      one = {kind::characters, {}, {alphabet_.begin(), alphabet_.end()}, {}};
    } else if (peek() == '[') {
      ++at_;
      one = read_class();
    } else {
      one = {kind::reference, {}, {}, read_name()};
    }
    return one;
  }
  node read_class() {
    const bool negated = peek() == '^';
    if (negated) ++at_;
    std::set<char32_t> named;
    while (peek() != ']') {
      const char32_t first = read_character();
      char32_t last = first;
      if (peek() == '-' && text_[at_ + 1] != ']') {
        ++at_;
        last = read_character();
      }
      for (const char32_t c : alphabet_) {
        if (c >= first && c <= last) named.insert(c);
      }
    }
    ++at_;
    node one{kind::characters, {}, {}, {}};
    for (const char32_t c : alphabet_) {
      if (named.contains(c) != negated) one.characters.insert(c);
    }
    return one;
  }
  char32_t read_character() {
    const char32_t c = text_[at_++];
    if (c != '\\') return c;
    const char32_t e = text_[at_++];
    const std::size_t n = e == 'x' ? 2 : e == 'u' ? 4 : e == 'U' ? 8 : 0;
    if (n == 0) return e == 'n' ? U'\n' : e == 'r' ? U'\r' : e == 't' ? U'\t' : e;
    const std::u32string digits = text_.substr(at_, n);
    at_ += n;
    return static_cast<char32_t>(
        std::stoul(std::string(digits.begin(), digits.end()), nullptr, 16));
  }
  void read_repetition(node& one) {
    std::size_t least = 1, most = 1;
    switch (peek()) {
      case '*': least = 0, most = no_limit; break;
      case '+': most = no_limit; break;
      case '?': least = 0; break;
      case '{': {
        const std::size_t close = text_.find(U'}', at_);
        const std::string inside(text_.begin() + static_cast<std::ptrdiff_t>(at_ + 1),
                                 text_.begin() + static_cast<std::ptrdiff_t>(close));
        at_ = close;
        const std::size_t comma = inside.find(',');
        least = most = std::stoul(inside);
        if (comma != inside.npos) {
          const bool open = inside.find_first_of("0123456789", comma) == inside.npos;
          most = open ? no_limit : std::stoul(inside.substr(comma + 1));
        }
        break;
      }
      default: return;
    }
    ++at_;
    node repeated{kind::repetition, {}, {}, {}, least, most};
    repeated.parts.push_back(std::move(one));
    one = std::move(repeated);
  }

  // --- sets ------------------------------------------------------------------------------------

  [[nodiscard]] texts nothing() const { return texts(longest_ + 1); }
  [[nodiscard]] texts empty_text() const {
    texts out = nothing();
    out[0].insert(std::u32string());
    return out;
  }
  static void add(texts& to, const texts& more) {
    for (std::size_t n = 0; n < to.size(); ++n) to[n].insert(more[n].begin(), more[n].end());
  }
  [[nodiscard]] texts joined(const texts& a, const texts& b) const {
    texts out = nothing();
    for (std::size_t i = 0; i <= longest_; ++i) {
      for (std::size_t j = 0; i + j <= longest_; ++j) {
        for (const auto& x : a[i]) {
          for (const auto& y : b[j]) out[i + j].insert(x + y);
        }
      }
    }
    return out;
  }
  [[nodiscard]] texts evaluate(const node& n) const {
    switch (n.what) {
      case kind::characters: {
        texts out = nothing();
        for (const char32_t c : n.characters) out[1].insert(std::u32string(1, c));
        return out;
      }
      case kind::reference: {
        const auto found = known_.find(n.name);
        return found == known_.end() ? nothing() : found->second;
      }
      case kind::alternatives: {
        texts out = nothing();
        for (const node& p : n.parts) add(out, evaluate(p));
        return out;
      }
      case kind::sequence: {
        texts out = empty_text();
        for (const node& p : n.parts) out = joined(out, evaluate(p));
        return out;
      }
      case kind::repetition: break;
    }
    const texts one = evaluate(n.parts[0]);
    texts out = nothing(), power = empty_text();
    for (std::size_t i = 0; i <= n.most; ++i) {
      if (i >= n.least) {
        texts more = out;
        add(more, power);
        if (more == out && i > n.least) break;
        out = std::move(more);
      }
      texts next = joined(power, one);
      if (next == power && i >= n.least) break;
      power = std::move(next);
    }
    return out;
  }

  std::u32string text_;
  std::size_t at_ = 0;
  std::u32string alphabet_;
  std::size_t longest_;
  std::map<std::string, node> bodies_;
  std::map<std::string, texts> known_;
};

}  // namespace multitudes_test
