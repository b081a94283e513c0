"""Reads single-operator cases of LiteRT: operands with their quantization, answers by target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ort_vectors import Array, Vectors

ROOT = Path(__file__).parents[1] / "data" / "litert-2.3.0"


@dataclass(frozen=True)
class Tensor:
    """An operand or a result; scales are exact binary32 values, several of them along `axis`."""

    name: str
    dtype: str  # u8 s8 s16 i32 i64 f32
    scale: Array
    zero: int
    axis: int
    array: Array

    @property
    def one_scale(self) -> float:
        """The scale of a tensor that has a single one."""
        assert self.scale.size == 1, f"{self.name}: {self.scale.size} scales"
        return float(self.scale[0])


@dataclass(frozen=True)
class LiteCase:
    """One operator of a model. Activations are [n, h, w, c], attributes named as in the schema."""

    id: str
    op: str
    attributes: dict[str, Any]
    inputs: list[Tensor | None]  # in the operator's order
    output: Tensor  # no array
    answers: dict[str, Array]  # by target: <processor>-<kernels>
    delegated: frozenset[str]  # targets whose answer XNNPACK gave

    @property
    def types(self) -> tuple[str, ...]:
        """Element types of the inputs."""
        return tuple(i.dtype for i in self.inputs if i)

    def input(self, index: int) -> Tensor:
        """An input that must be there."""
        found = self.inputs[index]
        assert found is not None, f"{self.id}: input {index} was omitted"
        return found


class LiteVectors(Vectors):
    """A folder of LiteRT cases."""

    def __init__(self, root: Path = ROOT) -> None:
        super().__init__(root)
        runs = self.manifest["runs"]
        self._delegated = {target: frozenset(run["delegated"]) for target, run in runs.items()}

    def lite_cases(self) -> Iterator[LiteCase]:
        """All cases."""
        for entry in self.manifest["cases"]:
            yield self._lite(entry)

    def _lite(self, entry: dict[str, Any]) -> LiteCase:
        key, family = entry["id"], entry["family"]
        inputs = [i and self._tensor(i, self._array(family, f"{key}/{i['name']}"))
                  for i in entry["inputs"]]  # fmt: skip
        ((name, out),) = entry["outputs"].items()
        answers = {target: self._array(family, array) for target, array in self._answers(out)}
        took = frozenset(t for t in answers if key in self._delegated[t])
        result = self._tensor({"name": name, **out}, np.empty(0))
        return LiteCase(key, entry["op"], entry["attributes"], inputs, result, answers, took)

    def _tensor(self, entry: dict[str, Any], array: Array) -> Tensor:
        quant = entry.get("quant", {"scale": [1.0], "zero_point": [0]})
        assert len(set(quant["zero_point"])) == 1, "one zero point for all channels"
        scale = np.array(quant["scale"], np.float32)
        zero, axis = quant["zero_point"][0], quant.get("axis", 0)
        return Tensor(entry["name"], entry["dtype"], scale, zero, axis, array)
