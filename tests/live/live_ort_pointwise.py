"""Random ONNX cases of quantisers and of element-wise, pooling and joining operators."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from live_cases import NUMPY, Array, Case, Draw, Operand, Result
from live_ort_products import odd_scale, real, scalar

MICROSOFT = "com.microsoft"
SPECIAL = np.array(
    [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-40, 3.4e38, -3.4e38, 2.0**31, -(2.0**31)],
    np.float32,
)


def reals(draw: Draw, shape: Sequence[int], scale: float, reach: float) -> Array:
    """Values that cover a quantiser's range and beyond: smooth, tied, or with special values."""
    steps = draw.rng.uniform(-1.3 * reach, 1.3 * reach, shape)
    form = draw.pick("smooth", "ties", "near", "special")
    if form != "smooth":
        steps = np.floor(steps) + 0.5
    with np.errstate(all="ignore"):
        x = (steps * scale).astype(np.float32)
        if form == "near":
            x = np.nextafter(x, np.where(draw.rng.random(shape) < 0.5, np.inf, -np.inf), dtype="f4")
    if form == "special":
        x = np.where(draw.rng.random(shape) < 0.3, draw.rng.choice(SPECIAL, shape), x)
    return np.asarray(x, np.float32)


def layout(draw: Draw) -> tuple[tuple[int, ...], tuple[int, ...], dict[str, int]]:
    """Shape of the data, shape of the scale, attributes: per tensor, per axis or blocked."""
    form = draw.pick("tensor", "tensor", "axis", "blocked")
    if form == "tensor":
        return (draw.pick(draw.integer(1, 40), draw.integer(1, 300)),), (), {}
    shape = tuple(draw.integer(1, 9) for _ in range(draw.integer(1, 4)))
    axis = draw.integer(0, len(shape) - 1)
    if form == "axis":
        return shape, (shape[axis],), {"axis": axis}
    block = draw.integer(1, shape[axis])
    blocks = -(-shape[axis] // block)
    # The block size must follow from the two shapes alone.
    block = -(-shape[axis] // blocks)
    scale = (*shape[:axis], blocks, *shape[axis + 1 :])
    if scale == (1,):  # one scale of one element is per tensor, which takes no block size
        return shape, scale, {}
    return shape, scale, {"axis": axis, "block_size": block}


def quantizelinear(id: str, draw: Draw) -> Case:
    x_type, y_type = draw.pick("f32", "f32", "f16"), draw.pick("u8", "s8", "u16", "s16", "u4", "s4")
    shape, of_scale, attributes = layout(draw)
    reach = {"8": 200.0, "6": 40000.0, "4": 12.0}[y_type[-1]]
    low = -8 if reach < 1000 else -14
    scale = draw.scales(int(np.prod(of_scale)), low, 1).reshape(of_scale)
    with np.errstate(all="ignore"):
        x = reals(draw, shape, float(np.median(scale)), reach).astype(NUMPY[x_type])
    zero = np.vectorize(lambda _: draw.zero_point(y_type), otypes=[NUMPY[y_type]])(scale)
    inputs = [
        Operand("x", x_type, x, constant=False),
        Operand("y_scale", x_type, scale.astype(NUMPY[x_type])),
        Operand("y_zero_point", y_type, np.asarray(zero, NUMPY[y_type])),
    ]
    return Case(
        id, "quantizelinear", "QuantizeLinear", inputs, {"y": Result(y_type)}, attributes=attributes
    )


def dequantizelinear(id: str, draw: Draw) -> Case:
    x_type = draw.pick("u8", "s8", "u16", "s16", "i32", "u4", "s4")
    y_type = draw.pick("f32", "f32", "f16")
    shape, of_scale, attributes = layout(draw)
    scale = draw.scales(int(np.prod(of_scale)), -20 if x_type == "i32" else -8, 1).reshape(of_scale)
    if draw.chance(0.15):
        scale.flat[0] = odd_scale(draw)
    with np.errstate(all="ignore"):
        inputs = [
            Operand("x", x_type, draw.values(x_type, shape), constant="4" in x_type),
            Operand("x_scale", y_type, scale.astype(NUMPY[y_type])),
        ]
    if x_type != "i32":
        zero = np.vectorize(lambda _: draw.zero_point(x_type), otypes=[NUMPY[x_type]])(scale)
        inputs.append(Operand("x_zero_point", x_type, np.asarray(zero, NUMPY[x_type])))
    return Case(
        id, "dequantizelinear", "DequantizeLinear", inputs, {"y": Result(y_type)},
        attributes=attributes,
    )  # fmt: skip


def dynamicquantizelinear(id: str, draw: Draw) -> Case:
    count = draw.pick(draw.integer(1, 20), draw.integer(1, 70), draw.integer(1, 300))
    x = draw.rng.normal(draw.pick(0, 0, 5, -5), draw.scale(-6, 6), count).astype(np.float32)
    for _ in range(draw.pick(0, 0, 0, 1, 1, 2, 4)):
        x[draw.integer(0, count - 1)] = draw.rng.choice(SPECIAL)
    outputs = {"y": Result("u8"), "y_scale": Result("f32"), "y_zero_point": Result("u8")}
    return Case(
        id, "dynamicquantizelinear", "DynamicQuantizeLinear",
        [Operand("x", "f32", x, constant=False)], outputs, tags={"n": count},
    )  # fmt: skip


def quantized(
    draw: Draw, prefix: str, dtype: str, scale: np.float32, *names: str
) -> list[Operand | None]:
    """Scale and zero point of a tensor; the operators spell them in two ways."""
    scale_name, zero_name = names or (f"{prefix}_scale", f"{prefix}_zero_point")
    return [real(scale_name, scale), scalar(zero_name, dtype, draw.zero_point(dtype))]


def near(draw: Draw, scale: np.float32) -> np.float32:
    """A second scale within an octave of the first."""
    return np.float32(scale * draw.scale(-1, 1))


def binary(id: str, draw: Draw, op: str) -> Case:
    dtype = draw.pick("u8", "s8")
    wide = (draw.integer(1, 3), draw.integer(1, 9), draw.integer(1, 40))
    lhs, rhs = draw.pick((wide, wide), (wide, ()), ((), wide), (wide, wide[2:]), (wide, (1, 1, 1)))
    a_scale = draw.scale(-8, 8)
    b_scale = near(draw, a_scale)
    product = float(a_scale) * float(b_scale) * 64
    c_scale = near(draw, a_scale) if op == "QLinearAdd" else near(draw, np.float32(product))
    if draw.chance(0.25):  # powers of two: every odd sum or product is a tie
        a_scale, b_scale = np.float32(2.0 ** draw.integer(-4, 0)), np.float32(0.5)
        c_scale = np.float32(2.0 * a_scale if op == "QLinearAdd" else 32.0 * a_scale)
    elif draw.chance(0.1):
        b_scale = odd_scale(draw)
    inputs: list[Operand | None] = [
        Operand("A", dtype, draw.values(dtype, lhs), constant=False),
        *quantized(draw, "A", dtype, a_scale),
        Operand("B", dtype, draw.values(dtype, rhs), constant=draw.chance(0.2)),
        *quantized(draw, "B", dtype, b_scale),
        *quantized(draw, "C", dtype, c_scale),
    ]
    tags = {"lhs": lhs, "rhs": rhs}
    return Case(id, "qlinearops", op, inputs, {"C": Result(dtype)}, MICROSOFT, 1, tags=tags)


def qlinearadd(id: str, draw: Draw) -> Case:
    return binary(id, draw, "QLinearAdd")


def qlinearmul(id: str, draw: Draw) -> Case:
    return binary(id, draw, "QLinearMul")


def pool(id: str, draw: Draw, op: str, attributes: dict[str, object], shape: Sequence[int]) -> Case:
    dtype, scale, zero = draw.pick("u8", "s8"), draw.scale(), draw.integer(0, 127)
    inputs: list[Operand | None] = [
        Operand("X", dtype, draw.values(dtype, shape, draw.kind()), constant=False),
        real("x_scale", scale),
        scalar("x_zero_point", dtype, zero),
        real("y_scale", near(draw, scale)),
        scalar("y_zero_point", dtype, min(max(zero + draw.integer(-40, 40), 0), 127)),
    ]
    outputs = {"Y": Result(dtype)}
    return Case(id, "qlinearops", op, inputs, outputs, MICROSOFT, 1, attributes)


def qlinearglobalaveragepool(id: str, draw: Draw) -> Case:
    last = draw.pick(0, 1)
    shape = [draw.integer(1, 2), *(draw.integer(1, 20) for _ in range(3))]
    return pool(id, draw, "QLinearGlobalAveragePool", {"channels_last": last}, shape)


def qlinearaveragepool(id: str, draw: Draw) -> Case:
    kernel = [draw.integer(1, 3), draw.integer(1, 3)]
    last = draw.pick(0, 1)
    image = [k + draw.integer(0, 6) for k in kernel]
    attributes = {
        "kernel_shape": kernel,
        "strides": [draw.integer(1, 3), draw.integer(1, 3)],
        "pads": [draw.integer(0, k - 1) for k in kernel * 2],
        "count_include_pad": draw.pick(0, 1),
        "channels_last": last,
        "ceil_mode": draw.pick(0, 0, 1),
    }
    c = draw.integer(1, 12)
    shape = [draw.integer(1, 2), *([*image, c] if last else [c, *image])]
    return pool(id, draw, "QLinearAveragePool", attributes, shape)


def unary(id: str, draw: Draw, op: str, attributes: dict[str, object], low: int, high: int) -> Case:
    dtype = draw.pick("u8", "s8")
    scale = draw.scale(low, high)
    x = np.arange(256).astype(np.uint8).view(NUMPY[dtype])  # every input there is
    y_scale = near(draw, scale) if op == "QLinearLeakyRelu" else np.float32(1 / 256)
    if op == "QLinearSigmoid" and draw.chance(0.5):
        y_scale = draw.scale(-9, -7)
    inputs: list[Operand | None] = [
        Operand("X", dtype, x, constant=False),
        *quantized(draw, "X", dtype, scale),
        *quantized(draw, "Y", dtype, y_scale),
    ]
    return Case(id, "qlinearops", op, inputs, {"Y": Result(dtype)}, MICROSOFT, 1, attributes)


def qlinearsigmoid(id: str, draw: Draw) -> Case:
    return unary(id, draw, "QLinearSigmoid", {}, -8, 0)


def qlinearleakyrelu(id: str, draw: Draw) -> Case:
    alpha = float(np.float32(draw.pick(0.01, 0.1, 0.25, 0.3, 1.5, -0.2)))
    return unary(id, draw, "QLinearLeakyRelu", {"alpha": alpha}, -8, 2)


def qlinearsoftmax(id: str, draw: Draw) -> Case:
    dtype = draw.pick("u8", "s8")
    shape = [draw.integer(1, 3), draw.integer(1, 8), draw.integer(1, 40)]
    zero = draw.pick({"u8": 0, "s8": -128}[dtype], {"u8": 0, "s8": -128}[dtype], 0)
    inputs: list[Operand | None] = [
        Operand("X", dtype, draw.values(dtype, shape, draw.pick("full", "small")), constant=False),
        *quantized(draw, "X", dtype, draw.scale(-8, 0), "X_scale", "x_zero_point"),
        real("y_scale", draw.pick(np.float32(1 / 256), np.float32(1 / 256), draw.scale(-9, -6))),
        scalar("y_zero_point", dtype, zero),
    ]
    attributes = {"axis": draw.pick(-1, -1, 1), "opset": 13}
    outputs = {"Y": Result(dtype)}
    return Case(id, "qlinearops", "QLinearSoftmax", inputs, outputs, MICROSOFT, 1, attributes)


def qlinearconcat(id: str, draw: Draw) -> Case:
    dtype, y_scale = draw.pick("u8", "s8"), draw.scale()
    shape = [draw.integer(1, 6) for _ in range(3)]
    axis = draw.integer(0, 2)
    inputs = quantized(draw, "Y", dtype, y_scale)
    for i in range(draw.integer(1, 4)):
        shape[axis] = draw.integer(1, 12)
        inputs.append(Operand(f"X{i}", dtype, draw.values(dtype, shape), constant=False))
        if draw.chance(0.3):  # the output's own parameters: bytes are copied
            zero = inputs[1]
            assert zero is not None
            inputs += [
                real(f"X{i}_scale", y_scale),
                Operand(f"X{i}_zero_point", dtype, zero.array),
            ]
        else:
            inputs += quantized(draw, f"X{i}", dtype, near(draw, y_scale))
    outputs = {"Y": Result(dtype)}
    return Case(id, "qlinearops", "QLinearConcat", inputs, outputs, MICROSOFT, 1, {"axis": axis})
