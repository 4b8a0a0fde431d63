// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/arena.hpp>
#include <multitudes/core/checked_size.hpp>
#include <multitudes/core/checksum.hpp>
#include <multitudes/core/executor.hpp>
#include <multitudes/format/durable.hpp>
#include <multitudes/format/file_bytes.hpp>
#include <multitudes/model/pack.hpp>
#include <multitudes/simd/panel.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes::model {

// Matrices in panels as a file, to be mapped and multiplied with where they lie. Numbers are
// little-endian:
//
//   0   8 bytes "mtpanels"
//   8   u32 version of the file, u32 version of the panels (simd::panel_layout)
//   16  u64 bytes of the file, u64 id of the weights (weights::id)
//   32  u64 checksum of all else that precedes the matrices
//   40  24 bytes of 0
//   64  u64 checksum of each piece of the matrices: 1 MiB, or what is left of a matrix; then 0 up
//       to a multiple of 4096
//   …   the matrices, in the order of detail::for_each_tensor; a head that is the embedding only
//       once
//
// Shapes, formats and vectors are the model file's: nothing in here says where anything lies, so
// that nothing can say it wrongly.

namespace detail {

struct packed_header {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t panel_layout;
  std::uint64_t file_bytes;
  std::uint64_t weights_id;
  std::uint64_t checksum;
  std::array<std::uint64_t, 3> nothing;
};
static_assert(sizeof(packed_header) == 64);

inline constexpr std::array<char, 8> packed_magic = {'m', 't', 'p', 'a', 'n', 'e', 'l', 's'};
inline constexpr std::uint32_t packed_version = 1;

/// Where everything lies in the file of a model's matrices.
struct packed_plan {
  static constexpr std::size_t piece_bytes = std::size_t{1} << 20;
  static constexpr std::size_t page = 4096;

  struct piece {
    std::size_t matrix;  // index into `matrices`
    std::size_t first;   // byte of the matrix
    std::size_t count;
  };
  struct matrix {
    const std::byte* data;  // of the model that the plan is made for
    std::size_t offset;     // in the file
    std::size_t bytes;
  };

  std::vector<matrix> matrices;
  std::vector<piece> pieces;
  std::size_t head_bytes = 0;  // all that precedes the matrices
  std::size_t file_bytes = 0;

  /// Errors:  out_of_memory if the sizes cannot be counted.
  static expected<packed_plan> make(const weights& w) {
    packed_plan plan;
    checked_size in_all;
    for_each_tensor(
        w,
        [&](const simd::weight_matrix& m) {
          if (m.rows == 0 || plan.find(m.data) != nullptr) return;
          const checked_size bytes = checked_size(n_panels(m)) * checked_size(panel_bytes(m));
          in_all = in_all + bytes;
          plan.matrices.push_back({m.data, 0, bytes.get().value_or(0)});
        },
        [](std::span<const float>) {});
    if (!in_all.fits(std::size_t{1} << 56)) {
      return fail({.code = errc::out_of_memory,
                   .operation = "packed weights",
                   .place = {},
                   .found = "too large a model",
                   .expected = "a size that can be counted",
                   .remedy = {}});
    }
    for (std::size_t m = 0; m < plan.matrices.size(); ++m) {
      const std::size_t n = plan.matrices[m].bytes;
      for (std::size_t at = 0; at < n; at += piece_bytes) {
        plan.pieces.push_back({m, at, std::min(piece_bytes, n - at)});
      }
    }
    plan.head_bytes = (sizeof(packed_header) + 8 * plan.pieces.size() + page - 1) / page * page;
    plan.file_bytes = plan.head_bytes;
    for (matrix& m : plan.matrices)
      m.offset = std::exchange(plan.file_bytes, plan.file_bytes + m.bytes);
    return plan;
  }

