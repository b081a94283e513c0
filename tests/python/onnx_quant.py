"""ONNX's quantization operators with exact arithmetic: numbers are fractions, rounded where the
specification rounds."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import onnx

from onnx_tensors import INTEGERS, KINDS, Tensor, array, each, tensor
from qsim.oracle import minifloat
from qsim.oracle.minifloat import Number, Zero
from qsim.oracle.words import clamp, round_ratio

Attributes = dict[str, Any]
Objects = np.ndarray[Any, np.dtype[np.object_]]
ROUND_MODES = {"up": "away_from_zero", "down": "toward_zero", "nearest": "half_away"}


# ------------------------------------------------------------------------------------------ numbers


def exact(x: Number) -> Fraction:
    if isinstance(x, Fraction):
        return x
    if isinstance(x, Zero):
        return Fraction(0)
    raise ValueError("expected a finite number")


def negative(x: Number) -> bool:
    return x < 0 if isinstance(x, Fraction) else x.negative


def _signed(value: Fraction, zero_is_negative: bool) -> Number:
    return Zero(zero_is_negative) if value == 0 else value


def times(a: Number, b: Number) -> Number:
    return _signed(exact(a) * exact(b), negative(a) != negative(b))


def over(a: Number, b: Number) -> Number:
    return _signed(exact(a) / exact(b), negative(a) != negative(b))


def plus(a: Number, b: Number) -> Number:
    return _signed(exact(a) + exact(b), negative(a) and negative(b))


def minus(a: Number, b: Number) -> Number:
    return _signed(exact(a) - exact(b), negative(a) and not negative(b))


def rounded(kind: str, x: Number) -> Number:
    """x as one operation in arithmetic of that type leaves it."""
    return minifloat.decode(kind, minifloat.encode(kind, x))


def to_integer(x: Number) -> int:
    return round_ratio(exact(x), "half_even")


def encoded(kind: str, numbers: Objects, **options: Any) -> Tensor:
    return Tensor(kind, each(lambda x: minifloat.encode(kind, x, **options), numbers))


def limits(kind: str) -> tuple[int, int]:
    f = INTEGERS[kind]
    low = -(1 << (f.bits - 1)) if f.signed else 0
    return low, low + (1 << f.bits) - 1


def saturated(kind: str, values: Objects) -> Tensor:
    """Integers limited to the range of their type."""
    low, high = limits(kind)
    codes = each(lambda v: clamp(v, low, high) % (1 << INTEGERS[kind].bits), values)
    return Tensor(kind, codes)


# ---------------------------------------------------------------------------------------- operators


def cast(x: Tensor, kind: str, attributes: Attributes) -> Tensor:
    """`saturate` concerns 8-bit floats only."""
    rounding = None
    saturate = None
    if kind.startswith("float8"):
        saturate = bool(attributes.get("saturate", 1))
    if kind == "float8e8m0":
        rounding = ROUND_MODES[attributes.get("round_mode", b"up").decode()]
    return encoded(kind, x.numbers(), saturate=saturate, rounding=rounding)


def spread(values: Objects, shape: tuple[int, ...], attributes: Attributes) -> Objects:
    """Scales or zero points at the elements they belong to: of a tensor, an axis or blocks."""
    if values.size == 1:
        return np.broadcast_to(values.reshape(()), shape)
    axis = attributes.get("axis", 1) % len(shape)
    if values.ndim == 1:
        line = [1] * len(shape)
        line[axis] = -1
        return np.broadcast_to(values.reshape(line), shape)
    wide = np.repeat(values, attributes["block_size"], axis=axis)
    return wide.take(range(shape[axis]), axis=axis)


def quantize_linear(
    x: Tensor, scale: Tensor, zero: Tensor | None, attributes: Attributes
) -> Tensor:
    """Quotient in the scale's type, to the nearest integer; plus zero point; saturation."""
    declared = attributes.get("output_dtype", 0)
    kind = zero.kind if zero else KINDS[declared] if declared else "uint8"
    precision = attributes.get("precision", 0)
    real = KINDS[precision] if precision else scale.kind
    scales = spread(scale.numbers(), x.shape, attributes)
    quotient = each(lambda a, s: rounded(real, over(a, s)), x.numbers(), scales)
    if kind in INTEGERS:
        whole = each(to_integer, quotient)
        if zero:
            whole = whole + spread(zero.integers(), x.shape, attributes)
        return saturated(kind, whole)
    if zero:
        zeros = spread(zero.numbers(), x.shape, attributes)
        quotient = each(lambda a, z: rounded(real, plus(a, z)), quotient, zeros)
    return encoded(kind, quotient, saturate=bool(attributes.get("saturate", 1)))


