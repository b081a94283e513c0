#!/usr/bin/env python3
"""Runs a set of TFLite models on LiteRT: one thread.

Usage: tflite_run.py SET OUT --kernels reference|optimized|xnnpack

Writes `outputs.npz` and `run.json` into OUT; `run.json` lists the cases that the XNNPACK delegate
took. Needs numpy and ai-edge-litert only.
"""

from __future__ import annotations

import argparse
import platform
from importlib.metadata import version
from pathlib import Path

from ai_edge_litert.interpreter import Interpreter, OpResolverType
from live_cases import Array, fed, write_run

RESOLVER = {
    "reference": OpResolverType.BUILTIN_REF,
    "optimized": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "xnnpack": OpResolverType.BUILTIN,
}


def invoke(model: Path, kernels: str, feeds: dict[str, Array]) -> tuple[dict[str, Array], bool]:
    """Outputs by name, and whether a delegate computed them."""
    interpreter = Interpreter(
        model_path=str(model), num_threads=1, experimental_op_resolver_type=RESOLVER[kernels]
    )
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], feeds[detail["name"]])
    interpreter.invoke()
    details = interpreter.get_output_details()
    delegated = any("DELEGATE" in o["op_name"].upper() for o in interpreter._get_ops_details())
    return {d["name"]: interpreter.get_tensor(d["index"]) for d in details}, delegated


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--kernels", choices=sorted(RESOLVER), required=True)
    options = parser.parse_args()
    outputs: dict[str, Array] = {}
    refused: dict[str, str] = {}
    delegated: list[str] = []
    for case, feeds in fed(options.set):
        id = case["id"]
        model = options.set / "models" / f"{id}.tflite"
        try:
            results, by_delegate = invoke(model, options.kernels, feeds)
        except (RuntimeError, ValueError) as error:
            refused[id] = str(error)
            continue
        delegated += [id] * by_delegate
        outputs.update({f"{id}/{name}": array for name, array in results.items()})
    about = {
        "engine": "LiteRT", "version": version("ai-edge-litert"), "machine": platform.machine(),
        "kernels": options.kernels, "refused": refused, "delegated": delegated,
    }  # fmt: skip
    write_run(options.out, about, outputs)
    print(f"{len(outputs)} outputs, {len(refused)} refused, {len(delegated)} by the delegate")


if __name__ == "__main__":
    main()
