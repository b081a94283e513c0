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

def gemm_story(
    profile: Profile, lhs: _Array, rhs: _Array, lhs_zero: int, rhs_zero: int
) -> dict[str, Any]:
    """One sum of a matrix product: lhs, rhs, start, products, events, sum."""

def window_story(
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
    element: int,
) -> dict[str, Any]:
    """One sum of a convolution, as gemm_story, with tap and channel of every k."""

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
    bias: npt.NDArray[np.float32] | None = None,
) -> _Array:
    """Codes of sums by three scales; rhs_scale has one value per channel of `axis`, or one."""

def passes_row_gate(
    profile: Profile, dtype: str, rows: int, columns: int, depth: int, convolution: bool
) -> bool:
    """Whether a product, or a convolution of `rows` pixels, is one that `row_gate` is for."""

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

# elementwise

_Pair = Sequence[float]  # two scales: of the input, of the result
_Zeros = Sequence[int]

def quantize(
    profile: Profile,
    x: npt.NDArray[np.float32] | npt.NDArray[np.float16],
    scale: npt.NDArray[np.float32],
    zero_point: npt.NDArray[np.int32],
    dtype: str,
    low: int | None,
    high: int | None,
    extents: Sequence[int],
) -> _Array:
    """Codes of real values; extents: outer, axis, inner, block (0: none)."""

def dequantize(
    profile: Profile,
    q: _Array,
    scale: npt.NDArray[np.float32],
    zero_point: npt.NDArray[np.int32],
    half: bool,
    extents: Sequence[int],
) -> _Array:
    """Real values of codes, float32 or float16."""

def dynamic_quantize(
    profile: Profile, x: npt.NDArray[np.float32], rows: int
) -> tuple[_Array, npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    """Codes, scales and zero points of `rows` equal parts of x."""

def binary(
    profile: Profile,
    op: str,
    a: _Array,
    b: _Array,
    scales: Sequence[float],
    zeros: _Zeros,
    low: int | None,
    high: int | None,
    lone: str,
) -> _Array:
    """Sum, difference or product of two code arrays of one shape."""

def pool(
    profile: Profile,
    kind: str,
    x: _Array,
    kernel: Sequence[int],
    stride: Sequence[int],
    pads: Sequence[int],
    dilation: Sequence[int],
    out: Sequence[int],
    count_include_pad: bool,
    scales: _Pair,
    zeros: _Zeros,
    low: int | None,
    high: int | None,
) -> _Array:
    """Maxima or averages of windows of codes [n, c, ...]."""

def mean(
    profile: Profile, x: _Array, channels: int, image: bool, scales: _Pair, zeros: _Zeros
) -> _Array:
    """Means of the rows of codes [results, count]; image: over both axes of images, kept."""

def lut(
    profile: Profile,
    q: _Array,
    function: str | npt.NDArray[np.float32],
    slope: float,
    scales: _Pair,
    zeros: _Zeros,
    dtype: str,
) -> _Array:
    """A function of 8-bit codes by a table."""

def recode(
    profile: Profile, kind: str, q: _Array, slope: float, scales: _Pair, zeros: _Zeros, dtype: str
) -> _Array | None:
    """Codes of another scale, or leaky relu, by integer factors; None without such a rule."""

def softmax(
    profile: Profile, x: _Array, beta: float, scales: _Pair, zeros: _Zeros
) -> _Array:
    """Softmax of the rows of codes [rows, depth]."""
