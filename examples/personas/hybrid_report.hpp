// SPDX-License-Identifier: MIT
#pragma once

#include "texts.hpp"
#include "writer.hpp"

#include <multitudes/generate/control_vector.hpp>
#include <multitudes/generate/score.hpp>
#include <multitudes/persona.hpp>
#include <multitudes/persona/random_control.hpp>
#include <multitudes/report/table.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace personas {

/// Whether samples have the style of one persona and the subject of another, for combinations
/// that the training texts contain and for those that they do not.
class hybrid_report {
 public:
  hybrid_report(const writer& w, const corpus::grammar& words, const std::string& folder)
      : writer_(w),
        words_(words),
        style_(
            judge::fit(crossed_texts(words, kind::style, 12, 178), 8, corpus::style_words(words))),
        subject_(judge::fit(crossed_texts(words, kind::subject, 12, 179), 8,
                            corpus::subject_words(words))) {
    const auto read = [&](const char* of, std::string_view name) {
      return or_exit(read_control_vector(folder + "/" + of + "/" + std::string(name) + ".gguf",
                                         w.lm.space(), std::string(name)));
    };
    for (std::size_t i = 0; i < 8; ++i) {
      styles_.push_back(read(folder_of(kind::style), corpus::ways[i].name));
      subjects_.push_back(read(folder_of(kind::subject), corpus::things[i].name));
      for (std::size_t k = 0; k < 8; ++k) {
        (corpus::is_held_out(i, k) ? held_out_ : trained_).push_back({i, k});
      }
    }
  }

  /// The choice of the weight, the table and what it says, as Markdown.
  [[nodiscard]] std::string table() const {
    std::string text;
    const float weight = choose_weight(text);
    report::table t({{"samples"},
                     {"combinations"},
                     {"style", report::alignment::right},
                     {"subject", report::alignment::right},
                     {"both", report::alignment::right}});
    std::string differences;
    std::array<std::vector<double>, 2> both;
    for (const bool seen : {true, false}) {
      const auto& cells = seen ? trained_ : held_out_;
      const char* name = seen ? "trained" : "held out";
      // As many samples of the fewer combinations.
      const std::size_t each = writer_.n_samples * (seen ? 1 : 3) / 6;
      const auto add_row = [&](const char* what, const rates& r) {
        t.add_row({what, name, percent(r.style), percent(r.subject), percent(r.both)});
      };
      const auto hybrid = judged(cells, hybrids(cells, each, weight), each);
      const auto style = judged(cells, alone(cells, each, kind::style), each);
      const auto subject = judged(cells, alone(cells, each, kind::subject), each);
      const auto prompt = judged(cells, asked(cells, each), each);
      const auto control = judged(cells, controls(cells, each, weight), each);
      add_row("style + subject", hybrid);
      add_row("style alone", style);
      add_row("subject alone", subject);
      add_row("prompt `As a … would say of …:`", prompt);
      add_row("random direction", control);
      add_row("plain", judged(cells, neutral(cells, each), each));
      add_row("real texts", real(cells, each));
      differences += std::string("- ") + name +
                     ": style + subject has both more often than style "
                     "alone by " +
                     percent(minus(hybrid.both, style.both)) +
                     ", than subject alone "
                     "by " +
                     percent(minus(hybrid.both, subject.both)) + ", than the prompt by " +
                     percent(minus(hybrid.both, prompt.both)) + ", than a random direction by " +
                     percent(minus(hybrid.both, control.both)) + "\n";
      both[seen ? 0 : 1] = hybrid.both;
    }
    return text + t.to_markdown() + "\nDifferences, by combination:\n\n" + differences +
           "- trained combinations have both more often than held-out ones by " +
           percent(*stats::mean(both[0]) - *stats::mean(both[1]), gap_interval(both[0], both[1])) +
           "\n";
  }

 private:
  struct cell {
    std::size_t way;
    std::size_t thing;
  };
  /// (combinations): shares of samples.
  struct rates {
    std::vector<double> style, subject, both;
  };

