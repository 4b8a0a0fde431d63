// SPDX-License-Identifier: MIT
// report: found no line
int value() { return 1; }
