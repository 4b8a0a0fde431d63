// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace multitudes::steering {

/// Dials that a plan may listen to (see `dial`).
inline constexpr std::size_t max_dials = 4;

/// How much of an operator is in force over time: a dose from 0 to 1 for each token, a pure
/// function of how many tokens came before it since the plan began, and of the dials where it
/// listens to one. Made of stages, one after the other: `fade_in(8) | hold(32) | decay(16.0f)`.
/// Without stages the dose is 1 for ever.
class envelope {
 public:
  static constexpr std::size_t max_stages = 8;

  enum class stage_kind : std::uint8_t { fade_in, hold, decay, until, dial };
  struct stage {
    stage_kind what = stage_kind::hold;
    std::uint32_t n = 0;  ///< tokens; of dial, which one
    float half_life = 0;  ///< tokens; of decay
    friend constexpr bool operator==(const stage&, const stage&) = default;
  };

  constexpr envelope() = default;
  constexpr explicit envelope(stage s) noexcept : n_stages_(1) { stages_[0] = s; }

  /// The dose of the token that `age` tokens came before. Dials that are not given stand at 0.
  ///
  /// Cost:    a few operations for each stage.
  [[nodiscard]] float dose(std::uint32_t age, std::span<const float> dials = {}) const noexcept {
    double dose = 1;
    std::uint64_t starts = 0;
    for (std::size_t i = 0; i < std::min(n_stages_, max_stages); ++i) {
      const stage& s = stages_[i];
      const double t = age < starts ? 0.0 : static_cast<double>(age - starts);
      switch (s.what) {
        case stage_kind::fade_in:
          if (age < starts + s.n) dose *= (t + 1) / s.n;
          starts += s.n;
          break;
        case stage_kind::hold:
          starts += s.n;
          if (i + 1 == n_stages_ && age >= starts) return 0;
          break;
        case stage_kind::decay: dose *= std::exp2(-t / static_cast<double>(s.half_life)); break;
        case stage_kind::until:
          if (age >= s.n) return 0;
          break;
        case stage_kind::dial:
          if (s.n >= dials.size() || !(dials[s.n] > 0)) return 0;
          dose *= static_cast<double>(std::min(dials[s.n], 1.0f));
          break;
      }
    }
    return static_cast<float>(dose);
  }

  /// Errors:  invalid_argument for more than max_stages stages, a stage of no tokens, a dial that
  ///          there is not, or a half life that is not positive and finite.
  [[nodiscard]] expected<void> check() const {
    const auto bad = [](std::string place, std::string found, std::string wanted) {
      return fail({.code = errc::invalid_argument,
                   .operation = "compile plan",
                   .place = "envelope, " + std::move(place),
                   .found = std::move(found),
                   .expected = std::move(wanted),
                   .remedy = {}});
    };
    if (n_stages_ > max_stages) {
      return bad("stages", std::to_string(n_stages_), "at most " + std::to_string(max_stages));
    }
    for (std::size_t i = 0; i < n_stages_; ++i) {
      const stage& s = stages_[i];
      if (s.what == stage_kind::decay) {
        if (!(s.half_life > 0) || !std::isfinite(s.half_life)) {
          return bad("half life", std::to_string(s.half_life), "a finite number above 0");
        }
      } else if (s.what == stage_kind::dial) {
        if (s.n >= max_dials) {
          return bad("dial", std::to_string(s.n), "below " + std::to_string(max_dials));
        }
      } else if (s.n == 0) {
        return bad("stage " + std::to_string(i), "0 tokens", "at least 1");
      }
    }
    return {};
  }

  [[nodiscard]] std::size_t size() const noexcept { return n_stages_; }
  [[nodiscard]] bool has_dials() const noexcept {
    return std::any_of(stages_.begin(), stages_.begin() + std::min(n_stages_, max_stages),
                       [](const stage& s) { return s.what == stage_kind::dial; });
  }
  [[nodiscard]] bool has_dial(std::size_t which) const noexcept {
    return std::any_of(stages_.begin(), stages_.begin() + std::min(n_stages_, max_stages),
                       [&](const stage& s) { return s.what == stage_kind::dial && s.n == which; });
  }
  [[nodiscard]] const stage& operator[](std::size_t i) const noexcept { return stages_[i]; }

  /// First the stages of one, then those of the other.
  friend constexpr envelope operator|(envelope first, const envelope& then) noexcept {
    for (std::size_t i = 0; i < std::min(then.n_stages_, max_stages); ++i) {
      if (first.n_stages_ < max_stages) first.stages_[first.n_stages_] = then.stages_[i];
      ++first.n_stages_;
    }
    return first;
  }
  friend constexpr bool operator==(const envelope&, const envelope&) = default;

  void write_label(std::string& out) const {
    static constexpr const char* names[] = {"fade_in(", "hold(", "decay(", "until(", "dial("};
    for (std::size_t i = 0; i < std::min(n_stages_, max_stages); ++i) {
      const stage& s = stages_[i];
      if (i > 0) out += " | ";
      out += names[static_cast<std::size_t>(s.what)];
      out += s.what == stage_kind::decay ? std::to_string(s.half_life) : std::to_string(s.n);
      out += ')';
    }
  }

 private:
  std::array<stage, max_stages> stages_{};
  std::size_t n_stages_ = 0;  // more than max_stages: too many were joined
};

/// Rises evenly: 1/n at the first token, all of it from the n-th on.
constexpr envelope fade_in(std::uint32_t n) noexcept {
  return envelope({envelope::stage_kind::fade_in, n, 0});
}
/// All of it for n tokens; then what follows begins, and if nothing does, it is over.
constexpr envelope hold(std::uint32_t n) noexcept {
  return envelope({envelope::stage_kind::hold, n, 0});
}
/// Falls to a half in each `half_life` tokens, from all of it at the first.
constexpr envelope decay(float half_life) noexcept {
  return envelope({envelope::stage_kind::decay, 0, half_life});
}
/// Nothing from token n on, counted from the plan's beginning, whatever stands before.
constexpr envelope until(std::uint32_t n) noexcept {
  return envelope({envelope::stage_kind::until, n, 0});
}

/// What dial number `which` says, whatever the time: a mood, whose strength the program sets from
/// token to token (`attachment::dials`) without compiling anything.
constexpr envelope dial(std::uint32_t which) noexcept {
  return envelope({envelope::stage_kind::dial, which, 0});
}

}  // namespace multitudes::steering
