"""qsim.saturation_report counts overflows and bounds them by weights alone."""

from __future__ import annotations

import numpy as np
import pytest

import qsim
from small_graphs import floats, graph_of, quantized

AVX2, SSE, NEON = "ort-1.30.x64.avx2", "ort-1.30.x64.sse", "ort-1.30.arm64.neon"


def random_gemm(high: int) -> qsim.Operation:
    """64 deep, weights within [-high, high]."""
    rng = np.random.default_rng(1)
    a = rng.integers(0, 256, (4, 64)).astype(np.uint8)
    b = rng.integers(-high, high + 1, (64, 8)).astype(np.int8)
    return qsim.operation("gemm", a, b)


def test_counts_are_those_of_the_pairs_beyond_int16() -> None:
    operation = random_gemm(127)
    a, b = (x.astype(np.int64) for x in operation.operands)
    pairs = a[:, 0::2, None] * b[None, 0::2] + a[:, 1::2, None] * b[None, 1::2]
    beyond = ((pairs > 32767) | (pairs < -32768)).sum(axis=1)
    report = qsim.saturation_report(operation, AVX2)
    assert np.array_equal(report.counts[..., 0], beyond)
    assert beyond.any()
    assert np.array_equal(report.overflows, beyond)
    assert report.affected == np.count_nonzero(beyond)
    assert not report


@pytest.mark.parametrize(("high", "safe"), [(64, True), (65, False), (127, False)])
def test_weights_up_to_64_are_safe_for_any_input_on_avx2(high: int, safe: bool) -> None:
    operation = qsim.operation("gemm", np.zeros((1, 8), np.uint8), np.full((8, 3), high, np.int8))
    report = qsim.saturation_report(operation, AVX2)
    assert report.safe_magnitude == 64
    assert report.safe is safe
    assert report.affected == 0
    assert "|w| <= 64" in report.rule()


def test_the_bound_is_sharp() -> None:
    for high, overflows in ((64, 0), (65, 4)):
        operation = qsim.operation(
            "gemm", np.full((1, 8), 255, np.uint8), np.full((8, 1), high, np.int8)
        )
        assert qsim.saturation_report(operation, AVX2).overflows.sum() == overflows


def test_only_two_lowest_codes_wrap_on_neon() -> None:
    w = np.full((8, 64, 3, 3), -128, np.int8)
    x = np.full((1, 64, 3, 3), -128, np.int8)
    scales = {"x_scale": np.float32(1), "weight_scale": np.float32(1), "out_scale": np.float32(1)}
    report = qsim.saturation_report(qsim.operation("conv2d", x, w, **scales), NEON)
    assert report.safe_magnitude == 127
    assert not report.safe
    assert report.counts[..., 0].min() == 9 * 64 // 2
    narrow = qsim.saturation_report(qsim.operation("conv2d", x, w + np.int8(1), **scales), NEON)
    assert narrow.safe
    assert narrow.affected == 0


def test_exact_chains_have_no_bound() -> None:
    report = qsim.saturation_report(random_gemm(127), SSE)
    assert report
    assert report.safe_magnitude is None
    assert report.rule() == "no step of this chain can overflow"


def test_accumulators_that_saturate_are_counted() -> None:
    a = np.full((1, 4), 127, np.int8)
    operation = qsim.operation(
        "gemm", a, np.ascontiguousarray(a.T), initial=np.array([2**31 - 10], np.int32)
    )
    report = qsim.saturation_report(operation, "mnn-2.9.0.x64.avx512vnni")
    assert report.counts[0, 0].tolist() == [0, 0, 0, 1]


def test_a_graph_is_reported_by_node() -> None:
    graph = graph_of(
        {"x": [-1, 3, 6, 6]},
        {"w": floats(8, 3, 3, 3, seed=1), "v": floats(4, 8, 1, 1, seed=2)},
        [
            ("Conv", "first", ["x", "w"], {"kernel": [3, 3], "pads": [1, 1, 1, 1]}),
            ("Conv", "second", ["first", "v"], {"kernel": [1, 1]}),
        ],
    )
    feeds = {"x": floats(2, 3, 6, 6, seed=3)}
    graph = quantized(graph, [feeds])
    reports = qsim.saturation_report(graph, "mnn-2.9.0.arm64.neon", feeds)
    assert set(reports) == {n["name"] for n in graph.nodes if n["quantized"]}
    for report in reports.values():
        assert report.counts.shape[-1] == 4
        assert report.safe_magnitude == 127
        assert report.safe
        assert report.affected == 0


def test_other_operators_are_refused() -> None:
    operation = qsim.operation("requantize", np.zeros(3, np.int32), multiplier=1 << 30, shift=0)
    with pytest.raises(TypeError, match="subject: expected a gemm or conv2d"):
        qsim.saturation_report(operation, AVX2)