  void add(rates& to, cell c, std::span<const std::string> texts) const {
    double style = 0, subject = 0, both = 0;
    for (const std::string& t : texts) {
      const bool has_style = style_.name(t) == c.way;
      const bool has_subject = subject_.name(t) == c.thing;
      style += has_style ? 1 : 0;
      subject += has_subject ? 1 : 0;
      both += has_style && has_subject ? 1 : 0;
    }
    const auto n = static_cast<double>(texts.size());
    to.style.push_back(style / n);
    to.subject.push_back(subject / n);
    to.both.push_back(both / n);
  }
  [[nodiscard]] rates judged(const std::vector<cell>& cells, const std::vector<request>& requests,
                             std::size_t each, std::uint64_t series = 2) const {
    const auto texts = writer_.write(requests, series);
    rates r;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      add(r, cells[c], std::span(texts).subspan(c * each, each));
    }
    return r;
  }
  /// What the generator itself writes, as long as a sample.
  [[nodiscard]] rates real(const std::vector<cell>& cells, std::size_t each) const {
    rates r;
    philox random(180);
    for (const cell& c : cells) {
      std::vector<std::string> texts;
      for (std::size_t i = 0; i < each; ++i) {
        texts.push_back(crossed_text(words_, c.way, c.thing, random));
        texts.back().resize(std::min(texts.back().size(), writer_.sample_bytes()));
      }
      add(r, c, texts);
    }
    return r;
  }

  /// `each` samples for each combination, under the plan of the combination.
  template <class PlanOf>
  static std::vector<request> requests_of(const std::vector<cell>& cells, std::size_t each,
                                          PlanOf plan_of) {
    std::vector<request> requests;
    for (const cell& c : cells) {
      for (request& r : requests_for(plan_of(c), each)) {
        // All openings in turn, however few samples a combination has.
        r.prompt = openings[requests.size() % openings.size()];
        requests.push_back(std::move(r));
      }
    }
    return requests;
  }
  [[nodiscard]] static std::vector<request> neutral(const std::vector<cell>& cells,
                                                    std::size_t each) {
    return requests_of(cells, each, [](cell) { return steering::plan{}; });
  }
  template <persona_expression X>
  static steering::plan plan_of(const X& who) {
    return or_exit(steering::compile(who, steering::in_raw_units(1)));
  }
  [[nodiscard]] steering::plan hybrid(cell c, float weight) const {
    return plan_of(weight * styles_[c.way] + weight * subjects_[c.thing]);
  }

  /// By trained combinations and with other seeds: what has both most often, where the loss on
  /// their texts rises by less than 0.75 nats a token, as for each persona by itself.
  float choose_weight(std::string& text) const {
    constexpr float weights[] = {0.4f, 0.5f, 0.6f, 0.7f, 0.85f, 1.0f};
    text =
        "Weights of style and subject, tried on trained combinations with other seeds (style "
        "and subject right, rise of the loss on texts of the generator in nats per token):";
    float chosen = weights[0];
    double best = -1;
    for (const float weight : weights) {
      const auto r = judged(trained_, hybrids(trained_, 2, weight), 2, 7);
      const double both = *stats::mean(r.both);
      const double rise = loss_of_texts(weight) - loss_of_texts(0);
      text += " " + report::fixed(static_cast<double>(weight), 2) + ": " +
              report::fixed(100 * both, 0) + " %, " + report::fixed(rise, 2) + ";";
      if (rise <= 0.75 && both > best) {
        best = both;
        chosen = weight;
      }
    }
    text += " " + report::fixed(static_cast<double>(chosen), 2) + " is used.\n\n";
    return chosen;
  }
  /// On one text of each trained combination, each under its own hybrid.
  [[nodiscard]] double loss_of_texts(float weight) const {
    auto b = or_exit(batch::make(writer_.lm, {.n_sequences = 1, .context = 512}));
    philox random(181);
    double sum = 0;
    double n = 0;
    for (const cell& c : trained_) {
      const scored_text text{
          writer_.lm.tokenizer->encode(crossed_text(words_, c.way, c.thing, random)), 1};
      sum -= or_exit(
          log_probabilities(b, writer_.workers, std::span(&text, 1), {hybrid(c, weight), {}}))[0];
      n += static_cast<double>(text.n_scored());
    }
    return sum / n;
  }

  static std::vector<double> minus(const std::vector<double>& a, const std::vector<double>& b) {
    std::vector<double> result;
    for (std::size_t i = 0; i < a.size(); ++i) result.push_back(a[i] - b[i]);
    return result;
  }
  /// Of the difference of two means, over the combinations of each.
  static stats::interval gap_interval(std::span<const double> a, std::span<const double> b) {
    constexpr std::size_t n_resamples = 2000;
    philox random(6);
    std::vector<double> gaps;
    const auto resampled = [&](std::span<const double> x) {
      double sum = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        sum += x[random.below(static_cast<std::uint32_t>(x.size()))];
      }
      return sum / static_cast<double>(x.size());
    };
    for (std::size_t i = 0; i < n_resamples; ++i) {
      const double first = resampled(a);
      gaps.push_back(first - resampled(b));
    }
    return {*stats::quantile(gaps, 0.025), *stats::quantile(gaps, 0.975)};
  }

  [[nodiscard]] std::vector<request> hybrids(const std::vector<cell>& cells, std::size_t each,
                                             float weight) const {
    return requests_of(cells, each, [&](cell c) { return hybrid(c, weight); });
  }
  [[nodiscard]] std::vector<request> alone(const std::vector<cell>& cells, std::size_t each,
                                           kind k) const {
    return requests_of(cells, each, [&](cell c) {
      return plan_of(k == kind::style ? styles_[c.way] : subjects_[c.thing]);
    });
  }
  [[nodiscard]] std::vector<request> controls(const std::vector<cell>& cells, std::size_t each,
                                              float weight) const {
    return requests_of(cells, each, [&](cell c) {
      const auto like = or_exit(materialize(weight * styles_[c.way] + weight * subjects_[c.thing]));
      return plan_of(or_exit(random_control(like.direction(), 5000 + 8 * c.way + c.thing)));
    });
  }
  [[nodiscard]] static std::vector<request> asked(const std::vector<cell>& cells,
                                                  std::size_t each) {
    auto requests = neutral(cells, each);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const cell c = cells[i / each];
      requests[i].prompt = "As " + std::string(corpus::ways[c.way].called) + " would say of " +
                           std::string(corpus::things[c.thing].called) + ":\n" + requests[i].prompt;
    }
    return requests;
  }

  const writer& writer_;
  const corpus::grammar& words_;
  judge style_;
  judge subject_;
  std::vector<persona> styles_;
  std::vector<persona> subjects_;
  std::vector<cell> trained_;
  std::vector<cell> held_out_;
};

}  // namespace personas
