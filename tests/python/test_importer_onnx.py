"""A float32 ONNX model becomes the graph that the ONNX standard says it is."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx.external_data_helper import convert_model_to_external_data
from onnx.reference import ReferenceEvaluator

import qsim
from onnx_cases import CASES, Case
from onnx_models import Arrays, ints, load, model, node, run, whole
from qsim.importers import load_onnx

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits_gru"


def assert_within(got: np.ndarray, wanted: np.ndarray, ulps: int) -> None:
    """Equal, or within some units in the last place of the largest element."""
    assert got.dtype == np.float32
    assert got.shape == wanted.shape
    if ulps == 0:
        np.testing.assert_array_equal(got, wanted)
    else:
        room = ulps * np.spacing(np.abs(wanted).max(initial=0).astype(np.float32))
        np.testing.assert_allclose(got, wanted, rtol=0, atol=room)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_operator_computes_what_the_reference_evaluator_computes(case: Case) -> None:
    proto = model(case.nodes, case.shapes, case.outputs, case.constants, case.opset)
    feeds = {name: whole(*shape, seed=7) for name, shape in case.shapes.items()}
    got = run(load(proto), feeds)
    assert list(got) == list(case.outputs)
    wanted = dict(zip(case.outputs, ReferenceEvaluator(proto).run(None, feeds), strict=True))
    for name in case.outputs:
        assert_within(got[name], np.asarray(wanted[name]), case.ulps)


def test_open_clip_bounds_are_the_largest_finite_values() -> None:
    proto = model([node("Clip", "x", "y")], {"x": [3]})
    infinite = np.array([np.inf, -np.inf, np.nan], np.float32)
    top = np.finfo(np.float32).max
    wanted = np.array([top, -top, np.nan], np.float32)
    np.testing.assert_array_equal(run(load(proto), {"x": infinite})["y"], wanted)


# --- where the reference evaluator follows other rules than the standard's text -------------------


def average(x: np.ndarray, kernel: int, stride: int, begin: int, count: int) -> np.ndarray:
    """Means over [n, c, w] of what each window finds inside the input."""
    starts = [i * stride - begin for i in range(count)]
    parts = [x[:, :, max(s, 0) : max(s + kernel, 0)] for s in starts]
    return np.stack([p.sum(-1) / np.float32(p.shape[-1]) for p in parts], axis=-1)


@pytest.mark.parametrize(
    ("extent", "kernel", "stride", "begin", "count", "attributes"),
    [
        (8, 4, 3, 0, 3, {"ceil_mode": 1}),  # the last window is cut off by the end
        (8, 2, 3, 0, 3, {"ceil_mode": 1}),
        (7, 2, 3, 1, 3, {"ceil_mode": 1, "pads": [1, 1]}),  # a fourth would start on the padding
        (7, 4, 3, 2, 3, {"auto_pad": "SAME_LOWER"}),  # the odd pad goes to the front
        (7, 4, 3, 1, 3, {"auto_pad": "SAME_UPPER"}),
    ],
)
def test_pool_window_lies_where_the_standard_puts_it(
    extent: int, kernel: int, stride: int, begin: int, count: int, attributes: dict[str, object]
) -> None:
    pool = node("AveragePool", "x", "y", kernel_shape=[kernel], strides=[stride], **attributes)
    x = whole(2, 3, extent)
    got = run(load(model([pool], {"x": [2, 3, extent]})), {"x": x})["y"]
    np.testing.assert_array_equal(got, average(x, kernel, stride, begin, count))


def test_old_softmax_over_axes_of_extent_1_is_that_of_its_axis() -> None:
    x = {"x": whole(2, 3, 1, 1)}
    old = model([node("Softmax", "x", "y")], {"x": [2, 3, 1, 1]}, opset=10)  # axis 1 by default
    new = model([node("Softmax", "x", "y", axis=1)], {"x": [2, 3, 1, 1]}, opset=13)
    np.testing.assert_array_equal(run(load(old), x)["y"], run(load(new), x)["y"])


@pytest.mark.parametrize("opset", [7, 9])
def test_old_batch_normalization_is_that_of_opset_15(opset: int) -> None:
    constants = {"s": whole(3), "o": whole(3), "m": whole(3), "v": whole(3, low=1)}
    x = {"x": whole(2, 3, 4)}
    nodes = [node("BatchNormalization", "x s o m v", "y")]
    old, new = (model(nodes, {"x": [2, 3, 4]}, constants=constants, opset=o) for o in (opset, 15))
    np.testing.assert_array_equal(run(load(old), x)["y"], run(load(new), x)["y"])


# --- the example ----------------------------------------------------------------------------------


def test_example_computes_what_the_reference_evaluator_computes() -> None:
    path = EXAMPLE / "digits_gru.onnx"
    graph = load_onnx(path)
    assert graph.input_shapes == {"x_chunk": [-1, 8, 8], "h0": [-1, 32]}
    assert graph.outputs == ["logits", "h8"]
    images = np.load(EXAMPLE / "test.npz")["x"].astype(np.float32).reshape(-1, 8, 8)[:16]
    feeds = {"x_chunk": images, "h0": np.zeros((16, 32), np.float32)}
    got = run(graph, feeds)
    wanted_all = ReferenceEvaluator(str(path)).run(None, feeds)
    for name, wanted in zip(graph.outputs, wanted_all, strict=True):
        # 8 steps of sums of 40 products: below 1e-5 of the largest value
        np.testing.assert_allclose(got[name], wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


# --- names and structure --------------------------------------------------------------------------


def names(graph: qsim.Graph) -> list[str]:
    return [n["name"] for n in graph.nodes]


def test_unnamed_node_gets_the_name_of_its_first_output() -> None:
    named = node("Relu", "x", "a")
    named.name = "first"
    graph = load(model([named, node("Relu", "a", "y")], {"x": [2]}))
    assert names(graph) == ["first", "y"]


def test_nodes_may_share_a_name() -> None:
    nodes = [node("Relu", "x", "a"), node("Relu", "a", "y")]
    for made in nodes:
        made.name = "same"
    assert names(load(model(nodes, {"x": [2]}))) == ["same", "same"]


def test_constant_keeps_its_bits() -> None:
    bits = np.array([0x00000001, 0x80000000, 0x7F800000, 0x7FC00001, 0x3F800001], np.uint32)
    graph = load(model([node("Add", "x c", "y")], {"x": [5]}, constants={"c": bits.view("f4")}))
    np.testing.assert_array_equal(graph.constants["c"].view(np.uint32), bits)


def test_scalar_constant_stays_a_scalar() -> None:
    graph = load(model([node("Add", "x c", "y")], {"x": [5]}, constants={"c": np.float32(1)}))
    assert graph.constants["c"].shape == ()


def test_unused_constants_are_left_out() -> None:
    constants = {"c": whole(2), "half": whole(2).astype(np.float16), "s": ints(2)}
    nodes = [node("Add", "x c", "a"), node("Reshape", "a s", "y")]
    assert list(load(model(nodes, {"x": [2]}, constants=constants)).constants) == ["c"]


def test_identity_of_a_constant_is_read_as_the_constant() -> None:
    nodes = [node("Identity", "w", "t"), node("MatMul", "x w", "a"), node("MatMul", "a t", "y")]
    graph = load(model(nodes, {"x": [2, 3]}, constants={"w": whole(3, 3)}))
    assert [n["inputs"] for n in graph.nodes] == [["x", "w"], ["a", "w"]]


def test_input_with_an_initializer_is_a_constant() -> None:
    proto = model([node("Add", "x c", "y")], {"x": [2], "c": [2]}, constants={"c": whole(2)})
    proto.ir_version = 3  # where every initializer had to be an input as well
    graph = load(proto)
    assert graph.inputs == ["x"]
    assert list(graph.constants) == ["c"]


def test_open_extents_are_minus_one() -> None:
    proto = model([node("Relu", "x", "y")], {"x": ["batch", None, 3]})
    assert load(proto).input_shapes == {"x": [-1, -1, 3]}


def test_input_may_be_an_output() -> None:
    graph = load(model([node("Relu", "x", "y")], {"x": [2]}, ("y", "x")))
    assert run(graph, {"x": np.float32([-1, 1])})["x"].tolist() == [-1, 1]


def test_opset_6_is_read_where_the_definition_is_that_of_opset_7() -> None:
    proto = model([node("Relu", "x", "y")], {"x": [2]}, opset=6)
    assert names(load(proto)) == ["y"]


def test_the_onnx_domain_has_two_spellings() -> None:
    proto = model([node("Relu", "x", "y")], {"x": [2]})
    proto.opset_import[0].domain = "ai.onnx"
    assert names(load(proto)) == ["y"]


# --- external data --------------------------------------------------------------------------------


@pytest.mark.parametrize("one_file", [True, False])
def test_external_data_beside_the_model_is_read(tmp_path: Path, one_file: bool) -> None:
    constants = {"w": whole(64, 8), "b": whole(8), "s": ints(-1, 4)}
    nodes = [node("Gemm", "x w b", "a"), node("Reshape", "a s", "y")]
    proto = model(nodes, {"x": [2, 64]}, constants=constants)
    feeds = {"x": whole(2, 64)}
    wanted = run(load(proto), feeds)["y"]
    convert_model_to_external_data(proto, one_file, "data.bin" if one_file else None, 0)
    onnx.save(proto, tmp_path / "net.onnx")
    before = sorted(tmp_path.iterdir())
    got = run(load_onnx(tmp_path / "net.onnx"), feeds)["y"]
    np.testing.assert_array_equal(got, wanted)
    assert sorted(tmp_path.iterdir()) == before


def test_external_data_may_lie_in_a_folder_below(tmp_path: Path) -> None:
    weights = whole(4, 4)
    proto = model([node("MatMul", "x w", "y")], {"x": [2, 4]}, constants={"w": weights})
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": "./deep/w.bin", "offset": "8", "unheard-of": "x"}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "w.bin").write_bytes(bytes(8) + weights.tobytes())
    (tmp_path / "net.onnx").write_bytes(proto.SerializeToString())
    constants = load_onnx(str(tmp_path / "net.onnx")).constants
    np.testing.assert_array_equal(constants["w"], weights)


# --- size -----------------------------------------------------------------------------------------


def chain(count: int) -> onnx.ModelProto:
    """Node after node, each with a constant of its own."""
    nodes = [node("Add", f"t{i} c{i}", f"t{i + 1}") for i in range(count)]
    constants: Arrays = {f"c{i}": whole(4) for i in range(count)}
    return model(nodes, {"t0": ["n", 4]}, (f"t{count}",), constants)


def fan(count: int) -> onnx.ModelProto:
    """Nodes side by side that are joined at the end."""
    nodes = [node("Relu", "x", f"t{i}") for i in range(count - 1)]
    joined = helper.make_node("Concat", [f"t{i}" for i in range(count - 1)], ["y"], axis=0)
    return model([*nodes, joined], {"x": [2, 4]})


@pytest.mark.parametrize("shape", [chain, fan], ids=["chain", "fan"])
def test_a_thousand_nodes_load_within_a_second(shape: object) -> None:
    assert callable(shape)
    data = shape(1000).SerializeToString()
    seconds = []
    for _ in range(3):  # the machine may be busy once
        begin = time.perf_counter()
        graph = load_onnx(data)
        seconds.append(time.perf_counter() - begin)
    assert len(graph) == 1000
    assert min(seconds) < 1.0


def test_a_large_constant_node_is_not_looked_into_by_the_checks() -> None:
    tensor = numpy_helper.from_array(whole(64, 64))
    graph = load(model([node("Constant", "", "w", value=tensor), node("MatMul", "x w", "y")],
                       {"x": [2, 64]}))  # fmt: skip
    assert graph.constants["w"].shape == (64, 64)
