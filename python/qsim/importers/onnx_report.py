"""What an importer says when it refuses, and the limits it refuses at."""

from __future__ import annotations

from collections.abc import Sequence

from qsim._core import BadFile, NotSupported

MAX_FILE = 2 << 30  # bytes; what one protobuf message can hold
MAX_COUNT = 10**6  # nodes, tensors
MAX_RANK = 16
MAX_ELEMENTS = 1 << 40
MAX_NAME = 64 << 10  # bytes
SHOWN = 120  # characters of a name or of a foreign message that a sentence repeats


class Reporter:
    """Makes the exceptions of one file: `<file>: <place>: expected ..., got ...; <what to do>`."""

    def __init__(self, label: str) -> None:
        self.label = label

    def bad(self, message: str) -> BadFile:
        """The file is malformed."""
        return BadFile(f"{self.label}: {message}")

    def unsupported(self, message: str) -> NotSupported:
        """The file is sound, but qsim does not do this."""
        return NotSupported(f"{self.label}: {message}")

    def text(self, value: object, what: str) -> str:
        """A string field of the file. Protobuf hands out bytes where they are not UTF-8."""
        if not isinstance(value, str):
            raise self.bad(f"{what}: expected UTF-8, got {shown(repr(value))}; export it again")
        if len(value) > MAX_NAME or len(value.encode("utf-8")) > MAX_NAME:
            raise self.bad(f"{what}: expected at most {MAX_NAME} bytes, got a longer text")
        return value


def printable(text: str) -> str:
    """`text` with control characters as codes."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def shown(text: str) -> str:
    """`text` on one line, cut at `SHOWN` characters."""
    return printable(text if len(text) <= SHOWN else text[:SHOWN] + "...")


def quoted(name: str) -> str:
    """A name of the file, in quotes."""
    return f'"{shown(name)}"'


def shape_text(shape: Sequence[int | None]) -> str:
    """`[1, ?, 3]`."""
    return "[" + ", ".join("?" if d is None or d < 0 else str(d) for d in shape) + "]"


def element_count(shape: Sequence[int]) -> int | None:
    """Number of elements of a shape; None if it is beyond what qsim takes.

    The product leaves out extents of zero: no partial product of a shape overflows either.
    """
    if len(shape) > MAX_RANK:
        return None
    product = 1
    for extent in shape:
        product *= max(extent, 1)
        if product > MAX_ELEMENTS:
            return None
    return 0 if 0 in shape else product
