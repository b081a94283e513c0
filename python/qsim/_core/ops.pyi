"""Single operations by a profile. `q` rows are (scale, zero, min, max)."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from qsim._core import Profile, _CodesLike, _FloatsLike

_Pair = Sequence[int]  # two of them

def conv2d(
    profile: Profile,
    x: npt.NDArray[np.int8] | _CodesLike,
    weights: npt.NDArray[np.int8] | _CodesLike,
    alpha: npt.NDArray[np.float32] | _FloatsLike,
    bias: npt.NDArray[np.float32] | _FloatsLike,
    q: npt.NDArray[np.float32] | _FloatsLike,
    *,
    stride: _Pair = (1, 1),
    pad: _Pair = (0, 0),
    dilation: _Pair = (1, 1),
    depthwise: bool = False,
    relu: bool = False,
    overflow_aware: bool = False,
) -> tuple[
    npt.NDArray[np.int8], npt.NDArray[np.float32], npt.NDArray[np.int32], npt.NDArray[np.bool_]
]:
    """int8 convolution: (codes, fused scale, fused int32 bias, unspecified mask)."""

def quantize(
    profile: Profile,
    x: npt.NDArray[np.float32] | _FloatsLike,
    multiplier: float,
    zero: int,
    low: int = -128,
    high: int = 127,
) -> npt.NDArray[np.int8]: ...
def dequantize(
    profile: Profile, q: npt.NDArray[np.int8] | _CodesLike, scale: float, zero: int
) -> npt.NDArray[np.float32]: ...
def pool2d(
    profile: Profile,
    kind: Literal["max", "average"],
    x: npt.NDArray[np.int8] | _CodesLike,
    kernel: _Pair,
    stride: _Pair,
    pad: _Pair,
    out: _Pair,
) -> npt.NDArray[np.int8]: ...
def binary(
    profile: Profile,
    op: Literal["add", "sub", "mul", "sqd", "min", "max"],
    a: npt.NDArray[np.int8] | _CodesLike,
    b: npt.NDArray[np.int8] | _CodesLike,
    q: npt.NDArray[np.float32] | _FloatsLike,
    relu: bool = False,
    packed: bool = False,
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.bool_]]: ...
def unary(
    profile: Profile,
    op: Literal["sigmoid", "tanh", "exp"],
    x: npt.NDArray[np.float32] | _FloatsLike,
) -> npt.NDArray[np.float32]: ...
def reciprocal_estimate(
    profile: Profile, x: npt.NDArray[np.float32] | _FloatsLike
) -> npt.NDArray[np.float32]:
    """The estimate of 1/x that the profile's fused parameters start from."""
