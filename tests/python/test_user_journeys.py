"""What newcomers do first, and the mistakes that come with it: each is answered with a way out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import qsim
from qsim.calibration import load_batches
from qsim.cli import main
from qsim.selftest import selftest
from small_graphs import Floats, affine, floats, quantized

X64, ARM = "mnn-2.9.0.x64.avx2", "mnn-2.9.0.arm64.sdot"
X = floats(2, 4)


def save(
    path: Path,
    nodes: list[onnx.NodeProto],
    shapes: tuple[list[Any], list[Any]],
    weights: dict[str, Floats],
) -> Path:
    """A model from x to y."""
    (read, made) = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)]
        for name, shape in zip("xy", shapes, strict=True)
    )
    constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "net", read, made, constants),
        opset_imports=[helper.make_opsetid("", 17)],
    )
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


N = helper.make_node


def mobile(folder: Path) -> Path:
    """A strided convolution, a depthwise one and a pointwise one, with Relu6."""
    weights = {
        "w1": floats(8, 3, 3, 3, seed=1, scale=0.3),
        "b1": floats(8, seed=2, scale=0.1),
        "w2": floats(8, 1, 3, 3, seed=3, scale=0.5),
        "w3": floats(12, 8, 1, 1, seed=4, scale=0.5),
        "low": np.float32(0),
        "high": np.float32(6),
    }
    nodes = [
        N("Conv", ["x", "w1", "b1"], ["c1"], pads=[1] * 4, strides=[2, 2]),
        N("Clip", ["c1", "low", "high"], ["r1"]),
        N("Conv", ["r1", "w2"], ["c2"], pads=[1] * 4, group=8),
        N("Clip", ["c2", "low", "high"], ["r2"]),
        N("Conv", ["r2", "w3"], ["y"]),
    ]
    arrays = {name: np.asarray(value) for name, value in weights.items()}
    return save(folder / "mobile.onnx", nodes, (["n", 3, 12, 12], ["n", 12, 6, 6]), arrays)


def perceptron(folder: Path) -> Path:
    """Two Gemm with a Relu between them."""
    weights = {
        "w1": floats(16, 6, seed=5, scale=0.5),
        "b1": floats(16, seed=6, scale=0.1),
        "w2": floats(16, 4, seed=7, scale=0.3),
    }
    nodes = [
        N("Gemm", ["x", "w1", "b1"], ["g"], transB=1),
        N("Relu", ["g"], ["r"]),
        N("Gemm", ["r", "w2"], ["y"]),
    ]
    return save(folder / "mlp.onnx", nodes, (["n", 6], ["n", 4]), weights)


def line(folder: Path) -> Path:
    """Two convolutions over time."""
    weights = {"w1": floats(8, 4, 5, seed=8, scale=0.3), "w2": floats(6, 8, 3, seed=9, scale=0.3)}
    nodes = [
        N("Conv", ["x", "w1"], ["c"], pads=[2, 2]),
        N("Relu", ["c"], ["r"]),
        N("Conv", ["r", "w2"], ["y"], strides=[2]),
    ]
    return save(folder / "line.onnx", nodes, (["n", 4, 40], ["n", 6, 19]), weights)


NETWORKS: list[tuple[Callable[[Path], Path], tuple[int, ...], int]] = [
    (mobile, (4, 3, 12, 12), 3),
    (perceptron, (16, 6), 2),
    (line, (4, 4, 40), 2),
]


def sqnr(reference: Floats, value: Floats) -> float:
    """Signal to quantization noise in dB."""
    noise = np.sum((reference.astype(np.float64) - value) ** 2)
    return float(10 * np.log10(np.sum(reference.astype(np.float64) ** 2) / noise))


@pytest.mark.parametrize(("build", "shape", "convolutions"), NETWORKS)
def test_int8_comes_close_to_float_on_data_like_the_calibration(
    tmp_path: Path, build: Callable[[Path], Path], shape: tuple[int, ...], convolutions: int
) -> None:
    network = qsim.load(build(tmp_path))
    batches = [{"x": floats(*shape, seed=20)} for _ in range(3)]
    graph = qsim.passes.matmul_to_conv(network, max_consumers=100)
    found = qsim.calibrate(graph, batches, progress=False)
    assert len(found.ranges) == convolutions
    int8 = qsim.quantize_model(graph, found)
    expected = qsim.run(network, batches[0]).outputs["y"]
    outputs = {}
    for profile in (X64, "mnn-2.9.0.x64.avx512vnni", ARM, "ieee.fp32"):
        trace = qsim.run(int8, batches[0], profile)
        assert any(node["integer"] for node in trace.nodes) == profile.startswith("mnn")
        outputs[profile] = trace.outputs["y"]
        assert 28 < sqnr(expected, outputs[profile]) < 60, profile
    only_weights = sqnr(expected, outputs["ieee.fp32"])
    assert only_weights > sqnr(expected, outputs[X64])
    assert sqnr(outputs[X64], outputs[ARM] + np.float32(1e-12)) > 40


# --- mistakes -------------------------------------------------------------------------------------


def test_other_kinds_of_arguments_are_told_in_a_line() -> None:
    graph, trace = affine(), qsim.run(affine(), {"x": X})
    wrong: list[tuple[Callable[[], object], str]] = [
        (lambda: qsim.run("net.onnx", {"x": X}), "graph: expected a Graph, got str; qsim.load"),
        (lambda: qsim.trace_nonfinite(None, {"x": X}), "graph: expected a Graph, got NoneType"),
        (lambda: qsim.run(graph, X), "inputs: expected a dictionary of arrays"),
        (lambda: qsim.calibrate("net.onnx", [{"x": X}]), "graph: expected a Graph, got str"),
        (lambda: qsim.calibrate(graph, {"x": X}), "batches: expected a list of dictionaries"),
        (lambda: qsim.calibrate(graph, X), "batches: expected a dictionary of arrays"),
        (lambda: qsim.quantize_model(graph, None), "calibration: expected a Calibration, got None"),
        (lambda: qsim.compare(trace, 3), "b: expected a Trace, got int; qsim.run gives one"),
        (lambda: qsim.passes.fuse_relu("net"), "graph: expected a Graph, got str"),
        (lambda: qsim.passes.matmul_to_conv(None, prefer=1), "graph: expected a Graph, got None"),
    ]  # type: ignore[arg-type, unused-ignore]
    for call, words in wrong:
        with pytest.raises(TypeError, match=f"^{re.escape(words)}") as caught:
            call()
        assert len(str(caught.value)) < 150


def test_nothing_in_common_is_not_equal() -> None:
    trace = qsim.run(affine(), {"x": X})
    for other in (qsim.run(affine(), {"x": X[:1]}), qsim.run(affine(5), {"x": floats(2, 5)})):
        with pytest.raises(ValueError, match=r"^compare: expected tensors .* got none; run the"):
            qsim.compare(trace, other)


def test_the_host_is_checked_by_every_recipe() -> None:
    for recipe in ("mnn.ema", "qsim.ema"):
        with pytest.raises(ValueError, match='host: expected x64 or ieee, got "arm64"'):
            qsim.calibrate(affine(), [{"x": X}], recipe=recipe, host="arm64", progress=False)


def test_a_quantized_graph_is_not_calibrated_again() -> None:
    graph = quantized(qsim.passes.matmul_to_conv(affine(), prefer=1), [{"x": X}])
    with pytest.raises(ValueError, match=r"^graph: expected a float network, got a quantized one"):
        qsim.calibrate(graph, [{"x": X}], progress=False)


def test_exactly_one_limit_is_asked_for() -> None:
    with pytest.raises(ValueError, match=r"exactly one of max_consumers and prefer, got none"):
        qsim.passes.matmul_to_conv(affine())
    with pytest.raises(ValueError, match=r"exactly one of max_consumers and prefer, got both"):
        qsim.passes.matmul_to_conv(affine(), max_consumers=1, prefer=1)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (X, 'expected shape [batches, any, 4], got [2, 4]; array[None] makes one batch of it'),
        (X[0], "expected shape [batches, any, 4], got [4]; reshape it"),
        (np.float32(1), "expected shape [batches, any, 4], got []; reshape it"),
        (X[None].astype(float), "expected float32, got float64; save it with .astype(np.float32)"),
        ((X[None] * 9).astype(np.uint8), "expected float32, got uint8; save it with"),
    ],
)
def test_files_of_another_shape_or_dtype_are_told_with_their_name(
    tmp_path: Path, value: Any, words: str
) -> None:
    np.savez(tmp_path / "c.npz", x=value, labels=np.arange(3))
    np.save(tmp_path / "c.npy", value)
    for name in ("c.npz", "c.npy"):
        with pytest.raises((ValueError, TypeError), match=re.escape(f'{name}: "x": {words}')):
            load_batches(tmp_path / name, affine())


def test_arrays_that_are_no_inputs_are_ignored_in_files(tmp_path: Path) -> None:
    np.savez(tmp_path / "c.npz", x=floats(3, 2, 4), labels=np.arange(3))
    assert [sorted(batch) for batch in load_batches(tmp_path / "c.npz", affine())] == [["x"]] * 3


def test_part_of_a_name_leads_to_the_profile() -> None:
    with pytest.raises(KeyError, match=r"'avx512' is not.*; close: mnn-2\.9\.0\.x64\.avx512, mnn"):
        qsim.profiles["avx512"]
    for name in ("zzzzz", ""):
        with pytest.raises(KeyError, match=r"is not in the catalogue; qsim\.profiles lists"):
            qsim.profiles[name]


def test_the_selftest_calls_what_it_left_out_skipped(capsys: pytest.CaptureFixture[str]) -> None:
    kernels = {kernel["name"]: kernel["runs_here"] for kernel in qsim.kernels()}
    for check in selftest():
        assert check.skipped == (not kernels.get(check.name, True))
    assert main(["selftest"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(row.startswith("skip") == ("left out" in row) for row in lines)


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Model, calibration and inputs as arguments."""
    for name in ("c.npz", "x.npz"):
        np.savez(tmp_path / name, x=floats(2, 16, 6, seed=30))
    model = str(perceptron(tmp_path))
    return [
        model,
        f"--calibration={tmp_path / 'c.npz'}",
        f"--inputs={tmp_path / 'x.npz'}",
        f"--json={tmp_path / 'out.json'}",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["compare", "--profile=ieee.fp32"], "--profile: expected exactly two, got 1; write"),
        (["compare", *["--profile=ieee.fp32"] * 2, "--worst=0"], "--worst: expected 1 or more"),
        (["compare", "--profile=ieee.fp32", "--profile=neon"], "profile 'neon' is not in"),
        (["trace", "--profile=avx2"], "close: mnn-2.9.0.x64.avx2"),
        (["trace", "--html=nowhere/r.html"], "expected a folder that exists; make it first"),
        (["trace", "--host=arm", "--profile=ieee.fp32"], "host: expected x64 or ieee"),
        (["trace", "--recipe=kl", "--profile=ieee.fp32"], "recipe: expected mnn.ema or qsim.ema"),
    ],
)
def test_bad_arguments_of_the_command_end_with_2_and_a_way_out(
    files: list[str], arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([arguments[0], *files, *arguments[1:]]) == 2
    told = capsys.readouterr()
    assert words in told.err
    assert len(told.err.splitlines()) == 1
    assert not told.out


def test_no_profile_of_that_name_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profiles", "cuda"]) == 2
    assert "got \"cuda\"; `qsim profiles` lists them all" in capsys.readouterr().err
    assert main(["profiles", "fixed"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_the_guarded_recipe_is_run_once(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", *files, "--recipe=qsim.ema", f"--profile={ARM}"]) == 0
    tables = json.loads((tmp_path / "out.json").read_text())["tables"]
    variants = [table["title"].rsplit(":", 1)[0] for table in tables]
    assert variants == ["float", "qsim.ema", "matmul_to_conv(100), qsim.ema"]
    assert [[row[0] for row in table["rows"]] for table in tables] == [[ARM]] * 3
    assert capsys.readouterr().out


def test_devices_that_agree_end_with_0(
    files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    pair = [f"--profile={ARM}", "--profile=mnn-2.9.0.arm64.neon.fixed"]
    assert main(["compare", *files, *pair]) == 0
    assert capsys.readouterr().out.splitlines()[-2].endswith("identical")


def test_attention_products_of_rank_3_are_converted(tmp_path: Path) -> None:
    """A MatMul behind other ops knows its leading extents from the model's own shapes."""
    rng = np.random.default_rng(5)
    weights = numpy_helper.from_array(rng.normal(size=(8, 8)).astype(np.float32), "w")
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("MatMul", ["r", "w"], ["q"]),
        helper.make_node("Softmax", ["q"], ["y"], axis=-1),
    ]
    for batch in (2, "batch"):
        value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 5, 8])
        out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 5, 8])
        model = helper.make_model(
            helper.make_graph(nodes, "attention", [value], [out], [weights]),
            opset_imports=[helper.make_opsetid("", 17)],
            ir_version=8,
        )
        path = tmp_path / "attention.onnx"
        path.write_bytes(model.SerializeToString())
        graph = qsim.passes.matmul_to_conv(qsim.load(path), max_consumers=4)
        assert any(node["name"] == "q__matmul_converted" for node in graph.nodes)
        x = rng.normal(size=(2, 5, 8)).astype(np.float32)
        plain = qsim.run(qsim.load(path), {"x": x}).outputs["y"]
        np.testing.assert_array_equal(qsim.run(graph, {"x": x}).outputs["y"], plain)
