// SPDX-License-Identifier: MIT
#pragma once

#include "results.hpp"

#include <multitudes/report/number.hpp>
#include <multitudes/report/table.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes_bench {

/// A table with what it shows.
struct titled_table {
  std::string title;
  multitudes::report::table body;
};

namespace detail {

using multitudes::report::alignment;
using multitudes::report::column;
using multitudes::report::fixed;
using multitudes::report::table;

/// Words on the left, then numbers.
inline table make_table(const std::vector<std::string>& words,
                        const std::vector<std::string>& numbers) {
  std::vector<column> columns;
  for (const std::string& w : words) columns.push_back({w, alignment::left});
  for (const std::string& n : numbers) columns.push_back({n, alignment::right});
  return table(std::move(columns));
}

/// Three digits that mean something, and whole numbers from 100 on.
inline std::string number(double x) { return fixed(x, x >= 100 ? 0 : x >= 10 ? 1 : 2); }
inline std::string number(std::uint64_t x) { return std::to_string(x); }
inline std::string giga(double x) { return x > 0 ? number(1e-9 * x) : "–"; }
inline std::string giga(std::uint64_t x) { return giga(static_cast<double>(x)); }
inline std::string percent(double share, int decimals = 0) {
  return share > 0 ? fixed(100 * share, decimals) + " %" : "–";
}
inline std::string spread(const std::vector<double>& x) {
  if (x.empty()) return "–";
  const auto [low, high] = std::minmax_element(x.begin(), x.end());
  return number(*low) + "–" + number(*high);
}
inline std::string size_name(std::uint64_t bytes) {
  const char* names[] = {" B", " KiB", " MiB", " GiB"};
  std::size_t i = 0;
  auto x = static_cast<double>(bytes);
  for (; i < 3 && x >= 1024; ++i) x /= 1024;
  return fixed(x, 0) + names[i];
}
inline double median_of(const std::vector<std::uint64_t>& x) {
  return static_cast<double>(median(x));
}
/// The median of a's entries over those of b.
inline double median_ratio(const std::vector<std::uint64_t>& a,
                           const std::vector<std::uint64_t>& b) {
  std::vector<double> all;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (b[i] != 0) all.push_back(static_cast<double>(a[i]) / static_cast<double>(b[i]));
  }
  return median(all);
}
inline double micro(const std::vector<std::uint64_t>& nanoseconds) {
  return 1e-3 * median_of(nanoseconds);
}

inline table limit_table(const results& r) {
  std::vector<std::string> numbers;
  for (const limits& l : r.machine_limits) {
    numbers.push_back(number(l.threads) + (l.threads == 1 ? " thread" : " threads"));
  }
  table t = make_table({"limit"}, numbers);
  const auto row = [&](std::string name, const auto& figure) {
    std::vector<std::string> cells{std::move(name)};
    for (const limits& l : r.machine_limits) cells.push_back(giga(figure(l)));
    t.add_row(std::move(cells));
  };
  if (r.machine_limits.empty()) return t;
  const limits& first = r.machine_limits[0];
  for (std::size_t i = 0; i < first.reads.size(); ++i) {
    row("read, " + size_name(first.reads[i].bytes) + " (GB/s)",
        [&](const limits& l) { return i < l.reads.size() ? l.reads[i].bytes_per_second : 0; });
  }
  row("F32 multiply-add, " + first.f32.with + " (Gop/s)",
      [](const limits& l) { return l.f32.per_second; });
  if (first.bf16.per_second != 0) {
    row("bf16 dot product, " + first.bf16.with + " (Gop/s)",
        [](const limits& l) { return l.bf16.per_second; });
  }
  row("int8 dot product, " + first.int8.with + " (Gop/s)",
      [](const limits& l) { return l.int8.per_second; });
  return t;
}

inline table run_table(const results& r, stage what) {
  const bool decodes = what == stage::decode;
  table t = make_table(
      {"model", "format"},
      decodes ? std::vector<std::string>{"threads", "sequences", "tokens/s", "lowest–highest",
                                         "weights GB/s", "of read limit", "Gop/s", "of peak"}
              : std::vector<std::string>{"threads", "tokens", "tokens/s", "lowest–highest", "Gop/s",
                                         "of peak"});
  for (const run& one : r.runs) {
    if (one.what != what) continue;
    const model_facts& m = r.models[one.model];
    const auto speed = tokens_per_second(one);
    const auto bytes = bytes_per_second(one, m);
    const auto work = operations_per_second(one);
    std::vector<std::string> cells{m.name, m.format, number(one.threads)};
    cells.push_back(number(decodes ? one.sequences : one.length));
    cells.push_back(number(median(speed)));
    cells.push_back(spread(speed));
    if (decodes) {
      cells.push_back(giga(median(bytes)));
      cells.push_back(percent(median(shares(bytes, one.read_limit))));
    }
    cells.push_back(giga(median(work)));
    cells.push_back(percent(median(shares(work, one.operation_limit))));
    t.add_row(std::move(cells));
  }
  return t;
}

