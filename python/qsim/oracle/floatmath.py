"""exp, sigmoid, tanh and dot products on binary32 patterns. Equations (A.14) to (A.18)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import f32

Row = Mapping[str, Any]

LN2 = f32.bits(0.6931471805599453)
INVERSE_LN2 = f32.div(f32.ONE, LN2)
LIMIT = f32.from_int(87)
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
    """x/d; elements left after whole groups are divided exactly. Equation (A.17)."""
    rule = row["float_math"]
    grouped = index < count // rule["group"] * rule["group"]
    how = rule["reciprocal"] if grouped else "divide"
    return f32.quotient(x, d, how, rule["estimate"], row["float_mode"])


def float_dot(row: Row, lhs: Sequence[int], rhs: Sequence[int], bias: int) -> int:
    """sum lhs[k]*rhs[k] + bias in the row's order. Equation (A.18)."""
    rule, mode = row["float_math"], row["float_mode"]
    lanes = [f32.ZERO] * rule["dot_lanes"]
    for k, (a, b) in enumerate(zip(lhs, rhs, strict=True)):
        lane = k % len(lanes)
        lanes[lane] = _mul_add(rule["dot_fused"], a, b, lanes[lane], mode)
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = [f32.add(lanes[i], lanes[i + half], mode) for i in range(half)]
    total = f32.add(lanes[0], bias, mode)
    if rule["clamps_convolutions"]:
        largest = 0x7F7FFFFF
        total = f32.maximum(total, f32.negate(largest), rule["minmax"])
        total = f32.minimum(total, largest, rule["minmax"])
    return total
