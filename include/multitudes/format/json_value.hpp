// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/format/json.hpp>
#include <multitudes/format/json_tree.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace multitudes::json {

/// A value of a JSON text, to be asked what it is: copies share the text, and keep it. What is not
/// there is a value too, of no kind, so that one may ask on: `v["items"][2]["name"].string()`.
class value {
 public:
  value() = default;
  /// Shapes:  node: one of `all`; 0 is the whole.
  explicit value(std::shared_ptr<const tree> all, std::size_t node = 0) noexcept
      : all_(std::move(all)), node_(node) {}

  [[nodiscard]] bool is_there() const noexcept { return all_ != nullptr; }
  [[nodiscard]] bool is_null() const noexcept { return is(tree::null); }
  [[nodiscard]] bool is_list() const noexcept { return is(tree::array); }
  [[nodiscard]] bool is_object() const noexcept { return is(tree::object); }

  /// Its characters; valid as long as any value of the same text is.
  [[nodiscard]] std::optional<std::string_view> string() const noexcept {
    if (!is(tree::string)) return std::nullopt;
    return here().text;
  }
  [[nodiscard]] std::optional<bool> boolean() const noexcept {
    if (!is(tree::boolean)) return std::nullopt;
    return here().text == "true";
  }
  [[nodiscard]] std::optional<double> number() const {
    if (!is(tree::number)) return std::nullopt;
    return detail::number_value(here().text);
  }
  /// A number that is written without fraction and exponent, and is in reach.
  [[nodiscard]] std::optional<std::int64_t> integer() const noexcept {
    if (!is(tree::number)) return std::nullopt;
    const std::string& digits = here().text;
    const char* const end = digits.data() + digits.size();
    std::int64_t n = 0;
    const auto [at, status] = std::from_chars(digits.data(), end, n);
    if (status != std::errc() || at != end) return std::nullopt;
    return n;
  }

  /// Of a list or an object; 0 for all else.
  [[nodiscard]] std::size_t size() const noexcept { return is_there() ? here().items.size() : 0; }
  [[nodiscard]] value operator[](std::size_t i) const noexcept {
    return i < size() ? value(all_, here().items[i]) : value();
  }
  [[nodiscard]] value operator[](std::string_view name) const noexcept {
    const std::size_t found = is_object() ? here().find(name) : tree::none;
    return found == tree::none ? value() : value(all_, found);
  }
  /// The name of item `i` of an object, else nothing.
  [[nodiscard]] std::string_view name(std::size_t i) const noexcept {
    return is_object() && i < size() ? std::string_view(here().names[i]) : std::string_view();
  }
  /// In the fewest characters; nothing for what is not there.
  [[nodiscard]] std::string text() const { return is_there() ? all_->compact(node_) : ""; }

 private:
  [[nodiscard]] const tree::node& here() const noexcept { return (*all_)[node_]; }
  [[nodiscard]] bool is(tree::kind k) const noexcept { return is_there() && here().what == k; }

  std::shared_ptr<const tree> all_;
  std::size_t node_ = 0;
};

}  // namespace multitudes::json
