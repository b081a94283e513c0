#!/usr/bin/env python3
"""Compares the library with what LiteRT answered, bit for bit.

Usage: check_litert.py FOLDER ..., folders of recorded or live vectors.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import live_check
from live_check import Counts, Tally

from litert_library import answer, row_name, unruled
from litert_vectors import LiteCase, LiteVectors
from ort_vectors import mismatches


def check(
    vectors: Path, tally: Tally | None = None, left_out: Counter[str] | None = None
) -> Counts:
    """Counts by operator and target; what no row rules is counted in `left_out` by its reason."""
    tally = Tally() if tally is None else tally
    skipped = Counter[str]() if left_out is None else left_out
    for case in LiteVectors(vectors).lite_cases():
        for target in case.answers:
            if reason := unruled(case, target):
                skipped[reason] += 1
            else:
                compare(case, target, tally)
    return tally.counts


def compare(case: LiteCase, target: str, tally: Tally) -> None:
    """Adds what `target` answered to the tally."""
    want = case.answers[target]
    size = sum(i.array.size for i in case.inputs if i)
    try:
        wrong, why = mismatches(answer(case, target).reshape(want.shape), want), ""
    except (ValueError, TypeError, AssertionError, NotImplementedError) as error:
        wrong, why = want.size, f" ({type(error).__name__}: {error})"
    about = f"{case.id} {'/'.join(case.types)} by {row_name(case, target)}{why}"
    tally.add(case.op, target, want.size, wrong, size, about)


if __name__ == "__main__":
    live_check.run(__doc__ or "", live_check.telling(check))
