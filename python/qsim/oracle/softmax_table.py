"""Softmax of a row of codes by a row's `softmax` rule, most of them by 256 exponentials. (A.30)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from . import f32, fixed
from .quantizer import Affine, limits_of
from .realmath import exp32, exp64_then_32, ln32
from .rescale import Limits
from .softmax import input_radius, softmax_int8
from .words import clamp, round_ratio, wrap

Row = Mapping[str, Any]

_LARGEST = f32.INF - 1  # the largest finite binary32
_TRUNCATE = {"nan": "zero", "too_high": "saturate", "too_low": "saturate", "ties": "toward_zero"}


def softmax(
    row: Row,
    codes: Sequence[int],
    q_in: Affine,
    q_out: Affine,
    code_type: str,
    *,
    beta: int = f32.ONE,
) -> list[int]:
    """Codes of softmax(beta * real values) of one row."""
    scheme, limits = row["softmax"]["scheme"], limits_of(code_type)
    _positive(q_in.scale, "x_scale")
    _positive(q_out.scale, "y_scale")
    if scheme == "f32_table":
        return _f32_table(row, codes, q_in.scale, q_out, limits)
    if scheme == "exp_f32":
        return _exp_f32(row, codes, f32.mul(q_in.scale, beta, row["float_mode"]), q_out, limits)
    if scheme == "exp_u16":
        return _exp_u16(row, codes, f32.mul(q_in.scale, beta, row["float_mode"]), q_out, limits)
    if scheme == "fixed":
        return _fixed(row, codes, q_in.scale, beta, limits)
    raise ValueError(f"softmax.scheme: expected a rule, got {scheme!r}")


def _positive(scale: int, name: str) -> None:
    if f32.is_nan(scale) or f32.is_inf(scale) or not f32.less(f32.ZERO, scale):
        raise ValueError(f"{name}: expected a finite scale above 0")


# ----------------------------------------------------------------------------------- f32_table


def lifted_exponentials(scale: int, length: int) -> list[int]:
    """Entry 255 - d serves codes d below the largest one; `length` of them sum up below FLT_MAX."""
    s = f32.to_float(scale)
    room = f32.to_float(ln32(f32.div(_LARGEST, f32.from_int(length))))
    lift = max(0.0, room - 5.0) / s  # binary64, one rounding per operation
    return [exp64_then_32((float(i) - 255.0 + lift) * s) for i in range(256)]


def _sum(values: Sequence[int], mode: f32.Mode) -> int:
    total = f32.ZERO
    for v in values:
        total = f32.add(total, v, mode)
    return total


def _f32_table(
    row: Row, codes: Sequence[int], scale: int, q_out: Affine, limits: Limits
) -> list[int]:
    mode, largest = row["float_mode"], max(codes)
    table = lifted_exponentials(scale, len(codes))
    values = [table[255 - (largest - q)] for q in codes]
    total, steps = _sum(values, mode), f32.div(f32.ONE, q_out.scale, mode)
    if not f32.is_inf(steps):
        steps = f32.from_int(round_ratio(f32.rational(steps), "floor"))
    convert = row["average"]["narrow"]["convert"]
    result = []
    for v in values:
        t = f32.div(f32.mul(v, steps, mode), total, mode)
        if limits.low < 0:
            code = wrap(f32.to_int32(t, convert) + q_out.zero, 32)
        else:
            code = (_to_uint32(t, convert) + q_out.zero) % (1 << 32)
        result.append(clamp(code, limits.low, limits.high))
    return result


def _to_uint32(t: int, convert: Row) -> int:
    """A C cast of t >= 0, rounded: NaN is 0, infinity is 0 or the largest number."""
    if f32.is_nan(t) or (f32.is_inf(t) and convert["too_high"] == "lowest"):
        return 0
    if f32.is_inf(t):
        return (1 << 32) - 1
    return min(round_ratio(f32.rational(t), convert["ties"]), (1 << 32) - 1)


# ------------------------------------------------------------------------------------ exp_f32


def _exp_f32(
    row: Row, codes: Sequence[int], scale: int, q_out: Affine, limits: Limits
) -> list[int]:
    mode, largest = row["float_mode"], max(codes)
    values = [
        exp32(f32.to_float(f32.mul(f32.negate(scale), f32.from_int(largest - q), mode)))
        for q in codes
    ]
    total = _sum(values, mode)
    inverse = f32.div(f32.ONE, f32.mul(total, q_out.scale, mode), mode)
    result = []
    for v in values:
        t = f32.mul(v, inverse, mode)
        ties = "add_half" if limits.low == 0 else "half_away"  # uint8 adds 0.5 in binary32
        code = f32.to_int32(t, {**_TRUNCATE, "ties": ties}) + q_out.zero
        result.append(clamp(code, limits.low, limits.high))
    return result


# ------------------------------------------------------------------------------------ exp_u16


def _exp_u16(
    row: Row, codes: Sequence[int], scale: int, q_out: Affine, limits: Limits
) -> list[int]:
    mode, largest = row["float_mode"], max(codes)
    values = [_as_u16(f32.mul(scale, f32.from_int(q - largest), mode), mode) for q in codes]
    total = wrap(sum(values), 32)
    inverse = f32.div(f32.ONE, f32.mul(f32.from_int(total), q_out.scale, mode), mode)
    if f32.is_inf(inverse):
        raise ValueError("y_scale: expected sum * y_scale with a finite reciprocal")
    m, e = fixed.quantize_multiplier(f32.to_float(inverse))
    whole = len(codes) // 16 * 16
    result = []
    for i, v in enumerate(values):
        code = fixed.rescale(
            v, m, e, single_rounding=False, multiply_ties="half_up",
            shift_ties="half_up" if i < whole else "half_away", multiplier_bits=32,
        )  # fmt: skip
        result.append(clamp(code + q_out.zero, limits.low, limits.high))
    return result


def _as_u16(x: int, mode: f32.Mode) -> int:
    """exp(x) in units of 1/65535, the half added in binary64."""
    scaled = f32.mul(exp32(f32.to_float(x)), f32.bits(65535.0), mode)
    return min(round_ratio(f32.rational(scaled) + Fraction(1, 2), "toward_zero"), 65535)


# -------------------------------------------------------------------------------------- fixed


def _fixed(row: Row, codes: Sequence[int], scale: int, beta: int, limits: Limits) -> list[int]:
    once = row["requant"]["fixed"]["single_rounding"]
    limit = float((1 << 30 if once else 1 << 31) - 1)
    factor = min(f32.to_float(beta) * f32.to_float(scale) * 2.0**26, limit)
    if factor <= 1:
        raise ValueError("x_scale: expected beta * x_scale above 2^-26")
    m, left = fixed.quantize_multiplier(factor, single_rounding=once)
    signed = softmax_int8(codes, m, left, -input_radius(left))
    return [code - (-128 - limits.low) for code in signed]
