// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;
using strings = std::vector<std::string>;

constexpr std::size_t max_columns = 100;
constexpr std::size_t max_header_lines = 400;

struct rules {
  std::map<std::string, std::set<std::string>> may_include;  // by folder, or a top-level header
  std::set<std::string> long_files;
};

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

strings lines_of(const std::string& text) {
  strings lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// The words between backticks.
strings backticked(std::string_view cell) {
  strings words;
  for (;;) {
    const std::size_t open = cell.find('`');
    if (open == cell.npos) return words;
    const std::size_t close = cell.find('`', open + 1);
    if (close == cell.npos) return words;
    words.emplace_back(cell.substr(open + 1, close - open - 1));
    cell.remove_prefix(close + 1);
  }
}

rules parse_rules(const std::string& page) {
  rules result;
  bool in_long_files = false;
  for (const std::string& line : lines_of(page)) {
    if (line.starts_with("| longer file ")) in_long_files = true;
    if (!line.starts_with("| `")) continue;
    const std::size_t first = line.find('|', 1);
    const std::size_t last = line.rfind('|', line.size() - 2);
    const std::string name = backticked(line.substr(0, first)).at(0);
    if (in_long_files) {
      const bool has_reason = line.find_first_not_of(" |", first) != line.npos;
      if (has_reason) result.long_files.insert(name);
    } else {
      const strings allowed = backticked(line.substr(last));
      result.may_include[name] = {allowed.begin(), allowed.end()};
    }
  }
  return result;
}

/// The folder of `model/detail/x.hpp` is `model`; a top-level header is its own.
std::string folder_of(const std::string& header) { return header.substr(0, header.find('/')); }

/// What a line includes, without the brackets or quotes; empty if it includes nothing.
std::string included_by(std::string_view line) {
  const std::size_t hash = line.find_first_not_of(" \t");
  if (hash == line.npos || line[hash] != '#') return {};
  const std::size_t word = line.find_first_not_of(" \t", hash + 1);
  if (word == line.npos || !line.substr(word).starts_with("include")) return {};
  const std::size_t open = line.find_first_of("<\"", word);
  if (open == line.npos) return {};
  const std::size_t close = line.find_first_of(">\"", open + 1);
  if (close == line.npos) return {};
  return std::string(line.substr(open + 1, close - open - 1));
}

std::size_t columns(std::string_view line) {
  return static_cast<std::size_t>(std::count_if(
      line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; }));
}

bool is_intrinsics_header(const std::string& name) {
  return name.ends_with("intrin.h") || name == "arm_neon.h" || name == "arm_sve.h";
}

/// Why `header` may not include `name`; empty if it may.
std::string include_problem(const rules& r, const std::string& header, const std::string& name) {
  const std::string folder = folder_of(header);
  if ((name.starts_with("xsimd") || is_intrinsics_header(name)) && folder != "simd") {
    return "only simd includes " + name;
  }
  if ((name.starts_with("Eigen") || name.starts_with("eigen3")) && folder != "linalg")
    return "only linalg includes " + name;
  if (name == "iostream" || name == "regex") return name + " costs every user compile time";
  if (!name.starts_with("multitudes/")) {
    const bool relative = name.find(".hpp") != name.npos && name.find('/') == name.npos;
    return relative ? "headers are included as <multitudes/...>, not " + name : std::string();
  }
  const std::string target = name.substr(std::string("multitudes/").size());
  const std::string target_folder = folder_of(target);
  if (target_folder == folder) return {};
  if (target.find("/detail/") != target.npos) return target + " is for its own folder alone";
  if (target_folder == "config" || (target_folder == "core" && folder != "config")) return {};
  if (r.may_include.at(folder).contains(target_folder)) return {};
  return folder + " may not include " + target_folder + " (docs/layers.md)";
}

/// A word that the library does without: it never throws, prints or aborts. Compiling without
/// exceptions misses templates that nobody instantiates.
std::string forbidden_word(std::string_view line) {
  static const std::set<std::string, std::less<>> words{
      "throw", "try",  "catch",  "dynamic_cast", "typeid",  "abort", "terminate",
      "exit",  "puts", "printf", "fprintf",      "putchar", "cout",  "cerr"};
  bool in_text = false;
  std::string word;
  for (std::size_t i = 0; i <= line.size(); ++i) {
    const char c = i < line.size() ? line[i] : ' ';
    const bool in_word = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
    if (in_word && !in_text) {
      word += c;
      continue;
    }
    if (words.contains(word)) return word;
    word.clear();
    if (c == '"' && (i == 0 || line[i - 1] != '\\')) in_text = !in_text;
    if (!in_text && line.substr(i).starts_with("//")) break;
  }
  return {};
}

