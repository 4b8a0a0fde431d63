// SPDX-License-Identifier: MIT

#include "../support/long_run.hpp"
#include "../support/shared_data.hpp"
#include "../support/tiny_model.hpp"
#include "../text/small_vocabulary.hpp"

#include <multitudes/core/philox.hpp>
#include <multitudes/generate/save_model.hpp>
#include <multitudes/generate/session.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#if defined(__unix__)
#include <sys/resource.h>
#include <csignal>
#endif

namespace mt = multitudes;
namespace fs = std::filesystem;
using mt::model::feed_forward;
using mt::simd::weight_format;
using namespace multitudes_test;

namespace {

constexpr weight_format all_formats[] = {weight_format::f32, weight_format::f16,
                                         weight_format::bf16, weight_format::q8_0,
                                         weight_format::q4_0};

/// An empty folder for one test, gone afterwards.
struct scratch {
  fs::path folder = fs::temp_directory_path() /
                    ("multitudes_save_model_" + std::to_string(std::random_device()()));

  scratch() { fs::create_directories(folder); }
  ~scratch() { fs::remove_all(folder); }

  [[nodiscard]] std::string path(const std::string& name) const { return (folder / name).string(); }
  [[nodiscard]] std::ptrdiff_t n_entries() const {
    return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
  }
};

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

mt::saved_model save(const mt::language_model& lm, const std::string& path,
                     const mt::save_options& how = {}) {
  auto saved = mt::save_model(lm, path, how);
  REQUIRE_MESSAGE(saved.has_value(), saved.error().message());
  return *std::move(saved);
}

mt::language_model load(const std::string& path) {
  auto lm = mt::load_model(path);
  REQUIRE_MESSAGE(lm.has_value(), lm.error().message());
  return *std::move(lm);
}

/// What the model says of the token after a few, which need not be a text.
std::vector<float> logits(const mt::language_model& lm) {
  auto s = *mt::session<>::make(lm);
  std::vector<mt::token_id> tokens;
  for (std::size_t i = 0; i < 24; ++i) tokens.emplace_back((7 * i * i + i) % 250);
  REQUIRE(s.read(std::span<const mt::token_id>(tokens)).has_value());
  return {s.logits().begin(), s.logits().end()};
}

/// A tiny model that speaks byte-level BPE, with fewer pieces than embeddings.
mt::language_model byte_level(mt::language_model lm) {
  auto v = byte_level_vocabulary();
  v.facts.bos = mt::token_id(v.add("<|start|>", 0, mt::text::piece_type::control));
  v.facts.add_bos = true;
  v.facts.add_eos = true;
  v.add("ab");
  v.add("abc");
  v.add("<user>", 0, mt::text::piece_type::user_defined);
  v.merges = {"a b", "ab c"};
  v.scores.clear();
  lm.tokenizer = v.with([](const mt::text::vocabulary& facts) {
    return std::make_shared<const mt::text::tokenizer>(*mt::text::tokenizer::make(facts));
  });
  return lm;
}

void check_same_tokens(const mt::text::tokenizer& a, const mt::text::tokenizer& b) {
  const char* const texts[] = {"",
                               "abc ab",
                               " abcab\n",
                               "<s>a</s> b",
                               "<|end|>abc<user>ab",
                               "\xC3\xA9t\xC3\xA9 \xFF",
                               "<unk><|start|>"};
  for (const char* text : texts) {
    CAPTURE(text);
    for (const bool special : {false, true}) {
      const mt::text::encode_options how{.end_token = true, .parse_special = special};
      const auto tokens = a.encode(text, how);
      CHECK(tokens == b.encode(text, how));
      CHECK(a.decode(tokens) == b.decode(tokens));
    }
  }
  CHECK(a.bos() == b.bos());
  CHECK(a.eos() == b.eos());
}

/// Each matrix of both by the name of the tensor.
template <class F>
void for_each_matrix(const mt::model::weights& a, const mt::model::weights& b, F f) {
  f("token_embd.weight", a.embedding, b.embedding);
  f("output.weight", a.head, b.head);
  for (std::size_t l = 0; l < a.layers.size(); ++l) {
    const std::string block = "blk." + std::to_string(l) + ".";
    const auto& x = a.layers[l];
    const auto& y = b.layers[l];
    f(block + "attn_q.weight", x.query, y.query);
    f(block + "attn_k.weight", x.key, y.key);
    f(block + "attn_v.weight", x.value, y.value);
    f(block + "attn_output.weight", x.attention_out, y.attention_out);
    f(block + "ffn_gate.weight", x.gate, y.gate);
    f(block + "ffn_up.weight", x.up, y.up);
    f(block + "ffn_down.weight", x.down, y.down);
  }
}

std::vector<std::byte> packed(const mt::simd::weight_matrix& m, weight_format format) {
  const mt::simd::weight_matrix shape{format, m.rows, m.cols, nullptr};
  std::vector<std::byte> bytes(m.rows * shape.row_bytes());
  std::vector<float> row(m.cols);
  for (std::size_t r = 0; r < m.rows; ++r) {
    mt::simd::unpack_row<mt::simd::scalar>(m, r, row);
    mt::simd::pack_row(format, row, bytes.data() + r * shape.row_bytes());
  }
  return bytes;
}

std::vector<std::byte> bytes_of(const mt::simd::weight_matrix& m) {
  std::vector<std::byte> bytes(m.rows * m.row_bytes());
  for (std::size_t r = 0; r < m.rows; ++r) {
    mt::simd::copy_row(m, r, bytes.data() + r * m.row_bytes());
  }
  return bytes;
}

bool same(std::span<const std::byte> a, std::span<const std::byte> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

std::set<std::string> names_of(const mt::gguf::file& file) {
  std::set<std::string> names;
  for (const auto& entry : file.metadata()) names.insert(std::string(entry.key));
  for (const auto& tensor : file.tensors()) names.insert(std::string(tensor.name));
  return names;
}

/// A model whose matrices are not the file's but these, until the end of the test.
struct changed_model {
  mt::language_model lm;
  std::vector<float> values;

  /// Quantised by somebody who does not use the whole range, as `pack_row` does.
  static changed_model narrow() {
    changed_model m(0);
    m.values.assign(m.values.size(), 0.0f);
    const auto bytes = std::as_writable_bytes(std::span(m.values));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      // The half 1.125, then numbers of at most 6.
      bytes[i] = static_cast<std::byte>(i % 34 == 0 ? 0x80 : i % 34 == 1 ? 0x3C : i % 7);
    }
    auto w = *m.lm.weights;
    w.layers[1].up = {weight_format::q8_0, w.layers[1].up.rows, w.layers[1].up.cols, bytes.data()};
    m.lm.weights = std::make_shared<const mt::model::weights>(w);
    return m;
  }

  explicit changed_model(float in_last_place) : lm(tiny_model()) {
    auto w = *lm.weights;
    const auto& old = w.layers[1].up;
    values.assign(old.rows * old.cols, 0.5f);
    values.back() = in_last_place;
    w.layers[1].up.data = std::as_bytes(std::span(values)).data();
    lm.weights = std::make_shared<const mt::model::weights>(w);
  }
};

}  // namespace

