// SPDX-License-Identifier: MIT

#include "../support/random_persona.hpp"
#include "../support/shared_data.hpp"
#include "../support/tiny_model.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/calibrate.hpp>
#include <multitudes/generate/session.hpp>

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <limits>
#include <string>

namespace mt = multitudes;
namespace st = multitudes::steering;
using namespace multitudes_test;

namespace {

st::plan some_plan(const mt::language_model& lm, std::uint64_t seed = 3) {
  return *st::compile(random_persona(lm.space(), seed), st::in_raw_units(0.3f));
}

std::vector<float> copy(std::span<const float> x) { return {x.begin(), x.end()}; }

/// The logits after reading tokens under a plan, in a session of their own.
std::vector<float> logits_after(const mt::language_model& lm, std::span<const mt::token_id> tokens,
                                const st::plan& plan) {
  auto s = *mt::session<>::make(lm);
  REQUIRE(s.steer(plan, mt::memory::keep).has_value());
  REQUIRE(s.read(tokens).has_value());
  return copy(s.logits());
}

}  // namespace

TEST_CASE("greedy decoding of a published model gives the published text") {
  const auto model = shared_file("models/stories260K/stories260Ktok512.gguf");
  const auto expected = shared_file("models/stories260K/expected_greedy_200_steps.txt");
  if (!model || !expected) return;
  std::ifstream in(*expected, std::ios::binary);
  const std::string wanted(std::istreambuf_iterator<char>(in), {});
  for (const bool map : {false, true}) {
    const auto lm = mt::load_model(*model, {.map = map});
    REQUIRE_MESSAGE(lm.has_value(), lm.error().message());
    auto s = *mt::session<>::make(*lm, {.context = 512});
    REQUIRE(s.read("").has_value());
    CHECK(*s.write(200) == wanted);
  }
}

TEST_CASE("strength 0, or a plan that was set and removed, leaves no trace") {
  const auto lm = tiny_model();
  const auto tokens = some_tokens(20);
  const auto plain = logits_after(lm, tokens, {});
  const auto p = random_persona(lm.space(), 3);
  CHECK(logits_after(lm, tokens, *st::compile(p, st::in_raw_units(0.0f))) == plain);

  auto s = *mt::session<>::make(lm);
  REQUIRE(s.steer(some_plan(lm), mt::memory::keep).has_value());
  REQUIRE(s.steer(st::plan{}, mt::memory::keep).has_value());
  REQUIRE(s.read(tokens).has_value());
  CHECK(copy(s.logits()) == plain);
  CHECK(s.memories().size() == 1);
  CHECK(s.memories()[0].plan == mt::fingerprint{});

  // Set, used and removed: replaying the memory takes every trace away.
  auto t = *mt::session<>::make(lm);
  REQUIRE(t.steer(some_plan(lm), mt::memory::keep).has_value());
  REQUIRE(t.read(tokens).has_value());
  CHECK(copy(t.logits()) != plain);
  REQUIRE(t.steer(st::plan{}, mt::memory::replay).has_value());
  CHECK(copy(t.logits()) == plain);
}

TEST_CASE("+v then -v is the unsteered model, bit for bit") {
  const auto lm = tiny_model();
  const auto p = random_persona(lm.space(), 3);
  const auto tokens = some_tokens(20);
  CHECK(logits_after(lm, tokens, *st::compile(p + -p, st::in_raw_units(1.0f))) ==
        logits_after(lm, tokens, {}));
}

TEST_CASE("a direction at any layer changes the logits") {
  const auto lm = tiny_model();
  const auto tokens = some_tokens(10);
  const auto plain = logits_after(lm, tokens, {});
  const auto p = random_persona(lm.space(), 3);
  for (std::size_t l = 0; l < lm.shape().n_layers; ++l) {
    const auto plan = *st::compile(p | mt::only_layers(l, l), st::in_raw_units(0.1f));
    CHECK(logits_after(lm, tokens, plan) != plain);
  }
}

