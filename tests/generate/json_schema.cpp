// SPDX-License-Identifier: MIT
// JSON schemas as grammars, against a parser and a validator that know nothing of grammars.
#include "../support/grammar_comparison.hpp"
#include "../support/json_check.hpp"

#include <multitudes/generate/grammar/json_schema.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

namespace mt = multitudes;

namespace {

struct schema_sample {
  const char* schema;
  std::vector<std::string> pieces;
  std::size_t longest;  // in pieces
};

// Values of enum and const are compared as they are written: so they are without white space.
const std::vector<schema_sample> schema_samples{
    {R"({"type": "null"})", {"n", "u", "l", "1"}, 5},
    {R"({"type": "boolean"})", {"t", "r", "u", "e", "f", "a", "ls"}, 5},
    {R"({"type": "integer"})", {"-", "0", "1", "."}, 6},
    {R"({"type": "number"})", {"-", "0", "1", ".", "e", "+"}, 6},
    {R"({"type": "number"})", {"1234567", "0", ".", "E", "-"}, 6},
    {R"({"type": "string"})", {"\"", "a", "\\", "n", "\n"}, 6},
    {R"({"type": "string"})", {"\"", "\\u", "00", "d8", "DC", "g"}, 7},
    {R"({"type": "string", "minLength": 1, "maxLength": 2})",
     {"\"", "a", "é", "\\n", "\\ud83d\\ude00"},
     5},
    {R"({"type": "string", "maxLength": 0})", {"\"", "a", " "}, 4},
    {R"({"type": "string", "minLength": 3})", {"\"", "a", "日"}, 6},
    {R"({"enum": ["a", "ab", 1, null]})", {"\"", "a", "b", "1", "null"}, 5},
    {R"({"enum": ["a\"b", "\\", "é"], "type": "string"})", {"\"", "a", "b", "\\", "é"}, 6},
    {R"({"const": {"a":[1,{}],"b":"x"}})", {"{\"a\":[1,", "{}", "]", ",\"b\":", "\"x\"", "}"}, 7},
    {R"({"type": "array", "const": [1,"a"]})", {"[", "1", ",", "\"", "a", "]"}, 7},
    {R"({"type": "array", "items": {"type": "integer"}})", {"[", "]", ",", "1", " "}, 7},
    {R"({"type": "array", "items": {"const": 1}, "minItems": 1, "maxItems": 2})",
     {"[", "]", ",", "1", " "},
     7},
    {R"({"type": "array", "items": {"const": 1}, "minItems": 2})", {"[", "]", ",", "1"}, 8},
    {R"({"type": "array", "items": {"const": 1}, "maxItems": 0})", {"[", "]", ",", "1"}, 5},
    {R"({"type": "array", "items": {"const": 1}, "maxItems": 3})", {"[", "]", ",", "1"}, 8},
    {R"({"type": "array"})", {"[", "]", "{", "}", ",", "\"\":", "1"}, 6},
    {R"({})", {"[", "]", "{", "}", ",", "\"\"", ":", "-1"}, 6},
    {R"(true)", {"[", "]", ",", "true", "\"", " "}, 6},
    {R"({"type": "array", "items": {"$ref": "#"}})", {"[", "]", ",", " "}, 8},
    {R"({"$defs": {"l": {"type": "array", "items": {"$ref": "#/$defs/l"}, "maxItems": 2}},
         "$ref": "#/$defs/l"})",
     {"[", "]", ",", " "},
     8},
    {R"({"anyOf": [{"type": "null"}, {"type": "array", "items": {"$ref": "#"}, "maxItems": 1}]})",
     {"[", "]", ",", "null"},
     7},
    {R"({"type": ["integer", "null", "array"], "items": {"const": 2}})",
     {"[", "]", ",", "null", "2"},
     6},
    {R"({"type": "object"})", {"{", "}", "\"a\"", ":", "1"}, 5},
    {R"({"type": "object", "properties": {"a": {"type": "integer"}}})",
     {"{", "}", "\"a\"", ":", "1", " "},
     6},
    {R"({"type": "object", "properties": {"a": {"const": 1}, "b": {"const": 2}},
         "required": ["b"], "additionalProperties": false})",
     {"{", "}", "\"a\":1", "\"b\":2", ",", " "},
     6},
    {R"({"type": "object", "required": ["a"],
         "properties": {"a": {"const": 1}, "b": {"const": 2}, "c": true}})",
     {"{", "}", "\"a\":1", "\"b\":2", "\"c\":3", ","},
     7},
    {R"({"type": "object", "properties": {"a": {"const": 1}, "b": {"const": 2}, "c": {}}})",
     {"{", "}", "\"a\":1", "\"b\":2", "\"c\":3", ", "},
     7},
    {R"({"type": "object", "required": ["c", "a"], "title": "t", "description": "d",
         "properties": {"a": {"const": 1}, "b": {"const": 2}, "c": {"const": 3}}})",
     {"{", "}", "\"a\":1", "\"b\":2", "\"c\":3", ","},
     7},
    {R"({"type": "object", "required": ["v"], "properties":
         {"v": {"type": "boolean"}, "next": {"$ref": "#"}}})",
     {"{\"v\":", "true", ",", "\"next\":", "}"},
     9},
    {R"({"definitions": {"n": {"type": "integer"}}, "type": "object",
         "properties": {"a/b~": {"$ref": "#/definitions/n"}}})",
     {"{", "}", "\"a/b~\"", ":", "1", ","},
     6},
    {R"({"anyOf": [{"const": "x"}, {"enum": [1, 2]}, {"type": "object", "properties":
         {"x": {"type": "null"}}}]})",
     {"\"x\"", "1", "2", "{", "}", ":", "null"},
     5},
    {R"({"type": "array", "items": {"anyOf": [{"type": "string", "maxLength": 1}, {"const": 0}]}})",
     {"[", "]", "\"", "a", "0", ","},
     7},
};

