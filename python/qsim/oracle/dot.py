"""From two code vectors to one int32: the chain of an `Arith` row. Equation (A.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .words import fit, wrap

Row = Mapping[str, Any]


def dot(
    arith: Row,
    lhs: Sequence[int],
    rhs: Sequence[int],
    initial: int = 0,
    *,
    doubled: bool = False,
) -> int:
    """int32 sum of lhs[k]*rhs[k]; `doubled`: the upper half of every block but the first twice."""
    if len(lhs) != len(rhs):
        raise ValueError(f"rhs: expected {len(lhs)} codes, got {len(rhs)}")
    block = arith["block"]
    lanes = [0] * arith["acc_lanes"]
    wide = arith["acc_bits"] == 32
    if wide:
        lanes[0] = fit(initial, 32, arith["acc_overflow"])
    for start in range(0, len(lhs), block):
        products = _products(arith, lhs[start : start + block], rhs[start : start + block])
        if doubled and start > 0:
            products[block // 2 :] = [2 * p for p in products[block // 2 :]]
        for i, value in enumerate(_reduce(arith, products)):
            lane = i % len(lanes)
            lanes[lane] = fit(lanes[lane] + value, arith["acc_bits"], arith["acc_overflow"])
    return wrap(sum(lanes) + (0 if wide else initial), 32)


def _products(arith: Row, lhs: Sequence[int], rhs: Sequence[int]) -> list[int]:
    """Products of one block, padded with zeros to its full length."""
    offset = arith["lhs_offset"]
    products = [(a + offset) * b for a, b in zip(lhs, rhs, strict=True)]
    return products + [0] * (arith["block"] - len(products))


def _reduce(arith: Row, values: list[int]) -> list[int]:
    """The steps inside a block."""
    for index in range(arith["n_steps"]):
        step = arith[f"step{index}"]
        fan_in, stride = step["fan_in"], step["stride"]
        runs = [values[i : i + fan_in * stride] for i in range(0, len(values), fan_in * stride)]
        values = [
            fit(sum(run[j::stride]), step["bits"], step["overflow"])
            for run in runs
            for j in range(stride)
        ]
    return values
