"""TensorProto as an array: header checked first, data decoded when somebody reads it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto

from .onnx_file import ExternalData
from .onnx_report import MAX_ELEMENTS, MAX_RANK, Reporter, element_count, quoted, shape_text

FLOAT = TensorProto.FLOAT

# How the bytes of one element lie in raw_data, and which field holds them otherwise. Types that
# are not here can be neither weights nor shapes; only their names are needed.
_RAW: dict[int, np.dtype[Any]] = {
    TensorProto.FLOAT: np.dtype("<f4"),
    TensorProto.INT64: np.dtype("<i8"),
    TensorProto.INT32: np.dtype("<i4"),
    TensorProto.BOOL: np.dtype("?"),
}
_FIELD: dict[int, str] = {
    TensorProto.FLOAT: "float_data",
    TensorProto.INT64: "int64_data",
    TensorProto.INT32: "int32_data",
    TensorProto.BOOL: "int32_data",
}
_FIELDS = ("float_data", "int32_data", "string_data", "int64_data", "double_data", "uint64_data")


def type_name(code: int) -> str:
    """`float32` for TensorProto.FLOAT, and so on."""
    words = {"FLOAT": "float32", "DOUBLE": "float64", "UNDEFINED": "an undefined type"}
    for name, value in TensorProto.DataType.items():
        if value == code:
            return words.get(name, str(name).lower())
    return f"unknown type {code}"


@dataclass
class Constant:
    """A tensor with data: an initializer, or the output of a Constant node."""

    name: str
    type: int
    shape: tuple[int, ...]
    place: str  # how a message calls it
    proto: TensorProto | None = None
    values: npt.NDArray[Any] | None = None

    @property
    def type_name(self) -> str:
        """Its element type in words."""
        return type_name(self.type)

    @property
    def external(self) -> bool:
        """Whether its data lies in another file."""
        return self.proto is not None and self.proto.data_location == TensorProto.EXTERNAL

    @property
    def opaque(self) -> bool:
        """Whether it is of a type whose values qsim never reads."""
        return self.type not in _RAW


def header(proto: TensorProto, name: str, place: str, report: Reporter) -> Constant:
    """The tensor's type and shape, after checking that they can be backed by its data."""
    if len(proto.dims) > MAX_RANK:
        raise report.unsupported(
            f"{place}: expected at most {MAX_RANK} axes, got {len(proto.dims)}"
        )
    shape = tuple(int(d) for d in proto.dims)
    if any(d < 0 for d in shape):
        raise report.bad(f"{place}: expected extents of 0 or more, got {shape_text(shape)}")
    count = element_count(shape)
    if count is None:
        raise report.bad(f"{place}: expected at most {MAX_ELEMENTS} elements, got {list(shape)}")
    if proto.data_type not in TensorProto.DataType.values() or proto.data_type == 0:
        raise report.bad(f"{place}: expected an element type, got {type_name(proto.data_type)}")
    if proto.HasField("segment"):
        raise report.unsupported(f"{place}: data in segments; save it in one piece")
    constant = Constant(name, int(proto.data_type), shape, place, proto)
    if constant.external:
        if proto.HasField("raw_data") or any(len(getattr(proto, field)) for field in _FIELDS):
            raise report.bad(f"{place}: expected its data in one place, got it here and elsewhere")
    elif not constant.opaque:
        _check_length(proto, constant, count, report)
    return constant


def _check_length(proto: TensorProto, constant: Constant, count: int, report: Reporter) -> None:
    used = [field for field in _FIELDS if len(getattr(proto, field))]
    wanted = _FIELD[constant.type]
    if proto.HasField("raw_data"):
        if used:
            raise report.bad(f"{constant.place}: expected raw_data alone, got {used[0]} as well")
        got, need = len(proto.raw_data), count * _RAW[constant.type].itemsize
        unit = "bytes"
    else:
        if used not in ([], [wanted]):
            raise report.bad(
                f"{constant.place}: expected {constant.type_name} values in {wanted}, "
                f"got {', '.join(used)}"
            )
        got, need = len(getattr(proto, wanted)), count
        unit = "values"
    if got != need:
        raise report.bad(
            f"{constant.place}: expected {need} {unit} for shape {shape_text(constant.shape)}, "
            f"got {got}; the file is truncated or its shape is wrong"
        )


def array(constant: Constant, external: ExternalData, report: Reporter) -> npt.NDArray[Any]:
    """The tensor's values in native byte order; read-only, never larger than its data."""
    if constant.values is not None:
        return constant.values
    proto = constant.proto
    dtype = _RAW.get(constant.type)
    if proto is None or dtype is None:
        raise report.unsupported(
            f"{constant.place}: expected float32 weights or integer shapes, got "
            f"{constant.type_name}; convert the model to float32 first"
        )
    if constant.external:
        need = math.prod(constant.shape) * dtype.itemsize
        raw = external.read(constant.place, _entries(proto, constant.place, report), need)
    elif proto.HasField("raw_data"):
        raw = proto.raw_data
    else:
        values = np.array(getattr(proto, _FIELD[constant.type]), dtype=dtype.newbyteorder("="))
        constant.values = values.reshape(constant.shape)
        return constant.values
    values = np.frombuffer(raw, dtype=dtype).astype(dtype.newbyteorder("="), copy=False)
    constant.values = values.reshape(constant.shape)
    return constant.values


def _entries(proto: TensorProto, place: str, report: Reporter) -> dict[str, str]:
    """Keys of external_data; unknown ones are no concern of ours."""
    out: dict[str, str] = {}
    for entry in proto.external_data:
        key = report.text(entry.key, f"{place}: key of external data")
        if key in out:
            raise report.bad(f"{place}: external data: expected one {quoted(key)}, got two")
        out[key] = report.text(entry.value, f"{place}: external data {quoted(key)}")
    return out
