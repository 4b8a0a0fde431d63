// SPDX-License-Identifier: MIT

#include "../support/golden.hpp"
#include "../support/mutate.hpp"

#include <multitudes/generate/projective_vector.hpp>

#include <doctest/doctest.h>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace mt = multitudes;
using namespace multitudes_test;

namespace {

/// A projective file that is right but for what is asked for.
struct glp_file {
  std::string mode = "project";
  std::string hook = "residual_stream_post_layer";
  std::string layers = "1,3";
  std::uint32_t version = 2;
  std::uint32_t rank = 2;
  bool orthonormal = true;
  float alpha = 1.0f;
  const char* without = "";
  std::vector<std::string> names{"direction.1", "direction.1.1", "direction.3", "direction.3.1"};
  std::vector<std::vector<float>> rows{{1, 0, 0, 0, 0, 0, 0, 0},
                                       {0, 0.6f, 0.8f, 0, 0, 0, 0, 0},
                                       {0, 0, 0, 0, 0, 0, 1, 0},
                                       {0, 0, 0, 0, 0, 1, 0, 0}};

  [[nodiscard]] mt::expected<mt::projection> read() const {
    mt::gguf::writer out;
    const auto key = [&](const char* name, const auto& value) {
      if (std::string_view(name) != without) out.add(name, value);
    };
    key("general.architecture", "controlvector");
    key("glp.mode", mode);
    key("glp.hook_point", hook);
    key("glp.spec_version", version);
    key("glp.rank", rank);
    key("glp.orthonormal", orthonormal);
    key("glp.alpha_default", alpha);
    key("glp.layer_ids_zero_based", layers);
    for (std::size_t i = 0; i < names.size(); ++i) {
      out.add_tensor(names[i], {rows[i].size()}, mt::gguf::tensor_type::f32,
                     std::as_bytes(std::span(rows[i])));
    }
    return mt::read_projection(*mt::gguf::file::parse(*out.bytes()), golden_space);
  }
};

void refused(const glp_file& file, mt::errc code, std::string_view part) {
  const auto p = file.read();
  REQUIRE_FALSE(p);
  const std::string message = p.error().message();
  INFO(message);
  CHECK(p.error().code == code);
  CHECK(message.find(part) != std::string::npos);
}

/// Whether llama.cpp's loader would take a file: every tensor is called `direction.` and what
/// begins with a number that is not 0, and is a row of F32.
bool llama_cpp_takes(const mt::gguf::file& file) {
  for (const auto& tensor : file.tensors()) {
    const std::string_view name = tensor.name;
    const std::size_t dot = name.find('.');
    if (dot == name.npos || name.substr(0, dot) != "direction") return false;
    int layer = 0;
    const std::string_view rest = name.substr(dot + 1);
    if (std::from_chars(rest.data(), rest.data() + rest.size(), layer).ec != std::errc{}) {
      return false;
    }
    if (layer <= 0 || tensor.type != mt::gguf::tensor_type::f32 || tensor.n_dims != 1) return false;
  }
  return true;
}

mt::subspace plane_of(std::size_t n_rows, const std::vector<std::size_t>& layers) {
  std::vector<float> values(4 * n_rows * 8, 0.0f);
  mt::philox random(5);
  for (const std::size_t l : layers) {
    for (std::size_t i = 0; i < n_rows * 8; ++i) values[l * n_rows * 8 + i] = random.normal();
  }
  return *mt::subspace::make(golden_space, n_rows, values);
}

}  // namespace

TEST_CASE("projective files of the published layout are read, of rank 1 and 2") {
  const auto one = mt::read_projection(golden("glp_rank1.gguf"), golden_space);
  REQUIRE_MESSAGE(one.has_value(), one.error().message());
  CHECK(one->alpha == 4.0f);
  CHECK(one->basis.max_rank() == 1);
  for (std::size_t l = 0; l < 4; ++l) {
    CHECK(one->basis.rank(mt::layer_index(l)) == (l >= 2 ? 1 : 0));
  }
  CHECK(one->basis.row(mt::layer_index(2), 0)[2] == 1.0f);
  const auto two = mt::read_projection(golden("glp_rank2.gguf"), golden_space);
  REQUIRE_MESSAGE(two.has_value(), two.error().message());
  CHECK(two->basis.rank(mt::layer_index(1)) == 2);
  CHECK(two->basis.rank(mt::layer_index(2)) == 0);
  CHECK(two->basis.row(mt::layer_index(3), 0)[4] == 1.0f);
  CHECK(two->basis.row(mt::layer_index(3), 1)[5] == 1.0f);
}

