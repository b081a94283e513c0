"""Progress bars in a terminal or notebook, silent in logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import track as _track

T = TypeVar("T")


def track(items: Sequence[T] | Iterable[T], label: str, *, show: bool = True) -> Iterator[T]:
    """Iterate with a bar on standard error; no bar when that is not a terminal."""
    console = Console(stderr=True)
    if not show or not (console.is_terminal or console.is_jupyter):
        yield from items
        return
    yield from _track(items, description=label, console=console, transient=True)
