"""ONNX models in float32 as a graph."""

from __future__ import annotations

import os
from pathlib import Path

from onnx import ModelProto

from qsim._core import BadFile, Graph, NotSupported

from .onnx_check import Model, check_head, check_tensors
from .onnx_file import ExternalData, read_model
from .onnx_fold import fold
from .onnx_infer import inferred_shapes
from .onnx_node import Importer, NodeReader
from .onnx_ops import OPERATORS, check_operands, operator_version
from .onnx_report import MAX_FILE, Reporter, quoted


def load_onnx(path: str | os.PathLike[str] | bytes) -> Graph:
    """Reads a float32 ONNX model.

    The model may use the operators of `qsim.graph`'s closed list, from opset 7 to the newest that
    the installed onnx package knows. Constants keep their bits. An input that has an initializer
    is a constant. Identity of a constant and Constant nodes are folded; Dropout passes its input
    on. Nodes keep their names; one without a name gets that of its first output.

    Parameters
    ----------
    path : the model file, or its content as bytes. External data is read from the folder of the
        file only, never through links; a model given as bytes can have none.

    Returns
    -------
    Graph : validated; inputs float32 with their declared shapes, -1 for open extents.

    Raises
    ------
    FileNotFoundError : there is no such file.
    BadFile : the file is malformed; says which node or tensor, and what was expected.
    NotSupported : the file is sound, but holds something that qsim does not do.

    Examples
    --------
    >>> graph = load_onnx("net.onnx")  # doctest: +SKIP
    """
    if isinstance(path, bytes):
        report = Reporter("model given as bytes")
        folder = None
        if len(path) > MAX_FILE:
            raise report.bad(f"expected at most {MAX_FILE} bytes, got {len(path)}")
        data = path
    else:
        file = Path(path)
        report = Reporter(os.fspath(path))
        folder = file.parent
        data = read_model(file, report)
    try:
        return _import(data, ExternalData(folder, report), report)
    except UnicodeError as error:  # some protobuf packages decode strings only when they are read
        raise report.bad(f"expected UTF-8 text ({error}); export it again") from None


def _import(data: bytes, external: ExternalData, report: Reporter) -> Graph:
    if not data:
        raise report.bad("expected an ONNX model, got an empty file")
    proto = ModelProto()
    try:
        proto.ParseFromString(data)
    except Exception as error:  # the DecodeError of the protobuf package that onnx uses
        words = " ".join(str(error).split())
        raise report.bad(
            f"expected an ONNX model, got {len(data)} bytes that do not parse ({words}); "
            "the file is truncated, damaged or of another format"
        ) from None
    model = check_head(proto, report)
    versions = [operator_version(node, model.opset, report) for node in proto.graph.node]
    check_tensors(model, report)
    fold(model, report)
    check_operands(model, report)
    importer = Importer(model, inferred_shapes(model, external, report), external, report)
    try:
        return _build(importer, versions)
    except (BadFile, NotSupported):
        raise
    except ValueError as error:  # the graph's own checks
        raise report.bad(str(error)) from None


def _build(importer: Importer, versions: list[int]) -> Graph:
    model, graph = importer.model, importer.graph
    nodes = model.proto.graph.node
    importer.names.update(model.constants, (name for name, _ in model.inputs))
    for node in nodes:
        importer.names.update(node.output)
    for name in model.outputs:
        if name in model.constants and model.constants[name].name == name:
            importer.renamed[name] = importer.fresh(f"{name}.value")
    for name, shape in model.inputs:
        graph.add_input(name, shape)
    for node, version in zip(nodes, versions, strict=True):
        OPERATORS[node.op_type][0](NodeReader(importer, node, version))
    _declare_shapes(importer)
    for name in model.outputs:
        _mark_output(importer, model, name)
    graph.validate()
    return graph


def _declare_shapes(importer: Importer) -> None:
    """What shape inference knows of computed tensors: passes need it before the run."""
    known = {*importer.model.constants, *(name for name, _ in importer.model.inputs)}
    for name, shape in importer.shapes.items():
        if name not in known and importer.graph.has(name):
            importer.graph.declare_shape(name, [-1 if d is None else d for d in shape])


def _mark_output(importer: Importer, model: Model, name: str) -> None:
    """An output that is a constant is made by an Identity node."""
    if name in model.constants:
        constant = importer.constant(name, f"output {quoted(name)}")
        importer.graph.add_node("Identity", name, [constant], [name], {})
    importer.graph.mark_output(name)
