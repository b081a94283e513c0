"""The oracle's fixed-point multipliers, tables and softmax, held to their definitions."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cmsis_cases
from integer_court import INT64, ONE_ROUNDING, TWO_ROUNDINGS, Scheme
from qsim.oracle import fixed, lut, softmax
from qsim.oracle.words import saturate, wrap

LOW, HIGH = -(1 << 31), (1 << 31) - 1
NEON = Scheme(single_rounding=False)

words = st.integers(LOW, HIGH) | st.sampled_from([LOW, LOW + 1, -1, 0, 1, HIGH])
mantissas = st.integers(1 << 30, HIGH) | st.sampled_from([1 << 30, 0x7FFEFFFF, 0x7FFF0000, HIGH])
exponents = st.integers(-31, 30)


def rescale(scheme: Scheme, acc: int, multiplier: int, exponent: int) -> int:
    return fixed.rescale(acc, multiplier, exponent, **vars(scheme))


@given(words, words)
def test_doubling_high_multiply_is_gemmlowps(a: int, b: int) -> None:
    """With a nudge of the product's sign and a division toward zero, as gemmlowp writes it."""
    nudged = a * b + ((1 << 30) if a * b >= 0 else 1 - (1 << 30))
    quotient = abs(nudged) >> 31
    expected = HIGH if a == b == LOW else (quotient if nudged >= 0 else -quotient)
    assert fixed.doubling_high_multiply(a, b) == expected
    assert fixed.doubling_high_multiply(a, b, "floor") == saturate((a * b) >> 31, 32)


@given(words, st.integers(0, 31))
def test_rounding_divide_by_power_of_two_is_gemmlowps(x: int, exponent: int) -> None:
    """By the remainder and a threshold that is one higher for negative numbers."""
    mask = (1 << exponent) - 1
    above = (x & mask) > (mask >> 1) + (x < 0)
    assert fixed.shift_right(x, exponent, "half_away") == (x >> exponent) + above
    rounding = (1 << exponent) >> 1
    assert fixed.shift_right(x, exponent, "half_up") == (x + rounding) >> exponent


@given(words, mantissas, exponents)
def test_two_roundings(acc: int, multiplier: int, exponent: int) -> None:
    left, right = max(exponent, 0), max(-exponent, 0)
    high = (wrap(acc << left, 32) * multiplier + (1 << 30)) >> 31
    up = (high + ((1 << right) >> 1)) >> right
    away = -((-high + ((1 << right) >> 1)) >> right) if high < 0 else up
    assert rescale(TWO_ROUNDINGS, acc, multiplier, exponent) == away
    assert rescale(NEON, acc, multiplier, exponent) == up


@given(words, mantissas, exponents)
def test_one_rounding(acc: int, multiplier: int, exponent: int) -> None:
    expected = (acc * multiplier + (1 << (30 - exponent))) >> (31 - exponent)
    assert rescale(ONE_ROUNDING, acc, multiplier, exponent) == wrap(expected, 32)


@given(st.integers(-(1 << 47), (1 << 47) - 1), mantissas, st.integers(-31, 7))
def test_int64_sums_take_fifteen_bits(acc: int, multiplier: int, exponent: int) -> None:
    short = 32767 if multiplier >= 0x7FFF0000 else (multiplier + (1 << 15)) >> 16
    expected = (acc * short + (1 << (14 - exponent))) >> (15 - exponent)
    assert rescale(INT64, acc, multiplier, exponent) == wrap(expected, 32)


@pytest.mark.parametrize(
    ("scheme", "acc", "exponent", "expected"),
    [
        # 0.5: the first rounding takes -1 to 0 and 1 to 1.
        (TWO_ROUNDINGS, -1, 0, 0), (TWO_ROUNDINGS, 1, 0, 1),
        # -6 halves to -3, and -3/2 goes away from zero, or up.
        (TWO_ROUNDINGS, -6, -1, -2), (NEON, -6, -1, -1),
        # 5/4: 2.5 becomes 3, then 1.5 becomes 2; at once it is 1.
        (TWO_ROUNDINGS, 5, -1, 2), (ONE_ROUNDING, 5, -1, 1),
        # 2**30 shifted left by 2 leaves the word.
        (TWO_ROUNDINGS, 1 << 30, 2, 0),
    ],
)
def test_hand_made_rescaling(scheme: Scheme, acc: int, exponent: int, expected: int) -> None:
    assert rescale(scheme, acc, 1 << 30, exponent) == expected


