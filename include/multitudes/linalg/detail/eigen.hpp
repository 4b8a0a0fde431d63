// SPDX-License-Identifier: MIT
#pragma once

// The one place that includes Eigen. Distributions install it in a folder of its own.

#if __has_include(<Eigen/Dense>)
#include <Eigen/Dense>
#elif __has_include(<eigen3/Eigen/Dense>)
#include <eigen3/Eigen/Dense>
#else
#error "multitudes/linalg: Eigen is missing; install it (Debian: libeigen3-dev)"
#endif
