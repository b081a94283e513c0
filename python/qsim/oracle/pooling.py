"""Means of windows of codes by a row's `average` rule. Equation (A.28)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

from . import f32
from .elementwise import PoolOptions, avg_pool
from .quantizer import Affine, dequantize_one, limits_of
from .rescale import Limits, narrow_int, narrow_real
from .tensor import Tensor
from .words import ceil_div, round_ratio, wrap

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Window:
    """Extents along the spatial axes; `begin` and `end` are the padding on both sides."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    begin: tuple[int, ...]
    end: tuple[int, ...]
    ceil_mode: bool = False
    count_include_pad: bool = False

    @staticmethod
    def whole(size: Sequence[int]) -> Window:
        """The window that is the whole image."""
        ones, zeros = (1,) * len(size), (0,) * len(size)
        return Window(tuple(size), ones, zeros, zeros)

    def outputs(self, size: Sequence[int]) -> tuple[int, ...]:
        """Extents of the result; in ceil mode no window starts in the padding at the end."""
        extents = []
        for axis, n in enumerate(size):
            begin, stride = self.begin[axis], self.stride[axis]
            room = n + begin + self.end[axis] - self.kernel[axis]
            if not self.ceil_mode:
                extents.append(room // stride + 1)
                continue
            count = ceil_div(room, stride) + 1
            extents.append(count - ((count - 1) * stride >= n + begin))
        return tuple(extents)

    def is_whole(self, size: Sequence[int]) -> bool:
        """Whether one window without padding covers the image."""
        return self.kernel == tuple(size) and not any((*self.begin, *self.end))


def average(
    row: Row, x: Tensor, window: Window, q_in: Affine, q_out: Affine, code_type: str,
    limits: Limits | None = None,
) -> Tensor:  # fmt: skip
    """Mean codes of x [batch, channel, spatial axes ...]."""
    rule = row["average"]
    limits = limits or limits_of(code_type)
    size = x.shape[2:]
    if rule["scheme"] == "engine":
        return _by_engine(row, x, window)
    if rule["scheme"] not in ("f32", "integer"):
        raise ValueError(f"average.scheme: expected a rule, got {rule['scheme']!r}")
    shape = (*x.shape[:2], *window.outputs(size))
    codes = []
    for plane in range(prod(x.shape[:2])):
        image = x.data[plane * prod(size) : (plane + 1) * prod(size)]
        for taps, count in windows(window, size):
            chosen = [image[t] for t in taps]
            codes.append(_mean(row, chosen, count, q_in, q_out, limits, window.is_whole(size)))
    return Tensor(shape, codes)


def global_average(
    row: Row, x: Tensor, q_in: Affine, q_out: Affine, code_type: str,
    limits: Limits | None = None,
) -> Tensor:  # fmt: skip
    """Mean codes of whole images."""
    return average(row, x, Window.whole(x.shape[2:]), q_in, q_out, code_type, limits)


def windows(window: Window, size: Sequence[int]) -> Iterator[tuple[list[int], int]]:
    """Flat input positions of every window, row-major, and the count to divide by."""
    steps = [prod(size[i + 1 :]) for i in range(len(size))]
    for out in product(*(range(n) for n in window.outputs(size))):
        spans = []
        for axis, o in enumerate(out):
            first = o * window.stride[axis] - window.begin[axis]
            spans.append(range(max(first, 0), min(first + window.kernel[axis], size[axis])))
        taps = [sum(p * s for p, s in zip(at, steps, strict=True)) for at in product(*spans)]
        yield taps, prod(window.kernel) if window.count_include_pad else len(taps)


def _mean(
    row: Row, codes: Sequence[int], count: int, q_in: Affine, q_out: Affine, limits: Limits,
    whole: bool,
) -> int:  # fmt: skip
    rule, mode = row["average"], row["float_mode"]
    if rule["scheme"] == "integer":
        if count == 0:
            raise ValueError("kernel: expected windows with a code inside the image")
        mean = round_ratio(Fraction(sum(codes), count), rule["ties"])
        return narrow_int(rule["narrow"], mean, 0, limits)
    if whole and rule["whole_image_requant"]:
        total = wrap(sum(codes) - len(codes) * q_in.zero, 32)
        divisor = f32.mul(q_out.scale, f32.from_int(len(codes)), mode)
        factor = f32.div(q_in.scale, divisor, mode)
        t = f32.mul(f32.from_int(total), factor, mode)
        return narrow_real(row["requant"]["narrow"], t, q_out.zero, limits, mode)
    total_real = f32.ZERO
    for code in codes:
        total_real = f32.add(total_real, dequantize_one(row, code, q_in), mode)
    mean_real = f32.div(total_real, f32.from_int(count), mode)
    t = f32.div(mean_real, q_out.scale, mode)
    return narrow_real(rule["narrow"], t, q_out.zero, limits, mode)


def _by_engine(row: Row, x: Tensor, window: Window) -> Tensor:
    size = x.shape[2:]
    if len(size) != 2 or window.begin != window.end or window.count_include_pad:
        raise ValueError("window: expected two axes and equal padding that is not counted")
    pairs = [(v[0], v[1]) for v in (window.kernel, window.stride, window.begin)]
    return avg_pool(row, x, PoolOptions(pairs[0], pairs[1], pairs[2], window.ceil_mode))
