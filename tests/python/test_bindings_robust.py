"""The extension refuses what it cannot compute: no argument may crash it or read beyond it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

from qsim import _core

X64 = next(p for p in _core.catalogue() if p.name == "mnn-2.9.0.x64.avx2")
ARM = next(p for p in _core.catalogue() if p.name == "mnn-2.9.0.arm64.neon")
INT_MAX = 2**31 - 1
INFO = np.array([[0.1, 0, -127, 127]] * 2, np.float32)


def real(*shape: int) -> np.ndarray:
    """Repeatable float32 noise."""
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def codes(*shape: int) -> np.ndarray:
    """Repeatable int8 noise."""
    return np.random.default_rng(2).integers(-128, 128, shape, dtype=np.int8)


def unary(op: str, shape: list[int], **attributes: Any) -> _core.Graph:
    """One node between input x and output y."""
    graph = _core.Graph()
    graph.add_input("x", shape)
    graph.add_node(op, "node", ["x"], ["y"], attributes)
    graph.mark_output("y")
    return graph


def conv(
    shape: list[int], weights: np.ndarray, bias: np.ndarray | None = None, **attributes: Any
) -> _core.Graph:
    """One convolution between input x and output y."""
    graph = _core.Graph()
    graph.add_input("x", shape)
    graph.add_constant("w", weights)
    if bias is not None:
        graph.add_constant("b", bias)
    inputs = ["x", "w"] + ([] if bias is None else ["b"])
    graph.add_node("Conv", "conv", inputs, ["y"], attributes)
    graph.mark_output("y")
    return graph


def calibrated(graph: _core.Graph, feeds: dict[str, np.ndarray]) -> _core.Calibration:
    """Ranges after one batch."""
    calibrator = _core.Calibrator(graph, "mnn.ema", "x64")
    calibrator.update(feeds)
    return calibrator.finalize()


WINDOWS: list[dict[str, Any]] = [
    {"strides": [0, 0], "auto_pad": "same_upper"},
    {"strides": [0, 0]},
    {"strides": [-1, 1], "auto_pad": "same_lower"},
    {"kernel": [-(2**31), 1]},
    {"kernel": [0, 1]},
    {"dilations": [0, 1]},
    {"strides": [INT_MAX, INT_MAX], "auto_pad": "same_upper"},
    {"pads": [2**63 - 1] * 4},
    {"pads": [INT_MAX, 0, INT_MAX, 0], "strides": [2**30, 1]},
    {"kernel": [65536, 65536], "pads": [32768] * 4},
    {"pads": [-1, 0, 0, 0]},
]


@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("profile", [None, X64], ids=["reference", "x64"])
def test_windows_that_no_int_can_walk_are_refused(
    window: dict[str, Any], profile: _core.Profile | None
) -> None:
    graph = unary("MaxPool", [1, 1, 4, 4], **window)
    with pytest.raises(ValueError, match=r"node|extent"):
        _core.run(graph, {"x": real(1, 1, 4, 4)}, profile)


def test_an_axis_is_sliced_once() -> None:
    twice = {"starts": [2, 2], "ends": [5, 5], "axes": [0, -1], "steps": [2, 2]}
    with pytest.raises(ValueError, match="axis 0 is sliced twice"):
        _core.run(unary("Slice", [5], **twice), {"x": real(5)})


def test_an_axis_is_squeezed_once() -> None:
    with pytest.raises(ValueError, match="axis -2 given twice"):
        _core.run(unary("Squeeze", [2, 1, 3], ints=[1, -2]), {"x": real(2, 1, 3)})


@pytest.mark.parametrize("sizes", [[7, -2], [2**63 - 1, 7], [-(2**63), 5]])
def test_split_sizes_lie_within_the_extent(sizes: list[int]) -> None:
    graph = _core.Graph()
    graph.add_input("x", [5])
    graph.add_node("Split", "split", ["x"], ["y", "z"], {"ints": sizes})
    graph.mark_output("y")
    with pytest.raises(ValueError, match="do not split extent 5"):
        _core.run(graph, {"x": real(5)})


@pytest.mark.parametrize("profile", _core.catalogue(), ids=lambda p: p.name)
@pytest.mark.parametrize("group", [1, 2, 4])
def test_an_empty_batch_runs_quantized(profile: _core.Profile, group: int) -> None:
    graph = conv([-1, 4, 5, 5], real(4, 4 // group, 3, 3), kernel=[3, 3], group=group)
    quantized = _core.quantize(graph, calibrated(graph, {"x": real(2, 4, 5, 5)}))
    trace = _core.run(quantized, {"x": real(0, 4, 5, 5)}, profile)
    assert trace.outputs["y"].shape == (0, 4, 3, 3)
    trace.trace_nonfinite()


@pytest.mark.parametrize("profile", [None, X64], ids=["reference", "x64"])
def test_products_over_nothing_are_zero(profile: _core.Profile | None) -> None:
    graph = _core.Graph()
    graph.add_input("a", [2, 0])
    graph.add_input("b", [0, 3])
    graph.add_node("MatMul", "product", ["a", "b"], ["y"])
    graph.mark_output("y")
    y = _core.run(graph, {"a": real(2, 0), "b": real(0, 3)}, profile).outputs["y"]
    np.testing.assert_array_equal(y, np.zeros((2, 3), np.float32))


@pytest.mark.parametrize("profile", [None, X64], ids=["reference", "x64"])
def test_a_pool_over_padding_alone_reads_nothing(profile: _core.Profile | None) -> None:
    graph = unary("AveragePool", [1, 2, -1, 3], kernel=[1, 1], pads=[1, 0, 1, 0])
    y = _core.run(graph, {"x": real(1, 2, 0, 3)}, profile).outputs["y"]
    np.testing.assert_array_equal(y, np.zeros((1, 2, 2, 3), np.float32))


def test_a_convolution_has_channels() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        _core.run(conv([1, 0, 5, 5], real(4, 0, 1, 1)), {"x": real(1, 0, 5, 5)})


def test_convolutions_that_cannot_be_quantized_are_left_or_refused() -> None:
    graph = _core.Graph()
    graph.add_input("x", [1, 3, 5, 5])
    graph.add_input("w", [4, 3, 1, 1])
    graph.add_node("Conv", "conv", ["x", "w"], ["y"])
    graph.mark_output("y")
    found = calibrated(graph, {"x": real(1, 3, 5, 5), "w": real(4, 3, 1, 1)})
    assert found.ranges == []
    for weights, bias in [(real(), None), (real(5), None), (real(4, 3, 1, 1), real(3))]:
        with pytest.raises(ValueError, match=r"do not fit|bias values"):
            calibrated(conv([1, 3, 5, 5], weights, bias), {"x": real(1, 3, 5, 5)})


def test_a_foreign_calibration_is_refused() -> None:
    found = calibrated(conv([1, 3, 5, 5], real(4, 3, 1, 1)), {"x": real(1, 3, 5, 5)})
    constant_input = _core.Graph()
    constant_input.add_constant("x", real(1, 3, 5, 5))
    constant_input.add_constant("w", real(4, 3, 1, 1))
    constant_input.add_node("Conv", "conv", ["x", "w"], ["y"])
    constant_input.mark_output("y")
    others = [
        constant_input,
        conv([1, 3, 5, 5], real()),
        conv([1, 3, 5, 5], real(5)),
        conv([1, 3, 5, 5], real(0, 3, 1, 1)),
        conv([1, 3, 5, 5], real(4, 3, 1, 1), real(3)),
    ]
    for other in others:
        with pytest.raises(ValueError, match="calibrate the graph that you quantize"):
            _core.quantize(other, found)


@pytest.mark.parametrize("op", ["Relu", "Identity", "GlobalAveragePool"])
def test_ops_on_constants_in_front_of_a_quantized_convolution(op: str) -> None:
    graph = _core.Graph()
    graph.add_constant("k", real(1, 3, 5, 5))
    graph.add_constant("w", real(4, 3, 1, 1))
    graph.add_node(op, "first", ["k"], ["x"])
    graph.add_node("Conv", "conv", ["x", "w"], ["y"])
    graph.mark_output("y")
    trace = _core.run(_core.quantize(graph, calibrated(graph, {})), {}, X64)
    expected = _core.run(graph, {}).outputs["y"]
    assert np.abs(trace.outputs["y"] - expected).max() < 0.2  # a few steps of the int8 grid
    assert all(c["codes"].shape == (1, 3, *expected.shape[2:]) for c in trace.casts)


def test_a_constant_may_be_an_output() -> None:
    graph = unary("Relu", [2])
    graph.add_constant("k", real(2))
    graph.mark_output("k")
    trace = _core.run(graph, {"x": real(2)})
    np.testing.assert_array_equal(trace.outputs["k"], real(2))
    trace.trace_nonfinite()
    update = _core.Calibrator(graph, "mnn.ema", "x64").update({"x": real(2)})
    np.testing.assert_array_equal(update["k"], real(2))


def test_a_tensor_that_nothing_makes_is_refused() -> None:
    graph = unary("Relu", [2])
    with pytest.raises(ValueError, match="has one output"):
        graph.add_node("Relu", "two", ["x"], ["z", "u"])
    with pytest.raises(ValueError, match="no node of the graph makes it"):
        _core.run(graph, {"x": real(2)})["z"]
    graph.mark_output("z")
    with pytest.raises(ValueError, match="no node makes it"):
        _core.run(graph, {"x": real(2)})


def test_batch_norms_fold_one_after_the_other() -> None:
    graph = _core.Graph()
    graph.add_input("x", [1, 3, 5, 5])
    graph.add_constant("w", real(4, 3, 1, 1))
    for name in "abcd":
        graph.add_constant(name, np.abs(real(4)) + 1)
    graph.add_node("Conv", "", ["x", "w"], ["y"])
    graph.add_node("BatchNormalization", "", ["y", *"abcd"], ["z"])
    graph.add_node("BatchNormalization", "", ["z", *"abcd"], ["u"])
    graph.mark_output("u")
    folded = _core.passes.fold_batchnorm(_core.passes.fold_batchnorm(graph))
    assert len(folded) == 1
    feeds = {"x": real(1, 3, 5, 5)}
    # Two foldings reorder three float32 roundings per weight.
    np.testing.assert_allclose(
        _core.run(folded, feeds).outputs["u"],
        _core.run(graph, feeds).outputs["u"],
        rtol=1e-5,
        atol=1e-5,
    )


@pytest.mark.parametrize(
    ("op", "left", "right"), [("MatMul", [6, 4], [8, 3]), ("Gemm", [2, 3, 4], [4, 3])]
)
def test_a_product_that_does_not_fit_is_not_made_to_fit(
    op: str, left: list[int], right: list[int]
) -> None:
    graph = _core.Graph()
    graph.add_input("x", left)
    graph.add_constant("w", real(*right))
    graph.add_node(op, "product", ["x", "w"], ["y"])
    graph.mark_output("y")
    converted = _core.passes.matmul_to_conv(graph, max_consumers=9)
    with pytest.raises(ValueError, match=r"cannot multiply|expects matrices"):
        _core.run(converted, {"x": real(*left)})


def test_a_batch_that_fails_leaves_no_range() -> None:
    def fresh() -> _core.Calibrator:
        graph = conv([-1, 3, -1, -1], real(4, 3, 1, 1))
        graph.add_constant("w2", real(4, 4, 3, 3))
        graph.add_node("Conv", "second", ["y", "w2"], ["z"], {"kernel": [3, 3]})
        graph.mark_output("z")
        return _core.Calibrator(graph, "mnn.ema", "x64")

    tried, clean = fresh(), fresh()
    with pytest.raises(ValueError, match="does not fit extent 1"):
        tried.update({"x": 9 * real(1, 3, 1, 1)})
    for calibrator in (tried, clean):
        calibrator.update({"x": real(1, 3, 5, 5)})
    assert tried.finalize().ranges == clean.finalize().ranges


def test_threads_may_share_a_calibrator() -> None:
    graph = conv([-1, 3, 8, 8], real(4, 3, 3, 3), kernel=[3, 3])
    calibrator = _core.Calibrator(graph, "mnn.ema", "x64")

    def work() -> None:
        for _ in range(10):
            calibrator.update({"x": real(1, 3, 8, 8)})

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calibrator.finalize().batches == 40


def conv2d(x: np.ndarray, w: np.ndarray, **options: Any) -> Any:
    """ops.conv2d with parameters of the right length."""
    n = w.shape[0]
    return _core.ops.conv2d(X64, x, w, real(n), real(n), INFO, **options)


REFUSED: dict[str, Callable[[], Any]] = {
    "no output channel": lambda: conv2d(codes(1, 3, 5, 5), codes(0, 3, 1, 1)),
    "no input channel": lambda: conv2d(codes(1, 0, 5, 5), codes(2, 0, 1, 1)),
    "dilation": lambda: conv2d(codes(1, 3, 5, 5), codes(2, 3, 3, 3), dilation=(INT_MAX, 1)),
    "pad": lambda: conv2d(codes(1, 3, 5, 5), codes(2, 3, 3, 3), pad=(INT_MAX, 1)),
    "pad and stride": lambda: conv2d(
        codes(1, 3, 5, 5), codes(2, 3, 3, 3), pad=(2**30, 1), stride=(2**30, 1)
    ),
    "pool stride": lambda: _core.ops.pool2d(
        X64, "max", codes(1, 1, 3, 3), (1, 1), (INT_MAX, 1), (0, 0), (3, 3)
    ),
    "pool pad": lambda: _core.ops.pool2d(
        X64, "max", codes(1, 1, 3, 3), (1, 1), (1, 1), (-(2**31), 0), (3, 3)
    ),
    "unary of nothing": lambda: _core.ops.unary(X64, cast(Any, "bogus"), real(0)),
    "float pad": lambda: _core.calib.float_convolution(
        X64, real(1, 1, 2, 2), real(1, 1, 1, 1), real(1), pad=INT_MAX
    ),
    "no bins": lambda: _core.calib.threshold(
        np.zeros(0, np.uint64), np.ones(1, np.float32), method="maximum"
    ),
    "NaN interval": lambda: _core.calib.threshold(
        np.ones(128, np.uint64), np.full(1, np.nan, np.float32)
    ),
    "negative interval": lambda: _core.calib.threshold(
        np.ones(128, np.uint64), np.full(1, -1, np.float32)
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_single_operations_refuse(name: str) -> None:
    with pytest.raises(ValueError, match=r"expected|fit"):
        REFUSED[name]()


def test_nothing_with_one_element_is_nothing() -> None:
    q = np.array([[0.1, 0, -127, 127]] * 3, np.float32)
    for a, b in [(codes(0), codes(1)), (codes(1), codes(0))]:
        made, unspecified = _core.ops.binary(X64, "add", a, b, q)
        assert made.shape == unspecified.shape == (0,)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0, 1e-45, 3e38, -1])
def test_any_stored_info_answers(value: float) -> None:
    q = np.full((3, 4), value, np.float32)
    channels = np.full(3, value, np.float32)
    for profile in (X64, ARM):
        _core.ops.conv2d(profile, codes(1, 3, 5, 5), codes(3, 3, 3, 3), channels, channels, q[:2])
        for op in ("add", "sub", "mul", "min", "max", "sqd"):
            _core.ops.binary(profile, op, codes(5), codes(5), q)
        for zero in (INT_MAX, -(2**31)):
            _core.ops.dequantize(profile, codes(5), value, zero)
            _core.ops.quantize(profile, real(5), value, zero, -(2**31), INT_MAX)
