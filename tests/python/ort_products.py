"""Recorded products of ONNX Runtime as calls of a court: matrix products and convolutions.

The mapping from a node to arithmetic is written once; the oracle and the library both answer it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from ort_vectors import Array, Case, mismatches
from qsim import oracle
from qsim.oracle import product, quantizer, rescale, window

Row = Mapping[str, Any]

FAMILIES = ("matmulinteger", "qlinearmatmul", "qlinearconv", "qgemm")
TYPES = {"uint8": "u8", "int8": "s8"}


class Court(Protocol):
    """The arithmetic of products, which the mapping puts together to operators.

    Operands are uint8 or int8 arrays, accumulators int32, scales binary32.
    """

    def matmul(self, lhs: Array, rhs: Array, lhs_zero: int, rhs_zeros: Array) -> Array:
        """Accumulators of lhs [M, K] times rhs [K, N]; rhs_zeros is a scalar or [N]."""

    def convolution(
        self,
        x: Array,
        w: Array,
        *,
        x_zero: int,
        w_zeros: Array,
        strides: Sequence[int] | None,
        pads: Sequence[int] | None,
        dilations: Sequence[int] | None,
        groups: int,
        bias: Array | None,
        constant_filter: bool,
        integer: bool,
    ) -> Array:
        """Accumulators [batch, out, ...] of x [batch, in, ...], w [out, in/groups, ...]."""

    def requantize(
        self, acc: Array, x_scale: Array, w_scales: Array, y_scale: Array, zero: Array, axis: int
    ) -> Array:
        """Codes of the zero point's type; w_scales is a scalar or runs along `axis`."""

    def real(self, acc: Array, x_scale: Array, w_scales: Array, bias: Array | None) -> Array:
        """binary32 numbers [M, N] of accumulators, scales multiplied first, bias [N] added last."""

    def dynamic_quantize(self, x: Array) -> tuple[Array, Array, Array]:
        """uint8 codes, scale and zero point of real numbers, chosen from the numbers."""


class OracleCourt:
    """The oracle under one row."""

    def __init__(self, row: Row) -> None:
        self.row = row

    def matmul(self, lhs: Array, rhs: Array, lhs_zero: int, rhs_zeros: Array) -> Array:
        zeros = np.broadcast_to(rhs_zeros, rhs.shape[1]).tolist()
        types = TYPES[lhs.dtype.name], TYPES[rhs.dtype.name]
        result = product.matmul(self.row, *types, lhs.tolist(), rhs.tolist(), lhs_zero, zeros)
        return np.array(result, np.int32).reshape(len(lhs), rhs.shape[1])

    def convolution(
        self,
        x: Array,
        w: Array,
        *,
        x_zero: int,
        w_zeros: Array,
        strides: Sequence[int] | None,
        pads: Sequence[int] | None,
        dilations: Sequence[int] | None,
        groups: int,
        bias: Array | None,
        constant_filter: bool,
        integer: bool,
    ) -> Array:
        result = window.convolution(
            self.row, TYPES[x.dtype.name], TYPES[w.dtype.name], x, w,
            x_zero=x_zero, w_zeros=np.broadcast_to(w_zeros, len(w)).tolist(),
            strides=strides, pads=pads, dilations=dilations, groups=groups,
            bias=None if bias is None else bias.tolist(),
            constant_filter=constant_filter, integer=integer,
        )  # fmt: skip
        return np.array(result.data, np.int32).reshape(result.shape)

    def requantize(
        self, acc: Array, x_scale: Array, w_scales: Array, y_scale: Array, zero: Array, axis: int
    ) -> Array:
        rule, mode = self.row["requant"], self.row["float_mode"]
        limits = rescale.Limits.of(TYPES[zero.dtype.name])
        along = [1] * acc.ndim
        along[axis] = -1
        scales = np.broadcast_to(pattern(w_scales).reshape(along), acc.shape)
        x, y, z = int(pattern(x_scale)), int(pattern(y_scale)), int(zero)
        factors = {
            s: rescale.effective_factor(rule, x, s, y, mode) for s in np.unique(scales).tolist()
        }
        pairs = list(zip(acc.ravel().tolist(), scales.ravel().tolist(), strict=True))
        codes = {
            (a, s): rescale.scaled(rule, mode, a, factors[s], z, limits) for a, s in set(pairs)
        }
        return np.array([codes[pair] for pair in pairs], zero.dtype).reshape(acc.shape)

    def real(self, acc: Array, x_scale: Array, w_scales: Array, bias: Array | None) -> Array:
        columns = acc.shape[1]
        scales = np.broadcast_to(pattern(w_scales).ravel(), columns).tolist()
        offsets = [None] * columns if bias is None else pattern(bias).tolist()
        values = [
            rescale.real(self.row, a, int(pattern(x_scale)), s, b)
            for line in acc.tolist()
            for a, s, b in zip(line, scales, offsets, strict=True)
        ]
        return np.array(values, np.uint32).view(np.float32).reshape(acc.shape)

    def dynamic_quantize(self, x: Array) -> tuple[Array, Array, Array]:
        result = quantizer.dynamic_quantize(self.row, oracle.tensor(pattern(x)))
        codes = np.array(result.codes.data, np.uint8).reshape(x.shape)
        scale = np.array(result.scale, np.uint32).view(np.float32)
        return codes, scale, np.array(result.zero, np.uint8)


def pattern(x: Array) -> Array:
    """Bit patterns of binary32 numbers."""
    return np.ascontiguousarray(x, np.float32).view(np.uint32).reshape(np.shape(x))


