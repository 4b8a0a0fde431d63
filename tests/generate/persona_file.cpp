// SPDX-License-Identifier: MIT

#include "../support/golden.hpp"
#include "../support/mutate.hpp"
#include "../support/random_persona.hpp"

#include <multitudes/generate/control_vector.hpp>
#include <multitudes/generate/persona_file.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mt = multitudes;
using namespace multitudes_test;

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

std::vector<mt::weighted_goal> some_goals() {
  return {{{"win", "I want to win.", {1, 2, 3, 4, 5, 6, 7, 8}}, 0.1},
          {{"rest",
            "Ich m\xC3\xB6"
            "chte ruhen.",
            {}},
           -2.0}};
}

mt::persona learned() {
  const auto p = random_persona(golden_space, 1, "a \"bard\"");
  return *mt::persona::make(p.label(), p.direction().clone(), some_goals());
}

mt::persona of_units() {
  std::vector<mt::weighted_unit> units;
  units.push_back({{"rhymes", random_persona(golden_space, 2).direction().clone()}, 0.3});
  units.push_back({{"", random_persona(golden_space, 3).direction().clone()}, -1.7});
  return *mt::persona::make("poet", std::move(units), some_goals());
}

void check_same_bits(std::span<const float> a, std::span<const float> b) {
  REQUIRE(a.size() == b.size());
  CHECK(std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

std::vector<std::byte> saved(const mt::persona& p,
                             mt::strength_unit unit = mt::strength_unit::raw) {
  const std::string path = "persona_for_test.gguf";
  REQUIRE(mt::save_persona(p, path, unit));
  auto bytes = bytes_of_file(path);
  std::remove(path.c_str());
  return bytes;
}

mt::expected<mt::stored_persona> load(const std::vector<std::byte>& bytes,
                                      const mt::activation_space& wanted = golden_space) {
  const auto file = mt::gguf::file::parse(bytes, "test");
  if (!file) return mt::fail(file.error());
  return mt::load_persona(*file, wanted);
}

/// Makes a file's checksum right again, so that what it protects is looked at.
void repair(std::vector<std::byte>& bytes) {
  const auto file = mt::gguf::file::parse(bytes);
  if (!file) return;
  const auto* sum = file->find(mt::detail::checksum_key);
  if (!sum || sum->type() != mt::gguf::value_type::string || sum->payload().size() != 16) return;
  const std::string right = to_string(mt::detail::checksum_of(*file));
  // The file is a copy of the bytes: what lies where in one lies there in the other.
  const auto text = [](const auto& b) {
    return std::string_view(reinterpret_cast<const char*>(b.data()), b.size());
  };
  const std::size_t key = text(bytes).find(mt::detail::checksum_key);
  const std::size_t at = text(bytes).find(text(sum->payload()), key);
  if (at != std::string_view::npos) std::memcpy(bytes.data() + at, right.data(), 16);
}

/// Puts `to` where `from` is for the first time, and makes the checksum right again.
std::vector<std::byte> edited(std::vector<std::byte> bytes, std::string_view from,
                              std::string_view to) {
  REQUIRE(from.size() == to.size());
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t at = text.find(from);
  REQUIRE(at != text.npos);
  std::memcpy(bytes.data() + at, to.data(), to.size());
  repair(bytes);
  return bytes;
}

void refused(const mt::expected<mt::stored_persona>& p, mt::errc code, std::string_view place,
             std::string_view found = {}) {
  REQUIRE_FALSE(p);
  INFO(p.error().message());
  CHECK(p.error().code == code);
  CHECK(p.error().place.find(place) != std::string::npos);
  CHECK(p.error().found.find(found) != std::string::npos);
}

}  // namespace

TEST_CASE("a persona that was saved loads with the same bits, learned whole or made of units") {
  const auto check = [](const mt::persona& p, mt::strength_unit unit) {
    const auto back = load(saved(p, unit));
    REQUIRE_MESSAGE(back.has_value(), back.error().message());
    CHECK(back->unit == unit);
    CHECK(back->who.label() == p.label());
    CHECK(back->who.space() == p.space());
    check_same_bits(back->who.values(), p.values());
    REQUIRE(back->who.units().size() == p.units().size());
    for (std::size_t i = 0; i < p.units().size(); ++i) {
      const auto& a = back->who.units()[i];
      const auto& b = p.units()[i];
      CHECK(a.unit.label == b.unit.label);
      CHECK(a.weight == b.weight);
      check_same_bits(a.unit.direction.values(), b.unit.direction.values());
    }
    CHECK(std::equal(p.goals().begin(), p.goals().end(), back->who.goals().begin(),
                     back->who.goals().end()));
  };
  check(learned(), mt::strength_unit::raw);
  check(of_units(), mt::strength_unit::residual_norms);
  check(random_persona(golden_space, 4, ""), mt::strength_unit::raw);
}

TEST_CASE("the same persona makes the same file") { CHECK(saved(of_units()) == saved(of_units())); }

TEST_CASE("a file for another model is refused with both fingerprints, and loads without one") {
  const auto bytes = saved(learned());
  auto other = golden_space;
  other.model = {8};
  refused(load(bytes, other), mt::errc::space_mismatch, "key multitudes.model", "0000000000000007");
  CHECK(load(bytes, other).error().expected.starts_with("0000000000000008"));
  const auto own = mt::load_persona(*mt::gguf::file::parse(bytes));
  REQUIRE(own);
  CHECK(own->who.space() == golden_space);
  const auto moved = mt::rebase(own->who, other);
  REQUIRE(moved);
  check_same_bits(moved->values(), learned().values());
}

TEST_CASE("files of another width, depth or hook point each have their own error") {
  const auto bytes = saved(learned());
  auto other = golden_space;
  other.model_dim = 16;
  refused(load(bytes, other), mt::errc::shape_mismatch, "key multitudes.model_dim", "8");
  other = golden_space;
  other.n_layers = 5;
  refused(load(bytes, other), mt::errc::shape_mismatch, "key multitudes.n_layers", "4");
  refused(load(edited(bytes, "residual_stream", "attention_heads")), mt::errc::space_mismatch,
          "key multitudes.hook_point", "attention_heads");
}

TEST_CASE("files of another kind, operation, version or unit are refused") {
  const auto bytes = saved(learned());
  refused(load(bytes_of_file(golden("repeng.gguf"))), mt::errc::unsupported,
          "key general.architecture", "controlvector");
  refused(load(edited(bytes, "persona", "someone")), mt::errc::unsupported, "key multitudes.kind");
  const std::string add("multitudes.operation\x08\0\0\0\x03\0\0\0\0\0\0\0add", 35);
  const std::string cut = add.substr(0, 32) + "cut";
  refused(load(edited(bytes, add, cut)), mt::errc::unsupported, "key multitudes.operation", "cut");
  const std::string version("multitudes.version\x04\0\0\0\x01", 23);
  refused(load(edited(bytes, version, version.substr(0, 22) + "\x02")), mt::errc::unsupported,
          "key multitudes.version", "2");
  const std::string unit("multitudes.strength_unit\x08\0\0\0\x03\0\0\0\0\0\0\0raw", 39);
  refused(load(edited(bytes, unit, unit.substr(0, 36) + "row")), mt::errc::unsupported,
          "key multitudes.strength_unit", "row");
}

TEST_CASE("any bit of a file that changes is noticed") {
  const auto bytes = saved(learned());
  int n_checksum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto damaged = bytes;
    damaged[i] ^= std::byte{4};
    const auto p = load(damaged);
    if (p) {
      // What remains is padding, which says nothing.
      CHECK(bytes[i] == std::byte{0});
    } else {
      n_checksum += p.error().place == "key multitudes.checksum";
    }
  }
  CHECK(n_checksum > 300);
  auto damaged = bytes;
  damaged[bytes.size() - 50] ^= std::byte{1};
  refused(load(damaged), mt::errc::malformed, "key multitudes.checksum");
}

