"""Single int8 operations by a profile, on NumPy arrays.

Codes are int8 in the signed domain on every profile; `q` rows are (scale, zero, min, max) in
float32, as a model stores them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from qsim._core import Profile
from qsim._core.ops import (
    binary,
    conv2d,
    dequantize,
    pool2d,
    quantize,
    reciprocal_estimate,
    unary,
)

__all__ = [
    "binary",
    "conv2d",
    "dequantize",
    "dequantize_info",
    "pool2d",
    "pool2d_geometry",
    "quantize",
    "quantize_info",
    "reciprocal_estimate",
    "unary",
]


def _integer(value: np.float32) -> int:
    """A stored zero point or limit as the int8 the runtime uses: truncated; non-finite is 0."""
    return int(np.trunc(value)) if np.isfinite(value) else 0


def quantize_info(
    profile: Profile, x: npt.NDArray[np.float32], info: npt.NDArray[np.float32]
) -> npt.NDArray[np.int8]:
    """Codes of `x` as a runtime casts them by stored info (scale, zero, min, max).

    The multiplier is 1/scale in float32, or 0 for a zero scale (and for a subnormal one where the
    profile reads subnormals as zero).
    """
    scale = np.float32(info[0])
    flushed = profile.fields()["float_mode.flush_inputs"] and abs(scale) < np.finfo(np.float32).tiny
    with np.errstate(all="ignore"):
        multiplier = np.float32(0) if scale == 0 or flushed else np.float32(1) / scale
    return quantize(
        profile, x, float(multiplier), _integer(info[1]), _integer(info[2]), _integer(info[3])
    )


def dequantize_info(
    profile: Profile, q: npt.NDArray[np.int8], info: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Real values of codes `q` by stored info (scale, zero, min, max): (q - zero) * scale."""
    return dequantize(profile, q, float(info[0]), _integer(info[1]))


def pool2d_geometry(
    profile: Profile,
    kind: Literal["max", "average"],
    x: npt.NDArray[np.int8],
    *,
    kernel: Sequence[int],
    stride: Sequence[int],
    pad: Sequence[int] = (0, 0),
    ceil_mode: bool = False,
    is_global: bool = False,
) -> npt.NDArray[np.int8]:
    """`kind` ("max" or "average") pool of int8 codes [N, C, H, W] with symmetric padding."""
    size = x.shape[2:]
    if is_global:
        return pool2d(profile, kind, x, tuple(size), (1, 1), (0, 0), (1, 1))
    window = [min(k, n) for k, n in zip(kernel, size, strict=True)]
    spans = [n + 2 * p - k for n, p, k in zip(size, pad, window, strict=True)]
    extra = [s - 1 if ceil_mode else 0 for s in stride]
    out = [(span + e) // s + 1 for span, e, s in zip(spans, extra, stride, strict=True)]
    return pool2d(profile, kind, x, tuple(window), tuple(stride), tuple(pad), tuple(out))
