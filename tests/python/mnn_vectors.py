"""Reads the recorded MNN 2.9.0 vectors: cases, arrays and the target each result belongs to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1] / "data" / "mnn-2.9.0"

PROFILES = {
    "x86-sse": "mnn-2.9.0.x64.sse",
    "x86-avx2": "mnn-2.9.0.x64.avx2",
    "x86-avx512vnni": "mnn-2.9.0.x64.avx512vnni",
    "x86-avx512": "mnn-2.9.0.x64.avx512",
    "x86-sse-emu": "mnn-2.9.0.x64.sse.emulated",
    "x86-avx2-emu": "mnn-2.9.0.x64.avx2.emulated",
    "arm64-neon": "mnn-2.9.0.arm64.neon",
    "arm64-sdot": "mnn-2.9.0.arm64.sdot",
    "arm64-i8mm": "mnn-2.9.0.arm64.i8mm",
}

# Recorded only where they differ from the target they are a variant of.
BASE = {"x86-avx512": "x86-avx512vnni", "x86-sse-emu": "x86-sse", "x86-avx2-emu": "x86-avx2"}


class Vectors:
    """The manifest and lazily loaded archives."""

    def __init__(self) -> None:
        self.manifest: dict[str, Any] = json.loads((ROOT / "manifest.json").read_text())
        self._archives: dict[str, Any] = {}

    def cases(self, family: str, op: str | None = None) -> Iterator[dict[str, Any]]:
        """Cases of a family letter, optionally of one operation."""
        for case in self.manifest["cases"]:
            if case["family"] == family and op in (None, case["params"]["op"]):
                yield case

    def array(self, case: dict[str, Any], name: str) -> np.ndarray:
        """An array by its full name."""
        if case["file"] not in self._archives:
            self._archives[case["file"]] = np.load(ROOT / case["file"], allow_pickle=False)
        result: np.ndarray = self._archives[case["file"]][name]
        return result

    def input(self, case: dict[str, Any], name: str) -> np.ndarray | None:
        """An input by its short name; None if the case has none of that name."""
        full = f"{case['id']}/{name}"
        return self.array(case, full) if full in case["inputs"] else None

    def expected(self, case: dict[str, Any], result: str, target: str) -> np.ndarray | None:
        """What `target` produced for `result`; None where nothing was recorded for it."""
        for name, targets in case["outputs"].get(result, {}).items():
            if target in targets:
                return self.array(case, name)
        return None

    def equal_to(self, case: dict[str, Any], result: str, target: str) -> np.ndarray | None:
        """What `target` produced: its own record, or that of the target it did not differ from."""
        own = self.expected(case, result, target)
        if own is not None or target not in BASE:
            return own
        return self.expected(case, result, BASE[target])

    def targets(self, case: dict[str, Any], result: str) -> list[str]:
        """Targets with a recorded `result`."""
        return [t for names in case["outputs"].get(result, {}).values() for t in names]

    def known_targets(self, case: dict[str, Any], result: str) -> list[str]:
        """Targets whose `result` is known, by their own record or that of their base."""
        recorded = self.targets(case, result)
        return [t for t in PROFILES if t in recorded or BASE.get(t) in recorded]


def mismatches(got: np.ndarray, want: np.ndarray) -> int:
    """Number of elements that differ; NaN equals NaN, everything else by bit pattern."""
    assert got.shape == want.shape, f"shape {got.shape}, recorded {want.shape}"
    assert got.dtype == want.dtype, f"dtype {got.dtype}, recorded {want.dtype}"
    if want.dtype != np.float32:
        return int(np.count_nonzero(got != want))
    same = (got.view(np.uint32) == want.view(np.uint32)) | (np.isnan(got) & np.isnan(want))
    return int(np.count_nonzero(~same))
