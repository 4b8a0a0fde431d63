// SPDX-License-Identifier: MIT
// The forward pass against two independent references: plain double precision, and the published
// activations of a model that somebody else trained and ran.

#include "../support/nano_sort.hpp"
#include "../support/reference_model.hpp"
#include "../support/shared_data.hpp"
#include "../support/tiny_model.hpp"

#include <multitudes/format/safetensors.hpp>
#include <multitudes/model/evaluation.hpp>
#include <multitudes/simd/softmax.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace mt = multitudes;
using namespace multitudes_test;

namespace {

/// The tensors of a file of F32, by name.
std::map<std::string, std::vector<float>> floats_of(const mt::safetensors::file& file) {
  std::map<std::string, std::vector<float>> tensors;
  for (const auto& t : file.tensors()) {
    REQUIRE(t.type == mt::safetensors::dtype::f32);
    auto& values = tensors[t.name];
    values.resize(t.data.size() / sizeof(float));
    std::memcpy(values.data(), t.data.data(), t.data.size());
  }
  return tensors;
}

/// Residual rows after every block, and the logits, of one sequence.
struct trace {
  std::vector<std::vector<std::vector<float>>> residual;  // (layer, token, model_dim)
  std::vector<std::vector<float>> logits;                 // (token, vocab_size)
};

trace run(const mt::model::weights& w, std::span<const mt::token_id> tokens) {
  const mt::model::kv_cache_limits cache_limits{1, tokens.size(), 0};
  const mt::model::evaluation_limits limits{tokens.size(), tokens.size()};
  const mt::heap_block memory(*mt::model::kv_cache::required_bytes(w.shape, cache_limits) +
                              *mt::model::evaluation::required_bytes(w.shape, limits));
  mt::arena arena(memory.bytes());
  auto cache = *mt::model::kv_cache::make(w.shape, cache_limits, arena);
  auto work = *mt::model::evaluation::make(w, limits, arena);
  const auto s = *cache.open();
  std::vector<mt::model::batch_row> rows;
  for (const mt::token_id t : tokens) rows.push_back({s, t, true, {}});
  REQUIRE(work.begin(rows, cache).has_value());
  trace result;
  result.residual.assign(w.shape.n_layers, std::vector<std::vector<float>>(tokens.size()));
  mt::inline_executor one;
  work.resume(one, [&](mt::row_index r, mt::layer_index l, std::span<float> h) {
    result.residual[l.value][r.value].assign(h.begin(), h.end());
  });
  for (std::size_t r = 0; r < tokens.size(); ++r) {
    const auto logits = work.logits(mt::row_index(r));
    result.logits.emplace_back(logits.begin(), logits.end());
  }
  return result;
}

/// The largest difference, as a share of the largest element.
double relative_error(std::span<const float> found, const std::vector<double>& wanted) {
  double difference = 0;
  double size = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    difference = std::max(difference, std::abs(static_cast<double>(found[i]) - wanted[i]));
    size = std::max(size, std::abs(wanted[i]));
  }
  return difference / size;
}

/// How far rows may be from plain double precision.
struct bounds {
  double usual;    ///< what all but a few rows keep
  double largest;  ///< what every row keeps
  double few = 0;  ///< the share of rows that need not keep the usual bound
};

/// F32 sums of at most 96 terms: about sqrt(96) roundings of 6e-8, and as much again for norms.
constexpr bounds of_floats{2e-6, 2e-6};
/// Where activations become bytes, a value that lies next to the middle of two may become the
/// other one: 1/127 of the largest of 64, times one weight. That takes a tie to a part in a
/// million, and so happens in few rows only.
constexpr bounds of_bytes{2e-6, 5e-3, 0.05};

bounds bounds_of(mt::simd::weight_format format) {
  return mt::simd::uses_bytes(format) ? of_bytes : of_floats;
}

