// SPDX-License-Identifier: MIT
#pragma once

#include "texts.hpp"
#include "writer.hpp"

#include <multitudes/generate/control_vector.hpp>
#include <multitudes/persona.hpp>
#include <multitudes/persona/random_control.hpp>
#include <multitudes/report/line_chart.hpp>
#include <multitudes/report/table.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace personas {

/// Whether samples of each author's persona are named as that author, by a judge that has read
/// held-out passages only.
class author_report {
 public:
  author_report(const writer& w, const corpus::shelf& books, const std::string& folder)
      : writer_(w), names_(authors_of(books)), read_(read_held_out(books)) {
    std::vector<labeled_text> texts;
    for (const held_out_piece& p : read_) texts.push_back(p.what);
    judge_ = judge::fit(texts, names_.size());
    plain_judge_ = judge::fit(texts, names_.size(), common_words(books, 300));
    for (const std::string& name : names_) {
      personas_.push_back(or_exit(read_control_vector(
          folder + "/authors/" + file_name(name) + ".gguf", w.lm.space(), name)));
    }
  }

  /// The table, as Markdown.
  [[nodiscard]] std::string table() const {
    const std::size_t n = writer_.n_samples;
    const auto plain = writer_.write(requests_for({}, n * 10));
    report::table t({{"author"},
                     {"held-out pieces", report::alignment::right},
                     {"persona", report::alignment::right},
                     {"random direction", report::alignment::right},
                     {"plain", report::alignment::right},
                     {"`Author: …`", report::alignment::right},
                     {"persona, common words", report::alignment::right},
                     {"taken most for"}});
    std::vector<double> pieces, own, control, nobody, asked, common, gain;
    for (std::size_t a = 0; a < names_.size(); ++a) {
      const auto [right, n_pieces] = cross_validated(a);
      const auto texts = writer_.write(requests_for(plan_of(personas_[a], 1), n));
      const auto pushed = writer_.write(control_requests(a, 1, n));
      const auto prompted = writer_.write(requests_for({}, n, "Author: " + names_[a] + "\n\n"));
      const std::size_t hits = judge_.count(texts, a);
      const std::size_t hits_control = judge_.count(pushed, a);
      const std::size_t hits_plain = judge_.count(plain, a);
      const std::size_t hits_prompt = judge_.count(prompted, a);
      const std::size_t hits_common = plain_judge_.count(texts, a);
      t.add_row({names_[a], percent(right, n_pieces), percent(hits, n), percent(hits_control, n),
                 percent(hits_plain, plain.size()), percent(hits_prompt, n),
                 percent(hits_common, n), mistaken_for(texts, a)});
      const auto share = [](std::size_t k, std::size_t of) {
        return static_cast<double>(k) / static_cast<double>(std::max<std::size_t>(of, 1));
      };
      pieces.push_back(share(right, n_pieces));
      own.push_back(share(hits, n));
      control.push_back(share(hits_control, n));
      nobody.push_back(share(hits_plain, plain.size()));
      asked.push_back(share(hits_prompt, n));
      common.push_back(share(hits_common, n));
      gain.push_back(own.back() - control.back());
    }
    t.add_row({"mean", percent(pieces), percent(own), percent(control), percent(nobody),
               percent(asked), percent(common), ""});
    return t.to_markdown() +
           "\nPersona minus random direction, mean over authors: " + percent(gain) +
           "; positive for " +
           std::to_string(std::count_if(gain.begin(), gain.end(), [](double g) { return g > 0; })) +
           " of " + std::to_string(gain.size()) +
           " authors. Chance: " + report::fixed(100.0 / static_cast<double>(names_.size()), 0) +
           " %.\n";
  }

  /// How the share of samples that are named right grows with the strength.
  [[nodiscard]] report::line_chart dose_chart() const {
    constexpr float doses[] = {0.25f, 0.5f, 0.75f, 1.0f, 1.5f, 2.0f};
    const std::size_t n = std::max<std::size_t>(writer_.n_samples * 2 / 5, 5);
    report::series persona{.label = "personas"};
    report::series control{.label = "random directions of the same length"};
    for (report::series* s : {&persona, &control}) {
      s->low.emplace();
      s->high.emplace();
    }
    const auto plain = writer_.write(requests_for({}, n * 10), 1);
    std::vector<double> at_zero;
    for (std::size_t a = 0; a < names_.size(); ++a) {
      at_zero.push_back(static_cast<double>(judge_.count(plain, a)) /
                        static_cast<double>(plain.size()));
    }
    add_point(persona, 0, at_zero);
    add_point(control, 0, at_zero);
    for (const float dose : doses) {
      std::vector<double> own, pushed;
      for (std::size_t a = 0; a < names_.size(); ++a) {
        const auto share = [&](const std::vector<request>& requests) {
          return static_cast<double>(judge_.count(writer_.write(requests, 1), a)) /
                 static_cast<double>(n);
        };
        own.push_back(share(requests_for(plan_of(personas_[a], dose), n)));
        pushed.push_back(share(control_requests(a, dose, n)));
      }
      add_point(persona, dose, own);
      add_point(control, dose, pushed);
    }
    report::line_chart chart{.title = "Samples named as the author whose persona steers",
                             .x_label = "strength (1: as the files say)",
                             .y_label = "share, mean over authors"};
    chart.lines = {persona, control};
    chart.horizontal.push_back({1.0 / static_cast<double>(names_.size()), "chance"});
    return chart;
  }

