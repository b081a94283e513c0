"""Which fields of two profiles make the difference: found by substituting them.

Nothing is reasoned about: the operator runs again with fields of one profile put into the other,
and what that does to the result is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from qsim._core import NotSupported, Profile
from qsim.htmltable import html_table

Array = npt.NDArray[Any]
Run = Callable[[Profile], Array]
"""An operator under a profile: all its outputs as comparable integers in one row."""

LARGEST_PAIR_SEARCH = 24
SHAPE = ("n_steps", "block", "fan_in", "stride", "acc_bits", "acc_lanes")
"""Fields that shape a chain: named after those that state a rule."""


@dataclass(frozen=True)
class FieldEffect:
    """What flipping one field alone does."""

    path: str
    a: Any
    b: Any
    explains_in_a: int
    """Differing elements that answer as B does once A has B's value; -1: not a legal row."""
    explains_in_b: int
    """Differing elements that answer as A does once B has A's value; -1: not a legal row."""
    alone: bool
    """Removes the whole difference by itself, in at least one direction."""


@dataclass(frozen=True)
class Explanation:
    """Fields that make two profiles disagree on one operator."""

    profile_a: str
    profile_b: str
    what: str
    elements: int
    differing: int
    effects: tuple[FieldEffect, ...]
    """Fields with an effect of their own, strongest first."""
    smallest: tuple[str, ...]
    """A smallest set of fields that removes the whole difference."""
    direction: str
    """`a`: the set was put into A; `b`: into B; `both`: it works either way."""
    worked: str
    """One element in integers."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that removes the whole difference alone, else the smallest set."""
        alone = tuple(effect.path for effect in self.effects if effect.alone)
        return alone or self.smallest

    def names(self, prefix: str) -> bool:
        """Whether a named field lies at or below `prefix`."""
        return any(path == prefix or path.startswith(prefix + ".") for path in self.fields)

    def table(self) -> str:
        """The effects as text."""
        lines = [f"{'field':44} {'A':>16} {'B':>16} {'in A':>8} {'in B':>8}"]
        for e in self.effects:
            counts = [f"{n}" if n >= 0 else "-" for n in (e.explains_in_a, e.explains_in_b)]
            mark = " *" if e.alone else ""
            lines.append(f"{e.path:44} {e.a!s:>16} {e.b!s:>16} {counts[0]:>8} {counts[1]:>8}{mark}")
        return "\n".join(lines)

    def __str__(self) -> str:
        """The story in a few lines."""
        if not self.differing:
            return f"{self.what}: {self.profile_a} and {self.profile_b} agree on all elements"
        head = (
            f"{self.what}: {self.differing} of {self.elements} elements differ between A = "
            f"{self.profile_a} and B = {self.profile_b}"
        )
        into = {"a": "A given B's value", "b": "B given A's value", "both": "either way"}
        cause = f"removed by {', '.join(self.smallest)} ({into[self.direction]})"
        return "\n".join([head, cause, self.table(), self.worked])

    def _repr_html_(self) -> str:
        """Effects and the worked element for notebooks."""
        columns = ["field", "A", "B", "explains in A", "explains in B", "alone"]
        rows = [
            [e.path, e.a, e.b, e.explains_in_a, e.explains_in_b, "yes" if e.alone else ""]
            for e in self.effects
        ]
        title = f"{self.what}: {self.differing} of {self.elements} elements differ"
        return html_table(title, columns, rows) + f"<pre>{self.worked}</pre>"


def differing_fields(a: Profile, b: Profile) -> dict[str, tuple[Any, Any]]:
    """Paths of fields with other values in b, with both values; evidence left out."""
    left, right = a.fields(), b.fields()
    return {p: (v, right[p]) for p, v in left.items() if v != right[p] and p != "evidence"}


