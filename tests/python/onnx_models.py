"""Small ONNX models for the importer's tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

import qsim

Arrays = dict[str, np.ndarray]
LATEST = onnx.defs.onnx_opset_version()


def node(op: str, inputs: str, outputs: str, **attributes: Any) -> NodeProto:
    """A node; names are separated by spaces, `-` is an omitted one."""
    split = [["" if n == "-" else n for n in names.split()] for names in (inputs, outputs)]
    return helper.make_node(op, *split, **attributes)


def model(
    nodes: Sequence[NodeProto],
    inputs: dict[str, Sequence[int | str | None]],
    outputs: Sequence[str] = ("y",),
    constants: dict[str, Any] | None = None,
    opset: int = LATEST,
) -> onnx.ModelProto:
    """A model with float32 inputs; constants keep the dtype of their arrays."""
    known = {**inputs, **{n: np.shape(v) for n, v in (constants or {}).items()}}
    graph = helper.make_graph(
        list(nodes),
        "net",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, known.get(n)) for n in outputs],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in (constants or {}).items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    proto.ir_version = min(8, onnx.IR_VERSION)
    shaped: onnx.ModelProto = onnx.shape_inference.infer_shapes(proto)  # outputs need a shape
    return shaped


def load(proto: onnx.ModelProto) -> qsim.Graph:
    """The graph of a model that never was a file."""
    return qsim.importers.load_onnx(proto.SerializeToString())


def run(graph: qsim.Graph, feeds: Arrays) -> Arrays:
    """The outputs of the float reference."""
    return dict(qsim.run(graph, feeds, profile=None).outputs)


def whole(*shape: int, low: int = -8, high: int = 9, seed: int = 0) -> np.ndarray:
    """Whole numbers as float32: sums of products below 2**24 are exact in any order."""
    return np.random.default_rng(seed).integers(low, high, shape).astype(np.float32)


def ints(*values: int) -> np.ndarray:
    """A shape, axes or sizes."""
    return np.array(values, dtype=np.int64)
