"""The recorded whole models of MNN 2.9.0 as graphs, with the engine's names for every tensor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

import qsim
from mnn_vectors import Vectors
from qsim import _core

Floats = npt.NDArray[np.float32]
Feeds = dict[str, Floats]

HOSTS = {"calib-x86-64": "x64", "calib-arm64": "ieee"}
SUFFIX = "__matmul_converted"


class Builder:
    """Adds nodes to a graph; computed tensors get the names the engine gave its operators."""

    def __init__(self, vectors: Vectors, case: dict[str, Any]) -> None:
        self.graph = qsim.Graph()
        self.case = case
        self.vectors = vectors
        operators = next(iter(case["runs"].values()))["ops"]
        self._names = {
            kind: iter([name for name, type_, *_ in operators if type_ == kind])
            for kind in ("BinaryOp", "UnaryOp", "MatMul")
        }
        described = case["params"]["describe_names"]
        self._conv_input = dict(zip(described[1::2], described[0::2], strict=True))
        self.is_converted = case["params"]["variant"] != "float_matmul"

    def constant(self, name: str, value: npt.ArrayLike) -> str:
        """A float32 constant, made once."""
        if not self.graph.has(name):
            self.graph.add_constant(name, np.ascontiguousarray(value, np.float32))
        return name

    def stored(self, name: str) -> Floats:
        """A recorded array of the case."""
        array = self.vectors.input(self.case, name)
        assert array is not None
        return array

    def node(self, op: str, name: str, inputs: list[str], **attributes: Any) -> str:
        """A node with one output of its own name."""
        self.graph.add_node(op, name, inputs, [name], attributes)
        return name

    def binary(self, op: str, a: str, b: str) -> str:
        """The next binary operator."""
        return self.node(op, next(self._names["BinaryOp"]), [a, b])

    def unary(self, op: str, x: str) -> str:
        """The next unary operator."""
        return self.node(op, next(self._names["UnaryOp"]), [x])

    def converted(self, name: str, x: str, weights: str, bias: str) -> str:
        """x W^T + b as a 1x1 convolution between two reshapes, weights copied."""
        w = self.stored(weights)
        out, depth = w.shape
        conv = name + SUFFIX
        own = [
            self.constant(f"{conv}_weight", w.reshape(out, depth, 1, 1)),
            self.constant(f"{conv}_bias", self.stored(bias)),
        ]
        pixel = self.node("Reshape", self._conv_input[conv], [x], ints=[-1, depth, 1, 1])
        self.node("Conv", conv, [pixel, *own], kernel=[1, 1])
        return self.node("Reshape", f"{name}_row", [conv], ints=[-1, out])

    def left_float(self, x: str, weights: str, bias: str) -> str:
        """x W^T + b as a float MatMul and an Add."""
        right = self.constant(f"{weights}_t", self.stored(weights).T)
        product = self.node("MatMul", next(self._names["MatMul"]), [x, right])
        return self.binary("Add", product, self.constant(bias, self.stored(bias)))

    def state_product(self, name: str, h: str, weights: str, bias: str) -> str:
        """The product with a state: converted, or left in float by the variant."""
        if self.is_converted:
            return self.converted(name, h, weights, bias)
        return self.left_float(h, weights, bias)

    def thirds(self, name: str, x: str) -> list[str]:
        """The reset, update and candidate parts of a row."""
        parts = [f"{name}_{gate}" for gate in "rzn"]
        self.graph.add_node("Split", f"{name}_split", [x], parts, {"axis": 1})
        return parts

    def finish(self, *outputs: str) -> qsim.Graph:
        """The graph; every name the engine uses must have been used."""
        for name in outputs:
            self.graph.mark_output(name)
        self.graph.validate()
        left = [name for names in self._names.values() for name in names]
        assert not left, f"{self.case['id']}: operators {left} are not part of the graph"
        return self.graph


def small_model(vectors: Vectors, case: dict[str, Any]) -> qsim.Graph:
    """out = sigmoid(s), th = tanh(s), s = (W_x x + b_x) + (W_h h + b_h)."""
    b = Builder(vectors, case)
    for name in ("x", "h"):
        b.graph.add_input(name, [1, case["params"]["inputs"]])
    g = b.converted("gi", "x", "w_x", "b_x")
    total = b.binary("Add", g, b.state_product("gh", "h", "w_h", "b_h"))
    return b.finish(b.unary("Sigmoid", total), b.unary("Tanh", total))


def gru_cell(b: Builder, g: list[str], name: str, h: str) -> str:
    """h <- n + z (h - n) of one frame."""
    u = b.thirds(f"gh{name}", b.state_product(f"gh{name}", h, "w_h", "b_h"))
    r = b.unary("Sigmoid", b.binary("Add", g[0], u[0]))
    n = b.unary("Tanh", b.binary("Add", g[2], b.binary("Mul", r, u[2])))
    z = b.unary("Sigmoid", b.binary("Add", g[1], u[1]))
    return b.binary("Add", n, b.binary("Mul", z, b.binary("Sub", h, n)))


def gru_model(vectors: Vectors, case: dict[str, Any]) -> qsim.Graph:
    """Three state streams, two frames each; all twelve products share two weight matrices."""
    p = case["params"]
    b = Builder(vectors, case)
    for frame in range(2):
        b.graph.add_input(f"x{frame}", [1, p["inputs"]])
    for stream in range(3):
        b.graph.add_input(f"h{stream}", [1, p["hidden"]])
    states = []
    for stream in range(3):
        factor = b.constant(f"factor{stream}", [1 + stream / 4])
        parts = {}
        for frame in (1, 0):  # the engine's order
            name = f"gi{stream}{frame}"
            x = b.binary("Mul", f"x{frame}", factor)
            parts[frame] = b.thirds(name, b.converted(name, x, "w_i", "b_i"))
        h = f"h{stream}"
        for frame in (0, 1):
            h = gru_cell(b, parts[frame], f"{stream}{frame}", h)
        states.append(h)
    return b.finish(*states)


def build(vectors: Vectors, case: dict[str, Any]) -> qsim.Graph:
    """The float graph of a recorded model."""
    make = gru_model if case["params"]["op"] == "full_model_gru" else small_model
    return make(vectors, case)


def batches(vectors: Vectors, case: dict[str, Any], graph: qsim.Graph) -> list[Feeds]:
    """The recorded calibration batches."""
    data = {name: vectors.input(case, f"calib_{name}") for name in graph.inputs}
    steps = case["params"]["calibration_steps"]
    return [{name: array[i] for name, array in data.items()} for i in range(steps)]


def calibrate(
    graph: qsim.Graph, feeds: list[Feeds], host: str
) -> Iterator[tuple[Feeds, qsim.Calibration]]:
    """After every batch: what the network returned and the calibration so far."""
    calibrator = _core.Calibrator(graph, "mnn.ema", host)
    for batch in feeds:
        outputs = calibrator.update(batch)
        yield outputs, calibrator.finalize()


def quantized(vectors: Vectors, case: dict[str, Any], host: str) -> qsim.Graph:
    """The model as a host (``"x64"`` or ``"ieee"``) quantizes it from the recorded batches."""
    graph = build(vectors, case)
    *_, (_, calibration) = calibrate(graph, batches(vectors, case, graph), host)
    return qsim.quantize_model(graph, calibration)
