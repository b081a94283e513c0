"""Small number formats: codes, values, packing."""

from typing import Literal, Protocol, TypedDict

import numpy as np
import numpy.typing as npt

from qsim._core import _FloatsLike

_FloatName = Literal[
    "float32",
    "float16",
    "bfloat16",
    "float8e4m3fn",
    "float8e4m3fnuz",
    "float8e5m2",
    "float8e5m2fnuz",
    "float8e8m0",
    "float4e2m1",
]
_IntegerName = Literal["int4", "uint4", "int2", "uint2"]
_Format = _FloatName | _IntegerName
_Rounding = Literal["half_even", "half_away", "toward_zero", "away_from_zero"]
_CodeArray = npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | npt.NDArray[np.uint32]

class _DoublesLike(Protocol):
    def __array__(self) -> npt.NDArray[np.float64]: ...

class _BytesLike(Protocol):
    def __array__(self) -> npt.NDArray[np.uint8]: ...

class _Fields(TypedDict, total=False):  # integers have bits and is_signed only
    bits: int
    exponent_bits: int
    mantissa_bits: int
    bias: int
    non_finite: Literal["infinity_and_nan", "all_ones_nan", "negative_zero_nan", "none"]
    nan: int
    nan_payload: bool
    is_signed: bool
    has_zero: bool
    saturates: bool
    rounding: _Rounding
    largest: int

def formats() -> dict[str, _Fields]:
    """The fields of every format by its name."""

def encode(
    format: _Format,
    x: npt.NDArray[np.float32] | npt.NDArray[np.float64] | _FloatsLike | _DoublesLike,
    *,
    saturate: bool | None = None,
    rounding: _Rounding | None = None,
) -> _CodeArray:
    """Codes of `x`, rounded once; without options as ONNX's operator Cast does it.

    uint8, uint16 from 9 bits on, uint32 from 17.
    """

def decode(format: _Format, codes: _CodeArray | _BytesLike) -> npt.NDArray[np.float32]:
    """Values of codes, exactly."""

def pack(codes: npt.NDArray[np.uint8] | _BytesLike, bits: int) -> npt.NDArray[np.uint8]:
    """[ceil(codes * bits / 8)]: codes of 1, 2, 4 or 8 bits, lowest bits first."""

def unpack(
    bytes: npt.NDArray[np.uint8] | _BytesLike, bits: int, count: int
) -> npt.NDArray[np.uint8]:
    """[count]: the codes of 1, 2, 4 or 8 bits that pack() put into `bytes`."""
