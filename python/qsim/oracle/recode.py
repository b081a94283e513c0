"""Codes in another scale, leaky relu and means on codes: rules `requantize`, `leaky_relu`, `mean`.

Equations (A.31) and (A.32).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import isfinite, prod
from typing import Any

from . import f32
from .quantizer import Affine, limits_of
from .rescale import (
    Limits,
    effective_factor,
    narrow_int,
    narrow_real,
    quantize_multiplier,
    rescale,
)
from .tensor import Tensor
from .words import round_ratio, wrap

Row = Mapping[str, Any]
Scale = Callable[[int], int]

_LEAST, _MOST = Fraction(1, 256), Fraction(128)


def requantize_codes(
    row: Row, x: Tensor, q_in: Affine, q_out: Affine, from_type: str, to_type: str,
    limits: Limits | None = None,
) -> Tensor:  # fmt: skip
    """Codes of one type and scale as codes of another."""
    bytes_only = from_type[1:] == to_type[1:] == "8"
    limits = limits or limits_of(to_type)
    return _recode(row, row["requantize"], x, q_in, q_out, f32.ONE, limits, bytes_only)


def leaky_relu(
    row: Row, x: Tensor, q_in: Affine, q_out: Affine, alpha: int, code_type: str,
    limits: Limits | None = None,
) -> Tensor:  # fmt: skip
    """Codes of x for x >= 0 and of alpha * x below; alpha is a binary32 pattern."""
    limits = limits or limits_of(code_type)
    is_byte = code_type[1:] == "8"
    return _recode(row, row["leaky_relu"], x, q_in, q_out, alpha, limits, is_byte)


def _recode(
    row: Row, rule: Row, x: Tensor, q_in: Affine, q_out: Affine, slope: int, limits: Limits,
    is_byte: bool,
) -> Tensor:  # fmt: skip
    _positive(q_in.scale, "in_scale")
    _positive(q_out.scale, "out_scale")
    if f32.is_nan(slope) or f32.is_inf(slope):
        raise ValueError("alpha: expected a finite slope")
    if rule["scheme"] == "fixed":
        scales = [_fixed_scales(row, rule, f, q_in, q_out, slope) for f in ("body", "fixed")]
        grouped = rule["group"] > 1 and is_byte
        whole = len(x.data) // rule["group"] * rule["group"] if grouped else 0
    elif rule["scheme"] == "fraction_8":
        scales, whole = [_fractions(q_in, q_out, slope)] * 2, 0
    else:
        raise ValueError(f"requantize, leaky_relu: expected a rule, got {rule['scheme']!r}")
    codes = []
    for i, q in enumerate(x.data):
        above, below = scales[0 if i < whole else 1]
        d = q - q_in.zero
        v = above(d) if d >= 0 else below(d)
        codes.append(narrow_int(rule["narrow"], v, q_out.zero, limits))
    return Tensor(x.shape, codes)


def _positive(scale: int, name: str) -> None:
    if f32.is_nan(scale) or f32.is_inf(scale) or not f32.less(f32.ZERO, scale):
        raise ValueError(f"{name}: expected a finite scale above 0")


def _fixed_scales(
    row: Row, rule: Row, name: str, q_in: Affine, q_out: Affine, slope: int
) -> tuple[Scale, Scale]:
    """Differences from the zero point times s_in/s_out, and times slope*s_in/s_out."""
    fixed = rule[name]

    def multiple(by: int) -> tuple[int, int]:
        factor = effective_factor(rule, q_in.scale, by, q_out.scale, row["float_mode"])
        return quantize_multiplier(
            factor if isinstance(factor, float) else f32.to_float(factor), fixed
        )

    above, below = multiple(f32.ONE), multiple(f32.magnitude(slope))
    sign = -1 if f32.is_negative(slope) and not f32.is_zero(slope) else 1
    return (
        lambda d: rescale(d, *above, fixed),
        lambda d: wrap(sign * rescale(d, *below, fixed), 32),
    )


def _fractions(q_in: Affine, q_out: Affine, slope: int) -> tuple[Scale, Scale]:
    """The same by integers of 8 fractional bits."""
    ratio = f32.div(q_in.scale, q_out.scale)

    def times(factor: int) -> Scale:
        if f32.is_nan(factor) or f32.is_inf(factor):
            raise ValueError("in_scale, out_scale: expected a finite factor")
        exact = f32.rational(factor)
        if not _LEAST <= abs(exact) <= _MOST:
            raise ValueError(f"in_scale, out_scale: {float(exact)} does not fit 8 fractional bits")
        m = round_ratio(exact * 256, "half_even")
        return lambda d: round_ratio(Fraction(d * m, 256), "half_up")

    return times(ratio), times(f32.mul(ratio, slope))


# ------------------------------------------------------------------------------------------- mean


def mean(
    row: Row, x: Tensor, axes: Sequence[int], q_in: Affine, q_out: Affine, code_type: str, *,
    keep: bool = False, limits: Limits | None = None,
) -> Tensor:  # fmt: skip
    """Means over some axes, which stay as extents of 1 if `keep`."""
    rule, rank = row["mean"], len(x.shape)
    reduced = sorted({a % rank for a in axes})
    limits = limits or limits_of(code_type)
    _positive(q_in.scale, "in_scale")
    _positive(q_out.scale, "out_scale")
    sums = _sums(x, reduced)
    count = prod(x.shape[a] for a in reduced)
    if rule["scheme"] == "folded_f32":
        one = _folded(row, count, q_in, q_out, limits)
        codes = [one(s) for s in sums]
    elif rule["scheme"] != "fixed":
        raise ValueError(f"mean.scheme: expected a rule, got {rule['scheme']!r}")
    elif rule["image_sums"] and (rank, reduced, keep, code_type[1:]) == (4, [1, 2], True, "8"):
        codes = _image_means(row, sums, x.shape[3], count, q_in, q_out, limits)
    else:
        codes = _fixed_means(row, sums, count, q_in, q_out, limits)
    kept = [1 if a in reduced else n for a, n in enumerate(x.shape) if keep or a not in reduced]
    return Tensor(tuple(kept), codes)


def _sums(x: Tensor, reduced: Sequence[int]) -> list[int]:
    """Sums over the reduced axes, row-major in the others."""
    strides = [prod(x.shape[a + 1 :]) for a in range(len(x.shape))]

    def offsets(axes: Sequence[int]) -> list[int]:
        return [
            sum(i * strides[a] for i, a in zip(at, axes, strict=True))
            for at in product(*(range(x.shape[a]) for a in axes))
        ]

    inner = offsets(reduced)
    others = [a for a in range(len(x.shape)) if a not in reduced]
    return [sum(x.data[o + i] for i in inner) for o in offsets(others)]


def _quotient(q_in: Affine, q_out: Affine) -> float:
    return float(f32.rational(q_in.scale) / f32.rational(q_out.scale))


def _fixed_means(
    row: Row, sums: Sequence[int], count: int, q_in: Affine, q_out: Affine, limits: Limits
) -> list[int]:
    """The factor holds 1/count: its multiplier is divided, truncated, with as many bits as fit."""
    rule = row["mean"]
    m, e = quantize_multiplier(_quotient(q_in, q_out), rule["fixed"])
    lift = min(count.bit_length() - 1, 32, 31 + e)
    m, e = (m << lift) // count, e - lift
    return [
        narrow_int(
            rule["narrow"],
            rescale(wrap(s - count * q_in.zero, 32), m, e, rule["fixed"]),
            q_out.zero,
            limits,
        )
        for s in sums
    ]


def _image_means(
    row: Row, sums: Sequence[int], channels: int, count: int, q_in: Affine, q_out: Affine,
    limits: Limits,
) -> list[int]:  # fmt: skip
    """Raw codes are summed; what their zero point amounts to is rounded by itself."""
    rule = row["mean"]
    t = f32.div(f32.mul(f32.from_int(q_in.zero), q_in.scale), q_out.scale)
    t = f32.add(t, f32.HALF if f32.less(f32.ZERO, t) else f32.negate(f32.HALF))
    truncate = {"nan": "zero", "too_high": "saturate", "too_low": "saturate",
                "ties": "toward_zero"}  # fmt: skip
    zero = wrap(q_out.zero - f32.to_int32(t, truncate), 32)
    factor = f32.to_float(f32.div(q_in.scale, f32.mul(f32.from_int(count), q_out.scale)))
    if not isfinite(factor):
        raise ValueError("in_scale, out_scale: expected a finite factor")
    whole = channels // rule["group"] * rule["group"]
    codes = []
    for i, s in enumerate(sums):
        fixed = rule["image" if i % channels < whole else "fixed"]
        v = rescale(wrap(s, 32), *quantize_multiplier(factor, fixed), fixed)
        codes.append(narrow_int(rule["narrow"], v, zero, limits))
    return codes


def _folded(row: Row, count: int, q_in: Affine, q_out: Affine, limits: Limits) -> Scale:
    rule, mode = row["mean"], row["float_mode"]
    share = f32.div(f32.ONE, f32.from_int(count), mode)
    s = f32.mul(f32.div(q_in.scale, q_out.scale, mode), share, mode)
    zeros, z_out = f32.from_int(-count * q_in.zero), f32.from_int(q_out.zero)
    if rule["fused"]:
        constant = f32.fma(zeros, s, z_out, mode)
    else:
        constant = f32.add(z_out, f32.mul(zeros, s, mode), mode)

    def one(total: int) -> int:
        v = f32.from_int(total)
        if rule["fused"]:
            t = f32.fma(v, s, constant, mode)
        else:
            t = f32.add(f32.mul(v, s, mode), constant, mode)
        return narrow_real(rule["narrow"], t, 0, limits, mode)

    return one
