// SPDX-License-Identifier: MIT

#include "../support/long_run.hpp"

#include <multitudes/core/philox.hpp>
#include <multitudes/train/checkpoint.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if defined(__unix__)
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#endif

namespace mt = multitudes;
namespace fs = std::filesystem;
using mt::train::checkpoint;
using mt::train::checkpoint_writer;
using multitudes_test::sample_count;

namespace {

/// An empty folder for one test, gone afterwards.
struct scratch {
  fs::path folder = fs::temp_directory_path() /
                    ("multitudes_checkpoint_" + std::to_string(std::random_device()()));

  scratch() { fs::create_directories(folder); }
  ~scratch() { fs::remove_all(folder); }

  [[nodiscard]] std::string path(const std::string& name) const { return (folder / name).string(); }
  [[nodiscard]] std::ptrdiff_t n_entries() const {
    return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
  }
};

std::vector<std::byte> content(const std::string& path) {
  const auto file = mt::file_bytes::read(path);
  REQUIRE(file.has_value());
  return {file->bytes().begin(), file->bytes().end()};
}

checkpoint read(const std::string& path) {
  auto c = checkpoint::read(path);
  REQUIRE_MESSAGE(c.has_value(), c.error().message());
  return *std::move(c);
}

/// A checkpoint with a little of everything, as bytes.
std::vector<std::byte> small_checkpoint() {
  const scratch s;
  const std::vector<float> weights{1.0f, -2.5f, 3.25f};
  checkpoint_writer out;
  out.add("step", std::uint64_t{7});
  out.add("weights", std::span<const float>(weights));
  out.add("note", std::string_view("ab"));
  REQUIRE(out.save(s.path("c")).has_value());
  return content(s.path("c"));
}

/// The format again, so that files can be made that lie and whose checksums are right.
struct forged {
  struct entry {
    std::uint64_t size, checksum, name_size;
    std::string name;
  };
  std::string magic = "MULTCKPT";
  std::uint32_t version = 1;
  std::uint32_t n_sections = 0;
  std::uint64_t extra_table_bytes = 0;
  std::vector<entry> entries;
  std::vector<std::byte> data;  // after the padding of the table

  forged& add(std::string name, std::size_t size) {
    const std::vector<std::byte> bytes(size, std::byte{5});
    entries.push_back(
        {size, mt::fingerprint_builder().add(bytes).finish().value, name.size(), std::move(name)});
    ++n_sections;
    data.resize((data.size() + 63) / 64 * 64);
    data.insert(data.end(), bytes.begin(), bytes.end());
    return *this;
  }

  [[nodiscard]] std::vector<std::byte> bytes() const {
    std::vector<std::byte> table;
    const auto append = [](std::vector<std::byte>& to, const auto& value) {
      const auto more = std::as_bytes(std::span(&value, 1));
      to.insert(to.end(), more.begin(), more.end());
    };
    const auto append_text = [](std::vector<std::byte>& to, const std::string& text) {
      const auto more = std::as_bytes(std::span(text.data(), text.size()));
      to.insert(to.end(), more.begin(), more.end());
    };
    for (const entry& e : entries) {
      append(table, e.size);
      append(table, e.checksum);
      append(table, e.name_size);
      append_text(table, e.name);
    }
    table.resize(table.size() + extra_table_bytes);
    std::vector<std::byte> head;
    append_text(head, magic);
    append(head, version);
    append(head, n_sections);
    append(head, std::uint64_t{table.size()});
    std::vector<std::byte> without_sum = head;
    append(without_sum, std::uint64_t{0});
    append(head, mt::fingerprint_builder().add(without_sum).add(table).finish().value);
    head.insert(head.end(), table.begin(), table.end());
    if (!data.empty()) head.resize((head.size() + 63) / 64 * 64);
    head.insert(head.end(), data.begin(), data.end());
    return head;
  }
};

mt::error refusal(std::span<const std::byte> bytes) {
  const auto c = checkpoint::parse(bytes, "forged");
  REQUIRE(!c.has_value());
  return c.error();
}

}  // namespace