/// Everything that is wrong with one source file, except for its includes.
strings text_problems(const std::string& text) {
  strings problems;
  const strings lines = lines_of(text);
  if (lines.empty() || lines[0] != "// SPDX-License-Identifier: MIT") {
    problems.push_back("line 1 is not the SPDX line");
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (columns(lines[i]) > max_columns) {
      problems.push_back("line " + std::to_string(i + 1) + " is longer than 100 columns");
    }
  }
  return problems;
}

/// Everything that is wrong with one header, named from `include/multitudes/` on.
strings header_problems(const rules& r, const std::string& header, const std::string& text) {
  if (!r.may_include.contains(folder_of(header))) return {"not in the table of docs/layers.md"};
  strings problems = text_problems(text);
  const strings lines = lines_of(text);
  const bool is_text = header.ends_with(".inc");  // included more than once, by design
  if (!is_text && (lines.size() < 2 || lines[1] != "#pragma once")) {
    problems.push_back("line 2 is not #pragma once");
  }
  if (lines.size() > max_header_lines && !r.long_files.contains(header)) {
    problems.push_back("longer than 400 lines, without a reason in docs/layers.md");
  }
  if (lines.size() <= max_header_lines && r.long_files.contains(header)) {
    problems.push_back("listed as a longer file in docs/layers.md, but is not");
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::string problem;
    if (const std::string name = included_by(lines[i]); !name.empty()) {
      problem = include_problem(r, header, name);
    } else if (lines[i].starts_with("#define MULTITUDES_") && folder_of(header) != "config") {
      problem = "MULTITUDES_ macros are defined in config only";
    } else if (const std::string word = forbidden_word(lines[i]); !word.empty()) {
      problem = "the library does without `" + word + "`";
    }
    if (!problem.empty()) problems.push_back("line " + std::to_string(i + 1) + ": " + problem);
  }
  return problems;
}

/// The headers in `files` that following includes from `starts` does not reach.
strings unreached(const std::map<std::string, std::string>& files, const strings& starts) {
  std::set<std::string> seen(starts.begin(), starts.end());
  strings queue = starts;
  while (!queue.empty()) {
    const auto file = files.find(queue.back());
    queue.pop_back();
    if (file == files.end()) continue;
    for (const std::string& line : lines_of(file->second)) {
      const std::string name = included_by(line);
      if (!name.starts_with("multitudes/")) continue;
      const std::string target = name.substr(std::string("multitudes/").size());
      if (seen.insert(target).second) queue.push_back(target);
    }
  }
  strings missing;
  for (const auto& [header, text] : files) {
    if (!seen.contains(header)) missing.push_back(header);
  }
  return missing;
}

const fs::path source_dir = MULTITUDES_SOURCE_DIR;

std::map<std::string, std::string> all_headers() {
  const fs::path root = source_dir / "include" / "multitudes";
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    files[entry.path().lexically_relative(root).generic_string()] = read(entry.path());
  }
  return files;
}

rules project_rules() { return parse_rules(read(source_dir / "docs" / "layers.md")); }

const std::string good_start = "// SPDX-License-Identifier: MIT\n#pragma once\n";

}  // namespace

TEST_CASE("the table of layers is read completely") {
  const rules r = project_rules();
  for (const char* folder :
       {"config", "core",    "simd",     "linalg",         "stats",    "report",     "format",
        "text",   "persona", "steering", "model",          "generate", "extract",    "observe",
        "train",  "npc",     "lab",      "multitudes.hpp", "lab.hpp",  "persona.hpp"}) {
    CHECK_MESSAGE(r.may_include.contains(folder), folder);
  }
  CHECK(r.may_include.size() == 20);
  CHECK(r.may_include.at("persona") == std::set<std::string>{"simd", "linalg"});
  CHECK(r.may_include.at("text").empty());
  for (const auto& [folder, allowed] : r.may_include) {
    for (const std::string& name : allowed) CHECK_MESSAGE(r.may_include.contains(name), name);
  }
}

TEST_CASE("the table has no circles") {
  const rules r = project_rules();
  std::set<std::string> settled{"config", "core"};
  for (std::size_t before = 0; before != settled.size();) {
    before = settled.size();
    for (const auto& [folder, allowed] : r.may_include) {
      if (std::includes(settled.begin(), settled.end(), allowed.begin(), allowed.end())) {
        settled.insert(folder);
      }
    }
  }
  for (const auto& row : r.may_include) CHECK_MESSAGE(settled.contains(row.first), row.first);
}

TEST_CASE("every header keeps to its layer") {
  const rules r = project_rules();
  const auto headers = all_headers();
  CHECK(headers.size() > 10);
  for (const auto& [header, text] : headers) {
    for (const std::string& problem : header_problems(r, header, text)) {
      FAIL_CHECK("include/multitudes/" << header << ": " << problem);
    }
  }
}

