"""Element-wise operators, tables and softmax: what they take, give and refuse."""

from __future__ import annotations

import doctest
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import qsim
from qsim.operators import elementwise, maximum, mean, minimum, quantizing, recode

X64, SSE, ARM = "ort-1.30.x64.avx2", "ort-1.30.x64.sse", "ort-1.30.arm64.neon"
WASM, TFLITE, RUY = "ort-1.30.wasm.simd", "tflite.ref.x64", "tflite.ruy.x64"
MNN = "mnn-2.9.0.arm64.neon"
UNIT = {"a_scale": 1.0, "b_scale": 1.0, "out_scale": 1.0}
SAME = {"in_scale": 1.0, "out_scale": 1.0}

s8 = np.int8
u8 = np.uint8
f32 = np.float32


def codes(*values: int, dtype: Any = s8) -> np.ndarray[Any, Any]:
    return np.array(values, dtype)


@pytest.mark.parametrize("module", [quantizing, elementwise])
def test_examples_in_docstrings_hold(module: Any) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


# ------------------------------------------------------------------------------ real numbers, codes


def test_quantize_gives_the_named_type_and_the_shape_of_x() -> None:
    x = np.array([[0.4, 0.6], [-300.0, 300.0]], f32)
    for dtype, low, high in (
        ("int8", -128, 127), ("uint8", 0, 255), ("int16", -300, 300), ("uint16", 0, 300),
        ("int4", -8, 7), ("uint4", 0, 15),
    ):  # fmt: skip
        q = qsim.quantize(x, 1.0, profile=X64, dtype=dtype)
        assert q.dtype == dtype.replace("t4", "t8")
        assert q.tolist() == [[0, 1], [low, high]]
    assert qsim.quantize(x, 1.0, profile=X64, dtype=np.uint8).dtype == u8
    assert qsim.quantize(f32(2.5), 1.0, profile=X64, dtype="int8").shape == ()


def test_quantize_takes_a_profile_by_name_or_object_and_tighter_limits() -> None:
    x = np.array([-5.0, 0.5, 9.0], f32)
    row = qsim.profiles[TFLITE]
    for profile in (TFLITE, row):
        q = qsim.quantize(x, 1.0, profile=profile, dtype="int8", low=-2, high=6)
        assert q.tolist() == [-2, 1, 6]


def test_quantize_per_axis_and_blocked() -> None:
    x = np.full((2, 3, 2), 6, f32)
    scale, zero = np.array([1, 2, 3], f32), np.array([0, 1, -1])
    q = qsim.quantize(x, scale, zero, profile=ARM, dtype="int8", axis=1)
    assert q.tolist() == [[[6, 6], [4, 4], [1, 1]]] * 2
    assert (q == qsim.quantize(x, scale, zero, profile=ARM, dtype="int8", axis=-2)).all()
    blocks = np.array([[[1, 2], [3, 6]]] * 2, f32)
    q = qsim.quantize(x, blocks, np.zeros_like(blocks, s8), profile=ARM, dtype="int8", axis=1,
                      block_size=2)  # fmt: skip
    assert q.tolist() == [[[6, 3], [6, 3], [2, 1]]] * 2
    back = qsim.dequantize(q, blocks, profile=ARM, axis=1, block_size=2)
    assert (back == 6).all()


def test_binary16_takes_its_own_path_and_comes_back() -> None:
    x = np.array([1.5, np.nan, np.inf], np.float16)
    scale = np.float16(0.5)
    assert qsim.quantize(x, scale, 7, profile=X64, dtype="int8").tolist() == [10, -128, -128]
    assert qsim.quantize(x, scale, 7, profile=ARM, dtype="int8").tolist() == [10, 7, -128]
    with pytest.raises(qsim.NotSupported, match=r"quantize\.half\.scaling"):
        qsim.quantize(x, scale, 7, profile=TFLITE, dtype="int8")
    y = qsim.dequantize(codes(3, -128), np.float16(0.1), profile=X64, dtype="float16")
    assert y.dtype == np.float16
    assert y.tolist() == [np.float16(f32(3) * f32(np.float16(0.1))), np.float16(-12.796875)]


