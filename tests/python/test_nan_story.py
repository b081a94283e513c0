"""Every NaN has an origin with a cause; ops that hide it are named; the named fix removes it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import qsim
from mnn_models import SUFFIX, Feeds, batches, build, quantized
from mnn_vectors import PROFILES, Vectors

VECTORS = Vectors()
CASES = {case["id"].split(".", 1)[1]: case for case in VECTORS.cases("E")}
CONV = "gh" + SUFFIX
X86 = [name for target, name in PROFILES.items() if target.startswith("x86")]
ARM = [name for target, name in PROFILES.items() if target.startswith("arm")]
BELOW_ONE = float(np.nextafter(np.float32(1), np.float32(0)))

Node = tuple[str, str, list[str]]


@cache
def model(case: str, host: str) -> qsim.Graph:
    """A recorded model as a host quantizes it."""
    return quantized(VECTORS, CASES[case], host)


def feeds(case: str) -> Feeds:
    """The recorded inference inputs of a small model."""
    inputs = {name: VECTORS.input(CASES[case], f"infer_{name}") for name in "xh"}
    return {name: array for name, array in inputs.items() if array is not None}


def story(case: str, host: str, profile: str) -> qsim.NonfiniteReport:
    """The report on a small recorded model."""
    return qsim.trace_nonfinite(model(case, host), feeds(case), profile)


# --- recorded models ------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", X86 + ARM)
@pytest.mark.parametrize("host", ["x64", "ieee"])
@pytest.mark.parametrize("variant", ["control", "float_matmul"])
def test_a_healthy_model_has_no_origin(variant: str, host: str, profile: str) -> None:
    report = story(f"small.a.{variant}", host, profile)
    assert not report
    assert (report.origins, report.laundered, report.fixes, report.taint) == ((), (), (), {})
    assert report.paths == {"out": (), "th": ()}


@pytest.mark.parametrize("profile", X86 + ARM)
@pytest.mark.parametrize("host", ["x64", "ieee"])
@pytest.mark.parametrize(
    ("variant", "batch"), [("zero_first", 0), ("zero_always", 0), ("zero_last", 3)]
)
def test_a_zero_batch_is_the_only_origin(variant: str, batch: int, host: str, profile: str) -> None:
    report = story(f"small.a.{variant}", host, profile)
    (origin,) = report.origins
    assert (origin.node, origin.op, origin.tensor) == (CONV, "Conv", CONV)
    assert (origin.cause, origin.batch) == ("zero_range_scale", batch)
    assert (origin.element, origin.count) == (0, 8)
    assert [fix.kind for fix in report.fixes] == ["guard_zero_range"]
    chain = " / ".join(origin.words)
    assert f'calibration batch {batch}: "h", the input of {CONV}, was all zero' in chain
    assert "scale 0/254 = 0, zero point 0/0 = NaN" in chain
    assert "-nan" not in chain
    # x64 keeps a NaN input range while no later batch restarts it, and returns early at run time.
    is_blamed_on_input = host == "x64" and variant != "zero_first" and profile in X86
    assert origin.unspecified == is_blamed_on_input
    if is_blamed_on_input:
        assert origin.parameter.startswith("input scale of ")
        assert np.isnan(origin.value)
        assert "stored input scale is nan" in chain
        assert "memory that was never set (unspecified)" in chain
    else:
        assert origin.parameter == f'output scale of "{CONV}"'
        assert np.isposinf(origin.value) if host == "x64" else np.isnan(origin.value)
        assert f"stored output scale is {origin.value}" in chain
        assert f"a code q reads as (q - z) * {origin.value}" in chain


@pytest.mark.parametrize("profile", X86)
@pytest.mark.parametrize("host", ["x64", "ieee"])
def test_x86_functions_launder_nan_into_one(host: str, profile: str) -> None:
    """1 with an exact reciprocal; the reciprocal estimate of a CPU ends one ulp below."""
    report = story("small.a.zero_first", host, profile)
    events = {event.node: event for event in report.laundered}
    assert events.keys() == {"out", "th"}
    one = 1.0 if profile.endswith(".emulated") else BELOW_ONE
    for node, op in (("out", "Sigmoid"), ("th", "Tanh")):
        event = events[node]
        assert (event.op, event.tensor, event.kind) == (op, "sum", "op")
        assert (event.nan, event.inf, event.answers) == (8, 0, ((one, 8),))
        assert event.words == f"{op}(NaN) = {one:.9g} (8 times)"
        states = [(step.node, step.state) for step in report.path(node)]
        assert states[0] == (CONV, "nonfinite")
        assert states[-2:] == [("sum", "nonfinite"), (node, "laundered")]


@pytest.mark.parametrize("profile", ARM)
@pytest.mark.parametrize("host", ["x64", "ieee"])
@pytest.mark.parametrize("variant", ["zero_first", "zero_always", "zero_last"])
def test_on_arm_nan_reaches_the_outputs(variant: str, host: str, profile: str) -> None:
    report = story(f"small.a.{variant}", host, profile)
    assert report.laundered == ()
    for output in ("out", "th"):
        path = report.path(output)
        assert [step.tensor for step in path] == [CONV, "gh_row", "sum", output]
        assert {step.state for step in path} == {"nonfinite"}


def test_codes_behind_a_nan_scale_mean_nothing_although_their_values_are_known() -> None:
    graph = model("small.a.zero_first", "ieee")
    x86, arm = (qsim.run(graph, feeds("small.a.zero_first"), p) for p in (X86[0], ARM[0]))
    for name in (CONV, "gh_row"):
        assert x86.unspecified(name, codes=True).all()
        assert not x86.unspecified(name).any()
        assert np.isnan(x86[name]).all()
        assert not arm.unspecified(name, codes=True).any()
    row = next(r for r in qsim.compare(x86, arm).rows if r.tensor == CONV)
    assert row.identical
    assert row.max_lsb is None


@pytest.mark.parametrize("variant", ["zero_first", "zero_always", "zero_last"])
def test_the_named_fix_removes_every_nonfinite_value(variant: str) -> None:
    case = CASES[f"small.a.{variant}"]
    graph = build(VECTORS, case)
    (fix,) = story(f"small.a.{variant}", "ieee", ARM[0]).fixes
    repaired = fix.apply(graph, batches(VECTORS, case, graph))
    x = feeds(f"small.a.{variant}")
    for profile in X86 + ARM:
        for inputs in (x, x | {"h": np.zeros_like(x["h"])}):
            report = qsim.trace_nonfinite(repaired, inputs, profile)
            assert not report, f"{profile}: {report}"
            assert qsim.run(repaired, inputs, profile).nonfinite == 0


@pytest.mark.parametrize(
    ("host", "profile", "hidden"),
    [
        ("x64", X86[0], {"gh00", "gh10", "gh20"}),  # laundered states look healthy to the others
        ("ieee", ARM[0], {"gh00", "gh01", "gh10", "gh11", "gh20", "gh21"}),
    ],
)
def test_a_zero_first_state_breaks_the_recurrent_products(
    host: str, profile: str, hidden: set[str]
) -> None:
    case = CASES["gru.a.zero_state"]
    data = {f"x{frame}": VECTORS.input(case, f"infer_x{frame}")[0] for frame in range(2)}
    data |= {f"h{k}": np.zeros((1, 16), np.float32) for k in range(3)}
    report = qsim.trace_nonfinite(model("gru.a.zero_state", host), data, profile)
    assert {origin.node for origin in report.origins} == {name + SUFFIX for name in hidden}
    assert {origin.cause for origin in report.origins} <= {"zero_range_scale"}
    graph = build(VECTORS, case)
    (fix,) = report.fixes
    repaired = fix.apply(graph, batches(VECTORS, case, graph))
    for name in X86 + ARM:
        assert not qsim.trace_nonfinite(repaired, data, name)


# --- cause classes --------------------------------------------------------------------------------


def network(
    inputs: dict[str, list[int]],
    nodes: list[Node],
    constants: dict[str, npt.ArrayLike] | None = None,
    **attributes: Any,
) -> qsim.Graph:
    """A graph of (op, name, inputs) nodes; the last one is the output and has the attributes."""
    graph = qsim.Graph()
    for name, shape in inputs.items():
        graph.add_input(name, shape)
    for name, value in (constants or {}).items():
        graph.add_constant(name, np.asarray(value, np.float32))
    for op, name, operands in nodes:
        is_last = name == nodes[-1][1]
        graph.add_node(op, name, operands, [name], attributes if is_last else {})
    graph.mark_output(nodes[-1][1])
    graph.validate()
    return graph


def explain(
    graph: qsim.Graph, profile: str | None, **inputs: npt.ArrayLike
) -> tuple[qsim.NonfiniteReport, dict[str, str]]:
    """The report, and the cause by node (by tensor for an input)."""
    arrays = {name: np.asarray(value, np.float32) for name, value in inputs.items()}
    report = qsim.trace_nonfinite(graph, arrays, profile)
    return report, {origin.node or origin.tensor: origin.cause for origin in report.origins}


PAIR = {"a": [4], "b": [4]}
SQUARE: Node = ("Mul", "square", ["a", "a"])  # overflows at element 2 of HUGE
HUGE = [1, 2, 3e38, 4]
FLOATS = [None, "ieee.fp32", X86[1], ARM[0]]


@pytest.mark.parametrize("profile", FLOATS)
@pytest.mark.parametrize(
    ("op", "a", "b", "cause", "words"),
    [
        ("Div", [1, 2, 3, 4], [1, 1, 0, 1], "division_by_zero", "Div of 3 and 0 answered inf"),
        ("Div", [1, 2, 0, 4], [1, 1, 0, 1], "zero_by_zero", "Div of 0 and 0 answered nan"),
        ("Mul", HUGE, [1, 1, 2, 1], "overflow_fp32", "exceeds the range of float32"),
    ],
)
def test_a_cause_in_one_operation(
    op: str, a: list[float], b: list[float], cause: str, words: str, profile: str | None
) -> None:
    report, causes = explain(network(PAIR, [(op, "y", ["a", "b"])]), profile, a=a, b=b)
    assert causes == {"y": cause}
    (origin,) = report.origins
    assert (origin.element, origin.count, origin.batch) == (2, 1, -1)
    assert words in origin.words[0]
    assert [step.state for step in report.path("y")] == ["nonfinite"]


@pytest.mark.parametrize("profile", FLOATS)
@pytest.mark.parametrize(
    ("op", "operands", "cause"),
    [
        ("Mul", ["square", "b"], "zero_times_inf"),
        ("Sub", ["square", "square"], "inf_minus_inf"),
        ("Div", ["square", "square"], "inf_by_inf"),
    ],
)
def test_a_nan_made_of_infinities_is_an_origin_of_its_own(
    op: str, operands: list[str], cause: str, profile: str | None
) -> None:
    graph = network(PAIR, [SQUARE, (op, "y", operands)])
    report, causes = explain(graph, profile, a=HUGE, b=[1, 1, 0, 1])
    assert causes == {"square": "overflow_fp32", "y": cause}
    assert {fix.kind for fix in report.fixes} == {"rescale", "remove_infinity"}
    with pytest.raises(ValueError, match="cannot be applied automatically"):
        report.fixes[0].apply(graph, [])


def test_a_product_sum_over_infinity_times_zero() -> None:
    graph = network(
        {"a": [1, 2]}, [SQUARE, ("MatMul", "y", ["square", "w"])], {"w": [[1, 0], [0, 1]]}
    )
    _, causes = explain(graph, None, a=[[3e38, 1]])
    assert causes == {"square": "overflow_fp32", "y": "zero_times_inf"}


@pytest.mark.parametrize("profile", FLOATS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_nonfinite_weight_is_named(value: float, profile: str | None) -> None:
    graph = network({"a": [1, 2]}, [("MatMul", "y", ["a", "w"])], {"w": [[1, 2], [3, value]]})
    report, causes = explain(graph, profile, a=[[1, 2]])
    assert causes == {"y": "nonfinite_parameter"}
    (origin,) = report.origins
    assert (origin.parameter, origin.element, origin.count) == ("w", 1, 1)
    np.testing.assert_equal(origin.value, value)
    assert [fix.kind for fix in report.fixes] == ["repair_parameter"]


def test_only_half_storage_overflows_at_65504() -> None:
    graph = network(PAIR, [("Mul", "y", ["a", "b"])])
    report, causes = explain(graph, "ieee.fp16", a=[1, 2, 300, 4], b=[1, 1, 300, 1])
    assert causes == {"y": "overflow_fp16"}
    assert report.origins[0].element == 2
    assert [fix.kind for fix in report.fixes] == ["widen_storage"]
    assert explain(graph, "ieee.fp32", a=[1, 2, 300, 4], b=[1, 1, 300, 1])[1] == {}
    # What float32 cannot hold either is not the storage's fault.
    assert explain(graph, "ieee.fp16", a=HUGE, b=HUGE)[1] == {"y": "overflow_fp32"}


@pytest.mark.parametrize("profile", FLOATS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_nonfinite_input_is_the_callers(value: float, profile: str | None) -> None:
    graph = network(PAIR, [("Add", "y", ["a", "b"])])
    report, causes = explain(graph, profile, a=[1, value, 3, 4], b=[1, 1, 1, 1])
    assert causes == {"a": "nan_input"}
    (origin,) = report.origins
    assert (origin.node, origin.op, origin.element, origin.count) == ("", "input", 1, 1)
    assert [step.tensor for step in report.path("y")] == ["a", "y"]
    assert [fix.kind for fix in report.fixes] == ["clean_input"]


def test_memory_the_engine_never_wrote_is_an_origin() -> None:
    rng = np.random.default_rng(0)
    w = rng.normal(size=(8, 12, 2, 2))
    graph = network(
        {"a": [1, 12, 6, 6]}, [("Conv", "y", ["a", "w"])], {"w": w}, kernel=[2, 2], strides=[2, 2]
    )
    x = rng.normal(size=(1, 12, 6, 6)).astype(np.float32)
    int8 = qsim.quantize_model(graph, qsim.calibrate(graph, [{"a": x}], progress=False))
    report, causes = explain(int8, "mnn-2.9.0.arm64.neon", a=x)
    assert causes == {"y": "unwritten_memory"}
    (origin,) = report.origins
    assert origin.unspecified
    assert origin.parameter == ""
    unspecified = qsim.run(int8, {"a": x}, "mnn-2.9.0.arm64.neon").unspecified("y")
    assert origin.count == np.count_nonzero(unspecified) > 0
    assert explain(int8, "mnn-2.9.0.arm64.sdot", a=x)[1] == {}


@pytest.mark.parametrize("profile", [X86[0], ARM[0]])
def test_an_op_that_hands_on_codes_is_no_origin(profile: str) -> None:
    graph = network(
        {"a": [1, 4, 4, 4]},
        [("Conv", "conv", ["a", "w"]), ("MaxPool", "y", ["conv"])],
        {"w": np.ones((8, 4, 1, 1))},
        kernel=[2, 2],
        strides=[2, 2],
    )
    x = np.random.default_rng(0).normal(size=(1, 4, 4, 4)).astype(np.float32)
    calibration = qsim.calibrate(
        graph, [{"a": np.zeros_like(x)}, {"a": x}], recipe="mnn.ema", host="ieee", progress=False
    )
    int8 = qsim.quantize_model(graph, calibration)
    assert explain(int8, profile, a=x)[1] == {"conv": "zero_range_scale"}


# --- the report -----------------------------------------------------------------------------------


def test_a_shared_weight_behind_broken_copies_is_named() -> None:
    graph = network(
        {"a": [1, 4], "b": [1, 4]},
        [
            ("MatMul", "p", ["a", "w"]),
            ("MatMul", "q", ["b", "w"]),
            ("Add", "y", ["p", "q"]),
        ],
        {"w": np.eye(4)},
    )
    converted = qsim.passes.matmul_to_conv(graph, max_consumers=4)
    ones = np.ones((1, 4), np.float32)
    calibration = qsim.calibrate(
        converted,
        [{"a": ones, "b": 0 * ones}, {"a": ones, "b": ones}],
        recipe="mnn.ema",
        host="ieee",
        progress=False,
    )
    report, causes = explain(qsim.quantize_model(converted, calibration), ARM[0], a=ones, b=ones)
    assert causes == {"q" + SUFFIX: "zero_range_scale"}
    assert report.shared_constants == (("w", 2),)


def test_a_report_is_strict_json() -> None:
    report = story("small.a.zero_first", "ieee", X86[0])
    assert report
    assert "1 origins, 2 launderings" in repr(report)

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    data = json.loads(report.to_json(), parse_constant=refuse)
    assert data["schema"] == "qsim.nonfinite/1"
    assert data["origins"][0]["value"] == "nan"
    with pytest.raises(KeyError, match="output 'nope'; the graph has"):
        report.path("nope")
