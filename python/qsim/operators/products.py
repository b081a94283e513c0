"""Matrix products, convolutions and rescaling of codes, by a profile."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from qsim import _core
from qsim._core import Profile
from qsim._core import operators as core
from qsim.catalogue import resolve
from qsim.operators.arguments import Array, ArrayLike, integer, integers, real_values, scalar


def add_bias(acc: Array, bias: ArrayLike | None, axis: int) -> Array:
    """`acc` + `bias` along `axis`, wrapping in the accumulator's own word."""
    if bias is None:
        return acc
    values = integers(bias, "bias", np.int64 if acc.dtype == np.int64 else np.int32)
    if values.ndim > 1 or values.size not in (1, acc.shape[axis]):
        raise ValueError(f"bias: expected {acc.shape[axis]} values, got shape {values.shape}")
    shape = [1] * acc.ndim
    shape[axis] = values.size
    with np.errstate(over="ignore"):
        total: Array = acc + values.reshape(shape).astype(acc.dtype)
    return total


def rewritten(profile: Profile, lhs: Array, zero: int, qdq: bool) -> tuple[Array, int]:
    """The activation after the graph rewrite of a row with `signed_to_unsigned`."""
    if not qdq or lhs.dtype != np.int8 or not profile.fields()["signed_to_unsigned"]:
        return lhs, zero
    return (lhs.astype(np.int16) + 128).astype(np.uint8), zero + 128


def takes_row_rule(profile: Profile, lhs: Array, rhs: Array) -> bool:
    """Whether [m, k] times [k, n] is one that the row's `requant_row` is for."""
    depth, columns = rhs.shape
    return core.passes_row_gate(profile, str(lhs.dtype), lhs.shape[0], columns, depth, False)


def narrow_sums(acc: Array, bias: ArrayLike | None) -> tuple[Array, bool]:
    """The sums in their own word, and whether it has 64 bits: an int32 bias means int32 sums."""
    if acc.dtype != np.int64:
        return acc, False
    if bias is None or np.asarray(bias).dtype.kind == "f" or np.asarray(bias).dtype == np.int64:
        return acc, True
    return acc.astype(np.int32), False


def is_engine(profile: Profile) -> bool:
    """Whether the row rescales inside its own convolution (`requant.scheme` = engine)."""
    return bool(profile.fields()["requant.scheme"] == "engine")


def _engine_conv(
    profile: Profile,
    x: Array,
    w: Array,
    x_info: Sequence[float],
    y_info: Sequence[float],
    w_scale: ArrayLike,
    bias: ArrayLike | None,
    *,
    depthwise: bool = False,
    **window: Any,
) -> Array:
    """A convolution by a row with parameters fused as its engine does."""
    channels = w.shape[0]
    alpha = np.broadcast_to(real_values(w_scale, "weight scale"), (channels,)).astype(np.float32)
    if bias is not None and np.asarray(bias).dtype.kind in "iu":
        raise TypeError(
            f"bias: expected float32 in real units, as profile {profile.name} fuses it itself, "
            "got integers; multiply them by x_scale * weight_scale"
        )
    offsets = np.zeros(channels, np.float32) if bias is None else real_values(bias, "bias")
    info = np.asarray([x_info, y_info], np.float32)
    codes, _, _, unspecified = _core.ops.conv2d(
        profile, x, w, alpha, offsets, info, depthwise=depthwise, **window
    )
    if unspecified.any():
        warnings.warn(
            f"{int(unspecified.sum())} codes are unspecified under {profile.name} (0 stands for "
            "them): the engine reads memory it never wrote",
            RuntimeWarning,
            stacklevel=3,
        )
    return codes


def _limits(dtype: str, low: int | None, high: int | None) -> tuple[float, float]:
    info = np.iinfo(dtype)
    return float(info.min if low is None else low), float(info.max if high is None else high)


