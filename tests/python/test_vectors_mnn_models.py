"""Whole models: calibration on both hosts and every tensor of every run equal MNN 2.9.0's."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import qsim
from mnn_models import HOSTS, batches, build, calibrate, quantized
from mnn_vectors import PROFILES, Vectors, mismatches
from qsim._core import calib

VECTORS = Vectors()
CASES = {case["id"]: case for case in VECTORS.cases("E")}
MAIN = [t for t in PROFILES if t != "x86-avx512" and not t.endswith("-emu")]
# Recorded only where they differ from the target they are a variant of.
BASE = {"x86-avx512": "x86-avx512vnni", "x86-sse-emu": "x86-sse", "x86-avx2-emu": "x86-avx2"}
COUNTS: Counter[tuple[str, str, str]] = Counter()  # model, target or host, quantity
Array = npt.NDArray[Any]


def model_of(case: dict[str, Any]) -> str:
    """The model of a case: "small" or "gru" (recurrent)."""
    return str(case["params"]["op"]).removeprefix("full_model_")


def check(case: dict[str, Any], where: str, quantity: str, got: Array, want: Array) -> None:
    """No element differs; counts what was compared."""
    wrong = mismatches(np.asarray(got).astype(want.dtype, copy=False).reshape(want.shape), want)
    assert wrong == 0, f"{case['id']} {where} {quantity}: {wrong} of {want.size} differ"
    COUNTS[model_of(case), where, quantity] += want.size


def expected(case: dict[str, Any], result: str, target: str) -> Array | None:
    """The record of `target`; of its base where a variant that was compared equals it."""
    want = VECTORS.expected(case, result, target)
    operators = model_of(case) == "gru" and ".ho" not in result  # main targets only
    if want is None and target in BASE and not operators:
        want = VECTORS.expected(case, result, BASE[target])
    return want


@cache
def float_graph(case_id: str) -> qsim.Graph:
    """The float model of a case."""
    return build(VECTORS, CASES[case_id])


@cache
def int8_graph(case_id: str, host: str) -> qsim.Graph:
    """The model as "x64" or "ieee" quantizes it."""
    return quantized(VECTORS, CASES[case_id], host)


# --- calibration ----------------------------------------------------------------------------------


def calibration_results(case: dict[str, Any], host: str) -> dict[str, list[Any]]:
    """All results of a calibration, in the shape of the record."""
    p = case["params"]
    order = p["quantized_convs"]
    graph = float_graph(case["id"])
    rule = calib.ema_rule(HOSTS[host])
    rows: defaultdict[str, list[Any]] = defaultdict(list)
    for outputs, state in calibrate(graph, batches(VECTORS, case, graph), HOSTS[host]):
        ranges = {r["node"]: (r["in"], r["out"]) for r in state.ranges}
        rows["running"].append([[*ranges[name][0], *ranges[name][1]] for name in order])
        for name, value in outputs.items():
            rows[f"calib_{name}"].append(value)
    int8 = qsim.quantize_model(graph, state)
    assert len(int8.describes) == len(p["describe_names"])
    for name in p["describe_names"]:
        d = int8.describes[name]
        rows["describes"].append([d["scale"], d["zero"], d["low"], d["high"]])
    readers = dict(zip(p["describe_names"][0::2], p["describe_names"][1::2], strict=True))
    for name in p["cast_names"]:
        ends = [np.asarray(end, np.float32) for end in ranges[readers.get(name, name)]]
        s = calib.stored(rule, *ends)
        rows["cast_scale"].append(s["cast_in_multiplier" if name in readers else "cast_out_scale"])
        d = int8.describes[name]
        rows["cast_zmm"].append([d["zero"], d["low"], d["high"]])
    for name in order:
        q = int8.quant(name)
        i, o = (int8.describes[n] for n in (conv_input(int8, name), name))
        scales = [q["scale_in"], q["scale_out"]]
        rows["scale_in_out"].append(scales)
        rows["stored_scale_in_out"].append(scales)
        rows["sym"].append([q["bits"], i["zero"], o["zero"], i["low"], i["high"], 0])
        packed = 0.0 not in scales
        rows["stored_amin_type_len"].append([0, 4, q["weights"].size] if packed else [-127, 0, 0])
        rows["wq"].extend(q["weights"].ravel())
        rows["alpha"].extend(q["alpha"])
        rows["bias"].extend(q["bias"])
    return rows


def conv_input(graph: qsim.Graph, name: str) -> str:
    """The tensor that a node reads first."""
    return str(next(n for n in graph.nodes if n["name"] == name)["inputs"][0])


@pytest.mark.parametrize("host", list(HOSTS))
@pytest.mark.parametrize("case_id", list(CASES))
def test_calibration_equals_the_engine(case_id: str, host: str) -> None:
    case = CASES[case_id]
    results = calibration_results(case, host)
    recorded = {r: w for r in case["outputs"] if (w := VECTORS.expected(case, r, host)) is not None}
    assert results.keys() == recorded.keys()
    for result, want in recorded.items():
        check(case, host, result, np.asarray(results[result]), want)


# --- runs -----------------------------------------------------------------------------------------


def operator(trace: qsim.Trace, name: str, type_: str) -> tuple[Array, Array]:
    """The result of the engine's operator `name` and which of its elements mean nothing."""
    if type_ == "FloatToInt8":
        node = name.removesuffix("_cast_0")
        codes = next(cast["codes"] for cast in trace.casts if cast["node"] == node)
        return codes, np.zeros(codes.shape, bool)
    codes = trace.codes(name)
    if codes is not None:
        return codes, trace.unspecified(name, codes=True)
    return trace[name], trace.unspecified(name)


