"""Structure of a model: versions, names, who makes which tensor, and in which order."""

from __future__ import annotations

from dataclasses import dataclass, field

import onnx
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

from .onnx_report import (
    MAX_COUNT,
    MAX_ELEMENTS,
    MAX_RANK,
    Reporter,
    element_count,
    quoted,
    shape_text,
)
from .onnx_tensor import FLOAT, Constant, header, type_name

DEFAULT_DOMAINS = ("", "ai.onnx")


@dataclass
class Model:
    """A parsed model whose names, versions and order are sound."""

    proto: ModelProto
    opset: int
    constants: dict[str, Constant] = field(default_factory=dict)  # initializers; fold() adds more
    inputs: list[tuple[str, list[int]]] = field(default_factory=list)  # fed at run time; -1: any
    outputs: list[str] = field(default_factory=list)


def node_name(node: NodeProto) -> str:
    """Its name, or that of the first output."""
    return str(node.name or next((name for name in node.output if name), ""))


def place_of(node: NodeProto) -> str:
    """How a message calls a node."""
    return f"node {quoted(node_name(node))} ({quoted(node.op_type)[1:-1]})"


def check_head(proto: ModelProto, report: Reporter) -> Model:
    """Versions, and each node by itself; BadFile or NotSupported at the first thing wrong."""
    if not proto.ir_version or not proto.HasField("graph"):
        raise report.bad("expected an ONNX model with ir_version and graph; not an ONNX file")
    if proto.ir_version > onnx.IR_VERSION:
        raise report.unsupported(
            f"IR version {proto.ir_version}: the installed onnx {onnx.__version__} knows up to "
            f"{onnx.IR_VERSION}; update the onnx package"
        )
    if proto.functions:
        raise report.unsupported("model-local functions; inline them first (onnx.inliner)")
    if proto.training_info:
        raise report.unsupported("training information; export the model for inference")
    model = Model(proto, _opset(proto, report))
    graph = proto.graph
    if graph.sparse_initializer:
        raise report.unsupported("sparse initializers; store them dense")
    report.text(graph.name, "graph: name")
    for what, count in (("nodes", len(graph.node)), ("initializers", len(graph.initializer))):
        if count > MAX_COUNT:
            raise report.unsupported(f"graph: expected at most {MAX_COUNT} {what}, got {count}")
    if not graph.node:
        raise report.bad("graph: expected at least one node, got none; the model is empty")
    for node in graph.node:
        _check_node(node, report)
    return model


def check_tensors(model: Model, report: Reporter) -> None:
    """Initializers, inputs, outputs and the order of the nodes. Fills the model's tensors."""
    _check_order(model, _tensors(model, report), report)


def _opset(proto: ModelProto, report: Reporter) -> int:
    versions = set()
    for entry in proto.opset_import:
        if report.text(entry.domain, "opset_import: domain") in DEFAULT_DOMAINS:
            versions.add(int(entry.version))
    if len(versions) != 1:
        got = sorted(versions) or "none"
        raise report.bad(f"opset_import: expected one version of the ONNX domain, got {got}")
    version = versions.pop()
    latest = onnx.defs.onnx_opset_version()
    if version < 1:
        raise report.bad(f"opset_import: expected a version of 1 or more, got {version}")
    if version > latest:
        raise report.unsupported(
            f"opset {version}: the installed onnx {onnx.__version__} knows up to {latest}; "
            "update the onnx package or export with an older opset"
        )
    return version


def _check_node(node: NodeProto, report: Reporter) -> None:
    for text in (node.name, node.op_type, node.domain, *node.input, *node.output):
        report.text(text, "name in a node")
    place = place_of(node)
    if node.domain not in DEFAULT_DOMAINS or getattr(node, "overload", False):
        raise report.unsupported(
            f"{place}: operator of domain {quoted(node.domain)}; export with standard operators"
        )
    names = set()
    for attribute in node.attribute:
        name = report.text(attribute.name, f"{place}: attribute name")
        if name in names:
            raise report.bad(f"{place}: attribute {quoted(name)}: expected once, got twice")
        names.add(name)
        if attribute.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) or (
            attribute.HasField("g") or attribute.graphs
        ):
            raise report.unsupported(
                f"{place}: holds a graph in attribute {quoted(name)} (control flow); "
                "export the model without branches and loops"
            )
        if attribute.ref_attr_name:
            raise report.bad(f"{place}: attribute {quoted(name)} refers to a function's attribute")
    if not any(node.output):
        raise report.bad(f"{place}: expected at least one output, got none")


def _tensors(model: Model, report: Reporter) -> set[str]:
    """Names that exist before any node runs. Fills the model's constants, inputs and outputs."""
    graph = model.proto.graph
    for tensor in graph.initializer:
        name = report.text(tensor.name, "initializer: name")
        place = f"initializer {quoted(name)}"
        if not name:
            raise report.bad("initializer: expected a name, got none")
        if name in model.constants:
            raise report.bad(f"{place}: expected one of this name, got two")
        model.constants[name] = header(tensor, name, place, report)
    declared: set[str] = set()
    for value in graph.input:
        name = report.text(value.name, "input: name")
        if not name or name in declared:
            raise report.bad(f"input {quoted(name)}: expected a name that no other input has")
        declared.add(name)
        constant = model.constants.get(name)
        if constant is None:
            model.inputs.append((name, _input_shape(value, name, report)))
        else:
            _check_declared(value, constant, report)
    for value in graph.output:
        name = report.text(value.name, "output: name")
        if not name or name in model.outputs:
            raise report.bad(f"output {quoted(name)}: expected a name that no other output has")
        code = value.type.tensor_type.elem_type
        if value.type.WhichOneof("value") not in (None, "tensor_type"):
            raise report.unsupported(f"output {quoted(name)}: expected a float32 tensor")
        if code == 0 or not value.type.tensor_type.HasField("shape"):
            raise report.bad(
                f"output {quoted(name)}: expected a type and a shape, got none; "
                "declare them, with open extents where needed"
            )
        if code != FLOAT:
            raise report.unsupported(
                f"output {quoted(name)}: expected float32, got {type_name(code)}; "
                "cut the model before it"
            )
        model.outputs.append(name)
    if not model.outputs:
        raise report.bad("graph: expected at least one output, got none; the model is empty")
    for value in graph.value_info:
        report.text(value.name, "value_info: name")
    return declared | set(model.constants)


