"""Quantizers: from float batches to scales."""

from typing import Literal, Protocol, TypedDict, final

import numpy as np
import numpy.typing as npt

from qsim._core import Profile, _CodesLike, _FloatsLike, _Health

_Host = Literal["x64", "ieee"]

class _Observation(TypedDict):
    raw: npt.NDArray[np.float32]  # [2]
    grid: npt.NDArray[np.float32]  # [scale, zero]
    nominal: npt.NDArray[np.float32]  # [2]
    health: _Health
    guarded: bool

class _Stored(TypedDict):
    in_describe: npt.NDArray[np.float32]  # scale, zero, min, max
    out_describe: npt.NDArray[np.float32]
    cast_in_multiplier: np.float32
    cast_out_scale: np.float32
    scale_in: np.float32
    scale_out: np.float32
    fake_info: bool

class _CountsLike(Protocol):
    def __array__(self) -> npt.NDArray[np.uint64]: ...

@final
class EmaRule:
    """One host's moving-average quantizer with its options."""

    @property
    def weight_bits(self) -> int: ...
    @property
    def nan_restarts(self) -> bool: ...
    @property
    def stores_nan_scale_as_zero(self) -> bool: ...
    @property
    def guards_zero_range(self) -> bool: ...
    def __eq__(self, arg0: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

def ema_rule(
    host: _Host,
    *,
    weight_bits: int = 8,
    update: Literal["moving_average", "maximum"] = "moving_average",
    guarded: bool = False,
) -> EmaRule:
    """The rule of `host`.

    `guarded` answers batches without a usable range by scale 1 and keeps them out of the running
    range.
    """

def batch_range(
    rule: EmaRule, x: npt.NDArray[np.float32] | _FloatsLike
) -> npt.NDArray[np.float32]:
    """[2]: minimum and maximum of `x` as the host reduces it; its order matters for NaN."""

def grid(
    rule: EmaRule, raw: npt.NDArray[np.float32] | _FloatsLike
) -> tuple[npt.NDArray[np.float32], _Health, bool]:
    """([scale, zero], health, guarded) of a range [2]."""

def nominal(
    rule: EmaRule, grid: npt.NDArray[np.float32] | _FloatsLike
) -> npt.NDArray[np.float32]:
    """[2]: the reals that codes -127 and 127 mean, widened to hold 0."""

def observe(rule: EmaRule, x: npt.NDArray[np.float32] | _FloatsLike) -> _Observation:
    """One batch `x` of any shape."""

def fake_quantize(
    rule: EmaRule,
    x: npt.NDArray[np.float32] | _FloatsLike,
    grid: npt.NDArray[np.float32] | _FloatsLike,
) -> npt.NDArray[np.float32]:
    """`x` rounded to the grid [scale, zero]. NaN stays NaN."""

def update(
    rule: EmaRule,
    running: npt.NDArray[np.float32] | _FloatsLike | None,
    nominal: npt.NDArray[np.float32] | _FloatsLike,
) -> npt.NDArray[np.float32]:
    """[2]: the running range (None before the first batch) after a batch."""

def quantize_weights(
    rule: EmaRule, weights: npt.NDArray[np.float32] | _FloatsLike
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """(codes of the weights' shape, scale per channel) of [channels, ...]."""

def fake_weights(
    rule: EmaRule,
    codes: npt.NDArray[np.int8] | _CodesLike,
    alpha: npt.NDArray[np.float32] | _FloatsLike,
) -> npt.NDArray[np.float32]:
    """code * alpha of its channel, of the codes' shape."""

def stored(
    rule: EmaRule,
    running_in: npt.NDArray[np.float32] | _FloatsLike | None,
    running_out: npt.NDArray[np.float32] | _FloatsLike | None,
) -> _Stored:
    """What is written for a convolution whose input and output ran in these ranges [2]."""

def float_convolution(
    profile: Profile,
    x: npt.NDArray[np.float32] | _FloatsLike,
    weights: npt.NDArray[np.float32] | _FloatsLike,
    bias: npt.NDArray[np.float32] | _FloatsLike,
    *,
    pad: int = 0,
    relu: bool = False,
) -> npt.NDArray[np.float32]:
    """[N, out, H, W]: the stride 1 convolution that training runs on `profile`."""

def value_range(
    x: npt.NDArray[np.float32] | _FloatsLike,
) -> tuple[npt.NDArray[np.float32], int, int]:
    """([min, max], finite, nonfinite) of the finite values. Starts at 100000 and -100000."""

def histogram(
    x: npt.NDArray[np.float32] | _FloatsLike,
    range: npt.NDArray[np.float32] | _FloatsLike,
    *,
    bins: int = 2048,
) -> tuple[npt.NDArray[np.uint64], np.float32, int]:
    """(counts [bins] of |x|, interval in bins per unit, nonfinite). Counts of parts add up."""

def threshold(
    counts: npt.NDArray[np.uint64] | _CountsLike,
    interval: np.float32 | npt.NDArray[np.float32] | _FloatsLike,
    *,
    method: Literal["kl", "maximum"] = "kl",
    plane: int = 100,
    limit: int = 127,
) -> tuple[int, np.float32, int]:
    """(bin, scale, zero) of a histogram. Bin -1, scale 0: the range was too small."""

def admm_scale(
    host: _Host, x: npt.NDArray[np.float32] | _FloatsLike, *, limit: int = 127
) -> np.float32:
    """Scale of features by alternating minimisation, in the summation order of `host`."""

def weight_codes(
    host: _Host,
    weights: npt.NDArray[np.float32] | _FloatsLike,
    *,
    method: Literal["maximum", "admm"] = "maximum",
    limit: int = 127,
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """(codes of the weights' shape, scale per channel) of [channels, ...]."""
