// SPDX-License-Identifier: MIT
#include <multitudes/simd/panel.hpp>

#include "support.hpp"

namespace simd = multitudes::simd;
using namespace multitudes_bench;
using simd::weight_format;

namespace {

template <class I>
void run_unpack(benchmark::State& state, weight_format format, std::size_t n) {
  std::vector<std::byte> bytes(simd::packed_bytes(format, n));
  simd::pack_row(format, numbers(n, 1), bytes.data());
  const simd::weight_matrix w{format, 1, n, bytes.data()};
  std::vector<float> out(n);
  for (auto _ : state) {
    simd::unpack_row<I>(w, 0, out);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  count(state, static_cast<double>(n), static_cast<double>(bytes.size()));
}

void run_pack(benchmark::State& state, weight_format format, std::size_t n) {
  std::vector<std::byte> bytes(simd::packed_bytes(format, n));
  const auto from = numbers(n, 1);
  for (auto _ : state) {
    simd::pack_row(format, from, bytes.data());
    benchmark::DoNotOptimize(bytes.data());
    benchmark::ClobberMemory();
  }
  count(state, static_cast<double>(n), static_cast<double>(n * sizeof(float)));
}

void add_format(weight_format format, const std::string& name) {
  const std::size_t n = 4096;
  const std::string size = name + "/" + std::to_string(n);
  add_pair("unpack_row/" + size,
           [=]<class I>(benchmark::State& state) { run_unpack<I>(state, format, n); });
  add("pack_row/" + size, [=](benchmark::State& state) { run_pack(state, format, n); });
}

const bool added = [] {
  add_format(weight_format::f32, "f32");
  add_format(weight_format::f16, "f16");
  add_format(weight_format::bf16, "bf16");
  add_format(weight_format::q8_0, "q8_0");
  add_format(weight_format::q4_0, "q4_0");
  return true;
}();

}  // namespace