def test_one_scale_may_come_with_an_axis() -> None:
    x = np.array([[1, 2]], f32)
    for scale in (f32(2), np.array([2], f32)):
        assert qsim.quantize(x, scale, profile=X64, dtype="int8", axis=1).tolist() == [[0, 1]]


def test_dequantize_takes_sums_too() -> None:
    y = qsim.dequantize(np.array([1 << 24, 16777217], np.int32), 1.0, profile=X64)
    assert y.tolist() == [16777216.0, 16777216.0]


def test_optimized_kernels_dequantize_groups_by_a_constant() -> None:
    row = qsim.profiles[TFLITE].replace_fields({"dequantize.folded": True, "dequantize.group": 2})
    q, scale = codes(3, 3, 3), f32(0.1)
    folded, plain = f32(3) * scale - scale, f32(2) * scale
    assert folded != plain
    assert qsim.dequantize(q, scale, 1, profile=row).tolist() == [folded, folded, plain]
    wide = qsim.dequantize(q.astype(np.int16), scale, 1, profile=row)
    assert wide.tolist() == [plain] * 3


def test_dynamic_quantize_gives_codes_scale_and_zero_point() -> None:
    x = np.array([[-1.0, 1.55], [0.0, 5.1]], f32)
    whole = qsim.dynamic_quantize(x, profile=X64)
    assert whole.codes.shape == (2, 2)
    assert isinstance(whole.scale, f32)
    assert isinstance(whole.zero_point, int)
    rows = qsim.dynamic_quantize(x, profile=X64, per_row=True)
    assert rows.scale.tolist() == [f32(2.55) / f32(255), f32(5.1) / f32(255)]
    assert rows.zero_point.tolist() == [100, 0]
    for i in range(2):
        one = qsim.dynamic_quantize(x[i], profile=X64)
        assert (one.codes == rows.codes[i]).all()
    assert qsim.dynamic_quantize(np.zeros((0, 3), f32), profile=X64, per_row=True).scale.size == 0


