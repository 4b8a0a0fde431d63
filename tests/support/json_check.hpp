// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/text/utf8.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes_test {

/// A JSON value, read by the plainest parser there is: it recurses.
struct json_value {
  char kind = '0';               // { [ " 0 (number) t (true, false) n (null)
  std::string raw;               // as it is written
  std::size_t n_characters = 0;  // of a string
  std::vector<json_value> items;
  std::vector<std::string> names;  // raw, with their quotation marks

  [[nodiscard]] const json_value* find(std::string_view name) const {
    const std::string wanted = '"' + std::string(name) + '"';
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i] == wanted) return &items[i];
    }
    return nullptr;
  }
  [[nodiscard]] std::string text() const { return raw.substr(1, raw.size() - 2); }
};

/// Reads JSON. `tight`: with no white space but at most one space after each ':' and ','.
class json_parser {
 public:
  static std::optional<json_value> read(std::string_view text, bool tight) {
    json_parser p(text, tight);
    auto value = p.value();
    p.space(false);
    if (!value || p.at_ != text.size()) return std::nullopt;
    return value;
  }

 private:
  json_parser(std::string_view text, bool tight) : text_(text), tight_(tight) {}

  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void space(bool one_allowed) {
    if (tight_) {
      if (one_allowed) take(' ');
      return;
    }
    while (peek() == ' ' || peek() == '\n') ++at_;
  }
  std::size_t digits() {
    const std::size_t start = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ - start;
  }

  std::optional<json_value> value() {
    space(false);
    const std::size_t start = at_;
    json_value v;
    v.kind = peek();
    bool good = false;
    if (v.kind == '{' || v.kind == '[') {
      good = container(v);
    } else if (v.kind == '"') {
      good = string(v);
    } else if (v.kind == 't' || v.kind == 'f' || v.kind == 'n') {
      for (const std::string_view word : {"true", "false", "null"}) {
        if (good || !text_.substr(at_).starts_with(word)) continue;
        at_ += word.size();
        good = true;
      }
      if (v.kind == 'f') v.kind = 't';
    } else {
      v.kind = '0';
      good = number();
    }
    if (!good) return std::nullopt;
    v.raw = text_.substr(start, at_ - start);
    return v;
  }
  bool container(json_value& v) {
    const char closing = v.kind == '{' ? '}' : ']';
    ++at_;
    space(false);
    if (take(closing)) return true;
    do {
      space(!v.items.empty());
      if (v.kind == '{') {
        json_value name;
        const std::size_t start = at_;
        if (peek() != '"' || !string(name)) return false;
        v.names.emplace_back(text_.substr(start, at_ - start));
        space(false);
        if (!take(':')) return false;
        space(true);
      }
      auto item = value();
      if (!item) return false;
      v.items.push_back(*std::move(item));
      space(false);
    } while (take(','));
    return take(closing);
  }
  bool string(json_value& v) {
    for (++at_; peek() != '"'; ++v.n_characters) {
      const auto c =
          multitudes::text::decode_character(at_ < text_.size() ? text_.substr(at_) : "\xFF");
      if (!c.valid || c.code < 0x20) return false;
      at_ += c.size;
      if (c.code != '\\') continue;
      const char e = peek();
      ++at_;
      if (e == 'u') {
        const auto high = hex4();
        if (!high || (*high >= 0xDC00 && *high < 0xE000)) return false;
        if (*high < 0xD800 || *high >= 0xDC00) continue;
        if (!take('\\') || !take('u')) return false;
        const auto low = hex4();
        if (!low || *low < 0xDC00 || *low >= 0xE000) return false;
      } else if (std::string_view("\"\\/bfnrt").find(e) == std::string_view::npos || e == '\0') {
        return false;
      }
    }
    ++at_;
    return true;
  }
  std::optional<unsigned> hex4() {
    const std::string four(text_.substr(std::min(at_, text_.size()), 4));
    if (four.size() < 4 || four.find_first_not_of("0123456789abcdefABCDEF") != four.npos) {
      return std::nullopt;
    }
    at_ += 4;
    return static_cast<unsigned>(std::stoul(four, nullptr, 16));
  }
  bool number() {
    take('-');
    const bool zero = peek() == '0';
    const std::size_t n = digits();
    if (n == 0 || n > 16 || (zero && n > 1)) return false;
    if (take('.')) {
      const std::size_t m = digits();
      if (m == 0 || m > 16) return false;
    }
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      const std::size_t m = digits();
      if (m == 0 || m > 2) return false;
    }
    return true;
  }

  std::string_view text_;
  bool tight_;
  std::size_t at_ = 0;
};

