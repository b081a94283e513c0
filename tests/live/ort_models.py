#!/usr/bin/env python3
"""Writes a set of single-operator ONNX models with their inputs.

Usage: ort_models.py OUT [--count N] [--seed S], N random cases of each operator, or
ort_models.py OUT --again FOLDER, the recorded ones of a folder of golden vectors.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import live_ort_pointwise as pointwise
import live_ort_products as products
from live_cases import Array, Case, Draw, read_cases, write_set
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

GENERATORS: tuple[Callable[[str, Draw], Case], ...] = (
    products.matmulinteger,
    products.qlinearmatmul,
    products.qlinearconv,
    products.convinteger,
    products.qgemm,
    products.matmulintegertofloat,
    products.dynamicquantizematmul,
    pointwise.quantizelinear,
    pointwise.dequantizelinear,
    pointwise.dynamicquantizelinear,
    pointwise.qlinearadd,
    pointwise.qlinearmul,
    pointwise.qlinearglobalaveragepool,
    pointwise.qlinearaveragepool,
    pointwise.qlinearsigmoid,
    pointwise.qlinearleakyrelu,
    pointwise.qlinearsoftmax,
    pointwise.qlinearconcat,
)
ELEMENT = {
    "u8": TensorProto.UINT8, "s8": TensorProto.INT8, "u16": TensorProto.UINT16,
    "s16": TensorProto.INT16, "i32": TensorProto.INT32, "f16": TensorProto.FLOAT16,
    "f32": TensorProto.FLOAT, "u4": TensorProto.UINT4, "s4": TensorProto.INT4,
}  # fmt: skip
WIDENED = {"u4": "u8", "s4": "s8"}  # what a 4-bit output is cast to, for numpy's sake


def initializer(name: str, dtype: str, array: Array) -> TensorProto:
    if dtype in WIDENED:
        return helper.make_tensor(name, ELEMENT[dtype], array.shape, array.flatten().tolist())
    return numpy_helper.from_array(array, name)


def model_of(case: Case) -> ModelProto:
    """The single node of a case, with a cast after it if the output has 4 bits."""
    present = [i for i in case.inputs if i]
    domain = "" if case.domain == "ai.onnx" else case.domain
    raw = {n: f"{n}_raw" if r.dtype in WIDENED else n for n, r in case.outputs.items()}
    names = [i.name if i else "" for i in case.inputs]
    nodes: list[NodeProto] = [
        helper.make_node(case.op, names, list(raw.values()), domain=domain, **case.attributes)
    ]
    outputs: list[Any] = []
    for name, result in case.outputs.items():
        element = ELEMENT[WIDENED.get(result.dtype, result.dtype)]
        outputs.append(helper.make_tensor_value_info(name, element, None))
        if raw[name] != name:
            nodes.append(helper.make_node("Cast", [raw[name]], [name], to=element))
    fed = [i for i in present if not i.constant]
    graph = helper.make_graph(
        nodes,
        "case",
        [helper.make_tensor_value_info(i.name, ELEMENT[i.dtype], i.array.shape) for i in fed],
        outputs,
        [initializer(i.name, i.dtype, i.array) for i in present if i.constant],
    )
    opsets = [helper.make_opsetid("", 21)]
    if domain:
        opsets.append(helper.make_opsetid(domain, case.opset))
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def cases(seed: int, count: int) -> Iterator[Case]:
    """`count` cases of every operator; a case depends on the seed and its number only."""
    for generate in GENERATORS:
        op = generate.__name__
        for number in range(count):
            yield generate(f"{op}-{seed}-{number:04d}", Draw(seed, op, number))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=20, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--again", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    drawn = cases(options.seed, options.count)
    chosen = read_cases(options.again) if options.again else drawn
    models = ((case, model_of(case).SerializeToString()) for case in chosen)
    print(write_set(options.out, "ONNX Runtime", models, "onnx"), "cases in", options.out)


if __name__ == "__main__":
    main()
