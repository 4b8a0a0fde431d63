// SPDX-License-Identifier: MIT

#include "../support/allocation_counter.hpp"
#include "../support/random_persona.hpp"
#include "../support/tiny_model.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/batch.hpp>
#include <multitudes/generate/capture.hpp>
#include <multitudes/generate/score.hpp>
#include <multitudes/steering/clamp.hpp>
#include <multitudes/steering/over_time.hpp>
#include <multitudes/steering/project_out.hpp>
#include <multitudes/steering/rotate.hpp>
#include <multitudes/steering/when.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace mt = multitudes;
namespace st = multitudes::steering;
using namespace multitudes_test;

namespace {

/// Every sequence's logits after every token, when all are fed together in cuts of `cut` tokens.
template <class E>
std::vector<std::vector<float>> run_all(const mt::language_model& lm, E& workers,
                                        const std::vector<std::vector<mt::token_id>>& texts,
                                        const std::vector<st::plan>& plans, std::size_t cut,
                                        std::size_t max_rows) {
  auto b = *mt::batch::make(lm, {.n_sequences = texts.size(), .context = 64, .max_rows = max_rows});
  std::vector<mt::sequence_id> ids;
  for (const st::plan& plan : plans) {
    ids.push_back(*b.open());
    REQUIRE(b.steer(ids.back(), {plan, {}}).has_value());
  }
  std::vector<std::vector<float>> result(texts.size());
  for (std::size_t first = 0; first < texts[0].size(); first += cut) {
    std::vector<mt::feed> feeds;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto rest = std::span(texts[i]).subspan(first);
      feeds.push_back({ids[i], rest.first(std::min(cut, rest.size())), cut});
    }
    REQUIRE(b.evaluate(workers, feeds, [&](mt::feed_place place, std::span<float> logits) {
               result[place.feed].insert(result[place.feed].end(), logits.begin(), logits.end());
             }).has_value());
  }
  return result;
}

}  // namespace

TEST_CASE("sixteen sequences under sixteen plans have the bits that each has alone") {
  const auto lm = tiny_model({.format = mt::simd::weight_format::q8_0});
  std::vector<std::vector<mt::token_id>> texts;
  std::vector<st::plan> plans;
  for (std::size_t i = 0; i < 16; ++i) {
    texts.push_back(some_tokens(21, i + 1));
    const auto p = random_persona(lm.space(), i);
    plans.push_back(*st::compile(p, st::in_raw_units(0.05f * static_cast<float>(i))));
  }
  mt::inline_executor one;
  const auto together = run_all(lm, one, texts, plans, 21, 64);
  CHECK(run_all(lm, one, texts, plans, 4, 16) == together);
  CHECK(run_all(lm, one, texts, plans, 1, 64) == together);
  for (const std::size_t n : {std::size_t{2}, std::size_t{4}}) {
    mt::thread_pool pool(n);
    CHECK(run_all(lm, pool, texts, plans, 7, 64) == together);
  }
  for (std::size_t i = 0; i < 16; ++i) {
    CHECK(run_all(lm, one, {texts[i]}, {plans[i]}, 21, 64)[0] == together[i]);
  }
  CHECK(together[1] != run_all(lm, one, {texts[1]}, {st::plan{}}, 21, 64)[0]);
}

namespace {

mt::persona unit_persona(const mt::activation_space& space, std::uint64_t seed) {
  return *mt::persona::make("unit", *mt::normalized(random_persona(space, seed).direction()));
}

/// A plan of every operator, different for each seed.
st::plan rich_plan(const mt::activation_space& space, std::uint64_t seed) {
  const auto p = random_persona(space, 10 * seed);
  const auto q = random_persona(space, 10 * seed + 1);
  const auto u = unit_persona(space, 10 * seed + 2);
  const auto v = unit_persona(space, 10 * seed + 3);
  const auto push = st::add(p, st::in_raw_units(0.05f * static_cast<float>(seed % 5)));
  const auto band = st::clamp(u, st::in_raw_units(-0.2f), st::in_raw_units(0.3f));
  const auto gate = st::when(st::above(v, st::in_raw_units(0)).at(mt::layer_index(0)),
                             st::rotate(u, q, st::in_degrees(20)));
  const auto fade = st::fade_in(static_cast<std::uint32_t>(1 + seed % 7)) | st::decay(9);
  return *st::compile(push | st::project_out(*mt::subspace::spanned_by(q, p - q)) | band | gate |
                          st::over_time(fade, st::project_out(v, st::side::positive)),
                      seed % 2 == 0 ? st::storage::f32 : st::storage::bf16);
}

/// What the axes of a model read at every position, along random directions.
std::vector<mt::reading_axis> some_axes(const mt::language_model& lm, std::size_t n) {
  std::vector<mt::reading_axis> axes;
  for (std::size_t i = 0; i < n; ++i) {
    const mt::layer_index l(i % lm.shape().n_layers);
    const auto u = unit_persona(lm.space(), 500 + i);
    const auto row = u.direction().row(l);
    axes.push_back({"axis", lm.space(), l, {row.begin(), row.end()}, 0.25, 3});
  }
  return axes;
}

}  // namespace

