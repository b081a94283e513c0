"""What the library is held to, counted: recorded operator results by profile and family."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import numpy as np

import cmsis_cases
import onednn_sums
import ort_elementwise
import ort_products
import seanet_cases
import torch_library
from library_court_elementwise import LibraryElementwise
from library_integers import LibraryCourt
from library_products import LibraryProducts
from ort_vectors import ALSO, PROFILES, Vectors, mismatches
from torch_vectors import TorchVectors

Counts = dict[str, dict[str, dict[str, int]]]
"""Profile -> source and family -> cases, values, differing."""

INTEGER_ROW = "tflite.ref.x64"


def onnxruntime() -> Counts:
    """Single operators of ONNX Runtime 1.30.0, all targets."""
    vectors = Vectors()
    rows = [(t, name) for t, name in PROFILES.items()] + list(ALSO.items())
    out: Counts = {}
    for target, name in rows:
        products, elementwise = LibraryProducts(name), LibraryElementwise(name)
        for family in (*ort_products.FAMILIES, *ort_elementwise.FAMILIES):
            total: Counter[str] = Counter()
            for case in vectors.cases(family):
                if family in ort_products.FAMILIES:
                    got = ort_products.run(case, products)
                else:
                    got = ort_elementwise.answers(case, elementwise)
                total["cases"] += 1
                for output, by in case.outputs.items():
                    want = np.ascontiguousarray(by[target])
                    total["values"] += want.size
                    total["differing"] += mismatches(np.ascontiguousarray(got[output]), want)
            key = f"ONNX Runtime 1.30.0 `{target}`: {family}"
            out.setdefault(name, {})[key] = dict(total)
    return out


def integer_kernels() -> Counts:
    """CMSIS-NN's cases and SEANet's operators, both made by TFLite's reference kernels."""
    court = LibraryCourt(INTEGER_ROW)
    by: dict[str, Counter[str]] = defaultdict(Counter)
    for row in cmsis_cases.rows():
        case = cmsis_cases.read(row.family)[row.name]
        note(by["CMSIS-NN goldens"], cmsis_cases.run(case, court), case.expected)
    for path in sorted(seanet_cases.HERE.glob("*/*.npz")):  # the copy, wherever the rest is
        name = f"{path.parent.name}/{path.stem}"
        model = seanet_cases.read(name)
        note(by["SEANet int16 goldens"], seanet_cases.run(model, court), model.expected)
    return {INTEGER_ROW: {source: dict(total) for source, total in by.items()}}


def pytorch() -> Counts:
    """Single operators of PyTorch, all targets and engines."""
    vectors = TorchVectors()
    by: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for case in vectors.torch_cases():
        for target, want in case.answers.items():
            version = vectors.manifest["runs"][target]["version"].split("+")[0]
            for name in torch_library.rows(case, target):
                total = by[name][f"PyTorch {version} `{target}`: {case.op}"]
                note(total, torch_library.answer(case, target, name), want)
    return {name: {k: dict(v) for k, v in sources.items()} for name, sources in by.items()}


def onednn() -> Counts:
    """Sums of oneDNN's convolutions of int8 by int8."""
    out: Counts = {}
    for target in onednn_sums.TARGETS:
        total: Counter[str] = Counter()
        profile = onednn_sums.row(target)
        for case in onednn_sums.CASES:
            note(total, onednn_sums.sums(case, profile), case.answers[target])
        out[profile.name] = {f"oneDNN 3.2 `{target}`: convolution sums": dict(total)}
    return out


def note(total: Counter[str], got: Any, want: Any) -> None:
    """One more case."""
    total["cases"] += 1
    total["values"] += want.size
    total["differing"] += int(np.count_nonzero(got != want))


def count() -> Counts:
    """All of it."""
    out = onnxruntime()
    for counts in (integer_kernels(), pytorch(), onednn()):
        for name, sources in counts.items():
            out.setdefault(name, {}).update(sources)
    return out
