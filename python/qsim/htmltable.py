"""A plain HTML table for notebooks; every cell is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def _cell(value: object) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)
    return escape(text)


def html_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """`rows` under `columns` as one <table>; a caption says how many there are."""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row) + "</tr>" for row in rows
    )
    caption = f"<caption>{escape(title)} ({len(rows)})</caption>"
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
