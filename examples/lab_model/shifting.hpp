// SPDX-License-Identifier: MIT
#pragma once

#include "asker.hpp"
#include "attribution.hpp"
#include "finding.hpp"

#include <multitudes/lab/given/token_shift.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace lab_model {

/// What tuning changed after the tokens of one kind of text.
struct shift_sample {
  std::string name;
  std::vector<std::vector<lab::token_shift>> texts{};

  /// A number of each token in a range of places, with the text that it is of.
  template <class F>
  [[nodiscard]] lab::ranged mean(F&& number, std::size_t first, std::size_t last,
                                 std::uint64_t seed) const {
    std::vector<double> items;
    std::vector<std::size_t> groups;
    for (std::size_t t = 0; t < texts.size(); ++t) {
      for (std::size_t i = first; i < std::min(last, texts[t].size()); ++i) {
        items.push_back(number(texts[t][i]));
        groups.push_back(t);
      }
    }
    return lab::ranged_mean(items, groups, seed);
  }
};

inline constexpr std::size_t reply_tokens = 32;

/// The likeliest reply, token by token.
inline tokens likeliest_reply(asker& a, const tokens& prompt) {
  tokens reply;
  batch& b = a.sequences();
  const auto s = b.open();
  if (!s) {
    a.failed(s.error());
    return reply;
  }
  tokens next = prompt;
  const std::size_t room = a.context() - std::min(a.context(), prompt.size());
  while (reply.size() < std::min(reply_tokens, room)) {
    a.check_interrupt();
    if (!a.outcome()) break;
    token_id best(0);
    const feed f{*s, next, 1};
    const auto done =
        b.evaluate(a.workers(), std::span(&f, 1), [&](feed_place, std::span<float> logits) {
          const auto top = std::max_element(logits.begin(), logits.end());
          best = token_id(static_cast<std::uint32_t>(top - logits.begin()));
        });
    if (!done) {
      a.failed(done.error());
      break;
    }
    a.line().read(next.size());
    if (best == a.lm().tokenizer->eos() || a.lm().tokenizer->is_control(best)) break;
    reply.push_back(best);
    next = {best};
  }
  b.close(*s);
  return reply;
}

/// Replies to prompts, held-out texts and neutral ones, and what tuning changed in them.
inline std::vector<shift_sample> measure_shifts(asker& base, asker& tuned, const questions& q) {
  base.line().begin("what tuning changed, token by token");
  std::vector<shift_sample> samples{
      {"replies to prompts"}, {"texts of personas"}, {"neutral texts"}};
  const auto add = [&](shift_sample& to, const tokens& text, std::size_t n_last) {
    tuned.check_interrupt();
    if (!base.outcome() || !tuned.outcome() || n_last == 0) return;
    auto found =
        lab::token_shifts(base.sequences(), tuned.sequences(), tuned.workers(), text, n_last);
    base.line().read(2 * text.size());
    if (!found) return tuned.failed(found.error());
    to.texts.push_back(*std::move(found));
  };
  for (const std::string& prompt : q.of.prompts) {
    tokens text = tuned.lm().tokenizer->encode(
        prompt, {.start_token = false, .continues = true, .parse_special = true});
    text.insert(text.begin(), tuned.start());
    const tokens reply = likeliest_reply(tuned, text);
    if (reply.empty()) continue;
    // Each token of the reply is predicted by the one before it.
    text.insert(text.end(), reply.begin(), reply.end() - 1);
    add(samples[0], text, reply.size());
  }
  const auto add_text = [&](shift_sample& to, const std::string& words) {
    tokens text{base.start()};
    const tokens more = base.cut_text(words);
    text.insert(text.end(), more.begin(), more.end() - 1);
    add(to, text, text.size());
  };
  for (const auto& p : q.of.personas) {
    for (std::size_t i = 0; i < std::min(q.most_judged, p.held_out.size()); ++i) {
      add_text(samples[1], p.held_out[i]);
    }
  }
  for (const std::string& text : q.of.neutral) add_text(samples[2], text);
  return samples;
}

