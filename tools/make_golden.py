#!/usr/bin/env python3
"""Writes what the oracle answers to the court's cases, by row and family.

    PYTHONPATH=build/release/python tools/make_golden.py [--file NAME] [--row TEXT]
        [--family TEXT] [--check]

tests/conformance/golden.txt holds the families of graphs, golden_operators.txt those of single
operators, sample_operators.txt some of the latter's cases with their answers. All answers are the
oracle's; the program qvec (build it first, or set QSIM_QVEC) lists the catalogue's rows and makes
the operators' cases. --file, --row and --family renew what contains TEXT and keep the rest; --check
compares instead of writing.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "python"))

import court  # noqa: E402
import court_lines  # noqa: E402
import court_operators  # noqa: E402
from court_cases import fnv  # noqa: E402
from court_golden import FOLDER, Golden, Verdict, sample_of  # noqa: E402
from court_reads import Shared  # noqa: E402

HEADS = {
    "golden.txt": (
        "the court's cases",
        "graphs; the cases are in tests/conformance/cases*.hpp",
    ),
    "golden_operators.txt": (
        "the operator families",
        "single operators; the cases are in tests/conformance/operators",
    ),
}
HEAD = (
    "# FNV-1a 64 digests of what the oracle answers to {asked}, by row and family.\n"
    "# checks: the first byte of each case's own digest, to find the case that went wrong.\n"
    "# Written by tools/make_golden.py. Families of {what}.\n"
)
SAMPLE = "sample_operators.txt"
SAMPLE_HEAD = (
    "# Two cases of every different answer in golden_operators.txt: one that tells it from the\n"
    "# most others of its family, one at random. Written by tools/make_golden.py for `qvec check`\n"
    "# and `court.py check`. case <family> <row> <bytes in> <bytes out>; 00: refused.\n"
)


def is_operator(family: str) -> bool:
    return "." in family


def cases_of(family: str) -> list[bytes]:
    return court_lines.inputs(family) if is_operator(family) else court.graph_cases()[family]


def judge(family: str, row_part: str = "") -> tuple[str, dict[str, Verdict]]:
    """The digest of a family's cases, and digest and check bytes of the named rows it is for."""
    cases = cases_of(family)
    applies = court_operators.applies if is_operator(family) else court.applies

    def verdict(row: court.Row) -> Verdict:
        results = [court.answer(row, family, data) for data in cases]
        return f"{fnv(b''.join(results)):016x}", bytes(fnv(r) >> 56 for r in results)

    shared = Shared(verdict)
    rows = court_lines.rows()
    named = {name: row for name, row in rows.items() if row_part in name}
    verdicts = {name: shared(row) for name, row in named.items() if applies(row, family)}
    return f"{fnv(b''.join(cases)):016x}", verdicts


def golden_text(name: str, golden: Golden) -> str:
    """A golden file: rows in catalogue order, check bytes that are in use."""
    lines = [_line("cases", golden.cases)]
    for row in court_lines.rows():
        digests = golden.rows.get(row, {})
        if digests or is_operator(next(iter(golden.cases))):
            lines.append(_line(f"row {row}", {f: digests[f] for f in golden.cases if f in digests}))
    used = {pair for digests in golden.rows.values() for pair in digests.items()}
    lines += [f"checks {f} {d} {golden.checks[f, d].hex()}" for f, d in sorted(used)]
    asked, what = HEADS[name]
    return HEAD.format(asked=asked, what=what) + "\n".join(lines) + "\n"


def sample_text(golden: Golden) -> str:
    """The sample of the operators' cases, with the oracle's answers."""
    lines = []
    for family in golden.cases:
        cases = court_lines.inputs(family)
        for row, i in sample_of(golden, family, [len(data) for data in cases]):
            answer = court.answer(court_lines.rows()[row], family, cases[i])
            lines.append(str(court_lines.Case(family, row, cases[i], answer)))
    return SAMPLE_HEAD + "\n".join(lines) + "\n"


def _line(kind: str, digests: dict[str, str]) -> str:
    return " ".join([kind, *(f"{family}={digest}" for family, digest in digests.items())])


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def renew(goldens: dict[str, Golden], wanted: list[str], row_part: str, jobs: int) -> None:
    """Judges the wanted families for the rows whose name contains a text."""
    with ProcessPoolExecutor(jobs) as pool:
        judged = pool.map(partial(judge, row_part=row_part), wanted)
        for family, (cases, verdicts) in zip(wanted, judged, strict=True):
            golden = next(g for g in goldens.values() if family in g.cases)
            golden.cases[family] = cases
            for name, digests in golden.rows.items():
                if row_part not in name:
                    continue
                digests.pop(family, None)
                if name in verdicts:
                    digests[family], check = verdicts[name]
                    golden.checks[family, digests[family]] = check
            print(f"{family}: {len(verdicts)} rows", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--file", default="", help="only golden files whose name contains this")
    parser.add_argument("--row", default="", help="only rows whose name contains this")
    parser.add_argument("--family", default="", help="only families whose name contains this")
    parser.add_argument("--check", action="store_true", help="compare, do not write")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    options = parser.parse_args()

    families = court_lines.families()
    if set(families) != {*court.graph_cases(), *court_operators.FAMILIES}:
        parser.error("the families of qvec are not those of tests/python/court*.py")
    goldens = {name: Golden(FOLDER / name) for name in HEADS if options.file in name}
    for name, golden in goldens.items():
        own = [f for f in families if is_operator(f) == ("operators" in name)]
        golden.cases = {family: golden.cases.get(family, "") for family in own}
        golden.rows = {row: golden.rows.get(row, {}) for row in court_lines.rows()}
    wanted = [f for golden in goldens.values() for f in golden.cases if options.family in f]
    if not wanted:
        parser.error("no golden file and family of those names")
    for golden in goldens.values():
        for family, digest in golden.cases.items():
            whole = family in wanted and not options.row
            if not whole and f"{fnv(b''.join(cases_of(family))):016x}" != digest:
                parser.error(f"the cases of {family} have changed: renew all rows of it as well")
    renew(goldens, wanted, options.row, options.jobs)
    texts = {name: golden_text(name, golden) for name, golden in goldens.items()}
    if "golden_operators.txt" in goldens:
        texts[SAMPLE] = sample_text(goldens["golden_operators.txt"])
    different = [name for name, text in texts.items() if read(FOLDER / name) != text]
    for name in different:
        print(f"{name}: " + ("DIFFERS" if options.check else "written"))
        if not options.check:
            (FOLDER / name).write_text(texts[name], encoding="utf-8")
    if not different:
        print("golden files: equal")
    return int(options.check and bool(different))


if __name__ == "__main__":
    sys.exit(main())