TEST_CASE("sixty-four sequences under sixty-four rich plans have the bits that each has alone") {
  const auto lm = tiny_model({.format = mt::simd::weight_format::q8_0});
  std::vector<std::vector<mt::token_id>> texts;
  std::vector<st::plan> plans;
  for (std::size_t i = 0; i < 64; ++i) {
    texts.push_back(some_tokens(9, i + 1));
    plans.push_back(rich_plan(lm.space(), i));
  }
  mt::inline_executor one;
  const auto together = run_all(lm, one, texts, plans, 9, 64);
  CHECK(run_all(lm, one, texts, plans, 2, 64) == together);
  for (const std::size_t n : {std::size_t{2}, std::size_t{4}}) {
    mt::thread_pool pool(n);
    CHECK(run_all(lm, pool, texts, plans, 4, 48) == together);
  }
  for (std::size_t i = 0; i < 64; ++i) {
    CHECK(run_all(lm, one, {texts[i]}, {plans[i]}, 9, 64)[0] == together[i]);
  }
  CHECK(together[1] != run_all(lm, one, {texts[1]}, {st::plan{}}, 9, 64)[0]);
}

TEST_CASE("a unit vector at a layer changes the activations from there on, and the logits") {
  const auto lm = tiny_model({.n_layers = 4});
  const auto u = unit_persona(lm.space(), 1);
  const auto tokens = some_tokens(6);
  struct seen {
    std::vector<std::vector<float>> rows;  // (n_layers), of all tokens
    std::vector<float> logits;
  };
  const auto run = [&](const st::plan& plan) {
    auto b = *mt::batch::make(lm, {.context = 8});
    const auto s = *b.open();
    REQUIRE(b.steer(s, {plan}).has_value());
    seen result;
    result.rows.resize(lm.shape().n_layers);
    mt::inline_executor one;
    const mt::feed feeds[] = {{s, tokens, 1}};
    const auto look = [&](mt::feed_place, mt::layer_index l, std::span<const float> h) {
      result.rows[l.value].insert(result.rows[l.value].end(), h.begin(), h.end());
    };
    const auto keep = [&](mt::feed_place, std::span<float> logits) {
      result.logits.assign(logits.begin(), logits.end());
    };
    REQUIRE(b.evaluate(one, feeds, keep, look).has_value());
    return result;
  };
  const auto plain = run({});
  const auto small = st::in_raw_units(1.0f);
  for (std::size_t at = 0; at < lm.shape().n_layers; ++at) {
    CAPTURE(at);
    const auto only = u | mt::only_layers(at, at);
    for (const auto& plan :
         {*st::compile(only, small), *st::compile(st::project_out(only)),
          *st::compile(st::clamp(only, st::in_raw_units(5), st::in_raw_units(6)))}) {
      const auto changed = run(plan);
      CHECK(changed.logits != plain.logits);
      for (std::size_t l = 0; l < lm.shape().n_layers; ++l) {
        CHECK((changed.rows[l] == plain.rows[l]) == (l < at));
      }
    }
  }
}

TEST_CASE("plans that do nothing leave every bit: zero, +v then -v, an open gate on nothing") {
  const auto lm = tiny_model();
  const auto p = random_persona(lm.space(), 1);
  const auto u = unit_persona(lm.space(), 2);
  const std::vector<std::vector<mt::token_id>> texts{some_tokens(9)};
  mt::inline_executor one;
  const auto plain = run_all(lm, one, texts, {st::plan{}}, 9, 64);
  const auto push = [&](float s) { return st::add(p, st::in_raw_units(s)); };
  const auto far = st::in_raw_units(1000);
  for (const auto& plan :
       {*st::compile(push(0)), *st::compile(mt::zero_persona, far),
        *st::compile(push(2) | push(-2)), *st::compile(st::cap(u, far)),
        *st::compile(st::when(st::above(u, far), push(3))),
        *st::compile(st::over_time(st::until(1), st::when(st::above(u, far), push(3))))}) {
    CHECK(run_all(lm, one, texts, {plan}, 9, 64) == plain);
  }
  CHECK(run_all(lm, one, texts, {*st::compile(push(2))}, 9, 64) != plain);
}

