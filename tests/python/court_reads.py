"""Which fields of a row an answer depends on: rows that agree in them share their answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

Row = Mapping[str, Any]
Answer = TypeVar("Answer")


class Watched(Mapping[str, Any]):
    """A row, or a struct of it, that notes every field that is read."""

    def __init__(self, fields: Row, notes: dict[str, Any], path: str = "") -> None:
        self._fields, self._notes, self._path = fields, notes, path

    def __getitem__(self, name: str) -> Any:
        value, path = self._fields[name], f"{self._path}{name}"
        if isinstance(value, Mapping):
            return Watched(value, self._notes, path + ".")
        self._notes[path] = value
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


def field(row: Row, path: str) -> Any:
    """The field at a dotted path."""
    value: Any = row
    for name in path.split("."):
        value = value[name]
    return value


class Shared(Generic[Answer]):
    """A function of a row, called once for all rows with equal fields where it read them."""

    def __init__(self, function: Callable[[Row], Answer]) -> None:
        self._function = function
        self._known: list[tuple[dict[str, Any], Answer]] = []

    def __call__(self, row: Row) -> Answer:
        for fields, answer in self._known:
            if all(field(row, path) == value for path, value in fields.items()):
                return answer
        read: dict[str, Any] = {}
        answer = self._function(Watched(row, read))
        self._known.append((read, answer))
        return answer
