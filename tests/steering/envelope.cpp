// SPDX-License-Identifier: MIT

#include <multitudes/steering/envelope.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <string>

namespace mt = multitudes;
namespace st = multitudes::steering;

TEST_CASE("an envelope without stages is 1 for ever") {
  CHECK(st::envelope{}.dose(0) == 1.0f);
  CHECK(st::envelope{}.dose(std::numeric_limits<std::uint32_t>::max()) == 1.0f);
}

TEST_CASE("fade_in rises evenly to 1 at its last token and stays there") {
  const auto e = st::fade_in(4);
  CHECK(e.dose(0) == 0.25f);
  CHECK(e.dose(1) == 0.5f);
  CHECK(e.dose(3) == 1.0f);
  CHECK(e.dose(400) == 1.0f);
  CHECK(st::fade_in(1).dose(0) == 1.0f);
}

TEST_CASE("decay halves in each half life, hold ends, until cuts") {
  CHECK(st::decay(3).dose(0) == 1.0f);
  CHECK(st::decay(3).dose(3) == 0.5f);
  CHECK(st::decay(3).dose(6) == 0.25f);
  CHECK(st::hold(5).dose(4) == 1.0f);
  CHECK(st::hold(5).dose(5) == 0.0f);
  CHECK(st::until(5).dose(4) == 1.0f);
  CHECK(st::until(5).dose(5) == 0.0f);
}

TEST_CASE("stages follow one another, and until counts from the beginning") {
  const auto e = st::fade_in(2) | st::hold(3) | st::decay(4);
  CHECK(e.dose(0) == 0.5f);
  CHECK(e.dose(1) == 1.0f);
  CHECK(e.dose(4) == 1.0f);
  CHECK(e.dose(5) == 1.0f);  // the decay's own first token
  CHECK(e.dose(9) == 0.5f);
  const auto ends = e | st::until(9);
  CHECK(ends.dose(8) == e.dose(8));
  CHECK(ends.dose(9) == 0.0f);
  CHECK((st::fade_in(2) | st::hold(3)).dose(5) == 0.0f);
  CHECK(((st::fade_in(2) | st::hold(3)) | st::decay(4)) ==
        (st::fade_in(2) | (st::hold(3) | st::decay(4))));
}

TEST_CASE("a dose is never outside of 0 to 1") {
  const auto e = st::fade_in(7) | st::decay(0.01f) | st::until(4000);
  for (std::uint32_t t = 0; t < 5000; ++t) {
    CHECK(e.dose(t) >= 0.0f);
    CHECK(e.dose(t) <= 1.0f);
  }
  CHECK(e.dose(std::numeric_limits<std::uint32_t>::max()) == 0.0f);
}

TEST_CASE("a dial says the dose, whatever the time, and 0 where nobody set it") {
  const auto e = st::dial(1);
  const float dials[] = {0.25f, 0.75f, 7.0f, std::numeric_limits<float>::quiet_NaN()};
  CHECK(e.dose(0, dials) == 0.75f);
  CHECK(e.dose(1000, dials) == 0.75f);
  CHECK(e.dose(0) == 0.0f);
  CHECK((st::fade_in(2) | st::dial(0)).dose(0, dials) == 0.125f);
  CHECK(st::dial(2).dose(0, dials) == 1.0f);
  CHECK(st::dial(3).dose(0, dials) == 0.0f);
  CHECK(e.has_dials());
  CHECK_FALSE(st::fade_in(2).has_dials());
  CHECK(e.check());
  CHECK_FALSE(st::dial(st::max_dials).check());
  std::string label;
  e.write_label(label);
  CHECK(label == "dial(1)");
}

TEST_CASE("stages of no length and more stages than there is room for are refused") {
  const auto code = [](const st::envelope& e) { return e.check().error().code; };
  CHECK(st::decay(0.5f).check().has_value());
  CHECK(code(st::fade_in(0)) == mt::errc::invalid_argument);
  CHECK(code(st::hold(0)) == mt::errc::invalid_argument);
  CHECK(code(st::until(0)) == mt::errc::invalid_argument);
  for (const float bad : {0.0f, -1.0f, std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()}) {
    CHECK(code(st::decay(bad)) == mt::errc::invalid_argument);
  }
  auto e = st::fade_in(1);
  for (int i = 1; i < 8; ++i) e = e | st::fade_in(1);
  CHECK(e.check().has_value());
  CHECK(code(e | st::hold(1)) == mt::errc::invalid_argument);
  CHECK((e | e | e).dose(3) == 1.0f);  // refused, but harmless
}
