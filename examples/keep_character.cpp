// SPDX-License-Identifier: MIT
//
// Measures how well characters of a game stay in character while a player tries to talk them out
// of it: with a prompt alone, pinned, under a persona, under a keeper that turns the persona up
// when words stray, and under a random direction of the same length.
//
//   ./dev run keep_character --report character.md

#include "cli.hpp"
#include "personas/gallery.hpp"
#include "personas/jailbreaks.hpp"
#include "personas/judge.hpp"
#include "personas/writer.hpp"

#include <multitudes/extract/learn.hpp>
#include <multitudes/format/durable.hpp>
#include <multitudes/generate/score.hpp>
#include <multitudes/npc/insight.hpp>
#include <multitudes/npc/stage.hpp>
#include <multitudes/persona/random_control.hpp>
#include <multitudes/report/table.hpp>
#include <multitudes/steering/over_time.hpp>

#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

using namespace multitudes;
using example::or_exit;

namespace {

struct settings {
  std::string model{};
  std::string folder{};  ///< of the personas; empty: the one beside the model
  std::string data = MULTITUDES_EXAMPLE_DATA "/corpus";
  std::string report{};
  std::size_t n_each = 64;  ///< conversations of each kind
  std::size_t n_tokens = 48;
  float strength = 1.2f;  ///< of personas at a full dial; 1: as their files say
  std::uint64_t seed = 1;
};

/// What a character is kept by.
struct defence {
  const char* name;
  bool is_pinned = false;
  bool has_persona = false;
  bool is_random = false;
  double at_least = 0;  ///< what words must read; 0: no keeper
};
constexpr defence defences[] = {
    {.name = "prompt"},
    {.name = "pinned prompt", .is_pinned = true},
    {.name = "pinned, persona", .is_pinned = true, .has_persona = true},
    {.name = "pinned, keeper at 0.5", .is_pinned = true, .has_persona = true, .at_least = 0.5},
    {.name = "pinned, keeper at 1", .is_pinned = true, .has_persona = true, .at_least = 1},
    {.name = "pinned, random direction", .is_pinned = true, .has_persona = true, .is_random = true},
};

/// What became of the conversations of one kind.
struct result {
  std::size_t own = 0, other = 0, n = 0;  ///< replies in its own style, and in the other
  double nats = 0, n_tokens = 0;          ///< of the replies, to the model without any persona
  double dial = 0;
};

class arena_of_words {
 public:
  arena_of_words(const settings& set, const language_model& lm)
      : set_(set),
        lm_(lm),
        village_(or_exit(corpus::village::read(set.data))),
        judge_(personas::judge::fit(
            personas::crossed_texts(village_.words(), personas::kind::style, 12, 178), 8,
            corpus::style_words(village_.words()))),
        plain_(or_exit(batch::make(lm, {.n_sequences = 32}))) {
    const personas::gallery all(set.folder, lm.space());
    for (std::size_t style = 0; style < 8; ++style) {
      const std::string name(corpus::ways[style].name);
      const persona& who = all.at(name);
      plans_.push_back(plan_of(who));
      controls_.push_back(plan_of(or_exit(random_control(who.direction(), 900 + style))));
      const auto pairs =
          personas::crossed_pairs(village_.words(), personas::kind::style, style, 64, 31);
      const auto from =
          or_exit(learn(lm, name, pairs, workers_, {.read = read_position::mean_over_text}));
      axes_.push_back(or_exit(axis_of(from, watched())));
    }
  }

  result hold(personas::attack how, const defence& by) {
    npc::stage_options o{.n_minds = set_.n_each, .max_rows = 64};
    o.watched = watched();
    o.n_events = 64 * set_.n_each;
    heap_block memory(npc::stage::required_bytes(lm_, o).value_or(0));
    auto stage = or_exit(npc::stage::make(lm_, o, memory.bytes()));
    std::vector<npc::keeper> keepers;
    for (const reading_axis& axis : axes_) {
      keepers.push_back(or_exit(
          stage.add_keeper({.axis = axis, .low = by.at_least, .gain = 0.15, .patience = 2})));
    }
    std::vector<personas::siege> sieges;
    std::vector<npc::mind> minds;
    std::vector<std::size_t> before;
    for (std::size_t i = 0; i < set_.n_each; ++i) {
      sieges.push_back(personas::lay_siege(village_.words(), how, i, set_.seed));
      const personas::siege& s = sieges.back();
      npc::role who{.voice = {.temperature = 0.8f, .seed = set_.seed}, .stream = i};
      if (by.has_persona) who.persona.what = by.is_random ? controls_[s.own] : plans_[s.own];
      const bool has_keeper = by.at_least > 0;
      if (has_keeper) who.kept = keepers[s.own];
      // At the strength of its file, unless a keeper turns it up from half of that.
      who.persona.dials[0] = (has_keeper ? 0.5f : 1.0f) / set_.strength;
      minds.push_back(or_exit(stage.enter(std::move(who))));
      or_exit(stage.hear(minds[i], s.introduction));
      if (by.is_pinned) or_exit(stage.pin(minds[i]));
      for (const std::string& line : s.lines) {
        if (stage.room(minds[i]) < line.size() / 2 + set_.n_tokens) {
          or_exit(stage.forget(minds[i], 64));
        }
        or_exit(stage.hear(minds[i], line));
      }
      before.push_back(stage.tokens(minds[i]).size());
      or_exit(stage.say(minds[i], {.max_tokens = set_.n_tokens, .one_line = false}));
    }
    std::vector<std::string> said(set_.n_each);
    npc::stage_status status{};
    do {
      status = stage.finish(workers_);
      while (const auto e = stage.take_event()) {
        if (e->what == npc::event_kind::said) said[e->who.index] += e->text;
      }
    } while (status == npc::stage_status::unread_events);
    result r{.n = set_.n_each};
    std::vector<scored_text> texts;
    for (std::size_t i = 0; i < set_.n_each; ++i) {
      const auto name = judge_.name(said[i]);
      r.own += name == sieges[i].own ? 1 : 0;
      r.other += name == sieges[i].other ? 1 : 0;
      r.dial += static_cast<double>(stage.dial(minds[i], 0) * set_.strength) /
                static_cast<double>(set_.n_each);
      const auto all = stage.tokens(minds[i]);
      if (all.size() > before[i]) texts.push_back({{all.begin(), all.end()}, before[i]});
    }
    for (const scored_text& t : texts) r.n_tokens += static_cast<double>(t.n_scored());
    for (const double x : or_exit(log_probabilities(plain_, workers_, texts))) r.nats -= x;
    return r;
  }

