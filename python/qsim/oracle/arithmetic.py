"""Sums and products of two code tensors: a row's `add` and `mul`. Equations (A.26), (A.27)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

from . import f32
from .elementwise import binary as engine_binary
from .quant import QInfo
from .quantizer import Affine, limits_of
from .rescale import Limits, narrow_int, narrow_real, quantize_multiplier, rescale
from .tensor import Tensor
from .words import round_ratio, wrap

Row = Mapping[str, Any]
OfPair = Callable[[int, int], int]

_SMALLEST_RATIO, _LARGEST_RATIO = f32.bits(2.0**-14), f32.bits(256.0)


@dataclass(frozen=True)
class Operands:
    """Parameters of x, y and the result. `y_alone`: one y serves a whole span of x."""

    x: Affine
    y: Affine
    out: Affine
    limits: Limits
    y_alone: bool = False
    signs: tuple[int, int] = (1, 1)  # of x and y in a sum

    @property
    def signed_scales(self) -> tuple[int, int]:
        """Scales of x and y, that of a subtracted operand negated."""
        x, y = (
            f32.negate(q.scale) if sign < 0 else q.scale
            for q, sign in zip((self.x, self.y), self.signs, strict=True)
        )
        return x, y


def add(
    row: Row, a: Tensor, b: Tensor, q: tuple[Affine, Affine, Affine], code_type: str,
    limits: Limits | None = None, *, subtract: bool = False,
) -> Tensor:  # fmt: skip
    """Codes of a + b or a - b with broadcasting; q of a, b and the result."""
    limits, signs = limits or limits_of(code_type), (1, -1 if subtract else 1)
    if row["add"]["scheme"] == "engine":
        return _by_engine(row, "sub" if subtract else "add", a, b, q, limits)
    return _broadcast(lambda p: _adder(row, p, code_type), a, b, q, limits, signs)


def mul(
    row: Row, a: Tensor, b: Tensor, q: tuple[Affine, Affine, Affine], code_type: str,
    limits: Limits | None = None,
) -> Tensor:  # fmt: skip
    """Codes of a * b with broadcasting; q of a, b and the result."""
    if row["mul"]["scheme"] == "engine":
        return _by_engine(row, "mul", a, b, q, limits or limits_of(code_type))
    return _broadcast(lambda p: _multiplier(row, p), a, b, q, limits or limits_of(code_type))


# --------------------------------------------------------------------------------- broadcasting


def alone(a: Sequence[int], b: Sequence[int]) -> str:
    """Which operand stays the same along a span of neighbours: "a", "b" or none of them, "".

    Decided by the innermost axis that both shapes have and that is not 1 in both; without one, by
    the outermost axis that both have.
    """
    n = max(min(len(a), len(b)), 1)
    pairs = list(zip((1, *a)[-n:], (1, *b)[-n:], strict=True))
    left, right = next((p for p in reversed(pairs) if max(p) > 1), pairs[0])
    if left == 1:
        return "a"
    return "b" if right == 1 else ""


def _broadcast(
    make: Callable[[Operands], OfPair], a: Tensor, b: Tensor, q: tuple[Affine, Affine, Affine],
    limits: Limits, signs: tuple[int, int] = (1, 1),
) -> Tensor:  # fmt: skip
    shape, left, right = _aligned(a, b)
    which = alone(a.shape, b.shape)
    if which == "a":
        left, right = right, left
        q, signs = (q[1], q[0], q[2]), (signs[1], signs[0])
    one = make(Operands(q[0], q[1], q[2], limits, which != "", signs))
    known: dict[tuple[int, int], int] = {}
    for pair in zip(left, right, strict=True):
        if pair not in known:
            known[pair] = one(*pair)
    return Tensor(shape, [known[pair] for pair in zip(left, right, strict=True)])


def _aligned(a: Tensor, b: Tensor) -> tuple[tuple[int, ...], list[int], list[int]]:
    """The common shape and both operands spread over it."""
    rank = max(len(a.shape), len(b.shape))
    wide = [(1,) * (rank - len(t.shape)) + t.shape for t in (a, b)]
    shape = tuple(max(x, y) for x, y in zip(*wide, strict=True))
    for own in wide:
        if any(e not in (1, n) for e, n in zip(own, shape, strict=True)):
            raise ValueError(f"b: expected a shape that broadcasts with {a.shape}, got {b.shape}")
    return shape, _spread(a, wide[0], shape), _spread(b, wide[1], shape)


def _spread(t: Tensor, own: Sequence[int], shape: Sequence[int]) -> list[int]:
    positions = [0]
    step = len(t.data)
    for extent, wanted in zip(own, shape, strict=True):
        step //= max(extent, 1)
        stride = step if extent > 1 else 0
        positions = [p + i * stride for p in positions for i in range(wanted)]
    assert len(positions) == prod(shape)
    return [t.data[p] for p in positions]


def _by_engine(
    row: Row, op: str, a: Tensor, b: Tensor, q: tuple[Affine, Affine, Affine], limits: Limits
) -> Tensor:
    low, high = f32.from_int(limits.low), f32.from_int(limits.high)
    infos = [QInfo(p.scale, f32.from_int(p.zero), low, high) for p in q]
    return engine_binary(row, op, a, b, (infos[0], infos[1], infos[2])).codes


# ------------------------------------------------------------------------------------------ add


def _adder(row: Row, p: Operands, code_type: str) -> OfPair:
    scheme = row["add"]["scheme"]
    if scheme == "folded_f32":
        return _folded(row, p)
    if scheme == "plain_f32":
        return _plain_sum(row, p, row["add"]["narrow"])
    if scheme == "shifted":
        return _shifted(row, p)
    if scheme == "fixed":
        return _fixed_sum(row["add"], p, wide=code_type in ("s16", "u16"))
    raise ValueError(f"add.scheme: expected a rule, got {scheme!r}")


def _folded(row: Row, p: Operands) -> OfPair:
    """Codes times scale ratios, zero points in one constant."""
    rule, mode = row["add"], row["float_mode"]
    if p.signs != (1, 1):
        raise ValueError("add.scheme: expected a rule for differences, folded_f32 has none")
    r_x, r_y = (f32.div(s, p.out.scale, mode) for s in p.signed_scales)
    z_x, z_y, z_out = (f32.from_int(q.zero) for q in (p.x, p.y, p.out))
    zeros = _sum_of_products(rule["fused"], (r_x, z_x), (r_y, z_y), mode)
    constant = f32.sub(z_out, zeros, mode)

    def one(x: int, y: int) -> int:
        v_x, v_y = f32.from_int(x), f32.from_int(y)
        if rule["fused"]:
            t = f32.fma(v_x, r_x, f32.fma(v_y, r_y, constant, mode), mode)
        else:
            terms = [f32.mul(v_x, r_x, mode), f32.mul(v_y, r_y, mode)]
            first, second = reversed(terms) if p.y_alone else terms
            t = f32.add(f32.add(constant, first, mode), second, mode)
        return narrow_real(rule["narrow"], t, p.out.zero, p.limits, mode)

    return one


def _sum_of_products(
    fused: bool, first: tuple[int, int], second: tuple[int, int], mode: f32.Mode
) -> int:
    """first[0]*first[1] + second[0]*second[1]; fused joins the first product by fma."""
    other = f32.mul(*second, mode)
    if fused:
        return f32.fma(*first, other, mode)
    return f32.add(f32.mul(*first, mode), other, mode)


def _plain_sum(row: Row, p: Operands, narrow: Row) -> OfPair:
    """Real values, summed, divided by the result's scale."""
    fused, mode = row["add"]["fused"], row["float_mode"]
    s_x, s_y = p.signed_scales

    def one(x: int, y: int) -> int:
        d_x, d_y = f32.from_int(x - p.x.zero), f32.from_int(y - p.y.zero)
        total = _sum_of_products(fused, (s_x, d_x), (s_y, d_y), mode)
        t = f32.div(total, p.out.scale, mode)
        return narrow_real(narrow, t, p.out.zero, p.limits, mode)

    return one


