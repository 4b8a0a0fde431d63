// SPDX-License-Identifier: MIT
#include "../support/long_run.hpp"
#include "helpers.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/train/training_run.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#if defined(__unix__)
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#endif

namespace mt = multitudes;
namespace fs = std::filesystem;
namespace train = multitudes::train;
using namespace multitudes_test;

namespace {

/// An empty folder for one test, gone afterwards.
struct scratch {
  fs::path folder =
      fs::temp_directory_path() / ("multitudes_run_" + std::to_string(std::random_device()()));

  scratch() { fs::create_directories(folder); }
  ~scratch() { fs::remove_all(folder); }

  [[nodiscard]] std::string path(const std::string& name) const { return (folder / name).string(); }
};

std::vector<std::byte> content(const std::string& path) {
  const auto file = mt::file_bytes::read(path);
  REQUIRE(file.has_value());
  return {file->bytes().begin(), file->bytes().end()};
}

const train::dataset& some_data() {
  static const train::dataset data = counting(20, 12);
  return data;
}

/// Some three steps to a pass, and a point of the curve in the middle of it.
train::run_options some_options() {
  return {.schedule = {.peak = 0.01, .n_steps = 40, .n_warm_up = 3},
          .batches = {.n_rows = 120, .context = 16, .seed = 4},
          .point_every = 4};
}

using run_type = train::training_run<>;

run_type new_run(const train::run_options& options = some_options(),
                 const train::dataset& data = some_data(), std::uint64_t start = 1) {
  auto made = run_type::make(small_model(12, start), data, options);
  REQUIRE(made.has_value());
  return *std::move(made);
}

template <class E>
void advance(run_type& run, E& workers, std::uint64_t to) {
  while (run.n_steps() < to) REQUIRE(run.step(workers).has_value());
}

/// Everything that a run is: weights, moments, counts, position and curve, as its checkpoint.
std::vector<std::byte> state_of(const run_type& run) {
  const scratch s;
  REQUIRE(run.save(s.path("state")).has_value());
  return content(s.path("state"));
}

bool same_curve(std::span<const train::curve_point> a, std::span<const train::curve_point> b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(train::curve_point)) == 0;
}

}  // namespace

TEST_CASE("going on from a checkpoint equals never having stopped, bit for bit") {
  const scratch s;
  const train::dataset held_out = counting(3, 12, 77);
  mt::inline_executor one;
  mt::thread_pool two(2);
  constexpr std::uint64_t last = 14;
  const auto measured = [&](run_type& run, auto& workers, std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t step = from; step < to; ++step) {
      if (step == 6) REQUIRE(run.measure(workers, held_out).has_value());
      REQUIRE(run.step(workers).has_value());
    }
  };
  auto whole = new_run();
  measured(whole, one, 0, last);
  CHECK(whole.curve().size() == 4);  // 4 and 6 by measuring, then 10 and 14
  const auto wanted = state_of(whole);
  auto data_passed = train::batch_stream::make(some_data(), some_options().batches);
  train::training_batch batch;
  for (int i = 0; i < 5; ++i) data_passed->next(batch);
  REQUIRE(data_passed->at().pass == 1);  // so that stops are before, at and after the end of one
  for (std::uint64_t stop = 0; stop < last; ++stop) {
    CAPTURE(stop);
    {
      auto first = new_run();
      measured(first, one, 0, stop);
      REQUIRE(first.save(s.path("c")).has_value());
    }
    auto options = some_options();
    options.n_threads = 2;
    auto second = new_run(options);
    REQUIRE(second.resume(s.path("c")).has_value());
    CHECK(second.n_steps() == stop);
    measured(second, two, stop, last);
    CHECK(second.n_targets() == whole.n_targets());
    CHECK(same_curve(second.curve(), whole.curve()));
    CHECK(std::ranges::equal(second.state().values().values(), whole.state().values().values()));
    CHECK(std::ranges::equal(second.state().optimizer().first_moment(),
                             whole.state().optimizer().first_moment()));
    CHECK(std::ranges::equal(second.state().optimizer().second_moment(),
                             whole.state().optimizer().second_moment()));
    CHECK(state_of(second) == wanted);
  }
}