def gemm(
    lhs: ArrayLike,
    rhs: ArrayLike,
    *,
    profile: Profile | str,
    lhs_zero: ArrayLike = 0,
    rhs_zero: ArrayLike = 0,
    initial: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    lhs_scale: float | None = None,
    rhs_scale: ArrayLike | None = None,
    out_scale: float | None = None,
    out_zero: int = 0,
    out_dtype: str | None = None,
    low: int | None = None,
    high: int | None = None,
    qdq: bool = False,
) -> Array:
    """Product of code matrices as the profile's hardware and runtime compute it.

    Without scales: the accumulators. With the three scales: codes, rescaled by the profile.

    Parameters
    ----------
    lhs, rhs : int8, uint8 or int16 arrays, [..., m, k] and [k, n]
        Activations and weights.
    profile : Profile or its name.
    lhs_zero, rhs_zero : int
        Zero points; per row (m) and per column (n) where arrays.
    initial : int32, [n] or [m, n], optional
        What the accumulators start from.
    bias : int32 [n], optional
        Added to the sums, wrapping; float32 in real units for profiles that take it so. With int16
        activations an int32 bias means int32 sums, any other (or none) int64 sums.
    lhs_scale, rhs_scale, out_scale : float32; rhs_scale also [n]
    out_zero, out_dtype, low, high
        Zero point, type (default: that of `lhs`) and limits of the result.
    qdq : bool
        The operator was fused out of a quantize-dequantize graph, so that a profile with
        `signed_to_unsigned` has rewritten int8 activations to uint8.

    Returns
    -------
    int32 (int64 for 64-bit rows) accumulators, or codes of `out_dtype`, [..., m, n].

    Raises
    ------
    TypeError, ValueError
        Wrong dtype, shape or value; the message names the argument.
    qsim.NotSupported
        The profile has no product of these types.

    Examples
    --------
    >>> import numpy as np, qsim
    >>> a, b = np.full((1, 2), 255, np.uint8), np.full((2, 1), 127, np.int8)
    >>> int(qsim.gemm(a, b, profile="ort-1.30.x64.avx512vnni")[0, 0])
    64770
    >>> int(qsim.gemm(a, b, profile="ort-1.30.x64.avx2")[0, 0])
    32767
    """
    row = resolve(profile)
    a, b = np.asarray(lhs), np.asarray(rhs)
    if a.ndim < 2 or b.ndim != 2 or a.shape[-1] != b.shape[0]:
        raise ValueError(f"lhs, rhs: expected [..., m, k] and [k, n], got {a.shape} and {b.shape}")
    scales = (lhs_scale, rhs_scale, out_scale)
    if any(s is None for s in scales) != all(s is None for s in scales):
        raise ValueError("lhs_scale, rhs_scale, out_scale: expected all three or none")
    out_type = out_dtype or str(a.dtype)
    za = integers(lhs_zero, "lhs_zero", np.int32)
    if qdq and za.size == 1:
        a, shifted = rewritten(row, a, int(za.reshape(())), qdq)
        za = np.asarray(shifted, np.int32)
    zb = integers(rhs_zero, "rhs_zero", np.int32)
    shape = (*a.shape[:-1], b.shape[1])
    flat = np.ascontiguousarray(a.reshape(math.prod(shape[:-1]), a.shape[-1]))
    if za.size not in (1, flat.shape[0]):
        raise ValueError(f"lhs_zero: expected 1 or {flat.shape[0]} values, got {za.size}")
    if lhs_scale is not None and is_engine(row):
        return _engine_gemm(
            row,
            flat,
            b,
            int(za.reshape(-1)[0]),
            zb,
            lhs_scale,
            rhs_scale,
            out_scale,
            out_zero,
            out_type,
            _limits(out_type, low, high),
            bias,
            initial,
        ).reshape(shape)
    start = None if initial is None else integers(initial, "initial", np.int64)
    acc, _ = core.accumulate(row, flat, b, za.reshape(-1), zb.reshape(-1), start)
    if lhs_scale is None or rhs_scale is None or out_scale is None:
        return add_bias(acc, bias, 1).reshape(shape)
    acc, wide = narrow_sums(acc, bias)
    kind = "wide_product" if wide else "row" if takes_row_rule(row, flat, b) else "product"
    return requantize(
        acc,
        profile=row,
        lhs_scale=lhs_scale,
        rhs_scale=rhs_scale,
        out_scale=out_scale,
        bias=bias,
        out_zero=out_zero,
        out_dtype=out_type,
        low=low,
        high=high,
        kind=kind,
    ).reshape(shape)


def _engine_gemm(
    row: Profile,
    a: Array,
    b: Array,
    za: int,
    zb: Array,
    lhs_scale: float,
    rhs_scale: Any,
    out_scale: Any,
    out_zero: int,
    out_type: str,
    limits: tuple[float, float],
    bias: Any,
    initial: Any,
) -> Array:
    """A matrix product by a row that runs it as a 1x1 convolution of m pixels."""
    if initial is not None or zb.any():
        raise _core.NotSupported(
            f"profile {row.name} fuses its own bias: initial and rhs_zero must stay unset; "
            "ask for the sums alone by leaving the scales out"
        )
    if a.dtype != np.int8 or b.dtype != np.int8 or out_type != "int8":
        raise _core.NotSupported(
            f"profile {row.name} multiplies int8 by int8 into int8, got {a.dtype} by {b.dtype} "
            f"into {out_type}"
        )
    x = np.ascontiguousarray(a.T[None, :, :, None])
    w = np.ascontiguousarray(b.T[:, :, None, None])
    codes = _engine_conv(
        row,
        x,
        w,
        (scalar(lhs_scale, "lhs_scale"), za, -128, 127),
        (scalar(out_scale, "out_scale"), out_zero, *limits),
        rhs_scale,
        bias,
    )
    return np.ascontiguousarray(codes[0, :, :, 0].T)


