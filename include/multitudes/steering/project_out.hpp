// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/persona/subspace.hpp>
#include <multitudes/steering/axis.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace multitudes::steering {

/// Which part is taken out.
enum class side : std::uint8_t {
  full,      ///< whatever is there
  positive,  ///< only where the row points along a direction, not where it points against it
};

namespace detail {

constexpr program_builder::kind projection_kind(side which) noexcept {
  return which == side::full ? program_builder::kind::project
                             : program_builder::kind::project_positive;
}

}  // namespace detail

template <class Kept>
class subspace_projected_out {
 public:
  using space_tag = dynamic_space;

  template <class S>
  subspace_projected_out(S&& from, side which) : from_(std::forward<S>(from)), side_(which) {}

  expected<void> check(const activation_space*& seen) const {
    return detail::meet(seen, from_.get().space());
  }
  expected<void> emit(detail::program_builder& out) const {
    std::vector<std::uint16_t> slots;
    for (std::size_t i = 0; i < from_.get().rank(out.layer()); ++i) {
      auto slot = out.direction(from_.get().row(out.layer(), i));
      if (!slot) return forward_error(slot);
      slots.push_back(*slot);
    }
    return slots.empty() ? expected<void>() : out.act(detail::projection_kind(side_), slots);
  }
  void write_label(std::string& out) const {
    out += "project_out(rank " + std::to_string(from_.get().max_rank());
    out += side_ == side::full ? ")" : ", positive)";
  }

 private:
  Kept from_;
  side side_;
};

template <persona_expression E>
class projected_out {
 public:
  using space_tag = typename E::space_tag;

  template <class A>
  projected_out(A&& e, side which) : axis_(std::forward<A>(e)), side_(which) {}

  expected<void> check(const activation_space*& seen) const { return axis_.check(seen); }
  expected<void> emit(detail::program_builder& out) const {
    std::vector<float> row(out.space().model_dim);
    auto has = axis_.write(out, row);
    if (!has) return forward_error(has);
    if (!*has) return {};
    auto slot = out.direction(row);
    if (!slot) return forward_error(slot);
    return out.act(detail::projection_kind(side_), {*slot});
  }
  void write_label(std::string& out) const {
    out += "project_out(";
    axis_.write_label(out);
    out += side_ == side::full ? ")" : ", positive)";
  }

 private:
  detail::expression_axis<E> axis_;
  side side_;
};

/// `h -= sum over i of <h, q_i> q_i`, with the orthonormal rows q_i of a subspace in each layer:
/// what the row has in the subspace is gone. With side::positive each term counts only where
/// <h, q_i> > 0; with a rank above 1 that depends on which rows span the subspace.
///
/// Errors:  when compiled: space_mismatch.
/// Cost:    two multiply-adds for each row of the subspace and element.
/// Source:  Arditi et al. 2024, arXiv:2406.11717.
template <class S>
  requires std::same_as<std::remove_cvref_t<S>, subspace>
[[nodiscard]] auto project_out(S&& from, side which = side::full) {
  return subspace_projected_out<detail::kept_t<S>>(std::forward<S>(from), which);
}

/// The same for one direction, which must have unit length in each layer where it has any.
///
/// Errors:  when compiled: invalid_argument for a direction of another length; those of
///          evaluating `e`.
template <class E>
  requires(persona_expression<E> && storable<E>)
[[nodiscard]] auto project_out(E&& e, side which = side::full) {
  return projected_out<multitudes::detail::operand_t<E>>(std::forward<E>(e), which);
}

}  // namespace multitudes::steering