TEST_CASE("a gate is looked at for every token of every sequence") {
  const auto lm = tiny_model();
  const auto u = unit_persona(lm.space(), 2);
  const auto q = random_persona(lm.space(), 3);
  const mt::layer_index low(0);
  const auto tokens = some_tokens(12);
  // What the tokens read at the lowest layer, where nothing is steered; half of them open the gate.
  const auto row = u.direction().row(low);
  const mt::reading_axis axis{"u", lm.space(), low, {row.begin(), row.end()}, 0, 1};
  auto b = *mt::batch::make(lm, {.n_sequences = 2, .context = 16, .max_rows = 5});
  REQUIRE(b.watch(*st::monitor::make({axis})).has_value());
  mt::inline_executor one;
  const auto s = *b.open();
  const auto t = *b.open();
  const mt::feed first[] = {{s, tokens, 0}};
  REQUIRE(b.evaluate(one, first).has_value());
  std::vector<float> readings;
  for (std::size_t p = 0; p < tokens.size(); ++p) {
    readings.push_back(b.readings(s, mt::position(p))[0]);
  }
  auto sorted = readings;
  std::sort(sorted.begin(), sorted.end());
  const float middle = (sorted[5] + sorted[6]) / 2;
  const auto plan =
      *st::compile(st::when(st::above(axis, static_cast<double>(middle)),
                            st::add(q | mt::only_layers(2, 2), st::in_raw_units(0.5f))));
  REQUIRE(b.steer(t, {plan}).has_value());
  std::vector<std::vector<float>> rows[2];
  for (const auto which : {s, t}) {
    b.truncate(which, 0);
    const mt::feed feeds[] = {{which, tokens, 0}};
    REQUIRE(
        b.evaluate(one, feeds, [&](mt::feed_place, mt::layer_index l, std::span<const float> h) {
           if (l.value == 2) rows[which == t].emplace_back(h.begin(), h.end());
         }).has_value());
  }
  for (std::size_t p = 0; p < tokens.size(); ++p) {
    CAPTURE(p);
    CHECK((rows[0][p] != rows[1][p]) == (readings[p] > middle));
  }
}

TEST_CASE("the time of envelopes begins where a plan is first in force, wherever feeds are cut") {
  const auto lm = tiny_model();
  const auto q = random_persona(lm.space(), 3);
  const std::size_t last = lm.shape().n_layers - 1;
  const auto plan = *st::compile(
      st::over_time(st::fade_in(4), st::add(q | mt::only_layers(last, last), st::in_raw_units(1))));
  const auto tokens = some_tokens(12);
  // Only the last layer is steered, so what was added shows against the plain row.
  const auto doses = [&](const st::attachment& how, std::size_t max_rows,
                         std::span<const st::token_source> sources) {
    auto b = *mt::batch::make(lm, {.n_sequences = 2, .context = 16, .max_rows = max_rows});
    mt::inline_executor one;
    const mt::sequence_id ids[] = {*b.open(), *b.open()};
    REQUIRE(b.steer(ids[1], how).has_value());
    std::vector<std::vector<float>> rows[2];
    const mt::feed feeds[] = {{ids[0], tokens, 0}, {ids[1], tokens, 0, sources}};
    REQUIRE(b.evaluate(one, feeds,
                       [&](mt::feed_place place, mt::layer_index l, std::span<const float> h) {
                         if (l.value == last) rows[place.feed].emplace_back(h.begin(), h.end());
                       })
                .has_value());
    std::vector<double> found;
    for (std::size_t p = 0; p < tokens.size(); ++p) {
      found.push_back(static_cast<double>(rows[1][p][0] - rows[0][p][0]) /
                      static_cast<double>(q.direction().row(mt::layer_index(last))[0]));
    }
    return found;
  };
  using steps = std::vector<double>;
  const auto check = [&](const st::attachment& how, const steps& wanted,
                         std::span<const st::token_source> sources = {}) {
    for (const std::size_t max_rows : {std::size_t{3}, std::size_t{64}}) {
      const auto found = doses(how, max_rows, sources);
      for (std::size_t p = 0; p < wanted.size(); ++p) {
        CAPTURE(p);
        CHECK(found[p] == doctest::Approx(wanted[p]).epsilon(1e-4));
      }
    }
  };
  check({plan}, {0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1, 1, 1, 1});
  check({plan, st::from(mt::position(5))}, {0, 0, 0, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1, 1});
  check({plan, {}, mt::position(10)}, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.25, 0.5});
  check({plan, {mt::position(3), mt::position(6)}, mt::position(1)},
        {0, 0, 0, 0.75, 1, 1, 0, 0, 0, 0, 0, 0});
  std::vector<st::token_source> sources(12, st::token_source::read);
  for (const std::size_t p : {std::size_t{4}, std::size_t{5}, std::size_t{8}}) {
    sources[p] = st::token_source::written;
  }
  check({plan, st::answer_only()}, {0, 0, 0, 0, 0.25, 0.5, 0, 0, 1, 0, 0, 0}, sources);
  check({plan, st::prompt_only()}, {0.25, 0.5, 0.75, 1, 0, 0, 1, 1, 0, 1, 1, 1}, sources);
}

