// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/format/json.hpp>
#include <multitudes/format/json_tree.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::detail {

/// Which keywords a schema may have, and which together.
class schema_keywords {
 public:
  using node = json::tree::node;

  explicit schema_keywords(const json::tree& tree) : tree_(tree) {}

  [[nodiscard]] error at(std::size_t where, errc code, std::string found, std::string wanted,
                         std::string remedy = {}) const {
    return {.code = code,
            .operation = "json schema",
            .place = tree_.place(where),
            .found = std::move(found),
            .expected = std::move(wanted),
            .remedy = std::move(remedy)};
  }
  [[nodiscard]] expected<void> is_a(std::size_t where, json::tree::kind wanted,
                                    const char* name) const {
    if (tree_[where].what == wanted) return {};
    return fail(at(where, errc::malformed, "another kind of value", name));
  }

  /// The types that "type" names.
  [[nodiscard]] expected<std::vector<std::string_view>> type_names(std::size_t where) const {
    const node& t = tree_[where];
    std::vector<std::size_t> named{where};
    if (t.what == json::tree::array) named = t.items;
    std::vector<std::string_view> names;
    for (const std::size_t n : named) {
      const auto known = std::find(types.begin(), types.end(), tree_[n].text);
      if (tree_[n].what != json::tree::string || known == types.end()) {
        return fail(at(n, errc::malformed, detail::quoted(tree_[n].text),
                       "object, array, string, number, integer, boolean or null"));
      }
      if (std::find(names.begin(), names.end(), *known) != names.end()) {
        return fail(at(n, errc::malformed, detail::quoted(*known) + " again", "each type once"));
      }
      names.push_back(*known);
    }
    if (names.empty()) return fail(at(where, errc::malformed, "no type", "one at least"));
    return names;
  }

  /// Errors:  unsupported for unknown keywords, those of another type, and those that must be
  /// alone.
  [[nodiscard]] expected<void> check(const node& s,
                                     const std::vector<std::string_view>& of_type) const {
    std::string_view alone;  // a keyword that allows no others
    for (const std::string_view keyword : {"$ref", "anyOf", "const", "enum"}) {
      if (s.find(keyword) != none && alone.empty()) alone = keyword;
    }
    for (std::size_t i = 0; i < s.names.size(); ++i) {
      const std::string& keyword = s.names[i];
      const auto concern = concern_of(keyword);
      if (!concern) {
        return fail(at(s.items[i], errc::unsupported, "the keyword " + detail::quoted(keyword),
                       "type, properties, required, items, minItems, maxItems, minLength, "
                       "maxLength, enum, const, anyOf or $ref",
                       "leave it out, or write the grammar yourself"));
      }
      if (concern->empty() || keyword == alone) continue;
      const bool lists_values = alone == "enum" || alone == "const";
      if (!alone.empty() && !(lists_values && keyword == "type")) {
        return fail(at(s.items[i], errc::unsupported,
                       detail::quoted(keyword) + " beside \"" + std::string(alone) + "\"",
                       "\"" + std::string(alone) + "\" on its own"));
      }
      if (*concern == "any") continue;
      if (std::find(of_type.begin(), of_type.end(), *concern) == of_type.end()) {
        return fail(at(s.items[i], errc::unsupported,
                       detail::quoted(keyword) + " without that type",
                       "\"type\": \"" + std::string(*concern) + "\" beside it"));
      }
    }
    return {};
  }

 private:
  static constexpr std::size_t none = json::tree::none;
  static constexpr std::array<std::string_view, 7> types{"object",  "array",   "string", "number",
                                                         "integer", "boolean", "null"};

  /// What a keyword is about: a type, "any" for what stands alone, "" for what limits nothing.
  static std::optional<std::string_view> concern_of(std::string_view keyword) {
    using entry = std::pair<std::string_view, std::string_view>;
    static constexpr std::array known{
        entry{"type", "any"},         entry{"enum", "any"},
        entry{"const", "any"},        entry{"anyOf", "any"},
        entry{"$ref", "any"},         entry{"properties", "object"},
        entry{"required", "object"},  entry{"additionalProperties", "object"},
        entry{"items", "array"},      entry{"minItems", "array"},
        entry{"maxItems", "array"},   entry{"minLength", "string"},
        entry{"maxLength", "string"}, entry{"title", ""},
        entry{"description", ""},     entry{"default", ""},
        entry{"examples", ""},        entry{"deprecated", ""},
        entry{"readOnly", ""},        entry{"writeOnly", ""},
        entry{"$schema", ""},         entry{"$id", ""},
        entry{"$comment", ""},        entry{"$defs", ""},
        entry{"definitions", ""},
    };
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const entry& e) { return e.first == keyword; });
    if (found == known.end()) return std::nullopt;
    return found->second;
  }

  const json::tree& tree_;
};

}  // namespace multitudes::detail
