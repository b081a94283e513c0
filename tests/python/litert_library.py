"""What the library computes for a LiteRT case: rows by target, operators by public functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import qsim
from litert_vectors import LiteCase, Tensor
from ort_vectors import Array

LIMITS = {"u8": (0, 255), "s8": (-128, 127), "s16": (-32768, 32767)}
NUMPY = {"u8": "uint8", "s8": "int8", "s16": "int16"}
ACTIVATIONS: dict[str, tuple[float | None, float | None]] = {
    "NONE": (None, None), "RELU": (0, None), "RELU6": (0, 6), "RELU_N1_TO_1": (-1, 1),
}  # fmt: skip


def row_name(case: LiteCase, target: str) -> str:
    """The row that states what `target` does with a case."""
    cpu, kernels = target.rsplit("-", 1)
    isa, _, unit = cpu.partition("-")
    legacy = "u8" in (case.types[0], case.output.dtype)
    if target in case.delegated:
        return "xnnpack.x64" if isa == "x64" else f"xnnpack.arm64.{'qu8' if legacy else 'qs8'}"
    suffix = ".u8" if legacy else ""
    if kernels == "reference":
        return f"tflite.ref.{isa}{suffix}"
    # ruy has no kernel for int16 before AVX2.
    portable = unit == "sse" or (unit == "avx" and case.types[0] == "s16")
    special = ".sse" if portable else ".neon" if unit == "neon" else ""
    return f"tflite.ruy.{isa}{special}{suffix}"


def unruled(case: LiteCase, target: str) -> str:
    """Why no row says what a case gives; empty if one does."""
    wide = case.types[0] == "s16"
    if case.op in ("PAD", "CONCATENATION"):
        return "moves codes"
    if wide and case.op in ("LOGISTIC", "TANH", "SOFTMAX"):
        return "16-bit tables"
    if case.op in ("LOGISTIC", "TANH") and target in case.delegated:
        return "tables of XNNPACK"
    if case.op == "DEPTHWISE_CONV_2D" and shifts_late(case, target):
        return "factor of 1 or more in the 3x3 kernel for arm64, which shifts left after rounding"
    if target.startswith("x64-sse") and case.op == "MEAN" and target in case.delegated:
        count = math.prod(case.input(0).array.shape[int(a)] for a in case.input(1).array)
        return "int16 partial sums before AVX2" if count > 255 else ""
    return ""


def shifts_late(case: LiteCase, target: str) -> bool:
    """Whether the arm64 kernel for 3x3 taps takes a depthwise convolution and rounds before a left
    shift: optimized/depthwiseconv_3x3_filter_common.h, Fast3x3FilterKernelSupported."""
    optimized = target.startswith("arm64") and not target.endswith("reference")
    if not optimized or target in case.delegated or case.types[0] != "s8":
        return False
    x, w, a = case.input(0), case.input(1), case.attributes
    stride, (low, _) = a["stride_h"], window_pads(case, w.array.shape[1:3])[0]
    return bool(
        w.array.shape[1:3] == (3, 3)
        and x.array.shape[3] % 8 == 0
        and stride == a["stride_w"] <= 2
        and low <= 1
        and a["depth_multiplier"] == a["dilation_h_factor"] == a["dilation_w_factor"] == 1
        and float(np.max(w.scale)) * x.one_scale >= case.output.one_scale
    )


def limits(case: LiteCase, delegated: bool) -> dict[str, int]:
    """Codes that the fused activation allows. XNNPACK rounds them as it rounds values."""
    low, high = LIMITS[case.output.dtype]
    scale, zero = case.output.scale[0], case.output.zero

    def code(value: float) -> int:
        ratio = np.float32(value) / scale
        if delegated:
            return int(np.rint(np.float32(ratio + np.float32(zero))))
        return zero + int(math.copysign(math.floor(abs(float(ratio)) + 0.5), ratio))

    least, most = ACTIVATIONS[case.attributes.get("fused_activation_function", "NONE")]
    return {
        "low": low if least is None else max(low, code(least)),
        "high": high if most is None else min(high, code(most)),
    }


def window_pads(case: LiteCase, kernel: tuple[int, ...]) -> list[tuple[int, int]]:
    """Rows, then columns, before and after the image."""
    a = case.attributes
    pads = []
    for axis, letter in enumerate("hw"):
        size, stride = case.input(0).array.shape[1 + axis], a[f"stride_{letter}"]
        extent = (kernel[axis] - 1) * a.get(f"dilation_{letter}_factor", 1) + 1
        total = max((-(-size // stride) - 1) * stride + extent - size, 0)
        total = total if a["padding"] == "SAME" else 0
        pads.append((total // 2, total - total // 2))
    return pads


def begins_and_ends(pads: list[tuple[int, int]]) -> list[int]:
    return [p[0] for p in pads] + [p[1] for p in pads]


# --- products -------------------------------------------------------------------------------------


def product_scales(case: LiteCase, weight_scale: Array, delegated: bool) -> dict[str, Any]:
    """The result's part of a product's arguments. Kernels read a missing bias as zeros of 32
    bits."""
    bias = case.inputs[2]
    count = weight_scale.size if bias is None else bias.array.size
    return {
        "bias": np.zeros(count, np.int32) if bias is None else bias.array,
        "out_scale": case.output.one_scale,
        "out_zero": case.output.zero,
        **limits(case, delegated),
    }


def convolution(case: LiteCase, row: str, delegated: bool) -> Array:
    x, w, a = case.input(0), case.input(1), case.attributes
    depthwise = case.op == "DEPTHWISE_CONV_2D"
    filters = w.array.transpose((3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
    image = np.ascontiguousarray(x.array.transpose(0, 3, 1, 2))
    outputs = filters.shape[0]
    # Convolutions of int8 copy a single scale to all channels before they compute factors.
    copies = outputs if w.dtype == "s8" and w.scale.size == 1 else w.scale.size
    scale = np.broadcast_to(w.scale, (copies,))
    options: dict[str, Any] = {
        "profile": row, "x_zero": x.zero, "weight_zero": w.zero,
        "stride": (a["stride_h"], a["stride_w"]),
        "pads": begins_and_ends(window_pads(case, w.array.shape[1:3])),
        "dilation": (a["dilation_h_factor"], a["dilation_w_factor"]),
        "groups": image.shape[1] // filters.shape[1],
    }  # fmt: skip
    result = product_scales(case, np.empty(outputs), delegated)
    filters = np.ascontiguousarray(filters)
    grouped = not depthwise and options["groups"] > 1  # also with one channel per group
    if not grouped and (not depthwise or outputs == image.shape[1] > 1):
        codes = qsim.conv2d(
            image, filters, x_scale=x.one_scale, weight_scale=scale, **options, **result
        )
    else:
        wide = result["bias"].dtype == np.int64
        kind = "wide" if wide else "grouped" if grouped else "depthwise"
        sums = qsim.operators.accumulate_conv(image, filters, **options)
        sums = sums if wide else sums.astype(np.int32)
        codes = qsim.requantize(
            sums, profile=row, lhs_scale=x.one_scale, rhs_scale=scale,
            out_dtype=NUMPY[case.output.dtype], axis=1, kind=kind,
            **result,
        )  # fmt: skip
    return codes.transpose(0, 2, 3, 1)


def fully_connected(case: LiteCase, row: str, delegated: bool) -> Array:
    x, w = case.input(0), case.input(1)
    rest = product_scales(case, np.empty(w.array.shape[0]), delegated)
    return qsim.gemm(
        x.array, np.ascontiguousarray(w.array.T), profile=row, lhs_zero=x.zero, rhs_zero=w.zero,
        lhs_scale=x.one_scale, rhs_scale=w.scale, **rest,
    )  # fmt: skip


# --- others ---------------------------------------------------------------------------------------


def binary(case: LiteCase, row: str, delegated: bool) -> Array:
    function = {"ADD": qsim.add, "SUB": qsim.operators.subtract, "MUL": qsim.mul}[case.op]
    a, b = case.input(0), case.input(1)
    return function(
        a.array, b.array, a_scale=a.one_scale, a_zero=a.zero, b_scale=b.one_scale, b_zero=b.zero,
        out_scale=case.output.one_scale, out_zero=case.output.zero, profile=row,
        **limits(case, delegated),
    )  # fmt: skip


def pool(case: LiteCase, row: str, delegated: bool) -> Array:
    a = case.attributes
    kernel = (a["filter_height"], a["filter_width"])
    return qsim.operators.pool(
        case.input(0).array, "max" if case.op == "MAX_POOL_2D" else "average", kernel=kernel,
        stride=(a["stride_h"], a["stride_w"]), pads=begins_and_ends(window_pads(case, kernel)),
        in_zero=case.input(0).zero, in_scale=case.input(0).one_scale, channels_last=True,
        profile=row, **limits(case, delegated),
    )  # fmt: skip


def between(x: Tensor, y: Tensor) -> dict[str, Any]:
    """Scales and zero points of an operator with one input."""
    return {"in_scale": x.one_scale, "in_zero": x.zero, "out_scale": y.one_scale,
            "out_zero": y.zero}  # fmt: skip


def mean(case: LiteCase, row: str, delegated: bool) -> Array:
    axes = [int(a) for a in case.input(1).array]
    keep = bool(case.attributes["keep_dims"])
    x = case.input(0)
    return qsim.operators.mean(
        x.array, axes=axes, keepdims=keep, profile=row, **between(x, case.output)
    )


def leaky_relu(case: LiteCase, row: str, delegated: bool) -> Array:
    x, alpha = case.input(0), float(np.float32(case.attributes["alpha"]))
    return qsim.operators.leaky_relu(x.array, alpha=alpha, profile=row, **between(x, case.output))


def softmax(case: LiteCase, row: str, delegated: bool) -> Array:
    x, beta = case.input(0), float(np.float32(case.attributes["beta"]))
    return qsim.softmax(x.array, beta=beta, profile=row, **between(x, case.output))


def table(case: LiteCase, row: str, delegated: bool) -> Array:
    function = {"LOGISTIC": "sigmoid", "TANH": "tanh"}[case.op]
    x = case.input(0)
    return qsim.lut(x.array, function, profile=row, **between(x, case.output))


def quantize(case: LiteCase, row: str, delegated: bool) -> Array:
    x, y = case.input(0), case.output
    dtype: Any = NUMPY[y.dtype]
    if x.dtype == "f32":
        return qsim.quantize(
            x.array, y.scale, np.full(y.scale.shape, y.zero), profile=row, dtype=dtype,
            axis=y.axis if y.scale.size > 1 else None,
        )  # fmt: skip
    return qsim.operators.recode(x.array, profile=row, out_dtype=dtype, **between(x, y))


def dequantize(case: LiteCase, row: str, delegated: bool) -> Array:
    x = case.input(0)
    return qsim.dequantize(x.array, x.one_scale, x.zero, profile=row)


OPERATORS: dict[str, Callable[[LiteCase, str, bool], Array]] = {
    "CONV_2D": convolution, "DEPTHWISE_CONV_2D": convolution, "FULLY_CONNECTED": fully_connected,
    "ADD": binary, "SUB": binary, "MUL": binary, "AVERAGE_POOL_2D": pool, "MAX_POOL_2D": pool,
    "MEAN": mean, "LEAKY_RELU": leaky_relu, "SOFTMAX": softmax, "LOGISTIC": table, "TANH": table,
    "QUANTIZE": quantize, "DEQUANTIZE": dequantize,
}  # fmt: skip


def answer(case: LiteCase, target: str) -> Array:
    """What the library says `target` answers, in the engine's layout."""
    return OPERATORS[case.op](case, row_name(case, target), target in case.delegated)