/// Every text of at most `left` pieces that is right, found by trying all.
void try_all(const schema_sample& s, const multitudes_test::json_value& schema,
             const std::string& text, std::size_t left, std::set<std::string>& right) {
  const auto value = multitudes_test::json_parser::read(text, true);
  if (value && multitudes_test::follows(*value, schema, schema)) right.insert(text);
  if (left == 0) return;
  for (const std::string& piece : s.pieces) try_all(s, schema, text + piece, left - 1, right);
}

}  // namespace

TEST_CASE("a schema's grammar accepts the values that follow it, and every beginning of them") {
  for (const schema_sample& s : schema_samples) {
    CAPTURE(std::string(s.schema));
    const auto g = mt::grammar_from_json_schema(s.schema);
    REQUIRE_MESSAGE(g.has_value(), g.error().message());
    auto m = mt::grammar_matcher::make(*g);
    REQUIRE(m.has_value());
    const auto schema = multitudes_test::json_parser::read(s.schema, false);
    REQUIRE(schema.has_value());
    std::set<std::string> right;
    try_all(s, *schema, {}, s.longest, right);
    CHECK(!right.empty());
    multitudes_test::grammar_comparison(*m, s.pieces, s.longest, right).run();
  }
}

TEST_CASE("what a schema says that is not supported is named, with its place") {
  struct wrong {
    const char* schema;
    mt::errc code;
    const char* place;
    const char* found;
  };
  const wrong all[] = {
      {R"({"type": "string", "pattern": "a+"})", mt::errc::unsupported, "#/pattern", "pattern"},
      {R"({"type": "integer", "minimum": 1})", mt::errc::unsupported, "#/minimum", "minimum"},
      {R"({"oneOf": [{}]})", mt::errc::unsupported, "#/oneOf", "oneOf"},
      {R"({"type": "object", "properties": {"x": {"allOf": []}}})", mt::errc::unsupported,
       "#/properties/x/allOf", "allOf"},
      {R"({"type": "array", "items": [{}]})", mt::errc::malformed, "#/items", "another kind"},
      {R"({"type": "text"})", mt::errc::malformed, "#/type", "text"},
      {R"({"type": ["string", "string"]})", mt::errc::malformed, "#/type/1", "string"},
      {R"({"type": []})", mt::errc::malformed, "#/type", "no type"},
      {R"({"properties": {}})", mt::errc::unsupported, "#/properties", "properties"},
      {R"({"type": "string", "minItems": 1})", mt::errc::unsupported, "#/minItems", "minItems"},
      {R"({"type": "string", "minLength": -1})", mt::errc::unsupported, "#/minLength", "-1"},
      {R"({"type": "string", "maxLength": 70000})", mt::errc::unsupported, "#/maxLength", "70000"},
      {R"({"type": "string", "minLength": 2, "maxLength": 1})", mt::errc::malformed, "#",
       "minLength"},
      {R"({"type": "object", "additionalProperties": true})", mt::errc::unsupported,
       "#/additionalProperties", "additional"},
      {R"({"type": "object", "properties": {"a": {}}, "required": ["b"]})", mt::errc::not_found,
       "#/required/0", "b"},
      {R"({"$ref": "#/$defs/a"})", mt::errc::not_found, "#/$ref", "#/$defs/a"},
      {R"({"$ref": "http://x/y"})", mt::errc::not_found, "#/$ref", "http"},
      {R"({"$ref": "#", "type": "null"})", mt::errc::unsupported, "#/type", "$ref"},
      {R"({"anyOf": []})", mt::errc::malformed, "#/anyOf", "no schema"},
      {R"({"enum": []})", mt::errc::malformed, "#/enum", "no value"},
      {R"({"enum": [1], "type": "string"})", mt::errc::malformed, "#/enum/0", "another type"},
      {R"({"enum": [1.5], "type": "integer"})", mt::errc::malformed, "#/enum/0", "another type"},
      {R"({"const": 1, "enum": [1]})", mt::errc::unsupported, "", "beside"},
      {R"(false)", mt::errc::malformed, "#", "another kind"},
      {R"({"type": "null", "type": "null"})", mt::errc::malformed, "schema, byte 23", "again"},
      {R"({"type": )", mt::errc::truncated, "schema, byte 9", "the end"},
      {R"({"type": "null"} 1)", mt::errc::malformed, "schema, byte 17", "1"},
      {R"({"$ref": "#"})", mt::errc::malformed, "rule \"root\"", "no finite text"},
  };
  for (const wrong& w : all) {
    CAPTURE(std::string(w.schema));
    const auto g = mt::grammar_from_json_schema(w.schema);
    REQUIRE(!g.has_value());
    CHECK(g.error().code == w.code);
    if (*w.place) CHECK(g.error().place == w.place);
    CHECK_MESSAGE(g.error().found.find(w.found) != std::string::npos, g.error().message());
    CHECK(!g.error().expected.empty());
  }
}

TEST_CASE("a schema that is deep, long or repeats itself is refused or read, and never hangs") {
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += R"({"type": "array", "items": )";
  CHECK(mt::grammar_from_json_schema(deep).error().code == mt::errc::unsupported);
  std::string wide = R"({"type": "object", "properties": {)";
  for (int i = 0; i < 500; ++i) {
    wide += (i > 0 ? ",\"p" : "\"p") + std::to_string(i) + R"(": {"type": "number"})";
  }
  wide += "}}";
  const auto g = mt::grammar_from_json_schema(wide);
  REQUIRE_MESSAGE(g.has_value(), g.error().message());
  auto m = mt::grammar_matcher::make(*g);
  REQUIRE(m.has_value());
  CHECK(*m->matches(R"({"p3":1, "p499":-2.5e3})"));
  CHECK(!*m->matches(R"({"p4":1, "p3":-2.5e3})"));
  CHECK(!*m->matches(R"({"p500":1})"));
}
