// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/format/durable.hpp>
#include <multitudes/format/file_bytes.hpp>
#include <multitudes/lab/judging/declaration.hpp>
#include <multitudes/lab/judging/detail/json_fields.hpp>
#include <multitudes/lab/judging/seed_outcome.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes::lab {

/// How outcomes came to be that must not be taken for each other.
struct run_kind {
  bool quick = false;       ///< a small budget
  bool null_world = false;  ///< nothing of what claims say can be so

  friend bool operator==(const run_kind&, const run_kind&) = default;
};

namespace detail {

inline constexpr std::string_view outcome_format = "multitudes lab outcome 1";

/// The declared name, which outlives the file's.
template <class Declared>
std::string_view declared_name(json_reader& in, std::span<const Declared> all) {
  const std::string found = in.text();
  if (const Declared* d = find_declared(all, found)) return d->name;
  in.refuse("the name " + found, "a name that the claim declares");
  return {};
}

inline void write_points(json_writer& out, const std::vector<observation>& points) {
  out.list(points, ", ",
           [&](const observation& o) { out.raw("[").number(o.x).raw(", ").number(o.y).raw("]"); });
}

inline std::vector<observation> read_points(json_reader& in) {
  return in.list([&] {
    observation o;
    in.punctuation('[');
    o.x = in.number();
    in.punctuation(',');
    o.y = in.number();
    in.punctuation(']');
    return o;
  });
}

}  // namespace detail

/// What a seed showed as JSON; of one that failed a gate, only the gates.
///
/// Errors:  as `passes_gates`: what could not be judged is not kept.
inline expected<std::string> outcome_json(const claim& c, const seed_outcome& s,
                                          const run_kind& kind) {
  const auto passes = passes_gates(c, s);
  if (!passes) return fail(passes.error());
  detail::json_writer out;
  out.raw("{").key("format").text(detail::outcome_format).raw(",\n ");
  out.key("claim").integer(static_cast<std::uint64_t>(c.number)).raw(",\n ");
  out.key("declaration").hex(fingerprint_of(c)).raw(",\n ");
  out.key("quick").boolean(kind.quick).raw(",\n ");
  out.key("null_world")
      .boolean(kind.null_world)
      .raw(",\n ")
      .key("seed")
      .integer(s.seed)
      .raw(",\n ");
  out.key("seconds").number(s.seconds).raw(",\n ").key("gates");
  out.list(s.what.gates, ", ", [&](const outcome::reading& r) {
    out.raw("[").text(r.gate).raw(", ").number(r.value).raw("]");
  });
  const outcome nothing;
  out.raw(",\n ").key("samples");
  out.list((*passes ? s.what : nothing).samples, ",\n  ", [&](const outcome::sample& sample) {
    out.raw("[").text(sample.figure).raw(", ");
    detail::write_points(out, sample.items);
    out.raw("]");
  });
  out.raw(",\n ").key("lines");
  out.list((*passes ? s.what : nothing).lines, ",\n  ", [&](const outcome::line& l) {
    out.raw("[").text(l.picture).raw(", ").text(l.label).raw(", ");
    detail::write_points(out, l.points);
    out.raw("]");
  });
  return out.raw("}\n").finish(title_of(c));
}

/// Reads it back; nothing for an outcome of another declaration or kind, which tells nothing of
/// this one.
///
/// Errors:  malformed; truncated; unsupported. The text may be anything.
inline expected<std::optional<seed_outcome>> parse_outcome(const claim& c, std::string_view text,
                                                           const run_kind& kind,
                                                           std::string place) {
  detail::json_reader in(text, std::move(place));
  in.punctuation('{');
  in.key("format");
  if (in.text() != detail::outcome_format) in.refuse("another format", "an outcome of the lab");
  in.next_key("claim");
  bool same = in.integer() == static_cast<std::uint64_t>(c.number);
  in.next_key("declaration");
  same = in.hex() == fingerprint_of(c) && same;
  in.next_key("quick");
  const bool quick = in.boolean();
  in.next_key("null_world");
  same = run_kind{quick, in.boolean()} == kind && same;
  if (!in.failed() && !same) return std::optional<seed_outcome>();
  seed_outcome s;
  in.next_key("seed");
  s.seed = in.integer();
  in.next_key("seconds");
  s.seconds = in.number();
  in.next_key("gates");
  s.what.gates = in.list([&] {
    outcome::reading r;
    in.punctuation('[');
    r.gate = detail::declared_name(in, c.gates);
    in.punctuation(',');
    r.value = in.number();
    in.punctuation(']');
    return r;
  });
  in.next_key("samples");
  s.what.samples = in.list([&] {
    outcome::sample sample;
    in.punctuation('[');
    sample.figure = detail::declared_name(in, c.figures);
    in.punctuation(',');
    sample.items = detail::read_points(in);
    in.punctuation(']');
    return sample;
  });
  in.next_key("lines");
  s.what.lines = in.list([&] {
    outcome::line l;
    in.punctuation('[');
    l.picture = detail::declared_name(in, c.pictures);
    in.punctuation(',');
    l.label = in.text();
    in.punctuation(',');
    l.points = detail::read_points(in);
    in.punctuation(']');
    return l;
  });
  in.punctuation('}');
  if (auto done = in.finish(); !done) return forward_error(done);
  return std::optional(std::move(s));
}

/// Where the outcome of a seed is kept.
inline std::string outcome_path(const std::string& folder, const claim& c, std::uint64_t seed,
                                const run_kind& kind) {
  return folder + "/claim_" + std::to_string(c.number) + "_seed_" + std::to_string(seed) +
         (kind.null_world ? "_null" : "") + (kind.quick ? "_quick" : "") + ".json";
}

/// Keeps an outcome: the file is there as a whole or not at all, power cuts included.
///
/// Errors:  as `outcome_json`; io_failure.
inline expected<void> save_outcome(const std::string& path, const claim& c, const seed_outcome& s,
                                   const run_kind& kind) {
  const auto text = outcome_json(c, s, kind);
  if (!text) return fail(text.error());
  return write_file(path, std::as_bytes(std::span(*text)));
}

/// Reads a file of `save_outcome`; nothing if it is of another declaration.
///
/// Errors:  io_failure, also where there is no file; as `parse_outcome`.
inline expected<std::optional<seed_outcome>> load_outcome(const std::string& path, const claim& c,
                                                          const run_kind& kind) {
  const auto file = file_bytes::read(path);
  if (!file) return fail(file.error());
  const auto bytes = file->bytes();
  return parse_outcome(
      c, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), kind, path);
}

}  // namespace multitudes::lab
