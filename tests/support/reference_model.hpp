// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/model/weights.hpp>
#include <multitudes/simd/kernel_set.hpp>
#include <multitudes/simd/panel.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace multitudes_test {

/// A Llama block in plain double precision, written from the formulas and not from the library:
/// no cache, no tiles, no kernels.
class reference_model {
 public:
  using row = std::vector<double>;

  explicit reference_model(const multitudes::model::weights& w) : w_(&w) {}

  [[nodiscard]] static row unpack(const multitudes::simd::weight_matrix& m, std::size_t r) {
    std::vector<float> values(m.cols);
    multitudes::simd::unpack_row<multitudes::simd::scalar>(m, r, values);
    return {values.begin(), values.end()};
  }

  /// The stream after block `l`, for a whole sequence of rows.
  [[nodiscard]] std::vector<row> block(std::size_t l, std::vector<row> h) const {
    const auto& p = w_->shape;
    const auto& layer = w_->layers[l];
    std::vector<row> queries;
    std::vector<row> keys;
    std::vector<row> values;
    for (std::size_t t = 0; t < h.size(); ++t) {
      const row x = norm(h[t], layer.attention_norm);
      queries.push_back(rotated(times(layer.query, x), p.n_heads, t));
      keys.push_back(rotated(times(layer.key, x), p.n_kv_heads, t));
      values.push_back(times(layer.value, x));
    }
    for (std::size_t t = 0; t < h.size(); ++t) {
      row mixed(p.query_dim(), 0.0);
      for (std::size_t head = 0; head < p.n_heads; ++head) {
        const std::size_t kv = head / (p.n_heads / p.n_kv_heads) * p.head_dim;
        row weights(t + 1);
        double total = 0;
        for (std::size_t s = 0; s <= t; ++s) {
          double score = 0;
          for (std::size_t e = 0; e < p.head_dim; ++e) {
            score += queries[t][head * p.head_dim + e] * keys[s][kv + e];
          }
          weights[s] = std::exp(score / std::sqrt(static_cast<double>(p.head_dim)));
          total += weights[s];
        }
        for (std::size_t s = 0; s <= t; ++s) {
          for (std::size_t e = 0; e < p.head_dim; ++e) {
            mixed[head * p.head_dim + e] += weights[s] / total * values[s][kv + e];
          }
        }
      }
      add(h[t], times(layer.attention_out, mixed));
      const row x = norm(h[t], layer.ffn_norm);
      row inner = times(layer.up, x);
      if (p.feed_forward == multitudes::model::feed_forward::swiglu) {
        const row gate = times(layer.gate, x);
        for (std::size_t e = 0; e < inner.size(); ++e) {
          inner[e] *= gate[e] / (1 + std::exp(-gate[e]));
        }
      } else {
        for (double& e : inner) e = e > 0 ? e * e : 0;
      }
      add(h[t], times(layer.down, inner));
    }
    return h;
  }

  [[nodiscard]] row logits(const row& h) const { return times(w_->head, norm(h, w_->final_norm)); }

 private:
  [[nodiscard]] row norm(const row& x, std::span<const float> weight) const {
    double squares = 0;
    for (const double e : x) squares += e * e;
    const double scale = 1 / std::sqrt(squares / static_cast<double>(x.size()) +
                                       static_cast<double>(w_->shape.norm_epsilon));
    row y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * scale * static_cast<double>(weight[i]);
    return y;
  }
  /// What a product multiplies with: bytes where the weights are bytes.
  [[nodiscard]] static row rounded(const multitudes::simd::weight_matrix& m, const row& x) {
    namespace simd = multitudes::simd;
    if (!simd::uses_bytes(m.format)) return x;
    const std::vector<float> floats(x.begin(), x.end());
    std::vector<simd::activation_group> groups(simd::n_activation_groups(x.size()));
    simd::kernels_for<simd::scalar>.quantize(floats.data(), x.size(), groups.data());
    row meant(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto& group = groups[i / simd::activation_block];
      meant[i] = static_cast<double>(group.scale) * group.values[i % simd::activation_block];
    }
    return meant;
  }
  [[nodiscard]] static row times(const multitudes::simd::weight_matrix& m, const row& exact) {
    const row x = rounded(m, exact);
    row y(m.rows);
    for (std::size_t r = 0; r < m.rows; ++r) {
      const row weights = unpack(m, r);
      for (std::size_t c = 0; c < m.cols; ++c) y[r] += weights[c] * x[c];
    }
    return y;
  }
  static void add(row& h, const row& delta) {
    for (std::size_t i = 0; i < h.size(); ++i) h[i] += delta[i];
  }
  [[nodiscard]] row rotated(row x, std::size_t n_heads, std::size_t t) const {
    const auto& p = w_->shape;
    const std::size_t pairs = p.rotary_dim / 2;
    const bool interleaved = p.rotary_layout == multitudes::simd::rotary_layout::interleaved;
    for (std::size_t head = 0; head < n_heads; ++head) {
      for (std::size_t i = 0; i < pairs; ++i) {
        const double angle =
            static_cast<double>(t) *
            std::pow(static_cast<double>(p.rotary_base),
                     -2.0 * static_cast<double>(i) / static_cast<double>(p.rotary_dim)) *
            static_cast<double>(p.rotary_scale) /
            (w_->rotary_divisors.empty() ? 1.0 : static_cast<double>(w_->rotary_divisors[i]));
        double& a = x[head * p.head_dim + (interleaved ? 2 * i : i)];
        double& b = x[head * p.head_dim + (interleaved ? 2 * i + 1 : i + pairs)];
        const double old = a;
        a = a * std::cos(angle) - b * std::sin(angle);
        b = b * std::cos(angle) + old * std::sin(angle);
      }
    }
    return x;
  }

  const multitudes::model::weights* w_;
};

}  // namespace multitudes_test
