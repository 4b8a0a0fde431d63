// SPDX-License-Identifier: MIT

// Linked into every test, and twice into `umbrella_twice`: a definition in a header that is not
// inline shows up here as a duplicate symbol.
#include <multitudes/lab.hpp>
#include <multitudes/multitudes.hpp>
