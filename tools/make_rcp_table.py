#!/usr/bin/env python3
"""Print include/qsim/num/rcp_intel_11.hpp from recorded x86 reciprocal estimates.

Usage: make_rcp_table.py G_rcp.npz > include/qsim/num/rcp_intel_11.hpp
"""

from __future__ import annotations

import sys

import numpy as np

HEADER = """#pragma once
// Intel's rcpps as data: the estimate of 1/x for x = 1 + k/2048, k = 0..2047, as binary32 patterns
// shifted right by 11 (their low 11 bits are zero). Recorded on silicon; see tests/data/mnn-2.9.0.
// Written by tools/make_rcp_table.py.

#include <array>
#include <cstdint>

namespace qsim::num {

// clang-format off
inline constexpr std::array<std::uint32_t, 2048> rcp_intel_11{
"""


def main() -> int:
    """Write the header to standard output; status 1 if the data do not fit the layout."""
    archive = np.load(sys.argv[1], allow_pickle=False)
    table = archive[archive.files[0]].astype(np.uint32)
    if table.shape != (2048,) or (table & 0x7FF).any():
        print(f"expected 2048 patterns with 11 zero bits, got shape {table.shape}", file=sys.stderr)
        return 1
    lines = [
        "    " + ", ".join(f"0x{int(v) >> 11:06x}" for v in table[i : i + 9]) + ","
        for i in range(0, 2048, 9)
    ]
    print(HEADER + "\n".join(lines) + "\n};\n// clang-format on\n\n}  // namespace qsim::num")
    return 0


if __name__ == "__main__":
    sys.exit(main())
