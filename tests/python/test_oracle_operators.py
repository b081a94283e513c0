"""The examples of docs/arithmetic.md, (A.26) to (A.30): operators on codes that a row describes."""

from __future__ import annotations

import math
from typing import Any

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
    row,
)
from qsim.oracle import arithmetic, f32, pooling, realmath, softmax_table, tables
from qsim.oracle.quantizer import Affine
from qsim.oracle.tensor import Tensor

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
    assert (alone((3, 1), (3, 4)), alone((3, 4), (3, 1)), alone((3, 4), (1, 4))) == ("a", "b", "")
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


def test_subtract_a26() -> None:
    q = (affine(0.5, 3), affine(0.25, -1), affine(0.5, 1))

    def difference(of: Row, a: list[int], b: list[int]) -> list[int]:
        x, y = Tensor((len(a),), a), Tensor((len(b),), b)
        return arithmetic.add(of, x, y, q, "s8", subtract=True).data

    for of in (REF, WASM, ARM):
        assert difference(of, [5, -20, 5], [3, 3, 1]) == [1, -24, 2]
        assert difference(of, [5], [3, -9]) == [1, 7]  # the lone operand is not the subtracted one
        assert difference(of, [5, -20], [3]) == [1, -24]
    with pytest.raises(ValueError, match="folded_f32"):
        difference(SSE, [5], [3])


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
    q = (affine(0.46511883), affine(0.6941295), affine(0.37440062))
    by = [changed(REF, "mul.factor", f) for f in ("f32", "f64")]
    assert [pair(arithmetic.mul, of, [69], [1], q) for of in by] == [[59], [60]]


# -------------------------------------------------------------------------------- average (A.28)


def means(
    of: Row, codes: list[int], window: pooling.Window, q_in: Affine, q_out: Affine
) -> list[int]:
    image = Tensor((1, 1, 1, len(codes)), codes)
    return pooling.average(of, image, window, q_in, q_out, "s8").data


def along(kernel: int, begin: int = 0, *, include: bool = False) -> pooling.Window:
    return pooling.Window(
        (1, kernel), (1, 1), (0, begin), (0, 0), count_include_pad=include
    )


def test_average_a28() -> None:
    unit, up = affine(1), affine(1, 1)
    assert means(SSE, [1, 0, 4], along(2), unit, up) == [2, 3]  # 0.5 + 1 before rounding
    assert means(SSE, [1, 0], along(2), unit, up) == [1]  # the whole image: after
    assert means(REF, [1, 0], along(2), unit, up) == [1]
    assert means(REF, [-5, 0, 0], along(2), unit, unit) == [-3, 0]  # away from zero
    assert means(SSE, [-5, 0, 0], along(2), unit, unit) == [-2, 0]
    assert means(SSE, [-5, 0, 0], along(2, 1), unit, unit) == [-5, -2, 0]
    assert means(SSE, [-5, 0, 0], along(2, 1, include=True), unit, unit) == [-2, -2, 0]

    q = affine(0.4)
    assert means(SSE, [-15, -21, -28, -30], along(4), q, q) == [-24]
    assert means(SSE, [-15, -21, -28, -30, 0], along(4), q, q)[0] == -23
    q = affine(0.22)  # the order of a sum in binary32
    assert means(SSE, [-9, 3, -15, 15, 0], along(4), q, q)[0] == -1
    assert means(SSE, [15, -15, 3, -9, 0], along(4), q, q)[0] == -2

    nan = [means(of, [1, 0, 4], along(2), Affine(NAN), up) for of in (SSE, ARM)]
    assert nan == [[-128] * 2, [0] * 2]
    engine = row("mnn-2.9.0.x64.sse")
    assert means(engine, [0] * 9, along(9), unit, unit) == [-1]


def test_window_extents_a28() -> None:
    def outputs(size: int, kernel: int, stride: int, end: int, *, ceil: bool) -> int:
        window = pooling.Window((kernel,), (stride,), (0,), (end,), ceil)
        return window.outputs((size,))[0]

    assert [outputs(5, 2, 2, 0, ceil=c) for c in (False, True)] == [2, 3]
    assert outputs(3, 2, 3, 2, ceil=True) == 1  # a second window would start in the padding
    assert outputs(4, 2, 3, 2, ceil=True) == 2
    window = pooling.Window((2, 2), (1, 1), (1, 0), (0, 1))
    assert [taps for taps, _ in pooling.windows(window, (1, 2))] == [[0, 1], [1]]


# --------------------------------------------------------------------------------- tables (A.29)


