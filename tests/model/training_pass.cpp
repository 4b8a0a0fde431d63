// SPDX-License-Identifier: MIT
#include "../support/allocation_counter.hpp"
#include "../support/long_run.hpp"

#include <multitudes/core/philox.hpp>
#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/batch.hpp>
#include <multitudes/model/training_pass.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

namespace {

using namespace multitudes;

/// Which error it is; nothing for a value.
template <class T>
std::string code_of(const multitudes::expected<T>& outcome) {
  return outcome ? std::string() : std::string(name(outcome.error().code));
}

struct configuration {
  const char* name;
  bool tied_head;
  std::uint32_t n_heads, n_kv_heads, head_dim;
  model::feed_forward feed_forward;
  simd::rotary_layout layout;
  std::uint32_t rotary_dim;
};

const configuration configurations[] = {
    {"tied, grouped heads, SwiGLU", true, 4, 2, 6, model::feed_forward::swiglu,
     simd::rotary_layout::interleaved, 6},
    {"untied, one key head, squared ReLU", false, 3, 1, 4, model::feed_forward::relu_squared,
     simd::rotary_layout::half_split, 2},
    {"untied, equal heads, SwiGLU, half turned", false, 2, 2, 8, model::feed_forward::swiglu,
     simd::rotary_layout::half_split, 4},
    {"tied, many query heads, squared ReLU", true, 4, 1, 4, model::feed_forward::relu_squared,
     simd::rotary_layout::interleaved, 4},
};

model::hyper_parameters shape_of(const configuration& c) {
  model::hyper_parameters p;
  p.n_layers = 2;
  p.model_dim = 20;
  p.n_heads = c.n_heads;
  p.n_kv_heads = c.n_kv_heads;
  p.head_dim = c.head_dim;
  p.ffn_dim = 28;
  p.vocab_size = 37;
  p.context_length = 64;
  p.rotary_dim = c.rotary_dim;
  p.rotary_layout = c.layout;
  p.feed_forward = c.feed_forward;
  return p;
}

/// Documents of unequal lengths, one longer than a block of queries, and a mask that leaves gaps:
/// the loss is the sum over unmasked rows of weight times cross-entropy.
struct task {
  model::document_rows rows;
  std::vector<std::size_t> asked;
  std::vector<std::uint32_t> targets;
  std::vector<double> row_weights;

  task(std::uint32_t vocab_size, const std::vector<std::size_t>& lengths, std::uint64_t seed = 3) {
    philox random(seed);
    for (const std::size_t n : lengths) {
      std::vector<token_id> tokens;
      for (std::size_t i = 0; i < n; ++i) tokens.emplace_back(random.below(vocab_size));
      rows.append(tokens);
    }
    for (std::size_t r = 0; r < rows.size(); ++r) {
      if (random.below(3) == 0) continue;
      asked.push_back(r);
      targets.push_back(random.below(vocab_size));
      row_weights.push_back(0.5 + static_cast<double>(random.uniform()));
    }
  }

  template <class T>
  double loss_and_gradient(std::size_t i, std::span<T> logits) const {
    double largest = -1e300, sum = 0;
    for (const T x : logits) largest = std::max(largest, static_cast<double>(x));
    for (const T x : logits) sum += std::exp(static_cast<double>(x) - largest);
    const double loss = largest + std::log(sum) - static_cast<double>(logits[targets[i]]);
    for (std::size_t v = 0; v < logits.size(); ++v) {
      const double p = std::exp(static_cast<double>(logits[v]) - largest) / sum;
      logits[v] = static_cast<T>(row_weights[i] * (p - (v == targets[i] ? 1.0 : 0.0)));
    }
    return row_weights[i] * loss;
  }
};

template <class T>
model::parameters<T> random_parameters(const model::hyper_parameters& p, bool tied,
                                       std::uint64_t seed = 7) {
  auto made = model::parameters<T>::make(p, tied);
  REQUIRE(made);
  philox random(seed);
  for (const auto& tensor : made->tensors()) {
    for (std::size_t i = 0; i < tensor.size(); ++i) {
      const double x = static_cast<double>(random.normal());
      made->values()[tensor.first + i] = static_cast<T>(tensor.is_matrix ? 0.3 * x : 1 + 0.2 * x);
    }
  }
  return std::move(*made);
}

template <class P, class I>
struct trained {
  using T = typename P::value;
  model::training_pass<P, I> pass;
  model::parameters<T> gradient;