TEST_CASE("a model that was saved in F32 and read back has the same logits to the bit") {
  const scratch s;
  const std::string path = s.path("a.gguf");
  for (int i = 0; i < sample_count(8, 60); ++i) {
    mt::philox random(7, static_cast<std::uint64_t>(i));
    const std::uint32_t n_kv_heads = 1u << random.below(3);
    const tiny_model_options options{
        .n_layers = 1 + random.below(3),
        .model_dim = 16 * (1 + random.below(3)),
        .n_heads = 4,
        .n_kv_heads = n_kv_heads,
        .ffn_dim = 8 * (1 + random.below(9)),
        .tied = random.below(2) == 0,
        .feed_forward = i % 2 == 0 ? feed_forward::swiglu : feed_forward::relu_squared,
        .seed = static_cast<std::uint64_t>(i)};
    CAPTURE(i);
    for (const auto& lm : {tiny_model(options), byte_level(tiny_model(options))}) {
      CHECK(save(lm, path).in_f16.empty());
      const auto again = load(path);
      CHECK(again.shape() == lm.shape());
      CHECK(logits(again) == logits(lm));
      check_same_tokens(*again.tokenizer, *lm.tokenizer);
      CHECK((again.weights->head.data == again.weights->embedding.data) == options.tied);
    }
  }
}

