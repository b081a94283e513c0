"""What the checkers of all engines share: counts of codes that differ, and the table of them.

A checker has `check(vectors) -> {(op, target): Count}`; `run` makes a program of it.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

#: The tests' readers and mappings; checkers import from it after this module.
PYTHON_TESTS = Path(__file__).resolve().parents[1] / "python"
if str(PYTHON_TESTS) not in sys.path:
    sys.path.insert(0, str(PYTHON_TESTS))


class Count(NamedTuple):
    """Elements compared, and those that differ; a refused case differs in all of its elements."""

    elements: int
    mismatches: int

    def plus(self, elements: int, mismatches: int) -> Count:
        return Count(self.elements + elements, self.mismatches + mismatches)


Counts = dict[tuple[str, str], Count]


@dataclass
class Tally:
    """Counts, and the smallest case that differs for each operator and target."""

    counts: Counts = field(default_factory=dict)
    smallest: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)

    def add(
        self, op: str, target: str, elements: int, mismatches: int, size: int, about: str
    ) -> None:
        """One output of a case with `size` elements in all of its tensors."""
        key = op, target
        self.counts[key] = self.counts.get(key, Count(0, 0)).plus(elements, mismatches)
        if mismatches and (key not in self.smallest or size < self.smallest[key][0]):
            self.smallest[key] = size, f"{about}: {mismatches} of {elements} differ"

    def lines(self) -> list[str]:
        return [f"{op} {target}: {text}" for (op, target), (_, text) in self.smallest.items()]


def table(counts: Mapping[tuple[str, str], tuple[int, int]]) -> str:
    """Operators down, targets across: elements, and after a `!` those that differ."""
    ops, targets = (list(dict.fromkeys(key[i] for key in counts)) for i in (0, 1))
    rows = [["", *targets]]
    rows += [[op, *(cell(counts.get((op, t))) for t in targets)] for op in ops]
    totals = [total(v for (_, t), v in counts.items() if t == target) for target in targets]
    rows.append(["all", *map(cell, totals)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(text.rjust(w) if i else text.ljust(w) for i, (text, w) in enumerate(line))
        for line in (list(zip(row, widths, strict=True)) for row in rows)
    )


def cell(count: tuple[int, int] | None) -> str:
    if count is None:
        return "-"
    elements, mismatches = count
    return f"{elements} !{mismatches}" if mismatches else str(elements)


def total(counts: Iterable[tuple[int, int]]) -> Count:
    both = list(counts)
    return Count(sum(e for e, _ in both), sum(m for _, m in both))


def telling(
    check: Callable[[Path, Tally, Counter[str]], Counts],
) -> Callable[[Path, Tally], Counts]:
    """The check, and how many answers it left out for which reason."""

    def checked(vectors: Path, tally: Tally) -> Counts:
        left_out: Counter[str] = Counter()
        counts = check(vectors, tally, left_out)
        for reason, cases in left_out.items():
            print(f"left out: {cases} answers ({reason})")
        return counts

    return checked


def run(doc: str, check: Callable[[Path, Tally], Counts]) -> None:
    """The program: checks folders of vectors, prints a table each, fails if anything differs."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("vectors", type=Path, nargs="+", metavar="FOLDER")
    failed = False
    for folder in parser.parse_args().vectors:
        tally = Tally()
        counts = check(folder, tally)
        print(f"{folder}\n{table(counts)}")
        print(*tally.lines(), sep="\n", end="\n" if tally.smallest else "")
        failed = failed or not counts or bool(tally.smallest)
    sys.exit(failed)