TEST_CASE("no additive reader of ours takes a projective file, and the other way round") {
  for (const char* name : {"glp_rank1.gguf", "glp_rank2.gguf"}) {
    const auto p = mt::read_control_vector(golden(name), golden_space, "v");
    REQUIRE_FALSE(p);
    CHECK(p.error().code == mt::errc::unsupported);
    CHECK(p.error().place == "key glp.mode");
  }
  const auto p = mt::read_projection(golden("repeng.gguf"), golden_space);
  REQUIRE_FALSE(p);
  CHECK(p.error().place == "key glp.mode");
  CHECK(p.error().remedy.find("read_control_vector") != std::string::npos);
}

TEST_CASE("hook points and strengths that are not ours are refused") {
  CHECK(mt::read_projection(golden("glp_ffn.gguf"), golden_space).error().code ==
        mt::errc::space_mismatch);
  CHECK(mt::read_projection(golden("glp_scales.gguf"), golden_space).error().place ==
        "key glp.dir_scales");
}

TEST_CASE("the metadata is held to its word") {
  CHECK(glp_file{}.read().has_value());
  refused({.mode = "clamp"}, mt::errc::unsupported, "glp.mode");
  refused({.without = "glp.hook_point"}, mt::errc::not_found, "glp.hook_point");
  refused({.version = 3}, mt::errc::unsupported, "glp.spec_version");
  refused({.without = "glp.spec_version"}, mt::errc::not_found, "glp.spec_version");
  refused({.version = 1}, mt::errc::malformed, "glp.rank");
  refused({.rank = 1}, mt::errc::malformed, "glp.rank");
  refused({.rank = 4}, mt::errc::malformed, "glp.rank");
  refused({.rank = 0}, mt::errc::unsupported, "glp.rank");
  refused({.rank = 1u << 31}, mt::errc::unsupported, "glp.rank");
  refused({.orthonormal = false}, mt::errc::malformed, "glp.orthonormal");
  refused({.without = "glp.orthonormal"}, mt::errc::malformed, "glp.orthonormal");
  refused({.alpha = NAN}, mt::errc::non_finite, "glp.alpha_default");
  for (const char* list : {"1,2", "1", "1,3,4", "0,2", "1;3", "1,3,"}) {
    refused({.layers = list}, mt::errc::malformed, "glp.layer_ids_zero_based");
  }
  CHECK(glp_file{.layers = " 3, 1 "}.read().has_value());
  CHECK(glp_file{.without = "glp.layer_ids_zero_based"}.read().has_value());
}

TEST_CASE("the rows are held to the metadata") {
  using names = std::vector<std::string>;
  for (const char* name : {"direction.0", "direction.x", "direction.1.0", "direction.1.x",
                           "direction.1.1.1", "direction.01"}) {
    INFO(name);
    refused({.names = names{name, "direction.1.1", "direction.3", "direction.3.1"}},
            mt::errc::unsupported, "tensor");
  }
  refused({.names = names{"direction.1", "direction.1.2", "direction.3", "direction.3.1"}},
          mt::errc::malformed, "glp.rank");
  refused({.names = names{"direction.1", "direction.1.1", "direction.3", "direction.2.1"}},
          mt::errc::malformed, "glp.rank");
  refused({.names = names{"direction.1", "direction.1.1", "direction.4", "direction.4.1"}},
          mt::errc::shape_mismatch, "direction.4");
  glp_file file;
  file.rows[1] = {0.1f, 1, 0, 0, 0, 0, 0, 0};
  refused(file, mt::errc::malformed, "right angles");
  file.rows[1] = {0, 1.1f, 0, 0, 0, 0, 0, 0};
  refused(file, mt::errc::malformed, "unit length");
  file.rows[1][7] = NAN;
  refused(file, mt::errc::non_finite, "element 7");
  file.rows[1] = {0, 1};
  refused(file, mt::errc::shape_mismatch, "2 elements");
}

