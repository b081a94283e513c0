"""Recorded sums of oneDNN's convolutions of int8 by int8, and the library's."""

from __future__ import annotations

from pathlib import Path

import qsim
from ort_vectors import Array
from torch_vectors import TorchCase, TorchVectors

ROOT = Path(__file__).parents[1] / "data" / "onednn-3.2"
VECTORS = TorchVectors(ROOT)
CASES = list(VECTORS.torch_cases())
TARGETS = VECTORS.manifest["targets"]


def sums(case: TorchCase, profile: qsim.Profile) -> Array:
    """The convolution before it is rescaled."""
    x, w, a = case.input(0), case.input(1), case.attributes
    return qsim.operators.accumulate_conv(
        x.array, w.array, profile=profile, x_zero=x.zero, stride=a["stride"], pads=a["padding"],
        groups=a["groups"],
    )  # fmt: skip


def row(target: str) -> qsim.Profile:
    return qsim.profiles[f"onednn-3.{target.replace('-', '.')}"]