def _dims(value: ValueInfoProto, place: str, report: Reporter) -> list[int]:
    dims = []
    for dim in value.type.tensor_type.shape.dim:
        report.text(dim.dim_param, f"{place}: dim_param")
        fixed = dim.HasField("dim_value")
        if fixed and dim.dim_value < 0:
            raise report.bad(
                f"{place}: expected extents of 0 or more, got {dim.dim_value}; "
                "name the extent (dim_param) if it is open"
            )
        dims.append(int(dim.dim_value) if fixed else -1)
    return dims


def _input_shape(value: ValueInfoProto, name: str, report: Reporter) -> list[int]:
    place = f"input {quoted(name)}"
    kind = value.type.WhichOneof("value")
    if kind is None:
        raise report.bad(f"{place}: expected a type, got none")
    if kind != "tensor_type":
        raise report.unsupported(f"{place}: expected a float32 tensor, got {kind}")
    tensor = value.type.tensor_type
    if tensor.elem_type not in TensorProto.DataType.values() or tensor.elem_type == 0:
        raise report.bad(f"{place}: expected an element type, got {type_name(tensor.elem_type)}")
    if tensor.elem_type != FLOAT:
        raise report.unsupported(
            f"{place}: expected float32, got {type_name(tensor.elem_type)}; convert the model to "
            "float32, or make the input a constant (an initializer) if it is a shape or a list"
        )
    if not tensor.HasField("shape"):
        raise report.bad(
            f"{place}: expected a shape, got none; declare one, with open extents where needed"
        )
    dims = _dims(value, place, report)
    if len(dims) > MAX_RANK:
        raise report.unsupported(f"{place}: expected at most {MAX_RANK} axes, got {len(dims)}")
    if element_count(dims) is None:
        raise report.bad(f"{place}: expected at most {MAX_ELEMENTS} elements, got {dims}")
    return dims


def _check_declared(value: ValueInfoProto, constant: Constant, report: Reporter) -> None:
    """An input that has an initializer is a constant; both must say the same."""
    tensor = value.type.tensor_type
    dims = _dims(value, constant.place, report)
    same = len(dims) == len(constant.shape) and all(
        d in (-1, c) for d, c in zip(dims, constant.shape, strict=True)
    )
    if tensor.elem_type != constant.type or (tensor.HasField("shape") and not same):
        raise report.bad(
            f"{constant.place}: expected {type_name(tensor.elem_type)}{shape_text(dims)} as "
            f"declared among the inputs, got {constant.type_name}{shape_text(constant.shape)}"
        )


def _check_order(model: Model, known: set[str], report: Reporter) -> None:
    """Every tensor is made once, and before it is read."""
    nodes = model.proto.graph.node
    maker: dict[str, int] = {}
    for at, node in enumerate(nodes):
        for name in node.output:
            if not name:
                continue
            if name in known or name in maker:
                other = place_of(nodes[maker[name]]) if name in maker else "an input or initializer"
                raise report.bad(
                    f"{place_of(node)}: output {quoted(name)}: expected a new name, "
                    f"got that of {other}; tensors' names must be unique"
                )
            maker[name] = at
    for at, node in enumerate(nodes):
        for name in node.input:
            if not name or name in known or maker.get(name, at) < at:
                continue
            if name not in maker:
                raise report.bad(
                    f"{place_of(node)}: input {quoted(name)}: expected a tensor of the graph, "
                    "got a name that nothing makes; the file is incomplete"
                )
            if _on_cycle(model, maker):
                raise report.bad(
                    f"{place_of(node)}: input {quoted(name)}: expected a graph without cycles, "
                    "got a node that needs its own result"
                )
            raise report.bad(
                f"{place_of(node)}: input {quoted(name)}: expected a tensor made earlier, got one "
                f"that {place_of(nodes[maker[name]])} makes later; sort the nodes topologically"
            )
    for name in model.outputs:
        if name not in known and name not in maker:
            raise report.bad(f"output {quoted(name)}: expected a tensor of the graph, got none")


def _on_cycle(model: Model, maker: dict[str, int]) -> bool:
    """Whether no order of the nodes would do (Kahn's method: no recursion)."""
    nodes = model.proto.graph.node
    waits = [sum(name in maker for name in node.input) for node in nodes]
    readers: dict[int, list[int]] = {}
    for at, node in enumerate(nodes):
        for name in node.input:
            if name in maker:
                readers.setdefault(maker[name], []).append(at)
    ready = [at for at, count in enumerate(waits) if count == 0]
    done = 0
    while ready:
        done += 1
        for reader in readers.get(ready.pop(), []):
            waits[reader] -= 1
            if waits[reader] == 0:
                ready.append(reader)
    return done < len(nodes)
