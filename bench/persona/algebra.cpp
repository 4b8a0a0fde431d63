// SPDX-License-Identifier: MIT
#include <multitudes/core/philox.hpp>
#include <multitudes/persona.hpp>

#include <benchmark/benchmark.h>
#if __has_include(<Eigen/Core>)
#include <Eigen/Core>
#endif

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace multitudes;

struct shape {
  std::uint32_t n_layers;
  std::uint32_t model_dim;
};

persona random_persona(shape of, std::string label, std::uint64_t seed) {
  philox random(seed);
  std::vector<float> values(std::size_t{of.n_layers} * of.model_dim);
  for (float& x : values) x = random.normal();
  const activation_space space{.model = {1}, .n_layers = of.n_layers, .model_dim = of.model_dim};
  return std::move(*persona::make(std::move(label), *direction::make(space, values)));
}

struct three_personas {
  explicit three_personas(shape of)
      : p(random_persona(of, "p", 1)),
        q(random_persona(of, "q", 2)),
        r(random_persona(of, "r", 3)),
        out(p.values().size()) {}

  persona p, q, r;
  std::vector<float> out;
};

/// Bytes that must move at least: each leaf read once, the result written once.
void count_bytes(benchmark::State& state, const three_personas& x, std::size_t rows_moved) {
  state.SetBytesProcessed(state.iterations() *
                          static_cast<std::int64_t>(x.out.size() * rows_moved * sizeof(float)));
}

/// What to measure: an expression of three personas.
template <class Expression>
void into_buffer(benchmark::State& state, shape of, std::size_t rows_moved, Expression expression) {
  three_personas x(of);
  for (auto _ : state) {
    auto done = materialize_into(expression(x), x.out);
    benchmark::DoNotOptimize(done);
    benchmark::ClobberMemory();
  }
  count_bytes(state, x, rows_moved);
}

void three_terms(benchmark::State& state, shape of) {
  into_buffer(state, of, 4, [](auto& x) { return 0.6f * x.p + 0.4f * x.q - 0.2f * x.r; });
}

void one_term(benchmark::State& state, shape of) {
  into_buffer(state, of, 2, [](auto& x) { return 0.6f * x.p; });
}

void eight_terms(benchmark::State& state, shape of) {
  into_buffer(state, of, 9, [](auto& x) {
    return 0.1f * x.p + 0.2f * x.q + 0.3f * x.r + 0.4f * x.p + 0.5f * x.q + 0.6f * x.r +
           0.7f * x.p + 0.8f * x.q;
  });
}

void removal(benchmark::State& state, shape of) {
  into_buffer(state, of, 5, [](auto& x) { return x.p | without(x.q); });
}

void arc(benchmark::State& state, shape of) {
  into_buffer(state, of, 5, [](auto& x) { return blend(x.p, x.q, 0.3f); });
}

void one_layer(benchmark::State& state, shape of) {
  three_personas x(of);
  const auto e = 0.6f * x.p | only_layers(0, 0);
  const auto row = std::span(x.out).first(x.p.space().model_dim);
  for (auto _ : state) {
    auto done = evaluate_layer(e, layer_index(0), row);
    benchmark::DoNotOptimize(done);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(row.size_bytes() * 2));
}

void new_persona(benchmark::State& state, shape of) {
  three_personas x(of);
  for (auto _ : state) {
    auto hybrid = materialize(0.6f * x.p + 0.4f * x.q - 0.2f * x.r);
    benchmark::DoNotOptimize(hybrid);
  }
  count_bytes(state, x, 4);
}

// The rival that is written without a library: a vector for each operator.
using row_values = std::vector<float>;

row_values scaled(float w, std::span<const float> p) {
  row_values out(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) out[i] = w * p[i];
  return out;
}
row_values added(const row_values& p, const row_values& q) {
  row_values out(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) out[i] = p[i] + q[i];
  return out;
}

void three_terms_naive(benchmark::State& state, shape of) {
  three_personas x(of);
  for (auto _ : state) {
    auto hybrid = added(added(scaled(0.6f, x.p.values()), scaled(0.4f, x.q.values())),
                        scaled(-0.2f, x.r.values()));
    benchmark::DoNotOptimize(hybrid.data());
    benchmark::ClobberMemory();
  }
  count_bytes(state, x, 4);
}

void removal_naive(benchmark::State& state, shape of) {
  three_personas x(of);
  const std::size_t width = x.p.space().model_dim;
  for (auto _ : state) {
    for (std::size_t begin = 0; begin < x.out.size(); begin += width) {
      const auto p = x.p.values().subspan(begin, width), q = x.q.values().subspan(begin, width);
      float pq = 0.0f, qq = 0.0f;
      for (std::size_t i = 0; i < width; ++i) {
        pq += p[i] * q[i];
        qq += q[i] * q[i];
      }
      for (std::size_t i = 0; i < width; ++i) x.out[begin + i] = p[i] - pq / qq * q[i];
    }
    benchmark::DoNotOptimize(x.out.data());
    benchmark::ClobberMemory();
  }
  count_bytes(state, x, 5);
}

#if __has_include(<Eigen/Core>)
auto as_eigen(const persona& p) {
  return Eigen::Map<const Eigen::VectorXf>(p.values().data(),
                                           static_cast<Eigen::Index>(p.values().size()));
}

/// All in float: three roundings for each element instead of one.
void three_terms_eigen(benchmark::State& state, shape of) {
  three_personas x(of);
  Eigen::Map<Eigen::VectorXf> out(x.out.data(), static_cast<Eigen::Index>(x.out.size()));
  for (auto _ : state) {
    out.noalias() = 0.6f * as_eigen(x.p) + 0.4f * as_eigen(x.q) - 0.2f * as_eigen(x.r);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  count_bytes(state, x, 4);
}

/// In double, as here, but without looking for values that are not finite.
void three_terms_eigen_double(benchmark::State& state, shape of) {
  three_personas x(of);
  Eigen::Map<Eigen::VectorXf> out(x.out.data(), static_cast<Eigen::Index>(x.out.size()));
  for (auto _ : state) {
    out.noalias() = (0.6 * as_eigen(x.p).cast<double>() + 0.4 * as_eigen(x.q).cast<double>() -
                     0.2 * as_eigen(x.r).cast<double>())
                        .cast<float>();
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  count_bytes(state, x, 4);
}
#endif

/// Names as in `materialize/3-term/32x4096`.
int add(const char* name, void (*run)(benchmark::State&, shape)) {
  for (const shape of : {shape{5, 64}, shape{24, 896}, shape{32, 4096}}) {
    const std::string full =
        std::string(name) + "/" + std::to_string(of.n_layers) + "x" + std::to_string(of.model_dim);
    benchmark::RegisterBenchmark(full.c_str(), run, of);
  }
  return 0;
}

[[maybe_unused]] const int registered =
    add("materialize/1-term", one_term) + add("materialize/3-term", three_terms) +
    add("materialize/3-term-persona", new_persona) +
    add("materialize/3-term-naive", three_terms_naive) +
#if __has_include(<Eigen/Core>)
    add("materialize/3-term-eigen", three_terms_eigen) +
    add("materialize/3-term-eigen-double", three_terms_eigen_double) +
#endif
    add("materialize/8-term", eight_terms) + add("materialize/without", removal) +
    add("materialize/without-naive", removal_naive) + add("materialize/blend", arc) +
    add("evaluate_layer/1-term", one_layer);

}  // namespace
