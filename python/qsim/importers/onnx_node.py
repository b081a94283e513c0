"""One node of an ONNX model, read with every claim checked, and written to the graph."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt
from onnx import AttributeProto, NodeProto, TensorProto

from qsim._core import BadFile, Graph, NotSupported

from .onnx_check import Model, node_name, place_of
from .onnx_file import ExternalData
from .onnx_infer import Shape
from .onnx_report import MAX_COUNT, Reporter, element_count, quoted, shape_text
from .onnx_tensor import FLOAT, Constant, array

INTEGERS = (TensorProto.INT64, TensorProto.INT32)


def not_constant(name: str) -> str:
    """What is wrong with a shape, a list or a bound that is only known at run time."""
    return (
        f"expected a constant, got {quoted(name)}, which is computed or fed at run time; "
        "fold constants first (onnxsim, or export with fixed shapes)"
    )


def not_float(constant: Constant) -> str:
    """What is wrong with weights of another type."""
    return (
        f"expected float32 in {quoted(constant.name)}, got {constant.type_name}; "
        "convert the model's weights to float32 first"
    )


@dataclass
class Importer:
    """What the nodes of one import share: the model, and the graph that is being built."""

    model: Model
    shapes: dict[str, Shape]
    external: ExternalData
    report: Reporter
    graph: Graph = field(default_factory=Graph)
    written: set[str] = field(default_factory=set)  # constants that are in the graph
    names: set[str] = field(default_factory=set)  # every tensor name of the file
    renamed: dict[str, str] = field(default_factory=dict)  # constants that give way to an output

    def fresh(self, wanted: str) -> str:
        """`wanted`, or with underscores appended if a tensor of the file has that name."""
        while wanted in self.names:
            wanted += "_"
        self.names.add(wanted)
        return wanted

    def constant(self, name: str, place: str) -> str:
        """The name in the graph of a float constant of the file, which is added if need be."""
        constant = self.model.constants[name]
        if constant.type != FLOAT:
            raise self.report.unsupported(f"{place}: {not_float(constant)}")
        in_graph = self.renamed.get(constant.name, constant.name)
        if in_graph not in self.written:
            self.written.add(in_graph)
            self.graph.add_constant(in_graph, array(constant, self.external, self.report))
        return in_graph


class NodeReader:
    """A node of the file with typed access to its attributes and inputs."""

    def __init__(self, importer: Importer, proto: NodeProto, version: int) -> None:
        self.importer = importer
        self.proto = proto
        self.version = version  # of the operator's definition
        self.place = place_of(proto)
        self._attributes = {a.name: a for a in proto.attribute}

    # --- refusing -------------------------------------------------------------------------------

    def bad(self, message: str) -> BadFile:
        """The node is malformed."""
        return self.importer.report.bad(f"{self.place}: {message}")

    def unsupported(self, message: str) -> NotSupported:
        """The node is sound, but qsim does not do this."""
        return self.importer.report.unsupported(f"{self.place}: {message}")

    # --- attributes -----------------------------------------------------------------------------

    def _attribute(self, name: str, kind: AttributeProto.AttributeType) -> AttributeProto | None:
        attribute = self._attributes.get(name)
        if attribute is not None and attribute.type != kind:
            wanted = AttributeProto.AttributeType.Name(kind)
            raise self.bad(f"attribute {name}: expected type {wanted}, got {attribute.type}")
        return attribute

    def integer(self, name: str, default: int) -> int:
        """An integer attribute."""
        attribute = self._attribute(name, AttributeProto.INT)
        return default if attribute is None else int(attribute.i)

    def flag(self, name: str, default: bool = False) -> bool:
        """An integer attribute that is 0 or 1."""
        value = self.integer(name, int(default))
        if value not in (0, 1):
            raise self.bad(f"attribute {name}: expected 0 or 1, got {value}")
        return value == 1

    def real(self, name: str, default: float) -> float:
        """A float attribute."""
        attribute = self._attribute(name, AttributeProto.FLOAT)
        return default if attribute is None else float(attribute.f)

    def integers(self, name: str) -> list[int] | None:
        """A list of integers; None if it is not given."""
        attribute = self._attribute(name, AttributeProto.INTS)
        return None if attribute is None else [int(i) for i in attribute.ints]

    def text(self, name: str, default: str) -> str:
        """A string attribute."""
        attribute = self._attribute(name, AttributeProto.STRING)
        return default if attribute is None else attribute.s.decode("utf-8", "backslashreplace")

    # --- inputs ---------------------------------------------------------------------------------

    def given(self, index: int) -> str:
        """The file's name of an input; empty if it is omitted."""
        return self.proto.input[index] if index < len(self.proto.input) else ""

    def required(self, index: int) -> str:
        """The file's name of an input that may not be omitted."""
        name = self.given(index)
        if not name:
            raise self.bad(f"expected input {index}, got {len(self.proto.input)} inputs")
        return name

    def tensor(self, index: int) -> str:
        """The graph's name of a float input."""
        name = self.required(index)
        if name in self.importer.model.constants:
            return self.importer.constant(name, f"{self.place}: input {index}")
        return name

    def optional(self, index: int) -> str:
        """The graph's name of a float input; empty if it is omitted."""
        return self.tensor(index) if self.given(index) else ""

    def shape(self, index: int) -> Shape:
        """The shape of an input, None for open extents."""
        name = self.required(index)
        shape = self.importer.shapes.get(name)
        if shape is None:
            raise self.unsupported(
                f"expected a known number of axes in {quoted(name)}, got none; "
                "declare the shapes of the model's inputs"
            )
        return shape

    def rank(self, index: int) -> int:
        """The number of axes of an input."""
        return len(self.shape(index))

    def values(self, index: int, what: str, kinds: tuple[int, ...]) -> npt.NDArray[Any] | None:
        """The values of an input that must be constant; None if it is omitted."""
        name = self.given(index)
        if not name:
            return None
        constant = self.importer.model.constants.get(name)
        if constant is None:
            raise self.unsupported(f"input {index} ({what}): {not_constant(name)}")
        if constant.type not in kinds:
            raise self.bad(f"input {index} ({what}): got values of type {constant.type_name}")
        count = element_count(constant.shape)
        if len(constant.shape) > 1 or count is None or count > MAX_COUNT:
            raise self.bad(
                f"input {index} ({what}): expected a short list, "
                f"got shape {shape_text(constant.shape)}"
            )
        return array(constant, self.importer.external, self.importer.report)

    def int_list(self, index: int, what: str) -> list[int] | None:
        """An input as a list of integers: a shape, axes, sizes. None if it is omitted."""
        values = self.values(index, what, INTEGERS)
        return None if values is None else [int(v) for v in values.reshape(-1)]

    def scalar(self, index: int, what: str, default: float) -> float:
        """An input as one float."""
        values = self.values(index, what, (FLOAT,))
        if values is None:
            return default
        if values.size != 1:
            raise self.bad(f"input {index} ({what}): expected one value, got {values.size}")
        return float(values.reshape(-1)[0])

    def axis(self, value: int, rank: int, *, end: int = 0) -> int:
        """`value` counted from the front, checked against `rank` axes (and `end` more)."""
        if not -rank <= value < rank + end:
            raise self.bad(f"axis: expected {-rank}..{rank + end - 1}, got {value}")
        return value + rank if value < 0 else value

    def axes(self, values: list[int], rank: int) -> list[int]:
        """Distinct axes, counted from the front."""
        out = [self.axis(value, rank) for value in values]
        if len(set(out)) != len(out):
            raise self.bad(f"axes: expected distinct axes, got {values}")
        return out

    # --- writing --------------------------------------------------------------------------------

    def no_other_outputs(self, why: str) -> None:
        """Refuses a node of which more than the first output is used."""
        for name in self.proto.output[1:]:
            if name:
                raise self.unsupported(f"output {quoted(name)}: {why}")

    def write(
        self, op: str, inputs: list[str], attributes: dict[str, object], outputs: int = 1
    ) -> None:
        """Adds a node of `op` with the first `outputs` outputs; unused ones get names."""
        base = node_name(self.proto)
        names = [
            name or self.importer.fresh(f"{base}.unused{at}")
            for at, name in enumerate(self.proto.output[:outputs])
        ]
        self.importer.graph.add_node(op, base, inputs, names, attributes)