  static trained make(const model::parameters<T>& m, std::size_t max_rows, std::size_t n_threads) {
    auto pass = model::training_pass<P, I>::make(m.shape(), {max_rows, max_rows, n_threads});
    auto gradient = model::parameters<T>::make(m.shape(), m.tied_head());
    REQUIRE(pass);
    REQUIRE(gradient);
    return {std::move(*pass), std::move(*gradient)};
  }

  template <class E>
  double run(E& workers, const model::parameters<T>& m, const task& t) {
    REQUIRE(pass.forward(workers, m, t.rows));
    std::vector<double> losses(t.asked.size());
    pass.backward(
        workers, t.asked,
        [&](std::size_t i, std::span<T> logits) { losses[i] = t.loss_and_gradient(i, logits); },
        gradient);
    return std::accumulate(losses.begin(), losses.end(), 0.0);
  }

  double loss(const model::parameters<T>& m, const task& t) {
    inline_executor workers;
    REQUIRE(pass.forward(workers, m, t.rows));
    double sum = 0;
    pass.visit_logits(workers, t.asked, [&](std::size_t i, std::span<T> logits) {
      sum += t.loss_and_gradient(i, logits);
    });
    return sum;
  }
};

/// The largest error of a gradient relative to the largest entry of its tensor.
template <class A, class B>
double relative_error(std::span<const A> a, std::span<const B> b) {
  double most = 0, error = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    most = std::max(most, std::abs(static_cast<double>(b[i])));
    error = std::max(error, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  }
  return most == 0 ? error : error / most;
}

template <class I>
void check_against_differences(const model::parameters<double>& at, const task& t,
                               std::size_t n_of_each) {
  using precision = simd::full_precision<double>;
  auto m = *at.clone();
  auto run = trained<precision, I>::make(m, std::max<std::size_t>(t.rows.size(), 1), 1);
  inline_executor workers;
  const double loss = run.run(workers, m, t);
  CHECK(loss == doctest::Approx(run.loss(m, t)).epsilon(1e-12));
  for (const auto& tensor : m.tensors()) {
    CAPTURE(tensor.name);
    std::vector<double> found, expected;
    // Rows of the embedding that no token uses have no gradient; the stride meets used ones too.
    const std::size_t step = std::max<std::size_t>(tensor.size() / n_of_each, 1);
    for (std::size_t i = 0; i < tensor.size(); i += step) {
      double& value = m.values()[tensor.first + i];
      const double kept = value;
      // A difference of fourth order. The step is small because squared ReLU has kinks in its
      // slope; rounding is then some 1e-9.
      const double h = 1e-5;
      double losses[4];
      const double offsets[] = {-2 * h, -h, h, 2 * h};
      for (std::size_t k = 0; k < 4; ++k) {
        value = kept + offsets[k];
        losses[k] = run.loss(m, t);
      }
      value = kept;
      expected.push_back((losses[0] - 8 * losses[1] + 8 * losses[2] - losses[3]) / (12 * h));
      found.push_back(run.gradient.values()[tensor.first + i]);
    }
    CHECK(relative_error<double, double>(found, expected) < 1e-6);
  }
}

template <class I>
void check_against_differences(const configuration& c) {
  CAPTURE(std::string(c.name));
  const auto p = shape_of(c);
  check_against_differences<I>(random_parameters<double>(p, c.tied_head),
                               task(p.vocab_size, {5, 61, 1, 9}),
                               multitudes_test::fewer_if_emulated(2, 12));
}

/// A shape and documents that a seed decides.
struct random_case {
  model::hyper_parameters shape;
  bool tied_head;
  std::vector<std::size_t> lengths;

