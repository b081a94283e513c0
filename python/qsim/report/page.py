"""One self-contained HTML file from a page: no network, no script needed to read it."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from . import text
from .model import SEVERITIES, Page, Share
from .summary import facts, stretches
from .svg import graph_svg, histogram_svg

TEMPLATES = Path(__file__).parent / "templates"


def render(page: Page) -> str:
    """The page as the text of one HTML file; the same page gives the same text.

    Every name from a model is escaped, and control characters in it are shown as escapes.

    Parameters
    ----------
    page
        What to show.

    Returns
    -------
    str
        HTML5; write it as UTF-8.

    Examples
    --------
    >>> from qsim.report import Page, render
    >>> "<h1>Nothing wrong</h1>" in render(Page("Nothing wrong"))
    True
    """
    position: dict[str, int] = {}
    makers: dict[str, int] = {}
    readers: dict[str, list[int]] = {}
    for i, op in enumerate(page.ops):
        position.setdefault(op.name, i)
        for tensor in op.outputs:
            makers[tensor] = i
        for tensor in dict.fromkeys(op.inputs):
            readers.setdefault(tensor, []).append(i)
    count = Counter(op.severity for op in page.ops)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            page=page,
            facts=facts(page),
            graph=graph_svg(page) if page.ops else None,
            position=position,
            makers=makers,
            readers=readers,
            counts=[(s, count[s]) for s in reversed(SEVERITIES) if count[s]],
            css=_inline("report.css"),
            script=_inline("report.js"),
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        cell=text.cell,
        number=text.number,
        grouped=text.grouped,
        percent=text.percent,
        shape=text.shape,
        histogram=histogram_svg,
        stretches=stretches,
        share=lambda value: value.value if isinstance(value, Share) else None,
    )
    environment.tests["numeric"] = text.is_numeric
    environment.globals.update(marks=text.MARKS, labels=text.LABELS, plural=text.plural)
    return environment


def _visible(value: object) -> object:
    """Text of the page with unseen characters made visible; our own markup stays."""
    return text.clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _inline(name: str) -> Markup:
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))
