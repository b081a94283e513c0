#!/usr/bin/env python3
"""Compares the library with what ONNX Runtime answered, bit for bit.

Usage: check_ort.py FOLDER ..., folders of recorded or live vectors.
"""

from __future__ import annotations

from pathlib import Path

import live_check
import numpy as np
from live_check import Counts, Tally

import ort_products
import qsim
from library_products import LibraryProducts
from ort_vectors import ALSO, PROFILES, Array, Case, Vectors, mismatches

#: AVX without AVX2: everything of the SSE row but the vector width of a minimum and a maximum.
AVX = {"dynamic.lanes": 8}


def profiles() -> dict[str, qsim.Profile]:
    """The rows of the targets that live runs have."""
    names = PROFILES | {"x64-avx512": ALSO["x64-avx2"]}
    rows = {target: qsim.profiles[name] for target, name in names.items()}
    return rows | {"x64-avx": rows["x64-sse"].replace_fields(AVX)}


def answer(case: Case, profile: qsim.Profile) -> dict[str, Array]:
    """What the library computes for a case, by output name."""
    return ort_products.run(case, LibraryProducts(profile))


def check(vectors: Path, tally: Tally | None = None) -> Counts:
    """Counts by operator and target."""
    tally = Tally() if tally is None else tally
    rows, source = profiles(), Vectors(vectors)
    for case in source.cases(*FAMILIES):
        for target in {t: None for answers in case.outputs.values() for t in answers}:
            compare(case, target, rows[target], tally)
    return tally.counts


def compare(case: Case, target: str, profile: qsim.Profile, tally: Tally) -> None:
    """Adds every output that `target` answered to the tally."""
    why = ""
    try:
        got = answer(case, profile)
    except (ValueError, NotImplementedError) as error:
        got, why = {}, f" ({type(error).__name__}: {error})"
    size = sum(i.array.size for i in case.inputs.values())
    for name, answers in case.outputs.items():
        if target not in answers:
            continue
        want = answers[target]
        try:
            wrong = mismatches(np.asarray(got[name]), want) if not why else want.size
        except AssertionError as error:
            wrong, why = want.size, f" ({error})"
        tally.add(case.op, target, want.size, wrong, size, f"{case.id} {name}{why}")


FAMILIES = ort_products.FAMILIES

if __name__ == "__main__":
    live_check.run(__doc__ or "", check)
