// SPDX-License-Identifier: MIT
#pragma once

// The algebra of personas alone: no model, no files, no instruction sets.
#include <multitudes/persona/algebra.hpp>
#include <multitudes/persona/behavior_unit.hpp>
#include <multitudes/persona/blend.hpp>
#include <multitudes/persona/direction.hpp>
#include <multitudes/persona/direction_view.hpp>
#include <multitudes/persona/expression.hpp>
#include <multitudes/persona/fault.hpp>
#include <multitudes/persona/goal.hpp>
#include <multitudes/persona/label.hpp>
#include <multitudes/persona/materialize.hpp>
#include <multitudes/persona/only_layers.hpp>
#include <multitudes/persona/persona.hpp>
#include <multitudes/persona/rebase.hpp>
#include <multitudes/persona/space_tag.hpp>
#include <multitudes/persona/weighted_sum.hpp>
#include <multitudes/persona/without.hpp>