def test_dynamic_quantize_to_signed_codes() -> None:
    row = qsim.profiles[ARM].replace_fields({"dynamic.scheme": "signed_255"})
    q, scale, zero = qsim.dynamic_quantize(np.array([-1, 2], f32), profile=row)
    assert q.dtype == s8
    assert q.tolist() == [-128, 127]
    assert (scale, zero) == (f32(1) / f32(85), -43)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": np.array([1.1])}, TypeError, r"x: expected float32, got float64"),
        ({"x": np.array(["a"])}, TypeError, r"x: expected real numbers"),
        ({"scale": np.ones(3, f32)}, ValueError, r"scale: .*name the axis"),
        ({"scale": np.ones(3, f32), "axis": 0}, ValueError, r"scale: expected shape \(2,\)"),
        ({"axis": 2}, ValueError, r"axis: expected an axis of shape \(2, 2\), got 2"),
        ({"block_size": 2}, ValueError, r"axis: expected the axis that block_size cuts"),
        ({"axis": 0, "block_size": 0}, ValueError, r"block_size: expected at least 1, got 0"),
        ({"axis": 0, "block_size": 1}, ValueError, r"scale: expected shape \(2, 2\) for blocks"),
        ({"zero_point": 1.5}, TypeError, r"zero_point: expected integers, got float64"),
        ({"zero_point": 200}, ValueError, r"zero_point: expected a code in -128\.\.127, got 200"),
        ({"zero_point": [1, 2]}, ValueError, r"zero_point: expected shape \(\)"),
        ({"dtype": "float32"}, ValueError, r"dtype: expected int8, uint8"),
        ({"dtype": "int7"}, TypeError, r"dtype: expected a code type"),
        ({"low": 5, "high": 4}, ValueError, r"low, high: expected limits"),
        ({"profile": "ort"}, KeyError, r"ort"),
        ({"profile": 3}, TypeError, r"profile: expected a name or a Profile, got int"),
        ({"dtype": "uint8", "profile": MNN}, qsim.NotSupported, r"dtype: profile mnn.*int8 only"),
    ],
)
def test_quantize_refuses(change: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments: dict[str, Any] = {
        "x": np.zeros((2, 2), f32), "scale": 1.0, "zero_point": 0, "profile": X64, "dtype": "int8",
    }  # fmt: skip
    arguments.update(change)
    with pytest.raises(error, match=message):
        qsim.quantize(**arguments)


def test_rows_without_a_rule_refuse_by_name() -> None:
    calls: dict[str, Callable[[], Any]] = {
        "dynamic.scheme": lambda: qsim.dynamic_quantize(np.zeros(2, f32), profile=TFLITE),
        "table.scheme": lambda: qsim.lut(codes(1), "tanh", out_scale=1.0, profile=MNN),
        "softmax.scheme": lambda: qsim.softmax(codes(1, 2), in_scale=1.0, profile=MNN),
        "mean.scheme": lambda: mean(codes(1), axes=0, **SAME, profile=X64),
    }
    for field, call in calls.items():
        with pytest.raises(qsim.NotSupported, match=re.escape(field)):
            call()


# --------------------------------------------------------------------------------- two code tensors


@pytest.mark.parametrize("profile", [X64, SSE, ARM, WASM, TFLITE, RUY, MNN])
def test_sums_and_products_broadcast(profile: str) -> None:
    a = np.arange(6, dtype=s8).reshape(2, 3)
    row, column, one = codes(10, 20, 30), codes(1, 2).reshape(2, 1), codes(5)[0]
    for b in (a, row, column, one):
        assert (qsim.add(a, b, **UNIT, profile=profile) == a + b).all()
        assert (qsim.add(b, a, **UNIT, profile=profile) == a + b).all()
    assert (qsim.mul(a, column, **UNIT, profile=profile) == a * column).all()


def test_non_contiguous_operands_are_taken_as_they_are() -> None:
    a = np.arange(24, dtype=s8).reshape(4, 6)[::2, ::-2]
    assert (qsim.add(a, a.T.copy().T, **UNIT, profile=ARM) == 2 * a).all()


# docs/arithmetic.md, (A.26): an operand that serves a whole span joins in another order.
def test_a_lone_operand_changes_the_order_of_a_sum() -> None:
    scales = {"a_scale": 0.24, "b_scale": 0.51, "out_scale": 0.3, "b_zero": -7}
    a = codes(15, -16, -2)
    alone = qsim.add(a, codes(2), **scales, profile=SSE)
    written_out = qsim.add(a, codes(2, 2, 2), **scales, profile=SSE)
    assert alone.tolist() == [27, 2, 14]
    assert written_out.tolist() == [27, 3, 14]


@pytest.mark.parametrize(
    ("a", "b", "lone"),
    [
        ((3,), (1,), "b"), ((1,), (3,), "a"), ((3,), (3,), "neither"), ((), (), "a"),
        ((2, 3), (2, 1), "b"), ((2, 1), (2, 1), "neither"), ((1, 1), (1, 1), "a"),
        ((5, 1), (1,), "a"), ((1,), (5, 1), "a"), ((3,), (5, 1), "b"), ((), (4,), "a"),
    ],
)  # fmt: skip
def test_which_operand_is_alone(a: tuple[int, ...], b: tuple[int, ...], lone: str) -> None:
    assert elementwise._lone(a, b) == lone


@pytest.mark.parametrize("operator", [qsim.add, qsim.subtract, qsim.mul])
@pytest.mark.parametrize("profile", [WASM, TFLITE, ARM])
@pytest.mark.parametrize("dtype", [s8, u8])
def test_many_pairs_are_computed_as_few(operator: Any, profile: str, dtype: Any) -> None:
    limits = np.iinfo(dtype)
    every = np.arange(limits.min, limits.max + 1, dtype=dtype)
    a, b = np.repeat(every, 256), np.tile(every, 256)
    options = {"a_scale": 0.1, "b_scale": 0.037, "out_scale": 0.09, "a_zero": 3, "out_zero": 5,
               "profile": profile}  # fmt: skip
    whole = operator(np.append(a, a[:1]), np.append(b, b[:1]), **options)
    parts = [operator(a[i : i + 4096], b[i : i + 4096], **options) for i in range(0, a.size, 4096)]
    assert (whole[:-1] == np.concatenate(parts)).all()
    assert whole[-1] == whole[0]


def test_sums_take_limits_and_sixteen_bits() -> None:
    a = codes(-100, 50, 100)
    limited = qsim.add(a, a, **UNIT, profile=TFLITE, low=-20, high=120)
    assert limited.tolist() == [-20, 100, 120]
    wide = codes(30000, -30000, dtype=np.int16)
    assert qsim.add(wide, wide // 3, **UNIT, profile=TFLITE).tolist() == [32767, -32768]
    with pytest.raises(qsim.NotSupported, match="16-bit"):
        qsim.add(wide, wide, **UNIT, profile=X64)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"a": np.array([1.0])}, TypeError, r"a: expected int8, uint8, int16 or uint16 codes, got"),
        ({"b": np.array([1], u8)}, TypeError, r"b: expected int8 as a, got uint8"),
        ({"b": np.zeros(3, s8)}, ValueError, r"a, b: expected shapes that broadcast"),
        ({"a_scale": "x"}, TypeError, r"a_scale: expected real numbers"),
        ({"a_scale": [1.0, 2.0]}, ValueError, r"a_scale: expected one value"),
        ({"b_zero": 0.5}, TypeError, r"b_zero: expected integers"),
        ({"b_zero": 128}, ValueError, r"b_zero.*: expected a code in -128\.\.127, got 128"),
        ({"out_scale": 0.0}, ValueError, r"out_scale: expected a positive finite scale"),
        ({"a_scale": np.nan}, ValueError, r"a_scale: .*got NaN"),
        ({"low": -200}, ValueError, r"low, high"),
    ],
)
@pytest.mark.parametrize("operator", [qsim.add, qsim.subtract, qsim.mul])
def test_operators_of_two_tensors_refuse(
    operator: Any, change: dict[str, Any], error: type[Exception], message: str
) -> None:
    arguments: dict[str, Any] = {"a": codes(1, 2), "b": codes(3, 4), **UNIT, "profile": TFLITE}
    arguments.update(change)
    a, b = arguments.pop("a"), arguments.pop("b")
    with pytest.raises(error, match=message):
        operator(a, b, **arguments)