/// Every block alone: it gets the rows that the library's own block before it gave.
void check_blocks(const mt::model::weights& w, std::span<const mt::token_id> tokens,
                  bounds allowed) {
  const trace found = run(w, tokens);
  const reference_model reference(w);
  std::vector<double> errors;
  for (std::size_t l = 0; l < w.shape.n_layers; ++l) {
    std::vector<reference_model::row> h;
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      if (l == 0) {
        h.push_back(reference_model::unpack(w.embedding, tokens[t].value));
      } else {
        h.emplace_back(found.residual[l - 1][t].begin(), found.residual[l - 1][t].end());
      }
    }
    const auto wanted = reference.block(l, std::move(h));
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      errors.push_back(relative_error(found.residual[l][t], wanted[t]));
    }
  }
  const auto& last = found.residual[w.shape.n_layers - 1].back();
  errors.push_back(
      relative_error(found.logits.back(), reference.logits({last.begin(), last.end()})));
  const double worst = *std::max_element(errors.begin(), errors.end());
  const auto unusual = static_cast<double>(
      std::count_if(errors.begin(), errors.end(), [&](double e) { return !(e < allowed.usual); }));
  MESSAGE("largest relative difference " << worst << "; " << unusual << " of " << errors.size()
                                         << " rows above " << allowed.usual);
  CHECK(worst < allowed.largest);
  CHECK(unusual <= allowed.few * static_cast<double>(errors.size()));
}

}  // namespace

TEST_CASE("the forward pass equals plain double precision, for every weight format") {
  using mt::simd::weight_format;
  for (const auto format : {weight_format::f32, weight_format::f16, weight_format::bf16,
                            weight_format::q8_0, weight_format::q4_0}) {
    CAPTURE(static_cast<int>(format));
    check_blocks(*tiny_model({.format = format}).weights, some_tokens(40), bounds_of(format));
  }
}

TEST_CASE("squares in place of a gate equal plain double precision, for every weight format") {
  using mt::simd::weight_format;
  for (const auto format : {weight_format::f32, weight_format::f16, weight_format::bf16,
                            weight_format::q8_0, weight_format::q4_0}) {
    CAPTURE(static_cast<int>(format));
    const auto squared = mt::model::feed_forward::relu_squared;
    check_blocks(*tiny_model({.format = format, .feed_forward = squared}).weights, some_tokens(40),
                 bounds_of(format));
  }
}

TEST_CASE("both rotary layouts and grouped heads equal plain double precision") {
  mt::model::weights w = *tiny_model({.n_heads = 8, .n_kv_heads = 2}).weights;
  check_blocks(w, some_tokens(40), of_floats);
  w.shape.rotary_layout = mt::simd::rotary_layout::half_split;
  check_blocks(w, some_tokens(40), of_floats);
  w.shape.rotary_dim = 2;  // only a part of each head is rotated
  check_blocks(w, some_tokens(40), of_floats);
}

TEST_CASE("a part of each head, stretched positions and divided angles equal double precision") {
  mt::model::weights w = *tiny_model().weights;
  w.shape.rotary_dim = 4;  // of 8
  check_blocks(w, some_tokens(40), of_floats);
  w.shape.rotary_scale = 0.25f;
  check_blocks(w, some_tokens(40), of_floats);
  const std::vector<float> divisors{1.0f, 7.0f};
  w.rotary_divisors = divisors;
  check_blocks(w, some_tokens(40), of_floats);
}

TEST_CASE("the trained layers of a 15M model equal plain double precision") {
  const auto path = shared_file("models/stories15M-layers/stories15M_layers.safetensors");
  if (!path) return;
  const auto tensors = floats_of(*mt::safetensors::file::map(*path));
  mt::model::weights w;
  w.shape = {.n_layers = 6,
             .model_dim = 288,
             .n_heads = 6,
             .n_kv_heads = 6,
             .head_dim = 48,
             .ffn_dim = 768,
             .vocab_size = 64,
             .context_length = 256,
             .rotary_dim = 48,
             .rotary_layout = mt::simd::rotary_layout::half_split};
  REQUIRE(mt::model::validate(w.shape).has_value());
  const auto matrix = [&](const std::string& name, std::size_t rows, std::size_t cols) {
    const auto& data = tensors.at(name);
    REQUIRE(data.size() == rows * cols);
    return mt::simd::weight_matrix{mt::simd::weight_format::f32, rows, cols,
                                   std::as_bytes(std::span(data)).data()};
  };
  for (int i = 0; i < 6; ++i) {
    const std::string block = "model.layers." + std::to_string(i) + ".";
    const std::string attention = block + "self_attn.";
    w.layers.push_back({tensors.at(block + "input_layernorm.weight"),
                        matrix(attention + "q_proj.weight", 288, 288),
                        matrix(attention + "k_proj.weight", 288, 288),
                        matrix(attention + "v_proj.weight", 288, 288),
                        matrix(attention + "o_proj.weight", 288, 288),
                        tensors.at(block + "post_attention_layernorm.weight"),
                        matrix(block + "mlp.gate_proj.weight", 768, 288),
                        matrix(block + "mlp.up_proj.weight", 768, 288),
                        matrix(block + "mlp.down_proj.weight", 288, 768)});
  }
  w.final_norm = tensors.at("model.norm.weight");
  // The file has no embedding: rows of the size that a trained one has.
  std::vector<float> embedding(64 * 288);
  mt::philox random(7);
  for (float& e : embedding) e = 0.05f * random.normal();
  w.embedding = {mt::simd::weight_format::f32, 64, 288, std::as_bytes(std::span(embedding)).data()};
  w.head = w.embedding;
  std::vector<mt::token_id> tokens;
  for (std::size_t i = 0; i < 32; ++i) tokens.emplace_back(random.below(64));
  check_blocks(w, tokens, {1e-4, 1e-4});
}