TEST_CASE("the cache remembers envelopes by when they began, and truncating starts them anew") {
  const auto lm = tiny_model();
  const auto q = random_persona(lm.space(), 3);
  const auto plan = *st::compile(st::over_time(st::decay(4), st::add(q, st::in_raw_units(0.3f))));
  const auto tokens = some_tokens(12);
  auto b = *mt::batch::make(lm, {.n_sequences = 2, .context = 32});
  mt::inline_executor one;
  const auto s = *b.open();
  const auto read = [&](std::size_t from, std::size_t n) {
    const mt::feed feeds[] = {{s, std::span(tokens).subspan(from, n), 0}};
    REQUIRE(b.evaluate(one, feeds).has_value());
  };
  read(0, 4);
  REQUIRE(b.steer(s, {plan}).has_value());
  read(4, 4);
  const auto at = [&](std::size_t p) { return b.cache().plan_at(s, mt::position(p)); };
  CHECK(at(3) == mt::fingerprint{});
  CHECK(at(4) == b.attached(s).id(mt::position(4)));
  CHECK(at(7) == at(4));
  b.truncate(s, 6);  // its beginning is still there
  read(6, 2);
  CHECK(at(7) == at(4));
  b.truncate(s, 2);
  read(2, 4);
  CHECK(at(2) == b.attached(s).id(mt::position(2)));
  CHECK(at(2) != mt::fingerprint{});
}

TEST_CASE("a fork goes on in the time of its origin") {
  const auto lm = tiny_model();
  const auto q = random_persona(lm.space(), 3);
  const auto plan = *st::compile(st::over_time(st::decay(2), st::add(q, st::in_raw_units(0.3f))));
  const auto tokens = some_tokens(8);
  auto b = *mt::batch::make(lm, {.n_sequences = 2, .context = 16});
  mt::inline_executor one;
  const auto s = *b.open();
  REQUIRE(b.steer(s, {plan}).has_value());
  const mt::feed first[] = {{s, std::span(tokens).first(4), 0}};
  REQUIRE(b.evaluate(one, first).has_value());
  const auto fork = *b.fork(s);
  const auto rest = std::span(tokens).subspan(4);
  const mt::feed both[] = {{s, rest, 1}, {fork, rest, 1}};
  std::vector<std::vector<float>> seen;
  REQUIRE(b.evaluate(one, both, [&](mt::feed_place, std::span<float> logits) {
             seen.emplace_back(logits.begin(), logits.end());
           }).has_value());
  CHECK(seen.at(0) == seen.at(1));
  CHECK(b.cache().plan_at(fork, mt::position(7)) == b.cache().plan_at(s, mt::position(4)));
}

