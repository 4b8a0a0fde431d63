// SPDX-License-Identifier: MIT
// What bench/model does with what it measured: JSON and back, and tables of it.

#include "../../bench/model/arguments.hpp"
#include "../../bench/model/json.hpp"
#include "../../bench/model/results.hpp"
#include "../../bench/model/tables.hpp"
#include "../../bench/model/two_builds.hpp"

#include <doctest/doctest.h>

#include <multitudes/generate/language_model.hpp>

#include <cmath>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

using namespace multitudes_bench;

namespace {

/// One model of 10 GB that is read in a second, and twice as fast by 4 sequences.
results some_results() {
  results r{.command = "./dev bench model -r 3",
            .machine = "a \"processor\"",
            .processors = 2,
            .compiler = "g++",
            .flags = "-O3",
            .isa = "sse2",
            .load = "0.1",
            .day = "2026-11-23"};
  r.machine_limits.push_back({.threads = 2,
                              .reads_with = "avx2",
                              .reads = {{32768, 500'000'000'000}},
                              .f32 = {282'000'000'000, "fma"},
                              .bf16 = {0, "none"},
                              .int8 = {1'500'000'000'000, "avx2"}});
  r.models.push_back({"big", "q8_0", 11'000'000'000, 10'000'000'000, 9'000'000'000, 9'000, 1'000});
  r.runs.push_back({.what = stage::decode,
                    .threads = 2,
                    .length = 10,
                    .tokens = 10,
                    .passes = 10,
                    .operations = 400'000'000'000,
                    .nanoseconds = {10'000'000'000, 5'000'000'000, 20'000'000'000},
                    .read_limit = {20'000'000'000, 25'000'000'000, 5'000'000'000},
                    .operation_limit = {400'000'000'000, 400'000'000'000, 400'000'000'000}});
  r.runs.push_back(r.runs[0]);
  r.runs[1].sequences = 4;
  r.runs[1].tokens = 40;
  r.runs[1].nanoseconds = {20'000'000'000, 10'000'000'000, 40'000'000'000};
  r.runs.push_back(r.runs[0]);
  r.runs[2].what = stage::prefill;
  r.runs[2].length = 512;
  r.steering.push_back({0, 2, 64, {1000, 2000}, {2000, 4000}, {1000, 2000}, {1000, 2000}});
  r.caches.push_back({0, 2, 16, 1536, {2000, 1000}, {1000, 500}, {500, 250}, {8, 4, 2}, {4, 2, 1}});
  r.profiles.push_back({0, 2, {900'000'000}, {200'000'000}, {10'000'000'000}});
  r.loads.push_back(
      {0, "mapped", 2, {1'000'000'000}, {3'000'000'000}, 12'100'000'000, {100'000'000}});
  r.two_builds.push_back({.what = stage::prefill,
                          .threads = 2,
                          .length = 512,
                          .plain_flags = "-O2",
                          .tuned_flags = "-O2 -march=native",
                          .plain = {1'000'000, 2'000'000, 4'000'000, 2'000'000},
                          .tuned = {1'000'000, 1'000'000, 2'000'000, 1'900'000}});
  r.build.push_back({"all | of it", "-O2", {1500, 1000, 2000}, 322'184});
  return r;
}

bool has_row(const std::string& text, std::string row) {
  // Cells are padded: compare with one space.
  std::string squeezed;
  for (const char c : text) {
    if (c != ' ' || (!squeezed.empty() && squeezed.back() != ' ')) squeezed += c;
  }
  return squeezed.find(row + "\n") != std::string::npos;
}

std::optional<arguments> parse(std::vector<std::string> words) {
  std::string mistake;
  return parse_arguments(words, mistake);
}

}  // namespace

TEST_CASE("results go through JSON without a loss") {
  const results r = some_results();
  const auto again = from_json(to_json(r), "text");
  REQUIRE(again);
  CHECK(*again == r);
  CHECK(to_json(*again) == to_json(r));
  const auto none = from_json("{}", "text");
  REQUIRE(none);
  CHECK(*none == results{});
}

TEST_CASE("JSON says tokens a second for other readers") {
  CHECK(to_json(some_results()).find("\"tokens_per_second\": 1.000") != std::string::npos);
}

TEST_CASE("what is no result is refused, and unknown members are not") {
  CHECK_FALSE(from_json("", "text"));
  CHECK_FALSE(from_json("[]", "text"));
  CHECK_FALSE(from_json("{} {}", "text"));
  CHECK_FALSE(from_json(R"({"processors": "two"})", "text"));
  CHECK_FALSE(from_json(R"({"runs": [{"stage": "sleep"}]})", "text"));
  CHECK_FALSE(from_json(R"({"runs": [{"model": 0}]})", "text"));
  CHECK_FALSE(from_json(R"({"models": [{}], "loads": [{"model": 1}]})", "text"));
  CHECK_FALSE(from_json(R"({"models": [{}], "two_builds": [{"model": 1}]})", "text"));
  const std::string whole = to_json(some_results());
  for (std::size_t n = 0; n + 2 < whole.size(); n += 7) {
    CHECK_FALSE(from_json(whole.substr(0, n), "text"));
  }
  const auto r = from_json(R"({"later": [1.5, {"x": null}], "day": "today"})", "text");
  REQUIRE(r);
  CHECK(r->day == "today");
}

TEST_CASE("tables show medians, and shares of the limits of the same repetition") {
  const std::string text = to_markdown(some_results());
  // GB/s are 10, 20, 5: of 20, 25, 5 that is 50, 80 and 100 %.
  CHECK(has_row(text, "| big | q8_0 | 2 | 1 | 1.00 | 0.50–2.00 | 10.0 | 80 % | 40.0 | 10 % |"));
  CHECK(has_row(text, "| big | q8_0 | 2 | 1.00 | 10.0 | 4 | 2.00 | 2.0 |"));
  CHECK(has_row(text, "| big | q8_0 | 2 | 512 | 1.00 | 0.50–2.00 | 40.0 | 10 % |"));
  CHECK(has_row(text, "| big | q8_0 | 2 | 64 | 32000000 | 50.0 % | 100.0 % | 100.0 % |"));
  CHECK(has_row(text, "| big | q8_0 | 2 | 900000 | 10.0 | 200000 | 5.00 | 1000000 | 100000 |"));
  CHECK(has_row(
      text, "| big | q8_0 | mapped | 2 | 11000 | 1.000 | 3.000 | 150 % | 12100 | 1.10 | 10.0 |"));
  // Turn by turn 1, 0.5, 0.5 and 0.95 of the tuned build's speed.
  CHECK(
      has_row(text, "| big | q8_0 | prefill | 2 | 500000 | 526316 | 95.0 % | 50.0 %–95.0 % | 4 |"));
  CHECK(text.find("`-O2 -march=native`: tokens/s") != text.npos);
  CHECK(has_row(text, "| all \\| of it | -O2 | 1.5 | 322 |"));
  CHECK(has_row(text, "| read, 32 KiB (GB/s) | 500 |"));
  CHECK(text.find("bf16") == std::string::npos);
  CHECK(text.find("- Command: `./dev bench model -r 3`, 2026-11-23.\n") != std::string::npos);
}

TEST_CASE("results without limits, repetitions or runs still make tables") {
  results r = some_results();
  r.machine_limits.clear();
  for (run& one : r.runs) one.read_limit.clear(), one.operation_limit = {0};
  CHECK(has_row(to_markdown(r), "| big | q8_0 | 2 | 1 | 1.00 | 0.50–2.00 | 10.0 | – | 40.0 | – |"));
  for (run& one : r.runs) one.nanoseconds.clear();
  CHECK(to_text(r).find("nan") == std::string::npos);
  CHECK(tables({}).empty());
}

TEST_CASE("tables replace what stands between the comments of a page") {
  std::string page =
      "before\n<!-- measured by something else -->\n\nold\n<!-- end of what was measured "
      "-->\nafter";
  REQUIRE(replace_region(page, some_results()));
  CHECK(page.starts_with("before\n<!-- measured by ./dev bench model -r 3 -->\n\n- Machine"));
  CHECK(page.ends_with("\n\n<!-- end of what was measured -->\nafter"));
  CHECK(page.find("old") == std::string::npos);
  const std::string once = page;
  REQUIRE(replace_region(page, some_results()));
  CHECK(page == once);
  std::string other = "<!-- end of what was measured --><!-- measured by x -->";
  CHECK_FALSE(replace_region(other, some_results()));
}

TEST_CASE("arguments that make no sense are refused with a reason") {
  for (const char* bad : {"x", "", "1,", ",1", "-1", "0", "257", "99999999999999999999", "1 "}) {
    CHECK_FALSE(parse({"-t", bad}));
  }
  CHECK_FALSE(parse({"-t"}));
  CHECK_FALSE(parse({"--nonsense"}));
  CHECK_FALSE(parse({"--nonsense", "1"}));
  CHECK_FALSE(parse({"--shape", "7B"}));
  CHECK_FALSE(parse({"--format", "q8_0,iq"}));
  std::string mistake;
  CHECK_FALSE(parse_arguments({"-r", "none"}, mistake));
  CHECK(mistake == "-r: cannot be none");
  const auto a =
      parse({"--shape", "1.1B,15M", "-b", "1,64", "-p", "0", "--steered", "--no-limits"});
  REQUIRE(a);
  CHECK(a->shapes.size() == 2);
  CHECK(a->shapes[0]->dim == 2048);
  CHECK(a->batches == std::vector<std::size_t>{1, 64});
  CHECK(a->steered);
  CHECK_FALSE(a->limits);
  CHECK(parse({"--benchmark_filter=x"})->for_others);
}

TEST_CASE("random models of every format load, and their weights have the spread of real ones") {
  const auto path = std::filesystem::temp_directory_path() / "multitudes-test-random.gguf";
  constexpr model_shape small{"small", 64, 2, 4, 2, 96, false};
  for (const named_format& format : named_formats) {
    REQUIRE(write_random_model(small, format, path.string()));
    const auto lm = multitudes::load_model(path.string());
    REQUIRE_MESSAGE(lm, format.name);
    CHECK(lm->shape().vocab_size == 32000);
    CHECK(lm->shape().n_kv_heads == 2);
    const auto file = multitudes::gguf::file::read(path.string());
    REQUIRE(file);
    const auto* up = file->find_tensor("blk.1.ffn_up.weight");
    REQUIRE(up != nullptr);
    CHECK(up->type == format.type);
    const multitudes::simd::weight_matrix matrix{format.format, 96, 64, up->data.data()};
    double squares = 0;
    for (std::size_t r = 0; r < 96; ++r) {
      std::vector<float> row(64);
      multitudes::simd::unpack_row<multitudes::simd::scalar>(matrix, r, row);
      for (const float w : row) squares += double{w} * double{w};
    }
    const double spread = std::sqrt(squares / (96 * 64)) * 8;  // of what 1 / sqrt(64) is 1
    CHECK_MESSAGE((spread > 0.7 && spread < 1.7), format.name);
  }
  std::filesystem::remove(path);
}

#if defined(__linux__)
TEST_CASE("two programs take turns, and one that ends before its time is an error") {
  using detail::other_program;
  auto one = other_program::start({"/bin/sh", "-c", "echo -O2; read i; echo 7; read i; echo $i"});
  REQUIRE(one);
  CHECK(one->flags() == "-O2");
  CHECK(one->turn(0).value_or(0) == 7u);
  CHECK(one->turn(3).value_or(0) == 3u);
  CHECK_FALSE(one->turn(0));
  CHECK_FALSE(other_program::start({"/nowhere/at/all"}));
  CHECK_FALSE(compare_builds("/nowhere/at/all", {stage_shape{}}, 1, {}, 1));
}
#endif
