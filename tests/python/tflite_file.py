"""Reads .tflite models with one subgraph: a flatbuffer reader without dependencies, for tests.

Table and field numbers are those of the public schema (schema.fbs, version 3).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

DTYPES = {
    0: np.float32, 1: np.float16, 2: np.int32, 3: np.uint8, 4: np.int64, 6: np.bool_, 7: np.int16,
    9: np.int8, 10: np.float64, 12: np.uint64, 15: np.uint32, 16: np.uint16,
}

PADDING = ("SAME", "VALID")
ACTIVATIONS = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")

# Operator code: name, number in the union of options, options as (name, field, format, default).
OPERATORS: dict[int, tuple[str, int, list[tuple[str, int, str, Any]]]] = {
    0: ("ADD", 11, [("activation", 0, "b", 0), ("pot_scale_int16", 1, "?", True)]),
    3: ("CONV_2D", 1, [
        ("padding", 0, "b", 0), ("stride_w", 1, "i", 0), ("stride_h", 2, "i", 0),
        ("activation", 3, "b", 0), ("dilation_w", 4, "i", 1), ("dilation_h", 5, "i", 1)]),
    34: ("PAD", 22, []),
    41: ("SUB", 28, [("activation", 0, "b", 0), ("pot_scale_int16", 1, "?", True)]),
    45: ("STRIDED_SLICE", 32, [
        ("begin_mask", 0, "i", 0), ("end_mask", 1, "i", 0), ("ellipsis_mask", 2, "i", 0),
        ("new_axis_mask", 3, "i", 0), ("shrink_axis_mask", 4, "i", 0), ("offset", 5, "?", False)]),
    67: ("TRANSPOSE_CONV", 49, [
        ("padding", 0, "b", 0), ("stride_w", 1, "i", 0), ("stride_h", 2, "i", 0),
        ("activation", 3, "b", 0)]),
    98: ("LEAKY_RELU", 75, [("alpha", 0, "f", 0.0)]),
    114: ("QUANTIZE", 89, []),
}
ENUMERATIONS = {"padding": PADDING, "activation": ACTIVATIONS}


class Malformed(ValueError):
    """The bytes are not a model that this reader reads."""


@dataclass(frozen=True)
class Tensor:
    """A tensor of the subgraph; `data` of constants only, scales per channel of `axis`."""

    name: str
    shape: tuple[int, ...]
    dtype: Any
    data: np.ndarray[Any, Any] | None
    scales: np.ndarray[Any, Any]
    zero_points: np.ndarray[Any, Any]
    axis: int

    @property
    def scale(self) -> float:
        """The one scale: a binary32 number."""
        (value,) = self.scales.tolist()
        return float(value)

    @property
    def zero_point(self) -> int:
        (value,) = self.zero_points.tolist()
        return int(value)


@dataclass(frozen=True)
class Operator:
    """One operator; an absent optional input is None."""

    name: str
    version: int
    options: dict[str, Any]
    inputs: list[Tensor | None]
    outputs: list[Tensor]


@dataclass(frozen=True)
class Model:
    """The subgraph; operators in execution order."""

    operators: list[Operator]
    inputs: list[Tensor]
    outputs: list[Tensor]


class _Bytes:
    """Little-endian reads that never leave the buffer."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, layout: str, at: int) -> Any:
        try:
            return struct.unpack_from("<" + layout, self.data, at)[0]
        except struct.error as error:
            raise Malformed(f"offset {at}: {error}") from None

    def vector(self, layout: str, at: int) -> np.ndarray[Any, Any]:
        """Elements of the vector at `at`, whose length comes first."""
        count, dtype = self.take("I", at), np.dtype("<" + layout)
        if at + 4 + count * dtype.itemsize > len(self.data):
            raise Malformed(f"offset {at}: a vector of {count} elements leaves the file")
        return np.frombuffer(self.data, dtype, count, at + 4)


