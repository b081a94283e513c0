"""Tensor-by-tensor comparison of two runs."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any, overload

import numpy as np

from qsim import _core
from qsim._core import Trace
from qsim.attribution import Explanation, attribute
from qsim.checking import kind_of
from qsim.htmltable import html_table
from qsim.nodes import explain_node
from qsim.operations import Result
from qsim.worked import worked

SCHEMA = "qsim.comparison/1"


@dataclass(frozen=True)
class Row:
    """One tensor in both runs. Non-finite counts and metrics are never skipped."""

    tensor: str
    node: str
    op: str
    integer: bool
    elements: int
    unspecified: int
    equal: int
    exact_match: float
    max_lsb: int | None
    max_abs: float
    cosine: float
    sqnr_db: float
    nonfinite_a: int
    nonfinite_b: int
    finite_mismatch: int

    @property
    def identical(self) -> bool:
        """Every compared element has the same bits (NaN equals NaN)."""
        return self.equal == self.elements


@dataclass(frozen=True)
class Comparison:
    """Rows in topological order of the second run. Truthy when all of them are identical."""

    profile_a: str
    profile_b: str
    rows: tuple[Row, ...]
    traces: tuple[Trace, Trace] | None = field(default=None, repr=False, compare=False)

    def explain(self, node: str) -> Explanation:
        """Which fields of the two profiles make `node` differ.

        The node runs alone, on the inputs that the first trace recorded, so that only its own rules
        count. See :class:`qsim.attribution.Explanation`.

        Raises
        ------
        KeyError
            No node has this name, nor makes a tensor of this name.
        ValueError
            One of the traces is a float reference, which has no profile.
        """
        if self.traces is None:
            raise ValueError("explain: the traces are gone; compare the two runs again")
        return explain_node(self.traces[0], self.traces[1], node)

    def __bool__(self) -> bool:
        """Whether no tensor differs."""
        return all(row.identical for row in self.rows)

    def first_divergence(self) -> Row | None:
        """The first tensor that differs; NaN against finite counts before any other difference.

        If some tensor is finite on one side only, the first such tensor; else the first one whose
        bits differ; None if nothing does.
        """
        for row in self.rows:
            if row.finite_mismatch:
                return row
        return next((row for row in self.rows if not row.identical), None)

    def worst(self, n: int = 5) -> list[Row]:
        """The `n` most different tensors: finite mismatches first, then the lowest SQNR."""

        def badness(row: Row) -> tuple[float, float]:
            sqnr = -math.inf if math.isnan(row.sqnr_db) else row.sqnr_db
            return (-row.finite_mismatch, sqnr)

        return sorted((r for r in self.rows if not r.identical), key=badness)[:n]

    def table(self) -> str:
        """All rows as a fixed-width text table."""
        head = f"{'tensor':40} {'op':10} {'exact':>7} {'lsb':>4} {'max abs':>10} "
        lines = [head + f"{'cosine':>9} {'SQNR dB':>8} {'NaN/inf a':>9} {'NaN/inf b':>9}"]
        for r in self.rows:
            lsb = "" if r.max_lsb is None else str(r.max_lsb)
            lines.append(
                f"{r.tensor[-40:]:40} {r.op:10} {100 * r.exact_match:6.2f}% {lsb:>4} "
                f"{r.max_abs:10.3g} {r.cosine:9.6f} {r.sqnr_db:8.1f} "
                f"{r.nonfinite_a:9d} {r.nonfinite_b:9d}"
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain data with a schema version."""
        return {
            "schema": SCHEMA,
            "profile_a": self.profile_a,
            "profile_b": self.profile_b,
            "rows": [asdict(row) for row in self.rows],
        }

    def to_json(self) -> str:
        """JSON text; NaN and infinities as strings."""
        return json.dumps(_plain(self.to_dict()), indent=1)

    def _repr_html_(self) -> str:
        """The rows that differ, worst first, as a table for notebooks."""
        columns = ["tensor", "op", "exact_match", "max_lsb", "max_abs", "cosine", "sqnr_db"]
        rows = [[getattr(row, name) for name in columns] for row in self.worst(len(self.rows))]
        return html_table(f"{self.profile_a} vs {self.profile_b}", columns, rows)

    def __repr__(self) -> str:
        """One line: how many tensors differ and where it starts."""
        bad = sum(not row.identical for row in self.rows)
        first = self.first_divergence()
        where = f", first at {first.tensor}" if first else ""
        pair = f"{self.profile_a} vs {self.profile_b}"
        return f"<Comparison {pair}: {bad} of {len(self.rows)} tensors differ{where}>"


def _plain(value: Any) -> Any:
    """`value` with non-finite floats spelled out, for strict JSON."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


@dataclass(frozen=True)
class OperationComparison:
    """One operation under two profiles. Truthy when the answers are identical."""

    a: Result
    b: Result

    @property
    def differing(self) -> int:
        """Elements that differ; NaN equals NaN."""
        return int(np.count_nonzero(self.a.flat() != self.b.flat()))

    def __bool__(self) -> bool:
        """Whether no element differs."""
        return self.differing == 0

    def explain(self) -> Explanation:
        """Which fields of the two profiles make the difference, by substitution."""
        op, pair = self.a.operation, (self.a.profile, self.b.profile)
        return attribute(
            lambda profile: op.run(profile).flat(), *pair, op.name,
            lambda element: worked(op, element, pair),
        )  # fmt: skip

    def __repr__(self) -> str:
        """One line: how many elements differ."""
        pair = f"{self.a.profile.name} vs {self.b.profile.name}"
        total = self.a.flat().size
        return f"<OperationComparison {pair}: {self.differing} of {total} elements differ>"


@overload
def compare(a: Trace, b: Trace) -> Comparison: ...
@overload
def compare(a: Result, b: Result) -> OperationComparison: ...
def compare(a: Trace | Result, b: Trace | Result) -> Comparison | OperationComparison:
    """Compare every tensor that both runs computed with the same name and shape.

    Parameters
    ----------
    a, b
        Traces of the same graph on two profiles, or of a float graph and its quantized form; or
        results of one :func:`qsim.operation` under two profiles.

    Raises
    ------
    TypeError
        Not two traces.
    ValueError
        No tensor is in both: other networks, or inputs of other shapes.

    """
    if isinstance(a, Result) and isinstance(b, Result):
        if a.operation is not b.operation:
            raise ValueError(
                "compare: expected two results of one operation, got two operations; "
                "run the same qsim.operation under both profiles"
            )
        return OperationComparison(a, b)
    for argument, trace in (("a", a), ("b", b)):
        kind_of(trace, Trace, argument, "qsim.run gives one, and an operation's run a Result")
    assert isinstance(a, Trace)
    assert isinstance(b, Trace)
    rows = tuple(Row(**row) for row in _core.compare_runs(a, b))
    if not rows:
        raise ValueError(
            "compare: expected tensors of one name and shape in both traces, got none; "
            "run the same network on inputs of the same shape"
        )
    return Comparison(a.profile or "float", b.profile or "float", rows, (a, b))
