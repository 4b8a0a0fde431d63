// SPDX-License-Identifier: MIT
//
// Trains the default model, or one like it from a folder of your own texts: a base model that
// has read, a second one that was taught to follow instructions, and a third that was rewarded for
// friendliness.
//
//   ./dev run train_default --texts FOLDER --out FOLDER
//
// A run can be stopped (Control-C) and started again with the same command: it goes on.

#include "cli.hpp"
#include "corpus/factorial.hpp"
#include "corpus/labels.hpp"
#include "training/recipe.hpp"
#include "training/stages.hpp"

#include <cstdio>
#include <string>

int main(int argc, char** argv) {
  training::recipe r;
  r.data = MULTITUDES_EXAMPLE_DATA "/corpus";
  CLI::App app{"Trains a model on a folder of texts"};
  app.add_option("--texts", r.texts, "folder with a .txt file for each work")->required();
  app.add_option("--manifest", r.manifest, "who wrote them; see examples/data/corpus/works.txt");
  app.add_option("--out", r.out, "where the models go")->capture_default_str();
  app.add_option("--work", r.work, "checkpoints and full-precision models")->capture_default_str();
  app.add_option("--stage", r.stage, "base, instruct, feedback or all")->capture_default_str();
  app.add_option("--dim", r.model_dim, "width of the residual stream")->capture_default_str();
  app.add_option("--layers", r.n_layers)->capture_default_str();
  app.add_option("--vocabulary", r.vocab_size)->capture_default_str();
  app.add_option("--passes", r.book_passes, "over the texts")->capture_default_str();
  app.add_option("--generated", r.generated_share, "of the tokens, generated here")
      ->capture_default_str();
  app.add_option("--rows", r.batch_rows, "tokens of a batch")->capture_default_str();
  app.add_option("--rate", r.learning_rate, "peak learning rate")->capture_default_str();
  app.add_option("--threads", r.n_threads)->capture_default_str();
  app.add_option("--seed", r.seed)->capture_default_str();
  example::parse_or_exit(app, argc, argv);
  return training::run(r);
}
