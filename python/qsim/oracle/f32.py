"""binary32 by exact rationals: compute in Fraction, round once, flush as the mode says. (A.2)

A value is its bit pattern, an int in [0, 2^32). A mode is the dict of a profile's `float_mode`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from .words import round_ratio

Mode = Mapping[str, Any]

SIGN = 0x80000000
INF = 0x7F800000
QUIET = 0x00400000
ZERO = 0x00000000
HALF = 0x3F000000
ONE = 0x3F800000
IEEE: Mode = {"flush_inputs": False, "flush_results": "none", "negative_nan": False}

_SMALLEST_NORMAL = Fraction(1, 1 << 126)
_INT32_LOW, _INT32_HIGH = -(1 << 31), (1 << 31) - 1


def bits(value: float) -> int:
    """Bit pattern of the binary32 nearest to a Python float (overflow gives infinity)."""
    try:
        return int(struct.unpack("<I", struct.pack("<f", value))[0])
    except OverflowError:
        return INF | (SIGN if value < 0 else 0)


def to_float(pattern: int) -> float:
    """Python float of a bit pattern; exact."""
    return float(struct.unpack("<f", struct.pack("<I", pattern))[0])


def magnitude(x: int) -> int:
    return x & ~SIGN


def is_nan(x: int) -> bool:
    return magnitude(x) > INF


def is_inf(x: int) -> bool:
    return magnitude(x) == INF


def is_zero(x: int) -> bool:
    return magnitude(x) == 0


def is_negative(x: int) -> bool:
    return bool(x & SIGN)


def rational(x: int) -> Fraction:
    """Exact value of a finite pattern."""
    field, fraction = magnitude(x) >> 23, x & 0x7FFFFF
    units = fraction if field == 0 else (0x800000 | fraction) << (field - 1)
    return Fraction(-units if is_negative(x) else units, 1 << 149)


def read(x: int, mode: Mode) -> int:
    """The operand as the mode sees it: a subnormal may read as a zero of its sign."""
    if mode["flush_inputs"] and magnitude(x) < 0x00800000:
        return x & SIGN
    return x


def default_nan(mode: Mode) -> int:
    return INF | QUIET | (SIGN if mode["negative_nan"] else 0)


def _exponent(value: Fraction) -> int:
    """Largest e with 2^e <= value; value > 0."""
    e = value.numerator.bit_length() - value.denominator.bit_length()
    return e if value >= Fraction(2) ** e else e - 1


def _nearest(value: Fraction, unit_exponent: int) -> Fraction:
    unit = Fraction(2) ** unit_exponent
    return round_ratio(value / unit, "half_even") * unit


def pack(value: Fraction, mode: Mode, zero_sign: int = 0) -> int:
    """Value rounded to nearest even, tiny results flushed by the mode's rule."""
    if value == 0:
        return zero_sign
    sign, size = (SIGN if value < 0 else 0), abs(value)
    rule = mode["flush_results"]
    wide = _nearest(size, _exponent(size) - 23)  # as if the exponent had no limit
    judged = {"none": None, "after_rounding": wide, "before_rounding": size}[rule]
    if judged is not None and judged < _SMALLEST_NORMAL:
        return sign
    rounded = wide if wide >= _SMALLEST_NORMAL else _nearest(size, -149)
    if rounded >= Fraction(2) ** 128:
        return sign | INF
    if rounded < _SMALLEST_NORMAL:
        return sign | int(rounded * (1 << 149))
    e = _exponent(rounded)
    significand = int(rounded / Fraction(2) ** (e - 23))
    return sign | ((e + 127) << 23) | (significand - 0x800000)


def _nan_of(*operands: int) -> int | None:
    for x in operands:
        if is_nan(x):
            return x | QUIET
    return None


def add(a: int, b: int, mode: Mode = IEEE) -> int:
    a, b = read(a, mode), read(b, mode)
    nan = _nan_of(a, b)
    if nan is not None:
        return nan
    if is_inf(a):
        return default_nan(mode) if is_inf(b) and a != b else a
    if is_inf(b):
        return b
    both_negative = SIGN if is_negative(a) and is_negative(b) else 0
    return pack(rational(a) + rational(b), mode, both_negative)


def sub(a: int, b: int, mode: Mode = IEEE) -> int:
    return add(a, b if is_nan(b) else b ^ SIGN, mode)


def mul(a: int, b: int, mode: Mode = IEEE) -> int:
    a, b = read(a, mode), read(b, mode)
    nan = _nan_of(a, b)
    if nan is not None:
        return nan
    sign = (a ^ b) & SIGN
    if is_inf(a) or is_inf(b):
        return default_nan(mode) if is_zero(a) or is_zero(b) else INF | sign
    return pack(rational(a) * rational(b), mode, sign)