TEST_CASE("a monitor reads every fed token after steering, whatever the cuts and threads") {
  const auto lm = tiny_model();
  const auto axes = some_axes(lm, st::max_axes);
  const auto tokens = some_tokens(20);
  const auto plan = rich_plan(lm.space(), 3);
  const auto own = *mt::steering::monitor::make(axes);
  std::vector<std::vector<float>> wanted(tokens.size(), std::vector<float>(axes.size()));
  const auto run = [&](auto& workers, std::size_t max_rows, bool look) {
    auto b = *mt::batch::make(lm, {.n_sequences = 3, .context = 32, .max_rows = max_rows});
    REQUIRE(b.watch(*st::monitor::make(axes)).has_value());
    const mt::sequence_id ids[] = {*b.open(), *b.open()};
    REQUIRE(b.steer(ids[1], {plan}).has_value());
    const mt::feed feeds[] = {{ids[0], tokens, 0}, {ids[1], tokens, 0}};
    const auto see = [&](mt::feed_place place, mt::layer_index l, std::span<const float> h) {
      if (look && place.feed == 1) own.read(l, h, wanted[place.token]);
    };
    REQUIRE(b.evaluate(workers, feeds, see).has_value());
    const auto fork = *b.fork(ids[1]);
    for (std::size_t p = 0; p < tokens.size(); ++p) {
      for (const auto s : {ids[1], fork}) {
        const auto found = b.readings(s, mt::position(p));
        CHECK(std::equal(found.begin(), found.end(), wanted[p].begin(), wanted[p].end()));
      }
      CHECK(b.readings(ids[0], mt::position(p))[0] != wanted[p][0]);
    }
    CHECK(b.readings(ids[1], mt::position(20)).empty());
  };
  mt::inline_executor one;
  run(one, 64, true);
  run(one, 3, false);
  mt::thread_pool pool(4);
  run(pool, 16, false);
}

TEST_CASE("axes of another model are not watched, and watching late reads what comes") {
  const auto lm = tiny_model();
  auto axes = some_axes(lm, 2);
  auto b = *mt::batch::make(lm, {.context = 16});
  const auto s = *b.open();
  mt::inline_executor one;
  const auto tokens = some_tokens(4);
  const mt::feed feeds[] = {{s, tokens, 0}};
  REQUIRE(b.evaluate(one, feeds).has_value());
  REQUIRE(b.watch(*st::monitor::make(axes)).has_value());
  CHECK(std::isnan(b.readings(s, mt::position(3))[0]));
  REQUIRE(b.evaluate(one, feeds).has_value());
  CHECK(!std::isnan(b.readings(s, mt::position(7))[1]));
  for (auto& axis : axes) axis.space.model.value ^= 1;
  const auto refused = b.watch(*st::monitor::make(axes));
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::space_mismatch);
  CHECK(!std::isnan(b.readings(s, mt::position(7))[1]));  // the old one goes on
  REQUIRE(b.watch({}).has_value());
  CHECK(b.readings(s, mt::position(7)).empty());
}

TEST_CASE("a feed says of each of its tokens how it came in, or of none") {
  const auto lm = tiny_model();
  auto b = *mt::batch::make(lm, {.context = 16});
  const auto tokens = some_tokens(4);
  const std::vector<st::token_source> few(3);
  mt::inline_executor one;
  const mt::feed feeds[] = {{*b.open(), tokens, 0, few}};
  const auto refused = b.evaluate(one, feeds);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::shape_mismatch);
}

TEST_CASE("to a plan for answers, scored tokens are the answer") {
  const auto lm = tiny_model();
  auto b = *mt::batch::make(lm, {.n_sequences = 2, .context = 32});
  mt::inline_executor one;
  const auto plan = *st::compile(random_persona(lm.space(), 4), st::in_raw_units(0.2f));
  const auto score = [&](std::size_t first, const st::attachment& under) {
    const std::vector<mt::scored_text> texts{{some_tokens(8), first}};
    return mt::log_probabilities(b, one, texts, under)->front();
  };
  CHECK(score(4, {plan, st::answer_only()}) != score(4, {}));
  CHECK(score(4, {plan, st::answer_only()}) == score(4, {plan, st::from(mt::position(4))}));
  CHECK(score(4, {plan, st::prompt_only()}) ==
        score(4, {plan, {mt::position(0), mt::position(4)}}));
  CHECK(score(7, {plan, st::answer_only()}) == score(7, {}));  // it is scored, never continued
}

TEST_CASE("evaluating allocates nothing once the batch is made") {
  const auto lm = tiny_model();
  auto b = *mt::batch::make(lm, {.n_sequences = 2, .context = 64, .max_rows = 8});
  const auto tokens = some_tokens(40);
  const auto s = *b.open();
  const auto t = *b.open();
  REQUIRE(b.steer(s, {rich_plan(lm.space(), 1)}).has_value());
  REQUIRE(b.watch(*st::monitor::make(some_axes(lm, st::max_axes))).has_value());
  const mt::feed feeds[] = {{s, std::span(tokens).first(20), 1}, {t, tokens, 3}};
  mt::inline_executor one;
  const allocation_counter counter;
  const bool ok = b.evaluate(one, feeds, [](mt::feed_place, std::span<float>) {}).has_value();
  const auto n = counter.allocations();
  CHECK(ok);
  CHECK(n == 0);
}

