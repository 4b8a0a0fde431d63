// SPDX-License-Identifier: MIT
#include <multitudes/npc/utterances.hpp>

#include <doctest/doctest.h>

#include <string_view>

namespace {

namespace npc = multitudes::npc;
using npc::event_kind;

TEST_CASE("What minds say at the same time is put together for each") {
  npc::utterances all;
  const npc::mind a{0, 1}, b{3, 2};
  const auto say = [&](npc::mind who, std::string_view text) {
    CHECK_FALSE(all.take({.who = who, .what = event_kind::said, .text = text}));
  };
  say(a, "good ");
  say(b, "{\"na");
  say(a, "day\n");
  CHECK_FALSE(all.take({.who = a, .what = event_kind::sentence}));
  CHECK(all.so_far(a) == "good day\n");
  const auto first = all.take({.who = a, .what = event_kind::finished});
  REQUIRE(first);
  CHECK(first->who == a);
  CHECK(first->text == "good day");
  CHECK(first->why == npc::ending::by_itself);
  CHECK(all.so_far(a).empty());
  const auto second =
      all.take({.who = b, .what = event_kind::finished, .why = npc::ending::by_cancel});
  REQUIRE(second);
  CHECK(second->text == "{\"na");
  CHECK(second->why == npc::ending::by_cancel);
}

TEST_CASE("Nothing is left over of who left or failed, or from the utterance before") {
  npc::utterances all;
  const npc::mind old{0, 1}, next{0, 2};
  static_cast<void>(all.take({.who = old, .text = "I was"}));
  CHECK(all.so_far(next).empty());
  static_cast<void>(all.take({.who = next, .text = "I am"}));
  CHECK(all.so_far(old).empty());
  CHECK_FALSE(all.take({.who = next, .what = event_kind::failed}));
  static_cast<void>(all.take({.who = next, .text = "here"}));
  CHECK(all.take({.who = next, .what = event_kind::finished})->text == "here");
  CHECK(all.take({.who = next, .what = event_kind::finished})->text.empty());
}

TEST_CASE("A copy goes on from where it was made") {
  npc::utterances all;
  const npc::mind m{1, 1};
  static_cast<void>(all.take({.who = m, .text = "once "}));
  npc::utterances saved = all;
  static_cast<void>(all.take({.who = m, .text = "more"}));
  static_cast<void>(saved.take({.who = m, .text = "again"}));
  CHECK(all.take({.who = m, .what = event_kind::finished})->text == "once more");
  CHECK(saved.take({.who = m, .what = event_kind::finished})->text == "once again");
}

}  // namespace
