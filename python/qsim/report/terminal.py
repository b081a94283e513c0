"""A page in a terminal: compact tables, and the way of a NaN drawn as text.

Everything goes through a rich console: it folds to the width, and is plain where colour means
nothing. Names are shown literally, never as markup, and in ASCII where the stream knows no more.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import ASCII2, SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from . import text
from .model import LaunderView, OriginView, Page, PathStep, Severity, Table
from .summary import facts, stretches

STYLES: dict[Severity, str] = {
    "ok": "dim",
    "note": "blue",
    "differs": "yellow",
    "laundered": "magenta",
    "nonfinite": "red",
    "origin": "bold red",
}
ASCII = str.maketrans(dict(zip("–−×·│┊┌→◆✓\u202f", "--x*|:,>+v ", strict=True)))
ASCII |= {ord("…"): "...", ord("└"): "`-", ord("▶"): ">"}
TEXT_COLUMN = 13  # a text column is not squeezed below this or its longest cell
LAUNDERED_SHOWN = 8
CONSUMERS_SHOWN = 4


def print_tables(page: Page, console: Console) -> None:
    """Print the title, the summary and the tables of a page."""
    pen = _Pen(console)
    pen.line(pen.text(page.title, "bold"))
    told = [page.subtitle, page.profile]
    told += [f"compared with {page.compared_with}"] if page.compared_with else []
    for words in filter(None, told):
        pen.line(pen.text(words, "dim"))
    answers = facts(page) if page.ops else ()
    if answers:
        console.print()
    width = max((len(fact.question) for fact in answers), default=0)
    for fact in answers:
        line = pen.mark(fact.severity) + pen.text(f" {fact.question:{width}}  ", "dim")
        detail = pen.text(f"  {fact.detail}", "dim")
        pen.line(line + pen.text(fact.answer, STYLES[fact.severity]) + detail)
    for table in page.tables:
        console.print()
        _table(pen, table)


def print_trace(page: Page, console: Console) -> None:
    """Print origins, laundering, the path to each output, shared constants and fixes."""
    pen = _Pen(console)
    if not page.origins and not page.laundered:
        pen.line(pen.mark("ok") + pen.text(" no op makes a non-finite value, and none hides one"))
    for origin in page.origins:
        _origin(pen, origin)
    if page.laundered:
        _laundered(pen, page.laundered)
    kinds = {op.name: op.op for op in reversed(page.ops)}
    for output, steps in page.paths.items():
        _path(pen, output, steps, kinds)
    for constant in page.shared_constants:
        shown = ", ".join(constant.consumers[:CONSUMERS_SHOWN])
        more = len(constant.consumers) - CONSUMERS_SHOWN
        count = text.plural(len(constant.consumers), "op")
        line = pen.text("◆ ", "green") + pen.text(constant.name, "bold")
        line += pen.text(f" is shared by {count}: {shown}")
        pen.line(line + pen.text(f" and {more} more" if more > 0 else "", "dim"))
    if page.shared_constants:
        console.print()
    for fix in page.fixes:
        pen.line(pen.text("✓ ", "green") + pen.text(fix.words))
        tried = "not tried here" if fix.verified is None else f"tried: {fix.verified}"
        pen.line(pen.text(tried, "dim" if fix.verified is None else "green"), indent=2)


class _Pen:
    """Text for one console."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.ascii = console.options.ascii_only

    def plain(self, words: str) -> str:
        """`words` without control characters, in what the stream can encode."""
        words = text.clean(words)
        if self.ascii:
            words = words.translate(ASCII).encode("ascii", "backslashreplace").decode("ascii")
        return words

    def text(self, words: str, style: str = "") -> Text:
        """Literal words in a style."""
        return Text(self.plain(words), style=style)

    def mark(self, severity: Severity) -> Text:
        """The sign of a severity."""
        sign = (text.ASCII_MARKS if self.ascii else text.MARKS)[severity]
        return Text(sign, style=STYLES[severity])

    def line(self, words: Text, indent: int = 0) -> None:
        """One paragraph, folded to the width."""
        inside = Padding(words, (0, 0, 0, indent), expand=False) if indent else words
        self.console.print(inside, overflow="fold")

    def table(self, title: str = "") -> RichTable:
        """An empty table."""
        return RichTable(
            title=self.text(title, "bold") if title else None,
            title_justify="left",
            box=ASCII2 if self.ascii else SIMPLE_HEAD,
            pad_edge=False,
            padding=(0, 1, 0, 0),
            header_style="dim",
        )


