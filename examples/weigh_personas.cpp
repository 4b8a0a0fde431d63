// SPDX-License-Identifier: MIT
//
// Puts the weights of personas on one scale, and maps hybrids over a grid of weights: what a
// strength is worth in nats and in demonstrations, whether that predicts what a shift of so many
// nats takes, and what of style and subject survives in a mixture.
//
//   ./dev run weigh_personas --texts FOLDER --manifest FILE --report weights.md

#include "cli.hpp"
#include "personas/gallery.hpp"
#include "personas/hybrid_map.hpp"
#include "personas/weight_report.hpp"

#include <multitudes/format/durable.hpp>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

using namespace multitudes;
using example::or_exit;
using personas::kind;

namespace {

struct settings {
  std::string model{};
  std::string folder{};
  std::string report = "weights.md";
  training::recipe texts{};
  std::size_t n_samples = 40;
  std::size_t n_tokens = 80;
  std::uint64_t seed = 1;
};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Two combinations that training texts contain, and two that they do not.
constexpr std::pair<std::size_t, std::size_t> combinations[] = {{2, 1}, {3, 2}, {0, 3}, {5, 0}};

void write(const std::string& path, const std::string& text) {
  or_exit(write_file(path, std::as_bytes(std::span(text))));
}

}  // namespace

int main(int argc, char** argv) {
  settings set;
  set.texts.data = MULTITUDES_EXAMPLE_DATA "/corpus";
  CLI::App app("Puts the weights of personas on one scale, and maps hybrids.");
  app.add_option("--model", set.model, "the model, a GGUF file")->required();
  app.add_option("--personas", set.folder, "folder of learn_personas (default: beside the model)");
  app.add_option("--texts", set.texts.texts, "folder with a .txt file for each work")->required();
  app.add_option("--manifest", set.texts.manifest, "who wrote them");
  app.add_option("--report", set.report, "where the tables go; the pictures go beside it")
      ->capture_default_str();
  app.add_option("--samples", set.n_samples, "of each condition")->capture_default_str();
  app.add_option("-n", set.n_tokens, "tokens of a sample")->capture_default_str();
  app.add_option("--seed", set.seed, "of the samples")->capture_default_str();
  example::parse_or_exit(app, argc, argv);
  set.folder = personas::gallery::folder_beside(set.model, set.folder);
  const std::string stem = std::filesystem::path(set.report).replace_extension().string();
  const double began = now();
  thread_pool workers;
  const auto lm = or_exit(load_model(set.model));
  const auto from = training::read_sources(set.texts);
  const corpus::grammar& words = from.where.words();
  const personas::writer w{.lm = lm,
                           .workers = workers,
                           .n_samples = set.n_samples,
                           .n_tokens = set.n_tokens,
                           .seed = set.seed};
  const auto authors = personas::author_traits(w, from.books, set.folder, {});
  const auto styles = personas::crossed_traits(w, words, kind::style, set.folder, {});
  const auto subjects = personas::crossed_traits(w, words, kind::subject, set.folder, {});

  std::string text =
      "# Weights of personas, on one scale\n\nWritten by `./dev run weigh_personas --samples " +
      std::to_string(set.n_samples) + " -n " + std::to_string(set.n_tokens) + " --seed " +
      std::to_string(set.seed) +
      "`. An item is a pair of texts of about 160 bytes that no training has seen, one with the "
      "trait and one with another of its kind; its log-odds are how many nats likelier the model "
      "finds the first. Strength 1 is the strength of the persona's file.\n\n";
  const auto say = [&](const std::string& part) {
    text += part;
    std::fputs(part.c_str(), stdout);
    std::fflush(stdout);
    std::fprintf(stderr, "%.0f s\n", now() - began);
  };

  personas::weight_report weights(w);
  std::size_t n_done = 0;
  for (const auto* list : {&authors, &styles, &subjects}) {
    for (const personas::trait& t : *list) {
      weights.add(t);
      std::fprintf(stderr, "%zu of %zu traits, %.0f s\n", ++n_done,
                   authors.size() + styles.size() + subjects.size(), now() - began);
    }
  }
  say("## The additive law\n\n*d*: shift of the items' log-odds at strength 1, mean over standard "
      "deviation, with a bootstrap's 95 % interval; *random*: directions of the same length, mean "
      "(and largest) of five; *prompt*: the trait named before the text. Law: log-odds = at rest + "
      "b · demonstrations (0 to 3) + c · strength (0 to 1), least squares on the means of 32 "
      "items.\n\n" +
      weights.law_table() + "\n");
  say("## Predictions\n\nWithout demonstrations, shifts at five strengths are measured on half of "
      "the "
      "items. A shift is asked for, in nats; the curve gives the strength for it, the spread of "
      "the "
      "items an interval for what 16 new items will show, and then the other half of the items is "
      "measured. Shifts that the curve does not reach are left out.\n\n" +
      weights.prediction_table() + "\n");
  write(stem + ".scale.svg", report::to_svg(weights.prediction_chart()));
  say("![asked for and measured](" + std::filesystem::path(stem).filename().string() +
      ".scale.svg)\n\n## Hybrids over a grid of weights\n\n*Kept*, *accessed*: how much of the "
      "nats that a persona alone gains for its texts the mixture gains, where 0 is what the other "
      "persona alone gains. *Both*: judges of style words and of subject words name both. The "
      "best weights of the map are then compared by new samples.\n\n");
  for (const auto& [way, thing] : combinations) {
    const personas::hybrid_map map(w, words, styles[way], subjects[thing]);
    const std::string name = ".map." + personas::file_name(styles[way].label) + "_" +
                             personas::file_name(subjects[thing].label) + ".svg";
    write(stem + name, report::to_svg(map.map()));
    say("### " + map.title() + " (" +
        (corpus::is_held_out(way, thing) ? "never trained" : "trained") + ")\n\n" + map.table() +
        "\n![map](" + std::filesystem::path(stem).filename().string() + name + ")\n\n");
  }
  write(set.report, text);
  std::printf("the report is %s\n", set.report.c_str());
}
