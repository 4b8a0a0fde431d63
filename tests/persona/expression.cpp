// SPDX-License-Identifier: MIT
#include "helpers.hpp"

#include <doctest/doctest.h>

using namespace multitudes;
using namespace multitudes_test;

namespace {

struct story_space {
  static constexpr activation_space value{.model = {1}, .n_layers = 1, .model_dim = 2};
};
struct other_space {
  static constexpr activation_space value{.model = {2}, .n_layers = 1, .model_dim = 2};
};

/// A leaf of somebody else's making.
class constant_leaf : public leaf<constant_leaf> {
 public:
  using space_tag = story_space;
  const activation_space& space() const { return story_space::value; }
  std::span<const float> values() const { return values_; }
  std::string_view label() const { return "constant"; }
  std::span<const weighted_goal> goals() const { return {}; }

 private:
  std::vector<float> values_{7.0f, 8.0f};
};

// Near-misses: each lacks one fact.
struct no_tag : zero_expression {
  using space_tag = int;
};
struct no_strength {
  using space_tag = any_space;
  static constexpr std::size_t n_leaves = 0;
  void write_label(std::string&, label_context) const {}
  void collect_goals(double, std::vector<weighted_goal>&) const {}
};
struct no_label {
  using space_tag = any_space;
  static constexpr std::size_t n_leaves = 0;
  fault check(const activation_space*&) const { return {}; }
  void terms(row_at, double, term*) const {}
  void collect_goals(double, std::vector<weighted_goal>&) const {}
};
struct no_goals {
  using space_tag = any_space;
  static constexpr std::size_t n_leaves = 0;
  fault check(const activation_space*&) const { return {}; }
  void terms(row_at, double, term*) const {}
  void write_label(std::string&, label_context) const {}
};
struct const_missing : no_label {
  void write_label(std::string&, label_context) {}  // an expression is read, never changed
};

static_assert(persona_expression<persona>);
static_assert(persona_expression<const persona&>);
static_assert(persona_expression<zero_expression>);
static_assert(persona_expression<constant_leaf>);
static_assert(persona_expression<direction_view<>>);
static_assert(persona_expression<direction_view<story_space>>);
static_assert(persona_expression<decltype(2 * std::declval<persona&>())>);
static_assert(!persona_expression<no_tag>);
static_assert(!persona_expression<no_strength>);
static_assert(!persona_expression<no_label>);
static_assert(!persona_expression<no_goals>);
static_assert(!persona_expression<const_missing>);
static_assert(!persona_expression<float>);
static_assert(!persona_expression<direction>);
static_assert(!has_strength<no_strength>);
static_assert(!has_label<no_label>);
static_assert(!has_goals<no_goals>);

static_assert(composable_with<persona, persona>);
static_assert(composable_with<basic_persona<story_space>, constant_leaf>);
static_assert(composable_with<basic_persona<story_space>, persona>);
static_assert(!composable_with<basic_persona<story_space>, basic_persona<other_space>>);
static_assert(!composable_with<persona, float>);
static_assert(!composable_with<constant_leaf, direction_view<other_space>>);

static_assert(scalar_weight<float>);
static_assert(scalar_weight<int>);
static_assert(scalar_weight<const double&>);
static_assert(!scalar_weight<bool>);
static_assert(!scalar_weight<char>);
static_assert(!scalar_weight<layer_index>);

template <class A, class B>
concept can_add = requires(const A& a, const B& b) { a + b; };
template <class A, class B>
concept can_multiply = requires(const A& a, const B& b) { a* b; };
template <class A, class B>
concept can_pipe = requires(const A& a, const B& b) { a | b; };

static_assert(can_add<persona, persona>);
static_assert(!can_add<persona, float>);
static_assert(!can_add<persona, int>);
static_assert(!can_add<basic_persona<story_space>, basic_persona<other_space>>);
static_assert(can_multiply<float, persona>);
static_assert(can_multiply<persona, int>);
static_assert(!can_multiply<persona, persona>);
static_assert(!can_multiply<persona, layer_index>);
static_assert(!can_multiply<persona, bool>);
static_assert(!can_pipe<persona, persona>);
static_assert(!can_pipe<persona, float>);

}  // namespace

TEST_CASE("a leaf of somebody else's making composes") {
  const constant_leaf c;
  CHECK(values_in(2 * c + c) == std::vector<float>{21.0f, 24.0f});
  CHECK(label_of(2 * c) == "2*constant");
}
