// SPDX-License-Identifier: MIT
// Learns two traits from pairs of sentences, speaks with them, and measures what they do against
// random directions of the same length.

#include "cli.hpp"

#include <multitudes/core/thread_pool.hpp>
#include <multitudes/extract/dose_response.hpp>
#include <multitudes/extract/learn.hpp>
#include <multitudes/format/durable.hpp>
#include <multitudes/generate/calibrate.hpp>
#include <multitudes/generate/session.hpp>
#include <multitudes/observe/projection.hpp>
#include <multitudes/persona.hpp>
#include <multitudes/persona/random_control.hpp>
#include <multitudes/report/line_chart.hpp>
#include <multitudes/report/progress.hpp>
#include <multitudes/report/table.hpp>

#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace mt = multitudes;
using example::or_exit;

namespace {

struct settings {
  std::string model;
  std::string data = MULTITUDES_EXAMPLE_DATA;
  std::string svg = "dose.svg";
  std::size_t n_tokens = 60;
  std::size_t n_controls = 50;
  std::size_t threads = 2;
  std::uint64_t seed = 1;
};

/// A trait with its opposite: one direction, pushed forwards or backwards. And what to say to ask
/// for it instead.
struct trait {
  const char* positive;
  const char* negative;
  const char* prompt;
};
constexpr trait traits[] = {{"cheerful", "gloomy", "This is a very cheerful story. "},
                            {"brave", "fearful", "This is a story about brave people. "}};

// The dose curve's strengths: a share of the typical residual norm at each steered layer.
constexpr float strengths[] = {-0.4f, -0.2f, -0.15f, -0.1f, -0.05f, 0.0f,
                               0.05f, 0.1f,  0.15f,  0.2f,  0.4f};
// Where steering costs more than this on neutral text, it breaks language instead of bending it.
constexpr double max_rise = 0.5;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// One line on the terminal that is written over; nothing where nobody watches.
class live_line {
 public:
  void show(const std::string& text) {
    if (!watched_) return;
    std::fprintf(stderr, "\r\033[K%s", text.c_str());
    std::fflush(stderr);
  }
  void clear() { show(""); }

 private:
  bool watched_ = isatty(STDERR_FILENO) != 0;
};

/// `cheerful  +0.62 |      ####  |`
std::string meter(const trait& t, double reading) {
  constexpr int half = 8;
  std::string bar(2 * half + 1, ' ');
  const int end = std::clamp(static_cast<int>(std::lround(reading * half / 2)), -half, half);
  for (int i = std::min(end, 0); i <= std::max(end, 0); ++i) {
    bar[static_cast<std::size_t>(i + half)] = '#';
  }
  char text[96];
  std::snprintf(text, sizeof text, "%s [%s] %s %+5.2f", t.negative, bar.c_str(), t.positive,
                reading);
  return text;
}

mt::learned learn_trait(const settings& set, const mt::language_model& lm, mt::thread_pool& workers,
                        const trait& t) {
  const auto pairs =
      or_exit(mt::read_pairs(set.data + "/" + t.positive + "_" + t.negative + ".pairs"));
  auto found = or_exit(mt::learn(lm, t.positive, pairs, workers));
  std::printf("\nlearned %s against %s from %zu pairs, each judged by the others\n", t.positive,
              t.negative, pairs.size());
  std::printf(
      "  layer  effect size  95%% interval     pairs told apart  shuffled sides, at most\n");
  for (std::size_t l = 1; l < found.layers.size(); ++l) {
    const mt::layer_evidence& e = found.layers[l];
    const double chance = *std::max_element(e.shuffled.begin(), e.shuffled.end());
    std::printf("  %5zu  %11.2f  [%5.2f, %5.2f]  %14.0f %%  %23.2f\n", l, e.effect_size,
                e.interval.low, e.interval.high, 100 * e.accuracy, chance);
  }
  return found;
}

/// The blocks that are steered: neither the first, which files of other tools cannot hold, nor
/// the last, which is kept for reading what the model made of it.
struct steered_layers {
  mt::layer_index first{1};
  mt::layer_index last;

