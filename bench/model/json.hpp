// SPDX-License-Identifier: MIT
#pragma once

#include "results.hpp"

#include <multitudes/core/expected.hpp>
#include <multitudes/format/json.hpp>
#include <multitudes/report/number.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace multitudes_bench {

// Results as JSON and back: counts and nanoseconds, from which everything else follows, so that
// nothing is lost. Each struct names its members once, in `for_each_member`, for both ways.

template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};

template <class R, class T>
concept these = std::same_as<std::remove_const_t<R>, T>;

template <these<read_limit> R, class F>
void for_each_member(R& r, const F& f) {
  f("bytes", r.bytes), f("bytes_per_second", r.bytes_per_second);
}
template <these<operation_limit> R, class F>
void for_each_member(R& r, const F& f) {
  f("per_second", r.per_second), f("with", r.with);
}
template <these<limits> R, class F>
void for_each_member(R& r, const F& f) {
  f("threads", r.threads), f("reads_with", r.reads_with), f("reads", r.reads), f("f32", r.f32);
  f("bf16", r.bf16), f("int8", r.int8);
}
template <these<model_facts> R, class F>
void for_each_member(R& r, const F& f) {
  f("name", r.name), f("format", r.format), f("file_bytes", r.file_bytes);
  f("read_bytes", r.read_bytes), f("layer_bytes", r.layer_bytes);
  f("layer_weights", r.layer_weights), f("head_weights", r.head_weights);
}
template <these<run> R, class F>
void for_each_member(R& r, const F& f) {
  f("model", r.model), f("stage", r.what), f("threads", r.threads), f("sequences", r.sequences);
  f("depth", r.depth), f("length", r.length), f("tokens", r.tokens), f("passes", r.passes);
  f("operations", r.operations), f("nanoseconds", r.nanoseconds);
  f("read_limit", r.read_limit), f("operation_limit", r.operation_limit);
}
template <these<steering_run> R, class F>
void for_each_member(R& r, const F& f) {
  f("model", r.model), f("threads", r.threads), f("sequences", r.sequences);
  f("plain", r.plain), f("steered", r.steered), f("watched", r.watched), f("again", r.again);
}
template <these<cache_run> R, class F>
void for_each_member(R& r, const F& f) {
  f("model", r.model), f("threads", r.threads), f("sequences", r.sequences), f("depth", r.depth);
  f("f32", r.f32), f("f16", r.f16), f("q8_0", r.q8_0), f("reading", r.reading);
  f("bytes", r.bytes);
}
template <these<profile_run> R, class F>
void for_each_member(R& r, const F& f) {
  f("model", r.model), f("threads", r.threads), f("layers", r.layers), f("head", r.head);
  f("read_limit", r.read_limit);
}
template <these<load_run> R, class F>
void for_each_member(R& r, const F& f) {
  f("model", r.model), f("weights", r.weights), f("threads", r.threads);
  f("plain_read", r.plain_read), f("first_token", r.first_token);
  f("peak_bytes", r.peak_bytes), f("token", r.token);
}
template <these<build_run> R, class F>
void for_each_member(R& r, const F& f) {
  f("model", r.model), f("stage", r.what), f("threads", r.threads), f("length", r.length);
  f("plain_flags", r.plain_flags), f("tuned_flags", r.tuned_flags);
  f("plain", r.plain), f("tuned", r.tuned);
}
template <these<build_cost> R, class F>
void for_each_member(R& r, const F& f) {
  f("what", r.what), f("flags", r.flags), f("milliseconds", r.milliseconds);
  f("stripped_bytes", r.stripped_bytes);
}
template <these<results> R, class F>
void for_each_member(R& r, const F& f) {
  f("command", r.command), f("machine", r.machine), f("processors", r.processors);
  f("compiler", r.compiler), f("flags", r.flags), f("isa", r.isa), f("load", r.load);
  f("day", r.day), f("limits", r.machine_limits), f("models", r.models), f("runs", r.runs);
  f("steering", r.steering), f("caches", r.caches), f("profiles", r.profiles), f("loads", r.loads);
  f("two_builds", r.two_builds), f("build", r.build);
}