TEST_CASE("what was saved is read back, by name and type") {
  const scratch s;
  const std::string path = s.path("a.checkpoint");
  std::vector<float> weights(1000);
  std::iota(weights.begin(), weights.end(), -500.0f);
  weights[3] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<std::uint64_t> state{1, 2, ~std::uint64_t{0}};
  checkpoint_writer out;
  out.add("step", std::uint64_t{123456789012345});
  out.add("loss", 1.5);
  out.add("small", std::int8_t{-3});
  out.add("weights", std::span<const float>(weights));
  out.add("state", std::span<const std::uint64_t>(state));
  out.add("nothing", std::span<const float>());
  const std::string config("dim=64\n\0x", 9);
  out.add("config", config);
  REQUIRE(out.save(path).has_value());
  const checkpoint c = read(path);
  CHECK(*c.number<std::uint64_t>("step") == 123456789012345);
  CHECK(*c.number<double>("loss") == 1.5);
  CHECK(*c.number<std::int8_t>("small") == -3);
  const auto found = *c.numbers<float>("weights");
  REQUIRE(found.size() == weights.size());
  CHECK(std::memcmp(found.data(), weights.data(), 4 * weights.size()) == 0);
  CHECK(reinterpret_cast<std::uintptr_t>(found.data()) % 64 == 0);
  CHECK(std::ranges::equal(*c.numbers<std::uint64_t>("state"), state));
  CHECK(c.numbers<float>("nothing")->empty());
  CHECK(c.bytes("nothing")->empty());
  CHECK(*c.text("config") == config);
  CHECK(c.has("step"));
  CHECK(!c.has("steps"));
  std::vector<float> copy(1000);
  REQUIRE(c.copy_to("weights", std::span(copy)).has_value());
  CHECK(std::memcmp(copy.data(), weights.data(), 4 * weights.size()) == 0);
  std::vector<std::string> names;
  for (const auto& section : c.sections()) names.emplace_back(section.name);
  CHECK(names ==
        std::vector<std::string>{"step", "loss", "small", "weights", "state", "nothing", "config"});
  CHECK(s.n_entries() == 1);
}

TEST_CASE("views stay valid when a checkpoint is moved, and a checkpoint may be empty") {
  auto c = *checkpoint::parse(small_checkpoint());
  const auto weights = *c.numbers<float>("weights");
  const checkpoint moved = std::move(c);
  CHECK(weights[1] == -2.5f);
  CHECK(moved.numbers<float>("weights")->data() == weights.data());
  const scratch s;
  REQUIRE(checkpoint_writer().save(s.path("empty")).has_value());
  CHECK(content(s.path("empty")).size() == 32);
  CHECK(read(s.path("empty")).sections().empty());
}

TEST_CASE("a section that is missing or has another size is named") {
  const auto c = *checkpoint::parse(small_checkpoint(), "c");
  const auto place = [](const auto& outcome, mt::errc code) {
    REQUIRE(!outcome.has_value());
    CHECK(outcome.error().code == code);
    return outcome.error().place;
  };
  CHECK(place(c.bytes("other"), mt::errc::not_found) == "c, section other");
  CHECK(place(c.number<float>("other"), mt::errc::not_found) == "c, section other");
  CHECK(place(c.number<float>("step"), mt::errc::shape_mismatch) == "c, section step");
  CHECK(place(c.number<std::uint64_t>("weights"), mt::errc::shape_mismatch) ==
        "c, section weights");
  CHECK(place(c.numbers<double>("weights"), mt::errc::shape_mismatch) == "c, section weights");
  for (const std::size_t n : {std::size_t{0}, std::size_t{2}, std::size_t{4}}) {
    std::vector<float> to(n, 9.0f);
    CHECK(place(c.copy_to("weights", std::span(to)), mt::errc::shape_mismatch) ==
          "c, section weights");
    CHECK(to == std::vector<float>(n, 9.0f));
  }
}

TEST_CASE("the same contents give the same bytes, and other contents replace the file") {
  CHECK(small_checkpoint() == small_checkpoint());
  const scratch s;
  checkpoint_writer first, second;
  first.add("step", 1);
  second.add("step", 2);
  REQUIRE(first.save(s.path("c")).has_value());
  REQUIRE(second.save(s.path("c")).has_value());
  CHECK(*read(s.path("c")).number<int>("step") == 2);
  CHECK(s.n_entries() == 1);
}

TEST_CASE("two sections of one name are refused, and the old file stays") {
  const scratch s;
  checkpoint_writer good, bad;
  good.add("a", 1);
  REQUIRE(good.save(s.path("c")).has_value());
  for (const char* name : {"a", "b", "a"}) bad.add(name, 2);
  const auto refused = bad.save(s.path("c"));
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == mt::errc::invalid_argument);
  CHECK(refused.error().place == "section a");
  CHECK(*read(s.path("c")).number<int>("a") == 1);
}

