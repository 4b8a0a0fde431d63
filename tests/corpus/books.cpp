// SPDX-License-Identifier: MIT
#include "examples/corpus/bag_of_words.hpp"
#include "examples/corpus/labels.hpp"
#include "tests/support/shared_data.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

namespace {

using namespace corpus;

const std::string data = MULTITUDES_SOURCE_DIR "/examples/data/corpus";

/// A folder that is gone when the test is.
struct folder {
  std::filesystem::path path;

  explicit folder(const char* name)
      : path(std::filesystem::temp_directory_path() / (std::string("multitudes_corpus_") + name)) {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { std::filesystem::remove_all(path); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path / name, std::ios::binary) << text;
  }
};

/// A work of `n` paragraphs of its own words, wrapped, with a heading before every tenth.
std::string some_work(const std::string& word, int n) {
  std::string text;
  for (int i = 0; i < n; ++i) {
    if (i % 10 == 0) text += "\n\nCHAPTER " + std::to_string(i / 10 + 1) + "\n";
    text += "\n\n";
    for (int line = 0; line < 6; ++line) {
      text +=
          word + " number " + std::to_string(i) + " goes on for as long as a line of a page does\n";
    }
  }
  return text;
}

std::string all_of(const std::vector<paragraph>& paragraphs) {
  std::string text;
  for (const paragraph& p : paragraphs) text += (p.heading ? "# " : "") + p.text + "|";
  return text;
}

}  // namespace

TEST_CASE("wrapped prose is joined, and what stops well before the margin keeps its lines") {
  const std::string text =
      "Chapter 1\n\n"
      "It was a long line that went on until the margin of the page came--\n"
      "and then the next line was as long as the one before, or nearly so,\n"
      "and ended.\n\n"
      "    Tiger, tiger,\n    burning bright,\n    in the night\n\n"
      "Another paragraph that also goes on until the margin of the page is\n"
      "reached.\n";
  CHECK(guess_layout(text) == layout::wrapped);
  CHECK(all_of(paragraphs_of(text, layout::wrapped)) ==
        "# Chapter 1|It was a long line that went on until the margin of the page came--and then "
        "the next line was as long as the one before, or nearly so, and ended.|"
        "Tiger, tiger,\nburning bright,\nin the night|"
        "Another paragraph that also goes on until the margin of the page is reached.|");
}

TEST_CASE("verse keeps its lines, but for those that the page was too narrow for") {
  const std::string text =
      "BOOK I.\n\nShe sings of arms,\nAnd of the man that bore the heavy arms over land and sea "
      "to\n"
      "    the end,\nAnd rests.\n";
  CHECK(guess_layout(text) == layout::verse);
  CHECK(all_of(paragraphs_of(text, layout::verse)) ==
        "# BOOK I.|She sings of arms,\nAnd of the man that bore the heavy arms over land and sea "
        "to the end,\nAnd rests.|");
}

TEST_CASE("line ends, quotes and dashes are the same in all files") {
  CHECK(
      tidied("\xEF\xBB\xBF\xE2\x80\x9CIt\xE2\x80\x99s  late,\xE2\x80\x9D  \r\nhe\tsaid\xE2\x80\x94"
             "caf\xC3\xA9\r  in\n") == "\"It's late,\"\nhe said--caf\xC3\xA9\n  in\n");
}

TEST_CASE("only the text between the marks of Project Gutenberg is read") {
  CHECK(without_boilerplate("License\n*** START OF THE BOOK ***\nText.\n*** END OF IT ***\nMore") ==
        "Text.\n");
  CHECK(without_boilerplate("*** START OF nothing") == "");
  CHECK(without_boilerplate("Text.") == "Text.");
}

TEST_CASE("texts are cut where it shows least") {
  const std::string text = "Hello, Mr. Smith. How are you? Well";
  CHECK(text.substr(0, cut_length(text, 1, 20)) == "Hello, Mr. Smith. ");
  CHECK(text.substr(0, cut_length(text, 1, 14)) == "Hello, Mr. ");  // a word, for lack of more
  CHECK(cut_length("One end. Then Mr. Smith", 1, 18) == 9);
  CHECK(cut_length(text, 1, 100) == text.size());
  const std::string accents = "\xC3\xA9\xC3\xA9\xC3\xA9";
  CHECK(cut_length(accents, 1, 3) == 2);
}

TEST_CASE("any folder of texts is read, with its file names as labels") {
  const folder f("any");
  f.write("b_writer.txt", some_work("beta", 300));
  f.write("a_writer.txt", some_work("alpha", 200));
  f.write("notes.md", "not a text");
  const auto books = read_shelf(f.path.string());
  REQUIRE(books);
  REQUIRE(books->works.size() == 2);
  CHECK(books->works[0].author == "a_writer");
  CHECK(books->works[1].title == "b_writer");
  std::map<std::size_t, std::pair<int, int>> counts;
  for (const chunk& c : books->chunks) {
    CHECK(c.text.size() <= 5000);
    CHECK(c.text.find(c.work == 0 ? "alpha" : "beta") != std::string::npos);
    CHECK(c.text.find(c.work == 0 ? "beta" : "alpha") == std::string::npos);
    ++(c.part == split::held_out ? counts[c.work].second : counts[c.work].first);
  }
  for (const auto& [work, n] : counts) {
    const double share = static_cast<double>(n.second) / (n.first + n.second);
    CHECK(share > 0.02);
    CHECK(share < 0.1);
  }

  f.write("manifest", "b_writer.txt | Bea | Words | - | verse | American | 7\n");
  const auto labeled = read_shelf(f.path.string(), {.manifest = (f.path / "manifest").string()});
  REQUIRE(labeled);
  CHECK(labeled->works[0].author == "a_writer");
  CHECK(labeled->works[1].author == "Bea");
  CHECK(labeled->works[1].year.empty());
}

