// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/generate/batch.hpp>
#include <multitudes/generate/capture.hpp>
#include <multitudes/observe/persona_flip.hpp>
#include <multitudes/observe/state_reader.hpp>
#include <multitudes/persona/persona.hpp>
#include <multitudes/steering/plan.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

/// Texts of one persona, as tokens, each with the model's beginning-of-text token.
struct persona_texts {
  std::string label;
  std::vector<std::vector<token_id>> texts;
};

/// The true evidence against `first` and for `other` after each token of a text, in nats,
/// cumulative from `onset` on; written to `out` (text.size() + 1), the i-th after i tokens.
using true_evidence =
    function_ref<void(std::size_t first, std::size_t other, std::span<const token_id> text,
                      std::size_t onset, std::span<double> out)>;

struct model_valley_options {
  std::size_t stretch = 8;   ///< tokens that a state is the mean of
  std::size_t context = 48;  ///< tokens in the first persona, before the other's begin
  std::size_t trial = 128;   ///< tokens of the other's
  layer_index pushed{0};     ///< where random pushes act; the reader reads at its own layer
  std::vector<double> radii = {0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.0};  ///< of the row's length
  std::size_t n_pushes = 4;                      ///< for each text and radius
  double temperature = 1;                        ///< of the posterior
  accumulation evidence = accumulation::summed;  ///< over the states of a text, for flips
  double confidence = 0.95;
  int resamples = 1000;
  std::uint64_t seed = 1;
};

/// What is known of a persona's valley on the running model.
struct model_valley {
  std::string label;
  measured_number prevalence;  ///< mean posterior over what the model wrote unprompted
  escape flips;                ///< E50 and n50, over all rivals
  stats::half_radius radius;   ///< r50, in lengths of the residual row that was pushed
  std::size_t n_pushed = 0;    ///< texts that read as the persona before a push
};

namespace detail {

inline unexpected<error> bad_valley(errc code, std::string place, std::string found,
                                    std::string wanted) {
  return fail({.code = code,
               .operation = "measure model valleys",
               .place = std::move(place),
               .found = std::move(found),
               .expected = std::move(wanted),
               .remedy = {}});
}

/// A plan that pushes a row of one layer by a random vector of the given length.
inline expected<steering::plan> random_push(const activation_space& space, layer_index layer,
                                            double length, philox& random) {
  std::vector<float> values(std::size_t{space.n_layers} * space.model_dim, 0.0f);
  const auto row =
      std::span(values).subspan(std::size_t{layer.value} * space.model_dim, space.model_dim);
  double square = 0;
  for (float& x : row) {
    x = random.normal();
    square += static_cast<double>(x) * static_cast<double>(x);
  }
  const double scale = length / std::sqrt(std::max(square, 1e-300));
  for (float& x : row) x = static_cast<float>(static_cast<double>(x) * scale);
  auto d = direction::make(space, values);
  if (!d) return forward_error(d);
  const auto push = persona::make("a push", *std::move(d));
  if (!push) return unexpected<error>(push.error());
  return steering::compile(*push, steering::in_raw_units(1));
}

inline std::vector<double> posterior_logs(const multitude& population) {
  std::vector<double> logs;
  for (std::size_t k = 0; k < population.size(); ++k) {
    logs.push_back(population.log_prevalence(k));
  }
  return logs;
}

}  // namespace detail

/// The posterior at the end of every stretch of a text.
///
/// Errors:  those of read_states and posterior_over.
template <executor E>
expected<posterior_trace> posterior_by_states(batch& b, E& workers, const state_reader& reader,
                                              const multitude& prior,
                                              std::span<const token_id> text,
                                              const model_valley_options& how,
                                              const steering::attachment& under = {}) {
  auto states = read_states(b, workers, text, reader.layer(), how.stretch, 1, under);
  if (!states) return forward_error(states);
  return posterior_over(prior, evidence_over(reader, *states, how.evidence), {how.temperature});
}