class Substitution:
    """Runs of two profiles with fields of one put into the other."""

    def __init__(self, run: Run, a: Profile, b: Profile) -> None:
        self.run, self.a, self.b = run, a, b
        self.answer_a, self.answer_b = run(a), run(b)
        self.differs = self.answer_a != self.answer_b
        self.fields = differing_fields(a, b)

    def put(self, paths: Iterable[str], into_a: bool) -> Array | None:
        """The answer with B's values at `paths` in A, or A's in B; None if that is no legal row."""
        base = self.a if into_a else self.b
        try:
            row = base.replace_fields({p: self.fields[p][1 if into_a else 0] for p in paths})
            return self.run(row)
        except (ValueError, NotSupported):
            return None

    def explains(self, paths: Iterable[str], into_a: bool) -> int:
        """Differing elements that change sides; -1 if that is no legal row."""
        answer = self.put(paths, into_a)
        if answer is None or answer.shape != self.differs.shape:
            return -1
        target = self.answer_b if into_a else self.answer_a
        return int(np.count_nonzero(self.differs & (answer == target)))

    def suffices(self, paths: Iterable[str], into_a: bool) -> bool:
        """Whether the whole answer becomes the other profile's."""
        answer = self.put(paths, into_a)
        target = self.answer_b if into_a else self.answer_a
        return answer is not None and np.array_equal(answer, target)

    def relevant(self, into_a: bool) -> list[str]:
        """A set that suffices and from which no group and no field can be left out."""
        keep = list(self.fields)
        if not self.suffices(keep, into_a):
            return []
        for depth in (1, 2, 3):
            for group in sorted({".".join(p.split(".")[:depth]) for p in keep}):
                rest = [p for p in keep if p != group and not p.startswith(group + ".")]
                if len(rest) < len(keep) and self.suffices(rest, into_a):
                    keep = rest
        for path in list(keep):
            rest = [p for p in keep if p != path]
            if rest and self.suffices(rest, into_a):
                keep = rest
        return keep

    def smallest(self, candidates: list[str]) -> tuple[tuple[str, ...], str]:
        """A smallest set that suffices, and where it was put."""
        either = (True, False)
        for path in candidates:
            works = [self.suffices([path], into_a) for into_a in either]
            if any(works):
                return (path,), "both" if all(works) else "a" if works[0] else "b"
        if len(candidates) <= LARGEST_PAIR_SEARCH:
            for pair in combinations(candidates, 2):
                works = [self.suffices(pair, into_a) for into_a in either]
                if any(works):
                    return pair, "both" if all(works) else "a" if works[0] else "b"
        sets = [self.relevant(into_a) for into_a in either]
        found = [(len(s), name, s) for s, name in zip(sets, "ab", strict=True) if s]
        if not found:
            return (), "both"
        _, name, best = min(found, key=lambda entry: (entry[0], entry[1]))
        return tuple(best), name


def attribute(
    run: Run, a: Profile, b: Profile, what: str, worked: Callable[[int], str]
) -> Explanation:
    """Explains the difference between a and b on one operator.

    Parameters
    ----------
    run
        The operator under a profile.
    a, b
        Two profiles.
    what
        Name of the operator, for the report.
    worked
        Describes one element, by its index in the row of outputs.
    """
    s = Substitution(run, a, b)
    count = int(np.count_nonzero(s.differs))
    if count == 0:
        return Explanation(a.name, b.name, what, s.differs.size, 0, (), (), "both", "")
    kept = dict.fromkeys(s.relevant(True) + s.relevant(False))
    effects = []
    for path, (left, right) in s.fields.items():
        explains = [s.explains([path], into_a) for into_a in (True, False)]
        if max(explains) <= 0 and path not in kept:
            continue
        alone = any(
            n == count and s.suffices([path], into_a)
            for n, into_a in zip(explains, (True, False), strict=True)
        )
        effects.append(FieldEffect(path, left, right, explains[0], explains[1], alone))
    effects.sort(
        key=lambda e: (
            -e.alone, -max(e.explains_in_a, e.explains_in_b), e.path.split(".")[-1] in SHAPE
        )
    )  # fmt: skip
    candidates = [e.path for e in effects]
    smallest, direction = s.smallest(candidates)
    element = int(np.flatnonzero(s.differs)[0])
    return Explanation(
        a.name, b.name, what, s.differs.size, count, tuple(effects), smallest, direction,
        worked(element),
    )  # fmt: skip
