// SPDX-License-Identifier: MIT

#include "../support/mutate.hpp"
#include "../support/tiny_model.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/session.hpp>
#include <multitudes/model/packed_file.hpp>

#include <doctest/doctest.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace mt = multitudes;
namespace model = multitudes::model;
namespace simd = multitudes::simd;
using namespace multitudes_test;

namespace {

using bytes = std::vector<std::byte>;

/// A file that is gone at the end of a test.
struct scratch_file {
  explicit scratch_file(std::string name) : path(std::move(name)) { std::remove(path.c_str()); }
  ~scratch_file() { std::remove(path.c_str()); }
  scratch_file(const scratch_file&) = delete;
  scratch_file& operator=(const scratch_file&) = delete;

  [[nodiscard]] bytes read() const {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto all = std::as_bytes(std::span(text));
    return {all.begin(), all.end()};
  }
  void write(const bytes& all) const {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(all.data()), static_cast<std::streamsize>(all.size()));
  }

  std::string path;
};

/// The packed file of a model.
bytes packed_bytes(const mt::language_model& lm) {
  const scratch_file file("packed_file_bytes.panels");
  mt::inline_executor one;
  const auto packed = *model::pack(*lm.weights, one);
  REQUIRE(model::write_packed(file.path, packed, one).has_value());
  return file.read();
}

mt::expected<model::weights> use(const bytes& all, const mt::language_model& lm) {
  mt::inline_executor one;
  return model::use_packed(*mt::file_bytes::copy(all), "some file", *lm.weights, one);
}

std::vector<const simd::weight_matrix*> matrices(const model::weights& w) {
  std::vector<const simd::weight_matrix*> all;
  model::detail::for_each_tensor(
      w, [&](const simd::weight_matrix& m) { all.push_back(&m); }, [](std::span<const float>) {});
  return all;
}

bool same_weights(const model::weights& a, const model::weights& b) {
  const auto x = matrices(a), y = matrices(b);
  bool same = x.size() == y.size() && a.id == b.id;
  for (std::size_t i = 0; i < x.size() && same; ++i) {
    const std::size_t n = simd::n_panels(*x[i]) * simd::panel_bytes(*x[i]);
    same = x[i]->rows == y[i]->rows && x[i]->layout == y[i]->layout &&
           (n == 0 || std::memcmp(x[i]->data, y[i]->data, n) == 0);
  }
  std::vector<float> v, w;
  model::detail::for_each_tensor(
      a, [](const simd::weight_matrix&) {},
      [&](std::span<const float> s) { v.insert(v.end(), s.begin(), s.end()); });
  model::detail::for_each_tensor(
      b, [](const simd::weight_matrix&) {},
      [&](std::span<const float> s) { w.insert(w.end(), s.begin(), s.end()); });
  return same && v == w;
}

/// After a change of the head, the sum that it should have.
void sum_again(bytes& all, std::size_t head_bytes) {
  const auto sum = model::detail::head_checksum(std::span(all).first(head_bytes));
  std::memcpy(all.data() + 32, &sum, 8);
}

tiny_model_options small(bool tied = true) {
  return {.n_layers = 1, .format = simd::weight_format::q4_0, .tied = tied, .rough = true};
}

}  // namespace

TEST_CASE("a packed file gives the bytes that packing gives, for every format") {
  mt::inline_executor one;
  mt::thread_pool three(3);
  for (const auto format :
       {simd::weight_format::f32, simd::weight_format::f16, simd::weight_format::bf16,
        simd::weight_format::q8_0, simd::weight_format::q4_0}) {
    for (const bool tied : {false, true}) {
      CAPTURE(static_cast<int>(format));
      CAPTURE(tied);
      const scratch_file file("packed_file_test.panels");
      auto lm = tiny_model({.format = format, .tied = tied, .rough = true});
      const auto packed = *model::pack(*lm.weights, one);
      REQUIRE(model::write_packed(file.path, packed, one).has_value());
      const auto alone = file.read();
      REQUIRE(model::write_packed(file.path, packed, three).has_value());
      CHECK(file.read() == alone);
      auto mapped = model::read_packed(file.path, *lm.weights, three);
      REQUIRE_MESSAGE(mapped.has_value(), mapped.error().message());
      CHECK((mapped->head.data == mapped->embedding.data) == tied);
      CHECK(same_weights(*mapped, packed));
      for (const auto* m : matrices(*mapped)) {
        CHECK(reinterpret_cast<std::uintptr_t>(m->data) % mt::arena_alignment == 0);
      }
      // Nothing of the model file is needed any more.
      const std::weak_ptr<const void> before = lm.weights->storage;
      lm = {};
      CHECK(before.expired());
      CHECK(same_weights(*mapped, packed));
    }
  }
}