/// How much it takes to talk the model out of one persona into another: for each trial, `context`
/// tokens of a text of the first and `trial` tokens of one of the other are read, and the
/// log-odds of the first followed through the second part.
///
/// Shapes:  the i-th trial pairs the i-th text of each, round and round, as many as there are of
///          the longer list; its group is the first text.
/// Errors:  invalid_argument if a text is too short; those of posterior_by_states.
template <executor E>
expected<std::vector<flip_trial>> run_flips(batch& b, E& workers, const state_reader& reader,
                                            const multitude& prior,
                                            std::span<const persona_texts> texts, std::size_t first,
                                            std::size_t other, const model_valley_options& how,
                                            const true_evidence* truth = nullptr) {
  std::vector<flip_trial> trials;
  const auto& own = texts[first].texts;
  const auto& others = texts[other].texts;
  for (std::size_t i = 0; i < std::max(own.size(), others.size()); ++i) {
    if (own.empty() || others.empty()) break;
    const auto& a = own[i % own.size()];
    const auto& c = others[i % others.size()];
    if (a.size() < how.context || c.size() < how.trial + 1) {
      return detail::bad_valley(
          errc::invalid_argument, "texts of " + texts[a.size() < how.context ? first : other].label,
          std::to_string(std::min(a.size(), c.size())) + " tokens",
          std::to_string(how.context) + " and " + std::to_string(how.trial + 1) + " tokens");
    }
    std::vector<token_id> whole(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(how.context));
    whole.insert(whole.end(), c.begin() + 1,
                 c.begin() + 1 + static_cast<std::ptrdiff_t>(how.trial));
    auto trace = posterior_by_states(b, workers, reader, prior, whole, how);
    if (!trace) return forward_error(trace);
    std::vector<std::size_t> ends;
    for (std::size_t s = 0; s < trace->size(); ++s) ends.push_back(1 + (s + 1) * how.stretch);
    trials.push_back(flip_trial_of(*trace, ends, how.context, first, other, i % own.size()));
    if (truth == nullptr) continue;
    std::vector<double> nats(whole.size() + 1, 0.0);
    (*truth)(first, other, whole, how.context, nats);
    for (const double t : trials.back().tokens) {
      trials.back().evidence.push_back(nats[how.context + static_cast<std::size_t>(t)]);
    }
  }
  return trials;
}

/// Which random pushes a text's persona survives: over the last stretch, the residual rows of
/// layer `pushed` are moved by one random vector of each relative size, and who is read at the
/// end is compared with who was read without.
struct push_record {
  std::size_t persona = 0;          ///< who was read without a push
  std::vector<std::uint8_t> stays;  ///< (n_pushes, radii)
};

/// Errors:  invalid_argument if the text is too short or `pushed` is after the reader's layer;
/// those
///          of batch::evaluate. The batch needs two free sequences.
/// Cost:    one pass over the text, and one over its last stretch for each push.
template <executor E>
expected<push_record> run_pushes(batch& b, E& workers, const state_reader& reader,
                                 const multitude& prior, std::span<const token_id> text,
                                 const model_valley_options& how, philox& random) {
  if (text.size() < how.stretch + 1 || how.pushed > reader.layer() || how.stretch == 0) {
    return detail::bad_valley(errc::invalid_argument,
                              "push at layer " + std::to_string(how.pushed.value),
                              std::to_string(text.size()) + " tokens, read at layer " +
                                  std::to_string(reader.layer().value),
                              "more tokens than a stretch, and a layer no later than the reader's");
  }
  auto base = b.open();
  if (!base) return forward_error(base);
  const auto close = [&](sequence_id s) { b.close(s); };
  const std::size_t n_before = text.size() - how.stretch;
  const feed opening{*base, text.first(n_before), 0};
  if (auto ok = b.evaluate(workers, std::span(&opening, 1)); !ok) {
    close(*base);
    return forward_error(ok);
  }
  double length = 0;
  const layer_index layers[] = {reader.layer(), how.pushed};
  // Who is read at the end of the text under a plan; sets the rows' mean length if there is none.
  const auto read_under = [&](const steering::plan& plan) -> expected<std::size_t> {
    auto s = b.fork(*base);
    if (!s) return forward_error(s);
    const feed rest{*s, text.subspan(n_before), 0};
    const std::size_t width = b.lm().shape().model_dim;
    const capture kept(std::span(&rest, 1), layers, width);
    auto outcome = b.steer(*s, {plan, {}});
    if (outcome) outcome = b.evaluate(workers, std::span(&rest, 1), kept);
    close(*s);
    if (!outcome) return forward_error(outcome);
    std::vector<float> mean(width, 0.0f);
    std::vector<double> sum(width, 0.0);
    double lengths = 0;
    for (std::size_t t = 0; t < how.stretch; ++t) {
      double square = 0;
      for (std::size_t i = 0; i < width; ++i) {
        sum[i] += static_cast<double>(kept.row({0, t}, 0)[i]);
        const auto x = static_cast<double>(kept.row({0, t}, 1)[i]);
        square += x * x;
      }
      lengths += std::sqrt(square);
    }
    for (std::size_t i = 0; i < width; ++i) {
      mean[i] = static_cast<float>(sum[i] / static_cast<double>(how.stretch));
    }
    if (plan.is_neutral()) length = lengths / static_cast<double>(how.stretch);
    auto now = posterior_of(prior, reader.evidence(mean), {how.temperature});
    if (!now) return forward_error(now);
    const auto logs = detail::posterior_logs(*now);
    return static_cast<std::size_t>(std::max_element(logs.begin(), logs.end()) - logs.begin());
  };
  push_record record;
  auto plain = read_under({});
  expected<void> outcome;
  if (!plain) outcome = forward_error(plain);
  if (plain) record.persona = *plain;
  for (std::size_t p = 0; outcome && p < how.n_pushes; ++p) {
    for (const double radius : how.radii) {
      auto plan = detail::random_push(b.lm().space(), how.pushed, radius * length, random);
      if (!plan) {
        outcome = forward_error(plan);
        break;
      }
      auto who = read_under(*plan);
      if (!who) {
        outcome = forward_error(who);
        break;
      }
      record.stays.push_back(*who == record.persona ? 1 : 0);
    }
  }
  close(*base);
  if (!outcome) return forward_error(outcome);
  return record;
}