TEST_CASE("softmax, attention and the residual sum equal a published run of another model") {
  const auto path = shared_file("models/gpt-nano-sort/gpt-nano-sort-t0-partials.json");
  if (!path) return;
  const auto published = load_nano_sort(*path);
  const auto& q = published.at("q").data;  // (batch, head, position, 16)
  const auto& k = published.at("k").data;
  const auto& v = published.at("v").data;
  const auto& scores = published.at("att").data;  // (batch, head, 11, 11), -inf ahead
  const auto& probabilities = published.at("attSm").data;
  const auto& mixed = published.at("y").data;  // (batch, position, 48)
  constexpr std::size_t n_batch = 3, n_heads = 3, length = 11, head_dim = 16, width = 48;
  constexpr double tolerance = 1e-5;

  mt::model::hyper_parameters shape;
  shape.n_layers = 1;
  shape.n_heads = shape.n_kv_heads = n_heads;
  shape.head_dim = head_dim;
  const mt::model::kv_cache_limits limits{n_batch, length, 0};
  const mt::heap_block memory(*mt::model::kv_cache::required_bytes(shape, limits));
  mt::arena arena(memory.bytes());
  auto cache = *mt::model::kv_cache::make(shape, limits, arena);
  double worst = 0;
  for (std::size_t b = 0; b < n_batch; ++b) {
    const auto s = *cache.open();
    REQUIRE(cache.append(s, length, {}).has_value());
    for (std::size_t h = 0; h < n_heads; ++h) {
      const std::size_t head = (b * n_heads + h) * length;
      for (std::size_t t = 0; t < length; ++t) {
        std::vector<float> row(
            scores.begin() + static_cast<std::ptrdiff_t>((head + t) * length),
            scores.begin() + static_cast<std::ptrdiff_t>((head + t + 1) * length));
        mt::simd::softmax<mt::simd::native, float>(std::span(row));
        for (std::size_t j = 0; j < length; ++j) {
          worst = std::max(worst, std::abs(static_cast<double>(row[j]) -
                                           probabilities[(head + t) * length + j]));
        }
      }
      for (std::size_t t = 0; t < length; ++t) {
        cache.write(mt::simd::active_kernels(), s, mt::position(t), mt::layer_index(0), h,
                    std::span(k).subspan((head + t) * head_dim, head_dim),
                    std::span(v).subspan((head + t) * head_dim, head_dim));
      }
      for (std::size_t t = 0; t < length; ++t) {
        std::vector<float> out(head_dim);
        mt::simd::attention_state state;
        const mt::model::head_query query{t + 1,
                                          {q.data() + (head + t) * head_dim, out.data(), &state}};
        mt::model::attend(mt::simd::active_kernels(), cache, s, mt::layer_index(0), h, head_dim,
                          std::span(&query, 1));
        for (std::size_t e = 0; e < head_dim; ++e) {
          worst = std::max(worst, std::abs(static_cast<double>(out[e]) -
                                           mixed[(b * length + t) * width + h * head_dim + e]));
        }
      }
    }
  }
  CHECK(worst < tolerance);

  std::vector<float> stream = published.at("x").data;
  mt::simd::add<mt::simd::native, float>(published.at("yProj").data, std::span(stream));
  double residual = 0;
  for (std::size_t i = 0; i < stream.size(); ++i) {
    residual = std::max(
        residual, std::abs(static_cast<double>(stream[i]) - published.at("attnResid").data[i]));
  }
  CHECK(residual < tolerance);
  MESSAGE("largest differences " << worst << " (softmax, attention), " << residual
                                 << " (residual)");
}
