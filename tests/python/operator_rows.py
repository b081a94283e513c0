"""Rows of operators for the tests of the oracle, and small helpers around them."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import qsim
from qsim import oracle
from qsim.oracle import f32
from qsim.oracle.quantizer import Affine

Row = dict[str, Any]


def row(name: str) -> Row:
    return oracle.nest(qsim.profiles[name].fields())


SSE, AVX2 = row("ort-1.30.x64.sse"), row("ort-1.30.x64.avx2")
ARM, WASM = row("ort-1.30.arm64.neon"), row("ort-1.30.wasm.simd")
REF, RUY_X64, RUY_ARM = row("tflite.ref.x64"), row("tflite.ruy.x64"), row("tflite.ruy.arm64")
XNN, XNN_ARM = row("xnnpack.x64"), row("xnnpack.arm64.qs8")

NAN, INF = 0x7FC00000, f32.INF


def affine(scale: float, zero: int = 0) -> Affine:
    return Affine(f32.bits(scale), zero)


def changed(of: Row, path: str, value: Any) -> Row:
    """A copy of a row with one field replaced."""
    copy = deepcopy(of)
    *parents, leaf = path.split(".")
    place = copy
    for name in parents:
        place = place[name]
    if leaf not in place:
        raise KeyError(f"{path}: no such field")
    place[leaf] = value
    return copy
