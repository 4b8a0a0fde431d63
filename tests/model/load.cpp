// SPDX-License-Identifier: MIT

#include "../support/tiny_model.hpp"

#include <multitudes/model/load.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

namespace mt = multitudes;
using mt::gguf::tensor_type;
using namespace multitudes_test;

namespace {

std::shared_ptr<const mt::gguf::file> file_of(const tiny_gguf& model) {
  auto file = mt::gguf::file::parse(model.bytes(), "tiny model");
  REQUIRE_MESSAGE(file.has_value(), file.error().message());
  return std::make_shared<const mt::gguf::file>(*std::move(file));
}

mt::expected<mt::model::weights> load(const tiny_gguf& model) {
  return mt::model::load(file_of(model));
}

template <class T>
void check_refused(const mt::expected<T>& outcome, mt::errc code, const std::string& place) {
  REQUIRE(!outcome.has_value());
  CHECK(outcome.error().code == code);
  CHECK(outcome.error().place == place);
}

const std::vector<float>& zeros() {
  static const std::vector<float> values(64 * 64);
  return values;
}

/// A tiny model with another tensor of this name than it should have.
mt::expected<mt::model::weights> load_with(const std::string& name,
                                           std::initializer_list<std::uint64_t> dims,
                                           tensor_type type = tensor_type::f32) {
  tiny_gguf model({.without = {name}});
  std::size_t n = type == tensor_type::f16 ? 2 : 4;
  for (const std::uint64_t d : dims) n *= d;
  model.out.add_tensor(name, dims, type, std::as_bytes(std::span(zeros())).first(n));
  return load(model);
}

/// The hyper-parameters of a tiny model with one more key.
template <class T>
mt::expected<mt::model::hyper_parameters> shape_with(const std::string& key, const T& value) {
  tiny_gguf model({.without = {key}});
  model.out.add(key, value);
  return mt::model::read_hyper_parameters(*file_of(model));
}

}  // namespace

TEST_CASE("every part of the model is the tensor of its name, and the weights keep the file") {
  auto file = file_of(tiny_gguf({}));
  const std::weak_ptr<const mt::gguf::file> watched = file;
  const auto at = [&](const std::string& name) {
    const mt::gguf::tensor* tensor = watched.lock()->find_tensor(name);
    REQUIRE(tensor != nullptr);
    return static_cast<const void*>(tensor->data.data());
  };
  const auto w = mt::model::load(std::move(file));
  REQUIRE_MESSAGE(w.has_value(), w.error().message());
  REQUIRE(!watched.expired());
  CHECK(w->embedding.data == at("token_embd.weight"));
  CHECK(w->head.data == at("output.weight"));
  CHECK(w->final_norm.data() == at("output_norm.weight"));
  CHECK(w->rotary_divisors.empty());
  REQUIRE(w->layers.size() == 3);
  for (std::size_t l = 0; l < 3; ++l) {
    const std::string block = "blk." + std::to_string(l) + ".";
    const auto& layer = w->layers[l];
    CHECK(layer.attention_norm.data() == at(block + "attn_norm.weight"));
    CHECK(layer.query.data == at(block + "attn_q.weight"));
    CHECK(layer.key.data == at(block + "attn_k.weight"));
    CHECK(layer.value.data == at(block + "attn_v.weight"));
    CHECK(layer.attention_out.data == at(block + "attn_output.weight"));
    CHECK(layer.ffn_norm.data() == at(block + "ffn_norm.weight"));
    CHECK(layer.gate.data == at(block + "ffn_gate.weight"));
    CHECK(layer.up.data == at(block + "ffn_up.weight"));
    CHECK(layer.down.data == at(block + "ffn_down.weight"));
  }
}

TEST_CASE("a head that the file does not have is the embedding") {
  const auto w = *load(tiny_gguf({.tied = true}));
  CHECK(w.head.data == w.embedding.data);
  CHECK(w.head.rows == tiny_vocab_size);
}

TEST_CASE("a missing tensor is named") {
  for (const char* name : {"output_norm.weight", "blk.0.attn_norm.weight", "blk.1.attn_v.weight",
                           "blk.2.ffn_down.weight"}) {
    check_refused(load(tiny_gguf({.without = {name}})), mt::errc::not_found,
                  "tensor " + std::string(name));
  }
  CHECK(!load(tiny_gguf({.without = {"token_embd.weight"}})).has_value());
}

