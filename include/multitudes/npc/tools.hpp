// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/format/json.hpp>
#include <multitudes/format/json_tree.hpp>
#include <multitudes/format/json_value.hpp>
#include <multitudes/generate/grammar/grammar.hpp>
#include <multitudes/generate/grammar/grammar_matcher.hpp>
#include <multitudes/generate/grammar/json_schema.hpp>
#include <multitudes/npc/mind.hpp>
#include <multitudes/npc/utterances.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::npc {

/// Something that the game does when a mind asks for it.
struct tool {
  std::string name = {};     ///< 1 to 64 letters, digits, '_' and '-'
  std::string purpose = {};  ///< what it is for, as the mind should know it
  /// A JSON schema (docs/grammar.md) of type object.
  std::string arguments = R"({"type": "object"})";
};

/// What a mind asks for. Its arguments follow the schema of the tool.
struct tool_call {
  mind who = {};
  std::size_t tool = 0;        ///< its place in the toolbox
  std::string name = {};       ///< of the tool
  json::value arguments = {};  ///< an object
};

/// Tools that minds may use: the rules under which they say calls, what they must know of them, and
/// what it is that they have said. One serves any number of minds and stages.
///
/// A call is the text `{"name":"give","arguments":{"item":"bread","count":2}}`.
///
/// Example: docs/embedding.md
class toolbox {
 public:
  static constexpr std::size_t max_tools = 256;
  static constexpr std::size_t max_bytes = std::size_t{1} << 16;  ///< of a call

  /// Errors:  invalid_argument for no tools, too many, a name that is none, or that two have; those
  ///          of gbnf_from_json_schema, with the name of the tool.
  static expected<toolbox> make(std::vector<tool> tools) {
    if (tools.empty() || tools.size() > max_tools) {
      return refuse("tools", std::to_string(tools.size()), "1 to " + std::to_string(max_tools));
    }
    toolbox made;
    made.description_ = "Tools, each with a JSON schema of its arguments:\n";
    std::string rules, ways;
    for (std::size_t i = 0; i < tools.size(); ++i) {
      const tool& t = tools[i];
      for (std::size_t k = 0; k < i; ++k) {
        if (tools[k].name == t.name) return refuse(place_of(t), "the name again", "each name once");
      }
      auto own = made.add(t, "t" + std::to_string(i));
      if (!own) return forward_error(own);
      rules += *own;
      ways += (i == 0 ? "" : " | ") + ("\"\\\"" + t.name) +
              "\\\"\" json-comma \"\\\"arguments\\\"\" json-colon t" + std::to_string(i);
    }
    made.description_ +=
        "To use one, write {\"name\": its name, \"arguments\": {...}} and nothing else.\n";
    rules += "call ::= \"{\\\"name\\\"\" json-colon (" + ways + ") \"}\"\n";
    rules += "line ::= [^ {\\x00-\\x1F\\x7F] [^\\x00-\\x1F\\x7F]* \"\\n\"?\n";
    rules += gbnf_of_json();
    auto calls = grammar::parse("root ::= \" \"? call\n" + rules);
    if (!calls) return forward_error(calls);
    auto either = grammar::parse("root ::= \" \"? (call | line)\n" + rules);
    if (!either) return forward_error(either);
    made.calls_ = *std::move(calls);
    made.calls_and_lines_ = *std::move(either);
    made.tools_ = std::move(tools);
    return made;
  }

  [[nodiscard]] const std::vector<tool>& tools() const noexcept { return tools_; }

  /// Texts that are a call: for stage::add_rules.
  [[nodiscard]] const grammar& calls() const noexcept { return *calls_; }
  /// Texts that are a call, or a line of speech, which does not begin with a brace.
  [[nodiscard]] const grammar& calls_and_lines() const noexcept { return *calls_and_lines_; }

  /// What a mind must know to use them, in the form that models know which learned to use tools: a
  /// line for each, and one that says how. For its lore, or for `hear`.
  [[nodiscard]] const std::string& description() const noexcept { return description_; }

  /// What was said under these rules: a call; nothing if it was no call but speech. A call that was
  /// broken off is never one, however much of it is there.
  ///
  /// Errors:  truncated if it was broken off; those of parse.
  [[nodiscard]] expected<std::optional<tool_call>> read(const utterance& said) const {
    const std::size_t begin = said.text.find_first_not_of(' ');
    if (begin == std::string::npos || said.text[begin] != '{') return std::optional<tool_call>();
    if (said.why != ending::by_itself) {
      return fail({.code = errc::truncated,
                   .operation = "tool call",
                   .place = "mind " + std::to_string(said.who.index),
                   .found = "a call that ended " + std::string(name_of(said.why)) + ", after " +
                            std::to_string(said.text.size()) + " bytes",
                   .expected = "a whole one",
                   .remedy = "let it say that again, with more max_tokens or room"});
    }
    auto call = parse(said.text);
    if (!call) return forward_error(call);
    call->who = said.who;
    return std::optional<tool_call>(*std::move(call));
  }