def _shifted(row: Row, p: Operands) -> OfPair:
    """Integer multiples of the ratios and one right shift, or real values where that gives up."""
    rule, mode = row["add"], row["float_mode"]
    ratios = [f32.div(q.scale, p.out.scale, mode) for q in (p.x, p.y)]
    multiples = shifted_multiples(rule, ratios[0], ratios[1])
    if multiples is None:
        return _plain_sum(row, p, rule["plain"])
    m_x, m_y, shift = multiples

    def one(x: int, y: int) -> int:
        total = wrap(
            (x - p.x.zero) * m_x * p.signs[0] + (y - p.y.zero) * m_y * p.signs[1], 32
        )
        shifted = round_ratio(Fraction(total, 1 << shift), rule["shift"])
        return narrow_int(rule["narrow"], shifted, p.out.zero, p.limits)

    return one


def shifted_multiples(rule: Row, r_x: int, r_y: int) -> tuple[int, int, int] | None:
    """(m_x, m_y, shift) with m = ratio * 2^shift; None where the rule gives up."""
    usable = not any(
        f32.less(r, _SMALLEST_RATIO) or (not f32.less(r, _LARGEST_RATIO) and not f32.is_nan(r))
        for r in (r_x, r_y)
    )
    larger = r_y if f32.less(r_x, r_y) else r_x
    shift = rule["bits"] - ((larger >> 23) - 127)
    if not usable or f32.is_nan(larger) or not 13 <= shift <= 31:
        if rule["gives_up"]:
            return None
        raise ValueError("scale: expected ratios in [2^-14, 2^8) to the result's scale")
    m_x, m_y = (
        0 if f32.is_nan(r) else round_ratio(f32.rational(r) * (1 << shift), "half_even")
        for r in (r_x, r_y)
    )
    if rule["gives_up"] and max(m_x, m_y) >= 2 << rule["bits"]:
        return None
    return m_x, m_y, shift


