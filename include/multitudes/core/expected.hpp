// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/error.hpp>

#include <version>

#if defined(__cpp_lib_expected) && __cpp_lib_expected >= 202211L
#include <expected>
#else
#include <functional>
#include <type_traits>
#include <utility>
#include <variant>
#endif

namespace multitudes {

#if defined(__cpp_lib_expected) && __cpp_lib_expected >= 202211L

template <class T, class E = error>
using expected = std::expected<T, E>;
template <class E = error>
using unexpected = std::unexpected<E>;

#else

/// The error of an `expected`, on its way into one.
template <class E = error>
class unexpected {
 public:
  constexpr explicit unexpected(E e) : error_(std::move(e)) {}
  constexpr const E& error() const& noexcept { return error_; }
  constexpr E&& error() && noexcept { return std::move(error_); }

 private:
  E error_;
};
template <class E>
unexpected(E) -> unexpected<E>;

/// The subset of C++23's `std::expected` that this library uses, and an alias to it where it
/// exists. As there, reading the value of one that holds an error is undefined: test first.
/// `value()` is left out, because it would have to throw or abort.
template <class T, class E = error>
class [[nodiscard]] expected {
  static constexpr bool is_void = std::is_void_v<T>;
  using stored = std::conditional_t<is_void, std::monostate, T>;
  template <class U>
  static constexpr bool is_own_kind = std::is_same_v<std::remove_cvref_t<U>, expected> ||
                                      std::is_same_v<std::remove_cvref_t<U>, unexpected<E>>;

 public:
  using value_type = T;
  using error_type = E;

  constexpr expected()
    requires std::is_default_constructible_v<stored>
      : state_(std::in_place_index<0>) {}
  template <class U = stored>
    requires(!is_void && !is_own_kind<U> && std::is_constructible_v<stored, U &&>)
  constexpr explicit(!std::is_convertible_v<U, stored>) expected(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}
  template <class G>
    requires std::is_constructible_v<E, G&&>
  constexpr expected(unexpected<G> e) : state_(std::in_place_index<1>, std::move(e).error()) {}

  [[nodiscard]] constexpr bool has_value() const noexcept { return state_.index() == 0; }
  constexpr explicit operator bool() const noexcept { return has_value(); }

  constexpr auto& operator*() & noexcept
    requires(!is_void)
  {
    return *std::get_if<0>(&state_);
  }
  constexpr const auto& operator*() const& noexcept
    requires(!is_void)
  {
    return *std::get_if<0>(&state_);
  }
  constexpr auto&& operator*() && noexcept
    requires(!is_void)
  {
    return std::move(*std::get_if<0>(&state_));
  }
  constexpr void operator*() const& noexcept
    requires is_void
  {}
  constexpr auto* operator->() noexcept
    requires(!is_void)
  {
    return std::get_if<0>(&state_);
  }
  constexpr const auto* operator->() const noexcept
    requires(!is_void)
  {
    return std::get_if<0>(&state_);
  }

  constexpr E& error() & noexcept { return *std::get_if<1>(&state_); }
  constexpr const E& error() const& noexcept { return *std::get_if<1>(&state_); }
  constexpr E&& error() && noexcept { return std::move(*std::get_if<1>(&state_)); }

  template <class U>
  constexpr stored value_or(U&& other) const&
    requires(!is_void)
  {
    return has_value() ? **this : static_cast<stored>(std::forward<U>(other));
  }
  template <class U>
      constexpr stored value_or(U&& other) &&
        requires(!is_void)
  {
    return has_value() ? std::move(**this) : static_cast<stored>(std::forward<U>(other));
  }

  /// Calls `f` with the value, which returns another `expected`; passes an error on.
  template <class F>
  constexpr auto and_then(F&& f) && {
    using result = decltype(call(std::forward<F>(f), std::move(*this)));
    if (!has_value()) return result(unexpected<E>(std::move(*this).error()));
    return call(std::forward<F>(f), std::move(*this));
  }
  /// Calls `f` with the value and wraps what it returns; passes an error on.
  template <class F>
  constexpr auto transform(F&& f) && {
    using value = std::remove_cv_t<decltype(call(std::forward<F>(f), std::move(*this)))>;
    using result = expected<value, E>;
    if (!has_value()) return result(unexpected<E>(std::move(*this).error()));
    if constexpr (std::is_void_v<value>) {
      call(std::forward<F>(f), std::move(*this));
      return result();
    } else {
      return result(call(std::forward<F>(f), std::move(*this)));
    }
  }

 private:
  template <class F, class Self>
  static constexpr decltype(auto) call(F&& f, Self&& self) {
    if constexpr (is_void) {
      return std::invoke(std::forward<F>(f));
    } else {
      return std::invoke(std::forward<F>(f), *std::forward<Self>(self));
    }
  }

  std::variant<stored, E> state_;
};

#endif

/// The usual way to fail: `return fail({.code = errc::truncated, .operation = "load", ...});`
[[nodiscard]] inline unexpected<error> fail(error e) { return unexpected<error>(std::move(e)); }

/// Passes another call's error on: `if (!x) return forward_error(x);`
template <class T>
[[nodiscard]] unexpected<error> forward_error(expected<T>& failed) {
  return unexpected<error>(std::move(failed).error());
}
template <class T>
[[nodiscard]] unexpected<error> forward_error(expected<T>&& failed) {
  return unexpected<error>(std::move(failed).error());
}

}  // namespace multitudes
