#!/usr/bin/env python3
"""Which kernel was held equal to its profile in which job of this test run.

    tools/kernels_ran.py [--strict] [build/junit]

Reads ctest's JUnit files. A kernel for 64-bit Arm must have run whenever the Arm jobs ran; a kernel
for x86 that this processor lacks is listed by name, and with --strict fails.
"""

from __future__ import annotations

import argparse
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROW = re.compile(r"^QSIM_KERNEL\((\w+), *(\w+), *(\w+), *(\w+), *\w+\)", re.MULTILINE)


def listed_kernels(text: str) -> dict[str, str]:
    """Name -> architecture of every row of kernels.def."""
    return {f"{row[1]}_{row[2]}_{row[3]}": row[4] for row in ROW.finditer(text)}


def passed_tests(report: Path) -> set[str]:
    """Names of the tests of one JUnit file that ran and passed."""
    cases = ET.parse(report).getroot().iter("testcase")
    return {case.get("name", "") for case in cases if case.get("status") == "run"}


def jobs_of(kernel: str, reports: dict[str, set[str]]) -> list[str]:
    """The jobs in which a conformance test named after the kernel passed."""
    ending = f"/{kernel}"
    return [
        job
        for job, names in reports.items()
        if any(name.startswith("conformance.") and name.endswith(ending) for name in names)
    ]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "junit")
    parser.add_argument("--list", type=Path, default=ROOT / "kernels" / "kernels.def")
    parser.add_argument("--strict", action="store_true", help="every kernel must have run")
    options = parser.parse_args(argv)

    kernels = listed_kernels(options.list.read_text(encoding="utf-8"))
    reports = {path.stem: passed_tests(path) for path in sorted(options.folder.glob("*.xml"))}
    if not kernels or not reports:
        print(f"expected rows in {options.list} and JUnit files in {options.folder}, found none")
        return 2
    arm_jobs = [job for job in reports if job.startswith("aarch64")]
    failures = 0
    ran_natively = False
    for kernel, arch in kernels.items():
        ran = jobs_of(kernel, reports)
        print(f"{kernel:44} {', '.join(ran) or 'NOT RUN: ' + arch}")
        ran_natively = ran_natively or any(job not in arm_jobs for job in ran)
        demanded = options.strict or (arch == "arm64" and bool(arm_jobs))
        failures += demanded and not ran
    if len(arm_jobs) < len(reports) and not ran_natively:
        print("no kernel ran natively: are the conformance tests still named after kernels?")
        failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
