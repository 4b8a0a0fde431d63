// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/space.hpp>
#include <multitudes/persona/materialize.hpp>
#include <multitudes/persona/space_tag.hpp>
#include <multitudes/steering/detail/program_builder.hpp>

#include <concepts>
#include <string>
#include <type_traits>
#include <utility>

namespace multitudes::steering {

/// Changes rows of the residual stream by multiples of directions that depend on nothing but the
/// row's projections, or is made of such changes.
///
/// Syntax:  space_tag; check(seen), which finds the space and complains of others; emit(builder),
///          which says what to do at the builder's layer; write_label(out).
/// Laws:    emit says the same in the same order at every layer, but for what is nothing there;
///          it is called only after check found nothing wrong.
template <class T>
concept steering_operator =
    has_space_tag<T> && requires(const std::remove_cvref_t<T>& op, const activation_space*& seen,
                                 detail::program_builder& out, std::string& text) {
      { op.check(seen) } -> std::same_as<expected<void>>;
      { op.emit(out) } -> std::same_as<expected<void>>;
      { op.write_label(text) } -> std::same_as<void>;
    };

/// Can be kept by another operator. One that has a persona moved into it must be moved along.
template <class T>
concept storable_operator =
    steering_operator<T> && std::constructible_from<std::remove_cvref_t<T>, T>;

/// One operator, then the other, on what the first has left.
template <steering_operator First, steering_operator Then>
class sequence {
 public:
  using space_tag = multitudes::detail::common_space_t<First, Then>;

  template <class F, class T>
  sequence(F&& first, T&& then) : first_(std::forward<F>(first)), then_(std::forward<T>(then)) {}

  expected<void> check(const activation_space*& seen) const {
    if (auto ok = first_.check(seen); !ok) return ok;
    return then_.check(seen);
  }
  expected<void> emit(detail::program_builder& out) const {
    if (auto ok = first_.emit(out); !ok) return ok;
    return then_.emit(out);
  }
  void write_label(std::string& out) const {
    first_.write_label(out);
    out += " | ";
    then_.write_label(out);
  }

 private:
  First first_;
  Then then_;
};

/// `a | b`: a, then b on what a has left. Associative, and in general not commutative: what the
/// order means for each pair is in docs/steering.md.
template <class A, class B>
  requires(storable_operator<A> && storable_operator<B> && same_space<A, B>)
[[nodiscard]] auto operator|(A&& first, B&& then) {
  return sequence<std::remove_cvref_t<A>, std::remove_cvref_t<B>>(std::forward<A>(first),
                                                                  std::forward<B>(then));
}

namespace detail {

/// Whether another part of a plan lives in the space that was seen first.
inline expected<void> meet(const activation_space*& seen, const activation_space& own) {
  if (seen != nullptr && *seen != own) {
    return multitudes::detail::fail_with(
        {.what = fault::kind::spaces_differ, .left = seen, .right = &own});
  }
  seen = &own;
  return {};
}

template <class E>
expected<void> check_expression(const E& e, const activation_space*& seen) {
  return multitudes::detail::to_expected(e.check(seen));
}

/// How an operator keeps a thing that is no expression: by reference if it was given by name, else
/// moved in.
template <class T>
class kept {
 public:
  explicit kept(T&& thing) : thing_(std::move(thing)) {}
  [[nodiscard]] const T& get() const noexcept { return thing_; }

 private:
  T thing_;
};
template <class T>
class kept<const T&> {
 public:
  explicit kept(const T& thing) : thing_(&thing) {}
  [[nodiscard]] const T& get() const noexcept { return *thing_; }

 private:
  const T* thing_;
};
template <class T>
using kept_t = kept<std::conditional_t<std::is_lvalue_reference_v<T>, const std::remove_cvref_t<T>&,
                                       std::remove_cvref_t<T>>>;

}  // namespace detail
}  // namespace multitudes::steering
