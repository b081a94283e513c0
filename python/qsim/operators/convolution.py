"""Convolutions of codes, by a profile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qsim import _core
from qsim._core import Profile
from qsim._core import operators as core
from qsim.catalogue import resolve
from qsim.operators.arguments import Array, ArrayLike, integer, integers, scalar
from qsim.operators.products import (
    _engine_conv,
    _limits,
    add_bias,
    is_engine,
    narrow_sums,
    requantize,
    rewritten,
)


def _steps(value: int | Sequence[int], axes: int, name: str) -> list[int]:
    steps = [value] * axes if isinstance(value, int) else [int(v) for v in value]
    if len(steps) != axes:
        raise ValueError(f"{name}: expected {axes} values, got {len(steps)}")
    return steps


def _pads(value: int | Sequence[int], axes: int) -> list[int]:
    """Before every axis, then after every axis; `axes` values stand for both sides."""
    pads = [value] * (2 * axes) if isinstance(value, int) else [int(v) for v in value]
    if len(pads) == axes:
        pads = pads + pads
    if len(pads) != 2 * axes:
        raise ValueError(f"pads: expected {axes} or {2 * axes} values, got {len(pads)}")
    return pads


def conv2d(
    x: ArrayLike,
    weights: ArrayLike,
    *,
    profile: Profile | str,
    x_zero: int = 0,
    weight_zero: ArrayLike = 0,
    stride: int | Sequence[int] = 1,
    pads: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    bias: ArrayLike | None = None,
    x_scale: float | None = None,
    weight_scale: ArrayLike | None = None,
    out_scale: float | None = None,
    out_zero: int = 0,
    out_dtype: str | None = None,
    low: int | None = None,
    high: int | None = None,
    constant_weights: bool = True,
    qdq: bool = False,
) -> Array:
    """Convolution of codes as the profile computes it; any number of spatial axes.

    Without scales: the sums of a convolution that returns integers (ConvInteger). With the three
    scales: codes, rescaled by the profile.

    Parameters
    ----------
    x : int8, uint8 or int16, [n, c, ...]
    weights : int8 or uint8, [m, c/groups, ...]
    x_zero, weight_zero : int; weight_zero also [m]
        Zero points. Taps outside the image read `x_zero`.
    stride, dilation : int or one per axis
    pads : int, one per axis, or all begins and then all ends
    bias : int32 [m], optional; float32 in real units for profiles that fuse it themselves
    x_scale, weight_scale, out_scale : float32; weight_scale also [m]
    constant_weights : bool
        False: the weights are a run-time input, for which runtimes choose other kernels.
    qdq : bool
        As for :func:`gemm`.

    Returns
    -------
    int32 (int64) sums or codes of `out_dtype` (default: that of `x`), [n, m, ...].

    Examples
    --------
    >>> import numpy as np, qsim
    >>> x, w = np.full((1, 8, 3, 3), -128, np.int8), np.full((8, 1, 3, 3), -128, np.int8)
    >>> options = dict(groups=8, x_scale=2.0**-11, weight_scale=1.0, out_scale=1.0)
    >>> for name in ("ort-1.30.x64.avx2", "ort-1.30.arm64.i8mm"):
    ...     print(qsim.conv2d(x, w, profile=name, **options)[0, 0, 0, 0])
    72
    -56
    """
    row = resolve(profile)
    image, filters = np.asarray(x), np.asarray(weights)
    if image.ndim < 3 or filters.ndim != image.ndim:
        raise ValueError(
            f"x, weights: expected [n, c, ...] and [m, c/groups, ...] of one rank >= 3, got "
            f"{image.shape} and {filters.shape}"
        )
    axes = image.ndim - 2
    scales = (x_scale, weight_scale, out_scale)
    if any(s is None for s in scales) != all(s is None for s in scales):
        raise ValueError("x_scale, weight_scale, out_scale: expected all three or none")
    steps, spread = _steps(stride, axes, "stride"), _steps(dilation, axes, "dilation")
    around = _pads(pads, axes)
    out_type = out_dtype or str(image.dtype)
    image, zero = rewritten(row, image, integer(x_zero, "x_zero"), qdq)
    wz = integers(weight_zero, "weight_zero", np.int32).reshape(-1)
    if x_scale is not None and is_engine(row):
        return _engine(
            row,
            image,
            filters,
            zero,
            wz,
            steps,
            around,
            spread,
            groups,
            bias,
            (x_scale, weight_scale, out_scale),
            out_zero,
            out_type,
            _limits(out_type, low, high),
        )
    sums, _ = core.convolve(
        row,
        image,
        filters,
        zero,
        wz,
        steps,
        around,
        spread,
        groups,
        constant_weights,
        x_scale is None,
    )
    if x_scale is None or weight_scale is None or out_scale is None:
        return add_bias(sums, bias, 1)
    sums, wide = narrow_sums(sums, bias)
    kind = "convolution"
    if wide:
        kind = "wide"
    elif groups > 1:
        kind = "depthwise" if groups == image.shape[1] else "grouped"
    elif one_pixel_row(row, image, filters, sums):
        kind = "row"
    return requantize(
        sums,
        profile=row,
        lhs_scale=x_scale,
        rhs_scale=weight_scale,
        out_scale=out_scale,
        bias=bias,
        out_zero=out_zero,
        out_dtype=out_type,
        low=low,
        high=high,
        axis=1,
        kind=kind,
    )


def one_pixel_row(row: Profile, image: Array, filters: Array, sums: Array) -> bool:
    """Whether the row runs this convolution as a matrix product with one row."""
    out, depth = filters.shape[0], int(np.prod(filters.shape[1:]))
    return core.passes_row_gate(row, str(image.dtype), sums.size // out, out, depth, True)


def accumulate_conv(
    x: ArrayLike,
    weights: ArrayLike,
    *,
    profile: Profile | str,
    x_zero: int = 0,
    weight_zero: ArrayLike = 0,
    stride: int | Sequence[int] = 1,
    pads: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    bias: ArrayLike | None = None,
    constant_weights: bool = True,
    returns_integers: bool = False,
) -> Array:
    """Sums of a convolution, before any rescaling: int32, or int64 for 64-bit rows.

    Parameters as for :func:`conv2d`. `returns_integers` asks for the route of an operator that ends
    here (ConvInteger); otherwise these are the sums inside a convolution that rescales them.
    """
    row = resolve(profile)
    image, filters = np.asarray(x), np.asarray(weights)
    axes = max(image.ndim - 2, 0)
    sums, _ = core.convolve(
        row,
        image,
        filters,
        integer(x_zero, "x_zero"),
        integers(weight_zero, "weight_zero", np.int32).reshape(-1),
        _steps(stride, axes, "stride"),
        _pads(pads, axes),
        _steps(dilation, axes, "dilation"),
        groups,
        constant_weights,
        returns_integers,
    )
    return add_bias(sums, bias, 1)


def _engine(
    row: Profile,
    x: Array,
    w: Array,
    x_zero: int,
    w_zero: Array,
    stride: list[int],
    pads: list[int],
    dilation: list[int],
    groups: int,
    bias: Any,
    scales: tuple[Any, Any, Any],
    out_zero: int,
    out_type: str,
    limits: tuple[float, float],
) -> Array:
    """A 2-D convolution by a row that fuses its own parameters."""
    axes = x.ndim - 2
    depthwise = groups > 1 and groups == x.shape[1] == w.shape[0]
    if axes != 2 or pads[:2] != pads[2:] or (groups > 1 and not depthwise) or w_zero.any():
        raise _core.NotSupported(
            f"profile {row.name} runs 2-D convolutions with equal pads on both sides, weight zero "
            f"points 0, and one group or one per channel; got {axes} axes, pads {pads}, {groups} "
            "groups"
        )
    if x.dtype != np.int8 or w.dtype != np.int8 or out_type != "int8":
        raise _core.NotSupported(
            f"profile {row.name} multiplies int8 by int8 into int8, got {x.dtype} by {w.dtype} "
            f"into {out_type}"
        )
    return _engine_conv(
        row,
        x,
        w,
        (scalar(scales[0], "x_scale"), x_zero, -128, 127),
        (scalar(scales[2], "out_scale"), out_zero, *limits),
        scales[1],
        bias,
        depthwise=depthwise,
        stride=tuple(stride),
        pad=tuple(pads[:2]),
        dilation=tuple(dilation),
    )
