"""From runs to what a report shows: tensor statistics, severities, paths in words."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from qsim import _core
from qsim._core import Trace
from qsim.comparison import Comparison, Row
from qsim.nonfinite import Laundering, NonfiniteReport, Origin
from qsim.nonfinite import PathStep as Step
from qsim.report.model import (
    FixView,
    LaunderView,
    OpView,
    OriginView,
    Page,
    PathStep,
    Severity,
    SharedConstant,
    Table,
    TensorStats,
)


def tensor_stats(trace: Trace, name: str) -> TensorStats:
    """Statistics of one tensor of a run; min, max, mean and histogram over finite elements."""
    real = trace[name]
    codes = trace.codes(name)
    info = trace.info(name)
    unspecified = int(trace.unspecified(name).sum())
    finite = real[np.isfinite(real)].astype(np.float64)
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (None, None)
    histogram: list[int] = []
    if low is not None and high is not None and high > low:
        histogram = np.histogram(finite, bins=24, range=(low, high))[0].tolist()
    rails = None
    if codes is not None and codes.size and info is not None:
        rails = float(np.mean((codes == int(info[2])) | (codes == int(info[3]))))
    return TensorStats(
        name=name,
        shape=list(real.shape),
        dtype="int8" if codes is not None else "float32",
        elements=real.size,
        min=low,
        max=high,
        mean=float(finite.mean()) if finite.size else None,
        nonfinite=int(real.size - finite.size),
        nan=int(np.isnan(real).sum()),
        inf=int(np.isinf(real).sum()),
        unspecified=unspecified,
        scale=info[0] if info is not None else None,
        zero=info[1] if info is not None else None,
        rail_fraction=rails,
        histogram=histogram,
    )


def _metrics(row: Row) -> dict[str, float | int | str]:
    out: dict[str, float | int | str] = {
        "exact_match": row.exact_match,
        "max_abs": row.max_abs,
        "cosine": row.cosine,
        "sqnr_db": row.sqnr_db,
        "finite_mismatch": row.finite_mismatch,
    }
    if row.max_lsb is not None:
        out["max_lsb"] = row.max_lsb
    return out


def op_views(
    trace: Trace, report: NonfiniteReport, comparison: Comparison | None = None
) -> list[OpView]:
    """One view per node, coloured by the worst thing that happened there."""
    graph = trace.graph
    born = {origin.node for origin in report.origins}
    hides = {event.node: event for event in report.laundered}
    rows = {row.node: row for row in comparison.rows} if comparison else {}
    describes = graph.describes
    runs = {run["name"]: run for run in trace.nodes}
    constants = set(graph.constants)
    views = []
    for node in graph.nodes:
        name = node["name"]
        states = {report.taint.get(out, "none") for out in node["outputs"]}
        row = rows.get(name)
        severity: Severity = "ok"
        if row is not None and not row.identical:
            severity = "differs"
        if "laundered" in states:
            severity = "note"
        if name in hides:
            severity = "laundered"
        if "nonfinite" in states:
            severity = "nonfinite"
        if name in born:
            severity = "origin"
        notes = [describes[o]["reason"] for o in node["outputs"] if o in describes]
        if name in hides:
            notes.append(hides[name].words)
        elif severity == "note":
            notes.append("finite, but computed from a value that stood for NaN")
        if node["shared_by"] > 1:
            notes.append(f"own copy of {node['shared_constant']}, shared by {node['shared_by']}")
        views.append(
            OpView(
                name=name,
                op=node["op"],
                integer=runs[name]["integer"],
                inputs=[i for i in node["inputs"] if i and i not in constants],
                outputs=[o for o in node["outputs"] if o],
                severity=severity,
                notes=[note for note in notes if note],
                tensors=[tensor_stats(trace, out) for out in node["outputs"] if out],
                metrics=_metrics(row) if row is not None else {},
            )
        )
    return views


def _element(trace: Trace, origin: Origin) -> list[int]:
    shape = trace[origin.tensor].shape
    if not shape or 0 in shape:
        return []
    return [int(i) for i in np.unravel_index(origin.element, shape)]


def _answer(value: float) -> str:
    return f"{value:.9g}"


def _state(
    step: Step, born: Mapping[str, Origin], hides: Mapping[str, Laundering]
) -> Severity:
    if step.tensor in born:
        return "origin"
    if step.state == "nonfinite":
        return "nonfinite"
    return "laundered" if step.node in hides else "note"


def _step_words(
    step: Step, born: Mapping[str, Origin], hides: Mapping[str, Laundering]
) -> str:
    if step.tensor in born:
        return f"{born[step.tensor].count} values born"
    event = hides.get(step.node)
    if event is None or step.state == "nonfinite" or not event.answers:
        return ""
    return f"{'NaN' if event.nan else 'inf'} → {_answer(event.answers[0][0])}"


def build_page(
    title: str,
    trace: Trace,
    report: NonfiniteReport,
    *,
    subtitle: str = "",
    tables: Sequence[Table] = (),
    comparison: Comparison | None = None,
    verified: Mapping[str, str] | None = None,
) -> Page:
    """Everything a report shows about one run.

    `verified` maps the kind of a fix to what was seen when it was tried.
    """
    graph = trace.graph
    users: dict[str, list[str]] = {}
    for node in graph.nodes:
        if node["shared_constant"]:
            users.setdefault(node["shared_constant"], []).append(node["name"])
    born = {origin.tensor: origin for origin in report.origins}
    hides = {event.node: event for event in report.laundered}
    paths = {
        output: [
            PathStep(
                node=step.node or step.tensor,
                tensor=step.tensor,
                state=_state(step, born, hides),
                words=_step_words(step, born, hides),
            )
            for step in steps
        ]
        for output, steps in report.paths.items()
        if steps
    }
    return Page(
        title=title,
        subtitle=subtitle,
        profile=report.profile or "float reference",
        compared_with=comparison.profile_a if comparison else "",
        tables=list(tables),
        ops=op_views(trace, report, comparison),
        inputs=graph.inputs,
        outputs=graph.outputs,
        origins=[
            OriginView(
                node=o.node or o.tensor,
                tensor=o.tensor,
                element=_element(trace, o),
                count=o.count,
                cause=o.cause,
                words=o.words,
                parameter=f"{o.parameter} = {o.value:.9g}" if o.parameter else "",
                batch=f"batch {o.batch}" if o.batch >= 0 else "",
            )
            for o in report.origins
        ],
        laundered=[
            LaunderView(
                node=event.node,
                tensor=event.tensor,
                kind=event.kind,
                count=event.nan + event.inf,
                answers=[(_answer(value), count) for value, count in event.answers],
                words=event.words,
            )
            for event in report.laundered
        ],
        paths=paths,
        shared_constants=[
            SharedConstant(name=name, consumers=users.get(name, []))
            for name, _ in report.shared_constants
        ],
        fixes=[
            FixView(words=fix.words, verified=(verified or {}).get(fix.kind))
            for fix in report.fixes
        ],
        versions={
            "qsim": _core.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    )


def top1(logits: npt.NDArray[np.float32], labels: npt.NDArray[np.integer]) -> float:
    """Share of rows whose largest logit is the label's; a row with NaN counts as wrong."""
    guess = np.where(np.isnan(logits).any(axis=1), -1, np.argmax(np.nan_to_num(logits), axis=1))
    return float(np.mean(guess == labels))
