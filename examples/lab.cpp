// SPDX-License-Identifier: MIT
//
// Tests the claims of the essays: trains small models with several seeds, asks them, judges what
// they show, and writes the results, a page of HTML and one of Markdown.
//
//   ./dev lab --list
//   ./dev lab --quick
//   ./dev lab --claims 3,14
//
// What was measured is kept in a folder seed by seed: Control-C stops, the same command goes on.

#include "cli.hpp"
#include "lab/rounds.hpp"
#include "lab/run.hpp"

#include <multitudes/lab/claims/all.hpp>

#include <cstdio>
#include <string>
#include <vector>

using namespace multitudes;

int main(int argc, char** argv) {
  lab_run::settings set;
  bool list = false;
  CLI::App app("Tests what two essays say of personas, on small models.");
  app.add_flag("--list", list, "say which claims there are, and do nothing else");
  app.add_option("--claims", set.numbers, "only these, such as 3,14")->delimiter(',');
  app.add_flag("--quick", set.how.kind.quick, "one seed and a small budget; no verdicts");
  app.add_flag("--null-world", set.how.kind.null_world, "train where no claim can be true");
  std::size_t n_rounds = 0;
  app.add_option("--rounds", n_rounds, "of the null world: how often it finds support by chance")
      ->check(CLI::PositiveNumber);
  app.add_option("--seeds", set.how.n_seeds, "of each claim (default: as many as it fixes)")
      ->check(CLI::PositiveNumber);
  app.add_option("--first-seed", set.how.first_seed, "the others follow (0: as claims fix it)")
      ->capture_default_str();
  app.add_flag("--again", set.how.again, "measure anew what the folder has");
  app.add_option("--folder", set.how.folder, "of trained models and outcomes")
      ->capture_default_str();
  app.add_option("--results", set.results, "results as JSON (default: docs/claims.json)");
  app.add_option("--html", set.html, "the report (default: report.html in the folder)");
  app.add_option("--page", set.page, "the same as Markdown (default: docs/claims.md)");
  app.add_option("--commit", set.commit, "in which the thresholds stand");
  example::parse_or_exit(app, argc, argv);
  example::or_exit(lab::check_claims(lab::all_claims()));
  if (list) {
    for (const lab::claim& c : lab::all_claims()) {
      std::printf("%2d  %s (%zu seeds)\n    \"%s\"\n", c.number, std::string(c.name).c_str(),
                  c.n_seeds, std::string(c.quotation).c_str());
    }
    return 0;
  }
  set.command = "./dev lab";
  for (int i = 1; i < argc; ++i) {
    // The commit is told by itself.
    if (std::string(argv[i]) == "--commit") {
      ++i;
    } else {
      set.command += " " + std::string(argv[i]);
    }
  }
  if (n_rounds > 0) {
    set.how.kind.null_world = true;
    const std::string page = set.page.empty() ? "docs/null_world.md" : set.page;
    return lab_run::run_rounds(std::move(set), n_rounds, page);
  }
  return lab_run::run(std::move(set));
}
