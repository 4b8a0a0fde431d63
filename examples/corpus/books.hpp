// SPDX-License-Identifier: MIT
#pragma once

#include "document.hpp"
#include "plain_text.hpp"

#include <multitudes/core/expected.hpp>
#include <multitudes/extract/pairs.hpp>
#include <multitudes/format/file_bytes.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace corpus {

/// What is known of one file; without a manifest, its name stands for author and title.
struct work {
  std::string file{};
  std::string author{};
  std::string title{};
  std::string year{};
  std::string form{};      ///< "verse" or "prose"; read from the text where the manifest is silent
  std::string spelling{};  ///< "British", "American" or unknown
  std::string ebook{};     ///< its number at Project Gutenberg
};

/// A few pages of one work; held-out ones are for validation, and nothing else may learn of them.
struct chunk {
  std::size_t work;  ///< its place in `shelf::works`
  std::string text;
  split part = split::train;
};

/// A folder of texts, cut up.
struct shelf {
  std::vector<work> works;
  std::vector<chunk> chunks;

  [[nodiscard]] const work& work_of(const chunk& c) const { return works[c.work]; }
};

struct shelf_options {
  std::string manifest{};                ///< a file of `work`s; empty: labels from file names
  std::vector<std::string> leave_out{};  ///< paragraphs with a word that starts so are dropped
  std::size_t least_bytes = 2000;        ///< of a chunk, where the work has as much
  std::size_t most_bytes = 5000;
  double held_out_share = 0.05;  ///< of each author's chunks, spread over the author's works
};

/// Reads a manifest: `file | author | title | year | verse or prose | spelling | ebook` a line,
/// `-` for what is not known.
///
/// Errors:  those of multitudes::read_records.
inline multitudes::expected<std::vector<work>> read_manifest(const std::string& path) {
  auto records = multitudes::read_records(path, 7);
  if (!records) return multitudes::forward_error(records);
  std::vector<work> works;
  for (auto& r : *records) {
    for (std::string& field : r) {
      if (field == "-") field.clear();
    }
    works.push_back({r[0], r[1], r[2], r[3], r[4], r[5], r[6]});
  }
  return works;
}

namespace detail {

/// True if a word of the text starts with one of the (small-letter) beginnings.
inline bool has_word_from(std::string_view text, const std::vector<std::string>& beginnings) {
  if (beginnings.empty()) return false;
  const auto small = [](char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i > 0 && is_lower(small(text[i - 1]))) continue;
    for (const std::string& word : beginnings) {
      if (text.size() - i < word.size() || word.empty()) continue;
      if (std::equal(word.begin(), word.end(), text.begin() + static_cast<std::ptrdiff_t>(i),
                     [&](char a, char b) { return a == small(b); })) {
        return true;
      }
    }
  }
  return false;
}

/// Whole chapters where they fit, small ones together, long ones cut where it shows least.
inline std::vector<std::string> chunks_of(const std::vector<paragraph>& paragraphs,
                                          const shelf_options& options) {
  std::vector<std::string> sections;
  for (const paragraph& p : paragraphs) {
    if (has_word_from(p.text, options.leave_out)) continue;
    if (sections.empty() || (p.heading && sections.back().size() >= options.least_bytes)) {
      sections.emplace_back();
    }
    std::string& section = sections.back();
    if (!section.empty()) section += "\n\n";
    section += p.text;
  }
  // "THE END" is no chapter.
  if (sections.size() > 1 && sections.back().size() * 4 < options.least_bytes) {
    sections[sections.size() - 2] += "\n\n" + sections.back();
    sections.pop_back();
  }
  std::vector<std::string> chunks;
  for (const std::string& section : sections) {
    std::string_view rest = section;
    while (!rest.empty()) {
      // Equal shares, so that no crumb is left at a chapter's end.
      const std::size_t n = (rest.size() + options.most_bytes - 1) / options.most_bytes;
      const std::size_t most = std::min(options.most_bytes, rest.size() / n + rest.size() / n / 8);
      const std::size_t length = n < 2 ? rest.size() : cut_length(rest, most / 2, most);
      chunks.emplace_back(trimmed(rest.substr(0, length)));
      rest.remove_prefix(length);
    }
  }
  std::erase(chunks, "");
  return chunks;
}

