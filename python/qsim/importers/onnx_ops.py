"""How each ONNX operator becomes a node of the graph, in every version that was reviewed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from onnx import NodeProto

from . import onnx_move as move
from . import onnx_window as window
from .onnx_check import Model, place_of
from .onnx_node import NodeReader, not_constant, not_float
from .onnx_report import Reporter, quoted, shape_text
from .onnx_tensor import FLOAT

FLOAT_MAX = float(np.finfo(np.float32).max)


def _same(node: NodeReader) -> None:
    """Ops without attributes: the inputs as they are."""
    inputs = [node.tensor(i) for i in range(len(node.proto.input))]
    node.write(node.proto.op_type, inputs, {})


def _gemm(node: NodeReader) -> None:
    for index in (0, 1):
        if node.rank(index) != 2:
            raise node.bad(f"expected matrices, got {shape_text(node.shape(index))}")
    node.write(
        "Gemm",
        [node.tensor(0), node.tensor(1), node.optional(2)],
        {
            "alpha": node.real("alpha", 1.0),
            "beta": node.real("beta", 1.0),
            "trans_a": node.flag("transA"),
            "trans_b": node.flag("transB"),
        },
    )


def _clip(node: NodeReader) -> None:
    """A bound that is not given is the largest finite value, as every version says."""
    if node.version < 11:
        low, high = node.real("min", -FLOAT_MAX), node.real("max", FLOAT_MAX)
    else:
        low, high = node.scalar(1, "min", -FLOAT_MAX), node.scalar(2, "max", FLOAT_MAX)
    # With min > max every element becomes max.
    node.write("Clip", [node.tensor(0)], {"low": min(low, high), "high": high})


def _softmax(node: NodeReader) -> None:
    shape = node.shape(0)
    axis = node.axis(node.integer("axis", -1 if node.version >= 13 else 1), len(shape))
    if node.version < 13 and any(extent != 1 for extent in shape[axis + 1 :]):
        raise node.unsupported(
            f"opset 12 and older flatten the axes from {axis} on and normalise them together, "
            f"here more than one of {shape_text(shape)}; flatten them with a Reshape, or export "
            "with opset 13 or later"
        )
    node.write("Softmax", [node.tensor(0)], {"axis": axis})


def _batch_normalization(node: NodeReader) -> None:
    if node.flag("training_mode"):
        raise node.unsupported("training_mode 1; export the model for inference")
    node.no_other_outputs("statistics are made in training only; export the model for inference")
    if not node.flag("spatial", True):
        raise node.unsupported("spatial 0 (statistics per element); export with opset 9 or later")
    shape = node.shape(0)
    if len(shape) < 2:
        raise node.unsupported(f"expected [n, c, ...], got {shape_text(shape)}")
    for index in range(1, 5):
        given = node.shape(index)
        if len(given) != 1 or (None not in (given[0], shape[1]) and given[0] != shape[1]):
            raise node.bad(
                f"input {index}: expected one value per channel of {shape_text(shape)}, "
                f"got {shape_text(given)}"
            )
    inputs = [node.tensor(i) for i in range(5)]
    node.write("BatchNormalization", inputs, {"epsilon": node.real("epsilon", 1e-5)})


def _dropout(node: NodeReader) -> None:
    """In inference it passes its input on."""
    node.no_other_outputs("the mask exists in training only; export the model for inference")
    if node.version >= 12 and node.given(2):
        values = node.values(2, "training_mode", (onnx.TensorProto.BOOL,))
        if values is None or values.size != 1 or bool(values.reshape(-1)[0]):
            raise node.unsupported("training_mode is set; export the model for inference")
    node.write("Identity", [node.tensor(0)], {})


def _identity(node: NodeReader) -> None:
    """Of a constant it is folded: readers of its output read the constant."""
    if node.required(0) not in node.importer.model.constants:
        node.write("Identity", [node.tensor(0)], {})


def _constant(node: NodeReader) -> None:
    """Already among the constants."""


# Operator: how it is read, and which versions of its definition that was written for.
OPERATORS: dict[str, tuple[Callable[[NodeReader], None], tuple[int, ...]]] = {
    "Add": (_same, (7, 13, 14)),
    "AveragePool": (window.pool, (1, 7, 10, 11, 19, 22)),
    "BatchNormalization": (_batch_normalization, (7, 9, 14, 15)),
    "Clip": (_clip, (6, 11, 12, 13)),
    "Concat": (move.concat, (4, 11, 13)),
    "Constant": (_constant, (1, 9, 11, 12, 13, 19, 21, 23, 24, 25)),
    "Conv": (window.conv, (1, 11, 22)),
    "Div": (_same, (7, 13, 14)),
    "Dropout": (_dropout, (7, 10, 12, 13, 22)),
    "Flatten": (move.flatten, (1, 9, 11, 13, 21, 23, 24, 25)),
    "Gemm": (_gemm, (7, 9, 11, 13)),
    "GlobalAveragePool": (window.global_average_pool, (1, 22)),
    "Identity": (_identity, (1, 13, 14, 16, 19, 21, 23, 24, 25)),
    "MatMul": (_same, (1, 9, 13)),
    "MaxPool": (window.pool, (1, 8, 10, 11, 12, 22)),
    "Mul": (_same, (7, 13, 14)),
    "Relu": (_same, (6, 13, 14)),
    "Reshape": (move.reshape, (5, 13, 14, 19, 21, 23, 24, 25)),
    "Sigmoid": (_same, (6, 13)),
    "Slice": (move.slice_, (1, 10, 11, 13)),
    "Softmax": (_softmax, (1, 11, 13)),
    "Split": (move.split, (2, 11, 13, 18)),
    "Squeeze": (move.squeeze, (1, 11, 13, 21, 23, 24, 25)),
    "Sub": (_same, (7, 13, 14)),
    "Tanh": (_same, (6, 13)),
    "Transpose": (move.transpose, (1, 13, 21, 23, 24, 25)),
    "Unsqueeze": (move.unsqueeze, (1, 11, 13, 21, 23, 24, 25)),
}

# Operators whose inputs from the second on are shapes, axes or sizes.
LISTED = ("Reshape", "Slice", "Split", "Squeeze", "Unsqueeze")


def check_operands(model: Model, report: Reporter) -> None:
    """Data must be float32, and lists of integers constant; NotSupported naming the input."""
    for node in model.proto.graph.node:
        for index, name in enumerate(node.input):
            constant = model.constants.get(name)
            place = f"{place_of(node)}: input {index}"
            if index > 0 and node.op_type in LISTED:
                if name and constant is None:
                    raise report.unsupported(f"{place}: {not_constant(name)}")
            elif node.op_type == "Identity" or (node.op_type, index) == ("Dropout", 2):
                continue  # may be a list that is folded; the flag of training
            elif constant is not None and constant.type != FLOAT:
                raise report.unsupported(f"{place}: {not_float(constant)}")


def operator_version(node: NodeProto, opset: int, report: Reporter) -> int:
    """The version of the operator's definition that `opset` means; NotSupported if unknown."""
    place = place_of(node)
    if node.op_type not in OPERATORS:
        raise report.unsupported(
            f"{place}: expected an operator of the supported list, got {quoted(node.op_type)}; "
            f"rewrite it with {', '.join(OPERATORS)}, or cut the model before it"
        )
    known = OPERATORS[node.op_type][1]
    try:
        version = int(onnx.defs.get_schema(node.op_type, max_inclusive_version=opset).since_version)
    except onnx.defs.SchemaError:
        version = 0
    if version not in known:
        raise report.unsupported(
            f"{place}: expected a definition of opset {known[0]} to {known[-1]}, got that of "
            f"opset {version or opset}; convert the model with onnx.version_converter"
        )
    return version
