"""Element-wise operators, functions and softmax of codes, by a profile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from qsim import _core
from qsim._core import Profile, ops
from qsim._core import operators as core
from qsim.catalogue import resolve
from qsim.operators.arguments import Array, ArrayLike, integer, real_values, scalar
from qsim.operators.quantizing import CodeType, code_name

FUNCTIONS = ("identity", "sigmoid", "tanh", "leaky_relu")


def _lone(a: tuple[int, ...], b: tuple[int, ...]) -> str:
    """Which operand is one value for a whole span of the other. Equation (A.26)."""
    pairs = list(zip(reversed(a or (1,)), reversed(b or (1,)), strict=False))  # axes both have
    m, n = next((p for p in pairs if p != (1, 1)), pairs[-1])
    return "a" if m == 1 else "b" if n == 1 else "neither"


def _operands(a: ArrayLike, b: ArrayLike) -> tuple[Array, Array, str]:
    """Both operands in one shape, and which of them an engine folds as a single value."""
    left, right = np.asarray(a), np.asarray(b)
    try:
        shape = np.broadcast_shapes(left.shape, right.shape)
    except ValueError:
        raise ValueError(
            f"a, b: expected shapes that broadcast, got {left.shape} and {right.shape}"
        ) from None
    whole = [np.broadcast_to(x, shape) if x.shape != shape else x for x in (left, right)]
    return whole[0], whole[1], _lone(left.shape, right.shape)


def _binary(
    op: Literal["add", "sub", "mul"], a: ArrayLike, b: ArrayLike, scales: Sequence[ArrayLike],
    zeros: Sequence[ArrayLike], profile: Profile | str, low: int | None, high: int | None,
) -> Array:  # fmt: skip
    left, right, lone = _operands(a, b)
    factors = [scalar(s, f"{n}_scale") for s, n in zip(scales, ("a", "b", "out"), strict=True)]
    origins = [integer(z, f"{n}_zero") for z, n in zip(zeros, ("a", "b", "out"), strict=True)]
    return core.binary(resolve(profile), op, left, right, factors, origins, low, high, lone)


def add(
    a: ArrayLike,
    b: ArrayLike,
    *,
    a_scale: float,
    b_scale: float,
    out_scale: float,
    profile: Profile | str,
    a_zero: int = 0,
    b_zero: int = 0,
    out_zero: int = 0,
    low: int | None = None,
    high: int | None = None,
) -> Array:
    """Sum of two code tensors as the profile computes it.

    Parameters
    ----------
    a, b : int8, uint8 or int16 codes of one type; shapes broadcast
        Engines fold an operand that is a single value along the innermost axis, which changes the
        order of their sums; the shapes say so.
    a_scale, b_scale, out_scale : float
    a_zero, b_zero, out_zero : int
    low, high : int, optional
        Limits of the result (a fused activation).

    Returns
    -------
    Codes of the operands' type and common shape.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong kind, shape or range; the message names it.
    qsim.NotSupported
        The profile has no rule for it.

    Examples
    --------
    >>> import numpy as np, qsim
    >>> a, b = np.array([1, 3], np.uint8), np.array([0, 0], np.uint8)
    >>> scales = dict(a_scale=0.5, b_scale=0.5, out_scale=1.0)
    >>> qsim.add(a, b, **scales, profile="ort-1.30.x64.avx2")  # ties to even
    array([0, 2], dtype=uint8)
    >>> qsim.add(a, b, **scales, profile="ort-1.30.arm64.neon")  # ties away from zero
    array([1, 2], dtype=uint8)
    """
    return _binary(
        "add", a, b, (a_scale, b_scale, out_scale), (a_zero, b_zero, out_zero), profile, low, high
    )


def subtract(
    a: ArrayLike,
    b: ArrayLike,
    *,
    a_scale: float,
    b_scale: float,
    out_scale: float,
    profile: Profile | str,
    a_zero: int = 0,
    b_zero: int = 0,
    out_zero: int = 0,
    low: int | None = None,
    high: int | None = None,
) -> Array:
    """Difference of two code tensors as the profile computes it; everything else as :func:`add`.

    Profiles whose sums fold their constants have no difference (NotSupported).

    Examples
    --------
    >>> import numpy as np, qsim
    >>> a, b = np.array([5], np.int8), np.array([2], np.int8)
    >>> qsim.subtract(a, b, a_scale=1, b_scale=1, out_scale=2, profile="tflite.ref.x64")
    array([2], dtype=int8)
    """
    return _binary(
        "sub", a, b, (a_scale, b_scale, out_scale), (a_zero, b_zero, out_zero), profile, low, high
    )


def mul(
    a: ArrayLike,
    b: ArrayLike,
    *,
    a_scale: float,
    b_scale: float,
    out_scale: float,
    profile: Profile | str,
    a_zero: int = 0,
    b_zero: int = 0,
    out_zero: int = 0,
    low: int | None = None,
    high: int | None = None,
) -> Array:
    """Product of two code tensors as the profile computes it; arguments as for :func:`add`.

    Examples
    --------
    >>> import numpy as np, qsim
    >>> a, b = np.array([3, -3], np.int8), np.array([1, 1], np.int8)
    >>> scales = dict(a_scale=0.5, b_scale=1.0, out_scale=1.0)
    >>> qsim.mul(a, b, **scales, profile="ort-1.30.x64.sse")
    array([ 2, -2], dtype=int8)
    >>> qsim.mul(a, b, **scales, profile="tflite.ref.x64")
    array([ 2, -1], dtype=int8)
    """
    return _binary(
        "mul", a, b, (a_scale, b_scale, out_scale), (a_zero, b_zero, out_zero), profile, low, high
    )


def _extreme(
    op: Literal["min", "max"], a: ArrayLike, b: ArrayLike, scales: Sequence[float],
    zeros: Sequence[int], profile: Profile | str,
) -> Array:  # fmt: skip
    row = resolve(profile)
    if row.fields()["mul.scheme"] != "engine":
        raise _core.NotSupported(
            f"profile: {row.name} has no rule for {op}imum; compare codes of one scale with NumPy"
        )
    left, right, _ = _operands(a, b)
    infos = [
        (scalar(s, "scale"), float(integer(z, "zero")), -128.0, 127.0)
        for s, z in zip(scales, zeros, strict=True)
    ]
    result, _ = ops.binary(row, op, left, right, np.array(infos, np.float32), packed=True)
    return result


def maximum(
    a: ArrayLike, b: ArrayLike, *, a_scale: float, b_scale: float, out_scale: float,
    profile: Profile | str, a_zero: int = 0, b_zero: int = 0, out_zero: int = 0,
) -> Array:  # fmt: skip
    """Larger of two int8 tensors by an engine that compares fixed-point values.

    Only profiles with such a rule have it (NotSupported otherwise); arguments as for :func:`add`.
    """
    return _extreme(
        "max", a, b, (a_scale, b_scale, out_scale), (a_zero, b_zero, out_zero), profile
    )


def minimum(
    a: ArrayLike, b: ArrayLike, *, a_scale: float, b_scale: float, out_scale: float,
    profile: Profile | str, a_zero: int = 0, b_zero: int = 0, out_zero: int = 0,
) -> Array:  # fmt: skip
    """Smaller of two int8 tensors; see :func:`maximum`."""
    return _extreme(
        "min", a, b, (a_scale, b_scale, out_scale), (a_zero, b_zero, out_zero), profile
    )


def _unary(
    q: ArrayLike, scales: tuple[ArrayLike, ArrayLike], zeros: tuple[ArrayLike, ArrayLike],
    out_dtype: Any,
) -> tuple[Array, list[float], list[int], str]:  # fmt: skip
    """Codes, both scales, both zero points and the name of the result's type."""
    codes = np.asarray(q)
    return (
        codes,
        [scalar(scales[0], "in_scale"), scalar(scales[1], "out_scale")],
        [integer(zeros[0], "in_zero"), integer(zeros[1], "out_zero")],
        str(codes.dtype) if out_dtype is None else code_name(out_dtype),
    )