TEST_CASE("a fork continues as its origin would") {
  const auto lm = tiny_model();
  const auto tokens = some_tokens(45);
  auto b = *mt::batch::make(lm, {.n_sequences = 2, .context = 64});
  mt::inline_executor one;
  const auto a = *b.open();
  const mt::feed prefix[] = {{a, std::span(tokens).first(40), 0}};
  REQUIRE(b.evaluate(one, prefix).has_value());
  const auto fork = *b.fork(a);
  std::vector<std::vector<float>> seen(2);
  const mt::feed rest[] = {{a, std::span(tokens).subspan(40), 5},
                           {fork, std::span(tokens).subspan(40), 5}};
  REQUIRE(b.evaluate(one, rest, [&](mt::feed_place place, std::span<float> logits) {
             seen[place.feed].insert(seen[place.feed].end(), logits.begin(), logits.end());
           }).has_value());
  CHECK(seen[0] == seen[1]);
  CHECK(!seen[0].empty());
}

TEST_CASE("running out of pages in the middle of a feed takes the whole feed back") {
  const auto lm = tiny_model();
  auto b = *mt::batch::make(lm, {.n_sequences = 2, .context = 128, .max_rows = 16, .n_pages = 3});
  const auto tokens = some_tokens(60);
  const auto s = *b.open();
  const auto t = *b.open();
  mt::inline_executor one;
  const mt::feed feeds[] = {{s, tokens, 0}, {t, tokens, 0}};
  const auto refused = b.evaluate(one, feeds);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::out_of_memory);
  CHECK(b.length(s) == 0);
  CHECK(b.length(t) == 0);
  CHECK(b.evaluate(one, std::span(feeds).first(1)).has_value());
}

TEST_CASE("bad feeds are refused by number") {
  const auto lm = tiny_model();
  auto b = *mt::batch::make(lm, {.n_sequences = 2, .context = 16});
  const auto s = *b.open();
  const auto tokens = some_tokens(17);
  mt::inline_executor one;
  const auto refused = [&](std::vector<mt::feed> feeds, mt::errc code, const char* place) {
    const auto outcome = b.evaluate(one, feeds);
    REQUIRE(!outcome.has_value());
    CHECK(outcome.error().code == code);
    CHECK(outcome.error().place == place);
    CHECK(b.length(s) == 0);
  };
  const std::vector<mt::token_id> unknown{mt::token_id(lm.shape().vocab_size)};
  refused({{s, tokens}}, mt::errc::out_of_memory, "feed 0");
  refused({{s, unknown}}, mt::errc::invalid_argument, "feed 0");
  refused({{s, std::span(tokens).first(2)}, {s, std::span(tokens).first(2)}},
          mt::errc::invalid_argument, "feed 1");
  refused({{mt::sequence_id(1), std::span(tokens).first(2)}}, mt::errc::invalid_argument, "feed 0");
}

TEST_CASE("a capture holds every token's row at the chosen layers, for any number of threads") {
  const auto lm = tiny_model();
  const auto tokens = some_tokens(30);
  const mt::layer_index layers[] = {mt::layer_index(2), mt::layer_index(0)};
  const auto run = [&](auto& workers) {
    auto b = *mt::batch::make(lm, {.context = 64, .max_rows = 8});
    const mt::feed feeds[] = {{*b.open(), tokens, 0}};
    mt::capture rows(feeds, layers, lm.shape().model_dim);
    REQUIRE(b.evaluate(workers, feeds, rows).has_value());
    std::vector<float> all;
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      for (std::size_t l = 0; l < 2; ++l) {
        const auto row = rows.row({0, t}, l);
        all.insert(all.end(), row.begin(), row.end());
      }
    }
    return all;
  };
  mt::inline_executor one;
  mt::thread_pool pool(4);
  const auto reference = run(one);
  CHECK(run(pool) == reference);
  CHECK(std::none_of(reference.begin(), reference.end(), [](float x) { return x == 0.0f; }));
}

