// SPDX-License-Identifier: MIT
//
// Asks a model that is given what the lab's claims say, without training: what can be measured on
// it, with controls, and of the other claims why not. Writes a page of Markdown and one of HTML.
//
//   ./dev run lab_model --model base.gguf --tuned instruct.gguf --personas own.personas
//
// Nothing here is a verdict: what training did cannot be seen from its result.

#include "cli.hpp"
#include "lab_model/adding.hpp"
#include "lab_model/attribution.hpp"
#include "lab_model/escaping.hpp"
#include "lab_model/finding.hpp"
#include "lab_model/own_personas.hpp"
#include "lab_model/shifting.hpp"
#include "lab_model/weights_and_labels.hpp"

#include <multitudes/format/durable.hpp>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace multitudes;
using namespace lab_model;
using example::or_exit;

namespace {

struct settings {
  std::string model{};
  std::string tuned{};
  std::string personas = MULTITUDES_EXAMPLE_DATA "/styles.personas";
  std::string page = "lab_model.md";
  std::string html = "lab_model.html";
  std::string write_personas{};
  std::uint64_t seed = 1;
  std::size_t threads = 0;
  bool null_world = false;
  std::size_t judged = 8;
  std::size_t rivals = 7;
};

void write(const std::string& path, const std::string& text) {
  or_exit(write_file(path, std::as_bytes(std::span(text))));
  std::printf("wrote %s\n", path.c_str());
}

/// Each persona's texts in another order for each seed.
lab::persona_set shuffled(lab::persona_set set, std::uint64_t seed) {
  philox random(seed, 5);
  const auto mix = [&](std::vector<std::string>& texts) {
    for (std::size_t i = texts.size(); i > 1; --i) {
      std::swap(texts[i - 1], texts[random.below(static_cast<std::uint32_t>(i))]);
    }
  };
  for (auto& p : set.personas) {
    mix(p.texts);
    mix(p.held_out);
  }
  mix(set.neutral);
  return set;
}

/// The texts of all personas, dealt out anew.
lab::persona_set without_personas(lab::persona_set set, std::uint64_t seed) {
  philox random(seed, 6);
  for (const auto kind : {&lab::described_persona::texts, &lab::described_persona::held_out}) {
    std::vector<std::string*> all;
    for (auto& p : set.personas) {
      for (std::string& text : p.*kind) all.push_back(&text);
    }
    for (std::size_t i = all.size(); i > 1; --i) {
      std::swap(*all[i - 1], *all[random.below(static_cast<std::uint32_t>(i))]);
    }
  }
  return set;
}

/// All measures, until one fails or the user wants an end; true if none did.
bool measure(std::vector<finding>& found, std::vector<asker*>& models, const questions& q) {
  const auto goes_on = [&] {
    for (const asker* a : models) {
      if (a->outcome()) continue;
      if (a->outcome().error().code != errc::cancelled) example::give_up(a->outcome().error());
      return false;
    }
    return true;
  };
  if (models.size() == 2) {
    const auto shifts = measure_shifts(*models[0], *models[1], q);
    if (!goes_on()) return false;
    find_shifts(found, shifts, *models[1], q);
  }
  std::vector<readings> asked;
  for (asker* a : models) asked.push_back(read_everything(*a, q));
  if (!goes_on()) return false;
  find_attribution(found, models, asked, q);
  find_weights(found, models, asked, q);
  find_labels(found, models, asked, q);
  std::vector<escapes> measured;
  for (asker* a : models) measured.push_back(measure_escapes(*a, q));
  if (!goes_on()) return false;
  find_escape(found, models, measured, q);
  find_reset(found, models, measured, q);
  find_openers(found, models, measured, q);
  std::vector<additions> added;
  for (asker* a : models) added.push_back(measure_adding(*a, q));
  if (!goes_on()) return false;
  find_adding(found, models, added, q);
  return true;
}

std::string description(const asker& a, const std::string& path) {
  const auto& shape = a.lm().shape();
  return a.name() + ": " + std::filesystem::path(path).filename().string() + ", " +
         std::to_string(shape.n_layers) + " layers of width " + std::to_string(shape.model_dim) +
         ", vocabulary of " + std::to_string(shape.vocab_size) + "; contexts of at most " +
         std::to_string(a.context()) + " tokens, texts cut to " + std::to_string(a.text_tokens());
}

}  // namespace

