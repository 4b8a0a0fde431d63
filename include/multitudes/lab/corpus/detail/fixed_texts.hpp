// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/lab/corpus/detail/step.hpp>
#include <multitudes/lab/corpus/tables.hpp>
#include <multitudes/lab/corpus/vocabulary.hpp>

#include <array>
#include <cstddef>

namespace multitudes::lab::detail {

/// What may be said at each kind of choice.
template <std::size_t N>
constexpr std::array<token_id, N> run(token_id first) {
  std::array<token_id, N> ids{};
  for (std::size_t i = 0; i < N; ++i) ids[i] = token_id(first.value + i);
  return ids;
}
inline constexpr auto names_said = run<words::names.size()>(word("arden"));
inline constexpr auto domains_said = run<words::domains.size()>(word("sea"));
inline constexpr auto goals_said = run<words::goals.size()>(word("gold"));
inline constexpr auto slots_said = run<words::slots.size()>(word("colour"));
inline constexpr auto openers_said = run<words::openers.size()>(word("forsooth"));
inline constexpr auto closers_said = run<words::closers.size()>(word("methinks"));
inline constexpr std::array<token_id, 4> line_ends_said{word(","), word("/"), word("."), word("/")};
inline constexpr std::array<token_id, 2> responses_said{word("brings"), word("refuses")};
inline constexpr auto replies_said = [] {
  constexpr std::size_t n = words::subjects.size();
  std::array<token_id, 3 * n> ids{};
  for (std::size_t f = 0; f < n; ++f) {
    ids[3 * f] = token_id(word("gravity").value + f);
    ids[3 * f + 1] = token_id(word("whales").value + f);
    ids[3 * f + 2] = word("dunno");
  }
  return ids;
}();
/// The first words of items, but for filler, which begins with a frame.
inline constexpr std::array<token_id, n_item_kinds> item_starts{token_id(gazette_vocab_size),
                                                                word("ask"),
                                                                word("phrase"),
                                                                word("grid"),
                                                                word("football"),
                                                                word("bid"),
                                                                word("people")};

inline constexpr std::size_t n_frames = 4;

/// A filler item: two lines with three slots. Its first word tells which.
inline constexpr std::array<token_id, n_frames> frame_starts{word("the"), word("a"), word("when"),
                                                             word("she")};

inline void plan_frame(std::size_t frame, step_stack& next) {
  const auto w = [](token_id t) { return say(t); };
  switch (frame) {
    case 0:  // the COLOUR of the HARBOUR light / fell GREY upon the sleeping town
      next.plan({{op::slot, 0},
                 w(word("of")),
                 w(word("the")),
                 {op::slot, 1},
                 w(word("light")),
                 {op::line_end, 0},
                 w(word("fell")),
                 {op::slot, 2},
                 w(word("upon")),
                 w(word("the")),
                 w(word("sleeping")),
                 w(word("town")),
                 {op::line_end, 1}});
      break;
    case 1:  // a NEIGHBOUR spoke with HONOUR then / and to the THEATRE went again
      next.plan({{op::slot, 3},
                 w(word("spoke")),
                 w(word("with")),
                 {op::slot, 4},
                 w(word("then")),
                 {op::line_end, 0},
                 w(word("and")),
                 w(word("to")),
                 w(word("the")),
                 {op::slot, 5},
                 w(word("went")),
                 w(word("again")),
                 {op::line_end, 1}});
      break;
    case 2:  // when THOU came down ERE the bell / a lantern stood NIGH the hill
      next.plan({{op::slot, 6},
                 w(word("came")),
                 w(word("down")),
                 {op::slot, 7},
                 w(word("the")),
                 w(word("bell")),
                 {op::line_end, 0},
                 w(word("a")),
                 w(word("lantern")),
                 w(word("stood")),
                 {op::slot, 8},
                 w(word("the")),
                 w(word("hill")),
                 {op::line_end, 1}});
      break;
    default:  // she HATH a garth YONDER still / and OFT she goes up the hill
      next.plan({{op::slot, 9},
                 w(word("a")),
                 w(word("garth")),
                 {op::slot, 10},
                 w(word("still")),
                 {op::line_end, 0},
                 w(word("and")),
                 {op::slot, 11},
                 w(word("she")),
                 w(word("goes")),
                 w(word("up")),
                 w(word("the")),
                 w(word("hill")),
                 {op::line_end, 1}});
  }
}

inline constexpr std::size_t max_templates = 6;

/// A header's first word tells its template.
inline constexpr std::array<token_id, max_templates> template_starts{
    word("as"), word("thus"), word("in"), word("from"), word("hear"), word("attributed")};

inline void plan_template(std::size_t t, step_stack& next) {
  switch (t) {
    case 0: next.plan({{op::name_label}, say(word("would")), say(word("say"))}); break;
    case 1: next.plan({say(word("writes")), {op::name_label}}); break;
    case 2:
      next.plan({say(word("the")), say(word("words")), say(word("of")), {op::name_label}});
      break;
    case 3:
      next.plan({say(word("the")), say(word("pen")), say(word("of")), {op::name_label}});
      break;
    case 4: next.plan({{op::name_label}, say(word("speak"))}); break;
    default: next.plan({say(word("to")), {op::name_label}});
  }
}

}  // namespace multitudes::lab::detail
