"""Matrix products of codes with zero points: the chain of an `Arith` row. Equation (A.21)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import repeat
from operator import mul
from typing import Any

from .dot import _reduce
from .words import fit, round_ratio, wrap

Row = Mapping[str, Any]
Codes = Sequence[int]


class NoProduct(NotImplementedError):
    """A pair of operand types that the row has no product for."""


@dataclass(frozen=True)
class Side:
    """One operand of a product as the multiplier sees it, with its zero point and how many real
    codes it holds (padding excluded)."""

    codes: list[int]
    zero: int
    count: int

    @cached_property
    def total(self) -> int:
        return sum(self.codes)

    @cached_property
    def largest(self) -> int:
        """Largest magnitude of a code."""
        return max(map(abs, self.codes), default=0)

    def padded(self, run: int, multiple: int) -> Side:
        """After every `run` codes zeros up to a multiple of codes: their products are zero."""
        gap = [0] * (-run % multiple)
        runs = (self.codes[i : i + run] + gap for i in range(0, len(self.codes), run))
        return Side([v for part in runs for v in part], self.zero, self.count)

    def without(self, places: Collection[int]) -> Side:
        """The codes at these places are no codes any more; the others stay where they are."""
        codes = list(self.codes)
        for place in places:
            codes[place] = 0
        return Side(codes, self.zero, self.count - len(places))


def left(arith: Row, codes: Codes, zero: int) -> Side:
    """The left operand: `lhs_offset` added, or the zero point taken off."""
    if arith["zero_points"] == "subtracted":
        return Side([v - zero for v in codes], 0, len(codes))
    offset = arith["lhs_offset"]
    return Side([v + offset for v in codes], zero + offset, len(codes))


def right(arith: Row, codes: Codes, zero: int) -> Side:
    """The right operand: perhaps halved, its zero point too; `rhs_offset` added, or the zero point
    taken off."""
    if arith["halves_rhs"]:
        zero, *codes = (round_ratio(Fraction(v, 2), "half_even") for v in (zero, *codes))
    if arith["zero_points"] == "subtracted":
        return Side([v - zero for v in codes], 0, len(codes))
    offset = arith["rhs_offset"]
    return Side([v + offset for v in codes], zero + offset, len(codes))


def word(arith: Row) -> int:
    """Bits of a result."""
    return 64 if arith["acc_bits"] == 64 else 32


def product(
    arith: Row,
    lhs: Codes,
    rhs: Codes,
    *,
    lhs_zero: int = 0,
    rhs_zero: int = 0,
    initial: int = 0,
) -> int:
    """sum of (lhs[k] - lhs_zero) * (rhs[k] - rhs_zero), plus initial, as the row computes it."""
    _require(arith, "these operands")
    if len(lhs) != len(rhs):
        raise ValueError(f"rhs: expected {len(lhs)} codes, got {len(rhs)}")
    return join(arith, left(arith, lhs, lhs_zero), right(arith, rhs, rhs_zero), initial)


def join(arith: Row, a: Side, b: Side, initial: int = 0) -> int:
    """The product of two prepared operands."""
    return _finish(arith, _chain(arith, a.codes, b.codes, _start(arith, a, b, initial)))


def shortcut(arith: Row, a: Side, b: Side, initial: int = 0) -> int:
    """`join`, by the plain sum where no step can overflow with operands of these magnitudes."""
    start = _start(arith, a, b, initial)
    if not _is_plain(arith, a.largest * b.largest, len(a.codes), start):
        return join(arith, a, b, initial)
    return _finish(arith, wrap(start + sum(map(mul, a.codes, b.codes)), word(arith)))


def matmul(
    row: Row,
    lhs_type: str,
    rhs_type: str,
    lhs: Sequence[Codes],
    rhs: Sequence[Codes],
    lhs_zeros: int | Codes = 0,
    rhs_zeros: int | Codes = 0,
    initial: Codes | None = None,
) -> list[list[int]]:
    """Accumulators [M][N] of lhs [M][K] times rhs [K][N]; types are u8, s8 or s16.

    One left zero point for all or one per row, right ones per column; `initial` one per column.
    """
    columns = list(zip(*rhs, strict=True))
    arith = chain_of(row, lhs_type, rhs_type, len(lhs), len(rhs), len(columns))
    first = [0] * len(columns) if initial is None else initial
    lefts = map(left, repeat(arith), lhs, _each(lhs_zeros, len(lhs)))
    rights = list(map(right, repeat(arith), columns, _each(rhs_zeros, len(columns))))
    return [[shortcut(arith, a, b, i) for b, i in zip(rights, first, strict=True)] for a in lefts]


_EXACT: Row = {
    "lhs_offset": 0, "rhs_offset": 0, "zero_points": "corrected", "halves_rhs": False, "block": 1,
    "n_steps": 0, "acc_bits": 32, "acc_lanes": 1, "acc_overflow": "wrap", "spill": 0,
}  # fmt: skip


def chain_of(row: Row, lhs_type: str, rhs_type: str, rows: int, depth: int, columns: int) -> Row:
    """The chain of a matrix product; a single row that passes the gate may be exact."""
    arith, gate = chain(row, lhs_type, rhs_type), row["row_gate"]
    passes = rows == 1 and depth >= gate["depth"] and columns >= gate["columns"]
    return _EXACT if gate.get("exact") and passes and lhs_type != "s16" else arith


def _each(zeros: int | Codes, count: int) -> Codes:
    """One zero point for each of `count` rows or columns."""
    given = [zeros] * count if isinstance(zeros, int) else zeros
    if len(given) != count:
        raise ValueError(f"zeros: expected {count}, got {len(given)}")
    return given


def chain(row: Row, lhs_type: str, rhs_type: str) -> Row:
    """The row's chain for a pair of operand types."""
    arith: Row = row["products"].get(lhs_type + rhs_type, {"acc_bits": 0})
    _require(arith, f"{lhs_type} times {rhs_type}")
    return arith


