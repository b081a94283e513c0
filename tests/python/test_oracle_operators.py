"""The examples of docs/arithmetic.md, (A.24) to (A.30): operators on codes that a row describes."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

import qsim
from qsim import oracle
from qsim.oracle import arithmetic, f32, pooling, quantizer, realmath, softmax_table, tables
from qsim.oracle.quantizer import Affine
from qsim.oracle.tensor import Tensor

Row = dict[str, Any]


def row(name: str) -> Row:
    return oracle.nest(qsim.profiles[name].fields())


SSE, AVX2 = row("ort-1.30.x64.sse"), row("ort-1.30.x64.avx2")
ARM, WASM = row("ort-1.30.arm64.neon"), row("ort-1.30.wasm.simd")
REF, RUY_X64, RUY_ARM = row("tflite.ref.x64"), row("tflite.ruy.x64"), row("tflite.ruy.arm64")

NAN, INF = 0x7FC00000, f32.INF
S8 = quantizer.limits_of("s8")


def affine(scale: float, zero: int = 0) -> Affine:
    return Affine(f32.bits(scale), zero)


def changed(of: Row, path: str, value: Any) -> Row:
    """A copy of a row with one field replaced."""
    copy = deepcopy(of)
    *parents, leaf = path.split(".")
    place = copy
    for name in parents:
        place = place[name]
    place[leaf] = value
    return copy


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


def test_quantize_runs_a24() -> None:
    def shares(shape: tuple[int, ...], code_type: str, *layout: int | None) -> list[str]:
        forms = [""] * Tensor(shape, [0] * len(range(__import__("math").prod(shape)))).data.__len__()
        for run in quantizer.runs(shape, *layout):
            for i in range(run.first, run.first + run.length):
                forms[i] = quantizer.form_of(AVX2, run, i, code_type)[0]
        return forms

    assert "".join(shares((5,), "s4")) == "vvvvs"
    assert "".join(shares((2, 3), "s4", 0)) == "vvs" + "svv"
    assert "".join(shares((2, 3), "s4", 1)) == "ssssss"
    assert "".join(shares((2, 3), "s8", 1)) == "vvvvvv"
    assert "".join(shares((2, 5), "s4", 1, 3)) == "vvs" + "ss" + "svv" + "vv"
    assert "".join(shares((4, 2), "s8", 0, 2)) == "ssssssss"
    five = Tensor((5,), [NAN] * 5)
    assert quantizer.quantize(AVX2, five, [f32.ONE], [-5], "s4").data == [-8, -8, -8, -8, 7]


def test_halves_a24() -> None:
    for pattern in range(1 << 16):
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
    third = quantizer.dequantize(SSE, data, [0x3555], [0], half=True).data  # 0.33325
    assert third == [0x3C00 - 1]


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


# ------------------------------------------------------------------------------------ add (A.26)


def pair(
    op: Any, of: Row, a: list[int], b: list[int], q: tuple[Affine, Affine, Affine],
    code_type: str = "s8",
) -> list[int]:  # fmt: skip
    codes: list[int] = op(of, Tensor((len(a),), a), Tensor((len(b),), b), q, code_type).data
    return codes


def test_add_a26() -> None:
    def total(of: Row, a: list[int], b: list[int], *q: Affine) -> list[int]:
        return pair(arithmetic.add, of, a, b, (q[0], q[1], q[2]))

    half = affine(0.5)
    for of, want in ((SSE, [0, 0]), (WASM, [0, 0]), (ARM, [1, -1]), (REF, [1, -1])):
        assert total(of, [1, -1], [0, 0], half, half, affine(1)) == want

    q = (affine(1.225, 5), affine(0.875), affine(0.7, 4))
    assert [total(of, [14, -10], [-17, -5], *q) for of in (SSE, AVX2)] == [[-2, -29], [-1, -29]]
    q = (affine(0.24), affine(0.51, -7), affine(0.3))  # one b for three a: its product joins first
    assert total(SSE, [15], [2, 2], *q) == [27, 27]
    assert total(SSE, [15, -16, -2], [2], *q) == [27, 2, 14]
    assert total(SSE, [15, -16, -2], [2, 2, 2], *q) == [27, 3, 14]
    q = (affine(0.19, 5), affine(0.04, 1), affine(0.1, -3))
    assert total(AVX2, [10], [-14, -19, 4], *q) == [1, -1, 8]
    assert total(AVX2, [10, 10, 10], [-14, -19, 4], *q) == [0, -2, 8]


def test_spans_a26() -> None:
    alone = arithmetic.alone
    assert [alone(*s) for s in (((3, 1), (3, 4)), ((3, 4), (3, 1)), ((3, 4), (1, 4)))] == ["a", "b", ""]
    assert [alone(*s) for s in (((3, 1), (3, 1)), ((3, 1), (1,)), ((1,), (1,)))] == ["", "a", "a"]
    assert [alone(*s) for s in (((), (4,)), ((4,), ()), ((), ()), ((4, 1), ()))] == [
        "a", "b", "a", "a",
    ]  # fmt: skip


def test_shifted_add_a26() -> None:
    multiples = arithmetic.shifted_multiples
    rule, bits = ARM["add"], f32.bits
    assert multiples(rule, bits(0.5), bits(0.25)) == (1 << 21, 1 << 20, 22)
    assert multiples(rule, bits(1.9999999), bits(0.5)) is None  # rounds up to 2^22
    assert multiples(rule, bits(2.0**-11), bits(2.0**-11)) is None  # a shift of 32
    assert multiples(rule, bits(2.0**-15), f32.ONE) is None
    assert multiples(rule, f32.ONE, NAN) == (1 << 21, 0, 21)
    assert multiples(rule, NAN, f32.ONE) is None
    nan = (Affine(NAN), affine(1), affine(1))
    turned = (affine(1), Affine(NAN), affine(1))
    assert pair(arithmetic.add, ARM, [3], [5, 6], nan) == [5, 6]  # the lone operand comes second
    assert pair(arithmetic.add, ARM, [3, 3], [5, 6], nan) == [0, 0]
    assert pair(arithmetic.add, ARM, [3, 3], [5, 6], turned) == [3, 3]


def test_fixed_add_a26() -> None:
    q = (affine(0.1), affine(0.2), affine(0.3))
    assert pair(arithmetic.add, REF, [100, -7], [-50, 127], q) == [0, 82]
    assert pair(arithmetic.add, REF, [1000, -32768], [3, 7], q, "s16") == [335, -10918]
    with pytest.raises(ValueError, match="finite numbers above 0"):
        pair(arithmetic.add, REF, [1], [1], (affine(0), affine(1), affine(1)))


# ------------------------------------------------------------------------------------ mul (A.27)


def test_mul_a27() -> None:
    def product(of: Row, a: int, b: int, *q: Affine) -> int:
        return pair(arithmetic.mul, of, [a], [b], (q[0], q[1], q[2]))[0]

    q = (affine(0.35, 5), affine(0.525, 20), affine(0.7, -3))  # 10.5 - 3
    assert [product(of, -5, 16, *q) for of in (SSE, ARM)] == [8, 7]
    q = (affine(0.05, 5), affine(0.5, 1), affine(0.2))
    assert [product(of, -16, 5, *q) for of in (SSE, WASM)] == [-10, -11]
    q = (affine(0.07), affine(0.6, 1), affine(0.2))
    assert [product(of, -13, 7, *q) for of in (SSE, REF)] == [-16, -17]
    nan = (Affine(NAN), affine(1), affine(1, 7))
    assert [product(of, 1, 1, *nan) for of in (SSE, ARM, WASM)] == [-128, 0, 0]


def test_mul_factor_a27() -> None:
    q = (affine(0.48263), affine(0.13279), affine(2.2784))
    wide = changed(REF, "mul.factor", "f64")
    narrow = changed(REF, "mul.factor", "f32")
    factors = [pair(arithmetic.mul, of, [127, 1], [127, 1], q) for of in (narrow, wide)]
    assert factors[0] == factors[1]  # placeholder