  explicit steered_layers(const mt::language_model& lm)
      : last(std::max<std::size_t>(lm.shape().n_layers, 3) - 2) {}
  [[nodiscard]] auto adaptor() const { return mt::only_layers(first, last); }
};

/// What a trait is judged on: continuations that it was not learned from, and neutral texts.
mt::dose_texts read_dose_texts(const settings& set, const mt::language_model& lm, const trait& t) {
  mt::dose_texts texts;
  const std::string name = set.data + "/" + t.positive + "_" + t.negative + ".heldout";
  for (const auto& r : or_exit(mt::read_records(name, 3))) {
    texts.preferences.push_back(mt::make_preference(*lm.tokenizer, r[0], r[1], r[2]));
  }
  for (const auto& r : or_exit(mt::read_records(set.data + "/neutral.txt", 1))) {
    texts.neutral.push_back({lm.tokenizer->encode(r[0]), 1});
  }
  return texts;
}

mt::batch make_dose_batch(const mt::language_model& lm, const mt::dose_texts& texts) {
  std::size_t longest = 1;
  for (const mt::preference& p : texts.preferences) {
    longest = std::max({longest, p.wanted.tokens.size(), p.unwanted.tokens.size()});
  }
  for (const mt::scored_text& t : texts.neutral) longest = std::max(longest, t.tokens.size());
  constexpr std::size_t prompt = 32;  // room for one in front
  return or_exit(mt::batch::make(lm, {.n_sequences = 16, .context = longest + prompt}));
}

/// What one trait does, with random directions beside it.
struct measured {
  mt::dose_curve curve;
  mt::dose_range usable;
  mt::dose prompted;  ///< what asking does instead
  std::vector<mt::dose_curve> controls;

