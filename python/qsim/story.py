"""The main job: one network, float and quantized, on several devices; then the NaN and its cure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from qsim._core import Graph, Trace
from qsim.calibration import Batch, calibrate, quantize_model
from qsim.comparison import Comparison, compare
from qsim.nonfinite import NonfiniteReport, report_of
from qsim.passes import matmul_to_conv
from qsim.progress import Steps
from qsim.report.model import Cell, Page, Severity, Share, Table
from qsim.views import build_page


@dataclass(frozen=True)
class Run:
    """What one execution of a variant gives: a trace to explain, the outputs that users see (of
    the last chunk of a stream, say), and extra columns of the summary."""

    trace: Trace
    outputs: Mapping[str, npt.NDArray[np.float32]]
    extra: Mapping[str, Cell] = field(default_factory=dict)


#: Runs a graph on a profile.
Execute = Callable[[Graph, str], Run]

#: The recipe behind the suggested fix.
GUARDED = "qsim.ema"

DEVICES = (
    "mnn-2.9.0.x64.avx2",
    "mnn-2.9.0.x64.avx512vnni",
    "mnn-2.9.0.arm64.neon",
    "mnn-2.9.0.arm64.sdot",
    "mnn-2.9.0.arm64.i8mm",
)


@dataclass(frozen=True)
class Variant:
    """One form of the network."""

    name: str
    graph: Graph


@dataclass(frozen=True)
class Outcome:
    """One variant on one profile."""

    variant: str
    profile: str
    integer_ops: int
    extra: Mapping[str, Cell]
    nonfinite: Mapping[str, float]
    inside: int
    divergence: tuple[str, str] | None

    @property
    def severity(self) -> Severity:
        """Worst first: NaN in an output, NaN inside, different from the first profile."""
        if any(self.nonfinite.values()):
            return "nonfinite"
        if self.inside:
            return "laundered"
        return "differs" if self.divergence else "ok"


@dataclass
class Case:
    """A variant and profile kept whole because its outputs or tensors are not finite."""

    variant: Variant
    profile: str
    trace: Trace
    report: NonfiniteReport
    comparison: Comparison | None = None


@dataclass
class Investigation:
    """Everything `investigate` found."""

    outcomes: list[Outcome] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    repaired: dict[str, str] = field(default_factory=dict)

    def summaries(self) -> list[Table]:
        """One table per variant of the network, one row per profile: narrow enough to be read."""
        names = list(dict.fromkeys(o.variant for o in self.outcomes))
        return [
            _summary(name, [o for o in self.outcomes if o.variant == name]) for name in names
        ]


def _summary(variant: str, outcomes: Sequence[Outcome]) -> Table:
    extra = list(outcomes[0].extra)
    outputs = list(outcomes[0].nonfinite)
    rows: list[list[Cell]] = []
    for o in outcomes:
        shares: list[Cell] = [Share(o.nonfinite[name]) for name in outputs]
        where, kind = o.divergence or (None, None)
        more = [o.extra[name] for name in extra]
        rows.append([o.profile, *more, *shares, o.inside, where, kind])
    ops = ", ".join(str(n) for n in sorted({o.integer_ops for o in outcomes}))
    return Table(
        title=f"{variant}: {ops} int8 ops",
        columns=[
            "profile",
            *extra,
            *(f"{name} NaN/inf" for name in outputs),
            "NaN/inf inside",
            "diverges at",
            "kind",
        ],
        rows=rows,
        row_severity=[o.severity for o in outcomes],
        note=f"Divergence is from {outcomes[0].profile}." if len(outcomes) > 1 else "",
    )


def variants(
    graph: Graph,
    batches: Sequence[Batch],
    *,
    recipe: str,
    host: str,
    max_consumers: int,
    steps: Steps | None = None,
) -> Iterator[Variant]:
    """Float; quantized; quantized after `matmul_to_conv`; the same calibrated with a guard.

    Where `recipe` is the guarded one, the last two are one variant.
    """
    converted = matmul_to_conv(graph, max_consumers=max_consumers)
    passes = f"matmul_to_conv({max_consumers})"
    plans = (
        (recipe, graph, recipe),
        (f"{passes}, {recipe}", converted, recipe),
        (f"{passes}, {GUARDED}", converted, GUARDED),
    )
    yield Variant("float", graph)
    for name, source, how in plans[:2] if recipe == GUARDED else plans:
        if steps is not None:
            steps.say(f"calibrating {name}")
        found = calibrate(source, batches, recipe=how, host=host, progress=False)
        yield Variant(name, quantize_model(source, found))


def _divergence(
    first: Trace | None, trace: Trace
) -> tuple[tuple[str, str] | None, Comparison | None]:
    if first is None:
        return None, None
    comparison = compare(first, trace)
    row = comparison.first_divergence()
    if row is None:
        return None, comparison
    kind = "NaN" if row.finite_mismatch else ("codes" if row.max_lsb else "bits")
    return (row.node, kind), comparison


def _share(outputs: Mapping[str, npt.NDArray[np.float32]]) -> dict[str, float]:
    return {
        name: float(np.mean(~np.isfinite(value))) if value.size else 0.0
        for name, value in outputs.items()
    }


def integer_ops(trace: Trace) -> int:
    """Nodes that computed on codes, data movement left out."""
    moves = {"Reshape", "Split", "Slice", "Transpose", "Squeeze", "Unsqueeze", "Flatten"}
    return sum(run["integer"] and run["op"] not in moves for run in trace.nodes)


def investigate(
    graph: Graph,
    batches: Sequence[Batch],
    execute: Execute,
    *,
    profiles: Sequence[str] = DEVICES,
    recipe: str = "mnn.ema",
    host: str = "x64",
    max_consumers: int = 100,
    steps: Steps | None = None,
) -> Investigation:
    """Run every variant on every profile, explain what is not finite, check the suggested fix.

    Only traces that hold non-finite values are kept; the first profile is the yardstick.
    """
    found = Investigation()
    for variant in variants(
        graph, batches, recipe=recipe, host=host, max_consumers=max_consumers, steps=steps
    ):
        first: Trace | None = None
        for profile in profiles:
            if steps is not None:
                steps.advance(f"{variant.name} on {profile}")
            result = execute(variant.graph, profile)
            trace = result.trace
            where, comparison = _divergence(first, trace)
            found.outcomes.append(
                Outcome(
                    variant.name,
                    profile,
                    integer_ops(trace),
                    result.extra,
                    _share(result.outputs),
                    trace.nonfinite,
                    where,
                )
            )
            report = report_of(trace)
            if report.origins and _worth_keeping(found.cases, profile):
                found.cases.append(Case(variant, profile, trace, report, comparison))
            if first is None:
                first = trace
        if variant.name.endswith(GUARDED):
            _verify(found, variant, profiles)
    return found


def _worth_keeping(cases: Sequence[Case], profile: str) -> bool:
    """One case per architecture ("x64", "arm64") is enough to tell the story."""
    family = ".".join(profile.split(".")[:-1])
    return all(".".join(case.profile.split(".")[:-1]) != family for case in cases)


def _verify(found: Investigation, variant: Variant, profiles: Sequence[str]) -> None:
    """Record what the guarded calibration did on every profile."""
    mine = [o for o in found.outcomes if o.variant == variant.name]
    clean = all(not any(o.nonfinite.values()) for o in mine)
    extras = sorted({f"{k} {_text(v)}" for o in mine for k, v in o.extra.items()})
    answer = "no NaN or inf in any output" if clean else "non-finite outputs remain"
    found.repaired["guard_zero_range"] = (
        f"on {len(profiles)} profiles: {answer}"
        + (f"; {', '.join(extras)}" if extras else "")
    )


def _text(value: Cell) -> str:
    if isinstance(value, Share):
        return f"{100 * value.value:.1f} %"
    return str(value)


def answers_table(found: Investigation) -> Table | None:
    """What each kept profile answered to NaN, op by op."""
    rows: list[list[Cell]] = [
        [case.profile, event.node, event.words]
        for case in found.cases
        for event in case.report.laundered
    ]
    if not rows:
        return None
    return Table(
        title="Who hid the NaN, and what was answered",
        columns=["profile", "node", "answer"],
        rows=rows,
        row_severity=["laundered"] * len(rows),
    )


def pages(found: Investigation, title: str) -> list[Page]:
    """One page per kept case; each carries the summary of all runs."""
    tables = found.summaries()
    hidden = answers_table(found)
    if hidden is not None:
        tables.append(hidden)
    return [
        build_page(
            title,
            case.trace,
            case.report,
            subtitle=f"{case.variant.name} on {case.profile}",
            tables=tables,
            comparison=case.comparison,
            verified=found.repaired,
        )
        for case in found.cases
    ]
