// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/philox.hpp>
#include <multitudes/persona/persona.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes {

/// One of a population. The prevalence need not be normalised: counts will do.
struct multitude_member {
  std::string label;
  double prevalence = 1.0;
  std::shared_ptr<const persona> who{};  ///< may be empty, where only weights matter
};

/// Personas and how prevalent each is: what a speaker may turn out to be, before or after some
/// evidence. Prevalences add up to 1 and are kept as logarithms, so that a member who is 1000 nats
/// behind is still there and can be brought back. One of prevalence 0 is excluded: it keeps its
/// place and label, but no evidence brings it back.
///
/// In the laws below, "to rounding" means: in each log prevalence, to 2^-49 times the largest
/// absolute value of all logarithms that went in (or 1, if that is larger).
class multitude {
 public:
  /// Errors:  invalid_argument without members, for labels that occur twice, and for prevalences
  ///          that are negative, or all 0; non_finite for one that is NaN or infinite;
  ///          space_mismatch if personas are not of one space.
  [[nodiscard]] static expected<multitude> make(std::vector<multitude_member> members) {
    if (members.empty()) return refuse(errc::invalid_argument, {}, "no members", "at least one");
    const activation_space* seen = nullptr;
    std::vector<std::string_view> labels;
    std::vector<double> logs;
    for (const multitude_member& m : members) {
      const std::string place = "'" + m.label + "'";
      labels.push_back(m.label);
      if (!std::isfinite(m.prevalence)) {
        return refuse(errc::non_finite, place, std::to_string(m.prevalence), "a finite prevalence");
      }
      if (m.prevalence < 0) {
        return refuse(errc::invalid_argument, place,
                      "a prevalence of " + std::to_string(m.prevalence), "0 or more");
      }
      if (m.who) {
        if (const fault f = m.who->check(seen)) return detail::fail_with(f);
      }
      logs.push_back(std::log(m.prevalence));
    }
    std::ranges::sort(labels);
    if (const auto twice = std::ranges::adjacent_find(labels); twice != labels.end()) {
      return refuse(errc::invalid_argument, "'" + std::string(*twice) + "'", "two of this label",
                    "labels that differ");
    }
    return normalized(std::make_shared<const std::vector<multitude_member>>(std::move(members)),
                      std::move(logs), "a prevalence above 0");
  }

  multitude(multitude&&) noexcept = default;
  multitude& operator=(multitude&&) noexcept = default;
  /// A copy, which costs n doubles; labels and personas are shared.
  [[nodiscard]] multitude clone() const { return {members_, logs_}; }

  [[nodiscard]] std::size_t size() const noexcept { return logs_.size(); }
  /// Empty if there is no such member.
  [[nodiscard]] std::string_view label(std::size_t i) const noexcept {
    return i < size() ? std::string_view((*members_)[i].label) : std::string_view();
  }
  /// Null if there is no such member, or none is known.
  [[nodiscard]] const persona* who(std::size_t i) const noexcept {
    return i < size() ? (*members_)[i].who.get() : nullptr;
  }
  [[nodiscard]] std::optional<std::size_t> index_of(std::string_view wanted) const noexcept {
    for (std::size_t i = 0; i < size(); ++i) {
      if (label(i) == wanted) return i;
    }
    return std::nullopt;
  }

  /// 0 if there is no such member.
  [[nodiscard]] double prevalence(std::size_t i) const noexcept {
    return std::exp(log_prevalence(i));
  }
  /// Units:   nats; minus infinity for the excluded, and if there is no such member.
  [[nodiscard]] double log_prevalence(std::size_t i) const noexcept {
    return i < size() ? logs_[i] : -std::numeric_limits<double>::infinity();
  }
  /// The log-odds of a member against the rest: log(p / (1 - p)), exact to rounding also where p is
  /// so near to 1 that no double could say 1 - p.
  ///
  /// Units:   nats; infinite for one who is alone or excluded.
  [[nodiscard]] double log_odds(std::size_t i) const noexcept {
    const double rest = log_sum_exp(logs_, i);
    const double own = log_prevalence(i);
    return own == rest ? 0.0 : own - rest;  // equal ones may both be minus infinity
  }

