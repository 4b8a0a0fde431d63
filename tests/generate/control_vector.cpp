// SPDX-License-Identifier: MIT

#include "../support/random_persona.hpp"
#include "../support/tiny_model.hpp"

#include <multitudes/generate/control_vector.hpp>

#include <doctest/doctest.h>

#include <cstdio>
#include <string>

namespace mt = multitudes;
using namespace multitudes_test;

namespace {

constexpr mt::activation_space space{{7}, mt::hook_point::residual_stream, 4, 8};

/// A control vector file with one tensor of ones.
mt::expected<mt::persona> read_one(const std::string& tensor, std::uint64_t width,
                                   mt::gguf::tensor_type type = mt::gguf::tensor_type::f32,
                                   const char* architecture = "controlvector", float value = 1.0f) {
  const std::vector<float> ones(width, value);
  mt::gguf::writer out;
  out.add("general.architecture", architecture);
  const std::size_t bytes = width * (type == mt::gguf::tensor_type::f32 ? 4 : 2);
  out.add_tensor(tensor, {width}, type, std::as_bytes(std::span(ones)).first(bytes));
  const auto file = mt::gguf::file::parse(*out.bytes());
  REQUIRE(file.has_value());
  return mt::read_control_vector(*file, space, "v");
}

}  // namespace

TEST_CASE("direction.L is what is added after block L, 0-based") {
  const auto p = read_one("direction.2", 8);
  REQUIRE_MESSAGE(p.has_value(), p.error().message());
  for (std::size_t l = 0; l < 4; ++l) {
    CHECK(p->direction().row(mt::layer_index(l))[0] == (l == 2 ? 1.0f : 0.0f));
  }
}

TEST_CASE("a control vector that was written reads back with the same bits") {
  const auto p = random_persona(space, 1);
  const auto steerable = *mt::materialize(p | mt::only_layers(1, 3));
  const std::string path = "control_vector_for_test.gguf";
  REQUIRE(mt::write_control_vector(steerable, path).has_value());
  const auto file = *mt::gguf::file::read(path);
  CHECK(*file.string_at("general.architecture") == "controlvector");
  CHECK(*file.string_at("controlvector.model_hint") == "llama");
  CHECK(*file.unsigned_at("controlvector.layer_count") == 3);
  CHECK(file.find_tensor("direction.0") == nullptr);
  const auto back = *mt::read_control_vector(path, space, "back");
  CHECK(std::equal(back.values().begin(), back.values().end(), steerable.values().begin()));
  std::remove(path.c_str());
  const auto refused = mt::write_control_vector(p, path);  // it steers block 0
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::unsupported);
}

TEST_CASE("files for another model or of another kind are refused with the reason") {
  const auto code = [](const mt::expected<mt::persona>& p) { return p.error().code; };
  CHECK(code(read_one("direction.2", 9)) == mt::errc::shape_mismatch);
  CHECK(code(read_one("direction.4", 8)) == mt::errc::shape_mismatch);
  CHECK(code(read_one("direction.0", 8)) == mt::errc::unsupported);
  CHECK(code(read_one("direction.x", 8)) == mt::errc::unsupported);
  CHECK(code(read_one("direction.", 8)) == mt::errc::unsupported);
  CHECK(code(read_one("other", 8)) == mt::errc::unsupported);
  CHECK(code(read_one("direction.2", 8, mt::gguf::tensor_type::f16)) == mt::errc::unsupported);
  CHECK(code(read_one("direction.2", 8, mt::gguf::tensor_type::f32, "llama")) ==
        mt::errc::unsupported);
  CHECK(code(read_one("direction.2", 8, mt::gguf::tensor_type::f32, "controlvector",
                      std::numeric_limits<float>::infinity())) == mt::errc::non_finite);
}

TEST_CASE("a file without tensors is refused") {
  mt::gguf::writer out;
  out.add("general.architecture", "controlvector");
  const auto file = *mt::gguf::file::parse(*out.bytes());
  CHECK(mt::read_control_vector(file, space, "v").error().code == mt::errc::not_found);
}

TEST_CASE("a persona of nobody is not written") {
  const auto nobody = mt::materialize(mt::zero_persona, space);
  REQUIRE(nobody.has_value());
  const auto refused = mt::write_control_vector(*nobody, "nobody_for_test.gguf");
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::zero_direction);
}
