#!/usr/bin/env python3
"""Writes what the oracle answers to the court's cases, by row and family.

    PYTHONPATH=build/release/python tools/make_golden.py [--row TEXT] [--family TEXT] [--check]

tests/conformance/golden.txt holds the families of graphs, golden_operators.txt those of single
operators. Digests are the oracle's alone; the program qvec (build it first, or set QSIM_QVEC) lists
the catalogue's rows and makes the operators' cases. --row and --family renew what contains TEXT and
keep the rest; --check compares instead of writing.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "python"))

import court  # noqa: E402
import court_lines  # noqa: E402
import court_operators  # noqa: E402
from court_cases import fnv  # noqa: E402
from court_reads import Shared  # noqa: E402

FOLDER = ROOT / "tests" / "conformance"
HEADS = {
    "golden.txt": "graphs; the cases are in tests/conformance/cases*.hpp",
    "golden_operators.txt": "single operators; the cases are in tests/conformance/operators",
}
HEAD = (
    "# FNV-1a 64 digests of what the oracle answers to the court's cases, by row and family.\n"
    "# checks: the first byte of each case's own digest, to find the case that went wrong.\n"
    "# Written by tools/make_golden.py. Families of {what}.\n"
)
Verdict = tuple[str, bytes]


class Golden:
    """One golden file: digests of rows by family, check bytes by family and digest."""

    def __init__(self, name: str) -> None:
        self.path = FOLDER / name
        self.text = self.path.read_text() if self.path.exists() else ""
        self.cases: dict[str, str] = {}
        self.rows: dict[str, dict[str, str]] = {}
        self.checks: dict[tuple[str, str], bytes] = {}
        for line in self.text.splitlines():
            kind, *rest = line.split(" ")
            if kind == "cases":
                self.cases = dict(_pair(word) for word in rest)
            if kind == "row":
                self.rows[rest[0]] = dict(_pair(word) for word in rest[1:])
            if kind == "checks":
                self.checks[rest[0], rest[1]] = bytes.fromhex(rest[2])

    def written(self) -> str:
        """The file as it would be written: rows in catalogue order, check bytes that are in use."""
        families = list(self.cases)
        lines = [_line("cases", self.cases)]
        for name in court_lines.rows():
            row = self.rows.get(name, {})
            if row:
                lines.append(_line(f"row {name}", {f: row[f] for f in families if f in row}))
        used = {pair for row in self.rows.values() for pair in row.items()}
        lines += [f"checks {f} {d} {self.checks[f, d].hex()}" for f, d in sorted(used)]
        return HEAD.format(what=HEADS[self.path.name]) + "\n".join(lines) + "\n"


def _pair(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    return name, value


def _line(kind: str, digests: dict[str, str]) -> str:
    return " ".join([kind, *(f"{family}={digest}" for family, digest in digests.items())])


def judge(family: str) -> tuple[str, str, dict[str, Verdict]]:
    """The digest of a family's cases, and digest and check bytes of every row that it is for."""
    operator = "." in family
    cases = court_lines.inputs()[family] if operator else court.graph_cases()[family]
    answer = court_operators.run if operator else court.run
    applies = court_operators.applies if operator else court.applies

    def verdict(row: court.Row) -> Verdict:
        results = [answer(row, family, data) for data in cases]
        return f"{fnv(b''.join(results)):016x}", bytes(fnv(r) >> 56 for r in results)

    shared = Shared(verdict)
    rows = court_lines.rows()
    verdicts = {name: shared(row) for name, row in rows.items() if applies(row, family)}
    return family, f"{fnv(b''.join(cases)):016x}", verdicts


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--row", default="", help="only rows whose name contains this")
    parser.add_argument("--family", default="", help="only families whose name contains this")
    parser.add_argument("--check", action="store_true", help="compare, do not write")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    options = parser.parse_args()

    goldens = {operator: Golden(name) for operator, name in enumerate(HEADS)}
    families = [*court.graph_cases(), *court_operators.FAMILIES]
    for operator, golden in goldens.items():
        known = [f for f in families if ("." in f) == bool(operator)]
        golden.cases = {f: golden.cases.get(f, "") for f in known}
        golden.rows = {name: golden.rows.get(name, {}) for name in court_lines.rows()}
    with ProcessPoolExecutor(options.jobs) as pool:
        wanted = [f for f in families if options.family in f]
        for family, cases, verdicts in pool.map(judge, wanted):
            golden = goldens["." in family]
            golden.cases[family] = cases
            for name, row in golden.rows.items():
                if options.row not in name:
                    continue
                row.pop(family, None)
                if name in verdicts:
                    digest, check = verdicts[name]
                    row[family] = digest
                    golden.checks[family, digest] = check
            print(f"{family}: {len(verdicts)} rows", flush=True)
    status = 0
    for golden in goldens.values():
        new = golden.written()
        if not options.check:
            golden.path.write_text(new)
        elif new != golden.text:
            print(f"golden: DIFFERS from {golden.path.relative_to(ROOT)}")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
