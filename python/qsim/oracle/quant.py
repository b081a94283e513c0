"""Fused parameters, narrowing and casts. Equations (A.4) and (A.6) to (A.9).

Binary32 arguments are bit patterns (see f32.bits). `row` is a whole profile as a dict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from . import f32
from .words import clamp, saturate, wrap

Row = Mapping[str, Any]

ALPHA_FLOOR = f32.bits(1e-6)
_TRUNCATE = {"nan": "zero", "too_high": "saturate", "too_low": "saturate", "ties": "toward_zero"}


@dataclass(frozen=True)
class QInfo:
    """Quantization info of a tensor as stored: four binary32 patterns."""

    scale: int
    zero: int
    low: int
    high: int

    @staticmethod
    def of(values: Sequence[float]) -> QInfo:
        """From four floats (scale, zero, min, max)."""
        scale, zero, low, high = (f32.bits(float(v)) for v in values)
        return QInfo(scale, zero, low, high)


@dataclass(frozen=True)
class Fused:
    """Scale (patterns) and int32 bias per channel; `written` False: both are unspecified.

    `real` (patterns) is what joins after scaling instead of `bias`, `ratio` a second factor.
    """

    scale: list[int]
    bias: list[int]
    written: bool = True
    real: list[int] | None = None
    ratio: int | None = None


def whole(pattern: int) -> int:
    """A stored zero point or limit as an integer: truncated."""
    return f32.to_int32(pattern, _TRUNCATE)


def code(pattern: int) -> int:
    """A stored zero point or limit as an int8 code: truncated, then wrapped."""
    return wrap(whole(pattern), 8)


def narrow(
    rule: Row, t: int, low: int, high: int, mode: f32.Mode, *, unclamped: bool = False
) -> int:
    """binary32 t (in codes) -> int8 code by a `Narrow` row. Equation (A.6)."""
    stage = "none" if unclamped else rule["clamp"]
    offset = rule["offset"]
    if stage == "real":
        t = _clamp_real(rule, t, low, high)
    value = wrap(f32.to_int32(t, rule["convert"]) + offset, 32)
    if rule["through_int16"]:
        value = saturate(value, 16)
    if stage == "int16":
        value = _clamp_int(rule, value, low + offset, high + offset)
    value = clamp(value, -128 + offset, 127 + offset) - offset
    return _clamp_int(rule, value, low, high) if stage == "int8" else value


def _clamp_int(rule: Row, value: int, low: int, high: int) -> int:
    if rule["order"] == "high_first":
        return max(min(value, high), low)
    return min(max(value, low), high)


def _clamp_real(rule: Row, t: int, low: int, high: int) -> int:
    low_f, high_f, nan = f32.from_int(low), f32.from_int(high), rule["minmax"]
    if rule["order"] == "high_first":
        return f32.maximum(f32.minimum(t, high_f, nan), low_f, nan)
    return f32.minimum(f32.maximum(t, low_f, nan), high_f, nan)


def requantize(
    epilogue: Row,
    acc: int,
    bias: int,
    scale: int,
    low: int,
    high: int,
    mode: f32.Mode,
    *,
    unclamped: bool = False,
) -> int:
    """int32 sum -> int8 code: narrow(fl(fl(acc + bias) * scale)). Equation (A.9)."""
    if epilogue["scheme"] != "fp32":
        raise ValueError(f"scheme: the oracle knows fp32, got {epilogue['scheme']!r}")
    t = f32.mul(f32.from_int(wrap(acc + bias, 32)), scale, mode)
    return narrow(epilogue["narrow"], t, low, high, mode, unclamped=unclamped)


def requantize_channel(
    epilogue: Row,
    acc: int,
    fused: Fused,
    k: int,
    low: int,
    high: int,
    mode: f32.Mode,
    *,
    unclamped: bool = False,
) -> int:
    """Plain int32 sum of channel k -> int8 code. Equations (A.9), (A.33)."""
    if fused.real is None:
        return requantize(
            epilogue, acc, fused.bias[k], fused.scale[k], low, high, mode, unclamped=unclamped
        )
    t = f32.mul(f32.from_int(acc), fused.scale[k], mode)
    if fused.ratio is not None:
        t = f32.mul(t, fused.ratio, mode)
    t = f32.add(t, fused.real[k], mode)
    return narrow(epilogue["narrow"], t, low, high, mode, unclamped=unclamped)


def acts_as_zero(scale: int, nan_is_zero: str, mode: f32.Mode) -> bool:
    """Whether a scale compares equal to zero: flushed subnormals do, NaN if the row says so."""
    if f32.is_nan(scale):
        return nan_is_zero == "yes"
    return f32.is_zero(f32.read(scale, mode))


def fuse(
    row: Row,
    q_in: QInfo,
    q_out: QInfo,
    alpha: Sequence[int],
    bias: Sequence[int],
    kernel_sum: Sequence[int],
    stage: str = "sum",
) -> Fused:
    """S and B of every output channel. Equations (A.4), (A.33)."""
    rule, mode = row["fuse"], row["float_mode"]
    if any(acts_as_zero(q.scale, rule["nan_scale"], mode) for q in (q_in, q_out)):
        zeros = [f32.ZERO] * len(alpha)
        return Fused(zeros, [0] * len(alpha), written=False, real=None if stage == "sum" else zeros)
    if stage == "real":
        return _fuse_real(row, q_in, q_out, alpha, bias, kernel_sum)
    ratio = f32.div(q_in.scale, q_out.scale, mode)
    offset = f32.add(q_in.zero, f32.from_int(rule["zero_offset"]), mode)
    grouped = len(alpha) // rule["group"] * rule["group"]
    scales, biases = [], []
    for k, (a, b, total) in enumerate(zip(alpha, bias, kernel_sum, strict=True)):
        a = _floored(a, k >= grouped, rule)
        s = f32.mul(a, ratio, mode)
        how = rule["reciprocal"] if k < grouped else "divide"
        unit = f32.mul(q_in.scale, a, mode)
        parts = [
            _whole_quotient(rule, f32.quotient(x, d, how, rule["estimate"], mode))
            for x, d in ((b, unit), (q_out.zero, s))
        ]
        summed = f32.add(parts[0], parts[1], mode)
        scales.append(s)
        biases.append(f32.to_int32(_less_kernel(rule, summed, total, offset, mode),
                                   rule["convert"]))
    if stage == "sum":
        return Fused(scales, biases)
    real = [f32.mul(f32.from_int(b), s, mode) for b, s in zip(biases, scales, strict=True)]
    return Fused(scales, biases, real=real)


def _fuse_real(
    row: Row,
    q_in: QInfo,
    q_out: QInfo,
    alpha: Sequence[int],
    bias: Sequence[int],
    kernel_sum: Sequence[int],
) -> Fused:
    """alpha, s_i/s_o and R of every output channel. Equation (A.33)."""
    mode = row["float_mode"]
    offset = f32.add(q_in.zero, f32.from_int(row["fuse"]["zero_offset"]), mode)
    real = []
    for a, b, total in zip(alpha, bias, kernel_sum, strict=True):
        weights = f32.mul(f32.from_int(total), a, mode)
        zeros = f32.mul(f32.mul(weights, offset, mode), q_in.scale, mode)
        codes = f32.div(f32.sub(b, zeros, mode), q_out.scale, mode)
        real.append(f32.add(codes, q_out.zero, mode))
    ratio = f32.div(q_in.scale, q_out.scale, mode)
    return Fused(list(alpha), [0] * len(alpha), real=real, ratio=ratio)


def _floored(alpha: int, in_tail: bool, rule: Row) -> int:
    """Weight scale, or 1e-6 where |alpha| (exact) is below the binary64 number 1e-6."""
    if f32.is_nan(alpha):
        return alpha if in_tail and rule["nan_alpha_in_tail"] else ALPHA_FLOOR
    if f32.is_inf(alpha):
        return alpha
    return alpha if abs(f32.rational(alpha)) >= Fraction(1e-6) else ALPHA_FLOOR


def _whole_quotient(rule: Row, q: int) -> int:
    if rule["quotient"] == "real":
        return f32.truncate(q)
    return f32.from_int(f32.to_int32(q, rule["convert"]))


def _less_kernel(rule: Row, summed: int, kernel_sum: int, offset: int, mode: f32.Mode) -> int:
    weight = f32.from_int(kernel_sum)
    if rule["fused_multiply_add"]:
        return f32.fma(f32.negate(weight), offset, summed, mode)
    return f32.sub(summed, f32.mul(weight, offset, mode), mode)


def cast_multiplier(row: Row, scale: int) -> int:
    """1/scale of a cast to int8; 0 for a zero (or flushed) scale."""
    mode = row["float_mode"]
    if acts_as_zero(scale, "no", mode):
        return f32.ZERO
    return f32.div(f32.ONE, scale, mode)


def quantize(row: Row, x: int, multiplier: int, zero: int, low: int, high: int) -> int:
    """The code of x: narrow(x*m + z). Equation (A.7)."""
    cast, mode = row["cast"], row["float_mode"]
    z = f32.from_int(zero)
    if cast["fused_multiply_add"]:
        t = f32.fma(x, multiplier, z, mode)
    else:
        t = f32.add(f32.mul(x, multiplier, mode), z, mode)
    return narrow(cast["narrow"], t, low, high, mode)


def dequantize(row: Row, q: int, scale: int, zero: int) -> int:
    """The real value of code q: fl((q - z) * s), no guard. Equation (A.8)."""
    return f32.mul(f32.from_int(q - zero), scale, row["float_mode"])
