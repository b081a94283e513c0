"""What the library computes for a PyTorch case: rows by target, operators by public functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import qsim
from ort_vectors import Array
from torch_vectors import TorchCase

NUMPY = {"u8": "uint8", "s8": "int8"}
PRODUCTS = ("linear", "conv2d")


def rows(case: TorchCase, target: str) -> list[str]:
    """The rows that state what `target` does with a case; none where `unruled` says why."""
    if unruled(case, target):
        return []
    cpu, engine = target.rsplit("-", 1)
    isa, _, unit = cpu.partition("-")
    pytorch = f"pytorch-2.13.x64.{'avx512vnni' if unit == 'avx512vnni' else 'avx2'}"
    if case.op == "fbgemm_quantize":
        return [f"fbgemm.{cpu.replace('-', '.')}"]
    if case.op.startswith("quantize_"):
        return [pytorch if isa == "x64" else "pytorch.arm64"]
    if engine == "qnnpack":
        signed = isa == "arm64" and case.input(0).dtype == "s8"
        return ["xnnpack.arm64.qs8" if signed else f"pytorch.{isa}.qnnpack"]
    if engine == "onednn" and case.op in PRODUCTS:
        return [f"onednn-3.x64.{unit}"]
    return [pytorch, f"fbgemm.x64.{unit}"] if case.op in PRODUCTS else [pytorch]


def unruled(case: TorchCase, target: str) -> str:
    """Why no row says what a case gives; empty if one does."""
    cpu, engine = target.rsplit("-", 1)
    signed = case.input(0).dtype == "s8"
    if case.op == "fbgemm_quantize":
        return "" if engine == "fbgemm" else "not of this engine"
    if case.op == "add":
        ruled = engine == "qnnpack" and (not signed or cpu.startswith("arm64"))
        return "" if ruled else "add in binary32 by PyTorch itself"
    if case.op in ("linear_dynamic", "mul", "avg_pool2d", "leaky_relu", "sigmoid", "tanh"):
        return f"{case.op}: the rows have no rule"
    if case.op == "quantize_per_channel" and case.output.scale.size == 1:
        return "an axis of one scale, which qsim takes for a scale of the tensor"
    if case.op.startswith("quantize_") and cpu == "x64-sse":
        return "quantize without AVX2"
    if case.op == "max_pool2d" and engine == "qnnpack" and not signed and skips_edge(case):
        return "QNNPACK: max pooling with dilation repeats the edge instead of padding"
    return unruled_product(case, cpu, engine) if case.op in PRODUCTS else ""


def skips_edge(case: TorchCase) -> bool:
    """Whether a window that leaves the image steps over its edge."""
    pairs = zip(case.attributes["padding"], case.attributes["dilation"], strict=True)
    return any(pad and step > 1 for pad, step in pairs)


def unruled_product(case: TorchCase, cpu: str, engine: str) -> str:
    """The same for linear layers and convolutions."""
    x, w, a = case.input(0), case.input(1), case.attributes
    signed = x.dtype == "s8"
    if engine == "onednn" and cpu == "x64-avx2" and signed and x.zero != 0:
        return "oneDNN: int8 codes with a zero point take an exact kernel"
    if cpu.startswith("arm64") and signed and np.any(w.array == -128):
        return "XNNPACK on Arm: weights of -128 wrap in int16"
    if case.op == "linear":
        return ""
    depth, outputs = w.array.shape[1], w.array.shape[0] // a["groups"]
    if engine == "fbgemm" and cpu == "x64-avx512vnni" and depth == 1:
        own = {(3, 3): [1, 1], (5, 5): [2, 2]}.get(w.array.shape[2:])
        return "FBGEMM: its own depthwise kernels" if a["padding"] == own else ""
    if engine == "onednn":
        return unruled_convolution(cpu, a["groups"], depth, outputs, one_column(case))
    return ""


def unruled_convolution(cpu: str, groups: int, depth: int, outputs: int, column: bool) -> str:
    """The same for oneDNN's convolutions, by channels in and out of a group."""
    if cpu == "x64-avx512" and groups == depth == 1:
        return "oneDNN: one channel, whose kernel columns pair"
    if groups == 1 or depth == outputs == 1 or (depth % 4 == 0 and outputs % 4 == 0):
        return ""
    if cpu != "x64-avx512vnni":
        return "oneDNN: groups of uneven channels"
    return "oneDNN: a defect of single columns" if depth == 1 and column else ""


