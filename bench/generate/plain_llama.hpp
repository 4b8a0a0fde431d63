// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/model/weights.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace multitudes_bench {

/// The rival: the forward pass that one writes first. One token at a time, F32, plain loops, the
/// compiler's own vector code; the same mathematics as the library's.
class plain_llama {
 public:
  plain_llama(const multitudes::model::weights& w, std::size_t max_length)
      : w_(&w), keys_(w.shape.n_layers), values_(w.shape.n_layers), max_length_(max_length) {
    for (std::size_t l = 0; l < w.shape.n_layers; ++l) {
      keys_[l].resize(max_length * w.shape.kv_dim());
      values_[l].resize(max_length * w.shape.kv_dim());
    }
  }

  void forget() { length_ = 0; }

  /// The logits after `token`, which is appended to what was read so far.
  const std::vector<float>& step(std::size_t token) {
    const auto& p = w_->shape;
    h_.assign(floats(w_->embedding) + token * p.model_dim,
              floats(w_->embedding) + (token + 1) * p.model_dim);
    for (std::size_t l = 0; l < p.n_layers; ++l) {
      const auto& layer = w_->layers[l];
      norm(layer.attention_norm.data());
      times(layer.query, x_, q_);
      times(layer.key, x_, k_);
      times(layer.value, x_, v_);
      rotate(q_, p.n_heads);
      rotate(k_, p.n_kv_heads);
      std::copy(k_.begin(), k_.end(), keys_[l].begin() + at(length_));
      std::copy(v_.begin(), v_.end(), values_[l].begin() + at(length_));
      attend(l);
      times(layer.attention_out, mixed_, delta_);
      for (std::size_t i = 0; i < h_.size(); ++i) h_[i] += delta_[i];
      norm(layer.ffn_norm.data());
      times(layer.gate, x_, gate_);
      times(layer.up, x_, up_);
      for (std::size_t i = 0; i < gate_.size(); ++i) {
        gate_[i] *= up_[i] / (1.0f + std::exp(-gate_[i]));
      }
      times(layer.down, gate_, delta_);
      for (std::size_t i = 0; i < h_.size(); ++i) h_[i] += delta_[i];
    }
    norm(w_->final_norm.data());
    times(w_->head, x_, logits_);
    ++length_;
    return logits_;
  }

 private:
  static const float* floats(const multitudes::simd::weight_matrix& m) {
    return reinterpret_cast<const float*>(m.data);
  }
  [[nodiscard]] std::ptrdiff_t at(std::size_t t) const {
    return static_cast<std::ptrdiff_t>(t * w_->shape.kv_dim());
  }
  static void times(const multitudes::simd::weight_matrix& m, const std::vector<float>& x,
                    std::vector<float>& y) {
    y.resize(m.rows);
    for (std::size_t r = 0; r < m.rows; ++r) {
      const float* row = floats(m) + r * m.cols;
      float sum = 0;
      for (std::size_t c = 0; c < m.cols; ++c) sum += row[c] * x[c];
      y[r] = sum;
    }
  }
  void norm(const float* weight) {
    float squares = 0;
    for (const float e : h_) squares += e * e;
    const float scale =
        1.0f / std::sqrt(squares / static_cast<float>(h_.size()) + w_->shape.norm_epsilon);
    x_.resize(h_.size());
    for (std::size_t i = 0; i < h_.size(); ++i) x_[i] = h_[i] * scale * weight[i];
  }
  void rotate(std::vector<float>& x, std::size_t n_heads) const {
    const std::size_t dim = w_->shape.head_dim;
    for (std::size_t i = 0; i < w_->shape.rotary_dim / 2; ++i) {
      const float angle =
          static_cast<float>(length_) *
          std::pow(w_->shape.rotary_base,
                   -2.0f * static_cast<float>(i) / static_cast<float>(w_->shape.rotary_dim));
      const float c = std::cos(angle);
      const float s = std::sin(angle);
      for (std::size_t head = 0; head < n_heads; ++head) {
        float& a = x[head * dim + 2 * i];
        float& b = x[head * dim + 2 * i + 1];
        const float old = a;
        a = a * c - b * s;
        b = b * c + old * s;
      }
    }
  }
  void attend(std::size_t l) {
    const auto& p = w_->shape;
    mixed_.assign(p.query_dim(), 0.0f);
    scores_.resize(max_length_);
    for (std::size_t head = 0; head < p.n_heads; ++head) {
      const float* q = q_.data() + head * p.head_dim;
      const std::size_t kv = head / (p.n_heads / p.n_kv_heads) * p.head_dim;
      float top = -1e30f;
      for (std::size_t t = 0; t <= length_; ++t) {
        float sum = 0;
        const float* k = keys_[l].data() + t * p.kv_dim() + kv;
        for (std::size_t e = 0; e < p.head_dim; ++e) sum += q[e] * k[e];
        scores_[t] = sum / std::sqrt(static_cast<float>(p.head_dim));
        top = std::max(top, scores_[t]);
      }
      float total = 0;
      for (std::size_t t = 0; t <= length_; ++t) total += scores_[t] = std::exp(scores_[t] - top);
      for (std::size_t t = 0; t <= length_; ++t) {
        const float* v = values_[l].data() + t * p.kv_dim() + kv;
        for (std::size_t e = 0; e < p.head_dim; ++e) {
          mixed_[head * p.head_dim + e] += scores_[t] / total * v[e];
        }
      }
    }
  }

  const multitudes::model::weights* w_;
  std::vector<std::vector<float>> keys_, values_;
  std::vector<float> h_, x_, q_, k_, v_, mixed_, delta_, gate_, up_, logits_, scores_;
  std::size_t max_length_;
  std::size_t length_ = 0;
};

}  // namespace multitudes_bench
