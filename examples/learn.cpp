// SPDX-License-Identifier: MIT
//
// Learns a persona from pairs of texts and measures it on others: pairs in, a persona file and a
// report out.
//
//   ./dev run learn --label NAME --pairs FILE --held-out FILE --prompt "You are …"
//
// Pairs are lines `text with the trait | text without it`, held-out texts are lines
// `opening | continuation with the trait | continuation without it`. One half of these chooses the
// strength, the other judges. Without arguments it learns archaic speech from the examples' own
// data.

#include "cli.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/extract/choose_layers.hpp>
#include <multitudes/extract/dose_response.hpp>
#include <multitudes/extract/learn.hpp>
#include <multitudes/format/durable.hpp>
#include <multitudes/generate/calibrate.hpp>
#include <multitudes/generate/persona_file.hpp>
#include <multitudes/persona.hpp>
#include <multitudes/persona/random_control.hpp>
#include <multitudes/report/html.hpp>
#include <multitudes/report/line_chart.hpp>
#include <multitudes/stats/bootstrap.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

using namespace multitudes;
using example::or_exit;

namespace {

struct settings {
  std::string model{};
  std::string label = "archaic";
  std::string pairs = MULTITUDES_EXAMPLE_DATA "/archaic_modern.pairs";
  std::string held_out = MULTITUDES_EXAMPLE_DATA "/archaic_modern.heldout";
  std::string neutral = MULTITUDES_EXAMPLE_DATA "/neutral.txt";
  std::string prompt = "Author: the King James Bible";
  std::string out = "learned.gguf";
  std::string report = "learned.html";
  std::size_t n_controls = 20;
};

report::table evidence_table(const learned& found) {
  report::table t({{"layer", report::alignment::right},
                   {"effect size", report::alignment::right},
                   {"95 %", report::alignment::right},
                   {"pairs told apart", report::alignment::right},
                   {"largest of shuffled", report::alignment::right},
                   {"told from chance"}});
  for (std::size_t l = 1; l < found.layers.size(); ++l) {
    const layer_evidence& e = found.layers[l];
    t.add_row({std::to_string(l), report::fixed(e.effect_size, 2),
               report::fixed(e.interval.low, 2) + " to " + report::fixed(e.interval.high, 2),
               report::fixed(100 * e.accuracy, 0) + " %",
               report::fixed(*std::max_element(e.shuffled.begin(), e.shuffled.end()), 2),
               e.is_above_chance() ? "yes" : "no"});
  }
  return t;
}

/// The held-out texts, every second one in each half.
std::pair<dose_texts, dose_texts> read_halves(const settings& set, const language_model& lm) {
  std::pair<dose_texts, dose_texts> halves;
  bool first = true;
  for (const auto& r : or_exit(read_records(set.held_out, 3))) {
    auto& half = first ? halves.first : halves.second;
    half.preferences.push_back(make_preference(*lm.tokenizer, r[0], r[1], r[2]));
    first = !first;
  }
  for (const auto& r : or_exit(read_records(set.neutral, 1))) {
    halves.first.neutral.push_back({lm.tokenizer->encode(r[0]), 1});
  }
  halves.second.neutral = halves.first.neutral;
  return halves;
}

/// Mean shift of the log-ratios against another dose, with a bootstrap's interval.
std::string shift_of(const dose& d, const dose& rest) {
  std::vector<double> shifts;
  for (std::size_t i = 0; i < d.log_ratios.size(); ++i) {
    shifts.push_back(d.log_ratios[i] - rest.log_ratios[i]);
  }
  philox random(1);
  const auto between = stats::bootstrap(
      shifts, [](std::span<const double> x) { return stats::mean(x); }, 0.95, 2000, random);
  return report::fixed(*stats::mean(shifts), 2) + " (" + report::fixed(between.low, 2) + " to " +
         report::fixed(between.high, 2) + ")";
}

report::line_chart chart_of(const dose_curve& curve) {
  report::line_chart chart{.title = curve.label + ": dose and response",
                           .x_label = "strength (typical residual norms)",
                           .y_label = "nats"};
  report::series ratio{.label = "log-ratio of continuations, over that at rest"};
  report::series loss{.label = "rise of the loss on neutral text, per token",
                      .style = report::line_style::dashed};
  const dose& rest = *curve.at(0);
  for (const dose& d : curve.doses) {
    ratio.x.push_back(static_cast<double>(d.strength));
    ratio.y.push_back(d.log_ratio - rest.log_ratio);
    loss.x.push_back(static_cast<double>(d.strength));
    loss.y.push_back(d.neutral_loss - rest.neutral_loss);
  }
  chart.lines = {std::move(ratio), std::move(loss)};
  return chart;
}

}  // namespace