  [[nodiscard]] float largest_usable() const {
    return std::min(-curve.doses[usable.first].strength, curve.doses[usable.last].strength);
  }
};

measured measure_trait(const settings& set, const mt::language_model& lm, mt::thread_pool& workers,
                       const mt::learned& what, const trait& t,
                       const mt::steering::residual_norms& norms) {
  const mt::dose_texts texts = read_dose_texts(set, lm, t);
  mt::batch b = make_dose_batch(lm, texts);
  const auto steered = steered_layers(lm).adaptor();
  measured result;
  result.curve =
      or_exit(mt::measure_doses(b, workers, texts, what.who | steered, norms, strengths, [] {}));
  result.usable = or_exit(mt::usable_range(result.curve, max_rise));
  result.prompted = or_exit(mt::prompt_baseline(b, workers, texts, t.prompt));
  return result;
}

void measure_controls(const settings& set, const mt::language_model& lm, mt::thread_pool& workers,
                      const mt::learned& what, const trait& t,
                      const mt::steering::residual_norms& norms, measured& result) {
  const mt::dose_texts texts = read_dose_texts(set, lm, t);
  mt::batch b = make_dose_batch(lm, texts);
  const auto steered = steered_layers(lm).adaptor();
  live_line line;
  mt::report::progress progress(std::string("random controls for ") + t.positive,
                                set.n_controls * std::size(strengths));
  std::size_t done = 0;
  const double began = now();
  for (std::size_t i = 0; i < set.n_controls; ++i) {
    const auto control = or_exit(mt::random_control(what.who.direction(), set.seed * 1000 + i));
    result.controls.push_back(
        or_exit(mt::measure_doses(b, workers, texts, control | steered, norms, strengths, [&] {
          ++done;
          if (progress.due(now())) line.show(progress.line(done, now() - began));
        })));
  }
  line.clear();
}

void speak(const settings& set, const mt::language_model& lm, mt::thread_pool& workers,
           const std::vector<mt::learned>& all, const std::vector<measured>& doses,
           const mt::steering::residual_norms& norms) {
  const steered_layers steered(lm);
  const auto control = or_exit(mt::random_control(all[0].who.direction(), set.seed));
  const auto& cheerful = all[0].who;
  const auto& brave = all[1].who;
  const auto only = steered.adaptor();
  // Half of the strength at which the loss on neutral text has risen by max_rise.
  const float s0 = doses[0].largest_usable() / 2;
  const float s1 = doses[1].largest_usable() / 2;
  const auto compile = [&](const auto& x, float s) {
    return or_exit(mt::steering::compile(x | only, mt::steering::in_norms(s), norms));
  };
  const struct {
    const char* name;
    mt::steering::plan plan;
  } voices[] = {{"plain", {}},
                {"cheerful", compile(cheerful, s0)},
                {"gloomy", compile(-cheerful, s0)},
                {"brave", compile(brave, s1)},
                {"fearful", compile(-brave, s1)},
                {"0.6*cheerful + 0.4*brave", compile(0.6f * cheerful + 0.4f * brave, s0)},
                {"random (control)", compile(control, s0)}};

  std::vector<mt::reading_axis> axes;
  const mt::layer_index read_at(lm.shape().n_layers - 1);
  for (const mt::learned& l : all) axes.push_back(or_exit(mt::axis_of(l, read_at)));

  std::printf(
      "\nstrength %.3f (cheerful) and %.3f (brave) of the residual norm, blocks %u to %u;"
      "\nreadings at block %u, where +1 and -1 are what the learning texts read\n",
      static_cast<double>(s0), static_cast<double>(s1), steered.first.value, steered.last.value,
      read_at.value);
  live_line line;
  for (const auto& opening : or_exit(mt::read_records(set.data + "/openings.txt", 1))) {
    std::printf("\n\"%s\"\n", opening[0].c_str());
    for (const auto& voice : voices) {
      auto session = or_exit(mt::session<mt::thread_pool>::make(
          lm,
          {.context = 256 + set.n_tokens,
           .how = {.temperature = 0.7f, .top_p = 0.9f, .seed = set.seed}},
          workers));
      or_exit(session.steer(voice.plan, mt::memory::keep));
      or_exit(session.read(opening[0]));
      const auto needle = or_exit(mt::projection_meter::make(lm.space(), axes, 1));
      std::vector<double> sums(axes.size());
      double n = 0;
      const double began = now();
      const std::string text = or_exit(session.write(
          set.n_tokens,
          [&](std::string_view) {
            if (std::isnan(needle.reading(0))) return;  // the first token is only chosen yet
            for (std::size_t a = 0; a < axes.size(); ++a) sums[a] += needle.reading(a);
            n += 1;
            line.show(meter(traits[0], needle.reading(0)) + "   " +
                      meter(traits[1], needle.reading(1)) + "   " +
                      std::to_string(static_cast<int>(n / (now() - began))) + " tokens/s");
          },
          needle));
      line.clear();
      std::printf("  %-25s %s%s\n", voice.name, opening[0].c_str(), text.c_str());
      std::printf("  %25s %s %+.2f  %s %+.2f  (%.0f tokens/s)\n", "", traits[0].positive,
                  sums[0] / std::max(n, 1.0), traits[1].positive, sums[1] / std::max(n, 1.0),
                  n / (now() - began));
    }
  }
}

/// One quantity against strength: the persona, with every control in gray behind it.
mt::report::line_chart chart_of(const trait& t, const measured& m, const char* what,
                                double mt::dose::*quantity) {
  const auto line_of = [&](const mt::dose_curve& curve, std::string label, bool muted) {
    mt::report::series line{
        .label = std::move(label), .x = {}, .y = {}, .low = {}, .high = {}, .muted = muted};
    for (const mt::dose& d : curve.doses) {
      line.x.push_back(static_cast<double>(d.strength));
      line.y.push_back(d.*quantity);
    }
    return line;
  };
  mt::report::line_chart chart;
  chart.title = std::string(t.positive) + " against " + t.negative;
  chart.x_label = "strength (typical residual norms at each steered block)";
  chart.y_label = what;
  for (const mt::dose_curve& c : m.controls) {
    chart.lines.push_back(line_of(c, "random directions (control)", true));
  }
  chart.lines.push_back(line_of(m.curve, t.positive, false));
  for (const std::size_t end : {m.usable.first, m.usable.last}) {
    chart.vertical.push_back({static_cast<double>(m.curve.doses[end].strength), "usable"});
  }
  return chart;
}

/// Strength against log-ratio and neutral loss, with the controls beside them.
void print_table(const trait& t, const measured& m) {
  std::printf("\n%s against %s: log p(%s words) - log p(%s words), held-out continuations\n",
              t.positive, t.negative, t.positive, t.negative);
  mt::report::table table({{"strength", mt::report::alignment::right},
                           {"log-ratio (nats)", mt::report::alignment::right},
                           {"controls, 5% to 95%", mt::report::alignment::right},
                           {"neutral loss (nats/token)", mt::report::alignment::right},
                           {"controls, median", mt::report::alignment::right},
                           {"", mt::report::alignment::left}});
  const auto number = [](double x, int decimals) { return mt::report::fixed(x, decimals); };
  for (std::size_t i = 0; i < m.curve.doses.size(); ++i) {
    std::vector<double> ratios;
    std::vector<double> losses;
    for (const mt::dose_curve& c : m.controls) {
      ratios.push_back(c.doses[i].log_ratio);
      losses.push_back(c.doses[i].neutral_loss);
    }
    const mt::dose& d = m.curve.doses[i];
    const bool usable = m.usable.first <= i && i <= m.usable.last;
    table.add_row({number(static_cast<double>(d.strength), 2), number(d.log_ratio, 3),
                   number(mt::stats::quantile(ratios, 0.05).value_or(NAN), 3) + " to " +
                       number(mt::stats::quantile(ratios, 0.95).value_or(NAN), 3),
                   number(d.neutral_loss, 3), number(mt::stats::median(losses).value_or(NAN), 3),
                   usable ? "" : "loss rises too far"});
  }
  std::printf("%s", table.to_text().c_str());
}

/// What the best usable strength does, beside what asking for it does.
void print_prompt(const trait& t, const measured& m) {
  const mt::dose best = or_exit(mt::knee(m.curve, max_rise));
  const mt::dose& plain = *m.curve.at(0);
  std::printf("steered at %+.2f: log-ratio %+.3f, neutral loss %+.3f\n",
              static_cast<double>(best.strength), best.log_ratio - plain.log_ratio,
              best.neutral_loss - plain.neutral_loss);
  std::printf("asked by \"%s\": log-ratio %+.3f, neutral loss %+.3f\n", t.prompt,
              m.prompted.log_ratio - plain.log_ratio, m.prompted.neutral_loss - plain.neutral_loss);
}

/// Is the persona's slope more than a random direction's, and how far does more give more?
void print_verdict(const measured& m) {
  const auto own = mt::dose_slope(m.curve, m.usable);
  std::vector<double> slopes;
  std::size_t n_as_strong = 0;
  for (const mt::dose_curve& c : m.controls) {
    const auto fit = mt::dose_slope(c, m.usable);
    if (!fit || !own) continue;
    slopes.push_back(fit->slope);
    if (std::abs(fit->slope) >= own->slope) ++n_as_strong;
  }
  const auto bar = mt::stats::quantile(slopes, 0.95);
  const auto rising = or_exit(mt::monotonic_range(m.curve));
  const auto at = [&](std::size_t i) { return static_cast<double>(m.curve.doses[i].strength); };
  std::printf("over strengths %+.2f to %+.2f, where the neutral loss rises by less than %.1f:\n",
              at(m.usable.first), at(m.usable.last), max_rise);
  std::printf(
      "  slope %.2f nats per unit of strength; 95th percentile of %zu random directions "
      "%.2f: %s\n",
      own ? own->slope : NAN, slopes.size(), bar.value_or(NAN),
      own && bar && own->slope > *bar ? "above chance" : "NOT above chance");
  std::printf("  random directions as strong, forwards or backwards: %zu of %zu\n", n_as_strong,
              slopes.size());
  std::printf("  monotonic from %+.2f to %+.2f\n", at(rising.first), at(rising.last));
}

}  // namespace

