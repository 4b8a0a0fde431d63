// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/format/json.hpp>
#include <multitudes/format/json_tree.hpp>
#include <multitudes/generate/grammar/detail/schema_keywords.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::detail {

/// Rules that every JSON text is made of.
inline constexpr std::string_view json_rules = R"gbnf(
json-value ::= json-object | json-array | json-string | json-number | json-boolean | "null"
json-object ::= "{" (json-member (json-comma json-member)*)? "}"
json-member ::= json-string json-colon json-value
json-array ::= "[" (json-value (json-comma json-value)*)? "]"
json-comma ::= "," " "?
json-colon ::= ":" " "?
json-string ::= "\"" json-char* "\""
json-char ::= [^"\\\x00-\x1F] | "\\" (["\\/bfnrt] | "u" json-code)
json-code ::= ([0-9a-cA-CefEF] json-hex | [dD] [0-7]) json-hex{2} |
  [dD] [89abAB] json-hex{2} "\\u" [dD] [c-fC-F] json-hex{2}
json-hex ::= [0-9a-fA-F]
json-number ::= json-integer ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?
json-integer ::= "-"? ("0" | [1-9] [0-9]{0,15})
json-boolean ::= "true" | "false"
)gbnf";

/// Writes the rules of a schema, which need `json_rules` beside them. See `gbnf_from_json_schema`.
class schema_writer {
 public:
  /// The rule for the whole is `root`; the names of all others begin with `prefix`.
  schema_writer(const json::tree& tree, std::string root, std::string prefix)
      : tree_(tree),
        keywords_(tree),
        root_(std::move(root)),
        prefix_(std::move(prefix)),
        named_(tree.size(), false) {}

