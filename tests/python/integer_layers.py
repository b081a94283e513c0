"""Operators over codes, put together from the primitives of a court."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from integer_court import Codes, Court, Window, Words


@dataclass(frozen=True)
class Output:
    """From sums to codes: clamp(rescale(acc) + zero, low, high)."""

    multiplier: int | Words
    shift: int | Words
    zero: int
    low: int
    high: int
    dtype: Any
    wide: bool = False  # sums are int64

    def codes(self, court: Court, acc: Words) -> Codes:
        scaled = court.rescale(acc, self.multiplier, self.shift, self.wide)
        return limited(scaled.astype(np.int64) + self.zero, self.low, self.high, self.dtype)


def limited(values: Words, low: int, high: int, dtype: Any) -> Codes:
    """Values clamped to [low, high], as codes."""
    return np.clip(values, low, high).astype(dtype)


def patches(image: Codes, window: Window, zero: int) -> Codes:
    """The cells under the window, [N, OH, OW, KH, KW, C]; padding reads as the zero point."""
    rows, columns = (
        np.arange(out)[:, None] * stride - pad + np.arange(size) * dilation
        for out, stride, pad, size, dilation in zip(
            window.output, window.stride, window.pad, window.size, window.dilation, strict=True)
    )
    return _gather(image, rows, columns, zero)


def transposed_patches(image: Codes, window: Window, zero: int) -> Codes:
    """The cells whose tap (i, j) lands on an output cell, [N, OH, OW, KH, KW, C].

    Tap (i, j) of input (y, x) lands on (y*stride - pad + i, x*stride - pad + j).
    """
    places = []
    for out, stride, pad, size in zip(
        window.output, window.stride, window.pad, window.size, strict=True
    ):
        offset = np.arange(out)[:, None] + pad - np.arange(size)
        places.append(np.where(offset % stride == 0, offset // stride, -1))
    return _gather(image, *places, zero)


def _gather(image: Codes, rows: Words, columns: Words, zero: int) -> Codes:
    height, width = image.shape[1:3]
    inside_y, inside_x = (rows >= 0) & (rows < height), (columns >= 0) & (columns < width)
    y, x = np.where(inside_y, rows, 0), np.where(inside_x, columns, 0)
    cells = image[:, y[:, None, :, None], x[None, :, None, :], :]
    inside = inside_y[:, None, :, None] & inside_x[None, :, None, :]
    return np.where(inside[..., None], cells, image.dtype.type(zero))


def convolution(
    court: Court,
    image: Codes,
    weights: Codes,
    bias: Words | None,
    window: Window,
    zero: int,
    output: Output,
    *,
    transposed: bool = False,
) -> Codes:
    """Convolution by weights [out, KH, KW, in / groups]; [N, OH, OW, out]."""
    cells = (transposed_patches if transposed else patches)(image, window, zero)
    out, taps = weights.shape[0], int(np.prod(weights.shape[1:]))
    groups = image.shape[3] // weights.shape[3]
    per_group = out // groups
    sums = []
    for group in range(groups):
        channels = slice(group * weights.shape[3], (group + 1) * weights.shape[3])
        part = slice(group * per_group, (group + 1) * per_group)
        sums.append(court.accumulate(
            cells[..., channels].reshape(-1, taps), weights[part].reshape(per_group, taps).T,
            zero, 0, None if bias is None else bias[part], wide=output.wide))
    codes = output.codes(court, np.concatenate(sums, axis=1))
    return codes.reshape(image.shape[0], *window.output, out)


def depthwise(
    court: Court,
    image: Codes,
    weights: Codes,
    bias: Words | None,
    window: Window,
    zero: int,
    output: Output,
) -> Codes:
    """Convolution by weights [1, KH, KW, out]; output channel c reads channel c / (out / in)."""
    channels, out = image.shape[3], weights.shape[3]
    cells = patches(image, window, zero)
    taps, each = int(np.prod(weights.shape[1:3])), out // channels
    sums = []
    for channel in range(channels):
        part = slice(channel * each, (channel + 1) * each)
        sums.append(court.accumulate(
            cells[..., channel].reshape(-1, taps), weights[0, ..., part].reshape(taps, each),
            zero, 0, None if bias is None else bias[part], wide=output.wide))
    codes = output.codes(court, np.concatenate(sums, axis=1))
    return codes.reshape(image.shape[0], *window.output, out)


@dataclass(frozen=True)
class Term:
    """An operand of a sum: (codes - zero) * 2**left_shift, rescaled."""

    codes: Codes
    zero: int
    multiplier: int
    shift: int

    def words(self, court: Court, left_shift: int) -> Words:
        shifted = (self.codes.astype(np.int64) - self.zero) << left_shift
        assert np.all(abs(shifted) < 1 << 31)
        return court.rescale(shifted.astype(np.int32), self.multiplier, self.shift)


def add(
    court: Court, lhs: Term, rhs: Term, left_shift: int, output: Output, sign: int = 1
) -> Codes:
    """lhs + sign * rhs as codes; operands broadcast."""
    total = lhs.words(court, left_shift) + sign * rhs.words(court, left_shift)
    return output.codes(court, total.astype(np.int32))
