// SPDX-License-Identifier: MIT
// Minds inside an engine: a loop of 60 frames a second that owns the threads and the memory. The
// stage works on the engine's jobs, in the engine's arena, for two milliseconds of each frame.
// docs/embedding.md explains it.

#include "cli.hpp"

#include <multitudes/generate/language_model.hpp>
#include <multitudes/npc/snapshot.hpp>
#include <multitudes/npc/stage.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace multitudes;
using example::or_exit;
using std::chrono::nanoseconds;

namespace {

// --- The engine's own things ------------------------------------------------------------------

/// Jobs on two threads besides the caller's, as engines have them.
class engine_jobs {
 public:
  engine_jobs() {
    for (std::thread& t : threads_) t = std::thread([this] { work(); });
  }
  ~engine_jobs() {
    {
      const std::lock_guard lock(mutex_);
      stops_ = true;
    }
    changed_.notify_all();
    for (std::thread& t : threads_) t.join();
  }
  [[nodiscard]] std::size_t n_threads() const noexcept { return std::size(threads_) + 1; }

  void add(std::function<void()> job) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
      ++n_open_;
    }
    changed_.notify_one();
  }
  /// Helps until every job is done.
  void wait() {
    while (run_one()) {
    }
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return n_open_ == 0; });
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return stops_ || !jobs_.empty(); });
      if (stops_) return;
      lock.unlock();
      run_one();
      lock.lock();
    }
  }
  bool run_one() {
    std::unique_lock lock(mutex_);
    if (jobs_.empty()) return false;
    const auto job = std::move(jobs_.back());
    jobs_.pop_back();
    lock.unlock();
    job();
    lock.lock();
    if (--n_open_ == 0) changed_.notify_all();
    return true;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::function<void()>> jobs_;
  std::size_t n_open_ = 0;
  bool stops_ = false;
  std::thread threads_[2];
};

/// All memory of the level, taken from the system once.
struct engine_arena {
  explicit engine_arena(std::size_t bytes) : memory(bytes) {}
  std::span<std::byte> take(std::size_t n) {
    const auto piece = std::span(memory).subspan(used, n);
    used += n;
    return piece;
  }
  std::vector<std::byte> memory;
  std::size_t used = 0;
};

// --- Adapters: what a stage needs of an engine's jobs -------------------------------------------

// [box2d]
/// For engines that take tasks as Box2D gives them: a function over a range of items, started by
/// one call and waited for by another.
class task_executor {
 public:
  using task = void(int first, int last, std::uint32_t worker, void* context);
  using enqueue = void*(task* what, int n_items, int min_range, void* context, void* user);
  using finish = void(void* started, void* user);

  task_executor(enqueue* start, finish* wait, void* user, std::size_t n_threads)
      : start_(start), wait_(wait), user_(user), n_threads_(n_threads) {}

  void run(std::size_t n, chunk_function f) const {
    const auto some = [](int first, int last, std::uint32_t, void* context) {
      for (int i = first; i < last; ++i) {
        (*static_cast<chunk_function*>(context))(static_cast<std::size_t>(i));
      }
    };
    void* const started = start_(some, static_cast<int>(n), 1, &f, user_);
    if (started != nullptr) wait_(started, user_);
  }
  [[nodiscard]] std::size_t concurrency() const noexcept { return n_threads_; }

 private:
  enqueue* start_;
  finish* wait_;
  void* user_;
  std::size_t n_threads_;
};
// [box2d]

// [jolt]
/// For engines that take jobs as Jolt does: closures behind a barrier that one waits for.
template <class Jobs>
class job_executor {
 public:
  explicit job_executor(Jobs& jobs) : jobs_(&jobs) {}

  void run(std::size_t n, chunk_function f) const {
    std::atomic<std::size_t> next{0};
    const auto some = [&] {
      for (std::size_t i = next++; i < n; i = next++) f(i);
    };
    // As many jobs as can run beside this thread, each of which takes what is left.
    for (std::size_t j = 1; j < std::min(n, concurrency()); ++j) jobs_->add(some);
    some();
    jobs_->wait();
  }
  [[nodiscard]] std::size_t concurrency() const noexcept { return jobs_->n_threads(); }

