"""Where non-finite values are born, which ops hide them, and what removes them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from qsim._core import Graph, Profile, Trace
from qsim.calibration import Batch, calibrate, quantize_model
from qsim.comparison import _plain
from qsim.htmltable import html_table
from qsim.runtime import run

SCHEMA = "qsim.nonfinite/1"


@dataclass(frozen=True)
class Origin:
    """An op whose operands read as finite but whose result does not."""

    node: str
    op: str
    tensor: str
    element: int
    count: int
    unspecified: bool
    cause: str
    parameter: str
    value: float
    batch: int
    words: tuple[str, ...]


@dataclass(frozen=True)
class Laundering:
    """An op, or the cast in front of it, that read NaN or inf and answered something finite."""

    node: str
    op: str
    tensor: str
    kind: str
    nan: int
    inf: int
    answers: tuple[tuple[float, int], ...]

    @property
    def words(self) -> str:
        """E.g. "Sigmoid(NaN) = 1 (128 times)"."""
        name = f"int8 cast before {self.op}" if self.kind == "cast" else self.op
        what = "NaN" if self.nan else "inf"
        shown = ", ".join(f"{value:.9g} ({count} times)" for value, count in self.answers[:3])
        return f"{name}({what}) = {shown}"


@dataclass(frozen=True)
class PathStep:
    """One tensor on the way from an origin to an output; state: "nonfinite" or "laundered"."""

    node: str
    tensor: str
    state: str


@dataclass(frozen=True)
class Fix:
    """What removes a cause. `guard_zero_range` can be applied by `apply`."""

    kind: str
    words: str

    def apply(self, graph: Graph, batches: Iterable[Batch]) -> Graph:
        """Requantize the float `graph` the repaired way; returns the quantized graph.

        Raises
        ------
        ValueError
            The fix needs a change of the network or its data that no recipe can make.

        """
        if self.kind != "guard_zero_range":
            raise ValueError(f"fix {self.kind!r} cannot be applied automatically: {self.words}")
        return quantize_model(graph, calibrate(graph, batches, recipe="qsim.ema", progress=False))


@dataclass(frozen=True)
class NonfiniteReport:
    """The story of every NaN and infinity of one run."""

    profile: str
    origins: tuple[Origin, ...]
    laundered: tuple[Laundering, ...]
    paths: dict[str, tuple[PathStep, ...]]
    shared_constants: tuple[tuple[str, int], ...]
    fixes: tuple[Fix, ...]
    taint: dict[str, str]
    trace: Trace | None = field(default=None, repr=False, compare=False)

    def __bool__(self) -> bool:
        """Whether anything non-finite or unspecified was found."""
        return bool(self.origins or self.laundered)

    def path(self, output: str) -> tuple[PathStep, ...]:
        """Steps from the nearest origin to `output`; empty if it is clean.

        Raises
        ------
        KeyError
            No such graph output.

        """
        if output not in self.paths:
            raise KeyError(f"output {output!r}; the graph has {sorted(self.paths)}")
        return self.paths[output]

    def to_dict(self) -> dict[str, Any]:
        """Plain data with a schema version; the trace itself is left out."""
        return {"schema": SCHEMA, **asdict(replace(self, trace=None)), "trace": None}

    def to_html(
        self, path: str | os.PathLike[str], *, title: str = "Where the NaN is born"
    ) -> None:
        """Write one self-contained page: the story, the graph, a panel per op.

        Raises
        ------
        ValueError
            The report was made without its trace.

        """
        from qsim.report import render
        from qsim.views import build_page

        if self.trace is None:
            raise ValueError("to_html: this report holds no trace; make it with trace_nonfinite")
        page = build_page(title, self.trace, self)
        Path(path).write_text(render(page), encoding="utf-8")

    def _repr_html_(self) -> str:
        """Origins and launderings as tables for notebooks."""
        origins = [[o.node, o.cause, o.parameter, o.batch, o.words[0]] for o in self.origins]
        hidden = [[event.node, event.words] for event in self.laundered]
        return html_table(
            f"Born on {self.profile or 'the float reference'}",
            ["op", "cause", "parameter", "batch", "because"],
            origins,
        ) + html_table("Hidden by", ["op", "answer"], hidden)

    def to_json(self) -> str:
        """JSON text; NaN and infinities as strings."""
        return json.dumps(_plain(self.to_dict()), indent=1)

    def __repr__(self) -> str:
        """One line: counts and the first origin."""
        first = f", first {self.origins[0].tensor}" if self.origins else ""
        return (
            f"<NonfiniteReport {self.profile or 'float'}: {len(self.origins)} origins, "
            f"{len(self.laundered)} launderings{first}>"
        )


def _changed(raw: Mapping[str, object], **fields: object) -> dict[str, Any]:
    """`raw` with some fields replaced."""
    return {**raw, **fields}


def report_of(trace: Trace) -> NonfiniteReport:
    """The story of a finished run."""
    raw = trace.trace_nonfinite()
    return NonfiniteReport(
        trace=trace,
        profile=raw["profile"],
        origins=tuple(Origin(**_changed(o, words=tuple(o["words"]))) for o in raw["origins"]),
        laundered=tuple(
            Laundering(**_changed(event, answers=tuple(event["answers"])))
            for event in raw["laundered"]
        ),
        paths={k: tuple(PathStep(*s) for s in steps) for k, steps in raw["paths"].items()},
        shared_constants=tuple((name, count) for name, count in raw["shared_constants"]),
        fixes=tuple(Fix(*f) for f in raw["fixes"]),
        taint=dict(raw["taint"]),
    )


def trace_nonfinite(
    graph: Graph,
    inputs: Mapping[str, npt.ArrayLike],
    profile: str | Profile | None = None,
) -> NonfiniteReport:
    """Run `graph` and explain every NaN and infinity of the run.

    Parameters
    ----------
    graph, inputs, profile
        As for `qsim.run`.

    Returns
    -------
    NonfiniteReport
        Origins with their cause class (``zero_range_scale``, ``nonfinite_parameter``,
        ``zero_times_inf``, ``inf_minus_inf``, ``zero_by_zero``, ``inf_by_inf``,
        ``division_by_zero``, ``overflow_fp32``, ``overflow_fp16``,
        ``unwritten_memory``, ``nan_input``), launderings,
        the path to each output, shared constants on the way and fixes.

    """
    return report_of(run(graph, inputs, profile))