TEST_CASE("log-probabilities of all tokens sum to one, and a text's is the sum over its tokens") {
  const auto lm = tiny_model();
  auto b = *mt::batch::make(lm, {.n_sequences = 3, .context = 64});
  mt::inline_executor one;
  std::vector<mt::scored_text> next;
  const auto prefix = some_tokens(6);
  for (std::size_t v = 0; v < lm.shape().vocab_size; ++v) {
    next.push_back({prefix, prefix.size()});
    next.back().tokens.emplace_back(v);
  }
  double total = 0;
  const auto alone = *mt::log_probabilities(b, one, next);
  for (const double p : alone) total += std::exp(p);
  CHECK(total == doctest::Approx(1.0).epsilon(1e-5));

  const auto text = some_tokens(9);
  const mt::scored_text parts[] = {{text, 4}, {{text.begin(), text.begin() + 6}, 4}, {text, 6}};
  const auto sums = *mt::log_probabilities(b, one, parts);
  CHECK(sums[0] == doctest::Approx(sums[1] + sums[2]).epsilon(1e-9));
  CHECK(mt::log_probabilities(b, one, std::vector<mt::scored_text>{{text, 9}}).error().code ==
        mt::errc::invalid_argument);
  CHECK(b.open().has_value());  // nothing stays open after an error
}

TEST_CASE("an observer sees the row that steering left, and a capture keeps it in its own place") {
  const auto lm = tiny_model();
  const auto plan = *st::compile(random_persona(lm.space(), 4), st::in_raw_units(0.2f));
  const std::vector<std::vector<mt::token_id>> texts{some_tokens(11, 1), some_tokens(9, 2)};
  mt::inline_executor one;
  const auto run = [&](std::size_t first, const st::plan& under,
                       const std::vector<mt::layer_index>& layers) {
    auto b = *mt::batch::make(lm, {.n_sequences = 2, .context = 32, .max_rows = 8});
    std::vector<mt::feed> feeds;
    for (std::size_t i = first; i < 2; ++i) {
      feeds.push_back({*b.open(), texts[i], 0});
      REQUIRE(b.steer(feeds.back().sequence, {under, {}}).has_value());
    }
    mt::capture rows(feeds, layers, lm.shape().model_dim);
    REQUIRE(b.evaluate(one, feeds, rows).has_value());
    return rows;
  };
  const auto same = [](std::span<const float> a, std::span<const float> b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  };
  const mt::layer_index bottom(0);
  const mt::layer_index top(2);
  const auto both = run(0, plan, {top, bottom});
  CHECK(same(both.row({1, 3}, 0), run(0, plan, {top}).row({1, 3}, 0)));
  CHECK(same(both.row({1, 3}, 1), run(0, plan, {bottom}).row({1, 3}, 0)));
  CHECK(same(both.row({1, 8}, 0), run(1, plan, {top}).row({0, 8}, 0)));
  CHECK(!same(both.row({0, 3}, 0), both.row({1, 3}, 0)));  // the texts differ
  // Nothing before block 0 is steered, so its row is the plain one and the plan's addition.
  const auto plain = run(0, {}, {bottom});
  std::vector<float> steered(plain.row({0, 10}, 0).begin(), plain.row({0, 10}, 0).end());
  auto state = plan.begin(0);
  plan.apply(bottom, steered, state);
  CHECK(same(both.row({0, 10}, 1), steered));
}

TEST_CASE("a fork keeps the plan, and a sequence that was closed opens without one") {
  const auto lm = tiny_model();
  auto b = *mt::batch::make(lm, {.n_sequences = 2, .context = 32});
  const auto plan = *st::compile(random_persona(lm.space(), 4), st::in_raw_units(0.2f));
  const auto s = *b.open();
  REQUIRE(b.steer(s, {plan, {}}).has_value());
  const auto fork = *b.fork(s);
  CHECK(b.attached(fork).what.id() == plan.id());
  b.close(s);
  const auto again = *b.open();
  REQUIRE(again == s);
  CHECK(b.attached(again).what.is_neutral());
  CHECK(b.attached(fork).what.id() == plan.id());
}

TEST_CASE("a span of positions holds wherever the feeds are cut") {
  const auto lm = tiny_model();
  auto b = *mt::batch::make(lm, {.n_sequences = 2, .context = 64, .max_rows = 16});
  const auto plan = *st::compile(random_persona(lm.space(), 4), st::in_raw_units(0.2f));
  const auto tokens = some_tokens(20);
  const mt::sequence_id ids[] = {*b.open(), *b.open()};
  for (const auto s : ids) {
    REQUIRE(b.steer(s, {plan, {mt::position(2), mt::position(5)}}).has_value());
  }
  mt::inline_executor one;
  // The second chunk begins in the middle of the first feed and goes on with the second.
  const mt::feed feeds[] = {{ids[0], tokens, 0}, {ids[1], std::span(tokens).first(10), 0}};
  REQUIRE(b.evaluate(one, feeds).has_value());
  for (const auto s : ids) {
    for (std::size_t p = 0; p < b.length(s); ++p) {
      CAPTURE(p);
      const bool inside = p >= 2 && p < 5;
      CHECK(b.cache().plan_at(s, mt::position(p)) == (inside ? plan.id() : mt::fingerprint{}));
    }
  }
}

