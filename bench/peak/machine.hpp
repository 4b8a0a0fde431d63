// SPDX-License-Identifier: MIT
#pragma once

#include "arithmetic.hpp"
#include "limits.hpp"
#include "read.hpp"

#include <cstddef>
#include <fstream>
#include <string>
#include <thread>

namespace multitudes_bench {

/// What this machine can do at most with `n_threads`: medians of seven measurements of 10 ms each,
/// the first of which warm up. `memory` holds at least 64 MiB; its whole size stands for DRAM.
inline limits measure_limits(const reader& memory, std::size_t n_threads) {
  constexpr std::size_t n = 7;
  constexpr std::size_t KiB = 1024;
  limits found{.threads = n_threads, .reads_with = memory.with()};
  found.f32 = median_of(n, f32_loop(), n_threads);
  found.bf16 = median_of(n, bf16_loop(), n_threads);
  found.int8 = median_of(n, int8_loop(), n_threads);
  for (const std::size_t bytes : {32 * KiB, 1024 * KiB, 8192 * KiB, 65536 * KiB, memory.size()}) {
    found.reads.push_back(memory.median_of(n, bytes, n_threads));
  }
  return found;
}

/// What the system calls the processor.
inline std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  std::string model, numbers;
  for (std::string line; std::getline(info, line) && !line.empty();) {
    const std::size_t colon = line.find(": ");
    if (colon == line.npos) continue;
    const std::string value = line.substr(colon + 2);
    if (line.starts_with("model name")) model = value;
    if (line.starts_with("cpu family")) numbers += "family " + value;
    if (line.starts_with("model\t")) numbers += ", model " + value;
  }
  if (model.empty()) model = "a processor without a name";
  return numbers.empty() ? model : model + " (" + numbers + ")";
}

}  // namespace multitudes_bench
