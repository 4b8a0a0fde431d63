// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/space.hpp>

#include <concepts>
#include <type_traits>

namespace multitudes {

/// The space is known when the program runs, from a model file: mismatches are errors.
struct dynamic_space {};
/// Fits every space; the zero persona's.
struct any_space {};

/// A space known when the program is compiled: mismatches do not compile.
///
///     struct story_space {
///       static constexpr multitudes::activation_space value{
///           .model = {0x5707135}, .n_layers = 5, .model_dim = 64};
///     };
template <class T>
concept static_space = requires {
  { T::value } -> std::same_as<const activation_space&>;
};

template <class T>
concept activation_space_tag =
    std::same_as<T, dynamic_space> || std::same_as<T, any_space> || static_space<T>;

/// Says by a type which activation space it lives in.
template <class E>
concept has_space_tag = activation_space_tag<typename std::remove_cvref_t<E>::space_tag>;

/// Lives in a space of its own, static or dynamic, and not merely in any.
template <class E>
concept has_space =
    has_space_tag<E> && !std::same_as<typename std::remove_cvref_t<E>::space_tag, any_space>;

namespace detail {

template <class A, class B>
struct common_space {};
template <class A>
struct common_space<A, A> {
  using type = A;
};
template <static_space A>
struct common_space<A, dynamic_space> {
  using type = A;
};
template <static_space B>
struct common_space<dynamic_space, B> {
  using type = B;
};
template <class A>
  requires(!std::same_as<A, any_space>)
struct common_space<A, any_space> {
  using type = A;
};
template <class B>
  requires(!std::same_as<B, any_space>)
struct common_space<any_space, B> {
  using type = B;
};

template <class A, class B>
using common_space_t = typename common_space<typename std::remove_cvref_t<A>::space_tag,
                                             typename std::remove_cvref_t<B>::space_tag>::type;

}  // namespace detail

/// Not known to live in different spaces: equal static tags, or at least one side whose space is
/// known only at run time and compared then. Symmetric; not transitive, for that reason.
template <class A, class B>
concept same_space =
    has_space_tag<A> && has_space_tag<B> && requires { typename detail::common_space_t<A, B>; };

}  // namespace multitudes
