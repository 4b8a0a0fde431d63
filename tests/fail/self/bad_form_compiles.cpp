// SPDX-License-Identifier: MIT
// expect: error
// report: the bad form must be rejected
int value() { return 1; }
