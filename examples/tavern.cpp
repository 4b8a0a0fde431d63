// SPDX-License-Identifier: MIT
// A tavern: villagers with personas, goals and moods listen to each other and to you, as in a game
// that draws 60 frames a second and has a few milliseconds of each to spare for minds.

#include "cli.hpp"
#include "personas/gallery.hpp"

#include <multitudes/generate/language_model.hpp>
#include <multitudes/npc/stage.hpp>
#include <multitudes/persona.hpp>
#include <multitudes/report/number.hpp>
#include <multitudes/steering/over_time.hpp>
#include <multitudes/text/utf8.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace multitudes;
using example::or_exit;
using std::chrono::nanoseconds;

namespace {

struct settings {
  std::string model{};
  std::string personas{};  ///< folder; empty: the one beside the model
  double budget_ms = 2;
  std::size_t max_tokens = 40;
  float strength = 0.8f;  ///< of personas; 1: as their files say
  std::uint64_t seed = 1;
  std::vector<std::string> lines{};  ///< said instead of what is typed
};

/// What a game's data would say of a character.
struct character {
  std::string_view name, introduction, style, mood;
  std::array<std::string_view, 3> actions;
};
constexpr character cast[] = {
    {"Marta",
     "Marta the miller is cheerful. Goal of Marta: mend the mill wheel.",
     "cook",
     "child",
     {" *takes up a hammer*", " *drives in a nail*", " *measures a plank*"}},
    {"Bram",
     "Bram the blacksmith is gruff. Goal of Bram: collect the price of six horseshoes.",
     "soldier",
     "the_king_james_bible",
     {" *unfolds a bill*", " *holds out a hand*", " *counts on his fingers*"}},
    {"Silas",
     "Silas the pedlar is sly. Goal of Silas: sell the lame horse.",
     "gossip",
     "william_shakespeare",
     {" *points to the lame horse*", " *names a price*", " *turns the lame horse to the light*"}},
    {"Nell",
     "Nell the lighthouse keeper is gloomy. Goal of Nell: mend the great lamp.",
     "sailor",
     "preacher",
     {" *drives in a nail*", " *measures a plank*", " *takes up a hammer*"}},
};
constexpr std::size_t n_villagers = std::size(cast);

nanoseconds now() {
  return std::chrono::duration_cast<nanoseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

/// What may go to a terminal: characters that are none to it.
std::string printable(std::string_view text) {
  std::string clean = text::repaired(text);
  std::erase_if(clean, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  return clean;
}

std::string bar(double share) {
  const auto full = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * 10 + 0.5);
  std::string drawn;
  for (std::size_t i = 0; i < 10; ++i) drawn += i < full ? "\u2588" : "\u2591";
  return drawn;
}

struct villager {
  const character* who = nullptr;
  npc::mind mind;
  float mood = 0;
};

class tavern {
 public:
  tavern(const settings& set, const language_model& lm)
      : set_(set),
        options_{.n_minds = n_villagers, .n_lores = n_villagers, .max_actions = 3},
        memory_(npc::stage::required_bytes(lm, options_).value_or(0)),
        stage_(or_exit(npc::stage::make(lm, options_, memory_.bytes()))) {
    const personas::gallery all(set.personas, lm.space());
    for (const character& who : cast) {
      // A style that is always there, and a mood that the game turns up and down.
      const auto plan = or_exit(steering::compile(
          steering::add(all.at(std::string(who.style)), steering::in_raw_units(set.strength)) |
          steering::over_time(
              steering::dial(0),
              steering::add(all.at(std::string(who.mood)), steering::in_raw_units(set.strength)))));
      const auto known = or_exit(stage_.tell(std::string(who.introduction) + "\n\n"));
      const auto mind =
          or_exit(stage_.enter({.persona = {plan},
                                .voice = {.temperature = 0.7f, .top_p = 0.95f, .seed = set.seed},
                                .stream = villagers_.size(),
                                .knows = known}));
      villagers_.push_back({&who, mind});
    }
  }

  void introduce() const {
    std::puts("You are in the Blue Heron, and so are:\n");
    for (const villager& v : villagers_) {
      std::printf("  %s\n", std::string(v.who->introduction).c_str());
    }
    std::puts(
        "\nSay something; whom you name will answer. Commands:\n"
        "  /mood NAME 0.7   puts somebody into a mood\n"
        "  /who             shows personas and moods\n"
        "  /quit            ends it, as the end of the input does\n");
  }

  /// False at the end of the evening.
  bool take(const std::string& line) {
    if (line == "/quit") return false;
    if (line == "/who") {
      for (const villager& v : villagers_) show(v);
    } else if (line.starts_with("/mood")) {
      set_mood(line);
    } else if (line.starts_with("/")) {
      std::puts("(commands: /mood NAME 0.7, /who, /quit)");
    } else if (const std::string said = printable(line).substr(0, 120); !said.empty()) {
      // The end of a cut character would be repaired when it is read.
      answer(said);
    }
    return true;
  }

  void show_frames() {
    if (frame_us_.empty()) return;
    std::sort(frame_us_.begin(), frame_us_.end());
    std::printf("\n%zu frames, %.1f ms each for minds; microseconds that they took:\n",
                frame_us_.size(), set_.budget_ms);
    double low = 0;
    for (double high = 250; low < frame_us_.back(); low = high, high *= 2) {
      const auto count = std::upper_bound(frame_us_.begin(), frame_us_.end(), high) -
                         std::upper_bound(frame_us_.begin(), frame_us_.end(), low);
      const double share = static_cast<double>(count) / static_cast<double>(frame_us_.size());
      std::printf("  up to %6.0f %s %5.1f %%\n", high, bar(share).c_str(), 100 * share);
    }
    std::printf("  the longest: %.0f\n", frame_us_.back());
  }

 private:
  /// Lets a mind hear; what it cannot keep in mind any more it forgets first.
  void hear(const villager& v, std::string_view text) {
    if (stage_.room(v.mind) < text.size() + set_.max_tokens + 16) {
      or_exit(stage_.forget(v.mind, 40));
      run();
    }
    or_exit(stage_.hear(v.mind, text));
  }

  void answer(const std::string& said) {
    for (std::size_t i = 0; i < n_villagers; ++i) {
      if (said.find(cast[i].name) != std::string::npos) next_ = i;
    }
    for (const villager& v : villagers_) hear(v, "Visitor: " + said + "\n");
    villager& v = villagers_[next_];
    next_ = (next_ + 1) % n_villagers;
    const std::string name(v.who->name);
    hear(v, name + ":");
    // What is not said is not in its memory, so that it may act before it speaks.
    or_exit(stage_.ask_action(v.mind, v.who->actions));
    show(v);
    line_.clear();
    run();
    or_exit(stage_.say(v.mind, {.max_tokens = set_.max_tokens}));
    run();
    std::puts("");
    if (was_cut_) hear(v, "\n");
    for (const villager& other : villagers_) {
      if (!(other.mind == v.mind)) hear(other, name + ":" + line_ + "\n");
    }
    run();
  }

  /// Frames, until nobody has anything to do.
  void run() {
    constexpr nanoseconds frame(16'666'667);
    inline_executor here;
    auto status = npc::stage_status::in_progress;
    while (status != npc::stage_status::idle) {
      const nanoseconds start = now();
      status = stage_.step(
          now, start + nanoseconds(static_cast<std::int64_t>(set_.budget_ms * 1e6)), here);
      frame_us_.push_back(static_cast<double>((now() - start).count()) * 1e-3);
      while (const auto e = stage_.take_event()) handle(*e);
      if (status == npc::stage_status::starved) return;
      // The rest of the frame is the game's.
      if (status != npc::stage_status::idle) std::this_thread::sleep_for(start + frame - now());
    }
  }
  void handle(const npc::event& e) {
    const villager& v = villagers_[e.who.index];
    if (e.what == npc::event_kind::said) {
      line_ += printable(e.text);
      std::printf("%s", printable(e.text).c_str());
      std::fflush(stdout);
    } else if (e.what == npc::event_kind::chose) {
      line_ += v.who->actions[e.action];
      std::printf("%s:%s (%.0f %%)", std::string(v.who->name).c_str(),
                  std::string(v.who->actions[e.action]).c_str(),
                  100 * static_cast<double>(e.probability));
    } else if (e.what == npc::event_kind::finished) {
      was_cut_ = e.why != npc::ending::by_itself;
    } else if (e.what == npc::event_kind::failed) {
      std::puts("(is lost for words: the persona is too strong)");
    }
  }

  void show(const villager& v) const {
    std::printf("  [%-5s %s %s   %s %s]\n", std::string(v.who->name).c_str(),
                std::string(v.who->style).c_str(), bar(static_cast<double>(set_.strength)).c_str(),
                std::string(v.who->mood).c_str(),
                bar(static_cast<double>(v.mood * set_.strength)).c_str());
  }
  void set_mood(const std::string& line) {
    for (villager& v : villagers_) {
      const std::size_t at = line.find(v.who->name);
      if (at == std::string::npos) continue;
      char* end = nullptr;
      const std::string rest = line.substr(at + v.who->name.size());
      const float mood = std::strtof(rest.c_str(), &end);
      if (end == rest.c_str() || !stage_.set_mood(v.mind, 0, mood)) break;
      v.mood = mood;
      return show(v);
    }
    std::puts("(such as: /mood Silas 0.7, with a number from 0 to 1)");
  }

  settings set_;
  npc::stage_options options_;
  heap_block memory_;
  npc::stage stage_;
  std::vector<villager> villagers_;
  std::size_t next_ = 0;
  std::string line_;
  bool was_cut_ = false;
  std::vector<double> frame_us_;
};

}  // namespace

int main(int argc, char** argv) {
  settings set;
  CLI::App app("A tavern full of villagers with personas, goals and moods. Type, and be answered.");
  app.add_option("--model", set.model, "the model, a GGUF file")->required();
  app.add_option("--personas", set.personas,
                 "folder of control vectors (default: personas, beside the model)");
  app.add_option("--budget", set.budget_ms, "milliseconds of a frame that minds may take")
      ->capture_default_str()
      ->check(CLI::Range(0.05, 1000.0));
  app.add_option("-n", set.max_tokens, "tokens of an answer")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  app.add_option("--strength", set.strength, "of personas; 1: as their files say")
      ->capture_default_str();
  app.add_option("--seed", set.seed, "of everything that is drawn")->capture_default_str();
  app.add_option("lines", set.lines, "what you say, instead of typing it");
  example::parse_or_exit(app, argc, argv);
  set.personas = personas::gallery::folder_beside(set.model, set.personas);

  const auto lm = or_exit(load_model(set.model));
  tavern here(set, lm);
  here.introduce();
  std::string line;
  for (std::size_t i = 0;; ++i) {
    std::printf("> ");
    std::fflush(stdout);
    if (!set.lines.empty()) {
      if (i == set.lines.size()) break;
      line = set.lines[i];
      std::puts(printable(line).c_str());
    } else if (!std::getline(std::cin, line)) {
      break;
    }
    if (!here.take(line)) break;
  }
  std::puts("");
  here.show_frames();
}