  [[nodiscard]] const matrix* find(const std::byte* data) const noexcept {
    const auto found = std::find_if(matrices.begin(), matrices.end(),
                                    [&](const matrix& m) { return m.data == data; });
    return found == matrices.end() ? nullptr : &*found;
  }
};

/// The sum of what precedes the matrices, but for its own place.
inline std::uint64_t head_checksum(std::span<const std::byte> head) noexcept {
  constexpr std::size_t at = offsetof(packed_header, checksum);
  fingerprint_builder both;
  both.add(checksum(head.first(at))).add(checksum(head.subspan(at + 8)));
  return both.finish().value;
}

/// Whether a path has nothing yet, or what may be made anew: never a file of another kind, of which
/// this may be the only copy.
inline bool may_be_written(const std::string& path) {
  const auto there = file_bytes::map(path);
  if (!there || there->bytes().empty()) return true;
  const std::size_t n = std::min(packed_magic.size(), there->bytes().size());
  return std::memcmp(there->bytes().data(), packed_magic.data(), n) == 0;
}

}  // namespace detail

/// Writes the matrices of a packed model, so that the next program need not pack them again. A
/// crash leaves the old file or the new one, never half of it.
///
/// Errors:  invalid_argument if the weights are not in panels, or if the path has a file of another
///          kind; io_failure.
/// Cost:    sums all weights, shared among the workers, and writes as many bytes as they have.
template <executor E>
expected<void> write_packed(const std::string& path, const weights& packed, E& workers) {
  if (packed.embedding.layout != simd::weight_layout::panels) {
    return fail({.code = errc::invalid_argument,
                 .operation = "write packed weights",
                 .place = path,
                 .found = "weights by rows",
                 .expected = "weights in panels",
                 .remedy = "pack() them first"});
  }
  if (!detail::may_be_written(path)) {
    return fail({.code = errc::invalid_argument,
                 .operation = "write packed weights",
                 .place = path,
                 .found = "a file of another kind",
                 .expected = "nothing, or packed weights to replace",
                 .remedy = "choose another path"});
  }
  const auto plan = detail::packed_plan::make(packed);
  if (!plan) return fail(plan.error());
  std::vector<std::uint64_t> sums(plan->pieces.size());
  const auto one = [&](std::size_t i) {
    const auto& piece = plan->pieces[i];
    sums[i] = checksum({plan->matrices[piece.matrix].data + piece.first, piece.count});
  };
  workers.run(sums.size(), one);
  std::vector<std::byte> head(plan->head_bytes);
  detail::packed_header header{.magic = detail::packed_magic,
                               .version = detail::packed_version,
                               .panel_layout = simd::panel_layout,
                               .file_bytes = plan->file_bytes,
                               .weights_id = packed.id.value,
                               .checksum = 0,
                               .nothing = {}};
  std::memcpy(head.data(), &header, sizeof(header));
  if (!sums.empty()) std::memcpy(head.data() + sizeof(header), sums.data(), 8 * sums.size());
  header.checksum = detail::head_checksum(head);
  std::memcpy(head.data(), &header, sizeof(header));
  return write_file(path, [&](byte_sink take) {
    auto done = take(head);
    for (const auto& m : plan->matrices) {
      if (done) done = take({m.data, m.bytes});
    }
    return done;
  });
}

