"""Single operators by a profile's rules; use them through qsim.operators."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from qsim._core import Profile

_Array = npt.NDArray[Any]

# products

def accumulate(
    profile: Profile,
    lhs: _Array,
    rhs: _Array,
    lhs_zero: npt.NDArray[np.int32],
    rhs_zero: npt.NDArray[np.int32],
    initial: npt.NDArray[np.int64] | None = None,
    count: bool = False,
) -> tuple[_Array, npt.NDArray[np.uint32] | None]:
    """Sums [m, n] of a matrix product, and overflow counts [m, n, 4] if asked for."""

def convolve(
    profile: Profile,
    x: _Array,
    weights: _Array,
    x_zero: int,
    weight_zero: npt.NDArray[np.int32],
    stride: Sequence[int],
    pads: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    constant_filter: bool,
    returns_integers: bool,
    count: bool = False,
) -> tuple[_Array, npt.NDArray[np.uint32] | None]:
    """Sums [n, m, ...] of a convolution, and overflow counts [n, m, ..., 4] if asked for."""

def requantize(
    profile: Profile,
    acc: _Array,
    kind: str,
    lhs_scale: float,
    rhs_scale: npt.NDArray[np.float32],
    out_scale: float,
    out_zero: int,
    dtype: str,
    low: int | None,
    high: int | None,
    axis: int,
) -> _Array:
    """Codes of sums by three scales; rhs_scale has one value per channel of `axis`, or one."""

def real(
    profile: Profile,
    acc: _Array,
    lhs_scale: float,
    rhs_scale: npt.NDArray[np.float32],
    bias: npt.NDArray[np.float32] | None,
    axis: int,
) -> npt.NDArray[np.float32]:
    """float32 values of sums: fl(acc) * fl(lhs*rhs) + bias."""

def rescale(
    profile: Profile,
    acc: _Array,
    kind: str,
    multiplier: npt.NDArray[np.int32],
    shift: npt.NDArray[np.int32],
    out_zero: int,
    dtype: str,
    low: int | None,
    high: int | None,
    axis: int,
) -> _Array:
    """Codes of sums by integer multipliers and exponents."""
