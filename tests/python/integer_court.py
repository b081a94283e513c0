"""What the integer case drivers ask of an implementation, and the oracle's answers to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from qsim.oracle import fixed, lut, softmax
from qsim.oracle.words import clamp

Codes = np.ndarray[Any, Any]  # int8 or int16
Words = np.ndarray[Any, Any]  # int32 or int64


@dataclass(frozen=True)
class Window:
    """A filter over an image [N, H, W, C]: extents as (height, width), padding as (top, left)."""

    size: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    output: tuple[int, int]
    dilation: tuple[int, int] = (1, 1)


class Court(Protocol):
    """The arithmetic of integer kernels, which the drivers put together to operators."""

    name: str

    def quantize_multiplier(self, real: float) -> tuple[int, int]:
        """Mantissa and exponent of a binary64 factor."""

    def accumulate(
        self,
        lhs: Codes,
        rhs: Codes,
        lhs_zero: int = 0,
        rhs_zero: int = 0,
        initial: Words | None = None,
        *,
        wide: bool = False,
    ) -> Words:
        """(lhs - lhs_zero) @ (rhs - rhs_zero) + initial.

        lhs [M, K], rhs [K, N], initial [N]; int32 that wraps, or int64 with `wide`.
        """

    def rescale(
        self, acc: Words, multiplier: int | Words, shift: int | Words, wide: bool = False
    ) -> Words:
        """acc * multiplier * 2**(shift - 31) as int32 of acc's shape.

        `multiplier` and `shift` are int or int32 vectors along the last axis. Two roundings; with
        `wide` the scheme of int64 sums.
        """

    def max_pool(self, image: Codes, window: Window) -> Codes:
        """Largest code of each window [N, H, W, C], padding left out."""

    def average_pool(self, image: Codes, window: Window) -> Codes:
        """Mean code of each window, padding left out, rounded half away from zero."""

    def maximum(self, lhs: Codes, rhs: Codes) -> Codes:
        """The larger code of each pair; operands broadcast."""

    def minimum(self, lhs: Codes, rhs: Codes) -> Codes:
        """The smaller code of each pair; operands broadcast."""

    def softmax(self, rows: Codes, multiplier: int, left_shift: int, diff_min: int) -> Codes:
        """int8 softmax of each row, output scale 1/256 and zero point -128."""

    def sigmoid(self, codes: Codes, table: Codes, left_shift: int = 0) -> Codes:
        """int16 sigmoid of codes with 3 - left_shift integer bits, output scale 2**-15."""

    def tanh(self, codes: Codes, table: Codes, left_shift: int = 0) -> Codes:
        """int16 tanh of codes with 3 - left_shift integer bits, output scale 2**-15."""

    def pad(self, codes: Codes, before: Sequence[int], after: Sequence[int], value: int) -> Codes:
        """`before` and `after` more cells per axis, holding `value`."""

    def transpose(self, codes: Codes, permutation: Sequence[int]) -> Codes:
        """Axis i of the result is axis permutation[i] of the input."""

    def strided_slice(self, codes: Codes, slices: Sequence[slice]) -> Codes:
        """Every slice.step-th cell of each axis from slice.start to before slice.stop."""


@dataclass(frozen=True)
class Scheme:
    """How a sum becomes an int32: the options of `fixed.rescale`."""

    single_rounding: bool
    multiply_ties: str = "half_up"
    shift_ties: str = "half_up"
    multiplier_bits: int = 32


TWO_ROUNDINGS = Scheme(single_rounding=False, shift_ties="half_away")
ONE_ROUNDING = Scheme(single_rounding=True)
INT64 = Scheme(single_rounding=True, multiplier_bits=16)


class OracleCourt:
    """The oracle, or with other schemes what a differently built runtime would answer."""

    def __init__(
        self, name: str = "oracle", narrow: Scheme = TWO_ROUNDINGS, wide: Scheme = INT64
    ) -> None:
        self.name, self._narrow, self._wide = name, vars(narrow), vars(wide)

    def quantize_multiplier(self, real: float) -> tuple[int, int]:
        return fixed.quantize_multiplier(real)

    def accumulate(
        self,
        lhs: Codes,
        rhs: Codes,
        lhs_zero: int = 0,
        rhs_zero: int = 0,
        initial: Words | None = None,
        *,
        wide: bool = False,
    ) -> Words:
        # Exact: |a * b| <= 2**32, far fewer than 2**31 of them.
        total = (lhs.astype(np.int64) - lhs_zero) @ (rhs.astype(np.int64) - rhs_zero)
        if initial is not None:
            total = total + initial.astype(np.int64)
        if wide:
            return total
        return ((total + (1 << 31)) % (1 << 32) - (1 << 31)).astype(np.int32)

    def rescale(
        self, acc: Words, multiplier: int | Words, shift: int | Words, wide: bool = False
    ) -> Words:
        options = self._wide if wide else self._narrow
        factors = (np.broadcast_to(v, acc.shape).ravel().tolist() for v in (multiplier, shift))
        result = [
            fixed.rescale(a, m, e, **options)
            for a, m, e in zip(acc.ravel().tolist(), *factors, strict=True)
        ]
        return np.array(result, np.int32).reshape(acc.shape)

    def max_pool(self, image: Codes, window: Window) -> Codes:
        return _pool(image, window, max)

    def average_pool(self, image: Codes, window: Window) -> Codes:
        return _pool(image, window, _mean)

    def maximum(self, lhs: Codes, rhs: Codes) -> Codes:
        return _pairs(lhs, rhs, max)

    def minimum(self, lhs: Codes, rhs: Codes) -> Codes:
        return _pairs(lhs, rhs, min)

    def softmax(self, rows: Codes, multiplier: int, left_shift: int, diff_min: int) -> Codes:
        result = [softmax.softmax_int8(r, multiplier, left_shift, diff_min) for r in rows.tolist()]
        return np.array(result, rows.dtype)

    def sigmoid(self, codes: Codes, table: Codes, left_shift: int = 0) -> Codes:
        entries = table.tolist()
        return _each(codes, lambda q: lut.sigmoid(q, entries, left_shift))

    def tanh(self, codes: Codes, table: Codes, left_shift: int = 0) -> Codes:
        entries = table.tolist()
        return _each(codes, lambda q: lut.tanh(q, entries, left_shift))

    def pad(self, codes: Codes, before: Sequence[int], after: Sequence[int], value: int) -> Codes:
        shape = [b + n + a for b, n, a in zip(before, codes.shape, after, strict=True)]
        result = np.full(shape, value, codes.dtype)
        result[tuple(slice(b, b + n) for b, n in zip(before, codes.shape, strict=True))] = codes
        return result

    def transpose(self, codes: Codes, permutation: Sequence[int]) -> Codes:
        result = np.empty([codes.shape[axis] for axis in permutation], codes.dtype)
        for index in np.ndindex(codes.shape):
            result[tuple(index[axis] for axis in permutation)] = codes[index]
        return result

    def strided_slice(self, codes: Codes, slices: Sequence[slice]) -> Codes:
        picked = [range(n)[s] for s, n in zip(slices, codes.shape, strict=True)]
        result = np.empty([len(p) for p in picked], codes.dtype)
        for index in np.ndindex(result.shape):
            result[index] = codes[tuple(p[i] for p, i in zip(picked, index, strict=True))]
        return result


def _mean(values: list[int]) -> int:
    return fixed.round_quotient(sum(values), len(values), "half_away")


def _each(codes: Codes, function: Any) -> Codes:
    return np.array([function(q) for q in codes.ravel().tolist()], codes.dtype).reshape(codes.shape)


def _pairs(lhs: Codes, rhs: Codes, function: Any) -> Codes:
    a, b = np.broadcast_arrays(lhs, rhs)
    pairs = zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)
    return np.array([function(x, y) for x, y in pairs], lhs.dtype).reshape(a.shape)


def _pool(image: Codes, window: Window, function: Any) -> Codes:
    batch, height, width, channels = image.shape
    result = np.empty((batch, *window.output, channels), image.dtype)
    for n, y, x, c in np.ndindex(result.shape):
        top, left = (i * s - p for i, s, p in zip((y, x), window.stride, window.pad, strict=True))
        rows = slice(clamp(top, 0, height), clamp(top + window.size[0], 0, height))
        columns = slice(clamp(left, 0, width), clamp(left + window.size[1], 0, width))
        result[n, y, x, c] = function(image[n, rows, columns, c].ravel().tolist())
    return result
