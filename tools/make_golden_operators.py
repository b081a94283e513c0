#!/usr/bin/env python3
"""Writes tests/conformance/golden_operators.txt: the oracle's answers to the operator families.

    PYTHONPATH=build/release/python tools/make_golden_operators.py --qvec build/dev/tests/qvec

Rows and case bytes come from `qvec rows` and `qvec inputs`, answers from the oracle alone. --row
renews the rows whose name contains TEXT; --check compares instead of writing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "python"))

import court_operators  # noqa: E402
from court_cases import fnv  # noqa: E402
from make_golden import line_of, read  # noqa: E402
from qsim import oracle  # noqa: E402

GOLDEN = ROOT / "tests" / "conformance" / "golden_operators.txt"
HEAD = (
    "# FNV-1a 64 digests of what the oracle answers to the operator families, by row and family.\n"
    "# checks: the first byte of each case's own digest, to find the case that went wrong.\n"
    "# Written by tools/make_golden_operators.py; cases: tests/conformance/operators/.\n"
)


def value(text: str) -> Any:
    """A field's value as qvec spells it."""
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.lstrip("-").isdigit() else text


def rows_of(qvec: str) -> dict[str, dict[str, Any]]:
    """Nested rows by name."""
    out = {}
    for line in subprocess.check_output([qvec, "rows"], text=True).splitlines():
        _, name, *pairs = line.split()
        out[name] = oracle.nest({k: value(v) for k, v in (p.split("=") for p in pairs)})
    return out


def inputs_of(qvec: str) -> dict[str, list[bytes]]:
    """Case bytes of every operator family."""
    out: dict[str, list[bytes]] = {}
    for line in subprocess.check_output([qvec, "inputs"], text=True).splitlines():
        _, family, data = line.split()
        if "." in family:
            out.setdefault(family, []).append(bytes.fromhex(data))
    return out


def judge(name: str, row: dict[str, Any], qvec: str) -> tuple[str, dict[str, tuple[str, str]]]:
    """Digest and check bytes of every family that the row has."""
    found = {}
    for family, cases in inputs_of(qvec).items():
        if not court_operators.applies(row, family):
            continue
        answers = [court_operators.run(row, family, data) for data in cases]
        checks = bytes(fnv(answer) >> 56 for answer in answers).hex()
        found[family] = (f"{fnv(b''.join(answers)):016x}", checks)
    return name, found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--qvec", required=True, help="the built qvec program")
    parser.add_argument("--row", default="", help="only rows whose name contains this")
    parser.add_argument("--check", action="store_true", help="compare, do not write")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    options = parser.parse_args()
    catalogue, cases = rows_of(options.qvec), inputs_of(options.qvec)
    old = GOLDEN.read_text(encoding="utf-8") if GOLDEN.exists() else ""
    rows, checks = read(old)
    rows = {name: row for name, row in rows.items() if name in catalogue and options.row}
    wanted = [name for name in catalogue if options.row in name]
    with ProcessPoolExecutor(options.jobs) as pool:
        jobs = [pool.submit(judge, name, catalogue[name], options.qvec) for name in wanted]
        for job in jobs:
            name, found = job.result()
            rows[name] = {family: digest for family, (digest, _) in found.items()}
            checks |= {f"{family} {digest}": byte for family, (digest, byte) in found.items()}
            print(f"{name}: {len(found)} families", flush=True)
    digests = {family: f"{fnv(b''.join(data)):016x}" for family, data in cases.items()}
    lines = [line_of("cases", digests)]
    lines += [line_of(f"row {name}", rows[name]) for name in catalogue if name in rows]
    used = {f"{family} {digest}" for row in rows.values() for family, digest in row.items()}
    lines += [f"checks {key} {checks[key]}" for key in sorted(used)]
    new = HEAD + "\n".join(lines) + "\n"
    if options.check:
        print("golden: " + ("equal" if new == old else f"DIFFERS from {GOLDEN.name}"))
        return int(new != old)
    GOLDEN.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