  explicit random_case(std::uint64_t seed) {
    philox random(seed, 1);
    const auto between = [&](std::uint32_t low, std::uint32_t high) {
      return low + random.below(high - low + 1);
    };
    shape.n_layers = between(1, 3);
    shape.model_dim = between(3, 40);
    shape.n_kv_heads = between(1, 3);
    shape.n_heads = shape.n_kv_heads * between(1, 3);
    shape.head_dim = between(1, 9);
    shape.rotary_dim = 2 * between(0, shape.head_dim / 2);
    shape.ffn_dim = between(1, 50);
    shape.vocab_size = between(2, 70);
    shape.context_length = 64;
    shape.rotary_base = 100;
    shape.rotary_scale = random.below(2) == 0 ? 1.0f : 0.5f;
    shape.norm_epsilon = random.below(2) == 0 ? 1e-5f : 1e-2f;
    shape.rotary_layout =
        random.below(2) == 0 ? simd::rotary_layout::interleaved : simd::rotary_layout::half_split;
    shape.feed_forward =
        random.below(2) == 0 ? model::feed_forward::swiglu : model::feed_forward::relu_squared;
    tied_head = random.below(2) == 0;
    for (std::uint32_t n = between(1, 5); n > 0; --n) lengths.push_back(between(1, 20));
    if (random.below(3) == 0) lengths.push_back(between(57, 70));  // more than a block of queries
  }
};

}  // namespace

TEST_CASE("gradients in double equal finite differences for every tensor") {
  for (const configuration& c : configurations) {
    check_against_differences<simd::native>(c);
  }
  check_against_differences<simd::scalar>(configurations[0]);
}

TEST_CASE("gradients in single precision equal those in double") {
  for (const configuration& c : configurations) {
    CAPTURE(std::string(c.name));
    const auto p = shape_of(c);
    const auto exact = random_parameters<double>(p, c.tied_head);
    const auto rounded = random_parameters<float>(p, c.tied_head);
    const task t(p.vocab_size, {5, 61, 1, 9});
    auto in_double = trained<simd::full_precision<double>, simd::native>::make(exact, 80, 1);
    auto in_float = trained<simd::full_precision<float>, simd::native>::make(rounded, 80, 1);
    inline_executor workers;
    const double a = in_double.run(workers, exact, t);
    const double b = in_float.run(workers, rounded, t);
    CHECK(a == doctest::Approx(b).epsilon(1e-5));
    for (const auto& tensor : exact.tensors()) {
      CAPTURE(tensor.name);
      const auto of = [&](const auto& all) { return all.subspan(tensor.first, tensor.size()); };
      CHECK(relative_error<float, double>(of(in_float.gradient.values()),
                                          of(in_double.gradient.values())) < 1e-3);
    }
  }
}

TEST_CASE("gradients of random shapes equal finite differences and agree between precisions") {
  for (int i = 0; i < multitudes_test::sample_count(6, 60); ++i) {
    CAPTURE(i);
    const auto seed = static_cast<std::uint64_t>(i);
    const random_case c(seed);
    const task t(c.shape.vocab_size, c.lengths, seed);
    const auto exact = random_parameters<double>(c.shape, c.tied_head, seed);
    check_against_differences<simd::native>(exact, t, 4);

    const auto rounded = random_parameters<float>(c.shape, c.tied_head, seed);
    auto in_double = trained<simd::full_precision<double>, simd::native>::make(exact, 200, 1);
    auto in_float = trained<simd::full_precision<float>, simd::native>::make(rounded, 200, 1);
    inline_executor workers;
    in_double.run(workers, exact, t);
    in_float.run(workers, rounded, t);
    for (const auto& tensor : exact.tensors()) {
      CAPTURE(tensor.name);
      const auto of = [&](const auto& all) { return all.subspan(tensor.first, tensor.size()); };
      CHECK(relative_error<float, double>(of(in_float.gradient.values()),
                                          of(in_double.gradient.values())) < 1e-3);
    }
  }
}

