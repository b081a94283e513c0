"""Integer softmax of TFLite's reference kernels: int8 by fixed-point exp, int16 by tables.

`Qm.n` is an int32 with n fraction bits, m + n = 31. Products are doubling high multiplies: they
add the integer bits of their factors.
"""

from __future__ import annotations

from collections.abc import Sequence

from .fixed import doubling_high_multiply, rescale, shift_left_saturating, shift_right
from .lut import lookup
from .words import clamp, saturate, wrap

SCALED_BITS = 5  # integer bits of a scaled difference
SUM_BITS = 12  # integer bits of the sum of exponentials

_ONE = (1 << 31) - 1  # Q0.31 has no 1
_EXP_EIGHTH = 1895147668  # exp(-1/8) in Q0.31
_THIRD = 715827883  # 1/3 in Q0.31
# exp(-2**k) in Q0.31 for k = -2 .. 4.
_EXP_POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
_NEWTON_48_17, _NEWTON_32_17 = 1515870810, -1010580540  # 48/17 and -32/17 in Q2.29


def exp_of_negative(x: int, integer_bits: int = SCALED_BITS) -> int:
    """exp(x) in Q0.31 of x <= 0 with `integer_bits` (at most 5) integer bits."""
    if x == 0:
        return _ONE
    quarter = 1 << (31 - integer_bits - 2)
    rest = (x & (quarter - 1)) - quarter  # in [-1/4, 0)
    result = _exp_of_last_quarter(shift_left_saturating(rest, integer_bits))
    for k, power in enumerate(_EXP_POWERS[: integer_bits + 2]):
        if (rest - x) & (quarter << k):
            result = doubling_high_multiply(result, power)
    return result


def _exp_of_last_quarter(a: int) -> int:
    """exp(a) in Q0.31 of a in [-1/4, 0): four Taylor terms about -1/8."""
    mul = doubling_high_multiply
    x = a + (1 << 28)
    x2 = mul(x, x)
    cubic = shift_right(mul(x2, x2), 2, "half_away") + mul(x2, x)
    tail = shift_right(mul(cubic, _THIRD) + x2, 1, "half_away")
    return _EXP_EIGHTH + mul(_EXP_EIGHTH, x + tail)


def reciprocal_of_one_plus(a: int) -> int:
    """1 / (1 + a) in Q0.31 of a in [0, 1): Newton's method, three steps."""
    mul = doubling_high_multiply
    half = shift_right(a + _ONE, 1, "half_away")
    x = _NEWTON_48_17 + mul(half, _NEWTON_32_17)
    for _ in range(3):
        x += shift_left_saturating(mul(x, (1 << 29) - mul(half, x)), 2)
    return shift_left_saturating(x, 1)


def input_radius(left_shift: int) -> int:
    """The largest difference from the row's maximum that int8 softmax does not take for zero."""
    return (((1 << SCALED_BITS) - 1) << (31 - SCALED_BITS)) >> left_shift


def softmax_int8(
    row: Sequence[int], multiplier: int, left_shift: int, diff_min: int, bits: int = 8
) -> list[int]:
    """Probabilities as codes of scale 2**-bits and zero point -2**(bits - 1).

    Differences from the maximum are scaled by multiplier * 2**(left_shift - 31) into Q5.26; those
    below `diff_min` (minus the input radius) give the lowest code.
    """
    largest = max(row)
    low = -(1 << (bits - 1))
    exps = [
        exp_of_negative(doubling_high_multiply(wrap((q - largest) << left_shift, 32), multiplier))
        if q - largest >= diff_min
        else None
        for q in row
    ]
    total = wrap(sum(shift_right(e, SUM_BITS, "half_away") for e in exps if e is not None), 32)
    headroom = 32 - total.bit_length()
    scale = reciprocal_of_one_plus((total << headroom) - (1 << 31))
    shift = SUM_BITS - headroom + 31 - bits
    return [
        low if e is None
        else saturate(shift_right(doubling_high_multiply(scale, e), shift, "half_away") + low, bits)
        for e in exps
    ]


def softmax_int16(
    row: Sequence[int],
    multiplier: int,
    exponent: int,
    exp_table: Sequence[int],
    reciprocal_table: Sequence[int],
) -> list[int]:
    """Probabilities as int16 codes of scale 2**-15, zero point 0.

    Differences from the maximum are scaled so that -65535 stands for -10. `exp_table` holds exp on
    [-10, 0], `reciprocal_table` 1 / (1 + x) on [0, 1], 513 entries each in units of 2**-15.
    """
    largest = max(row)
    exps = [
        lookup(saturate(_scaled_difference(q - largest, multiplier, exponent) + 32767, 16),
               exp_table)
        for q in row
    ]
    total = sum(exps)  # Q16.15
    headroom = 32 - total.bit_length()
    mantissa = ((total << (headroom - 1)) + (1 << 13)) >> 14  # in [2**16, 2**17]
    inverse = lookup(saturate(mantissa - (1 << 16) - (1 << 15), 16), reciprocal_table)
    shift = 31 - headroom
    return [clamp(shift_right(e * inverse, shift, "half_up"), 0, 32767) for e in exps]


def _scaled_difference(difference: int, multiplier: int, exponent: int) -> int:
    return rescale(difference, multiplier, exponent, single_rounding=False, multiply_ties="half_up",
                   shift_ties="half_away", multiplier_bits=32)