TEST_CASE("truncated files, numbers that are none and tensors twice have their own errors") {
  auto bytes = saved(learned());
  const std::vector<std::byte> cut(bytes.begin(), bytes.end() - 64);
  refused(load(cut), mt::errc::truncated, "test, byte ");
  const float second = learned().direction().row(mt::layer_index(0))[1];
  std::string from(4, '\0');
  std::string to(4, '\0');
  std::memcpy(from.data(), &second, 4);
  std::memcpy(to.data(), &not_a_number, 4);
  refused(load(edited(bytes, from, to)), mt::errc::non_finite, "tensor persona, element 1", "NaN");
  refused(load(edited(saved(of_units()), "unit.1", "unit.0")), mt::errc::malformed, "tensor",
          "\"unit.0\" again");
  refused(load(edited(saved(of_units()), "unit.1", "unit.2")), mt::errc::not_found,
          "tensor unit.1");
}

TEST_CASE("lists of a file that do not fit together are refused") {
  const auto without = [](const char* key) {
    const auto file = *mt::gguf::file::parse(saved(of_units()));
    mt::gguf::writer out;
    for (const auto& [name, content] : file.metadata()) {
      if (name == key) {
        out.add_array(name, std::vector<double>{1.0});
      } else {
        out.add(name, content);
      }
    }
    for (const auto& t : file.tensors()) {
      out.add_tensor(t.name, std::span(t.dims).first(t.n_dims), t.type, t.data);
    }
    auto bytes = *out.bytes();
    repair(bytes);
    return load(bytes);
  };
  refused(without("multitudes.unit.weights"), mt::errc::malformed, "key multitudes.unit.weights");
  refused(without("multitudes.goal.weights"), mt::errc::malformed, "key multitudes.goal.weights");
  refused(without("multitudes.goal.statements"), mt::errc::malformed,
          "key \"multitudes.goal.statements\"");
  refused(without("multitudes.unit.labels"), mt::errc::malformed, "key \"multitudes.unit.labels\"");
}