TEST_CASE("backward adds to the gradient, row by row") {
  const auto p = shape_of(configurations[0]);
  const auto m = random_parameters<double>(p, true);
  const task t(p.vocab_size, {7, 1, 20});
  using precision = simd::full_precision<double>;
  auto whole = trained<precision, simd::native>::make(m, 30, 1);
  inline_executor workers;
  whole.run(workers, m, t);
  SUBCASE("twice the same gives twice the gradient") {
    const std::vector<double> once(whole.gradient.values().begin(), whole.gradient.values().end());
    whole.run(workers, m, t);
    std::vector<double> doubled = once;
    for (double& x : doubled) x *= 2;
    CHECK(relative_error<double, double>(whole.gradient.values(), doubled) < 1e-12);
  }
  SUBCASE("parts of the rows one after the other give the whole") {
    auto parts = trained<precision, simd::native>::make(m, 30, 1);
    for (std::size_t part = 0; part < 2; ++part) {
      std::vector<std::size_t> rows, places;
      for (std::size_t i = part; i < t.asked.size(); i += 2) {
        rows.push_back(t.asked[i]);
        places.push_back(i);
      }
      REQUIRE(parts.pass.forward(workers, m, t.rows));
      parts.pass.backward(
          workers, rows,
          [&](std::size_t i, std::span<double> logits) {
            (void)t.loss_and_gradient(places[i], logits);
          },
          parts.gradient);
    }
    CHECK(relative_error<double, double>(parts.gradient.values(), whole.gradient.values()) < 1e-12);
  }
  SUBCASE("without rows asked for, nothing is added") {
    auto none = trained<precision, simd::native>::make(m, 30, 1);
    REQUIRE(none.pass.forward(workers, m, t.rows));
    none.pass.backward(
        workers, {}, [](std::size_t, std::span<double>) { FAIL("not asked"); }, none.gradient);
    CHECK(std::ranges::all_of(none.gradient.values(), [](double x) { return x == 0; }));
  }
  SUBCASE("documents without rows asked for add nothing") {
    task first_only = t, alone(p.vocab_size, {7});
    while (first_only.asked.back() >= 7) first_only.asked.pop_back();
    alone.targets = t.targets;
    alone.row_weights = t.row_weights;
    auto packed = trained<precision, simd::native>::make(m, 30, 1);
    auto single = trained<precision, simd::native>::make(m, 30, 1);
    alone.asked = first_only.asked;
    packed.run(workers, m, first_only);
    single.run(workers, m, alone);
    // The others' rows still pass through the products, as zeros.
    CHECK(relative_error<double, double>(packed.gradient.values(), single.gradient.values()) <
          1e-14);
  }
}

namespace {

template <class P>
std::vector<typename P::value> all_logits(const model::parameters<typename P::value>& m,
                                          const model::document_rows& rows) {
  auto pass = *model::training_pass<P>::make(m.shape(), {200, 200, 1});
  inline_executor workers;
  REQUIRE(pass.forward(workers, m, rows));
  std::vector<std::size_t> asked(rows.size());
  std::iota(asked.begin(), asked.end(), std::size_t{0});
  std::vector<typename P::value> all;
  pass.visit_logits(workers, asked, [&](std::size_t, auto logits) {
    all.insert(all.end(), logits.begin(), logits.end());
  });
  return all;
}

}  // namespace

