"""Arguments of operators: exact or refused, never cast in silence."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
ArrayLike = npt.ArrayLike


def integers(value: ArrayLike, name: str, dtype: type[np.signedinteger[Any]]) -> Array:
    """`value` as integers of `dtype`; floats and values out of range are refused."""
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integers, got {array.dtype}; use np.int32 values")
    limits = np.iinfo(dtype)
    if array.size and (int(array.min()) < limits.min or int(array.max()) > limits.max):
        worst = max((int(array.min()), int(array.max())), key=abs)
        raise ValueError(f"{name}: expected values in {limits.min}..{limits.max}, got {worst}")
    return array.astype(dtype)


def real_values(value: ArrayLike, name: str) -> npt.NDArray[np.float32]:
    """`value` as float32; a float64 that float32 cannot hold exactly is refused."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name}: expected real numbers, got {array.dtype}")
    with np.errstate(over="ignore"):
        narrow: npt.NDArray[np.float32] = array.astype(np.float32)
    given_as_python = isinstance(value, (float, int, list, tuple))
    if not given_as_python and not np.array_equal(
        narrow.astype(array.dtype), array, equal_nan=True
    ):
        raise TypeError(
            f"{name}: expected float32, got {array.dtype} values that float32 rounds; "
            "use .astype(np.float32) if you mean it"
        )
    return narrow


def scalar(value: ArrayLike, name: str) -> float:
    """One scale as a float that is exactly a float32."""
    array = real_values(value, name)
    if array.size != 1:
        raise ValueError(f"{name}: expected one value, got shape {array.shape}")
    return float(array.reshape(()))


def integer(value: ArrayLike, name: str) -> int:
    """One integer."""
    array = integers(value, name, np.int32)
    if array.size != 1:
        raise ValueError(f"{name}: expected one value, got shape {array.shape}")
    return int(array.reshape(()))
