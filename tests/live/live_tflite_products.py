"""Random TFLite cases of CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from live_cases import NUMPY, RANGE, Array, Case, Draw, Operand, Quant, Result

ACTIVATIONS = ("NONE", "NONE", "RELU", "RELU6", "RELU_N1_TO_1")
WEIGHT = {"s8": "s8", "s16": "s8", "u8": "u8"}  # by the type of the activations


def fitted(draw: Draw, dtype: str, real: Array, symmetric: bool) -> Quant:
    """Parameters that spread real results over the output type; may make exact ties."""
    low, high = RANGE[dtype]
    top = max(float(real.max()), 1e-6)
    bottom = min(float(real.min()), -1e-6)
    if symmetric:
        top = max(top, -bottom)
        bottom = -top
    scale = (top - bottom) / (high - low) * draw.pick(1.0, 1.0, 0.7, 1.5)
    if draw.chance(0.3):
        scale = 2.0 ** round(math.log2(scale))
    zero = 0 if symmetric else min(max(round(low - bottom / scale), low), high)
    return Quant([np.float32(scale)], [zero])


def activation(draw: Draw, dtype: str, shape: tuple[int, ...], data: str) -> Operand:
    zero = 0 if dtype == "s16" else draw.zero_point(dtype)
    quant = Quant([draw.scale(-8, 0)], [zero])
    return Operand("x", dtype, draw.values(dtype, shape, data), constant=False, quant=quant)


def weight(draw: Draw, dtype: str, shape: tuple[int, ...], data: str, axis: int) -> Operand:
    """Signed weights keep clear of -128, as the specification of the format asks."""
    values = draw.values(dtype, shape, data)
    if dtype == "u8":
        return Operand(
            "w", dtype, values, quant=Quant([draw.scale()], [draw.zero_point("u8", 0.5)])
        )
    values = np.maximum(values, -127).astype(np.int8)
    count = shape[axis] if draw.chance(0.7) else 1
    return Operand("w", dtype, values, quant=Quant(draw.scales(count, -9, -2), [0] * count, axis))


def centred(operand: Operand) -> Array:
    assert operand.quant is not None
    return operand.array.astype(np.int64) - operand.quant.zero_point[0]


def bias(draw: Draw, x: Operand, w: Operand, sums: Array, dtype: str) -> Operand:
    """At most half as large as the largest sum, with the product of the scales."""
    assert x.quant is not None
    assert w.quant is not None
    reach = max(1, int(np.abs(sums).max()) // 2)
    values = draw.rng.integers(-reach, reach + 1, sums.shape[-1]).astype(NUMPY[dtype])
    scale = [np.float32(float(x.quant.scale[0]) * float(s)) for s in w.quant.scale]
    return Operand("b", dtype, values, quant=Quant(scale, [0] * len(scale)))


def product(
    id: str, draw: Draw, op: str, x: Operand, w: Operand, sums: Array, attributes: dict[str, Any]
) -> Case:
    """Completes a case: bias, output parameters, activation."""
    assert x.quant is not None
    assert w.quant is not None
    inputs: list[Operand | None] = [x, w]
    # Convolutions without a bias make some kernels read through a null pointer.
    if op != "FULLY_CONNECTED" or draw.chance(0.8):
        wide = x.dtype == "s16" and (op == "DEPTHWISE_CONV_2D" or draw.chance(0.7))
        offset = bias(draw, x, w, sums, "i64" if wide else "i32")
        inputs.append(offset)
        sums = sums + offset.array
        if x.dtype == "s16" and op != "DEPTHWISE_CONV_2D":
            attributes["quantized_bias_type"] = "INT64" if wide else "INT32"
    else:
        inputs.append(None)
    real = sums * np.asarray(w.quant.scale, np.float64) * float(x.quant.scale[0])
    y = fitted(draw, x.dtype, real, symmetric=x.dtype == "s16")
    attributes["fused_activation_function"] = draw.pick(*ACTIVATIONS)
    outputs = {"y": Result(x.dtype, real.shape, y)}
    tags = {"channel": len(w.quant.scale) > 1, "type": x.dtype}
    return Case(id, "products", op, inputs, outputs, "tflite", 1, attributes, tags)


def activation_type(draw: Draw) -> str:
    return draw.pick("s8", "s8", "s8", "s8", "s16", "u8")


def patches(draw: Draw, x: Array, kernel: tuple[int, int]) -> tuple[Array, dict[str, Any]]:
    """Zero-padded taps [N, OH, OW, KH, KW, C] of a centred image, and the window's attributes."""
    stride = draw.pick((1, 1), (1, 1), (2, 2), (1, 2), (3, 3))
    dilation = (draw.pick(1, 1, 1, 2), draw.pick(1, 1, 1, 2)) if stride == (1, 1) else (1, 1)
    padding = draw.pick("SAME", "VALID")
    pads = [(0, 0)]
    for axis in (0, 1):
        size, extent = x.shape[axis + 1], (kernel[axis] - 1) * dilation[axis] + 1
        total = (-(-size // stride[axis]) - 1) * stride[axis] + extent - size
        total = max(total, 0) if padding == "SAME" else 0
        pads.append((total // 2, total - total // 2))
    image = np.pad(x, [*pads, (0, 0)])
    extents = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    taps = np.lib.stride_tricks.sliding_window_view(image, extents, axis=(1, 2))
    taps = taps[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]
    attributes = {
        "padding": padding, "stride_h": stride[0], "stride_w": stride[1],
        "dilation_h_factor": dilation[0], "dilation_w_factor": dilation[1],
    }  # fmt: skip
    return taps.transpose(0, 1, 2, 4, 5, 3), attributes


def image_shape(draw: Draw, kernel: tuple[int, int], channels: int) -> tuple[int, int, int, int]:
    sides = (2 * k - 1 + draw.integer(0, 6) for k in kernel)
    h, w = sides
    return draw.pick(1, 1, 2), h, w, channels


def conv_2d(id: str, draw: Draw) -> Case:
    dtype, data = activation_type(draw), draw.kind()
    kernel = draw.pick((1, 1), (3, 3), (3, 3), (2, 2), (5, 5), (1, 3))
    c, m = draw.pick(draw.integer(1, 20), 3, 16, draw.integer(1, 70)), draw.integer(1, 24)
    group = draw.pick(1, 1, 1, 1, 2) if dtype == "s8" else 1
    x = activation(draw, dtype, image_shape(draw, kernel, c * group), data)
    w = weight(draw, WEIGHT[dtype], (m * group, *kernel, c), data, 0)
    taps, attributes = patches(draw, centred(x), kernel)
    sums = np.concatenate(
        [
            np.einsum("nhwklc,mklc->nhwm", *pair)
            for pair in zip(np.split(taps, group, -1), np.split(centred(w), group, 0), strict=True)
        ],
        -1,
    )
    return product(id, draw, "CONV_2D", x, w, sums, attributes)


def depthwise_conv_2d(id: str, draw: Draw) -> Case:
    dtype, data = activation_type(draw), draw.kind()
    kernel = draw.pick((3, 3), (3, 3), (5, 5), (1, 1), (2, 2), (3, 2))
    c = draw.pick(1, 3, 4, 8, 16, 24, draw.integer(1, 40))
    multiplier = draw.pick(1, 1, 1, 2, 3)
    x = activation(draw, dtype, image_shape(draw, kernel, c), data)
    w = weight(draw, WEIGHT[dtype], (1, *kernel, c * multiplier), data, 3)
    taps, attributes = patches(draw, centred(x), kernel)
    sums = np.einsum("nhwklm,klm->nhwm", np.repeat(taps, multiplier, -1), centred(w)[0])
    attributes["depth_multiplier"] = multiplier
    return product(id, draw, "DEPTHWISE_CONV_2D", x, w, sums, attributes)


def fully_connected(id: str, draw: Draw) -> Case:
    dtype, data = activation_type(draw), draw.kind()
    m = draw.pick(1, 1, 1, 2, 4, 5, draw.integer(1, 20))
    k = draw.pick(draw.integer(1, 80), 16, 64, 128, draw.integer(1, 300))
    n = draw.pick(1, 4, 8, 16, draw.integer(1, 40))
    x = activation(draw, dtype, (m, k), data)
    w = weight(draw, WEIGHT[dtype], (n, k), data, 0)
    return product(id, draw, "FULLY_CONNECTED", x, w, centred(x) @ centred(w).T, {})