def test_overflow_rules() -> None:
    options = vars(TWO_ROUNDINGS)
    assert fixed.rescale(LOW, LOW, 0, **options) == HIGH
    assert fixed.rescale(LOW, LOW, 0, **options, product_overflow="wrap") == LOW
    saturated = fixed.rescale(1 << 30, 1 << 30, 2, **options, left_overflow="saturate")
    assert saturated == 1 << 30


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (0.0, (0, 0)),
        (1.0, (1 << 30, 1)),
        (0.5, (1 << 30, 0)),
        (0.75, (3 << 29, 0)),
        (-0.375, (-(3 << 29), -1)),
        (1 - 2.0**-33, (1 << 30, 1)),  # rounds to 2**31
        (2.0**-32, (1 << 30, -31)),
        (math.nextafter(2.0**-32, 0), (1 << 30, -31)),  # rounds to 2**31, then it fits
        (2.0**-33, (0, 0)),
        (2.0**31, (1 << 30, 32)),
    ],
)
def test_quantized_multipliers(real: float, expected: tuple[int, int]) -> None:
    assert fixed.quantize_multiplier(real) == expected


def test_options_of_quantized_multipliers() -> None:
    tie = Fraction((1 << 31) + 1, 1 << 32)  # mantissa 2**30 + 1/2
    assert fixed.quantize_multiplier(tie) == ((1 << 30) + 1, 0)
    assert fixed.quantize_multiplier(tie, ties="half_down") == (1 << 30, 0)
    assert fixed.quantize_multiplier(2.0**31, single_rounding=True) == (HIGH, 30)
    assert fixed.quantize_multiplier(2.0**29, single_rounding=True) == (1 << 30, 30)


@given(st.floats(2.0**-32, 2.0**30, allow_subnormal=False))
def test_quantized_multipliers_are_the_nearest(real: float) -> None:
    mantissa, exponent = fixed.quantize_multiplier(real)
    assert 1 << 30 <= mantissa <= HIGH
    unit = Fraction(2) ** (exponent - 31)
    assert abs(Fraction(real) - mantissa * unit) <= unit / 2


def test_constants_of_the_exponential() -> None:
    with localcontext() as context:
        context.prec = 40
        powers = [(-(Decimal(2) ** k)).exp() for k in range(-2, 5)]
        exact = [*powers, (Decimal(-1) / 8).exp(), Decimal(1) / 3]
        rounded = [int((value * (1 << 31)).to_integral_value()) for value in exact]
    assert [*softmax._EXP_POWERS, softmax._EXP_EIGHTH, softmax._THIRD] == rounded


@given(st.integers(LOW, 0) | st.integers(-(1 << 28), 0))
def test_exponential_of_negative(x: int) -> None:
    """The Taylor series about -1/8 of [-1/4, 0) leaves (1/8)**5/5! < 2**-21 of the value, the
    products' roundings far less."""
    exact = math.exp(x / (1 << 26))
    assert abs(softmax.exp_of_negative(x) / (1 << 31) - exact) < 2.0**-21 * exact + 2.0**-28


@given(st.integers(0, HIGH))
def test_reciprocal_of_one_plus(a: int) -> None:
    """Three Newton steps from an error of 1/17 leave 17**-8 < 2**-32; x counts in 2**-29, each
    step rounds 3 times and shifts left by 2, the result doubles x/2."""
    exact = 1 / (1 + a / (1 << 31))
    assert abs(softmax.reciprocal_of_one_plus(a) / (1 << 31) - exact) < 8 * 2.0**-29