def run(case: Case, court: Court) -> dict[str, Array]:
    """What `court` answers to a case, by output name."""
    return {
        "MatMulInteger": _matmul_integer,
        "QLinearMatMul": _qlinear_matmul,
        "QLinearConv": _qlinear_conv,
        "ConvInteger": _conv_integer,
        "QGemm": _qgemm,
        "MatMulIntegerToFloat": _matmul_integer_to_float,
        "DynamicQuantizeMatMul": _dynamic_quantize_matmul,
    }[case.op](case, court)


def differing(case: Case, court: Court, target: str) -> dict[str, tuple[int, int]]:
    """(elements that differ from what `target` answered, all elements) by output name."""
    got = run(case, court)
    return {
        name: (mismatches(np.ascontiguousarray(got[name]), answers[target]), answers[target].size)
        for name, answers in case.outputs.items()
        if target in answers
    }


def _zero(case: Case, name: str) -> Array:
    """A zero point: [] or [columns]; 0 if omitted."""
    zero = case.get(name)
    if zero is None:
        return np.zeros((), np.int32)
    return zero.reshape(()) if zero.size == 1 else zero.reshape(-1)


def _batched(court: Court, a: Array, b: Array, a_zero: Array, b_zero: Array) -> Array:
    """Matrix products of NumPy's shape rules: 1-D operands, leading axes."""
    lhs = a[None, :] if a.ndim == 1 else a
    rhs = b[:, None] if b.ndim == 1 else b
    lead = np.broadcast_shapes(lhs.shape[:-2], rhs.shape[:-2])
    left = np.broadcast_to(lhs, (*lead, *lhs.shape[-2:])).reshape(-1, *lhs.shape[-2:])
    right = np.broadcast_to(rhs, (*lead, *rhs.shape[-2:])).reshape(-1, *rhs.shape[-2:])
    parts = [court.matmul(m, n, int(a_zero), b_zero) for m, n in zip(left, right, strict=True)]
    full = np.stack(parts).reshape(*lead, lhs.shape[-2], rhs.shape[-1])
    if a.ndim == 1:
        full = full[..., 0, :]
    return full[..., 0] if b.ndim == 1 else full


def _matmul_integer(case: Case, court: Court) -> dict[str, Array]:
    a, b = case.inputs["A"].array, case.inputs["B"].array
    zeros = _zero(case, "a_zero_point"), _zero(case, "b_zero_point")
    return {"Y": _batched(court, a, b, *zeros)}


def _qlinear_matmul(case: Case, court: Court) -> dict[str, Array]:
    a, b = case.inputs["a"].array, case.inputs["b"].array
    acc = _batched(court, a, b, _zero(case, "a_zero_point"), _zero(case, "b_zero_point"))
    scales = [case.inputs[f"{name}_scale"].array for name in "aby"]
    return {"y": court.requantize(acc, *scales, _zero(case, "y_zero_point"), acc.ndim - 1)}


def _convolution(case: Case, court: Court, integer: bool) -> Array:
    given = case.attributes
    return court.convolution(
        case.inputs["x"].array, case.inputs["w"].array,
        x_zero=int(_zero(case, "x_zero_point")), w_zeros=_zero(case, "w_zero_point"),
        strides=given.get("strides"), pads=given.get("pads"), dilations=given.get("dilations"),
        groups=given.get("group", 1), bias=case.get("B"),
        constant_filter=case.inputs["w"].constant, integer=integer,
    )  # fmt: skip


def _qlinear_conv(case: Case, court: Court) -> dict[str, Array]:
    acc = _convolution(case, court, integer=False)
    scales = [case.inputs[f"{name}_scale"].array for name in "xwy"]
    return {"y": court.requantize(acc, *scales, _zero(case, "y_zero_point"), 1)}


def _conv_integer(case: Case, court: Court) -> dict[str, Array]:
    return {"y": _convolution(case, court, integer=True)}


def _scaled(x: Array, factor: float) -> Array:
    with np.errstate(all="ignore"):
        return np.float32(factor) * x.astype(np.float32)


def _qgemm(case: Case, court: Court) -> dict[str, Array]:
    given = case.attributes
    a, b = case.inputs["A"].array, case.inputs["B"].array
    a, b = (a.T if given["transA"] else a), (b.T if given["transB"] else b)
    acc = court.matmul(a, b, int(_zero(case, "a_zero_point")), _zero(case, "b_zero_point"))
    bias = case.get("C")
    if bias is not None:
        acc = acc + bias  # int32 wraps
    scales = _scaled(case.inputs["a_scale"].array, given["alpha"]), case.inputs["b_scale"].array
    if "y_scale" not in case.inputs:
        return {"Y": court.real(acc, *scales, None)}
    y = case.inputs["y_scale"].array
    return {"Y": court.requantize(acc, *scales, y, _zero(case, "y_zero_point"), 1)}


def _matmul_integer_to_float(case: Case, court: Court) -> dict[str, Array]:
    a, b = case.inputs["A"].array, case.inputs["B"].array
    acc = court.matmul(a, b, int(_zero(case, "a_zero_point")), _zero(case, "b_zero_point"))
    scales = case.inputs["a_scale"].array, case.inputs["b_scale"].array
    return {"Y": court.real(acc, *scales, case.get("bias"))}


def _dynamic_quantize_matmul(case: Case, court: Court) -> dict[str, Array]:
    codes, scale, zero = court.dynamic_quantize(case.inputs["A"].array)
    acc = court.matmul(codes, case.inputs["B"].array, int(zero), _zero(case, "b_zero_point"))
    return {"Y": court.real(acc, scale, case.inputs["b_scale"].array, case.get("bias"))}
