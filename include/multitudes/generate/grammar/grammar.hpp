// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/fingerprint.hpp>
#include <multitudes/generate/grammar/character_set.hpp>
#include <multitudes/generate/grammar/detail/gbnf_reader.hpp>
#include <multitudes/generate/grammar/detail/rule_graph.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace multitudes {

/// Which texts are allowed: a context-free grammar over Unicode characters. Copies share it; it
/// may be used from several threads at once. `grammar_matcher` runs it.
class grammar {
 public:
  /// Reads a subset of GBNF, the notation of llama.cpp. A text consists of rules `name ::= ways`;
  /// a rule goes on over lines until the next line that begins another. In it:
  ///
  ///   "text"         these characters; escapes \n \r \t \\ \" \[ \] \- \^ \xHH \uHHHH \UHHHHHHHH,
  ///                  where HH… is a character's number; no line end, write \n
  ///   [a-z_] [^"\n]  one character of these, or one that is none of these; same escapes; a '-'
  ///                  that stands first or last is itself
  ///   .              any character, line ends included
  ///   name           another rule, defined before or after; any recursion, also to the left
  ///   a b            a, then b; nothing at all is the empty text
  ///   a | b          either
  ///   ( a )          a group, at most 100 in each other
  ///   a* a+ a?       any number, at least one, at most one
  ///   a{m} a{m,} a{m,n}   so many, numbers up to 65,536
  ///   # …            a comment, up to the line's end
  ///
  /// Names have letters, digits, '-' and '_'. Texts have at most 1 MiB and make at most 2^18
  /// places (a place is a character, a call or a choice; what is repeated {m,n} times counts n
  /// times, once if it is longer than one place, plus n calls). Ways that no finite text can
  /// follow are dropped.
  ///
  /// Errors:  malformed or truncated, with line and column, for what is none of this, for a rule
  ///          that is defined twice, and if no finite text follows the root; not_found for unknown
  ///          rules and a missing root; unsupported beyond the limits.
  /// Cost:    O(n log n) for n places; nothing recurses.
  static expected<grammar> parse(std::string_view text, std::string_view root = "root") {
    auto draft = detail::gbnf_reader(text, root).read();
    if (!draft) return forward_error(draft);
    auto graph = std::make_shared<detail::rule_graph>();
    graph->root = static_cast<std::uint32_t>(draft->root);
    graph->sets = std::move(draft->sets);
    detail::lay_out(*draft, *graph);
    detail::measure(*graph);
    detail::tell_apart(*graph);
    if (graph->fewest_bytes(graph->root) == detail::rule_graph::never) {
      return fail({.code = errc::malformed,
                   .operation = "grammar",
                   .place = "rule \"" + std::string(root) + "\"",
                   .found = "no finite text that follows it",
                   .expected = "one at least",
                   .remedy = "give its recursion a way out"});
    }
    return grammar(std::move(graph), fingerprint_builder().add(text).add(root).finish());
  }

  /// Tells grammars apart by the texts that they were made from.
  [[nodiscard]] fingerprint id() const noexcept { return id_; }
  /// The size of the shortest text that follows it; 2^30 if it is as long as that or longer.
  [[nodiscard]] std::uint32_t fewest_bytes() const noexcept {
    return graph_->fewest_bytes(graph_->root);
  }
  /// The places and rules, for those who run it.
  [[nodiscard]] const detail::rule_graph& graph() const noexcept { return *graph_; }

 private:
  grammar(std::shared_ptr<const detail::rule_graph> graph, fingerprint id)
      : graph_(std::move(graph)), id_(id) {}

  std::shared_ptr<const detail::rule_graph> graph_;
  fingerprint id_;
};

}  // namespace multitudes
