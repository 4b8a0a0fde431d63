// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/format/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::json {

/// A JSON text as a tree in one list, for what cannot be read front to back: schemas, whose parts
/// refer to each other, and values that someone else looks into.
class tree {
 public:
  static constexpr std::size_t none = ~std::size_t{0};
  static constexpr std::size_t max_depth = cursor::max_depth;
  static constexpr std::size_t max_nodes = std::size_t{1} << 14;
  static constexpr std::size_t max_bytes = std::size_t{1} << 20;

  enum kind : std::uint8_t { null, boolean, number, string, array, object };
  struct node {
    kind what = null;
    std::string text{};                ///< string: its characters; scalars: as written
    std::vector<std::size_t> items{};  ///< array, object: the nodes of its values
    std::vector<std::string> names{};  ///< object: one for each
    std::size_t parent = none;
    std::size_t index = 0;  ///< in its parent

    /// The value of that name, or `none`.
    [[nodiscard]] std::size_t find(std::string_view name) const noexcept {
      for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == name) return items[i];
      }
      return none;
    }
  };

  /// `place` is what errors begin with.
  ///
  /// Errors:  those of cursor; malformed for a name that an object has twice; unsupported
  ///          for more than 64 levels, 16,384 values or 1 MiB.
  static expected<tree> read(std::string_view text, std::string_view place) {
    tree made;
    cursor in(text, std::string(place));
    std::vector<std::size_t> open;  // arrays and objects that are being read
    for (;;) {
      if (made.nodes_.size() == max_nodes || open.size() > max_depth || text.size() > max_bytes) {
        return fail(in.at(errc::unsupported, "a larger text",
                          "at most " + std::to_string(max_nodes) + " values, " +
                              std::to_string(max_depth) + " deep, in " + std::to_string(max_bytes) +
                              " bytes"));
      }
      if (auto done = made.begin_value(in, text, open); !done) return forward_error(done);
      bool goes_on = false;
      while (!open.empty() && !goes_on) {
        const bool is_array = made.nodes_[open.back()].what == array;
        const bool is_new = made.nodes_[open.back()].items.empty();
        const char closing = is_array ? ']' : '}';
        if (is_new ? !in.next_is(closing) : in.accept(',')) {
          goes_on = true;
        } else {
          if (auto done = in.expect(closing); !done) return forward_error(done);
          open.pop_back();
        }
      }
      if (open.empty()) break;
    }
    if (auto done = in.finish(); !done) return forward_error(done);
    return made;
  }

  [[nodiscard]] const node& operator[](std::size_t i) const noexcept { return nodes_[i]; }
  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }

  /// Where a value stands, as a JSON pointer: `#/a/0`. Long names are cut.
  [[nodiscard]] std::string place(std::size_t i) const {
    std::string path;
    for (; nodes_[i].parent != none; i = nodes_[i].parent) {
      const node& parent = nodes_[nodes_[i].parent];
      path = "/" +
             (parent.what == object ? parent.names[nodes_[i].index].substr(0, 40)
                                    : std::to_string(nodes_[i].index)) +
             path;
    }
    return "#" + path;
  }

  /// A value in the fewest characters: names in their order, strings with as few escapes as can be.
  [[nodiscard]] std::string compact(std::size_t root) const {
    struct step {
      std::size_t node;
      std::size_t next;  // item
    };
    std::string out;
    std::vector<step> open{{root, 0}};
    while (!open.empty()) {
      step& s = open.back();
      const node& n = nodes_[s.node];
      if (n.what == string) static_cast<void>(append_string(out, n.text));
      if (n.what < string) out += n.text;
      if (n.what <= string || s.next == n.items.size()) {
        if (n.what > string)
          out += s.next == 0 ? (n.what == array ? "[]" : "{}") : (n.what == array ? "]" : "}");
        open.pop_back();
        continue;
      }
      out += s.next > 0 ? "," : n.what == array ? "[" : "{";
      if (n.what == object) {
        static_cast<void>(append_string(out, n.names[s.next]));
        out += ':';
      }
      open.push_back({n.items[s.next++], 0});
    }
    return out;
  }

 private:
  /// A scalar, or the beginning of an array or object.
  expected<void> begin_value(cursor& in, std::string_view text, std::vector<std::size_t>& open) {
    node made;
    if (!open.empty()) {
      node& parent = nodes_[open.back()];
      if (parent.what == object) {
        auto name = in.string();
        if (!name) return forward_error(name);
        if (parent.find(*name) != none) {
          return fail(in.at(errc::malformed,
                            "the name " + multitudes::detail::quoted(*name) + " again",
                            "each name once"));
        }
        if (auto done = in.expect(':'); !done) return done;
        parent.names.push_back(*std::move(name));
      }
      made.parent = open.back();
      made.index = parent.items.size();
      parent.items.push_back(nodes_.size());
    }
    if (in.accept('[')) {
      made.what = array;
    } else if (in.accept('{')) {
      made.what = object;
    } else if (in.next_is('"')) {
      auto value = in.string();
      if (!value) return forward_error(value);
      made.what = string;
      made.text = *std::move(value);
    } else if (in.accept_null()) {
      made.text = "null";
    } else if (in.next_is('t') || in.next_is('f')) {
      auto value = in.boolean();
      if (!value) return forward_error(value);
      made.what = boolean;
      made.text = *value ? "true" : "false";
    } else {
      static_cast<void>(in.next_is(' '));  // over the white space before it
      const std::size_t start = in.bytes_read();
      auto value = in.number();
      if (!value) return forward_error(value);
      made.what = number;
      made.text = text.substr(start, in.bytes_read() - start);
    }
    if (made.what >= array) open.push_back(nodes_.size());
    nodes_.push_back(std::move(made));
    return {};
  }

  std::vector<node> nodes_;
};

}  // namespace multitudes::json
