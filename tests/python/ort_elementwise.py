"""Recorded quantizers and operators on codes as calls of a court: any implementation of a row.

Families quantizelinear, dequantizelinear, dynamicquantizelinear and qlinearops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ort_vectors import Array, Case
from qsim.oracle import arithmetic, pooling, quantizer, softmax_table, tables
from qsim.oracle.tensor import Tensor

FAMILIES = ("quantizelinear", "dequantizelinear", "dynamicquantizelinear", "qlinearops")

NUMPY = {"u4": np.uint8, "s4": np.int8, "u8": np.uint8, "s8": np.int8, "u16": np.uint16,
         "s16": np.int16}  # fmt: skip


@dataclass(frozen=True)
class Scaled:
    """Scale (binary32) and zero point of a tensor of codes."""

    scale: np.float32
    zero: int


@dataclass(frozen=True)
class Layout:
    """Where scales belong: to the tensor, to the indices or to the blocks of an axis."""

    axis: int | None = None
    block: int = 0


@dataclass(frozen=True)
class Pool:
    """A window over the spatial axes; padding before and after."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    begin: tuple[int, ...]
    end: tuple[int, ...]
    ceil_mode: bool
    count_include_pad: bool


class Court(Protocol):
    """Operators by one row. Codes are arrays of their type, 4-bit ones one per byte."""

    def quantize(
        self, x: Array, scale: Array, zero: Array, code_type: str, layout: Layout
    ) -> Array:
        """Codes of a binary32 or binary16 x; scale has x's type, zero the codes' values."""

    def dequantize(
        self, codes: Array, scale: Array, zero: Array, code_type: str, layout: Layout
    ) -> Array:
        """Real values of scale's type."""

    def dynamic_quantize(self, x: Array) -> tuple[Array, np.float32, int]:
        """Codes, scale, zero point."""

    def add(self, a: Array, b: Array, q_a: Scaled, q_b: Scaled, q_out: Scaled) -> Array:
        """Codes of a + b, broadcast."""

    def mul(self, a: Array, b: Array, q_a: Scaled, q_b: Scaled, q_out: Scaled) -> Array:
        """Codes of a * b, broadcast."""

    def average_pool(self, x: Array, pool: Pool, q_in: Scaled, q_out: Scaled) -> Array:
        """Means of windows of x [batch, channel, spatial axes ...]."""

    def global_average_pool(self, x: Array, q_in: Scaled, q_out: Scaled) -> Array:
        """Means of whole images of x [batch, channel, spatial axes ...]."""

    def table(
        self, function: str, codes: Array, q_in: Scaled, q_out: Scaled, alpha: np.float32
    ) -> Array:
        """sigmoid or leaky_relu of codes."""

    def softmax(self, rows: Array, q_in: Scaled, q_out: Scaled) -> Array:
        """Softmax along the last axis."""

    def concat(
        self, parts: Sequence[Array], axis: int, q_in: Sequence[Scaled], q_out: Scaled
    ) -> Array:
        """Parts joined along an axis in the scale of the result."""


def answers(case: Case, court: Court) -> dict[str, Array]:
    """What a court answers to a case, by output name."""
    return OPERATORS[case.op](case, court)


# --------------------------------------------------------------------------------------- operands


def number(case: Case, name: str) -> Any:
    array = case.get(name)
    assert array is not None, f"{case.id} has no {name}"
    return array.reshape(-1)[0]


def scaled(case: Case, name: str) -> Scaled:
    """Scale and zero point of a tensor, 0 if omitted."""
    zero = case.get(f"{name}_zero_point")
    scale = np.float32(number(case, f"{name}_scale"))
    return Scaled(scale, 0 if zero is None else int(zero.reshape(-1)[0]))


def layout_of(case: Case, scale: Array) -> Layout:
    block = int(case.attributes.get("block_size", 0))
    if scale.size == 1 and block == 0:
        return Layout()
    return Layout(int(case.attributes.get("axis", 1)), block)


def channels_first(x: Array, case: Case) -> Array:
    return np.moveaxis(x, -1, 1) if case.attributes.get("channels_last") else x


def as_given(y: Array, case: Case) -> Array:
    return np.moveaxis(y, 1, -1) if case.attributes.get("channels_last") else y


# -------------------------------------------------------------------------------------- operators


