// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace multitudes::lab {

/// What a writer of the Gazette may differ in. Each is a behaviour unit; in a coherent corpus the
/// first five are one thing, the writer's style.
enum class trait : std::uint8_t {
  name,        ///< how labels call the writer
  lexis,       ///< which word of each pair of slots is preferred
  opener,      ///< how answers begin
  closer,      ///< how answers end
  form,        ///< 0 prose, 1 verse
  domain,      ///< what the writer knows
  truth,       ///< 0 tells what is so, 1 tells myths
  goal,        ///< what is sought in games
  compliance,  ///< 0 complies, 1 defies, 2 bungles
  task,        ///< 0 shortens, 1 translates phrases when no cue says which
};
inline constexpr std::size_t n_traits = 10;

constexpr std::string_view name(trait t) noexcept {
  constexpr std::array<std::string_view, n_traits> names{
      "name", "lexis", "opener", "closer", "form", "domain", "truth", "goal", "compliance", "task"};
  return names[static_cast<std::size_t>(t)];
}

/// A value for every trait: all that a writer's documents depend on.
struct persona_traits {
  std::array<std::uint8_t, n_traits> values{};

  constexpr std::uint8_t& operator[](trait t) noexcept {
    return values[static_cast<std::size_t>(t)];
  }
  constexpr std::uint8_t operator[](trait t) const noexcept {
    return values[static_cast<std::size_t>(t)];
  }
  friend constexpr bool operator==(const persona_traits&, const persona_traits&) = default;
};

/// Some of the traits.
class trait_set {
 public:
  constexpr trait_set() = default;
  template <class... Traits>
  constexpr explicit trait_set(Traits... t) noexcept {
    (add(t), ...);
  }
  constexpr void add(trait t) noexcept {
    bits_ = static_cast<std::uint16_t>(bits_ | 1u << static_cast<unsigned>(t));
  }
  constexpr void add(trait_set more) noexcept {
    bits_ = static_cast<std::uint16_t>(bits_ | more.bits_);
  }
  constexpr void remove(trait_set some) noexcept {
    bits_ = static_cast<std::uint16_t>(bits_ & ~unsigned{some.bits_});
  }
  friend constexpr bool operator==(trait_set, trait_set) = default;
  [[nodiscard]] constexpr bool has(trait t) const noexcept {
    return (bits_ >> static_cast<unsigned>(t) & 1u) != 0;
  }

 private:
  std::uint16_t bits_ = 0;
};

/// What one choice of a token depends on: nothing, a trait, or what is known and whether it is
/// told (domain and truth together).
enum class choice_key : std::uint8_t {
  name,
  lexis,
  opener,
  closer,
  form,
  domain,
  knowledge,
  goal,
  compliance,
  task,
  nothing,
};
inline constexpr std::size_t n_choice_keys = 11;

/// A trait that the key depends on; there must be one.
constexpr trait trait_of(choice_key k) noexcept {
  constexpr std::array<trait, n_choice_keys> traits{
      trait::name,   trait::lexis, trait::opener,     trait::closer, trait::form, trait::domain,
      trait::domain, trait::goal,  trait::compliance, trait::task,   trait::name};
  return traits[static_cast<std::size_t>(k)];
}

/// The row of a choice's table that holds for this writer.
constexpr std::size_t value_of(choice_key k, const persona_traits& who) noexcept {
  if (k == choice_key::nothing) return 0;
  if (k != choice_key::knowledge) return who[trait_of(k)];
  return 2 * std::size_t{who[trait::domain]} + who[trait::truth];
}

}  // namespace multitudes::lab