int main(int argc, char** argv) {
  settings set;
  CLI::App app("Learns a persona from pairs of texts and measures it on others.");
  app.add_option("--model", set.model, "the model, a GGUF file")->required();
  app.add_option("--label", set.label, "what the persona is called")->capture_default_str();
  app.add_option("--pairs", set.pairs, "lines of `with | without`");
  app.add_option("--held-out", set.held_out, "lines of `opening | with | without`");
  app.add_option("--neutral", set.neutral, "texts, a line each, that steering must not spoil");
  app.add_option("--prompt", set.prompt, "that asks for the trait")->capture_default_str();
  app.add_option("--out", set.out, "the persona's file")->capture_default_str();
  app.add_option("--report", set.report, "a page of what was found")->capture_default_str();
  app.add_option("--controls", set.n_controls, "random directions")->capture_default_str();
  example::parse_or_exit(app, argc, argv);

  thread_pool workers;
  const auto lm = or_exit(load_model(set.model));
  const auto norms = or_exit(calibrate(lm, workers));
  const auto pairs = or_exit(read_pairs(set.pairs));
  const auto found = or_exit(learn(lm, set.label, pairs, workers));
  const auto layers = or_exit(choose_layers(found.layers));
  const auto steered = found.who | only_layers(layers.first, layers.last);

  const auto [choosing, judging] = read_halves(set, lm);
  auto b = or_exit(batch::make(lm, {.n_sequences = 16, .context = 256}));
  const auto strength = or_exit(choose_strength(b, workers, choosing, steered, norms));
  const auto plan_of = [&](const auto& who) {
    return or_exit(steering::compile(who | only_layers(layers.first, layers.last),
                                     steering::in_norms(strength.chosen.strength), norms));
  };
  const dose rest = or_exit(measure_dose(b, workers, judging, {}, 0));
  const dose own =
      or_exit(measure_dose(b, workers, judging, plan_of(found.who), strength.chosen.strength));
  const dose asked = or_exit(prompt_baseline(b, workers, judging, set.prompt));
  report::table effects({{"what"},
                         {"shift of the log-ratio, nats", report::alignment::right},
                         {"rise of neutral loss", report::alignment::right}});
  const auto add = [&](const std::string& what, const dose& d) {
    effects.add_row(
        {what, shift_of(d, rest), report::fixed(d.neutral_loss - rest.neutral_loss, 2)});
  };
  add(set.label + ", strength " + report::fixed(static_cast<double>(own.strength), 3), own);
  add("the prompt: " + set.prompt, asked);
  std::size_t as_strong = 0;
  for (std::size_t i = 0; i < set.n_controls; ++i) {
    const auto control = or_exit(random_control(found.who.direction(), 100 + i));
    const dose d = or_exit(measure_dose(b, workers, judging, plan_of(control), own.strength));
    if (d.log_ratio >= own.log_ratio) ++as_strong;
    if (i < 3) add("a random direction of the same length", d);
  }
  const std::string verdict = "Random directions that shift as much: " + std::to_string(as_strong) +
                              " of " + std::to_string(set.n_controls) +
                              ". Steered blocks: " + std::to_string(layers.first.value) + " to " +
                              std::to_string(layers.last.value) + ".";

  // As the plan adds it: strength 1 in raw units is then the strength that was chosen.
  std::vector<float> values;
  const auto plan = plan_of(found.who);
  for (std::size_t l = 0; l < lm.shape().n_layers; ++l) {
    const auto row = plan.at(layer_index(l));
    values.insert(values.end(), row.begin(), row.end());
    values.resize((l + 1) * lm.shape().model_dim, 0.0f);
  }
  const auto who = or_exit(persona::make(set.label, or_exit(direction::make(lm.space(), values))));
  or_exit(save_persona(who, set.out));

  report::html_page page("Learned: " + set.label);
  page.paragraph("From " + std::to_string(pairs.size()) + " pairs, each judged by the others.");
  page.add(evidence_table(found));
  page.figure(report::to_svg(chart_of(strength.curve)),
              "On one half of the held-out texts; the strength is the knee.");
  page.heading("On the other half");
  page.add(effects);
  page.paragraph(verdict);
  const std::string text = page.finish();
  or_exit(write_file(set.report, std::as_bytes(std::span(text))));
  std::printf("%s\n%s\n%s\nwrote %s and %s\n", evidence_table(found).to_text().c_str(),
              effects.to_text().c_str(), verdict.c_str(), set.out.c_str(), set.report.c_str());
}
