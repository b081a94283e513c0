"""Progress bars in a terminal or notebook, silent in logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.progress import track as _track

T = TypeVar("T")


def _visible(console: Console) -> bool:
    return console.is_terminal or console.is_jupyter


def track(items: Sequence[T] | Iterable[T], label: str, *, show: bool = True) -> Iterator[T]:
    """Iterate with a bar on standard error; no bar when that is not a terminal."""
    console = Console(stderr=True)
    if not show or not _visible(console):
        yield from items
        return
    yield from _track(items, description=label, console=console, transient=True)


class Steps:
    """A bar over a known number of steps, each with a label. Use as a context manager."""

    def __init__(self, total: int) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not _visible(console),
        )
        self._task = self._progress.add_task("starting", total=total)

    def __enter__(self) -> Steps:
        """Show the bar."""
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the bar, also after an error."""
        self._progress.stop()

    def say(self, label: str) -> None:
        """Show `label` without counting a step."""
        self._progress.update(self._task, description=label)

    def advance(self, label: str) -> None:
        """Count a step and show what it does."""
        self._progress.update(self._task, description=label, advance=1)
