"""The examples of docs/arithmetic.md, (A.24) and (A.25): real numbers to codes and back."""

from __future__ import annotations

import math

import pytest

from operator_rows import (
    ARM,
    AVX2,
    INF,
    NAN,
    REF,
    RUY_ARM,
    RUY_X64,
    SSE,
    WASM,
    Row,
    affine,
    changed,
)
from qsim.oracle import f32, quantizer
from qsim.oracle.quantizer import Affine
from qsim.oracle.tensor import Tensor

S8 = quantizer.limits_of("s8")


# ------------------------------------------------------------------------------- quantize (A.24)


def one(of: Row, x: int | float, q: Affine, form: str = "vector") -> int:
    pattern = x if isinstance(x, int) else f32.bits(x)
    return quantizer.quantize_one(of, pattern, q, S8, form)


def test_quantize_forms_a24() -> None:
    special, q = (NAN, INF, INF | f32.SIGN), affine(1, -5)
    for form in ("single", "half"):
        assert [one(AVX2, x, q, form) for x in special] == [127, 127, 127]
        assert [one(ARM, x, q, form) for x in special] == [-5, 127, 127]
    assert [one(AVX2, x, q) for x in special] == [-128, 127, -128]
    assert [one(ARM, x, q) for x in special] == [-128, 127, -128]
    assert [one(WASM, x, q) for x in special] == [0, 127, -128]

    def codes(of: Row, x: float, n: int, scale: float) -> list[int]:
        data = Tensor((n,), [f32.bits(x)] * n)
        return quantizer.quantize(of, data, [f32.bits(scale)], [0], "s8").data

    assert codes(RUY_X64, 0.25, 9, 0.5) == [0] * 8 + [1]
    assert codes(REF, 0.25, 9, 0.5) == [1] * 9
    assert codes(RUY_X64, 2.25, 9, 0.3) == [8] * 8 + [7]
    # fl(0.75/0.3) is 2.5, but the quotient lies below it
    assert [one(REF, 0.75, affine(0.3)), one(RUY_X64, 0.75, affine(0.3), "rest")] == [3, 2]


def shares(shape: tuple[int, ...], code_type: str, *layout: int | None) -> str:
    """The first letters of the forms that serve the elements."""
    letters = {}
    for run in quantizer.runs(shape, *layout):
        for i in range(run.first, run.first + run.length):
            letters[i] = quantizer.form_of(AVX2, run, i, code_type)[0]
    return "".join(letters[i] for i in range(math.prod(shape)))


def test_quantize_runs_a24() -> None:
    assert shares((5,), "s4") == "vvvvs"
    assert shares((2, 3), "s4", 0) == "vvs" + "svv"
    assert shares((2, 3), "s4", 1) == "ssssss"
    assert shares((2, 3), "s8", 1) == "vvvvvv"
    assert shares((2, 5), "s4", 1, 3) == "vvs" + "ss" + "svv" + "vv"
    assert shares((4, 2), "s8", 0, 2) == "ssssssss"
    five = Tensor((5,), [NAN] * 5)
    assert quantizer.quantize(AVX2, five, [f32.ONE], [-5], "s4").data == [-8, -8, -8, -8, 7]


def test_quantize_by_fma_a24() -> None:
    rule = changed(RUY_X64, "quantize.vector.fused", True)
    rule = changed(rule, "quantize.vector.narrow.zero", "real")
    two = changed(rule, "quantize.vector.fused", False)
    codes = [one(of, f32.bits(12.45), affine(0.3, -10)) for of in (rule, two)]
    assert codes == [31, 32]


def test_quantize_per_axis_a24() -> None:
    data = Tensor((2, 9), [f32.bits(0.25)] * 18)
    codes = quantizer.quantize(RUY_X64, data, [f32.bits(0.5)] * 2, [0] * 2, "s8", axis=0).data
    assert codes == [1] * 18  # every element by the reference kernel
    alone = quantizer.quantize(RUY_X64, data, [f32.bits(0.5)], [0], "s8").data
    assert alone == [0] * 16 + [1] * 2


def test_dequantize_a24() -> None:
    def reals(of: Row, axis: int | None = None, code_type: str = "s8") -> list[float]:
        count = 1 if axis is None else 2
        codes = Tensor((count, 9), [73] * (count * 9))
        result = quantizer.dequantize(
            of, codes, [f32.bits(0.78)] * count, [66] * count, axis=axis, code_type=code_type
        )
        return [f32.to_float(x) for x in result.data]

    difference, sums, once = 5.460000038146973, 5.459999084472656, 5.45999813079834
    assert reals(REF) == [difference] * 9
    assert reals(RUY_X64) == [sums] * 8 + [difference]
    assert reals(RUY_ARM) == [once] * 8 + [difference]
    assert reals(RUY_X64, axis=0) == [difference] * 18
    assert reals(RUY_X64, code_type="s16") == [difference] * 9


