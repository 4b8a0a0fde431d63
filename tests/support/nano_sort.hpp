// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes_test {

/// A tensor of the sorting model; the last dimension is contiguous (PyTorch's order).
struct nano_tensor {
  std::vector<std::size_t> shape;
  std::vector<float> data;
};

/// Decodes base64 with padding.
inline std::string from_base64(std::string_view text) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t bits = 0;
  int n_bits = 0;
  for (const char c : text.substr(0, text.find('='))) {
    bits = bits << 6 | static_cast<std::uint32_t>(digits.find(c));
    n_bits += 6;
    if (n_bits < 8) continue;
    n_bits -= 8;
    bytes += static_cast<char>(bits >> n_bits & 0xFF);
  }
  return bytes;
}

/// The tensors of a gpt-nano-sort JSON file (the model or its activations) by name; empty if it
/// cannot be read. Each is `"name": {"shape": [..], "dtype": .., "data": "<base64 of float32>"}`.
inline std::map<std::string, nano_tensor> load_nano_sort(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string json(std::istreambuf_iterator<char>(in), {});
  std::map<std::string, nano_tensor> tensors;
  for (std::size_t at = json.find("\"shape\""); at != std::string::npos;
       at = json.find("\"shape\"", at + 1)) {
    const std::size_t name_end = json.rfind('"', json.rfind('{', at));
    const std::size_t name_start = json.rfind('"', name_end - 1) + 1;
    nano_tensor& t = tensors[json.substr(name_start, name_end - name_start)];
    const std::size_t close = json.find(']', at);
    for (std::size_t i = json.find('[', at) + 1; i < close; i = json.find_first_of(",]", i) + 1) {
      t.shape.push_back(std::stoull(json.substr(i, close - i)));
    }
    const std::string_view key = "\"data\"";
    const std::size_t data = json.find('"', json.find(key, close) + key.size()) + 1;
    const std::string bytes =
        from_base64(std::string_view(json).substr(data, json.find('"', data) - data));
    t.data.resize(bytes.size() / sizeof(float));
    std::memcpy(t.data.data(), bytes.data(), t.data.size() * sizeof(float));
  }
  return tensors;
}

}  // namespace multitudes_test