TEST_CASE("logits are those of the runner, for both feed-forwards and packed documents") {
  for (const configuration& c : configurations) {
    CAPTURE(std::string(c.name));
    const auto p = shape_of(c);
    auto m = random_parameters<float>(p, c.tied_head);
    m.rotary_divisors.assign(p.rotary_dim / 2, 1.5f);
    const task t(p.vocab_size, {1, 64, 17});
    const auto trained = all_logits<simd::full_precision<float>>(m, t.rows);
    const language_model lm{std::make_shared<const model::weights>(m.as_weights()), nullptr};
    auto b = *batch::make(lm, {.n_sequences = 3, .context = 64});
    std::vector<feed> feeds;
    for (const auto& d : t.rows.documents()) {
      feeds.push_back({*b.open(), t.rows.tokens().subspan(d.first, d.n_rows), d.n_rows});
    }
    std::vector<float> ran(trained.size());
    inline_executor workers;
    REQUIRE(b.evaluate(workers, feeds, [&](feed_place at, std::span<float> logits) {
               const std::size_t row = t.rows.documents()[at.feed].first + at.token;
               std::ranges::copy(logits,
                                 ran.begin() + static_cast<std::ptrdiff_t>(row * p.vocab_size));
             }).has_value());
    // Of the largest logit: both sum the same numbers in another order.
    CHECK(relative_error<float, float>(trained, ran) < 1e-5);
  }
}

TEST_CASE_TEMPLATE("a document has the bits that it has alone, wherever it is packed", P,
                   simd::full_precision<float>, simd::bf16_inputs) {
  const auto p = shape_of(configurations[0]);
  const auto m = random_parameters<float>(p, true);
  const task t(p.vocab_size, {3, 61, 1, 58, 20});
  const auto together = all_logits<P>(m, t.rows);
  for (const auto& d : t.rows.documents()) {
    model::document_rows alone;
    alone.append(t.rows.tokens().subspan(d.first, d.n_rows));
    const auto single = all_logits<P>(m, alone);
    CHECK(std::memcmp(single.data(), together.data() + d.first * p.vocab_size,
                      single.size() * sizeof(float)) == 0);
  }
  // To attend across a separator, both texts are laid as one document.
  model::document_rows joined;
  joined.append(t.rows.tokens());
  const auto across = all_logits<P>(m, joined);
  CHECK(std::equal(across.begin(), across.begin() + 3 * p.vocab_size, together.begin()));
  CHECK(!std::equal(across.begin() + 3 * p.vocab_size, across.end(),
                    together.begin() + 3 * p.vocab_size));
}

TEST_CASE_TEMPLATE("any number of threads gives the same bits", P, simd::full_precision<float>,
                   simd::full_precision<double>, simd::bf16_inputs) {
  using value = typename P::value;
  model::hyper_parameters p = shape_of(configurations[0]);
  p.vocab_size = 130;
  p.model_dim = 130;  // more than one tile each way
  p.ffn_dim = 270;
  const auto m = random_parameters<value>(p, false);
  const task t(p.vocab_size, {100, 61, 1, 90, 9, 33, 64});
  std::vector<value> first;
  for (const std::size_t n : {1u, 2u, 4u}) {
    thread_pool workers(n);
    auto run = trained<P, simd::native>::make(m, 400, n);
    run.run(workers, m, t);
    if (first.empty()) first.assign(run.gradient.values().begin(), run.gradient.values().end());
    CHECK(std::memcmp(first.data(), run.gradient.values().data(), first.size() * sizeof(value)) ==
          0);
  }
  CHECK(std::ranges::any_of(first, [](value x) { return x != 0; }));
}