TEST_CASE("every way to be no packed file of this model has its own words") {
  const auto lm = tiny_model(small());
  const bytes whole = packed_bytes(lm);
  REQUIRE(use(whole, lm).has_value());
  const auto refusal = [&](const bytes& all) {
    const auto refused = use(all, lm);
    REQUIRE(!refused.has_value());
    CHECK(refused.error().place == "some file");
    return refused.error();
  };
  const auto changed = [&](std::size_t at) {
    bytes all = whole;
    all[at] ^= std::byte{1};
    return refusal(all);
  };
  const auto up_to = [&](std::size_t n) {
    return refusal({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)});
  };
  std::vector<mt::error> all{up_to(0),     up_to(63),   changed(0),  changed(8),
                             changed(12),  changed(24), up_to(64),   up_to(whole.size() - 1),
                             changed(16),  changed(32), changed(64), changed(200),
                             changed(4096)};
  using enum mt::errc;
  const std::vector<mt::errc> codes{truncated, truncated, malformed, unsupported, unsupported,
                                    not_found, truncated, truncated, truncated,   malformed,
                                    malformed, malformed, malformed};
  // An announced length of one more is one byte missing.
  REQUIRE((whole[16] & std::byte{1}) == std::byte{0});
  for (std::size_t i = 0; i < codes.size(); ++i) {
    CAPTURE(all[i].message());
    CHECK(all[i].code == codes[i]);
  }
  CHECK(all[2].expected.find("mtpanels") != std::string::npos);
  CHECK(all[3].found.find("file version") != std::string::npos);
  CHECK(all[4].found.find("panels of version") != std::string::npos);
  CHECK(all[5].found.find("model") != std::string::npos);
  CHECK(all[9].found.find("damage in the first 4096") != std::string::npos);
  CHECK(all[11].found.find("damage in the first 4096") != std::string::npos);
  CHECK(all[12].found.find("bytes from 4096") != std::string::npos);
  bytes longer = whole;
  longer.push_back(std::byte{0});
  CHECK(refusal(longer).found.find("are announced") != std::string::npos);
}

TEST_CASE("damage is named where it begins, whatever the number of workers") {
  const auto lm = tiny_model({.n_layers = 1, .format = simd::weight_format::f32, .rough = true});
  bytes all = packed_bytes(lm);
  all[all.size() - 1] ^= std::byte{1};
  all[all.size() / 2] ^= std::byte{1};
  mt::thread_pool four(4);
  mt::inline_executor one;
  const auto a = model::use_packed(*mt::file_bytes::copy(all), "", *lm.weights, four);
  const auto b = model::use_packed(*mt::file_bytes::copy(all), "", *lm.weights, one);
  REQUIRE(!a.has_value());
  CHECK(a.error() == b.error());
}

TEST_CASE("the file of another model is not taken, also where shapes agree") {
  const auto lm = tiny_model(small());
  auto options = small();
  options.seed = 2;
  const auto refused = use(packed_bytes(tiny_model(options)), lm);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::not_found);
  CHECK(refused.error().expected.find(to_string(lm.weights->id)) != std::string::npos);
  // A tied head has no matrix of its own.
  CHECK(!use(packed_bytes(tiny_model(small(false))), lm).has_value());
}

TEST_CASE("mutants of a packed file are refused, or are that file") {
  const auto lm = tiny_model(small());
  const bytes whole = packed_bytes(lm);
  mt::philox random(1);
  int n_whole = 0;
  for (int i = 0; i < mutant_count(); ++i) {
    const bytes mutant = mutate(whole, random);
    const auto made = use(mutant, lm);
    if (!made.has_value()) continue;
    ++n_whole;
    REQUIRE(mutant == whole);
  }
  CHECK(n_whole < mutant_count() / 10);
}

