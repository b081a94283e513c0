"""Pools and means of codes, by a profile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from qsim._core import Profile
from qsim._core import operators as core
from qsim.catalogue import resolve
from qsim.operators.arguments import Array, ArrayLike, integer, scalar

Steps = int | Sequence[int]


def _steps(value: Steps, axes: int, name: str) -> list[int]:
    given = np.atleast_1d(np.asarray(value))
    steps = [integer(v, name) for v in (given.repeat(axes) if np.ndim(value) == 0 else given)]
    if len(steps) != axes:
        raise ValueError(f"{name}: expected one value or {axes}, got {len(steps)}")
    return steps


def _pads(value: Steps, axes: int) -> list[int]:
    """Before every axis, then after every axis; one value for all, or one per axis for both."""
    given = np.atleast_1d(np.asarray(value))
    if np.ndim(value) == 0 or given.size == axes:
        return _steps(value, axes, "pads") * 2
    if given.size != 2 * axes:
        raise ValueError(f"pads: expected one value, {axes} or {2 * axes}, got {given.size}")
    return [integer(v, "pads") for v in given]


def _extents(
    image: Sequence[int], kernel: list[int], stride: list[int], pads: list[int],
    dilation: list[int], ceil_mode: bool,
) -> list[int]:  # fmt: skip
    """Output extents; with `ceil_mode` a last window may hang over, but not start in the pad."""
    out = []
    for d, size in enumerate(image):
        span = size + pads[d] + pads[d + len(image)] - dilation[d] * (kernel[d] - 1) - 1
        if min(kernel[d], stride[d], dilation[d]) < 1 or span < 0:
            raise ValueError(
                f"kernel, stride, pads, dilation: expected steps >= 1 and a window that fits the "
                f"image, got {kernel[d]}, {stride[d]}, {pads[d]} and {pads[d + len(image)]}, "
                f"{dilation[d]} on {size}"
            )
        count = span // stride[d] + 1
        if ceil_mode and span % stride[d] and count * stride[d] < size + pads[d]:
            count += 1
        out.append(count)
    return out


def pool(
    x: ArrayLike,
    kind: Literal["max", "average", "global_average"],
    *,
    profile: Profile | str,
    kernel: Steps | None = None,
    stride: Steps = 1,
    pads: Steps = 0,
    dilation: Steps = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = False,
    channels_last: bool = False,
    in_scale: float = 1.0,
    in_zero: int = 0,
    out_scale: float | None = None,
    out_zero: int | None = None,
    low: int | None = None,
    high: int | None = None,
) -> Array:
    """Maxima or averages of windows of codes as the profile computes them.

    Parameters
    ----------
    x : int8, uint8 or int16 codes, [n, c, ...]; [n, ..., c] with `channels_last`
    kind : "max", "average" or "global_average"
        The last is an average over the whole image and takes no window.
    kernel, stride, dilation : int, or one per spatial axis
    pads : int, one per spatial axis, or all begins and then all ends
    ceil_mode : bool
        Output extents round up.
    count_include_pad : bool
        Averages divide by the kernel's size instead of the pixels inside the image.
    in_scale, in_zero, out_scale, out_zero : float and int
        The result's are the input's unless given; maxima and integer averages have no others.
    low, high : int, optional
        Limits of the result (a fused activation).

    Returns
    -------
    Codes of the type of `x`, with the spatial extents of the windows (1 for global averages).

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong kind, shape or range; the message names it.
    qsim.NotSupported
        The profile has no such rule.

    Examples
    --------
    >>> import numpy as np, qsim
    >>> x = np.array([[[[1, 2], [2, 5]]]], np.uint8)
    >>> qsim.pool(x, "average", kernel=2, profile="tflite.ref.x64").item()  # 10/4, ties away
    3
    >>> qsim.pool(x, "average", kernel=2, profile="ort-1.30.x64.avx2").item()  # ties to even
    2
    """
    codes = np.asarray(x)
    if kind not in ("max", "average", "global_average"):
        raise ValueError(f"kind: expected max, average or global_average, got {kind!r}")
    if codes.ndim < 3:
        raise ValueError(f"x: expected [n, c, ...] with a spatial axis, got shape {codes.shape}")
    image = np.moveaxis(codes, -1, 1) if channels_last else codes
    size = image.shape[2:]
    if kind == "global_average":
        if kernel is not None or np.any(pads) or np.any(np.asarray(stride) != 1):
            raise ValueError("kernel, stride, pads: a global average takes no window")
        kernel, kind = size, "average"
    elif kernel is None:
        raise ValueError(f"kernel: expected the window of a {kind} pool, got None")
    taps, steps = _steps(kernel, len(size), "kernel"), _steps(stride, len(size), "stride")
    around, spread = _pads(pads, len(size)), _steps(dilation, len(size), "dilation")
    out = _extents(size, taps, steps, around, spread, ceil_mode)
    factor, zero = scalar(in_scale, "in_scale"), integer(in_zero, "in_zero")
    result = core.pool(
        resolve(profile), kind, np.ascontiguousarray(image), taps, steps, around, spread, out,
        count_include_pad,
        [factor, factor if out_scale is None else scalar(out_scale, "out_scale")],
        [zero, zero if out_zero is None else integer(out_zero, "out_zero")], low, high,
    )  # fmt: skip
    return np.ascontiguousarray(np.moveaxis(result, 1, -1)) if channels_last else result


def average_pool(x: ArrayLike, *, profile: Profile | str, **options: Any) -> Array:
    """Averages of windows of codes; options as for :func:`pool`."""
    return pool(x, "average", profile=profile, **options)


def max_pool(x: ArrayLike, *, profile: Profile | str, **options: Any) -> Array:
    """Maxima of windows of codes; options as for :func:`pool`."""
    return pool(x, "max", profile=profile, **options)


def global_average_pool(x: ArrayLike, *, profile: Profile | str, **options: Any) -> Array:
    """Averages of whole images of codes; options as for :func:`pool`."""
    return pool(x, "global_average", profile=profile, **options)


def mean(
    x: ArrayLike,
    *,
    axes: int | Sequence[int],
    in_scale: float,
    out_scale: float,
    profile: Profile | str,
    in_zero: int = 0,
    out_zero: int = 0,
    keepdims: bool = False,
) -> Array:
    """Means of codes over `axes` as the profile's reduction computes them.

    Parameters
    ----------
    x : int8, uint8 or int16 codes, any shape
    axes : int or several
    in_scale, in_zero, out_scale, out_zero : float and int
    keepdims : bool
        The reduced axes stay with extent 1. Engines have a kernel of their own for means over both
        axes of images [n, h, w, c] that keeps them.

    Returns
    -------
    Codes of the type of `x`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong kind, shape or range; the message names it.
    qsim.NotSupported
        The profile has no such rule.

    Examples
    --------
    >>> import numpy as np, qsim
    >>> x = np.array([[1, 2], [4, -5]], np.int8)
    >>> qsim.operators.mean(x, axes=1, in_scale=1.0, out_scale=1.0, profile="tflite.ref.x64")
    array([2, 0], dtype=int8)
    """
    codes = np.asarray(x)
    given = [integer(a, "axes") for a in np.atleast_1d(np.asarray(axes))]
    if any(not -codes.ndim <= a < codes.ndim for a in given):
        raise ValueError(f"axes: expected axes of shape {codes.shape}, got {given}")
    gone = sorted({a % codes.ndim for a in given})
    stay = [a for a in range(codes.ndim) if a not in gone]
    shape = tuple(codes.shape[a] for a in stay)
    rows = codes.transpose(stay + gone).reshape(int(np.prod(shape, dtype=np.int64)), -1)
    result = core.mean(
        resolve(profile), np.ascontiguousarray(rows), max(shape[-1] if shape else 1, 1),
        keepdims and codes.ndim == 4 and gone == [1, 2],
        [scalar(in_scale, "in_scale"), scalar(out_scale, "out_scale")],
        [integer(in_zero, "in_zero"), integer(out_zero, "out_zero")],
    )  # fmt: skip
    kept = tuple(1 if a in gone else codes.shape[a] for a in range(codes.ndim))
    return result.reshape(kept if keepdims else shape)