TEST_CASE("a file that ends early is refused, wherever it ends") {
  const auto bytes = small_checkpoint();
  REQUIRE(checkpoint::parse(bytes).has_value());
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    CAPTURE(n);
    const auto cut = checkpoint::parse(std::span(bytes).first(n));
    REQUIRE(!cut.has_value());
    CHECK(cut.error().code == mt::errc::truncated);
  }
}

TEST_CASE("a file with any byte changed is refused") {
  const auto bytes = small_checkpoint();
  auto changed = bytes;
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (unsigned flip = 1; flip < 256; ++flip) {
      changed[i] = bytes[i] ^ static_cast<std::byte>(flip);
      accepted += checkpoint::parse(changed).has_value();
    }
    changed[i] = bytes[i];
  }
  CHECK(accepted == 0);
  CHECK(checkpoint::parse(changed).has_value());
}

TEST_CASE("a file with bytes too many, two exchanged or a stretch of zeros is refused") {
  const auto bytes = small_checkpoint();
  auto changed = bytes;
  changed.push_back(std::byte{0});
  CHECK(refusal(changed).code == mt::errc::malformed);
  changed = bytes;
  for (std::size_t i = 1; i < bytes.size(); ++i) {
    if (bytes[i] == bytes[i - 1]) continue;
    std::swap(changed[i], changed[i - 1]);
    CHECK(!checkpoint::parse(changed).has_value());
    std::swap(changed[i], changed[i - 1]);
  }
  for (std::size_t first = 0; first < bytes.size(); first += 16) {
    std::fill_n(changed.begin() + static_cast<std::ptrdiff_t>(first),
                std::min<std::size_t>(64, bytes.size() - first), std::byte{0});
    if (changed == bytes) continue;
    CHECK(!checkpoint::parse(changed).has_value());
    changed = bytes;
  }
  mt::philox random(3);
  for (int i = 0; i < sample_count(2000, 100000); ++i) {
    changed = bytes;
    for (std::uint32_t k = random.below(8) + 1; k > 0; --k) {
      changed[random.below(static_cast<std::uint32_t>(bytes.size()))] ^=
          static_cast<std::byte>(1 + random.below(255));
    }
    if (changed != bytes) CHECK(!checkpoint::parse(changed).has_value());
  }
}

TEST_CASE("another version is refused as such, and other files are no checkpoints") {
  auto other = forged().add("a", 4);
  CHECK(checkpoint::parse(other.bytes()).has_value());
  other.version = 2;
  CHECK(refusal(other.bytes()).code == mt::errc::unsupported);
  CHECK(refusal(other.bytes()).found == "version 2");
  other.version = 1;
  other.magic = "MULTCKPS";
  CHECK(refusal(other.bytes()).code == mt::errc::malformed);
  CHECK(refusal(std::vector<std::byte>(1000)).code == mt::errc::malformed);
}

TEST_CASE("a table that lies is refused although its checksum is right") {
  const auto good = forged().add("a", 4).add("b", 100).add("", 0);
  REQUIRE(checkpoint::parse(good.bytes()).has_value());
  const auto lie = [&](auto change) {
    forged f = good;
    change(f);
    return refusal(f.bytes()).code;
  };
  using mt::errc;
  constexpr std::uint64_t most = ~std::uint64_t{0};
  for (const std::uint64_t size :
       {std::uint64_t{129}, std::uint64_t{1} << 40, most - 63, most - 100, most}) {
    CHECK(lie([&](forged& f) { f.entries[1].size = size; }) == errc::truncated);
  }
  for (const std::uint64_t size : {std::uint64_t{99}, std::uint64_t{101}}) {
    CHECK(lie([&](forged& f) { f.entries[1].size = size; }) == errc::malformed);
  }
  CHECK(lie([](forged& f) { f.entries[2].size = 1; }) == errc::truncated);
  for (const std::uint64_t size : {std::uint64_t{1} << 40, most}) {
    CHECK(lie([&](forged& f) { f.entries[0].name_size = size; }) == errc::malformed);
  }
  CHECK(lie([](forged& f) { f.entries[2].name_size = 1; }) == errc::malformed);
  CHECK(lie([](forged& f) { f.n_sections = 4; }) == errc::malformed);
  CHECK(lie([](forged& f) { f.n_sections = 0xFFFFFFFF; }) == errc::malformed);
  CHECK(lie([](forged& f) { f.n_sections = 2; }) == errc::malformed);
  forged cut = good;
  cut.entries[2].name_size = 1;
  CHECK(refusal(cut.bytes()).found == "a table that ends in a name");
  cut = good;
  cut.n_sections = 4;
  for (cut.extra_table_bytes = 0; cut.extra_table_bytes < 24; ++cut.extra_table_bytes) {
    CHECK(refusal(cut.bytes()).found == "a table that ends in an entry");
  }
  CHECK(lie([](forged& f) { f.extra_table_bytes = 10; }) == errc::malformed);
  CHECK(lie([](forged& f) { f.entries[1].name = "a"; }) == errc::malformed);
  CHECK(lie([](forged& f) { f.entries[0].checksum ^= 1; }) == errc::malformed);
  CHECK(lie([](forged& f) { f.data.push_back(std::byte{0}); }) == errc::malformed);
  CHECK(lie([](forged& f) { f.data[63] = std::byte{1}; }) == errc::malformed);
  const auto name = refusal(forged().add("a\n\x7F", 1).add("a\n\x7F", 1).bytes()).place;
  CHECK(name == "forged, section a??");
}

