"""The program `qvec`: rows and cases of the court as the C++ side has them, one per line."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from qsim import oracle

ROOT = Path(__file__).parents[2]


class Case(NamedTuple):
    """One case line: `case <family> <row> <bytes in> <bytes out>`."""

    family: str
    row: str
    data: bytes
    answer: bytes

    @staticmethod
    def of(line: str) -> Case:
        kind, family, row, data, *answer = line.split()
        if kind != "case":
            raise ValueError(f"not a case line: {line[:200]}")
        return Case(family, row, bytes.fromhex(data), bytes.fromhex("".join(answer[:1])))

    def __str__(self) -> str:
        return f"case {self.family} {self.row} {self.data.hex()} {self.answer.hex()}"


def find_qvec() -> Path | None:
    """QSIM_QVEC, or the newest program of that name in a build folder that runs here."""
    if given := os.environ.get("QSIM_QVEC"):
        return Path(given)
    built = [p for p in ROOT.glob("build/*/tests/qvec") if "aarch64" not in p.parts[-3]]
    return max(built, key=lambda p: p.stat().st_mtime, default=None)


def qvec(*words: str) -> Iterator[str]:
    """Lines that qvec prints."""
    program = find_qvec()
    if program is None:
        raise FileNotFoundError("qvec: build it (cmake --build --preset dev) or set QSIM_QVEC")
    with subprocess.Popen([program, *words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield from process.stdout
    if process.returncode:
        raise RuntimeError(f"qvec {' '.join(words)}: exit status {process.returncode}")


def value_of(text: str) -> bool | int | str:
    """A field's text as Python has it in Profile.fields()."""
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.lstrip("-").isdigit() else text


@cache
def rows() -> dict[str, dict[str, Any]]:
    """The catalogue's rows, nested as the oracle reads them, in its order."""
    found = {}
    for line in qvec("rows"):
        _, name, *fields = line.split()
        pairs = (field.split("=") for field in fields)
        found[name] = oracle.nest({path: value_of(value) for path, value in pairs})
    return found


@cache
def inputs(family: str) -> list[bytes]:
    """Case bytes of a family as C++ makes them."""
    words = (line.split() for line in qvec("inputs", "--family", family))
    return [bytes.fromhex(data) for _, name, data in words if name == family]


@cache
def families() -> list[str]:
    """Names of the families that C++ makes, in its order."""
    return list(dict.fromkeys(line.split()[1] for line in qvec("inputs")))