def requantize(
    acc: ArrayLike,
    *,
    profile: Profile | str,
    lhs_scale: float | None = None,
    rhs_scale: ArrayLike | None = None,
    out_scale: float | None = None,
    multiplier: ArrayLike | None = None,
    shift: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    out_zero: int = 0,
    out_dtype: str = "int8",
    low: int | None = None,
    high: int | None = None,
    axis: int = -1,
    kind: str = "convolution",
) -> Array:
    """Codes of accumulators: by the three scales, or by integer `multiplier` and `shift`.

    Parameters
    ----------
    acc : int32 or int64 array
    profile : Profile or its name.
    lhs_scale, rhs_scale, out_scale : float32; rhs_scale also one per channel
    multiplier, shift : int32, one or one per channel
        The factor multiplier * 2**(shift - 31), for profiles that rescale by integers.
    bias : one per channel: integers, added first with the accumulator's wrap; or float32 in real
        units, for profiles that take it so.
    axis : int
        The channel axis.
    kind : {"convolution", "grouped", "depthwise", "product", "row", "wide", "wide_product"}
        Where the sums come from; a profile may rescale each differently. `row`: a matrix product
        with one row; `wide`: int64 sums.

    Returns
    -------
    Codes of `out_dtype`, shaped as `acc`.

    Examples
    --------
    >>> import numpy as np, qsim
    >>> sums = np.array([[-6]], np.int32)
    >>> for name in ("tflite.ref.x64", "tflite.ref.single_rounding.x64"):
    ...     print(qsim.requantize(sums, profile=name, multiplier=1 << 30, shift=-1)[0, 0])
    -2
    -1
    """
    row = resolve(profile)
    sums = np.asarray(acc)
    if sums.dtype not in (np.int32, np.int64):
        raise TypeError(f"acc: expected int32 or int64, got {sums.dtype}; use .astype(np.int32)")
    if sums.ndim == 0:
        raise ValueError("acc: expected at least one axis, got a scalar; use np.atleast_1d")
    if not -sums.ndim <= axis < sums.ndim:
        raise ValueError(f"axis: expected an axis of rank {sums.ndim}, got {axis}")
    real_bias = None
    if bias is not None and np.asarray(bias).dtype.kind == "f":
        real_bias = real_values(bias, "bias").reshape(-1)
    elif bias is not None:
        sums = add_bias(sums, bias, axis)
    zero = integer(out_zero, "out_zero")
    by_scales = (lhs_scale, rhs_scale, out_scale)
    if multiplier is not None and shift is not None and all(s is None for s in by_scales):
        if real_bias is not None:
            raise TypeError("bias: expected integers with multiplier and shift, got float32")
        m = integers(multiplier, "multiplier", np.int32).reshape(-1)
        e = integers(shift, "shift", np.int32).reshape(-1)
        return core.rescale(row, sums, kind, m, e, zero, out_dtype, low, high, axis)
    if multiplier is not None or shift is not None or any(s is None for s in by_scales):
        raise ValueError(
            "requantize: expected lhs_scale, rhs_scale and out_scale, or multiplier and shift"
        )
    assert lhs_scale is not None
    assert rhs_scale is not None
    assert out_scale is not None
    return core.requantize(
        row,
        sums,
        kind,
        scalar(lhs_scale, "lhs_scale"),
        real_values(rhs_scale, "rhs_scale").reshape(-1),
        scalar(out_scale, "out_scale"),
        zero,
        out_dtype,
        low,
        high,
        axis,
        real_bias,
    )


def real(
    acc: ArrayLike,
    *,
    profile: Profile | str,
    lhs_scale: float,
    rhs_scale: ArrayLike,
    bias: ArrayLike | None = None,
    axis: int = -1,
) -> npt.NDArray[np.float32]:
    """Real values of sums: fl(acc) * fl(lhs_scale * rhs_scale) + bias in float32.

    Two roundings, or one (`requant.fused`) as the profile has it. `rhs_scale` and `bias` are
    float32, one or one per channel of `axis`.
    """
    row = resolve(profile)
    sums = np.asarray(acc)
    offsets = None if bias is None else real_values(bias, "bias").reshape(-1)
    return core.real(
        row,
        sums,
        scalar(lhs_scale, "lhs_scale"),
        real_values(rhs_scale, "rhs_scale").reshape(-1),
        offsets,
        axis,
    )
