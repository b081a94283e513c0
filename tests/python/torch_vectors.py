"""Reads single quantized operators of PyTorch: operands, and answers by processor and engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ort_vectors import Array, Vectors

ROOT = Path(__file__).parents[1] / "data" / "pytorch-2.13"


@dataclass(frozen=True)
class Tensor:
    """An operand or a result; scales are exact binary32 values, several of them along `axis`."""

    name: str
    dtype: str  # u8 s8 f32
    scale: Array
    zeros: Array
    axis: int
    array: Array

    @property
    def one_scale(self) -> float:
        """The scale of a tensor that has a single one."""
        assert self.scale.size == 1, f"{self.name}: {self.scale.size} scales"
        return float(self.scale[0])

    @property
    def zero(self) -> int:
        """The zero point of a tensor that has a single one."""
        assert len(set(self.zeros.tolist())) == 1, f"{self.name}: several zero points"
        return int(self.zeros[0])


@dataclass(frozen=True)
class TorchCase:
    """One operator. Activations are [n, c, h, w], weights [m, k] or [m, c/groups, kh, kw]."""

    id: str
    op: str
    attributes: dict[str, Any]
    inputs: list[Tensor | None]  # in the operator's order
    output: Tensor  # no array
    answers: dict[str, Array]  # by target: <processor>-<engine>

    def input(self, index: int) -> Tensor:
        """An input that must be there."""
        found = self.inputs[index]
        assert found is not None, f"{self.id}: input {index} was omitted"
        return found


class TorchVectors(Vectors):
    """A folder of PyTorch cases."""

    def __init__(self, root: Path = ROOT) -> None:
        super().__init__(root)

    def torch_cases(self) -> Iterator[TorchCase]:
        """All cases."""
        for entry in self.manifest["cases"]:
            yield self._torch(entry)

    def _torch(self, entry: dict[str, Any]) -> TorchCase:
        key, family = entry["id"], entry["family"]
        inputs = [i and tensor(i, self._array(family, f"{key}/{i['name']}"))
                  for i in entry["inputs"]]  # fmt: skip
        ((name, out),) = entry["outputs"].items()
        answers = {target: self._array(family, array) for target, array in self._answers(out)}
        result = tensor({"name": name, **out}, np.empty(0))
        return TorchCase(key, entry["op"], entry["attributes"], inputs, result, answers)


def tensor(entry: dict[str, Any], array: Array) -> Tensor:
    """A manifest's entry with its array."""
    quant = entry.get("quant", {"scale": [1.0], "zero_point": [0]})
    scale = np.array(quant["scale"], np.float32)
    zeros = np.array(quant["zero_point"], np.int32)
    return Tensor(entry["name"], entry["dtype"], scale, zeros, quant.get("axis", 0), array)
