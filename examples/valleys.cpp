// SPDX-License-Identifier: MIT
//
// Maps the valleys of the default models: who wrote held-out texts (and whether the probabilities
// mean what they say), an alarm for drift, and for every author and the assistant how prevalent,
// deep and wide its valley is before and after instruction and feedback. Writes one page.
//
//   ./dev run valleys --texts FOLDER --manifest FILE --report valleys.html
//   ./dev run valleys --texts FOLDER --manifest FILE --only drift

#include "cli.hpp"
#include "personas/drift_report.hpp"
#include "personas/reading_report.hpp"
#include "personas/valley_report.hpp"

#include <multitudes/format/durable.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

using namespace multitudes;
using example::or_exit;

namespace {

struct settings {
  std::string model{};
  std::string folder{};
  std::string report = "valleys.html";
  std::vector<std::string> only{};  ///< parts; all if empty
  training::recipe texts{};
  std::size_t layer = 0;  ///< 0: the last but one
  std::size_t stretch = 16;

  [[nodiscard]] bool wants(const char* part) const {
    return only.empty() || std::find(only.begin(), only.end(), part) != only.end();
  }
};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void report_valleys(report::html_page& page, const std::vector<personas::stage_valleys>& stages) {
  page.heading("Valleys, before and after training for an assistant");
  page.paragraph(
      "Prevalence: mean posterior over what the model writes unprompted. Tokens to flip: after 48 "
      "tokens of the persona's text, how many of another's it takes until the other is likelier "
      "(median over all others; ∞: more than half never flip within 128). Radius on the model: the "
      "random push, in lengths of the residual row, after which half of the texts read as somebody "
      "else. In activation space the population is one normal distribution for each persona, "
      "weighted by its prevalence; depth is the climb to the lowest pass to another persona. "
      "Intervals: 95 %, bootstrap.");
  page.figure(report::to_svg(personas::stages_chart(stages)),
              "Up: harder to leave. Right: harder to push out.");
  page.figure(report::to_svg(personas::prevalence_chart(stages)), "Mean posterior, unprompted.");
  for (const auto& s : stages) {
    page.heading(s.name, 3);
    page.add(personas::table_of(s));
    page.paragraph(personas::correlation_of(s));
    std::printf("%s\n%s\n", personas::table_of(s).to_markdown().c_str(),
                personas::correlation_of(s).c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  settings set;
  set.texts.data = MULTITUDES_EXAMPLE_DATA "/corpus";
  CLI::App app("Maps the valleys of a base model and of the stages beside it.");
  app.add_option("--model", set.model, "the base model; instruct.gguf and feedback.gguf lie beside")
      ->required();
  app.add_option("--personas", set.folder, "folder of learn_personas (default: beside the model)");
  app.add_option("--texts", set.texts.texts, "folder with a .txt file for each work")->required();
  app.add_option("--manifest", set.texts.manifest, "who wrote them");
  app.add_option("--report", set.report, "the page")->capture_default_str();
  app.add_option("--layer", set.layer, "where states are read; 0: the last but one");
  app.add_option("--stretch", set.stretch, "tokens of a state")->capture_default_str();
  app.add_option("--only", set.only, "parts to do: reading, drift, valleys (default: all)")
      ->check(CLI::IsMember({"reading", "drift", "valleys"}))
      ->delimiter(',');
  example::parse_or_exit(app, argc, argv);

  const double began = now();
  const auto say = [&](const char* what) {
    std::fprintf(stderr, "%s, %.0f s\n", what, now() - began);
  };
  thread_pool workers;
  const std::filesystem::path beside = std::filesystem::path(set.model).parent_path();
  const std::pair<const char*, std::string> files[] = {
      {"base", set.model},
      {"instruct", (beside / "instruct.gguf").string()},
      {"feedback", (beside / "feedback.gguf").string()}};
  const auto from = training::read_sources(set.texts);
  const personas::voices v = personas::read_voices(or_exit(load_model(files[2].second)), workers,
                                                   from.books, from.where, {});
  say("read the texts");

  report::html_page page("Valleys of the default models");
  page.paragraph("Written by `./dev run valleys`. States are mean residual rows of " +
                 std::to_string(set.stretch) + " tokens along discriminant axes.");
  const auto way_of = [&](const language_model& lm) {
    return personas::reading_way{layer_index(set.layer != 0 ? set.layer : lm.shape().n_layers - 2),
                                 set.stretch};
  };
  const personas::writer base{.lm = or_exit(load_model(set.model)), .workers = workers};
  double temperature = 1;
  if (set.wants("reading") || set.wants("valleys")) {  // valleys need the temperature
    const auto reader = personas::learn_reader(base.lm, workers, v, way_of(base.lm));
    temperature = personas::report_reading(page, base, v, reader, set.stretch);
    say("read who wrote what");
  }
  if (set.wants("drift")) {
    const auto folder = personas::gallery::folder_beside(set.model, set.folder);
    personas::report_drift(page, base, v, personas::gallery(folder, base.lm.space()),
                           {.stretch = set.stretch});
    say("tried the alarm");
  }
  if (set.wants("valleys")) {
    std::vector<personas::stage_valleys> stages;
    for (const auto& [name, file] : files) {
      const personas::writer w{.lm = or_exit(load_model(file)), .workers = workers};
      const auto reader = personas::learn_reader(w.lm, workers, v, way_of(w.lm));
      stages.push_back(personas::measure_stage(
          name, w, v, reader, {.stretch = set.stretch, .temperature = temperature}));
      say(name);
    }
    report_valleys(page, stages);
  }
  const std::string text = page.finish();
  or_exit(write_file(set.report, std::as_bytes(std::span(text))));
  std::printf("the report is %s\n", set.report.c_str());
}