  expected<std::string> write() {
    text_ = root_ + " ::= " + rule_of(0) + "\n";
    // Each schema is written once, however many lead to it; nothing recurses.
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      if (auto done = schema(wanted_[i]); !done) return forward_error(done);
    }
    return std::move(text_);
  }

 private:
  using node = json::tree::node;
  static constexpr std::size_t none = json::tree::none;
  static constexpr std::size_t most_repetitions = 65'536;

  /// The name of the rule for the schema at a node, which is written some time.
  std::string rule_of(std::size_t schema) {
    if (!named_[schema]) wanted_.push_back(schema);
    named_[schema] = true;
    return prefix_ + "s" + std::to_string(schema);
  }

  static void append_literal(std::string& out, std::string_view json) {
    out += '"';
    for (const char c : json) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }

  expected<void> schema(std::size_t i) {
    const node& s = tree_[i];
    text_ += rule_of(i) + " ::= ";
    const bool any = s.what == json::tree::boolean && s.text == "true";
    if (any) {
      text_ += "json-value\n";
      return {};
    }
    if (auto ok = keywords_.is_a(i, json::tree::object, "a schema: an object or true"); !ok)
      return ok;
    std::vector<std::string_view> of_type;
    const std::size_t type = s.find("type");
    if (type != none) {
      auto named = keywords_.type_names(type);
      if (!named) return forward_error(named);
      of_type = *std::move(named);
    }
    if (auto ok = keywords_.check(s, of_type); !ok) return ok;
    if (const std::size_t ref = s.find("$ref"); ref != none) return reference(ref);
    if (const std::size_t ways = s.find("anyOf"); ways != none) return alternatives(ways);
    if (const std::size_t value = s.find("const"); value != none) {
      return values(std::span(&value, 1), of_type);
    }
    if (const std::size_t list = s.find("enum"); list != none) {
      if (auto ok = keywords_.is_a(list, json::tree::array, "an array of values"); !ok) return ok;
      if (tree_[list].items.empty()) {
        return fail(keywords_.at(list, errc::malformed, "no value", "one at least"));
      }
      return values(tree_[list].items, of_type);
    }
    if (type == none) {
      text_ += "json-value\n";
      return {};
    }
    std::string rules;  // that some types need besides their own
    for (std::size_t k = 0; k < of_type.size(); ++k) {
      if (k > 0) text_ += " | ";
      if (auto done = one_type(i, of_type[k], rules); !done) return done;
    }
    text_ += "\n" + rules;
    return {};
  }

  expected<void> reference(std::size_t where) {
    if (auto ok = keywords_.is_a(where, json::tree::string, "a string"); !ok) return ok;
    const std::string& path = tree_[where].text;
    std::size_t target = path == "#" ? 0 : none;
    for (const std::string_view list : {"$defs", "definitions"}) {
      const std::string prefix = "#/" + std::string(list) + "/";
      const std::size_t definitions = tree_[0].find(list);
      if (!path.starts_with(prefix) || definitions == none) continue;
      target = tree_[definitions].find(unescaped(std::string_view(path).substr(prefix.size())));
    }
    if (target == none) {
      return fail(keywords_.at(where, errc::not_found, detail::quoted(path),
                               "#, #/$defs/name or #/definitions/name of this schema"));
    }
    text_ += rule_of(target) + "\n";
    return {};
  }

  /// A name in a JSON pointer: ~1 is '/', ~0 is '~'.
  static std::string unescaped(std::string_view name) {
    std::string out;
    for (std::size_t i = 0; i < name.size(); ++i) {
      const bool escape = name[i] == '~' && i + 1 < name.size();
      if (escape && (name[i + 1] == '0' || name[i + 1] == '1')) {
        out += name[++i] == '0' ? '~' : '/';
      } else {
        out += name[i];
      }
    }
    return out;
  }

  expected<void> alternatives(std::size_t where) {
    if (auto ok = keywords_.is_a(where, json::tree::array, "an array of schemas"); !ok) return ok;
    if (tree_[where].items.empty()) {
      return fail(keywords_.at(where, errc::malformed, "no schema", "one at least"));
    }
    for (std::size_t i = 0; i < tree_[where].items.size(); ++i) {
      text_ += (i > 0 ? " | " : "") + rule_of(tree_[where].items[i]);
    }
    text_ += '\n';
    return {};
  }

  expected<void> values(std::span<const std::size_t> nodes,
                        const std::vector<std::string_view>& of_type) {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const node& value = tree_[nodes[i]];
      const bool whole = value.text.find_first_of(".eE") == std::string::npos;
      const auto fits = [&](std::string_view type) {
        switch (value.what) {
          case json::tree::null: return type == "null";
          case json::tree::boolean: return type == "boolean";
          case json::tree::number: return type == "number" || (type == "integer" && whole);
          case json::tree::string: return type == "string";
          case json::tree::array: return type == "array";
          case json::tree::object: return type == "object";
        }
        return false;
      };
      if (!of_type.empty() && std::none_of(of_type.begin(), of_type.end(), fits)) {
        return fail(keywords_.at(nodes[i], errc::malformed, "a value of another type",
                                 "what \"type\" beside it says"));
      }
      if (i > 0) text_ += " | ";
      append_literal(text_, tree_.compact(nodes[i]));
    }
    text_ += '\n';
    return {};
  }

  expected<void> one_type(std::size_t i, std::string_view type, std::string& rules) {
    if (type == "object") return object(i, rules);
    if (type == "array") return array(i);
    if (type == "string") {
      auto count = repetition(i, "minLength", "maxLength");
      if (!count) return forward_error(count);
      text_ += R"("\"" json-char)" + braces(count->least, count->most) + R"( "\"")";
    } else if (type == "null") {
      text_ += "\"null\"";
    } else {
      text_ += "json-" + std::string(type);
    }
    return {};
  }

  struct range {
    std::size_t least = 0;
    std::size_t most = none;
  };
  static std::string braces(std::size_t least, std::size_t most) {
    return "{" + std::to_string(least) + "," + (most == none ? "" : std::to_string(most)) + "}";
  }

  [[nodiscard]] expected<range> repetition(std::size_t i, std::string_view least,
                                           std::string_view most) const {
    range found;
    for (const bool is_least : {true, false}) {
      const std::size_t where = tree_[i].find(is_least ? least : most);
      if (where == none) continue;
      const std::string& text = tree_[where].text;
      const bool digits = tree_[where].what == json::tree::number && text.size() <= 5 &&
                          text.find_first_not_of("0123456789") == std::string::npos;
      std::size_t n = 0;
      for (const char c : digits ? text : std::string()) {
        n = 10 * n + static_cast<std::size_t>(c - '0');
      }
      if (!digits || n > most_repetitions) {
        return fail(keywords_.at(where, errc::unsupported, detail::quoted(text),
                                 "a whole number up to 65536"));
      }
      (is_least ? found.least : found.most) = n;
    }
    if (found.least > found.most) {
      return fail(keywords_.at(i, errc::malformed,
                               std::string(least) + " above " + std::string(most),
                               "the smaller one first"));
    }
    return found;
  }

  expected<void> array(std::size_t i) {
    auto count = repetition(i, "minItems", "maxItems");
    if (!count) return forward_error(count);
    const std::size_t items = tree_[i].find("items");
    const std::string item = items == none ? "json-value" : rule_of(items);
    const auto [least, most] = *count;
    if (most == 0) {
      text_ += "\"[]\"";
      return {};
    }
    const std::string list = item + " (json-comma " + item + ")" +
                             braces(least == 0 ? 0 : least - 1, most == none ? none : most - 1);
    text_ += "\"[\" (" + list + ")" + (least == 0 ? "?" : "") + " \"]\"";
    return {};
  }

  /// Rules `f0`, `f1`, … are what may come while no property has been written, `r1`, `r2`, … what
  /// may come after one: the two differ by a comma.
  expected<void> object(std::size_t i, std::string& rules) {
    const node& s = tree_[i];
    if (const std::size_t more = s.find("additionalProperties");
        more != none && tree_[more].text != "false") {
      return fail(keywords_.at(more, errc::unsupported, "additional properties", "false"));
    }
    const std::size_t properties = s.find("properties");
    if (properties != none) {
      if (auto ok = keywords_.is_a(properties, json::tree::object, "an object of schemas"); !ok)
        return ok;
    }
    const node& members = properties == none ? nothing_ : tree_[properties];
    auto needed = required(s, members);
    if (!needed) return forward_error(needed);

    const std::string own = rule_of(i);
    const auto rule = [&](char kind, std::size_t k) {
      return k == members.items.size() ? std::string() : " " + own + "-" + kind + std::to_string(k);
    };
    text_ += "\"{\"" + rule('f', 0) + " \"}\"";
    bool may_be_first = true;
    for (std::size_t k = 0; k < members.items.size(); ++k) {
      std::string name;
      static_cast<void>(json::append_string(name, members.names[k]));
      std::string member;
      append_literal(member, name);
      member += " json-colon " + rule_of(members.items[k]);
      if (may_be_first) {
        rules += own + "-f" + std::to_string(k) + " ::= " + member + rule('r', k + 1);
        if (!(*needed)[k]) rules += " |" + rule('f', k + 1);
        rules += '\n';
        may_be_first = !(*needed)[k];
      }
      if (k > 0) {
        rules += own + "-r" + std::to_string(k) + " ::= (json-comma " + member + ")" +
                 ((*needed)[k] ? "" : "?") + rule('r', k + 1) + "\n";
      }
    }
    return {};
  }

  [[nodiscard]] expected<std::vector<bool>> required(const node& s, const node& members) const {
    std::vector<bool> needed(members.items.size(), false);
    const std::size_t list = s.find("required");
    if (list == none) return needed;
    if (auto ok = keywords_.is_a(list, json::tree::array, "an array of names"); !ok)
      return forward_error(ok);
    for (const std::size_t n : tree_[list].items) {
      const auto found = std::find(members.names.begin(), members.names.end(), tree_[n].text);
      if (tree_[n].what != json::tree::string || found == members.names.end()) {
        return fail(keywords_.at(n, errc::not_found, detail::quoted(tree_[n].text),
                                 "a name in properties"));
      }
      needed[static_cast<std::size_t>(found - members.names.begin())] = true;
    }
    return needed;
  }

  const json::tree& tree_;
  schema_keywords keywords_;
  std::string root_, prefix_;
  node nothing_;                     // the properties of an object without any
  std::vector<bool> named_;          // (nodes): has a rule
  std::vector<std::size_t> wanted_;  // schemas, in the order of their rules
  std::string text_;
};

}  // namespace multitudes::detail
