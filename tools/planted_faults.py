#!/usr/bin/env python3
"""Plants one-line faults into include/qsim and expects a test to notice each of them.

    python3 tools/planted_faults.py [--only TEXT ...] [--jobs N] [--list]

tests/conformance/faults.txt lists the faults: where, the text, its replacement, and the program
that must fail. The program is built once from the untouched headers, which must pass, then once
per fault from a copy of them. A fault that nothing notices, that does not compile or whose text is
not found exactly once is an error. CXX chooses the compiler.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "tests" / "conformance" / "faults.txt"
GOLDEN = [ROOT / "tests" / "conformance" / f for f in ("golden.txt", "golden_operators.txt")]
FLAGS = ["-std=c++20", "-O1", "-ffp-contract=off", "-w", f'-DQSIM_TEST_DATA="{ROOT}/tests/data"']
LIMIT = 600  # seconds that a program may take


class Fault(NamedTuple):
    """One fault of the list."""

    id: str
    file: str
    program: str
    what: str
    text: str
    replacement: str


def read_faults(lines: str) -> Iterator[Fault]:
    """The faults of a list; ValueError where a line is not as its head describes."""
    for block in lines.split("\n\n"):
        rows = [row for row in block.splitlines() if row and not row.startswith("#")]
        if not rows:
            continue
        words = rows[0].split(maxsplit=3)
        marks = [row[:2] for row in rows[2:]]
        if len(words) != 4 or words[0] != "fault" or marks != ["- ", "+ "]:
            raise ValueError(f"faults: expected fault, what, - and +, got {rows[0]!r}")
        _, name, file, program = words
        yield Fault(name, file, program, rows[1], rows[2][2:], rows[3][2:])


def planted(fault: Fault, include: Path) -> str:
    """The file with the fault; ValueError if its text is not there exactly once."""
    text = (include / "qsim" / fault.file).read_text(encoding="utf-8")
    found = text.count(fault.text)
    if found != 1:
        raise ValueError(f"{fault.id}: found {found} times in {fault.file}: {fault.text}")
    if fault.text == fault.replacement:
        raise ValueError(f"{fault.id}: its replacement changes nothing")
    return text.replace(fault.text, fault.replacement)


class Outcome(NamedTuple):
    """How building and running a program ended: did not compile, passed or failed."""

    compiles: bool
    passes: bool
    output: str


def outcome_of(program: str, include: Path, folder: Path) -> Outcome:
    """Builds a program against the headers in `include` and runs it."""
    kind, *part = program.split()
    source = ROOT / ("tests/conformance/qvec.cpp" if kind == "judge" else kind)
    binary = folder / "program"
    build = [os.environ.get("CXX", "c++"), *FLAGS, f"-I{include}", f"-I{ROOT / 'tests'}"]
    build += [f"-I{ROOT}", str(source), "-o", str(binary)]
    run = [str(binary)]
    if kind == "judge":
        run += ["judge", *(["--family", part[0]] if part else []), *map(str, GOLDEN)]
    else:
        build += ["-lgtest_main", "-lgtest", "-pthread"]
        run.append("--gtest_filter=-Nightly*:*/Nightly*")
    compiled = subprocess.run(build, capture_output=True, text=True, errors="replace")
    if compiled.returncode:
        return Outcome(False, False, compiled.stderr)
    try:
        ran = subprocess.run(run, capture_output=True, text=True, errors="replace", timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return Outcome(True, False, f"no end after {LIMIT} s")
    output = ran.stdout + ran.stderr
    if ran.returncode < 0:
        output += f"\nsignal {-ran.returncode}"
    return Outcome(True, ran.returncode == 0, output)


def witness(output: str) -> str:
    """The line of a failing program that says most."""
    lines = output.splitlines() or ["(no output)"]
    told = [x for x in lines if x.startswith("case ") or "Failure" in x or "error:" in x]
    return (told or lines)[0][:100]


def try_fault(fault: Fault) -> tuple[str, str]:
    """`killed`, `SURVIVED`, `DOES NOT COMPILE` or `NOT FOUND`, and a line of what was seen."""
    with tempfile.TemporaryDirectory() as name:
        include = Path(name) / "include"
        shutil.copytree(ROOT / "include", include)
        try:
            text = planted(fault, include)
        except ValueError as error:
            return "NOT FOUND", str(error)
        (include / "qsim" / fault.file).write_text(text, encoding="utf-8")
        outcome = outcome_of(fault.program, include, Path(name))
    if not outcome.compiles:
        return "DOES NOT COMPILE", witness(outcome.output)
    return ("SURVIVED", fault.what) if outcome.passes else ("killed", witness(outcome.output))


def try_untouched(program: str) -> Outcome:
    with tempfile.TemporaryDirectory() as name:
        return outcome_of(program, ROOT / "include", Path(name))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--only", nargs="+", default=[""], metavar="TEXT", help="only faults whose id contains TEXT"
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--list", action="store_true", help="print the faults, plant none")
    options = parser.parse_args()

    faults = list(read_faults(LIST.read_text(encoding="utf-8")))
    faults = [fault for fault in faults if any(text in fault.id for text in options.only)]
    if not faults:
        parser.error(f"no fault of that name in {LIST.relative_to(ROOT)}")
    if options.list:
        for fault in faults:
            print(f"{fault.id}: {fault.file}: {fault.what} ({fault.program})")
        return 0
    begin = time.monotonic()
    programs = sorted({"judge" if f.program.startswith("judge") else f.program for f in faults})
    with ThreadPoolExecutor(options.jobs) as pool:
        for program, outcome in zip(programs, pool.map(try_untouched, programs), strict=True):
            if not outcome.passes:
                print(f"{program}: fails without a fault\n{outcome.output[-2000:]}")
                return 2
        print(f"{len(programs)} programs pass without a fault", flush=True)
        killed = 0
        for fault, (verdict, seen) in zip(faults, pool.map(try_fault, faults), strict=True):
            print(f"{verdict}: {fault.id}: {seen}", flush=True)
            killed += verdict == "killed"
    print(f"{len(faults)} planted, {killed} killed ({time.monotonic() - begin:.0f} s)")
    return int(killed < len(faults))


if __name__ == "__main__":
    sys.exit(main())
