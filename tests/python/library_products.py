"""The library as a court of products: the public functions under one profile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import qsim
from ort_vectors import Array
from qsim import Profile

__all__ = ["LibraryProducts"]


class LibraryProducts:
    """`qsim.gemm`, `qsim.conv2d` and `qsim.requantize` as an ort_products.Court."""

    def __init__(self, profile: Profile | str) -> None:
        self.profile = profile

    def matmul(self, lhs: Array, rhs: Array, lhs_zero: int, rhs_zeros: Array) -> Array:
        return qsim.gemm(lhs, rhs, profile=self.profile, lhs_zero=lhs_zero, rhs_zero=rhs_zeros)

    def convolution(
        self,
        x: Array,
        w: Array,
        *,
        x_zero: int,
        w_zeros: Array,
        strides: Sequence[int] | None,
        pads: Sequence[int] | None,
        dilations: Sequence[int] | None,
        groups: int,
        bias: Array | None,
        constant_filter: bool,
        integer: bool,
    ) -> Array:
        sums: Array = qsim.operators.accumulate_conv(
            x, w, profile=self.profile, x_zero=x_zero, weight_zero=w_zeros,
            stride=1 if strides is None else list(strides),
            pads=0 if pads is None else list(pads),
            dilation=1 if dilations is None else list(dilations),
            groups=groups, bias=bias, constant_weights=constant_filter, returns_integers=integer,
        )  # fmt: skip
        return sums

    def requantize(
        self, acc: Array, x_scale: Array, w_scales: Array, y_scale: Array, zero: Array, axis: int
    ) -> Array:
        return qsim.requantize(
            acc, profile=self.profile, lhs_scale=np.float32(x_scale), rhs_scale=w_scales,
            out_scale=np.float32(y_scale), out_zero=int(zero), out_dtype=zero.dtype.name, axis=axis,
        )  # fmt: skip

    def real(self, acc: Array, x_scale: Array, w_scales: Array, bias: Array | None) -> Array:
        return qsim.operators.real(
            acc, profile=self.profile, lhs_scale=np.float32(x_scale), rhs_scale=w_scales, bias=bias
        )

    def dynamic_quantize(self, x: Array) -> tuple[Array, Array, Array]:
        codes, scale, zero = qsim.operators.dynamic_quantize(x, profile=self.profile)
        return codes, np.float32(scale), np.uint8(zero)
