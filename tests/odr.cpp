// SPDX-License-Identifier: MIT

// Linked with another file of the same headers into `umbrella_twice`: a definition that is not
// inline shows up as a duplicate symbol. (The lab's headers meet in the files of its tests.)
#include <multitudes/multitudes.hpp>