def test_maxima_and_minima_are_an_engines_own() -> None:
    a, b = codes(20, -5), codes(-30, 7)
    assert maximum(a, b, **UNIT, profile=MNN).tolist() == [20, 7]
    assert minimum(a, b, **UNIT, profile=MNN).tolist() == [-30, -5]
    with pytest.raises(qsim.NotSupported, match="maximum"):
        maximum(a, b, **UNIT, profile=X64)


# ------------------------------------------------------------------------------- functions, softmax


def test_tables_by_name_and_by_value() -> None:
    every = np.arange(-128, 128).astype(s8)
    out = {"out_scale": 2.0**-7, "out_zero": 0}
    named = qsim.lut(every, "tanh", in_scale=0.05, **out, profile=X64)
    reals = np.tanh((every.astype(f32) * f32(0.05)).astype(np.float64)).astype(f32)
    assert (qsim.lut(every, reals, **out, profile=X64) == named).all()
    square = qsim.lut(codes(3, 9, dtype=u8), np.arange(256, dtype=f32) ** 2, out_scale=1.0,
                      profile=TFLITE)  # fmt: skip
    assert square.tolist() == [9, 81]
    signed = qsim.lut(codes(3, dtype=u8), "identity", **SAME, out_dtype="int8", profile=TFLITE)
    assert signed.dtype == s8