TEST_CASE("keep remembers under which plans the memory was computed; replay computes it anew") {
  const auto lm = tiny_model();
  const auto tokens = some_tokens(12);
  const auto plan = some_plan(lm);
  auto s = *mt::session<>::make(lm);
  REQUIRE(s.read(std::span(tokens).first(8)).has_value());
  REQUIRE(s.steer(plan, mt::memory::keep).has_value());
  REQUIRE(s.read(std::span(tokens).subspan(8)).has_value());
  const auto spans = s.memories();
  REQUIRE(spans.size() == 2);
  CHECK(spans[0].last == mt::position(8));
  CHECK(spans[0].plan == mt::fingerprint{});
  CHECK(spans[1].last == mt::position(12));
  CHECK(spans[1].plan == plan.id());
  CHECK(copy(s.logits()) != logits_after(lm, tokens, plan));

  REQUIRE(s.steer(plan, mt::memory::replay).has_value());
  CHECK(s.memories().size() == 1);
  CHECK(copy(s.logits()) == logits_after(lm, tokens, plan));
}

TEST_CASE("a session knows its prompt from its answer, also when it is replayed") {
  const auto lm = tiny_model();
  const auto plan = some_plan(lm);
  const auto tokens = some_tokens(12);
  auto s = *mt::session<>::make(lm);
  REQUIRE(s.steer(st::attachment{plan, st::answer_only()}, mt::memory::keep).has_value());
  REQUIRE(s.read(std::span(tokens).first(5)).has_value());
  for (int i = 0; i < 3; ++i) REQUIRE(s.next().has_value());
  REQUIRE(s.read(std::span(tokens).subspan(5, 2)).has_value());
  REQUIRE(s.next().has_value());
  REQUIRE(s.read(std::span(tokens).subspan(7, 1)).has_value());
  const auto check = [&](bool answer) {
    const auto spans = s.memories();
    REQUIRE(spans.size() == 5);
    const std::size_t ends[] = {5, 8, 10, 11, 12};
    for (std::size_t i = 0; i < 5; ++i) {
      CHECK(spans[i].last == mt::position(ends[i]));
      const bool written = i % 2 == 1;
      CHECK(spans[i].plan == (written == answer ? plan.id() : mt::fingerprint{}));
    }
  };
  check(true);
  const auto kept = copy(s.logits());
  REQUIRE(s.steer(st::attachment{plan, st::prompt_only()}, mt::memory::replay).has_value());
  check(false);
  CHECK(copy(s.logits()) != kept);
  REQUIRE(s.steer(st::attachment{plan, st::answer_only()}, mt::memory::replay).has_value());
  check(true);
  CHECK(copy(s.logits()) == kept);
  CHECK(s.sources()[4] == st::token_source::read);
  CHECK(s.sources()[5] == st::token_source::written);
}

TEST_CASE("a session's monitor reads what is in memory, and reads again when it is replayed") {
  const auto lm = tiny_model();
  const mt::layer_index top(lm.shape().n_layers - 1);
  std::vector<float> unit(lm.shape().model_dim);
  unit[3] = 1;
  auto s = *mt::session<>::make(lm);
  CHECK(s.readings().empty());
  REQUIRE(s.watch(*st::monitor::make({{"x", lm.space(), top, unit, 0, 1}})).has_value());
  REQUIRE(s.read(some_tokens(6)).has_value());
  const float before = s.readings(mt::position(2))[0];
  CHECK(s.readings()[0] == s.readings(mt::position(5))[0]);
  REQUIRE(s.next().has_value());
  CHECK(s.readings(mt::position(6)).empty());  // only chosen yet
  REQUIRE(s.steer(some_plan(lm), mt::memory::replay).has_value());
  CHECK(s.readings(mt::position(2))[0] != before);
  REQUIRE(s.steer(st::plan{}, mt::memory::replay).has_value());
  CHECK(s.readings(mt::position(2))[0] == before);
  auto elsewhere = lm.space();
  elsewhere.model.value ^= 1;
  CHECK(s.watch(*st::monitor::make({{"x", elsewhere, top, unit, 0, 1}})).error().code ==
        mt::errc::space_mismatch);
}

TEST_CASE("a plan for a span of positions is neutral outside it") {
  const auto lm = tiny_model();
  const auto tokens = some_tokens(12);
  auto s = *mt::session<>::make(lm);
  const st::position_span where{mt::position(4), mt::position(6)};
  REQUIRE(s.steer({some_plan(lm), where}, mt::memory::keep).has_value());
  REQUIRE(s.read(tokens).has_value());
  const auto spans = s.memories();
  REQUIRE(spans.size() == 3);
  CHECK(spans[1].first == mt::position(4));
  CHECK(spans[1].last == mt::position(6));
}

