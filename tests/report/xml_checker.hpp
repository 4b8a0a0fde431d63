// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes_test {

/// What is wrong with a document, or nothing: a strict reader of the little XML that charts use
/// (elements, quoted attributes, the five named entities and `&#39;`).
inline std::string xml_fault(std::string_view text) {
  std::vector<std::string> open;
  std::size_t n_roots = 0;
  const auto entity_fault = [](std::string_view part) {
    for (std::size_t at = part.find('&'); at != std::string_view::npos;
         at = part.find('&', at + 1)) {
      bool known = false;
      for (const std::string_view name : {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"}) {
        known = known || part.substr(at, name.size()) == name;
      }
      if (!known) return true;
    }
    return false;
  };
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 && c != '\n' && c != '\t' && c != '\r') return "control character";
  }
  while (!text.empty()) {
    const std::size_t tag = text.find('<');
    const std::string_view between = text.substr(0, tag);
    if (entity_fault(between)) return "bare & in text";
    if (between.find('>') != std::string_view::npos) return "bare > in text";
    if (open.empty() && between.find_first_not_of(" \n") != std::string_view::npos) {
      return "text outside of the root";
    }
    if (tag == std::string_view::npos) break;
    text.remove_prefix(tag + 1);
    std::size_t end = 0;
    for (bool quoted = false; end < text.size() && (quoted || text[end] != '>'); ++end) {
      if (text[end] == '<') return "< within a tag";
      if (text[end] == '"') quoted = !quoted;
    }
    if (end == text.size()) return "a tag without end";
    std::string_view inside = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (entity_fault(inside)) return "bare & in an attribute";
    if (inside.starts_with('/')) {
      inside.remove_prefix(1);
      if (open.empty() || open.back() != inside) return "unexpected </" + std::string(inside);
      open.pop_back();
      continue;
    }
    const bool closes_itself = inside.ends_with('/');
    if (closes_itself) inside.remove_suffix(1);
    const std::string name(inside.substr(0, inside.find_first_of(" \n")));
    inside.remove_prefix(name.size());
    std::vector<std::string> seen;
    while (!inside.empty()) {
      if (inside.front() != ' ') return "no space before an attribute of " + name;
      inside.remove_prefix(1);
      const std::size_t equals = inside.find("=\"");
      if (equals == std::string_view::npos) return "attribute without a value in " + name;
      const std::string key(inside.substr(0, equals));
      for (const std::string& other : seen) {
        if (other == key) return "attribute " + key + " twice in " + name;
      }
      seen.push_back(key);
      const std::size_t close = inside.find('"', equals + 2);
      if (close == std::string_view::npos) return "value without end in " + name;
      inside.remove_prefix(close + 1);
    }
    if (open.empty()) ++n_roots;
    if (!closes_itself) open.push_back(name);
  }
  if (!open.empty()) return "unclosed <" + open.back() + ">";
  return n_roots == 1 ? "" : "not one root";
}

inline std::size_t count(std::string_view text, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + part.size())) {
    ++n;
  }
  return n;
}

}  // namespace multitudes_test