/// The value follows the schema: what JSON Schema says of our keywords, with properties in order
/// and none besides.
inline bool follows(const json_value& v, const json_value& schema, const json_value& root) {
  if (schema.kind == 't') return schema.raw == "true";
  if (const auto* ref = schema.find("$ref")) {
    const std::string path = ref->text();
    if (path == "#") return follows(v, root, root);
    const bool old = path.starts_with("#/definitions/");
    const auto* list = root.find(old ? "definitions" : "$defs");
    return follows(v, *list->find(path.substr(path.rfind('/') + 1)), root);
  }
  const auto is_type = [&](const json_value& type) {
    const std::string t = type.text();
    return (t == "object" && v.kind == '{') || (t == "array" && v.kind == '[') ||
           (t == "string" && v.kind == '"') || (t == "null" && v.kind == 'n') ||
           (t == "boolean" && v.kind == 't') || (t == "number" && v.kind == '0') ||
           (t == "integer" && v.kind == '0' && v.raw.find_first_of(".eE") == std::string::npos);
  };
  const auto any = [](const std::vector<json_value>& of, auto&& good) {
    return std::any_of(of.begin(), of.end(), good);
  };
  if (const auto* type = schema.find("type")) {
    if (type->kind == '[' ? !any(type->items, is_type) : !is_type(*type)) return false;
  }
  if (const auto* ways = schema.find("anyOf")) {
    return any(ways->items, [&](const json_value& way) { return follows(v, way, root); });
  }
  const auto same = [&](const json_value& wanted) { return wanted.raw == v.raw; };
  if (const auto* wanted = schema.find("const"); wanted && !same(*wanted)) return false;
  if (const auto* list = schema.find("enum"); list && !any(list->items, same)) return false;
  const auto between = [&](std::size_t n, const char* least, const char* most) {
    const auto* a = schema.find(least);
    const auto* b = schema.find(most);
    return (!a || n >= std::stoul(a->raw)) && (!b || n <= std::stoul(b->raw));
  };
  if (v.kind == '"' && !between(v.n_characters, "minLength", "maxLength")) return false;
  if (v.kind == '[') {
    const auto* item = schema.find("items");
    for (const json_value& i : v.items) {
      if (item && !follows(i, *item, root)) return false;
    }
    return between(v.items.size(), "minItems", "maxItems");
  }
  if (v.kind == '{' && schema.find("type") && !schema.find("const") && !schema.find("enum")) {
    const auto* properties = schema.find("properties");
    std::size_t next = 0;  // in the order of the schema
    for (std::size_t i = 0; i < v.items.size(); ++i) {
      if (!properties) return false;
      const auto& names = properties->names;
      const auto found =
          std::find(names.begin() + static_cast<std::ptrdiff_t>(next), names.end(), v.names[i]);
      if (found == names.end()) return false;
      next = static_cast<std::size_t>(found - names.begin()) + 1;
      if (!follows(v.items[i], properties->items[next - 1], root)) return false;
    }
    if (const auto* required = schema.find("required")) {
      for (const json_value& name : required->items) {
        if (std::find(v.names.begin(), v.names.end(), name.raw) == v.names.end()) return false;
      }
    }
  }
  return true;
}

}  // namespace multitudes_test
