"""Constants that nodes make: Constant in all its forms, and Identity of a constant."""

from __future__ import annotations

import numpy as np
from onnx import AttributeProto, NodeProto, TensorProto

from .onnx_check import Model, place_of
from .onnx_report import Reporter, quoted
from .onnx_tensor import Constant, header

# attribute: (its type, element type of the tensor, is it a list)
_VALUES = {
    "value_float": (AttributeProto.FLOAT, TensorProto.FLOAT, False),
    "value_floats": (AttributeProto.FLOATS, TensorProto.FLOAT, True),
    "value_int": (AttributeProto.INT, TensorProto.INT64, False),
    "value_ints": (AttributeProto.INTS, TensorProto.INT64, True),
}
_NUMPY: dict[int, type[np.generic]] = {TensorProto.FLOAT: np.float32, TensorProto.INT64: np.int64}


def fold(model: Model, report: Reporter) -> None:
    """Adds the outputs of Constant nodes, and of Identity nodes of constants, to the constants."""
    for node in model.proto.graph.node:
        if node.op_type == "Constant":
            constant = _constant(node, report)
            model.constants[constant.name] = constant
        elif node.op_type == "Identity" and len(node.input) == 1 and len(node.output) == 1:
            source = model.constants.get(node.input[0])
            if source is not None:
                model.constants[node.output[0]] = source


def _constant(node: NodeProto, report: Reporter) -> Constant:
    place = place_of(node)
    if len(node.attribute) != 1 or node.input or len(node.output) != 1:
        raise report.bad(
            f"{place}: expected one value, no input and one output, got {len(node.attribute)} "
            f"values, {len(node.input)} inputs and {len(node.output)} outputs"
        )
    attribute = node.attribute[0]
    name = node.output[0]
    if attribute.name == "value" and attribute.type == AttributeProto.TENSOR:
        return header(attribute.t, name, place, report)
    if attribute.name in _VALUES:
        kind, element, many = _VALUES[attribute.name]
        if attribute.type == kind:
            field = {"value_float": "f", "value_floats": "floats", "value_int": "i"}
            values = np.array(
                getattr(attribute, field.get(attribute.name, "ints")), dtype=_NUMPY[element]
            ).reshape((-1,) if many else ())
            return Constant(name, element, values.shape, place, None, values)
    if attribute.name in ("value_string", "value_strings", "sparse_value"):
        raise report.unsupported(
            f"{place}: expected a dense tensor of numbers, got {attribute.name}; "
            "store the value as a tensor"
        )
    raise report.bad(f"{place}: expected a value, got attribute {quoted(attribute.name)}")
