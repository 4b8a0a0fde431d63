// SPDX-License-Identifier: MIT

// Linked into every test, and twice into `umbrella_twice`: a definition in a header that is not
// inline shows up here as a duplicate symbol. (The lab's headers meet in the files of its tests.)
#include <multitudes/multitudes.hpp>
