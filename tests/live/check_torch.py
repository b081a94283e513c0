#!/usr/bin/env python3
"""Compares the library with what PyTorch answered, bit for bit.

Usage: check_torch.py FOLDER ..., folders of recorded or live vectors.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import live_check
from live_check import Counts, Tally

from ort_vectors import mismatches
from torch_library import answer, rows, unruled
from torch_vectors import TorchCase, TorchVectors


def check(
    vectors: Path, tally: Tally | None = None, left_out: Counter[str] | None = None
) -> Counts:
    """Counts by operator and target; what no row rules is counted in `left_out` by its reason."""
    tally = Tally() if tally is None else tally
    skipped = Counter[str]() if left_out is None else left_out
    for case in TorchVectors(vectors).torch_cases():
        for target in case.answers:
            if reason := unruled(case, target):
                skipped[reason] += 1
            for row in rows(case, target):
                compare(case, target, row, tally)
    return tally.counts


def compare(case: TorchCase, target: str, row: str, tally: Tally) -> None:
    """Adds what `target` answered to the tally."""
    want = case.answers[target]
    size = sum(i.array.size for i in case.inputs if i)
    try:
        wrong, why = mismatches(answer(case, target, row).reshape(want.shape), want), ""
    except (ValueError, TypeError, AssertionError, NotImplementedError) as error:
        wrong, why = want.size, f" ({type(error).__name__}: {error})"
    about = f"{case.id} {case.input(0).dtype} by {row}{why}"
    tally.add(case.op, target, want.size, wrong, size, about)


if __name__ == "__main__":
    live_check.run(__doc__ or "", live_check.telling(check))
