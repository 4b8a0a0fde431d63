// SPDX-License-Identifier: MIT
#pragma once

// The only place where the version is written; CMakeLists.txt reads it from here.
#define MULTITUDES_VERSION_MAJOR 0
#define MULTITUDES_VERSION_MINOR 1
#define MULTITUDES_VERSION_PATCH 0