@given(st.lists(st.integers(-128, 127), min_size=1, max_size=40), st.floats(2.0**-8, 0.5))
def test_int8_softmax_is_near_the_exact_one(row: list[int], scale: float) -> None:
    """One code: half a unit of rounding, and less than another from the exponential."""
    multiplier, shift = fixed.quantize_multiplier(scale * (1 << 26))
    got = softmax.softmax_int8(row, multiplier, shift, -softmax.input_radius(shift))
    exps = [math.exp(scale * (q - max(row))) for q in row]
    for code, value in zip(got, exps, strict=True):
        assert -128 <= code <= 127
        assert abs(code + 128 - min(256 * value / sum(exps), 255)) < 1


def test_int8_softmax_drops_what_is_out_of_reach() -> None:
    multiplier, shift = fixed.quantize_multiplier(0.5 * (1 << 26))
    radius = softmax.input_radius(shift)
    assert radius == 31  # 15.5 in real numbers
    row = [100, 100 - radius, 100 - radius - 1]
    reached = softmax.softmax_int8(row, multiplier, shift, -radius)
    assert reached == [127, -128, -128]
    assert softmax.softmax_int8([5] * 3, multiplier, shift, -radius) == [-43] * 3  # 256/3 - 128
    assert softmax.softmax_int8([5, 5, -20], multiplier, shift, -10) == [0, 0, -128]


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=20))
def test_int16_softmax_is_near_the_exact_one(row: list[int]) -> None:
    """Relative errors, in codes of 1: an input rounded to 10/65535 (2.5), interpolation of exp
    over 10/512 (1.6), both again through the sum, the reciprocal's two roundings (2), the result
    (0.5). Absolute ones, per entry of the sum: two roundings (1) and the table's end at exp(-10)
    (1.5)."""
    scale = 10 / 65536
    multiplier, shift = fixed.quantize_multiplier(scale * 65535 / 10)
    tables = cmsis_cases.tables()
    got = softmax.softmax_int16(
        row, multiplier, shift, tables["softmax_s16_exp_lut"].tolist(),
        tables["softmax_s16_one_by_one_lut"].tolist())
    exps = [math.exp(scale * (q - max(row))) for q in row]
    for code, value in zip(got, exps, strict=True):
        assert 0 <= code <= 32767
        assert abs(code - min(32768 * value / sum(exps), 32767)) < 11 + 2.5 * (len(row) + 1)


def test_one_certain_class_is_limited_to_int16() -> None:
    """32767 * 1/32767 rounds to 32770 in the tables' arithmetic."""
    tables = cmsis_cases.tables()
    got = softmax.softmax_int16(
        [7], 1 << 30, 0, tables["softmax_s16_exp_lut"].tolist(),
        tables["softmax_s16_one_by_one_lut"].tolist())
    assert got == [32767]


@pytest.mark.parametrize("left_shift", [-3, -1, 0, 1, 3])
def test_sigmoid_and_tanh_tables(left_shift: int) -> None:
    """All codes. Sigmoid: interpolation over 1/24 (0.7 codes), table entries off by 1.5 (0.75), an
    input rounded to a sixth of a code (0.33), the result (0.5). Tanh: four times the input's, twice
    the others' but the last."""
    table = cmsis_cases.tables()["sigmoid_table_uint16"].tolist()
    codes = np.arange(-32768, 32768)
    real = codes / (1 << 12) * 2.0**left_shift
    sigmoids = np.array([lut.sigmoid(q, table, left_shift) for q in codes.tolist()])
    tanhs = np.array([lut.tanh(q, table, left_shift) for q in codes.tolist()])
    assert np.max(abs(sigmoids - np.minimum(32768 / (1 + np.exp(-real)), 32767))) < 2.3
    assert np.max(abs(tanhs - np.clip(32768 * np.tanh(real), -32767, 32767))) < 4.8
    assert np.all(np.diff(sigmoids) >= 0)
    assert np.all(np.diff(tanhs) >= 0)


def test_lookup_rounds_to_nearest_ties_up() -> None:
    table = [0] * 513
    table[256:259] = [100, 101, 99]
    assert lut.lookup(0, table) == 100
    assert [lut.lookup(q, table) for q in (63, 64)] == [100, 101]  # half way up
    assert [lut.lookup(128 + q, table) for q in (32, 33)] == [101, 100]  # -1/2 goes up
    assert lut.lookup(-32768, [7, *table[1:]]) == 7
    assert lut.lookup(32767, [*table[:-1], 128]) == 127
