// SPDX-License-Identifier: MIT
//
// Learns a persona for each author of a folder of texts, and for each style and each subject of
// the generated ones, from the training parts alone, and writes each as a control vector:
//
//   ./dev run learn_personas --model models/base.gguf --texts FOLDER --out models/personas
//
// A vector is written at the strength at which it does most without spoiling the language: it is
// added as it stands (strength 1 in raw units).

#include "cli.hpp"
#include "personas/judge.hpp"
#include "personas/samples.hpp"
#include "personas/texts.hpp"

#include <multitudes/extract/learn.hpp>
#include <multitudes/generate/calibrate.hpp>
#include <multitudes/generate/control_vector.hpp>
#include <multitudes/generate/score.hpp>
#include <multitudes/persona.hpp>
#include <multitudes/report/number.hpp>
#include <multitudes/simd/vector_ops.hpp>

#include <algorithm>
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
  std::string out = "models/personas";
  training::recipe texts{};
  std::size_t n_pairs = 96;
  std::size_t n_samples = 40;  ///< for each strength that is tried
  std::size_t n_tokens = 48;   ///< of a sample
  double most_rise = 0.75;     ///< of the loss on the persona's own texts, nats per token
  std::size_t first_layer = 1;
  std::size_t last_layer = 0;  ///< 0: the last but one
  std::size_t n_near = 4;      ///< authors that are most alike
  double share = 0.5;  ///< of the second half of each direction; see teach_authors, teach_crossed
};

// Shares of the typical residual norm at each steered block.
constexpr float strengths[] = {0.05f, 0.075f, 0.1f, 0.125f, 0.15f, 0.2f};

/// A persona that was learned, and what its strength is chosen by.
struct pupil {
  kind what;
  std::size_t level;  ///< which of its kind
  persona who;        ///< at unit length
  double accuracy;    ///< share of the pairs that its best layer tells apart
  const personas::judge* by;
  std::vector<scored_text> own;  ///< its texts; none of them is in a pair
};

double loss_of(batch& b, thread_pool& workers, std::span<const scored_text> texts,
               const steering::plan& under) {
  double sum = 0;
  double n = 0;
  for (const double x : or_exit(log_probabilities(b, workers, texts, {under, {}}))) sum -= x;
  for (const scored_text& t : texts) n += static_cast<double>(t.n_scored());
  return sum / n;
}

/// What a plan adds, as a persona of its own.
persona persona_of(const steering::plan& p, const std::string& label) {
  const activation_space space = *p.space();
  std::vector<float> values(std::size_t{space.n_layers} * space.model_dim, 0.0f);
  for (std::size_t l = 0; l < space.n_layers; ++l) {
    const auto row = p.at(layer_index(l));
    std::copy(row.begin(), row.end(),
              values.begin() + static_cast<std::ptrdiff_t>(l * space.model_dim));
  }
  return or_exit(persona::make(label, or_exit(direction::make(space, values))));
}

struct tried {
  float strength;
  double named;     ///< share of samples that the judge gives to the persona
  double own_rise;  ///< of the loss on its own texts
  steering::plan plan;
};

/// The weakest of those that do nearly as much as any that leaves the language whole.
const tried& choose(const std::vector<tried>& doses, double most_rise) {
  double best = 0;
  for (const tried& d : doses) {
    if (d.own_rise <= most_rise) best = std::max(best, d.named);
  }
  for (const tried& d : doses) {
    if (d.own_rise <= most_rise && d.named >= 0.9 * best) return d;
  }
  return doses.front();
}

class school {
 public:
  school(const settings& set, language_model lm)
      : set_(set),
        lm_(std::move(lm)),
        norms_(or_exit(calibrate(lm_, workers_, 128))),
        b_(or_exit(batch::make(lm_, {.n_sequences = 16, .context = 512}))) {
    std::filesystem::create_directories(set.out);
  }

  [[nodiscard]] std::vector<scored_text> scored(std::span<const std::string> texts) const {
    std::vector<scored_text> result;
    for (const std::string& t : texts) result.push_back({lm_.tokenizer->encode(t), 1});
    return result;
  }

