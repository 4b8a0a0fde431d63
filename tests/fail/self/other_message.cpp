// SPDX-License-Identifier: MIT
// expect: a sentence that no compiler says
// report: the message must match
#ifdef MULTITUDES_GOOD
int value() { return 1; }
#else
int value() { return not_declared; }
#endif