def operators(case: dict[str, Any], run: str, trace: qsim.Trace) -> Iterator[tuple[Any, ...]]:
    """(name, type, kind, elements, unspecified) in the order of the record."""
    inputs = {node["name"]: node["inputs"] for node in trace.graph.nodes}
    constants = set(trace.graph.constants)
    int8_operands: dict[str, Iterator[str]] = {}
    for name, type_, kind, _ in case["runs"][run]["ops"]:
        if type_ != "Int8ToFloat":
            yield name, type_, kind, *operator(trace, name, type_)
            continue
        # A cast for each int8 operand of the operator behind it, in operand order.
        reader = name.rpartition("_cast_")[0]
        operands = int8_operands.setdefault(
            reader,
            iter([i for i in inputs[reader] if i not in constants and trace.codes(i) is not None]),
        )
        source = next(operands)
        yield name, type_, kind, trace[source], trace.unspecified(source)
    left = [name for operands in int8_operands.values() for name in operands]
    assert not left, f"{case['id']} {run}: int8 operands {left} without a recorded cast"


def unspecified_names(case: dict[str, Any], run: str, target: str) -> set[str]:
    """The operators (and "S,B of ...") of a run whose results mean nothing."""
    names = case.get("unspecified", {}).get(target, {})
    return {name.partition("|")[2] for name in names if name.partition("|")[0] == run}


def check_operators(
    case: dict[str, Any], run: str, target: str, trace: qsim.Trace, step: int
) -> None:
    """Every tensor of one run, and that exactly the recorded ones are unspecified."""
    unspecified = unspecified_names(case, run, target)
    want = {kind: expected(case, f"{run}.{kind}", target) for kind in ("i8", "f32")}
    at = Counter[str]()
    for name, type_, kind, got, unknown in operators(case, run, trace):
        assert unknown.all() == unknown.any() == (name in unspecified), f"{target} {run} {name}"
        record = want[kind]
        if record is None:
            continue
        part = record[step, at[kind] : at[kind] + got.size]
        at[kind] += got.size
        if name in unspecified:
            COUNTS[model_of(case), target, "unspecified"] += got.size
            continue
        label = f"{run} {name}"
        if kind == "f32":
            np.testing.assert_array_equal(np.isnan(got).ravel(), np.isnan(part), err_msg=label)
            COUNTS[model_of(case), target, "nan"] += int(np.isnan(part).sum())
        check(case, target, f"{kind} {type_}", got.reshape(-1), part)
    for kind, record in want.items():
        assert record is None or at[kind] == record.shape[1], f"{run}.{kind} was read in part"


def check_fused(case: dict[str, Any], run: str, target: str, trace: qsim.Trace) -> None:
    """Fused parameters, where the engine writes them."""
    unspecified = unspecified_names(case, run, target)
    nodes = {node["name"]: node for node in trace.nodes}
    fused = case["runs"][run].get("fused_order", [])
    assert fused == [node["name"] for node in trace.nodes if node["fused_scale"].size]
    for result, key in (("S", "fused_scale"), ("B", "fused_bias")):
        want = expected(case, f"{run}.{result}", target)
        at = 0
        for name in fused:
            got = nodes[name][key]
            assert nodes[name]["fused_written"] == (f"S,B of {name}" not in unspecified)
            if want is None:
                continue
            part = want[at : at + got.size]
            at += got.size
            if nodes[name]["fused_written"]:
                check(case, target, result, got, part)
        assert want is None or at == want.size


