"""Between real numbers and codes, by a profile."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from qsim._core import Profile
from qsim._core import operators as core
from qsim.catalogue import resolve
from qsim.operators.arguments import Array, ArrayLike, integers, real_values

CodeType = Literal["int8", "uint8", "int16", "uint16", "int4", "uint4"]


def reals(value: ArrayLike, name: str) -> Array:
    """`value` as float16 or float32; a float64 that float32 cannot hold exactly is refused."""
    array = np.asarray(value)
    return array if array.dtype == np.float16 else real_values(value, name)


def code_name(dtype: object) -> str:
    """The name of a code type given as a string, a NumPy type or a dtype."""
    if isinstance(dtype, str) and dtype in ("int4", "uint4"):
        return dtype
    try:
        return str(np.dtype(dtype))  # type: ignore[call-overload]
    except TypeError:
        raise TypeError(f"dtype: expected a code type such as 'int8', got {dtype!r}") from None


def _layout(
    shape: tuple[int, ...], scale: Array, axis: int | None, block_size: int | None
) -> tuple[int, int, int, int]:
    """Outer, axis, inner and block extents of the scales over an array of `shape`."""
    size = int(np.prod(shape, dtype=np.int64))
    if axis is None:
        if block_size is not None:
            raise ValueError("axis: expected the axis that block_size cuts, got None")
        if scale.size != 1:
            raise ValueError(
                f"scale: expected one value, got shape {scale.shape}; name the axis it belongs to"
            )
        return 1, 1, size, 0
    if not -len(shape) <= axis < len(shape):
        raise ValueError(f"axis: expected an axis of shape {shape}, got {axis}")
    axis %= len(shape)
    outer, inner = (int(np.prod(s, dtype=np.int64)) for s in (shape[:axis], shape[axis + 1 :]))
    if block_size is None:
        if scale.shape not in ((), (1,), (shape[axis],)):
            raise ValueError(
                f"scale: expected shape ({shape[axis]},) for axis {axis} of {shape}, got "
                f"{scale.shape}"
            )
        return (1, 1, size, 0) if scale.shape != (shape[axis],) else (outer, shape[axis], inner, 0)
    if block_size < 1:
        raise ValueError(f"block_size: expected at least 1, got {block_size}")
    blocks = (*shape[:axis], -(-shape[axis] // block_size), *shape[axis + 1 :])
    if scale.shape != blocks:
        raise ValueError(
            f"scale: expected shape {blocks} for blocks of {block_size} along axis {axis} of "
            f"{shape}, got {scale.shape}"
        )
    return outer, shape[axis], inner, block_size


def _zeros(value: ArrayLike, scale: Array) -> npt.NDArray[np.int32]:
    """Zero points, one per scale."""
    zero = integers(value, "zero_point", np.int32)
    if zero.size != 1 and zero.shape != scale.shape:
        raise ValueError(f"zero_point: expected shape {scale.shape} as scale, got {zero.shape}")
    return np.broadcast_to(zero.reshape(-1) if zero.size != 1 else zero.reshape(()), (scale.size,))


def quantize(
    x: ArrayLike,
    scale: ArrayLike,
    zero_point: ArrayLike = 0,
    *,
    profile: Profile | str,
    dtype: CodeType | npt.DTypeLike,
    axis: int | None = None,
    block_size: int | None = None,
    low: int | None = None,
    high: int | None = None,
) -> Array:
    """Codes of real numbers as the profile's quantizer computes them.

    Rounding, the order of zero point and limits, and the answers to NaN, infinities and overflow
    are the profile's; so is which elements a vector unit takes and which are handled one by one.

    Parameters
    ----------
    x : float32 or float16, any shape
        float16 values take the profile's own path for them.
    scale : float32 or float16
        One value; one per index of `axis`; or, with `block_size`, the shape of `x` with `axis`
        divided by it, rounded up.
    zero_point : int, one value or the shape of `scale`
    dtype : "int8", "uint8", "int16", "uint16", "int4" or "uint4"
        4-bit codes are stored one to an int8 or uint8.
    low, high : int, optional
        Tighter limits than those of `dtype`.

    Returns
    -------
    Codes, the shape of `x`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong kind, shape or range; the message names it.
    qsim.NotSupported
        The profile has no such quantizer.

    Examples
    --------
    >>> import numpy as np, qsim
    >>> x = np.array([0.25, 0.75, -np.inf, np.nan], np.float32)
    >>> qsim.quantize(x, 0.5, 3, profile="ort-1.30.x64.avx2", dtype="int8")
    array([   3,    5, -128, -128], dtype=int8)
    >>> qsim.quantize(x, 0.5, 3, profile="tflite.ref.arm64", dtype="int8")
    array([   4,    5, -128,    3], dtype=int8)
    """
    values, factor = reals(x, "x"), reals(scale, "scale")
    extents = _layout(values.shape, factor, axis, block_size)
    return core.quantize(
        resolve(profile), values, factor.astype(np.float32).reshape(-1),
        _zeros(zero_point, factor), code_name(dtype), low, high, extents,
    )  # fmt: skip


def dequantize(
    q: ArrayLike,
    scale: ArrayLike,
    zero_point: ArrayLike = 0,
    *,
    profile: Profile | str,
    axis: int | None = None,
    block_size: int | None = None,
    dtype: Literal["float32", "float16"] | npt.DTypeLike = "float32",
) -> Array:
    """Real values of codes: fl(fl(q - zero_point) * scale) in binary32, then rounded to `dtype`.

    Parameters
    ----------
    q : int8, uint8, int16, uint16 or int32, any shape
    scale, zero_point, axis, block_size
        As for :func:`quantize`.
    dtype : "float32" or "float16"

    Returns
    -------
    float32 or float16, the shape of `q`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong kind, shape or range; the message names it.

    Examples
    --------
    >>> import numpy as np, qsim
    >>> qsim.dequantize(np.array([-128, 3], np.int8), 0.5, 1, profile="ort-1.30.wasm.simd")
    array([-64.5,   1. ], dtype=float32)
    """
    codes, factor = np.asarray(q), reals(scale, "scale")
    wanted = np.dtype(dtype)
    if wanted not in (np.float32, np.float16):
        raise ValueError(f"dtype: expected float32 or float16, got {wanted}")
    extents = _layout(codes.shape, factor, axis, block_size)
    return core.dequantize(
        resolve(profile), codes, factor.astype(np.float32).reshape(-1),
        _zeros(zero_point, factor), wanted == np.float16, extents,
    )  # fmt: skip


class DynamicCodes(NamedTuple):
    """What dynamic quantization finds: codes, and the scale and zero point they mean."""

    codes: Array
    scale: Any  # np.float32, or an array of them: one per row
    zero_point: Any  # int, or an int32 array


def dynamic_quantize(
    x: ArrayLike, *, profile: Profile | str, per_row: bool = False
) -> DynamicCodes:
    """Codes of `x` with a scale and zero point found from its own values.

    Where a NaN or an infinity ends up depends on the order in which the profile looks for the
    minimum and the maximum, hence on the length and on the place of the value.

    Parameters
    ----------
    x : float32, any shape
    per_row : bool
        Every row of the last axis has its own scale, as engines quantize the activations of a
        matrix product; otherwise there is one for all.

    Returns
    -------
    DynamicCodes
        `codes`, uint8 or int8 as the profile has it, the shape of `x`; `scale`, np.float32 or
        float32 of the shape of `x` without its last axis; `zero_point`, likewise.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong kind or shape; the message names it.
    qsim.NotSupported
        The profile has no dynamic quantization.

    Examples
    --------
    >>> import numpy as np, qsim
    >>> x = np.array([-1.0, 0.0, 1.55], np.float32)
    >>> codes, scale, zero_point = qsim.dynamic_quantize(x, profile="ort-1.30.arm64.neon")
    >>> codes, float(scale), zero_point
    (array([  0, 100, 255], dtype=uint8), 0.009999999776482582, 100)
    """
    values = real_values(x, "x")
    if per_row and values.ndim == 0:
        raise ValueError("x: expected at least one axis for per_row, got a single value")
    shape = values.shape[:-1] if per_row else ()
    rows = int(np.prod(shape, dtype=np.int64))
    codes, scale, zero = core.dynamic_quantize(resolve(profile), values, rows)
    if per_row:
        return DynamicCodes(codes, scale.reshape(shape), zero.reshape(shape))
    return DynamicCodes(codes, scale[0], int(zero[0]))
