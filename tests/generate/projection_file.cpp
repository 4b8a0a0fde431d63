// SPDX-License-Identifier: MIT

#include "../support/golden.hpp"
#include "../support/mutate.hpp"
#include "../support/random_persona.hpp"

#include <multitudes/generate/persona_file.hpp>
#include <multitudes/generate/projection_file.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace mt = multitudes;
using namespace multitudes_test;

namespace {

/// Two rows at block 0, one at block 2.
mt::subspace uneven() {
  std::vector<float> values(4 * 2 * 8, 0.0f);
  mt::philox random(7);
  for (std::size_t i = 0; i < 16; ++i) values[i] = random.normal();
  for (std::size_t i = 0; i < 8; ++i) values[32 + i] = random.normal();
  return *mt::subspace::make(golden_space, 2, values);
}

std::vector<std::byte> saved() {
  const std::string path = "projection_for_test.gguf";
  REQUIRE(mt::save_projection({uneven(), 1.5f}, "verbose", path));
  auto bytes = bytes_of_file(path);
  std::remove(path.c_str());
  return bytes;
}

mt::expected<mt::stored_projection> load(const std::vector<std::byte>& bytes,
                                         const mt::activation_space& wanted = golden_space) {
  const auto file = mt::gguf::file::parse(bytes, "test");
  if (!file) return mt::fail(file.error());
  return mt::load_projection(*file, wanted);
}

/// The saved file with a list of ranks of its own and a right checksum.
mt::expected<mt::stored_projection> load_with_ranks(const std::vector<std::uint32_t>& ranks) {
  const auto file = *mt::gguf::file::parse(saved());
  mt::gguf::writer out;
  for (const auto& [name, content] : file.metadata()) {
    if (name == "multitudes.ranks") {
      out.add_array(name, ranks);
    } else if (name != mt::detail::checksum_key) {
      out.add(name, content);
    }
  }
  for (const auto& t : file.tensors()) {
    out.add_tensor(t.name, std::span(t.dims).first(t.n_dims), t.type, t.data);
  }
  const std::string path = "projection_ranks_for_test.gguf";
  REQUIRE(mt::detail::save_with_checksum(out, path));
  auto loaded = mt::load_projection(path, golden_space);
  std::remove(path.c_str());
  return loaded;
}

}  // namespace

TEST_CASE("a projection that was saved loads to rounding, block 0 and uneven ranks included") {
  const auto back = load(saved());
  REQUIRE_MESSAGE(back.has_value(), back.error().message());
  CHECK(back->label == "verbose");
  CHECK(back->what.alpha == 1.5f);
  const auto basis = uneven();
  for (std::size_t l = 0; l < 4; ++l) {
    const mt::layer_index layer(l);
    REQUIRE(back->what.basis.rank(layer) == basis.rank(layer));
    for (std::size_t i = 0; i < basis.rank(layer); ++i) {
      for (std::size_t c = 0; c < 8; ++c) {
        CHECK(std::abs(back->what.basis.row(layer, i)[c] - basis.row(layer, i)[c]) < 0x1p-22);
      }
    }
  }
}

TEST_CASE("a projection is for one model, and no persona") {
  auto other = golden_space;
  other.model = {8};
  CHECK(load(saved(), other).error().code == mt::errc::space_mismatch);
  CHECK(load(saved(), other).error().place == "key multitudes.model");
  const auto file = *mt::gguf::file::parse(saved());
  CHECK(mt::load_persona(file, golden_space).error().place == "key multitudes.kind");
  CHECK(mt::read_control_vector(file, golden_space, "v").error().place ==
        "key general.architecture");
  CHECK(mt::read_projection(file, golden_space).error().place == "key general.architecture");
  for (const auto& t : file.tensors()) CHECK_FALSE(t.name.starts_with("direction"));
}

TEST_CASE("ranks that do not fit the tensors are refused") {
  CHECK(load_with_ranks({2, 0, 1, 0}).has_value());
  const auto place = [](const std::vector<std::uint32_t>& ranks) {
    const auto p = load_with_ranks(ranks);
    REQUIRE_FALSE(p);
    return p.error().place;
  };
  CHECK(place({2, 0, 1}) == "key multitudes.ranks");
  CHECK(place({}) == "key multitudes.ranks");
  CHECK(place({2, 0, 1, 65}) == "key multitudes.ranks");
  CHECK(place({2, 0, 0xFFFFFFFF, 0}) == "key multitudes.ranks");
  CHECK(place({1, 0, 1, 0}) == "tensor basis.0");
  CHECK(place({2, 1, 1, 0}) == "tensor basis.1");
  CHECK(load_with_ranks({0, 0, 0, 0}).error().code == mt::errc::zero_direction);
}

TEST_CASE("a strength that is not finite is not written") {
  CHECK(mt::save_projection({uneven(), NAN}, "", "never_written.gguf").error().code ==
        mt::errc::invalid_argument);
}

TEST_CASE("damaged projection files are refused or read, and nothing else") {
  const auto original = saved();
  mt::philox random(8);
  int by_checksum = 0;
  const int n = mutant_count();
  for (int i = 0; i < n; ++i) {
    const auto p = load(mutate(original, random));
    by_checksum += !p && p.error().place == "key multitudes.checksum";
  }
  CHECK(by_checksum > n / 20);
}