  /// The same population with the log-odds of one member against the rest higher by `nats` (lower,
  /// if negative); the others keep their ratios. Who is alone or excluded stays so.
  ///
  /// Laws:    upweight(i, a) then upweight(i, b) is upweight(i, a + b), and upweight(i, a) then
  ///          upweight(i, -a) is the same population, to rounding; it is `posterior` with
  ///          evidence of `nats` for that member and 0 for the others.
  /// Errors:  not_found; non_finite.
  [[nodiscard]] expected<multitude> upweight(std::size_t i, double nats) const {
    if (i >= size()) {
      return refuse(errc::not_found, {}, "member " + std::to_string(i),
                    "one of " + std::to_string(size()));
    }
    if (!std::isfinite(nats)) {
      return refuse(errc::non_finite, "nats", std::to_string(nats), "a finite number");
    }
    std::vector<double> logs = logs_;
    logs[i] += nats;
    return normalized(members_, std::move(logs), "a member who is not excluded");
  }
  [[nodiscard]] expected<multitude> upweight(std::string_view wanted, double nats) const {
    const auto i = index_of(wanted);
    if (i) return upweight(*i, nats);
    return refuse(errc::not_found, {}, "'" + std::string(wanted) + "'", "the label of a member");
  }

  /// The population given evidence (Bayes): each prevalence times the likelihood of the evidence
  /// under that member, normalised. Minus infinity excludes a member.
  ///
  /// Shapes:  log_likelihoods (size), of the members in their order.
  /// Units:   nats, up to a constant that all share.
  /// Laws:    a posterior of a posterior is the posterior of the sum of the evidence, and the order
  ///          of evidence does not matter, to rounding.
  /// Errors:  shape_mismatch; non_finite for NaN and plus infinity; invalid_argument if nobody is
  ///          left.
  [[nodiscard]] expected<multitude> posterior(std::span<const double> log_likelihoods) const {
    if (log_likelihoods.size() != size()) {
      return refuse(errc::shape_mismatch, "evidence",
                    std::to_string(log_likelihoods.size()) + " numbers",
                    std::to_string(size()) + ", one for each member");
    }
    std::vector<double> logs = logs_;
    for (std::size_t i = 0; i < size(); ++i) {
      const double x = log_likelihoods[i];
      if (std::isnan(x) || x == std::numeric_limits<double>::infinity()) {
        return refuse(errc::non_finite, "evidence for '" + std::string(label(i)) + "'",
                      std::to_string(x), "a finite number or minus infinity");
      }
      logs[i] += x;
    }
    return normalized(members_, std::move(logs), "evidence that leaves a member");
  }

  /// Draws a member by prevalence; never one that is excluded. Two draws, whatever comes out.
  ///
  /// Cost:    linear in the number of members.
  [[nodiscard]] std::size_t sample(philox& random) const noexcept {
    const std::uint64_t high = random() >> 5, low = random() >> 6;
    const double u = static_cast<double>(high << 26 | low) * 0x1p-53;
    double sum = 0;
    std::size_t last = 0;  // rounding may leave the sum below u
    for (std::size_t i = 0; i < size(); ++i) {
      const double p = prevalence(i);
      if (p == 0) continue;
      sum += p;
      last = i;
      if (u < sum) break;
    }
    return last;
  }

  /// How uncertain it is who speaks: 0 if one is certain, log(size) if all are equally prevalent.
  ///
  /// Units:   nats.
  [[nodiscard]] double entropy() const noexcept {
    double sum = 0;
    for (std::size_t i = 0; i < size(); ++i) {
      const double p = prevalence(i);
      if (p > 0) sum -= p * logs_[i];
    }
    return sum;
  }
  /// How many equally prevalent members would be as uncertain: exp(entropy()), 1 to size.
  [[nodiscard]] double effective_size() const noexcept { return std::exp(entropy()); }

