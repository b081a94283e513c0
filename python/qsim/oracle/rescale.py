"""From an accumulator of a product to a code: factor, fixed point, narrowing. Equation (A.23).

Scales are binary32 bit patterns. `rule` is a `Requant`, `Narrow` or `Fixed` of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import copysign, frexp, inf, isfinite, isnan, ldexp, nan
from typing import Any

from . import f32, fixed
from .words import clamp, round_ratio, saturate, wrap

Row = Mapping[str, Any]

_CAPS = {"int16": f32.bits(32767.0), "below_int32": f32.bits(2147483520.0)}
_RANGES = {"u8": (0, 255), "s8": (-128, 127), "u16": (0, 65535), "s16": (-32768, 32767)}


@dataclass(frozen=True)
class Limits:
    """The codes that a result may take, and those that its type holds."""

    low: int
    high: int
    type_low: int
    type_high: int

    @staticmethod
    def of(code_type: str) -> Limits:
        """All codes of u8, s8, u16 or s16."""
        low, high = _RANGES[code_type]
        return Limits(low, high, low, high)


def effective_factor(
    rule: Row, x_scale: int, w_scale: int, y_scale: int, mode: f32.Mode
) -> int | float:
    """x*w/y: a binary32 pattern, or the binary64 number with `factor` f64."""
    if rule["factor"] == "f32":
        return f32.div(f32.mul(x_scale, w_scale, mode), y_scale, mode)
    x, w, y = (f32.to_float(s) for s in (x_scale, w_scale, y_scale))
    if all(map(isfinite, (x, w, y))) and y != 0:
        return float(Fraction(x) * Fraction(w) / Fraction(y))  # one rounding: x*w fits 48 bits
    top = x * w
    if y != 0:
        return top / y
    return nan if top == 0 or isnan(top) else copysign(inf, top) * copysign(1, y)


def rule_of(row: Row, kind: str, channel: int = 0, channels: int = 1) -> Row:
    """The `Requant` of a sum: of a `product`, of a product with one left `row`, `wide` (int16
    activations) or `depthwise`."""
    fields = {
        "product": ("requant",),
        "row": ("requant_row", "requant"),
        "wide": ("requant16",),
        "depthwise": ("channelwise", "requant"),
    }[kind]
    if channel >= channels // row["channel_group"] * row["channel_group"]:
        fields = ("channelwise_rest", *fields) if kind == "depthwise" else fields
    rules: list[Row] = [row[name] for name in fields]
    return next((r for r in rules if r["scheme"] != "none"), rules[-1])


def requantize(
    rule: Row,
    mode: f32.Mode,
    acc: int,
    x_scale: int,
    w_scale: int,
    y_scale: int,
    zero: int,
    limits: Limits,
) -> int:
    """The code of an accumulator that holds its bias."""
    factor = effective_factor(rule, x_scale, w_scale, y_scale, mode)
    return scaled(rule, mode, acc, factor, zero, limits)


def scaled(
    rule: Row, mode: f32.Mode, acc: int, factor: int | float, zero: int, limits: Limits
) -> int:
    """The code of acc * factor."""
    if rule["scheme"] == "fp32":
        by = f32.bits(factor) if isinstance(factor, float) else factor
        t = f32.mul(f32.from_int(acc), by, mode)
        return narrow_real(rule["narrow"], t, zero, limits, mode)
    if rule["scheme"] == "fixed":
        value = factor if isinstance(factor, float) else f32.to_float(factor)
        m, e = quantize_multiplier(value, rule["fixed"])
        return narrow_int(rule["narrow"], rescale(acc, m, e, rule["fixed"]), zero, limits)
    raise NotImplementedError(f"requant: the row has no rescaling, scheme {rule['scheme']!r}")


def quantize_multiplier(factor: float, rule: Row) -> tuple[int, int]:
    """Integer multiplier and exponent of a finite binary64 factor."""
    if not isfinite(factor) or factor < 0:
        raise ValueError(f"factor: expected a finite number >= 0, got {factor}")
    if rule["multiplier"] == "f32_exact":
        significand, exponent = frexp(factor)
        factor = ldexp(round_ratio(Fraction(significand) * (1 << 24), "half_even"), exponent - 24)
    ties = "half_down" if rule["multiplier"] == "f64_half_down" else "half_away"
    return fixed.quantize_multiplier(factor, ties=ties, single_rounding=rule["single_rounding"])


def rescale(acc: int, multiplier: int, exponent: int, rule: Row) -> int:
    """acc * multiplier * 2**(exponent - 31) by a `Fixed` rule; a 15-bit multiplier rounds once."""
    return fixed.rescale(
        acc, multiplier, exponent,
        single_rounding=rule["single_rounding"] or rule["bits"] == 16,
        multiply_ties=rule["multiply"],
        shift_ties=rule["shift"],
        multiplier_bits=rule["bits"],
        left_overflow=rule["left"],
        product_overflow=rule["product"],
    )  # fmt: skip


def narrow_real(rule: Row, t: int, zero: int, limits: Limits, mode: f32.Mode) -> int:
    """binary32 t, in codes, to a code by a `Narrow` row."""
    on_nan = rule["minmax"]
    if rule["cap"] != "none":
        t = f32.minimum(t, _CAPS[rule["cap"]], on_nan)
    if rule["zero"] == "real_integral":
        t = _integral(t, rule["convert"]["ties"])
    if rule["zero"] in ("real", "real_integral"):
        t = f32.add(t, _code(zero), mode)
    joined = rule["zero"] in ("included", "real", "real_integral")
    low, high = (_code(v - (0 if joined else zero)) for v in (limits.low, limits.high))
    if rule["clamp"] == "real":
        t = _ordered(
            rule, t, lambda v: f32.minimum(v, high, on_nan), lambda v: f32.maximum(v, low, on_nan)
        )
    elif rule["clamp"] == "real_high":
        t = f32.minimum(t, high, on_nan)
    return _place(rule, f32.to_int32(t, rule["convert"]), zero, limits)


@lru_cache(maxsize=1 << 16)
def _code(value: int) -> int:
    """A code or zero point in binary32."""
    return f32.from_int(value)


def narrow_int(rule: Row, value: int, zero: int, limits: Limits) -> int:
    """int32 value, in codes, to a code: what `Narrow` does after the conversion."""
    if rule["zero"] in ("real", "real_integral"):
        raise ValueError(f"narrow.zero: expected an integer stage, got {rule['zero']!r}")
    return _place(rule, value, zero, limits)


def _place(rule: Row, v: int, zero: int, limits: Limits) -> int:
    """Zero point, offset, limits and words of an integer."""
    stage, offset = rule["clamp"], rule["offset"]
    if rule["zero"] == "int32_wrap":
        v = wrap(v + zero, 32)
    elif rule["zero"] == "int32_saturate":
        v = saturate(v + zero, 32)
    elif rule["zero"] == "int16_saturate":
        v = saturate(saturate(v, 16) + zero, 16)
    v = wrap(v + offset, 32)
    if stage == "int32":
        v = _limit(rule, v, limits.low + offset, limits.high + offset)
    if rule["through_int16"]:
        v = saturate(v, 16)
    if stage == "int16":
        v = _limit(rule, v, limits.low + offset, limits.high + offset)
    v = clamp(v, limits.type_low + offset, limits.type_high + offset) - offset
    if stage == "int8":
        return _limit(rule, v, limits.low, limits.high)
    return max(v, limits.low) if stage == "real_high" else v


def _limit(rule: Row, v: int, low: int, high: int) -> int:
    return _ordered(rule, v, lambda x: min(x, high), lambda x: max(x, low))


def _ordered(
    rule: Row, v: int, cut_high: Callable[[int], int], cut_low: Callable[[int], int]
) -> int:
    if rule["order"] == "high_first":
        return cut_low(cut_high(v))
    return cut_high(cut_low(v))


def _integral(t: int, ties: str) -> int:
    """t rounded to an integral binary32; NaN and infinities pass."""
    if f32.is_nan(t) or f32.is_inf(t):
        return t
    return f32.pack(Fraction(round_ratio(f32.rational(t), ties)), f32.IEEE, t & f32.SIGN)


def real(row: Row, acc: int, x_scale: int, w_scale: int, bias: int | None = None) -> int:
    """The binary32 number fl(acc) * fl(x*w) + bias, two roundings or one."""
    mode = row["float_mode"]
    scale, value = f32.mul(x_scale, w_scale, mode), f32.from_int(acc)
    if bias is None:
        return f32.mul(value, scale, mode)
    if row["requant"]["fused"]:
        return f32.fma(value, scale, bias, mode)
    return f32.add(f32.mul(value, scale, mode), bias, mode)
