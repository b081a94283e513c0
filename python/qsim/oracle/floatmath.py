"""exp, sigmoid, tanh and dot products on binary32 patterns. Equations (A.14) to (A.18)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import f32

Row = Mapping[str, Any]

LN2 = f32.bits(0.6931471805599453)
INVERSE_LN2 = f32.div(f32.ONE, LN2)
LIMIT = f32.from_int(87)
LARGEST = 0x7F7FFFFF
# 1/k! for k = 0..5, each rounded to binary32 from the quotient of two binary32 numbers
COEFFICIENTS = [f32.div(f32.ONE, f32.from_int(n)) for n in (1, 1, 2, 6, 24, 120)]
_TO_INT = {
    # |x/ln2| < 128, so only the answer to NaN matters, and NaN passes through the polynomial
    "nan": "zero", "too_high": "saturate", "too_low": "saturate",
}


def exp(row: Row, x: int) -> int:
    """exp(x) by range reduction and a polynomial of degree 5. Equation (A.14)."""
    rule, mode = row["float_math"], row["float_mode"]
    x = _limited(rule, x)
    scaled = f32.mul(x, INVERSE_LN2, mode)
    n = f32.to_int32(scaled, {**_TO_INT, "ties": rule["exp_range"]})
    t = _mul_add(rule["exp_reduce_fused"], f32.from_int(-n), LN2, x, mode)
    p = COEFFICIENTS[5]
    for c in reversed(COEFFICIENTS[:5]):
        p = _mul_add(rule["exp_poly_fused"], p, t, c, mode)
    if rule["exp_power"] == "multiply":
        return f32.mul(((n + 127) << 23) & 0xFFFFFFFF, p, mode)
    return (p + (n << 23)) & 0xFFFFFFFF


def _limited(rule: Row, x: int) -> int:
    low, high, nan = f32.negate(LIMIT), LIMIT, rule["minmax"]
    if rule["exp_clamp"] == "low_first":
        return f32.minimum(f32.maximum(x, low, nan), high, nan)
    return f32.maximum(f32.minimum(x, high, nan), low, nan)


def _mul_add(fused: bool, a: int, b: int, c: int, mode: f32.Mode) -> int:
    return f32.fma(a, b, c, mode) if fused else f32.add(f32.mul(a, b, mode), c, mode)


def sigmoid(row: Row, values: Sequence[int]) -> list[int]:
    """1 / (1 + exp(-x)) of every element. Equation (A.15)."""
    mode = row["float_mode"]
    results = []
    for i, x in enumerate(values):
        e = exp(row, f32.mul(x, f32.bits(-1.0), mode))
        denominator = f32.add(f32.ONE, e, mode)
        results.append(_quotient(row, f32.ONE, denominator, i, len(values)))
    return results


def tanh(row: Row, values: Sequence[int]) -> list[int]:
    """(1 - exp(-2x)) / (1 + exp(-2x)) of every element. Equation (A.16)."""
    mode = row["float_mode"]
    results = []
    for i, x in enumerate(values):
        e = exp(row, f32.mul(x, f32.bits(-2.0), mode))
        numerator, denominator = f32.sub(f32.ONE, e, mode), f32.add(f32.ONE, e, mode)
        results.append(_quotient(row, numerator, denominator, i, len(values)))
    return results


def _quotient(row: Row, x: int, d: int, index: int, count: int) -> int:
    """x/d; elements left after whole groups are divided exactly. Equation (A.18)."""
    rule = row["float_math"]
    grouped = index < count // rule["group"] * rule["group"]
    how = rule["reciprocal"] if grouped else "divide"
    return f32.quotient(x, d, how, rule["estimate"], row["float_mode"])


def float_dot(rule: Row, lhs: Sequence[int], rhs: Sequence[int], mode: f32.Mode) -> int:
    """sum lhs[k]*rhs[k] by a `FloatDot` row. Equation (A.17)."""
    lanes: list[int | None] = [None if rule["lanes"] == 1 else f32.ZERO] * rule["lanes"]
    for k, (a, b) in enumerate(zip(lhs, rhs, strict=True)):
        so_far = lanes[k % len(lanes)]
        if so_far is None:  # a single sum starts with its first product
            lanes[k % len(lanes)] = f32.mul(a, b, mode)
        else:
            lanes[k % len(lanes)] = _mul_add(rule["fused"], a, b, so_far, mode)
    sums = [f32.ZERO if lane is None else lane for lane in lanes]
    return sums[0] if len(sums) == 1 else _joined(rule["tree"], sums, mode)


def _joined(tree: str, sums: list[int], mode: f32.Mode) -> int:
    """Partial sums folded as the tree says."""
    if tree == "halves":
        return f32.add(f32.add(sums[0], sums[2], mode), f32.add(sums[1], sums[3], mode), mode)
    if tree == "from_one":
        inner = f32.add(f32.add(sums[1], sums[2], mode), sums[0], mode)
        return f32.add(inner, sums[3], mode)
    if tree != "pairs":
        raise ValueError(f"tree: unknown rule {tree!r}")
    while len(sums) > 1:
        sums = [f32.add(sums[i], sums[i + 1], mode) for i in range(0, len(sums), 2)]
    return sums[0]


def finish_convolution(row: Row, total: int, bias: int) -> int:
    """A float convolution's sum plus its bias, limited where the row does so. Equation (A.17)."""
    rule = row["float_math"]
    total = f32.add(total, bias, row["float_mode"])
    if not rule["clamps_convolutions"]:
        return total
    total = f32.maximum(total, f32.negate(LARGEST), rule["minmax"])
    return f32.minimum(total, LARGEST, rule["minmax"])
