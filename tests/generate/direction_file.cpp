// SPDX-License-Identifier: MIT

#include "../support/golden.hpp"
#include "../support/mutate.hpp"
#include "../support/random_persona.hpp"

#include <multitudes/generate/direction_file.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <iomanip>  // its quoted is not ours
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace mt = multitudes;
using namespace multitudes_test;

namespace {

void check_rows(const mt::expected<mt::persona>& p, const std::vector<std::size_t>& layers) {
  REQUIRE_MESSAGE(p.has_value(), p.error().message());
  CHECK(p->label() == "v");
  for (std::size_t l = 0; l < 4; ++l) {
    const bool steered = std::find(layers.begin(), layers.end(), l) != layers.end();
    for (std::size_t i = 0; i < 8; ++i) {
      CHECK(p->direction().row(mt::layer_index(l))[i] == (steered ? golden_value(l, i) : 0.0f));
    }
  }
}

void refused(const mt::expected<mt::persona>& p, mt::errc code, std::string_view part) {
  REQUIRE_FALSE(p);
  const std::string message = p.error().message();
  INFO(message);
  CHECK(p.error().code == code);
  CHECK(message.find(part) != std::string::npos);
}

struct tensor_of_test {
  std::string name = "direction.2";
  mt::safetensors::dtype type = mt::safetensors::dtype::f32;
  std::vector<std::uint64_t> shape{8};
};

mt::expected<mt::persona> read(const std::vector<tensor_of_test>& tensors, float value = 1.0f,
                               const char* key = "", const char* text = "") {
  std::vector<float> ones(64, value);
  mt::safetensors::writer out;
  if (*key != '\0') out.add(key, text);
  for (const auto& [name, type, shape] : tensors) {
    std::size_t size = bytes_of(type);
    for (const std::uint64_t n : shape) size *= n;
    out.add_tensor(name, type, shape, std::as_bytes(std::span(ones)).first(size));
  }
  return mt::read_safetensors(*mt::safetensors::file::parse(*out.bytes()), golden_space, "v");
}

mt::expected<mt::persona> read_array(const std::string& name,
                                     std::optional<mt::layer_index> layer = {}) {
  return mt::read_npy(golden(name), golden_space, "v", layer);
}

}  // namespace

TEST_CASE("safetensors of other tools are read, by their names and in their precision") {
  check_rows(mt::read_safetensors(golden("directions.safetensors"), golden_space, "v"), {1, 2, 3});
  const auto path = golden("mixed.safetensors");
  check_rows(mt::read_safetensors(path, golden_space, "v", {.prefix = "layers."}), {0, 1, 2});
  refused(mt::read_safetensors(path, golden_space, "v"), mt::errc::unsupported, "\"layers.0\"");
  const auto shifted =
      mt::read_safetensors(path, golden_space, "v", {.prefix = "layers.", .layer_shift = 1});
  REQUIRE(shifted);
  CHECK(shifted->direction().row(mt::layer_index(3))[1] == golden_value(2, 1));
}

TEST_CASE("a direction that was written as safetensors reads back with the same bits") {
  const auto p = random_persona(golden_space, 1, "a \"label\"");
  const std::string path = "direction_for_test.safetensors";
  REQUIRE(mt::write_safetensors(p, path));
  const auto back = mt::read_safetensors(path, golden_space, "v");
  REQUIRE_MESSAGE(back.has_value(), back.error().message());
  CHECK(std::memcmp(back->values().data(), p.values().data(), p.values().size_bytes()) == 0);
  const auto file = *mt::safetensors::file::read(path);
  CHECK(*file.find("multitudes.label") == "a \"label\"");
  CHECK(*file.find("multitudes.model") == "0000000000000007");
  auto other = golden_space;
  other.model = {8};
  refused(mt::read_safetensors(path, other, "v"), mt::errc::space_mismatch, "multitudes.model");
  other = golden_space;
  other.n_layers = 5;
  refused(mt::read_safetensors(path, other, "v"), mt::errc::shape_mismatch, "multitudes.n_layers");
  other = golden_space;
  other.model_dim = 4;
  refused(mt::read_safetensors(path, other, "v"), mt::errc::shape_mismatch, "multitudes.model_dim");
  std::remove(path.c_str());
  CHECK(mt::write_safetensors(random_persona(golden_space, 1, "\xFF"), path).error().code ==
        mt::errc::invalid_argument);
  CHECK(
      mt::write_safetensors(*mt::materialize(mt::zero_persona, golden_space), path).error().code ==
      mt::errc::zero_direction);
}