TEST_CASE("a run can go back to an earlier checkpoint of its own") {
  const scratch s;
  mt::inline_executor one;
  auto run = new_run();
  advance(run, one, 3);
  REQUIRE(run.save(s.path("3")).has_value());
  const auto at_three = state_of(run);
  advance(run, one, 9);
  const auto at_nine = state_of(run);
  REQUIRE(run.resume(s.path("3")).has_value());
  CHECK(state_of(run) == at_three);
  advance(run, one, 9);
  CHECK(state_of(run) == at_nine);
}

TEST_CASE("the checkpoint of another recipe is refused, and the run goes on as it was") {
  const scratch s;
  mt::inline_executor one;
  auto saved = new_run();
  advance(saved, one, 5);
  REQUIRE(saved.save(s.path("c")).has_value());
  const auto refuses = [&](run_type run) {
    advance(run, one, 2);
    const auto before = state_of(run);
    const auto done = run.resume(s.path("c"));
    CHECK(state_of(run) == before);
    REQUIRE(!done.has_value());
    return done.error().code == mt::errc::invalid_argument;
  };
  const auto changed = [](auto change) {
    auto options = some_options();
    change(options);
    return options;
  };
  CHECK(refuses(new_run(changed([](auto& o) { o.batches.seed = 5; }))));
  CHECK(refuses(new_run(changed([](auto& o) { o.batches.n_rows = 121; }))));
  CHECK(refuses(new_run(changed([](auto& o) { o.batches.context = 17; }))));
  CHECK(refuses(new_run(changed([](auto& o) { o.schedule.peak = 0.011; }))));
  CHECK(refuses(new_run(changed([](auto& o) { o.schedule.n_steps = 41; }))));
  CHECK(refuses(new_run(changed([](auto& o) { o.schedule.n_warm_up = 4; }))));
  CHECK(refuses(new_run(changed([](auto& o) { o.schedule.last = 0.2; }))));
  CHECK(refuses(new_run(changed([](auto& o) { o.optimizer.beta1 = 0.8; }))));
  CHECK(refuses(new_run(changed([](auto& o) { o.optimizer.beta2 = 0.9; }))));
  CHECK(refuses(new_run(changed([](auto& o) { o.optimizer.epsilon = 1e-7; }))));
  CHECK(refuses(new_run(changed([](auto& o) { o.optimizer.weight_decay = 0; }))));
  CHECK(refuses(new_run(changed([](auto& o) { o.optimizer.max_norm = 2; }))));
  CHECK(refuses(new_run(changed([](auto& o) { o.point_every = 5; }))));
  CHECK(refuses(new_run(some_options(), some_data(), 2)));
  train::dataset data = counting(20, 12), masked;
  data.add(tokens_of({1, 2}));
  CHECK(refuses(new_run(some_options(), data)));
  for (const auto& d : some_data().documents()) {
    const auto tokens = some_data().tokens(d);
    const train::token_run runs[] = {{tokens.first(1), false}, {tokens.subspan(1), true}};
    masked.add(runs);
  }
  CHECK(refuses(new_run(some_options(), masked)));
  using bf16 = train::training_run<mt::simd::bf16_inputs>;
  auto other = *bf16::make(small_model(), some_data(), some_options());
  CHECK(code_of(other.resume(s.path("c"))) == "invalid_argument");
}

TEST_CASE("a checkpoint that lacks a part or lies is an error and changes nothing") {
  const scratch s;
  mt::inline_executor one;
  auto run = new_run();
  advance(run, one, 9);
  REQUIRE(run.save(s.path("good")).has_value());
  const auto good = *train::checkpoint::read(s.path("good"));
  advance(run, one, 11);
  const auto before = state_of(run);
  const auto refusal = [&](std::string_view section,
                           const std::optional<std::vector<std::uint64_t>>& words) {
    CAPTURE(section);
    train::checkpoint_writer out;
    for (const auto& part : good.sections()) {
      if (part.name != section) {
        out.add(part.name,
                std::span<const std::uint8_t>(
                    reinterpret_cast<const std::uint8_t*>(part.bytes.data()), part.bytes.size()));
      } else if (words) {
        out.add(part.name, std::span<const std::uint64_t>(*words));
      }
    }
    REQUIRE(out.save(s.path("forged")).has_value());
    const auto done = run.resume(s.path("forged"));
    CHECK(state_of(run) == before);
    return done.has_value() ? std::string() : std::string(name(done.error().code));
  };
  for (const auto& part : good.sections()) {
    CHECK(refusal(part.name, std::nullopt) == "not_found");
    CHECK(refusal(part.name, std::vector<std::uint64_t>(3)) != "");
  }
  CHECK(refusal("piece", std::vector<std::uint64_t>{10000}) == "invalid_argument");
  const auto bits = [](double x) { return std::bit_cast<std::uint64_t>(x); };
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double wrong : {nan, -1.0, 1e300, std::numeric_limits<double>::infinity()}) {
    CHECK(refusal("curve", std::vector{bits(wrong), bits(1), bits(1), bits(nan)}) == "malformed");
    CHECK(refusal("curve", std::vector{bits(1), bits(wrong), bits(1), bits(nan)}) == "malformed");
  }
  // Sections in another order are the same checkpoint.
  train::checkpoint_writer shuffled;
  for (auto part = good.sections().rbegin(); part != good.sections().rend(); ++part) {
    shuffled.add(part->name, std::span<const std::uint8_t>(
                                 reinterpret_cast<const std::uint8_t*>(part->bytes.data()),
                                 part->bytes.size()));
  }
  REQUIRE(shuffled.save(s.path("shuffled")).has_value());
  REQUIRE(run.resume(s.path("shuffled")).has_value());
  advance(run, one, 11);
  CHECK(state_of(run) == before);
}