 private:
  Jobs* jobs_;
};
// [jolt]

/// How this engine would offer its jobs to Box2D.
void* enqueue_task(task_executor::task* what, int n, int, void* context, void* user) {
  auto& jobs = *static_cast<engine_jobs*>(user);
  const int n_jobs = static_cast<int>(jobs.n_threads());
  for (int j = 0; j < n_jobs; ++j) {
    const int first = n * j / n_jobs, last = n * (j + 1) / n_jobs;
    if (first < last) jobs.add([=] { what(first, last, 0, context); });
  }
  return user;
}
void finish_task(void*, void* user) { static_cast<engine_jobs*>(user)->wait(); }

nanoseconds now() {
  return std::chrono::duration_cast<nanoseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

/// A level with a few guards who talk to themselves; true if all of them have said something.
template <executor E>
bool play(const language_model& lm, E& jobs, const char* what, std::size_t n_frames) {
  // [set-up]
  const npc::stage_options options{.n_minds = 4, .n_lores = 1, .context = 160};
  engine_arena arena(*npc::stage::required_bytes(lm, options));
  auto stage = or_exit(npc::stage::make(lm, options, arena.take(arena.memory.size())));
  const auto night =
      or_exit(stage.tell("It was night at the town gate, and the guards were cold."));
  std::vector<npc::mind> guards;
  for (std::size_t i = 0; i < options.n_minds; ++i) {
    guards.push_back(
        or_exit(stage.enter({.voice = {.temperature = 0.7f, .seed = i}, .knows = night})));
    or_exit(stage.say(guards.back(), {.max_tokens = 24}));
  }
  // [set-up]
  std::vector<std::string> said(options.n_minds);
  double longest = 0;
  std::size_t n_done = 0;
  for (std::size_t frame = 0; frame < n_frames && n_done < guards.size(); ++frame) {
    const nanoseconds start = now();
    // [frame]
    const auto status = stage.step(now, start + nanoseconds(2'000'000), jobs);
    while (const auto e = stage.take_event()) {
      if (e->what == npc::event_kind::said) said[e->who.index] += e->text;
      if (e->what == npc::event_kind::finished) ++n_done;
    }
    // [frame]
    longest = std::max(longest, static_cast<double>((now() - start).count()) * 1e-6);
    if (status == npc::stage_status::idle) break;
    std::this_thread::sleep_until(std::chrono::steady_clock::time_point(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(start +
                                                                        nanoseconds(16'666'667))));
  }
  // [save]
  const auto find_plan = [](fingerprint) -> const steering::plan* { return nullptr; };
  const auto all = npc::contents::everything;
  std::vector<std::byte> saved(npc::snapshot_bytes(stage, all));
  or_exit(npc::save(stage, saved, all));
  or_exit(npc::load(stage, saved, find_plan));
  // [save]
  std::printf("%s: longest frame %.1f ms\n", what, longest);
  for (const std::string& text : said) std::printf("  %s\n", text.c_str());
  return n_done == guards.size();
}

}  // namespace

int main(int argc, char** argv) {
  std::string model;
  std::size_t n_frames = 2000;
  CLI::App app("Minds on an engine's own jobs, memory and frame clock.");
  app.add_option("--model", model, "the model, a GGUF file")->required();
  app.add_option("--frames", n_frames, "at most")->capture_default_str();
  example::parse_or_exit(app, argc, argv);

  const auto lm = or_exit(load_model(model));
  engine_jobs jobs;
  task_executor as_tasks(enqueue_task, finish_task, &jobs, jobs.n_threads());
  job_executor as_jobs(jobs);
  inline_executor here;
  const bool good = play(lm, here, "on one thread", n_frames) &&
                    play(lm, as_tasks, "as tasks", n_frames) &&
                    play(lm, as_jobs, "as jobs", n_frames);
  return good ? 0 : 1;
}