TEST_CASE("all that a shape can say is read back: scaled positions, divisors, wide heads") {
  const scratch s;
  const std::string path = s.path("a.gguf");
  const auto check = [&](const tiny_gguf& model) {
    const auto lm = *mt::make_language_model(*mt::gguf::file::parse(model.bytes()));
    save(lm, path);
    const auto again = load(path);
    CHECK(again.shape() == lm.shape());
    CHECK(std::equal(again.weights->rotary_divisors.begin(), again.weights->rotary_divisors.end(),
                     lm.weights->rotary_divisors.begin(), lm.weights->rotary_divisors.end()));
    CHECK(logits(again) == logits(lm));
  };
  const std::vector<float> divisors{1.0f, 2.0f, 4.0f, 8.0f};
  for (const float factor : {1.0f, 1.1f, 3.0f, 4.0f, 7.7f, 4095.9f}) {
    CAPTURE(factor);
    tiny_gguf model({});
    model.out.add("llama.rope.scaling.type", "linear");
    model.out.add("llama.rope.scaling.factor", factor);
    model.out.add("llama.rope.freq_base", 5e5f);
    model.out.add_tensor("rope_freqs.weight", {4}, mt::gguf::tensor_type::f32,
                         std::as_bytes(std::span(divisors)));
    check(model);
  }
  const std::vector<float> values(64 * 32, 0.03f);
  const auto bytes = std::as_bytes(std::span(values));
  tiny_gguf one(
      {.n_layers = 1,
       .n_kv_heads = 4,
       .without = {"blk.0.attn_q.weight", "blk.0.attn_k.weight", "blk.0.attn_v.weight",
                   "blk.0.attn_output.weight", "llama.attention.layer_norm_rms_epsilon"}});
  one.out.add("llama.attention.key_length", 16u);
  one.out.add("llama.attention.value_length", 16u);
  one.out.add("llama.rope.dimension_count", 6u);
  one.out.add("llama.attention.layer_norm_rms_epsilon", 2e-6f);
  for (const char* name : {"blk.0.attn_q.weight", "blk.0.attn_k.weight", "blk.0.attn_v.weight"}) {
    one.out.add_tensor(name, {32, 64}, mt::gguf::tensor_type::f32, bytes);
  }
  one.out.add_tensor("blk.0.attn_output.weight", {64, 32}, mt::gguf::tensor_type::f32, bytes);
  check(one);
}

TEST_CASE("a model that rotates halves is written so that neighbours rotate, and says the same") {
  const scratch s;
  const std::string path = s.path("a.gguf");
  for (const std::uint32_t rotary_dim : {8u, 4u, 2u}) {
    auto lm = tiny_model();
    auto w = *lm.weights;
    w.shape.rotary_layout = mt::simd::rotary_layout::half_split;
    w.shape.rotary_dim = rotary_dim;
    lm.weights = std::make_shared<const mt::model::weights>(w);
    save(lm, path);
    const auto again = load(path);
    CHECK(again.shape().rotary_layout == mt::simd::rotary_layout::interleaved);
    const auto found = logits(again);
    const auto wanted = logits(lm);
    float largest = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      largest = std::max(largest, std::fabs(found[i] - wanted[i]));
    }
    CHECK(largest < 2e-5f);  // the products of a head are summed in another order
  }
}

