// SPDX-License-Identifier: MIT
#include <multitudes/simd/product.hpp>

#include "support.hpp"

#include <span>

#if __has_include(<Eigen/Core>)
#include <Eigen/Core>
#endif

namespace simd = multitudes::simd;
using namespace multitudes_bench;
using simd::bf16_inputs;

namespace {

using f32 = simd::full_precision<float>;

enum class kind { multiply, transposed };

std::string shape_name(kind what, std::size_t rows, std::size_t depth, std::size_t width) {
  return std::string(what == kind::multiply ? "product/" : "transposed_product/") +
         std::to_string(rows) + "x" + std::to_string(depth) + "x" + std::to_string(width);
}

void count_product(benchmark::State& state, std::size_t rows, std::size_t depth,
                   std::size_t width) {
  const auto flops = 2.0 * static_cast<double>(rows * depth * width);
  count(state, flops,
        static_cast<double>((rows * depth + depth * width + rows * width) * sizeof(float)));
}

/// Units that start at a cache line.
template <class Unit>
struct aligned_units {
  explicit aligned_units(std::size_t n) : all(n + 64 / sizeof(Unit)) {
    const auto address = reinterpret_cast<std::uintptr_t>(all.data());
    units = std::span<Unit>(all).subspan((64 - address % 64) % 64 / sizeof(Unit), n);
  }
  std::vector<Unit> all;
  std::span<Unit> units;
};

/// (rows, depth) x (depth, width), the right operand packed beforehand.
template <class I, class P>
void run_multiply(benchmark::State& state, std::size_t rows, std::size_t depth, std::size_t width) {
  const auto a = numbers(rows * depth, 1), b = numbers(depth * width, 2);
  std::vector<float> c(rows * width);
  aligned_units<typename P::unit> right(simd::packed_units<I, P>(depth, width));
  simd::pack<I, P>({b.data(), depth, width}, 0, simd::n_panels<I, P>(width), right.units);
  const auto packed = simd::packed_view<I, P>(right.units, depth, width);
  for (auto _ : state) {
    simd::multiply<I, P>({a.data(), rows, depth}, packed, {c.data(), rows, width});
    benchmark::DoNotOptimize(c.data());
    benchmark::ClobberMemory();
  }
  count_product(state, rows, depth, width);
}

/// The transpose of (depth, rows) x (depth, width): a tile of a weight's gradient.
template <class I, class P>
void run_transposed(benchmark::State& state, std::size_t rows, std::size_t depth,
                    std::size_t width) {
  const auto a = numbers(depth * rows, 1), b = numbers(depth * width, 2);
  std::vector<float> c(rows * width);
  for (auto _ : state) {
    simd::add_transposed_product<I, P>({a.data(), depth, rows}, {b.data(), depth, width},
                                       {c.data(), rows, width});
    benchmark::DoNotOptimize(c.data());
    benchmark::ClobberMemory();
  }
  count_product(state, rows, depth, width);
}

/// The transpose is what attention packs in every step: its keys.
template <class I, class P>
void run_pack(benchmark::State& state, bool transposed, std::size_t depth, std::size_t width) {
  const auto b = numbers(depth * width, 2);
  aligned_units<typename P::unit> right(simd::packed_units<I, P>(depth, width));
  const std::size_t panels = simd::n_panels<I, P>(width);
  for (auto _ : state) {
    if (transposed) {
      simd::pack_transposed<I, P>({b.data(), width, depth}, 0, panels, right.units);
    } else {
      simd::pack<I, P>({b.data(), depth, width}, 0, panels, right.units);
    }
    benchmark::DoNotOptimize(right.units.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() *
                          static_cast<std::int64_t>(depth * width * sizeof(float)));
}

#if __has_include(<Eigen/Core>)
void run_eigen(benchmark::State& state, kind what, std::size_t rows, std::size_t depth,
               std::size_t width) {
  using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto a = numbers(rows * depth, 1), b = numbers(depth * width, 2);
  std::vector<float> c(rows * width);
  const auto m = static_cast<Eigen::Index>(rows), k = static_cast<Eigen::Index>(depth);
  const auto n = static_cast<Eigen::Index>(width);
  const Eigen::Map<const matrix> right(b.data(), k, n);
  Eigen::Map<matrix> out(c.data(), m, n);
  for (auto _ : state) {
    if (what == kind::multiply) {
      out.noalias() = Eigen::Map<const matrix>(a.data(), m, k) * right;
    } else {
      out.noalias() += Eigen::Map<const matrix>(a.data(), k, m).transpose() * right;
    }
    benchmark::DoNotOptimize(c.data());
    benchmark::ClobberMemory();
  }
  count_product(state, rows, depth, width);
}
#endif

#if defined(__AVX512BF16__)
/// The processor's dot product of bf16 pairs, whether or not `bf16_inputs` makes use of it here.
void run_dots(benchmark::State& state, std::size_t rows, std::size_t depth, std::size_t width) {
  using I = simd::native;
  using dots = simd::detail::blocked_product<I, bf16_inputs, simd::detail::pair_dots<I>>;
  const auto a = numbers(rows * depth, 1), b = numbers(depth * width, 2);
  std::vector<float> c(rows * width);
  aligned_units<std::uint32_t> right(simd::packed_units<I, bf16_inputs>(depth, width));
  simd::pack<I, bf16_inputs>({b.data(), depth, width}, 0, simd::n_panels<I, bf16_inputs>(width),
                             right.units);
  const auto packed = simd::packed_view<I, bf16_inputs>(right.units, depth, width);
  for (auto _ : state) {
    dots::multiply({a.data(), rows, depth}, packed, {c.data(), rows, width}, false);
    benchmark::DoNotOptimize(c.data());
    benchmark::ClobberMemory();
  }
  count_product(state, rows, depth, width);
}
#endif

void add_shape(kind what, std::size_t rows, std::size_t depth, std::size_t width) {
  const std::string name = shape_name(what, rows, depth, width);
  const auto run = [=]<class P>(const char* precision, P) {
    add_pair(name + precision, [=]<class I>(benchmark::State& state) {
      if (what == kind::multiply) {
        run_multiply<I, P>(state, rows, depth, width);
      } else {
        run_transposed<I, P>(state, rows, depth, width);
      }
    });
  };
  run("/f32", f32());
  run("/bf16", bf16_inputs());
#if defined(__AVX512BF16__)
  if (what == kind::multiply) {
    add(name + "/bf16/dot_instruction",
        [=](benchmark::State& state) { run_dots(state, rows, depth, width); });
  }
#endif
#if __has_include(<Eigen/Core>)
  add(name + "/f32/eigen",
      [=](benchmark::State& state) { run_eigen(state, what, rows, depth, width); });
#endif
}

void add_packing(const char* name, bool transposed, std::size_t depth, std::size_t width) {
  const std::string shape =
      std::string(name) + "/" + std::to_string(depth) + "x" + std::to_string(width);
  add_pair(shape + "/f32", [=]<class I>(benchmark::State& state) {
    run_pack<I, f32>(state, transposed, depth, width);
  });
  add_pair(shape + "/bf16", [=]<class I>(benchmark::State& state) {
    run_pack<I, bf16_inputs>(state, transposed, depth, width);
  });
}

const bool added = [] {
  add_shape(kind::multiply, 512, 256, 256);     // projections of 5M parameters
  add_shape(kind::multiply, 512, 256, 704);     // its feed-forward layer
  add_shape(kind::multiply, 112, 704, 256);     // and back, a few rows
  add_shape(kind::multiply, 64, 32, 256);       // attention's scores
  add_shape(kind::multiply, 64, 256, 32);       // and its mixing of values
  add_shape(kind::transposed, 128, 4096, 256);  // gradients of weights
  add_shape(kind::transposed, 168, 4096, 256);
  add_packing("pack", false, 256, 256);
  add_packing("pack_transposed", true, 32, 256);
  return true;
}();

}  // namespace
