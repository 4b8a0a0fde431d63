// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/npc/detail/thought.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

namespace multitudes::npc::detail {

/// Writes values one after another; what does not fit is counted all the same.
class archive_writer {
 public:
  static constexpr bool reads = false;

  explicit archive_writer(std::span<std::byte> into) noexcept : into_(into) {}

  void bytes(const void* from, std::size_t n) noexcept {
    if (into_.size() >= at_ && into_.size() - at_ >= n && n > 0) {
      std::memcpy(into_.data() + at_, from, n);
    }
    at_ += n;
  }
  /// The next so many bytes, for somebody else to fill; nothing if they do not fit.
  [[nodiscard]] std::span<std::byte> reserve(std::size_t n) noexcept {
    const bool fits = into_.size() >= at_ && into_.size() - at_ >= n;
    const auto piece = fits ? into_.subspan(at_, n) : std::span<std::byte>();
    at_ += n;
    return piece;
  }
  [[nodiscard]] std::size_t size() const noexcept { return at_; }
  [[nodiscard]] bool good() const noexcept { return true; }

 private:
  std::span<std::byte> into_;
  std::size_t at_ = 0;
};

/// Reads them back. The bytes may be anybody's: after the first that is missing or wrong it gives
/// zeros.
class archive_reader {
 public:
  static constexpr bool reads = true;

  explicit archive_reader(std::span<const std::byte> from) noexcept : from_(from) {}

  void bytes(void* into, std::size_t n) noexcept {
    if (!good_ || left() < n) {
      good_ = false;
      std::memset(into, 0, n);
      return;
    }
    if (n > 0) std::memcpy(into, from_.data() + at_, n);
    at_ += n;
  }
  /// The next so many bytes, as they stand there.
  [[nodiscard]] std::span<const std::byte> skip(std::size_t n) noexcept {
    if (!good_ || left() < n) {
      good_ = false;
      return {};
    }
    at_ += n;
    return from_.subspan(at_ - n, n);
  }
  [[nodiscard]] std::size_t left() const noexcept { return from_.size() - at_; }
  [[nodiscard]] std::size_t at() const noexcept { return at_; }
  [[nodiscard]] bool good() const noexcept { return good_; }
  void refuse() noexcept { good_ = false; }

