// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/fingerprint.hpp>
#include <multitudes/format/json.hpp>
#include <multitudes/stats/interval.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::lab::detail {

/// Writes the lab's files, whose fields stand in one order. What JSON cannot hold is remembered as
/// a fault, and `finish` says it.
class json_writer {
 public:
  json_writer& raw(std::string_view text) {
    out_ += text;
    return *this;
  }
  json_writer& key(std::string_view name) {
    out_ += '"';
    out_ += name;
    out_ += "\": ";
    return *this;
  }
  json_writer& text(std::string_view value) {
    if (!json::append_string(out_, value)) fault("text that is not UTF-8");
    return *this;
  }
  json_writer& number(double value) {
    if (!json::append_number(out_, value)) fault("a number that is not finite");
    return *this;
  }
  json_writer& integer(std::uint64_t value) { return raw(std::to_string(value)); }
  json_writer& boolean(bool value) { return raw(value ? "true" : "false"); }
  json_writer& hex(fingerprint f) { return text(to_string(f)); }
  json_writer& maybe(std::optional<double> value) { return value ? number(*value) : raw("null"); }
  /// An end that is not there is `null`.
  json_writer& range(const stats::interval& i) {
    const auto end = [&](double x, bool open) -> json_writer& {
      return open ? raw("null") : number(x);
    };
    raw("[");
    end(i.low, i.low == -std::numeric_limits<double>::infinity()).raw(", ");
    return end(i.high, i.high == std::numeric_limits<double>::infinity()).raw("]");
  }
  /// `write` writes one item.
  template <class List, class Write>
  json_writer& list(const List& items, std::string_view between, Write write) {
    raw("[");
    bool first = true;
    for (const auto& item : items) {
      if (!first) raw(between);
      first = false;
      write(item);
    }
    return raw("]");
  }

  [[nodiscard]] expected<std::string> finish(std::string_view what) {
    if (fault_.empty()) return std::move(out_);
    return fail({.code = errc::non_finite,
                 .operation = "write JSON",
                 .place = std::string(what),
                 .found = fault_,
                 .expected = "UTF-8 and finite numbers",
                 .remedy = "correct what is written"});
  }

 private:
  void fault(std::string_view what) {
    if (fault_.empty()) fault_ = std::string(what) + " after byte " + std::to_string(out_.size());
    out_ += "null";
  }

  std::string out_;
  std::string fault_;
};

/// Reads them: every piece in its place. After the first failure all pieces are empty, and
/// `finish` says what failed.
class json_reader {
 public:
  json_reader(std::string_view text, std::string place) : in_(text, std::move(place)) {}

  [[nodiscard]] bool failed() const noexcept { return fault_.has_value(); }
  void punctuation(char c) {
    if (!failed()) (void)take(in_.expect(c));
  }
  void key(std::string_view name) {
    if (failed()) return;
    const auto found = take(in_.string());
    if (!failed() && found != name) refuse("the key " + found, "the key " + std::string(name));
    punctuation(':');
  }
  /// The key of a field that is not the first.
  void next_key(std::string_view name) {
    punctuation(',');
    key(name);
  }
  [[nodiscard]] bool next_is_null() noexcept { return !failed() && in_.accept_null(); }
  [[nodiscard]] std::string text() { return failed() ? std::string() : take(in_.string()); }
  [[nodiscard]] double number() { return failed() ? 0 : take(in_.number()); }
  [[nodiscard]] bool boolean() { return failed() ? false : take(in_.boolean()); }
  [[nodiscard]] std::optional<double> maybe() {
    if (failed() || next_is_null()) return std::nullopt;
    return number();
  }
  [[nodiscard]] std::uint64_t integer(
      std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
    const auto value = failed() ? 0 : take(in_.unsigned_integer());
    if (value <= most) return value;
    refuse(std::to_string(value), "at most " + std::to_string(most));
    return 0;
  }
  /// A number from 0 to 1.
  [[nodiscard]] double share() {
    const double value = number();
    if (!(value >= 0 && value <= 1)) refuse("a share outside of 0 to 1", "a share");
    return value;
  }
  [[nodiscard]] fingerprint hex() {
    const std::string digits = text();
    fingerprint f;
    bool good = digits.size() == 16;
    for (const char c : digits) {
      const auto at = std::string_view("0123456789abcdef").find(c);
      good = good && at != std::string_view::npos;
      f.value = f.value * 16 + (good ? at : 0);
    }
    if (!good && !failed()) refuse("a fingerprint", "sixteen hexadecimal digits");
    return f;
  }
  [[nodiscard]] stats::interval range() {
    const auto whole = stats::interval::whole_line();
    punctuation('[');
    const auto low = maybe();
    punctuation(',');
    const auto high = maybe();
    punctuation(']');
    const stats::interval found{low.value_or(whole.low), high.value_or(whole.high)};
    if (!(found.low <= found.high)) refuse("an interval that ends before it begins", "an interval");
    return found;
  }
  /// `read` reads one item and returns it.
  template <class Read>
  [[nodiscard]] auto list(Read read) {
    std::vector<decltype(read())> items;
    punctuation('[');
    if (failed() || in_.accept(']')) return items;
    do {
      items.push_back(read());
    } while (!failed() && in_.accept(','));
    punctuation(']');
    return items;
  }

  void refuse(std::string found, std::string wanted) {
    if (!failed()) fault_ = in_.at(errc::malformed, std::move(found), std::move(wanted));
  }
  [[nodiscard]] expected<void> finish() {
    if (!failed()) (void)take(in_.finish());
    if (failed()) return fail(*fault_);
    return {};
  }

 private:
  void take(expected<void> done) {
    if (!done) fault_ = std::move(done).error();
  }
  template <class T>
  T take(expected<T> value) {
    if (value) return *std::move(value);
    fault_ = std::move(value).error();
    return T();
  }

  json::cursor in_;
  std::optional<error> fault_;
};

}  // namespace multitudes::lab::detail
