"""Reads the recorded ONNX Runtime 1.30.0 vectors: cases, operands and what each target answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

ROOT = Path(__file__).parents[1] / "data" / "onnxruntime-1.30.0"

PROFILES = {
    "x64-avx512vnni": "ort-1.30.x64.avx512vnni",
    "x64-avx2": "ort-1.30.x64.avx2",
    "x64-sse": "ort-1.30.x64.sse",
    "arm64-neon": "ort-1.30.arm64.neon",
    "arm64-dotprod": "ort-1.30.arm64.dotprod",
    "arm64-i8mm": "ort-1.30.arm64.i8mm",
    "wasm-simd": "ort-1.30.wasm.simd",
}

# Recorded as the same bytes: AVX-512 without VNNI is AVX2.
ALSO = {"x64-avx2": "ort-1.30.x64.avx512"}


@dataclass(frozen=True)
class Input:
    """An operand of a node. 4-bit codes are held one per byte."""

    array: Array
    dtype: str  # u8 s8 u16 s16 i32 f16 f32 u4 s4
    constant: bool  # an initializer of the model, known before it runs


@dataclass(frozen=True)
class Case:
    """One node, its operands, and per output and target what the engine answered."""

    id: str
    family: str
    op: str
    attributes: dict[str, Any]
    inputs: dict[str, Input]  # in the node's order; an omitted optional one is absent
    outputs: dict[str, dict[str, Array]]  # output -> target -> array
    tags: dict[str, Any]

    def get(self, name: str) -> Array | None:
        """An operand's array, None if it was omitted."""
        return self.inputs[name].array if name in self.inputs else None

    def targets(self, output: str) -> list[str]:
        """Targets that answered."""
        return list(self.outputs[output])

    def differ(self, output: str, one: str, other: str) -> bool:
        """Whether two targets answered with different numbers."""
        return mismatches(self.outputs[output][one], self.outputs[output][other]) != 0


class Vectors:
    """The manifest and lazily loaded archives of a folder in the recorded layout."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.manifest: dict[str, Any] = json.loads((root / "manifest.json").read_text())
        self._archives: dict[str, dict[str, Array]] = {}

    def cases(self, *families: str) -> Iterator[Case]:
        """Single-operator cases of these families."""
        for entry in self.manifest["cases"]:
            if entry["family"] in families:
                yield self._case(entry)

    def _case(self, entry: dict[str, Any]) -> Case:
        key, family = entry["id"], entry["family"]
        inputs = {
            i["name"]: Input(
                self._array(family, i.get("array") or f"{key}/{i['name']}"),
                i["dtype"],
                i["constant"],
            )
            for i in entry["inputs"]
            if i is not None
        }
        outputs = {
            name: {target: self._array(family, array) for target, array in self._answers(out)}
            for name, out in entry["outputs"].items()
        }
        return Case(
            key, family, entry["op"], entry["attributes"], inputs, outputs, entry.get("tags", {})
        )

    def _answers(self, output: dict[str, Any]) -> list[tuple[str, str]]:
        """(target, array name) pairs of an output."""
        if "array" in output:
            return [(target, output["array"]) for target in self.manifest["targets"]]
        return list(output["arrays"].items())

    def _array(self, family: str, name: str) -> Array:
        if family not in self._archives:
            with np.load(self.root / f"{family}.npz", allow_pickle=False) as archive:
                self._archives[family] = dict(archive)
        return self._archives[family][name]


def mismatches(got: Array, want: Array) -> int:
    """Number of elements that differ; NaN equals NaN, everything else by bit pattern."""
    assert got.shape == want.shape, f"shape {got.shape}, recorded {want.shape}"
    assert got.dtype == want.dtype, f"dtype {got.dtype}, recorded {want.dtype}"
    if want.dtype.kind != "f":
        return int(np.count_nonzero(got != want))
    word = np.dtype(f"u{want.dtype.itemsize}")
    same = (got.view(word) == want.view(word)) | (np.isnan(got) & np.isnan(want))
    return int(np.count_nonzero(~same))
