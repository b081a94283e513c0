#!/usr/bin/env python3
"""Compares the library with what ONNX Runtime answered, bit for bit.

Usage: check_ort.py FOLDER ..., folders of recorded or live vectors.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import live_check
import numpy as np
from live_check import Counts, Tally

import ort_elementwise
import ort_products
import qsim
from library_court_elementwise import LibraryElementwise
from library_products import LibraryProducts
from ort_vectors import ALSO, PROFILES, Array, Case, Vectors, mismatches

FAMILIES = ort_products.FAMILIES + ort_elementwise.FAMILIES
#: AVX without AVX2: everything of the SSE row but the vector width of a minimum and a maximum.
AVX = {"dynamic.lanes": 8}


def profiles() -> dict[str, qsim.Profile]:
    """The rows of the targets that live runs have."""
    names = PROFILES | {"x64-avx512": ALSO["x64-avx2"]}
    rows = {target: qsim.profiles[name] for target, name in names.items()}
    return rows | {"x64-avx": rows["x64-sse"].replace_fields(AVX)}


def answers(case: Case, profile: qsim.Profile) -> Iterator[tuple[str, dict[str, Array]]]:
    """What the library computes, by way and output name: sums and rescaling apart, and at once."""
    if case.family not in ort_products.FAMILIES:
        yield case.op, ort_elementwise.answers(case, LibraryElementwise(profile))
        return
    yield case.op, ort_products.run(case, LibraryProducts(profile))
    if case.op == "QLinearConv":
        yield "qsim.conv2d", {"y": convolved(case, profile)}
    if case.op == "QLinearMatMul" and case.inputs["b"].array.ndim == 2:
        yield "qsim.gemm", {"y": multiplied(case, profile)}


def zero(case: Case, name: str) -> Array:
    """A zero point, 0 if omitted."""
    given = case.get(name)
    return np.zeros((), np.int32) if given is None else given


def convolved(case: Case, profile: qsim.Profile) -> Array:
    """QLinearConv by one call."""
    given = case.attributes
    x, w = case.inputs["x"], case.inputs["w"]
    return qsim.conv2d(
        x.array, w.array, profile=profile, groups=given.get("group", 1),
        x_zero=int(zero(case, "x_zero_point")), weight_zero=zero(case, "w_zero_point"),
        stride=given.get("strides", 1), pads=given.get("pads", 0),
        dilation=given.get("dilations", 1), bias=case.get("B"), constant_weights=w.constant,
        x_scale=float(case.inputs["x_scale"].array), weight_scale=case.inputs["w_scale"].array,
        out_scale=float(case.inputs["y_scale"].array), out_zero=int(zero(case, "y_zero_point")),
    )  # fmt: skip


def multiplied(case: Case, profile: qsim.Profile) -> Array:
    """QLinearMatMul by one call."""
    a, b = case.inputs["a"].array, case.inputs["b"].array
    y = qsim.gemm(
        np.atleast_2d(a), b, profile=profile,
        lhs_zero=zero(case, "a_zero_point").reshape(()), rhs_zero=zero(case, "b_zero_point"),
        lhs_scale=float(case.inputs["a_scale"].array.reshape(())),
        rhs_scale=case.inputs["b_scale"].array,
        out_scale=float(case.inputs["y_scale"].array.reshape(())),
        out_zero=int(zero(case, "y_zero_point").reshape(())),
    )  # fmt: skip
    return y if a.ndim > 1 else y[0]


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
    size = sum(i.array.size for i in case.inputs.values())
    wanted = {name: by[target] for name, by in case.outputs.items() if target in by}
    try:
        for way, got in answers(case, profile):
            for name, want in wanted.items():
                same_shape = got[name].shape == want.shape and got[name].dtype == want.dtype
                wrong = mismatches(np.asarray(got[name]), want) if same_shape else want.size
                tally.add(way, target, want.size, wrong, size, f"{case.id} {name}")
    except (ValueError, NotImplementedError) as error:  # what the engine answers is no refusal
        for name, want in wanted.items():
            about = f"{case.id} {name}, {type(error).__name__}: {error}"
            tally.add(case.op, target, want.size, want.size, size, about)


if __name__ == "__main__":
    live_check.run(__doc__ or "", check)
