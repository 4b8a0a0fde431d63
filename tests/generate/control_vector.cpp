// SPDX-License-Identifier: MIT

#include "../support/golden.hpp"
#include "../support/mutate.hpp"
#include "../support/random_persona.hpp"

#include <multitudes/generate/control_vector.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <iomanip>  // its quoted is not ours
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace mt = multitudes;
using namespace multitudes_test;

namespace {

/// The bytes of a control vector file with one tensor of ones.
std::vector<std::byte> one_tensor(const std::string& tensor, std::uint64_t width,
                                  mt::gguf::tensor_type type = mt::gguf::tensor_type::f32,
                                  const char* architecture = "controlvector", float value = 1.0f) {
  const std::vector<float> ones(width, value);
  mt::gguf::writer out;
  out.add("general.architecture", architecture);
  const std::size_t bytes = width * mt::gguf::block_of(type)->bytes;
  out.add_tensor(tensor, {width}, type, std::as_bytes(std::span(ones)).first(bytes));
  return *out.bytes();
}

mt::expected<mt::persona> read(const std::vector<std::byte>& bytes,
                               mt::control_vector_options how = {}) {
  const auto file = mt::gguf::file::parse(bytes);
  REQUIRE_MESSAGE(file.has_value(), file.error().message());
  return mt::read_control_vector(*file, golden_space, "v", how);
}

/// A file with one direction and more metadata.
mt::expected<mt::persona> read_with(const char* key, const std::string& text) {
  const std::vector<float> ones(8, 1.0f);
  mt::gguf::writer out;
  out.add("general.architecture", "controlvector");
  out.add(key, text);
  out.add_tensor("direction.2", {8}, mt::gguf::tensor_type::f32, std::as_bytes(std::span(ones)));
  return read(*out.bytes());
}

/// The golden rows at `layers`, nothing elsewhere. `shift`: the row of layer l says l + shift.
void check_rows(const mt::expected<mt::persona>& p, const std::vector<std::size_t>& layers,
                std::size_t shift = 0) {
  REQUIRE_MESSAGE(p.has_value(), p.error().message());
  for (std::size_t l = 0; l < 4; ++l) {
    const bool steered = std::find(layers.begin(), layers.end(), l) != layers.end();
    for (std::size_t i = 0; i < 8; ++i) {
      const float expected = steered ? golden_value(l - shift, i) : 0.0f;
      CHECK(p->direction().row(mt::layer_index(l))[i] == expected);
    }
  }
}

mt::expected<mt::persona> read_golden(const std::string& name, int shift = 0) {
  return mt::read_control_vector(golden(name), golden_space, "v", {.layer_shift = shift});
}

}  // namespace

TEST_CASE("direction.L is what is added after block L, 0-based") {
  const auto p = read(one_tensor("direction.2", 8));
  REQUIRE_MESSAGE(p.has_value(), p.error().message());
  for (std::size_t l = 0; l < 4; ++l) {
    CHECK(p->direction().row(mt::layer_index(l))[0] == (l == 2 ? 1.0f : 0.0f));
  }
}

TEST_CASE("a control vector that was written reads back with the same bits") {
  const auto p = random_persona(golden_space, 1);
  const auto steerable = *mt::materialize(p | mt::only_layers(1, 3));
  const std::string path = "control_vector_for_test.gguf";
  REQUIRE(mt::write_control_vector(steerable, path).has_value());
  const auto file = *mt::gguf::file::read(path);
  CHECK(*file.string_at("general.architecture") == "controlvector");
  CHECK(*file.string_at("controlvector.model_hint") == "llama");
  CHECK(*file.unsigned_at("controlvector.layer_count") == 3);
  CHECK(file.find_tensor("direction.0") == nullptr);
  const auto back = *mt::read_control_vector(path, golden_space, "back");
  CHECK(std::equal(back.values().begin(), back.values().end(), steerable.values().begin()));
  std::remove(path.c_str());
  const auto refused = mt::write_control_vector(p, path);  // it steers block 0
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::unsupported);
}

TEST_CASE("a file of repeng is read where it is applied") {
  check_rows(read_golden("repeng.gguf"), {1, 2, 3});
}

TEST_CASE("a file of llama.cpp's generator is read where it is applied or where it was measured") {
  // Named one block after the one that was measured, which is what the rows say.
  check_rows(read_golden("llama_cpp.gguf"), {1, 2, 3}, 1);
  check_rows(read_golden("llama_cpp.gguf", -1), {0, 1, 2});
}

TEST_CASE("a file of jukofyork's tool has gaps and the same shift") {
  check_rows(read_golden("jukofyork.gguf"), {1, 3}, 1);
  check_rows(read_golden("jukofyork.gguf", -1), {0, 2});
}

TEST_CASE("a file of EasySteer may steer block 0, and says what it steers") {
  check_rows(read_golden("easysteer.gguf"), {0, 1, 2, 3});
  check_rows(read_golden("easysteer_flat.gguf"), {0, 1, 2, 3});
  const auto heads = read_golden("easysteer_heads.gguf");
  REQUIRE_FALSE(heads);
  CHECK(heads.error().code == mt::errc::space_mismatch);
  CHECK(heads.error().found == "component \"attention_heads\"");
}

TEST_CASE("a shift out of the model is refused") {
  for (const int shift :
       {-2, -4, 1, 100, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()}) {
    const auto p = read_golden("llama_cpp.gguf", shift);
    REQUIRE_FALSE(p);
    CHECK(p.error().code == mt::errc::shape_mismatch);
  }
}