def _require(arith: Row, what: str) -> None:
    if arith["acc_bits"] == 0:
        raise NoProduct(f"products: the row has none for {what}")


def _start(arith: Row, a: Side, b: Side, initial: int) -> int:
    """What the accumulator holds before the first product."""
    corrections = a.count * a.zero * b.zero - b.zero * a.total - a.zero * b.total
    return wrap(initial + corrections, word(arith))


def _finish(arith: Row, total: int) -> int:
    return wrap(2 * total, word(arith)) if arith["halves_rhs"] else total


def _chain(arith: Row, a: Codes, b: Codes, start: int) -> int:
    """Products, steps inside blocks, accumulators."""
    block, narrow = arith["block"], arith["acc_bits"] < 32
    lanes, spilled = [0] * arith["acc_lanes"], 0
    if not narrow:
        lanes[0] = start
    for first in range(0, len(a), block):
        products = list(map(mul, a[first : first + block], b[first : first + block]))
        products += [0] * (block - len(products))
        for i, value in enumerate(_reduce(arith, products)):
            lane = i % len(lanes)
            lanes[lane] = fit(lanes[lane] + value, arith["acc_bits"], arith["acc_overflow"])
        if narrow and arith["spill"] and (first + block) % arith["spill"] == 0:
            spilled, lanes = wrap(spilled + sum(lanes), 32), [0] * len(lanes)
    return wrap(sum(lanes) + spilled + (start if narrow else 0), word(arith))


def _is_plain(arith: Row, largest: int, count: int, start: int) -> bool:
    """Whether nothing but the last wrap can lose bits, for products up to `largest`."""
    if arith["acc_bits"] < 32:
        return False
    bound = largest
    for index in range(arith["n_steps"]):
        step = arith[f"step{index}"]
        bound *= step["fan_in"]
        if bound >= 1 << (step["bits"] - 1):
            return False
    if arith["acc_overflow"] == "wrap":
        return True
    return bool(abs(start) + largest * count < 1 << (arith["acc_bits"] - 1))