/// Decoding several sequences over decoding one, repetition by repetition.
inline table ratio_table(const results& r, bool& any) {
  table t = make_table({"model", "format"}, {"threads", "one: tokens/s", "one: GB/s", "sequences",
                                             "tokens/s", "times one"});
  for (const run& one : r.runs) {
    if (one.what != stage::decode || one.sequences != 1) continue;
    const model_facts& m = r.models[one.model];
    for (const run& many : r.runs) {
      if (many.what != stage::decode || many.sequences == 1 || many.model != one.model ||
          many.threads != one.threads || many.depth != one.depth) {
        continue;
      }
      any = true;
      std::vector<double> ratios = tokens_per_second(many);
      const auto single = tokens_per_second(one);
      for (std::size_t i = 0; i < std::min(ratios.size(), single.size()); ++i) {
        ratios[i] /= single[i];
      }
      t.add_row({m.name, m.format, number(one.threads), number(median(single)),
                 giga(median(bytes_per_second(one, m))), number(many.sequences),
                 number(median(tokens_per_second(many))), fixed(median(ratios), 1)});
    }
  }
  return t;
}

inline table steering_table(const results& r) {
  table t = make_table({"model", "format"}, {"threads", "sequences", "plain: tokens/s", "steered",
                                             "watched", "plain again"});
  for (const steering_run& one : r.steering) {
    const model_facts& m = r.models[one.model];
    const double speed = 1e9 * static_cast<double>(one.sequences) / median_of(one.plain);
    t.add_row({m.name, m.format, number(one.threads), number(one.sequences), number(speed),
               percent(median_ratio(one.plain, one.steered), 1),
               percent(median_ratio(one.plain, one.watched), 1),
               percent(median_ratio(one.plain, one.again), 1)});
  }
  return t;
}

/// Where a token's time goes, beside what reading the same bytes takes.
inline table profile_table(const results& r) {
  table t = make_table({"model", "format"}, {"threads", "blocks µs", "GB/s", "head µs", "GB/s",
                                             "reading alone µs", "everything else µs"});
  for (const profile_run& one : r.profiles) {
    const model_facts& m = r.models[one.model];
    const double layers = micro(one.layers), head = micro(one.head);
    const auto all = static_cast<double>(m.read_bytes);
    const auto blocks = static_cast<double>(m.layer_bytes);
    const double reading = 1e6 * all / std::max(1.0, median_of(one.read_limit));
    t.add_row({m.name, m.format, number(one.threads), number(layers),
               number(1e-3 * blocks / layers), number(head), number(1e-3 * (all - blocks) / head),
               number(reading), number(std::max(0.0, layers + head - reading))});
  }
  return t;
}

inline table cache_table(const results& r) {
  table t = make_table({"model", "format"},
                       {"threads", "sequences", "positions", "f32: tokens/s", "f16", "q8_0",
                        "f32: reading s", "f16", "q8_0", "f32: cache MB", "f16", "q8_0"});
  for (const cache_run& one : r.caches) {
    const model_facts& m = r.models[one.model];
    const double speed = 1e9 * static_cast<double>(one.sequences) / median_of(one.f32);
    const auto at = [](const std::vector<std::uint64_t>& list, std::size_t i) {
      return i < list.size() ? static_cast<double>(list[i]) : 0.0;
    };
    std::vector<std::string> row{m.name,
                                 m.format,
                                 number(one.threads),
                                 number(one.sequences),
                                 number(one.depth),
                                 number(speed),
                                 percent(median_ratio(one.f32, one.f16)),
                                 percent(median_ratio(one.f32, one.q8_0)),
                                 fixed(1e-9 * at(one.reading, 0), 1)};
    for (const std::size_t i : {1u, 2u}) {
      row.push_back(percent(at(one.reading, 0) / std::max(1.0, at(one.reading, i))));
    }
    for (const std::size_t i : {0u, 1u, 2u}) row.push_back(fixed(1e-6 * at(one.bytes, i), 0));
    t.add_row(std::move(row));
  }
  return t;
}

inline table load_table(const results& r) {
  table t = make_table({"model", "format", "weights"},
                       {"threads", "file MB", "one plain read s", "first token s",
                        "of two plain reads", "most memory MB", "of the file", "then tokens/s"});
  for (const load_run& one : r.loads) {
    const model_facts& m = r.models[one.model];
    const auto file = static_cast<double>(m.file_bytes);
    const auto peak = static_cast<double>(one.peak_bytes);
    t.add_row(
        {m.name, m.format, one.weights, number(one.threads), fixed(1e-6 * file, 0),
         fixed(1e-9 * median_of(one.plain_read), 3), fixed(1e-9 * median_of(one.first_token), 3),
         percent(0.5 * median_ratio(one.first_token, one.plain_read)), fixed(1e-6 * peak, 0),
         number(peak / std::max(1.0, file)), number(1e9 / std::max(1.0, median_of(one.token)))});
  }
  return t;
}

