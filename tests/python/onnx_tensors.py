"""Tensors of ONNX files as codes, decoded from protobuf fields by this project's own rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from qsim.oracle import minifloat

FLOATS, INTEGERS = minifloat.FLOATS, minifloat.INTEGERS
# TensorProto.DataType; older versions of the package know fewer.
KINDS = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 10: "float16",
    11: "float64", 16: "bfloat16", 17: "float8e4m3fn", 18: "float8e4m3fnuz", 19: "float8e5m2",
    20: "float8e5m2fnuz", 21: "uint4", 22: "int4", 23: "float4e2m1", 24: "float8e8m0", 25: "uint2",
    26: "int2",
}


@dataclass(frozen=True)
class Tensor:
    """An element type's name and an array of codes (Python integers)."""

    kind: str
    codes: np.ndarray[Any, np.dtype[np.object_]]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.codes.shape

    def numbers(self) -> np.ndarray[Any, np.dtype[np.object_]]:
        """What the codes mean: fractions, zeros with a sign, infinities, NaN."""
        return each(lambda code: minifloat.decode(self.kind, code), self.codes)

    def integers(self) -> np.ndarray[Any, np.dtype[np.object_]]:
        return each(lambda code: minifloat.integer(self.kind, code), self.codes)


def each(function: Any, *arrays: Any) -> np.ndarray[Any, np.dtype[np.object_]]:
    """An array of function(element, ...), shapes broadcast."""
    parts = np.broadcast_arrays(*arrays)
    values = [function(*row) for row in zip(*(part.ravel() for part in parts), strict=True)]
    return array(values, parts[0].shape)


def array(values: Iterable[Any], shape: Iterable[int]) -> np.ndarray[Any, np.dtype[np.object_]]:
    listed = list(values)
    out = np.empty(len(listed), dtype=object)
    for at, value in enumerate(listed):
        out[at] = value
    return out.reshape(tuple(shape))


def width(kind: str) -> int:
    """Bits of a code."""
    if kind in INTEGERS:
        return INTEGERS[kind].bits
    f = FLOATS[kind]
    return f.exponent_bits + f.mantissa_bits + f.signed


def tensor(proto: onnx.TensorProto) -> Tensor:
    """The tensor that a message holds. Data of four kinds of field; bytes are little endian."""
    kind = KINDS[proto.data_type]
    bits, count = width(kind), prod(proto.dims)
    if proto.HasField("raw_data"):
        codes = minifloat.unpack(list(proto.raw_data), bits, count)
        assert len(proto.raw_data) == -(-count * bits // 8), proto.name
    elif kind == "float32":
        codes = np.array(list(proto.float_data), np.float32).view(np.uint32).tolist()
    elif kind == "float64":
        codes = np.array(list(proto.double_data), np.float64).view(np.uint64).tolist()
    else:  # a byte with several codes, or one code, signed integers as their values
        unit = max(bits, 8)
        data = b"".join((v % (1 << unit)).to_bytes(unit // 8, "little") for v in proto.int32_data)
        codes = minifloat.unpack(list(data), bits, count)
        assert len(data) == -(-count * bits // 8), proto.name
    assert len(codes) == count, proto.name
    return Tensor(kind, array(codes, proto.dims))


@dataclass(frozen=True)
class Case:
    """A model with inputs and outputs by name."""

    graph: onnx.GraphProto
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]


def case(folder: Path) -> Case:
    """The case in a folder of the ONNX backend tests."""
    graph = onnx.load(folder / "model.onnx").graph
    data = folder / "test_data_set_0"

    def read(direction: str, values: Iterable[onnx.ValueInfoProto]) -> dict[str, Tensor]:
        return {
            value.name: tensor(onnx.load_tensor(data / f"{direction}_{at}.pb"))
            for at, value in enumerate(values)
        }

    return Case(graph, read("input", graph.input), read("output", graph.output))
