"""Row-major tensors of Python integers: the border where arrays come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any


@dataclass
class Tensor:
    """Values in row-major order with their extents."""

    shape: tuple[int, ...]
    data: list[int]

    def __post_init__(self) -> None:
        if prod(self.shape) != len(self.data):
            raise ValueError(f"data: expected {prod(self.shape)} values, got {len(self.data)}")


def tensor(values: Any) -> Tensor:
    """A Tensor from an integer array (anything with shape and reshape) or nested sequences."""
    if isinstance(values, Tensor):
        return values
    if hasattr(values, "reshape"):
        flat = values.reshape(-1).tolist()
        shape = tuple(int(n) for n in values.shape)
    else:
        shape, flat = _shape_of(values), _flatten(values)
    if not all(isinstance(v, int) for v in flat):
        raise TypeError("values: expected integers; quantize first")
    return Tensor(shape, flat)


def _shape_of(values: Any) -> tuple[int, ...]:
    if isinstance(values, int):
        return ()
    return (len(values), *(_shape_of(values[0]) if len(values) else ()))


def _flatten(values: int | Sequence[Any]) -> list[int]:
    if isinstance(values, int):
        return [values]
    return [v for part in values for v in _flatten(part)]
