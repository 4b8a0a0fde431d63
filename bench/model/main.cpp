// SPDX-License-Identifier: MIT
// What this machine can do at most, and how near to it models come: tokens a second while reading
// prompts and decoding, as shares of limits that are measured just before each repetition.

#include "arguments.hpp"
#include "caches.hpp"
#include "json.hpp"
#include "loading.hpp"
#include "random_model.hpp"
#include "stages.hpp"
#include "tables.hpp"
#include "two_builds.hpp"

#include "../peak/machine.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/format/durable.hpp>
#include <multitudes/format/gguf_reader.hpp>
#include <multitudes/generate/language_model.hpp>
#include <multitudes/simd/kernel_set.hpp>

#include <cstdio>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace multitudes_bench;
namespace fs = std::filesystem;

mt::expected<std::string> read_text(const std::string& path) {
  auto file = mt::file_bytes::read(path);
  if (!file) return mt::forward_error(file);
  const auto bytes = file->bytes();
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}
mt::expected<void> write_text(const std::string& path, const std::string& text) {
  return mt::write_file(path, std::as_bytes(std::span(text)));
}

std::string load_average() {
  std::ifstream file("/proc/loadavg");
  std::string one;
  return file >> one ? one : "unknown";
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  char text[16] = "";
  if (const std::tm* t = std::gmtime(&now)) std::strftime(text, sizeof(text), "%Y-%m-%d", t);
  return text;
}

std::string compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#elif defined(__GNUC__)
  return "g++ " __VERSION__;
#else
  return "an unknown compiler";
#endif
}

void say(const std::string& what) { std::fprintf(stderr, "-- %s\n", what.c_str()); }

/// What of a file every token is multiplied with: all matrices but an embedding that is no head.
mt::expected<model_facts> facts_of(const std::string& path, std::string name) {
  auto file = mt::gguf::file::map(path);
  if (!file) return mt::forward_error(file);
  model_facts facts{.name = std::move(name), .file_bytes = file->size_bytes()};
  const bool tied = file->find_tensor("output.weight") == nullptr;
  const std::string_view head = tied ? "token_embd.weight" : "output.weight";
  std::map<std::string_view, std::uint64_t> formats;
  for (const auto& t : file->tensors()) {
    if (t.n_dims < 2) continue;
    formats[mt::gguf::name(t.type)] += t.n_elements();
    if (t.name == head) {
      facts.head_weights += t.n_elements();
    } else if (t.name == "token_embd.weight") {
      continue;
    } else {
      facts.layer_weights += t.n_elements();
      facts.layer_bytes += t.data.size();
    }
    facts.read_bytes += t.data.size();
  }
  std::uint64_t most = 0;
  for (const auto& [format, n] : formats) {
    if (n > most) facts.format = format;
    most = std::max(most, n);
  }
  for (char& c : facts.format) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return facts;
}

std::vector<stage_shape> stages_of(const arguments& a) {
  std::vector<stage_shape> shapes;
  for (const std::size_t n : a.prompts) {
    if (n != 0) shapes.push_back({.what = stage::prefill, .step_tokens = n});
  }
  for (const std::size_t n : a.batches) {
    if (a.n_tokens != 0) {
      shapes.push_back({.sequences = n, .depth = a.depth, .steps = a.n_tokens});
    }
  }
  return shapes;
}

/// A file of a random model, removed at the end unless it is to be kept.
class model_file {
 public:
  static mt::expected<model_file> make(const model_shape& shape, const named_format& format,
                                       const std::string& keep) {
    std::error_code failed;
    const std::string name =
        "multitudes-" + std::string(shape.name) + "-" + std::string(format.name) + ".gguf";
    const fs::path folder = keep.empty() ? fs::temp_directory_path(failed) : fs::path(keep);
    if (!keep.empty()) fs::create_directories(folder, failed);
    model_file made((folder / name).string(), keep.empty());
    if (!keep.empty() && fs::exists(made.path_, failed)) return made;
    say("writing " + made.path_);
    if (auto ok = write_random_model(shape, format, made.path_); !ok) {
      return mt::forward_error(ok);
    }
    return made;
  }
  model_file(model_file&& from) noexcept
      : path_(std::exchange(from.path_, {})), temporary_(from.temporary_) {}
  model_file& operator=(model_file&&) = delete;
  ~model_file() {
    if (temporary_ && !path_.empty()) std::remove(path_.c_str());
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  model_file(std::string path, bool temporary) : path_(std::move(path)), temporary_(temporary) {}

  std::string path_;
  bool temporary_;
};

class program {
 public:
  explicit program(arguments a) : a_(std::move(a)) {}

