"""The library as a court of element-wise operators: the public functions under one profile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import qsim
from ort_elementwise import Layout, Pool, Scaled
from ort_vectors import Array
from qsim import Profile

__all__ = ["LibraryElementwise"]

CODE_TYPES = {
    "u4": "uint4", "s4": "int4", "u8": "uint8", "s8": "int8", "u16": "uint16", "s16": "int16",
}  # fmt: skip


def ends(q_in: Scaled, q_out: Scaled) -> dict[str, Any]:
    """Scales and zero points of an operator of one input."""
    return {
        "in_scale": q_in.scale, "in_zero": q_in.zero,
        "out_scale": q_out.scale, "out_zero": q_out.zero,
    }  # fmt: skip


class LibraryElementwise:
    """Public functions behind the protocol of ort_elementwise.Court."""

    def __init__(self, profile: Profile | str) -> None:
        self.profile = profile

    def _placed(self, layout: Layout) -> dict[str, Any]:
        block = layout.block or None
        return {"profile": self.profile, "axis": layout.axis, "block_size": block}

    def quantize(
        self, x: Array, scale: Array, zero: Array, code_type: str, layout: Layout
    ) -> Array:
        return qsim.quantize(x, scale, zero, dtype=CODE_TYPES[code_type], **self._placed(layout))

    def dequantize(
        self, codes: Array, scale: Array, zero: Array, code_type: str, layout: Layout
    ) -> Array:
        return qsim.dequantize(codes, scale, zero, dtype=scale.dtype, **self._placed(layout))

    def dynamic_quantize(self, x: Array) -> tuple[Array, np.float32, int]:
        return qsim.dynamic_quantize(x, profile=self.profile)

    def _binary(self, q_a: Scaled, q_b: Scaled, q_out: Scaled) -> dict[str, Any]:
        return {
            "a_scale": q_a.scale, "a_zero": q_a.zero, "b_scale": q_b.scale, "b_zero": q_b.zero,
            "out_scale": q_out.scale, "out_zero": q_out.zero, "profile": self.profile,
        }  # fmt: skip

    def add(self, a: Array, b: Array, q_a: Scaled, q_b: Scaled, q_out: Scaled) -> Array:
        return qsim.add(a, b, **self._binary(q_a, q_b, q_out))

    def mul(self, a: Array, b: Array, q_a: Scaled, q_b: Scaled, q_out: Scaled) -> Array:
        return qsim.mul(a, b, **self._binary(q_a, q_b, q_out))

    def average_pool(self, x: Array, pool: Pool, q_in: Scaled, q_out: Scaled) -> Array:
        return qsim.average_pool(
            x, kernel=pool.kernel, stride=pool.stride, pads=pool.begin + pool.end,
            ceil_mode=pool.ceil_mode, count_include_pad=pool.count_include_pad,
            profile=self.profile, **ends(q_in, q_out),
        )  # fmt: skip

    def global_average_pool(self, x: Array, q_in: Scaled, q_out: Scaled) -> Array:
        return qsim.global_average_pool(x, profile=self.profile, **ends(q_in, q_out))

    def table(
        self, function: str, codes: Array, q_in: Scaled, q_out: Scaled, alpha: np.float32
    ) -> Array:
        if function == "leaky_relu":
            return qsim.leaky_relu(codes, alpha=alpha, profile=self.profile, **ends(q_in, q_out))
        return qsim.lut(codes, function, profile=self.profile, **ends(q_in, q_out))

    def softmax(self, rows: Array, q_in: Scaled, q_out: Scaled) -> Array:
        return qsim.softmax(rows, profile=self.profile, **ends(q_in, q_out))

    def concat(
        self, parts: Sequence[Array], axis: int, q_in: Sequence[Scaled], q_out: Scaled
    ) -> Array:
        same = [
            p if q == q_out else qsim.operators.recode(p, profile=self.profile, **ends(q, q_out))
            for p, q in zip(parts, q_in, strict=True)
        ]
        return np.concatenate(same, axis)