 private:
  struct held_out_piece {
    labeled_text what;
    std::size_t chunk;
  };

  static steering::plan plan_of(const persona& who, float strength) {
    return or_exit(steering::compile(who, steering::in_raw_units(strength)));
  }
  /// Under five random directions, as long as the author's at each block.
  [[nodiscard]] std::vector<request> control_requests(std::size_t author, float strength,
                                                      std::size_t n) const {
    constexpr std::size_t n_directions = 5;
    auto requests = requests_for({}, n);
    for (std::size_t k = 0; k < n_directions; ++k) {
      const auto other = or_exit(random_control(personas_[author].direction(), 100 * author + k));
      const auto plan = plan_of(other, strength);
      for (std::size_t i = k; i < n; i += n_directions) requests[i].under = plan;
    }
    return requests;
  }
  static void add_point(report::series& to, float x, const std::vector<double>& shares) {
    const auto range = mean_interval(shares);
    to.x.push_back(static_cast<double>(x));
    to.y.push_back(stats::mean(shares).value_or(0));
    to.low->push_back(range.low);
    to.high->push_back(range.high);
  }

  /// The held-out passages, in pieces as long as a sample.
  [[nodiscard]] std::vector<held_out_piece> read_held_out(const corpus::shelf& books) const {
    std::vector<held_out_piece> pieces;
    const std::size_t size = writer_.sample_bytes();
    for (std::size_t c = 0; c < books.chunks.size(); ++c) {
      if (books.chunks[c].part != corpus::split::held_out) continue;
      std::vector<corpus::document> windows;
      corpus::append_windows(windows, books, books.chunks[c],
                             {.least_bytes = size, .most_bytes = size * 5 / 4, .labeled_share = 0},
                             philox(3, c));
      for (auto& d : windows) {
        const auto author = std::find(names_.begin(), names_.end(), d.style) - names_.begin();
        pieces.push_back({{static_cast<std::size_t>(author), std::move(d.text)}, c});
      }
    }
    return pieces;
  }

  /// The commonest words of the training chapters: no name and hardly a subject is among them.
  static std::set<std::string> common_words(const corpus::shelf& books, std::size_t n) {
    std::map<std::string, std::size_t> counts;
    for (const corpus::chunk& c : books.chunks) {
      if (c.part != corpus::split::train) continue;
      for (std::string& word : corpus::words_of(c.text)) ++counts[std::move(word)];
    }
    std::vector<std::pair<std::size_t, std::string>> order;
    for (const auto& [word, count] : counts) order.emplace_back(count, word);
    std::sort(order.rbegin(), order.rend());
    std::set<std::string> words;
    for (std::size_t i = 0; i < std::min(n, order.size()); ++i) words.insert(order[i].second);
    return words;
  }

  /// How many held-out pieces of an author a judge names that has not read their chapter.
  [[nodiscard]] std::pair<std::size_t, std::size_t> cross_validated(std::size_t author) const {
    std::set<std::size_t> chunks;
    for (const held_out_piece& p : read_) {
      if (p.what.label == author) chunks.insert(p.chunk);
    }
    if (chunks.size() < 2) return {0, 0};
    std::size_t right = 0;
    std::size_t n = 0;
    for (const std::size_t chunk : chunks) {
      std::vector<labeled_text> others;
      for (const held_out_piece& p : read_) {
        if (p.chunk != chunk) others.push_back(p.what);
      }
      const judge j = judge::fit(others, names_.size());
      for (const held_out_piece& p : read_) {
        if (p.chunk != chunk) continue;
        ++n;
        if (j.name(p.what.text) == author) ++right;
      }
    }
    return {right, n};
  }

  /// Whom the judge names most when it does not name the author.
  [[nodiscard]] std::string mistaken_for(const std::vector<std::string>& texts,
                                         std::size_t author) const {
    std::vector<std::size_t> counts(names_.size(), 0);
    for (const std::string& t : texts) {
      if (const auto name = judge_.name(t); name && *name != author) ++counts[*name];
    }
    const auto most = std::max_element(counts.begin(), counts.end());
    if (*most == 0) return "";
    return names_[static_cast<std::size_t>(most - counts.begin())] + " (" + std::to_string(*most) +
           ")";
  }

  const writer& writer_;
  std::vector<std::string> names_;
  std::vector<held_out_piece> read_;
  judge judge_;
  judge plain_judge_;  // knows the common words only
  std::vector<persona> personas_;
};

}  // namespace personas