  mt::expected<void> run(std::string command) {
    r_.command = std::move(command);
    r_.machine = processor_name();
    r_.processors = std::thread::hardware_concurrency();
    r_.compiler = compiler();
    r_.flags = MULTITUDES_BENCH_FLAGS;
    r_.isa = std::string(mt::simd::active_isa());
    r_.day = today();
    r_.load = load_average();
    if (!a_.build.empty()) {
      auto text = read_text(a_.build);
      if (!text) return mt::forward_error(text);
      auto costs = from_json(*text, a_.build);
      if (!costs) return mt::forward_error(costs);
      r_.build = std::move(costs->build);
    }
    if (a_.limits) {
      const reader memory(std::size_t{1} << 30);
      for (const std::size_t n : a_.threads) {
        say("limits with " + std::to_string(n) + (n == 1 ? " thread" : " threads"));
        r_.machine_limits.push_back(measure_limits(memory, n));
      }
    }
    for (const std::string& path : a_.files) {
      if (auto ok = measure_model(path, fs::path(path).stem().string()); !ok) return ok;
    }
    if (a_.files.empty()) {
      for (const model_shape* shape : a_.shapes) {
        for (const named_format* format : a_.formats) {
          auto file = model_file::make(*shape, *format, a_.keep);
          if (!file) return mt::forward_error(file);
          const auto ok = measure_model(file->path(), std::string(shape->name));
          if (!ok) return ok;
        }
      }
    }
    r_.load += " before, " + load_average() + " after";
    return {};
  }

  [[nodiscard]] const results& found() const noexcept { return r_; }

 private:
  mt::expected<void> measure_model(const std::string& path, const std::string& name) {
    const std::uint64_t index = r_.models.size();
    auto facts = facts_of(path, name);
    if (!facts) return mt::forward_error(facts);
    r_.models.push_back(*facts);
    const std::string called = name + " " + facts->format;
    if (a_.load) {
      // Before anything else is in memory.
      for (const std::size_t n : a_.threads) {
        say(called + ": loading");
        auto ways = measure_loading(path, a_.repetitions, n);
        if (!ways) return mt::forward_error(ways);
        for (load_run& one : *ways) {
          one.model = index;
          r_.loads.push_back(std::move(one));
        }
      }
    }
    if (a_.plain) {
      for (const std::size_t n : a_.threads) {
        say(called + ": two builds, threads: " + std::to_string(n));
        if (auto ok = measure_two_builds(path, index, n); !ok) return ok;
      }
    }
    auto lm = mt::load_model(path);
    if (!lm) return mt::forward_error(lm);
    const reader memory(std::min<std::size_t>(facts->read_bytes, std::size_t{1} << 30));
    const bool quantised = facts->format.starts_with("q");
    const arithmetic_loop operations = quantised ? int8_loop() : f32_loop();
    for (const std::size_t n : a_.threads) {
      mt::thread_pool workers(n);
      if (auto ok = measure_stages(*lm, index, workers, memory, operations); !ok) return ok;
      if (a_.steered) {
        say(called + ": steering");
        auto one = measure_steering(*lm, 8 * a_.repetitions, workers);
        if (!one) return mt::forward_error(one);
        one->model = index;
        r_.steering.push_back(*std::move(one));
      }
      if (a_.caches) {
        say(called + ": caches");
        const std::size_t depth = a_.depth != 0 ? a_.depth : 1536;
        auto one = measure_caches(*lm, depth, 8 * a_.repetitions, workers);
        if (!one) return mt::forward_error(one);
        one->model = index;
        r_.caches.push_back(*std::move(one));
      }
      if (a_.profile) {
        auto one = measure_profile(*lm, *facts, 16 * a_.repetitions, workers, memory);
        if (!one) return mt::forward_error(one);
        one->model = index;
        r_.profiles.push_back(*std::move(one));
      }
    }
    return {};
  }

