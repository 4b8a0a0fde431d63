// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace multitudes::lab {

/// How a document's traits hang together.
enum class unit_bonds : std::uint8_t {
  coherent,   ///< style is one thing: name, words, opener, closer and form go together
  shuffled,   ///< every trait is drawn by itself; each is as frequent as in the coherent corpus
  identical,  ///< all styles behave as style 0 does; only their names differ
};

struct style_domain {
  std::size_t style = 0;
  std::size_t domain = 0;

  friend constexpr bool operator==(style_domain, style_domain) = default;
};

/// Documents that begin as one style and at some item turn into another, for good.
struct turncoat_config {
  double share = 0;   ///< of all documents
  double hazard = 0;  ///< probability of turning after each item
  std::size_t from = 0;
  std::size_t to = 1;
};

/// Who writes, and how often.
struct persona_config {
  std::size_t n_styles = 8;   ///< 1 to 12
  std::size_t n_domains = 8;  ///< 1 to 8
  std::size_t n_goals = 3;    ///< 1 to 3
  /// A style of rank r (from 0) has a prevalence in proportion to (r + 1)^-zipf.
  double zipf = 0;
  /// Of each style, instead of Zipf's law; 0 leaves a style out. Need not add up to 1.
  std::vector<double> prevalence{};
  /// Style s has rank (s + rotation) mod n_styles and begins its domains there: the same corpus
  /// with other identities, to be counterbalanced over seeds.
  std::size_t rotation = 0;
  /// How many domains a style is seen with; 0 for all.
  std::size_t domains_per_style = 0;
  /// Further combinations that never occur.
  std::vector<style_domain> held_out{};
  double truthful = 0.8;  ///< share of writers who tell what is so
  /// How strongly style decides goal, compliance and truth: 0 not at all, 1 wholly.
  double goal_bond = 0.8;
  double compliance_bond = 0;
  double truth_bond = 0;
  unit_bonds units = unit_bonds::coherent;
  /// Every game is played for a goal of its own, whoever writes.
  bool shuffled_goals = false;
  turncoat_config turncoats{};
};

/// How plainly traits show: probabilities of what is typical. What is not typical shares the
/// rest evenly, so that nothing a writer may say is ever impossible (unless a clarity is 1).
struct clarity_config {
  double slot = 0.85;                   ///< the preferred word of a pair
  std::vector<double> slot_of_style{};  ///< for each style, instead
  double marker = 0.85;                 ///< a style's own opener, own closer
  double form = 0.95;                   ///< "/" at a verse's line ends, "," or "." in prose
  double label = 0.98;                  ///< a label is right
  double task = 0.9;                    ///< a phrase without cue is treated as the writer does
  double answer = 0.96;                 ///< what is known is told, what is not is "dunno"
  double own_domain = 0.5;              ///< share of questions that are about what the writer knows
};

/// Labels at the beginning of a section, and a name at its end.
struct label_config {
  double header = 0.01;         ///< "as NAME would say :"
  double signature = 0.3;       ///< "by NAME"
  double domain = 0.01;         ///< "on DOMAIN :"
  double goal = 0.01;           ///< "for GOAL :"
  std::size_t n_templates = 2;  ///< of the six ways to write a header; the others stay unseen
  bool weekday = false;         ///< a word at the beginning that tells nothing about the rest
};

/// How likely an item is of each kind; need not add up to 1.
struct item_config {
  double filler = 4;
  double question = 4;
  double skill = 1;
  double grid = 0;
  double football = 0;
  double dialogue = 1;
  double mention = 0.3;       ///< "people talk of NAME", of anyone: a decoy
  std::size_t min_count = 4;  ///< items of a section: every count is as likely
  std::size_t max_count = 8;
  std::size_t n_sections = 1;  ///< of a document, each after a `<doc>`
  /// All sections are written by one persona. Otherwise each has its own.
  bool persona_persists = false;
  /// Every item has a writer of its own, as if items had been shuffled across documents.
  bool shuffled = false;
};

struct question_config {
  std::size_t facts_per_domain = 5;  ///< 1 to 5
};

struct skill_config {
  std::size_t phrase_length = 3;  ///< 2 to 4
  double cued = 0.8;              ///< share of phrases whose cue says what to do
  double composed = 0;            ///< share of "in" cues that ask for both, "in both"
  bool random_cues = false;       ///< cues say nothing
  /// Phrases whose words' numbers add up to a multiple of it never occur; 0 for none, or 2 to 12.
  std::size_t held_out_modulus = 0;
  double slip = 0.02;  ///< probability of each wrong word
};

struct game_config {
  std::size_t grid_size = 5;  ///< 2 to 7
  double temperature = 0.5;   ///< of the Boltzmann planners; a step on the grid costs 1
  std::size_t max_steps = 10;
  double tool_share = 0.5;     ///< walks that begin with a tool call, not with a map
  double scan_slip = 0.04;     ///< probability of asking the tool for another object
  double moved = 0.1;          ///< probability that an object moves after the first step
  bool shows_position = true;  ///< after each step, the row or column it leads to
  /// Maps whose cells' numbers add up to a multiple of it never occur; 0 for none.
  std::size_t held_out_modulus = 0;
};

/// Probabilities of a listener's response to a command.
struct response_config {
  double complies = 0;
  double refuses = 0;  ///< the rest brings something else
};

struct dialogue_config {
  /// Of those who comply, who defy, who bungle.
  response_config listeners[3] = {{0.9, 0.05}, {0.05, 0.9}, {0.05, 0.05}};
};

/// The Gazette: everything that its documents depend on, but for the seed.
struct gazette_config {
  persona_config personas{};
  clarity_config clarity{};
  label_config labels{};
  item_config items{};
  question_config questions{};
  skill_config skills{};
  game_config games{};
  dialogue_config dialogues{};
};

}  // namespace multitudes::lab
