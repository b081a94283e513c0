"""Fixed-point multipliers: how integer runtimes scale a sum without floating point.

A factor is `mantissa * 2**(exponent - 31)`, the mantissa in [2**30, 2**31) or 0. Four published
schemes are settings of `rescale`:

| scheme | single_rounding | multiply_ties | shift_ties | multiplier_bits |
|---|---|---|---|---|
| two roundings, ties away (TFLite, CMSIS-NN) | no | half_up | half_away | 32 |
| two roundings, ties up (TFLite on NEON, ruy on x86) | no | half_up | half_up | 32 |
| one rounding (ruy, single-rounding builds) | yes | - | half_up | 32 |
| int64 sums (int16 activations) | yes | - | half_up | 16 |
"""

from __future__ import annotations

from fractions import Fraction

from .words import fit, round_ratio, saturate, wrap


def round_quotient(numerator: int, denominator: int, ties: str) -> int:
    """Quotient to an integer by a tie rule; denominator > 0."""
    low, rest = divmod(numerator, denominator)
    if ties.startswith("half") and 2 * rest != denominator:
        return low + (2 * rest > denominator)
    return round_ratio(Fraction(numerator, denominator), ties)


def shift_right(value: int, amount: int, ties: str) -> int:
    """value / 2**amount by a tie rule; `half_away` is gemmlowp's rounding divide by power of two,
    `half_up` a rounding shift instruction."""
    return round_quotient(value, 1 << amount, ties)


def shift_left_saturating(value: int, amount: int, bits: int = 32) -> int:
    """value * 2**amount, limited to a signed word."""
    return saturate(value << amount, bits)


def doubling_high_multiply(a: int, b: int, ties: str = "half_up", bits: int = 32) -> int:
    """High word of 2*a*b, limited to a signed word: -2**31 times itself is 2**31 - 1.

    `half_up` is the saturating rounding doubling high multiply, `floor` the one without rounding.
    """
    return saturate(shift_right(a * b, bits - 1, ties), bits)


def quantize_multiplier(
    real: Fraction | float, *, ties: str = "half_away", single_rounding: bool = False
) -> tuple[int, int]:
    """Mantissa and exponent of a real factor, the mantissa rounded by a tie rule.

    Factors below 2**-32 become 0. Single-rounding builds limit the exponent to 30.
    """
    value = Fraction(real)
    if value == 0:
        return 0, 0
    size = abs(value)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent += size >= Fraction(2) ** exponent
    scaled = value * Fraction(2) ** (31 - exponent)
    mantissa = round_quotient(scaled.numerator, scaled.denominator, ties)
    if mantissa == 1 << 31:
        mantissa, exponent = 1 << 30, exponent + 1
    if exponent < -31:
        return 0, 0
    if single_rounding and exponent > 30:
        return (1 << 31) - 1, 30
    return mantissa, exponent


def narrow_multiplier(multiplier: int, bits: int) -> int:
    """A 32-bit mantissa in a word of `bits` bits: rounded half up, limited to its largest value."""
    if bits == 32:
        return multiplier
    return saturate(shift_right(multiplier, 32 - bits, "half_up"), bits)


def rescale(
    acc: int,
    multiplier: int,
    exponent: int,
    *,
    single_rounding: bool,
    multiply_ties: str,
    shift_ties: str,
    multiplier_bits: int,
    left_overflow: str = "wrap",
    product_overflow: str = "saturate",
) -> int:
    """acc * multiplier * 2**(exponent - 31) as an int32, rounded once or twice.

    Twice: acc * 2**max(exponent, 0) is fitted to 32 bits by `left_overflow`, the high word of its
    product is rounded by `multiply_ties` and fitted by `product_overflow`, then shifted right by
    max(-exponent, 0) and rounded by `shift_ties`.
    Once: the whole product, an int64 that wraps, is shifted right and rounded by `shift_ties`; the
    result wraps to 32 bits.
    """
    factor, fraction = narrow_multiplier(multiplier, multiplier_bits), multiplier_bits - 1
    if single_rounding:
        product = wrap(acc * factor, 64) << max(exponent - fraction, 0)
        return wrap(shift_right(product, max(fraction - exponent, 0), shift_ties), 32)
    shifted = fit(acc << max(exponent, 0), 32, left_overflow)
    high = fit(shift_right(shifted * factor, fraction, multiply_ties), 32, product_overflow)
    return shift_right(high, max(-exponent, 0), shift_ties)
