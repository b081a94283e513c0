"""Graph rewrites: which products become convolutions, under which names, with which bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import qsim
from qsim import passes
from small_graphs import Floats, NodeLine, affine, floats, graph_of, shared

SUFFIX = "__matmul_converted"


def convolutions(graph: qsim.Graph) -> list[str]:
    """Names of the convolutions."""
    return [node["name"] for node in graph.nodes if node["op"] == "Conv"]


def same_bits(a: Floats, b: Floats) -> bool:
    """Equal shapes and bit patterns."""
    return a.shape == b.shape and bool(np.array_equal(a.view(np.uint32), b.view(np.uint32)))


# --- which products -------------------------------------------------------------------------------


@pytest.mark.parametrize(("prefer", "limit"), [(0, 4), (1, 1), (2, 100)])
def test_prefer_sets_the_limit_of_consumers(prefer: int, limit: int) -> None:
    at, above = (
        passes.matmul_to_conv(shared(count), prefer=prefer) for count in (limit, limit + 1)
    )
    assert len(convolutions(at)) == limit
    assert convolutions(above) == []
    assert at.notes == [f"matmul_to_conv(max_consumers={limit}): converted {limit} products"]
    assert above.notes == [f"matmul_to_conv(max_consumers={limit}): converted 0 products"]


def test_max_consumers_is_the_same_limit_in_plain_numbers() -> None:
    for limit, converted in ((1, 0), (2, 0), (3, 3), (4, 3)):
        assert len(convolutions(passes.matmul_to_conv(shared(3), max_consumers=limit))) == converted


def test_each_constant_has_a_count_of_its_own() -> None:
    graph = graph_of(
        {"x": [-1, 3]},
        {"often": floats(3, 3), "once": floats(3, 3, seed=1)},
        [
            ("MatMul", "a", ["x", "often"], {}),
            ("MatMul", "b", ["a", "often"], {}),
            ("MatMul", "c", ["b", "once"], {}),
        ],
    )
    assert convolutions(passes.matmul_to_conv(graph, prefer=1)) == [f"c{SUFFIX}"]


LEFT_ALONE: dict[str, tuple[dict[str, list[int]], dict[str, Floats], NodeLine]] = {
    "two fed sides": ({"x": [2, 3], "y": [3, 2]}, {}, ("MatMul", "p", ["x", "y"], {})),
    "constant left": ({"x": [3, 2]}, {"w": floats(4, 3)}, ("MatMul", "p", ["w", "x"], {})),
    "rank 1 constant": ({"x": [2, 3]}, {"w": floats(3)}, ("MatMul", "p", ["x", "w"], {})),
    "rank 1 left": ({"x": [3]}, {"w": floats(3, 2)}, ("MatMul", "p", ["x", "w"], {})),
    "batched constant": (
        {"x": [2, 4, 3]},
        {"w": floats(2, 3, 5)},
        ("MatMul", "p", ["x", "w"], {}),
    ),
    "alpha": ({"x": [2, 3]}, {"w": floats(3, 2)}, ("Gemm", "p", ["x", "w"], {"alpha": 0.5})),
    "transposed left": (
        {"x": [3, 2]},
        {"w": floats(3, 2)},
        ("Gemm", "p", ["x", "w"], {"trans_a": True}),
    ),
}


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_products_of_another_form_stay(name: str) -> None:
    inputs, constants, node = LEFT_ALONE[name]
    graph = passes.matmul_to_conv(graph_of(inputs, constants, [node]), prefer=2)
    assert [n["op"] for n in graph.nodes] == [node[0]]
    feeds = {k: floats(*shape) for k, shape in inputs.items()}
    assert same_bits(
        qsim.run(graph, feeds)["p"], qsim.run(graph_of(inputs, constants, [node]), feeds)["p"]
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "exactly one of max_consumers and prefer"),
        ({"max_consumers": 4, "prefer": 0}, "exactly one of max_consumers and prefer"),
        ({"prefer": 3}, "prefer: expected 0, 1 or 2, got 3"),
        ({"max_consumers": 0}, "max_consumers: expected >= 1, got 0"),
        ({"max_consumers": -1}, "max_consumers: expected >= 1, got -1"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        passes.matmul_to_conv(affine(), **options)  # type: ignore[arg-type]


# --- what they become -----------------------------------------------------------------------------


def test_every_consumer_gets_its_own_copy_of_the_weights() -> None:
    graph = passes.matmul_to_conv(shared(3), prefer=0)
    weights = floats(3, 4, seed=3)
    for i, node in enumerate(n for n in graph.nodes if n["op"] == "Conv"):
        assert node["name"] == f"m{i}{SUFFIX}"
        assert node["inputs"][1:] == [f"m{i}{SUFFIX}__weight", f"m{i}{SUFFIX}__bias"]
        own = graph.constants[node["inputs"][1]]
        np.testing.assert_array_equal(own, weights.T[:, :, None, None])
        assert not graph.constants[node["inputs"][2]].any()
        assert (node["source"], node["shared_constant"], node["shared_by"]) == ("MatMul", "w", 3)


def test_a_converted_product_sits_between_two_reshapes_and_keeps_its_output() -> None:
    graph = passes.matmul_to_conv(affine(), prefer=1)
    assert [(n["op"], n["name"], n["inputs"][0], n["outputs"]) for n in graph.nodes] == [
        ("Reshape", "product__matmul_input", "x", ["product__matmul_input"]),
        ("Conv", f"product{SUFFIX}", "product__matmul_input", [f"product{SUFFIX}"]),
        ("Reshape", "product__matmul_output", f"product{SUFFIX}", ["product"]),
        ("Add", "y", "product", ["y"]),
    ]
    trace = qsim.run(graph, {"x": floats(5, 4)})
    assert trace["product__matmul_input"].shape == (5, 4, 1, 1)
    assert trace[f"product{SUFFIX}"].shape == (5, 4, 1, 1)
    assert trace["product"].shape == (5, 4)


def test_the_source_graph_stays_as_it_is() -> None:
    graph = affine()
    before = graph.nodes
    passes.matmul_to_conv(graph, prefer=2)
    assert graph.nodes == before
    assert graph.notes == []


def test_converting_twice_changes_nothing_more() -> None:
    once = passes.matmul_to_conv(affine(), prefer=1)
    assert passes.matmul_to_conv(once, prefer=1).nodes == once.nodes


# --- bits -----------------------------------------------------------------------------------------

PRODUCTS: dict[str, tuple[list[int], dict[str, Floats], NodeLine]] = {
    "rank 2": ([7, 5], {"w": floats(5, 3)}, ("MatMul", "y", ["x", "w"], {})),
    "rank 3": ([2, 7, 5], {"w": floats(5, 3)}, ("MatMul", "y", ["x", "w"], {})),
    "rank 4": ([2, 1, 7, 5], {"w": floats(5, 3)}, ("MatMul", "y", ["x", "w"], {})),
    "gemm": ([7, 5], {"w": floats(5, 3), "b": floats(3)}, ("Gemm", "y", ["x", "w", "b"], {})),
    "gemm transposed": (
        [7, 5],
        {"w": floats(3, 5), "b": floats(3)},
        ("Gemm", "y", ["x", "w", "b"], {"trans_b": True}),
    ),
    "gemm scalar bias": (
        [7, 5],
        {"w": floats(5, 3), "b": np.float32([0.7])},
        ("Gemm", "y", ["x", "w", "b"], {}),
    ),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_the_float_result_keeps_its_bits(name: str) -> None:
    shape, constants, node = PRODUCTS[name]
    graph = graph_of({"x": shape}, constants, [node])
    converted = passes.matmul_to_conv(graph, prefer=2)
    assert len(convolutions(converted)) == 1
    for scale in (1e-3, 1.0, 1e6):
        x = floats(*shape, scale=scale)
        assert same_bits(qsim.run(graph, {"x": x})["y"], qsim.run(converted, {"x": x})["y"])


def test_non_finite_values_pass_as_in_the_product() -> None:
    x = floats(3, 4)
    x[0, 1], x[1, 2] = np.nan, np.inf
    a, b = (
        qsim.run(g, {"x": x})["y"] for g in (affine(), passes.matmul_to_conv(affine(), prefer=1))
    )
    np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
    np.testing.assert_array_equal(a[~np.isnan(a)], b[~np.isnan(b)])


def rank3(*shape: int) -> qsim.Graph:
    """A product whose left side is declared with this shape."""
    node: NodeLine = ("MatMul", "y", ["x", "w"], {})
    return graph_of({"x": shape}, {"w": floats(5, 3)}, [node])


def test_one_unknown_extent_of_rank_3_is_found_at_run_time() -> None:
    graph = passes.matmul_to_conv(rank3(-1, 7, 5), prefer=1)
    for batch in (1, 4):
        x = floats(batch, 7, 5)
        got = qsim.run(graph, {"x": x})["y"]
        assert same_bits(got, qsim.run(rank3(-1, 7, 5), {"x": x})["y"])


def test_two_unknown_extents_of_rank_3_are_refused() -> None:
    with pytest.raises(qsim.NotSupported, match=r'node "y".*rank 3.*static shapes'):
        passes.matmul_to_conv(rank3(-1, -1, 5), prefer=1)


# --- the other rewrites ---------------------------------------------------------------------------


def convolution_chain(*after: NodeLine, **constants: Floats) -> qsim.Graph:
    """conv = 3x3 convolution with bias, then other nodes."""
    own = {"w": floats(4, 2, 3, 3), "bias": floats(4, seed=1)}
    conv: NodeLine = ("Conv", "conv", ["x", "w", "bias"], {"kernel": [3, 3], "pads": [1, 1, 1, 1]})
    return graph_of({"x": [-1, 2, 6, 5]}, own | constants, [conv, *after])


NORM: dict[str, Any] = {
    "gamma": floats(4, seed=2),
    "beta": floats(4, seed=3),
    "mean": floats(4, seed=4),
    "var": np.abs(floats(4, seed=5)),
}


def test_batch_normalization_joins_its_convolution() -> None:
    line: NodeLine = ("BatchNormalization", "y", ["conv", *NORM], {"epsilon": 1e-3})
    graph = convolution_chain(line, **NORM)
    folded = passes.fold_batchnorm(graph)
    assert [(n["op"], n["outputs"]) for n in folded.nodes] == [("Conv", ["y"])]
    x = {"x": floats(2, 2, 6, 5)}
    factor = np.abs(NORM["gamma"] / np.sqrt(NORM["var"] + 1e-3)).max()
    largest = 18 * np.abs(x["x"]).max() * np.abs(graph.constants["w"]).max() * factor
    # 18 products and 18 sums, each within half an ulp of the largest sum, and 6 more steps.
    tolerance = (18 + 18 + 6) * 2.0**-24 * largest
    np.testing.assert_allclose(
        qsim.run(folded, x)["y"], qsim.run(graph, x)["y"], rtol=0, atol=tolerance
    )


@pytest.mark.parametrize(
    "line",
    [
        ("Relu", "y", ["conv"], {}),
        ("Clip", "y", ["conv"], {"low": 0.0, "high": 0.5}),
    ],
)
def test_relu_joins_its_convolution_bit_for_bit(line: NodeLine) -> None:
    graph = convolution_chain(line)
    fused = passes.fuse_relu(graph)
    assert [(n["op"], n["fused_relu"], n["outputs"]) for n in fused.nodes] == [
        ("Conv", True, ["y"])
    ]
    x = {"x": floats(2, 2, 6, 5)}
    assert same_bits(qsim.run(fused, x)["y"], qsim.run(graph, x)["y"])


def test_a_result_that_others_read_is_not_fused_away() -> None:
    graph = convolution_chain(("Relu", "r", ["conv"], {}), ("Add", "y", ["r", "conv"], {}))
    assert [n["op"] for n in passes.fuse_relu(graph).nodes] == ["Conv", "Relu", "Add"]
