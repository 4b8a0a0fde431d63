// SPDX-License-Identifier: MIT
// Minds as components of an entity-component system: systems let them hear who is near, think for a
// part of each frame, speak in bubbles, and act by tools. People come and go. A clock that counts
// work instead of time makes the play the same on every machine; a game passes its own.
// docs/embedding.md explains it.

#include "cli.hpp"
#include "personas/gallery.hpp"

#include <multitudes/generate/language_model.hpp>
#include <multitudes/npc/stage.hpp>
#include <multitudes/npc/tools.hpp>
#include <multitudes/npc/utterances.hpp>
#include <multitudes/steering/add.hpp>
#include <multitudes/text/utf8.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

using namespace multitudes;
using example::or_exit;
using std::chrono::nanoseconds;

namespace {

// --- The smallest entity-component system -------------------------------------------------------

struct entity {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;  ///< 0: none

  friend bool operator==(entity, entity) = default;
};

/// All components of one kind, packed, and where each entity's is.
template <class Component>
class pool {
 public:
  void add(entity e, Component c) {
    if (places_.size() <= e.index) places_.resize(e.index + std::size_t{1}, none);
    places_[e.index] = owners_.size();
    owners_.push_back(e);
    components_.push_back(std::move(c));
  }
  Component* find(entity e) {
    const std::size_t at = e.index < places_.size() ? places_[e.index] : none;
    return at != none && owners_[at] == e ? &components_[at] : nullptr;
  }
  /// The last takes its place.
  void remove(entity e) {
    if (find(e) == nullptr) return;
    const std::size_t at = places_[e.index];
    places_[owners_.back().index] = at;
    places_[e.index] = none;
    std::swap(owners_[at], owners_.back());
    std::swap(components_[at], components_.back());
    owners_.pop_back();
    components_.pop_back();
  }
  [[nodiscard]] const std::vector<entity>& owners() const { return owners_; }

 private:
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
  std::vector<std::size_t> places_;  // (entities)
  std::vector<entity> owners_;
  std::vector<Component> components_;
};

template <class... Components>
class world {
 public:
  entity create() {
    if (free_.empty()) {
      generations_.push_back(1);
      return {static_cast<std::uint32_t>(generations_.size() - 1), 1};
    }
    const std::uint32_t i = free_.back();
    free_.pop_back();
    return {i, generations_[i]};
  }
  void destroy(entity e) {
    if (generations_[e.index] != e.generation) return;
    (std::get<pool<Components>>(pools_).remove(e), ...);
    ++generations_[e.index];
    free_.push_back(e.index);
  }
  /// Instead of the one that it has, if it has one.
  template <class C>
  void set(entity e, C c) {
    if (C* own = find<C>(e)) {
      *own = std::move(c);
    } else {
      std::get<pool<C>>(pools_).add(e, std::move(c));
    }
  }
  template <class C>
  C* find(entity e) {
    return std::get<pool<C>>(pools_).find(e);
  }
  template <class C>
  void remove(entity e) {
    std::get<pool<C>>(pools_).remove(e);
  }
  /// Whoever has all of these; `f` may add and remove.
  template <class First, class... More, class F>
  void each(F&& f) {
    const auto owners = std::get<pool<First>>(pools_).owners();
    for (const entity e : owners) {
      if (find<First>(e) == nullptr || ((find<More>(e) == nullptr) || ...)) continue;
      f(e, *find<First>(e), *find<More>(e)...);
    }
  }

 private:
  std::tuple<pool<Components>...> pools_;
  std::vector<std::uint32_t> generations_, free_;
};

// --- Components -------------------------------------------------------------------------------

struct name {
  std::string_view text;
};
struct position {
  int x = 0;
};
/// A mind that leaves the stage when its entity is destroyed.
class thinks {
 public:
  thinks(npc::stage& s, npc::mind m) : stage_(&s), mind_(m) {}
  thinks(thinks&& other) noexcept
      : turns(other.turns),
        rested(other.rested),
        stage_(std::exchange(other.stage_, nullptr)),
        mind_(other.mind_) {}
  thinks& operator=(thinks&& other) noexcept {
    std::swap(stage_, other.stage_);
    std::swap(mind_, other.mind_);
    std::swap(turns, other.turns);
    std::swap(rested, other.rested);
    return *this;
  }
  ~thinks() {
    if (stage_ != nullptr) stage_->leave(mind_);
  }
  [[nodiscard]] npc::mind mind() const { return mind_; }

