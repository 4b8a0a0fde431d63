// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/format/file_bytes.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes {

/// Two texts that differ in the trait that is to be learned, and in little else. Each may answer a
/// prompt, which comes first as it stands (end it with a space or a new line where one belongs).
struct contrast_pair {
  std::string positive;
  std::string negative;
  std::string positive_prompt{};
  std::string negative_prompt{};
};

/// Pairs made of labels: the same texts behind either prompt, e.g. "You are cheerful. " and "You
/// are gloomy. ". Read them with `read_position::mean_over_answer`: what then differs is what the
/// label does to the same words. Compare the direction with one from contrast texts before
/// trusting either: a small model may know how a trait sounds and not what it is called.
inline std::vector<contrast_pair> label_pairs(std::string_view positive_prompt,
                                              std::string_view negative_prompt,
                                              std::span<const std::string> texts) {
  std::vector<contrast_pair> pairs;
  for (const std::string& text : texts) {
    pairs.push_back({text, text, std::string(positive_prompt), std::string(negative_prompt)});
  }
  return pairs;
}

/// Reads records of text: a line each, fields separated by ` | `, `#` starts a comment line.
///
/// Errors:  io_failure; malformed, naming the line that has another number of fields.
inline expected<std::vector<std::vector<std::string>>> read_records(const std::string& path,
                                                                    std::size_t n_fields) {
  auto file = file_bytes::read(path);
  if (!file) return forward_error(file);
  const auto bytes = file->bytes();
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::vector<std::vector<std::string>> records;
  for (std::size_t line_number = 1; !rest.empty(); ++line_number) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    std::vector<std::string>& record = records.emplace_back();
    for (;;) {
      const std::size_t bar = line.find(" | ");
      record.emplace_back(line.substr(0, bar));
      if (bar == std::string_view::npos) break;
      line.remove_prefix(bar + 3);
    }
    if (record.size() != n_fields) {
      return fail({.code = errc::malformed,
                   .operation = "read records",
                   .place = path + ", line " + std::to_string(line_number),
                   .found = std::to_string(record.size()) + " fields",
                   .expected = std::to_string(n_fields),
                   .remedy = "separate fields by a bar between two spaces"});
    }
  }
  return records;
}

/// Reads pairs of contrasting texts, `positive | negative` on each line.
///
/// Errors:  those of read_records.
inline expected<std::vector<contrast_pair>> read_pairs(const std::string& path) {
  auto records = read_records(path, 2);
  if (!records) return forward_error(records);
  std::vector<contrast_pair> pairs;
  for (auto& record : *records) pairs.push_back({std::move(record[0]), std::move(record[1])});
  return pairs;
}

}  // namespace multitudes