TEST_CASE("more rows than a block of logits change nothing") {
  // A vocabulary of 40000 has blocks of 112 rows.
  auto p = shape_of(configurations[3]);
  p.n_layers = 1;
  p.vocab_size = 40000;
  const auto m = random_parameters<float>(p, true);
  const task t(p.vocab_size, {50, 50, 100});
  REQUIRE(t.asked.size() > 112);
  inline_executor workers;
  const auto run = [&](std::size_t at_a_time) {
    auto made = trained<simd::full_precision<float>, simd::native>::make(m, 200, 1);
    for (std::size_t first = 0; first < t.asked.size(); first += at_a_time) {
      const std::size_t n = std::min(at_a_time, t.asked.size() - first);
      REQUIRE(made.pass.forward(workers, m, t.rows));
      made.pass.backward(
          workers, std::span(t.asked).subspan(first, n),
          [&](std::size_t i, std::span<float> logits) {
            const float kept = logits[t.targets[first + i]];
            std::ranges::fill(logits, 0.0f);
            logits[t.targets[first + i]] = kept;  // the slope of half its square
          },
          made.gradient);
    }
    return std::move(made.gradient);
  };
  const auto together = run(200);
  CHECK(relative_error<float, float>(together.values(), run(100).values()) < 1e-5);
  CHECK(std::ranges::any_of(together.values(), [](float x) { return x != 0; }));
}

TEST_CASE("a pass in use allocates nothing") {
  const auto p = shape_of(configurations[0]);
  const auto m = random_parameters<float>(p, true);
  const task t(p.vocab_size, {5, 61, 1, 9});
  auto run = trained<simd::full_precision<float>, simd::native>::make(m, 80, 1);
  inline_executor workers;
  const multitudes_test::allocation_counter counter;
  const bool ok = run.pass.forward(workers, m, t.rows).has_value();
  run.pass.backward(
      workers, t.asked,
      [&](std::size_t i, std::span<float> logits) { (void)t.loss_and_gradient(i, logits); },
      run.gradient);
  const auto n = counter.allocations();
  CHECK(ok);
  CHECK(n == 0);
}

TEST_CASE("what a pass cannot take is an error, before anything is written") {
  const auto p = shape_of(configurations[0]);
  const auto m = random_parameters<float>(p, true);
  using pass_type = model::training_pass<simd::full_precision<float>>;
  inline_executor workers;
  auto pass = *pass_type::make(p, {20, 10, 1});
  const auto code = [&](const model::parameters<float>& of, const model::document_rows& rows) {
    return code_of(pass.forward(workers, of, rows));
  };
  CHECK(code(m, task(p.vocab_size, {10, 10}).rows).empty());
  CHECK(code(m, task(p.vocab_size, {10, 10, 1}).rows) == "out_of_memory");
  CHECK(code(m, task(p.vocab_size, {11}).rows) == "out_of_memory");
  CHECK(code(m, model::document_rows()).empty());
  model::document_rows unknown;
  unknown.append(std::vector<token_id>{token_id(0), token_id(p.vocab_size)});
  CHECK(code(m, unknown) == "invalid_argument");
  auto other = p;
  other.ffn_dim += 1;
  CHECK(code(random_parameters<float>(other, true), task(p.vocab_size, {3}).rows) ==
        "shape_mismatch");

  CHECK(code_of(pass_type::make(p, {0, 10, 1})) == "invalid_argument");
  CHECK(code_of(pass_type::make(p, {10, 0, 1})) == "invalid_argument");
  CHECK(code_of(pass_type::make(p, {10, 10, 0})) == "invalid_argument");
  other = p;
  other.n_heads = 0;
  CHECK(code_of(pass_type::make(other, {10, 10, 1})) == "invalid_argument");
  constexpr std::size_t most = std::size_t(-1);
  CHECK(code_of(pass_type::make(p, {most, 10, 1})) == "out_of_memory");
  CHECK(code_of(pass_type::make(p, {10, 10, most})) == "out_of_memory");
}

// The sanitizers' allocators stop the program instead.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("a pass that the system has no memory for is an error") {
  auto p = shape_of(configurations[0]);
  p.model_dim = p.ffn_dim = p.vocab_size = (1u << 24) - 1;
  using pass_type = model::training_pass<simd::full_precision<float>>;
  CHECK(code_of(pass_type::make(p, {1 << 24, 1 << 24, 1})) == "out_of_memory");
}
#endif