  std::size_t turns = 0;
  std::size_t rested = 0;  ///< frames since the last

 private:
  npc::stage* stage_;
  npc::mind mind_;
};
struct says {
  std::string line;
  std::size_t frames_left = 0;
  bool is_new = true;
};
struct acts {
  npc::tool_call call;
};
struct walks {
  int to = 0;
  npc::tool_call call;
};
struct gate {
  bool is_open = false;
};

// --- The game ---------------------------------------------------------------------------------

constexpr int hearing_distance = 4;
constexpr std::pair<std::string_view, int> places[] = {{"mill", 0}, {"smithy", 6}, {"gate", 12}};

struct character {
  std::string_view name, introduction, style;
  int x;
};
constexpr character marta{
    "Marta", "Marta the miller is cheerful. Goal of Marta: mend the mill wheel.", "cook", 0};
constexpr character bram{
    "Bram", "Bram the blacksmith is gruff. Goal of Bram: collect the price of six horseshoes.",
    "soldier", 6};
constexpr character nell{"Nell",
                         "Nell the lighthouse keeper is gloomy. Goal of Nell: mend the great lamp.",
                         "sailor", 12};
constexpr character silas{"Silas", "Silas the pedlar is sly. Goal of Silas: sell the lame horse.",
                          "gossip", 12};

// [tools]
enum tool_index : std::size_t { walk, give, open_gate };
npc::toolbox village_tools() {
  return or_exit(npc::toolbox::make({
      {"walk", "go to a place", R"({"type": "object", "required": ["to"],
           "properties": {"to": {"enum": ["mill", "smithy", "gate"]}}})"},
      {"give", "give something to somebody near", R"({"type": "object", "required": ["item", "to"],
           "properties": {"item": {"enum": ["bread", "nail", "coin"]},
                          "to": {"enum": ["Marta", "Bram", "Nell", "Silas"]}}})"},
      {"open_gate", "open the gate, when near it"},
  }));
}
// [tools]

class village {
 public:
  village(const language_model& lm, const personas::gallery& all, std::uint64_t seed)
      : personas_(all),
        seed_(seed),
        memory_(npc::stage::required_bytes(lm, options_).value_or(0)),
        stage_(or_exit(npc::stage::make(lm, options_, memory_.bytes()))),
        calls_(or_exit(stage_.add_rules(tools_.calls()))) {
    gate_ = world_.create();
    world_.set(gate_, position{12});
    world_.set(gate_, gate{});
  }

  entity enter(const character& who) {
    // A model that was taught tools is told tools_.description() as well.
    const auto known = or_exit(stage_.tell(std::string(who.introduction) + "\n\n"));
    const auto style = or_exit(steering::compile(
        steering::add(personas_.at(std::string(who.style)), steering::in_raw_units(0.8f))));
    const auto mind =
        or_exit(stage_.enter({.persona = {style},
                              .voice = {.temperature = 0.8f, .top_p = 0.95f, .seed = seed_},
                              .stream = n_entered_++,
                              .knows = known}));
    const entity e = world_.create();
    world_.set(e, name{who.name});
    world_.set(e, position{who.x});
    world_.set(e, thinks(stage_, mind));
    show(e, "is here.");
    return e;
  }
  void leave(entity e) {
    show(e, "goes away.");
    world_.destroy(e);
  }
  [[nodiscard]] npc::mind mind_of(entity e) { return world_.find<thinks>(e)->mind(); }
  npc::stage& stage() { return stage_; }

