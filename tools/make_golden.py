#!/usr/bin/env python3
"""Writes tests/conformance/golden.txt: what the oracle answers to the court's cases.

    PYTHONPATH=build/release/python tools/make_golden.py [--row TEXT] [--check]

Digests are the oracle's alone; the extension module only lists the catalogue's rows. --row renews
the rows whose name contains TEXT and keeps the others; --check compares instead of writing.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "python"))

import qsim  # noqa: E402
from court import Court  # noqa: E402
from qsim import oracle  # noqa: E402

GOLDEN = ROOT / "tests" / "conformance" / "golden.txt"
HEAD = (
    "# FNV-1a 64 digests of what the oracle answers to the court's cases, by row and family.\n"
    "# checks: the first byte of each case's own digest, to find the case that went wrong.\n"
    "# Written by tools/make_golden.py; the cases are in tests/conformance/cases*.hpp.\n"
)


def judge(name: str) -> tuple[str, dict[str, tuple[str, bytes]]]:
    """Digest and check bytes of every family of one row."""
    court = Court()
    row = oracle.nest(qsim.profiles[name].fields())
    return name, {family: court.judge(row, family) for family in court.families}


def line_of(kind: str, digests: dict[str, str]) -> str:
    """`kind family=digest ...`."""
    return " ".join([kind, *(f"{family}={digest}" for family, digest in digests.items())])


def golden_text(rows: dict[str, dict[str, str]], checks: dict[str, str]) -> str:
    """The file: cases, one line per row in catalogue order, check bytes of digests in use."""
    lines = [line_of("cases", Court().case_digests())]
    lines += [line_of(f"row {name}", rows[name]) for name in qsim.profiles if name in rows]
    used = {f"{family} {digest}" for row in rows.values() for family, digest in row.items()}
    lines += [f"checks {key} {checks[key]}" for key in sorted(used)]
    return HEAD + "\n".join(lines) + "\n"


def read(text: str) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Rows and checks of a golden file."""
    rows: dict[str, dict[str, str]] = {}
    checks: dict[str, str] = {}
    for line in text.splitlines():
        kind, *rest = line.split(" ")
        if kind == "row":
            rows[rest[0]] = dict(pair.split("=") for pair in rest[1:])  # type: ignore[misc]
        if kind == "checks":
            checks[f"{rest[0]} {rest[1]}"] = rest[2]
    return rows, checks


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--row", default="", help="only rows whose name contains this")
    parser.add_argument("--check", action="store_true", help="compare, do not write")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    options = parser.parse_args()

    old = GOLDEN.read_text() if GOLDEN.exists() else ""
    rows, checks = read(old)
    rows = {name: row for name, row in rows.items() if name in qsim.profiles and options.row}
    wanted = [name for name in qsim.profiles if options.row in name]
    with ProcessPoolExecutor(options.jobs) as pool:
        for name, verdicts in pool.map(judge, wanted):
            rows[name] = {family: digest for family, (digest, _) in verdicts.items()}
            for family, (digest, check) in verdicts.items():
                checks[f"{family} {digest}"] = check.hex()
            print(f"{name}: {len(verdicts)} families", flush=True)
    new = golden_text(rows, checks)
    if options.check:
        print("golden: " + ("equal" if new == old else "DIFFERS from tests/conformance/golden.txt"))
        return int(new != old)
    GOLDEN.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