  [[nodiscard]] learned study(const std::string& label, std::span<const contrast_pair> pairs) {
    return or_exit(learn(lm_, label, pairs, workers_, {.read = read_position::mean_over_text}));
  }

  /// Chooses the strength and writes the persona down.
  void graduate(const pupil& p) {
    const std::size_t last =
        set_.last_layer != 0 ? set_.last_layer : std::max<std::size_t>(lm_.shape().n_layers, 3) - 2;
    const auto steered = p.who | only_layers(set_.first_layer, last);
    const double before = loss_of(b_, workers_, p.own, {});
    std::vector<tried> doses;
    for (const float s : strengths) {
      auto plan = or_exit(steering::compile(steered, steering::in_norms(s), norms_));
      const auto texts =
          personas::write_samples(lm_, workers_, personas::requests_for(plan, set_.n_samples),
                                  set_.n_tokens, {.temperature = 0.8f, .seed = 1000});
      const double named =
          static_cast<double>(p.by->count(texts, p.level)) / static_cast<double>(texts.size());
      const double rise = loss_of(b_, workers_, p.own, plan) - before;
      doses.push_back({s, named, rise, std::move(plan)});
    }
    const tried& chosen = choose(doses, set_.most_rise);
    const std::string folder = set_.out + "/" + personas::folder_of(p.what);
    std::filesystem::create_directories(folder);
    or_exit(write_control_vector(persona_of(chosen.plan, p.who.label()),
                                 folder + "/" + personas::file_name(p.who.label()) + ".gguf"));
    std::printf("%-22s %3.0f %% of pairs; ", p.who.label().c_str(), 100 * p.accuracy);
    for (const tried& d : doses) {
      std::printf(" %s%.2f: %2.0f %% %+.2f", &d == &chosen ? "*" : "",
                  static_cast<double>(d.strength), 100 * d.named, d.own_rise);
    }
    std::printf("\n");
    std::fflush(stdout);
  }

 private:
  const settings& set_;
  thread_pool workers_;
  language_model lm_;
  steering::residual_norms norms_;
  batch b_;
};

/// Pieces of the training chapters, put to two uses.
struct library {
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> studied{};  ///< (authors, pieces): learned from
  std::vector<personas::labeled_text> judged{};     ///< the others, for choosing strengths
  std::vector<std::vector<std::string>> own{};      ///< (authors, pieces): some of these
};

library read_library(const settings& set, const corpus::shelf& books) {
  library from{.names = personas::authors_of(books)};
  if (from.names.size() < 2) {
    example::give_up({.code = errc::invalid_argument,
                      .operation = "learn personas",
                      .place = set.texts.texts,
                      .found = "one author",
                      .expected = "at least two, to learn what tells them apart",
                      .remedy = {}});
  }
  from.studied = personas::pieces_by_author(
      books, corpus::split::train, 77, {.least_bytes = 250, .most_bytes = 500, .labeled_share = 0});
  from.own.resize(from.names.size());
  for (std::size_t a = 0; a < from.names.size(); ++a) {
    auto& pieces = from.studied[a];
    const std::size_t n = std::min(set.n_pairs, pieces.size() / 2);
    for (std::size_t i = n; i < pieces.size(); ++i) {
      if (i < n + 20) from.own[a].push_back(pieces[i]);
      from.judged.push_back({a, pieces[i]});
    }
    pieces.resize(n);
  }
  return from;
}

double accuracy_of(const learned& l) { return l.layers[l.best_layer().value].accuracy; }

std::vector<std::size_t> others(std::size_t author, std::size_t n_authors) {
  std::vector<std::size_t> result;
  for (std::size_t i = 1; i < n_authors; ++i) result.push_back((author + i) % n_authors);
  return result;
}

/// The authors whose directions point most the same way.
std::vector<std::size_t> nearest(const std::vector<learned>& all, std::size_t author,
                                 std::size_t n) {
  auto result = others(author, all.size());
  const auto values = all[author].who.direction().values();
  const auto likeness = [&](std::size_t other) {
    return simd::dot<simd::native, float>(values, all[other].who.direction().values());
  };
  std::sort(result.begin(), result.end(),
            [&](std::size_t a, std::size_t b) { return likeness(a) > likeness(b); });
  result.resize(std::min(n, result.size()));
  return result;
}

