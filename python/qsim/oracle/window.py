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
    tap_multiple: int = 1  # channels of every tap are padded to a multiple
    signed: bool = False  # u8 codes enter as code - 128

    def whole_taps(self, side: Side, inputs: int) -> Side:
        """An operand, K order [tap][channel], with every tap padded."""
        return side if self.channel_first else side.padded(inputs, self.tap_multiple)


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
    rescaled. Taps outside the image read the zero point, or add nothing under `skips_padding`.
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
    skips = row["window"]["skips_padding"]
    for n, group, column, outside in columns:
        gone = _places(way, w.shape, outside) if skips else []
        pixel = column.without(gone) if gone else column
        for m in range(group * per_group, (group + 1) * per_group):
            weights = filters[m].without(gone) if gone else filters[m]
            a, b = (weights, pixel) if way.filter_left else (pixel, weights)
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
    alone = inputs == 1 and groups > 1 and lhs_type in ("u8", "s8")
    if alone and taps.get("rest_multiplies") and taps["rest"]["acc_bits"]:
        return Way(taps["rest"], channel_first=first)
    if symmetric:
        fits = n_taps > 1 and inputs % multiple == 0 and out % multiple == 0
        if (
            window["indirect"]["acc_bits"]
            and groups == 1
            and fits
            and inputs >= window["indirect_channels"]
        ):
            arith = window["indirect"]
            return Way(arith, channel_first=False, tap_multiple=arith["block"], signed=True)
        if window["constant"]["acc_bits"] and lhs_type == "s8":
            return Way(window["constant"], first, tap_multiple=window["tap_block"])
    return Way(chain(row, lhs_type, rhs_type), first, tap_multiple=window["tap_block"])


def _filters(way: Way, w: Tensor, zeros: Sequence[int]) -> list[Side]:
    """Every output channel's weights in K order."""
    out, inputs, *kernel = w.shape
    taps, make = prod(kernel), left if way.filter_left else right
    sides = []
    for m in range(out):
        planes = [
            w.data[(m * inputs + c) * taps : (m * inputs + c + 1) * taps] for c in range(inputs)
        ]
        sides.append(way.whole_taps(make(way.arith, _ordered(way, planes), zeros[m]), inputs))
    return sides


def _places(way: Way, w_shape: Extents, outside: Sequence[bool]) -> list[int]:
    """Where in K order the codes of taps outside the image are."""
    inputs = w_shape[1]
    marks = Side(_ordered(way, [[int(o) for o in outside]] * inputs), 0, 0)
    return [k for k, mark in enumerate(way.whole_taps(marks, inputs).codes) if mark]


def _columns(
    way: Way, x: Tensor, shape: _Shape, groups: int, zero: int, shift: int
) -> Iterator[tuple[int, int, Side, list[bool]]]:
    """(image, group, codes in K order, taps outside) of every output pixel, row-major."""
    batch, channels, *size = x.shape
    inputs, plane, make = channels // groups, prod(size), right if way.filter_left else left
    for at in positions(*map(range, shape.out)):
        sources = list(shape.sources(at))
        outside = [s is None for s in sources]
        for n, group in positions(range(batch), range(groups)):
            planes = []
            for c in range(group * inputs, (group + 1) * inputs):
                base = (n * channels + c) * plane
                planes.append([(zero if s is None else x.data[base + s]) - shift for s in sources])
            side = make(way.arith, _ordered(way, planes), zero - shift)
            yield n, group, way.whole_taps(side, inputs), outside


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