def lut(
    q: ArrayLike,
    function: str | ArrayLike,
    *,
    in_scale: float = 1.0,
    out_scale: float,
    profile: Profile | str,
    in_zero: int = 0,
    out_zero: int = 0,
    alpha: float = 0.01,
    out_dtype: CodeType | None = None,
) -> Array:
    """A function of 8-bit codes by a table, as the profile fills and rounds it.

    Parameters
    ----------
    q : int8 or uint8 codes, any shape
    function : "sigmoid", "tanh", "leaky_relu", "identity", or float32 [256]
        A table holds the real results for the codes in order, -128..127 or 0..255. Named functions
        use correctly rounded exponentials and tanh; a C library may differ in the last bit.
    in_scale, in_zero, out_scale, out_zero : float and int
    alpha : float
        Slope of "leaky_relu" below zero.
    out_dtype : optional
        Type of the result, that of `q` unless given.

    Returns
    -------
    Codes, the shape of `q`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong kind, shape or range; the message names it.
    qsim.NotSupported
        The profile has no tables, or the codes have 16 bits.

    Examples
    --------
    >>> import numpy as np, qsim
    >>> q = np.array([-128, 0, 127], np.int8)
    >>> scales = dict(in_scale=0.05, out_scale=2**-8, out_zero=-128)
    >>> qsim.lut(q, "sigmoid", **scales, profile="ort-1.30.x64.avx2")
    array([-128,    0,  127], dtype=int8)
    """
    if isinstance(function, str) and function not in FUNCTIONS:
        raise ValueError(
            f"function: expected one of {', '.join(FUNCTIONS)}, or a table of 256 float32 values, "
            f"got {function!r}"
        )
    codes, scales, zeros, name = _unary(q, (in_scale, out_scale), (in_zero, out_zero), out_dtype)
    table = function if isinstance(function, str) else real_values(function, "function")
    return core.lut(
        resolve(profile), codes, table, scalar(alpha, "alpha"), scales, zeros, name
    )


