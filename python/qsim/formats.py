"""Small number formats: 16-bit, 8-bit and 4-bit floats, 4-bit and 2-bit integers.

A number is stored as a code, a pattern of bits in an unsigned integer. `encode` and `decode` go
from numbers to codes and back, `cast` does both and shows what a format keeps. Formats have the
names that ONNX gives to the element types of tensors, in lower case:

========================================  =======================================================
`float32`, `float16`, `bfloat16`          IEEE 754 with 8, 5, 8 bits of exponent
`float8e4m3fn`, `float8e5m2`              OCP 8-bit floats; e4m3fn has no infinity
`float8e4m3fnuz`, `float8e5m2fnuz`        without infinity and without -0, whose code is NaN
`float8e8m0`                              powers of two: the scales of microscaling (MX) blocks
`float4e2m1`                              ±0, 0.5, 1, 1.5, 2, 3, 4, 6; neither infinity nor NaN
`int4`, `uint4`, `int2`, `uint2`          integers
========================================  =======================================================

    >>> import numpy as np
    >>> from qsim import formats
    >>> formats.cast(np.float32([2.3, 464, 465]), "float8e4m3fn")
    array([  2.25, 448.  , 448.  ], dtype=float32)
    >>> formats.cast(np.float32([464, 465]), "float8e4m3fn", saturate=False)
    array([448.,  nan], dtype=float32)

Every conversion rounds once, whatever the width of its source, and gives the same bits on every
host. Equation (A.20) of docs/arithmetic.md says what is computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qsim._core import num

if TYPE_CHECKING:
    from qsim._core.num import _CodeArray, _Format, _Rounding

Floats = npt.NDArray[np.float32] | npt.NDArray[np.float64]

__all__ = ["cast", "convert", "decode", "describe", "encode", "names", "pack", "unpack"]


def names() -> list[str]:
    """The names of all formats.

    >>> names()[-4:]
    ['int4', 'uint4', 'int2', 'uint2']
    """
    return list(num.formats())


def describe(format: _Format) -> dict[str, Any]:
    """Fields of a format and its ends.

    Returns
    -------
    dict
        For every format `bits`, `is_signed` and the floats `lowest` and `largest`. For a float also
        `smallest` (the smallest positive number), the fields of `struct Minifloat` in
        `num/minifloat.hpp`, and `largest_code`.

    Raises
    ------
    KeyError
        No format has this name.

    >>> describe("float4e2m1")["largest"], describe("int4")["lowest"]
    (6.0, -8.0)
    """
    codes = np.arange(1, dtype=_code_dtype(format))
    fields: dict[str, Any] = dict(num.formats()[format])
    if "largest" not in fields:
        top = (1 << (fields["bits"] - fields["is_signed"])) - 1
        low = (1 << (fields["bits"] - 1)) if fields["is_signed"] else 0
        ends = decode(np.array([low, top], codes.dtype), format)
        return fields | {"lowest": float(ends[0]), "largest": float(ends[1])}
    top = fields["largest_code"] = fields.pop("largest")
    least = 1 if fields["has_zero"] else 0
    ends = decode(np.array([least, top], codes.dtype), format)
    low = -float(ends[1]) if fields["is_signed"] else float(ends[0])
    return fields | {"smallest": float(ends[0]), "lowest": low, "largest": float(ends[1])}


def encode(
    x: Floats,
    format: _Format,
    *,
    saturate: bool | None = None,
    rounding: _Rounding | None = None,
) -> _CodeArray:
    """Codes of numbers.

    Parameters
    ----------
    x
        float32 or float64, any shape.
    format
        One of `names()`.
    saturate
        What happens to a number that is too large after rounding, infinity included: True gives the
        largest number, False infinity, or NaN in a format without infinity (`float4e2m1` has
        neither and stays at 6). For integers False keeps the low bits. Default is what ONNX's Cast
        does: True for 8-bit and 4-bit floats, False for the others.
    rounding
        `half_even`, `half_away`, `toward_zero` or `away_from_zero`. Default is what ONNX's Cast
        does: `away_from_zero` for `float8e8m0` (its `round_mode` up; down is `toward_zero`, nearest
        is `half_away`), `toward_zero` for integers, `half_even` for the others.

    Returns
    -------
    uint8, uint16 for 16-bit formats, uint32 for float32, of the shape of `x`
        Codes in the low bits. Negative integers are in two's complement.

    Raises
    ------
    TypeError
        `x` has another dtype.
    ValueError
        An integer format and a number that is not finite.
    KeyError
        No format has this name.

    Notes
    -----
    NaN keeps its sign; its code is 0x7f in e4m3fn, 0x7e in e5m2, 0x80 in the "uz" formats, 0xff in
    e8m0, and 0x8, which is -0, in e2m1. `float16` and `bfloat16` keep the top of its payload, as
    processors do. In `float8e8m0` negative numbers are NaN, and zero is the smallest number, or NaN
    without `saturate`.

    >>> encode(np.float32([1, -1.5, np.nan]), "float8e5m2")
    array([ 60, 190, 126], dtype=uint8)
    """
    return num.encode(format, x, saturate=saturate, rounding=rounding)


def decode(codes: _CodeArray, format: _Format) -> npt.NDArray[np.float32]:
    """Numbers of codes, exactly.

    Parameters
    ----------
    codes
        Any shape; uint8, uint16 for 16-bit formats, uint32 for float32.
    format
        One of `names()`.

    Returns
    -------
    float32 of the shape of `codes`
        A NaN is quiet and has the sign of its code.

    Raises
    ------
    TypeError
        `codes` has another dtype.
    ValueError
        A code has more bits than the format.
    KeyError
        No format has this name.

    >>> decode(np.uint8([0, 1, 7, 15]), "float4e2m1")
    array([ 0. ,  0.5,  6. , -6. ], dtype=float32)
    """
    return num.decode(format, codes)


def cast(
    x: Floats,
    format: _Format,
    *,
    saturate: bool | None = None,
    rounding: _Rounding | None = None,
) -> npt.NDArray[np.float32]:
    """What a format keeps of numbers: `decode(encode(x))`.

    Parameters, Raises
        As of `encode`.

    Returns
    -------
    float32 of the shape of `x`

    >>> cast(np.float32([2.5, 3.5, 100]), "float4e2m1")
    array([2., 4., 6.], dtype=float32)
    >>> cast(np.float32([-9.0, 2.75]), "int4")
    array([7., 2.], dtype=float32)
    """
    return decode(encode(x, format, saturate=saturate, rounding=rounding), format)


def convert(
    codes: _CodeArray,
    source: _Format,
    format: _Format,
    *,
    saturate: bool | None = None,
    rounding: _Rounding | None = None,
) -> _CodeArray:
    """Codes of one format as codes of another: every code is a float32 number, rounded once.

    Parameters, Returns, Raises
        As of `decode` and `encode`.

    >>> convert(np.uint16([0x3C00, 0x7BFF]), "float16", "float8e4m3fn")
    array([ 56, 126], dtype=uint8)
    """
    return encode(decode(codes, source), format, saturate=saturate, rounding=rounding)


def pack(codes: npt.NDArray[np.uint8], format: _Format) -> npt.NDArray[np.uint8]:
    """Codes of 2, 4 or 8 bits in as few bytes as possible, lowest bits first.

    Parameters
    ----------
    codes
        uint8, any shape, taken in C order.
    format
        One of `names()`, of at most 8 bits.

    Returns
    -------
    uint8 [bytes]
        Unused bits of the last byte are zero.

    Raises
    ------
    ValueError
        A code has more bits than the format, or the format more than 8.

    >>> pack(np.uint8([7, 8, 9]), "uint4")
    array([135,   9], dtype=uint8)
    """
    return num.pack(codes, _bits(format))


def unpack(data: npt.NDArray[np.uint8], format: _Format, count: int) -> npt.NDArray[np.uint8]:
    """The first `count` codes that `pack` put into bytes.

    Parameters
    ----------
    data
        uint8: exactly the bytes that `count` codes take.
    format
        One of `names()`, of at most 8 bits.
    count
        Number of codes.

    Returns
    -------
    uint8 [count]

    Raises
    ------
    ValueError
        That many codes take another number of bytes.

    >>> unpack(np.uint8([135, 9]), "uint4", 3)
    array([7, 8, 9], dtype=uint8)
    """
    return num.unpack(data, _bits(format), count)


def _bits(format: _Format) -> int:
    _code_dtype(format)
    return num.formats()[format]["bits"]


def _code_dtype(format: _Format) -> npt.DTypeLike:
    """The dtype of codes; KeyError with close matches for other names."""
    return num.encode(format, np.zeros(0, np.float32)).dtype