TEST_CASE("sizes of zero, and feeds that do not fit behind what is held, are refused") {
  const auto lm = tiny_model();
  CHECK(mt::batch::make(lm, {.n_sequences = 0}).error().place == "n_sequences");
  CHECK(mt::batch::make(lm, {.max_rows = 0}).error().place == "max_rows");
  auto b = *mt::batch::make(lm, {.context = 16});
  CHECK(b.cache().max_length() == 16);
  CHECK(mt::batch::make(lm, {})->cache().max_length() == lm.shape().context_length);
  const auto tokens = some_tokens(10);
  mt::inline_executor one;
  const mt::feed feeds[] = {{*b.open(), tokens, 0}};
  REQUIRE(b.evaluate(one, feeds).has_value());
  const auto refused = b.evaluate(one, feeds);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::out_of_memory);
  CHECK(refused.error().place == "feed 0");
  CHECK(b.length(feeds[0].sequence) == 10);
}

TEST_CASE("texts are scored under the plan, and errors leave no sequence open") {
  const auto lm = tiny_model();
  auto b = *mt::batch::make(lm, {.n_sequences = 2, .context = 32});
  mt::inline_executor one;
  const auto plan = *st::compile(random_persona(lm.space(), 4), st::in_raw_units(0.2f));
  const std::vector<mt::scored_text> texts{{some_tokens(8), 3}};
  const double plain = mt::log_probabilities(b, one, texts)->front();
  CHECK(mt::log_probabilities(b, one, texts, {plan, {}})->front() != plain);
  CHECK(mt::log_probabilities(b, one, texts, {st::plan{}, {}})->front() == plain);
  const auto code = [&](const mt::scored_text& text) {
    return mt::log_probabilities(b, one, std::vector{text}).error().code;
  };
  CHECK(code({some_tokens(8), 0}) == mt::errc::invalid_argument);
  auto unknown = some_tokens(8);
  unknown[2] = mt::token_id(lm.shape().vocab_size);
  CHECK(code({unknown, 4}) == mt::errc::invalid_argument);
  REQUIRE(b.open().has_value());
  REQUIRE(b.open().has_value());
  CHECK(code(texts[0]) == mt::errc::out_of_memory);  // all sequences are in use
}

TEST_CASE("sequences that are not open can be neither steered nor forked") {
  auto b = *mt::batch::make(tiny_model(), {.n_sequences = 2, .context = 16});
  CHECK(b.steer(mt::sequence_id(100000), {}).error().code == mt::errc::invalid_argument);
  CHECK(b.fork(mt::sequence_id(1)).error().code == mt::errc::invalid_argument);
}

TEST_CASE("a long feed may ask for the logits of all its tokens, whatever a pass can keep") {
  const auto lm = tiny_model();
  const auto tokens = some_tokens(120);
  const auto all_logits = [&](std::size_t max_rows) {
    auto b = *mt::batch::make(lm, {.context = 128, .max_rows = max_rows});
    mt::inline_executor one;
    const mt::feed f{*b.open(), tokens, tokens.size()};
    std::vector<std::vector<float>> found;
    REQUIRE(b.evaluate(one, std::span(&f, 1), [&](mt::feed_place at, std::span<float> logits) {
               CHECK(at.token == found.size());
               found.emplace_back(logits.begin(), logits.end());
             }).has_value());
    return found;
  };
  const auto few = all_logits(7);
  CHECK(few.size() == tokens.size());
  CHECK(all_logits(256) == few);
}

TEST_CASE("all logits may be asked for by any large number, and a bad last token is refused") {
  const auto lm = tiny_model();
  auto b = *mt::batch::make(lm, {.n_sequences = 1, .context = 16});
  const auto tokens = some_tokens(5);
  mt::inline_executor one;
  int n = 0;
  const mt::feed all[] = {{*b.open(), tokens, std::numeric_limits<std::size_t>::max()}};
  REQUIRE(b.evaluate(one, all, [&](mt::feed_place, std::span<float>) { ++n; }).has_value());
  CHECK(n == 5);
  b.close(all[0].sequence);
  auto bad = tokens;
  bad.emplace_back(lm.shape().vocab_size);
  CHECK(mt::log_probabilities(b, one, std::vector<mt::scored_text>{{bad, 2}}).error().code ==
        mt::errc::invalid_argument);
}
