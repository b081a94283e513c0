"""exp, ln, tanh rounded once, by decimals that enclose them until the rounding is certain."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction
from typing import TypeVar

from . import f32

Enclosure = tuple[Fraction, Fraction]
Number = TypeVar("Number", int, float)

_FAR = 1000.0  # from here on exp, sigmoid and tanh have their limit in binary32


def _around(value: Decimal, digits: int) -> Enclosure:
    """The interval that surely holds what `value` is to `digits` digits."""
    exact = Fraction(value)
    margin = abs(exact) / 10 ** (digits - 1)
    return exact - margin, exact + margin


def exp_enclosure(x: float, digits: int) -> Enclosure:
    """Numbers around e**x, abs(x) at most 1000."""
    return _around(Decimal(x).exp(Context(prec=digits)), digits) if x != 0 else (Fraction(1),) * 2


def ln_enclosure(x: float, digits: int) -> Enclosure:
    """Numbers around the natural logarithm of x > 0."""
    return _around(Decimal(x).ln(Context(prec=digits)), digits) if x != 1 else (Fraction(0),) * 2


def rounded_once(enclose: Callable[[int], Enclosure], to: Callable[[Fraction], Number]) -> Number:
    """`to` of the exact value that `enclose(digits)` narrows down."""
    digits = 40
    while True:
        low, high = (to(v) for v in enclose(digits))
        if low == high:
            return low
        digits *= 2


def exp32(x: float) -> int:
    """e**x as binary32, rounded once from the exact value; x is any binary64 number."""
    return _exp(x, lambda v: f32.pack(v, f32.IEEE))


def exp64_then_32(x: float) -> int:
    """e**x rounded to binary64, then to binary32."""
    return _exp(x, lambda v: f32.pack(Fraction(float(v)), f32.IEEE))


def _exp(x: float, to: Callable[[Fraction], int]) -> int:
    if x != x:
        return f32.default_nan(f32.IEEE)
    if abs(x) >= _FAR:
        return f32.INF if x > 0 else f32.ZERO
    return rounded_once(lambda digits: exp_enclosure(x, digits), to)


def ln32(x: int) -> int:
    """The natural logarithm of a finite pattern above 0, rounded once."""
    value = f32.to_float(x)
    return rounded_once(lambda digits: ln_enclosure(value, digits), lambda v: f32.pack(v, f32.IEEE))


def sigmoid32(x: int) -> int:
    """fl(1 / fl(1 + fl(e**-x))) of a binary32 pattern."""
    if f32.is_nan(x):
        return x | f32.QUIET
    return f32.div(f32.ONE, f32.add(f32.ONE, exp32(-f32.to_float(x))))


def tanh32(x: int) -> int:
    """(1 - e**-2x) / (1 + e**-2x) of a binary32 pattern, rounded once; -0 stays."""
    if f32.is_nan(x):
        return x | f32.QUIET
    value, sign = f32.to_float(x), x & f32.SIGN
    if value == 0:
        return x
    if abs(value) >= _FAR:
        return f32.ONE | sign

    def enclose(digits: int) -> Enclosure:
        low, high = exp_enclosure(-2 * value, digits)
        return (1 - high) / (1 + high), (1 - low) / (1 + low)

    return rounded_once(enclose, lambda v: f32.pack(v, f32.IEEE))