/// Speed of the plain build over the other's, turn by turn.
inline table two_builds_table(const results& r) {
  const auto flags = [](const std::string& text) { return " `" + text + "`: tokens/s"; };
  std::string plain = "plain", tuned = "tuned";
  if (!r.two_builds.empty()) {
    plain += flags(r.two_builds[0].plain_flags), tuned += flags(r.two_builds[0].tuned_flags);
  }
  table t = make_table({"model", "format", "stage"},
                       {"threads", plain, tuned, "plain of tuned", "middle half", "turns"});
  for (const build_run& one : r.two_builds) {
    const model_facts& m = r.models[one.model];
    std::vector<double> shares;
    for (std::size_t i = 0; i < std::min(one.plain.size(), one.tuned.size()); ++i) {
      shares.push_back(static_cast<double>(one.tuned[i]) / static_cast<double>(one.plain[i]));
    }
    std::sort(shares.begin(), shares.end());
    const std::size_t n = shares.size();
    const auto speed = [](const std::vector<std::uint64_t>& x) {
      return number(1e12 / std::max(1.0, median_of(x)));
    };
    t.add_row({m.name, m.format, one.what == stage::prefill ? "prefill" : "decoding",
               number(one.threads), speed(one.plain), speed(one.tuned), percent(median(shares), 1),
               n == 0 ? "–" : percent(shares[n / 4], 1) + "–" + percent(shares[n - 1 - n / 4], 1),
               number(std::uint64_t{n})});
  }
  return t;
}

inline table build_table(const results& r) {
  table t = make_table({"what", "flags"}, {"processor s to compile", "stripped kB"});
  for (const build_cost& one : r.build) {
    t.add_row(
        {one.what, one.flags, fixed(1e-3 * median_of(one.milliseconds), 1),
         one.stripped_bytes == 0 ? "–" : fixed(1e-3 * static_cast<double>(one.stripped_bytes), 0)});
  }
  return t;
}

}  // namespace detail

/// The tables for which there are results.
inline std::vector<titled_table> tables(const results& r) {
  std::vector<titled_table> all;
  const auto add = [&](bool wanted, const char* title, multitudes::report::table t) {
    if (wanted) all.push_back({title, std::move(t)});
  };
  const auto has = [&](stage what) {
    return std::any_of(r.runs.begin(), r.runs.end(), [&](const run& x) { return x.what == what; });
  };
  add(!r.machine_limits.empty(), "The machine's limits", detail::limit_table(r));
  add(has(stage::decode), "Decoding: one token of each sequence at a time",
      detail::run_table(r, stage::decode));
  bool any = false;
  auto ratios = detail::ratio_table(r, any);
  add(any, "Decoding many sequences together", std::move(ratios));
  add(has(stage::prefill), "Prefill: reading a prompt", detail::run_table(r, stage::prefill));
  add(!r.steering.empty(), "Steering and watching, as a share of plain speed",
      detail::steering_table(r));
  add(!r.caches.empty(), "A long past, kept in three formats, as shares of the speed with f32",
      detail::cache_table(r));
  add(!r.profiles.empty(), "Where the time of one decoded token goes", detail::profile_table(r));
  add(!r.loads.empty(), "Loading", detail::load_table(r));
  add(!r.two_builds.empty(),
      "Without flags for this processor, in turns with a build that has them",
      detail::two_builds_table(r));
  add(!r.build.empty(), "Building", detail::build_table(r));
  return all;
}

/// What was measured on: a sentence for each line.
inline std::vector<std::string> circumstances(const results& r) {
  return {"Machine: " + r.machine + ", " + std::to_string(r.processors) +
              (r.processors == 1 ? " processor" : " processors") + "; load averages " + r.load +
              ".",
          "Compiler: " + r.compiler + " with `" + r.flags + "`; kernels: " + r.isa + ".",
          "Command: `" + r.command + "`, " + r.day + "."};
}

inline std::string to_text(const results& r) {
  std::string out;
  for (const std::string& line : circumstances(r)) out += line + "\n";
  for (const titled_table& t : tables(r)) out += "\n" + t.title + "\n\n" + t.body.to_text();
  return out;
}

inline std::string to_markdown(const results& r) {
  std::string out;
  for (const std::string& line : circumstances(r)) out += "- " + line + "\n";
  for (const titled_table& t : tables(r)) {
    out += "\n### " + t.title + "\n\n" + t.body.to_markdown();
  }
  return out;
}

/// Between a comment that begins like this and names the command, and this one, stands on a page
/// what a program wrote.
inline constexpr std::string_view region_begin = "<!-- measured by ";
inline constexpr std::string_view region_end = "<!-- end of what was measured -->";

/// Puts new tables there; false, and nothing done, if the page has no such place.
inline bool replace_region(std::string& page, const results& r) {
  const std::size_t begin = page.find(region_begin);
  const std::size_t end = page.find(region_end, begin == page.npos ? 0 : begin);
  if (begin == page.npos || end == page.npos) return false;
  page.replace(begin, end - begin,
               std::string(region_begin) + r.command + " -->\n\n" + to_markdown(r) + "\n");
  return true;
}

}  // namespace multitudes_bench