/// Claims 10, 14 and 18.
inline void find_shifts(std::vector<finding>& out, const std::vector<shift_sample>& samples,
                        const asker& tuned, const questions& q) {
  finding f{.claims = {10, 18, 14},
            .title = "What tuning changed, token by token",
            .how =
                "KL(tuned || base) at each token, nats, and where the tuned model's favorite "
                "stands in the base model's order: first (not shifted), second or third, or "
                "further back (shifted). Replies are the tuned model's likeliest, of at most " +
                std::to_string(reply_tokens) +
                " tokens, to the prompts of the personas file. Intervals of 95 % over texts.",
            .control = "texts of personas and neutral texts, which nobody was tuned to answer.",
            .against =
                "for claim 10, a shift of most tokens of replies (instruction would have "
                "taught, not labelled); for claim 18, a KL that is no larger at the first "
                "tokens of replies than at later ones. Which training step caused it is "
                "not testable here."};
  f.figures.emplace(std::vector<report::column>{{"tokens of"},
                                                {"texts", report::alignment::right},
                                                {"KL, nats", report::alignment::right},
                                                {"KL, first 4", report::alignment::right},
                                                {"KL, 16th on", report::alignment::right},
                                                {"same favorite", report::alignment::right},
                                                {"second or third", report::alignment::right},
                                                {"shifted", report::alignment::right}});
  report::line_chart chart{.title = "KL(tuned || base) by place in the text",
                           .x_label = "tokens before it",
                           .y_label = "nats"};
  constexpr std::size_t all = 1 << 20;
  for (const shift_sample& s : samples) {
    if (s.texts.empty()) {
      f.notes.push_back("No " + s.name + ": the personas file has no prompts.");
      continue;
    }
    const auto kl = [](const lab::token_shift& t) { return t.kl; };
    const auto rank = [&](std::size_t from, std::size_t to) {
      const auto is_there = [=](const lab::token_shift& t) {
        return t.rank >= from && t.rank < to ? 1.0 : 0.0;
      };
      return percent(within(s.mean(is_there, 0, all, q.seed), 0, 1));
    };
    f.figures->add_row({s.name, std::to_string(s.texts.size()), written(s.mean(kl, 0, all, q.seed)),
                        written(s.mean(kl, 0, 4, q.seed)), written(s.mean(kl, 16, all, q.seed)),
                        rank(0, 1), rank(1, 3), rank(3, all)});
    report::series line{.label = s.name};
    line.low.emplace();
    line.high.emplace();
    for (std::size_t i = 0; i < reply_tokens; i += 2) {
      const auto here = s.mean(kl, i, i + 2, q.seed);
      if (!std::isfinite(here.value)) break;
      line.x.push_back(static_cast<double>(i) + 0.5);
      line.y.push_back(here.value);
      line.low->push_back(here.between.low);
      line.high->push_back(here.between.high);
    }
    chart.lines.push_back(std::move(line));
  }
  std::vector<std::size_t> counts(tuned.lm().shape().vocab_size, 0);
  for (const auto& text : samples[0].texts) {
    for (const lab::token_shift& t : text) {
      if (t.rank >= 3) ++counts[t.favorite.value];
    }
  }
  std::string most = "Tokens of replies that were shifted most often:";
  bool any = false;
  for (std::size_t i = 0; i < 12; ++i) {
    const auto top = std::max_element(counts.begin(), counts.end());
    if (*top == 0) break;
    const token_id token(static_cast<std::uint32_t>(top - counts.begin()));
    std::string shown;
    for (const char c : tuned.lm().tokenizer->bytes_of(token)) {
      shown += c == '\n' ? std::string("⏎") : std::string(1, c);
    }
    most += (any ? ", “" : " “") + shown + "” " + std::to_string(*top);
    any = true;
    *top = 0;
  }
  if (any) f.notes.push_back(most + ".");
  f.chart = std::move(chart);
  f.chart_shows = "Means of two places each; bands: 95 %.";
  out.push_back(std::move(f));
}

}  // namespace lab_model
