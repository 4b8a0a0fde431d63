// SPDX-License-Identifier: MIT
#pragma once

#include <multitudes/core/expected.hpp>
#include <multitudes/core/space.hpp>
#include <multitudes/format/gguf_reader.hpp>
#include <multitudes/format/gguf_writer.hpp>
#include <multitudes/generate/detail/persona_parts.hpp>
#include <multitudes/persona/persona.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace multitudes {

/// What the length of a persona's vectors means.
enum class strength_unit : std::uint8_t {
  raw,             ///< they are what is added at strength 1
  residual_norms,  ///< strength 1 adds them times the layer's typical residual norm
};

constexpr std::string_view name(strength_unit unit) noexcept {
  return unit == strength_unit::raw ? "raw" : "residual_norms";
}

/// A persona as a file keeps it.
struct stored_persona {
  persona who;
  strength_unit unit = strength_unit::raw;
};

/// Writes everything that a persona is: label, direction or units, goals, and the space that it
/// belongs to. The file is GGUF of an architecture of its own, with a checksum, and is written
/// durably. No other tool reads it; for them: `write_control_vector`.
///
/// Errors:  unsupported for more than 4096 units or goals; io_failure.
/// Cost:    a copy of the file in memory.
inline expected<void> save_persona(const persona& who, const std::string& path,
                                   strength_unit unit = strength_unit::raw) {
  const activation_space& space = who.space();
  gguf::writer out;
  detail::add_identity(out, {.kind = "persona", .operation = "add", .label = who.label()}, space);
  out.add("multitudes.strength_unit", name(unit));
  const auto add_direction = [&](const std::string& tensor, const direction& d) {
    out.add_tensor(tensor, {space.model_dim, space.n_layers}, gguf::tensor_type::f32,
                   std::as_bytes(d.values()));
  };
  if (auto done = detail::check_part_count(who.units().size(), path); !done) return done;
  if (auto done = detail::check_part_count(who.goals().size(), path); !done) return done;
  std::vector<std::string> labels;
  std::vector<std::string> statements;
  std::vector<double> weights;
  for (const weighted_unit& u : who.units()) {
    add_direction("unit." + std::to_string(labels.size()), u.unit.direction);
    labels.push_back(u.unit.label);
    weights.push_back(u.weight);
  }
  // With units, the direction is their sum, to the bit.
  if (labels.empty()) add_direction("persona", who.direction());
  out.add_array("multitudes.unit.labels", labels);
  out.add_array("multitudes.unit.weights", weights);
  labels.clear();
  weights.clear();
  for (const weighted_goal& g : who.goals()) {
    if (!g.goal.embedding.empty()) {
      out.add_tensor("goal." + std::to_string(labels.size()), {space.model_dim},
                     gguf::tensor_type::f32, std::as_bytes(std::span(g.goal.embedding)));
    }
    labels.push_back(g.goal.label);
    statements.push_back(g.goal.statement);
    weights.push_back(g.weight);
  }
  out.add_array("multitudes.goal.labels", labels);
  out.add_array("multitudes.goal.statements", statements);
  out.add_array("multitudes.goal.weights", weights);
  return detail::save_with_checksum(out, path);
}

