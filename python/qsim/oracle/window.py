"""Convolutions of a runtime's codes, in 1, 2 or 3 dimensions, up to the accumulator. (A.22)"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product as positions
from math import prod
from typing import Any

from .product import Side, chain, left, right, shortcut, word
from .tensor import Tensor, tensor
from .words import wrap

Row = Mapping[str, Any]
Extents = Sequence[int]


@dataclass(frozen=True)
class Way:
    """How a row computes a convolution: its chain and what meets in it."""

    arith: Row
    channel_first: bool  # K order: else kernel positions before channels
    filter_left: bool = False
    whole_taps: bool = False  # every tap is padded to whole blocks
    signed: bool = False  # u8 codes enter as code - 128


@dataclass(frozen=True)
class _Shape:
    """Extents of a convolution: spatial ones per axis, channels per group."""

    size: Extents
    kernel: Extents
    stride: Extents
    pad: Extents
    dilation: Extents
    out: Extents

    def sources(self, at: Extents) -> Iterator[int | None]:
        """Where in a plane every tap of output `at` reads, row-major; None outside the image."""
        for tap in positions(*map(range, self.kernel)):
            place = 0
            for o, t, s, p, d, n in zip(
                at, tap, self.stride, self.pad, self.dilation, self.size, strict=True
            ):
                i = o * s - p + t * d
                if not 0 <= i < n:
                    break
                place = place * n + i
            else:
                yield place
                continue
            yield None


def convolution(
    row: Row,
    lhs_type: str,
    rhs_type: str,
    x: Any,
    w: Any,
    *,
    x_zero: int = 0,
    w_zeros: int | Sequence[int] = 0,
    strides: Extents | None = None,
    pads: Extents | None = None,
    dilations: Extents | None = None,
    groups: int = 1,
    bias: Sequence[int] | None = None,
    constant_filter: bool = True,
    integer: bool = False,
) -> Tensor:
    """Accumulators [batch, out, ...] of x [batch, in, ...] and w [out, in/groups, ...], bias added.

    `pads`: begin of every axis, then end. `integer`: the result is the int32 itself, not to be
    rescaled. Taps outside the image read the zero point.
    """
    x, w = tensor(x), tensor(w)
    zeros = [w_zeros] * w.shape[0] if isinstance(w_zeros, int) else list(w_zeros)
    shape = _shape(x, w, strides, pads, dilations)
    if x.shape[1] != w.shape[1] * groups or w.shape[0] % groups:
        raise ValueError(f"groups: {groups} do not divide {x.shape[1]} inputs for {w.shape}")
    symmetric = constant_filter and lhs_type + rhs_type in ("u8s8", "s8s8") and not any(zeros)
    way = choose(row, lhs_type, rhs_type, w.shape, groups, symmetric=symmetric, integer=integer)
    shift = 128 if way.signed and lhs_type == "u8" else 0
    filters = _filters(way, w, zeros)
    columns = _columns(way, x, shape, groups, x_zero, shift)
    channels, per_group = w.shape[0], w.shape[0] // groups
    planes: list[list[int]] = [[] for _ in range(x.shape[0] * channels)]
    for n, group, column in columns:
        for m in range(group * per_group, (group + 1) * per_group):
            a, b = (filters[m], column) if way.filter_left else (column, filters[m])
            acc = shortcut(way.arith, a, b)
            planes[n * channels + m].append(
                acc if bias is None else wrap(acc + bias[m], word(way.arith))
            )
    return Tensor((x.shape[0], channels, *shape.out), [v for plane in planes for v in plane])


def choose(
    row: Row,
    lhs_type: str,
    rhs_type: str,
    w_shape: Extents,
    groups: int,
    *,
    symmetric: bool,
    integer: bool = False,
) -> Way:
    """The way of a convolution; `symmetric`: 8-bit codes, a constant s8 filter, zero point 0."""
    window, taps = row["window"], row["taps"]
    if integer and window["integer_filter_lhs"]:
        return Way(chain(row, rhs_type, lhs_type), channel_first=True, filter_left=True)
    first = window["order"] == "channel_first"
    out, inputs, *kernel = w_shape
    multiple, n_taps = window["channel_multiple"], prod(kernel)
    if inputs == 1 and out == groups and lhs_type in ("u8", "s8"):
        nine = n_taps == 9 and groups % (2 * multiple) == 0 and taps["nine"]["acc_bits"]
        arith = taps["nine" if nine else "other"]
        if symmetric and arith["acc_bits"] and groups % multiple == 0:
            return Way(arith, channel_first=False, signed=True)
        if taps["rest"]["acc_bits"]:
            return Way(taps["rest"], channel_first=first)
    if symmetric:
        fits = n_taps > 1 and inputs % multiple == 0 and out % multiple == 0
        if (
            window["indirect"]["acc_bits"] and groups == 1 and fits
            and inputs >= window["indirect_channels"]
        ):
            return Way(window["indirect"], channel_first=False, whole_taps=True, signed=True)
        if window["constant"]["acc_bits"] and lhs_type == "s8":
            return Way(window["constant"], channel_first=first)
    return Way(chain(row, lhs_type, rhs_type), channel_first=first)


def _filters(way: Way, w: Tensor, zeros: Sequence[int]) -> list[Side]:
    """Every output channel's weights in K order."""
    out, inputs, *kernel = w.shape
    taps, make = prod(kernel), left if way.filter_left else right
    sides = []
    for m in range(out):
        planes = [w.data[(m * inputs + c) * taps : (m * inputs + c + 1) * taps]
                  for c in range(inputs)]
        side = make(way.arith, _ordered(way, planes), zeros[m])
        sides.append(side.padded(inputs, way.arith["block"]) if way.whole_taps else side)
    return sides


def _columns(
    way: Way, x: Tensor, shape: _Shape, groups: int, zero: int, shift: int
) -> Iterator[tuple[int, int, Side]]:
    """(image, group, codes in K order) of every output pixel, pixels row-major."""
    batch, channels, *size = x.shape
    inputs, plane, make = channels // groups, prod(size), right if way.filter_left else left
    for at in positions(*map(range, shape.out)):
        sources = list(shape.sources(at))
        for n, group in positions(range(batch), range(groups)):
            planes = []
            for c in range(group * inputs, (group + 1) * inputs):
                base = (n * channels + c) * plane
                planes.append(
                    [(zero if s is None else x.data[base + s]) - shift for s in sources]
                )
            side = make(way.arith, _ordered(way, planes), zero - shift)
            if way.whole_taps:
                side = side.padded(inputs, way.arith["block"])
            yield n, group, side


def _ordered(way: Way, planes: list[list[int]]) -> list[int]:
    """Codes of one pixel or filter, [channel][tap], in K order."""
    lines = planes if way.channel_first else zip(*planes, strict=True)
    return [v for line in lines for v in line]


def _shape(
    x: Tensor, w: Tensor, strides: Extents | None, pads: Extents | None, dilations: Extents | None
) -> _Shape:
    size, kernel = x.shape[2:], w.shape[2:]
    rank = len(size)
    if len(kernel) != rank:
        raise ValueError(f"w: expected {rank} spatial axes, got shape {w.shape}")
    stride, dilation = strides or [1] * rank, dilations or [1] * rank
    pad = pads or [0] * (2 * rank)
    out = [
        (n + pad[i] + pad[rank + i] - d * (k - 1) - 1) // s + 1
        for i, (n, k, s, d) in enumerate(zip(size, kernel, stride, dilation, strict=True))
    ]
    return _Shape(size, kernel, stride, pad[:rank], dilation, out)