def _table(pen: _Pen, table: Table) -> None:
    cells = [[pen.plain(text.cell(value)) for value in row] for row in table.rows]
    right, needs, natural = [], [], 0
    for number, name in enumerate(table.columns):
        values = [row[number] for row in table.rows if row[number] is not None]
        right.append(bool(values) and all(text.is_numeric(value) for value in values))
        longest = max((len(row[number]) for row in cells), default=0)
        word = max(map(len, pen.plain(name).split()), default=0)
        needs.append(max(word, longest if right[-1] else min(longest, TEXT_COLUMN)))
        natural += max(len(name), longest)
    room = pen.console.width - 2 * len(needs) - 5
    if sum(needs) > room:
        _records(pen, table, cells)
    else:
        shown = pen.table(table.title)
        if table.row_severity:
            shown.add_column("")
        for name, is_right, need in zip(table.columns, right, needs, strict=True):
            shown.add_column(
                pen.text(name),
                justify="right" if is_right else "left",
                min_width=need,
                max_width=need if is_right and natural > room else None,
                overflow="fold",
            )
        for number, row in enumerate(cells):
            marks = [pen.mark(table.row_severity[number])] if table.row_severity else []
            shown.add_row(*marks, *(Text(words) for words in row))
        pen.console.print(shown)
    if table.note:
        pen.line(pen.text(table.note, "dim"))


def _records(pen: _Pen, table: Table, cells: Sequence[Sequence[str]]) -> None:
    """A table that is wider than the console: one short list per row."""
    pen.line(pen.text(table.title, "bold"))
    for number, row in enumerate(cells):
        head = [pen.mark(table.row_severity[number]), Text(" ")] if table.row_severity else []
        pen.line(Text.assemble(*head, (row[0] if row else "", "bold")))
        grid = RichTable.grid(padding=(0, 2))
        grid.add_column(style="dim", overflow="fold", max_width=pen.console.width // 2)
        grid.add_column(overflow="fold")
        for name, words in list(zip(table.columns, row, strict=True))[1:]:
            grid.add_row(pen.text(name), Text(words))
        pen.console.print(Padding(grid, (0, 0, 0, 2), expand=False))


def _origin(pen: _Pen, origin: OriginView) -> None:
    pen.line(pen.mark("origin") + pen.text(" born in ", "dim") + pen.text(origin.node, "bold red"))
    seen = f"{origin.tensor} {text.shape(tuple(origin.element))}"
    facts_told = {
        "cause": origin.cause,
        "parameter": origin.parameter,
        "batch": origin.batch,
        "first seen": f"{seen}, {text.plural(origin.count, 'element')} in all",
    }
    grid = RichTable.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in facts_told.items():
        if value:
            grid.add_row(name, pen.text(value))
    for number, words in enumerate(origin.words, 1):
        grid.add_row(Text(f"{number}.", justify="right"), pen.text(words))
    pen.console.print(Padding(grid, (0, 0, 1, 2), expand=False))


def _laundered(pen: _Pen, events: Sequence[LaunderView]) -> None:
    table = pen.table()
    table.add_column("")
    table.add_column("hidden by", overflow="fold")
    table.add_column("where", overflow="fold")
    table.add_column("values", justify="right", no_wrap=True)
    table.add_column("answered", overflow="fold")
    wide = pen.console.width >= 100
    if wide:
        table.add_column("why", style="dim", overflow="fold")
    for event in events[:LAUNDERED_SHOWN]:
        answers = ", ".join(f"{value} × {text.grouped(n)}" for value, n in event.answers)
        cells = [event.node, event.kind, text.grouped(event.count), answers]
        cells += [event.words] if wide else []
        table.add_row(pen.mark("laundered"), *(pen.text(words) for words in cells))
    pen.console.print(table)
    if len(events) > LAUNDERED_SHOWN:
        more = f"and {len(events) - LAUNDERED_SHOWN} more"
        pen.line(pen.text(more, "dim"), indent=2)
        pen.console.print()


def _path(pen: _Pen, output: str, steps: Sequence[PathStep], kinds: dict[str, str]) -> None:
    count = text.plural(len(steps), "op") + " on the way"
    pen.line(pen.text("to ", "dim") + pen.text(output, "bold") + pen.text(f"  {count}", "dim"))
    kind_width = min(14, max((len(kinds.get(s.node, "")) for s in steps), default=0))
    rail = "┌"
    for stretch in stretches(steps):
        if stretch.folded:
            pen.line(pen.text(f"  ┊   {len(stretch.steps)} more ops", "dim"))
            continue
        for step in stretch.steps:
            style = STYLES[step.state]
            kind = text.shorten(kinds.get(step.node, ""), kind_width)
            said = f"  {step.words}" if step.words else ""
            room = max(16, pen.console.width - kind_width - len(said) - 8)
            name = text.shorten(text.clean(step.node), room)
            line = pen.text(f"  {rail} ", style) + pen.mark(step.state)
            line += pen.text(f" {kind:{kind_width}} ", "dim")
            pen.line(line + pen.text(name, style) + pen.text(said))
            rail = "│"
    pen.line(pen.text("  └▶ ") + pen.text(output, "bold"))
    pen.console.print()