int main(int argc, char** argv) {
  settings set;
  CLI::App app("Learns personas, speaks with them, and measures them against chance.");
  app.add_option("--model", set.model, "the model, a GGUF file")->required();
  app.add_option("--data", set.data, "the folder of the learning texts");
  app.add_option("--svg", set.svg, "where the picture goes (default: speak.svg)");
  app.add_option("-n", set.n_tokens, "tokens for each voice (default: 60)");
  app.add_option("--controls", set.n_controls, "random directions for each trait (default: 50)");
  app.add_option("--threads", set.threads, "how many threads work (default: 2)");
  app.add_option("--seed", set.seed, "of everything that is drawn (default: 1)");
  example::parse_or_exit(app, argc, argv);

  const auto lm = or_exit(mt::load_model(set.model));
  std::printf("%s: %u blocks, width %u, vocabulary %u\n", set.model.c_str(), lm.shape().n_layers,
              lm.shape().model_dim, lm.shape().vocab_size);
  mt::thread_pool workers(set.threads);
  const auto norms = or_exit(mt::calibrate(lm, workers));
  std::vector<mt::learned> all;
  for (const trait& t : traits) all.push_back(learn_trait(set, lm, workers, t));
  std::vector<measured> doses;
  for (std::size_t i = 0; i < all.size(); ++i) {
    doses.push_back(measure_trait(set, lm, workers, all[i], traits[i], norms));
  }
  speak(set, lm, workers, all, doses, norms);
  std::vector<mt::report::line_chart> charts;
  for (std::size_t i = 0; i < all.size(); ++i) {
    measure_controls(set, lm, workers, all[i], traits[i], norms, doses[i]);
    print_table(traits[i], doses[i]);
    print_prompt(traits[i], doses[i]);
    print_verdict(doses[i]);
    charts.push_back(chart_of(traits[i], doses[i],
                              "mean log-ratio of held-out continuations (nats)",
                              &mt::dose::log_ratio));
    charts.push_back(chart_of(traits[i], doses[i], "loss on neutral text (nats/token)",
                              &mt::dose::neutral_loss));
  }
  const std::string picture = mt::report::stack(charts);
  or_exit(mt::write_file(set.svg, std::as_bytes(std::span(picture))));
  std::printf("\nthe picture is %s\n", set.svg.c_str());
}