TEST_CASE("a published model is exported, and equal in all that it says") {
  const auto original = shared_file("models/stories260K/stories260Ktok512.gguf");
  if (!original) return;
  const scratch s;
  const std::string path = s.path("stories.gguf");
  const auto lm = load(*original);
  save(lm, path);
  const auto again = load(path);
  CHECK(again.shape() == lm.shape());
  CHECK(logits(again) == logits(lm));
  check_same_tokens(*again.tokenizer, *lm.tokenizer);
  const auto before = *mt::gguf::file::read(*original);
  const auto after = *mt::gguf::file::read(path);
  CHECK(before.tensors().size() == after.tensors().size());
  for (const auto& tensor : before.tensors()) {
    const auto* found = after.find_tensor(tensor.name);
    REQUIRE_MESSAGE(found != nullptr, tensor.name);
    CHECK(found->dims == tensor.dims);
    CHECK(found->type == tensor.type);
    CHECK(same(found->data, tensor.data));
  }
  for (const auto& entry : before.metadata()) {
    CAPTURE(entry.key);
    const auto* found = after.find(entry.key);
    if (found == nullptr || entry.key == "general.file_type") continue;
    CHECK(same(found->payload(), entry.content.payload()));
  }
}

TEST_CASE("the matrices of every format are the packed rows of the original, norms stay F32") {
  const scratch s;
  const std::string path = s.path("a.gguf");
  for (const auto kind : {feed_forward::swiglu, feed_forward::relu_squared}) {
    for (const auto from : {weight_format::f32, weight_format::q8_0}) {
      const auto lm = tiny_model({.n_layers = 2, .format = from, .feed_forward = kind});
      for (const weight_format to : all_formats) {
        CAPTURE(static_cast<int>(from));
        CAPTURE(static_cast<int>(to));
        CHECK(save(lm, path, {.format = to}).in_f16.empty());
        const auto again = load(path);
        for_each_matrix(*lm.weights, *again.weights, [&](const auto& name, auto& a, auto& b) {
          CAPTURE(name);
          CHECK(b.rows == a.rows);
          if (a.rows == 0) return;
          CHECK(b.format == to);
          CHECK((from == to ? same(bytes_of(b), bytes_of(a)) : same(bytes_of(b), packed(a, to))));
        });
        CHECK(std::equal(again.weights->final_norm.begin(), again.weights->final_norm.end(),
                         lm.weights->final_norm.begin()));
        CHECK(again.weights->layers[1].ffn_norm[3] == lm.weights->layers[1].ffn_norm[3]);
      }
    }
  }
}

TEST_CASE("a matrix that has the wanted format already is copied byte by byte") {
  const scratch s;
  const auto m = changed_model::narrow();
  save(m.lm, s.path("a.gguf"), {.format = weight_format::q8_0});
  const auto again = load(s.path("a.gguf"));
  const auto& up = m.lm.weights->layers[1].up;
  CHECK(same(bytes_of(again.weights->layers[1].up), bytes_of(up)));
  CHECK(!same(bytes_of(up), packed(up, weight_format::q8_0)));
}

TEST_CASE("a matrix whose rows are not whole blocks becomes F16, and is named") {
  const scratch s;
  const std::string path = s.path("a.gguf");
  const auto lm = tiny_model({.n_layers = 1, .ffn_dim = 40});
  CHECK(save(lm, path, {.format = weight_format::q8_0}).in_f16 ==
        std::vector<std::string>{"blk.0.ffn_down.weight"});
  const auto again = load(path);
  CHECK(again.weights->layers[0].down.format == weight_format::f16);
  CHECK(again.weights->layers[0].up.format == weight_format::q8_0);
  CHECK(same(bytes_of(again.weights->layers[0].down),
             packed(lm.weights->layers[0].down, weight_format::f16)));
  CHECK(save(lm, path, {.format = weight_format::bf16}).in_f16.empty());
}

