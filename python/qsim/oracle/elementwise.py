"""Pools and element-wise operators on codes. Equations (A.10) and (A.11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from . import f32
from .geometry import Pair
from .quant import QInfo, acts_as_zero, code, whole
from .tensor import Tensor, tensor
from .words import ceil_div, clamp, round_ratio, saturate, wrap

Row = Mapping[str, Any]

REAL_OPS = ("add", "sub", "mul", "sqd")
ORDER_OPS = ("min", "max")


@dataclass(frozen=True)
class PoolOptions:
    """Window options in pixels; a kernel larger than the input is cut to it."""

    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    pad: Pair = (0, 0)
    ceil_mode: bool = False
    whole_image: bool = False


def max_pool(row: Row, x: Any, options: PoolOptions) -> Tensor:
    """Largest code of every window, in the row's order of codes. Equation (A.11)."""
    biased = row["pool"]["max_order"] == "biased_bytes"

    def key(q: int) -> int:
        return wrap(q + 128, 8) if biased else q

    return _pool(x, options, lambda window: max(window, key=key))


def avg_pool(row: Row, x: Any, options: PoolOptions) -> Tensor:
    """Mean code of every window: (sum * floor(2^24/n)) >> 24. Equation (A.11)."""
    offset = row["pool"]["average_offset"]

    def mean(window: list[int]) -> int:
        total = sum(q + offset for q in window)
        return saturate(((total * ((1 << 24) // len(window))) >> 24) - offset, 8)

    return _pool(x, options, mean)


def _pool(x: Any, o: PoolOptions, reduce: Any) -> Tensor:
    x = tensor(x)
    batch, channels, h, w = x.shape
    kernel = (min(o.kernel[0], h), min(o.kernel[1], w))
    stride, pad = o.stride, o.pad
    if o.whole_image:
        kernel, stride, pad = (h, w), (h, w), (0, 0)
    out = tuple(
        _pool_extent(n, k, s, p, o.ceil_mode)
        for n, k, s, p in zip((h, w), kernel, stride, pad, strict=True)
    )
    data = []
    for plane in range(batch * channels):
        codes = x.data[plane * h * w : (plane + 1) * h * w]
        for oy in range(out[0]):
            rows = _window(oy, kernel[0], stride[0], pad[0], h)
            for ox in range(out[1]):
                columns = _window(ox, kernel[1], stride[1], pad[1], w)
                data.append(reduce([codes[y * w + c] for y in rows for c in columns]))
    return Tensor((batch, channels, *out), data)


def _pool_extent(size: int, kernel: int, stride: int, pad: int, ceil_mode: bool) -> int:
    room = size + 2 * pad - kernel
    return (ceil_div(room, stride) if ceil_mode else room // stride) + 1


def _window(out: int, kernel: int, stride: int, pad: int, size: int) -> range:
    """Input positions of a window, cut to the image."""
    first = out * stride - pad
    return range(max(first, 0), min(first + kernel, size))


@dataclass
class BinaryResult:
    """Codes in the broadcast shape; elements from `written` on are unspecified."""

    codes: Tensor
    written: int


def binary(
    row: Row, op: str, a: Any, b: Any, q: tuple[QInfo, QInfo, QInfo], *, relu: bool = False
) -> BinaryResult:
    """Codes of a op b; q of a, b and the result. One operand may hold a single element."""
    a, b = tensor(a), tensor(b)
    if len(a.data) != len(b.data) and 1 not in (len(a.data), len(b.data)):
        raise ValueError(f"b: expected shape {a.shape} or one element, got {b.shape}")
    shape = a.shape if len(a.data) >= len(b.data) else b.shape
    count = max(len(a.data), len(b.data))
    left = a.data * count if len(a.data) == 1 else a.data
    right = b.data * count if len(b.data) == 1 else b.data
    low, high = (0 if relu else code(q[2].low)), code(q[2].high)
    codes = []
    for q0, q1 in zip(left, right, strict=True):
        d0, d1 = q0 - whole(q[0].zero), q1 - whole(q[1].zero)
        value = _ordered(row, op, d0, d1, q) if op in ORDER_OPS else _real(row, op, d0, d1, q)
        codes.append(_placed(row, value, whole(q[2].zero), low, high))
    written = count // 4 * 4 if row["eltwise"]["whole_quads_only"] else count
    return BinaryResult(Tensor(shape, codes), written)


def _placed(row: Row, value: int, zero: int, low: int, high: int) -> int:
    """Adds the zero point in the row's word, then limits to codes. Equation (A.10)."""
    if row["eltwise"]["zero_after_int16"]:
        value = wrap(saturate(value, 16) + zero, 16)
        return clamp(saturate(value, 8), low, high)
    return clamp(value + zero, low, high)


def _real(row: Row, op: str, d0: int, d1: int, q: tuple[QInfo, QInfo, QInfo]) -> int:
    """round((d0*s0 op d1*s1) / s_o) in binary32."""
    mode, rule = row["float_mode"], row["eltwise"]
    f0, f1 = f32.from_int(d0), f32.from_int(d1)
    if op == "mul" and rule["products_first"]:
        scale = f32.mul(q[0].scale, q[1].scale, mode)
        t = f32.mul(f32.mul(f0, f1, mode), scale, mode)
    else:
        t = _combine(op, f32.mul(f0, q[0].scale, mode), f32.mul(f1, q[1].scale, mode), mode)
    if acts_as_zero(q[2].scale, rule["nan_scale"], mode):
        inverse = f32.ZERO
    else:
        inverse = f32.div(f32.ONE, q[2].scale, mode)
    return f32.to_int32(f32.mul(t, inverse, mode), rule["convert"])


def _combine(op: str, r0: int, r1: int, mode: f32.Mode) -> int:
    if op == "add":
        return f32.add(r0, r1, mode)
    if op == "mul":
        return f32.mul(r0, r1, mode)
    difference = f32.sub(r0, r1, mode)
    if op == "sub":
        return difference
    if op == "sqd":
        return f32.mul(difference, difference, mode)
    raise ValueError(f"op: expected one of {(*REAL_OPS, *ORDER_OPS)}, got {op!r}")


def _ordered(row: Row, op: str, d0: int, d1: int, q: tuple[QInfo, QInfo, QInfo]) -> int:
    """min or max of real values in 16.16 fixed point; the output's scale is ignored."""
    values = [
        wrap(d * whole(f32.mul(info.scale, f32.from_int(1 << 16), row["float_mode"])), 32)
        for d, info in ((d0, q[0]), (d1, q[1]))
    ]
    chosen = min(values) if op == "min" else max(values)
    return round_ratio(Fraction(chosen, 1 << 16), row["eltwise"]["min_max_shift"])
