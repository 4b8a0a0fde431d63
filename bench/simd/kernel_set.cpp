// SPDX-License-Identifier: MIT
// Products of weights with activations: every instruction set that can run here, the scalar twin,
// and the loop that one writes first. `of_peak` is the share of this machine's measured peak of
// the instruction that does most of the work: bytes for q8_0 and q4_0, floats otherwise.
#include <multitudes/simd/kernel_set.hpp>

#include "support.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace simd = multitudes::simd;
using namespace multitudes_bench;
using simd::weight_format;

namespace {

struct shape {
  std::size_t rows, cols, n;
};

double peak_of(weight_format format) {
  if (!simd::uses_bytes(format)) return peak_flops();
  static const auto peak = static_cast<double>(measure(int8_loop(), 1).per_second);
  return peak > 0 ? peak : peak_flops();
}

/// Weights in panels, and activations both as floats and as bytes.
struct operands {
  std::vector<std::byte> rows, panels;
  simd::weight_matrix w;
  std::vector<float> x;
  std::vector<simd::activation_group> groups;
  std::size_t n, n_groups;

  operands(weight_format format, shape s)
      : rows(simd::packed_bytes(format, s.rows * s.cols)),
        w{format, s.rows, s.cols, rows.data()},
        x(numbers(s.n * s.cols, 2)),
        groups(s.n * simd::n_activation_groups(s.cols)),
        n(s.n),
        n_groups(simd::n_activation_groups(s.cols)) {
    simd::pack_row(format, numbers(s.rows * s.cols, 1), rows.data());
    panels.resize(simd::n_panels(w) * simd::panel_bytes(w));
    for (std::size_t p = 0; p < simd::n_panels(w); ++p) {
      simd::pack_panel(w, p * simd::panel_rows, 0, s.cols,
                       panels.data() + p * simd::panel_bytes(w));
    }
    for (std::size_t i = 0; i < n; ++i) {
      simd::active_kernels().quantize(x.data() + i * s.cols, s.cols, groups.data() + i * n_groups);
    }
  }
  [[nodiscard]] simd::weight_matrix packed() const {
    simd::weight_matrix m = w;
    m.data = panels.data();
    m.layout = simd::weight_layout::panels;
    return m;
  }
  [[nodiscard]] simd::activations activations() {
    return {{x.data(), n, w.cols}, {groups.data(), n, n_groups}};
  }
};

void count_product(benchmark::State& state, const operands& o, shape s) {
  using benchmark::Counter;
  const auto each = Counter::kIsIterationInvariantRate;
  const double operations =
      2.0 * static_cast<double>(s.rows) * static_cast<double>(s.cols) * static_cast<double>(s.n);
  state.counters["op/s"] = Counter(operations, each);
  state.counters["weights/s"] =
      Counter(static_cast<double>(o.panels.size()), each, Counter::kIs1024);
  state.counters["of_peak"] = Counter(operations / peak_of(o.w.format), each);
}

void run(benchmark::State& state, const simd::kernel_set& set, weight_format format, shape s,
         simd::weight_layout layout = simd::weight_layout::panels) {
  operands o(format, s);
  std::vector<float> y(s.n * s.rows);
  const auto w = layout == simd::weight_layout::panels ? o.packed() : o.w;
  for (auto _ : state) {
    set.multiply(w, o.activations(), 0, s.rows, {y.data(), s.n, s.rows});
    benchmark::DoNotOptimize(y.data());
    benchmark::ClobberMemory();
  }
  count_product(state, o, s);
}

/// Block by block as the format describes it: bytes times bytes, scaled. (q8_0)
void run_plainly(benchmark::State& state, shape s) {
  operands o(weight_format::q8_0, s);
  std::vector<float> y(s.n * s.rows);
  for (auto _ : state) {
    for (std::size_t n = 0; n < s.n; ++n) {
      for (std::size_t r = 0; r < s.rows; ++r) {
        float sum = 0;
        for (std::size_t b = 0; b < s.cols / 32; ++b) {
          const std::byte* block = o.w.row(r) + b * 34;
          const auto* weights = reinterpret_cast<const std::int8_t*>(block + 2);
          const auto& group = o.groups[n * o.n_groups + b / 2];
          int dot = 0;
          for (std::size_t i = 0; i < 32; ++i) dot += weights[i] * group.values[b % 2 * 32 + i];
          std::uint16_t half;
          std::memcpy(&half, block, 2);
          sum += static_cast<float>(dot) * simd::half_to_float(half) * group.scale;
        }
        y[n * s.rows + r] = sum;
      }
    }
    benchmark::DoNotOptimize(y.data());
    benchmark::ClobberMemory();
  }
  count_product(state, o, s);
}

const bool added = [] {
  for (const auto& [format, label] :
       {std::pair(weight_format::q8_0, "q8_0"), std::pair(weight_format::q4_0, "q4_0"),
        std::pair(weight_format::f16, "f16"), std::pair(weight_format::f32, "f32")}) {
    for (const std::size_t n : {1u, 4u, 16u, 48u}) {
      const shape s{1024, 1024, n};
      const weight_format f = format;
      const std::string name = "product/" + std::string(label) + "/1024x1024x" + std::to_string(n);
      for (const simd::kernel_set* set : simd::all_kernels()) {
        if (!set->is_supported()) continue;
        add(name + "/" + std::string(set->name),
            [=](benchmark::State& state) { run(state, *set, f, s); });
      }
      add(name + "/as-in-the-file", [=](benchmark::State& state) {
        run(state, simd::active_kernels(), f, s, simd::weight_layout::rows);
      });
      if (n > 1) continue;
      add(name + "/scalar",
          [=](benchmark::State& state) { run(state, simd::kernels_for<simd::scalar>, f, s); });
      if (f == weight_format::q8_0) {
        add(name + "/plain-loops", [=](benchmark::State& state) { run_plainly(state, s); });
      }
    }
  }
  return true;
}();

}  // namespace
