// SPDX-License-Identifier: MIT
#pragma once

#include "document.hpp"
#include "plain_text.hpp"

#include <multitudes/core/expected.hpp>
#include <multitudes/format/file_bytes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corpus {

enum class spelling : std::uint8_t { british, american };

/// What stays the same throughout one generated document.
struct scene {
  corpus::spelling spelling = corpus::spelling::british;
  std::map<std::string, std::string, std::less<>> bound{};  ///< `{@key}`; also kept choices
  std::map<const void*, std::uint64_t> used{};  ///< by list: the alternatives that were taken
};

/// Lists of phrases that refer to each other, read from plain text:
///
///     [weather]
///     it was a <grey|gray> morning in {season}
///     a(n) {adjective} wind blew from the {side}
///
/// `[name]` begins a list; each further line is one alternative, all equally likely, none taken
/// twice in a scene while others are left. In a line
///     {list}  {^list}     is an alternative of that list; the second with a large first letter
///     {list:2}            the second of its forms, which a line separates by `/`: `goose/geese`
///     {list#x}            the same choice wherever the scene has `#x`
///     {@key}  {talk.@key} a value bound by the program; beside a dot, part of a list's name
///     (one|other|)        one of these, maybe nothing
///     <British|American>  by the scene's spelling
///     a(n)                the article that fits what follows
///     \n                  the end of a line
class grammar {
 public:
  /// Adds the lists of a file.
  ///
  /// Errors:  io_failure; malformed for a line before the first list.
  multitudes::expected<void> read(const std::string& path) {
    const auto file = multitudes::file_bytes::read(path);
    if (!file) return multitudes::fail(file.error());
    const auto bytes = file->bytes();
    return add({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
  }

  multitudes::expected<void> add(std::string_view text, const std::string& place = "grammar") {
    std::vector<std::string>* list = nullptr;
    std::size_t number = 0;
    for (std::string_view line : detail::lines_of(text)) {
      ++number;
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.empty() || line.front() == '#') continue;
      if (line.front() == '[' && line.back() == ']') {
        list = &lists_[std::string(line.substr(1, line.size() - 2))];
      } else if (list != nullptr) {
        list->emplace_back(line);
      } else {
        return multitudes::fail({.code = multitudes::errc::malformed,
                                 .operation = "read grammar",
                                 .place = place + ", line " + std::to_string(number),
                                 .found = "a phrase outside any list",
                                 .expected = "[name] first",
                                 .remedy = {}});
      }
    }
    return {};
  }

  [[nodiscard]] bool contains(std::string_view name) const {
    const auto list = lists_.find(name);
    return list != lists_.end() && !list->second.empty();
  }
  /// The alternatives of a list as they stand in the file; none if there is no such list.
  [[nodiscard]] const std::vector<std::string>& list(std::string_view name) const {
    static const std::vector<std::string> none;
    const auto found = lists_.find(name);
    return found != lists_.end() ? found->second : none;
  }

  /// A phrase with all its references replaced. A reference to a list that does not exist stays
  /// in the text as it is, braces and all, where a reader and a test will find it.
  [[nodiscard]] std::string expand(std::string_view phrase, scene& now, philox& random) const {
    return with_articles(expand(phrase, now, random, 0));
  }

 private:
  // No list of ours nests deeper; one that refers to itself must end, too.
  static constexpr int max_depth = 24;

  [[nodiscard]] std::string expand(std::string_view phrase, scene& now, philox& random,
                                   int depth) const {
    std::string result;
    for (std::size_t i = 0; i < phrase.size(); ++i) {
      const char c = phrase[i];
      if (c == '\\' && phrase.substr(i + 1).starts_with('n')) {
        result += '\n';
        ++i;
        continue;
      }
      const bool article = c == '(' && phrase.substr(i).starts_with("(n)");
      if (article || (c != '{' && c != '(' && c != '<')) {
        result += c;
        continue;
      }
      const std::size_t end = closing(phrase, i);
      const std::string_view inside = phrase.substr(i + 1, end - i - 1);
      if (c == '{') {
        result += depth < max_depth ? reference(inside, now, random, depth) : std::string();
      } else {
        const auto options = alternatives(inside);
        const std::size_t chosen = c == '<'
                                       ? static_cast<std::size_t>(now.spelling)
                                       : random.below(static_cast<std::uint32_t>(options.size()));
        result += expand(options[chosen < options.size() ? chosen : 0], now, random, depth);
      }
      i = end;
    }
    return result;
  }

  [[nodiscard]] std::string reference(std::string_view inside, scene& now, philox& random,
                                      int depth) const {
    const std::string whole(inside);
    const bool large = inside.starts_with('^');
    if (large) inside.remove_prefix(1);
    std::size_t form = 0;
    // What a program binds may hold any sign, so it is taken apart only on request.
    bool whole_value = inside.starts_with('@') && inside.find('.') == std::string_view::npos;
    if (const std::size_t colon = inside.rfind(':'); colon != std::string_view::npos) {
      form = static_cast<std::size_t>(inside.back() - '1');
      whole_value = false;
      inside = inside.substr(0, colon);
    }
    std::string value;
    if (inside.starts_with('@') && inside.find('.') == std::string_view::npos) {
      const auto bound = now.bound.find(inside.substr(1));
      if (bound == now.bound.end()) return "{" + whole + "}";
      value = bound->second;
    } else {
      std::string name(inside.substr(0, inside.find('#')));
      if (const std::size_t at = name.find('@'); at != std::string::npos) {
        const std::size_t end = std::min(name.find('.', at), name.size());
        const auto bound = now.bound.find(name.substr(at + 1, end - at - 1));
        if (bound != now.bound.end()) name.replace(at, end - at, bound->second);
      }
      if (!contains(name)) return "{" + whole + "}";
      const bool kept = inside.find('#') != std::string_view::npos;
      const auto found = kept ? now.bound.find(inside) : now.bound.end();
      if (found != now.bound.end()) {
        value = found->second;
      } else {
        value = expand(choose(lists_.find(name)->second, now, random), now, random, depth + 1);
        if (kept) now.bound[std::string(inside)] = value;
      }
    }
    if (!whole_value) value = form_of(value, form);
    return large ? capitalized(value) : value;
  }

  static const std::string& choose(const std::vector<std::string>& list, scene& now,
                                   philox& random) {
    std::uint64_t& used = now.used[&list];
    std::size_t chosen = 0;
    for (int attempt = 0; attempt < 6; ++attempt) {
      chosen = random.below(static_cast<std::uint32_t>(list.size()));
      if ((used >> (chosen % 64) & 1) == 0) break;
    }
    used |= std::uint64_t{1} << (chosen % 64);
    return list[chosen];
  }

  static std::string form_of(std::string_view value, std::size_t form) {
    while (form > 0 && value.find('/') != std::string_view::npos) {
      value.remove_prefix(value.find('/') + 1);
      --form;
    }
    return std::string(value.substr(0, value.find('/')));
  }

  /// Where the bracket that opens at `from` closes.
  static std::size_t closing(std::string_view phrase, std::size_t from) {
    const char open = phrase[from];
    const char close = open == '{' ? '}' : open == '(' ? ')' : '>';
    int depth = 0;
    for (std::size_t i = from; i < phrase.size(); ++i) {
      if (phrase[i] == open) ++depth;
      if (phrase[i] == close && --depth == 0) return i;
    }
    return phrase.size() - 1;
  }

  static std::vector<std::string_view> alternatives(std::string_view inside) {
    std::vector<std::string_view> result;
    int depth = 0;
    std::size_t from = 0;
    for (std::size_t i = 0; i <= inside.size(); ++i) {
      if (i == inside.size() || (inside[i] == '|' && depth == 0)) {
        result.push_back(inside.substr(from, i - from));
        from = i + 1;
      } else if (inside[i] == '(' || inside[i] == '<' || inside[i] == '{') {
        ++depth;
      } else if (inside[i] == ')' || inside[i] == '>' || inside[i] == '}') {
        --depth;
      }
    }
    return result;
  }

  static std::string with_articles(std::string_view text) {
    std::string result;
    for (;;) {
      const std::size_t at = text.find("(n)");
      result += text.substr(0, at);
      if (at == std::string_view::npos) return result;
      text.remove_prefix(at + 3);
      std::string_view word = text;
      while (word.starts_with(' ') || word.starts_with('"')) word.remove_prefix(1);
      bool vowel =
          !word.empty() && std::string_view("aeiouAEIOU").find(word[0]) != std::string_view::npos;
      for (const std::string_view mute : {"hour", "honest", "hono", "heir"}) {
        vowel = vowel || word.starts_with(mute);
      }
      for (const std::string_view sounded : {"one", "once", "uni", "use", "usual", "eu"}) {
        vowel = vowel && !word.starts_with(sounded);
      }
      if (vowel) result += 'n';
    }
  }

  std::map<std::string, std::vector<std::string>, std::less<>> lists_;
};

}  // namespace corpus