def test_leaky_relu_and_recode_take_factors_or_a_table() -> None:
    q = codes(-8, 0, 5)
    for profile in (X64, TFLITE):
        assert qsim.leaky_relu(q, alpha=0.25, **SAME, profile=profile).tolist() == [-2, 0, 5]
        shifted = recode(q, **SAME, out_zero=128, out_dtype="uint8", profile=profile)
        assert shifted.tolist() == [120, 128, 133]
        assert shifted.dtype == u8


def test_softmax_along_any_axis() -> None:
    q = codes(0, 10, 20, 5, 5, 5).reshape(2, 3)
    for profile in (X64, TFLITE, RUY, "tflite.ruy.arm64"):
        rows = qsim.softmax(q, in_scale=0.1, profile=profile)
        assert rows[1].tolist() == [-43, -43, -43]
        columns = qsim.softmax(q.T, in_scale=0.1, axis=0, profile=profile)
        assert (columns == rows.T).all()
    assert qsim.softmax(np.zeros((2, 0), s8), in_scale=1.0, profile=X64).shape == (2, 0)
    assert qsim.softmax(codes(7, 7, dtype=u8), in_scale=1.0, profile=X64).tolist() == [128, 128]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: qsim.lut(codes(1), "gelu", out_scale=1.0, profile=X64), ValueError,
         r"function: expected one of identity, sigmoid, tanh, leaky_relu, or a table"),
        (lambda: qsim.lut(codes(1), np.zeros(255, f32), out_scale=1.0, profile=X64), ValueError,
         r"function: expected 256 values, got 255"),
        (lambda: qsim.lut(codes(1, dtype=np.int16), "tanh", out_scale=1.0, profile=X64),
         qsim.NotSupported, r"16-bit"),
        (lambda: qsim.lut(codes(1), "tanh", out_scale=1.0, out_dtype="int8", out_zero=200,
                          profile=X64), ValueError, r"out_zero: expected a code"),
        (lambda: qsim.leaky_relu(codes(1), alpha=np.inf, **SAME, profile=TFLITE), ValueError,
         r"alpha: expected a finite slope"),
        (lambda: recode(codes(1), in_scale=-1.0, out_scale=1.0, profile=TFLITE), ValueError,
         r"in_scale: expected a positive"),
        (lambda: qsim.softmax(codes(1), in_scale=1.0, axis=1, profile=X64), ValueError,
         r"axis: expected an axis"),
        (lambda: qsim.softmax(np.zeros(2), in_scale=1.0, profile=X64), TypeError,
         r"q: expected int8 or uint8"),
        (lambda: qsim.softmax(codes(1), in_scale=1.0, out_scale=0.5, profile=TFLITE), ValueError,
         r"out_scale, out_zero: expected 1/256 and -128"),
        (lambda: qsim.softmax(codes(1), in_scale=1.0, beta=2.0, profile=X64), qsim.NotSupported,
         r"beta"),
        (lambda: qsim.softmax(codes(1), in_scale=np.nan, profile=X64), ValueError, r"in_scale"),
    ],
)  # fmt: skip
def test_functions_refuse(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


# ------------------------------------------------------------------------------- NPU codes on paper


def test_logarithmic_codes_of_an_npu() -> None:
    row = qsim.profiles[TFLITE].replace_fields({"quantize.vector.scaling": "log2_16"})
    x = np.array([1.0, -1.0, 0.5, 0.0, np.nan, 2.0**-9], f32)
    q = qsim.quantize(x, -127.0, profile=row, dtype="uint8")
    assert q.tolist() == [127, 255, 111, 128, 128, 128]
    back = qsim.dequantize(q, -127.0, profile=row)
    assert back.tolist() == [1.0, -1.0, 0.5, 0.0, 0.0, 0.0]
    signed = qsim.quantize(x, -127.0, profile=row, dtype="int8")
    assert (signed.view(u8) == q).all()
    with pytest.raises(ValueError, match="scale: expected an integer"):
        qsim.quantize(x, 0.5, profile=row, dtype="uint8")
