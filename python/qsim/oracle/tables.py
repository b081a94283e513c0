"""Functions of one code as tables of all codes: a row's `table` rule. Equation (A.29)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from . import f32
from .quantizer import Affine, dequantize_one, limits_of, quantize_one
from .realmath import sigmoid32, tanh32
from .rescale import Limits
from .tensor import Tensor
from .words import clamp, round_ratio

Row = Mapping[str, Any]
Real = Callable[[int], int]  # of binary32 patterns



def function(name: str, mode: f32.Mode, alpha: int = f32.ZERO) -> Real:
    """sigmoid, tanh, leaky_relu or identity on binary32; `alpha` is leaky_relu's slope."""
    if name == "sigmoid":
        return sigmoid32
    if name == "tanh":
        return tanh32
    if name == "identity":
        return lambda x: x
    if name == "leaky_relu":
        return lambda x: x if not f32.less(x, f32.ZERO) and not f32.is_nan(x) else f32.mul(
            alpha, x, mode
        )
    raise ValueError(f"name: unknown function {name!r}")


def table(
    row: Row, name: str, q_in: Affine, q_out: Affine, code_type: str, *, alpha: int = f32.ZERO
) -> dict[int, int]:
    """The code of f(real value) for every code of an 8-bit type."""
    limits = limits_of(code_type)
    f = function(name, row["float_mode"], alpha)
    return {
        code: _entry(row, f(dequantize_one(row, code, q_in)), q_out, limits)
        for code in range(limits.low, limits.high + 1)
    }


def _entry(row: Row, real: int, q_out: Affine, limits: Limits) -> int:
    scheme, mode = row["table"]["scheme"], row["float_mode"]
    if scheme == "quantized":
        return quantize_one(row, real, q_out, limits)
    if scheme != "reciprocal":
        raise ValueError(f"table.scheme: expected a rule, got {scheme!r}")
    t = f32.mul(real, f32.div(f32.ONE, q_out.scale, mode), mode)
    if not f32.is_nan(t) and not f32.is_inf(t):
        t = f32.from_int(round_ratio(f32.rational(t), "half_away"))
    t = f32.add(t, f32.from_int(q_out.zero), mode)
    cast = {**row["quantize"]["vector"]["narrow"]["convert"], "ties": "toward_zero"}
    return clamp(f32.to_int32(t, cast), limits.low, limits.high)


def look_up(codes: Tensor, entries: Mapping[int, int]) -> Tensor:
    """Every code by its entry."""
    return Tensor(codes.shape, [entries[q] for q in codes.data])


def concat(
    row: Row,
    parts: Sequence[Tensor],
    axis: int,
    q_in: Sequence[Affine],
    q_out: Affine,
    code_type: str,
) -> Tensor:
    """Tensors joined along an axis; those with another scale or zero point by a table."""
    same = [_equal(q, q_out) for q in q_in]
    joined = [
        t if s else look_up(t, table(row, "identity", q, q_out, code_type))
        for t, q, s in zip(parts, q_in, same, strict=True)
    ]
    shape = parts[0].shape
    axis %= len(shape)
    extent = sum(t.shape[axis] for t in parts)
    inner = prod(shape[axis + 1 :])
    data = []
    for outer in range(prod(shape[:axis])):
        for t in joined:
            step = t.shape[axis] * inner
            data += t.data[outer * step : (outer + 1) * step]
    return Tensor((*shape[:axis], extent, *shape[axis + 1 :]), data)


def _equal(a: Affine, b: Affine) -> bool:
    """Equal zero points, and scales that compare equal (a NaN does not)."""
    nan = f32.is_nan(a.scale) or f32.is_nan(b.scale)
    return not nan and a.zero == b.zero and not f32.less(a.scale, b.scale) and not f32.less(
        b.scale, a.scale
    )
