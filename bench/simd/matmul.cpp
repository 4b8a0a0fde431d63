// SPDX-License-Identifier: MIT
#include <multitudes/simd/matmul.hpp>

#include "support.hpp"

#if __has_include(<Eigen/Core>)
#include <Eigen/Core>
#endif

namespace simd = multitudes::simd;
using namespace multitudes_bench;
using simd::weight_format;

namespace {

const char* name_of(weight_format format) {
  switch (format) {
    case weight_format::f32: return "f32";
    case weight_format::f16: return "f16";
    case weight_format::bf16: return "bf16";
    case weight_format::q8_0: return "q8_0";
    case weight_format::q4_0: break;
  }
  return "q4_0";
}

std::string shape_name(const char* kernel, weight_format format, std::size_t rows, std::size_t cols,
                       std::size_t batch) {
  std::string name = std::string(kernel) + "/" + name_of(format) + "/" + std::to_string(rows) +
                     "x" + std::to_string(cols);
  return batch == 1 ? name : name + "x" + std::to_string(batch);
}

template <class I>
void run(benchmark::State& state, weight_format format, std::size_t rows, std::size_t cols,
         std::size_t batch) {
  std::vector<std::byte> bytes(simd::packed_bytes(format, rows * cols));
  simd::pack_row(format, numbers(rows * cols, 1), bytes.data());
  const simd::weight_matrix w{format, rows, cols, bytes.data()};
  const auto x = numbers(batch * cols, 2);
  std::vector<float> y(batch * rows);
  for (auto _ : state) {
    simd::matmul<I>(w, {x.data(), batch, cols}, 0, rows, {y.data(), batch, rows});
    benchmark::DoNotOptimize(y.data());
    benchmark::ClobberMemory();
  }
  count(state, 2.0 * static_cast<double>(rows * cols * batch), static_cast<double>(bytes.size()));
}

/// What one writes first: three loops over floats.
void run_naive(benchmark::State& state, std::size_t rows, std::size_t cols, std::size_t batch) {
  const auto w = numbers(rows * cols, 1), x = numbers(batch * cols, 2);
  std::vector<float> y(batch * rows);
  for (auto _ : state) {
    for (std::size_t n = 0; n < batch; ++n) {
      for (std::size_t r = 0; r < rows; ++r) {
        float sum = 0;
        for (std::size_t c = 0; c < cols; ++c) sum += w[r * cols + c] * x[n * cols + c];
        y[n * rows + r] = sum;
      }
    }
    benchmark::DoNotOptimize(y.data());
    benchmark::ClobberMemory();
  }
  count(state, 2.0 * static_cast<double>(rows * cols * batch),
        static_cast<double>(rows * cols * sizeof(float)));
}

#if __has_include(<Eigen/Core>)
void run_eigen(benchmark::State& state, std::size_t rows, std::size_t cols, std::size_t batch) {
  using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto w = numbers(rows * cols, 1), x = numbers(batch * cols, 2);
  std::vector<float> y(batch * rows);
  const auto n_rows = static_cast<Eigen::Index>(rows), n_cols = static_cast<Eigen::Index>(cols);
  const auto n_batch = static_cast<Eigen::Index>(batch);
  const Eigen::Map<const matrix> weights(w.data(), n_rows, n_cols);
  for (auto _ : state) {
    if (batch == 1) {
      const Eigen::Map<const Eigen::VectorXf> in(x.data(), n_cols);
      Eigen::Map<Eigen::VectorXf>(y.data(), n_rows).noalias() = weights * in;
    } else {
      const Eigen::Map<const matrix> in(x.data(), n_batch, n_cols);
      Eigen::Map<matrix>(y.data(), n_batch, n_rows).noalias() = in * weights.transpose();
    }
    benchmark::DoNotOptimize(y.data());
    benchmark::ClobberMemory();
  }
  count(state, 2.0 * static_cast<double>(rows * cols * batch),
        static_cast<double>(rows * cols * sizeof(float)));
}
#endif

void add_shape(const char* kernel, std::size_t rows, std::size_t cols, std::size_t batch) {
  for (const auto format : {weight_format::f32, weight_format::f16, weight_format::bf16,
                            weight_format::q8_0, weight_format::q4_0}) {
    add_pair(shape_name(kernel, format, rows, cols, batch),
             [=]<class I>(benchmark::State& state) { run<I>(state, format, rows, cols, batch); });
  }
  const std::string rival = shape_name(kernel, weight_format::f32, rows, cols, batch);
  add(rival + "/naive", [=](benchmark::State& state) { run_naive(state, rows, cols, batch); });
#if __has_include(<Eigen/Core>)
  add(rival + "/eigen", [=](benchmark::State& state) { run_eigen(state, rows, cols, batch); });
#endif
}

const bool added = [] {
  add_shape("matvec", 288, 288, 1);      // stays in the first cache
  add_shape("matvec", 4096, 4096, 1);    // memory decides
  add_shape("matmul", 1024, 1024, 4);    // a small batch
  add_shape("matmul", 1024, 1024, 128);  // a prompt
  return true;
}();

}  // namespace
