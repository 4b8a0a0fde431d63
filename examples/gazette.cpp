// SPDX-License-Identifier: MIT
//
// Prints documents of the Gazette, the corpus of the lab, and what the ideal reader makes of them:
// whom it takes the writer for after each item, and what it loses on many of them.
//
//   ./dev run gazette --domains-per-style 3 --zipf 1

#include "cli.hpp"

#include <multitudes/lab/corpus/entropy.hpp>
#include <multitudes/lab/corpus/reader.hpp>
#include <multitudes/lab/corpus/sampler.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

using namespace multitudes;
using example::or_exit;

namespace {

/// The combination of style and domain that the reader finds likeliest.
void print_belief(const lab::reader& r, std::size_t n_domains) {
  const auto cells = r.cell_posterior();
  const auto best = static_cast<std::size_t>(std::ranges::max_element(cells) - cells.begin());
  std::printf("    %-8s on %-8s %.3f\n", std::string(lab::words::names[best / n_domains]).c_str(),
              std::string(lab::words::domains[best % n_domains]).c_str(), cells[best]);
}

}  // namespace

int main(int argc, char** argv) {
  lab::gazette_config config;
  config.items.grid = config.items.football = 1;
  std::uint64_t seed = 1, n_shown = 3, n_read = 2000;
  CLI::App app("Prints documents of the Gazette and what the ideal reader makes of them.");
  app.add_option("--domains-per-style", config.personas.domains_per_style, "seen; 0 for all");
  app.add_option("--zipf", config.personas.zipf, "exponent of the prevalence of styles");
  app.add_option("--header", config.labels.header, "share of documents with a header");
  app.add_option("--seed", seed, "of the documents")->capture_default_str();
  app.add_option("-n", n_shown, "documents to show")->capture_default_str();
  app.add_option("--read", n_read, "documents to read for the losses")->capture_default_str();
  example::parse_or_exit(app, argc, argv);

  const auto g = or_exit(lab::gazette::make(config));
  const auto writers = lab::true_population(g);
  const auto general = lab::product_population(g);
  const lab::document_source source(g, writers, seed);
  lab::reader ideal(g, writers), product(g, general);
  for (std::uint64_t i = 0; i < n_shown; ++i) {
    const auto d = source.document(i);
    const auto& who = d.writers[0];
    std::printf("document %llu, by %s on %s\n", static_cast<unsigned long long>(i),
                std::string(lab::words::names[who[lab::trait::name]]).c_str(),
                std::string(lab::words::domains[who[lab::trait::domain]]).c_str());
    ideal.restart();
    for (const lab::told_item& item : d.items) {
      const auto until = std::span(d.tokens).first(item.first + item.size);
      or_exit(ideal.read(until.subspan(ideal.n_read())));
      std::printf("  %s\n", lab::gazette_text(until.subspan(item.first)).c_str());
      print_belief(ideal, config.personas.n_domains);
    }
  }

  double loss = 0, product_loss = 0, doubt = 0, squares = 0, n_tokens = 0;
  for (std::uint64_t i = 0; i < n_read; ++i) {
    const auto d = source.document(i);
    ideal.restart();
    product.restart();
    const double lost = -or_exit(ideal.read(d.tokens));
    loss += lost;
    product_loss -= or_exit(product.read(d.tokens));
    doubt += ideal.latent_entropy();
    squares += (lost + ideal.latent_entropy()) * (lost + ideal.latent_entropy());
    n_tokens += static_cast<double>(d.tokens.size());
  }
  const auto entropy = or_exit(lab::entropy(g, writers));
  const auto n = static_cast<double>(n_read);
  std::printf("\n%.1f tokens a document; nats a token: ideal reader %.4f, product prior %.4f\n",
              n_tokens / n, loss / n_tokens, product_loss / n_tokens);
  const double mean = (loss + doubt) / n;
  std::printf("nats a document: loss %.3f + doubt about the writer %.3f = %.3f +- %.3f; ", loss / n,
              doubt / n, mean, std::sqrt((squares / n - mean * mean) / n));
  std::printf("in closed form %.3f\n", entropy.joint());
}