TEST_CASE("safetensors that are no direction of this model are refused with the reason") {
  using mt::safetensors::dtype;
  CHECK(read({{}}).has_value());
  CHECK(read({{.shape = {1, 8}}, {.name = "direction.0"}}).has_value());
  refused(read({}), mt::errc::not_found, "no tensors");
  refused(read({{.name = "direction.02"}}), mt::errc::unsupported, "direction.02");
  refused(read({{.name = "weight"}}), mt::errc::unsupported, "weight");
  refused(read({{.type = dtype::i32}}), mt::errc::unsupported, "I32");
  refused(read({{.shape = {9}}}), mt::errc::shape_mismatch, "9 elements");
  refused(read({{.shape = {2, 4}}}), mt::errc::shape_mismatch, "2 dimensions");
  refused(read({{.shape = {}}}), mt::errc::shape_mismatch, "0 dimensions");
  refused(read({{.name = "direction.4"}}), mt::errc::shape_mismatch, "block 4");
  refused(read({{}}, NAN), mt::errc::non_finite, "\"direction.2\", element 0");
  refused(read({{}}, 1.0f, "multitudes.operation", "project"), mt::errc::unsupported, "project");
  refused(read({{}}, 1.0f, "multitudes.hook_point", "attention"), mt::errc::space_mismatch,
          "attention");
}

TEST_CASE("a double that no float can hold is refused") {
  const std::vector<double> wide(8, 1e300);
  mt::safetensors::writer out;
  out.add_tensor("direction.1", mt::safetensors::dtype::f64, {8}, std::as_bytes(std::span(wide)));
  refused(mt::read_safetensors(*mt::safetensors::file::parse(*out.bytes()), golden_space, "v"),
          mt::errc::non_finite, "infinity");
}

TEST_CASE("arrays of NumPy are read in both orders and in every precision") {
  check_rows(read_array("rows.npy"), {0, 1, 2, 3});
  check_rows(read_array("rows_fortran.npy"), {0, 1, 2, 3});
  check_rows(read_array("rows_half.npy"), {0, 1, 2, 3});
  check_rows(read_array("row.npy", mt::layer_index(2)), {2});
}

TEST_CASE("arrays that do not fit the model are refused with the reason") {
  refused(read_array("rows_big_endian.npy"), mt::errc::unsupported, ">f4");
  refused(read_array("rows.npy", mt::layer_index(2)), mt::errc::invalid_argument, "(4,8,)");
  refused(read_array("row.npy"), mt::errc::invalid_argument, "(8,)");
  refused(read_array("row.npy", mt::layer_index(4)), mt::errc::shape_mismatch, "block 4");
  auto other = golden_space;
  other.n_layers = 3;
  refused(mt::read_npy(golden("rows.npy"), other, "v"), mt::errc::shape_mismatch, "(4,8,)");
  other = golden_space;
  other.model_dim = 9;
  refused(mt::read_npy(golden("rows.npy"), other, "v"), mt::errc::shape_mismatch, "8 elements");
  const std::string path = "npy_for_test.npy";
  std::vector<float> values(32, 1.0f);
  values[13] = std::numeric_limits<float>::infinity();
  REQUIRE(mt::npy::save(path, {4, 8}, values));
  refused(mt::read_npy(path, golden_space, "v"), mt::errc::non_finite, "row 1, element 5");
  REQUIRE(mt::npy::save(path, {1, 4, 8}, values));
  refused(mt::read_npy(path, golden_space, "v"), mt::errc::shape_mismatch, "(1,4,8,)");
  REQUIRE(mt::npy::save(path, {}, std::span(values).first(1)));
  refused(mt::read_npy(path, golden_space, "v"), mt::errc::shape_mismatch, "()");
  std::remove(path.c_str());
}

TEST_CASE("damaged directions are refused or read, and nothing else") {
  const auto tensors = bytes_of_file(golden("directions.safetensors"));
  const auto array = bytes_of_file(golden("rows_fortran.npy"));
  mt::philox random(9);
  int read_well = 0;
  const int n = mutant_count() / 2;
  for (int i = 0; i < n; ++i) {
    if (const auto f = mt::safetensors::file::parse(mutate(tensors, random))) {
      read_well += mt::read_safetensors(*f, golden_space, "v").has_value();
    }
    if (const auto a = mt::npy::array::parse(mutate(array, random))) {
      read_well += mt::read_npy(*a, golden_space, "v").has_value();
    }
  }
  CHECK(read_well > n / 20);
}