TEST_CASE("damaged, cut and missing files are errors and change nothing") {
  const scratch s;
  mt::inline_executor one;
  auto run = new_run();
  advance(run, one, 2);
  const auto before = state_of(run);
  const auto refused = [&](std::span<const std::byte> bytes) {
    std::ofstream(s.path("bad"), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    const bool is_error = !run.resume(s.path("bad")).has_value();
    CHECK(state_of(run) == before);
    return is_error;
  };
  mt::philox random(1);
  for (int i = 0; i < 20; ++i) {
    auto bytes = before;
    bytes[random.below(static_cast<std::uint32_t>(bytes.size()))] ^= std::byte{0x10};
    CHECK(refused(bytes));
    CHECK(
        refused(std::span(before).first(random.below(static_cast<std::uint32_t>(before.size())))));
  }
  CHECK(code_of(run.resume(s.path("none"))) == "io_failure");
  CHECK(state_of(run) == before);
}

TEST_CASE("measuring is the mean over held-out targets, and stands in the curve") {
  mt::inline_executor one;
  const train::dataset held_out = counting(30, 12, 9);
  auto run = new_run();
  // Before any step there is no training loss.
  const auto first = run.measure(one, held_out);
  REQUIRE(first.has_value());
  CHECK(*first == doctest::Approx(std::log(12.0)).epsilon(0.01));
  REQUIRE(run.curve().size() == 1);
  CHECK(std::isnan(run.curve()[0].loss));
  CHECK(run.curve()[0].held_out == *first);
  // By hand, document by document, cut at the context.
  double sum = 0, n = 0;
  for (const auto& d : held_out.documents()) {
    const auto tokens = held_out.tokens(d);
    for (std::size_t at = 0; at + 1 < tokens.size(); at += 16) {
      const auto piece = tokens.subspan(at, std::min<std::size_t>(17, tokens.size() - at));
      train::training_batch batch;
      batch.append(piece, std::vector<std::uint8_t>(piece.size(), std::uint8_t{1}));
      sum += *run.state().loss(one, batch) * static_cast<double>(piece.size() - 1);
      n += static_cast<double>(piece.size() - 1);
    }
  }
  CHECK(n == static_cast<double>(held_out.n_tokens() - held_out.documents().size()));
  CHECK(*first == doctest::Approx(sum / n).epsilon(1e-6));
  advance(run, one, 2);
  REQUIRE(run.measure(one, held_out).has_value());
  REQUIRE(run.measure(one, held_out).has_value());  // no steps in between: no other point
  CHECK(run.curve().size() == 2);
  CHECK(run.curve()[1].step == 2);
  CHECK(run.curve()[1].n_targets == run.n_targets());
  advance(run, one, 6);
  CHECK(run.curve().size() == 3);
  CHECK(std::isnan(run.curve()[2].held_out));
  CHECK(*run.mean_loss(one, train::dataset()) == 0);
}

TEST_CASE("a context beyond the rows of a batch trains and measures at the batch's rows") {
  mt::inline_executor one;
  auto options = some_options();
  options.batches = {.n_rows = 10, .context = 1000, .seed = 1};
  auto run = new_run(options);
  advance(run, one, 3);
  const auto loss = run.measure(one, counting(4, 12, 9));
  REQUIRE(loss.has_value());
  CHECK(std::isfinite(*loss));
}

TEST_CASE("points of the curve are means of the steps since the last; a run ends when it says") {
  mt::inline_executor one;
  auto options = some_options();
  options.schedule.n_steps = 8;
  auto run = new_run(options);
  double sum = 0;
  std::uint64_t n_targets = 0;
  while (!run.is_done()) {
    const auto report = *run.step(one);
    n_targets += report.n_targets;
    sum += report.loss;
    if (run.n_steps() % 4 != 0) continue;
    CHECK(run.curve().back().step == run.n_steps());
    CHECK(run.curve().back().n_targets == n_targets);
    CHECK(run.curve().back().loss == doctest::Approx(sum / 4));
    sum = 0;
  }
  CHECK(run.n_steps() == 8);
  CHECK(run.curve().size() == 2);
  CHECK(run.n_targets() == n_targets);
  CHECK(run.curve()[1].loss < run.curve()[0].loss);
}

TEST_CASE("a step that cannot be made leaves the run as it was") {
  mt::inline_executor one;
  train::dataset data;
  data.add(tokens_of({1, 2, 12}));  // an unknown token, as the last target
  auto run = new_run(some_options(), data);
  const auto before = std::vector<float>(run.state().values().values().begin(),
                                         run.state().values().values().end());
  CHECK(code_of(run.step(one)) == "invalid_argument");
  CHECK(run.n_steps() == 0);
  CHECK(run.curve().empty());
  CHECK(std::ranges::equal(run.state().values().values(), before));
  const train::dataset empty;
  CHECK(code_of(run_type::make(small_model(), empty, some_options())) == "invalid_argument");
}

#if defined(__unix__)
TEST_CASE("a disk that is full is an error; the run goes on and the old checkpoint loads") {
  const scratch s;
  mt::inline_executor one;
  auto run = new_run();
  advance(run, one, 2);
  REQUIRE(run.save(s.path("c")).has_value());
  const auto old = state_of(run);
  advance(run, one, 4);
  const auto now = state_of(run);
  rlimit unlimited{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &unlimited) == 0);
  // A limit on file sizes fails writes in the middle, as a full disk does.
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  for (const rlim_t room : {0u, 40u, 3000u}) {
    rlimit small = unlimited;
    small.rlim_cur = room;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
    const auto refused = run.save(s.path("c"));
    REQUIRE(setrlimit(RLIMIT_FSIZE, &unlimited) == 0);
    REQUIRE(!refused.has_value());
    CHECK(refused.error().code == mt::errc::io_failure);
    CHECK(content(s.path("c")) == old);
    CHECK(state_of(run) == now);
  }
  std::signal(SIGXFSZ, old_handler);
  auto other = new_run();
  REQUIRE(other.resume(s.path("c")).has_value());
  CHECK(other.n_steps() == 2);
  advance(other, one, 4);
  CHECK(state_of(other) == now);
}