namespace detail {

inline expected<std::vector<weighted_unit>> load_units(const gguf::file& file,
                                                       const activation_space& space) {
  const auto labels = parts_at(file, "multitudes.unit.labels");
  if (!labels) return fail(labels.error());
  const auto weights = numbers_at(file, "multitudes.unit.weights", labels->size());
  if (!weights) return fail(weights.error());
  std::vector<weighted_unit> units;
  for (std::size_t i = 0; i < labels->size(); ++i) {
    auto d = load_direction(file, "unit." + std::to_string(i), space);
    if (!d) return forward_error(d);
    units.push_back({{std::string((*labels)[i]), *std::move(d)}, (*weights)[i]});
  }
  return units;
}

inline expected<std::vector<weighted_goal>> load_goals(const gguf::file& file,
                                                       const activation_space& space) {
  const auto labels = parts_at(file, "multitudes.goal.labels");
  if (!labels) return fail(labels.error());
  const auto statements = parts_at(file, "multitudes.goal.statements");
  if (!statements) return fail(statements.error());
  if (statements->size() != labels->size()) {
    return refuse_persona(errc::malformed, "key multitudes.goal.statements",
                          std::to_string(statements->size()) + " statements",
                          std::to_string(labels->size()) + ", one for each label");
  }
  const auto weights = numbers_at(file, "multitudes.goal.weights", labels->size());
  if (!weights) return fail(weights.error());
  std::vector<weighted_goal> goals;
  for (std::size_t i = 0; i < labels->size(); ++i) {
    weighted_goal g{{std::string((*labels)[i]), std::string((*statements)[i]), {}}, (*weights)[i]};
    const std::string name = "goal." + std::to_string(i);
    if (file.find_tensor(name) != nullptr) {
      const auto tensor = tensor_at(file, name, 1, space.model_dim);
      if (!tensor) return fail(tensor.error());
      g.goal.embedding.resize(space.model_dim);
      if (auto done = load_values(**tensor, g.goal.embedding); !done) return forward_error(done);
    }
    goals.push_back(std::move(g));
  }
  return goals;
}

inline expected<stored_persona> load_persona_of(const gguf::file& file,
                                                const activation_space& space) {
  const auto unit = file.string_at("multitudes.strength_unit");
  if (!unit) return fail(unit.error());
  const bool raw = *unit == name(strength_unit::raw);
  if (!raw && *unit != name(strength_unit::residual_norms)) {
    return refuse_persona(errc::unsupported, "key multitudes.strength_unit", detail::quoted(*unit),
                          "raw or residual_norms");
  }
  const auto label = file.string_at("multitudes.label");
  if (!label) return fail(label.error());
  const auto goals = load_goals(file, space);
  if (!goals) return fail(goals.error());
  auto units = load_units(file, space);
  if (!units) return forward_error(units);
  const auto make = [&]() -> expected<persona> {
    if (!units->empty()) return persona::make(std::string(*label), *std::move(units), *goals);
    auto d = load_direction(file, "persona", space);
    if (!d) return forward_error(d);
    return persona::make(std::string(*label), *std::move(d), *goals);
  };
  auto who = make();
  if (!who) return forward_error(who);
  return stored_persona{*std::move(who), raw ? strength_unit::raw : strength_unit::residual_norms};
}

}  // namespace detail

/// Reads a persona that `save_persona` wrote, for the model whose space is given.
///
/// Errors:  io_failure; truncated; malformed for a file that contradicts its checksum or itself;
///          unsupported for files of another kind, operation or version; shape_mismatch for
///          another width or number of layers; space_mismatch for another hook point or another
///          model, both fingerprints named; non_finite.
inline expected<stored_persona> load_persona(const gguf::file& file,
                                             const activation_space& space) {
  const auto found = detail::check_identity(file, "persona", "add", &space);
  if (!found) return fail(found.error());
  return detail::load_persona_of(file, space);
}
/// The same in the space that the file names, for whoever has no model at hand or means to
/// `rebase` it.
inline expected<stored_persona> load_persona(const gguf::file& file) {
  const auto space = detail::check_identity(file, "persona", "add", nullptr);
  if (!space) return fail(space.error());
  return detail::load_persona_of(file, *space);
}

inline expected<stored_persona> load_persona(const std::string& path,
                                             const activation_space& space) {
  const auto file = gguf::file::read(path);
  if (!file) return fail(file.error());
  return load_persona(*file, space);
}
inline expected<stored_persona> load_persona(const std::string& path) {
  const auto file = gguf::file::read(path);
  if (!file) return fail(file.error());
  return load_persona(*file);
}

}  // namespace multitudes