/// A model whose matrices are those of a packed file, where they lie in it; the rest is copied
/// from `model`, which is not needed any more. The numbers are those that `pack` would make.
///
/// Every byte of the file is summed before anything uses it. What cannot be seen is a model file
/// in which so few weights were changed by hand that its id stayed the same.
///
/// Errors:  each with its own words: truncated; malformed for bytes that are no such file, a
///          length that is not the announced one or damage, saying where; unsupported for another
///          version; not_found if the matrices are another model's; out_of_memory.
/// Cost:    one pass over the bytes, shared among the workers.
template <executor E>
expected<weights> use_packed(file_bytes file, const std::string& place, const weights& model,
                             E& workers) {
  const std::span<const std::byte> bytes = file.bytes();
  const auto bad = [&](errc code, std::string found, std::string wanted) {
    return fail({.code = code,
                 .operation = "read packed weights",
                 .place = place,
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = "delete the file; it is made again from the model"});
  };
  const auto plan = detail::packed_plan::make(model);
  if (!plan) return fail(plan.error());
  detail::packed_header header;
  if (bytes.size() < sizeof(header)) {
    return bad(errc::truncated, std::to_string(bytes.size()) + " bytes",
               "at least " + std::to_string(sizeof(header)));
  }
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.magic != detail::packed_magic) {
    return bad(errc::malformed, "other bytes", "a file that begins with mtpanels");
  }
  if (header.version != detail::packed_version) {
    return bad(errc::unsupported, "file version " + std::to_string(header.version),
               std::to_string(detail::packed_version));
  }
  if (header.panel_layout != simd::panel_layout) {
    return bad(errc::unsupported, "panels of version " + std::to_string(header.panel_layout),
               std::to_string(simd::panel_layout));
  }
  if (header.weights_id != model.id.value) {
    return bad(errc::not_found, "the weights of model " + to_string(fingerprint{header.weights_id}),
               "those of " + to_string(model.id));
  }
  if (bytes.size() < header.file_bytes) {
    return bad(errc::truncated, std::to_string(bytes.size()) + " bytes",
               std::to_string(header.file_bytes));
  }
  if (header.file_bytes != plan->file_bytes || bytes.size() != plan->file_bytes) {
    return bad(errc::malformed,
               std::to_string(bytes.size()) + " bytes, of which " +
                   std::to_string(header.file_bytes) + " are announced",
               std::to_string(plan->file_bytes));
  }
  const auto head = bytes.first(plan->head_bytes);
  if (header.checksum != detail::head_checksum(head)) {
    return bad(errc::malformed,
               "damage in the first " + std::to_string(plan->head_bytes) + " bytes",
               "their checksum");
  }
  std::atomic<std::size_t> damaged{plan->pieces.size()};  // the first piece that is
  const auto one = [&](std::size_t i) {
    const auto& piece = plan->pieces[i];
    std::uint64_t wanted;
    std::memcpy(&wanted, head.data() + sizeof(header) + 8 * i, 8);
    const std::size_t at = plan->matrices[piece.matrix].offset + piece.first;
    if (checksum(bytes.subspan(at, piece.count)) == wanted) return;
    std::size_t first = damaged.load();
    while (i < first && !damaged.compare_exchange_weak(first, i)) {
    }
  };
  workers.run(plan->pieces.size(), one);
  if (const std::size_t i = damaged.load(); i != plan->pieces.size()) {
    const auto& piece = plan->pieces[i];
    return bad(errc::malformed,
               "damage in the " + std::to_string(piece.count) + " bytes from " +
                   std::to_string(plan->matrices[piece.matrix].offset + piece.first) + " on",
               "their checksum");
  }

  struct memory {
    file_bytes file;
    heap_block vectors;
  };
  std::size_t vector_bytes = arena_alignment;
  weights w = model;
  detail::for_each_tensor(
      w, [](const simd::weight_matrix&) {},
      [&](std::span<const float> v) { vector_bytes += arena_bytes<float>(v.size()); });
  const auto kept = std::make_shared<memory>(memory{std::move(file), heap_block(vector_bytes)});
  arena vectors(kept->vectors.bytes());
  expected<void> outcome;
  detail::for_each_tensor(
      w,
      [&](simd::weight_matrix& m) {
        if (m.rows == 0) return;
        m.data = kept->file.bytes().data() + plan->find(m.data)->offset;
        m.layout = simd::weight_layout::panels;
      },
      [&](std::span<const float>& v) {
        if (v.empty() || !outcome) return;
        auto into = vectors.take_uninitialized<float>(v.size());
        if (!into) {
          outcome = forward_error(into);
          return;
        }
        std::copy(v.begin(), v.end(), into->begin());
        v = *into;
      });
  if (!outcome) return forward_error(outcome);
  w.storage = kept;
  return w;
}

/// The same of a file, which is mapped: it must not change while the model is in use.
///
/// Errors:  those of use_packed; io_failure if there is no such file.
template <executor E>
expected<weights> read_packed(const std::string& path, const weights& model, E& workers) {
  auto file = file_bytes::map(path);
  if (!file) return forward_error(file);
  return use_packed(*std::move(file), path, model, workers);
}

}  // namespace multitudes::model