TEST_CASE("mutants whose sums are right are other weights, and nothing worse") {
  const auto lm = tiny_model(small());
  const bytes whole = packed_bytes(lm);
  mt::inline_executor one;
  mt::philox random(2);
  const auto plan = *model::detail::packed_plan::make(*lm.weights);
  int n_used = 0;
  for (int i = 0; i < mutant_count() / 20; ++i) {
    bytes mutant = mutate(whole, random);
    if (mutant.size() < plan.file_bytes) continue;
    for (std::size_t p = 0; p < plan.pieces.size(); ++p) {
      const auto& piece = plan.pieces[p];
      const auto sum = mt::checksum(
          std::span(mutant).subspan(plan.matrices[piece.matrix].offset + piece.first, piece.count));
      std::memcpy(mutant.data() + 64 + 8 * p, &sum, 8);
    }
    sum_again(mutant, plan.head_bytes);
    auto made = use(mutant, lm);
    if (!made.has_value()) continue;
    mt::language_model changed = lm;
    changed.weights = std::make_shared<const model::weights>(*std::move(made));
    auto b = *mt::batch::make(changed, {.context = 4});
    const std::vector<mt::token_id> tokens{mt::token_id(1), mt::token_id(260)};
    const mt::feed f{*b.open(), tokens, 1, {}};
    CHECK(b.evaluate(one, std::span(&f, 1), [](mt::feed_place, std::span<float>) {}).has_value());
    ++n_used;
  }
  CHECK(n_used > 0);
}

TEST_CASE("weights by rows are not written, and no file of another kind is replaced") {
  const auto lm = tiny_model(small());
  mt::inline_executor one;
  const scratch_file file("packed_file_other.txt");
  CHECK(model::write_packed(file.path, *lm.weights, one).error().code ==
        mt::errc::invalid_argument);
  const auto packed = *model::pack(*lm.weights, one);
  const bytes diary(100, std::byte{'x'});
  file.write(diary);
  CHECK(model::write_packed(file.path, packed, one).error().code == mt::errc::invalid_argument);
  CHECK(file.read() == diary);
  file.write({});
  CHECK(model::write_packed(file.path, packed, one).has_value());
  CHECK(model::write_packed("no such folder/x.panels", packed, one).error().code ==
        mt::errc::io_failure);
  CHECK(model::read_packed("no such file", *lm.weights, one).error().code == mt::errc::io_failure);
}

TEST_CASE("loading makes the packed file once, then uses it, and replaces what it cannot use") {
  const scratch_file source("packed_file_model.gguf"), file("packed_file_model.panels");
  REQUIRE(tiny_gguf({.format = simd::weight_format::q8_0}).out.save(source.path).has_value());
  const auto load = [&](mt::packed_file_outcome& outcome) {
    mt::thread_pool two(2);
    auto lm = mt::load_model(source.path, two, {.packed_file = file.path, .outcome = &outcome});
    REQUIRE_MESSAGE(lm.has_value(), lm.error().message());
    auto s = *mt::session<>::make(*lm);
    REQUIRE(s.read("abc").has_value());
    return std::vector<float>(s.logits().begin(), s.logits().end());
  };
  mt::packed_file_outcome first, second, damaged, repaired, other, kept;
  const auto wanted = load(first);
  CHECK(!first.used);
  CHECK(first.not_used->code == mt::errc::io_failure);
  CHECK(!first.not_written);
  CHECK(load(second) == wanted);
  CHECK(second.used);
  CHECK(!second.not_used);
  bytes all = file.read();
  all.back() ^= std::byte{1};
  file.write(all);
  CHECK(load(damaged) == wanted);
  CHECK(!damaged.used);
  CHECK(damaged.not_used->code == mt::errc::malformed);
  CHECK(load(repaired) == wanted);
  CHECK(repaired.used);
  // Another model under the same name, then the model itself in the place of the file.
  REQUIRE(tiny_gguf({.format = simd::weight_format::q8_0, .seed = 2})
              .out.save(source.path)
              .has_value());
  CHECK(load(other) != wanted);
  CHECK(other.not_used->code == mt::errc::not_found);
  const bytes gguf = source.read();
  mt::inline_executor one;
  REQUIRE(
      mt::load_model(source.path, one, {.packed_file = source.path, .outcome = &kept}).has_value());
  CHECK(kept.not_written->code == mt::errc::invalid_argument);
  CHECK(source.read() == gguf);
  const auto both = mt::load_model(source.path, {.map = true, .packed_file = file.path});
  REQUIRE(!both.has_value());
  CHECK(both.error().code == mt::errc::invalid_argument);
}
