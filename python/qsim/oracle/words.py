"""Integers in words: wrapping, saturating and every tie rule. Equation (A.1)."""

from __future__ import annotations

from fractions import Fraction
from math import floor


def wrap(value: int, bits: int) -> int:
    """The signed word of `bits` bits that is congruent to value."""
    half = 1 << (bits - 1)
    return (value + half) % (1 << bits) - half


def clamp(value: int, low: int, high: int) -> int:
    """Value limited to [low, high]; low wins if the limits are crossed."""
    return max(low, min(high, value))


def saturate(value: int, bits: int) -> int:
    """Value limited to the signed range of `bits` bits."""
    return clamp(value, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def fit(value: int, bits: int, overflow: str) -> int:
    """Value made to fit a signed word by rule `wrap` or `saturate`."""
    if overflow == "wrap":
        return wrap(value, bits)
    if overflow == "saturate":
        return saturate(value, bits)
    raise ValueError(f"overflow: expected wrap or saturate, got {overflow!r}")


def round_ratio(value: Fraction, ties: str) -> int:
    """Value to an integer by a tie rule. `add_half` on exact rationals is `half_away`."""
    low = floor(value)
    rest = value - low
    if rest == 0:
        return low
    if ties == "floor":
        return low
    if ties == "toward_zero":
        return low + (value < 0)
    if rest != Fraction(1, 2):
        return low + (rest > Fraction(1, 2))
    if ties == "half_even":
        return low + (low & 1)
    if ties in ("half_away", "add_half"):
        return low + (value > 0)
    if ties == "half_up":
        return low + 1
    if ties == "half_down":
        return low
    raise ValueError(f"ties: unknown rule {ties!r}")


def ceil_div(numerator: int, denominator: int) -> int:
    """Quotient rounded towards plus infinity; denominator > 0."""
    return -(-numerator // denominator)
