"""Graphs of a few nodes for the tests of the Python surface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import qsim

Floats = npt.NDArray[np.float32]
NodeLine = tuple[str, str, list[str], dict[str, Any]]  # op, name (and output), inputs, attributes


def floats(*shape: int, seed: int = 0, scale: float = 1.0) -> Floats:
    """Normal values from a seed."""
    return (scale * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def graph_of(
    inputs: Mapping[str, Sequence[int]],
    constants: Mapping[str, npt.ArrayLike],
    nodes: Sequence[NodeLine],
    outputs: Sequence[str] = (),
) -> qsim.Graph:
    """A graph whose nodes have one output of their own name; the last one is the output."""
    graph = qsim.Graph()
    for name, shape in inputs.items():
        graph.add_input(name, shape)
    for name, value in constants.items():
        graph.add_constant(name, np.asarray(value, np.float32))
    for op, name, sources, attributes in nodes:
        graph.add_node(op, name, sources, [name], attributes)
    for name in outputs or [nodes[-1][1]]:
        graph.mark_output(name)
    graph.validate()
    return graph


def affine(depth: int = 4) -> qsim.Graph:
    """y = x W + b for x [any, depth]."""
    return graph_of(
        {"x": [-1, depth]},
        {"w": floats(depth, depth, seed=1), "b": floats(depth, seed=2)},
        [("MatMul", "product", ["x", "w"], {}), ("Add", "y", ["product", "b"], {})],
    )


def shared(consumers: int, depth: int = 3) -> qsim.Graph:
    """`consumers` products with one constant, their sum as the output."""
    nodes: list[NodeLine] = [("MatMul", f"m{i}", ["x", "w"], {}) for i in range(consumers)]
    total = "m0"
    for i in range(1, consumers):
        nodes.append(("Add", f"s{i}", [total, f"m{i}"], {}))
        total = f"s{i}"
    nodes.append(("Identity", "out", [total], {}))
    return graph_of({"x": [-1, depth]}, {"w": floats(depth, depth + 1, seed=3)}, nodes)


def quantized(
    graph: qsim.Graph, batches: Sequence[Mapping[str, Floats]], recipe: str = "qsim.ema"
) -> qsim.Graph:
    """The graph after calibration."""
    found = qsim.calibrate(graph, batches, recipe=recipe, progress=False)
    return qsim.quantize_model(graph, found)