TEST_CASE("a file that announces a huge model costs nothing") {
  mt::gguf::writer out;
  const mt::activation_space huge{{7}, golden_space.hook, 0x7FFFFFFF, 0x7FFFFFFF};
  mt::detail::add_identity(out, {"persona", "add", "huge"}, huge);
  out.add("multitudes.strength_unit", "raw");
  out.add_array("multitudes.unit.labels", std::vector<std::string>{});
  out.add_array("multitudes.unit.weights", std::vector<double>{});
  out.add_array("multitudes.goal.labels", std::vector<std::string>{"g"});
  out.add_array("multitudes.goal.statements", std::vector<std::string>{""});
  out.add_array("multitudes.goal.weights", std::vector<double>{1.0});
  const std::vector<float> few(8);
  out.add_tensor("goal.0", {8}, mt::gguf::tensor_type::f32, std::as_bytes(std::span(few)));
  out.add_tensor("persona", {8}, mt::gguf::tensor_type::f32, std::as_bytes(std::span(few)));
  const std::string path = "huge_for_test.gguf";
  REQUIRE(mt::detail::save_with_checksum(out, path));
  refused(mt::load_persona(path), mt::errc::shape_mismatch, "tensor goal.0");
  std::remove(path.c_str());
}

TEST_CASE("more goals than a file may have are not written") {
  std::vector<mt::weighted_goal> goals;
  for (int i = 0; i < 4097; ++i) goals.push_back({{std::to_string(i), "", {}}, 1.0});
  const auto p = *mt::persona::make("greedy", learned().direction().clone(), goals);
  CHECK(mt::save_persona(p, "never_written.gguf").error().code == mt::errc::unsupported);
}

TEST_CASE("readers of control vectors find no direction in a persona file") {
  const auto file = *mt::gguf::file::parse(saved(of_units()));
  CHECK_FALSE(mt::read_control_vector(file, golden_space, "v"));
  for (const auto& t : file.tensors()) CHECK_FALSE(t.name.starts_with("direction"));
}

TEST_CASE("damaged persona files are refused or read, and nothing else") {
  const std::vector<std::vector<std::byte>> originals{saved(learned()), saved(of_units())};
  mt::philox random(6);
  int read_well = 0;
  int by_checksum = 0;
  const int n = mutant_count();
  for (int i = 0; i < n; ++i) {
    auto bytes = mutate(originals[random.below(2)], random);
    // Every other one as a forger would do it.
    if (i % 2 == 0) repair(bytes);
    const auto p = load(bytes);
    read_well += p.has_value();
    by_checksum += !p && p.error().place == "key multitudes.checksum";
  }
  CHECK(read_well > n / 50);
  CHECK(by_checksum > n / 20);
}