class _Table:
    """A flatbuffer table: field i is at the offset that its vtable gives, 0 if absent."""

    def __init__(self, data: _Bytes, at: int) -> None:
        self._data, self._at = data, at
        vtable = at - data.take("i", at)
        if vtable < 0:
            raise Malformed(f"offset {at}: the vtable lies before the file")
        size = data.take("H", vtable)
        self._fields = [data.take("H", vtable + 4 + 2 * i) for i in range((size - 4) // 2)]

    def _place(self, field: int) -> int | None:
        offset = self._fields[field] if field < len(self._fields) else 0
        return self._at + offset if offset else None

    def _target(self, field: int) -> int | None:
        place = self._place(field)
        return None if place is None else place + int(self._data.take("I", place))

    def scalar(self, field: int, layout: str, default: Any) -> Any:
        place = self._place(field)
        return default if place is None else self._data.take(layout, place)

    def table(self, field: int) -> _Table | None:
        target = self._target(field)
        return None if target is None else _Table(self._data, target)

    def tables(self, field: int) -> list[_Table]:
        target = self._target(field)
        if target is None:
            return []
        offsets = self._data.vector("u4", target).tolist()
        return [
            _Table(self._data, target + 4 + 4 * i + offset) for i, offset in enumerate(offsets)
        ]

    def vector(self, field: int, layout: str) -> np.ndarray[Any, Any]:
        target = self._target(field)
        return np.empty(0, layout) if target is None else self._data.vector(layout, target)

    def text(self, field: int) -> str:
        return self.vector(field, "u1").tobytes().decode("utf-8", "replace")


def read_model(path: Path) -> Model:
    """The model of a file; `Malformed` if it is none, or uses what this reader does not know."""
    return parse_model(path.read_bytes())


def parse_model(raw: bytes) -> Model:
    """The model in `raw`."""
    data = _Bytes(raw)
    if raw[4:8] != b"TFL3":
        raise Malformed("offset 4: expected the identifier TFL3")
    root = _Table(data, data.take("I", 0))
    if root.scalar(0, "I", 0) != 3:
        raise Malformed(f"schema version {root.scalar(0, 'I', 0)}, expected 3")
    graphs = root.tables(2)
    if len(graphs) != 1:
        raise Malformed(f"{len(graphs)} subgraphs, expected one")
    buffers = [b.vector(0, "u1").tobytes() for b in root.tables(4)]
    tensors = [_tensor(t, buffers) for t in graphs[0].tables(0)]
    codes = root.tables(1)
    operators = [_operator(o, codes, tensors) for o in graphs[0].tables(3)]
    inputs, outputs = (
        [_pick(tensors, i, "tensor") for i in graphs[0].vector(f, "i4").tolist()] for f in (1, 2))
    return Model(operators, inputs, outputs)


def _pick(values: Sequence[Any], index: int, what: str) -> Any:
    if not 0 <= index < len(values):
        raise Malformed(f"{what} {index} of {len(values)}")
    return values[index]


def _tensor(table: _Table, buffers: list[bytes]) -> Tensor:
    kind = table.scalar(1, "b", 0)
    if kind not in DTYPES:
        raise Malformed(f"tensor type {kind}")
    dtype = np.dtype(DTYPES[kind])
    shape = tuple(table.vector(0, "i4").tolist())
    if min(shape, default=0) < 0:
        raise Malformed(f"tensor shape {shape}")
    content = _pick(buffers, table.scalar(2, "I", 0), "buffer")
    data = None
    if content:
        if len(content) != int(np.prod(shape, dtype=np.int64)) * dtype.itemsize:
            raise Malformed(f"a buffer of {len(content)} bytes for shape {shape}")
        data = np.frombuffer(content, dtype.newbyteorder("<")).reshape(shape)
    quantization = table.table(4)
    scales, zero_points, axis = np.empty(0, np.float32), np.empty(0, np.int64), 0
    if quantization is not None:
        scales, zero_points = quantization.vector(2, "f4"), quantization.vector(3, "i8")
        axis = quantization.scalar(6, "i", 0)
    return Tensor(table.text(3), shape, dtype, data, scales, zero_points, axis)


def _operator(table: _Table, codes: list[_Table], tensors: list[Tensor]) -> Operator:
    code = _pick(codes, table.scalar(0, "I", 0), "operator code")
    number = max(code.scalar(0, "b", 0), code.scalar(3, "i", 0))
    if number not in OPERATORS:
        raise Malformed(f"operator {number}")
    name, union, fields = OPERATORS[number]
    stored = table.table(4)
    if stored is not None and table.scalar(3, "B", 0) != union:
        raise Malformed(f"{name}: options of kind {table.scalar(3, 'B', 0)}, expected {union}")
    options = {}
    for option, field, layout, default in fields:
        value = default if stored is None else stored.scalar(field, layout, default)
        if option in ENUMERATIONS:
            value = _pick(ENUMERATIONS[option], value, option)
        options[option] = value
    inputs = [
        None if i == -1 else _pick(tensors, i, "tensor") for i in table.vector(1, "i4").tolist()]
    outputs = [_pick(tensors, i, "tensor") for i in table.vector(2, "i4").tolist()]
    return Operator(name, code.scalar(2, "i", 1), options, inputs, outputs)