/// Marks every author's share of chunks, evenly spaced; an author of fewer than four keeps all
/// for training.
inline void hold_out(shelf& books, double share) {
  std::map<std::string_view, std::vector<chunk*>> of_author;
  for (chunk& c : books.chunks) of_author[books.works[c.work].author].push_back(&c);
  for (auto& [author, chunks] : of_author) {
    if (chunks.size() < 4 || share <= 0) continue;
    const double n = static_cast<double>(chunks.size());
    const auto held = std::max<std::size_t>(1, static_cast<std::size_t>(n * share + 0.5));
    for (std::size_t i = 0; i < held; ++i) {
      chunks[(2 * i + 1) * chunks.size() / (2 * held)]->part = split::held_out;
    }
  }
}

inline multitudes::error shelf_error(const std::string& folder, std::string found) {
  return {.code = multitudes::errc::not_found,
          .operation = "read texts",
          .place = folder,
          .found = std::move(found),
          .expected = "a folder with files that end in .txt",
          .remedy = "put one plain text file a work there; the file's name is the author's label"};
}

inline multitudes::expected<std::vector<std::filesystem::path>> text_files(
    const std::string& folder) {
  std::error_code problem;
  std::filesystem::directory_iterator entries(folder, problem);
  if (problem) return multitudes::fail(shelf_error(folder, problem.message()));
  std::vector<std::filesystem::path> files;
  for (; entries != std::filesystem::directory_iterator(); entries.increment(problem)) {
    if (problem) return multitudes::fail(shelf_error(folder, problem.message()));
    if (entries->path().extension() == ".txt" && entries->is_regular_file(problem)) {
      files.push_back(entries->path());
    }
  }
  if (files.empty()) return multitudes::fail(shelf_error(folder, "none"));
  std::sort(files.begin(), files.end());  // the folder's own order is different everywhere
  return files;
}

}  // namespace detail

/// Adds one work to the shelf, from the bytes of its file.
///
/// Cost:    linear in the text.
inline void add_work(shelf& books, work about, std::string_view bytes,
                     const shelf_options& options) {
  const std::string_view body = without_boilerplate(bytes);
  std::string text = tidied(body);
  if (body.size() != bytes.size()) std::erase(text, '_');  // Project Gutenberg's italics
  const layout how = guess_layout(text);
  if (about.form.empty()) about.form = how == layout::verse ? "verse" : "prose";
  for (std::string& piece : detail::chunks_of(paragraphs_of(text, how), options)) {
    books.chunks.push_back({books.works.size(), std::move(piece), split::train});
  }
  books.works.push_back(std::move(about));
}

/// Reads every `*.txt` of a folder, in the order of their names.
///
/// Errors:  not_found if there is none; io_failure; those of read_manifest.
/// Cost:    linear in the files; they are in memory one at a time, their text all the time.
inline multitudes::expected<shelf> read_shelf(const std::string& folder,
                                              const shelf_options& options = {}) {
  std::vector<work> known;
  if (!options.manifest.empty()) {
    auto read = read_manifest(options.manifest);
    if (!read) return multitudes::forward_error(read);
    known = *std::move(read);
  }
  auto files = detail::text_files(folder);
  if (!files) return multitudes::forward_error(files);
  shelf books;
  for (const auto& path : *files) {
    const auto file = multitudes::file_bytes::read(path.string());
    if (!file) return multitudes::fail(file.error());
    const std::string name = path.stem().string();
    const auto entry = std::find_if(known.begin(), known.end(), [&](const work& w) {
      return w.file == path.filename().string();
    });
    work about = entry != known.end() ? *entry : work{.file = path.filename().string()};
    if (about.author.empty()) about.author = name;
    if (about.title.empty()) about.title = name;
    const auto bytes = file->bytes();
    add_work(books, std::move(about), {reinterpret_cast<const char*>(bytes.data()), bytes.size()},
             options);
  }
  detail::hold_out(books, options.held_out_share);
  return books;
}

}  // namespace corpus