def test_logarithmic_codes_a24() -> None:
    byte, value = quantizer.log_byte, quantizer.log_value
    origin = -127  # the largest magnitude is 1
    assert [byte(f32.bits(x), origin) for x in (1, -1, 0, -0.0)] == [127, 255, 128, 128]
    assert [byte(x, origin) for x in (INF, INF | f32.SIGN, NAN)] == [127, 255, 128]
    least = value(0, origin)
    assert byte(least, origin) == 0
    assert byte(f32.negate(least), origin) == 0x81  # there is no code -0
    octave = f32.bits(f32.to_float(value(0, 0)) / 2)
    assert [byte(octave, 0), byte(octave - 1, 0)] == [0, 128]
    assert [byte(f32.negate(x), 1) for x in (f32.bits(2.0**-0.875), f32.bits(0.546))] == [129, 129]
    for k in range(1, 128):
        assert byte(value(k, 5), 5) == k
        assert byte(value(k | 0x80, 5), 5) == k | 0x80
    assert value(8, 0) == f32.bits(2**0.5)
    assert value(0x80, 3) == 0
    with pytest.raises(ValueError, match="integer"):
        quantizer.log_origin(f32.bits(0.5))


def test_halves_a24() -> None:
    for pattern in range(0, 1 << 16, 3):
        wide = quantizer.from_half(pattern)
        if f32.is_nan(wide):
            assert quantizer.to_half(wide) == pattern | 0x200
        else:
            assert quantizer.to_half(wide) == pattern
    assert quantizer.to_half(f32.bits(65519.996)) == 0x7BFF
    assert quantizer.to_half(f32.bits(65520.0)) == 0x7C00
    assert quantizer.to_half(f32.bits(2.0**-25)) == 0
    assert quantizer.to_half(f32.bits(3 * 2.0**-25)) == 2
    data = Tensor((1,), [3])
    third = quantizer.dequantize(SSE, data, [0x3555], [0], half=True).data
    assert third == [0x3C00]  # 3 * 0.33325195 lies between two numbers


# -------------------------------------------------------------------------------- dynamic (A.25)


def found(of: Row, *values: float) -> tuple[list[int], float, int]:
    x = Tensor((len(values),), [f32.bits(v) for v in values])
    result = quantizer.dynamic_quantize(of, x)
    return result.codes.data, f32.to_float(result.scale), result.zero


def test_dynamic_a25() -> None:
    nan = float("nan")
    assert found(SSE, 9, 0, nan, 0) == ([9, 0, 0, 0], 1.0, 0)
    assert found(AVX2, 9, 0, nan, 0) == ([255, 0, 0, 0], f32.to_float(f32.bits(9 / 255)), 0)
    for of in (ARM, WASM):
        codes, scale, zero = found(of, 9, 0, nan, 0)
        assert (codes, scale != scale, zero) == ([0] * 4, True, 255)
    assert found(ARM, 9, 0, 0, 0, nan)[1:] == found(ARM, 9, 0, 0, 0)[1:]
    assert found(ARM, 0.0)[1:] == (1.0, 0)
    assert found(ARM, float("inf"), -1)[0] == [0, 0]

    nudged = changed(RUY_X64, "dynamic.scheme", "signed_255")
    assert found(nudged, -1, 2) == ([-128, 127], f32.to_float(f32.bits(1 / 85)), -43)
    assert found(nudged, 1, 2)[0] == [0, 127]
    with pytest.raises(ValueError, match="has none"):
        found(REF, 1.0)


def test_lanes_a25() -> None:
    def most(of: Row, *values: float) -> float:
        patterns = [f32.bits(v) for v in values]
        lowest = f32.bits(-3.4e38)
        return f32.to_float(
            quantizer.reduce_lanes(of["dynamic"], patterns, f32.maximum, lowest)
        )

    nan = float("nan")
    body = [0.0] * 16
    body[1], body[5] = nan, 7.0  # vectors 0 and 1: the NaN is kept first, so the 7 erases it
    assert most(SSE, *body) == 7.0
    body[1], body[5] = 7.0, nan  # the NaN comes second and wins, then lane 3's zero erases it
    assert most(SSE, *body) == 0.0
    body[1], body[5], body[9] = 7.0, 0.0, nan  # vectors 2 and 3 merge first
    assert most(SSE, *body) == 7.0
