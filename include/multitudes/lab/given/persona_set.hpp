// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/format/file_bytes.hpp>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// Somebody whom a given model may know, as texts show them.
struct described_persona {
  std::string label;
  std::optional<double> count{};  ///< how often they occur, by any proxy; relative
  std::vector<std::string> texts{};
  std::vector<std::string> held_out{};  ///< what is judged; never shown
};

/// What a model is asked about: personas, and what they are compared with.
struct persona_set {
  std::vector<std::string>
      introductions;  ///< "{}" stands for the label; the first is the usual one
  std::vector<described_persona> personas;
  std::vector<std::string> neutral;  ///< texts by nobody in particular, as controls
  std::vector<std::string> prompts;  ///< as the tuned model expects them, with its marks

  /// An introduction with a label in it.
  [[nodiscard]] std::string introduce(std::size_t introduction, std::size_t persona) const {
    std::string text = introductions[introduction];
    return text.replace(text.find("{}"), 2, personas[persona].label);
  }
};

/// What a set must hold for its measures to have intervals, and what it may hold.
struct persona_set_limits {
  std::size_t least_personas = 2;
  std::size_t most_personas = 64;
  std::size_t least_texts = 2;  ///< of a persona, and as many held out
  std::size_t most_texts = 64;
  std::size_t most_line_bytes = 1 << 14;
  std::size_t most_file_bytes = 1 << 22;
};

namespace detail {

/// Reads the lines of a file of personas.
class persona_set_parser {
 public:
  persona_set_parser(std::string_view name, const persona_set_limits& limits)
      : name_(name), limits_(limits) {}

  expected<persona_set> parse(std::string_view rest) {
    if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
    while (!rest.empty()) {
      ++line_;
      const std::size_t end = rest.find('\n');
      std::string_view line = rest.substr(0, end);
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.find_first_not_of(" \t") == std::string_view::npos || line.front() == '#') continue;
      if (auto ok = read_line(line); !ok) return forward_error(ok);
    }
    if (auto ok = check(); !ok) return forward_error(ok);
    return std::move(set_);
  }

 private:
  [[nodiscard]] unexpected<error> bad(std::string found, std::string wanted) const {
    return fail({.code = errc::malformed,
                 .operation = "read personas",
                 .place = name_ + ", line " + std::to_string(line_),
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = {}});
  }

  expected<void> read_line(std::string_view line) {
    if (line.size() > limits_.most_line_bytes) {
      return bad(std::to_string(line.size()) + " bytes",
                 "at most " + std::to_string(limits_.most_line_bytes));
    }
    const std::size_t colon = line.find(':');
    const std::string_view key = line.substr(0, colon);
    if (colon == std::string_view::npos || !is_known(key)) {
      return bad("a line without a known key",
                 "introduction:, persona:, count:, text:, held-out:, neutral: or prompt:");
    }
    std::string_view raw = line.substr(colon + 1);
    if (raw.starts_with(' ')) raw.remove_prefix(1);
    auto value = unescaped(raw);
    if (!value) return forward_error(value);
    if (value->find_first_not_of(" \t\n") == std::string::npos) {
      return bad("nothing after " + std::string(key) + ":", "a text");
    }
    return put(key, *std::move(value));
  }

  static bool is_known(std::string_view key) {
    for (const std::string_view known :
         {"introduction", "persona", "count", "text", "held-out", "neutral", "prompt"}) {
      if (key == known) return true;
    }
    return false;
  }