int main(int argc, char** argv) {
  settings set;
  CLI::App app("Asks a model of yours what the lab's claims say; trains nothing.");
  app.add_option("--model", set.model, "a GGUF file; best a base model");
  app.add_option("--tuned", set.tuned,
                 "the same model after tuning (default: instruct.gguf beside models/base.gguf)");
  app.add_option("--personas", set.personas, "who is asked about; examples/data has one such file")
      ->capture_default_str();
  app.add_option("--page", set.page, "the report as Markdown")->capture_default_str();
  app.add_option("--html", set.html, "the report with charts")->capture_default_str();
  app.add_option("--seed", set.seed, "order of the texts, and of resamples")->capture_default_str();
  app.add_flag("--null-world", set.null_world,
               "deal the texts out to other personas: nothing should then be found");
  app.add_option("--judged", set.judged, "held-out texts of each persona: fewer are faster")
      ->check(CLI::Range(2, 64))
      ->capture_default_str();
  app.add_option("--rivals", set.rivals, "that each persona is compared with, at most")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--threads", set.threads, "0: as many as there are")->capture_default_str();
  app.add_option("--write-personas", set.write_personas, "only write the file of our own personas");
  example::parse_or_exit(app, argc, argv);
  if (!set.write_personas.empty()) {
    write(set.write_personas, own_personas(MULTITUDES_EXAMPLE_DATA, 20));
    return 0;
  }
  // The shipped pair needs no second name.
  const auto beside = std::filesystem::path(set.model).parent_path() / "instruct.gguf";
  if (set.tuned.empty() && std::filesystem::path(set.model).filename() == "base.gguf" &&
      std::filesystem::exists(beside)) {
    set.tuned = beside.string();
  }
  auto given = or_exit(lab::load_persona_set(set.personas));
  if (set.null_world) given = without_personas(std::move(given), set.seed);
  const questions q{shuffled(std::move(given), set.seed), set.seed, set.judged, set.rivals};
  lab_run::catch_interrupts();
  thread_pool workers(set.threads != 0 ? set.threads : std::thread::hardware_concurrency());
  moving_line line;
  asker base("base", or_exit(load_model(set.model, workers)), workers, line);
  std::vector<asker*> models{&base};
  std::optional<asker> tuned;
  if (!set.tuned.empty()) {
    tuned.emplace("tuned", or_exit(load_model(set.tuned, workers)), workers, line);
    or_exit(lab::check_same_tokenizer(base.lm(), tuned->lm()));
    models.push_back(&*tuned);
  }
  std::vector<finding> found;
  const bool complete = measure(found, models, q);
  std::fprintf(stderr, "\n");

  both_pages page("Claims about personas, asked of a model");
  std::string command = "./dev run lab_model";
  for (int i = 1; i < argc; ++i) command += " " + std::string(argv[i]);
  page.paragraph("Written by " + command + ", with " + std::to_string(q.n()) + " personas of " +
                 std::filesystem::path(set.personas).filename().string() + ".");
  page.paragraph(description(base, set.model) + ".");
  if (tuned) page.paragraph(description(*tuned, set.tuned) + ".");
  page.paragraph(
      "Nothing was trained. Whatever is found is associational and exploratory: it says what these "
      "files do with these texts, not what training did, and nothing here is a verdict. The lab "
      "(./dev lab) tests the claims on models whose training it knows. Numbers in brackets are "
      "intervals of 95 %, by a bootstrap over personas, and texts within them, that knows of "
      "neither other texts nor other models.");
  if (set.null_world) {
    page.paragraph(
        "A null world: texts were dealt out to personas by chance. Whatever is found of "
        "personas here is error.");
  }
  if (!complete) page.paragraph("Stopped early: what comes after is not measured yet.");
  add_claims(page, found);
  write(set.page, page.markdown.finish());
  write(set.html, page.html.finish());
  return complete ? 0 : 1;
}
