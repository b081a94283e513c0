"""Which profile made these codes: every row of the catalogue is tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qsim._core import Graph, NotSupported, Profile, Trace
from qsim.catalogue import profiles
from qsim.htmltable import html_table
from qsim.operations import Operation, flatten
from qsim.probing import Probe
from qsim.runtime import run as run_graph

Array = npt.NDArray[Any]
Answer = Array | None
"""Comparable integers in one row; None where a profile refuses the operator."""


@dataclass(frozen=True)
class Nearest:
    """The row that comes closest, and what would make it exact."""

    profile: str
    differing: int
    """Elements that differ."""
    max_difference: int
    """Largest difference of two codes (of bit patterns for float outputs)."""
    exact_changes: tuple[tuple[str, Any], ...]
    """(field, value) pairs, each of which alone reproduces every element."""


@dataclass(frozen=True)
class Identification:
    """Rows that reproduce the codes; truthy if there is one."""

    elements: int
    exact: tuple[str, ...]
    nearest: tuple[Nearest, ...]
    """Closest first; empty when a row is exact."""

    def __bool__(self) -> bool:
        """Whether some row reproduces everything."""
        return bool(self.exact)

    def __str__(self) -> str:
        """The verdict in a few lines."""
        if self.exact:
            return f"{self.elements} elements reproduced by: {', '.join(self.exact)}"
        lines = [f"no row reproduces all {self.elements} elements; nearest:"]
        for n in self.nearest:
            change = "".join(f"; exact with {p} = {v}" for p, v in n.exact_changes)
            lines.append(
                f"  {n.profile}: {n.differing} differ, by at most {n.max_difference}{change}"
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """The verdict as a table."""
        rows: list[list[Any]] = [[name, 0, 0, ""] for name in self.exact]
        for n in self.nearest:
            changes = ", ".join(f"{p} = {v}" for p, v in n.exact_changes)
            rows.append([n.profile, n.differing, n.max_difference, changes])
        columns = ["profile", "differing", "max difference", "exact with"]
        return html_table(f"{self.elements} elements", columns, rows)


def _same(got: Answer, want: Answer) -> bool:
    if got is None or want is None:
        return got is None and want is None
    return np.array_equal(got, want)


def _residual(got: Sequence[Answer], want: Sequence[Answer]) -> tuple[int, int]:
    """(elements that differ, largest difference); a refused operator differs everywhere."""
    count = worst = 0
    for g, w in zip(got, want, strict=True):
        if g is None or w is None:
            other = w if g is None else g
            count += 0 if other is None else other.size
            continue
        if g.shape != w.shape:
            count += w.size
            continue
        differs = g != w
        count += int(np.count_nonzero(differs))
        if differs.any():
            gap = np.abs(g.astype(object) - w.astype(object))
            worst = max(worst, int(gap.max()))
    return count, worst


def _search(
    answers: Callable[[Profile], list[Answer]],
    want: list[Answer],
    rows: Mapping[str, Profile],
    keep: int,
    known: Mapping[str, list[Answer]] | None = None,
) -> Identification:
    got = known or {name: answers(row) for name, row in rows.items()}
    size = sum(0 if w is None else w.size for w in want)
    exact = tuple(
        name for name, given in got.items()
        if all(_same(g, w) for g, w in zip(given, want, strict=True))
    )  # fmt: skip
    if exact:
        return Identification(size, exact, ())
    ranked = sorted(got, key=lambda name: _residual(got[name], want))[:keep]
    nearest = []
    for name in ranked:
        count, worst = _residual(got[name], want)
        nearest.append(Nearest(name, count, worst, _changes(answers, want, rows[name])))
    return Identification(size, (), tuple(nearest))


def _changes(
    answers: Callable[[Profile], list[Answer]], want: list[Answer], row: Profile
) -> tuple[tuple[str, Any], ...]:
    """Single-field changes of `row` that reproduce everything."""
    found = []
    for path in row.used():
        for value in row.alternatives(path):
            try:
                given = answers(row.replace({path: value}))
            except (ValueError, NotSupported):
                continue
            if all(_same(g, w) for g, w in zip(given, want, strict=True)):
                found.append((path, value))
    return tuple(found)


def answer_of(operation: Operation, profile: Profile) -> Answer:
    """What a profile answers; None if it has no such operator."""
    result = operation.attempt(profile)
    return None if result is None else result.flat()


def _device_row(codes: Any) -> Answer:
    if codes is None:
        return None
    outputs = codes if isinstance(codes, tuple) else (codes,)
    return flatten(tuple(np.asarray(output) for output in outputs))


def identify(
    subject: Operation | Probe | Graph,
    device: Any,
    inputs: Mapping[str, npt.ArrayLike] | None = None,
    *,
    nearest: int = 3,
) -> Identification:
    """Finds the catalogue rows that reproduce what a device computed.

    Parameters
    ----------
    subject
        One :func:`qsim.operation`, a :func:`qsim.probe`, or a graph with its `inputs`.
    device
        What the device answered: an array (a tuple for several outputs); for a probe a list with
        one entry per operation, None where the device has no such operator; for a graph arrays by
        output name.
    inputs
        Feeds of the graph.
    nearest
        How many rows to describe when none is exact.

    Returns
    -------
    Identification
        All rows that reproduce every element, else the nearest ones with the single-field changes
        that would make them exact.

    Examples
    --------
    >>> import numpy as np, qsim
    >>> op = qsim.operation("gemm", np.full((2, 2), 255, np.uint8), np.full((2, 1), 127, np.int8))
    >>> found = qsim.identify(op, np.array([[32767], [32767]], np.int32))
    >>> "ort-1.30.x64.avx2" in found.exact, "ort-1.30.x64.sse" in found.exact
    (True, False)
    """
    if isinstance(subject, Graph):
        return _identify_graph(subject, device, inputs or {}, nearest)
    operations = subject.operations if isinstance(subject, Probe) else (subject,)
    given = list(device) if isinstance(subject, Probe) else [device]
    if len(given) != len(operations):
        raise ValueError(
            f"device: expected {len(operations)} answers, one per operation, got {len(given)}"
        )
    want = [_device_row(codes) for codes in given]
    def answers(row: Profile) -> list[Answer]:
        return [answer_of(operation, row) for operation in operations]

    known = (
        subject.answers
        if isinstance(subject, Probe)
        else {name: answers(row) for name, row in profiles.items()}
    )
    for i, (operation, answer) in enumerate(zip(operations, want, strict=True)):
        given_by = next((a[i] for a in known.values() if a[i] is not None), None)
        if answer is not None and given_by is not None and answer.shape != given_by.shape:
            raise ValueError(
                f"device: expected {given_by.size} elements of {operation!r}, got {answer.size}"
            )
    return _search(answers, want, profiles, nearest, known)


def _identify_graph(
    graph: Graph, device: Any, inputs: Mapping[str, npt.ArrayLike], nearest: int
) -> Identification:
    if not isinstance(device, Mapping) or not device:
        raise TypeError("device: expected arrays by output name for a graph")
    names = list(device)
    rows = {name: row for name, row in profiles.items() if row.fields()["placement"] != "none"}

    def answers(row: Profile) -> list[Answer]:
        trace: Trace = run_graph(graph, inputs, profile=row)
        return [flatten((trace.outputs[name],)) for name in names]

    want: list[Answer] = [flatten((np.asarray(device[name], np.float32),)) for name in names]
    return _search(answers, want, rows, nearest)