  /// All stages take turns, so that what else the machine does meets all of them.
  mt::expected<void> measure_stages(const mt::language_model& lm, std::uint64_t index,
                                    mt::thread_pool& workers, const reader& memory,
                                    const arithmetic_loop& operations) {
    const model_facts facts = r_.models[index];
    const std::vector<stage_shape> shapes = stages_of(a_);
    say(facts.name + " " + facts.format + ": " + std::to_string(shapes.size()) +
        " stages, threads: " + std::to_string(workers.concurrency()));
    std::vector<stage_runner> runners;
    for (const stage_shape& shape : shapes) {
      auto one = stage_runner::make(lm, facts, shape, workers);
      if (!one) return mt::forward_error(one);
      runners.push_back(*std::move(one));
    }
    for (std::size_t i = 0; i < a_.repetitions; ++i) {
      for (stage_runner& one : runners) {
        if (auto ok = one.measure(workers, memory, facts, operations); !ok) return ok;
      }
    }
    for (const stage_runner& one : runners) {
      r_.runs.push_back(one.found());
      r_.runs.back().model = index;
    }
    return {};
  }

  mt::expected<void> measure_two_builds(const std::string& path, std::uint64_t index,
                                        std::size_t n_threads) {
    arguments first = a_;
    first.prompts.resize(1);
    first.batches.resize(1);
    const std::vector<std::string> words{"--take-turns",
                                         "--model",
                                         path,
                                         "-t",
                                         std::to_string(n_threads),
                                         "-p",
                                         std::to_string(first.prompts[0]),
                                         "-b",
                                         std::to_string(first.batches[0]),
                                         "-n",
                                         std::to_string(a_.n_tokens),
                                         "-d",
                                         std::to_string(a_.depth)};
    auto found = compare_builds(MULTITUDES_BENCH_PLAIN, stages_of(first), n_threads, words,
                                8 * a_.repetitions);
    if (!found) return mt::forward_error(found);
    for (build_run& one : *found) {
      one.model = index;
      r_.two_builds.push_back(std::move(one));
    }
    return {};
  }

  arguments a_;
  results r_;
};

mt::expected<void> put_on_page(const std::string& path, const results& r) {
  auto page = read_text(path);
  if (!page) return mt::forward_error(page);
  if (!replace_region(*page, r)) {
    return mt::fail({.code = mt::errc::not_found,
                     .operation = "write tables",
                     .place = path,
                     .found = "no place for them",
                     .expected = std::string(region_begin) + "… --> and " + std::string(region_end),
                     .remedy = {}});
  }
  return write_text(path, *page);
}

mt::expected<void> show_again(const arguments& a) {
  auto text = read_text(a.markdown);
  if (!text) return mt::forward_error(text);
  auto r = from_json(*text, a.markdown);
  if (!r) return mt::forward_error(r);
  if (!a.page.empty()) return put_on_page(a.page, *r);
  std::fputs(to_markdown(*r).c_str(), stdout);
  return {};
}

mt::expected<void> measure_and_show(const arguments& a, const std::string& command) {
  if (a.take_turns) {
    return take_turns(a.files.at(0), stages_of(a), a.threads[0], MULTITUDES_BENCH_FLAGS);
  }
  program all(a);
  if (auto ok = all.run(command); !ok) return ok;
  std::fputs(to_text(all.found()).c_str(), stdout);
  if (!a.json.empty()) {
    if (auto ok = write_text(a.json, to_json(all.found())); !ok) return ok;
  }
  return a.page.empty() ? mt::expected<void>() : put_on_page(a.page, all.found());
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + std::min(1, argc), argv + argc);
  std::string mistake;
  const auto a = parse_arguments(words, mistake);
  if (!a) {
    std::fprintf(stderr, "bench_model: %s; --help lists the options\n", mistake.c_str());
    return 1;
  }
  if (a->help) {
    std::fputs(usage, stdout);
    return 0;
  }
  if (a->for_others) {
    say("skipped: --benchmark_… chooses among the other benchmarks");
    return 0;
  }
  std::string command = "./dev bench model";
  for (const std::string& word : words) command += " " + word;
  try {
    const auto done = a->markdown.empty() ? measure_and_show(*a, command) : show_again(*a);
    if (done) return 0;
    std::fprintf(stderr, "bench_model: %s\n", done.error().message().c_str());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_model: %s\n", e.what());
  }
  return 1;
}
