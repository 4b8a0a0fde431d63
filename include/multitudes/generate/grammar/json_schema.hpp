// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/format/json.hpp>
#include <multitudes/format/json_tree.hpp>
#include <multitudes/generate/grammar/detail/schema_writer.hpp>
#include <multitudes/generate/grammar/grammar.hpp>

#include <string>
#include <string_view>

namespace multitudes {

/// The grammar, as GBNF, of the JSON texts that follow a schema. Each schema in it becomes a rule.
///
///   type                one of object, array, string, number, integer, boolean, null, or a list
///   properties          object: in this order; none but these (additionalProperties is false, and
///                       may say so)
///   required            object: those that cannot be left out
///   items               array: what each item follows; without it, any value
///   minItems, maxItems, minLength, maxLength     up to 65,536; lengths in characters
///   enum, const         these values, as they are written there; alone, or with `type`
///   anyOf               one of these; alone
///   $ref                `#`, `#/$defs/name` or `#/definitions/name`; alone; recursion is fine
///   {} or true          any value
///   title, description, default, examples, deprecated, readOnly, writeOnly, $schema, $id,
///   $comment, $defs and definitions limit nothing
///
/// The texts have no white space but at most one space after each ':' and ','. Integers have up
/// to 16 digits, fractions up to 16, exponents up to 2, so that no number is out of reach.
///
/// Errors:  unsupported for any other keyword (such as pattern), by name and place, and for a
///          keyword that does not belong to the type; malformed for values of the wrong kind, and
///          for what is no JSON; not_found for what $ref or required cannot find.
/// Cost:    linear in the schema, but for looking up names (quadratic in those of one object).
inline expected<std::string> gbnf_from_json_schema(std::string_view schema) {
  auto tree = json::tree::read(schema, "schema");
  if (!tree) return forward_error(tree);
  auto rules = detail::schema_writer(*tree, "root", {}).write();
  if (rules) *rules += detail::json_rules;
  return rules;
}

/// The same as a part of a larger grammar: the rule `name`, and others whose names begin with
/// `name-`. They need the rules of `gbnf_of_json` beside them, once for all parts.
///
/// Shapes:  name: letters and digits; not "json".
/// Errors:  those of gbnf_from_json_schema.
inline expected<std::string> gbnf_part_from_json_schema(const json::tree& schema,
                                                        std::string_view name) {
  return detail::schema_writer(schema, std::string(name), std::string(name) + "-").write();
}
/// The rules json-value, json-object, json-array, json-string, json-number, json-integer,
/// json-boolean, json-comma and json-colon.
inline constexpr std::string_view gbnf_of_json() noexcept { return detail::json_rules; }

/// The same as a grammar.
///
/// Errors:  also those of grammar::parse: a schema that no finite value follows.
inline expected<grammar> grammar_from_json_schema(std::string_view schema) {
  auto text = gbnf_from_json_schema(schema);
  if (!text) return forward_error(text);
  return grammar::parse(*text);
}

}  // namespace multitudes