TEST_CASE("halves and doubles are read as exactly as floats") {
  for (const auto& [type, step] :
       {std::pair{mt::gguf::tensor_type::f16, 2u}, std::pair{mt::gguf::tensor_type::bf16, 2u},
        std::pair{mt::gguf::tensor_type::f64, 8u}}) {
    std::vector<std::byte> data(8 * step);
    const std::uint16_t half = type == mt::gguf::tensor_type::f16 ? 0xC100 : 0xC020;  // -2.5
    const double wide = -2.5;
    for (std::size_t i = 0; i < 8; ++i) {
      std::memcpy(data.data() + i * step, step == 8 ? static_cast<const void*>(&wide) : &half,
                  step);
    }
    mt::gguf::writer out;
    out.add("general.architecture", "controlvector");
    out.add_tensor("direction.1", {8}, type, data);
    const auto p = read(*out.bytes());
    REQUIRE_MESSAGE(p.has_value(), p.error().message());
    for (const float x : p->direction().row(mt::layer_index(1))) CHECK(x == -2.5f);
  }
}

TEST_CASE("files for another model or of another kind are refused with the reason") {
  const auto code = [](const mt::expected<mt::persona>& p) { return p.error().code; };
  CHECK(code(read(one_tensor("direction.2", 9))) == mt::errc::shape_mismatch);
  CHECK(code(read(one_tensor("direction.4", 8))) == mt::errc::shape_mismatch);
  for (const char* name :
       {"direction.0", "direction.x", "direction.", "direction", "other", "direction.02",
        "direction.2.1", "direction.-2", "direction.2 ", "direction.99999999999"}) {
    INFO(name);
    const auto p = read(one_tensor(name, 8));
    REQUIRE_FALSE(p);
    CHECK(code(p) == mt::errc::unsupported);
  }
  CHECK(code(read(one_tensor("direction.2", 8, mt::gguf::tensor_type::i32))) ==
        mt::errc::unsupported);
  CHECK(code(read(one_tensor("direction.2", 8, mt::gguf::tensor_type::f32, "llama"))) ==
        mt::errc::unsupported);
  for (const float bad : {std::numeric_limits<float>::infinity(), -NAN}) {
    const auto p =
        read(one_tensor("direction.2", 8, mt::gguf::tensor_type::f32, "controlvector", bad));
    REQUIRE_FALSE(p);
    CHECK(code(p) == mt::errc::non_finite);
    CHECK(p.error().place == "tensor \"direction.2\", element 0");
  }
}

TEST_CASE("a layer that a file has twice is refused") {
  std::vector<std::byte> bytes = bytes_of_file(golden("repeng.gguf"));
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  bytes[text.find("direction.3") + 10] = std::byte{'2'};
  const auto file = mt::gguf::file::parse(bytes, "twice");
  REQUIRE_FALSE(file);
  CHECK(file.error().code == mt::errc::malformed);
  CHECK(file.error().found == "\"direction.2\" again");
  bytes = bytes_of_file(golden("repeng.gguf"));
  bytes.resize(bytes.size() - 32);
  CHECK(mt::gguf::file::parse(bytes).error().code == mt::errc::truncated);
}

TEST_CASE("operations, hook points and extensions that are not ours are refused, not ignored") {
  CHECK(read_with("glp.mode", "add").has_value());
  const auto projective = read_with("glp.mode", "project");
  REQUIRE_FALSE(projective);
  CHECK(projective.error().code == mt::errc::unsupported);
  CHECK(projective.error().place == "key glp.mode");
  CHECK(projective.error().remedy.find("read_projection") != std::string::npos);
  CHECK(read_with("glp.mode", "clamp").error().code == mt::errc::unsupported);
  CHECK(read_with("glp.hook_point", "residual_stream_post_layer").has_value());
  const auto elsewhere = read_with("glp.hook_point", "ffn_out_pre_residual");
  REQUIRE_FALSE(elsewhere);
  CHECK(elsewhere.error().code == mt::errc::space_mismatch);
  CHECK(elsewhere.error().place == "key glp.hook_point");
  const char* native = "controlvector.easysteer";
  CHECK(read_with(native, R"({"version":1,"component":null,"metadata":[[{}]]})").has_value());
  CHECK(read_with(native, "{}").has_value());
  CHECK(read_with(native, R"({"component":"router_logits"})").error().code ==
        mt::errc::space_mismatch);
  for (const char* bad : {"", "[", "{", R"({"component":})", R"({"component":"x)"}) {
    INFO(bad);
    CHECK_FALSE(read_with(native, bad));
  }
}

TEST_CASE("a file without tensors is refused") {
  mt::gguf::writer out;
  out.add("general.architecture", "controlvector");
  CHECK(read(*out.bytes()).error().code == mt::errc::not_found);
}

TEST_CASE("a persona of nobody is not written") {
  const auto nobody = mt::materialize(mt::zero_persona, golden_space);
  REQUIRE(nobody.has_value());
  const auto refused = mt::write_control_vector(*nobody, "nobody_for_test.gguf");
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::zero_direction);
}

TEST_CASE("damaged control vectors are refused or read, and nothing else") {
  std::vector<std::vector<std::byte>> originals;
  for (const char* name : {"repeng.gguf", "llama_cpp.gguf", "easysteer.gguf", "glp_rank1.gguf"}) {
    originals.push_back(bytes_of_file(golden(name)));
  }
  mt::philox random(3);
  int read_well = 0;
  int tensors_well = 0;
  const int n = mutant_count();
  for (int i = 0; i < n; ++i) {
    const auto file = mt::gguf::file::parse(mutate(originals[random.below(4)], random));
    if (!file) continue;
    ++tensors_well;
    const auto p = mt::read_control_vector(*file, golden_space, "v");
    read_well += p.has_value();
    if (!p) CHECK_FALSE(p.error().message().empty());
  }
  CHECK(read_well > n / 20);
  CHECK(tensors_well > read_well);
}
