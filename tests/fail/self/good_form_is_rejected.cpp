// SPDX-License-Identifier: MIT
// expect: not_declared
// report: the good form must compile
int value() { return not_declared; }