/// Prevalence, depth and width of every persona on the running model, with intervals.
///
/// Shapes:  texts (prior.size()), in the prior's order, held out from what the reader learned;
///          unprompted: what the model wrote by itself, from nothing.
/// Errors:  shape_mismatch for another number of texts; those of run_flips and run_pushes.
/// Cost:    for K personas of n texts: about K² n passes over context + trial tokens, and n_pushes
/// *
///          radii * K n over a stretch.
template <executor E>
expected<std::vector<model_valley>> measure_model_valleys(
    batch& b, E& workers, const state_reader& reader, const multitude& prior,
    std::span<const persona_texts> texts, std::span<const std::vector<token_id>> unprompted,
    const model_valley_options& how, const true_evidence* truth = nullptr) {
  const std::size_t n = prior.size();
  if (texts.size() != n || reader.population().n_components() != n) {
    return detail::bad_valley(errc::shape_mismatch, "personas",
                              std::to_string(texts.size()) + " with texts, " +
                                  std::to_string(reader.population().n_components()) + " readable",
                              std::to_string(n));
  }
  philox random(how.seed);
  std::vector<model_valley> result(n);
  std::vector<std::vector<double>> shares(n);
  for (const auto& text : unprompted) {
    auto trace = posterior_by_states(b, workers, reader, prior, text, how);
    if (!trace) return forward_error(trace);
    if (trace->size() == 0) continue;
    for (std::size_t k = 0; k < n; ++k) {
      shares[k].push_back(std::exp(trace->row(trace->size() - 1)[k]));
    }
  }
  std::vector<std::vector<std::uint8_t>> stays(n);
  for (std::size_t k = 0; k < n; ++k) {
    model_valley& here = result[k];
    here.label = texts[k].label;
    here.prevalence.value = stats::mean(shares[k]).value_or(prior.prevalence(k));
    here.prevalence.between =
        stats::bootstrap(shares[k], stats::mean, how.confidence, how.resamples, random);
    std::vector<flip_trial> trials;
    for (std::size_t other = 0; other < n; ++other) {
      if (other == k) continue;
      auto some = run_flips(b, workers, reader, prior, texts, k, other, how, truth);
      if (!some) return forward_error(some);
      trials.insert(trials.end(), some->begin(), some->end());
    }
    here.flips = summarize_flips(trials, how.confidence, how.resamples, random);
    for (const auto& text : texts[k].texts) {
      const auto part = std::span(text).first(std::min(text.size(), how.context));
      auto record = run_pushes(b, workers, reader, prior, part, how, random);
      if (!record) return forward_error(record);
      if (record->persona != k) continue;  // it was not in this valley to begin with
      ++here.n_pushed;
      stays[k].insert(stays[k].end(), record->stays.begin(), record->stays.end());
    }
    here.radius = stats::find_half_radius(how.radii, stays[k], how.confidence, how.resamples,
                                          random, how.n_pushes);
  }
  return result;
}

}  // namespace multitudes