  /// A call, from whatever text: white space may stand where JSON allows it.
  ///
  /// Errors:  those of json::tree::read (a schema that recurses or allows anything does not rule
  ///          out what is too deep, or a name twice in one object); unsupported for more than
  ///          64 KiB; not_found for a tool that there is not; malformed for what is no call, and
  ///          for arguments that do not follow the schema, whose names must come in its order.
  /// Cost:    linear in the text, but for names of one object (quadratic), and making a
  ///          grammar_matcher.
  [[nodiscard]] expected<tool_call> parse(std::string_view text) const {
    if (text.size() > max_bytes) {
      return wrong(errc::unsupported, "the text", std::to_string(text.size()) + " bytes",
                   "at most " + std::to_string(max_bytes));
    }
    auto tree = json::tree::read(text, "tool call");
    if (!tree) return forward_error(tree);
    const json::value call(std::make_shared<const json::tree>(*std::move(tree)));
    const auto name = call["name"].string();
    const json::value arguments = call["arguments"];
    if (call.size() != 2 || !name || !arguments.is_object()) {
      return wrong(errc::malformed, "the text", multitudes::detail::quoted(text),
                   "an object of \"name\", a string, and \"arguments\", an object");
    }
    const auto found =
        std::find_if(tools_.begin(), tools_.end(), [&](const tool& t) { return t.name == *name; });
    if (found == tools_.end()) {
      return wrong(errc::not_found, "name", multitudes::detail::quoted(*name), "one of " + names());
    }
    const auto i = static_cast<std::size_t>(found - tools_.begin());
    auto matcher = grammar_matcher::make(arguments_[i]);
    if (!matcher) return forward_error(matcher);
    auto follows = matcher->matches(arguments.text());
    if (!follows) return forward_error(follows);
    if (!*follows) {
      return wrong(errc::malformed, place_of(*found) + ", arguments",
                   multitudes::detail::quoted(arguments.text()),
                   "what its schema says, names in its order");
    }
    return tool_call{{}, i, found->name, arguments};
  }

  /// What came of a call, for `hear`: a line of its own, whatever the text has of line breaks, so
  /// that nobody's name in it can pass for a speaker's.
  [[nodiscard]] static std::string result(const tool_call& call, std::string_view what) {
    std::string line = "\nResult of " + call.name + ": " + std::string(what);
    for (std::size_t i = 1; i < line.size(); ++i) {
      if (static_cast<unsigned char>(line[i]) < 0x20 || line[i] == 0x7F) line[i] = ' ';
    }
    return line + '\n';
  }

 private:
  toolbox() = default;

  static unexpected<error> wrong(errc code, std::string place, std::string found,
                                 std::string wanted) {
    return fail({.code = code,
                 .operation = "tool call",
                 .place = std::move(place),
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = {}});
  }
  static unexpected<error> refuse(std::string place, std::string found, std::string wanted) {
    return fail({.code = errc::invalid_argument,
                 .operation = "make toolbox",
                 .place = std::move(place),
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = {}});
  }
  static std::string place_of(const tool& t) {
    return "tool " + multitudes::detail::quoted(t.name);
  }
  static std::string_view name_of(ending why) noexcept {
    switch (why) {
      case ending::by_itself: return "by itself";
      case ending::by_length: return "by length";
      case ending::by_cancel: return "by cancel";
      case ending::memory_full: return "with a full memory";
    }
    return {};
  }
  [[nodiscard]] std::string names() const {
    std::string all;
    for (const tool& t : tools_) all += (all.empty() ? "" : ", ") + t.name;
    return all;
  }

  /// Describes a tool, and gives the rules of its arguments.
  expected<std::string> add(const tool& t, const std::string& rule) {
    const auto is_plain = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '_' || c == '-';
    };
    if (t.name.empty() || t.name.size() > 64 ||
        !std::all_of(t.name.begin(), t.name.end(), is_plain)) {
      return refuse(place_of(t), "its name", "1 to 64 letters, digits, '_' and '-'");
    }
    auto schema = json::tree::read(t.arguments, place_of(t));
    if (!schema) return forward_error(schema);
    const auto of_tool = [&](error e) {
      e.place = place_of(t) + ", " + e.place;
      return fail(std::move(e));
    };
    const std::size_t type = (*schema)[0].find("type");
    if (type == json::tree::none || (*schema)[type].text != "object") {
      return refuse(place_of(t), "a schema of something else", "\"type\": \"object\"");
    }
    auto rules = gbnf_part_from_json_schema(*schema, rule);
    if (!rules) return of_tool(rules.error());
    auto own = grammar::parse(*rules + std::string(gbnf_of_json()), rule);
    if (!own) return of_tool(own.error());
    arguments_.push_back(*std::move(own));
    description_ += "{\"name\": \"" + t.name + "\", \"description\": ";
    if (!json::append_string(description_, t.purpose)) {
      return refuse(place_of(t), "a purpose that is not UTF-8", "one that is");
    }
    description_ += ", \"parameters\": " + schema->compact(0) + "}\n";
    return rules;
  }

  std::vector<tool> tools_;
  std::vector<grammar> arguments_;  // (tools): of the arguments alone
  std::optional<grammar> calls_, calls_and_lines_;
  std::string description_;
};

}  // namespace multitudes::npc