def div(a: int, b: int, mode: Mode = IEEE) -> int:
    a, b = read(a, mode), read(b, mode)
    nan = _nan_of(a, b)
    if nan is not None:
        return nan
    sign = (a ^ b) & SIGN
    if is_inf(a):
        return default_nan(mode) if is_inf(b) else INF | sign
    if is_inf(b):
        return sign
    if is_zero(b):
        return default_nan(mode) if is_zero(a) else INF | sign
    return pack(rational(a) / rational(b), mode, sign)


def fma(a: int, b: int, c: int, mode: Mode = IEEE) -> int:
    """a * b + c with one rounding."""
    a, b, c = read(a, mode), read(b, mode), read(c, mode)
    nan = _nan_of(a, b)
    if nan is not None:
        return nan
    sign = (a ^ b) & SIGN
    if is_inf(a) or is_inf(b):
        if is_zero(a) or is_zero(b):  # x86 keeps a NaN addend, Arm makes its own
            return c | QUIET if is_nan(c) and mode["negative_nan"] else default_nan(mode)
        return c | QUIET if is_nan(c) else add(INF | sign, c, mode)
    if is_nan(c):
        return c | QUIET
    if is_inf(c):
        return c
    both_negative = sign & c & SIGN
    return pack(rational(a) * rational(b) + rational(c), mode, both_negative)


def negate(x: int) -> int:
    return x ^ SIGN


def from_int(value: int) -> int:
    """Nearest binary32 of an integer, ties to even."""
    return pack(Fraction(value), IEEE)


def less(a: int, b: int) -> bool:
    """a < b; false when unordered."""
    if is_nan(a) or is_nan(b):
        return False
    return _ordered(a) < _ordered(b)


def _ordered(x: int) -> int:
    return -magnitude(x) if is_negative(x) else magnitude(x)


def minimum(a: int, b: int, rule: str) -> int:
    """min(a, b); `rule` answers for NaN (and for equal zeros)."""
    return _pick(a, b, less(a, b), less(b, a), rule)


def maximum(a: int, b: int, rule: str) -> int:
    """max(a, b); `rule` answers for NaN (and for equal zeros)."""
    return _pick(a, b, less(b, a), less(a, b), rule)


def _pick(a: int, b: int, a_wins: bool, b_wins: bool, rule: str) -> int:
    if rule == "second_operand":
        return a if a_wins else b
    if rule == "first_operand":
        return b if b_wins else a
    nan = _nan_of(a, b)
    if nan is not None:
        if rule == "number" and not (is_nan(a) and is_nan(b)):
            return b if is_nan(a) else a
        return nan
    return b if b_wins else a


def truncate(x: int) -> int:
    """x truncated to an integral binary32; no range limit, NaN and infinities pass."""
    if is_nan(x) or is_inf(x):
        return x
    return pack(Fraction(round_ratio(rational(x), "toward_zero")), IEEE, x & SIGN)


def to_int32(x: int, convert: Mapping[str, str]) -> int:
    """float -> int32 by the rules of a `Convert` row."""
    if is_nan(x):
        return {"zero": 0, "lowest": _INT32_LOW, "highest": _INT32_HIGH}[convert["nan"]]
    ties = convert["ties"]
    if ties == "add_half":
        x = add(x, HALF | (x & SIGN))
        ties = "toward_zero"
    if is_inf(x):
        value = 2 * (_INT32_LOW if is_negative(x) else _INT32_HIGH)
    else:
        value = round_ratio(rational(x), ties)
    if value > _INT32_HIGH:
        return _INT32_HIGH if convert["too_high"] == "saturate" else _INT32_LOW
    return max(value, _INT32_LOW)  # saturating and `lowest` answer alike below the range


def estimate(d: int, table: str, mode: Mode) -> int:
    """Reciprocal estimate of d: `exact`, or `intel_11` by equation (A.18)."""
    if table == "exact":
        return div(ONE, d, mode)
    if table != "intel_11":
        raise ValueError(f"estimate: unknown table {table!r}")
    d = read(d, mode)
    sign, field = d & SIGN, magnitude(d) >> 23
    if is_nan(d):
        return d | QUIET
    if field == 0:  # the instruction reads subnormals as zero in every mode
        return INF | sign
    k = (d >> 12) & 0x7FF
    twelve_bits = round_ratio(Fraction(1 << 25, 4097 + 2 * k), "half_even")
    if field >= 253:  # the result would be subnormal; infinity ends here too
        return sign
    value = Fraction(twelve_bits, 1 << 13) / Fraction(2) ** (field - 127)
    return pack(-value if sign else value, IEEE)


def quotient(x: int, d: int, how: str, table: str, mode: Mode) -> int:
    """x/d by IEEE division or by an estimate and one Newton step, equation (A.18)."""
    if how == "divide":
        return div(x, d, mode)
    if how != "estimate_newton":
        raise ValueError(f"reciprocal: unknown rule {how!r}")
    r = estimate(d, table, mode)
    refined = sub(add(r, r, mode), mul(mul(d, r, mode), r, mode), mode)
    return mul(x, refined, mode)
