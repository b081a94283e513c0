"""The operator cases that the ONNX project tests backends with."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import qsim
from onnx_models import Arrays, load, run
from qsim.importers.onnx_ops import OPERATORS

HERE = Path(__file__).parents[1] / "data" / "onnx-node"
SHARED = Path(os.environ.get("QSIM_SHARED", Path(__file__).parents[3] / "shared"))
ALL = SHARED / "data" / "onnx-node" / "float"

# Sound models of listed operators that are refused, and why.
REFUSED = {
    "test_BatchNorm2d_eval": "opset 6",
    "test_Linear": "opset 6",
    "test_add_int8": "expected float32",
    "test_clip_default_int8_inbounds": "expected float32",
    "test_clip_default_int8_max": "expected float32",
    "test_clip_default_int8_min": "expected float32",
    "test_div_int32_trunc": "expected float32",
    "test_maxpool_2d_uint8": "expected float32",
    "test_mul_int16": "expected float32",
    "test_sub_uint8": "expected float32",
}


def cases(folder: Path) -> list[Path]:
    """Folders of the cases whose operators are all listed."""
    found = []
    for path in sorted(folder.glob("*/model.onnx")):
        if all(n.op_type in OPERATORS for n in onnx.load(path).graph.node):
            found.append(path.parent)
    return found


def read(folder: Path) -> tuple[onnx.ModelProto, Arrays, Arrays]:
    """The model, its inputs and its outputs; shapes, lists and bounds become constants."""
    model = onnx.load(folder / "model.onnx")
    data = folder / "test_data_set_0"
    constant = {tensor.name for tensor in model.graph.initializer}
    bounds = {n for node in model.graph.node if node.op_type == "Clip" for n in node.input[1:]}
    feeds = {}
    for at, value in enumerate(v for v in model.graph.input if v.name not in constant):
        array = numpy_helper.to_array(onnx.load_tensor(data / f"input_{at}.pb"))
        listed = {n for node in model.graph.node for n in node.input[1:]}
        integer = array.dtype in (np.int64, np.int32) and value.name in listed
        if value.name in bounds or integer:
            model.graph.initializer.append(numpy_helper.from_array(array, value.name))
        else:
            feeds[value.name] = array
    outputs = {
        value.name: numpy_helper.to_array(onnx.load_tensor(data / f"output_{at}.pb"))
        for at, value in enumerate(model.graph.output)
    }
    return model, feeds, outputs


def check(folder: Path) -> None:
    """The outputs within the bounds of the origin: 1e-3 of the value and 1e-7."""
    model, feeds, wanted = read(folder)
    if folder.name in REFUSED:
        with pytest.raises(qsim.NotSupported, match=REFUSED[folder.name]):
            load(model)
        return
    got = run(load(model), feeds)
    assert list(got) == list(wanted)
    for name, value in wanted.items():
        assert got[name].shape == value.shape
        np.testing.assert_allclose(got[name], value, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("folder", cases(HERE), ids=lambda folder: folder.name)
def test_selected_case(folder: Path) -> None:
    check(folder)


@pytest.mark.skipif(not ALL.is_dir(), reason="needs the ONNX node cases; set QSIM_SHARED")
@pytest.mark.parametrize("folder", cases(ALL), ids=lambda folder: folder.name)
def test_case(folder: Path) -> None:
    check(folder)
