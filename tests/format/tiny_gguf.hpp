// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/format/gguf_reader.hpp>
#include <multitudes/format/gguf_writer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace multitudes_test {

/// A GGUF file written field by field, so that it may be wrong in any way.
class raw_gguf {
 public:
  explicit raw_gguf(std::uint64_t n_tensors, std::uint64_t n_keys, std::uint32_t version = 3) {
    raw("GGUF");
    number(version);
    number(n_tensors);
    number(n_keys);
  }
  template <class T>
  raw_gguf& number(T x) {
    const auto* from = reinterpret_cast<const std::byte*>(&x);
    bytes_.insert(bytes_.end(), from, from + sizeof(T));
    return *this;
  }
  raw_gguf& raw(std::string_view text) {
    for (const char c : text) bytes_.push_back(static_cast<std::byte>(c));
    return *this;
  }
  raw_gguf& text(std::string_view s) { return number(std::uint64_t{s.size()}).raw(s); }
  raw_gguf& key(std::string_view s, multitudes::gguf::value_type type) {
    return text(s).number(static_cast<std::uint32_t>(type));
  }
  raw_gguf& array_head(std::uint32_t type, std::uint64_t n) { return number(type).number(n); }
  raw_gguf& tensor(std::string_view name, const std::vector<std::uint64_t>& dims,
                   std::uint32_t type, std::uint64_t offset) {
    text(name).number(static_cast<std::uint32_t>(dims.size()));
    for (const std::uint64_t d : dims) number(d);
    return number(type).number(offset);
  }
  raw_gguf& pad(std::size_t alignment = 32) {
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment);
    return *this;
  }
  raw_gguf& zeros(std::size_t n) {
    bytes_.resize(bytes_.size() + n);
    return *this;
  }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }
  [[nodiscard]] multitudes::expected<multitudes::gguf::file> parse() const {
    return multitudes::gguf::file::parse(bytes_, "test.gguf");
  }

 private:
  std::vector<std::byte> bytes_;
};

/// Touches everything that a file gives out; sanitizers watch. The sum keeps it from being
/// optimized away.
inline std::uint64_t walk(const multitudes::gguf::file& f) {
  std::uint64_t sum = f.version() + f.alignment() + f.size_bytes();
  const auto add_bytes = [&sum](auto bytes) {
    for (const auto b : bytes) sum = sum * 31 + static_cast<unsigned char>(b);
  };
  for (const auto& [key, content] : f.metadata()) {
    add_bytes(key);
    add_bytes(content.payload());
    if (f.find(key) != &content) sum += 1;
    if (const auto x = content.as_unsigned()) sum += *x;
    if (const auto x = content.as_integer()) sum += static_cast<std::uint64_t>(*x);
    if (const auto x = content.as_real()) sum += *x > 0.0;
    if (const auto x = content.as_bool()) sum += *x;
    if (const auto x = content.as_string()) add_bytes(*x);
    if (const auto x = content.as_strings()) {
      for (const auto s : *x) add_bytes(s);
    }
    if (const auto x = content.as_bools()) add_bytes(*x);
    if (const auto x = content.as_reals<float>()) sum += x->size();
    if (const auto x = content.as_integers<std::int32_t>()) sum += x->size();
    sum += content.describe().size();
  }
  for (const auto& t : f.tensors()) {
    add_bytes(t.name);
    add_bytes(t.data);
    sum += t.n_elements();
    if (f.find_tensor(t.name) != &t) sum += 1;
  }
  return sum;
}

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& v) {
  return std::as_bytes(std::span(v));
}

}  // namespace multitudes_test