def test_tables_a29() -> None:
    half, unit = affine(0.5), affine(1)
    by = [tables.table(of, "identity", half, unit, "s8") for of in (SSE, REF)]
    assert [[t[q] for q in (1, -1, 3)] for t in by] == [[0, 0, 2], [1, -1, 2]]

    steps = (affine(2.0**-7, -128), affine(2.0**-8, -128))
    assert realmath.sigmoid32(f32.bits(2.0**-7)) == 0x3F007FFF  # rounded once it is 0x3F008000
    assert [tables.table(of, "sigmoid", *steps, "s8")[-127] for of in (SSE, REF)] == [0, 0]

    slope = f32.bits(0.5)
    bent = tables.table(SSE, "leaky_relu", unit, unit, "s8", alpha=slope)
    assert [bent[q] for q in (-3, -1, 0, 5)] == [-2, 0, 0, 5]
    nan = Affine(NAN)
    lost = [tables.table(of, "leaky_relu", nan, affine(1, 5), "s8", alpha=slope)[0]
            for of in (ARM, WASM)]  # fmt: skip
    assert lost == [-128, 0]

    parts = [Tensor((2, 1), [1, 3]), Tensor((2, 2), [1, 2, 3, 4])]
    joined = tables.concat(SSE, parts, 1, [half, unit], unit, "s8")
    assert (joined.shape, joined.data) == ((2, 3), [0, 1, 2, 2, 3, 4])
    copied = tables.concat(SSE, parts[:1], 1, [Affine(NAN)], Affine(NAN), "s8")
    assert copied.data == [-128, -128]  # a NaN scale does not equal itself


def test_functions_a29() -> None:
    sigmoid, tanh, bits = realmath.sigmoid32, realmath.tanh32, f32.bits
    assert [sigmoid(bits(x)) for x in (0, -0.0, 200, -200)] == [bits(0.5), bits(0.5), f32.ONE, 0]
    assert sigmoid(bits(-103.0)) == 0  # e^103 is infinite in binary32
    assert [tanh(bits(x)) for x in (-0.0, 10, -10)] == [f32.SIGN, f32.ONE, bits(-1)]
    assert tanh(bits(1e-40)) == bits(1e-40)
    assert f32.is_nan(sigmoid(NAN))
    assert f32.is_nan(tanh(NAN))
    for x in (-3.0, -0.7, 0.1, 1.0, 5.5):
        assert realmath.exp32(x) == bits(math.exp(x))
        assert tanh(bits(x)) == bits(math.tanh(f32.to_float(bits(x))))
        assert realmath.ln32(bits(x * x)) == bits(math.log(f32.to_float(bits(x * x))))
    assert [realmath.exp32(x) for x in (-104.0, 89.0, 1e300)] == [0, INF, INF]


# -------------------------------------------------------------------------------- softmax (A.30)


def probabilities(
    of: Row, codes: list[int], scale: float, q_out: Affine, code_type: str = "s8"
) -> list[int]:
    return softmax_table.softmax(of, codes, affine(scale), q_out, code_type)


def test_softmax_a30() -> None:
    q = affine(1 / 256, -128)
    by = [probabilities(of, [1, 29, 6, 49, 56], 0.05, q) for of in (REF, RUY_X64)]
    assert by == [[-120, -97, -118, -43, -7], [-120, -97, -118, -42, -7]]
    by = [probabilities(of, [57, 0, 56, 43], 0.1, q) for of in (RUY_X64, RUY_ARM)]
    assert by == [[-9, -128, -21, -99], [-9, -128, -20, -99]]
    # 16 codes round up, the rest of a row away from zero
    long = probabilities(RUY_ARM, [1, 2, 3, 4] * 5, 0.3, q)
    assert long[:4] == long[16:]
    # e^84 times 256 is infinite in binary32: one code alone has no probability
    for z, x64, arm in ((0, 0, 255), (3, 3, 2)):
        one = [probabilities(of, [7], 0.05, affine(1 / 256, z), "u8") for of in (SSE, ARM)]
        assert one == [[x64], [arm]]
    one = [probabilities(of, [7], 0.05, affine(1 / 256)) for of in (SSE, ARM)]
    assert one == [[-128], [127]]
    assert probabilities(SSE, [7, 7], 0.05, affine(1 / 256), "u8") == [128, 128]
    assert probabilities(SSE, [7, 7], 0.05, affine(1 / 290), "u8") == [145, 145]
    with pytest.raises(ValueError, match="x_scale"):
        probabilities(SSE, [1, 2], 0.0, q)


def test_softmax_logarithm_a30() -> None:
    lifted = softmax_table.lifted_exponentials(f32.bits(0.05), 3)[255]
    room = f32.rational(f32.div(f32.INF - 1, f32.from_int(3)))
    by_binary64 = realmath.exp32((math.log(room) - 5.0) / f32.to_float(f32.bits(0.05)) * 0.05)
    assert lifted == 2064855406
    assert lifted != by_binary64
