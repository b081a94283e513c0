"""The files of examples/digits_gru are what its README says they are."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="reads the example's .onnx with the onnx package")
from onnx import numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

FOLDER = Path(__file__).parents[2] / "examples" / "digits_gru"
HIDDEN = 32


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    return onnx.load(FOLDER / "digits_gru.onnx")


@pytest.fixture(scope="module")
def evaluator(model: onnx.ModelProto) -> ReferenceEvaluator:
    return ReferenceEvaluator(model)


@pytest.fixture(scope="module")
def held_out() -> dict[str, np.ndarray]:
    return dict(np.load(FOLDER / "test.npz"))


@pytest.fixture(scope="module")
def calibration() -> dict[str, np.ndarray]:
    return dict(np.load(FOLDER / "calibration.npz"))


@pytest.fixture
def gru(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The example's own network module, imported from its folder and forgotten afterwards."""
    monkeypatch.syspath_prepend(FOLDER)
    yield importlib.import_module("gru")
    sys.modules.pop("gru", None)


def run_stream(evaluator: ReferenceEvaluator, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (logits, h8) after both chunks of ``x`` [n, 2, 8, 8], from a zero state."""
    h = np.zeros((len(x), HIDDEN), np.float32)
    for chunk in range(x.shape[1]):
        logits, h = evaluator.run(None, {"x_chunk": x[:, chunk], "h0": h})
    return logits, h


def signature(values: list[onnx.ValueInfoProto]) -> dict[str, list[str | int]]:
    """Return name -> dimensions, a symbolic dimension by its name."""
    return {
        v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in values
    }


def test_model_passes_the_full_checker(model: onnx.ModelProto) -> None:
    onnx.checker.check_model(model, full_check=True)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)]
    assert model.ir_version == 8


def test_model_is_small() -> None:
    assert (FOLDER / "digits_gru.onnx").stat().st_size < 200_000


def test_inputs_and_outputs_have_a_symbolic_batch(model: onnx.ModelProto) -> None:
    inputs = {"x_chunk": ["batch", 8, 8], "h0": ["batch", HIDDEN]}
    outputs = {"logits": ["batch", 10], "h8": ["batch", HIDDEN]}
    assert signature(model.graph.input) == inputs
    assert signature(model.graph.output) == outputs


@pytest.mark.parametrize(("weight", "product"), [("W_hh", "gh"), ("W_xh", "gx")])
def test_all_eight_steps_share_one_weight(
    model: onnx.ModelProto, weight: str, product: str
) -> None:
    consumers = [n for n in model.graph.node if weight in n.input]
    assert [n.name for n in consumers] == [f"/step{t}/{product}" for t in range(8)]
    assert all(n.op_type == "MatMul" and n.input[1] == weight for n in consumers)
    assert sum(i.name == weight for i in model.graph.initializer) == 1


def test_no_other_matrix_product_than_the_shared_ones_and_the_gemm(
    model: onnx.ModelProto,
) -> None:
    ops = [n.op_type for n in model.graph.node]
    assert ops.count("MatMul") == 16
    assert ops.count("Gemm") == 1
    used = {"Add", "Gemm", "MatMul", "Mul", "Sigmoid", "Split", "Squeeze", "Sub", "Tanh"}
    assert set(ops) == used


def test_nodes_with_one_output_are_named_after_it(model: onnx.ModelProto) -> None:
    assert all(n.output[0] == n.name for n in model.graph.node if len(n.output) == 1)
    assert len({n.name for n in model.graph.node}) == len(model.graph.node)


def test_held_out_set_is_stratified(held_out: dict[str, np.ndarray]) -> None:
    x, labels = held_out["x"], held_out["labels"]
    assert (x.shape, x.dtype, labels.dtype) == ((360, 2, 8, 8), np.float32, np.int64)
    assert np.bincount(labels).tolist() == [36] * 10
    assert np.isin(x * 16, np.arange(17)).all()


def test_second_chunk_holds_the_columns_of_the_first(held_out: dict[str, np.ndarray]) -> None:
    np.testing.assert_array_equal(held_out["x"][:, 1], held_out["x"][:, 0].transpose(0, 2, 1))


def test_float_network_classifies_the_held_out_digits(
    evaluator: ReferenceEvaluator, held_out: dict[str, np.ndarray]
) -> None:
    logits, _ = run_stream(evaluator, held_out["x"])
    assert (logits.argmax(axis=1) == held_out["labels"]).mean() >= 0.95


def test_calibration_alternates_zero_and_carried_states(
    evaluator: ReferenceEvaluator, calibration: dict[str, np.ndarray]
) -> None:
    x, h0 = calibration["x_chunk"], calibration["h0"]
    assert (x.shape, x.dtype) == ((16, 16, 8, 8), np.float32)
    assert (h0.shape, h0.dtype) == ((16, 16, HIDDEN), np.float32)
    assert not h0[0::2].any()
    for step in range(0, len(x), 2):
        _, carried = evaluator.run(None, {"x_chunk": x[step], "h0": h0[step]})
        # A state lies in -1..1; eight float32 steps summed in another order stay within 1e-5.
        np.testing.assert_allclose(h0[step + 1], carried, rtol=0, atol=1e-5)


def test_zero_state_is_the_only_zero_range_in_the_calibration(
    evaluator: ReferenceEvaluator, calibration: dict[str, np.ndarray]
) -> None:
    for step, (x, h0) in enumerate(zip(*map(calibration.get, ("x_chunk", "h0")), strict=True)):
        tensors = evaluator.run(None, {"x_chunk": x, "h0": h0}, intermediate=True)
        floats = {k: v for k, v in tensors.items() if k and v.dtype == np.float32}
        zero = {k for k, v in floats.items() if v.size and not v.any()}
        assert zero == ({"h0", "/step0/gh"} if step % 2 == 0 else set())


def test_calibration_and_held_out_images_are_disjoint(
    calibration: dict[str, np.ndarray], held_out: dict[str, np.ndarray]
) -> None:
    used = {image.tobytes() for image in calibration["x_chunk"][0::2].reshape(-1, 8, 8)}
    assert len(used) == 128
    assert used.isdisjoint(image.tobytes() for image in held_out["x"][:, 0])


def test_training_network_computes_what_the_model_computes(
    gru: ModuleType,
    model: onnx.ModelProto,
    evaluator: ReferenceEvaluator,
    held_out: dict[str, np.ndarray],
) -> None:
    params = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    x = held_out["x"][:16]
    h, _ = gru.forward(params, x.reshape(16, 16, 8), np.zeros((16, HIDDEN), np.float32))
    logits, h8 = run_stream(evaluator, x)
    np.testing.assert_allclose(h, h8, rtol=0, atol=1e-5)
    np.testing.assert_allclose(gru.logits(params, h), logits, rtol=1e-4, atol=1e-4)


def test_training_gradients_match_central_differences(gru: ModuleType) -> None:
    rng = np.random.default_rng(0)
    params = {k: v.astype(np.float64) for k, v in gru.init_params(rng, 4).items()}
    x, labels = rng.random((3, 5, 8)), np.array([1, 7, 3])
    _, grads = gru.loss_and_grads(params, x, labels)
    step = 1e-5  # truncation about step**2, rounding about 1e-16 / step: both below 1e-9
    for name, value in params.items():
        index = tuple(rng.integers(0, extent) for extent in value.shape)
        middle = value[index]
        losses = []
        for sign in (1, -1):
            value[index] = middle + sign * step
            losses.append(gru.loss_and_grads(params, x, labels)[0])
        value[index] = middle
        slope = (losses[0] - losses[1]) / (2 * step)
        assert grads[name][index] == pytest.approx(slope, rel=1e-6, abs=1e-8), name