TEST_CASE("a folder that cannot be read is an error that says so") {
  const folder f("bad");
  auto none = read_shelf(f.path.string());
  REQUIRE(!none);
  CHECK(none.error().code == multitudes::errc::not_found);
  CHECK(none.error().message().find(".txt") != std::string::npos);
  CHECK(!read_shelf((f.path / "absent").string()));
  f.write("a.txt", "text");
  f.write("manifest", "a.txt | only three | fields\n");
  auto malformed = read_shelf(f.path.string(), {.manifest = (f.path / "manifest").string()});
  REQUIRE(!malformed);
  CHECK(malformed.error().code == multitudes::errc::malformed);
}

TEST_CASE("paragraphs with words to leave out are left out whole") {
  shelf books;
  add_work(books, {.file = "x", .author = "x", .title = "x"},
           "One bad Wording here.\n\nSwording is fine.\n", {.leave_out = {"word"}});
  REQUIRE(books.chunks.size() == 1);
  CHECK(books.chunks[0].text == "Swording is fine.");
}

TEST_CASE("windows cover their chunk, change with the pass, and never show what is held out") {
  const folder f("windows");
  f.write("writer.txt", some_work("omega", 400));
  const auto books = read_shelf(f.path.string());
  REQUIRE(books);
  std::set<std::string> held;
  std::size_t bytes = 0;
  for (const chunk& c : books->chunks) {
    if (c.part == split::train) {
      bytes += c.text.size();
      continue;
    }
    for (std::size_t at = c.text.find("number "); at != std::string::npos;
         at = c.text.find("number ", at + 1)) {
      held.insert(c.text.substr(at, c.text.find(' ', at + 7) - at + 1));
    }
  }
  REQUIRE(!held.empty());
  const auto first = windows(*books, split::train, 1, 0, {.labeled_share = 0});
  std::size_t seen = 0;
  for (const document& d : first) {
    seen += d.text.size();
    CHECK(d.text.size() <= 850);
    CHECK(d.style == "writer");
  }
  CHECK(static_cast<double>(seen) > 0.98 * static_cast<double>(bytes));
  // A paragraph at the edge of a held-out chunk may be cut in two; all others are whole.
  std::size_t leaks = 0;
  for (const std::string& h : held) {
    for (const document& d : first) leaks += d.text.find(h) != std::string::npos;
  }
  CHECK(leaks * 10 <= held.size());

  const auto again = windows(*books, split::train, 1, 0, {.labeled_share = 0});
  const auto other = windows(*books, split::train, 1, 1, {.labeled_share = 0});
  REQUIRE(again.size() == first.size());
  CHECK(again[3].text == first[3].text);
  CHECK(other[0].text != first[0].text);
  std::size_t named = 0;
  const auto labeled = windows(*books, split::train, 1, 0, {.labeled_share = 0.5f});
  for (const document& d : labeled) named += d.text.find("riter") != std::string::npos;
  const double share = static_cast<double>(named) / static_cast<double>(labeled.size());
  CHECK(share > 0.4);
  CHECK(share < 0.6);
}

TEST_CASE("whatever bytes a text has, reading it ends well") {
  philox random(5);
  for (int round = 0; round < 200; ++round) {
    std::string bytes(random.below(3000), ' ');
    for (char& c : bytes) {
      const std::uint32_t kind = random.below(8);
      c = kind == 0   ? '\n'
          : kind == 1 ? ' '
          : kind < 4  ? static_cast<char>(random.below(256))
                      : static_cast<char>('A' + random.below(60));
    }
    shelf books;
    add_work(books, {.file = "x", .author = "x", .title = "x"}, bytes, {});
    for (const chunk& c : books.chunks) CHECK(!c.text.empty());
    (void)windows(books, split::train, 1, 0);
  }
  shelf books;
  add_work(books, {.file = "x", .author = "x", .title = "x"}, std::string(1 << 20, 'a'), {});
  for (const chunk& c : books.chunks) CHECK(c.text.size() <= 5000);
}

TEST_CASE("the works of the manifest are read as what they are") {
  const auto sample = multitudes_test::shared_file("corpora/carroll_alice.txt");
  if (!sample) return;
  const auto texts = std::filesystem::path(*sample).parent_path().string();
  const auto manifest = read_manifest(data + "/works.txt");
  REQUIRE(manifest);
  CHECK(manifest->size() == 17);
  const auto guessed = read_shelf(texts);
  REQUIRE(guessed);
  for (const work& w : guessed->works) {
    for (const work& m : *manifest) {
      if (m.file == w.file) CHECK_MESSAGE(m.form == w.form, w.file);
    }
  }
  const auto books = read_shelf(texts, {.manifest = data + "/works.txt"});
  REQUIRE(books);
  bag_of_words judge;
  for (const chunk& c : books->chunks) {
    if (c.part == split::train) judge.learn(books->work_of(c).author, c.text);
  }
  REQUIRE(judge.fit());
  std::size_t n = 0, right = 0;
  for (const chunk& c : books->chunks) {
    if (c.part != split::held_out) continue;
    ++n;
    right += judge.name(c.text) == books->work_of(c).author;
  }
  CHECK(n > 150);
  MESSAGE(right << " of " << n << " held-out chunks are named by author");
  CHECK(right * 100 >= n * 97);
}
