// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace multitudes::npc {

/// Finds where sentences end in a text that comes piece by piece, so that speech can begin before
/// an utterance is over. A sentence ends after `.` `!` `?` or an ellipsis when white space follows
/// (so that 3.14 is one), and after the full stops of Chinese and Japanese, Hindi, Arabic and Urdu,
/// Armenian and Ethiopic at once; closing quotes and brackets belong to it. Of "Mr. Smith" it makes
/// two.
class sentence_finder {
 public:
  /// Where in `text`, which goes on with what was given before, the first sentence ends: so many
  /// bytes belong to it; npos if none ends. What comes after them is to be given again.
  ///
  /// Shapes:  text: whole UTF-8 characters.
  std::size_t find_end(std::string_view text) noexcept {
    std::size_t at = 0;
    while (at < text.size()) {
      const std::size_t n = length_of(text[at]);
      const std::string_view c = text.substr(at, n);
      if (state_ != inside) {
        const bool closes = is_closer(c), goes_on = is_stop(c) || is_full_stop(c);
        if (!closes && !goes_on && (state_ == stopped_fully || is_space(c))) {
          state_ = inside;
          return at;
        }
        if (!closes) state_ = inside;
      }
      if (is_full_stop(c))
        state_ = stopped_fully;
      else if (is_stop(c) && state_ == inside)
        state_ = stopped;
      at += n;
    }
    return std::string_view::npos;
  }
  /// Nothing of a sentence has been given.
  void restart() noexcept { state_ = inside; }

 private:
  enum state : std::uint8_t { inside, stopped, stopped_fully };

  static std::size_t length_of(char first) noexcept {
    const auto b = static_cast<unsigned char>(first);
    return b < 0x80 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
  }
  template <std::size_t N>
  static bool is_one_of(std::string_view c, const std::string_view (&all)[N]) noexcept {
    for (const std::string_view a : all) {
      if (a == c) return true;
    }
    return false;
  }
  static bool is_space(std::string_view c) noexcept {
    static constexpr std::string_view all[] = {" ", "\n", "\t", "\r", "\xC2\xA0"};
    return is_one_of(c, all);
  }
  static bool is_stop(std::string_view c) noexcept {
    static constexpr std::string_view all[] = {".", "!", "?", "\xE2\x80\xA6"};
    return is_one_of(c, all);
  }
  static bool is_full_stop(std::string_view c) noexcept {
    static constexpr std::string_view all[] = {
        "\xE3\x80\x82",  // ideographic full stop
        "\xEF\xBC\x81",  // full-width exclamation mark
        "\xEF\xBC\x9F",  // full-width question mark
        "\xE0\xA5\xA4",  // danda
        "\xE0\xA5\xA5",  // double danda
        "\xD8\x9F",      // Arabic question mark
        "\xDB\x94",      // Arabic full stop
        "\xD6\x89",      // Armenian full stop
        "\xE1\x8D\xA2",  // Ethiopic full stop
    };
    return is_one_of(c, all);
  }
  static bool is_closer(std::string_view c) noexcept {
    static constexpr std::string_view all[] = {"\"",
                                               "'",
                                               ")",
                                               "]",
                                               "\xE2\x80\x9D",
                                               "\xE2\x80\x99",
                                               "\xC2\xBB",
                                               "\xE3\x80\x8D",
                                               "\xE3\x80\x8F",
                                               "\xEF\xBC\x89"};
    return is_one_of(c, all);
  }

  state state_ = inside;
};

}  // namespace multitudes::npc