def one_column(case: TorchCase) -> bool:
    """Whether a convolution steps across and has a single column of results."""
    a, width, kernel = case.attributes, case.input(0).array.shape[3], case.input(1).array.shape[3]
    free = width + 2 * a["padding"][1] - a["dilation"][1] * (kernel - 1) - 1
    return bool(free < a["stride"][1] > 1)


def reciprocal(value: Any) -> Array:
    """fl(1 / value)."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.float32(1) / np.asarray(value, np.float32), np.float32)


def product_scales(case: TorchCase, target: str) -> tuple[float, Array, float, Array | None]:
    """Scales of the input, weights and result, and the bias, as PyTorch hands them to an engine."""
    x, w, y = case.input(0), case.input(1), case.output
    scales = [np.full(1, x.one_scale, np.float32), w.scale, np.full(1, y.one_scale, np.float32)]
    if target.endswith("onednn"):  # reciprocals are kept
        scales = [reciprocal(reciprocal(s)) for s in scales]
    bias = None if case.inputs[2] is None else case.input(2).array
    if target.endswith("qnnpack") and bias is not None:
        unit = reciprocal(np.asarray(scales[0] * scales[1], np.float32))
        codes = np.rint(np.asarray(bias * unit, np.float32)).astype(np.float64)
        bias = np.clip(codes, -(2.0**31), 2.0**31 - 1).astype(np.int32)
    return float(scales[0][0]), scales[1], float(scales[2][0]), bias


def product(case: TorchCase, target: str, row: str) -> Array:
    x, w, y, a = case.input(0), case.input(1), case.output, case.attributes
    x_scale, w_scale, y_scale, bias = product_scales(case, target)
    rest: dict[str, Any] = {
        "bias": bias, "out_scale": y_scale, "out_zero": y.zero, "low": least(case),
        "profile": row,
    }  # fmt: skip
    if case.op == "linear":
        return qsim.gemm(
            x.array, np.ascontiguousarray(w.array.T), lhs_zero=x.zero, lhs_scale=x_scale,
            rhs_zero=w.zero, rhs_scale=w_scale, **rest,
        )  # fmt: skip
    return qsim.conv2d(
        x.array, w.array, x_zero=x.zero, x_scale=x_scale, weight_zero=w.zero,
        weight_scale=w_scale, stride=a["stride"], pads=a["padding"], dilation=a["dilation"],
        groups=a["groups"], **rest,
    )  # fmt: skip


def least(case: TorchCase) -> int | None:
    """The lowest code that a fused relu allows."""
    return case.output.zero if case.attributes.get("relu") else None


def quantize(case: TorchCase, target: str, row: str) -> Array:
    y = case.output
    several = y.scale.size > 1 or case.op == "quantize_per_channel"
    given: dict[str, Any] = {"profile": row, "dtype": NUMPY[y.dtype]}
    x = case.input(0).array
    if several:
        return qsim.quantize(x, y.scale, y.zeros, axis=y.axis, **given)
    return qsim.quantize(x, y.one_scale, y.zero, **given)


def add(case: TorchCase, target: str, row: str) -> Array:
    a, b, y = case.input(0), case.input(1), case.output
    return qsim.add(
        a.array, b.array, a_scale=a.one_scale, a_zero=a.zero, b_scale=b.one_scale, b_zero=b.zero,
        out_scale=y.one_scale, out_zero=y.zero, low=least(case), profile=row,
    )  # fmt: skip


def max_pool(case: TorchCase, target: str, row: str) -> Array:
    a = case.attributes
    return qsim.operators.pool(
        case.input(0).array, "max", kernel=a["kernel_size"], stride=a["stride"],
        pads=a["padding"], dilation=a["dilation"], in_zero=case.input(0).zero,
        in_scale=case.input(0).one_scale, profile=row,
    )  # fmt: skip


OPERATORS: dict[str, Callable[[TorchCase, str, str], Array]] = {
    "linear": product, "conv2d": product, "add": add, "max_pool2d": max_pool,
    "quantize_per_tensor": quantize, "quantize_per_channel": quantize, "fbgemm_quantize": quantize,
}  # fmt: skip


def answer(case: TorchCase, target: str, row: str) -> Array:
    """What the library says `target` answers by `row`."""
    return OPERATORS[case.op](case, target, row)

