// SPDX-License-Identifier: MIT
#include "../support/tiny_model.hpp"

#include <multitudes/core/executor.hpp>
#include <multitudes/generate/batch.hpp>
#include <multitudes/model/parameters.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace mt = multitudes;
using namespace multitudes_test;
using mt::model::parameters;

namespace {

/// Which error it is; nothing for a value.
template <class T>
std::string code_of(const multitudes::expected<T>& outcome) {
  return outcome ? std::string() : std::string(name(outcome.error().code));
}

mt::model::hyper_parameters small_shape(mt::model::feed_forward kind) {
  mt::model::hyper_parameters p;
  p.n_layers = 2;
  p.model_dim = 12;
  p.n_heads = 4;
  p.n_kv_heads = 2;
  p.head_dim = 6;
  p.ffn_dim = 20;
  p.vocab_size = 33;
  p.context_length = 64;
  p.rotary_dim = 6;
  p.feed_forward = kind;
  return p;
}

std::vector<float> logits_of(const mt::model::weights& w, const std::vector<mt::token_id>& text) {
  const mt::language_model lm{std::make_shared<const mt::model::weights>(w), nullptr};
  auto b = *mt::batch::make(lm, {.n_sequences = 1, .context = 64});
  const mt::feed feeds[] = {{*b.open(), text, text.size()}};
  std::vector<float> all;
  mt::inline_executor one;
  REQUIRE(b.evaluate(one, feeds, [&](mt::feed_place, std::span<float> logits) {
             all.insert(all.end(), logits.begin(), logits.end());
           }).has_value());
  return all;
}

const mt::model::feed_forward kinds[] = {mt::model::feed_forward::swiglu,
                                         mt::model::feed_forward::relu_squared};

}  // namespace

TEST_CASE_TEMPLATE("tensors lie end to end, in shape, at zero, and views meet them", T, float,
                   double) {
  for (const auto kind : kinds) {
    for (const bool tied : {true, false}) {
      const auto shape = small_shape(kind);
      auto p = *parameters<T>::make(shape, tied);
      CHECK(p.shape() == shape);
      CHECK(p.tied_head() == tied);
      std::size_t next = 0;
      for (const auto& tensor : p.tensors()) {
        CHECK(tensor.first == next);
        CHECK(tensor.is_matrix == (tensor.name.find("norm") == std::string::npos));
        next += tensor.size();
      }
      CHECK(next == p.values().size());
      CHECK(std::ranges::all_of(p.values(), [](T x) { return x == 0; }));
      const std::size_t in_block =
          12 * (24 + 12 + 12 + 24) + (shape.has_gate() ? 3u : 2u) * 12 * 20 + 2 * 12;
      CHECK(next == 33 * 12 * (tied ? 1u : 2u) + 2 * in_block + 12);

      const auto where = [&](const std::string& name) -> const mt::model::tensor_place& {
        const auto at = std::ranges::find(p.tensors(), name, &mt::model::tensor_place::name);
        REQUIRE(at != p.tensors().end());
        return *at;
      };
      const auto is_at = [&](mt::matrix_view<T> view, const std::string& name, std::size_t rows,
                             std::size_t cols) {
        CAPTURE(name);
        const auto& place = where(name);
        CHECK(view.data() == p.values().data() + place.first);
        CHECK(view.rows() == rows);
        CHECK(view.cols() == cols);
        CHECK(place.rows == rows);
        CHECK(place.cols == cols);
      };
      is_at(p.embedding(), "token_embd.weight", 33, 12);
      is_at(p.head(), tied ? "token_embd.weight" : "output.weight", 33, 12);
      for (std::size_t l = 0; l < 2; ++l) {
        const std::string block = "blk." + std::to_string(l) + ".";
        const auto& views = p.layer(l);
        is_at(views.query, block + "attn_q.weight", 24, 12);
        is_at(views.key, block + "attn_k.weight", 12, 12);
        is_at(views.value, block + "attn_v.weight", 12, 12);
        is_at(views.attention_out, block + "attn_output.weight", 12, 24);
        is_at(views.up, block + "ffn_up.weight", 20, 12);
        is_at(views.down, block + "ffn_down.weight", 12, 20);
        if (shape.has_gate()) is_at(views.gate, block + "ffn_gate.weight", 20, 12);
        CHECK(views.gate.rows() == (shape.has_gate() ? 20 : 0));
        CHECK(views.attention_norm.data() ==
              p.values().data() + where(block + "attn_norm.weight").first);
        CHECK(views.ffn_norm.data() == p.values().data() + where(block + "ffn_norm.weight").first);
        CHECK(views.ffn_norm.size() == 12);
      }
      CHECK(p.final_norm().data() == p.values().data() + where("output_norm.weight").first);
    }
  }
}