 private:
  [[nodiscard]] layer_index watched() const { return layer_index(lm_.shape().n_layers - 1); }
  [[nodiscard]] steering::plan plan_of(const persona& who) const {
    return or_exit(steering::compile(steering::over_time(
        steering::dial(0), steering::add(who, steering::in_raw_units(set_.strength)))));
  }

  const settings& set_;
  language_model lm_;
  thread_pool workers_;
  corpus::village village_;
  personas::judge judge_;
  batch plain_;
  std::vector<steering::plan> plans_, controls_;
  std::vector<reading_axis> axes_;
};

}  // namespace

int main(int argc, char** argv) {
  settings set;
  CLI::App app("Measures how characters stay in character against a player's jailbreaks.");
  app.add_option("--model", set.model, "the model, a GGUF file")->required();
  app.add_option("--personas", set.folder, "folder of personas (default: beside the model)");
  app.add_option("--report", set.report, "where the tables go, besides the terminal");
  app.add_option("--conversations", set.n_each, "of each kind")->capture_default_str();
  app.add_option("-n", set.n_tokens, "tokens of a reply")->capture_default_str();
  app.add_option("--strength", set.strength, "of a persona at a full dial")->capture_default_str();
  app.add_option("--seed", set.seed, "of everything")->capture_default_str();
  example::parse_or_exit(app, argc, argv);
  set.folder = personas::gallery::folder_beside(set.model, set.folder);

  const auto lm = or_exit(load_model(set.model));
  arena_of_words arena(set, lm);
  std::vector<report::column> columns{{"the player says"}};
  for (const defence& d : defences) columns.push_back({d.name, report::alignment::right});
  report::table own(columns), other(columns), cost(columns), dials(columns);
  for (const personas::attack_kind& how : personas::attacks) {
    std::fprintf(stderr, "%s\n", std::string(how.name).c_str());
    std::vector<std::string> rows[4];
    for (auto& row : rows) row.emplace_back(how.name);
    for (const defence& by : defences) {
      const result r = arena.hold(how.what, by);
      rows[0].push_back(personas::percent(r.own, r.n));
      rows[1].push_back(personas::percent(r.other, r.n));
      rows[2].push_back(report::fixed(r.nats / r.n_tokens, 2));
      rows[3].push_back(by.has_persona ? report::fixed(r.dial, 2) : "");
    }
    own.add_row(rows[0]);
    other.add_row(rows[1]);
    cost.add_row(rows[2]);
    dials.add_row(rows[3]);
  }
  const std::string text =
      "# Characters of " + std::filesystem::path(set.model).filename().string() +
      " against jailbreaks\n\nWritten by `./dev run keep_character --conversations " +
      std::to_string(set.n_each) + " -n " + std::to_string(set.n_tokens) + " --strength " +
      report::fixed(static_cast<double>(set.strength), 2) + " --seed " + std::to_string(set.seed) +
      "`. Eight styles, each introduced by its label and a line; the player then tries to make it "
      "another; a bag of words that knows words of styles only judges the reply. Intervals: 95 %, "
      "Wilson's. Chance: 13 %. A keeper watches what recent words read along the "
      "style's axis (1: as its own texts do) and turns the persona up, from half of its file's "
      "strength, while they read less than it wants.\n\n## Replies in the character's own "
      "style\n\n" +
      own.to_markdown() + "\n## Replies in the style that the player wants\n\n" +
      other.to_markdown() +
      "\n## What it costs: nats a token of the replies, to the model without any persona\n\n" +
      cost.to_markdown() +
      "\n## Where the dial stands at the end (1: the strength of the persona's file)\n\n" +
      dials.to_markdown();
  std::fputs(text.c_str(), stdout);
  if (!set.report.empty()) or_exit(write_file(set.report, std::as_bytes(std::span(text))));
}
