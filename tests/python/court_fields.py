"""Fields of a case's bytes, and what an answer may be: shared by the court's operator families."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from qsim.oracle import rescale
from qsim.oracle.words import wrap

Row = Mapping[str, Any]

REFUSAL = b"\0"
KINDS = ("u8", "s8", "u16", "s16", "u4", "s4")
LAYOUTS = {"u8": "B", "s8": "b", "u16": "H", "s16": "h", "u4": "B", "s4": "b"}
ONE, INFINITY = 0x3F800000, 0x7F800000
REFUSALS = (NotImplementedError, ValueError)


class Refused(ValueError):
    """A case that the row has no answer to."""


class Fields:
    """Little-endian fields of a case in order."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, layout: str) -> tuple[int, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def one(self, layout: str) -> int:
        return self.take(layout)[0]

    def many(self, n: int, layout: str) -> list[int]:
        return list(self.take(f"{n}{layout}"))

    def codes(self, kind: str, n: int, once: int = 0) -> list[int]:
        """n codes; `once`: one code, n times."""
        return self.many(1, LAYOUTS[kind]) * n if once else self.many(n, LAYOUTS[kind])

    def limits(self) -> tuple[str, rescale.Limits]:
        """A type and limits within it."""
        kind, low, high = self.take("Bii")
        return KINDS[kind], rescale.Limits(low, high, *type_range(KINDS[kind]))


def type_range(kind: str) -> tuple[int, int]:
    bits = int(kind[1:])
    return (0, (1 << bits) - 1) if kind[0] == "u" else (-(1 << bits - 1), (1 << bits - 1) - 1)


def check_sum(acc: int, rule: Row) -> None:
    """Refuses a sum beyond the rule's word."""
    bits = 48 if rule["scheme"] == "fixed" and rule["fixed"]["bits"] == 16 else 32
    if wrap(acc, bits) != acc:
        raise Refused(f"acc: {acc} has more than {bits} bits")


def kinds_of(family: str) -> tuple[str, str]:
    """Both types of a family such as product.u8s8."""
    pair = family.split(".")[1]
    left = next(k for k in KINDS if pair.startswith(k))
    return left, pair[len(left) :]


def pack(values: Sequence[int], layout: str) -> bytes:
    """Values as unsigned words of a layout, negative ones in two's complement."""
    mask = (1 << 8 * struct.calcsize("<" + layout)) - 1
    return struct.pack(f"<{len(values)}{layout}", *(v & mask for v in values))


# --------------------------------------------------------------------------------------- products
