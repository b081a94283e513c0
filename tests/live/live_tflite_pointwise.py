"""Random TFLite cases of element-wise, pooling, joining and converting operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from live_cases import RANGE, Array, Case, Draw, Operand, Quant, Result
from live_tflite_products import ACTIVATIONS, fitted

SPECIAL = np.array(
    [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, 3e38, -3e38, 2.0**31, -(2.0**31)], np.float32
)


def element_type(draw: Draw) -> str:
    return draw.pick("s8", "s8", "s8", "s8", "s16", "u8")


def quant_at(draw: Draw, dtype: str, scale: np.float32) -> Quant:
    """Activations of 16 bits are symmetric."""
    return Quant([scale], [0 if dtype == "s16" else draw.zero_point(dtype)])


def quant(draw: Draw, dtype: str, low: int = -8, high: int = 0) -> Quant:
    return quant_at(draw, dtype, draw.scale(low, high))


def tensor(draw: Draw, name: str, dtype: str, shape: Sequence[int], q: Quant | None) -> Operand:
    return Operand(name, dtype, draw.values(dtype, shape, draw.kind()), constant=False, quant=q)


def made(
    id: str, op: str, inputs: Sequence[Operand], y: Result, attributes: dict[str, Any]
) -> Case:
    tags = {"type": inputs[0].dtype}
    return Case(id, "pointwise", op, inputs, {"y": y}, "tflite", 1, attributes, tags)


def reals(operand: Operand) -> Array:
    assert operand.quant is not None
    return (operand.array.astype(np.float64) - operand.quant.zero_point[0]) * operand.quant.scale[0]


def binary(id: str, draw: Draw, op: str) -> Case:
    dtype = element_type(draw)
    wide = tuple(draw.integer(1, n) for n in (2, 5, 5, 40))
    lhs, rhs = draw.pick(
        (wide, wide), (wide, wide), (wide, (1,)), (wide, wide[3:]), (wide[3:], wide)
    )
    tied = draw.chance(0.25)  # powers of two: every odd sum or product is a tie
    a_scale = np.float32(0.5) if tied else draw.scale(-8, 0)
    b_scale = np.float32(0.5) if tied else np.float32(a_scale * draw.scale(-3, 3))
    a = tensor(draw, "a", dtype, lhs, quant_at(draw, dtype, a_scale))
    b = tensor(draw, "b", dtype, rhs, quant_at(draw, dtype, b_scale))
    meant = {"ADD": np.add, "SUB": np.subtract, "MUL": np.multiply}[op](reals(a), reals(b))
    y = fitted(draw, dtype, meant, symmetric=dtype == "s16")
    if tied:
        y = Quant([1.0 if op != "MUL" else 64.0], y.zero_point)
    attributes: dict[str, Any] = {"fused_activation_function": draw.pick(*ACTIVATIONS)}
    if op != "MUL":
        attributes["pot_scale_int16"] = False
    return made(id, op, [a, b], Result(dtype, meant.shape, y), attributes)


def add(id: str, draw: Draw) -> Case:
    return binary(id, draw, "ADD")


def sub(id: str, draw: Draw) -> Case:
    return binary(id, draw, "SUB")


def mul(id: str, draw: Draw) -> Case:
    return binary(id, draw, "MUL")


def pool(id: str, draw: Draw, op: str) -> Case:
    dtype, padding = element_type(draw), draw.pick("SAME", "VALID")
    kernel = (draw.integer(1, 4), draw.integer(1, 4))
    stride = (draw.integer(1, 3), draw.integer(1, 3))
    image = [k + draw.integer(0, 6) for k in kernel]
    n, c = draw.integer(1, 2), draw.integer(1, 40)
    q = quant(draw, dtype)
    sides = [
        -(-(size if padding == "SAME" else size - k + 1) // s)
        for size, k, s in zip(image, kernel, stride, strict=True)
    ]
    attributes = {
        "padding": padding, "stride_h": stride[0], "stride_w": stride[1],
        "filter_height": kernel[0], "filter_width": kernel[1],
        "fused_activation_function": draw.pick(*ACTIVATIONS),
    }  # fmt: skip
    x = tensor(draw, "x", dtype, (n, *image, c), q)
    return made(id, op, [x], Result(dtype, (n, *sides, c), q), attributes)


def average_pool_2d(id: str, draw: Draw) -> Case:
    return pool(id, draw, "AVERAGE_POOL_2D")


def max_pool_2d(id: str, draw: Draw) -> Case:
    return pool(id, draw, "MAX_POOL_2D")


def mean(id: str, draw: Draw) -> Case:
    dtype = element_type(draw)
    x = tensor(draw, "x", dtype, [draw.integer(1, n) for n in (2, 9, 9, 40)], quant(draw, dtype))
    axes = draw.pick([1, 2], [1, 2], [1, 2], [3], [1], [2, 3], [1, 2, 3])
    keep = draw.chance(0.5)
    meant = reals(x).mean(tuple(axes), keepdims=keep)
    y = x.quant if draw.chance(0.3) else fitted(draw, dtype, meant, symmetric=dtype == "s16")
    index = Operand("axis", "i32", np.array(axes, np.int32))
    return made(id, "MEAN", [x, index], Result(dtype, meant.shape, y), {"keep_dims": keep})


def concatenation(id: str, draw: Draw) -> Case:
    dtype, axis = element_type(draw), draw.integer(0, 3)
    shape, q = [draw.integer(1, 6) for _ in range(4)], quant(draw, dtype)
    inputs = []
    for i in range(draw.integer(2, 4)):
        shape[axis] = draw.integer(1, 9)
        mine = quant(draw, dtype) if dtype == "u8" and draw.chance(0.7) else q
        inputs.append(tensor(draw, f"x{i}", dtype, shape, mine))
    shape[axis] = sum(i.array.shape[axis] for i in inputs)
    return made(id, "CONCATENATION", inputs, Result(dtype, shape, q), {"axis": axis})


def pad(id: str, draw: Draw) -> Case:
    dtype = element_type(draw)
    x = tensor(draw, "x", dtype, [draw.integer(1, n) for n in (2, 6, 6, 9)], quant(draw, dtype))
    amounts = draw.rng.integers(0, 4, (4, 2)).astype(np.int32)
    shape = np.array(x.array.shape) + amounts.sum(1)
    inputs = [x, Operand("paddings", "i32", amounts)]
    return made(id, "PAD", inputs, Result(dtype, shape.tolist(), x.quant), {})


def every(draw: Draw, dtype: str, q: Quant) -> Operand:
    """Every input of 8 bits; of 16 bits, 1024 of them with the ends."""
    if dtype == "s16":
        array = draw.values(dtype, (1024,))
        array[:4] = [-32768, 32767, 0, -1]
    else:
        array = np.arange(256).astype(np.uint8).view(np.int8 if dtype == "s8" else np.uint8)
    return Operand("x", dtype, array.reshape(1, -1), constant=False, quant=q)


def leaky_relu(id: str, draw: Draw) -> Case:
    dtype = element_type(draw)
    x = every(draw, dtype, quant(draw, dtype))
    alpha = float(np.float32(draw.pick(0.01, 0.1, 0.25, 0.3, 0.9, 1.5)))
    meant = np.maximum(reals(x), 0) + alpha * np.minimum(reals(x), 0)
    y = fitted(draw, dtype, meant, symmetric=dtype == "s16")
    return made(id, "LEAKY_RELU", [x], Result(dtype, x.array.shape, y), {"alpha": alpha})


def table(id: str, draw: Draw, op: str, by_type: dict[str, tuple[float, int]]) -> Case:
    """An operator whose output parameters the format fixes."""
    dtype = element_type(draw)
    q = quant(draw, dtype, -16, -11) if dtype == "s16" else quant(draw, dtype, -8, -2)
    x = every(draw, dtype, q)
    scale, zero = by_type[dtype]
    return made(id, op, [x], Result(dtype, x.array.shape, Quant([scale], [zero])), {})


def logistic(id: str, draw: Draw) -> Case:
    by_type = {"s8": (1 / 256, -128), "u8": (1 / 256, 0), "s16": (1 / 32768, 0)}
    return table(id, draw, "LOGISTIC", by_type)


def tanh(id: str, draw: Draw) -> Case:
    by_type = {"s8": (1 / 128, 0), "u8": (1 / 128, 128), "s16": (1 / 32768, 0)}
    return table(id, draw, "TANH", by_type)


def softmax(id: str, draw: Draw) -> Case:
    dtype = element_type(draw)
    q = quant(draw, dtype, -16, -9) if dtype == "s16" else quant(draw, dtype, -7, -1)
    shape = (draw.integer(1, 8), draw.integer(1, 50))
    scale, zero = {"s8": (1 / 256, -128), "u8": (1 / 256, 0), "s16": (1 / 32768, 0)}[dtype]
    beta = draw.pick(1.0, 1.0, 1.0, 0.5)
    y = Result(dtype, shape, Quant([scale], [zero]))
    return made(id, "SOFTMAX", [tensor(draw, "x", dtype, shape, q)], y, {"beta": beta})


def quantize(id: str, draw: Draw) -> Case:
    """From binary32: smooth, tied and special values, so many that vector bodies have tails."""
    dtype = element_type(draw)
    q = quant(draw, dtype, -14 if dtype == "s16" else -8, 1)
    reach = RANGE[dtype][1] * draw.pick(1.0, 1.3)
    count = draw.pick(draw.integer(1, 40), draw.integer(1, 300))
    steps = draw.rng.uniform(-reach, reach, (1, count))
    form = draw.pick("smooth", "ties", "special")
    if form != "smooth":
        steps = np.floor(steps) + 0.5
    x = (steps * float(q.scale[0])).astype(np.float32)
    if form == "special":
        x = np.where(draw.rng.random(x.shape) < 0.2, draw.rng.choice(SPECIAL, x.shape), x)
    source = Operand("x", "f32", np.asarray(x, np.float32), constant=False)
    return made(id, "QUANTIZE", [source], Result(dtype, x.shape, q), {})


def requantize(id: str, draw: Draw) -> Case:
    source, dtype = draw.pick(
        ("s8", "s8"), ("s8", "s8"), ("u8", "s8"), ("s8", "u8"), ("u8", "u8"), ("s16", "s8"),
        ("s8", "s16"), ("s16", "s16"),
    )  # fmt: skip
    q = quant(draw, source, -14 if source == "s16" else -8, -2)
    x = every(draw, source, q)
    y = quant(draw, dtype) if draw.chance(0.2) else fitted(draw, dtype, reals(x), dtype == "s16")
    if draw.chance(0.2) and source != dtype and "s16" not in (source, dtype):
        y = Quant(q.scale, [q.zero_point[0] + (128 if dtype == "u8" else -128)])
    return made(id, "QUANTIZE", [x], Result(dtype, x.array.shape, y), {})


def dequantize(id: str, draw: Draw) -> Case:
    dtype = element_type(draw)
    x = every(draw, dtype, quant(draw, dtype, -14 if dtype == "s16" else -8, 1))
    return made(id, "DEQUANTIZE", [x], Result("f32", x.array.shape), {})
