"""Interpolated tables of int16 networks: sigmoid and tanh from 256 entries, any function from 513.

The tables are inputs: runtimes ship them as data, and their entries are not all correctly rounded.
"""

from __future__ import annotations

from collections.abc import Sequence

from .words import wrap


def sigmoid(code: int, table: Sequence[int], left_shift: int = 0) -> int:
    """Sigmoid of a code with 3 - left_shift integer bits, in units of 2**-15.

    `table[i]` is 65536 * sigmoid(i / 24); 9 bits lie between two entries.
    """
    x = _scaled(code, left_shift)
    value = _interpolate(abs(x), table, 9, 0x7FFF << 10)
    if x >= 0:
        return wrap((value + (1 << 9)) >> 10, 16)
    return wrap(((1 << 25) - value + (1 << 9) - 1) >> 10, 16)


def tanh(code: int, table: Sequence[int], left_shift: int = 0) -> int:
    """Tanh of a code with 3 - left_shift integer bits, in units of 2**-15, as 2*sigmoid(2x) - 1.

    The table is that of `sigmoid`; 8 bits lie between two entries.
    """
    x = _scaled(code, left_shift)
    value = _interpolate(abs(x), table, 8, 0xFFFF << 8)
    if x >= 0:
        return wrap((value - (1 << 23) + (1 << 7)) >> 8, 16)
    return wrap(((1 << 23) - value + (1 << 7) - 1) >> 8, 16)


def lookup(code: int, table: Sequence[int]) -> int:
    """The function of an int16 code from 513 entries, 128 codes apart, to the nearest, ties up."""
    index, offset = 256 + (code >> 7), code & 127
    slope = table[index + 1] - table[index]
    return wrap(table[index] + ((slope * offset + 64) >> 7), 16)


def _scaled(code: int, left_shift: int) -> int:
    """Three times the code, in the table's steps; a right shift rounds half up."""
    if left_shift >= 0:
        return (3 * code) << left_shift
    return (3 * code + (1 << (-left_shift - 1))) >> -left_shift


def _interpolate(magnitude: int, table: Sequence[int], bits: int, beyond: int) -> int:
    """Between two entries, in units of the entries' unit / 2**bits; `beyond` the last of them."""
    index = magnitude >> bits
    if index >= len(table) - 1:
        return beyond
    step = (magnitude & ((1 << bits) - 1)) * (table[index + 1] - table[index])
    return (table[index] << bits) + step