TEST_CASE("a row that nobody promised to be of unit length is made so") {
  const glp_file file{.layers = "2",
                      .version = 1,
                      .rank = 1,
                      .orthonormal = false,
                      .names = {"direction.2"},
                      .rows = {{0, 3, 4, 0, 0, 0, 0, 0}}};
  const auto p = file.read();
  REQUIRE_MESSAGE(p.has_value(), p.error().message());
  CHECK(p->basis.row(mt::layer_index(2), 0)[2] == 0.8f);
}

TEST_CASE("a projection that was written reads back to rounding") {
  const std::string path = "projective_vector_for_test.gguf";
  for (const std::size_t rank : {1u, 3u}) {
    const auto basis = plane_of(rank, {1, 3});
    REQUIRE(mt::write_projection({basis.clone(), 0.5f}, path, {.model_name = "a model"}));
    const auto file = *mt::gguf::file::read(path);
    CHECK(*file.unsigned_at("glp.spec_version") == (rank == 1 ? 1 : 2));
    CHECK(*file.unsigned_at("glp.rank") == rank);
    CHECK(*file.string_at("glp.layer_ids_zero_based") == "1,3");
    CHECK(*file.string_at("general.base_model.0.name") == "a model");
    const auto back = mt::read_projection(path, golden_space);
    REQUIRE_MESSAGE(back.has_value(), back.error().message());
    CHECK(back->alpha == 0.5f);
    for (std::size_t l = 0; l < 4; ++l) {
      const mt::layer_index layer(l);
      REQUIRE(back->basis.rank(layer) == basis.rank(layer));
      for (std::size_t i = 0; i < basis.rank(layer); ++i) {
        for (std::size_t c = 0; c < 8; ++c) {
          CHECK(std::abs(back->basis.row(layer, i)[c] - basis.row(layer, i)[c]) < 0x1p-22);
        }
      }
    }
  }
  std::remove(path.c_str());
}

TEST_CASE("llama.cpp, which would add the rows, refuses a guarded file") {
  const std::string path = "guarded_for_test.gguf";
  REQUIRE(mt::write_projection({plane_of(2, {1, 2}), 1.0f}, path));
  CHECK_FALSE(llama_cpp_takes(*mt::gguf::file::read(path)));
  CHECK(mt::read_projection(path, golden_space).has_value());
  REQUIRE(mt::write_projection({plane_of(2, {1, 2}), 1.0f}, path, {.guard = false}));
  CHECK(llama_cpp_takes(*mt::gguf::file::read(path)));
  std::remove(path.c_str());
}

TEST_CASE("what a projective file cannot say is not written") {
  const std::string path = "projective_refused.gguf";
  const auto code = [&](mt::subspace basis, float alpha) {
    return mt::write_projection({std::move(basis), alpha}, path).error().code;
  };
  CHECK(code(plane_of(1, {0, 1}), 1.0f) == mt::errc::unsupported);
  std::vector<float> uneven(4 * 2 * 8, 0.0f);
  uneven[16] = uneven[32] = uneven[32 + 9] = 1.0f;  // one row at block 1, two at block 2
  CHECK(code(*mt::subspace::make(golden_space, 2, uneven), 1.0f) == mt::errc::unsupported);
  CHECK(code(plane_of(1, {1}), -1.0f) == mt::errc::invalid_argument);
  CHECK(code(plane_of(1, {1}), INFINITY) == mt::errc::invalid_argument);
}

TEST_CASE("damaged projective files are refused or read, and nothing else") {
  std::vector<std::vector<std::byte>> originals;
  for (const char* name : {"glp_rank1.gguf", "glp_rank2.gguf"}) {
    originals.push_back(bytes_of_file(golden(name)));
  }
  mt::philox random(4);
  int read_well = 0;
  const int n = mutant_count();
  for (int i = 0; i < n; ++i) {
    const auto file = mt::gguf::file::parse(mutate(originals[random.below(2)], random));
    if (!file) continue;
    const auto p = mt::read_projection(*file, golden_space);
    read_well += p.has_value();
    if (!p) CHECK_FALSE(p.error().message().empty());
  }
  CHECK(read_well > n / 50);
}
