"""The ONNX package's own checks and shape inference, on a copy of the model without its weights."""

from __future__ import annotations

import onnx
from onnx import ModelProto, TensorProto, ValueInfoProto, helper, shape_inference

from .onnx_check import Model
from .onnx_file import ExternalData
from .onnx_report import Reporter, element_count, printable
from .onnx_tensor import Constant, array

SMALL = 256  # elements; only shapes and scalars are looked at, and they are smaller
FOREIGN = 300  # characters of a foreign message that are repeated

Shape = list[int | None]


def inferred_shapes(model: Model, external: ExternalData, report: Reporter) -> dict[str, Shape]:
    """The shape of every tensor whose rank is known; None for an open extent.

    BadFile with the package's words where it finds the model invalid.
    """
    copy = _without_weights(model, external, report)
    try:
        onnx.checker.check_model(copy)
        copy = shape_inference.infer_shapes(copy, check_type=True, strict_mode=True)
    except Exception as error:  # compiled code of another project on a hostile file
        words = " ".join(str(error).split())
        cut = words if len(words) <= FOREIGN else words[:FOREIGN] + "..."
        raise report.bad(
            "the ONNX checker does not accept the model; export it again. "
            f"It says: {printable(cut)}"
        ) from None
    shapes: dict[str, Shape] = {}
    graph = copy.graph
    for value in (*graph.input, *graph.value_info, *graph.output):
        tensor = value.type.tensor_type
        if tensor.HasField("shape"):
            shapes[value.name] = [
                int(d.dim_value) if d.HasField("dim_value") else None for d in tensor.shape.dim
            ]
    for name, constant in model.constants.items():
        shapes[name] = list(constant.shape)
    return shapes


def _declared(constant: Constant) -> ValueInfoProto:
    return helper.make_tensor_value_info(constant.name, constant.type, list(constant.shape))


def _small(constant: Constant) -> bool:
    """Whether its values may matter to a shape and are at hand."""
    count = element_count(constant.shape)
    return count is not None and count <= SMALL and not (constant.external and constant.opaque)


def _inline(
    proto: TensorProto, constant: Constant, external: ExternalData, report: Reporter
) -> None:
    """Replaces a reference to external data by the data."""
    values = array(constant, external, report)
    proto.ClearField("external_data")
    proto.ClearField("data_location")
    proto.raw_data = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()


def _without_weights(model: Model, external: ExternalData, report: Reporter) -> ModelProto:
    """A copy in which a large constant is an input of the same type and shape.

    Keeps the checks independent of the weights' size, and within the 2 GiB of one message.
    """
    source = model.proto
    copy = ModelProto()
    copy.ir_version = source.ir_version
    copy.opset_import.extend(source.opset_import)
    graph = copy.graph
    graph.name = source.graph.name
    graph.input.extend(source.graph.input)
    graph.output.extend(source.graph.output)
    graph.value_info.extend(source.graph.value_info)
    declared = {value.name for value in source.graph.input}
    for proto in source.graph.initializer:
        constant = model.constants[proto.name]
        if not _small(constant):
            if constant.name not in declared:
                graph.input.append(_declared(constant))
            continue
        kept = graph.initializer.add()
        kept.CopyFrom(proto)
        if constant.external:
            _inline(kept, constant, external, report)
    for node in source.graph.node:
        if node.op_type == "Constant" and len(node.output) == 1:
            constant = model.constants[node.output[0]]
            if not _small(constant):
                graph.input.append(_declared(constant))
                continue
        graph.node.append(node)
        for attribute in graph.node[-1].attribute:
            if attribute.t.data_location == TensorProto.EXTERNAL:
                _inline(attribute.t, model.constants[node.output[0]], external, report)
    return copy