 private:
  std::span<const std::byte> from_;
  std::size_t at_ = 0;
  bool good_ = true;
};

// One description of everything, for both directions. Numbers are little-endian, as everywhere.

template <class A, class T>
  requires std::is_arithmetic_v<T> && (!std::is_same_v<T, bool>)
void put(A& a, T& x) {
  a.bytes(&x, sizeof x);
}
template <class A>
void put(A& a, bool& x) {
  std::uint8_t b = x ? 1 : 0;
  put(a, b);
  if constexpr (A::reads) {
    if (b > 1) a.refuse();
    x = b == 1;
  }
}
/// As a number of 64 bits on every machine.
template <class A>
void put_size(A& a, std::size_t& x) {
  std::uint64_t n = x;
  put(a, n);
  x = static_cast<std::size_t>(n);
}
template <class A>
void put(A& a, token_id& t) {
  put(a, t.value);
}
template <class A>
void put(A& a, layer_index& l) {
  put(a, l.value);
}
template <class A>
void put(A& a, fingerprint& f) {
  put(a, f.value);
}
template <class A>
void put(A& a, std::array<float, steering::max_dials>& dials) {
  for (float& d : dials) {
    put(a, d);
    if constexpr (A::reads) {
      if (!(d >= 0 && d <= 1)) a.refuse();
    }
  }
}
template <class A, class T>
void put(A& a, std::optional<T>& x) {
  bool has = x.has_value();
  put(a, has);
  if (!has) {
    x.reset();
    return;
  }
  if (!x) x.emplace();
  put(a, *x);
}
/// A list whose items take at least `least` bytes each, so that no length can ask for more memory
/// than there are bytes.
template <class A, class T, class Item>
void put_list(A& a, std::vector<T>& all, std::size_t least, Item&& item) {
  std::size_t n = all.size();
  put_size(a, n);
  if constexpr (A::reads) {
    if (!a.good() || n > a.left() / least) {
      a.refuse();
      n = 0;
    }
    all.resize(n);
  }
  for (T& x : all) item(x);
}
template <class A>
void put(A& a, std::vector<token_id>& tokens) {
  put_list(a, tokens, sizeof(token_id), [&](token_id& t) { put(a, t); });
}
template <class A>
void put(A& a, setting& s) {
  put(a, s.dials);
  put(a, s.at);
  put(a, s.age);
  put(a, s.slot);
  auto source = static_cast<std::uint8_t>(s.source);
  put(a, source);
  if constexpr (A::reads) {
    if (source > 1 || (s.slot != setting::neutral && s.slot >= thought::max_plans)) a.refuse();
  }
  s.source = static_cast<steering::token_source>(source);
}
template <class A>
void put(A& a, steering::position_span& where) {
  put(a, where.first.value);
  put(a, where.last.value);
  std::optional<std::uint8_t> only;
  if (where.only) only = static_cast<std::uint8_t>(*where.only);
  put(a, only);
  if constexpr (A::reads) {
    if (only && *only > 1) a.refuse();
    where.only.reset();
    if (only) where.only = static_cast<steering::token_source>(*only);
  }
}
template <class A>
void put(A& a, sampling& s) {
  put(a, s.repetition_penalty);
  put_size(a, s.repetition_window);
  put(a, s.temperature);
  put_size(a, s.top_k);
  put(a, s.top_p);
  put(a, s.min_p);
  put(a, s.seed);
  if constexpr (A::reads) {
    if (!validate(s)) a.refuse();
  }
}
template <class A>
void put(A& a, weighing& w) {
  constexpr std::size_t option_bytes = sizeof(std::uint64_t) + sizeof(token_id);
  put_list(a, w.options, option_bytes, [&](weighing::option& o) { put(a, o.tokens); });
  put_list(a, w.first_log_p, sizeof(double), [&](double& x) { put(a, x); });
  put(a, w.how.temperature);
  put(a, w.how.per_token);
  put(a, w.knows_first);
  put(a, w.plan);
  put(a, w.dials);
  if constexpr (!A::reads) return;
  w.is_on = true;
  w.log_p = w.first_log_p;
  for (const auto& o : w.options) w.n_tokens.push_back(o.tokens.size());
}

template <class A>
void put(A& a, word_states& w) {
  put_list(a, w.settled_, sizeof(float), [&](float& x) { put(a, x); });
  put(a, w.weight_);
  put(a, w.n_words_);
  put(a, w.next_);
}

/// All that a mind is but for its plans, whose ids stand in `plan_ids`, and for its cache.
template <class A>
void put(A& a, thought& t, std::array<fingerprint, thought::max_plans>& plan_ids) {
  put(a, t.generation);
  put(a, t.is_present);
  if (!t.is_present) return;
  put(a, t.voice);
  put(a, t.stream);
  put(a, t.knows.index);
  put(a, t.priority);
  put(a, t.tokens);
  constexpr std::size_t setting_bytes = sizeof(setting::dials) + sizeof(setting::age);
  put_list(a, t.settings, setting_bytes, [&](setting& s) { put(a, s); });
  put_size(a, t.n_settled);
  put(a, t.n_forgotten);
  put(a, t.n_moments);
  put(a, t.is_asleep);
  put(a, t.replays);
  put(a, t.rests);
  put_size(a, t.drops);
  put_size(a, t.drops_from);
  put_size(a, t.n_pinned);
  put_size(a, t.first);
  put(a, t.heard);
  for (std::size_t s = 0; s < thought::max_plans; ++s) {
    put(a, plan_ids[s]);
    put(a, t.plans[s].where);
    put(a, t.plans[s].began);
  }
  put(a, t.plan);
  put(a, t.dials);
  put(a, t.is_speaking);
  put_size(a, t.says.max_tokens);
  put(a, t.says.one_line);
  put(a, t.says.under.index);
  put_size(a, t.n_said);
  bool weighs = t.weighs.is_on && !t.weighs.is_given_up;
  put(a, weighs);
  if (weighs) put(a, t.weighs);
  put(a, t.kept.index);
  put(a, t.has_strayed);
  put(a, t.words);
  put(a, t.served);
  put(a, t.last_pass);
}

/// Whether a mind that was read could ever have been: what the rest of the library relies on.
inline bool is_possible(const thought& t, std::size_t n_lores, std::size_t vocab_size,
                        std::size_t max_length, std::size_t max_actions) noexcept {
  const auto known = [&](const std::vector<token_id>& tokens) {
    return std::all_of(tokens.begin(), tokens.end(),
                       [&](token_id x) { return x.value < vocab_size; });
  };
  const auto has_plan = [&](std::uint8_t slot) {
    return slot == setting::neutral ||
           (slot < thought::max_plans && !t.plans[slot].what.is_neutral());
  };
  if (!t.is_present) return true;
  if (!known(t.tokens) || !known(t.heard) || t.settings.size() != t.tokens.size()) return false;
  if (!(t.knows == lore{}) && t.knows.index >= n_lores) return false;
  if (t.first > max_length || t.tokens.size() + t.heard.size() > max_length - t.first) return false;
  if (t.drops_from > t.tokens.size() || t.drops > t.tokens.size() - t.drops_from) return false;
  if (t.n_pinned > t.tokens.size() || t.n_settled > t.tokens.size() || !has_plan(t.plan))
    return false;
  if (t.n_forgotten > (std::uint64_t{1} << 48)) return false;
  for (const setting& s : t.settings) {
    if (!has_plan(s.slot)) return false;
  }
  for (std::size_t i = 0; i < t.tokens.size(); ++i) {
    const setting& s = t.settings[i];
    if (s.age > s.at || s.at < t.first + i || s.at > t.n_forgotten + t.first + i) return false;
    if (i > 0 && s.at <= t.settings[i - 1].at) return false;
  }
  for (const plan_slot& p : t.plans) {
    if (p.began && *p.began > t.n_forgotten + t.first + t.tokens.size()) return false;
  }
  if (!(t.priority > 0) || !std::isfinite(t.priority)) return false;
  if (!(t.served >= 0) || !std::isfinite(t.served)) return false;
  if (t.is_speaking && (t.tokens.empty() || t.n_said >= t.says.max_tokens)) return false;
  if (t.is_speaking && t.n_said > t.tokens.size()) return false;
  const weighing& w = t.weighs;
  if (!w.is_on) return true;
  if (t.is_speaking || t.tokens.empty() || w.options.empty() || w.options.size() > max_actions) {
    return false;
  }
  if (w.first_log_p.size() != w.options.size() || !validate(w.how) || !has_plan(w.plan))
    return false;
  if (w.is_weighed()) return false;  // there would be nothing left to do
  for (const double x : w.first_log_p) {
    if (!std::isfinite(x)) return false;
  }
  return std::all_of(w.options.begin(), w.options.end(), [&](const weighing::option& o) {
    return !o.tokens.empty() && known(o.tokens) &&
           o.tokens.size() <= max_length - t.first - t.tokens.size();
  });
}

}  // namespace multitudes::npc::detail
