"""Random ONNX cases of integer products: matrix products and convolutions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from live_cases import RANGE, Array, Case, Draw, Operand, Result

PAIRS = ("u8s8", "u8u8", "s8s8")  # activations, weights


def scalar(name: str, dtype: str, value: int) -> Operand:
    return Operand(name, dtype, np.array(value, {"u8": np.uint8, "s8": np.int8}[dtype]))


def real(name: str, value: np.float32 | Array) -> Operand:
    return Operand(name, "f32", np.asarray(value, np.float32))


def odd_scale(draw: Draw) -> np.float32:
    """A scale no calibration would give: every engine must still answer something."""
    bits = draw.pick(0x7FC00000, 0x7F800000, 0xFF800000, 0, 0x80000000, 1, 0x7F000000, 0xBE000000)
    return np.float32(np.array(bits, np.uint32).view(np.float32))


def weight_zero_points(draw: Draw, dtype: str, count: int) -> Array:
    """Per column: each its own value, mostly the middle."""
    return np.array(
        [draw.zero_point(dtype, 0.7) for _ in range(count)], {"u8": "u1", "s8": "i1"}[dtype]
    )


def fitted(draw: Draw, dtype: str, y: Array) -> tuple[np.float32, int]:
    """Scale and zero point that spread the real results `y` over the output type."""
    low, high = RANGE[dtype]
    finite = y[np.isfinite(y)]
    if not finite.size or finite.max() == finite.min() or draw.chance(0.1):
        return draw.scale(), draw.zero_point(dtype)
    scale = float(finite.max() - finite.min()) / draw.pick(255, 200, 400)
    if draw.chance(0.3):
        scale = 2.0 ** round(math.log2(scale))
    middle = float(finite.max() + finite.min()) / 2 / scale
    zero = round((low + high) / 2 - middle) if draw.chance(0.8) else draw.zero_point(dtype)
    return np.float32(scale), min(max(zero, low), high)


def output_scale(draw: Draw, lhs: np.float32, rhs: Array, taps: int) -> np.float32:
    """Spreads sums of `taps` products over the output type; may make exact ties."""
    with np.errstate(all="ignore"):
        scale = float(lhs) * float(np.median(np.abs(rhs))) * 70 * math.sqrt(taps)
    if not math.isfinite(scale) or scale <= 0:
        scale = 1.0
    if draw.chance(0.3):
        scale = 2.0 ** round(math.log2(scale))
    return np.float32(scale)


def dims(draw: Draw) -> tuple[int, int, int]:
    """M, K, N around the tiles of the kernels."""
    m = draw.pick(1, 1, 2, 3, 4, 5, 8, draw.integer(1, 20))
    k = draw.pick(draw.integer(1, 24), draw.integer(1, 80), 64, 128, 129, draw.integer(100, 420))
    n = draw.pick(1, 2, 7, 8, 16, draw.integer(1, 40))
    return m, k, n


def sides(draw: Draw, m: int, k: int, n: int) -> tuple[Sequence[int], Sequence[int]]:
    """Shapes of A and B; some with batches."""
    batch = draw.pick((), (), (), (2,), (2, 3))
    return (*batch, m, k), (*batch, k, n) if draw.chance(0.3) else (k, n)


def matmulinteger(id: str, draw: Draw) -> Case:
    pair = draw.pick(*PAIRS, "s8u8")
    a, b = pair[:2], pair[2:]
    m, k, n = dims(draw)
    lhs, rhs = sides(draw, m, k, n)
    data, points = draw.kind(), draw.pick("none", "scalar", "scalar", "column")
    if points == "column" and len(rhs) > 2:
        points = "scalar"
    inputs: list[Operand | None] = [
        Operand("A", a, draw.values(a, lhs, data), constant=False),
        Operand("B", b, draw.values(b, rhs, data), constant=draw.chance(0.6)),
    ]
    if points != "none":
        inputs.append(scalar("a_zero_point", a, draw.zero_point(a)))
        inputs.append(zero_points(draw, "b_zero_point", b, n if points == "column" else None))
    tags = {"pair": pair, "M": m, "K": k, "N": n, "zero_points": points, "data": data}
    return Case(id, "matmulinteger", "MatMulInteger", inputs, {"Y": Result("i32")}, tags=tags)


def zero_points(draw: Draw, name: str, dtype: str, count: int | None) -> Operand:
    """Of a weight: one, or one per column."""
    if count is None:
        return scalar(name, dtype, draw.zero_point(dtype, 0.7))
    return Operand(name, dtype, weight_zero_points(draw, dtype, count))


def qlinearmatmul(id: str, draw: Draw) -> Case:
    pair = draw.pick(*PAIRS)
    a, b = pair[:2], pair[2:]
    m, k, n = dims(draw)
    lhs, rhs = sides(draw, m, k, n)
    data, column = draw.kind(), len(rhs) == 2 and draw.chance(0.5)
    a_scale, b_scale = draw.scale(), draw.scales(n if column else 1)
    left = Operand("a", a, draw.values(a, lhs, data), constant=False)
    right = Operand("b", b, draw.values(b, rhs, data), constant=draw.chance(0.6))
    a_zero = scalar("a_zero_point", a, draw.zero_point(a))
    b_zero = zero_points(draw, "b_zero_point", b, n if column else None)
    total = (left.array - 1.0 * a_zero.array) @ (right.array - 1.0 * b_zero.array)
    y_scale, y_zero = fitted(draw, a, total * a_scale * b_scale)
    if draw.chance(0.1):
        b_scale[draw.integer(0, b_scale.size - 1)] = odd_scale(draw)
    inputs = [
        left,
        real("a_scale", a_scale),
        a_zero,
        right,
        real("b_scale", b_scale if column else b_scale[0]),
        b_zero,
        real("y_scale", y_scale),
        scalar("y_zero_point", a, y_zero),
    ]
    tags = {"pair": pair, "M": m, "K": k, "N": n, "column": column, "data": data}
    return Case(id, "qlinearmatmul", "QLinearMatMul", inputs, {"y": Result(a)}, tags=tags)


def window(draw: Draw, kind: str) -> dict[str, list[int]]:
    """Attributes of a convolution of one to three axes and its image size."""
    axes = 2 if kind != "plain" else draw.pick(1, 2, 2, 2, 3)
    largest = {1: 7, 2: 4, 3: 2}[axes]
    kernel = [draw.integer(1, largest) for _ in range(axes)]
    if kind == "pointwise":
        kernel = [1] * axes
    if kind == "depthwise":
        kernel = draw.pick([3, 3], [3, 3], [5, 5], [1, 1], [2, 2], [1, 3], [3, 2])
    if kind == "deep":
        kernel = draw.pick([3, 3], [1, 3], [2, 2], [2, 1])
    dilations = [draw.pick(1, 1, 1, 2) for _ in range(axes)]
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    pads = [draw.integer(0, min(2, e - 1)) for e in extent * 2]
    return {
        "kernel_shape": kernel,
        "strides": [draw.pick(1, 1, 2, 3) for _ in range(axes)],
        "dilations": dilations,
        "pads": pads,
        "image": [draw.integer(e, e + {1: 20, 2: 6, 3: 3}[axes]) for e in extent],
    }


def channels(draw: Draw, kind: str) -> tuple[int, int, int]:
    """C, M and group."""
    if kind == "depthwise":
        c = draw.pick(1, 5, 8, 8, 16, 16, 24, 32, draw.integer(1, 40))
        return c, c * draw.pick(1, 1, 1, 2), c
    if kind == "deep":  # the gate of the direct convolution kernels on 64-bit Arm
        return draw.pick(64, 72, 80, 128), draw.pick(8, 16, 24), 1
    if kind == "pointwise":
        return draw.integer(1, 130), draw.integer(1, 20), 1
    group = draw.pick(1, 1, 1, 2, 3)
    return group * draw.integer(1, 12), group * draw.integer(1, 12), group


def qlinearconv(id: str, draw: Draw) -> Case:
    kind = draw.pick("plain", "plain", "depthwise", "depthwise", "pointwise", "deep")
    pair = draw.pick(*PAIRS)
    x, w = pair[:2], pair[2:]
    attributes = window(draw, kind)
    image = attributes.pop("image")
    c, m, group = channels(draw, kind)
    data, channel = draw.kind(), draw.chance(0.6)
    taps = c // group * math.prod(attributes["kernel_shape"])
    x_scale, w_scale = draw.scale(), draw.scales(m if channel else 1)
    y_scale = output_scale(draw, x_scale, w_scale, taps)
    if draw.chance(0.08):
        w_scale[draw.integer(0, w_scale.size - 1)] = odd_scale(draw)
    w_zero = {"u8": draw.pick(128, 0, 131), "s8": draw.pick(0, 0, 0, 3)}[w]
    inputs = [
        Operand("x", x, draw.values(x, (draw.pick(1, 1, 2), c, *image), data), constant=False),
        real("x_scale", x_scale),
        scalar("x_zero_point", x, draw.zero_point(x)),
        Operand(
            "w", w, draw.values(w, (m, c // group, *attributes["kernel_shape"]), data),
            constant=draw.chance(0.85),
        ),
        real("w_scale", w_scale if channel else w_scale[0]),
        scalar("w_zero_point", w, w_zero),
        real("y_scale", y_scale),
        scalar("y_zero_point", x, draw.zero_point(x)),
    ]  # fmt: skip
    if draw.chance(0.7):
        reach = 2**31 - 1 if draw.chance(0.1) else 2000
        bias = draw.rng.integers(-reach, reach, m).astype(np.int32)
        inputs.append(Operand("B", "i32", bias))
    tags = {"pair": pair, "kind": kind, "data": data, "channel": channel}
    return Case(
        id, "qlinearconv", "QLinearConv", inputs, {"y": Result(x)},
        attributes=attributes | {"group": group}, tags=tags,
    )  # fmt: skip


def convinteger(id: str, draw: Draw) -> Case:
    kind = draw.pick("plain", "plain", "depthwise", "pointwise", "deep")
    pair = draw.pick(*PAIRS)
    x, w = pair[:2], pair[2:]
    attributes = window(draw, kind)
    image = attributes.pop("image")
    c, m, group = channels(draw, kind)
    data = draw.kind()
    filters = draw.values(w, (m, c // group, *attributes["kernel_shape"]), data)
    inputs: list[Operand | None] = [
        Operand("x", x, draw.values(x, (draw.pick(1, 1, 2), c, *image), data), constant=False),
        Operand("w", w, filters, constant=draw.chance(0.8)),
    ]
    if draw.chance(0.8):
        inputs.append(scalar("x_zero_point", x, draw.zero_point(x)))
        inputs.append(scalar("w_zero_point", w, draw.zero_point(w, 0.7)))
    return Case(
        id, "qlinearconv", "ConvInteger", inputs, {"y": Result("i32")},
        attributes=attributes | {"group": group}, tags={"pair": pair, "kind": kind, "data": data},
    )  # fmt: skip


def shape_of(draw: Draw) -> tuple[str, str, int, int, int, str, bool]:
    """Types, sizes, kind of data and whether the weight is quantised per column."""
    pair = draw.pick(*PAIRS)
    return (pair[:2], pair[2:], *dims(draw), draw.kind(), draw.chance(0.4))


def qgemm(id: str, draw: Draw) -> Case:
    a, b, m, k, n, data, column = shape_of(draw)
    trans_a, trans_b = draw.pick(0, 0, 1), draw.pick(0, 1)
    a_scale, b_scale = draw.scale(), draw.scales(n if column else 1)
    left = Operand("A", a, draw.values(a, (k, m) if trans_a else (m, k), data), constant=False)
    shape = (n, k) if trans_b else (k, n)
    right = Operand("B", b, draw.values(b, shape, data), constant=draw.chance(0.7))
    a_zero = scalar("a_zero_point", a, draw.zero_point(a))
    b_zero = zero_points(draw, "b_zero_point", b, n if column else None)
    bias = draw.rng.integers(-2000, 2000, draw.pick((n,), (n,), (m, n))).astype(np.int32)
    inputs: list[Operand | None] = [
        left,
        real("a_scale", a_scale),
        a_zero,
        right,
        real("b_scale", b_scale if column else b_scale[0]),
        b_zero,
        Operand("C", "i32", bias) if draw.chance(0.6) else None,
    ]
    alpha = float(np.float32(draw.pick(1.0, 1.0, 0.5, 0.3)))
    quantized = draw.chance(0.7)
    if quantized:
        rows = left.array.T if trans_a else left.array
        columns = right.array.T if trans_b else right.array
        total = (rows - 1.0 * a_zero.array) @ (columns - 1.0 * b_zero.array)
        y_scale, y_zero = fitted(draw, a, total * a_scale * b_scale * alpha)
        inputs += [real("y_scale", y_scale), scalar("y_zero_point", a, y_zero)]
    return Case(
        id, "qgemm", "QGemm", inputs, {"Y": Result(a if quantized else "f32")}, "com.microsoft", 1,
        {"transA": trans_a, "transB": trans_b, "alpha": alpha},
        {"M": m, "K": k, "N": n, "data": data},
    )  # fmt: skip


def matmulintegertofloat(id: str, draw: Draw) -> Case:
    a, b, m, k, n, data, column = shape_of(draw)
    points = draw.chance(0.6)
    inputs: list[Operand | None] = [
        Operand("A", a, draw.values(a, (m, k), data), constant=False),
        Operand("B", b, draw.values(b, (k, n), data), constant=draw.chance(0.7)),
        real("a_scale", draw.scale()),
        real("b_scale", draw.scales(n) if column else draw.scale()),
        scalar("a_zero_point", a, draw.zero_point(a)) if points else None,
        zero_points(draw, "b_zero_point", b, n if column else None) if points else None,
    ]
    if draw.chance(0.5):
        inputs.append(real("bias", draw.rng.normal(0, 10, n).astype(np.float32)))
    return Case(
        id, "qgemm", "MatMulIntegerToFloat", inputs, {"Y": Result("f32")}, "com.microsoft", 1,
        tags={"M": m, "K": k, "N": n, "data": data},
    )  # fmt: skip


def dynamicquantizematmul(id: str, draw: Draw) -> Case:
    _, b, m, k, n, data, column = shape_of(draw)
    x = draw.rng.normal(draw.pick(0, 0, 3), 2, (m, k)).astype(np.float32)
    if draw.chance(0.1):
        x.flat[draw.integer(0, x.size - 1)] = draw.pick(np.nan, np.inf, -np.inf)
    inputs: list[Operand | None] = [
        Operand("A", "f32", x, constant=False),
        Operand("B", b, draw.values(b, (k, n), data), constant=draw.chance(0.7)),
        real("b_scale", draw.scales(n) if column else draw.scale()),
        zero_points(draw, "b_zero_point", b, n if column else None) if draw.chance(0.6) else None,
    ]
    if draw.chance(0.5):
        inputs.append(real("bias", draw.rng.normal(0, 10, n).astype(np.float32)))
    return Case(
        id, "qgemm", "DynamicQuantizeMatMul", inputs, {"Y": Result("f32")}, "com.microsoft", 1,
        tags={"M": m, "K": k, "N": n, "data": data},
    )  # fmt: skip