TEST_CASE("a model from a file, unpacked and given back, speaks to the bit as before") {
  for (const auto kind : kinds) {
    for (const bool tied : {true, false}) {
      CAPTURE(tied);
      const auto lm = tiny_model({.tied = tied, .feed_forward = kind});
      auto p = mt::model::unpack(*lm.weights);
      REQUIRE(p.has_value());
      CHECK(p->tied_head() == tied);
      const auto w = p->as_weights();
      CHECK((w.head.data == w.embedding.data) == tied);
      CHECK(w.shape == lm.weights->shape);
      const auto text = some_tokens(20);
      CHECK(logits_of(w, text) == logits_of(*lm.weights, text));
      const auto again = mt::model::unpack(w);
      REQUIRE(again.has_value());
      CHECK(again->tied_head() == tied);
      CHECK(std::ranges::equal(again->values(), p->values()));
    }
  }
}

TEST_CASE("quantised weights unpack to the numbers that they stand for") {
  const auto lm = tiny_model({.format = mt::simd::weight_format::q8_0});
  const auto p = *mt::model::unpack(*lm.weights);
  std::vector<float> row(lm.shape().model_dim);
  mt::simd::unpack_row<mt::simd::scalar>(lm.weights->layers[2].key, 3, row);
  CHECK(std::ranges::equal(p.layer(2).key.row(3), row));
}

TEST_CASE("weights show what is trained later, keep their memory, and have the id of their time") {
  const auto text = some_tokens(9);
  mt::model::weights before, after;
  std::vector<float> changed;
  {
    auto p = *mt::model::unpack(*tiny_model().weights);
    before = p.as_weights();
    const auto logits = logits_of(before, text);
    p.final_norm()[3] += 0.5f;
    after = p.as_weights();
    changed = logits_of(after, text);
    CHECK(changed != logits);
  }
  CHECK(logits_of(before, text) == changed);
  CHECK(before.id != after.id);
}

TEST_CASE("rotary divisors go along with weights, clones and back") {
  auto p = *mt::model::unpack(*tiny_model().weights);
  const auto text = some_tokens(30);
  const auto plain = logits_of(p.as_weights(), text);
  p.rotary_divisors = {1.0f, 2.0f, 4.0f, 8.0f};
  const auto w = p.as_weights();
  p.rotary_divisors.clear();
  CHECK(logits_of(w, text) != plain);
  const auto again = *mt::model::unpack(w);
  CHECK(again.rotary_divisors == std::vector<float>{1.0f, 2.0f, 4.0f, 8.0f});
  CHECK(again.clone()->rotary_divisors == again.rotary_divisors);
}

TEST_CASE("a clone has the same numbers in memory of its own; a moved one keeps its views") {
  auto p = *parameters<float>::make(small_shape(kinds[0]), true);
  for (std::size_t i = 0; i < p.values().size(); ++i) p.values()[i] = static_cast<float>(i);
  auto copy = *p.clone();
  CHECK(copy.shape() == p.shape());
  CHECK(copy.tied_head());
  CHECK(std::ranges::equal(copy.values(), p.values()));
  copy.values()[5] = -1;
  CHECK(p.values()[5] == 5);
  copy.layer(1).down.row(2)[3] = -7;
  CHECK(std::ranges::find(p.values(), -7.0f) == p.values().end());
  const auto* memory = p.values().data();
  const auto moved = std::move(p);
  CHECK(moved.values().data() == memory);
  CHECK(moved.embedding().data() == memory);
  CHECK(moved.head().row(32)[11] == 33 * 12 - 1);
}

TEST_CASE("shapes that are none, and sizes that nobody has, are errors") {
  auto shape = small_shape(kinds[0]);
  shape.n_kv_heads = 3;
  CHECK(code_of(parameters<float>::make(shape, true)) == "invalid_argument");
  shape = small_shape(kinds[0]);
  shape.vocab_size = 0;
  CHECK(code_of(parameters<float>::make(shape, true)) == "invalid_argument");
  constexpr std::uint32_t most = (1u << 24) - 1;
  shape = small_shape(kinds[0]);
  shape.model_dim = shape.vocab_size = shape.n_layers = shape.ffn_dim = most;
  const auto huge = parameters<double>::make(shape, false);
  REQUIRE(!huge.has_value());
  CHECK(huge.error().code == mt::errc::out_of_memory);
  shape.n_heads = shape.n_kv_heads = most;
  shape.head_dim = 1;
  shape.rotary_dim = 0;
  CHECK(code_of(parameters<double>::make(shape, false)) == "out_of_memory");
}
