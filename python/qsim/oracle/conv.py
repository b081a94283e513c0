"""int8 convolutions of a profile, general and depthwise. Equations (A.5), (A.9), (A.12), (A.13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import f32
from .dot import dot
from .geometry import Geometry, Pair, output_extent
from .patch import Depth, Source, depth_words, depths
from .quant import Fused, QInfo, code, fuse, requantize_channel, whole
from .tensor import Tensor, tensor
from .words import clamp, wrap

Row = Mapping[str, Any]


@dataclass(frozen=True)
class ConvOptions:
    """Options of a convolution; (h, w) pairs in pixels. `lane_code` None: the code of 0.0."""

    stride: Pair = (1, 1)
    pad: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    relu: bool = False
    overflow_aware: bool = False
    out: Pair | None = None
    lane_code: int | None = None


@dataclass
class ConvResult:
    """Codes [batch, out, h, w]; where `unspecified` the engine reads memory it never wrote."""

    codes: Tensor
    fused: Fused
    unspecified: list[bool] = field(default_factory=list)


def conv2d(
    row: Row,
    x: Any,
    w: Any,
    alpha: Sequence[float],
    bias: Sequence[float],
    q_in: QInfo,
    q_out: QInfo,
    options: ConvOptions | None = None,
) -> ConvResult:
    """Codes of a convolution. x [batch, in, h, w], w [out, in/groups, kh, kw], int8 codes."""
    options = options or ConvOptions()
    x, w = tensor(x), tensor(w)
    batch, channels, *_ = x.shape
    if channels != w.shape[1] * options.groups:
        raise ValueError(f"w: expected {channels // options.groups} inputs, got {w.shape[1]}")
    fused = fuse_weights(row, w, alpha, bias, q_in, q_out, row["epilogue"]["bias"])
    per_group = w.shape[0] // options.groups
    g = _geometry(x, w, options)
    planes: dict[tuple[int, int], list[tuple[int, bool]]] = {}
    for group in range(options.groups):
        part = x if options.groups == 1 else _channels(x, group * w.shape[1], w.shape[1])
        source = Source(part.data, code(q_in.zero), _lane_code(q_in, options))
        packed = depths(row["patch"], g, source)
        for o in range(group * per_group, (group + 1) * per_group):
            results = _channel(row, g, packed, w, o, fused, q_out, options)
            for n in range(batch):
                size = g.out[0] * g.out[1]
                planes[n, o] = results[n * size : (n + 1) * size]
    flat = [v for n in range(batch) for o in range(w.shape[0]) for v in planes[n, o]]
    shape = (batch, w.shape[0], *g.out)
    return ConvResult(Tensor(shape, [c for c, _ in flat]), fused, [u for _, u in flat])


def depthwise(
    row: Row,
    x: Any,
    w: Any,
    alpha: Sequence[float],
    bias: Sequence[float],
    q_in: QInfo,
    q_out: QInfo,
    options: ConvOptions | None = None,
) -> ConvResult:
    """Codes of a depthwise convolution. x [batch, c, h, w], w [c, 1, kh, kw]."""
    options = options or ConvOptions()
    x, w = tensor(x), tensor(w)
    fused = fuse_weights(row, w, alpha, bias, q_in, q_out, row["depthwise"]["bias"])
    g = _geometry(x, w, options, channels=x.shape[1])
    low, high = _limits(q_out, options)
    offset, pad = row["conv"]["lhs_offset"], code(q_in.zero)
    codes = []
    for n in range(g.batch):
        for c in range(g.channels):
            kernel = w.data[c * g.taps : (c + 1) * g.taps]
            for p in range(g.out[0] * g.out[1]):
                _, y, column = g.pixel(p)
                acc = 0
                for t, weight in enumerate(kernel):
                    at = g.source(y, column, *divmod(t, g.kernel[1]))
                    value = pad if at is None else x.data[g.index(n, c, *at)]
                    acc += (value + offset) * weight
                codes.append(
                    requantize_channel(
                        row["depthwise"], wrap(acc, 32), fused, c, low, high, row["float_mode"]
                    )
                )
    shape = (g.batch, g.channels, *g.out)
    return ConvResult(Tensor(shape, codes), fused, [not fused.written] * len(codes))


def fuse_weights(
    row: Row,
    w: Tensor,
    alpha: Sequence[float],
    bias: Sequence[float],
    q_in: QInfo,
    q_out: QInfo,
    stage: str,
) -> Fused:
    """S and B from int8 weights [out, ...] and binary32 scales and biases."""
    per_channel = len(w.data) // w.shape[0]
    sums = [sum(w.data[k : k + per_channel]) for k in range(0, len(w.data), per_channel)]
    patterns = [[f32.bits(float(v)) for v in values] for values in (alpha, bias)]
    return fuse(row, q_in, q_out, patterns[0], patterns[1], sums, stage)


def row_fate(tile: Row, flat: int, rows: int) -> tuple[bool, bool]:
    """(doubled, unclamped) of flat output pixel `flat` of `rows`. Equation (A.13)."""
    if tile["rows"] == 0:
        return False, False
    left = rows % tile["rows"]
    if left == 0 or flat < rows - left:
        return False, False
    return left == tile["doubled_rows"] and flat == rows - 1, left == tile["unclamped_rows"]


def _channel(
    row: Row,
    g: Geometry,
    packed: Sequence[Depth],
    w: Tensor,
    o: int,
    fused: Fused,
    q_out: QInfo,
    options: ConvOptions,
) -> list[tuple[int, bool]]:
    """(code, unspecified) of output channel o at every flat pixel."""
    fast = options.overflow_aware
    arith = row["conv_fast"] if fast else row["conv"]
    weights = _depth_weights(row, g, w, o)
    low, high = _limits(q_out, options)
    results = []
    for p, depth in enumerate(packed):
        # the overflow-aware kernel has no remainder defects
        doubled, unclamped = (False, False) if fast else row_fate(row["tile"], p, g.pixels)
        acc = dot(arith, depth.codes, weights, doubled=doubled)
        value = requantize_channel(
            row["epilogue"], acc, fused, o, low, high, row["float_mode"], unclamped=unclamped
        )
        used = any(s and v != 0 for s, v in zip(depth.stale, weights, strict=True))
        results.append((value, used or not fused.written))
    return results


def _depth_weights(row: Row, g: Geometry, w: Tensor, o: int) -> list[int]:
    """Weights of channel o in K order: tap after tap, zeros in unused lanes and blocks."""
    inputs, taps = w.shape[1], g.taps
    packed = [0] * (4 * depth_words(row["patch"], g))
    for c in range(inputs):
        for t in range(taps):
            packed[t * 4 * g.words + c] = w.data[(o * inputs + c) * taps + t]
    return packed


def _limits(q_out: QInfo, options: ConvOptions) -> tuple[int, int]:
    """Lowest and highest code; a fused ReLU replaces the lowest by the zero point."""
    return code(q_out.zero if options.relu else q_out.low), code(q_out.high)


def _lane_code(q_in: QInfo, options: ConvOptions) -> int:
    if options.lane_code is not None:
        return options.lane_code
    return clamp(whole(q_in.zero), code(q_in.low), code(q_in.high))


def _geometry(x: Tensor, w: Tensor, o: ConvOptions, channels: int | None = None) -> Geometry:
    size, kernel = (x.shape[2], x.shape[3]), (w.shape[2], w.shape[3])
    out = o.out or (
        output_extent(size[0], kernel[0], o.stride[0], o.pad[0], o.dilation[0]),
        output_extent(size[1], kernel[1], o.stride[1], o.pad[1], o.dilation[1]),
    )
    inputs = channels if channels is not None else w.shape[1]
    return Geometry(x.shape[0], inputs, size, kernel, o.stride, o.pad, o.dilation, out)


def _channels(x: Tensor, first: int, count: int) -> Tensor:
    """Channels first .. first+count-1 of [batch, c, h, w]."""
    batch, channels, h, w = x.shape
    plane = h * w
    data = [
        v
        for n in range(batch)
        for v in x.data[(n * channels + first) * plane : (n * channels + first + count) * plane]
    ]
    return Tensor((batch, count, h, w), data)