TEST_CASE("the logits of quantised weights stay close") {
  const scratch s;
  const std::string path = s.path("a.gguf");
  const auto lm = tiny_model({.tied = true});
  const auto wanted = logits(lm);
  double size = 0;
  for (const float x : wanted) size += static_cast<double>(x) * static_cast<double>(x);
  const auto distance = [&](weight_format format) {
    save(lm, path, {.format = format});
    const auto found = logits(load(path));
    double squares = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      squares += std::pow(static_cast<double>(found[i] - wanted[i]), 2);
    }
    return std::sqrt(squares / size);
  };
  CHECK(distance(weight_format::f16) < 2e-3);
  CHECK(distance(weight_format::bf16) < 2e-2);
  CHECK(distance(weight_format::q8_0) < 3e-2);
  CHECK(distance(weight_format::q4_0) < 0.5);
  CHECK(distance(weight_format::q4_0) > distance(weight_format::q8_0));
}

TEST_CASE("a file has the keys and tensors that llama.cpp looks for, and no others") {
  const scratch s;
  const std::string path = s.path("a.gguf");
  for (const auto kind : {feed_forward::swiglu, feed_forward::relu_squared}) {
    const bool has_gate = kind == feed_forward::swiglu;
    const std::string name = has_gate ? "llama" : "arcee";
    save(tiny_model({.n_layers = 1, .tied = true, .feed_forward = kind}), path,
         {.format = weight_format::q8_0,
          .metadata = {{"general.name", "Tiny"}, {"general.license", "MIT"}}});
    const auto file = *mt::gguf::file::read(path);
    std::set<std::string> wanted{"general.architecture",
                                 "general.alignment",
                                 "general.file_type",
                                 "general.quantization_version",
                                 "general.name",
                                 "general.license",
                                 name + ".vocab_size",
                                 name + ".context_length",
                                 name + ".embedding_length",
                                 name + ".block_count",
                                 name + ".feed_forward_length",
                                 name + ".attention.head_count",
                                 name + ".attention.head_count_kv",
                                 name + ".attention.key_length",
                                 name + ".attention.value_length",
                                 name + ".attention.layer_norm_rms_epsilon",
                                 name + ".rope.dimension_count",
                                 name + ".rope.freq_base",
                                 "tokenizer.ggml.model",
                                 "tokenizer.ggml.tokens",
                                 "tokenizer.ggml.scores",
                                 "tokenizer.ggml.token_type",
                                 "tokenizer.ggml.bos_token_id",
                                 "tokenizer.ggml.eos_token_id",
                                 "tokenizer.ggml.unknown_token_id",
                                 "tokenizer.ggml.add_bos_token",
                                 "tokenizer.ggml.add_eos_token",
                                 "tokenizer.ggml.add_space_prefix",
                                 "token_embd.weight",
                                 "output_norm.weight",
                                 "blk.0.attn_norm.weight",
                                 "blk.0.attn_q.weight",
                                 "blk.0.attn_k.weight",
                                 "blk.0.attn_v.weight",
                                 "blk.0.attn_output.weight",
                                 "blk.0.ffn_norm.weight",
                                 "blk.0.ffn_up.weight",
                                 "blk.0.ffn_down.weight"};
    if (has_gate) wanted.insert("blk.0.ffn_gate.weight");
    CHECK(names_of(file) == wanted);
    CHECK(*file.string_at("general.architecture") == name);
    CHECK(*file.string_at("general.name") == "Tiny");
    CHECK(*file.unsigned_at("general.file_type") == 7);
    CHECK(*file.unsigned_at("general.quantization_version") == 2);
    CHECK(*file.unsigned_at(name + ".vocab_size") == tiny_vocab_size);
    CHECK(file.find_tensor("blk.0.attn_k.weight")->dims ==
          std::array<std::uint64_t, 4>{32, 16, 1, 1});
  }
  const std::uint64_t file_types[] = {0, 1, 32, 7, 2};
  for (std::size_t i = 0; i < std::size(all_formats); ++i) {
    save(tiny_model({.n_layers = 1}), path, {.format = all_formats[i]});
    const auto file = *mt::gguf::file::read(path);
    CHECK(*file.unsigned_at("general.file_type") == file_types[i]);
    CHECK((file.find("general.quantization_version") != nullptr) ==
          (mt::simd::block_elements(all_formats[i]) > 1));
    CHECK(file.find_tensor("output.weight") != nullptr);
  }
}

