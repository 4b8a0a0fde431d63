// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/generate/score.hpp>
#include <multitudes/stats/line_fit.hpp>
#include <multitudes/stats/summary.hpp>
#include <multitudes/steering/plan.hpp>

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multitudes {

/// Two continuations of one opening; the persona should prefer the first.
struct preference {
  scored_text wanted;
  scored_text unwanted;
};

/// Makes a preference of texts; the opening must not end in a space, the
/// continuations follow after one.
inline preference make_preference(const text::tokenizer& tokenizer, std::string_view opening,
                                  std::string_view wanted, std::string_view unwanted) {
  const auto scored = [&](std::string_view continuation) {
    scored_text text{tokenizer.encode(opening), 0};
    text.first_scored = text.tokens.size();
    const std::string spaced = " " + std::string(continuation);
    const auto rest = tokenizer.encode(spaced, {.start_token = false, .continues = true});
    text.tokens.insert(text.tokens.end(), rest.begin(), rest.end());
    return text;
  };
  return {scored(wanted), scored(unwanted)};
}

/// What a strength does.
struct dose {
  float strength = 0;
  double log_ratio = 0;     ///< mean over preferences of log p(wanted) - log p(unwanted), nats
  double neutral_loss = 0;  ///< nats a token on the neutral texts
  std::vector<double> log_ratios = {};  ///< (preferences), of which log_ratio is the mean
};

/// What a range of strengths does.
struct dose_curve {
  std::string label;
  std::vector<dose> doses;  // in the order of the strengths; one of them is 0

  [[nodiscard]] const dose* at(float strength) const noexcept {
    for (const dose& d : doses) {
      if (d.strength == strength) return &d;
    }
    return nullptr;
  }
};

/// The stretch of strengths around 0 in which the loss on neutral text rises by
/// less than `max_rise` nats a token: where steering changes what is said more
/// than whether it is language.
struct dose_range {
  std::size_t first = 0;
  std::size_t last = 0;  ///< inclusive
};

/// Errors:  invalid_argument if the curve has no strength 0.
inline expected<dose_range> usable_range(const dose_curve& curve, double max_rise) {
  std::size_t zero = 0;
  while (zero < curve.doses.size() && curve.doses[zero].strength != 0) ++zero;
  if (zero == curve.doses.size()) {
    return fail({.code = errc::invalid_argument,
                 .operation = "usable range",
                 .place = curve.label,
                 .found = "no dose of strength 0",
                 .expected = "one to compare with",
                 .remedy = "put 0 among the strengths"});
  }
  const auto usable = [&](std::size_t i) {
    return curve.doses[i].neutral_loss - curve.doses[zero].neutral_loss < max_rise;
  };
  dose_range range{zero, zero};
  while (range.first > 0 && usable(range.first - 1)) --range.first;
  while (range.last + 1 < curve.doses.size() && usable(range.last + 1)) ++range.last;
  return range;
}

/// The knee of a dose curve: of the strengths from 0 up that are usable (see
/// usable_range), the one with the largest log-ratio; of equal ones, the
/// weakest. Beyond it, either language breaks or more strength gives nothing
/// more.
///
/// Errors:  those of usable_range.
inline expected<dose> knee(const dose_curve& curve, double max_rise) {
  auto range = usable_range(curve, max_rise);
  if (!range) return forward_error(range);
  const dose* best = nullptr;
  for (std::size_t i = range->first; i <= range->last; ++i) {
    const dose& d = curve.doses[i];
    if (d.strength < 0) continue;
    const bool better = best == nullptr || d.log_ratio > best->log_ratio ||
                        (d.log_ratio == best->log_ratio && d.strength < best->strength);
    if (better) best = &d;
  }
  return *best;
}

/// The stretch around strength 0 in which more strength always means a larger
/// log-ratio.
inline expected<dose_range> monotonic_range(const dose_curve& curve) {
  auto range = usable_range(curve, std::numeric_limits<double>::infinity());
  if (!range) return range;
  std::size_t zero = 0;
  while (curve.doses[zero].strength != 0) ++zero;
  *range = {zero, zero};
  const auto rises = [&](std::size_t i) {
    return curve.doses[i + 1].log_ratio > curve.doses[i].log_ratio;
  };
  while (range->first > 0 && rises(range->first - 1)) --range->first;
  while (range->last + 1 < curve.doses.size() && rises(range->last)) ++range->last;
  return range;
}

/// Nats of log-ratio for each unit of strength, by least squares over a range;
/// nothing for fewer than three doses.
inline std::optional<stats::line> dose_slope(const dose_curve& curve, dose_range range) {
  std::vector<double> x;
  std::vector<double> y;
  for (std::size_t i = range.first; i <= range.last; ++i) {
    x.push_back(curve.doses[i].strength);
    y.push_back(curve.doses[i].log_ratio);
  }
  return stats::fit_line(x, y);
}

namespace detail {

inline unexpected<error> bare_text() {
  return fail({.code = errc::invalid_argument,
               .operation = "measure prompt",
               .place = "texts",
               .found = "a text without the tokens that begin every text",
               .expected = {},
               .remedy = "encode with this model's tokenizer"});
}

}  // namespace detail

/// What to measure a dose on.
struct dose_texts {
  std::vector<preference> preferences;
  std::vector<scored_text> neutral;
};

/// Measures one plan.
///
/// Errors:  those of log_probabilities; invalid_argument if there is nothing to
/// measure on.
template <executor E>
expected<dose> measure_dose(batch& b, E& workers, const dose_texts& texts,
                            const steering::plan& plan, float strength) {
  if (texts.preferences.empty() || texts.neutral.empty()) {
    return fail({.code = errc::invalid_argument,
                 .operation = "measure dose",
                 .place = texts.preferences.empty() ? "preferences" : "neutral texts",
                 .found = "none",
                 .expected = "at least one",
                 .remedy = {}});
  }
  std::vector<scored_text> all;
  for (const preference& p : texts.preferences) {
    all.push_back(p.wanted);
    all.push_back(p.unwanted);
  }
  all.insert(all.end(), texts.neutral.begin(), texts.neutral.end());
  auto sums = log_probabilities(b, workers, all, {plan, {}});
  if (!sums) return forward_error(sums);
  dose result{strength, 0, 0, {}};
  const std::size_t n = texts.preferences.size();
  for (std::size_t i = 0; i < n; ++i) {
    result.log_ratios.push_back((*sums)[2 * i] - (*sums)[2 * i + 1]);
    result.log_ratio += result.log_ratios.back();
  }
  result.log_ratio /= static_cast<double>(n);
  double n_tokens = 0;
  for (std::size_t i = 0; i < texts.neutral.size(); ++i) {
    result.neutral_loss -= (*sums)[2 * n + i];
    n_tokens += static_cast<double>(texts.neutral[i].n_scored());
  }
  result.neutral_loss /= n_tokens;
  return result;
}

/// Measures an expression over a range of strengths.
///
/// Errors:  those of compile and measure_dose.
/// Cost:    a pass over all texts for each strength; `after_each` is called
/// after every one.
template <persona_expression X, executor E>
expected<dose_curve> measure_doses(batch& b, E& workers, const dose_texts& texts, const X& x,
                                   const steering::residual_norms& norms,
                                   std::span<const float> strengths,
                                   function_ref<void()> after_each) {
  dose_curve curve{label_of(x), {}};
  for (const float s : strengths) {
    auto plan = steering::compile(x, steering::in_norms(s), norms);
    if (!plan) return forward_error(plan);
    auto point = measure_dose(b, workers, texts, *plan, s);
    if (!point) return forward_error(point);
    curve.doses.push_back(*point);
    after_each();
  }
  return curve;
}

/// How a strength is chosen.
struct strength_choice_options {
  std::vector<float> strengths = {0.0f, 0.025f, 0.05f, 0.075f, 0.1f, 0.15f, 0.2f, 0.3f, 0.4f};
  double max_rise = 0.5;  ///< of the loss on neutral text that is accepted, nats a token
};

/// A strength, and the curve it was chosen from, to be drawn.
struct strength_choice {
  dose chosen;
  dose_curve curve;
};

/// Measures an expression over a range of strengths and takes the knee. Choose
/// on other texts than those the result is judged on.
///
/// Errors:  those of measure_doses; invalid_argument if 0 is not among the
/// strengths. Cost:    a pass over all texts for each strength.
template <persona_expression X, executor E>
expected<strength_choice> choose_strength(batch& b, E& workers, const dose_texts& texts, const X& x,
                                          const steering::residual_norms& norms,
                                          const strength_choice_options& options = {}) {
  auto curve = measure_doses(b, workers, texts, x, norms, options.strengths, [] {});
  if (!curve) return forward_error(curve);
  auto chosen = knee(*curve, options.max_rise);
  if (!chosen) return forward_error(chosen);
  return strength_choice{*std::move(chosen), *std::move(curve)};
}

/// What asking does: the same measure with a prompt in front of every text
/// instead of steering. Print it beside every dose, because it may win. It is a
/// dose of strength 0.
///
/// Errors:  those of measure_dose; out_of_memory if the prompt does not fit the
/// batch's context
///          besides the texts.
/// Cost:    a pass over all texts, the prompt in front of each.
template <executor E>
expected<dose> prompt_baseline(batch& b, E& workers, const dose_texts& texts,
                               std::string_view prompt) {
  const text::tokenizer& tokenizer = *b.lm().tokenizer;
  const std::vector<token_id> front = tokenizer.encode(prompt);
  const std::size_t begin = tokenizer.encode("").size();
  const auto asked = [&](const scored_text& text) {
    scored_text behind{front, text.first_scored + front.size() - begin};
    behind.tokens.insert(behind.tokens.end(),
                         text.tokens.begin() + static_cast<std::ptrdiff_t>(begin),
                         text.tokens.end());
    return behind;
  };
  for (const preference& p : texts.preferences) {
    for (const scored_text* text : {&p.wanted, &p.unwanted}) {
      if (text->tokens.size() < begin) return detail::bare_text();
    }
  }
  for (const scored_text& text : texts.neutral) {
    if (text.tokens.size() < begin) return detail::bare_text();
  }
  dose_texts all;
  for (const preference& p : texts.preferences) {
    all.preferences.push_back({asked(p.wanted), asked(p.unwanted)});
  }
  for (const scored_text& text : texts.neutral) all.neutral.push_back(asked(text));
  return measure_dose(b, workers, all, {}, 0);
}

}  // namespace multitudes
