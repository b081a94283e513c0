"""From an accumulator of a product to a code: factor, fixed point, narrowing. Equation (A.23).

Scales are binary32 bit patterns. `rule` is a `Requant`, `Narrow` or `Fixed` of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import copysign, frexp, inf, isfinite, isnan, ldexp, nan, prod
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
    rule: Row,
    x_scale: int,
    w_scale: int,
    y_scale: int,
    mode: f32.Mode,
    *,
    per_channel: bool = False,
) -> int | float:
    """x*w/y: a binary32 pattern, or a binary64 number by `factor` f64 or f32_product."""
    kind, product = rule["factor"], f32.mul(x_scale, w_scale, mode)
    if kind == "f32":
        return f32.div(product, y_scale, mode)
    if kind == "f32_reciprocal":
        return f32.mul(product, f32.div(f32.ONE, y_scale, mode), mode)
    if kind not in ("f64", "f32_product"):
        raise ValueError(f"factor: expected a rule of one number, got {kind!r}")
    if kind == "f32_product" and not per_channel:
        return _quotient(f32.to_float(product), 1.0, f32.to_float(y_scale))
    return _quotient(f32.to_float(x_scale), f32.to_float(w_scale), f32.to_float(y_scale))


def _quotient(x: float, w: float, y: float) -> float:
    """x*w/y of binary32 numbers, rounded to binary64; the product is exact there."""
    if all(map(isfinite, (x, w, y))) and y != 0:
        return float(Fraction(x) * Fraction(w) / Fraction(y))
    top = x * w
    if y != 0:
        return top / y
    return nan if top == 0 or isnan(top) else copysign(inf, top) * copysign(1, y)


_RULES = {
    "convolution": ("requant",),
    "grouped": ("grouped", "requant"),
    "depthwise": ("channelwise", "requant"),
    "product": ("requant_product", "requant"),
    "row": ("requant_row", "requant_product", "requant"),
    "wide": ("requant16",),
    "wide_product": ("requant16_product", "requant16"),
}


def rule_of(row: Row, kind: str, channel: int = 0, channels: int = 1) -> Row:
    """The `Requant` of a sum: of a `convolution`, a `grouped` or `depthwise` one, of a matrix
    `product`, one with a single left `row`; `wide` and `wide_product`: the same of int64 sums."""
    fields = _RULES[kind]
    if channel >= channels // row["channel_group"] * row["channel_group"] and kind == "depthwise":
        fields = ("channelwise_rest", *fields)
    rules: list[Row] = [row[name] for name in fields]
    return next((r for r in rules if r["scheme"] != "none"), rules[-1])


def kind_of_product(row: Row, lhs_type: str, rows: int, depth: int, columns: int) -> str:
    """The kind of a matrix product's int32 sums; with int64 sums it is `wide_product`."""
    return "row" if rows == 1 and _passes(row["row_gate"], lhs_type, depth, columns) else "product"


def kind_of_convolution(
    row: Row, lhs_type: str, groups: int, w_shape: Sequence[int], pixels: int
) -> str:
    """The kind of a convolution's int32 sums, `pixels` per channel in all; with int64 sums it is
    `wide`. Filters are [out, in/groups, ...]."""
    if groups > 1:
        return "depthwise" if w_shape[1] == 1 else "grouped"
    gate, out = row["row_gate"], w_shape[0]
    if gate["convolutions"] and pixels == 1 and _passes(gate, lhs_type, prod(w_shape[1:]), out):
        return "row"
    return "convolution"


def _passes(gate: Row, lhs_type: str, depth: int, columns: int) -> bool:
    return lhs_type in ("u8", "s8") and depth >= gate["depth"] and columns >= gate["columns"]


