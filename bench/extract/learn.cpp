// SPDX-License-Identifier: MIT
// Learning from 256 pairs: pairs a second, beside the program that one writes first (two separate
// runs for each pair, with the logits of every token, as frameworks compute them unless told
// otherwise; every row of every layer stored; all eigenvectors of a dense matrix for each layer).
// Both run on this library's forward pass, so that only the extraction is compared. Both are bound
// by that pass: what there is to gain depends on what the texts share, hence four kinds of texts.
// Below, the extractors on planted rows: cosines to the truth over 100 seeds.

#include "../../tests/extract/planted.hpp"
#include "../../tests/support/tiny_model.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/extract/learn.hpp>
#include <multitudes/generate/capture.hpp>
#include <multitudes/linalg/detail/eigen.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mt = multitudes;

namespace {

constexpr std::size_t n_pairs = 256;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Made once; nothing where the file is not there.
const std::optional<mt::language_model>& model(const std::string& name) {
  static std::map<std::string, std::optional<mt::language_model>> models;
  const auto known = models.find(name);
  if (known != models.end()) return known->second;
  auto& made = models[name];
  if (name == "base") {
    if (auto lm = mt::load_model(MULTITUDES_SOURCE_DIR "/models/base.gguf")) made = *std::move(lm);
  } else {
    made = multitudes_test::tiny_model({.n_layers = 3,
                                        .model_dim = 1024,
                                        .n_heads = 16,
                                        .n_kv_heads = 4,
                                        .ffn_dim = 2816,
                                        .context = 512,
                                        .format = mt::simd::weight_format::q8_0});
  }
  return made;
}

enum class kind { apart, opening, header, cut };

/// Pairs of random tokens, all of the lengths that the kinds' names stand for: `apart` share
/// nothing (24 tokens a text); an `opening` is common to the two texts of a pair (16 of 24); a
/// `header` (instructions and examples, 160 tokens) is common to all, a question (40) to a pair,
/// and each side answers it in 2 tokens. `cut` is how the common tools make their pairs: 16
/// sentences, each cut at 16 places, behind two instructions (16 tokens), one for each side, and
/// read at the last token.
std::vector<mt::reading_pair> pairs_of(kind k, const mt::language_model& lm) {
  mt::philox random(9);
  const std::uint32_t vocab = lm.shape().vocab_size;
  const auto add = [&](std::vector<mt::token_id>& to, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) to.emplace_back(3 + random.below(vocab - 3));
  };
  std::vector<mt::token_id> header = lm.tokenizer->encode("");
  if (k == kind::header) add(header, 160);
  std::vector<mt::reading_pair> pairs;
  if (k == kind::cut) {
    constexpr std::size_t n_cuts = 16;
    std::vector<mt::token_id> asked[2] = {header, header};
    for (auto& side : asked) add(side, 16);
    while (pairs.size() < n_pairs) {
      std::vector<mt::token_id> sentence;
      add(sentence, n_cuts);
      for (std::size_t n = 1; n <= n_cuts; ++n) {
        const auto side = [&](const std::vector<mt::token_id>& before) {
          mt::reading r{before, {}};
          r.tokens.insert(r.tokens.end(), sentence.begin(),
                          sentence.begin() + static_cast<std::ptrdiff_t>(n));
          r.spans = {{r.tokens.size() - 1, r.tokens.size()}};
          return r;
        };
        pairs.push_back({side(asked[0]), side(asked[1])});
      }
    }
    return pairs;
  }
  for (std::size_t i = 0; i < n_pairs; ++i) {
    std::vector<mt::token_id> common = header;
    if (k != kind::apart) add(common, k == kind::header ? 40 : 16);
    const auto side = [&] {
      mt::reading r{common, {}};
      add(r.tokens, k == kind::header ? 2 : k == kind::opening ? 8 : 24);
      const std::size_t n = r.tokens.size();
      r.spans = {{std::min(common.size(), n - 1), n}};
      return r;
    };
    mt::reading_pair pair;
    pair.positive = side();
    pair.negative = side();
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

const char* name_of(kind k) {
  constexpr const char* names[] = {"apart", "opening", "header", "cut"};
  return names[static_cast<std::size_t>(k)];
}

void count(benchmark::State& state, double forward, double fit) {
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["pairs/s"] = benchmark::Counter(rounds * n_pairs, benchmark::Counter::kIsRate);
  state.counters["forward_s"] = forward / rounds;
  state.counters["fit_s"] = fit / rounds;
}

/// What one writes first.
void obvious(benchmark::State& state, const std::string& which, kind k) {
  const auto& lm = model(which);
  if (!lm) return state.SkipWithError("models/base.gguf is not there");
  const auto pairs = pairs_of(k, *lm);
  const std::size_t n_layers = lm->shape().n_layers;
  const std::size_t width = lm->shape().model_dim;
  mt::thread_pool workers(2);
  std::vector<mt::layer_index> layers;
  for (std::size_t l = 0; l < n_layers; ++l) layers.emplace_back(l);
  double forward = 0;
  double fit = 0;
  for (auto _ : state) {
    const double began = now();
    auto b = *mt::batch::make(*lm, {.n_sequences = 1, .context = 256});
    const auto s = *b.open();
    std::vector<mt::capture> stored;
    for (const auto& pair : pairs) {
      for (const mt::reading* side : {&pair.positive, &pair.negative}) {
        b.truncate(s, 0);
        const mt::feed feeds[] = {{s, side->tokens, side->tokens.size()}};
        stored.emplace_back(feeds, layers, width);
        if (!b.evaluate(workers, feeds, stored.back())) return state.SkipWithError("failed");
      }
    }
    const double read = now();
    for (std::size_t l = 1; l < n_layers; ++l) {
      Eigen::MatrixXd rows(n_pairs, width);
      rows.setZero();
      for (std::size_t i = 0; i < 2 * n_pairs; ++i) {
        const auto& side = i % 2 == 0 ? pairs[i / 2].positive : pairs[i / 2].negative;
        const double share = (i % 2 == 0 ? 1.0 : -1.0) / static_cast<double>(side.spans[0].size());
        for (std::size_t t = side.spans[0].first; t < side.spans[0].last; ++t) {
          const auto h = stored[i].row({0, t}, l);
          for (std::size_t e = 0; e < width; ++e) {
            rows(static_cast<long>(i / 2), static_cast<long>(e)) +=
                share * static_cast<double>(h[e]);
          }
        }
      }
      const Eigen::MatrixXd moments = rows.transpose() * rows;
      const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved(moments);
      benchmark::DoNotOptimize(solved.eigenvectors().data());
    }
    forward += read - began;
    fit += now() - read;
  }
  count(state, forward, fit);
}

/// The library; with `n_folds`, every direction is judged as well.
template <mt::extractor X>
void ours(benchmark::State& state, const X& extract, const std::string& which, kind k,
          std::size_t n_folds) {
  const auto& lm = model(which);
  if (!lm) return state.SkipWithError("models/base.gguf is not there");
  const auto pairs = pairs_of(k, *lm);
  mt::thread_pool workers(2);
  double forward = 0;
  double fit = 0;
  for (auto _ : state) {
    const double began = now();
    auto source = mt::model_pairs<mt::thread_pool>::make(*lm, pairs,
                                                         mt::detail::learned_layers(*lm), workers);
    if (!source) return state.SkipWithError("failed");
    auto kept = mt::keep(*source);
    const double read = now();
    if (!kept) return state.SkipWithError("failed");
    auto found = mt::fit_pairs(extract, *kept, workers, {.n_folds = n_folds});
    benchmark::DoNotOptimize(found->data());
    forward += read - began;
    fit += now() - read;
  }
  count(state, forward, fit);
}

template <mt::extractor X>
void planted(benchmark::State& state, const X& extract) {
  std::vector<double> cosines;
  double accuracy = 0;
  mt::inline_executor one;
  for (auto _ : state) {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
      auto rows = multitudes_test::plant({.seed = seed});
      const auto found = mt::fit_pairs(extract, rows.rows, one, {.n_shuffles = 0});
      cosines.push_back(multitudes_test::cosine((*found)[0].unit, rows.truth));
      accuracy += (*found)[0].evidence.text_accuracy;
    }
  }
  const auto n = static_cast<double>(cosines.size());
  std::sort(cosines.begin(), cosines.end());
  state.counters["cos_least"] = cosines.front();
  state.counters["cos_median"] = cosines[cosines.size() / 2];
  state.counters["cos_most"] = cosines.back();
  state.counters["sign_right"] =
      static_cast<double>(
          std::count_if(cosines.begin(), cosines.end(), [](double c) { return c > 0; })) /
      n;
  state.counters["texts_right"] = accuracy / n;
}

const bool registered = [] {
  for (const std::string which : {"base", "dim1024"}) {
    for (const kind k : {kind::apart, kind::opening, kind::header, kind::cut}) {
      const std::string name = "learn/" + which + "/" + name_of(k) + "/";
      const auto add = [&](const std::string& who, auto run) {
        benchmark::RegisterBenchmark((name + who).c_str(), run)
            ->Unit(benchmark::kMillisecond)
            ->UseRealTime();
      };
      add("obvious", [=](benchmark::State& s) { obvious(s, which, k); });
      add("ours", [=](benchmark::State& s) { ours(s, mt::principal_component{}, which, k, 0); });
      add("ours_mean", [=](benchmark::State& s) { ours(s, mt::mean_difference{}, which, k, 0); });
      add("ours_judged",
          [=](benchmark::State& s) { ours(s, mt::principal_component{}, which, k, 5); });
    }
  }
  const auto add = [](const auto& extract) {
    benchmark::RegisterBenchmark(("planted/" + std::string(extract.name)).c_str(),
                                 [=](benchmark::State& s) { planted(s, extract); })
        ->Unit(benchmark::kMillisecond)
        ->Iterations(1);
  };
  add(mt::mean_difference{});
  add(mt::principal_component{});
  add(mt::centered_principal_component{});
  add(mt::ridge{});
  add(mt::linear_discriminant{});
  add(mt::logistic{});
  return true;
}();

}  // namespace