  void frame() {
    ++n_frames_;
    begin_turns();
    think();
    speak();
    act();
    move();
    hear();
    fade();
  }

  void sum_up() {
    std::printf("\n%zu frames, %llu words said, %zu calls, %zu broken off; the gate is %s.\n",
                n_frames_, static_cast<unsigned long long>(stage_.totals().words), n_calls_,
                n_broken_, world_.find<gate>(gate_)->is_open ? "open" : "closed");
  }

 private:
  /// Who has nothing to do acts or speaks, in turn.
  void begin_turns() {
    world_.each<thinks, name>([&](entity e, thinks& t, name& n) {
      const auto doing = stage_.doing(t.mind());
      const bool is_busy = doing == npc::activity::speaking || world_.find<walks>(e) != nullptr;
      if (is_busy || world_.find<says>(e) != nullptr || ++t.rested < 10) return;
      if (stage_.room(t.mind()) < 120) {
        // Takes effect when the pass that runs is over; the turn comes later.
        static_cast<void>(stage_.forget(t.mind(), 30));
        return;
      }
      const bool is_act = ++t.turns % 2 == 1;
      t.rested = 0;
      or_exit(stage_.hear(t.mind(), std::string(n.text) + (is_act ? " does:" : ":")));
      or_exit(stage_.say(t.mind(), is_act ? npc::speech{.max_tokens = 60, .under = calls_}
                                          : npc::speech{.max_tokens = 24}));
    });
  }
  void think() {
    inline_executor here;
    const auto count = [this] { return clock_ += nanoseconds(20'000); };
    static_cast<void>(stage_.step(count, clock_ + nanoseconds(2'000'000), here));
  }
  // [speak]
  void speak() {
    while (const auto event = stage_.take_event()) {
      const auto said = utterances_.take(*event);
      if (!said) continue;
      const entity e = entity_of(said->who);
      auto call = tools_.read(*said);
      if (!call) {
        ++n_broken_;  // it was cut off: nothing is done
      } else if (*call) {
        world_.set(e, acts{**std::move(call)});
      } else {
        world_.set(e, says{said->text, 40});
        // What was cut off is no line of its own yet.
        if (said->why != npc::ending::by_itself) static_cast<void>(stage_.hear(said->who, "\n"));
      }
    }
  }
  // [speak]
  void act() {
    world_.each<acts, position>([&](entity e, acts& a, position& at) {
      ++n_calls_;
      const npc::tool_call call = std::move(a.call);
      world_.remove<acts>(e);
      const auto to = call.arguments["to"].string().value_or("");
      switch (call.tool) {
        case walk:
          for (const auto& [place, x] : places) {
            if (place == to) world_.set(e, walks{x, call});
          }
          return show(e, "sets out for the " + std::string(to) + ".");
        case give: {
          const std::string what(call.arguments["item"].string().value_or(""));
          const bool is_near = near(at, to, e);
          if (is_near) show(e, "gives " + std::string(to) + " a " + what + ".");
          return tell(e, call, is_near ? std::string(to) + " has it now." : "nobody is there.");
        }
        case open_gate: {
          const bool is_here = distance(at, *world_.find<position>(gate_)) <= 1;
          bool& is_open = world_.find<gate>(gate_)->is_open;
          const bool opens = is_here && !is_open;
          is_open = is_open || is_here;
          if (opens) show(e, "opens the gate.");
          return tell(e, call,
                      opens     ? "it is open."
                      : is_here ? "it was open."
                                : "it is far away.");
        }
      }
    });
  }
  /// A way takes time; what came of it is told at its end.
  void move() {
    world_.each<walks, position>([&](entity e, walks& w, position& at) {
      if (n_frames_ % 4 != 0) return;
      at.x += at.x < w.to ? 1 : at.x > w.to ? -1 : 0;
      if (at.x != w.to) return;
      const npc::tool_call call = std::move(w.call);
      world_.remove<walks>(e);
      tell(e, call, "it is not far.");
    });
  }
  /// Everybody near hears a new line.
  void hear() {
    world_.each<says, position, name>([&](entity e, says& s, position& at, name& n) {
      if (!std::exchange(s.is_new, false)) return;
      show(e, "says:" + s.line);
      const std::string line = std::string(n.text) + ":" + s.line + "\n";
      world_.each<thinks, position>([&](entity other, thinks& t, position& where) {
        if (other == e || distance(at, where) > hearing_distance) return;
        // Whose memory is full misses it, until its own turn comes and it forgets.
        static_cast<void>(stage_.hear(t.mind(), line));
      });
    });
  }
  /// Bubbles do not stay.
  void fade() {
    world_.each<says>([&](entity e, says& s) {
      if (s.frames_left-- == 0) world_.remove<says>(e);
    });
  }

  // [tell]
  /// What came of a call, for the mind that made it.
  void tell(entity e, const npc::tool_call& call, std::string_view what) {
    show(e, "(" + call.name + ": " + std::string(what) + ")");
    static_cast<void>(stage_.hear(call.who, npc::toolbox::result(call, what)));
  }
  // [tell]
  entity entity_of(npc::mind m) {
    entity found;
    world_.each<thinks>([&](entity e, thinks& t) {
      if (t.mind() == m) found = e;
    });
    return found;
  }
  bool near(position at, std::string_view who, entity but) {
    bool is_near = false;
    world_.each<name, position>([&](entity e, name& n, position& where) {
      is_near =
          is_near || (!(e == but) && n.text == who && distance(at, where) <= hearing_distance);
    });
    return is_near;
  }
  static int distance(position a, position b) { return std::abs(a.x - b.x); }

  void show(entity e, const std::string& what) {
    std::string clean = text::repaired(what);
    std::erase_if(clean, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
    const int x = world_.find<position>(e)->x;
    std::printf("%5zu  %*s%*s %s %s\n", n_frames_, x + 1, "*", 13 - x, "",
                std::string(world_.find<name>(e)->text).c_str(), clean.c_str());
  }

  const personas::gallery& personas_;
  std::uint64_t seed_;
  npc::stage_options options_{.n_minds = 4, .n_lores = 4};
  heap_block memory_;
  npc::toolbox tools_ = village_tools();
  npc::stage stage_;
  npc::rules calls_;
  npc::utterances utterances_;
  world<name, position, thinks, says, acts, walks, gate> world_;
  entity gate_;
  nanoseconds clock_{0};
  std::uint64_t n_entered_ = 0;
  std::size_t n_frames_ = 0, n_calls_ = 0, n_broken_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  std::string model, folder;
  std::size_t n_frames = 600;
  std::uint64_t seed = 1;
  CLI::App app("A village whose people are entities with minds.");
  app.add_option("--model", model, "the model, a GGUF file")->required();
  app.add_option("--personas", folder,
                 "folder of control vectors (default: personas, beside the model)");
  app.add_option("--frames", n_frames)->capture_default_str()->check(CLI::Range(1, 100'000));
  app.add_option("--seed", seed, "of everything that is drawn")->capture_default_str();
  example::parse_or_exit(app, argc, argv);

  const auto lm = or_exit(load_model(model));
  const personas::gallery all(personas::gallery::folder_beside(model, folder), lm.space());
  village v(lm, all, seed);
  std::puts("frame  mill  smithy  gate");
  for (const character& who : {marta, bram, nell}) v.enter(who);
  std::optional<entity> pedlar;
  for (std::size_t frame = 0; frame < n_frames; ++frame) {
    if (frame == n_frames / 4) pedlar = v.enter(silas);
    if (frame == 3 * n_frames / 4 && pedlar) {
      const npc::mind gone = v.mind_of(*pedlar);
      v.leave(*pedlar);
      // Handles may outlive their minds: what is said to nobody is an error, and changes nothing.
      const auto heard = v.stage().hear(gone, "Come back!\n");
      if (!heard) std::printf("       (%s)\n", heard.error().message().c_str());
    }
    v.frame();
  }
  v.sum_up();
}
