// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/judging/campaign.hpp>
#include <multitudes/report/progress.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace lab_run {

using namespace multitudes;

inline volatile std::sig_atomic_t interrupted = 0;

/// Control-C asks for an end where work can go on later; a second one ends at once.
inline void catch_interrupts() {
  for (const int signal : {SIGINT, SIGTERM}) {
    std::signal(signal, [](int which) {
      interrupted = 1;
      std::signal(which, SIG_DFL);
    });
  }
}

inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// One line for each seed of each claim, and below them one that moves.
class screen {
 public:
  explicit screen(const lab::run_kind& kind)
      : before_(std::string(kind.quick ? "quick " : "") + (kind.null_world ? "null " : "")) {}

  /// False where the campaign is to end.
  bool step(const lab::campaign_step& s) {
    using enum lab::campaign_step::kind;
    const std::string title = before_ + lab::title_of(*s.of) + ", seed " + std::to_string(s.seed);
    const std::string count = " [" + std::to_string(s.n_done) + "/" + std::to_string(s.n_all) + "]";
    left_ = s.seconds_left ? report::duration(*s.seconds_left) + " left" : std::string();
    switch (s.what) {
      case kept: line(title + ": kept from an earlier run" + count); break;
      case begins:
        if (s.why != nullptr) line(s.why->message());
        title_ = title;
        began_ = seconds();
        inside("begins", 0, 0);
        break;
      case done:
        line(title + ": " + report::duration(seconds() - began_) + count +
             (left_.empty() ? "" : ", " + left_));
        break;
      case failed: line(title + " FAILED: " + s.why->message()); break;
    }
    return interrupted == 0;
  }

  /// What goes on within a step; false where it is to stop.
  bool inside(std::string_view what, std::uint64_t done, std::uint64_t total) {
    const double now = seconds();
    if (now - shown_ < 0.5 && total != 0) return interrupted == 0;
    shown_ = now;
    std::string text = title_ + ": " + std::string(what);
    if (total != 0) text += " " + std::to_string(done) + "/" + std::to_string(total);
    text += ", " + report::duration(now - began_) + (left_.empty() ? "" : "; all: " + left_);
    moving_ = std::max(moving_, text.size());
    text.resize(moving_, ' ');
    std::fprintf(stderr, "\r%s", text.c_str());
    return interrupted == 0;
  }

  /// Takes the moving line away.
  void clear() {
    if (moving_ != 0) std::fprintf(stderr, "\r%s\r", std::string(moving_, ' ').c_str());
    moving_ = 0;
  }

 private:
  void line(const std::string& text) {
    clear();
    std::printf("%s\n", text.c_str());
    std::fflush(stdout);
  }

  std::string before_;
  std::string title_;
  std::string left_;
  double began_ = 0;
  double shown_ = 0;
  std::size_t moving_ = 0;
};

}  // namespace lab_run