def leaky_relu(
    q: ArrayLike,
    *,
    alpha: float,
    in_scale: float,
    out_scale: float,
    profile: Profile | str,
    in_zero: int = 0,
    out_zero: int = 0,
    out_dtype: CodeType | None = None,
) -> Array:
    """x for x >= 0 and alpha * x below, on codes: two integer factors or a table, as the profile
    has it. Arguments as for :func:`lut`.

    Examples
    --------
    >>> import numpy as np, qsim
    >>> q = np.array([-12, -10, 7], np.int8)
    >>> scales = dict(alpha=0.25, in_scale=1.0, out_scale=1.0)
    >>> qsim.leaky_relu(q, **scales, profile="tflite.ref.x64")  # ties away from zero
    array([-3, -3,  7], dtype=int8)
    >>> qsim.leaky_relu(q, **scales, profile="ort-1.30.x64.avx2")  # ties to even
    array([-3, -2,  7], dtype=int8)
    """
    row = resolve(profile)
    codes, scales, zeros, name = _unary(q, (in_scale, out_scale), (in_zero, out_zero), out_dtype)
    slope = scalar(alpha, "alpha")
    done = core.recode(row, "leaky_relu", codes, slope, scales, zeros, name)
    return core.lut(row, codes, "leaky_relu", slope, scales, zeros, name) if done is None else done


def recode(
    q: ArrayLike,
    *,
    in_scale: float,
    out_scale: float,
    profile: Profile | str,
    in_zero: int = 0,
    out_zero: int = 0,
    out_dtype: CodeType | None = None,
) -> Array:
    """Codes of one scale and zero point as codes of another (TFLite calls it requantize).

    By an integer factor or a table, as the profile has it. Arguments as for :func:`lut`.

    Examples
    --------
    >>> import numpy as np, qsim
    >>> q = np.array([-3, 1, 200], np.int16)
    >>> options = dict(in_scale=0.5, out_scale=1.0, out_dtype="int8")
    >>> qsim.operators.recode(q, **options, profile="tflite.ref.x64")
    array([ -1,   1, 100], dtype=int8)
    """
    row = resolve(profile)
    codes, scales, zeros, name = _unary(q, (in_scale, out_scale), (in_zero, out_zero), out_dtype)
    done = core.recode(row, "requantize", codes, 1.0, scales, zeros, name)
    return core.lut(row, codes, "identity", 1.0, scales, zeros, name) if done is None else done


def softmax(
    q: ArrayLike,
    *,
    in_scale: float,
    profile: Profile | str,
    out_scale: float = 2.0**-8,
    out_zero: int | None = None,
    in_zero: int = 0,
    beta: float = 1.0,
    axis: int = -1,
) -> Array:
    """Softmax of codes along `axis` as the profile computes it.

    Parameters
    ----------
    q : int8 or uint8 codes, any shape
    in_scale : float
        The input's zero point cancels.
    out_scale, out_zero : float and int
        1/256 and the lowest code unless given; integer schemes have no others.
    beta : float
        Factor of the input.

    Returns
    -------
    Codes of the type and shape of `q`.

    Raises
    ------
    TypeError, ValueError
        An argument of the wrong kind, shape or range; the message names it.
    qsim.NotSupported
        The profile has no softmax of codes.

    Examples
    --------
    >>> import numpy as np, qsim
    >>> q = np.array([[0, 10, 20]], np.int8)
    >>> qsim.softmax(q, in_scale=0.1, profile="tflite.ref.x64")
    array([[-105,  -65,   42]], dtype=int8)
    """
    codes = np.asarray(q)
    if codes.ndim == 0 or not -codes.ndim <= axis < codes.ndim:
        raise ValueError(f"axis: expected an axis of shape {codes.shape}, got {axis}")
    if codes.dtype.kind not in "iu":
        raise TypeError(f"q: expected int8 or uint8 codes, got {codes.dtype}; use qsim.quantize")
    lowest = int(np.iinfo(codes.dtype).min)
    result_zero = lowest if out_zero is None else integer(out_zero, "out_zero")
    zeros = [integer(in_zero, "in_zero"), result_zero]
    rows = np.moveaxis(codes, axis, -1)
    if codes.shape[axis] == 0:
        return codes.copy()
    scales = [scalar(in_scale, "in_scale"), scalar(out_scale, "out_scale")]
    result = core.softmax(
        resolve(profile), rows.reshape(-1, rows.shape[-1]), scalar(beta, "beta"), scales, zeros
    )
    return np.ascontiguousarray(np.moveaxis(result.reshape(rows.shape), -1, axis))