  /// `\n` is a line break and `\\` a backslash.
  expected<std::string> unescaped(std::string_view raw) const {
    std::string text;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] == '\0') return bad("a zero byte", "text");
      if (raw[i] != '\\') {
        text += raw[i];
        continue;
      }
      const char next = i + 1 < raw.size() ? raw[i + 1] : '\0';
      if (next != 'n' && next != '\\') return bad("a lone backslash", "\\n or \\\\");
      text += next == 'n' ? '\n' : '\\';
      ++i;
    }
    return text;
  }

  expected<void> put(std::string_view key, std::string value) {
    if (key == "introduction") {
      const std::size_t at = value.find("{}");
      if (at == std::string::npos || value.find("{}", at + 2) != std::string::npos) {
        return bad("an introduction without one {}", "{} where the label stands, once");
      }
      return add(set_.introductions, std::move(value));
    }
    if (key == "neutral") return add(set_.neutral, std::move(value));
    if (key == "prompt") return add(set_.prompts, std::move(value));
    if (key == "persona") {
      if (set_.personas.size() == limits_.most_personas) {
        return bad("one persona more", "at most " + std::to_string(limits_.most_personas));
      }
      for (const described_persona& p : set_.personas) {
        if (p.label == value) return bad("persona " + value + " a second time", "another label");
      }
      set_.personas.push_back({.label = std::move(value)});
      return {};
    }
    if (set_.personas.empty()) return bad(std::string(key) + ":", "persona: before it");
    described_persona& now = set_.personas.back();
    if (key == "text") return add(now.texts, std::move(value));
    if (key == "held-out") return add(now.held_out, std::move(value));
    double count = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), count);
    if (read.ec != std::errc{} || read.ptr != value.data() + value.size() ||
        !std::isfinite(count) || !(count > 0)) {
      return bad("count: " + value, "a positive number");
    }
    now.count = count;
    return {};
  }

  expected<void> add(std::vector<std::string>& to, std::string value) {
    if (to.size() == limits_.most_texts) {
      return bad("one more of a kind", "at most " + std::to_string(limits_.most_texts));
    }
    to.push_back(std::move(value));
    return {};
  }

  [[nodiscard]] expected<void> check() const {
    if (set_.introductions.empty()) return bad("no introduction:", "at least one");
    if (set_.personas.size() < limits_.least_personas) {
      return bad(std::to_string(set_.personas.size()) + " personas",
                 "at least " + std::to_string(limits_.least_personas));
    }
    for (const described_persona& p : set_.personas) {
      if (p.texts.size() < limits_.least_texts || p.held_out.size() < limits_.least_texts) {
        return bad("persona " + p.label + " with " + std::to_string(p.texts.size()) +
                       " texts and " + std::to_string(p.held_out.size()) + " held out",
                   "at least " + std::to_string(limits_.least_texts) + " of each");
      }
      for (const std::string& text : p.held_out) {
        for (const std::string& shown : p.texts) {
          if (text == shown)
            return bad("a held-out text of " + p.label + " that is shown too", "texts that differ");
        }
      }
    }
    if (set_.neutral.size() < limits_.least_texts) {
      return bad(std::to_string(set_.neutral.size()) + " neutral texts",
                 "at least " + std::to_string(limits_.least_texts) + ", as controls");
    }
    return {};
  }

  std::string name_;
  persona_set_limits limits_;
  std::size_t line_ = 0;
  persona_set set_;
};

}  // namespace detail

/// Reads personas: lines `key: value`, with `\n` for a line break inside of a value; empty lines
/// and those that begin with `#` say nothing. `introduction:`, `neutral:` and `prompt:` may stand
/// anywhere; `persona:` begins one, and `count:`, `text:` and `held-out:` are of the last.
///
/// Errors:  malformed, naming the line: an unknown key, an empty value, a label twice, a text that
///          is shown and held out, what lies outside of the limits.
inline expected<persona_set> parse_persona_set(std::string_view text, std::string_view name,
                                               const persona_set_limits& limits = {}) {
  return detail::persona_set_parser(name, limits).parse(text);
}

/// Reads a file of personas.
///
/// Errors:  those of file_bytes::read and parse_persona_set; malformed for a file that is too long.
inline expected<persona_set> load_persona_set(const std::string& path,
                                              const persona_set_limits& limits = {}) {
  auto file = file_bytes::map(path);
  if (!file) return forward_error(file);
  const auto bytes = file->bytes();
  if (bytes.size() > limits.most_file_bytes) {
    return fail({.code = errc::malformed,
                 .operation = "read personas",
                 .place = path,
                 .found = std::to_string(bytes.size()) + " bytes",
                 .expected = "at most " + std::to_string(limits.most_file_bytes),
                 .remedy = "leave texts out"});
  }
  return parse_persona_set({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path,
                           limits);
}

}  // namespace multitudes::lab