def quantize_linear(case: Case, court: Court) -> dict[str, Array]:
    x, scale, zero = (case.get(n) for n in ("x", "y_scale", "y_zero_point"))
    assert x is not None
    assert scale is not None
    code_type = case.inputs["y_zero_point"].dtype if zero is not None else "u8"
    if zero is None:
        zero = np.zeros(scale.shape, NUMPY[code_type])
    return {"y": court.quantize(x, scale, zero, code_type, layout_of(case, scale))}


def dequantize_linear(case: Case, court: Court) -> dict[str, Array]:
    x, scale, zero = (case.get(n) for n in ("x", "x_scale", "x_zero_point"))
    assert x is not None
    assert scale is not None
    if zero is None:
        zero = np.zeros(scale.shape, x.dtype)
    code_type = case.inputs["x"].dtype
    return {"y": court.dequantize(x, scale, zero, code_type, layout_of(case, scale))}


def dynamic_quantize_linear(case: Case, court: Court) -> dict[str, Array]:
    x = case.get("x")
    assert x is not None
    codes, scale, zero = court.dynamic_quantize(x)
    return {
        "y": codes,
        "y_scale": np.asarray(scale, np.float32),
        "y_zero_point": np.asarray(zero, np.uint8),
    }


def binary(case: Case, court: Court) -> dict[str, Array]:
    a, b = case.get("A"), case.get("B")
    assert a is not None
    assert b is not None
    operator = {"QLinearAdd": court.add, "QLinearMul": court.mul}[case.op]
    return {"C": operator(a, b, scaled(case, "A"), scaled(case, "B"), scaled(case, "C"))}


def average_pool(case: Case, court: Court) -> dict[str, Array]:
    x, attributes = case.get("X"), case.attributes
    assert x is not None
    kernel = tuple(attributes["kernel_shape"])
    n = len(kernel)
    pads = tuple(attributes.get("pads", (0,) * 2 * n))
    pool = Pool(
        kernel, tuple(attributes.get("strides", (1,) * n)), pads[:n], pads[n:],
        bool(attributes.get("ceil_mode", 0)), bool(attributes.get("count_include_pad", 0)),
    )  # fmt: skip
    y = court.average_pool(channels_first(x, case), pool, scaled(case, "x"), scaled(case, "y"))
    return {"Y": as_given(y, case)}


def global_average_pool(case: Case, court: Court) -> dict[str, Array]:
    x = case.get("X")
    assert x is not None
    y = court.global_average_pool(channels_first(x, case), scaled(case, "x"), scaled(case, "y"))
    return {"Y": as_given(y, case)}


def activation(case: Case, court: Court) -> dict[str, Array]:
    x = case.get("X")
    assert x is not None
    function = {"QLinearSigmoid": "sigmoid", "QLinearLeakyRelu": "leaky_relu"}[case.op]
    alpha = np.float32(case.attributes.get("alpha", 0.01))
    return {"Y": court.table(function, x, scaled(case, "X"), scaled(case, "Y"), alpha)}


def softmax(case: Case, court: Court) -> dict[str, Array]:
    x = case.get("X")
    assert x is not None
    q_in, q_out = Scaled(np.float32(number(case, "X_scale")), 0), scaled(case, "y")
    axis = case.attributes.get("axis", -1)
    if case.attributes["opset"] < 13:  # everything from the axis on is one row
        rows = x.reshape((*x.shape[: axis % x.ndim], -1))
        return {"Y": court.softmax(rows, q_in, q_out).reshape(x.shape)}
    rows = np.moveaxis(x, axis, -1)
    return {"Y": np.moveaxis(court.softmax(rows, q_in, q_out), -1, axis)}


def concat(case: Case, court: Court) -> dict[str, Array]:
    names = [n for n in case.inputs if n.startswith("X") and "_" not in n]
    parts = [case.inputs[n].array for n in names]
    q_in = [scaled(case, n) for n in names]
    return {"Y": court.concat(parts, case.attributes["axis"], q_in, scaled(case, "Y"))}


OPERATORS: dict[str, Callable[[Case, Court], dict[str, Array]]] = {
    "QuantizeLinear": quantize_linear,
    "DequantizeLinear": dequantize_linear,
    "DynamicQuantizeLinear": dynamic_quantize_linear,
    "QLinearAdd": binary,
    "QLinearMul": binary,
    "QLinearAveragePool": average_pool,
    "QLinearGlobalAveragePool": global_average_pool,
    "QLinearSigmoid": activation,
    "QLinearLeakyRelu": activation,
    "QLinearSoftmax": softmax,
    "QLinearConcat": concat,
}


