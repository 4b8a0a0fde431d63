#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints include/multitudes/text/unicode_ranges.hpp from Python's Unicode database.

unicode_tables.py               prints the header
unicode_tables.py --check PATH  exit status 0 if PATH is what would be printed, 1 if not, and 2
                                (nothing compared) if this Python knows another Unicode version
"""
import sys
import unicodedata

NAMES = {"L": "letter", "N": "number", "M": "mark", "P": "punctuation", "S": "symbol",
         "Z": "separator"}


def ranges():
    """(first, size, category) of each run of one general category; "C" is left out."""
    found = []
    for code in range(0x110000):
        category = unicodedata.category(chr(code))[0]
        if category not in NAMES:
            continue
        if found and found[-1][2] == category and found[-1][0] + found[-1][1] == code:
            found[-1][1] += 1
        else:
            found.append([code, 1, category])
    return found


def header():
    entries = ["{0x%X,%d,%s}" % tuple(r) for r in ranges()]
    lines, line = [], " "
    for entry in entries:
        if len(line) + len(entry) + 2 > 100:
            lines.append(line)
            line = " "
        line += " " + entry + ","
    lines.append(line)
    constants = "\n".join(
        f"inline constexpr std::uint8_t {short} = {1 << bit};  // {name}"
        for bit, (short, name) in enumerate(NAMES.items()))
    version = unicodedata.unidata_version
    return f"""// SPDX-License-Identifier: MIT
#pragma once

// Written by tests/text/unicode_tables.py from Unicode {version}; edit that, not this.
// clang-format off

#include <array>
#include <cstdint>

namespace multitudes::text {{

inline constexpr const char* unicode_version = "{version}";

namespace detail {{

struct category_range {{
  char32_t first;
  std::uint32_t size;
  std::uint8_t category;
}};

namespace unicode {{

{constants}

/// Sorted; what lies between two ranges is a control, unassigned or private.
inline constexpr std::array<category_range, {len(entries)}> ranges{{{{
""" + "\n".join(lines) + """
}};

}  // namespace unicode
}  // namespace detail
}  // namespace multitudes::text
"""


def main(arguments):
    if not arguments:
        sys.stdout.write(header())
        return 0
    if len(arguments) != 2 or arguments[0] != "--check":
        sys.stderr.write(__doc__)
        return 1
    with open(arguments[1], encoding="utf-8") as file:
        committed = file.read()
    if f"from Unicode {unicodedata.unidata_version};" not in committed:
        sys.stderr.write(f"not compared: this Python has Unicode {unicodedata.unidata_version}\n")
        return 2
    if committed != header():
        sys.stderr.write(f"{arguments[1]} differs from what unicode_tables.py prints\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
