// SPDX-License-Identifier: MIT
//
// Measures on what no training has seen: whether personas of authors are recognised, whether
// hybrids have the style of one and the subject of another, and how well the model predicts each
// author. Writes a report in Markdown and a chart:
//
//   ./dev run measure_personas --texts FOLDER --manifest FILE --report personas.md

#include "cli.hpp"
#include "personas/author_report.hpp"
#include "personas/gallery.hpp"
#include "personas/hybrid_report.hpp"
#include "personas/loss_report.hpp"

#include <multitudes/format/durable.hpp>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>

using namespace multitudes;
using example::or_exit;

namespace {

struct settings {
  std::string model{};
  std::string folder{};  ///< of the personas; empty: the one beside the model
  std::string report = "personas.md";
  std::string svg = "personas.svg";
  training::recipe texts{};
  std::size_t n_samples = 40;
  std::size_t n_tokens = 80;
  std::uint64_t seed = 1;
};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string about(const settings& set, const personas::writer& w) {
  return "# Personas of " + std::filesystem::path(set.model).filename().string() +
         ", measured\n\nWritten by `./dev run measure_personas --samples " +
         std::to_string(w.n_samples) + " -n " + std::to_string(w.n_tokens) + " --seed " +
         std::to_string(w.seed) + "`. Samples are " + std::to_string(w.n_tokens) +
         " tokens long, at temperature " + report::fixed(static_cast<double>(w.temperature), 1) +
         ", after a neutral beginning (\"The\", \"It was\", …) that is not judged. Personas are "
         "added at the strength of their files. Intervals: 95 %, Wilson's for one persona, a "
         "bootstrap over authors or combinations for means.\n\n";
}

}  // namespace

int main(int argc, char** argv) {
  settings set;
  set.texts.data = MULTITUDES_EXAMPLE_DATA "/corpus";
  CLI::App app("Measures personas on texts that no training has seen.");
  app.add_option("--model", set.model, "the model, a GGUF file")->required();
  app.add_option("--personas", set.folder, "folder of learn_personas (default: beside the model)");
  app.add_option("--texts", set.texts.texts, "folder with a .txt file for each work")->required();
  app.add_option("--manifest", set.texts.manifest, "who wrote them");
  app.add_option("--report", set.report, "where the tables go")->capture_default_str();
  app.add_option("--svg", set.svg, "where the chart goes")->capture_default_str();
  app.add_option("--samples", set.n_samples, "of each persona")->capture_default_str();
  app.add_option("-n", set.n_tokens, "tokens of a sample")->capture_default_str();
  app.add_option("--seed", set.seed, "of the samples")->capture_default_str();
  example::parse_or_exit(app, argc, argv);
  set.folder = personas::gallery::folder_beside(set.model, set.folder);

  const double began = now();
  thread_pool workers;
  const auto lm = or_exit(load_model(set.model));
  const auto from = training::read_sources(set.texts);
  const personas::writer w{.lm = lm,
                           .workers = workers,
                           .n_samples = set.n_samples,
                           .n_tokens = set.n_tokens,
                           .seed = set.seed};
  std::string text = about(set, w);
  const auto say = [&](const std::string& part) {
    text += part;
    std::fputs(part.c_str(), stdout);
    std::fprintf(stderr, "%.0f s\n", now() - began);
  };
  say("## Loss on held-out passages\n\n" + personas::loss_report(lm, workers, from.books) + "\n");
  const personas::author_report authors(w, from.books, set.folder);
  say("## Authors\n\nThe judge is a bag of words, fitted on held-out passages. *Held-out pieces*: "
      "how often it names pieces of chapters that it has not read. *Common words*: a judge that "
      "knows the 300 commonest words only, and so no names.\n\n" +
      authors.table() + "\n");
  say("## Hybrids\n\nOne judge sees words of styles only, the other words of subjects only; a "
      "sample without any is counted as wrong. Chance: 13 % each, 2 % both.\n\n" +
      personas::hybrid_report(w, from.where.words(), set.folder).table());
  or_exit(write_file(set.report, std::as_bytes(std::span(text))));
  const std::string picture = report::to_svg(authors.dose_chart());
  or_exit(write_file(set.svg, std::as_bytes(std::span(picture))));
  std::printf("\nthe report is %s, the chart %s\n", set.report.c_str(), set.svg.c_str());
}