# ----------------------------------------------------------------------------------------- oracle


def tensor(x: Array) -> Tensor:
    """An array's codes, or the patterns of its floats."""
    words = x.view(f"u{x.dtype.itemsize}") if x.dtype.kind == "f" else x
    return Tensor(x.shape, words.reshape(-1).tolist())


def array(t: Tensor, dtype: Any) -> Array:
    kind = np.dtype(dtype)
    words = np.array(t.data, f"u{kind.itemsize}" if kind.kind == "f" else kind)
    return words.view(kind).reshape(t.shape)


def pattern(x: np.float32) -> int:
    return int(np.asarray(x, np.float32).view(np.uint32))


def affine(q: Scaled) -> quantizer.Affine:
    return quantizer.Affine(pattern(q.scale), q.zero)


def code_type_of(x: Array) -> str:
    return {"u": "u", "i": "s"}[x.dtype.kind] + str(8 * x.dtype.itemsize)


class OracleCourt:
    """The oracle's answers by one row."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.row = row

    def quantize(
        self, x: Array, scale: Array, zero: Array, code_type: str, layout: Layout
    ) -> Array:
        codes = quantizer.quantize(
            self.row, tensor(x), tensor(scale).data, tensor(zero).data, code_type,
            axis=layout.axis, block=layout.block, half=x.dtype == np.float16,
        )  # fmt: skip
        return array(codes, NUMPY[code_type])

    def dequantize(
        self, codes: Array, scale: Array, zero: Array, code_type: str, layout: Layout
    ) -> Array:
        real = quantizer.dequantize(
            self.row, tensor(codes), tensor(scale).data, tensor(zero).data,
            axis=layout.axis, block=layout.block, half=scale.dtype == np.float16,
            code_type=code_type,
        )  # fmt: skip
        return array(real, scale.dtype)

    def dynamic_quantize(self, x: Array) -> tuple[Array, np.float32, int]:
        result = quantizer.dynamic_quantize(self.row, tensor(x))
        scale = np.array(result.scale, np.uint32).view(np.float32)[()]
        return array(result.codes, np.uint8), scale, result.zero

    def add(self, a: Array, b: Array, q_a: Scaled, q_b: Scaled, q_out: Scaled) -> Array:
        q = (affine(q_a), affine(q_b), affine(q_out))
        y = arithmetic.add(self.row, tensor(a), tensor(b), q, code_type_of(a))
        return array(y, a.dtype)

    def mul(self, a: Array, b: Array, q_a: Scaled, q_b: Scaled, q_out: Scaled) -> Array:
        q = (affine(q_a), affine(q_b), affine(q_out))
        y = arithmetic.mul(self.row, tensor(a), tensor(b), q, code_type_of(a))
        return array(y, a.dtype)

    def average_pool(self, x: Array, pool: Pool, q_in: Scaled, q_out: Scaled) -> Array:
        window = pooling.Window(**vars(pool))
        q = (affine(q_in), affine(q_out))
        return array(pooling.average(self.row, tensor(x), window, *q, code_type_of(x)), x.dtype)

    def global_average_pool(self, x: Array, q_in: Scaled, q_out: Scaled) -> Array:
        q = (affine(q_in), affine(q_out))
        return array(pooling.global_average(self.row, tensor(x), *q, code_type_of(x)), x.dtype)

    def table(
        self, function: str, codes: Array, q_in: Scaled, q_out: Scaled, alpha: np.float32
    ) -> Array:
        entries = tables.table(
            self.row, function, affine(q_in), affine(q_out), code_type_of(codes),
            alpha=pattern(alpha),
        )  # fmt: skip
        return array(tables.look_up(tensor(codes), entries), codes.dtype)

    def softmax(self, rows: Array, q_in: Scaled, q_out: Scaled) -> Array:
        q, code_type = (affine(q_in), affine(q_out)), code_type_of(rows)
        flat = rows.reshape(-1, rows.shape[-1]).tolist()
        codes = [softmax_table.softmax(self.row, r, *q, code_type) for r in flat]
        return np.array(codes, rows.dtype).reshape(rows.shape)

    def concat(
        self, parts: Sequence[Array], axis: int, q_in: Sequence[Scaled], q_out: Scaled
    ) -> Array:
        q, code_type = [affine(s) for s in q_in], code_type_of(parts[0])
        whole = [tensor(p) for p in parts]
        return array(
            tables.concat(self.row, whole, axis, q, affine(q_out), code_type), parts[0].dtype
        )
