"""Kinds of arguments, refused before the core would: short words instead of a signature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qsim._core import Graph


def kind_of(value: object, kind: type, argument: str, instead: str) -> None:
    """Raise TypeError unless `value` is a `kind`; `instead` says how to get one."""
    if not isinstance(value, kind):
        raise TypeError(
            f"{argument}: expected a {kind.__name__}, got {type(value).__name__}; {instead}"
        )


def graph_of(graph: object) -> None:
    """Raise TypeError unless it is a Graph."""
    kind_of(graph, Graph, "graph", "qsim.load(path) reads one")


def feeds_of(value: object, argument: str) -> dict[str, Any]:
    """Arrays by input name as a plain dictionary."""
    if not isinstance(value, Mapping):
        raise TypeError(
            f"{argument}: expected a dictionary of arrays by input name, "
            f"got {type(value).__name__}; write {{name: array}}"
        )
    return dict(value)