def _positive_scales(p: Operands) -> list[Fraction]:
    scales = [q.scale for q in (p.x, p.y, p.out)]
    if any(f32.is_nan(s) or f32.is_inf(s) or not f32.less(f32.ZERO, s) for s in scales):
        raise ValueError("scale: expected finite numbers above 0 for integer multipliers")
    return [f32.rational(s) for s in scales]


def _fixed_sum(rule: Row, p: Operands, *, wide: bool) -> OfPair:
    """Both sides times 2^left, three fixed-point factors."""
    left = rule["left16" if wide else "left"]
    s_x, s_y, s_out = _positive_scales(p)
    twice = 2 * max(s_x, s_y)
    by_x, by_y = (quantize_multiplier(float(s / twice), rule["fixed"]) for s in (s_x, s_y))
    if twice >= s_out * (1 << left) and p.signs == (1, 1):
        raise ValueError("out_scale: expected a factor of the result below 1")
    by_out = quantize_multiplier(float(twice / (s_out * (1 << left))), rule["fixed"])

    def scaled(d: int, by: tuple[int, int]) -> int:
        m, e = by
        if not rule["folds_exponent"]:
            return rescale(wrap(d << left, 32), m, e, rule["fixed"])
        return rescale(d >> max(-left - e, 0), m, max(left + e, 0), rule["fixed"])

    def one(x: int, y: int) -> int:
        v_x, v_y = scaled(x - p.x.zero, by_x), scaled(y - p.y.zero, by_y)
        total = wrap(v_x * p.signs[0] + v_y * p.signs[1], 32)
        return narrow_int(rule["narrow"], rescale(total, *by_out, rule["fixed"]), p.out.zero,
                          p.limits)

    return one


# ------------------------------------------------------------------------------------------ mul


def _multiplier(row: Row, p: Operands) -> OfPair:
    rule, mode = row["mul"], row["float_mode"]
    scheme = rule["scheme"]
    ratio = f32.div(f32.mul(p.x.scale, p.y.scale, mode), p.out.scale, mode)
    z_out = f32.from_int(p.out.zero)

    def by_ratio(x: int, y: int) -> int:
        product = f32.from_int((x - p.x.zero) * (y - p.y.zero))
        if rule["fused"]:
            t = f32.fma(product, ratio, z_out, mode)
            return narrow_real({**rule["narrow"], "zero": "included"}, t, 0, p.limits, mode)
        t = f32.mul(product, ratio, mode)
        return narrow_real(rule["narrow"], t, p.out.zero, p.limits, mode)

    def plain(x: int, y: int) -> int:
        v_x, v_y = (
            f32.mul(q.scale, f32.from_int(v - q.zero), mode) for v, q in ((x, p.x), (y, p.y))
        )
        t = f32.div(f32.mul(v_x, v_y, mode), p.out.scale, mode)
        return narrow_real(rule["narrow"], t, p.out.zero, p.limits, mode)

    if scheme == "ratio":
        return by_ratio
    if scheme == "plain_f32":
        return plain
    if scheme != "fixed":
        raise ValueError(f"mul.scheme: expected a rule, got {scheme!r}")
    s_x, s_y, s_out = _positive_scales(p)
    reach = [max(p.limits.type_high - q.zero, q.zero - p.limits.type_low) for q in (p.x, p.y)]
    if reach[0] * reach[1] >= 1 << 31:
        raise ValueError("zero: expected products of codes without zero points that fit int32")
    if rule["factor"] == "f32":
        factor = f32.to_float(ratio)
    else:
        factor = float(s_x * s_y / s_out)
    by = quantize_multiplier(factor, rule["fixed"])

    def fixed(x: int, y: int) -> int:
        product = (x - p.x.zero) * (y - p.y.zero)
        return narrow_int(rule["narrow"], rescale(product, *by, rule["fixed"]), p.out.zero,
                          p.limits)

    return fixed