namespace detail {

template <class T>
void append_json(std::string& out, const T& x, const std::string& indent) {
  if constexpr (std::same_as<T, std::string>) {
    // A file's name may be no UTF-8.
    if (!multitudes::json::append_string(out, x)) out += "\"?\"";
  } else if constexpr (std::same_as<T, stage>) {
    out += x == stage::prefill ? "\"prefill\"" : "\"decode\"";
  } else if constexpr (std::unsigned_integral<T>) {
    out += std::to_string(x);
  } else if constexpr (is_vector<T>::value) {
    constexpr bool numbers = std::unsigned_integral<typename T::value_type>;
    const std::string line = "\n" + indent + " ";
    out += "[";
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (i != 0) out += numbers ? ", " : ",";
      if (!numbers) out += line;
      append_json(out, x[i], indent + " ");
    }
    out += "]";
  } else {
    const char* before = "{";
    for_each_member(x, [&](const char* name, const auto& member) {
      out += before;
      out += "\"" + std::string(name) + "\": ";
      append_json(out, member, indent + " ");
      before = ", ";
    });
    if constexpr (std::same_as<T, run>) {
      // For other readers; ours skips it.
      out +=
          ", \"tokens_per_second\": " + multitudes::report::fixed(median(tokens_per_second(x)), 3);
    }
    out += "}";
  }
}

template <class T>
multitudes::expected<void> read_json(multitudes::json::cursor& in, T& x) {
  using multitudes::forward_error;
  if constexpr (std::same_as<T, std::string>) {
    auto text = in.string();
    if (!text) return forward_error(text);
    x = *std::move(text);
  } else if constexpr (std::same_as<T, stage>) {
    auto text = in.string();
    if (!text) return forward_error(text);
    if (*text != "prefill" && *text != "decode") {
      return fail(in.at(multitudes::errc::malformed, *text, "prefill or decode"));
    }
    x = *text == "prefill" ? stage::prefill : stage::decode;
  } else if constexpr (std::unsigned_integral<T>) {
    auto number = in.unsigned_integer();
    if (!number) return forward_error(number);
    x = *number;
  } else if constexpr (is_vector<T>::value) {
    if (auto ok = in.expect('['); !ok) return ok;
    if (in.accept(']')) return {};
    do {
      if (auto ok = read_json(in, x.emplace_back()); !ok) return ok;
    } while (in.accept(','));
    return in.expect(']');
  } else {
    if (auto ok = in.expect('{'); !ok) return ok;
    if (in.accept('}')) return {};
    do {
      auto key = in.string();
      if (!key) return forward_error(key);
      multitudes::expected<void> ok = in.expect(':');
      bool known = false;
      for_each_member(x, [&](const char* name, auto& member) {
        if (!ok || *key != name) return;
        known = true;
        ok = read_json(in, member);
      });
      if (ok && !known) ok = in.skip();
      if (!ok) return ok;
    } while (in.accept(','));
    return in.expect('}');
  }
  return {};
}

}  // namespace detail

inline std::string to_json(const results& r) {
  std::string out;
  detail::append_json(out, r, "");
  return out + "\n";
}

/// Members that are missing keep their defaults, and unknown ones are skipped.
///
/// Errors:  malformed or truncated, saying at which byte; malformed if a run names no model.
inline multitudes::expected<results> from_json(std::string_view text, std::string place) {
  multitudes::json::cursor in(text, std::move(place));
  results r;
  if (auto ok = detail::read_json(in, r); !ok) return multitudes::forward_error(ok);
  if (auto ok = in.finish(); !ok) return multitudes::forward_error(ok);
  bool known = true;
  const auto check = [&](const auto& all) {
    for (const auto& one : all) known = known && one.model < r.models.size();
  };
  check(r.runs), check(r.steering), check(r.caches), check(r.profiles), check(r.loads),
      check(r.two_builds);
  if (!known) {
    return fail(in.at(multitudes::errc::malformed, "a run of a model that is not listed",
                      "an index into `models`"));
  }
  return r;
}

}  // namespace multitudes_bench
