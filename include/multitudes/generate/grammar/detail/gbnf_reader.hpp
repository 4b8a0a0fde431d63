// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/format/json.hpp>
#include <multitudes/generate/grammar/character_set.hpp>
#include <multitudes/generate/grammar/detail/gbnf_scanner.hpp>
#include <multitudes/generate/grammar/detail/rule_code.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::detail {

/// What a grammar text may ask for: beyond these it is an error, not a long wait.
struct gbnf_limits {
  static constexpr std::size_t text_bytes = std::size_t{1} << 20;
  static constexpr std::size_t places = std::size_t{1} << 18;  ///< after copying what is repeated
  static constexpr std::size_t nesting = 100;                  ///< groups in each other
  static constexpr std::size_t repetitions = 65'536;
};

/// Reads GBNF front to back, once; nothing recurses. See `grammar::parse`.
class gbnf_reader {
 public:
  gbnf_reader(std::string_view text, std::string_view root)
      : text_size_(text.size()), here_(text), root_(root), writer_(gbnf_limits::places) {}

  expected<grammar_draft> read() {
    if (text_size_ > gbnf_limits::text_bytes) {
      return fail(here_.at(0, std::to_string(text_size_) + " bytes",
                           "at most " + std::to_string(gbnf_limits::text_bytes),
                           errc::unsupported));
    }
    for (here_.skip_blank(); !here_.at_end(); here_.skip_blank()) {
      if (auto done = rule(); !done) return forward_error(done);
    }
    for (const auto& [name, known] : names_) {
      if (known.defined) continue;
      return fail(here_.at(known.first_use, "the unknown rule " + detail::quoted(name),
                           "a rule that is defined", errc::not_found,
                           "write " + std::string(name) + " ::= ..."));
    }
    const auto root = names_.find(root_);
    if (root == names_.end()) {
      return fail(here_.at(text_size_, "no rule " + detail::quoted(root_), "one to begin with",
                           errc::not_found, "write " + std::string(root_) + " ::= ..."));
    }
    return std::move(writer_).finish(root->second.number);
  }

 private:
  struct named_rule {
    std::size_t number = 0;
    std::size_t first_use = 0;  // where in the text
    bool defined = false;
  };

  named_rule& rule_named(std::string_view name) {
    const auto [place, is_new] = names_.try_emplace(name);
    if (is_new) place->second = {writer_.new_rule(), here_.position(), false};
    return place->second;
  }

  expected<void> rule() {
    const std::size_t start = here_.position();
    const std::string_view name = here_.name();
    if (name.empty() || !here_.at_rule()) {
      return fail(here_.unexpected("a rule: name ::= ...", "names have letters, digits, - and _"));
    }
    named_rule& known = rule_named(name);
    if (known.defined) {
      return fail(
          here_.at(start, "rule " + detail::quoted(name) + " again", "one definition of each"));
    }
    known.defined = true;
    const std::size_t number = known.number;
    here_.step_over_definition();
    if (auto done = body(); !done) return done;
    writer_.end_rule(number);
    return {};
  }

  /// All alternatives of a rule, groups included, up to the rule that follows or the end.
  expected<void> body() {
    open_.clear();
    writer_.begin_rule();
    for (;;) {
      const bool new_line = here_.skip_blank();
      if (here_.at_end() || (new_line && here_.at_rule())) break;
      if (auto done = element(here_.peek()); !done) return done;
      if (writer_.too_large()) return fail(too_large());
    }
    if (!open_.empty()) {
      return fail(here_.unexpected("')'", "the open group began at " + here_.place(open_.back())));
    }
    return {};
  }

