// SPDX-License-Identifier: MIT
#pragma once

#include "../peak/limits.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace multitudes_bench {

/// A model file as it counts for speed.
struct model_facts {
  std::string name = {};    ///< "0.5B", or the file's name
  std::string format = {};  ///< of most of its weights: "q8_0"
  std::uint64_t file_bytes = 0;
  std::uint64_t read_bytes = 0;     ///< of the matrices that every token is multiplied with
  std::uint64_t layer_bytes = 0;    ///< of those, what is not the head
  std::uint64_t layer_weights = 0;  ///< numbers in the blocks' matrices
  std::uint64_t head_weights = 0;   ///< numbers in the head's matrix

  friend bool operator==(const model_facts&, const model_facts&) = default;
};

enum class stage { prefill, decode };

/// One way to run a model, repeated. Lists have an entry for each repetition; the limits were
/// measured just before it, with as many threads.
struct run {
  std::uint64_t model = 0;  ///< index into `results::models`
  stage what = stage::decode;
  std::uint64_t threads = 1;
  std::uint64_t sequences = 1;
  std::uint64_t depth = 0;       ///< positions in memory before each sequence goes on
  std::uint64_t length = 0;      ///< tokens of one sequence, read or decoded
  std::uint64_t tokens = 0;      ///< of all sequences, in a repetition
  std::uint64_t passes = 0;      ///< how often a repetition reads the weights
  std::uint64_t operations = 0;  ///< of a repetition: twice the weights in its matrix products
  std::vector<std::uint64_t> nanoseconds = {};
  std::vector<std::uint64_t> read_limit = {};       ///< bytes/s at the model's size
  std::vector<std::uint64_t> operation_limit = {};  ///< int8, or F32 for unquantised weights

  friend bool operator==(const run&, const run&) = default;
};

/// 64 sequences in four batches that take turns token by token. Lists have an entry for each turn,
/// the nanoseconds of one token of every sequence.
struct steering_run {
  std::uint64_t model = 0;
  std::uint64_t threads = 1;
  std::uint64_t sequences = 0;
  std::vector<std::uint64_t> plain = {};
  std::vector<std::uint64_t> steered = {};  ///< each under a plan of its own, of 8 directions
  std::vector<std::uint64_t> watched = {};  ///< along 32 axes
  std::vector<std::uint64_t> again = {};    ///< plain: what the clock alone makes of it

  friend bool operator==(const steering_run&, const steering_run&) = default;
};

/// Sequences with a long past, in batches whose caches keep it in different formats, and which take
/// turns token by token. Lists of formats have an entry for each turn, the nanoseconds of one token
/// of every sequence.
struct cache_run {
  std::uint64_t model = 0;
  std::uint64_t threads = 1;
  std::uint64_t sequences = 0;
  std::uint64_t depth = 0;  ///< positions in memory before
  std::vector<std::uint64_t> f32 = {};
  std::vector<std::uint64_t> f16 = {};
  std::vector<std::uint64_t> q8_0 = {};
  std::vector<std::uint64_t> reading = {};  ///< nanoseconds to read the past, in these formats
  std::vector<std::uint64_t> bytes = {};    ///< of the cache, in these formats

  friend bool operator==(const cache_run&, const cache_run&) = default;
};

/// One sequence, with the time of each token cut where the last block ends.
struct profile_run {
  std::uint64_t model = 0;
  std::uint64_t threads = 1;
  std::vector<std::uint64_t> layers = {};  ///< nanoseconds of a token, embedding to last block
  std::vector<std::uint64_t> head = {};    ///< the rest: norm, head, handing out logits
  std::vector<std::uint64_t> read_limit = {};

  friend bool operator==(const profile_run&, const profile_run&) = default;
};

/// From a file to the first token, in processes of their own.
struct load_run {
  std::uint64_t model = 0;
  std::string weights = {};  ///< "packed", or "mapped": from a packed file that is there already
  std::uint64_t threads = 1;
  std::vector<std::uint64_t> plain_read = {};   ///< nanoseconds, through a buffer of 1 MiB
  std::vector<std::uint64_t> first_token = {};  ///< nanoseconds, from open to logits
  std::uint64_t peak_bytes = 0;                 ///< most memory that was resident
  std::vector<std::uint64_t> token = {};        ///< nanoseconds, of one of those that follow

  friend bool operator==(const load_run&, const load_run&) = default;
};

/// A stage with two builds of one program, in turns. Lists have an entry for each turn, the
/// nanoseconds of a thousand tokens.
struct build_run {
  std::uint64_t model = 0;
  stage what = stage::decode;
  std::uint64_t threads = 1;
  std::uint64_t length = 0;  ///< tokens read or decoded at a time
  std::string plain_flags = {};
  std::string tuned_flags = {};
  std::vector<std::uint64_t> plain = {};
  std::vector<std::uint64_t> tuned = {};

  friend bool operator==(const build_run&, const build_run&) = default;
};

/// What it costs to build with the library.
struct build_cost {
  std::string what = {};
  std::string flags = {};
  std::vector<std::uint64_t> milliseconds = {};  ///< to compile it
  std::uint64_t stripped_bytes = 0;              ///< of the program; 0 if it is none

  friend bool operator==(const build_cost&, const build_cost&) = default;
};

/// Everything that one call of the program found out.
struct results {
  std::string command = {};
  std::string machine = {};
  std::uint64_t processors = 0;
  std::string compiler = {};
  std::string flags = {};
  std::string isa = {};   ///< what the library's kernels ran on
  std::string load = {};  ///< what else the machine did: its load averages, before and after
  std::string day = {};
  std::vector<limits> machine_limits = {};
  std::vector<model_facts> models = {};
  std::vector<run> runs = {};
  std::vector<steering_run> steering = {};
  std::vector<cache_run> caches = {};
  std::vector<profile_run> profiles = {};
  std::vector<load_run> loads = {};
  std::vector<build_run> two_builds = {};
  std::vector<build_cost> build = {};

  friend bool operator==(const results&, const results&) = default;
};

/// A figure for each repetition.
template <class F>
std::vector<double> each(const run& r, const F& f) {
  std::vector<double> all;
  for (std::size_t i = 0; i < r.nanoseconds.size(); ++i) {
    all.push_back(f(1e-9 * static_cast<double>(r.nanoseconds[i]), i));
  }
  return all;
}
inline std::vector<double> tokens_per_second(const run& r) {
  return each(r, [&](double s, std::size_t) { return static_cast<double>(r.tokens) / s; });
}
/// Of weights; what attention reads of the past is not counted.
inline std::vector<double> bytes_per_second(const run& r, const model_facts& m) {
  const auto bytes = static_cast<double>(r.passes) * static_cast<double>(m.read_bytes);
  return each(r, [&](double s, std::size_t) { return bytes / s; });
}
inline std::vector<double> operations_per_second(const run& r) {
  return each(r, [&](double s, std::size_t) { return static_cast<double>(r.operations) / s; });
}
/// Each figure over the limit that was measured just before.
inline std::vector<double> shares(std::vector<double> figures,
                                  const std::vector<std::uint64_t>& limit) {
  for (std::size_t i = 0; i < figures.size(); ++i) {
    figures[i] = i < limit.size() && limit[i] != 0 ? figures[i] / static_cast<double>(limit[i]) : 0;
  }
  return figures;
}

}  // namespace multitudes_bench
