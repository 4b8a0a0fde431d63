// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

namespace multitudes {

/// A matrix somewhere else: rows of `cols` contiguous elements, `stride` elements apart.
template <class T>
class matrix_view {
 public:
  constexpr matrix_view() = default;
  constexpr matrix_view(T* data, std::size_t rows, std::size_t cols) noexcept
      : matrix_view(data, rows, cols, cols) {}
  constexpr matrix_view(T* data, std::size_t rows, std::size_t cols, std::size_t stride) noexcept
      : data_(data), rows_(rows), cols_(cols), stride_(stride) {}
  constexpr operator matrix_view<const T>() const noexcept
    requires(!std::is_const_v<T>)
  {
    return {data_, rows_, cols_, stride_};
  }

  [[nodiscard]] constexpr T* data() const noexcept { return data_; }
  [[nodiscard]] constexpr std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] constexpr std::size_t cols() const noexcept { return cols_; }
  [[nodiscard]] constexpr std::size_t stride() const noexcept { return stride_; }

  [[nodiscard]] constexpr std::span<T> row(std::size_t r) const noexcept {
    return {data_ + r * stride_, cols_};
  }
  /// Rows `first` to `first + count`, the same memory.
  [[nodiscard]] constexpr matrix_view rows(std::size_t first, std::size_t count) const noexcept {
    return {data_ + first * stride_, count, cols_, stride_};
  }
  /// Columns `first` to `first + count`, the same memory.
  [[nodiscard]] constexpr matrix_view cols(std::size_t first, std::size_t count) const noexcept {
    return {data_ + first, rows_, count, stride_};
  }

 private:
  T* data_ = nullptr;
  std::size_t rows_ = 0;
  std::size_t cols_ = 0;
  std::size_t stride_ = 0;
};

}  // namespace multitudes