  /// The Kullback-Leibler divergence of `from` from `to`, the nats that are lost by who expects
  /// `to` where `from` holds; members are matched by label.
  ///
  /// Units:   nats; infinite if `to` excludes one that `from` does not.
  /// Errors:  invalid_argument unless both have the same labels, in any order.
  [[nodiscard]] friend expected<double> divergence(const multitude& from, const multitude& to) {
    if (from.size() != to.size()) {
      return refuse(errc::invalid_argument, "divergence", std::to_string(to.size()) + " members",
                    std::to_string(from.size()));
    }
    double sum = 0;
    for (std::size_t i = 0; i < from.size(); ++i) {
      const auto j = to.label(i) == from.label(i) ? i : to.index_of(from.label(i));
      if (!j) {
        return refuse(errc::invalid_argument, "divergence",
                      "no '" + std::string(from.label(i)) + "'", "the same labels");
      }
      const double p = from.prevalence(i);
      if (p > 0) sum += p * (from.logs_[i] - to.logs_[*j]);
    }
    return std::max(sum, 0.0);
  }

  /// The persona in the middle: directions and goals of all members, weighed by prevalence. Who is
  /// so rare that no double can hold the prevalence is left out.
  ///
  /// Errors:  not_found for a member that is not excluded and has no persona; as
  ///          `direction::make`.
  /// Cost:    one multiply-add for each element of each direction; one allocation of a direction.
  [[nodiscard]] expected<persona> mean_persona(std::string label) const {
    std::vector<double> weights;
    std::vector<const persona*> people;
    std::vector<weighted_goal> goals;
    for (std::size_t i = 0; i < size(); ++i) {
      const double p = prevalence(i);
      if (p == 0) continue;
      if (!who(i)) {
        return refuse(errc::not_found, "'" + std::string(this->label(i)) + "'", "no persona",
                      "one for each member");
      }
      weights.push_back(p);
      people.push_back(who(i));
      who(i)->collect_goals(p, goals);
    }
    if (people.empty()) return refuse(errc::invalid_argument, {}, "no members", "at least one");
    const activation_space& space = people.front()->space();
    auto mean = direction::written_by(space, [&](std::span<float> out) -> expected<void> {
      std::vector<term> terms(people.size());
      const std::size_t width = space.model_dim;
      for (std::uint32_t l = 0; l < space.n_layers; ++l) {
        for (std::size_t i = 0; i < people.size(); ++i) {
          people[i]->terms({layer_index(l), width}, weights[i], &terms[i]);
        }
        const std::size_t bad = weighted_sum(terms, out.subspan(l * width, width));
        if (bad == all_finite) continue;
        return detail::fail_with(
            {.what = fault::kind::result_not_finite, .first = std::size_t{l}, .last = bad});
      }
      return {};
    });
    if (!mean) return forward_error(mean);
    return persona::make(std::move(label), std::move(*mean), goals);
  }

 private:
  using shared_members = std::shared_ptr<const std::vector<multitude_member>>;

  multitude(shared_members members, std::vector<double> logs) noexcept
      : members_(std::move(members)), logs_(std::move(logs)) {}

  static unexpected<error> refuse(errc code, std::string place, std::string found,
                                  std::string wanted) {
    return fail({.code = code,
                 .operation = "multitude",
                 .place = std::move(place),
                 .found = std::move(found),
                 .expected = std::move(wanted),
                 .remedy = {}});
  }
  /// Of all but one of them.
  static double log_sum_exp(std::span<const double> logs, std::size_t but) noexcept {
    double largest = -std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < logs.size(); ++i) {
      if (i != but) largest = std::max(largest, logs[i]);
    }
    if (!std::isfinite(largest)) return largest;
    double sum = 0;
    for (std::size_t i = 0; i < logs.size(); ++i) {
      if (i != but) sum += std::exp(logs[i] - largest);
    }
    return largest + std::log(sum);
  }
  static expected<multitude> normalized(shared_members members, std::vector<double> logs,
                                        const char* wanted) {
    const double total = log_sum_exp(logs, logs.size());
    if (!std::isfinite(total)) {
      return refuse(errc::invalid_argument, {}, "nobody who could be speaking", wanted);
    }
    for (double& x : logs) x -= total;
    return multitude(std::move(members), std::move(logs));
  }

  shared_members members_;
  std::vector<double> logs_;  // (size), whose exponentials add up to 1
};

}  // namespace multitudes