TEST_CASE(
    "the same seed writes the same text for any number of threads and any cut of the prompt") {
  const auto lm = tiny_model();
  const mt::session_options options{
      .context = 100, .how = {.temperature = 1.2f, .top_k = 40, .top_p = 0.95f, .seed = 5}};
  const auto write = [&](auto& workers, std::size_t cut) {
    auto s = *mt::session<std::remove_reference_t<decltype(workers)>>::make(lm, options, workers);
    const auto tokens = some_tokens(30);
    REQUIRE(s.read(std::span(tokens).first(cut)).has_value());
    REQUIRE(s.read(std::span(tokens).subspan(cut)).has_value());
    std::vector<mt::token_id> written;
    for (int i = 0; i < 40; ++i) written.push_back(*s.next());
    return written;
  };
  mt::inline_executor one;
  const auto reference = write(one, 30);
  CHECK(write(one, 11) == reference);
  for (const std::size_t n : {std::size_t{1}, std::size_t{2}, std::size_t{4}}) {
    mt::thread_pool pool(n);
    CHECK(write(pool, 30) == reference);
  }
}

TEST_CASE("a full context is an error that loses nothing") {
  const auto lm = tiny_model();
  auto s = *mt::session<>::make(lm, {.context = 10});
  const auto tokens = some_tokens(8);
  REQUIRE(s.read(tokens).has_value());
  const auto before = copy(s.logits());
  const auto refused = s.read(tokens);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::out_of_memory);
  CHECK(s.tokens().size() == 8);
  CHECK(copy(s.logits()) == before);
  REQUIRE(s.next().has_value());
}

TEST_CASE("a session that has read nothing cannot write, and says so") {
  auto s = *mt::session<>::make(tiny_model());
  CHECK(s.next().error().code == mt::errc::invalid_argument);
}

TEST_CASE("a plan of another model is refused and the old one stays") {
  const auto lm = tiny_model();
  const auto other = tiny_model({.seed = 2});
  CHECK(lm.space() != other.space());
  auto s = *mt::session<>::make(lm);
  const auto refused = s.steer(some_plan(other), mt::memory::keep);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::space_mismatch);
  CHECK(refused.error().message().find("rebase()") != std::string::npos);
}

TEST_CASE("streamed pieces join to the text, and a prompt's text goes on without a lost space") {
  const auto lm = tiny_model();
  auto s = *mt::session<>::make(lm, {.context = 120, .how = {.temperature = 1.0f, .seed = 9}});
  REQUIRE(s.read("once").has_value());
  std::string joined;
  const std::size_t before = s.tokens().size();
  const auto text = *s.write(60, [&](std::string_view piece) { joined += piece; });
  CHECK(joined == text);
  const std::string all = lm.tokenizer->decode(s.tokens());
  const std::string prompt = lm.tokenizer->decode(s.tokens().first(before));
  // Bytes that are no UTF-8 are shown as U+FFFD, so only a text without them can be compared.
  if (text.find("\xEF\xBF\xBD") == std::string::npos) CHECK(prompt + text == all);
}

TEST_CASE("calibration gives a positive norm for every layer, the same each time") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  const auto a = *mt::calibrate(lm, one);
  mt::thread_pool pool(2);
  const auto b = *mt::calibrate(lm, pool);
  CHECK(a.typical == b.typical);
  CHECK(a.space == lm.space());
  for (const float norm : a.typical) CHECK(norm > 0);
}

TEST_CASE("only the first text begins with the beginning token and a space") {
  const auto lm = tiny_model();
  auto s = *mt::session<>::make(lm);
  REQUIRE(s.read("ab").has_value());
  REQUIRE(s.read("cd").has_value());
  const auto whole = lm.tokenizer->encode("abcd");
  CHECK(std::equal(s.tokens().begin(), s.tokens().end(), whole.begin(), whole.end()));
  CHECK(s.tokens()[0] == lm.tokenizer->bos());
}

TEST_CASE("a session chooses what the sampler chooses from its logits, tokens and position") {
  const auto lm = tiny_model();
  const mt::sampling how{.repetition_penalty = 1.5f, .temperature = 2.0f, .seed = 5};
  auto s = *mt::session<>::make(lm, {.context = 80, .how = how});
  mt::sampler sampler(how, lm.shape().vocab_size);
  CHECK(s.logits().empty());
  REQUIRE(s.read(some_tokens(20)).has_value());
  for (int i = 0; i < 40; ++i) {
    auto logits = copy(s.logits());
    REQUIRE(!logits.empty());
    const auto wanted = sampler.choose(logits, s.tokens(), mt::position(s.tokens().size()));
    CHECK(*s.next() == wanted);
    CHECK(s.logits().empty());
    REQUIRE(s.read(std::span<const mt::token_id>()).has_value());  // evaluates what was chosen
  }
}