TEST_CASE("every header is reached from multitudes.hpp, or from lab.hpp") {
  for (const std::string& header : unreached(all_headers(), {"multitudes.hpp", "lab.hpp"})) {
    FAIL_CHECK("include/multitudes/" << header << ": reached from neither");
  }
}

TEST_CASE("every source file names its license and keeps to 100 columns") {
  for (const char* folder : {"tests", "bench", "examples"}) {
    for (const auto& entry : fs::recursive_directory_iterator(source_dir / folder)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".cpp" && extension != ".hpp") continue;
      for (const std::string& problem : text_problems(read(entry.path()))) {
        FAIL_CHECK(entry.path().string() << ": " << problem);
      }
    }
  }
}

TEST_CASE("the checker accepts what the table allows") {
  const rules r = project_rules();
  CHECK(header_problems(r, "persona/a.hpp", good_start + "#include <multitudes/simd/dot.hpp>\n")
            .empty());
  CHECK(header_problems(r, "persona/a.hpp", good_start + "#include <multitudes/core/error.hpp>\n")
            .empty());
  CHECK(header_problems(r, "simd/a.hpp", good_start + "#include <xsimd/xsimd.hpp>\n").empty());
  CHECK(header_problems(r, "linalg/a.hpp", good_start + "#include <Eigen/Dense>\n").empty());
  CHECK(header_problems(r, "model/a.hpp",
                        good_start + "#include <multitudes/model/detail/b.hpp>\n#include <span>\n")
            .empty());
}

TEST_CASE("the checker reports each way to break a rule") {
  const rules r = project_rules();
  const auto count = [&](const std::string& header, const std::string& rest) {
    return header_problems(r, header, good_start + rest).size();
  };
  CHECK(count("persona/a.hpp", "#include <multitudes/model/weights.hpp>\n") == 1);
  CHECK(count("model/a.hpp", "#include <multitudes/persona/persona.hpp>\n") == 1);
  CHECK(count("core/a.hpp", "#include <multitudes/simd/dot.hpp>\n") == 1);
  CHECK(count("config/a.hpp", "#include <multitudes/core/error.hpp>\n") == 1);
  CHECK(count("lab/a.hpp", "#include <multitudes/npc/mind.hpp>\n") == 1);
  CHECK(count("text/a.hpp", "  #  include \"multitudes/format/gguf.hpp\"\n") == 1);
  CHECK(count("generate/a.hpp", "#include <multitudes/model/detail/b.hpp>\n") == 1);
  CHECK(count("model/a.hpp", "#include <multitudes/unheard/of.hpp>\n") == 1);
  CHECK(count("model/a.hpp", "#include <multitudes/multitudes.hpp>\n") == 1);
  CHECK(count("model/a.hpp", "#include \"weights.hpp\"\n") == 1);
  CHECK(count("model/a.hpp", "#include <xsimd/xsimd.hpp>\n") == 1);
  CHECK(count("model/a.hpp", "#include <immintrin.h>\n") == 1);
  CHECK(count("stats/a.hpp", "#include <Eigen/Dense>\n") == 1);
  CHECK(count("core/a.hpp", "#include <iostream>\n") == 1);
  CHECK(count("core/a.hpp", "#define MULTITUDES_X 1\n") == 1);
  CHECK(count("unheard/a.hpp", "") == 1);
  CHECK(count("core/a.hpp", "if (x) throw error();\n") == 1);
  CHECK(count("core/a.hpp", "std::abort();\n") == 1);
  CHECK(count("core/a.hpp", "// what we throw away\nint throws; say(\"try \\\" again\");\n") == 0);
  CHECK(count("core/a.hpp", "// " + std::string(97, 'x') + "\n") == 0);
  CHECK(count("core/a.hpp", "// " + std::string(98, 'x') + "\n") == 1);
  CHECK(count("core/a.hpp", std::string(398, '\n')) == 0);
  CHECK(count("core/a.hpp", std::string(399, '\n')) == 1);
  CHECK(header_problems(r, "core/a.hpp", "#pragma once\n").size() == 2);
  CHECK(header_problems(r, "simd/a.inc", "// SPDX-License-Identifier: MIT\n").empty());

  rules excused = r;
  excused.long_files = {"core/a.hpp"};
  CHECK(header_problems(excused, "core/a.hpp", good_start + std::string(399, '\n')).empty());
  CHECK(header_problems(excused, "core/a.hpp", good_start).size() == 1);
}

TEST_CASE("the checker reports headers that nobody reaches") {
  const std::map<std::string, std::string> files{
      {"multitudes.hpp", "#include <multitudes/core/a.hpp>\n"},
      {"core/a.hpp", "#include <multitudes/core/b.hpp>\n"},
      {"core/b.hpp", ""},
      {"core/lonely.hpp", "#include <multitudes/core/a.hpp>\n"}};
  CHECK(unreached(files, {"multitudes.hpp"}) == strings{"core/lonely.hpp"});
}
