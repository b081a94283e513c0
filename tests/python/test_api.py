"""What users give to `qsim` is accepted as it is or refused with the reason."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qsim
from qsim import _core, ops
from small_graphs import Floats, affine, floats, graph_of

DEVICE = "mnn-2.9.0.arm64.neon"


class OnlyArray:
    """Has `__array__` and nothing else."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """The array, as a tensor library would hand it out."""
        return self.value


class OnlyDlpack:
    """Has the DLPack protocol and nothing else."""

    def __init__(self, value: np.ndarray) -> None:
        self.value = value

    def __dlpack__(self, **options: Any) -> Any:
        """The capsule."""
        return self.value.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        """The processor."""
        return self.value.__dlpack_device__()


# --- dtypes ---------------------------------------------------------------------------------------

REFUSED = [np.float64, np.float16, np.int8, np.int32, np.int64, np.uint8, np.bool_, np.complex64]


@pytest.mark.parametrize("dtype", REFUSED)
def test_an_input_of_another_dtype_is_refused_with_the_way_out(dtype: type) -> None:
    name = np.dtype(dtype).name
    words = f"x: expected float32, got {name}; use .astype(np.float32) if you mean it"
    with pytest.raises(TypeError, match=f"^{re.escape(words)}$"):
        qsim.run(affine(), {"x": np.ones((2, 4), dtype)})


def test_values_that_a_cast_would_change_never_get_through() -> None:
    for value in (300.7, np.nan, -1e9):
        with pytest.raises(TypeError, match="q: expected int8, got float32"):
            ops.dequantize(qsim.profiles[DEVICE], np.float32([value]), 0.5, 0)


def test_the_other_byte_order_is_another_dtype() -> None:
    with pytest.raises(TypeError, match="expected float32, got >f4"):
        qsim.run(affine(), {"x": np.ones((2, 4), ">f4")})


@pytest.mark.parametrize("value", [[1.0], 3.0, "text", None])
def test_what_is_no_array_is_refused(value: Any) -> None:
    kind = type(value).__name__
    with pytest.raises(TypeError, match=f"^x: expected an array, got {kind}; use np.asarray"):
        qsim.run(affine(), {"x": value})


def test_every_door_checks_dtypes() -> None:
    wrong = np.ones((2, 4))
    graph = qsim.Graph()
    profile = qsim.profiles[DEVICE]
    doors = {
        "x": lambda: qsim.trace_nonfinite(affine(), {"x": wrong}),
        "c": lambda: graph.add_constant("c", wrong),
        "codes": lambda: _core.calib.fake_weights(_core.calib.ema_rule("x64"), wrong, wrong),
        "a": lambda: ops.binary(profile, "add", wrong, wrong, wrong),
        "lhs": lambda: _core.kernel_gemm("gemm_u8s8s32_sse41_madd_4x8", wrong, wrong),
    }
    for argument, call in doors.items():
        with pytest.raises(TypeError, match=rf"^{argument}: expected (float32|int8), got float64"):
            call()
    with pytest.raises(TypeError, match="x: expected float32, got float64"):
        qsim.calibrate(affine(), [{"x": wrong}], progress=False)


# --- names and shapes of feeds --------------------------------------------------------------------

X = np.ones((2, 4), np.float32)
BAD_FEEDS: list[tuple[dict[str, Floats], str]] = [
    ({}, 'feed "x": the input was not given'),
    ({"y": X}, 'feed "y": expected one of the inputs "x"'),
    ({"x": X, "extra": X}, 'feed "extra": expected one of the inputs "x"'),
    ({"x": X[:, :3]}, 'feed "x": expected shape [-1, 4] (-1: any), got [2, 3]'),
    ({"x": X[0]}, 'feed "x": expected shape [-1, 4] (-1: any), got [4]'),
]


@pytest.mark.parametrize("profile", [None, DEVICE])
@pytest.mark.parametrize(("feeds", "words"), BAD_FEEDS)
def test_missing_unknown_and_misshapen_feeds_are_named(
    feeds: Mapping[str, Floats], words: str, profile: str | None
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        qsim.run(affine(), feeds, profile)
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        qsim.calibrate(affine(), [feeds], progress=False)


def test_an_empty_batch_is_a_batch() -> None:
    assert qsim.run(affine(), {"x": X[:0]}, DEVICE)["y"].shape == (0, 4)


def test_a_scalar_stays_a_scalar() -> None:
    graph = graph_of({"x": []}, {"c": np.float32(2)}, [("Add", "y", ["x", "c"], {})])
    assert graph.constants["c"].shape == ()
    got = qsim.run(graph, {"x": np.array(3, np.float32)})["y"]
    assert (got.shape, got.item()) == ((), 5)


# --- arrays of any make ---------------------------------------------------------------------------


def views() -> dict[str, Floats]:
    """The same [3, 4] values in other memory."""
    value = floats(3, 4)
    wide = np.zeros((6, 12), np.float32)
    wide[::2, ::3] = value
    backwards = value[::-1, ::-1].copy()
    return {
        "contiguous": value,
        "fortran": np.asfortranarray(value),
        "transposed": value.T.copy().T,
        "strided": wide[::2, ::3],
        "negative strides": backwards[::-1, ::-1],
        "read-only": np.frombuffer(value.tobytes(), np.float32).reshape(3, 4),
        "unaligned": np.frombuffer(b"-" + value.tobytes(), np.float32, offset=1).reshape(3, 4),
    }


@pytest.mark.parametrize("profile", [None, DEVICE])
@pytest.mark.parametrize("name", views())
def test_views_of_any_layout_are_read_as_numpy_reads_them(name: str, profile: str | None) -> None:
    view, value = views()[name], views()["contiguous"]
    np.testing.assert_array_equal(view, value)
    before = view.copy()
    got = qsim.run(affine(), {"x": view}, profile)["y"]
    np.testing.assert_array_equal(got, qsim.run(affine(), {"x": value}, profile)["y"])
    np.testing.assert_array_equal(view, before)


def test_a_broadcast_view_is_read_in_full() -> None:
    view = np.broadcast_to(np.float32(2), (3, 4))
    np.testing.assert_array_equal(qsim.run(affine(), {"x": view})["x"], np.full((3, 4), 2))


@pytest.mark.parametrize("wrap", [OnlyArray, OnlyDlpack])
def test_objects_with_a_protocol_are_arrays(wrap: type) -> None:
    want = qsim.run(affine(), {"x": X}, DEVICE)["y"]
    np.testing.assert_array_equal(qsim.run(affine(), {"x": wrap(X)}, DEVICE)["y"], want)
    with pytest.raises(TypeError, match="x: expected float32, got float64"):
        qsim.run(affine(), {"x": wrap(X.astype(np.float64))}, DEVICE)
    graph = qsim.Graph()
    graph.add_constant("c", wrap(X))
    np.testing.assert_array_equal(graph.constants["c"], X)


@given(
    rows=st.integers(1, 4), step=st.integers(1, 3), start=st.integers(0, 2), flip=st.booleans()
)
@settings(max_examples=40, deadline=None)
def test_any_slice_is_read_as_its_copy(rows: int, step: int, start: int, flip: bool) -> None:
    view = floats(rows, 16)[:, start : start + 4 * step : step]
    view = view[:, ::-1] if flip else view
    got = qsim.run(affine(), {"x": view})["x"]
    np.testing.assert_array_equal(got.view(np.uint32), view.copy().view(np.uint32))


def test_results_are_the_callers_own() -> None:
    trace = qsim.run(affine(), {"x": X})
    trace["y"][...] = 7
    trace.outputs["y"][...] = 7
    assert not np.any(trace["y"] == 7)


# --- names ----------------------------------------------------------------------------------------


def test_an_unknown_profile_is_answered_with_close_ones() -> None:
    for call in (
        lambda: qsim.profiles["mnn-2.9.0.arm64.neno"],
        lambda: qsim.run(affine(), {"x": X}, "mnn-2.9.0.arm64.neno"),
        lambda: qsim.trace_nonfinite(affine(), {"x": X}, profile="mnn-2.9.0.arm64.neno"),
    ):
        with pytest.raises(KeyError, match=r"neno.*is not in the catalogue; close: mnn.*\.neon"):
            call()
    with pytest.raises(KeyError, match="is not in the catalogue"):
        qsim.profiles["something else"]


def test_a_profile_is_a_name_or_a_profile() -> None:
    with pytest.raises(TypeError, match="profile: expected a name or a Profile, got int"):
        qsim.run(affine(), {"x": X}, 3)  # type: ignore[arg-type]
    by_name = qsim.run(affine(), {"x": X}, DEVICE)
    by_row = qsim.run(affine(), {"x": X}, qsim.profiles[DEVICE])
    assert by_name.profile == by_row.profile == DEVICE
    assert qsim.run(affine(), {"x": X}).profile == ""


def test_an_unknown_tensor_is_answered_with_close_ones() -> None:
    trace = qsim.run(affine(), {"x": X})
    for read in (trace.__getitem__, trace.codes, trace.info, trace.unspecified):
        with pytest.raises(KeyError, match="nowhere"):
            read("nowhere")
    with pytest.raises(ValueError, match='"w" is a constant; read it from the graph'):
        trace["w"]


def test_an_unsupported_op_is_named_with_its_node() -> None:
    graph = qsim.Graph()
    graph.add_input("x", [2])
    with pytest.raises(qsim.NotSupported, match='node "n": op Einsum'):
        graph.add_node("Einsum", "n", ["x"], ["n"])
    assert issubclass(qsim.NotSupported, NotImplementedError)
    assert issubclass(qsim.BadFile, ValueError)


# --- profiles -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", qsim.profiles)
def test_a_profile_survives_pickling_copying_and_text(name: str) -> None:
    row = qsim.profiles[name]
    for other in (
        pickle.loads(pickle.dumps(row)),
        copy.deepcopy(row),
        copy.copy(row),
        qsim.Profile.from_text(row.to_text()),
    ):
        assert other == row
        assert hash(other) == hash(row)
        assert (other.name, other.evidence, other.digest) == (row.name, row.evidence, row.digest)
        assert other.fields() == row.fields()


def test_an_edited_profile_is_assumed_until_it_is_proved() -> None:
    row = qsim.profiles["mnn-2.9.0.x64.avx2"]
    other = row.replace_fields({"conv_fast.step0.overflow": "wrap"}, name="mine")
    assert (other.name, other.evidence) == ("mine", "assumed")
    assert other != row
    assert other.digest != row.digest
    assert pickle.loads(pickle.dumps(other)) == other
    assert row.replace_fields({}) == row


def test_a_profile_of_another_name_computes_the_same() -> None:
    row = qsim.profiles[DEVICE]
    twin = row.replace_fields({}, name="twin")
    assert twin.digest == row.digest
    a, b = (qsim.run(affine(), {"x": X}, p)["y"] for p in (row, twin))
    np.testing.assert_array_equal(a, b)


BAD_FIELDS = [
    ({"conv.overflow": "wrap"}, KeyError, "conv.overflow"),
    ({"conv.acc_overflow": "warp"}, ValueError, "expected one of wrap, saturate"),
    ({"conv.acc_bits": 1000}, ValueError, "conv.acc_bits"),
    ({"conv.acc_bits": 12.5}, ValueError, "conv.acc_bits"),
]


@pytest.mark.parametrize(("fields", "error", "words"), BAD_FIELDS)
def test_a_bad_field_of_a_profile_is_named(
    fields: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        qsim.profiles[DEVICE].replace_fields(fields)


# --- models ---------------------------------------------------------------------------------------

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits_gru"


def test_the_example_model_is_read_and_classifies() -> None:
    graph = qsim.load(EXAMPLE / "digits_gru.onnx")
    assert graph.input_shapes == {"x_chunk": [-1, 8, 8], "h0": [-1, 32]}
    assert graph.outputs == ["logits", "h8"]
    assert sum(node["op"] == "MatMul" for node in graph.nodes) == 16
    test = np.load(EXAMPLE / "test.npz")
    state = np.zeros((len(test["labels"]), 32), np.float32)
    for chunk in range(2):
        trace = qsim.run(graph, {"x_chunk": test["x"][:, chunk], "h0": state})
        state = trace["h8"]
    assert int(np.sum(trace["logits"].argmax(axis=1) == test["labels"])) == 351


def test_a_missing_or_foreign_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.onnx: no such file"):
        qsim.load(tmp_path / "gone.onnx")
    (tmp_path / "net.caffemodel").write_bytes(b"")
    with pytest.raises(qsim.NotSupported, match=r"expected an \.onnx file, got '\.caffemodel'"):
        qsim.load(tmp_path / "net.caffemodel")