TEST_CASE("writing ends with the end token, and a continuation keeps its first space") {
  const auto lm = tiny_model();
  // Far along a token's head row at the last layer, that token is the likeliest.
  const auto always = [&](mt::token_id token) {
    const auto space = lm.space();
    std::vector<float> values(std::size_t{space.n_layers} * space.model_dim);
    mt::simd::unpack_row<mt::simd::native>(
        lm.weights->head, token.value,
        std::span(values).subspan((space.n_layers - 1) * space.model_dim));
    const auto who = *mt::persona::make("it", *mt::direction::make(space, values));
    return *st::compile(who, st::in_raw_units(1000.0f));
  };
  const mt::token_id end = *lm.tokenizer->eos();
  auto s = *mt::session<>::make(lm);
  REQUIRE(s.read("once").has_value());
  const std::size_t before = s.tokens().size();
  REQUIRE(s.steer(always(mt::token_id(259)), mt::memory::replay).has_value());
  CHECK(*s.write(2) == "  ");
  REQUIRE(s.steer(always(end), mt::memory::replay).has_value());
  CHECK(s.write(10)->empty());
  CHECK(s.tokens().size() == before + 3);
  CHECK(s.tokens().back() == end);
}

TEST_CASE("a session is not made with sampling settings out of range") {
  const auto refused = mt::session<>::make(tiny_model(), {.how = {.temperature = -1.0f}});
  REQUIRE(!refused.has_value());
  CHECK(refused.error().place == "temperature");
}

TEST_CASE("calibration is the median norm of what the model writes, layer by layer") {
  const auto lm = tiny_model();
  mt::inline_executor one;
  // With one row more, the median of an even or of an odd number must move.
  for (const std::size_t n : {std::size_t{10}, std::size_t{11}}) {
    const auto found = *mt::calibrate(lm, one, n);
    auto s = *mt::session<>::make(lm, {.context = n + 2, .how = {.temperature = 1.0f, .seed = 1}});
    std::vector<std::vector<float>> norms(lm.shape().n_layers);
    const mt::token_id first[] = {*lm.tokenizer->bos()};
    REQUIRE(s.read(std::span<const mt::token_id>(first)).has_value());
    for (std::size_t i = 0; i <= n; ++i) {
      const auto observe = [&](mt::feed_place, mt::layer_index l, std::span<const float> h) {
        double squares = 0;
        for (const float x : h) squares += static_cast<double>(x) * static_cast<double>(x);
        norms[l.value].push_back(static_cast<float>(std::sqrt(squares)));
      };
      REQUIRE(s.next(observe).has_value());
    }
    for (std::size_t l = 0; l < norms.size(); ++l) {
      REQUIRE(norms[l].size() == n);  // the first position is left out
      std::sort(norms[l].begin(), norms[l].end());
      // A sum of 32 squares in float.
      CHECK(found.typical[l] == doctest::Approx(norms[l][n / 2]).epsilon(1e-5));
    }
  }
}

TEST_CASE("replay in a full context computes what was in memory and loses nothing") {
  const auto lm = tiny_model();
  auto s = *mt::session<>::make(lm, {.context = 8});
  REQUIRE(s.read(some_tokens(8)).has_value());
  REQUIRE(s.next().has_value());  // chosen, but there is no place for it any more
  REQUIRE(s.steer(some_plan(lm), mt::memory::replay).has_value());
  REQUIRE(s.memories().size() == 1);
  CHECK(s.memories()[0].last == mt::position(8));
}

TEST_CASE("a model that gives no numbers is an error and not a text") {
  auto lm = tiny_model();
  auto broken = std::make_shared<mt::model::weights>(*lm.weights);
  const std::vector<float> nothing(lm.shape().model_dim, std::numeric_limits<float>::quiet_NaN());
  broken->final_norm = nothing;
  lm.weights = broken;
  auto s = *mt::session<>::make(lm);
  REQUIRE(s.read("abc").has_value());
  CHECK(s.next().error().code == mt::errc::non_finite);
}

TEST_CASE("calibration over no tokens is refused") {
  mt::inline_executor one;
  CHECK(mt::calibrate(tiny_model(), one, 0).error().code == mt::errc::invalid_argument);
  CHECK(mt::calibrate(tiny_model(), one, 1).has_value());
}
