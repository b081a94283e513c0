#!/usr/bin/env python3
"""Runs a set of ONNX models on ONNX Runtime's CPU provider: one thread, in order.

    ort_run.py SET OUT [--level all|disabled]

Writes `outputs.npz` and `run.json` into OUT. Needs numpy and onnxruntime only.
"""

from __future__ import annotations

import argparse
import platform
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from live_cases import Array, fed, write_run

LEVELS = {
    "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
    "disabled": ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
}


def options_of(level: str) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = LEVELS[level]
    options.log_severity_level = 4
    return options


def run(folder: Path, level: str) -> tuple[dict[str, Array], dict[str, str]]:
    """Outputs by `<id>/<output>`, and what the engine said about the cases it refused."""
    outputs: dict[str, Array] = {}
    refused: dict[str, str] = {}
    for case, feeds in fed(folder):
        model = str(folder / "models" / f"{case['id']}.onnx")
        names = list(case["outputs"])
        try:
            session = ort.InferenceSession(model, options_of(level), ["CPUExecutionProvider"])
            results: list[Any] = session.run(names, feeds)
        except Exception as error:  # the binding raises many types; none may end the run
            refused[case["id"]] = str(error)
            continue
        for name, result in zip(names, results, strict=True):
            outputs[f"{case['id']}/{name}"] = np.asarray(result)
    return outputs, refused


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--level", choices=sorted(LEVELS), default="all")
    options = parser.parse_args()
    outputs, refused = run(options.set, options.level)
    about = {
        "engine": "ONNX Runtime", "version": ort.__version__, "machine": platform.machine(),
        "level": options.level, "refused": refused,
    }  # fmt: skip
    write_run(options.out, about, outputs)
    print(f"{len(outputs)} outputs, {len(refused)} cases refused")


if __name__ == "__main__":
    main()