/// `who` and `besides`, mixed at unit length.
persona mixed(const learned& who, const learned& besides, double share) {
  auto p = or_exit(materialize(blend(who.who, besides.who, share)));
  return or_exit(persona::make(who.who.label(), p.direction().clone()));
}

void teach_authors(const settings& set, const library& from, school& s) {
  const std::size_t n = from.names.size();
  const auto by = personas::judge::fit(from.judged, n);
  // What tells an author from everybody is mostly shared with a few others: so half of the
  // direction is what tells the author from these.
  std::vector<learned> broad;
  for (std::size_t a = 0; a < n; ++a) {
    broad.push_back(s.study(from.names[a], personas::author_pairs(from.studied, a, others(a, n))));
  }
  for (std::size_t a = 0; a < n; ++a) {
    const auto narrow = s.study(
        from.names[a], personas::author_pairs(from.studied, a, nearest(broad, a, set.n_near)));
    s.graduate({kind::author, a, mixed(broad[a], narrow, set.share), accuracy_of(broad[a]), &by,
                s.scored(from.own[a])});
  }
}

void teach_crossed(const settings& set, const corpus::grammar& words, const library& from,
                   school& s, kind k) {
  const auto known = k == kind::style ? corpus::style_words(words) : corpus::subject_words(words);
  const auto judged = personas::crossed_texts(words, k, 12, 78);
  const auto by = personas::judge::fit(judged, 8, known);
  const auto& levels = k == kind::style ? corpus::ways : corpus::things;
  // A style or a subject is one of talk: away from it, in the middle of a book, it means little.
  // So half of the direction is what all talk has in common.
  const auto talk = s.study("talk", personas::talk_pairs(words, from.studied, set.n_pairs, 81));
  for (std::size_t i = 0; i < levels.size(); ++i) {
    std::vector<std::string> own;
    for (const auto& t : judged) {
      if (t.label == i && own.size() < 20) own.push_back(t.text);
    }
    const auto found =
        s.study(std::string(levels[i].name), personas::crossed_pairs(words, k, i, set.n_pairs, 79));
    s.graduate({k, i, mixed(found, talk, set.share), accuracy_of(found), &by, s.scored(own)});
  }
}

}  // namespace

int main(int argc, char** argv) {
  settings set;
  set.texts.data = MULTITUDES_EXAMPLE_DATA "/corpus";
  CLI::App app("Learns personas of authors, styles and subjects, and writes them as files.");
  app.add_option("--model", set.model, "the model, a GGUF file")->required();
  app.add_option("--texts", set.texts.texts, "folder with a .txt file for each work")->required();
  app.add_option("--manifest", set.texts.manifest, "who wrote them");
  app.add_option("--out", set.out, "where the personas go")->capture_default_str();
  app.add_option("--pairs", set.n_pairs, "of texts to learn from")->capture_default_str();
  app.add_option("--samples", set.n_samples, "for each strength")->capture_default_str();
  app.add_option("--rise", set.most_rise, "of the loss on its own texts")->capture_default_str();
  app.add_option("--near", set.n_near, "authors told apart besides")->capture_default_str();
  app.add_option("--share", set.share, "of the second part of each direction")
      ->capture_default_str();
  app.add_option("--first", set.first_layer, "block that is steered")->capture_default_str();
  app.add_option("--last", set.last_layer, "block that is steered; 0: the last but one");
  example::parse_or_exit(app, argc, argv);
  const training::sources from = training::read_sources(set.texts);
  const corpus::grammar& words = from.where.words();
  const library books = read_library(set, from.books);
  school s(set, or_exit(load_model(set.model)));
  std::printf(
      "persona, pairs told apart at its best block; by strength: samples named as it, rise "
      "of the loss\non its own texts; *: chosen\n");
  teach_authors(set, books, s);
  teach_crossed(set, words, books, s, kind::style);
  teach_crossed(set, words, books, s, kind::subject);
}