def requantize(
    rule: Row,
    mode: f32.Mode,
    acc: int,
    x_scale: int,
    w_scale: int,
    y_scale: int,
    zero: int,
    limits: Limits,
    *,
    per_channel: bool = False,
    bias: int | None = None,
) -> int:
    """The code of a sum that holds its integer bias; `bias` is binary32, in real units."""
    if bias is not None and rule["bias"] == "refused":
        raise ValueError("bias: expected integers, the row takes no real bias here")
    if rule["scheme"] == "real":
        value = _real_value(rule, mode, acc, x_scale, w_scale, bias)
        by = y_scale if rule["codes_per_unit"] else f32.div(f32.ONE, y_scale, mode)
        return narrow_real(rule["narrow"], f32.mul(value, by, mode), zero, limits, mode)
    factor = effective_factor(rule, x_scale, w_scale, y_scale, mode, per_channel=per_channel)
    if bias is None:
        return scaled(rule, mode, acc, factor, zero, limits)
    if rule["scheme"] != "fp32" or rule["bias"] != "quotient":
        raise ValueError(f"bias: no rule {rule['bias']!r} with scheme {rule['scheme']!r}")
    quotient = f32.div(bias, f32.mul(x_scale, w_scale, mode), mode)
    value = f32.add(f32.from_int(acc), quotient, mode)
    return _by_fp32(rule, mode, value, factor, zero, limits)


def scaled(
    rule: Row, mode: f32.Mode, acc: int, factor: int | float, zero: int, limits: Limits
) -> int:
    """The code of acc * factor."""
    if rule["scheme"] == "fp32":
        return _by_fp32(rule, mode, f32.from_int(acc), factor, zero, limits)
    wide = factor if isinstance(factor, float) else f32.to_float(factor)
    if rule["scheme"] == "f64":
        v = float_to_int32(float(acc) * wide, rule["narrow"]["convert"])
        return narrow_int(rule["narrow"], v, zero, limits)
    if rule["scheme"] == "fixed":
        m, e = quantize_multiplier(wide, rule["fixed"])
        return narrow_int(rule["narrow"], rescale(acc, m, e, rule["fixed"]), zero, limits)
    raise NotImplementedError(f"requant: the row has no rescaling, scheme {rule['scheme']!r}")


def _by_fp32(
    rule: Row, mode: f32.Mode, value: int, factor: int | float, zero: int, limits: Limits
) -> int:
    """The code of a binary32 sum times a factor rounded to binary32."""
    by = f32.bits(factor) if isinstance(factor, float) else factor
    return narrow_real(rule["narrow"], f32.mul(value, by, mode), zero, limits, mode)


def _real_value(
    rule: Row, mode: f32.Mode, acc: int, x_scale: int, w_scale: int, bias: int | None
) -> int:
    """A sum in real units, plus a real bias: scheme `real`."""
    value, by = f32.from_int(acc), f32.mul(x_scale, w_scale, mode)
    if rule["codes_per_unit"]:
        nothing = f32.is_zero(f32.read(w_scale, mode))
        by = f32.ZERO if nothing else f32.div(f32.ONE, by, mode)
    elif rule["factor"] == "in_turn":
        value, by = f32.mul(value, x_scale, mode), w_scale
    if bias is None:
        return f32.mul(value, by, mode)
    if rule["bias"] != "real":
        raise ValueError(f"bias: no rule {rule['bias']!r} with scheme 'real'")
    return _joined(rule, mode, value, by, bias)


def _joined(rule: Row, mode: f32.Mode, value: int, by: int, bias: int) -> int:
    """value * by + bias, rounded twice or once."""
    if rule["fused"]:
        return f32.fma(value, by, bias, mode)
    return f32.add(f32.mul(value, by, mode), bias, mode)


def float_to_int32(value: float, convert: Row) -> int:
    """A binary64 number to int32 by the rules of a `Convert` row; `add_half` is `half_away`."""
    if not isfinite(value):
        return f32.to_int32(f32.bits(value), convert)
    whole = round_ratio(Fraction(value), convert["ties"])
    if wrap(whole, 32) == whole:
        return whole
    return f32.to_int32(f32.INF | (f32.SIGN if whole < 0 else 0), convert)


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
    return _joined(row["requant"], mode, value, scale, bias)
