"""Which operations of a quantized graph run on integers, and how scales travel."""

from __future__ import annotations

import numpy as np

import qsim

PROFILE = "mnn-2.9.0.arm64.sdot"


def quantized_split() -> tuple[qsim.Graph, dict[str, np.ndarray]]:
    """x -> MatMul -> Split -> (Sigmoid of one half) and an Add of the halves, quantized."""
    rng = np.random.default_rng(11)
    graph = qsim.Graph()
    graph.add_input("x", [-1, 4])
    graph.add_constant("w", rng.normal(size=(4, 6)).astype(np.float32))
    graph.add_node("MatMul", "y", ["x", "w"], ["y"])
    graph.add_node("Split", "split", ["y"], ["a", "b"], {"axis": 1, "ints": [3, 3]})
    graph.add_node("Sigmoid", "s", ["a"], ["s"])
    graph.add_node("Add", "sum", ["a", "b"], ["sum"])
    graph.mark_output("s")
    graph.mark_output("sum")
    feed = {"x": rng.normal(size=(5, 4)).astype(np.float32)}
    converted = qsim.passes.matmul_to_conv(graph, max_consumers=4)
    found = qsim.calibrate(converted, [feed], recipe="mnn.ema", progress=False)
    return qsim.quantize_model(converted, found), feed


def test_placement_a19() -> None:
    graph, feed = quantized_split()
    trace = qsim.run(graph, feed, PROFILE)
    runs = {run["name"]: run["integer"] for run in trace.nodes}
    described = trace.info("y__matmul_converted")
    assert all(runs[name] for name in ("y__matmul_converted", "y__matmul_output", "split"))
    assert trace.info("a") == trace.info("b") == trace.info("y") == described
    np.testing.assert_array_equal(
        np.concatenate([trace.codes("a"), trace.codes("b")], axis=1), trace.codes("y")
    )
    # Neither result is described, so both ops read the halves as real.
    assert not runs["s"]
    assert not runs["sum"]
    assert trace.codes("s") is None
    assert trace.codes("sum") is None
    assert [cast["tensor"] for cast in trace.casts] == ["y__matmul_input"]
    assert described is not None
    scale, zero = np.float32(described[0]), described[1]
    codes = trace.codes("a").astype(np.float32)
    np.testing.assert_array_equal(trace["a"], (codes - np.float32(zero)) * scale)


def test_a_profile_without_placement_keeps_a_quantized_graph_in_float() -> None:
    graph, feed = quantized_split()
    trace = qsim.run(graph, feed, "ieee.fp32")
    assert not any(run["integer"] for run in trace.nodes)