TEST_CASE("a tensor of another shape is refused by name") {
  using std::string;
  for (const string name : {"blk.1.attn_k.weight", "blk.1.attn_q.weight"}) {
    check_refused(load_with(name, {32, 8}), mt::errc::shape_mismatch, "tensor " + name);
    check_refused(load_with(name, {16, 32}), mt::errc::shape_mismatch, "tensor " + name);
    check_refused(load_with(name, {32}), mt::errc::shape_mismatch, "tensor " + name);
  }
  check_refused(load_with("blk.0.attn_k.weight", {32, 16, 2}), mt::errc::shape_mismatch,
                "tensor blk.0.attn_k.weight");
  check_refused(load_with("output_norm.weight", {31}), mt::errc::shape_mismatch,
                "tensor output_norm.weight");
  check_refused(load_with("output_norm.weight", {32, 2}), mt::errc::shape_mismatch,
                "tensor output_norm.weight");
}

TEST_CASE("a tensor of a type that is not implemented is refused by name and type") {
  const auto norm = load_with("blk.1.ffn_norm.weight", {32}, tensor_type::f16);
  check_refused(norm, mt::errc::unsupported, "tensor blk.1.ffn_norm.weight");
  CHECK(norm.error().found == "type f16");
  const auto matrix = load_with("blk.0.attn_k.weight", {32, 16}, tensor_type::i32);
  check_refused(matrix, mt::errc::unsupported, "tensor blk.0.attn_k.weight");
  CHECK(matrix.error().found == "type i32");
}

TEST_CASE("a tensor that would be left out is refused by name") {
  check_refused(load_with("blk.1.attn_q.bias", {32}), mt::errc::unsupported,
                "tensor blk.1.attn_q.bias");
  check_refused(load_with("blk.3.attn_norm.weight", {32}), mt::errc::unsupported,
                "tensor blk.3.attn_norm.weight");
}

TEST_CASE("a model that squares has no gate, and one with a gate is refused") {
  const auto squared = mt::model::feed_forward::relu_squared;
  const auto w = load(tiny_gguf({.feed_forward = squared}));
  REQUIRE_MESSAGE(w.has_value(), w.error().message());
  CHECK(w->shape.feed_forward == squared);
  CHECK(w->layers[0].gate.rows == 0);
  CHECK(w->layers[0].gate.data == nullptr);
  CHECK(w->layers[0].up.rows == w->shape.ffn_dim);
  tiny_gguf model({.feed_forward = squared});
  model.out.add_tensor("blk.1.ffn_gate.weight", {32, 96}, tensor_type::f32,
                       std::as_bytes(std::span(zeros())).first(32 * 96 * 4));
  check_refused(load(model), mt::errc::unsupported, "tensor blk.1.ffn_gate.weight");
  check_refused(load(tiny_gguf({.without = {"blk.1.ffn_gate.weight"}})), mt::errc::not_found,
                "tensor blk.1.ffn_gate.weight");
}

TEST_CASE("keys of another architecture than the file's are not read") {
  tiny_gguf model({.feed_forward = mt::model::feed_forward::relu_squared});
  model.out.add("llama.rope.freq_base", 5e5f);
  model.out.add("arcee.rope.dimension_count", 4u);
  const auto p = *mt::model::read_hyper_parameters(*file_of(model));
  CHECK(p.rotary_base == 10000.0f);
  CHECK(p.rotary_dim == 4);
}

TEST_CASE("an architecture that is not of the Llama family is refused by name") {
  check_refused(shape_with("general.architecture", std::string_view("qwen2")),
                mt::errc::unsupported, "key general.architecture");
}

TEST_CASE("linear context extension divides positions; another kind is refused") {
  const auto extended = [](std::string_view kind) {
    tiny_gguf model({});
    model.out.add("llama.rope.scaling.type", kind);
    model.out.add("llama.rope.scaling.factor", 4.0f);
    return mt::model::read_hyper_parameters(*file_of(model));
  };
  CHECK(extended("linear")->rotary_scale == 0.25f);
  CHECK(extended("none")->rotary_scale == 1.0f);
  check_refused(extended("yarn"), mt::errc::unsupported, "key llama.rope.scaling.type");
  CHECK(shape_with("llama.rope.scaling.type", std::string_view("none"))->rotary_scale == 1.0f);
  check_refused(shape_with("llama.rope.scaling.factor", 0.5f), mt::errc::invalid_argument,
                "rotary_scale");
}