namespace {

/// Goes on from the checkpoint, if there is one, and saves every step until somebody ends it.
[[noreturn]] void train_for_ever(const std::string& path) {
  auto run = run_type::make(small_model(), some_data(), some_options());
  if (!run) _exit(1);
  if (fs::exists(path) && !run->resume(path)) _exit(2);
  mt::inline_executor one;
  for (;;) {
    if (!run->step(one)) _exit(3);
    if (!run->save(path)) _exit(4);
  }
}

}  // namespace

TEST_CASE("killed at any moment, training goes on to the same bits") {
  const scratch s;
  const std::string path = s.path("c");
  mt::philox random(std::random_device{}());
  std::uint64_t step = 0;
  for (int i = 0; i < sample_count(10, 100); ++i) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) train_for_ever(path);
    std::this_thread::sleep_for(std::chrono::microseconds(1000 + random.below(25000)));
    REQUIRE(kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    if (step == 0 && !fs::exists(path)) continue;
    auto run = new_run();
    const auto resumed = run.resume(path);
    REQUIRE_MESSAGE(resumed.has_value(), resumed.error().message());
    CHECK(run.n_steps() >= step);  // nothing that was saved is lost
    step = run.n_steps();
  }
  MESSAGE("killed while training, at step " << step);
  mt::inline_executor one;
  auto resumed = new_run(), whole = new_run();
  if (fs::exists(path)) REQUIRE(resumed.resume(path).has_value());
  advance(resumed, one, step + 3);
  advance(whole, one, step + 3);
  CHECK(state_of(resumed) == state_of(whole));
}
#endif
