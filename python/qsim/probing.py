"""The smallest set of inputs that tells all rows of the catalogue apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from qsim._core import Profile
from qsim.catalogue import profiles, resolve
from qsim.operations import Array, Operation, Result
from qsim.probe_pool import POOLS, pool

ELEMENTWISE = ("add", "mul")


@dataclass(frozen=True)
class Probe:
    """Operations to run on a device, and which rows they tell apart."""

    name: str
    operations: tuple[Operation, ...]
    classes: tuple[tuple[str, ...], ...]
    """Rows that answer alike on everything tried, in catalogue order."""

    @property
    def elements(self) -> int:
        """Numbers of inputs over all operations."""
        return sum(int(operand.size) for op in self.operations for operand in op.operands)

    def run(self, profile: Profile | str) -> list[tuple[Any, ...] | None]:
        """What a profile answers to each operation; None where it has no such operator."""
        row = resolve(profile)
        results = [operation.attempt(row) for operation in self.operations]
        return [None if result is None else result.outputs for result in results]

    @cached_property
    def answers(self) -> Mapping[str, list[Array | None]]:
        """What every row of the catalogue answers, as comparable integers; made once."""
        return {
            name: [None if r is None else r.flat() for r in map(row_of(row), self.operations)]
            for name, row in profiles.items()
        }

    def class_of(self, profile: Profile | str) -> tuple[str, ...]:
        """The class that a row of the catalogue belongs to."""
        name = profile if isinstance(profile, str) else profile.name
        return next(group for group in self.classes if name in group)

    def __repr__(self) -> str:
        """Counts."""
        return (
            f"<Probe {self.name}: {len(self.operations)} operations, {self.elements} inputs, "
            f"{len(self.classes)} classes of {sum(map(len, self.classes))} rows>"
        )


def row_of(profile: Profile) -> Callable[[Operation], Result | None]:
    """Runs operations under one profile."""
    return lambda operation: operation.attempt(profile)


def _outcome(operation: Operation, profile: Profile) -> bytes:
    result = operation.attempt(profile)
    return b"refused" if result is None else result.flat().tobytes()


Labels = dict[str, int]


def _labels(outcomes: Mapping[str, bytes]) -> Labels:
    numbers: dict[bytes, int] = {}
    return {name: numbers.setdefault(value, len(numbers)) for name, value in outcomes.items()}


def _split(classes: list[list[str]], labels: Labels) -> list[list[str]]:
    out: list[list[str]] = []
    for group in classes:
        parts: dict[int, list[str]] = {}
        for name in group:
            parts.setdefault(labels[name], []).append(name)
        out += parts.values()
    return out


def _classes(names: list[str], chosen: list[Labels]) -> list[list[str]]:
    classes = [names]
    for labels in chosen:
        classes = _split(classes, labels)
    return classes


def select(names: list[str], tried: list[Labels]) -> list[int]:
    """Indices of a small set of candidates that splits rows as finely as all of them.

    Greedy by number of classes, then every member that the others make superfluous is dropped.
    """
    finest = len(_classes(names, tried))
    chosen: list[int] = []
    classes = [names]
    while len(classes) < finest:
        best = max(range(len(tried)), key=lambda i: (len(_split(classes, tried[i])), -i))
        chosen.append(best)
        classes = _split(classes, tried[best])
    for index in list(chosen):
        rest = [i for i in chosen if i != index]
        if len(_classes(names, [tried[i] for i in rest])) == finest:
            chosen = rest
    return sorted(chosen)


def smaller(operation: Operation, rows: Mapping[str, Profile]) -> Operation:
    """The elements of an add or mul that tell as many rows apart as all of them."""
    if operation.name not in ELEMENTWISE:
        return operation
    answers = {n: operation.attempt(row) for n, row in rows.items()}
    known = {n: r.flat() for n, r in answers.items() if r is not None}
    names = list(known)
    if not names:
        return operation
    matrix = np.stack([known[n] for n in names])
    columns = np.flatnonzero((matrix != matrix[0]).any(axis=0))
    labels = [_labels({n: matrix[i, c].tobytes() for i, n in enumerate(names)}) for c in columns]
    chosen = columns[select(names, labels)] if labels else columns[:0]
    kept = np.unique(np.concatenate([chosen, np.arange(2)]))  # one element alone is a scalar
    return operation.take(kept)


def probe(name: str, rows: Mapping[str, Profile] | None = None) -> Probe:
    """Makes the smallest input set that tells all rows apart by one operator.

    Run `probe.operations` on a device and give the answers to :func:`qsim.identify`.

    Parameters
    ----------
    name : str
        gemm, conv2d, requantize, quantize, dynamic_quantize, add, mul, pool, lut, softmax or
        leaky_relu.
    rows
        Profiles by name; the catalogue by default.

    Returns
    -------
    Probe
        Its `classes` lists rows that nothing in the pool tells apart.

    Raises
    ------
    ValueError
        No pool of inputs for such an operator.

    Examples
    --------
    >>> import qsim
    >>> p = qsim.probe("gemm")
    >>> p.class_of("ort-1.30.x64.avx2") == p.class_of("ort-1.30.x64.sse")
    False
    """
    if name not in POOLS:
        raise ValueError(f"name: expected one of {', '.join(POOLS)}, got {name!r}")
    given = dict(profiles if rows is None else rows)
    candidates = pool(name)
    tried = [_labels({n: _outcome(op, row) for n, row in given.items()}) for op in candidates]
    names = list(given)
    chosen = select(names, tried)
    classes = _classes(names, tried)
    order = {n: i for i, n in enumerate(names)}
    groups = sorted(
        (tuple(sorted(g, key=order.__getitem__)) for g in classes), key=lambda g: order[g[0]]
    )
    operations = tuple(smaller(candidates[i], given) for i in chosen)
    return Probe(name, operations, tuple(groups))


__all__ = ["Probe", "probe", "select"]