def graph_of(case: dict[str, Any], run: str) -> qsim.Graph:
    """The graph that a recorded run executes."""
    if run.startswith("float"):
        return float_graph(case["id"])
    return int8_graph(case["id"], "x64" if run.startswith("int8-x86-64") else "ieee")


@pytest.mark.parametrize("target", list(PROFILES))
@pytest.mark.parametrize("case_id", [c for c in CASES if model_of(CASES[c]) == "small"])
def test_every_tensor_of_the_small_model_equals_the_engine(case_id: str, target: str) -> None:
    case = CASES[case_id]
    x, h = (VECTORS.input(case, f"infer_{name}") for name in "xh")
    assert x is not None
    assert h is not None
    for run in case["runs"]:
        state = h if run.endswith("hrand") else np.zeros_like(h)
        trace = qsim.run(graph_of(case, run), {"x": x, "h": state}, PROFILES[target])
        check_operators(case, run, target, trace, 0)
        check_fused(case, run, target, trace)


@pytest.mark.parametrize("target", list(PROFILES))
@pytest.mark.parametrize("case_id", [c for c in CASES if model_of(CASES[c]) == "gru"])
def test_every_tensor_of_the_recurrent_model_equals_the_engine(case_id: str, target: str) -> None:
    """The initial state is zero; each step feeds its outputs back."""
    case = CASES[case_id]
    p = case["params"]
    frames = {name: VECTORS.input(case, f"infer_{name}") for name in ("x0", "x1")}
    for run in ("int8-x86-64", "int8-arm64", "float"):
        recorded = case["runs"].get(run, {"steps": []})["steps"]
        states = {f"h{k}": np.zeros((1, p["hidden"]), np.float32) for k in range(3)}
        outputs: defaultdict[str, list[Array]] = defaultdict(list)
        for step in range(p["inference_steps"]):
            feeds = {name: x[step] for name, x in frames.items()} | states
            trace = qsim.run(graph_of(case, run), feeds, PROFILES[target])
            for k in range(3):
                states[f"h{k}"] = trace[f"ho{k}"]
                outputs[f"ho{k}"].append(trace[f"ho{k}"])
            if step in recorded:
                check_operators(case, run, target, trace, recorded.index(step))
                check_fused(case, run, target, trace)
        for name, values in outputs.items():
            want = expected(case, f"{run}.{name}", target)
            assert want is not None
            check(case, target, f"{run.split('-')[0]} ho", np.asarray(values), want)


# --- the suite itself -----------------------------------------------------------------------------


@pytest.mark.parametrize("host", list(HOSTS))
def test_every_calibration_was_compared(host: str) -> None:
    """Guards the suite itself: a skipped quantity would pass in silence."""
    if not COUNTS:
        pytest.skip("runs after the vector tests of this module")
    floors = {"running": 744, "describes": 312, "scale_in_out": 78, "wq": 20736, "alpha": 1512}
    for quantity, floor in floors.items():
        assert COUNTS["small", host, quantity] + COUNTS["gru", host, quantity] == floor
    assert sum(COUNTS["gru", host, f"calib_ho{k}"] for k in range(3)) == 720
    assert COUNTS["small", host, "calib_out"] + COUNTS["small", host, "calib_th"] == 320


@pytest.mark.parametrize("target", list(PROFILES))
def test_every_target_was_compared(target: str) -> None:
    """Guards the suite itself: an empty record would pass in silence."""
    if not COUNTS:
        pytest.skip("runs after the vector tests of this module")
    arm = target.startswith("arm")
    floors = {
        "small": {"i8 Convolution": 288 if arm else 208, "f32 UnaryOp": 480 if arm else 416},
        "gru": {"int8 ho": 1440, "float ho": 720},
    }
    floors["small"] |= {"i8 FloatToInt8": 576, "f32 BinaryOp": 256, "f32 Int8ToFloat": 256}
    floors["small"] |= {"S": 208, "B": 208, "f32 Convolution": 144, "f32 MatMul": 48, "nan": 64}
    if target in MAIN:
        floors["gru"] |= {"i8 Convolution": 4320, "f32 BinaryOp": 7560, "f32 Int8ToFloat": 4320}
        floors["gru"] |= {"S": 4320, "B": 4320, "i8 FloatToInt8": 1224, "f32 UnaryOp": 2592}
    for model, quantities in floors.items():
        for quantity, floor in quantities.items():
            assert COUNTS[model, target, quantity] >= floor, f"{model} {target} {quantity}"