  expected<void> element(char c) {
    switch (c) {
      case '"': return literal();
      case '[': return char_class();
      case '.':
        here_.step();
        writer_.begin_item();
        writer_.match(character_set::all());
        return {};
      case '(':
        if (open_.size() == gbnf_limits::nesting) {
          return fail(here_.at(here_.position(),
                               "groups more than " + std::to_string(gbnf_limits::nesting) + " deep",
                               "at most that", errc::unsupported, "name the inner ones as rules"));
        }
        open_.push_back(here_.position());
        here_.step();
        writer_.open_group();
        return {};
      case ')':
        if (open_.empty()) return fail(here_.unexpected("no ')' without its '('"));
        open_.pop_back();
        here_.step();
        writer_.close_group();
        return {};
      case '|':
        here_.step();
        writer_.next_alternative();
        return {};
      case '*':
      case '+':
      case '?': {
        const std::size_t start = here_.position();
        here_.step();
        return repeat(start, c == '+' ? 1 : 0, c == '?' ? 1 : rule_writer::unbounded);
      }
      case '{': return braces();
      default: break;
    }
    const std::string_view name = here_.name();
    if (name.empty()) {
      return fail(
          here_.unexpected("a literal, a class, a rule's name, '.', '(', '|' or a repetition"));
    }
    if (here_.at_rule()) return fail(here_.unexpected("a new line before the next rule"));
    writer_.begin_item();
    writer_.call(rule_named(name).number);
    here_.step(name.size());
    return {};
  }

  [[nodiscard]] error too_large() const {
    return here_.at(here_.position(), "a larger grammar",
                    "at most " + std::to_string(gbnf_limits::places) + " places", errc::unsupported,
                    "repeat less");
  }

  expected<void> repeat(std::size_t start, std::size_t least, std::size_t most) {
    switch (writer_.repeat(least, most)) {
      case rule_writer::outcome::done: break;
      case rule_writer::outcome::nothing_to_repeat:
        return fail(here_.at(start, here_.quoted_from(start), "something before it to repeat"));
      case rule_writer::outcome::repeated_already:
        return fail(here_.at(start, "a repetition of a repetition", "one of them", errc::malformed,
                             "put the first into parentheses"));
      case rule_writer::outcome::too_large: return fail(too_large());
    }
    return {};
  }

  /// `{m}`, `{m,}` or `{m,n}`.
  expected<void> braces() {
    const std::size_t start = here_.position();
    here_.step();
    std::size_t least = 0;
    if (!here_.number(least)) {
      return fail(here_.unexpected("a number, as in {2}, {2,} or {0,5}"));
    }
    std::size_t most = least;
    if (here_.accept(',') && !here_.number(most)) most = rule_writer::unbounded;
    if (!here_.accept('}')) return fail(here_.unexpected("'}'"));
    const auto too_many = [](std::size_t n) {
      return n > gbnf_limits::repetitions && n != rule_writer::unbounded;
    };
    if (too_many(least) || too_many(most)) {
      return fail(here_.at(start, here_.quoted_from(start),
                           "at most " + std::to_string(gbnf_limits::repetitions) + " repetitions",
                           errc::unsupported, "write {m,} for no upper limit"));
    }
    if (most < least) {
      return fail(here_.at(start, here_.quoted_from(start), "the smaller number first"));
    }
    return repeat(start, least, most);
  }

  expected<void> literal() {
    const std::size_t start = here_.position();
    here_.step();
    writer_.begin_item();
    while (here_.peek() != '"') {
      auto c = here_.character("'\"'", start);
      if (!c) return forward_error(c);
      writer_.match(character_set::one(*c));
    }
    here_.step();
    return {};
  }

  expected<void> char_class() {
    const std::size_t start = here_.position();
    here_.step();
    const bool negated = here_.peek() == '^';
    if (negated) here_.step();
    std::vector<character_range> ranges;
    while (here_.peek() != ']') {
      const std::size_t range_start = here_.position();
      auto first = here_.character("']'", start);
      if (!first) return forward_error(first);
      char32_t last = *first;
      if (here_.peek() == '-' && here_.peek(1) != ']') {
        here_.step();
        auto end = here_.character("']'", start);
        if (!end) return forward_error(end);
        last = *end;
      }
      if (last < *first) {
        return fail(
            here_.at(range_start, here_.quoted_from(range_start), "the smaller character first"));
      }
      ranges.push_back({*first, last});
    }
    here_.step();
    if (ranges.empty()) {
      return fail(here_.at(start, here_.quoted_from(start), "at least one character",
                           errc::malformed, "write '.' for any character"));
    }
    writer_.begin_item();
    character_set set(std::move(ranges));
    writer_.match(negated ? set.negated() : std::move(set));
    return {};
  }

  std::size_t text_size_;
  gbnf_scanner here_;
  std::string_view root_;
  rule_writer writer_;
  std::map<std::string_view, named_rule> names_;
  std::vector<std::size_t> open_;  // where the groups that are open began
};

}  // namespace multitudes::detail
