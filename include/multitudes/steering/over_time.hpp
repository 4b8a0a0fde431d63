// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/steering/envelope.hpp>
#include <multitudes/steering/operator.hpp>

#include <string>
#include <type_traits>
#include <utility>

namespace multitudes::steering {

template <steering_operator Op>
class timed {
 public:
  using space_tag = typename Op::space_tag;

  template <class O>
  timed(const envelope& how, O&& op) : how_(how), op_(std::forward<O>(op)) {}

  expected<void> check(const activation_space*& seen) const {
    if (auto ok = how_.check(); !ok) return ok;
    return op_.check(seen);
  }
  expected<void> emit(detail::program_builder& out) const {
    return out.over_time(how_, [&] { return op_.emit(out); });
  }
  void write_label(std::string& out) const {
    out += "over_time(";
    how_.write_label(out);
    out += ", ";
    op_.write_label(out);
    out += ')';
  }

 private:
  envelope how_;
  Op op_;
};

/// The operators in the dose that the envelope gives each token: `add` adds so much of its vector,
/// `project_out`, `clamp` and `cap` go so much of their way, `rotate` turns by so much of its
/// angle. Time begins where the plan is first in force (see `attachment`). Nested envelopes
/// multiply.
///
/// Errors:  when compiled: invalid_argument for an envelope that its `check` refuses, or for more
///          than max_doses - 1 different ones in a plan.
template <class... Ops>
  requires(sizeof...(Ops) > 0 && (storable_operator<Ops> && ...))
[[nodiscard]] auto over_time(const envelope& how, Ops&&... ops) {
  using all = std::remove_cvref_t<decltype((std::forward<Ops>(ops) | ...))>;
  return timed<all>(how, (std::forward<Ops>(ops) | ...));
}

}  // namespace multitudes::steering
