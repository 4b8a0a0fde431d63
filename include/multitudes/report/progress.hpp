// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/report/number.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace multitudes::report {

/// A span of time for people: `0.4 s`, `2 min 05 s`, `3 h 07 min`; `over 99 h` from there on.
/// What is negative or not a number is `0.0 s`.
inline std::string duration(double seconds) {
  const auto two_digits = [](std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  if (!(seconds > 0)) return "0.0 s";
  if (seconds < 59.95) return fixed(seconds, 1) + " s";
  if (seconds >= 359999.5) return "over 99 h";  // would round to 100 h
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole < 3600) return std::to_string(whole / 60) + " min " + two_digits(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + two_digits(whole / 60 % 60) + " min";
}

/// Words for work that takes longer than a second. It neither prints nor reads a clock: the caller
/// brings the time and shows the line, behind a carriage return where it replaces the last one.
class progress {
 public:
  static constexpr int bar_width = 20;

  /// `interval` is how many seconds to leave between two lines.
  explicit progress(std::string_view label, std::uint64_t total, double interval = 0.1)
      : label_(label), total_(total), interval_(interval) {}

  /// True where a line should be shown at this time, at most once in each interval. The first
  /// call is true; times come from one clock, in seconds.
  [[nodiscard]] bool due(double now) noexcept {
    const bool waited = !started_ || !(now - last_ < interval_);
    if (waited) last_ = now;
    started_ = true;
    return waited;
  }

  /// For example `learning  [##########..........]  52%  12/23  1.2 s left`; at the end, the time
  /// that it took. All lines of one object are equally long, so that each covers the last. The
  /// time left assumes that what is to come is as fast as what is done; more than all is all.
  [[nodiscard]] std::string line(std::uint64_t done, double elapsed_seconds) const {
    const bool complete = done >= total_;
    const double share = complete ? 1 : static_cast<double>(done) / static_cast<double>(total_);
    const int percent = complete ? 100 : std::min(99, static_cast<int>(share * 100));
    const int filled =
        complete ? bar_width : std::min(bar_width - 1, static_cast<int>(share * bar_width));

    std::string text = label_ + "  [";
    text.append(static_cast<std::size_t>(filled), '#');
    text.append(static_cast<std::size_t>(bar_width - filled), '.');
    text += "]  " + right(std::to_string(percent), 3) + "%  ";
    const std::string total = std::to_string(total_);
    text += right(std::to_string(std::min(done, total_)), total.size()) + "/" + total + "  ";

    std::string time;
    if (complete) {
      time = duration(elapsed_seconds);
    } else if (done > 0) {
      time = duration(elapsed_seconds * (1 - share) / share) + " left";
    }
    time.resize(longest_time, ' ');
    return text + time;
  }

 private:
  static constexpr std::size_t longest_time = std::string_view("99 h 59 min left").size();

  static std::string right(const std::string& text, std::size_t width) {
    return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
  }

  std::string label_;
  std::uint64_t total_;
  double interval_;
  double last_ = 0;
  bool started_ = false;
};

}  // namespace multitudes::report
