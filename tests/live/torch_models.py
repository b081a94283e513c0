#!/usr/bin/env python3
"""Writes a set of random quantised PyTorch operators with their inputs; there is no model file.

Usage: torch_models.py OUT [--count N] [--seed S], N cases of each operator.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from live_cases import RANGE, Array, Case, Draw, Operand, Quant, Result, write_set

SPECIAL = np.array(
    [np.nan, np.inf, -np.inf, 0.0, -0.0, 3e38, -3e38, 2.0**31, -(2.0**31), 1e-45], np.float32
)


def quant(draw: Draw, dtype: str, scale: np.float32) -> Quant:
    return Quant([scale], [draw.zero_point(dtype)])


def tensor(draw: Draw, name: str, dtype: str, shape: Sequence[int], scale: np.float32) -> Operand:
    values = draw.values(dtype, shape, draw.kind())
    return Operand(name, dtype, values, constant=False, quant=quant(draw, dtype, scale))


def made(
    id: str, op: str, inputs: Sequence[Operand | None], y: Result, attributes: dict[str, Any]
) -> Case:
    return Case(id, "torch", op, inputs, {"y": y}, "torch", 1, attributes)


def activation_type(draw: Draw) -> str:
    """Most engines take u8 only."""
    return draw.pick("u8", "u8", "u8", "s8")


def reals(draw: Draw, shape: Sequence[int], scale: float, reach: float) -> Operand:
    """Smooth, tied and special values around the range of a quantiser."""
    steps = draw.rng.uniform(-1.3 * reach, 1.3 * reach, shape)
    form = draw.pick("smooth", "ties", "special")
    if form != "smooth":
        steps = np.floor(steps) + 0.5
    x = (steps * scale).astype(np.float32)
    if form == "special":
        x = np.where(draw.rng.random(shape) < 0.2, draw.rng.choice(SPECIAL, shape), x)
    return Operand("x", "f32", np.asarray(x, np.float32), constant=False)


def quantize_per_tensor(id: str, draw: Draw) -> Case:
    dtype, scale = draw.pick("u8", "u8", "s8"), draw.scale(-8, 1)
    count = draw.pick(draw.integer(1, 40), draw.integer(1, 300))
    y = Result(dtype, (count,), quant(draw, dtype, scale))
    return made(id, "quantize_per_tensor", [reals(draw, (count,), float(scale), 200)], y, {})


def quantize_per_channel(id: str, draw: Draw) -> Case:
    shape = [draw.integer(1, 9), draw.integer(1, 9), draw.integer(1, 20)]
    axis = draw.integer(0, 2)
    scales = draw.scales(shape[axis], -5, -2)
    zeros = [draw.zero_point("s8") for _ in range(shape[axis])]
    x = reals(draw, shape, float(np.median(scales)), 130)
    return made(
        id, "quantize_per_channel", [x], Result("s8", shape, Quant(scales, zeros, axis)), {}
    )


def fbgemm_quantize(id: str, draw: Draw) -> Case:
    """FBGEMM's own function, which PyTorch's operators do not call."""
    return replace(quantize_per_tensor(id, draw), op="fbgemm_quantize")


def weight(draw: Draw, shape: Sequence[int]) -> Operand:
    """Symmetric, per tensor or per output channel; the whole range, so that pairs saturate."""
    count = shape[0] if draw.chance(0.6) else 1
    scales = Quant(draw.scales(count, -9, -3), [0] * count, 0)
    return Operand("w", "s8", draw.values("s8", shape, draw.kind()), quant=scales)


def product(
    id: str, draw: Draw, op: str, x: Operand, w: Operand, shape: Sequence[int], taps: int,
    attributes: dict[str, Any],
) -> Case:  # fmt: skip
    """Completes a linear layer or a convolution; the bias is real-valued."""
    assert x.quant is not None
    assert w.quant is not None
    spread = float(x.quant.scale[0]) * float(np.median(np.asarray(w.quant.scale))) * 70 * taps**0.5
    bias = draw.rng.normal(0, spread * 20, w.array.shape[0]).astype(np.float32)
    inputs = [x, w, Operand("b", "f32", bias) if draw.chance(0.7) else None]
    step = spread * draw.pick(1.0, 0.5, 2.0)
    step = 2.0 ** round(np.log2(step)) if draw.chance(1 / 3) else step  # ties
    y = quant(draw, x.dtype, np.float32(step))
    attributes["relu"] = draw.chance(0.3)
    return made(id, op, inputs, Result(x.dtype, shape, y), attributes)


def linear(id: str, draw: Draw) -> Case:
    m, k, n = draw.integer(1, 8), draw.integer(1, 130), draw.integer(1, 40)
    x = tensor(draw, "x", activation_type(draw), (m, k), draw.scale(-7, 0))
    return product(id, draw, "linear", x, weight(draw, (n, k)), (m, n), k, {})


def linear_dynamic(id: str, draw: Draw) -> Case:
    m, k, n = draw.integer(1, 8), draw.integer(1, 130), draw.integer(1, 40)
    x = draw.rng.normal(draw.pick(0, 0, 2), draw.scale(-3, 3), (m, k)).astype(np.float32)
    bias = draw.rng.normal(0, 1, n).astype(np.float32)
    inputs = [
        Operand("x", "f32", x, constant=False),
        weight(draw, (n, k)),
        Operand("b", "f32", bias) if draw.chance(0.7) else None,
    ]
    attributes = {"reduce_range": draw.chance(0.5)}
    return made(id, "linear_dynamic", inputs, Result("f32", (m, n)), attributes)


def conv2d(id: str, draw: Draw) -> Case:
    kernel = draw.pick([1, 1], [3, 3], [3, 3], [5, 5], [1, 3], [2, 2])
    group = draw.pick(1, 1, 1, 2, 8, 16)
    depth = 1 if group > 2 else draw.integer(1, 20)
    m = group * (draw.pick(1, 1, 2) if depth == 1 else draw.integer(1, 12))
    image = [2 * k - 1 + draw.integer(0, 6) for k in kernel]
    attributes: dict[str, Any] = {
        "stride": [draw.integer(1, 2), draw.integer(1, 2)],
        "padding": [draw.integer(0, k - 1) for k in kernel],
        "dilation": [1, 1] if draw.chance(0.8) else [2, 1],
        "groups": group,
    }
    spatial = [
        (size + 2 * p - d * (k - 1) - 1) // s + 1
        for size, k, s, p, d in zip(
            image, kernel, attributes["stride"], attributes["padding"], attributes["dilation"],
            strict=True,
        )
    ]  # fmt: skip
    batch = draw.integer(1, 2)
    x = tensor(draw, "x", activation_type(draw), [batch, group * depth, *image], draw.scale(-7, 0))
    w = weight(draw, [m, depth, *kernel])
    taps = depth * kernel[0] * kernel[1]
    return product(id, draw, "conv2d", x, w, (batch, m, *spatial), taps, attributes)


def binary(id: str, draw: Draw, op: str) -> Case:
    dtype, shape = activation_type(draw), [draw.integer(1, 4), draw.integer(1, 100)]
    a_scale = draw.scale(-5, 0)
    b_scale = np.float32(a_scale * draw.scale(-1, 1))
    if draw.chance(1 / 4):  # ties
        a_scale = b_scale = np.float32(2.0 ** draw.integer(-5, 0))
    top = a_scale if op == "add" else np.float32(a_scale * b_scale * 64)
    a = tensor(draw, "a", dtype, shape, a_scale)
    b = tensor(draw, "b", dtype, shape, b_scale)
    y = Result(dtype, shape, quant(draw, dtype, np.float32(top * draw.scale(-1, 1))))
    return made(id, op, [a, b], y, {"relu": draw.chance(0.3)})


def add(id: str, draw: Draw) -> Case:
    return binary(id, draw, "add")


def mul(id: str, draw: Draw) -> Case:
    return binary(id, draw, "mul")


def avg_pool2d(id: str, draw: Draw) -> Case:
    kernel = [draw.integer(1, 4), draw.integer(1, 4)]
    image = [k + draw.integer(0, 6) for k in kernel]
    stride = [draw.integer(1, 3), draw.integer(1, 3)]
    padding = [draw.integer(0, k // 2) for k in kernel]
    shape = [draw.integer(1, 2), draw.integer(1, 20), *image]
    x = tensor(draw, "x", activation_type(draw), shape, draw.scale(-5, 0))
    spatial = [
        (n + 2 * p - k) // s + 1 for n, k, s, p in zip(image, kernel, stride, padding, strict=True)
    ]
    attributes = {
        "kernel_size": kernel, "stride": stride, "padding": padding,
        "count_include_pad": draw.chance(0.5),
    }  # fmt: skip
    return made(id, "avg_pool2d", [x], Result(x.dtype, (*shape[:2], *spatial), x.quant), attributes)


def max_pool2d(id: str, draw: Draw) -> Case:
    kernel = [draw.integer(1, 3), draw.integer(1, 3)]
    dilation = [draw.integer(1, 2), draw.integer(1, 2)]
    image = [d * (k - 1) + 1 + draw.integer(0, 6) for k, d in zip(kernel, dilation, strict=True)]
    attributes = {
        "kernel_size": kernel, "stride": [draw.integer(1, 3), draw.integer(1, 3)],
        "padding": [draw.integer(0, k // 2) for k in kernel], "dilation": dilation,
    }  # fmt: skip
    shape = [draw.integer(1, 2), draw.integer(1, 20), *image]
    x = tensor(draw, "x", activation_type(draw), shape, draw.scale(-5, 0))
    return made(id, "max_pool2d", [x], Result(x.dtype, quant=x.quant), attributes)


def every(draw: Draw, dtype: str, scale: np.float32) -> Operand:
    values: Array = np.arange(256).astype(np.uint8).view(np.int8 if dtype == "s8" else np.uint8)
    return Operand("x", dtype, values, constant=False, quant=quant(draw, dtype, scale))


def leaky_relu(id: str, draw: Draw) -> Case:
    x = every(draw, activation_type(draw), draw.scale(-7, 0))
    assert x.quant is not None
    scale = np.float32(float(x.quant.scale[0]) * float(draw.scale(-1, 1)))
    slope = float(np.float32(draw.pick(0.01, 0.1, 0.25, 0.3)))
    y = Result(x.dtype, (256,), quant(draw, x.dtype, scale))
    return made(id, "leaky_relu", [x], y, {"negative_slope": slope})


def table(id: str, draw: Draw, op: str, scale: float, centre: bool) -> Case:
    x = every(draw, activation_type(draw), draw.scale(-8, -2))
    low, high = RANGE[x.dtype]
    zero = (low + high + 1) // 2 if centre else low
    return made(id, op, [x], Result(x.dtype, (256,), Quant([scale], [zero])), {})


def sigmoid(id: str, draw: Draw) -> Case:
    return table(id, draw, "sigmoid", 1 / 256, centre=False)


def tanh(id: str, draw: Draw) -> Case:
    return table(id, draw, "tanh", 2 / 256, centre=True)


GENERATORS: tuple[Callable[[str, Draw], Case], ...] = (
    quantize_per_tensor, quantize_per_channel, linear, linear_dynamic, conv2d, add, mul, avg_pool2d,
    leaky_relu, sigmoid, tanh, max_pool2d, fbgemm_quantize,
)  # fmt: skip


def cases(seed: int, count: int) -> Iterator[Case]:
    """`count` cases of every operator; a case depends on the seed and its number only."""
    for generate in GENERATORS:
        op = generate.__name__
        for number in range(count):
            yield generate(f"{op}-{seed}-{number:04d}", Draw(seed, op, number))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=20, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    options = parser.parse_args()
    models = ((case, None) for case in cases(options.seed, options.count))
    print(write_set(options.out, "PyTorch", models, ""), "cases in", options.out)


if __name__ == "__main__":
    main()
