// SPDX-License-Identifier: MIT

#include <multitudes/model/hyper_parameters.hpp>

#include <doctest/doctest.h>

#include <limits>

namespace mt = multitudes;

namespace {

constexpr mt::model::hyper_parameters good{.n_layers = 2,
                                           .model_dim = 32,
                                           .n_heads = 4,
                                           .n_kv_heads = 2,
                                           .head_dim = 8,
                                           .ffn_dim = 64,
                                           .vocab_size = 100,
                                           .context_length = 128,
                                           .rotary_dim = 8};

template <class T>
void refused(T mt::model::hyper_parameters::*field, T value, const char* name) {
  auto p = good;
  p.*field = value;
  const auto outcome = mt::model::validate(p);
  REQUIRE_MESSAGE(!outcome.has_value(), name);
  CHECK(outcome.error().code == mt::errc::invalid_argument);
  CHECK(outcome.error().place == name);
}

}  // namespace

TEST_CASE("sizes from 1 to 2^24 - 1 describe a transformer; the others are refused by name") {
  using p = mt::model::hyper_parameters;
  CHECK(mt::model::validate(good).has_value());
  for (const std::uint32_t size : {0u, 1u << 24}) {
    refused(&p::n_layers, size, "n_layers");
    refused(&p::model_dim, size, "model_dim");
    refused(&p::n_heads, size, "n_heads");
    refused(&p::n_kv_heads, size, "n_kv_heads");
    refused(&p::head_dim, size, "head_dim");
    refused(&p::ffn_dim, size, "ffn_dim");
    refused(&p::vocab_size, size, "vocab_size");
    refused(&p::context_length, size, "context_length");
  }
  refused(&p::head_dim, 1u << 22, "n_heads * head_dim");
  refused(&p::n_kv_heads, 3u, "n_kv_heads");
  refused(&p::n_kv_heads, 8u, "n_kv_heads");
}

TEST_CASE("an unknown feed-forward is refused by name, and only SwiGLU has a gate") {
  using p = mt::model::hyper_parameters;
  using mt::model::feed_forward;
  refused(&p::feed_forward, static_cast<feed_forward>(2), "feed_forward");
  auto squared = good;
  squared.feed_forward = feed_forward::relu_squared;
  CHECK(mt::model::validate(squared).has_value());
  CHECK(!squared.has_gate());
  CHECK(good.has_gate());
  CHECK(squared != good);
}

TEST_CASE("an impossible rotation or a norm without an epsilon is refused by name") {
  using p = mt::model::hyper_parameters;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  refused(&p::rotary_dim, 7u, "rotary_dim");
  refused(&p::rotary_dim, 10u, "rotary_dim");
  for (const float x : {0.0f, 1.0f, nan}) refused(&p::norm_epsilon, x, "norm_epsilon");
  for (const float x : {1.0f, 1e12f, nan}) refused(&p::rotary_base, x, "rotary_base");
  for (const float x : {0.0f, -1.0f, 1.5f, nan}) refused(&p::rotary_scale, x, "rotary_scale");
}
