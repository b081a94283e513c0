"""The ONNX project's cases of casts and quantization operators, every output bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

import onnx_quant
from onnx_tensors import KINDS, Tensor, array, case, width
from qsim import formats

HERE = Path(__file__).parents[1] / "data" / "onnx-node"
CASTS = sorted(path.parent for path in HERE.glob("cast/*/model.onnx"))
QUANTS = sorted(path.parent for path in HERE.glob("quant/*/model.onnx"))


def differing(got: Tensor, wanted: Tensor) -> int:
    """Elements with another code; a wrong type or shape is all of them."""
    if got.kind != wanted.kind or got.shape != wanted.shape:
        return max(1, wanted.codes.size)
    return int((got.codes != wanted.codes).sum())


def test_every_case_is_here() -> None:
    assert (len(CASTS), len(QUANTS)) == (172, 45)


@pytest.mark.parametrize("folder", [*CASTS, *QUANTS], ids=lambda folder: folder.name)
def test_the_oracle_gives_every_bit(folder: Path) -> None:
    this = case(folder)
    got = onnx_quant.run(this.graph, this.inputs)
    assert sum(wanted.codes.size for wanted in this.outputs.values()) > 0
    assert {n: differing(got[n], wanted) for n, wanted in this.outputs.items()} == dict.fromkeys(
        this.outputs, 0
    )


# ---------------------------------------------------------------------------- casts by qsim.formats


def cast(x: Tensor, kind: str, attributes: onnx_quant.Attributes) -> Tensor:
    """Cast by the functions that users call; types that NumPy has by NumPy's own arrays."""
    options = {}
    if kind.startswith("float8"):
        options["saturate"] = bool(attributes.get("saturate", 1))
    if kind == "float8e8m0":
        mode = attributes.get("round_mode", b"up").decode()
        options["rounding"] = onnx_quant.ROUND_MODES[mode]
    bits = width(x.kind)
    stored = np.array(x.codes.tolist(), f"uint{max(8, bits)}")
    values = stored.view(np.float64) if x.kind == "float64" else formats.decode(stored, x.kind)
    if kind in formats.names():
        codes = formats.encode(values, kind, **options)
    elif kind == "float64":
        codes = values.astype(np.float64).view(np.uint64)
    else:
        codes = values.astype(kind).view(f"uint{width(kind)}")
    return Tensor(kind, array(codes.ravel().tolist(), x.shape))


@pytest.mark.parametrize("folder", CASTS, ids=lambda folder: folder.name)
def test_casts_by_formats_give_every_bit(folder: Path) -> None:
    this = case(folder)
    (node,) = this.graph.node
    (output,) = this.outputs.values()
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    target = this.inputs[node.input[1]].kind if node.op_type == "CastLike" else None
    first = this.inputs[node.input[0]]
    got = cast(first, target or KINDS[attributes["to"]], attributes)
    assert differing(got, output) == 0


@pytest.mark.parametrize("folder", CASTS, ids=lambda folder: folder.name)
def test_packed_bytes_are_those_of_the_files(folder: Path) -> None:
    """Of 8-bit, 4-bit and 2-bit tensors; wider ones have nothing to pack."""
    data = folder / "test_data_set_0"
    for path in sorted(data.glob("*.pb")):
        proto = onnx.load_tensor(path)
        kind = KINDS[proto.data_type]
        if kind not in formats.names() or width(kind) > 8 or not proto.raw_data:
            continue
        stored = np.frombuffer(proto.raw_data, np.uint8)
        codes = formats.unpack(stored, kind, int(np.prod(proto.dims)))
        assert formats.pack(codes, kind).tobytes() == proto.raw_data
