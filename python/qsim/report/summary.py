"""The story of a page in a few lines, for the head of the report and for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from .model import Page, PathStep, Severity
from .text import plural

HOT: tuple[Severity, ...] = ("nonfinite", "origin")


@dataclass(frozen=True)
class Fact:
    """One line of the summary: a question, its answer, a detail, the op it is about if any."""

    question: str
    answer: str
    detail: str
    severity: Severity
    node: str = ""


def facts(page: Page) -> list[Fact]:
    """Where non-finite values are born, who hides them, what they reach."""
    return [_born(page), _hidden(page), _reached(page)]


def _born(page: Page) -> Fact:
    if not page.origins:
        hot = [op for op in page.ops if op.severity in HOT]
        if hot:
            detail = f"{plural(len(hot), 'op')} non-finite, first {hot[0].name}"
            return Fact("Born", "not in this graph", detail, "nonfinite", hot[0].name)
        return Fact("Born", "nowhere", "every value is finite", "ok")
    first = page.origins[0]
    places = len({origin.node for origin in page.origins})
    detail = first.cause if places == 1 else f"{first.cause}, and {plural(places - 1, 'more op')}"
    return Fact("Born in", first.node, detail, "origin", first.node)


def _hidden(page: Page) -> Fact:
    if not page.laundered:
        spread = any(op.severity in HOT for op in page.ops)
        words = "what is not finite stays visible" if spread else "there is nothing to hide"
        return Fact("Hidden by", "no op", words, "ok")
    events = page.laundered
    nodes = list(dict.fromkeys(event.node for event in events))
    answers = list(dict.fromkeys(value for event in events for value, _ in event.answers))
    more = ", …" if len(answers) > 3 else ""
    count = plural(sum(event.count for event in events), "value")
    detail = f"{count}, answered {', '.join(answers[:3])}{more}"
    if len(nodes) > 1:
        detail = f"first {nodes[0]}: {detail}"
    answer = nodes[0] if len(nodes) == 1 else plural(len(nodes), "op")
    return Fact("Hidden by", answer, detail, "laundered", nodes[0])


def _reached(page: Page) -> Fact:
    hot = [name for name, steps in page.paths.items() if steps and steps[-1].state in HOT]
    wrong = [name for name, steps in page.paths.items() if steps and steps[-1].state not in HOT]
    if hot:
        detail = "not finite" + (f"; finite but wrong: {', '.join(wrong)}" if wrong else "")
        return Fact("Reaches", ", ".join(hot), detail, "nonfinite")
    if wrong:
        detail = "finite, but made from a hidden NaN or inf"
        return Fact("Reaches", ", ".join(wrong), detail, "laundered")
    return Fact("Reaches", "no output", "no path leads from an origin to an output", "ok")


@dataclass(frozen=True)
class Stretch:
    """Consecutive steps of a path; `folded` ones say nothing new."""

    folded: bool
    steps: tuple[PathStep, ...]


def stretches(steps: Sequence[PathStep], around: int = 2) -> list[Stretch]:
    """A path with its long uneventful parts folded.

    Ends, changes of state and steps with words stay, with `around` steps next to them.
    """
    keep: set[int] = set()
    for i, step in enumerate(steps):
        changed = i == 0 or steps[i - 1].state != step.state
        if changed or step.words or i in (0, len(steps) - 1):
            keep.update(range(i - around, i + around + 1))
    runs = []
    for folded, group in groupby(enumerate(steps), key=lambda each: each[0] not in keep):
        part = tuple(step for _, step in group)
        runs.append(Stretch(folded and len(part) > 2, part))
    merged: list[Stretch] = []
    for run in runs:
        if merged and not merged[-1].folded and not run.folded:
            merged[-1] = Stretch(False, merged[-1].steps + run.steps)
        else:
            merged.append(run)
    return merged