TEST_CASE("a path that cannot be read or written is an error with the system's words") {
  const scratch s;
  checkpoint_writer out;
  out.add("a", 1);
  CHECK(out.save(s.path("no/such")).error().code == mt::errc::io_failure);
  CHECK(checkpoint::read(s.path("none")).error().code == mt::errc::io_failure);
  CHECK(checkpoint::read(s.folder.string()).error().code == mt::errc::io_failure);
}

#if defined(__unix__)
TEST_CASE("a full disk is an error that leaves the old checkpoint and nothing beside it") {
  const scratch s;
  const std::string path = s.path("c");
  const std::vector<float> weights(4000, 1.0f);
  checkpoint_writer old, next;
  old.add("step", 1);
  next.add("step", 2);
  next.add("weights", std::span<const float>(weights));
  REQUIRE(old.save(path).has_value());
  rlimit unlimited{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &unlimited) == 0);
  // A limit on file sizes fails writes in the middle, as a full disk does.
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  bool all_refused = true;
  bool all_old = true;
  for (const rlim_t room : {0u, 1u, 31u, 64u, 1000u, 16000u}) {
    rlimit small = unlimited;
    small.rlim_cur = room;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
    const auto refused = next.save(path);
    REQUIRE(setrlimit(RLIMIT_FSIZE, &unlimited) == 0);
    all_refused &= !refused.has_value() && refused.error().code == mt::errc::io_failure;
    all_old &= *read(path).number<int>("step") == 1 && s.n_entries() == 1;
  }
  std::signal(SIGXFSZ, old_handler);
  CHECK(all_refused);
  CHECK(all_old);
  REQUIRE(next.save(path).has_value());
  CHECK(*read(path).number<int>("step") == 2);
}

namespace {

/// Saves one checkpoint after the other, until somebody ends it.
[[noreturn]] void save_for_ever(const std::string& path, std::uint32_t step) {
  std::vector<std::uint32_t> state(100000);
  for (;;) {
    ++step;
    std::iota(state.begin(), state.end(), step);
    checkpoint_writer out;
    out.add("step", step);
    out.add("state", std::span<const std::uint32_t>(state));
    if (!out.save(path)) _exit(1);
  }
}

}  // namespace

TEST_CASE("a writer that is killed at any moment leaves a whole checkpoint, never an older one") {
  const scratch s;
  const std::string path = s.path("c");
  mt::philox random(std::random_device{}());
  std::uint32_t step = 0;
  int n_halfway = 0;
  for (int i = 0; i < sample_count(10, 100); ++i) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) save_for_ever(path, step);
    std::this_thread::sleep_for(std::chrono::microseconds(2000 + random.below(20000)));
    REQUIRE(kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    n_halfway += s.n_entries() - fs::exists(path) > 0;
    if (step == 0 && !fs::exists(path)) continue;
    const checkpoint c = read(path);
    const auto found = *c.number<std::uint32_t>("step");
    CHECK(found >= step);
    step = found;
    std::vector<std::uint32_t> wanted(100000);
    std::iota(wanted.begin(), wanted.end(), step);
    CHECK(std::ranges::equal(*c.numbers<std::uint32_t>("state"), wanted));
  }
  MESSAGE("steps " << step << ", killed while writing " << n_halfway);
  checkpoint_writer out;
  out.add("step", step);
  REQUIRE(out.save(path).has_value());
  CHECK(s.n_entries() == 1);
}
#endif
