"""Candidate inputs of probes: small cases that reach the places where engines differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from qsim.operations import Operation, operation

I8, U8, I16, I32, F32 = np.int8, np.uint8, np.int16, np.int32, np.float32
NAN, INF = float("nan"), float("inf")
RANGE = {"int8": (-128, 127), "uint8": (0, 255)}


def vector(length: int, places: dict[int, int], dtype: npt.DTypeLike) -> npt.NDArray[np.generic]:
    """A row of zeros but for a few codes."""
    row = np.zeros(length, dtype)
    for place, code in places.items():
        row[place] = code
    return row


def gemm_pool() -> Iterator[Operation]:
    """Pairs, quads and lanes that overflow; accumulators at the rails; ties of rescaling."""
    for left in (U8, I8):
        top = 255 if left is U8 else -128
        zero = 128 if left is U8 else 0
        for right in (I8, U8):
            for weight in (127, -128) if right is I8 else (255,):
                for length, places in PLACES:
                    a = vector(length, dict.fromkeys(places, top), left)
                    b = vector(length, dict.fromkeys(places, weight), right)
                    for z in {0, zero}:
                        yield product(a, b, lhs_zero=z)
            # A flipped operand: uint8 0 by zero point 128 is -128.
            low = vector(32, dict.fromkeys(range(32), 0 if left is U8 else -128), left)
            b = vector(32, dict.fromkeys(range(32), -128 if right is I8 else 255), right)
            yield product(low, b, lhs_zero=zero)
            start = np.array([2**31 - 5], I32)
            a, b = vector(4, {0: 3}, left), vector(4, {0: 7}, right)
            yield product(a, b, initial=start)
    a = vector(700, dict.fromkeys(range(700), 100), U8)
    for count in (300, 600, 700):
        b = vector(700, dict.fromkeys(range(count), 3), I8)
        yield product(a, b)
    a, b = vector(4, {0: 32767, 1: 32767}, I16), vector(4, {0: 127, 1: 127}, I8)
    for times in (1, 300):
        yield product(np.tile(a, times), np.tile(b, times))
    yield product(vector(4, {0: 1}, I8), vector(4, {0: 3, 1: 1}, I8))  # halves of odd weights
    for scale in (0.5, 0.25, 0.02, 0.05, 0.1, 0.3, 2.0**-7):
        yield rescaled(TOTALS, scale)
        for total in TOTALS:
            yield rescaled([total], scale)


PLACES: list[tuple[int, tuple[int, ...]]] = [
    (2, (0, 1)), (4, (0, 2)), (4, (0, 3)), (8, (0, 1, 2, 3)), (16, (0, 8)), (16, (0, 4)),
    (32, (0, 16)), (9, (0, 8)),
]  # fmt: skip


def product(a: npt.NDArray[np.generic], b: npt.NDArray[np.generic], **options: object) -> Operation:
    """Two equal rows times one column."""
    return operation("gemm", np.stack([a, a]), b[:, None], **options)


TOTALS = [-525, -475, -375, -7, -6, -5, -3, 3, 5, 6, 7, 325, 375, 475, 525, 1275, 2550]


def rescaled(totals: list[int], scale: float) -> Operation:
    """A matrix product with these sums, rescaled."""
    a = np.zeros((len(totals), 8), I8)
    a[:, 0] = np.remainder(totals, 127)
    a[:, 1] = np.floor_divide(totals, 127)
    b = np.zeros((8, 1), I8)
    b[0], b[1] = 1, 127
    return operation("gemm", a, b, lhs_scale=F32(1), rhs_scale=F32(scale), out_scale=F32(1))


def conv_pool() -> Iterator[Operation]:
    """Channels and taps that meet; depthwise and indirect routes."""
    shapes = [
        (3, 8, 3, 1), (64, 8, 3, 1), (16, 16, 3, 16), (8, 8, 3, 8), (8, 8, 2, 8), (12, 8, 1, 1),
        (4, 4, 3, 4), (72, 8, 3, 1), (64, 7, 3, 1), (16, 8, 2, 1),
    ]  # fmt: skip
    for channels, out, kernel, groups in shapes:
        for kind in (U8, I8):
            code = 255 if kind is U8 else -128
            x = np.full((1, channels, kernel, kernel), code, kind)
            y = np.full((1, channels, kernel, kernel), 0 if kind is U8 else -128, kind)
            for weight in (127, -128):
                w = np.full((out, channels // groups, kernel, kernel), weight, I8)
                for image, zero in ((x, 0), (y, 128 if kind is U8 else 0)):
                    for constant in (True, False):
                        yield operation("conv2d", image, w, groups=groups, x_zero=zero,
                                        x_scale=F32(2**-10), weight_scale=F32(2**-10),
                                        out_scale=F32(1), constant_weights=constant)  # fmt: skip
    # 20 depthwise channels: a group of 8, another, and 4 left over; sums that tie.
    ties = [-7, -6, -5, -3, -1, 3, 5, 6, 75, 95, 105, -75, -95, -105, 25, 35, -6, -3, 6, -105]
    x = np.array(ties, I8).reshape(1, 20, 1, 1)
    w = np.ones((20, 1, 1, 1), I8)
    for scale in (0.5, 0.25, 0.02, 0.1, 0.3):
        yield operation("conv2d", x, w, groups=20, x_scale=F32(1), weight_scale=F32(scale),
                        out_scale=F32(1))  # fmt: skip
    for scale in (0.125, 0.02, 0.1, 0.3):
        yield operation("conv2d", x.reshape(1, 1, 4, 5), np.ones((8, 1, 1, 1), I8),
                        x_scale=F32(1), weight_scale=F32(scale), out_scale=F32(1))  # fmt: skip


def requantize_pool() -> Iterator[Operation]:
    """Ties of both signs, sums beyond 2^24, factors that are not numbers, rails, zero points."""
    sums = [*TOTALS, -11, -1, 1, 2**24 + 1, -(2**31), 2**31 - 1, 33554435]
    acc = np.array(sums, I32)[:, None]
    for dtype, zeros in (("int8", (0, 100, -128)), ("uint8", (0, 128, 255))):
        for zero in zeros:
            for x, w, y in SCALES:
                yield operation("requantize", acc, lhs_scale=F32(x), rhs_scale=F32(w),
                                out_scale=F32(y), out_zero=zero, out_dtype=dtype)  # fmt: skip
    channels = np.array([[-7, -6, -5, -3, -1, 1, 3, 5, 6, 7, -5, -3]], I32)
    for scale in (0.5, 0.25, 0.75):
        for kind in ("row", "depthwise"):
            yield operation("requantize", channels, lhs_scale=F32(1), rhs_scale=F32(scale),
                            out_scale=F32(1), kind=kind)  # fmt: skip
    wide = np.array([[-7, 5, 2**33 + 1, -(2**40)]], np.int64)
    for scale in (0.5, 2.0**-30, 0.3):
        yield operation("requantize", wide, lhs_scale=F32(1), rhs_scale=F32(scale),
                        out_scale=F32(1), kind="wide", out_dtype="int16")  # fmt: skip
    raw = np.array([[-6, -3, 3, 6, -(2**31)]], I32)
    for multiplier, shift in ((1 << 30, 0), (1 << 30, -1), (1518500250, -3), (-(2**31), 0)):
        yield operation("requantize", raw, multiplier=multiplier, shift=shift, out_dtype="int16")


SCALES = [(1, 0.5, 1), (1, 0.25, 1), (1, 0.75, 1), (0.1, 0.3, 0.7), (0.02, 0.01, 0.01),
          (1, 2.0**-20, 1), (1, NAN, 1), (1, INF, 1), (1, 1, 0), (1, 1, 1), (1, 3e30, 1e-30),
          (1, 1.0000001, 3), (0.9999999, 0.5, 1)]  # fmt: skip


def quantize_pool() -> Iterator[Operation]:
    """Ties, both neighbours of one half, NaN, infinities, values beyond int32, body and tail."""
    specials = [0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 0.49999997, -0.49999997, NAN, INF, -INF, 3e9, -3e9,
                2147483520.0, 1e30, -1e30]  # fmt: skip
    for dtype, zeros in (("int8", (0, 5, -7, 127)), ("uint8", (0, 128, 255))):
        for zero in zeros:
            for scale in (1.0, 0.1, 3.0, 1e-30, 0.0):
                for group in (specials[:8], specials[8:]):
                    values = np.array(group, F32) * F32(scale if scale > 1e-3 else 1)
                    for length in (8, 11, 3):
                        x = np.resize(values, length).astype(F32)
                        yield operation("quantize", x, F32(scale), zero, dtype=dtype)
    near = np.array([0.35, 0.45, 1.05, 2.15, -0.35, -1.05, 12.75, 12.85, -3.3], F32)
    for scale in (0.1, 0.7, 0.3):
        for length in (1, 5, 8, 9):
            yield operation("quantize", near[:length], F32(scale), 0, dtype="int8")
    half = np.array([0.5, 1.5, -0.5, NAN, INF, -INF, 65504], np.float16)
    for zero in (0, 5, -7):
        yield operation("quantize", half, np.float16(1e-5), zero, dtype="int8")
    for value in (NAN, INF, 2.5):
        x = np.array([[1, value, 3], [value, 5, 6]], F32)
        yield operation("quantize", x, np.array([1, 0.5, 2], F32), np.zeros(3, I32), axis=1,
                        dtype="int8")  # fmt: skip
        yield operation("quantize", x, F32(1), 0, dtype="int4")


def dynamic_pool() -> Iterator[Operation]:
    """Extremes and NaN in every lane position, all lengths around the vectors."""
    for length in (1, 3, 4, 5, 8, 9, 16, 17, 33, 40):
        base = np.linspace(-1, 1.5, length).astype(F32)
        yield operation("dynamic_quantize", base)
        for place in sorted({0, 1, length // 2, length - 1}):
            if place >= length:
                continue
            for value in (NAN, INF, -9.0):
                x = base.copy()
                x[place] = value
                yield operation("dynamic_quantize", x)


def binary_pool(name: str) -> Callable[[], Iterator[Operation]]:
    """Ties, rails and scales out of ordinary ranges, in each operand type."""

    def candidates() -> Iterator[Operation]:
        settings = [
            (0.5, 0.5, 1), (0.1, 0.037, 0.11), (0.5, 0.3, 0.7), (0.02, 0.03, 0.04), (1, 1, 0.5),
            (0.25, 1, 4), (1e-6, 1, 1), (1, 1000, 1), (NAN, 1, 1), (1, 1, 0), (0.7, 0.9, 1.3),
            (0.003, 0.5, 0.0029),
        ]  # fmt: skip
        for kind in (I8, U8):
            low, high = RANGE[np.dtype(kind).name]
            rng = np.random.default_rng(7)
            for setting in settings:
                for zeros in ((0, 0, 0), (3, 5, 7)) if kind is I8 else ((128, 128, 128), (0, 9, 0)):
                    a = np.concatenate([[low, high, low], rng.integers(low, high + 1, 3000)])
                    b = np.concatenate([[low, high, high], rng.integers(low, high + 1, 3000)])
                    scales = dict(zip(("a_scale", "b_scale", "out_scale"), map(F32, setting),
                                      strict=True))  # fmt: skip
                    places = dict(zip(("a_zero", "b_zero", "out_zero"), zeros, strict=True))
                    yield operation(name, a.astype(kind), b.astype(kind), **scales, **places)

    return candidates


def pool_pool() -> Iterator[Operation]:
    """Means that tie, whole images, windows cut by the border, negative codes under max."""
    for kind in (I8, U8):
        low, high = RANGE[np.dtype(kind).name]
        ramp = np.resize(
            np.array([low, low + 1, low + 1, high, high - 1, 3, 4, 4, 5]), (1, 2, 4, 4)
        )
        for x in (ramp.astype(kind), np.flip(ramp).astype(kind)):
            for way in ("average", "max"):
                for kernel, stride, pads in ((2, 2, 0), (4, 1, 0), (3, 1, 1), (3, 2, 1)):
                    for scales in ((1.0, 1.0), (0.3, 0.7), (1.0, 0.5)):
                        yield operation("pool", x, kind=way, kernel=(kernel, kernel),
                                        stride=(stride, stride), pads=(pads, pads),
                                        in_scale=F32(scales[0]), out_scale=F32(scales[1]),
                                        in_zero=int(x[0, 0, 0, 0]), out_zero=0)  # fmt: skip


def lut_pool() -> Iterator[Operation]:
    """Whole tables."""
    for kind in (I8, U8):
        low, high = RANGE[np.dtype(kind).name]
        codes = np.arange(low, high + 1).astype(kind)
        for function in ("sigmoid", "tanh"):
            for scale in (0.1, 0.03):
                out = 1 / 256 if function == "sigmoid" else 1 / 128
                zero = (low if function == "sigmoid" else 0) + (128 if kind is U8 else 0)
                yield operation("lut", codes, function=function, in_scale=F32(scale), in_zero=3,
                                out_scale=F32(out), out_zero=min(max(zero, low), high))  # fmt: skip


def softmax_pool() -> Iterator[Operation]:
    """Rows of each type with ties and long tails."""
    rng = np.random.default_rng(3)
    for kind in (I8, U8):
        low, high = RANGE[np.dtype(kind).name]
        for scale in (0.1, 0.02, 1.0):
            for width in (4, 10, 40):
                q = rng.integers(low, high + 1, (2, width)).astype(kind)
                yield operation("softmax", q, in_scale=F32(scale), out_scale=F32(1 / 256),
                                out_zero=low)  # fmt: skip


def leaky_pool() -> Iterator[Operation]:
    """All codes, slopes that tie."""
    for kind in (I8, U8, I16):
        info = np.iinfo(kind)
        step = max(1, (info.max - info.min) // 255)
        codes = np.arange(info.min, info.max + 1, step).astype(kind)
        zero = 0 if kind is not U8 else 128
        for alpha, scale in ((0.5, 1.0), (0.1, 1.0), (0.01, 0.7), (0.25, 2.0)):
            yield operation("leaky_relu", codes, alpha=alpha, in_scale=F32(scale),
                            out_scale=F32(1), in_zero=zero, out_zero=zero)  # fmt: skip


POOLS: dict[str, Callable[[], Iterator[Operation]]] = {
    "gemm": gemm_pool,
    "conv2d": conv_pool,
    "requantize": requantize_pool,
    "quantize": quantize_pool,
    "dynamic_quantize": dynamic_pool,
    "add": binary_pool("add"),
    "mul": binary_pool("mul"),
    "pool": pool_pool,
    "lut": lut_pool,
    "softmax": softmax_pool,
    "leaky_relu": leaky_pool,
}


def pool(name: str) -> list[Operation]:
    """All candidates of one operator."""
    return list(POOLS[name]())