TEST_CASE("the same model gives the same bytes") {
  const scratch s;
  const auto lm = byte_level(tiny_model());
  save(lm, s.path("a.gguf"), {.format = weight_format::q4_0});
  save(lm, s.path("b.gguf"), {.format = weight_format::q4_0});
  CHECK(content(s.path("a.gguf")) == content(s.path("b.gguf")));
  CHECK(s.n_entries() == 2);
}

TEST_CASE("a weight that the format cannot say is an error that names it, and the old file stays") {
  const scratch s;
  const std::string path = s.path("a.gguf");
  save(tiny_model(), path);
  const std::string before = content(path);
  const auto outcome = [&](float x, weight_format format) {
    const changed_model m(x);
    return mt::save_model(m.lm, path, {.format = format});
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const weight_format format : all_formats) {
    for (const float x : {nan, infinity, -infinity}) {
      const auto refused = outcome(x, format);
      REQUIRE(!refused.has_value());
      CHECK(refused.error().code == mt::errc::non_finite);
      CHECK(refused.error().place == "tensor blk.1.ffn_up.weight, row 95");
    }
  }
  CHECK(!outcome(65600.0f, weight_format::f16).has_value());
  CHECK(!outcome(-1e7f, weight_format::q8_0).has_value());
  CHECK(!outcome(-1e6f, weight_format::q4_0).has_value());
  CHECK(content(path) == before);
  CHECK(s.n_entries() == 1);
  for (const auto& [x, format] :
       {std::pair{65504.0f, weight_format::f16}, std::pair{8e6f, weight_format::q8_0},
        std::pair{5e5f, weight_format::q4_0}, std::pair{3e38f, weight_format::bf16}}) {
    REQUIRE(outcome(x, format).has_value());
    const auto again = load(path);
    std::vector<float> row(32);
    mt::simd::unpack_row<mt::simd::scalar>(again.weights->layers[1].up, 95, row);
    CHECK(std::isfinite(row.back()));
  }
}

TEST_CASE("keys that the file has anyway cannot be given again") {
  const scratch s;
  for (const char* key : {"general.architecture", "llama.block_count", "tokenizer.ggml.tokens",
                          "general.alignment"}) {
    const auto refused = mt::save_model(tiny_model(), s.path("a"), {.metadata = {{key, "x"}}});
    REQUIRE(!refused.has_value());
    CHECK(refused.error().code == mt::errc::invalid_argument);
    CHECK(refused.error().place.find(key) != std::string::npos);
  }
  CHECK(s.n_entries() == 0);
}

TEST_CASE("a path that cannot be written to is an error with the system's words") {
  const scratch s;
  const auto refused = mt::save_model(tiny_model(), s.path("no/such/folder.gguf"));
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::io_failure);
  CHECK(refused.error().found == "No such file or directory");
}

#if defined(__unix__)
TEST_CASE("a full disk is an error, and the old model is whole") {
  const scratch s;
  const std::string path = s.path("a.gguf");
  save(tiny_model({.seed = 1}), path);
  const std::string before = content(path);
  const auto other = tiny_model({.seed = 2});
  rlimit unlimited{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &unlimited) == 0);
  // A limit on file sizes fails writes in the middle, as a full disk does.
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = unlimited;
  small.rlim_cur = before.size() / 2;
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto refused = mt::save_model(other, path);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &unlimited) == 0);
  std::signal(SIGXFSZ, old_handler);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::io_failure);
  CHECK(content(path) == before);
  CHECK(s.n_entries() == 1);
}
#endif
