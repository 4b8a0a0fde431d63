// SPDX-License-Identifier: MIT
#pragma once

#include "or_exit.hpp"

#include <CLI/CLI.hpp>

#include <cstdlib>

namespace example {

/// Reads the arguments; on a wrong one says which and ends the program with status 1.
inline void parse_or_exit(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int status = app.exit(e);
    std::exit(status == 0 ? 0 : 1);
  }
}

}  // namespace example