def dequantize_linear(
    x: Tensor, scale: Tensor, zero: Tensor | None, attributes: Attributes
) -> Tensor:
    """Difference times scale, one rounding in the type of the scale."""
    declared = attributes.get("output_dtype", 0)
    kind = KINDS[declared] if declared else scale.kind
    numbers = x.numbers()
    if zero:
        numbers = each(minus, numbers, spread(zero.numbers(), x.shape, attributes))
    scales = spread(scale.numbers(), x.shape, attributes)
    return encoded(kind, each(times, numbers, scales))


def dynamic_quantize_linear(x: Tensor) -> list[Tensor]:
    """uint8 of the range of x and 0; binary32 at every step."""
    values = [exact(v) for v in x.numbers().ravel()]
    low, high = min(0, *values), max(0, *values)
    span = rounded("float32", _signed(high - low, False))
    scale = rounded("float32", over(span, Fraction(255)))
    quotient = rounded("float32", over(_signed(low, False), scale))
    zero = round_ratio(clamp_exact(-exact(quotient), 0, 255), "half_even")
    scales = encoded("float32", array([scale], ()))
    zeros = Tensor("uint8", array([zero], ()))
    return [quantize_linear(x, scales, zeros, {}), scales, zeros]


def clamp_exact(value: Fraction, low: int, high: int) -> Fraction:
    return max(Fraction(low), min(Fraction(high), value))


def centred(x: Tensor, zero: Tensor | None, shape: tuple[int, ...] = ()) -> Objects:
    """Integers less their zero points, which are reshaped to `shape` unless there is only one."""
    if zero is None:
        return x.integers()
    zeros = zero.integers()
    return x.integers() - (zeros.reshape(()) if zeros.size == 1 else zeros.reshape(shape))


def matmul_integer(
    a: Tensor, b: Tensor, a_zero: Tensor | None = None, b_zero: Tensor | None = None
) -> Tensor:
    """Zero points per tensor, or per row of a and column of b."""
    sums = np.matmul(centred(a, a_zero, (-1, 1)), centred(b, b_zero, (1, -1)))
    return Tensor("int32", each(lambda v: v % (1 << 32), sums))


def requantized(sums: Objects, factor: Objects, out_scale: Tensor, zero: Tensor) -> Tensor:
    """Exact sums times exact factors, over the output's scale."""
    scale, offset = exact(out_scale.numbers().item()), zero.integers().item()
    real = each(lambda v, f: round_ratio(Fraction(v) * f / scale, "half_even"), sums, factor)
    return saturated(zero.kind, real + offset)


def exacts(t: Tensor) -> Objects:
    return each(exact, t.numbers())


def qlinear_matmul(inputs: list[Tensor]) -> Tensor:
    a, a_scale, a_zero, b, b_scale, b_zero, scale, zero = inputs
    sums = np.matmul(centred(a, a_zero, (-1, 1)), centred(b, b_zero, (1, -1)))
    return requantized(sums, exacts(a_scale) * exacts(b_scale), scale, zero)


