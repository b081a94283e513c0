"""The oracle's biases that join after scaling. Equation (A.33)."""

from __future__ import annotations

import qsim
from qsim import oracle
from qsim.oracle import f32


def test_late_bias_a33() -> None:
    def answer(name: str, acc: int, alpha: float, b: float, s_in: float, s_out: float) -> int:
        row = oracle.nest(qsim.profiles[name].fields())
        q_in, q_out = (oracle.QInfo.of([s, 0, -128, 127]) for s in (s_in, s_out))
        words = ([f32.bits(alpha)], [f32.bits(b)], [0], row["epilogue"]["bias"])
        fused = oracle.fuse(row, q_in, q_out, *words)
        mode = row["float_mode"]
        return oracle.requantize_channel(row["epilogue"], acc, fused, 0, -128, 127, mode)

    rows = ("mnn-2.9.0.arm64.sdot", "mnn-2.9.3.arm64.sdot", "mnn-3.x.arm64.sdot")
    for case, want in (
        ((2**24 + 1, 1, -(2.0**24), 1, 1), [1, 0, 0]),
        ((4, 1, 0.9, 1, 1), [4, 4, 5]),
        ((15, 0.7, 0, 0.3, 0.1), [31, 31, 32]),
    ):
        assert [answer(row, *case) for row in rows] == want
