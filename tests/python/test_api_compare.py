"""A comparison hides nothing: NaN, laundering and the first tensor that differs."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np
import pytest

import qsim
from small_graphs import affine, floats, graph_of, quantized

X64, ARM = "mnn-2.9.0.x64.avx2", "mnn-2.9.0.arm64.neon"


def ratio() -> qsim.Graph:
    """sum = x + c, then top = c / sum, then last = top * c."""
    return graph_of(
        {"x": [-1]},
        {"c": [-1.0, 2.0, 3.0]},
        [
            ("Add", "sum", ["x", "c"], {}),
            ("Div", "top", ["c", "sum"], {}),
            ("Mul", "last", ["top", "c"], {}),
        ],
    )


def compared(a: list[float], b: list[float]) -> qsim.Comparison:
    """The same graph on two inputs."""
    traces = [qsim.run(ratio(), {"x": np.float32(x)}) for x in (a, b)]
    return qsim.compare(*traces)


FINITE = [2.0, 1.0, 1.0]
POISON = [1.0, 1.0, 1.0]  # 1 + -1 is the zero that top divides by


def refuse_constant(name: str) -> Any:
    """For json.loads: no NaN, Infinity or -Infinity."""
    raise AssertionError(f"{name} is not JSON")


def test_equal_runs_are_truthy_and_have_no_divergence() -> None:
    found = compared(FINITE, FINITE)
    assert found
    assert found.first_divergence() is None
    assert found.worst() == []
    assert [row.exact_match for row in found.rows] == [1.0, 1.0, 1.0]
    assert [row.sqnr_db for row in found.rows] == [math.inf] * 3
    assert [row.cosine for row in found.rows] == [1.0, 1.0, 1.0]


def test_nan_equals_nan() -> None:
    nan = [math.nan, 1.0, 1.0]
    found = compared(nan, nan)
    assert found
    assert found.rows[0].nonfinite_a == found.rows[0].nonfinite_b == 1
    assert found.rows[0].finite_mismatch == 0
    assert math.isnan(found.rows[0].cosine)


def test_non_finite_against_finite_is_the_first_divergence_even_behind_other_differences() -> None:
    found = compared(FINITE, POISON)
    assert not found
    assert [row.tensor for row in found.rows] == ["sum", "top", "last"]
    assert not found.rows[0].identical
    first = found.first_divergence()
    assert first is not None
    assert (first.tensor, first.op) == ("top", "Div")
    assert (first.nonfinite_a, first.nonfinite_b, first.finite_mismatch) == (0, 1, 1)


def test_without_non_finite_values_the_first_different_bits_diverge() -> None:
    first = compared(FINITE, [2.0, 1.5, 1.0]).first_divergence()
    assert first is not None
    assert (first.tensor, first.equal, first.elements) == ("sum", 2, 3)
    assert first.max_abs == 0.5


def test_a_cosine_with_nan_is_nan_and_reported_as_such() -> None:
    found = compared(FINITE, POISON)
    row = found.rows[1]
    assert math.isnan(row.cosine)
    assert math.isnan(row.sqnr_db)
    assert math.isfinite(row.max_abs)
    assert "nan" in found.table()
    assert json.loads(found.to_json())["rows"][1]["cosine"] == "nan"


def test_the_worst_tensors_are_those_that_lost_finiteness_then_the_noisiest() -> None:
    found = compared(FINITE, POISON)
    assert [row.tensor for row in found.worst()] == ["top", "last", "sum"]
    assert [row.tensor for row in found.worst(1)] == ["top"]
    noisy = compared(FINITE, [2.0, 1.5, 1.0])
    worst = noisy.worst(3)
    assert [row.sqnr_db for row in worst] == sorted(row.sqnr_db for row in worst)


def test_json_is_strict_and_has_a_schema() -> None:
    found = compared(POISON, [math.inf, math.nan, 1.0])
    text = found.to_json()
    assert "NaN" not in text
    assert "Infinity" not in text
    data = json.loads(text, parse_constant=refuse_constant)
    assert data["schema"] == "qsim.comparison/1"
    assert [row["tensor"] for row in data["rows"]] == ["sum", "top", "last"]
    assert set(data["rows"][0]) == set(found.to_dict()["rows"][0])
    story = qsim.trace_nonfinite(ratio(), {"x": np.float32(POISON)})
    told = json.loads(story.to_json(), parse_constant=refuse_constant)
    assert told["schema"] == "qsim.nonfinite/1"
    assert told["origins"][0]["tensor"] == "top"


def test_codes_are_compared_by_lsb_and_floats_are_not() -> None:
    graph = quantized(
        qsim.passes.matmul_to_conv(affine(), prefer=1), [{"x": floats(6, 4, seed=3)}]
    )
    x = {"x": floats(9, 4, seed=4)}
    row = qsim.profiles[ARM]
    other = row.replace_fields({"epilogue.narrow.convert.ties": "floor"}, name="floor")
    found = qsim.compare(qsim.run(graph, x, row), qsim.run(graph, x, other))
    assert (found.profile_a, found.profile_b) == (ARM, "floor")
    first = found.first_divergence()
    assert first is not None
    assert first.tensor == "product__matmul_converted"
    assert first.integer
    assert first.max_lsb == 1
    by_name = {r.tensor: r for r in found.rows}
    assert by_name["y"].max_lsb is None


def test_a_quantized_graph_compares_with_its_float_form_by_name() -> None:
    plain = qsim.passes.matmul_to_conv(affine(), prefer=1)
    graph = quantized(plain, [{"x": floats(6, 4, seed=3)}])
    x = {"x": floats(6, 4, seed=3)}
    found = qsim.compare(qsim.run(plain, x), qsim.run(graph, x, X64))
    assert (found.profile_a, found.profile_b) == ("float", X64)
    row = next(r for r in found.rows if r.tensor == "y")
    assert 0.99 < row.cosine < 1
    assert row.max_lsb is None
    assert row.sqnr_db > 20


def test_a_comparison_tells_itself_in_one_line_and_a_table() -> None:
    found = compared(FINITE, POISON)
    assert re.match("<Comparison float vs float: 3 of 3.*, first at top>$", repr(found))
    lines = found.table().splitlines()
    assert len(lines) == 4
    assert all(name in line for name, line in zip(["sum", "top", "last"], lines[1:], strict=True))


def test_only_traces_are_compared() -> None:
    with pytest.raises(TypeError):
        qsim.compare(qsim.run(ratio(), {"x": np.float32(FINITE)}), None)  # type: ignore[arg-type]