TEST_CASE("divisors of the angles are taken from the file") {
  const std::vector<float> divisors{1.0f, 2.0f, 4.0f, 8.0f};
  tiny_gguf model({});
  model.out.add_tensor("rope_freqs.weight", {4}, tensor_type::f32,
                       std::as_bytes(std::span(divisors)));
  const auto w = load(model);
  REQUIRE_MESSAGE(w.has_value(), w.error().message());
  CHECK(std::vector<float>(w->rotary_divisors.begin(), w->rotary_divisors.end()) == divisors);
  check_refused(load_with("rope_freqs.weight", {8}), mt::errc::shape_mismatch,
                "tensor rope_freqs.weight");
  check_refused(load_with("rope_freqs.weight", {4}), mt::errc::non_finite,
                "tensor rope_freqs.weight");  // zeros
}

TEST_CASE("keys that are missing have the values that writers take for granted") {
  const auto p = *mt::model::read_hyper_parameters(*file_of(tiny_gguf(
      {.n_kv_heads = 4,
       .without = {"llama.attention.head_count_kv", "llama.attention.layer_norm_rms_epsilon"}})));
  CHECK(p == mt::model::hyper_parameters{.n_layers = 3,
                                         .model_dim = 32,
                                         .n_heads = 4,
                                         .n_kv_heads = 4,
                                         .head_dim = 8,
                                         .ffn_dim = 96,
                                         .vocab_size = tiny_vocab_size,
                                         .context_length = 160,
                                         .norm_epsilon = 1e-5f,
                                         .rotary_base = 10000.0f,
                                         .rotary_scale = 1.0f,
                                         .rotary_dim = 8});
}

TEST_CASE("keys that are there are used") {
  CHECK(shape_with("llama.attention.layer_norm_rms_epsilon", 1e-6f)->norm_epsilon == 1e-6f);
  CHECK(shape_with("llama.rope.freq_base", 5e5f)->rotary_base == 5e5f);
  CHECK(shape_with("llama.rope.dimension_count", 4u)->rotary_dim == 4);
  const auto wide = *shape_with("llama.attention.key_length", 16u);
  CHECK(wide.head_dim == 16);
  CHECK(wide.rotary_dim == 16);
  CHECK(wide.query_dim() == 64);
  check_refused(shape_with("llama.attention.value_length", 4u), mt::errc::unsupported,
                "key llama.attention.value_length");
}

TEST_CASE("numbers out of range, of another type or missing are refused by key") {
  check_refused(shape_with("llama.block_count", 0u), mt::errc::invalid_argument, "n_layers");
  check_refused(shape_with("llama.attention.head_count", 0u), mt::errc::invalid_argument,
                "n_heads");
  check_refused(shape_with("llama.attention.head_count_kv", 3u), mt::errc::invalid_argument,
                "n_kv_heads");
  check_refused(shape_with("llama.block_count", (std::uint64_t{1} << 32) + 3), mt::errc::malformed,
                "key llama.block_count");
  check_refused(shape_with("llama.block_count", std::string_view("3")), mt::errc::malformed,
                "tiny model, key \"llama.block_count\"");
  check_refused(mt::model::read_hyper_parameters(
                    *file_of(tiny_gguf({.without = {"llama.embedding_length"}}))),
                mt::errc::not_found, "tiny model, key \"llama.embedding_length\"");
}

TEST_CASE("models of other weights or shapes have other fingerprints, and equal ones the same") {
  const auto id = [](std::uint64_t seed) { return load(tiny_gguf({.seed = seed}))->id; };
  CHECK(id(1) == id(1));
  CHECK(id(1) != id(2));
  const auto shaped = [](std::uint64_t cols, std::uint64_t rows) {
    mt::gguf::writer out;
    out.add_tensor("a", {cols, rows}, tensor_type::f32,
                   std::as_bytes(std::span(zeros())).first(4 * cols * rows));
    return mt::model::detail::fingerprint_of({}, *mt::gguf::file::parse(*out.bytes()));
  };
  CHECK(shaped(8, 4) == shaped(8, 4));
  CHECK(shaped(8, 4) != shaped(4, 8));
  const auto of_kind = [](mt::model::feed_forward kind) {
    mt::model::hyper_parameters p;
    p.feed_forward = kind;
    return mt::model::detail::fingerprint_of(p,
                                             *mt::gguf::file::parse(*mt::gguf::writer().bytes()));
  };
  CHECK(of_kind(mt::model::feed_forward::swiglu) != of_kind(mt::model::feed_forward::relu_squared));
}