def convolve(x: Objects, w: Objects, attributes: Attributes) -> Objects:
    """Integer convolution with explicit padding; padding is 0 after zero points are subtracted."""
    assert attributes.get("auto_pad", b"NOTSET") == b"NOTSET"
    assert attributes.get("group", 1) == 1
    rank = x.ndim - 2
    strides = attributes.get("strides", [1] * rank)
    dilations = attributes.get("dilations", [1] * rank)
    pads = attributes.get("pads", [0] * 2 * rank)
    padded = np.pad(x, [(0, 0), (0, 0), *zip(pads[:rank], pads[rank:], strict=True)])
    spans = [(k - 1) * d + 1 for k, d in zip(w.shape[2:], dilations, strict=True)]
    sizes = zip(padded.shape[2:], spans, strides, strict=True)
    out = [(size - span) // stride + 1 for size, span, stride in sizes]
    result = np.empty((x.shape[0], w.shape[0], *out), dtype=object)
    for pixel in product(*map(range, out)):
        corner = [p * s for p, s in zip(pixel, strides, strict=True)]
        window = tuple(
            slice(c, c + span, d) for c, span, d in zip(corner, spans, dilations, strict=True)
        )
        patch = padded[(slice(None), slice(None), *window)]
        result[(slice(None), slice(None), *pixel)] = np.tensordot(
            patch, w, axes=(list(range(1, x.ndim)), list(range(1, x.ndim)))
        )
    return result


def per_output_channel(values: Objects, rank: int) -> Objects:
    return values.reshape((-1, *[1] * rank))


def conv_integer(inputs: list[Tensor], attributes: Attributes) -> Tensor:
    x, w, x_zero, w_zero = [*inputs, None, None][:4]
    kernels = centred(w, w_zero, (-1, *[1] * (w.codes.ndim - 1)))
    sums = convolve(centred(x, x_zero), kernels, attributes)
    return Tensor("int32", each(lambda v: v % (1 << 32), sums))


def qlinear_conv(inputs: list[Tensor], attributes: Attributes) -> Tensor:
    x, x_scale, x_zero, w, w_scale, w_zero, scale, zero, bias = [*inputs, None][:9]
    rank = x.codes.ndim - 2
    kernels = centred(w, w_zero, (-1, *[1] * (rank + 1)))
    sums = convolve(centred(x, x_zero), kernels, attributes)
    if bias is not None:
        sums = sums + per_output_channel(bias.integers(), rank)
    factor = exacts(x_scale).reshape(()) * per_output_channel(exacts(w_scale), rank)
    return requantized(sums, factor, scale, zero)


# ------------------------------------------------------------------- the rest of decomposed graphs


def _float32(function: Callable[..., Number], *inputs: Tensor) -> Tensor:
    return encoded("float32", each(function, *(t.numbers() for t in inputs)))


def _reduced(pick: Callable[..., Number], x: Tensor) -> Tensor:
    return encoded("float32", array([pick(x.numbers().ravel(), key=exact)], ()))


def run_node(node: onnx.NodeProto, inputs: list[Tensor]) -> list[Tensor]:
    """The outputs of one node; omitted inputs at the end are absent."""
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    op = node.op_type
    if op in OPERATORS:
        return OPERATORS[op](inputs, attributes)
    raise ValueError(f"operator {op}")


OPERATORS: dict[str, Callable[[list[Tensor], Attributes], list[Tensor]]] = {
    "Cast": lambda i, a: [cast(i[0], KINDS[a["to"]], a)],
    "CastLike": lambda i, a: [cast(i[0], i[1].kind, a)],
    "QuantizeLinear": lambda i, a: [quantize_linear(i[0], i[1], i[2] if i[2:] else None, a)],
    "DequantizeLinear": lambda i, a: [dequantize_linear(i[0], i[1], i[2] if i[2:] else None, a)],
    "DynamicQuantizeLinear": lambda i, a: dynamic_quantize_linear(i[0]),
    "MatMulInteger": lambda i, a: [matmul_integer(*i)],
    "QLinearMatMul": lambda i, a: [qlinear_matmul(i)],
    "ConvInteger": lambda i, a: [conv_integer(i, a)],
    "QLinearConv": lambda i, a: [qlinear_conv(i, a)],
    "Constant": lambda i, a: [tensor(a["value"])],
    "Identity": lambda i, a: [i[0]],
    "ReduceMin": lambda i, a: [_reduced(min, i[0])],
    "ReduceMax": lambda i, a: [_reduced(max, i[0])],
    "Min": lambda i, a: [_float32(lambda x, y: min(x, y, key=exact), *i)],
    "Max": lambda i, a: [_float32(lambda x, y: max(x, y, key=exact), *i)],
    "Sub": lambda i, a: [_float32(minus, *i)],
    "Div": lambda i, a: [_float32(over, *i)],
    "Clip": lambda i, a: [
        _float32(lambda x, low, high: max(low, min(x, high, key=exact), key=exact), *i)
    ],
    "Round": lambda i, a: [
        _float32(lambda x: _signed(Fraction(to_integer(x)), negative(x)), i[0])
    ],
}


def run(graph: onnx.GraphProto, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Every tensor of a graph by its name."""
    known = dict(inputs)
    for node in graph.node:
        results = run_node(node, [known[name] for name in node.input if name])
        known.update(zip(node.output, results, strict=True))
    return known
