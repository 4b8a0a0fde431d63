// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace multitudes_test {

/// The F32 tensors of a safetensors file that the tests trust, by name; empty if it cannot be
/// read. The file is: the header's length (8 bytes), the header (JSON without spaces), the data.
inline std::map<std::string, std::vector<float>> load_safetensors(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string file(std::istreambuf_iterator<char>(in), {});
  std::map<std::string, std::vector<float>> tensors;
  if (file.size() < 8) return tensors;
  std::uint64_t header_size = 0;
  std::memcpy(&header_size, file.data(), 8);
  const std::string header = file.substr(8, header_size);
  const std::string entry = ":{\"dtype\":\"F32\"";
  const std::string offsets = "\"data_offsets\":[";
  for (std::size_t at = header.find(entry); at != std::string::npos;
       at = header.find(entry, at + 1)) {
    const std::size_t quote = header.rfind('"', at - 2);
    const std::string name = header.substr(quote + 1, at - quote - 2);
    const std::size_t numbers = header.find(offsets, at) + offsets.size();
    const std::size_t first = std::stoull(header.substr(numbers));
    const std::size_t last = std::stoull(header.substr(header.find(',', numbers) + 1));
    std::vector<float> values((last - first) / sizeof(float));
    std::memcpy(values.data(), file.data() + 8 + header_size + first, last - first);
    tensors[name] = std::move(values);
  }
  return tensors;
}

}  // namespace multitudes_test
