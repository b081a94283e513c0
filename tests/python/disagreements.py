"""Operations on which two built-in profiles disagree, one for each known kind of disagreement.

Numbers are those of the table "Same model, two ISAs" in docs/arithmetic.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import qsim

F32, I8, U8 = np.float32, np.int8, np.uint8
RNG = np.random.default_rng
VNNI, AVX2, SSE = "ort-1.30.x64.avx512vnni", "ort-1.30.x64.avx2", "ort-1.30.x64.sse"
NEON, DOTPROD, I8MM = "ort-1.30.arm64.neon", "ort-1.30.arm64.dotprod", "ort-1.30.arm64.i8mm"
WASM = "ort-1.30.wasm.simd"
ONEDNN_VNNI = "onednn-3.x64.avx512vnni"


class Disagreement(NamedTuple):
    """An operation, two profiles, and where the difference must be found."""

    number: int
    a: str
    b: str
    prefixes: tuple[str, ...]
    make: Callable[[], qsim.Operation]


def conv(channels: int, *, kind: type = U8, **options: Any) -> Any:
    """A 3x3 convolution of random full-range codes."""

    def make() -> qsim.Operation:
        rng = RNG(channels)
        info = np.iinfo(kind)
        x = rng.integers(info.min, info.max + 1, (1, channels, 6, 6)).astype(kind)
        w = rng.integers(-128, 128, (8, channels, 3, 3)).astype(I8)
        scales = {"x_scale": F32(0.02), "weight_scale": F32(0.01), "out_scale": F32(0.5)}
        zero = {"x_zero": 128, "out_zero": 128} if kind is U8 else {}
        return qsim.operation("conv2d", x, w, pads=1, **scales, **zero, **options)

    return make


def gemm(a: Any, b: Any, **options: Any) -> Any:
    """A matrix product."""
    return lambda: qsim.operation("gemm", np.asarray(a), np.asarray(b), **options)


def min_rich(shape: tuple[int, ...], seed: int) -> Any:
    """Mostly -128."""
    rng = RNG(seed)
    codes = rng.integers(-128, 128, shape)
    return np.where(rng.random(shape) < 0.8, -128, codes).astype(I8)


def table(name: str, scales: tuple[float, float, float], zeros: tuple[int, int, int]) -> Any:
    """All pairs of uint8 codes."""

    def make() -> qsim.Operation:
        a = np.repeat(np.arange(256, dtype=U8), 256)
        b = np.tile(np.arange(256, dtype=U8), 256)
        names = ("a", "b", "out")
        options = {f"{n}_scale": F32(s) for n, s in zip(names, scales, strict=True)}
        options |= {f"{n}_zero": z for n, z in zip(names, zeros, strict=True)}
        return qsim.operation(name, a, b, **options)

    return make


def depthwise() -> qsim.Operation:
    """16 channels, 3x3, mostly -128."""
    x = min_rich((1, 16, 5, 5), 1)
    w = min_rich((16, 1, 3, 3), 2)
    return qsim.operation(
        "conv2d", x, w, groups=16, x_scale=F32(0.01), weight_scale=F32(0.01), out_scale=F32(0.1)
    )


def nan_scale() -> qsim.Operation:
    """One column whose weight scale is NaN."""
    a = RNG(3).integers(-128, 128, (3, 8)).astype(I8)
    b = RNG(4).integers(-128, 128, (8, 2)).astype(I8)
    weights = np.array([0.01, np.nan], F32)
    return qsim.operation(
        "gemm", a, b, lhs_scale=F32(0.1), rhs_scale=weights, out_scale=F32(0.5), out_zero=7
    )


def quantize(values: list[float], scale: float, zero: int, kind: type = F32, times: int = 1) -> Any:
    """A vector of reals to int8."""
    x = np.array(values * times, kind)
    return lambda: qsim.operation("quantize", x, kind(scale), zero, dtype="int8")


def dynamic(size: int, highest: int, place: int) -> Any:
    """Reals with their maximum and a NaN at given places."""

    def make() -> qsim.Operation:
        x = np.linspace(-1, 3, size).astype(F32)
        x[highest], x[place] = 9, np.nan
        return qsim.operation("dynamic_quantize", x)

    return make


def sums(scale: float, **options: Any) -> Any:
    """Sums rescaled by 0.02 * 0.01 / scale."""
    acc = np.arange(-40000, 40000, 25, dtype=np.int32)[:, None]
    given = {"lhs_scale": F32(0.02), "rhs_scale": F32(0.01), "out_scale": F32(scale)}
    return lambda: qsim.operation("requantize", acc, **given, **options)


def tflite_depthwise() -> qsim.Operation:
    """20 channels of sums that tie at a quarter."""
    x = np.resize(np.array([-7, -6, -5, -3, 3, 5, 6, 7, -9, -10], I8), (1, 20, 1, 4))
    w = np.ones((20, 1, 1, 1), I8)
    return qsim.operation(
        "conv2d", x, w, groups=20, x_scale=F32(1), weight_scale=F32(0.25), out_scale=F32(1)
    )


def one_row() -> qsim.Operation:
    """A fully connected layer of batch 1 with 64 outputs."""
    a = RNG(5).integers(-128, 128, (1, 32)).astype(I8)
    b = RNG(6).integers(-127, 128, (32, 512)).astype(I8)
    return qsim.operation(
        "gemm", a, b, lhs_scale=F32(0.001), rhs_scale=F32(0.01), out_scale=F32(0.01)
    )


def softmax() -> qsim.Operation:
    """Rows of 12 codes."""
    q = RNG(0).integers(-128, 128, (512, 12)).astype(I8)
    return qsim.operation("softmax", q, in_scale=F32(0.02), out_scale=F32(1 / 256), out_zero=-128)


def random_product(rows: int, depth: int, columns: int, **options: Any) -> Any:
    """A matrix product of random full-range codes, uint8 by int8."""

    def make() -> qsim.Operation:
        a = RNG(7).integers(0, 256, (rows, depth)).astype(U8)
        b = RNG(8).integers(-128, 128, (depth, columns)).astype(I8)
        given = {"lhs_scale": F32(0.02), "rhs_scale": F32(0.01), "out_scale": F32(0.5)}
        return qsim.operation("gemm", a, b, lhs_zero=128, out_zero=128, **given, **options)

    return make


def halves() -> qsim.Operation:
    """uint8 products whose results are whole or tie."""
    a = np.arange(256, dtype=U8)[:, None]
    scales = {"lhs_scale": F32(1), "rhs_scale": F32(0.5), "out_scale": F32(1)}
    return qsim.operation("gemm", a, np.ones((1, 1), U8), lhs_zero=100, out_zero=100, **scales)


def beyond_binary32() -> qsim.Operation:
    """Sums one above a tie that binary32 rounds to the tie."""
    acc = (np.arange(129, 255, 2, dtype=np.int32) * 2**17 + 1)[:, None]
    scales = {"lhs_scale": F32(1), "rhs_scale": F32(2**-18), "out_scale": F32(1)}
    return qsim.operation("requantize", acc, out_dtype="uint8", **scales)


def below_a_half() -> qsim.Operation:
    """Results just below one half; scales are codes per real unit."""
    acc = np.arange(-60, 61, dtype=np.int32)[:, None]
    return qsim.operation(
        "requantize", acc, lhs_scale=F32(1), rhs_scale=F32(1), out_scale=F32(0.49999997)
    )


def cancelling_bias() -> qsim.Operation:
    """Biases that leave of a product what its rounding left."""
    acc = np.arange(1, 64, dtype=np.int32)[None, :]
    bias = -np.float32(acc[0].astype(F32) * F32(1 / 3))
    scales = {"lhs_scale": F32(3), "rhs_scale": F32(1), "out_scale": F32(2**26)}
    return qsim.operation("requantize", acc, bias=bias, axis=1, **scales)


LOWEST = np.full((32, 32), -128, I8)
RAILS = [np.nan, np.inf, -np.inf, 1.0]
TIES = [0.5, 1.5, 2.5, -0.5, -1.5, 0.1]

DISAGREEMENTS = [
    Disagreement(1, VNNI, AVX2, ("products.u8s8",), conv(64)),
    Disagreement(1, SSE, AVX2, ("products.u8s8",), conv(64)),
    Disagreement(2, VNNI, AVX2, ("products.u8s8",), conv(12)),
    Disagreement(2, DOTPROD, AVX2, ("products.u8s8",), conv(3)),
    Disagreement(3, VNNI, AVX2, ("products.u8s8",),
                 gemm(np.full((1, 32), 255, U8), np.full((32, 1), 127, I8))),
    Disagreement(4, VNNI, AVX2, ("products.u8s8",), conv(16, kind=I8, qdq=True)),
    Disagreement(4, DOTPROD, AVX2, ("products.u8s8", "signed_to_unsigned"),
                 conv(16, kind=I8, qdq=True)),
    Disagreement(5, DOTPROD, NEON, ("products.s8s8",), gemm(LOWEST, LOWEST)),
    Disagreement(5, VNNI, NEON, ("products.u8s8",),
                 gemm(np.zeros((4, 32), U8), LOWEST, lhs_zero=128)),
    Disagreement(6, VNNI, NEON, ("products.s8s8",),
                 gemm(min_rich((8, 48), 10), min_rich((48, 8), 11), lhs_scale=F32(0.02),
                      rhs_scale=F32(0.01), out_scale=F32(1))),
    Disagreement(7, AVX2, DOTPROD, ("add",), table("add", (0.5, 0.5, 1), (0, 0, 0))),
    Disagreement(8, AVX2, SSE, ("add.fused",), table("add", (0.1, 0.037, 0.11), (3, 5, 7))),
    Disagreement(8, AVX2, WASM, ("add",), table("add", (0.1, 0.037, 0.11), (3, 5, 7))),
    Disagreement(9, AVX2, DOTPROD, ("mul.fused",), table("mul", (0.5, 0.3, 0.7), (3, 5, 7))),
    Disagreement(9, AVX2, WASM, ("mul",), table("mul", (0.1, 0.037, 0.11), (3, 5, 7))),
    Disagreement(10, AVX2, DOTPROD, ("requant.narrow",), nan_scale),
    Disagreement(10, AVX2, WASM, ("requant.narrow",), nan_scale),
    Disagreement(11, AVX2, DOTPROD, ("quantize.half.narrow.convert",),
                 quantize(RAILS, 1, -5, np.float16)),
    Disagreement(12, AVX2, WASM, ("quantize.vector.narrow",), quantize(RAILS, 1, 5, times=4)),
    Disagreement(13, AVX2, SSE, ("dynamic.lanes",), dynamic(16, 0, 4)),
    Disagreement(13, AVX2, DOTPROD, ("dynamic",), dynamic(16, 0, 4)),
    Disagreement(14, "tflite.ruy.arm64", "tflite.ruy.x64", ("requant.fixed.single_rounding",),
                 sums(0.01)),
    Disagreement(15, "tflite.ref.x64", "tflite.ruy.x64", ("channelwise",), tflite_depthwise),
    Disagreement(16, "tflite.ruy.arm64", "tflite.ref.single_rounding.arm64", ("requant_row",),
                 one_row),
    Disagreement(17, "tflite.ref.x64", "tflite.ruy.x64", ("quantize",),
                 quantize(TIES, 1, 0, times=2)),
    Disagreement(18, "tflite.ref.arm64", "tflite.ruy.arm64", ("softmax.scheme",), softmax),
    Disagreement(19, "xnnpack.arm64.qu8", "xnnpack.x64", ("requant.scheme",), halves),
    Disagreement(19, "xnnpack.arm64.qu8", "xnnpack.x64", ("requant.scheme",), beyond_binary32),
    Disagreement(19, "xnnpack.arm64.qs8", "xnnpack.x64", ("mul.scheme",),
                 table("mul", (0.5, 1, 1), (3, 5, 7))),
    Disagreement(20, "xnnpack.x64", "xnnpack.arm64.qs8", ("quantize.vector.narrow",),
                 quantize(RAILS, 1, 5)),
    Disagreement(21, "fbgemm.x64.avx2", "pytorch.x64.qnnpack", ("products.u8s8.step0.bits",),
                 gemm(np.array([[211, 171]], U8), np.array([[71], [107]], I8))),
    Disagreement(21, "fbgemm.x64.avx512", "pytorch.arm64.qnnpack", ("products.u8s8.step0.bits",),
                 random_product(8, 64, 8)),
    Disagreement(21, "pytorch-2.13.x64.avx2", "pytorch-2.13.x64.avx512vnni",
                 ("products.u8s8.step0.bits",), random_product(8, 64, 8)),
    Disagreement(22, ONEDNN_VNNI, "onednn-3.x64.avx2", ("window.constant.halves_rhs",),
                 conv(16, kind=I8)),
    Disagreement(22, ONEDNN_VNNI, "onednn-3.x64.avx512", ("window.constant.halves_rhs",),
                 conv(16, kind=I8)),
    Disagreement(23, "acl.armv7", "acl.arm64", ("quantize.vector.narrow.convert.ties",),
                 quantize([n / 4 for n in range(-20, 21)], 1, 3)),
    Disagreement(24, "ncnn.arm64", "ncnn.x64", ("requant.narrow.convert.ties",), below_a_half),
    Disagreement(24, "ncnn.arm64", "ncnn.armv7", ("requant.narrow.convert.ties",), below_a_half),
    Disagreement(24, "ncnn.x64.fma", "ncnn.x64", ("requant.fused",), cancelling_bias),
    Disagreement(25, VNNI, I8MM, ("taps.nine",), depthwise),
    Disagreement(26, VNNI, AVX2, ("products.u8s8",), random_product(7, 32, 32, qdq=True)),
    Disagreement(26, WASM, "ort-1.30.x64.avx512", ("products.u8s8",),
                 random_product(7, 32, 32, qdq=True)),
]  # fmt: skip
